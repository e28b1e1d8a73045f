"""What a tab of the page has and tells, without a browser: sessions, numbers, sentences, worth of knowing, jobs."""

from __future__ import annotations

import gc
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.analysis.worth import Worth
from sim.api.scenarios import prepared
from sim.cli import main
from sim.page import charts, jobs, numbers, telling
from sim.page.jobs import Job
from sim.page.lives import Event, Life
from sim.page.pair import Pair, Sure
from sim.page.session import FORGOTTEN, Session, Sessions
from sim.page.setting import Desk
from sim.page.shelf import Shelf
from sim.page.shown import Shown
from sim.page.worth import Known, Study
from sim.store.manifest import FINISHED
from sim.strategies import STRATEGIES
from sim.words import LANGUAGES, words

SMALL: dict[str, Any] = {
    "name": "small",
    "population": {"customers": 1500},
    "burn_in": 1,
    "months": 4,
    "seeds": [4],
    "arms": {"nothing": [], "thinking": [{"use": "digital_thinking"}], "both": {"label": "Beides", "strategies": []}},
}
EN, ZH = words("en"), words("zh")


def wait_for(what: Callable[[], bool], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.01)


@pytest.fixture
def session() -> Iterator[Session]:
    one = Session(prepared(SMALL), more=1)
    one.choose("nothing", "thinking")
    yield one
    one.close()


def run_out(session: Session) -> str:
    session.course.run()
    wait_for(lambda: session.course.status == "done")
    return session.course.digest


# --- sessions ---------------------------------------------------------------------------------------------------------


def test_what_is_turned_is_lived_again_as_far_as_was_shown(session: Session) -> None:
    session.course.run(2)
    wait_for(lambda: session.course.month == 2 and session.course.status == "paused")
    before = session.course
    session.strengthen("digital_thinking", 0.5)
    assert session.course is not before
    wait_for(lambda: session.course.month == 2 and session.course.status == "paused")
    assert not before.alive() or before.status == "cancelled"
    whole = run_out(session)
    session.strengthen("digital_thinking", 1.0)
    wait_for(lambda: session.course.status == "done")
    assert session.course.digest != whole
    session.strengthen("digital_thinking", 0.5)
    wait_for(lambda: session.course.status == "done")
    assert session.course.digest == whole


def test_a_knob_turned_back_is_not_turned(session: Session) -> None:
    knob = next(one for one in session.knobs if one.name == "digital_thinking.failures")
    session.set(knob, knob.low)
    assert session.setting.values == {knob.name: knob.low}
    session.set(knob, knob.base)
    assert session.setting.values == {}


def test_a_setting_that_does_not_fit_is_told_and_what_ran_stays(session: Session) -> None:
    course = session.course
    session.turn(months=0)
    assert "months" in session.mistake
    assert session.course is course
    session.turn(months=3)
    assert session.mistake == ""


@pytest.mark.long
def test_another_start_of_a_strategy_is_another_run(session: Session) -> None:
    first = run_out(session)
    session.delay("digital_thinking", 2)
    wait_for(lambda: session.course.status == "done")
    assert session.course.digest != first
    session.as_it_was()
    session.choose("nothing", "thinking")
    assert run_out(session) == first


def test_tabs_share_nothing_and_one_that_stays_away_is_closed() -> None:
    now = [0.0]
    sessions = Sessions(lambda: Session(prepared(SMALL), more=0), clock=lambda: now[0])
    one, other = sessions.of("a"), sessions.of("b")
    one.turn(seed=9)
    assert (other.setting.seed, sessions.of("a")) == (4, one)
    for tab in "ab":
        sessions.came(tab)
    sessions.left("a")
    now[0] = FORGOTTEN
    sessions.tidy()
    sessions.came("a")  # it came back in time
    sessions.came("a")  # and was loaded anew before the page before was missed
    sessions.left("a")
    now[0] += FORGOTTEN + 1
    sessions.tidy()
    assert sessions.of("a") is one
    sessions.left("a")
    now[0] += FORGOTTEN + 1
    sessions.tidy()
    assert len(sessions) == 1
    assert one.runner.course is None
    assert sessions.of("a") is not one
    sessions.close()


@pytest.mark.long
def test_run_after_run_leaves_no_bank_behind(session: Session) -> None:
    for seed in range(12):
        session.turn(seed=seed)
        run_out(session)
        wait_for(lambda: not session.course.alive())
    gc.collect()
    held = [one for one in gc.get_objects() if type(one) is Pair]
    assert len(held) <= 1
    assert len(session.runner._beginnings) <= 2  # of the seed in front and the one behind
    session.close()
    gc.collect()
    assert [one for one in gc.get_objects() if type(one) is Pair] == []


# --- numbers and sentences --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "value", "said"),
    [
        ("en", 1.2e9, "CNY 1.20 bn"),
        ("en", -817_000.0, "CNY −817 k"),
        ("en", 999_999.0, "CNY 1.00 m"),
        ("zh", 1.2e9, "CNY 12.0 亿"),
        ("zh", 95_000.0, "CNY 9.50 万"),
        ("zh", 2.5e12, "CNY 2.50 万亿"),
        ("en", math.nan, "\N{EN DASH}"),
    ],
)
def test_money_is_said_in_the_scale_of_its_language(language: str, value: float, said: str) -> None:
    assert numbers.money(words(language), value, "CNY").replace("\N{NO-BREAK SPACE}", " ") == said


def test_a_difference_has_its_interval_and_unit() -> None:
    def said(language: str, name: str, *found: Any) -> str:
        text = numbers.difference(words(language), name, Sure(*found), "CNY")
        return text.replace("\N{NO-BREAK SPACE}", " ")

    assert said("en", "retained", 0.0051, 0.0013, 4) == "+0.51 ±0.13 points"
    assert said("en", "aum", -1.25e6, math.nan, 1) == "−1.25 m CNY"
    assert said("en", "aum", 1e3, 2e6, 3) == "0.00 ±2.00 m CNY"
    assert said("zh", "profit", -824_000.0, 85_000.0, 5) == "−82.4 ±8.5 万 CNY"
    assert said("en", "contacts", -0.08, 0.081, 5) == "−0.08 ±0.08"


LIFE = Life(
    7,
    1,
    (
        (Event(3, "failed"), Event(8, "closed", "active")),
        (Event(3, "failed"), Event(7, "called", "phone"), Event(9, "complained")),
    ),
    ("closed", "active"),
)


def test_a_life_is_told_as_in_the_question() -> None:
    names = ("Nothing", "Everything")
    assert telling.summary(EN, LIFE, ["mass", "affluent"], names) == (
        "Everything: contacted by the manager (phone) in month 7, complained in month 9; stayed. "
        "Nothing: closed in month 8."
    )
    assert telling.summary(ZH, LIFE, ["大众", "富裕"], ("什么都不做", "全部")) == (
        "全部：第 7 月客户经理联系（电话），第 9 月投诉；留下。什么都不做：第 8 月销户。"
    )
    same = Life(7, 1, (LIFE.events[0], LIFE.events[0]), ("closed", "closed"))
    assert telling.summary(EN, same, [], names) == "The same in both: closed in month 8."
    assert telling.apart(LIFE) == ({LIFE.events[0][1]}, set(LIFE.events[1][1:]))


def test_every_event_every_strategy_and_every_number_of_a_strategy_has_words(session: Session) -> None:
    source = Path(telling.__file__).with_name("lives.py").read_text("utf-8")
    for what in ("called", "contacted", "held", "up", "down", "dormant", "back", "opted_out", "gave_up", "failed"):
        assert f'"{what}"' in source
    for language in LANGUAGES:
        some = words(language)
        for use in STRATEGIES:
            assert f"page.strategy.{use}" in some
            assert f"page.about.{use}" in some
    shown = Shown(session, Shelf(), ZH)
    session.turn(intensities=dict.fromkeys(STRATEGIES, 1.0))
    for knob in session.knobs:
        if knob.group in STRATEGIES:
            assert shown.label(knob) in ZH.texts.values(), knob.name
            assert shown.unit(knob) in ZH.texts.values(), knob.unit


def test_names_are_labels_where_there_are_and_words_of_the_page_else(session: Session) -> None:
    shown = Shown(session, Shelf(), ZH)
    assert shown.names == ("什么都不做", "thinking")
    assert shown.arm("both") == "Beides"
    assert shown.tiers == ["大众", "富裕", "财富", "私人银行"]


def test_charts_have_every_month_and_say_themselves(session: Session) -> None:
    run_out(session)
    wait_for(lambda: not session.course.alive())
    course, names = session.course, ("a", "b")
    for name in charts.LINES:
        option = charts.line(EN, name, course, names, "CNY")
        assert [len(one["data"]) for one in option["series"]] == [5, 5]
        assert len(json.dumps(option)) < 4000
    profit = charts.line(EN, "profit", course, names, "CNY")["series"][1]["data"]
    scale = 1e3 if "k" in charts.line(EN, "profit", course, names, "CNY")["title"]["subtext"] else 1.0
    assert profit[-1][1] * scale == pytest.approx(sum(one.profit for one in course.seen[1]), rel=1e-3)
    edge, width, middle = charts.band(EN, "aum", course, "CNY")["series"]
    assert len(edge["data"]) == len(width["data"]) == len(middle["data"]) == 5
    for (_, low), (_, wide), (_, mean) in zip(edge["data"], width["data"], middle["data"], strict=True):
        assert low + wide / 2 == pytest.approx(mean, abs=1e-4)
    pyramid = charts.pyramid(EN, course, names, ["m", "a", "w", "p"])
    assert pyramid["series"][1]["data"][0] == round(course.seen[1][-1].customers[0])
    assert "month 4" in charts.difference_said(EN, "aum", course, "CNY")


# --- what to find out -------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_worlds_of_a_setting_say_what_knowing_is_worth_and_order_the_levers(session: Session) -> None:
    study = session.study(worlds=8, agents=300)
    study.wait(200)
    assert (study.status, study.error, study.done) == ("done", "", 16)
    assert study.known is not None
    assert session.learn()
    assert not session.learn()
    order = list(study.known.worth.parts["parameter"])
    assert len(order) > 50
    assert [one.name for one in session.knobs[:20]] == [name for name in order if name in _names(session)][:20]
    said = telling.knowing(EN, study.known, str, "CNY")
    assert "of 8 worlds" in said[0]


def _names(session: Session) -> set[str]:
    return {one.name for one in session.knobs}


@pytest.mark.long
def test_a_study_is_cancelled_within_a_world(session: Session) -> None:
    study = Study(session.desk, session.setting, worlds=5000, agents=300).start()
    wait_for(lambda: study.done > 0)
    study.cancel()
    study.wait(60)
    assert study.status == "cancelled"
    assert 0 < study.done < 10_000


def known(clear: bool) -> Known:
    total = pd.DataFrame([{"best": "a", "chance_best": 0.75, "evpi": 2e6, "evpi_se": 5e5}])
    row = {"evppi": 1e6 * clear, "share": 0.5, "at_most": 1.5e6, "best_low": "b", "best_high": "a", "turns_at": 0.3}
    parts = pd.DataFrame([{"parameter": "x.y", "clear": clear, **row}])
    return Known(Worth(total, parts, pd.DataFrame(), pd.DataFrame()), 64)


def test_what_knowing_is_worth_is_told_and_what_is_not_clear_is_called_so() -> None:
    said = [text.replace("\N{NO-BREAK SPACE}", " ") for text in telling.knowing(EN, known(True), str, "CNY")]
    assert said[:2] == [
        "On average a is best; it is in 75 % of 64 worlds.",
        "To know every assumption beforehand would be worth CNY 2.00 m ± CNY 500 k.",
    ]
    (row,) = telling.parts(EN, known(True), str, str, "CNY")
    assert row["turns"] == "below 0.3 b, above it a"
    assert known(True).shares == {"x.y": 0.5}
    (row,) = telling.parts(EN, known(False), str, str, "CNY")
    assert row["worth"] == "not clear"
    assert known(False).shares == {"x.y": 0.0}


# --- jobs -------------------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.slow
def test_a_saved_setting_is_run_beside_the_page_to_its_digest(session: Session, tmp_path: Path) -> None:
    digest = run_out(session)
    one = session.desk.prepared(session.setting)
    file = jobs.save(tmp_path / "results", one.scenario.name, one.digest, session.text())
    assert file.parent.name == jobs.SAVED
    job = Job(["run", str(file)], tmp_path / "results" / jobs.SAVED / file.stem, sweep=False)
    assert job.wait(200) == 0
    assert job.progress().state == "done"
    manifest = json.loads((job.folder / "manifest.json").read_text("utf-8"))
    assert manifest["result_digest"] == digest
    (stored,) = Shelf(tmp_path / "results").stored()
    assert stored.name == "small"


SWEPT = {
    **{key: value for key, value in SMALL.items() if key != "arms"},
    "arms": {"nothing": [], "thinking": [{"use": "digital_thinking"}]},
    "months": 2,
    "sweep": {"design": "random", "samples": 4000, "vary": {"economics.margin.mass": {"low": 0.01, "high": 0.03}}},
}


@pytest.mark.long
@pytest.mark.slow
def test_a_sweep_is_watched_and_stopped_and_what_was_finished_is_kept(tmp_path: Path) -> None:
    from sim.yaml_source import dump

    (tmp_path / "swept.yaml").write_text(dump(SWEPT), "utf-8")
    job = Job(["run", str(tmp_path / "swept.yaml"), "--workers", "1"], tmp_path / "swept", sweep=True)
    wait_for(lambda: job.progress().done > 0)
    now = job.progress()
    assert (now.state, now.total) == ("running", 8000)
    assert str(tmp_path) not in now.words
    job.stop()
    assert job.progress().state == "stopped"
    assert 0 < job.progress().done < 8000
    assert json.loads((tmp_path / "swept" / "manifest.json").read_text("utf-8"))["status"] not in FINISHED


def test_a_job_that_fails_says_why_without_a_path_of_the_machine(tmp_path: Path) -> None:
    job = Job(["run", str(tmp_path / "deep" / "nowhere.yaml")], tmp_path / "out", sweep=False)
    assert job.wait(60) == 2
    now = job.progress()
    assert now.state == "failed"
    assert now.words.startswith("nowhere.yaml  no such file")


def test_the_sweeps_that_come_with_the_program_are_offered() -> None:
    assert "sweep_training" in jobs.sweeps()
    assert "baseline" not in jobs.sweeps()


@pytest.mark.long
@pytest.mark.slow
def test_levers_begin_in_the_order_of_the_newest_stored_run(tmp_path: Path) -> None:
    from sim.yaml_source import dump

    believed = {**SMALL, "seeds": [1, 2], "beliefs": {"worlds": 8, "agents": 300}}
    believed["arms"] = {"nothing": [], "thinking": [{"use": "digital_thinking"}]}
    (tmp_path / "small.yaml").write_text(dump(believed), "utf-8")
    out = tmp_path / "results" / "small" / "one"
    assert main([str(tmp_path / "small.yaml"), "--out", str(out), "--quiet"]) == 0
    worth = Shelf(tmp_path / "results").worth("small")
    assert len(worth) > 50
    desk = Desk(prepared(believed), worth)
    assert [one.name for one in desk.knobs(desk.first())[:5]] == list(worth)[:5]
    assert Shelf(tmp_path / "results").worth("other") == {}
    assert np.all([0.0 <= share <= 1.0 for share in worth.values()])
