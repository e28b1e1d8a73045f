"""Pilots: a strategy in a part of the bank. Who is in it lives as under the strategy, everybody else as without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from banks import bank, live, scenario, tables

from sim.agents.customer import NAMES
from sim.bank.model import BankModel
from sim.bank.pilots import Pilots
from sim.cli import main
from sim.codes import CLOSED, GONE
from sim.kernel.tallies import Tally
from sim.scenario.scenario import Scenario
from sim.strategies import STRATEGIES, Implementation, Programme
from sim.strategies.where import Pilot

FAST = {"speed": 10.0, "lag": 0.5, "fidelity": 1.0}  # full effect from the first month on
# Nothing couples customers: no managers with scarce hours, nobody imitates others.
ALONE: dict[str, Any] = {
    "managers": {"coverage": dict.fromkeys(("mass", "affluent", "wealth", "private"), 0.0)},
    "model": {"adoption": {"peers": 0.0}},
    "population": {"shares": {"mass": 0.6, "affluent": 0.25, "wealth": 0.12, "private": 0.03}},
}
# Strategies as far as a pilot can have them: what changes managers is left out.
PILOTED: dict[str, dict[str, Any]] = {
    "digital_thinking": {},
    "stratification": {"parts": ["leads", "coordination", "outreach", "win_back", "pressure", "grace", "retention"]},
    "personalised_service": {"hours": 0.3, "hours_before": 0.3, "contact_time": 0.0},
    "institutional": {},
    "fintech": {},
}


def arms(months: int = 6, customers: int = 6_000, **sections: Any) -> Any:
    """A scenario of nothing and of these arms."""
    uses = sections.pop("arms")
    return scenario(customers, months=months, arms={"nothing": [], **uses}, **sections)


def begun(s: Scenario, arm: str, seed: int = 3, threads: int = 1) -> BankModel:
    one = next(one for one in s.arm_list if one.name == arm)
    return BankModel(s, one, seed, bank(s, seed).source, threads=threads)


def of_arm(s: Scenario, arm: str, **how: Any) -> dict[str, pd.DataFrame]:
    return tables(live(begun(s, arm, **how)))


def same(one: dict[str, pd.DataFrame], other: dict[str, pd.DataFrame]) -> None:
    for name in one:
        left, right = one[name].drop(columns="arm"), other[name].drop(columns="arm")
        pd.testing.assert_frame_equal(left, right, check_exact=True, obj=name)


def lives(s: Scenario, arm: str) -> tuple[list[dict[str, np.ndarray]], BankModel]:
    """All columns of everybody there at the end of each month, in the order of uid."""
    months = []

    def watch(model: BankModel) -> None:
        c = model.customers
        there = np.flatnonzero(c.state != CLOSED)
        order = there[np.argsort(c.uid[there])]
        months.append({name: getattr(c, name)[order].copy() for name in NAMES})

    return months, live(begun(s, arm), watch)


def equal(one: dict[str, np.ndarray], mine: np.ndarray, other: dict[str, np.ndarray], theirs: np.ndarray) -> None:
    for name in set(NAMES) - {"year_ago"}:
        np.testing.assert_array_equal(one[name][mine], other[name][theirs], err_msg=name)


# --- whose lives change ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", PILOTED)
def test_inside_all_is_as_in_the_whole_bank_and_outside_as_without(use: str) -> None:
    """To the bit, all columns of every customer, joiners too, where nothing couples customers."""
    full = {"use": use, **PILOTED[use], **FAST}
    where = {"tier": ["mass", "wealth"], "share": 0.4}
    s = arms(arms={"full": [full], "pilot": [full | {"where": where}]}, **ALONE)
    (nothing, _), (everywhere, _), (pilot, model) = (lives(s, arm) for arm in ("nothing", "full", "pilot"))
    drawn = Pilots([Pilot(0.4, (True, False, True, False))], 3)
    assert model.pilots is not None
    told = [0, 0, 0]
    for without, whole, part in zip(nothing, everywhere, pilot, strict=True):
        inside = [drawn.labels(month["uid"], month["first_tier"]) == 1 for month in (without, whole, part)]
        assert 0.2 < inside[0].mean() < 0.4
        shared = [np.isin(month["uid"], other["uid"]) for month, other in ((part, without), (without, part))]
        young = [month["joined_month"] > 0 for month in (part, without)]
        equal(part, ~inside[2] & ~young[0], without, ~inside[0] & ~young[1])
        equal(part, ~inside[2] & shared[0], without, ~inside[0] & shared[1])  # how many join hangs on the bank's size
        equal(part, inside[2] & ~young[0], whole, inside[1] & (whole["joined_month"] <= 0))
        told[0] += int((inside[2] & young[0]).sum())
        told[1] += sum(not np.array_equal(part[name], without[name]) for name in NAMES)
    assert told[0] > 0  # somebody joined into the pilot
    assert told[1] > 0  # and it does something


@pytest.mark.parametrize("use", [*PILOTED, "staff_upskilling", "human_resources"])
def test_a_pilot_of_everybody_is_no_pilot(use: str) -> None:
    """Managers and all: the same bits as without `where`, whether the tiers are named or not."""
    one = {"use": use, **FAST}
    tiers = ["mass", "affluent", "wealth", "private"]
    s = arms(
        arms={
            "plain": [one],
            "all": [one | {"where": {"share": 1.0}}],
            "named": [one | {"where": {"tier": tiers}}],
        },
        months=4,
    )
    plain = of_arm(s, "plain")
    same(plain, of_arm(s, "all"))
    same(plain, of_arm(s, "named"))


def test_a_manager_calls_for_a_strategy_whom_the_pilot_holds_and_nobody_else() -> None:
    calls = {
        "use": "stratification",
        "parts": ["near_threshold", "leads", "retention"],
        **FAST,
        "from": 3,
        "retention": 0.5,
    }
    where = {"tier": ["affluent", "wealth"], "share": 0.5}
    s = arms(arms={"full": [calls], "pilot": [calls | {"where": where}]}, months=6, customers=20_000)
    found = {}
    for arm in ("full", "pilot"):
        model = begun(s, arm)
        model.run(until=3)
        rows = next_month(model)
        wishes = model._proposals(rows)
        assert wishes is not None
        wanted = rows[wishes.rows]
        c = model.customers
        inside = Pilots([Pilot(0.5, (False, True, True, False))], 3).labels(c.uid[wanted], c.first_tier[wanted]) == 1
        told = zip(wishes.priority.tolist(), wishes.purpose.tolist(), inside.tolist(), strict=True)
        found[arm] = dict(zip(c.uid[wanted].tolist(), told, strict=True))
    assert len(found["full"]) > 100
    assert found["pilot"] == {uid: wish for uid, wish in found["full"].items() if wish[2]}


def next_month(model: BankModel) -> np.ndarray:
    """Begin a month as `step` does, up to what managers plan; rows of managed customers."""
    model.month += 1
    model.levers.reset()
    model.turn_levers()
    model.now = model._now(model.levers)
    return model.team.managed(model.customers)


def test_the_cap_on_contacts_of_a_pilot_spares_its_customers_from_managers_too() -> None:
    """A cap that allows nothing: nobody in the pilot is called, everybody else as without."""
    cap = {
        "use": "institutional",
        "from": 4,
        **FAST,
        "pressure": 0.01,
        "uncapped": 0.01,
        "mis_selling": 0.0,
        "consent": 0.0,
    }
    where = {"tier": "wealth", "share": 0.5}
    s = arms(arms={"pilot": [cap | {"where": where}]}, months=6, customers=20_000)
    plans = {}
    for arm in ("nothing", "pilot"):
        model = begun(s, arm)
        model.run(until=4)
        next_month(model)
        plan, _ = model.schedule()
        c = model.customers
        inside = Pilots([Pilot(0.5, (False, False, True, False))], 3).labels(c.uid, c.first_tier) == 1
        here = c.state != CLOSED
        plans[arm] = (
            dict(zip(c.uid[here].tolist(), plan[here].tolist(), strict=True)),
            set(c.uid[inside & here].tolist()),
        )
    (without, _), (there, inside_) = plans["nothing"], plans["pilot"]
    assert sum(without[uid] >= 0 for uid in inside_) > 20
    assert all(there[uid] < 0 for uid in inside_)
    outside = set(without) - inside_
    kept = [uid for uid in outside if without[uid] >= 0]
    assert all(there[uid] == without[uid] for uid in kept)  # hours that are free now may serve more of them


# --- who is in it ----------------------------------------------------------------------------------------------------


def test_customers_are_drawn_by_key_in_their_share_and_a_larger_pilot_holds_the_smaller() -> None:
    uid = np.arange(1, 100_001, dtype=np.uint64)
    tier = np.arange(100_000) % 4

    def inside(share: float, seed: int = 5) -> np.ndarray:
        return Pilots([Pilot(share, (False, True, True, False))], seed).labels(uid, tier) == 1

    assert not inside(0.2)[(tier == 0) | (tier == 3)].any()
    assert inside(0.2)[(tier == 1) | (tier == 2)].mean() == pytest.approx(0.2, abs=4 * (0.16 / 50_000) ** 0.5)
    assert not (inside(0.2) & ~inside(0.3)).any()
    assert (inside(0.2) != inside(0.2, seed=6)).mean() == pytest.approx(0.16, abs=0.01)
    shuffled = np.random.default_rng(1).permutation(uid.size)
    labels = Pilots([Pilot(0.2, (False, True, True, False))], 5).labels(uid[shuffled], tier[shuffled])
    np.testing.assert_array_equal(labels == 1, inside(0.2)[shuffled])


BOTH = [
    {"use": "digital_thinking", **FAST, "where": {"share": 0.3}},
    {"use": "fintech", **FAST, "where": {"tier": "mass", "share": 0.5}},
    {"use": "human_resources", **FAST},
]


def test_neither_threads_nor_the_order_of_rows_or_of_strategies_changes_a_bit() -> None:
    s = arms(arms={"one": BOTH, "other": BOTH[::-1]}, customers=40_000, months=4)
    one = of_arm(s, "one")
    same(one, of_arm(s, "one", threads=3))
    same(one, {name: table[one[name].columns] for name, table in of_arm(s, "other").items()})
    shuffled = begun(s, "one")
    shuffled.customers.reorder(np.random.default_rng(7).permutation(len(shuffled.customers)))
    same(one, tables(live(shuffled)))


def test_rows_of_a_label_stand_together_and_joiners_come_among_their_own() -> None:
    s = arms(arms={"one": BOTH}, months=12, model={"acquisition": {"rate": 0.4}})
    model = live(begun(s, "one"))
    c, pilots = model.customers, model.pilots
    assert pilots is not None
    open_ = c.state != CLOSED
    np.testing.assert_array_equal(pilots.of(np.flatnonzero(open_)), pilots.labels(c.uid, c.first_tier)[open_])
    runs = list(pilots.runs())
    assert [first for first, _, _ in runs[1:]] == [last for _, last, _ in runs[:-1]]
    assert runs[-1][1] == len(c)
    assert len(runs) <= 4 + 12 * 4
    assert pilots.present == [1, 2, 3]
    assert (c.joined_month[open_] > 0).sum() > 500


def test_a_bank_lives_its_burn_in_before_anybody_is_in_a_pilot() -> None:
    """One bank stepped by hand stands where the arm of a run stands."""
    s = arms(arms={"one": BOTH}, months=3, burn_in=4)
    alone = begun(s, "one")
    assert alone.month == -4
    alone.run(until=0)
    assert alone.pilots is not None
    reference = begun(s, "nothing")
    reference.run(until=0)
    order, other = np.argsort(alone.customers.uid), np.argsort(reference.customers.uid)
    for name in ("uid", "aum", "satisfaction", "state"):
        np.testing.assert_array_equal(
            getattr(alone.customers, name)[order], getattr(reference.customers, name)[other], err_msg=name
        )


def test_a_pilot_goes_on_from_a_stored_state_and_another_may_begin_there() -> None:
    s = arms(arms={"one": BOTH, "later": [{**BOTH[1], "from": 3}], "none": []}, months=6)
    for arm, past in (("one", "one"), ("later", "none"), ("later", "later")):
        stored = begun(s, past)
        stored.run(until=3)
        on = BankModel(
            s, next(one for one in s.arm_list if one.name == arm), 3, bank(s, 3).source, state=stored.state()
        )
        on.run()
        same(of_arm(s, arm), on.recorder.tables(on.team.events))


def test_a_panel_and_the_customers_of_month_0_are_found_again_when_rows_move() -> None:
    s = arms(arms={"one": BOTH, "none": []}, months=6, record={"panel": 50})
    stored = begun(s, "none")
    stored.run(until=3)
    on = BankModel(s, s.arm_list[1], 3, bank(s, 3).source, state=stored.state())
    on.run()
    panel = on.recorder.tables(on.team.events)["panel"]
    assert panel.groupby("observed_uid").size().max() == 7
    assert panel["observed_uid"].nunique() == 50
    c, was = on.customers, on.observer.month_zero
    assert (on.fates() != GONE).sum() == np.isin(was["uid"], c.uid[c.state != CLOSED]).sum()


# --- how far, and at what cost ---------------------------------------------------------------------------------------


def programme(*uses: dict[str, Any], revenue: tuple[float, ...] = (600.0, 200.0, 100.0, 100.0)) -> Programme:
    model = bank(scenario(600))
    model.begin_measuring()
    facts = model.programme.bank
    strategies = [STRATEGIES[use["use"]].model_validate(use) for use in uses]
    return Programme(strategies, Implementation(), facts, np.array(revenue), months=60, salary=0.0)


def test_a_gate_opens_for_the_customers_of_the_pilot_that_opens_it() -> None:
    """Stratification everywhere, digital thinking in a tenth: fidelity .6 inside, the gate of .4 outside."""
    arm = programme({"use": "stratification"}, {"use": "digital_thinking", "where": {"share": 0.1}})
    strata = arm.strategies[1]
    assert arm.maturity(strata, 2_000, 0) == pytest.approx(0.4)
    assert arm.maturity(strata, 2_000, 1) == pytest.approx(0.6)
    assert arm.maturities(2_000) == pytest.approx({"digital_thinking": 0.6, "stratification": 0.4})


def test_shares_of_revenue_are_of_the_revenue_of_the_pilot_and_sums_of_money_stand() -> None:
    """A fifth of wealth, which earns 100 of 1,000: 2 % of what the whole bank would cost, laid on wealth."""
    share = {"use": "fintech", "capital": 0.24, "running": 0.12}
    money = {"use": "fintech", "capital": {"amount": 240.0}, "running": {"amount": 120.0}}
    where = {"where": {"tier": "wealth", "share": 0.2}}
    assert programme(share).costs(1)["fintech"] == pytest.approx(30.0)
    assert programme(share | where).costs(1)["fintech"] == pytest.approx(0.02 * 30.0)
    assert programme(money | where).costs(1)["fintech"] == pytest.approx(30.0)
    np.testing.assert_allclose(programme(share | where).cost(1), [0, 0, 0.6, 0])
    both = programme(share | where, {"use": "human_resources", "running": 0.012})
    np.testing.assert_allclose(both.cost(1), [0.6, 0.2, 0.6 + 0.1, 0.1])
    assert both.yearly(both.strategies[0], 60, 0.0) == pytest.approx(0.02 * (240 + 5 * 120) / 5)
    poor = programme(money | where, revenue=(0.0,) * 4)
    np.testing.assert_allclose(poor.cost(1), [0, 0, 30.0, 0])


def test_the_first_months_of_a_pilot_unsettle_its_customers_and_no_manager() -> None:
    s = arms(arms={"one": [{"use": "stratification", "parts": ["retention"], "where": {"share": 0.3}}]}, months=3)
    model = begun(s, "one")
    model.run(until=1)
    assert model.levers.log_hours == 0
    assert not model.levers.log_quality_sd.any()
    (levers, now) = model.inside[1]
    np.testing.assert_allclose(np.exp(2 * levers.log_quality_sd), [[1, 1], [1.15, 1.15]])
    assert now.quality_sd_ratio[1, 0] > model.now.quality_sd_ratio[1, 0] == 1.0
    assert int(model.tally[:, Tally.OPEN].sum()) > 0


# --- mistakes --------------------------------------------------------------------------------------------------------

WRONG = """\
name: wrong
months: 12
arms:
  nothing: []
  a: [{use: digital_thinking, where: {share: 0}}]
  b: [{use: digital_thinking, where: {share: 1.2}}]
  c: [{use: digital_thinking, where: {tier: []}}]
  d: [{use: digital_thinking, where: {tiers: [mass]}}]
  e: [{use: digital_thinking, where: wealth}]
"""
MISFITS = """\
name: misfits
months: 12
arms:
  nothing: []
  a: [{use: digital_thinking, where: {tier: welth, share: 0.2}}]
  b: [{use: fintech, where: {tier: [wealth, xx]}}]
  c: [{use: staff_upskilling, where: {tier: wealth}}]
  d: [{use: stratification, where: {share: 0.4}}]
  e: [{use: stratification, where: {share: 0.4}, parts: [retention]}]
  f: [{use: staff_upskilling, where: {share: 1.0}}]
"""
LEFT = "a pilot leaves managers as they are, who serve its customers and others"
PLACES = [
    "5:46  arms.a.digital_thinking.where.share: 0 is not allowed; a number above 0 and at most 1 (share)",
    "6:46  arms.b.digital_thinking.where.share: 1.2 is not allowed; a number above 0 and at most 1 (share)",
    "7:45  arms.c.digital_thinking.where.tier: 0 items; ",
    "8:39  arms.d.digital_thinking.where.tiers: unknown key; did you mean tier?",
    '9:38  arms.e.digital_thinking.where: "wealth" is text; a mapping with tier, share',
]
SLIPS = [
    "5:45  arms.a.digital_thinking.where.tier: unknown tier welth; did you mean wealth?",
    "6:36  arms.b.fintech.where.tier: unknown tier xx; tiers are mass, affluent, wealth, private",
    f"7:38  arms.c.staff_upskilling.where: {LEFT}; staff_upskilling changes log_hours (client hours), log_manager_exit",
    f"8:36  arms.d.stratification.where: {LEFT}; stratification changes coverage (a named manager); no where, or",
]


@pytest.mark.parametrize(("text", "told"), [(WRONG, PLACES), (MISFITS, SLIPS)], ids=["unreadable", "misfits"])
def test_each_mistake_is_answered_with_its_address(
    text: str, told: list[str], tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text(text, "utf-8")
    assert main(["validate", str(file)]) == 2
    found = [line.removeprefix(f"{file}:") for line in capsys.readouterr().err.splitlines()]
    assert len(found) == len(told), found
    for line, answer in zip(told, found, strict=True):
        assert answer.startswith(line), (line, answer)
