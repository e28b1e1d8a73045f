"""Arms are compared seed by seed: the interval is of the differences, and the pairing's worth is stated."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import fabricate
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.errors import BadInput
from sim.measures.compare import compare, join, remarks
from sim.measures.kpis import run_kpis, run_kpis_of
from sim.store.run_reading import Run
from sim.store.tables import COMPARISON_COLUMNS, REQUIRED_TABLES, arm_digests

TIERS = list(fabricate.TIERS)


def compared(runs: list[Run]) -> pd.DataFrame:
    """What `run.py compare` shows of stored runs."""
    joined = join(runs)
    return compare(run_kpis_of(joined), joined.arms[0])


def kpis(better: str = "higher", **arms: list[float]) -> pd.DataFrame:
    """One KPI; values by arm for seeds 1, 2, ..."""
    rows = [(arm, seed, "npv", "CNY", v, better) for arm, values in arms.items() for seed, v in enumerate(values, 1)]
    return pd.DataFrame(rows, columns=["arm", "seed", "kpi", "unit", "value", "better"])


def only(table: pd.DataFrame) -> pd.Series:
    assert tuple(table.columns) == COMPARISON_COLUMNS
    assert len(table) == 1
    return table.iloc[0]


BASE, MORE = [10.0, 20.0, 30.0, 17.0], [12.0, 21.5, 33.0, 18.0]


def test_the_interval_is_of_paired_differences():
    row = only(compare(kpis(base=BASE, more=MORE), "base"))
    paired = stats.ttest_rel(MORE, BASE)
    interval = paired.confidence_interval(0.95)
    assert (row["arm"], row["reference"], row["kpi"], row["unit"], row["seeds"]) == ("more", "base", "npv", "CNY", 4)
    assert row["difference"] == pytest.approx(np.mean(np.subtract(MORE, BASE)))
    assert (row["ci_low"], row["ci_high"]) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_seeds_are_paired_by_number_not_by_place():
    table = kpis(base=BASE, more=MORE)
    mixed = table.sample(frac=1, random_state=2).sort_values("arm", kind="stable")
    assert only(compare(mixed, "base"))["difference"] == pytest.approx(np.mean(np.subtract(MORE, BASE)))


def test_the_probability_of_being_better_is_the_one_sided_t():
    one_sided = stats.ttest_rel(MORE, BASE, alternative="greater").pvalue
    assert only(compare(kpis("higher", base=BASE, more=MORE), "base"))["probability_better"] == pytest.approx(
        1 - one_sided
    )
    assert only(compare(kpis("lower", base=BASE, more=MORE), "base"))["probability_better"] == pytest.approx(one_sided)
    assert math.isnan(only(compare(kpis("", base=BASE, more=MORE), "base"))["probability_better"])


def test_the_variance_ratio_is_unpaired_over_paired():
    ratio = only(compare(kpis(base=BASE, more=MORE), "base"))["variance_ratio"]
    wanted = (np.var(BASE, ddof=1) + np.var(MORE, ddof=1)) / np.var(np.subtract(MORE, BASE), ddof=1)
    assert ratio == pytest.approx(wanted)
    assert ratio > 10  # shared luck


@pytest.mark.parametrize(
    ("base", "more", "probability", "ratio"),
    [
        (BASE, BASE, 0.5, math.inf),  # no effect at all: the same bits
        (BASE, [v + 2 for v in BASE], 1.0, math.inf),
        (BASE, [v - 2 for v in BASE], 0.0, math.inf),
        ([5.0] * 4, [5.0] * 4, 0.5, math.nan),
        ([0.1 + 0.2] * 4, [0.3] * 4, 0.5, math.nan),  # rounding is no finding
    ],
)
def test_differences_that_do_not_vary(base, more, probability, ratio):
    row = only(compare(kpis(base=base, more=more), "base"))
    assert row["probability_better"] == probability
    assert row["variance_ratio"] == ratio or (math.isnan(ratio) and math.isnan(row["variance_ratio"]))
    assert row["ci_low"] == row["difference"] == row["ci_high"]


def test_one_seed_gives_the_difference_and_nothing_more():
    row = only(compare(kpis(base=[1.0], more=[3.0]), "base"))
    assert (row["difference"], row["seeds"]) == (2.0, 1)
    assert row[["ci_low", "ci_high", "probability_better", "variance_ratio"]].isna().all()


def test_seeds_that_one_arm_lacks_are_not_paired():
    assert only(compare(kpis(base=BASE, more=MORE[:3]), "base"))["seeds"] == 3
    row = only(compare(kpis(base=BASE, more=[math.nan, *MORE[1:]]), "base"))
    assert row["seeds"] == 3
    assert row["difference"] == pytest.approx(np.mean(np.subtract(MORE[1:], BASE[1:])))
    assert row["variance_ratio"] == pytest.approx(
        (np.var(BASE[1:], ddof=1) + np.var(MORE[1:], ddof=1)) / np.var(np.subtract(MORE[1:], BASE[1:]), ddof=1)
    )


def test_an_infinite_difference_is_not_hidden():
    row = only(compare(kpis(base=BASE, more=[math.inf, *MORE[1:]]), "base"))
    assert row["difference"] == math.inf
    assert row[["ci_low", "ci_high", "probability_better", "variance_ratio"]].isna().all()


def test_what_the_reference_does_not_have_is_left_out():
    assert len(compare(kpis(base=[math.nan] * 4, more=MORE), "base")) == 0


@pytest.mark.parametrize("table", [kpis(base=BASE), kpis(a=BASE, b=MORE), kpis()])
def test_one_arm_or_no_reference_gives_an_empty_table(table):
    empty = compare(table, "base")
    assert tuple(empty.columns) == COMPARISON_COLUMNS
    assert len(empty) == 0


def test_every_arm_and_kpi_is_compared_in_order_of_appearance():
    tables = fabricate.fabricate({"nothing": (1.0, 0.0), "z": (0.9, 1e4), "a": (0.8, 2e4)}, (1, 2, 3), 13)
    found = run_kpis(tables, tiers=TIERS, discount_rate=0.1)
    table = compare(found, "nothing")
    assert table["arm"].unique().tolist() == ["z", "a"]
    own = found[(found["arm"] == "nothing") & (found["seed"] == 1)].dropna(subset="value")["kpi"].tolist()
    assert table.loc[table["arm"] == "z", "kpi"].tolist() == own
    row = table[(table["arm"] == "a") & (table["kpi"] == "attrition_annual")].iloc[0]
    assert row["difference"] < 0
    assert row["probability_better"] > 0.999
    assert row["variance_ratio"] > 1


# --------------------------------------------------------------------------------------------------- stored runs


def stored(name: str = "tiny", run_id: str = "r1", months: int = 13, seeds=(1, 2, 3), **arms) -> Run:
    """A stored run in memory; arms as for `fabricate`."""
    arms = arms or {"nothing": (1.0, 0.0), "calls": (0.9, 4e4)}
    tables = fabricate.fabricate(arms, seeds, months)
    digests = arm_digests(tables["monthly"], list(arms), TIERS)
    manifest = fabricate.manifest(list(arms), seeds, months, name=name, run_id=run_id, arm_digests=digests)
    return Run(Path(f"results/{name}/{run_id}"), {**manifest, "tables": list(REQUIRED_TABLES)}, "", **tables)


NOTHING = (1.0, 0.0)


def test_runs_are_compared_as_if_they_had_been_one():
    apart = [stored(nothing=NOTHING, calls=(0.9, 4e4)), stored(run_id="r2", nothing=NOTHING, tools=(0.8, 8e4))]
    together = stored(nothing=NOTHING, calls=(0.9, 4e4), tools=(0.8, 8e4))
    wanted = compare(run_kpis_of(together), "nothing")
    pd.testing.assert_frame_equal(compared(apart), wanted)
    assert join(apart).arms == ["nothing", "calls", "tools"]  # the same reference is kept once


def test_returns_are_against_the_first_runs_reference():
    runs = [stored(nothing=NOTHING), stored(run_id="r2", calls=(0.9, 4e4))]
    roi = run_kpis_of(join(runs)).query("kpi == 'roi' and arm == 'calls'")["value"]
    alone = run_kpis_of(stored(nothing=NOTHING, calls=(0.9, 4e4))).query("kpi == 'roi' and arm == 'calls'")["value"]
    np.testing.assert_allclose(roi, alone)


def test_arms_that_share_a_name_and_not_a_life_are_told_apart():
    one = stored("cheap", "r1", nothing=NOTHING, calls=(0.9, 4e4))
    two = stored("dear", "r2", nothing=NOTHING, calls=(0.9, 9e4))
    assert join([one, two]).arms == ["nothing", "cheap/calls", "dear/calls"]
    again = stored("cheap", "r3", nothing=NOTHING, calls=(0.7, 4e4))
    assert join([one, again]).arms == ["nothing", "r1/calls", "r3/calls"]  # by folder
    table = compared([one, two])
    assert set(table["arm"]) == {"cheap/calls", "dear/calls"}


def test_runs_of_other_seeds_are_refused():
    with pytest.raises(BadInput) as error:
        compared([stored(), stored(run_id="r2", seeds=(1, 2, 4))])
    assert str(error.value) == (
        "results/tiny/r2  seeds 1, 2, 4, but results/tiny/r1 has 1..3; compare runs of the same seeds"
    )


def test_the_order_of_seeds_does_not_matter():
    runs = [stored(nothing=NOTHING), stored(run_id="r2", seeds=(3, 1, 2), calls=(0.9, 4e4))]
    assert set(compared(runs)["seeds"]) == {3}


def test_every_misfit_of_every_run_is_named():
    first, other = stored(), stored(run_id="r2", months=14, seeds=(1, 2))
    other = replace(
        other, manifest={**other.manifest, "tiers": ["mass", "gold"], "currency": "EUR", "discount_rate": 0.0}
    )
    with pytest.raises(BadInput) as error:
        compared([first, other])
    assert [mistake.message.split()[0] for mistake in error.value.mistakes] == [
        "seeds",
        "tiers",
        "months",
        "currency",
        "discount_rate",
    ]


def test_one_run_is_compared_with_itself_only():
    run = stored()
    pd.testing.assert_frame_equal(compared([run]), compare(run_kpis_of(run), "nothing"))


def test_runs_whose_names_and_folders_tell_nothing_are_numbered_and_told():
    ids = [f"20260101T00000{place}Z-0123456789ab" for place in (1, 2)]
    runs = [
        stored("the_same_name", ids[0], calls=(0.9, 4e4), tools=(0.8, 8e4)),
        stored("the_same_name", ids[1], calls=(0.7, 4e4), tools=(0.8, 9e4)),
    ]
    assert join(runs).arms == ["run1/calls", "run1/tools", "run2/calls", "run2/tools"]
    assert remarks(runs) == [f"run1 is results/the_same_name/{ids[0]}; run2 is results/the_same_name/{ids[1]}"]


def test_folders_of_one_name_in_two_places_are_told_apart():
    one, two = stored(nothing=NOTHING), stored(nothing=(0.8, 0.0))
    two = replace(two, path=Path("elsewhere/r1"))
    assert join([one, two]).arms == ["run1/nothing", "run2/nothing"]


def test_other_banks_are_said_in_a_line_and_other_arms_or_seeds_are_no_other_bank():
    text = "name: a\npopulation: {customers: 600, file: x.csv}\narms: {nothing: []}\nseeds: [1]\n"
    one, two = replace(stored(), scenario_text=text), replace(stored(run_id="r2"), scenario_text=text)
    same = text.replace("name: a", "name: b").replace("nothing", "calls").replace("[1]", "[1, 2]")
    assert remarks([one, replace(two, scenario_text=same.replace("x.csv", "y.csv"))]) == []
    larger = replace(two, scenario_text=text.replace("600", "800"))
    assert remarks([one, larger]) == [
        "results/tiny/r2: another bank than results/tiny/r1: population.customers 800, not 600; differences between "
        "their arms are of the banks too, not of the strategies alone"
    ]
    booked = replace(two, manifest={**two.manifest, "book": {"sha256": "f"}})
    assert "its book holds other customers" in remarks([one, booked])[0]
    newer = replace(two, manifest={**two.manifest, "code_version": "0.2.0"})
    assert remarks([one, newer]) == [
        "results/tiny/r2: made by code version 0.2.0, results/tiny/r1 by 0.1.0; differences may be of the code"
    ]
