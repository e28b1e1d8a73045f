"""What each strategy of a bundle brings: the parts add up to the whole, and small cases agree with the hand."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.errors import BadInput
from sim.experiments import attribution, coalitions, shapley
from sim.experiments.executors.local import local
from sim.experiments.prepare import prepare
from sim.experiments.prepared import Prepared
from sim.experiments.replication import Replication
from sim.measures.kpis import run_kpis
from sim.scenario.scenario import Arm
from sim.store.tables import ATTRIBUTION_COLUMNS
from sim.strategies import Strategy, load_plugins
from sim.strategies.fintech import Fintech

SMALL = """
name: parts
months: 4
burn_in: 0
seeds: [1, 2]
population: {customers: 4000}
arms:
  nothing: []
  two: [{use: digital_thinking, lag: 0}, {use: staff_upskilling, lag: 0, intensity: 0.5}]
  paid: {budget: 20000, strategies: [{use: digital_thinking}, {use: fintech}]}
  unpaid: {budget: 0, strategies: [{use: digital_thinking}, {use: fintech}]}
  one: [{use: digital_thinking}]
"""


@pytest.fixture
def small(tmp_path: Path) -> Prepared:
    (tmp_path / "parts.yaml").write_text(SMALL)
    return prepare([tmp_path / "parts.yaml"])[0]


def worth(**values: float):
    """The value of a coalition of one-letter members: `worth(a=1, ab=4)`; those not named are worth 0."""
    return lambda coalition: values.get("".join(sorted(coalition)), 0.0)


# --- the value itself ----------------------------------------------------------------------------------------------


def test_two_members_share_their_synergy_evenly() -> None:
    # a alone 3, b alone 1, both 6: what neither brings alone (2) is split
    assert list(shapley.exact("ab", worth(a=3, b=1, ab=6))) == [4.0, 2.0]


def test_the_glove_game_pays_the_scarce_hand() -> None:
    # one left glove (l), two right ones (r, s): a pair is worth 1; the known answer is 4/6, 1/6, 1/6
    value = worth(lr=1, ls=1, lrs=1)
    assert shapley.exact("lrs", value) == pytest.approx([2 / 3, 1 / 6, 1 / 6])


def test_who_adds_nothing_gets_nothing_and_equals_get_the_same() -> None:
    value = worth(a=2, b=2, ab=5, ac=2, bc=2, abc=5)
    parts = shapley.exact("abc", value)
    assert parts[2] == 0
    assert parts[0] == parts[1] == 2.5


@pytest.mark.parametrize("members", ["abcd", "abcdefg"])
def test_parts_add_up_to_the_whole_exactly_and_by_sampled_orders(members: str) -> None:
    rng = np.random.default_rng(4)
    table = {coalition: float(rng.normal()) if coalition else 0.0 for coalition in shapley.coalitions(members)}
    whole = table[frozenset(members)]
    assert shapley.exact(members, table.__getitem__).sum() == pytest.approx(whole, abs=1e-12)
    orders = shapley.orders(members, 6, seed=3)
    assert shapley.sampled(members, table.__getitem__, orders).sum() == pytest.approx(whole, abs=1e-12)


def test_all_orders_sampled_are_the_exact_value() -> None:
    from itertools import permutations

    rng = np.random.default_rng(5)
    table = {coalition: float(rng.normal()) for coalition in shapley.coalitions("abcd")}
    exact = shapley.exact("abcd", table.__getitem__)
    assert shapley.sampled("abcd", table.__getitem__, list(permutations("abcd"))) == pytest.approx(exact, abs=1e-12)


def test_sampled_orders_depend_on_the_seed_alone_and_come_with_their_reverse() -> None:
    orders = shapley.orders("abcdefgh", 4, seed=9)
    assert orders == shapley.orders("abcdefgh", 4, seed=9) != shapley.orders("abcdefgh", 4, seed=10)
    assert orders[1] == orders[0][::-1]


# --- in the bank ---------------------------------------------------------------------------------------------------

LATER = """
name: later
months: 6
burn_in: 2
seeds: [1, 2]
population: {customers: 3000}
arms:
  nothing: []
  at_once: [{use: digital_thinking}, {use: staff_upskilling}, {use: fintech}]
  later:
    - {use: digital_thinking}
    - {use: stratification, from: 3}
    - {use: staff_upskilling, from: 3, intensity: 0.5}
  ended:
    - {use: personalised_service, until: 2}
    - {use: stratification, from: 2, until: 4}
    - {use: institutional, from: 5}
    - {use: fintech, intensity: 0}
  tried:
    - {use: digital_thinking, from: 1, where: {share: 0.4}}
    - {use: stratification, from: 2}
    - {use: fintech, from: 4, where: {tier: [affluent, wealth]}}
  paid: {budget: 20000, strategies: [{use: digital_thinking, from: 2}, {use: fintech}, {use: stratification, from: 4}]}
"""
KPIS_ASKED = ["retention", "npv", "value", "nps", "customer_equity", "strategy_cost", "aum_end[wealth]"]


@pytest.fixture
def later(tmp_path: Path) -> Prepared:
    (tmp_path / "later.yaml").write_text(LATER)
    return prepare([tmp_path / "later.yaml"])[0]


def lived_one_by_one(asked: attribution.Question, seed: int) -> dict[frozenset[str], np.ndarray]:
    """The oracle: every coalition lives all of its months in a bank of its own, and is held against nobody's alone."""
    one = Replication(asked.prepared, seed)
    strategies = {strategy.use: strategy for strategy in asked.bundle.strategies}
    if asked.bundle.budget is not None:
        with one.bank(asked.bundle) as whole:
            whole.begin_measuring()
            strategies = {strategy.use: strategy for strategy in whole.programme.strategies}
    s, found = asked.scenario, {}
    bare = one.tables(Arm("nothing", ()))
    for coalition in attribution.wanted(asked, seed):
        own = one.tables(Arm("joined", tuple(strategies[m] for m in asked.members if m in coalition)))
        both = {name: pd.concat([bare[name], own[name]], ignore_index=True) for name in bare}
        tiers = [tier.name for tier in s.tier_list]
        kpis = run_kpis(both, tiers=tiers, discount_rate=s.discount_rate, currency=s.currency)
        found[coalition] = kpis[kpis["arm"] == "joined"].set_index("kpi")["value"][list(asked.kpis)].to_numpy()
    return found


@pytest.mark.parametrize("arm", ["at_once", "later", "ended", "tried", "paid"])
def test_what_coalitions_share_changes_no_bit(later: Prepared, arm: str) -> None:
    asked = attribution.question(later, arm, KPIS_ASKED)
    alone, bench = lived_one_by_one(asked, 1), attribution.Bench(asked)
    together = bench.figures(1, 0, 1)
    in_parts = [bench.figures(1, part, 3) for part in range(3)]
    assert sum(map(len, in_parts)) == len(alone) + 2  # nobody's bank goes with every part
    for found in (together, {coalition: of for part in in_parts for coalition, of in part.items()}):
        assert found.keys() == alone.keys()
        for coalition, figures in alone.items():
            assert figures.tobytes() == found[coalition].tobytes(), sorted(coalition)


def test_sampled_coalitions_are_those_of_their_orders(later: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shapley, "MOST_EXACT", 2)
    asked = attribution.question(later, "later", ["npv"])
    alone, together = lived_one_by_one(asked, 2), attribution.Bench(asked).figures(2, 0, 1)
    assert alone.keys() == together.keys()
    assert all(figures.tobytes() == together[coalition].tobytes() for coalition, figures in alone.items())
    table = attribution.attribute(asked)
    assert table["value"].sum() == pytest.approx(table["whole"].iloc[0], rel=1e-9)
    assert list(table["coalitions"].unique()) == [attribution.ORDERS * 2]


@pytest.mark.parametrize(
    ("arm", "months", "again"),
    [
        ("at_once", 2 + 8 * 6, 3 * 6),  # all begin in month 1: only the burn-in is shared
        ("later", 2 + 2 * 3 + 8 * 3, 3 + 3 * 3),  # with and without the first to month 3, then all eight
        ("ended", 2 + 2 * 2 + 4 * 3 + 8, 2 + 2 * 3 + 3),  # an end parts nobody; no intensity, no member
        ("tried", 2 + 1 + 2 * 1 + 4 * 2 + 8 * 2, 2 + 2 * 2 + 3 * 2),
    ],
)
def test_months_in_which_coalitions_are_the_same_are_lived_once(
    later: Prepared, arm: str, months: int, again: int
) -> None:
    bench = attribution.Bench(attribution.question(later, arm, ["npv"]))
    bench.figures(1, 0, 1)
    assert bench.months == months
    bench.figures(1, 0, 2)  # half of them again: neither the burn-in nor nobody's bank
    assert bench.months == months + again
    bench.figures(2, 0, 1)
    assert bench.months == 2 * months + again


def test_a_strategy_that_costs_before_it_acts_begins_with_its_costs() -> None:
    class Dear(Strategy):
        """Paid for from the first month on."""

        use: Literal["dear"] = "dear"

        def paid(self, elapsed: int, capital_months: int) -> float:
            return 5.0

    assert coalitions.begins(Dear.model_validate({"use": "dear", "from": 7}), 12, 12) == 1
    assert coalitions.begins(Fintech.model_validate({"use": "fintech", "from": 7}), 12, 12) == 8
    assert coalitions.begins(Fintech.model_validate({"use": "fintech", "from": 7, "until": 7}), 12, 12) is None
    assert coalitions.begins(Fintech.model_validate({"use": "fintech", "from": 7}), 7, 12) is None


@pytest.mark.parametrize(
    ("seeds", "workers", "handed"),
    [
        (3, 1, [(0, 0, 1), (1, 0, 1), (2, 0, 1)]),
        (1, 1, [(0, 0, 1)]),
        (1, 2, [(0, part, 8) for part in range(8)]),
        (5, 2, [(0, 0, 1), (1, 0, 1)] + [(seed, part, 3) for seed in (2, 3, 4) for part in range(3)]),
    ],
)
def test_seeds_are_handed_out_whole_but_for_the_last(seeds: int, workers: int, handed: list[tuple[int, ...]]) -> None:
    assert attribution.parts(range(seeds), workers) == handed


def test_the_parts_of_a_bundle_add_up_to_what_the_arm_does(small: Prepared) -> None:
    asked = attribution.question(small, "two", ["attrition_annual", "npv"])
    table = attribution.attribute(asked)
    assert list(table.columns) == list(ATTRIBUTION_COLUMNS)
    for _, own in table.groupby("kpi"):
        assert own["value"].sum() == pytest.approx(own["whole"].iloc[0], rel=1e-9)
        first, second = own["value"], own["alone"]
        assert list(own["synergy"]) == pytest.approx(list(first - second))
        # by hand for two: the mean of joining first and joining last
        assert list(own["value"]) == pytest.approx(list((own["alone"] + own["last"]) / 2))
    assert list(table["seeds"].unique()) == [2]
    assert list(table["coalitions"].unique()) == [4]


def test_the_whole_is_the_difference_that_a_run_of_the_arm_shows(small: Prepared, tmp_path: Path) -> None:
    from sim.experiments.run import Options, run_all

    run = run_all([small], Options(out=tmp_path / "run", threads=1))[0].run
    gap = run.comparison.set_index(["arm", "kpi"])["difference"]
    table = attribution.attribute(attribution.question(small, "two", ["aum_end"]))
    assert table["whole"].iloc[0] == pytest.approx(gap["two", "aum_end"], rel=1e-12)


def test_under_a_budget_members_keep_the_intensity_they_have_in_the_bundle(small: Prepared) -> None:
    table = attribution.attribute(attribution.question(small, "paid", ["strategy_cost"]))
    assert table["value"].sum() == pytest.approx(20000 * 4 / 12, rel=1e-6)
    assert list(table["synergy"]) == pytest.approx([0, 0], abs=1e-6)  # costs add up


def test_without_any_money_nobody_does_anything(small: Prepared) -> None:
    table = attribution.attribute(attribution.question(small, "unpaid", ["npv", "strategy_cost"]))
    assert not table[["value", "alone", "last", "whole"]].to_numpy().any()


MORTAL = """
import os, signal
from pathlib import Path
from typing import Literal
from sim.strategies import Strategy

class Mortal(Strategy):
    "Does nothing, but its first process dies of it."

    def turn(self, levers, maturity, elapsed, bank):
        died = Path(__file__).with_name("died")
        if elapsed == 2 and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.long
def test_more_processes_change_nothing_and_one_that_dies_neither(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    strategies = "[{use: digital_thinking}, {use: 'mortal:Mortal', from: 1}]"
    (tmp_path / "mortal.yaml").write_text(SMALL.replace("  one: [{use: digital_thinking}]", f"  one: {strategies}"))
    monkeypatch.chdir(tmp_path)
    load_plugins(["mortal"])
    try:
        asked = attribution.question(prepare([tmp_path / "mortal.yaml"])[0], "one", ["attrition_annual", "value"])
        done = []
        shared = attribution.attribute(
            asked, where=local(2), plugins=["mortal"], on_progress=lambda *seeds: done.append(seeds)
        )
        assert (tmp_path / "died").exists()
        assert done == [(1, 2), (2, 2)]
        pd.testing.assert_frame_equal(shared, attribution.attribute(asked), check_exact=True)
    finally:
        load_plugins([])


@pytest.mark.parametrize(
    ("arm", "kpis", "says"),
    [
        ("three", None, "unknown arm 'three'; arms are nothing, two, paid, unpaid, one"),
        ("one", None, "one has fewer than two strategies"),
        ("two", ["atrition_annual"], "did you mean attrition_annual"),
        ("two", ["roi"], "roi compares an arm with the reference"),
        ("two", ["npv[gold]"], "unknown tier in 'npv[gold]'; tiers are mass, affluent, wealth, private"),
    ],
)
def test_a_wrong_question_is_answered(small: Prepared, arm: str, kpis: list[str] | None, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        attribution.question(small, arm, kpis)
    assert says in str(caught.value)


@pytest.mark.long
def test_the_verb_writes_table_and_figure_and_puts_them_into_a_run(
    small: Prepared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = str(tmp_path / "parts.yaml"), tmp_path / "out"
    words = ["attribute", file, "--arm", "two", "--kpis", "npv,value", "--seeds", "2", "--workers", "1", "--quiet"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # four months know no value: its panel says so without NumPy's complaints
        assert main([*words, "--out", str(out)]) == 0
    assert "digital_thinking" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {
        "attribution.csv",
        "attribution.json",
        "attribution.png",
        "attribution.svg",
        "scenario.yaml",
    }
    assert json.loads((out / "attribution.json").read_text())["members"] == ["digital_thinking", "staff_upskilling"]
    assert main([*words, "--out", str(out)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert main([file, "--out", str(tmp_path / "run"), "--quiet"]) == 0
    assert main([*words, "--into", str(tmp_path / "run")]) == 0
    assert (tmp_path / "run" / "figures" / "attribution.png").exists()
    assert main([*words[:3], "one", *words[4:], "--into", str(tmp_path / "run")]) == 2
