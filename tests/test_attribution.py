"""What each strategy of a bundle brings: the parts add up to the whole, and small cases agree with the hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.errors import BadInput
from sim.experiments import attribution, shapley
from sim.experiments.executors.local import local
from sim.experiments.prepare import prepare
from sim.experiments.prepared import Prepared
from sim.store.tables import ATTRIBUTION_COLUMNS

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


def test_more_processes_change_nothing(small: Prepared) -> None:
    asked = attribution.question(small, "two", ["attrition_annual"])
    pd.testing.assert_frame_equal(attribution.attribute(asked), attribution.attribute(asked, where=local(2)))


@pytest.mark.parametrize(
    ("arm", "kpis", "says"),
    [
        ("three", None, "unknown arm 'three'; arms are nothing, two, paid, one"),
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
    words = ["attribute", file, "--arm", "two", "--kpis", "npv", "--seeds", "2", "--workers", "1", "--quiet"]
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
