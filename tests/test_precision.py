"""How sure a comparison is: the interval covers what it says, and many tests do not make findings out of luck."""

from __future__ import annotations

import json
import math
import warnings
from pathlib import Path

import fabricate
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from sim.cli import main
from sim.measures.catalogue import HEADLINES, KPIS, SAME_TEST, kpi_names
from sim.measures.compare import compare, paired
from sim.measures.intervals import half_width
from sim.measures.key_figures import write_key_figures
from sim.measures.kpis import run_kpis
from sim.measures.precision import CORRECTION, holm, precision, seeds_for
from sim.reporting.run import build, summary_table
from sim.store.run_folder import ResultsFolder
from sim.store.run_reading import read
from sim.store.tables import PRECISION_COLUMNS, result_digest

TIERS = list(fabricate.TIERS)
BASE, MORE = [10.0, 20.0, 30.0, 17.0, 25.0], [12.0, 21.5, 33.0, 18.0, 25.5]


def kpis(kpi: str = "npv", **arms: list[float]) -> pd.DataFrame:
    """One KPI; values by arm for seeds 1, 2, ..."""
    rows = [(arm, seed, kpi, "CNY", v, "higher") for arm, values in arms.items() for seed, v in enumerate(values, 1)]
    return pd.DataFrame(rows, columns=["arm", "seed", "kpi", "unit", "value", "better"])


def only(table: pd.DataFrame) -> pd.Series:
    assert tuple(table.columns) == PRECISION_COLUMNS
    assert len(table) == 1
    return table.iloc[0]


# ------------------------------------------------------------------------------------------------- what the numbers say


def test_p_and_half_width_are_those_of_the_paired_t_test():
    row = only(precision(kpis(base=BASE, more=MORE), "base"))
    wanted = stats.ttest_rel(MORE, BASE)
    interval = wanted.confidence_interval(0.95)
    assert row["p_value"] == pytest.approx(wanted.pvalue)
    assert row["half_width"] == pytest.approx((interval.high - interval.low) / 2)
    assert row["p_adjusted"] == row["p_value"]  # the only test made


def test_rows_and_differences_are_those_of_the_comparison():
    tables = fabricate.fabricate({"nothing": (1.0, 0.0), "z": (0.9, 1e4), "a": (0.8, 2e4)}, (1, 2, 3, 4), 13)
    figures = run_kpis(tables, tiers=TIERS, discount_rate=0.1)
    sure, comparison = precision(figures, "nothing"), compare(figures, "nothing")
    same = ["arm", "reference", "kpi", "unit", "difference", "seeds"]
    pd.testing.assert_frame_equal(sure[same], comparison[same])
    half = (comparison["ci_high"] - comparison["ci_low"]) / 2
    scale = comparison["difference"].abs() + half
    assert ((sure["half_width"] - half).abs() <= 1e-9 * scale).all()


def test_seeds_for_half_are_the_fewest_whose_interval_is_half_as_wide():
    row = only(precision(kpis(base=BASE, more=MORE), "base"))
    sd = np.std(np.subtract(MORE, BASE), ddof=1)
    widths = {n: stats.t.ppf(0.975, n - 1) * sd / math.sqrt(n) for n in range(2, 100)}
    assert row["seeds_for_half"] == min(n for n, width in widths.items() if width <= row["half_width"] / 2)


def test_unpaired_seeds_are_the_fewest_whose_welch_interval_is_as_narrow():
    row = only(precision(kpis(base=BASE, more=MORE), "base"))
    a, b = np.var(MORE, ddof=1), np.var(BASE, ddof=1)
    freedom = (a + b) ** 2 / (a**2 + b**2)
    widths = {n: stats.t.ppf(0.975, freedom * (n - 1)) * math.sqrt((a + b) / n) for n in range(2, 1000)}
    assert row["unpaired_seeds"] == min(n for n, width in widths.items() if width <= row["half_width"])
    assert row["unpaired_seeds"] > 10 * row["seeds"]  # shared luck


@pytest.mark.parametrize("welch", [1.0, 1.37, 2.0])
def test_the_number_of_seeds_is_right_from_the_widest_to_the_narrowest_interval(welch):
    widths = np.concatenate([np.geomspace(0.03, 20.0, 300), [8.98, 2.4841, 1.2420]])
    n = np.arange(2.0, 6000.0)
    table = stats.t.ppf(0.975, welch * (n - 1)) / np.sqrt(n)
    wanted = [n[(table <= width * (1 + 1e-12)).argmax()] for width in widths]
    np.testing.assert_array_equal(seeds_for(widths, welch), wanted)


def test_no_width_takes_endless_seeds_and_an_unknown_one_an_unknown_number():
    assert seeds_for(np.array([0.0]))[0] == math.inf
    assert math.isnan(seeds_for(np.array([math.nan]))[0])


# ------------------------------------------------------------------------------------------------------ luck, simulated


def test_the_95_percent_interval_covers_95_percent():
    """Five seeds of paired normal arms, 20,000 times: the true difference lies inside as often as is promised."""
    rng = np.random.default_rng(20240501)
    shape, true = (20_000, 5), 0.3
    luck = rng.normal(0.0, 5.0, shape)  # shared by both arms: pairing takes it out
    base, arm = luck + rng.normal(0.0, 1.0, shape), luck + true + rng.normal(0.0, 1.0, shape)
    pairs, mean, variance, _ = paired(arm, base)
    inside = np.abs(mean - true) <= half_width(variance, pairs)
    assert inside.mean() == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / len(inside)))


def test_holm_keeps_the_chance_of_any_false_finding_at_5_percent():
    """Eleven correlated KPIs of three arms, 4,000 times, a third of them with a true effect."""
    rng = np.random.default_rng(7)
    worlds, seeds, tests = 4_000, 10, 33
    effects = np.where(np.arange(tests) % 3 == 0, 1.0, 0.0)
    shared = rng.normal(size=(worlds, 1, seeds))
    values = 0.6 * shared + 0.8 * rng.normal(size=(worlds, tests, seeds)) + effects[:, None]
    t = values.mean(axis=2) / (values.std(axis=2, ddof=1) / math.sqrt(seeds))
    p = 2.0 * stats.t.sf(np.abs(t), seeds - 1)
    untrue = effects == 0.0
    found = np.array([holm(world) < 0.05 for world in p])
    assert (found & untrue).any(axis=1).mean() <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / worlds)
    assert ((p < 0.05) & untrue).any(axis=1).mean() > 0.3  # what believing every p below 0.05 would do
    assert (found & ~untrue).any(axis=1).mean() > 0.5  # and true effects are still seen


def test_holm_by_hand():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.5, math.nan, 0.9])), [1.0, math.nan, 1.0])  # no test does not count
    assert len(holm(np.array([]))) == 0


# ----------------------------------------------------------------------------------------------------------- the family


def test_the_family_is_headline_figures_of_the_bank_over_all_arms():
    tables = fabricate.fabricate({"nothing": (1.0, 0.0), "z": (0.99, 1e4), "a": (0.98, 2e4)}, (1, 2, 3), 13)
    sure = precision(run_kpis(tables, tiers=TIERS, discount_rate=0.1), "nothing")
    inside = sure[sure["kpi"].isin(HEADLINES) & sure["p_value"].notna()]
    assert inside["arm"].nunique() == 2
    np.testing.assert_allclose(inside["p_adjusted"], holm(inside["p_value"].to_numpy()))
    assert sure[~sure["kpi"].isin([*HEADLINES, *SAME_TEST])]["p_adjusted"].isna().all()
    assert set(HEADLINES) <= set(KPIS)


def test_a_figure_a_year_is_the_test_of_its_total():
    tables = fabricate.fabricate({"nothing": (1.0, 0.0), "z": (0.99, 1e4)}, (1, 2, 3), 24)
    sure = precision(run_kpis(tables, tiers=TIERS, discount_rate=0.1), "nothing").set_index("kpi")
    for yearly, total in SAME_TEST.items():
        assert sure.loc[yearly, "p_value"] == pytest.approx(sure.loc[total, "p_value"])
        assert sure.loc[yearly, "p_adjusted"] == sure.loc[total, "p_adjusted"]


def test_the_names_of_kpis_are_those_that_runs_have():
    for tiers, months in ((TIERS, 13), (TIERS[:1], 12)):
        tables = fabricate.fabricate(seeds=(1,), months=months)
        tables = {
            "monthly": tables["monthly"][tables["monthly"]["tier"].isin(tiers)],
            "bank": tables["bank"],
            "transitions": tables["transitions"][
                tables["transitions"]["from"].isin([*tiers, "dormant", "new"])
                & tables["transitions"]["to"].isin([*tiers, "dormant", "closed"])
            ],
        }
        found = run_kpis(tables, tiers=tiers, discount_rate=0.1)["kpi"].unique()
        assert sorted(found) == sorted(kpi_names(tiers))


# ---------------------------------------------------------------------------------------------------- degenerate cases


NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("base", "more", "half", "for_half", "unpaired", "p"),
    [
        (BASE, BASE, 0.0, NAN, INF, 1.0),  # the same bits: nothing speaks for a difference
        (BASE, [v + 2 for v in BASE], 0.0, NAN, INF, NAN),  # a difference without spread: nothing to test it against
        ([5.0] * 4, [5.0] * 4, 0.0, NAN, NAN, 1.0),
        ([5.0] * 4, [7.0] * 4, 0.0, NAN, NAN, NAN),
        ([0.1 + 0.2] * 4, [0.3] * 4, 0.0, NAN, NAN, 1.0),  # rounding is no finding
        ([1.0], [3.0], NAN, NAN, NAN, NAN),  # one seed
        (BASE, [INF, *MORE[1:]], NAN, NAN, NAN, NAN),
        (BASE, [-INF] * 5, NAN, NAN, NAN, NAN),
        ([NAN, 1.0], [2.0, NAN], None, None, None, None),  # no pair: no row
        ([1.0, 2.0], [NAN, 3.0], NAN, NAN, NAN, NAN),  # one pair
    ],
)
def test_what_cannot_be_said_is_not_said_and_nothing_warns(base, more, half, for_half, unpaired, p):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = precision(kpis(base=base, more=more), "base")
    if half is None:
        assert len(table) == 0
        return
    row = only(table)
    found = row[["half_width", "seeds_for_half", "unpaired_seeds", "p_value", "p_adjusted"]].to_numpy(dtype=float)
    np.testing.assert_array_equal(found, [half, for_half, unpaired, p, p])


def test_pairing_wins_nothing_against_an_arm_that_does_not_vary():
    row = only(precision(kpis(base=BASE, more=[5.0] * 5), "base"))
    assert row["unpaired_seeds"] == 5


@pytest.mark.parametrize("table", [kpis(base=BASE), kpis(a=BASE, b=MORE), kpis()])
def test_one_arm_or_no_reference_gives_an_empty_table(table):
    empty = precision(table, "base")
    assert tuple(empty.columns) == PRECISION_COLUMNS
    assert len(empty) == 0


# --------------------------------------------------------------------------------------------------------- from outside


def finished(out: Path, arms: dict[str, tuple[float, float]], seeds: tuple[int, ...] = (1, 2, 3), months: int = 13):
    tables = fabricate.fabricate(arms, seeds, months)
    folder = ResultsFolder.create(out, "name: tiny\n", fabricate.manifest(list(arms), seeds, months))
    for arm in arms:
        for seed in seeds:
            folder.add(arm, seed, fabricate.of_run(tables, arm, seed), 0.1)
    assert result_digest(tables["monthly"], list(arms), TIERS)
    return folder.finish(then=write_key_figures)


ARMS = {"nothing": (1.0, 0.0), "calls": (0.99, 1e4), "tools": (0.97, 4e4)}


@pytest.mark.long
def test_precision_stands_beside_the_comparison_and_report_makes_it_anew(tmp_path):
    run = finished(tmp_path / "run", ARMS)
    first = (tmp_path / "run" / "precision.csv").read_bytes()
    assert len(run.precision) == len(run.comparison)
    (tmp_path / "run" / "precision.csv").unlink()
    page = build(tmp_path / "run").read_text("utf-8")
    assert (tmp_path / "run" / "precision.csv").read_bytes() == first
    assert CORRECTION.replace("'", "&#39;") in page
    assert "precision.csv" in page


def test_a_run_of_one_arm_has_no_precision_of_differences(tmp_path):
    finished(tmp_path / "run", {"nothing": (1.0, 0.0)})
    assert not (tmp_path / "run" / "precision.csv").exists()


def test_compare_prints_how_sure_and_json_has_all_of_it(tmp_path, capsys):
    run = finished(tmp_path / "run", ARMS)
    assert main(["compare", str(run.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 100
    at = next(i for i, line in enumerate(lines) if line.startswith("how sure"))
    assert "for half" in lines[at + 1]
    assert [line.split()[0] for line in lines[at + 3 : at + 5]] == ["calls", "tools"]
    assert any(CORRECTION in line and "24 headline tests" in line for line in lines[at:])
    assert main(["compare", str(run.path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["kpi"] for row in told["precision"]] == list(run.precision["kpi"])
    assert set(told["precision"][0]) == set(PRECISION_COLUMNS)


def test_long_names_of_many_arms_keep_the_table_narrow(tmp_path):
    run = finished(tmp_path / "run", {"nothing": (1.0, 0.0), **{"a" * (20 + i): (0.9, 1e4) for i in range(12)}})
    text = summary_table(run, precision=run.precision)
    assert max(map(len, text.splitlines())) <= 100
    assert "how sure" in text


def test_one_seed_says_nothing_of_sureness(tmp_path):
    run = finished(tmp_path / "run", ARMS, (1,))
    assert "how sure" not in summary_table(run, precision=run.precision)
    assert read(run.path).precision["p_adjusted"].isna().all()
