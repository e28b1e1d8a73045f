"""The model side of the page, without a browser: a pair of arms lived by hand is what `run.py` lives."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.api.scenarios import prepared
from sim.cli import main
from sim.codes import CLOSED
from sim.errors import BadInput
from sim.page.lives import Lives, life, telling
from sim.page.pair import Beginning, Cancelled, Pair, differences, sure
from sim.page.runner import CANCELLED, DONE, PAUSED, Course, Runner
from sim.page.setting import Desk, Setting

SMALL: dict[str, Any] = {
    "name": "small",
    "population": {"customers": 2000},
    "burn_in": 3,
    "months": 5,
    "seeds": [4],
    "arms": {
        "nothing": [],
        "both": [{"use": "digital_thinking"}, {"use": "stratification", "from": 1, "intensity": 0.8}],
    },
}


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(prepared(SMALL))


def lived(pair: Pair) -> Pair:
    while pair.step():
        pass
    return pair


def wait_for(what: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


def digest_of_run(text: str, folder: Path) -> str:
    (folder / "saved.yaml").write_text(text, "utf-8")
    assert main([str(folder / "saved.yaml"), "--out", str(folder / "run"), "--quiet"]) == 0
    return str(json.loads((folder / "run" / "manifest.json").read_text("utf-8"))["result_digest"])


# --- a setting --------------------------------------------------------------------------------------------------------


def turned(desk: Desk) -> Setting:
    """Every kind of lever away from where the scenario has it."""
    intensities = {"digital_thinking": 0.5, "personalised_service": 1.0}
    values = {"digital_thinking.failures": -0.4, "model.contacts.need": 0.7, "channels.price": 1.2}
    known = {one.name for one in desk.knobs(replace(desk.first(), intensities=intensities))}
    return replace(
        desk.first(),
        intensities=intensities,
        begins={"personalised_service": 2},
        values={name: value for name, value in values.items() if name in known},
    )


def test_what_is_saved_runs_from_the_terminal_to_the_digest_of_the_page(desk: Desk, tmp_path: Path) -> None:
    setting = turned(desk)
    assert len(setting.values) >= 2
    pair = lived(Pair(desk.prepared(setting)))
    assert pair.digest() == digest_of_run(desk.text(setting), tmp_path)
    plain = lived(Pair(desk.prepared(desk.first())))
    assert plain.digest() != pair.digest()


def test_a_burn_in_is_lived_once_for_all_settings_that_share_it(desk: Desk) -> None:
    first, other = desk.first(), replace(turned(desk), months=4, values={"digital_thinking.failures": -0.4})
    key = desk.key(desk.prepared(first))
    assert key == desk.key(desk.prepared(other))
    beginning = lived(Pair(desk.prepared(first), key=key)).beginning
    from_scratch = lived(Pair(desk.prepared(other)))
    assert lived(Pair(desk.prepared(other), beginning=beginning)).digest() == from_scratch.digest()
    world = replace(first, values={one.name: one.high for one in desk.knobs(first) if one.group == "model"})
    assert desk.key(desk.prepared(world)) != key
    larger = Desk(prepared({**SMALL, "population": {"customers": 2001}}))
    assert larger.key(larger.prepared(larger.first())) != key


def test_a_knob_has_unit_range_and_source_and_stands_where_the_scenario_has_it(desk: Desk) -> None:
    knobs = desk.knobs(desk.first())
    assert len(knobs) > 100
    for one in knobs:
        assert one.low <= one.base <= one.high, one.name
        assert one.low < one.high, one.name
        assert one.step > 0, one.name
        assert one.unit, one.name
        assert one.source or one.factor, one.name
    assert len({one.name for one in knobs}) == len(knobs)
    assert {one.group for one in knobs[:20]} <= {"digital_thinking", "stratification"}


def test_numbers_worth_most_to_know_come_first() -> None:
    desk = Desk(prepared(SMALL), worth={"model.contacts.need": 0.4, "stratification.near": 0.1})
    assert [one.name for one in desk.knobs(desk.first())[:2]] == ["model.contacts.need", "stratification.near"]


def test_what_does_not_fit_is_refused(desk: Desk) -> None:
    with pytest.raises(BadInput, match="against itself"):
        desk.prepared(replace(desk.first(), arm="nothing"))
    with pytest.raises(BadInput, match="unknown strategy"):
        desk.prepared(replace(desk.first(), intensities={"magic": 1.0}))
    with pytest.raises(BadInput, match="intensity"):
        desk.prepared(replace(desk.first(), intensities={"digital_thinking": 7.0}))
    with pytest.raises(BadInput, match="months"):
        desk.prepared(replace(desk.first(), months=0))


def test_an_arm_at_nothing_is_the_reference(desk: Desk) -> None:
    pair = lived(Pair(desk.prepared(replace(desk.first(), intensities={}, begins={}))))
    assert pair.seen[0] == pair.seen[1]
    assert all(not any(values) for values in differences(pair.seen).values())


# --- a pair -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(desk: Desk) -> Pair:
    pair = Pair(desk.prepared(desk.first()), followed=500)
    return lived(pair)


def test_what_is_shown_is_what_is_recorded(whole: Pair) -> None:
    for arm, tables in enumerate(whole.tables()):
        monthly, bank = tables["monthly"].groupby("month").sum(numeric_only=True), tables["bank"]
        seen = whole.seen[arm]
        assert [one.month for one in seen] == list(range(6))
        for name in ("active", "aum", "revenue", "profit", "complaints"):
            np.testing.assert_allclose([getattr(one, name) for one in seen], monthly[name])
        assert [sum(one.customers) for one in seen] == list(monthly["customers"])
        assert [one.revenue - one.cost for one in seen] == pytest.approx([one.profit for one in seen])
        last = bank.iloc[-1]
        assert seen[-1].retained == pytest.approx(last["kept_month_0"] / last["active_month_0"])
        assert seen[0].retained == 1.0
        assert seen[-1].nps == last["nps"]


def test_the_table_of_managers_is_the_bank_s(whole: Pair) -> None:
    rows = whole.managers(1)
    bank = whole.banks[1]
    np.testing.assert_allclose([row["book"] for row in rows], bank.team.books(bank.customers))
    named = [row for row in rows if row["tier"] and not row["vacant"]]
    mean = np.mean([row["utilisation"] for row in named])
    assert mean == pytest.approx(bank.recorder.bank[-1]["utilisation"])
    assert all(0.0 <= row["bond"] <= 1.0 for row in rows)
    assert any(row["bond"] > 0 for row in rows)


def test_a_difference_over_seeds_has_the_interval_of_a_paired_t() -> None:
    from scipy.stats import ttest_rel

    values = [1.0, 2.5, 0.7, 1.9]
    found = sure(values)
    low, high = ttest_rel(values, np.zeros(4)).confidence_interval(0.95)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((low, high))
    assert np.isnan(sure([1.0]).half)


def test_waiting_can_be_given_up(desk: Desk) -> None:
    lived_months: list[int] = []
    with pytest.raises(Cancelled):
        Pair(desk.prepared(desk.first()), stop=lambda: len(lived_months) == 2, tell=lived_months.append)
    assert lived_months == [-2, -1]


# --- lives ------------------------------------------------------------------------------------------------------------


def test_failures_and_complaints_are_those_that_the_customer_met(desk: Desk) -> None:
    """What stays open of failures follows from which of them failed and were solved, month by month."""
    strong = {"use": "digital_thinking", "where": {"share": 0.5}, "failures": -0.9, "lag": 0, "fidelity": 1, "speed": 1}
    busy = {**SMALL, "months": 14, "arms": {"nothing": [], "half": [strong]}}
    pair = Pair(prepared(busy), followed=2000)
    open_then = [np.zeros(0), np.zeros(0)]
    failures = complaints = 0
    while True:
        for place, (bank, lives) in enumerate(zip(pair.banks, pair.lives, strict=True)):
            here = lives.rows >= 0
            is_open = np.full(lives.uid.size, np.nan)
            is_open[here] = bank.customers.open_failure[lives.rows[here]]
            if lives.lived:
                failed, complained = lives.kept["failed"][-1], lives.kept["complained"][-1]
                change = is_open - open_then[place] * bank.rates.failure_fading
                left = failed & here & (np.abs(change) > 0.5)  # failed, and was not solved
                np.testing.assert_array_equal(np.abs(change[here & ~failed]) < 1e-5, True)
                assert (left <= failed).all()
                assert set(np.round(change[here & failed], 5)) <= {0.0, 1.0}
                solved = here & failed & ~left
                assert (solved <= complained).all()
                failures, complaints = failures + int(failed.sum()), complaints + int(complained.sum())
            open_then[place] = is_open
        if pair.month == pair.months:
            break
        pair.step()
    assert failures > complaints > 20
    pair.close()


@pytest.fixture(scope="module")
def apart() -> Pair:
    """Two arms that differ much, for long enough that some customers end otherwise."""
    strong = [{"use": use} for use in ("digital_thinking", "stratification", "personalised_service")]
    return lived(Pair(prepared({**SMALL, "months": 20, "arms": {"nothing": [], "strong": strong}}), followed=2000))


def test_a_life_says_how_it_ended_in_both_arms(apart: Pair) -> None:
    uids = telling(apart.lives, most=300)
    assert len(uids) == 300
    ends = []
    for uid in uids:
        one = life(apart.lives, uid)
        assert one is not None
        for arm in (0, 1):
            closed = [event for event in one.events[arm] if event.what == "closed"]
            assert (one.fates[arm] == "closed") == bool(closed)
            months = [event.month for event in one.events[arm]]
            assert months == sorted(months)
            c = apart.banks[arm].customers
            assert (one.fates[arm] == "closed") == (not ((c.uid == np.uint64(uid)) & (c.state != CLOSED)).any())
        ends.append(one.fates)
    differs = [a != b for a, b in ends]
    assert differs == sorted(differs, reverse=True)  # other fates come first
    assert 3 < sum(differs) < 300
    assert life(apart.lives, 5) is None


def test_contacts_of_a_life_are_those_that_were_counted(whole: Pair) -> None:
    lives: Lives = whole.lives[1]
    for place in range(100):
        told = sum(event.what in ("called", "contacted") for event in lives.events(place))
        column = [
            int(values[place])
            for values, state in zip(lives.kept["contacts"], lives.kept["state"], strict=True)
            if state[place] != CLOSED
        ]
        assert told == sum(b > a for a, b in itertools.pairwise(column))


# --- in a thread ------------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_it_runs_steps_pauses_and_ends_with_the_digest(desk: Desk, tmp_path: Path) -> None:
    runner, one = Runner(more=2), desk.prepared(desk.first())
    course = runner.start(one, desk.key(one))
    wait_for(lambda: course.status == PAUSED)
    assert course.month == 0
    course.step()
    wait_for(lambda: course.month == 1 and course.status == PAUSED)
    course.run(3)
    wait_for(lambda: course.month == 3 and course.status == PAUSED)
    course.run()
    wait_for(lambda: course.status == DONE)
    assert course.digest == digest_of_run(desk.text(desk.first()), tmp_path)
    wait_for(lambda: not course.alive())
    assert sorted(course.behind) == [5, 6]
    other = lived(Pair(desk.prepared(replace(desk.first(), seed=6))))
    assert course.behind[6] == differences(other.seen)
    assert course.difference()["retained"].seeds == 3
    assert np.isfinite(course.difference()["aum"].half)
    again = runner.start(one, desk.key(one))
    again.run()
    wait_for(lambda: again.status == DONE)
    assert again.digest == course.digest
    runner.close()


def test_a_long_run_is_cancelled_within_a_month(desk: Desk) -> None:
    runner, one = Runner(more=2), desk.prepared(replace(desk.first(), months=600))
    course = runner.start(one, desk.key(one))
    course.run()
    wait_for(lambda: course.month > 3)
    runner.cancel(wait=60)
    assert course.status == CANCELLED
    assert not course.alive()
    assert 3 < course.month < 600


def test_a_burn_in_is_kept_for_the_next_run_of_the_same_bank(desk: Desk) -> None:
    runner, one = Runner(more=0), desk.prepared(desk.first())
    for _ in range(2):
        runner.start(one, desk.key(one))
        wait_for(lambda: runner.course is not None and runner.course.status == PAUSED)
    kept = runner._beginnings
    assert [type(each) for each in kept.values()] == [Beginning]
    other = desk.prepared(replace(desk.first(), seed=9))
    runner.start(other, desk.key(other))
    wait_for(lambda: runner.course is not None and runner.course.status == PAUSED)
    assert {seed for _, seed in runner._beginnings} == {9}
    runner.close()


def test_what_breaks_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sim.page.runner.Pair", lambda *_, **__: 1 / 0)
    one = desk.prepared(desk.first())
    course = Course(one, key="", beginnings={}, more=1).start()
    wait_for(lambda: not course.alive())
    assert (course.status, course.error) == ("failed", "ZeroDivisionError: division by zero")
    assert "ZeroDivisionError" in capsys.readouterr().err
