"""True individual effects agree with what a plain run finds, and a rule that knows more than the data misleads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

import sim
from sim.cli import main
from sim.experiments.counterfactuals import Rule
from sim.measures.uplift import gain, qini, qini_of_best
from sim.reporting.run.effects import naive

NOBODY_JOINS: dict[str, Any] = {
    "name": "closed",
    "population": {"customers": 4000},
    "burn_in": 3,
    "months": 36,
    "seeds": [7],
    "model": {"mechanisms": {"acquisition": False}},
    "arms": {"nothing": [], "all": [{"use": "digital_thinking"}, {"use": "personalised_service"}]},
}


@pytest.fixture(scope="module")
def found() -> sim.PotentialOutcomes:
    return sim.potential_outcomes(NOBODY_JOINS, progress=False)


@pytest.fixture(scope="module")
def run() -> sim.Run:
    return sim.run(NOBODY_JOINS, progress=False)


def ended(run: sim.Run, arm: str, column: str) -> float:
    own = run.monthly[(run.monthly["arm"] == arm) & (run.monthly["month"] == run.manifest["months"])]
    return float(own[column].sum())


def whole(run: sim.Run, arm: str, column: str) -> float:
    return float(run.monthly[run.monthly["arm"] == arm][column].sum())


def test_the_sum_of_true_effects_is_the_paired_difference_of_a_plain_run(
    found: sim.PotentialOutcomes, run: sim.Run
) -> None:
    size = found.table["weight"].to_numpy()
    active = float((size * found.effect(outcome="active")).sum())
    assert active == pytest.approx(ended(run, "all", "active") - ended(run, "nothing", "active"), abs=1e-6)
    assert active > 0
    aum = float((size * found.effect(outcome="aum")).sum())
    assert aum == pytest.approx(ended(run, "all", "aum") - ended(run, "nothing", "aum"), rel=1e-6)


def test_profit_of_customers_and_the_costs_of_no_row_are_the_banks_profit(
    found: sim.PotentialOutcomes, run: sim.Run
) -> None:
    size = found.table["weight"].to_numpy()
    for arm in found.arms:
        rows = float((size * found.table[f"truth.profit[{arm}]"]).sum())
        costs = sum(found.facts["unallocated"][arm].values())
        assert rows - costs == pytest.approx(whole(run, arm, "profit"), rel=1e-5)


def test_what_is_observed_is_the_outcome_under_the_arm_that_was_given(found: sim.PotentialOutcomes) -> None:
    table = found.table
    for arm in found.arms:
        own = table[table["arm"] == arm]
        assert len(own) > 0.4 * len(table)
        for outcome in ("active", "aum", "profit"):
            np.testing.assert_array_equal(own[f"outcome.{outcome}"], own[f"truth.{outcome}[{arm}]"])
    assert not [name for name in found.observed.columns if "truth" in name]
    assert "satisfaction" not in found.observed.columns
    before = sim.Bank(NOBODY_JOINS, arm="nothing", seed=7).customers.frame(["uid", "aum"]).sort_values("uid")
    np.testing.assert_array_equal(found.observed["aum"], before["aum"])  # of month 0, beside the outcome


def test_a_rule_that_knows_more_than_the_data_turns_the_sign_of_the_naive_difference(
    found: sim.PotentialOutcomes,
) -> None:
    hidden = sim.potential_outcomes(NOBODY_JOINS, rule="confounded", strength=1.5, progress=False)
    size = hidden.table["weight"].to_numpy()
    true = float(np.average(hidden.effect(), weights=size))
    assert true == pytest.approx(float(np.average(found.effect(), weights=size)), abs=1e-12)
    assert true > 0
    assert naive(hidden.table, "active", "all", "nothing") < 0
    assert naive(found.table, "active", "all", "nothing") == pytest.approx(true, abs=0.04)


def test_the_same_scenario_and_seed_give_the_same_table() -> None:
    short = NOBODY_JOINS | {"months": 2, "population": {"customers": 1500}}
    first, again, few = (sim.potential_outcomes(short, customers=n, progress=False) for n in (None, None, 100))
    pd.testing.assert_frame_equal(again.table, first.table)
    kept = first.table[first.table["customer"].isin(few.table["customer"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(few.table, kept)
    assert len(few.table) == 100


def test_share_and_lean_of_a_rule() -> None:
    values = np.random.default_rng(3).normal(size=5000)
    for share in (0.05, 0.5, 0.9):
        chance = Rule("targeted", share, "churn_score", 2.0).chances(values)
        assert chance.mean() == pytest.approx(share, abs=1e-9)
        assert np.all(np.diff(chance[np.argsort(values)]) >= 0)
    assert Rule("targeted", 0.3, "products", 2.0).chances(np.ones(4)).tolist() == [0.3] * 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--rule", "randomized"], "--rule  'randomized'; did you mean randomised?"),
        (["--share", "1"], "--share  1.0; between 0 and 1"),
        (["--rule", "targeted", "--by", "satisfaction"], "--by  'satisfaction' is not what the bank can see"),
        (["--rule", "confounded", "--by", "products"], "--by  'products' is not what the bank cannot see"),
        (["--by", "age"], "--by  a randomised rule goes by nothing"),
        (["--arms", "nothing"], "--arms  nothing alone has no effect"),
        (["--arms", "nothing,al"], "--arms  unknown arm 'al'; did you mean all?"),
        (["--customers", "0"], "--customers  0; a whole number from 1"),
        (["--customers", "9000000"], "is more than the "),
    ],
)
def test_what_is_wrong_is_one_line(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from sim.yaml_source import dump

    file = tmp_path / "closed.yaml"
    file.write_text(dump(NOBODY_JOINS | {"months": 1, "population": {"customers": 300}}), "utf-8")
    assert main(["counterfactuals", str(file), "--quiet", "--out", str(tmp_path / "out"), *words]) == 2
    err = capsys.readouterr().err.splitlines()
    assert len(err) == 1
    assert said in err[0]
    assert not (tmp_path / "out").exists()


def test_the_command_writes_a_table_that_says_what_it_is_and_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sim.yaml_source import dump

    file, out = tmp_path / "closed.yaml", tmp_path / "out"
    file.write_text(dump(NOBODY_JOINS | {"months": 2}), "utf-8")
    words = ["counterfactuals", str(file), "--quiet", "--out", str(out), "--customers", "500"]
    assert main(words) == 0
    assert "active at the end" in capsys.readouterr().out
    schema = pq.read_schema(out / "counterfactuals.parquet")
    for field in schema:
        assert field.metadata[b"meaning"], field.name
    assert schema.field("truth.effect.aum[all]").metadata[b"unit"] == b"CNY"
    facts = json.loads((out / "card.json").read_text("utf-8"))
    assert facts["customers"] == 500
    card = (out / "card.md").read_text("utf-8")
    assert facts["sha256"] in card
    assert all(f"| `{name}` |" in card for name in schema.names)
    assert main(words) == 2
    assert "holds counterfactuals; --overwrite to replace it, or another --out" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0
    assert json.loads((out / "card.json").read_text("utf-8"))["sha256"] == facts["sha256"]


# --- gain curves and Qini -------------------------------------------------------------------------------------------


def test_qini_of_four_customers_by_hand() -> None:
    """Effects 2, 0, 0, -1 in the perfect order: gains 0, .5, .5, .5, .25 at shares 0, .25, ..., 1."""
    effect = np.array([0.0, 2.0, -1.0, 0.0])
    share, gained = gain(effect, effect)
    assert share.tolist() == [0.0, 0.25, 0.75, 1.0]  # the two of effect 0 are a tie
    assert gained.tolist() == [0.0, 0.5, 0.5, 0.25]
    area = 0.25 * 0.25 + 0.5 * 0.5 + 0.25 * 0.375
    assert qini(effect, effect) == pytest.approx(area - 0.125)
    assert qini_of_best(effect, effect) == 1.0
    assert qini_of_best(-effect, effect) < 0
    assert qini(np.zeros(4), effect) == 0.0


def test_a_weight_counts_as_so_many_customers() -> None:
    score, effect = np.array([3.0, 2.0, 1.0]), np.array([1.0, -1.0, 0.5])
    twice = qini(np.repeat(score, [2, 1, 3]), np.repeat(effect, [2, 1, 3]))
    assert qini(score, effect, [2, 1, 3]) == pytest.approx(twice)
    with pytest.raises(ValueError, match="equally long"):
        qini([1.0], [1.0, 2.0])


def test_a_score_that_is_none_is_said(found: sim.PotentialOutcomes) -> None:
    effect = found.effect()
    assert found.qini(effect.sample(frac=1.0, random_state=1)) == 1.0  # a Series knows its rows
    for wrong in ("x", None, [1, 2], effect * np.nan):
        with pytest.raises(sim.BadInput):
            found.qini(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not finite"):
        qini([1.0, np.nan], [1.0, 2.0])
    with pytest.raises(sim.BadInput, match="no effect of 'al' on 'active'"):
        found.effect("al")
