"""Claims about who is left unserved: every wish for a contact has one end, and the ends are what they are called."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import tiny_folders
from banks import bank, live, scenario, tables
from builders import calm, newcomers, rates_of
from builders import live as live_month

from sim.agents.customer import BankView, Customers
from sim.agents.proposals import Proposals
from sim.bank.model import BankModel
from sim.cli import main
from sim.codes import ACTIVE, AGES, APP_USE, CHANNELS, DORMANT, LEAD, LOST, NOBODY, PHONE, REACH, RETENTION, WISHES
from sim.errors import BadInput
from sim.kernel import month as kernel
from sim.levers import Levers
from sim.measures.reach import KINDS, UNSERVED, funnel
from sim.store.run_reading import read
from sim.store.tables import reach_mistake

RICH = {"population": {"shares": {"mass": 0.5, "affluent": 0.25, "wealth": 0.2, "private": 0.05}}}
AMPLE = {
    "channels": {name: {"capacity": 1_000.0} for name in CHANNELS},
    "managers": {"hours_per_month": 400.0, "span": {"affluent": 40.0, "wealth": 40.0, "private": 40.0}},
    "model": {"mechanisms": {"manager_turnover": False}},  # nobody is on a vacant post's list
}
BUSY = {"arms": {"busy": [{"use": "stratification", "lag": 1.0}, {"use": "personalised_service", "lag": 1.0}]}}
WEIGHT = 1024


@pytest.fixture(scope="module")
def busy() -> tuple[BankModel, pd.DataFrame, list[tuple[int, float, float]]]:
    """A bank of two strategies that has lived, its wishes, and month by month: number, wishes of strategies, due."""
    model, seen = bank(scenario(8_000, months=14, **RICH, **BUSY)), []
    plan = model.team.plan

    def noting(customers: Customers, *asked: Any, rows: np.ndarray, proposals: Proposals | None, **more: Any) -> Any:
        wished = rows[proposals.rows] if proposals is not None else np.zeros(0, np.int64)
        interval = model.team.interval[customers.tier[rows]]
        due = np.setdiff1d(rows[customers.contact_gap[rows] + 1 >= interval], wished)
        weigh = [float(customers.weight[one].sum()) / WEIGHT for one in (wished, due)]
        seen.append((model.month, *weigh))
        return plan(customers, *asked, rows=rows, proposals=proposals, **more)

    model.team.plan = noting  # type: ignore[method-assign]
    live(model)
    return model, tables(model)["reach"], [one for one in seen if one[0] > 0]


def reach_of(people: Customers, plan: np.ndarray | None = None, **now: Any) -> np.ndarray:
    """Wishes of one month by what for and what became of them, customers."""
    plan = np.full(len(people), NOBODY, np.int8) if plan is None else plan
    p = now.pop("p", None) or rates_of()
    found = live_month(kernel.step_chunk, people, plan, calm(1, p=p, **now), p)
    return found.reach[..., 0].sum(axis=(0, 1)) / WEIGHT


def awake(rows: int, *, managed: bool) -> Customers:
    people = newcomers(rows)
    people.state[:] = ACTIVE
    people.opted_out[:] = 0
    people.manager[:] = 0 if managed else NOBODY
    people.weight[:] = WEIGHT
    return people


def ends(counts: np.ndarray, wish: str) -> dict[str, float]:
    """What became of the wishes of a kind, without what never happened."""
    row = counts[WISHES.index(wish)]
    return {end: float(number) for end, number in zip(REACH, row, strict=True) if number}


# --- everything adds up ----------------------------------------------------------------------------------------------


def test_every_wish_of_a_strategy_and_every_contact_due_has_exactly_one_end(busy) -> None:
    _, reach, seen = busy
    asked = reach[reach["wish"].isin(KINDS["asked"])]
    assert asked["customers"].sum() == sum(wished for _, wished, _ in seen) > 100
    assert reach.loc[reach["wish"] == "due", "customers"].sum() == sum(due for _, _, due in seen)
    assert set(asked["wish"]) == set(KINDS["asked"])


def test_wishes_that_came_so_far_are_the_contacts_that_were_made(busy) -> None:
    model, reach, _ = busy
    monthly = tables(model)["monthly"]
    contacts = monthly.loc[monthly["month"] > 0, [f"contacts_{name}" for name in CHANNELS]].to_numpy().sum()
    spoken = reach[reach["end"].isin(("not_reached", "declined", "answered"))]
    assert spoken["customers"].sum() == contacts
    bank_rows = tables(model)["bank"]
    reached = bank_rows[[f"reached[{name}]" for name in ("mass", "affluent", "wealth", "private")]].to_numpy().sum()
    heard = reach[reach["end"].isin(("declined", "answered")) & (reach["wish"] != "win_back")]
    assert heard["customers"].sum() == reached


def test_years_are_whole_and_the_rest_of_the_last(busy) -> None:
    _, reach, _ = busy
    assert set(reach["year"]) == {1, 2}
    a_month = reach.groupby("year")["customers"].sum() / [12, 2]
    assert a_month[2] == pytest.approx(a_month[1], rel=0.3)


def test_shares_of_a_group_add_up_to_one_and_groups_to_all(busy) -> None:
    _, reach, _ = busy
    tiers = ["mass", "affluent", "wealth", "private"]
    found = funnel(reach.assign(arm="busy"), ["busy"], tiers, 14, 1)
    np.testing.assert_allclose(found.groupby(["kind", "group"])["share"].sum(), 1.0)
    whole = found.pivot_table(index="kind", columns="group", values="customers", aggfunc="sum").fillna(0.0)
    for groups in (tiers, list(AGES), list(APP_USE)):
        np.testing.assert_allclose(whole[groups].sum(axis=1), whole["all"])
    assert whole.loc["due", "all"] == pytest.approx(reach.loc[reach["wish"] == "due", "customers"].sum() * 12 / 14)
    assert set(UNSERVED) == set(REACH) - {"declined", "answered"}


# --- the ends are what they are called -------------------------------------------------------------------------------


def everybody(model: BankModel, purpose: int = RETENTION) -> Proposals:
    view = BankView(model.customers, model.team.managed(model.customers))
    return Proposals.for_rows(view.state == ACTIVE, priority=np.log1p(view.aum), purpose=purpose)


def planned(model: BankModel, **levers: float) -> np.ndarray:
    """What a plan says of everybody with a manager, all of them wished for."""
    turned = Levers(4)
    for name, value in levers.items():
        setattr(turned, name, value)
    rows = model.team.managed(model.customers)
    size = float(len(model.customers))
    wishes = everybody(model)
    plan, _ = model.team.plan(
        model.customers, model.channels, turned, model.month + 1, size, 1.0, rows=rows, proposals=wishes
    )
    return plan[rows]


def lost(plan: np.ndarray) -> set[str]:
    """At what the wishes of a plan were lost."""
    return {REACH[(LOST - int(code)) % 4] for code in np.unique(plan) if code <= LOST}


def test_with_hours_and_room_to_spare_nobody_is_lost_to_either() -> None:
    model = live(bank(scenario(4_000, months=2, **RICH, **AMPLE)))
    assert lost(planned(model)) <= {"opted_out"}
    tight = live(bank(scenario(4_000, months=2, **RICH, managers={"hours_per_month": 25.0})))
    assert "no_hour" in lost(planned(tight))
    full = live(bank(scenario(4_000, months=2, **RICH, channels={name: {"capacity": 1.0} for name in CHANNELS})))
    assert "no_capacity" in lost(planned(full))


def test_a_cap_of_nothing_takes_every_wish() -> None:
    model = live(bank(scenario(4_000, months=2, **RICH, **AMPLE)))
    model.customers.opted_out[:] = 0
    plan = planned(model, pressure_cap=0.0)
    assert lost(plan) == {"pressure"}
    assert np.all(plan <= LOST)
    people = awake(3_000, managed=False)
    found = reach_of(people, campaign=[[0.0, 0.5, 0.0, 0.5, 0.0]] * 4, pressure_cap=0.0)
    assert ends(found, "campaign") == {"pressure": 3_000.0}


def test_who_has_opted_out_is_lost_there_and_nowhere_else() -> None:
    people = awake(2_000, managed=False)
    people.opted_out[:1_000] = (1 << len(CHANNELS)) - 1
    people.opt_out_month[:] = 0
    found = reach_of(people, campaign=[[0.0, 0.0, 0.0, 1.0, 0.0]] * 4, p=rates_of(reach=[1.0] * 5), push_share=0.0)
    assert ends(found, "campaign") == {"opted_out": 1_000.0, "answered": 1_000.0}


def test_reached_and_refused_reached_and_offered_nothing_and_not_reached() -> None:
    call, keep = np.full(2_000, PHONE, np.int8), np.full(2_000, PHONE | RETENTION, np.int8)
    never, always = rates_of(reach=[0.0] * 5), rates_of(reach=[1.0] * 5, conversion=[0.0] * 5)
    deaf = reach_of(awake(2_000, managed=True), call, p=never)
    assert ends(deaf, "due") == {"not_reached": 2_000.0}
    refused = reach_of(awake(2_000, managed=True), call, p=always, push_managers=1.0)
    assert ends(refused, "due") == {"declined": 2_000.0}
    kept = reach_of(awake(2_000, managed=True), keep, p=always, push_managers=1.0)
    assert ends(kept, "retention") == {"answered": 2_000.0}
    led = reach_of(awake(2_000, managed=True), call | LEAD, p=always, push_managers=0.0)
    assert ends(led, "lead") == {"answered": 2_000.0}


def test_a_win_back_is_answered_by_who_comes_back() -> None:
    people = awake(4_000, managed=False)
    people.state[:] = DORMANT
    people.opted_out[:400] = (1 << len(CHANNELS)) - 1
    people.opt_out_month[:] = 0
    found = ends(reach_of(people, win_back=[1.0] * 4), "win_back")
    assert found["opted_out"] == 400.0
    assert set(found) == {"opted_out", "declined", "answered"}
    assert found["answered"] == (people.state[400:] == ACTIVE).sum()


def test_groups_are_by_age_in_that_month_and_by_the_app_and_money_is_that_of_the_customer() -> None:
    people = awake(4, managed=True)
    people.tier[:], people.age[:], people.adopted[:] = 2, [59.8, 59.8, 60.5, 20.0], [0, 1, 0, 1]
    people.aum[:] = [1_000.4, 2_000.0, 3_000.0, 4_000.0]
    p = rates_of(adoption_on=0.0)
    plan = np.full(4, LOST - (4 * WISHES.index("offer") + REACH.index("no_hour")), np.int8)
    for at, groups in ((1, [0, 1, 2, 1]), (4, [2, 3, 2, 1])):  # a quarter of a year on
        alike = Customers.of({name: getattr(people, name).copy() for name in people.arrays._fields})
        found = live_month(kernel.step_chunk, alike, plan, calm(at, p=p), p).reach[2, :, 1, 2]
        for group in range(4):
            mine = np.array(groups) == group
            assert found[group, 0] == mine.sum() * WEIGHT
            assert found[group, 1] == np.array([1_000, 2_000, 3_000, 4_000])[mine].sum() * WEIGHT


# --- the file ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tiny_folders.made(tmp_path_factory.mktemp("tiny"), "run")


def test_the_table_is_stored_sealed_and_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = read(folder)
    assert "reach" in run.manifest["tables"]
    assert len(run.reach) > 10
    assert "reach.parquet" in json.dumps(run.manifest.get("seals", run.manifest))
    page = (folder / "report.html").read_text("utf-8")
    assert 'id="unserved"' in page
    assert (folder / "figures" / "unserved.png").exists()


def test_a_folder_of_an_earlier_edition_has_no_such_table_and_still_reports(folder: Path, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(folder, older)
    (older / "reach.parquet").unlink()
    manifest = json.loads((older / "manifest.json").read_text("utf-8"))
    manifest["tables"].remove("reach")
    del manifest["chains"]
    (older / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert read(older).reach is None
    assert main(["report", str(older)]) == 0
    page = (older / "report.html").read_text("utf-8")
    assert 'id="reach"' not in page
    assert 'id="chain"' not in page
    assert not (older / "figures" / "unserved.png").exists()


def test_a_table_that_says_nonsense_is_refused_by_name(folder: Path, tmp_path: Path) -> None:
    run = read(folder)
    for column, value, said in (("end", "lost", "lost not among"), ("customers", -1.0, "negative")):
        wrong = run.reach.copy()
        wrong.loc[0, column] = value
        assert said in reach_mistake(wrong, run.arms, run.tiers)
    assert reach_mistake(run.reach, run.arms, run.tiers) == ""
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "reach.parquet").write_bytes(b"PAR1")
    with pytest.raises(BadInput, match=r"reach\.parquet"):
        read(broken)
