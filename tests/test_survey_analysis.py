"""What answers say: closed forms, the figures of a published survey, a bias that weights take out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from sim.store.survey_columns import SURVEY
from sim.survey.analysis import Analysis, analyse
from sim.survey.instrument import Instrument
from sim.survey.sheets import Sheets

ROOT = Path(__file__).parent.parent
DATA = Path(os.environ.get("SIM_DATA_DIR", ROOT.parent / "shared" / "data")) / "bank_csi"
LIKERT = {"from": 1, "to": 5}
CUTS = np.array([-1.8, -1.0, 0.0, 1.1])  # SPEC 8.2
NPS_CUTS = np.array([-2.6, -2.3, -2.0, -1.75, -1.5, -1.1, -0.7, -0.15, 0.55, 1.05])


def instrument(constructs: dict[str, int], **more: Any) -> Instrument:
    """Constructs with so many questions each on five points; keywords add items and demographics."""
    items = [
        {"code": f"{name}{place}", "text": f"{name} {place}", "scale": "five", "construct": name}
        for name, count in constructs.items()
        for place in range(1, count + 1)
    ]
    return Instrument.model_validate(
        {
            "name": "tiny",
            "scales": {"five": LIKERT, "eleven": {"from": 0, "to": 10}},
            "constructs": {name: {"label": name.title()} for name in constructs},
            "items": [*items, *more.get("items", [])],
            "demographics": more.get("demographics", []),
        }
    )


def sheets(table: dict[str, Any], constructs: dict[str, int], **more: Any) -> Sheets:
    """Answers to such an instrument."""
    return Sheets(instrument(constructs, **more), pd.DataFrame(table), "answers.csv")


def items_of_one_factor(n: int, items: int, loading: float, seed: int, mean: float = 0.0) -> np.ndarray:
    """Latent answers with one factor in common, float64 (n, items)."""
    rng = np.random.default_rng(seed)
    factor = rng.standard_normal(n)[:, None] + mean
    return loading * factor + np.sqrt(1 - loading**2) * rng.standard_normal((n, items))


def row(analysis: Analysis, table: str, **where: Any) -> pd.Series:
    """The one row of a table with these values."""
    found = analysis.tables[table]
    for column, value in where.items():
        found = found[found[column] == value]
    assert len(found) == 1
    return found.iloc[0]


# --- closed forms (A16) -------------------------------------------------------------------------------------------


def test_alpha_is_that_of_the_mean_correlation() -> None:
    """alpha = k r / (1 + (k-1) r) for items of equal spread, and omega is the same under one factor."""
    k, loading = 4, 0.75
    values = items_of_one_factor(20_000, k, loading, seed=1)
    found = row(analyse(sheets({f"a{i + 1}": values[:, i] for i in range(k)}, {"a": k})), "reliability", construct="a")
    r = loading**2
    true = k * r / (1 + (k - 1) * r)
    assert found["alpha_low"] < true < found["alpha_high"]
    assert found["alpha"] == pytest.approx(true, abs=0.006)
    assert found["omega"] == pytest.approx(true, abs=0.006)
    assert found["alpha_standardised"] == pytest.approx(
        k * found["mean_r"] / (1 + (k - 1) * found["mean_r"]), rel=1e-12
    )


def test_the_interval_of_alpha_holds_it_as_often_as_it_says() -> None:
    k, r, inside = 3, 0.5, 0
    true = k * r / (1 + (k - 1) * r)
    for seed in range(400):
        values = items_of_one_factor(60, k, np.sqrt(r), seed)
        found = row(analyse(sheets({f"a{i + 1}": values[:, i] for i in range(k)}, {"a": k})), "reliability")
        inside += bool(found["alpha_low"] < true < found["alpha_high"])
    assert 0.92 < inside / 400 < 0.98


def test_the_net_promoter_score_is_that_of_the_normal_at_its_thresholds() -> None:
    n, mean = 40_000, 0.2
    latent = np.random.default_rng(2).standard_normal(n) + mean
    answer = np.searchsorted(NPS_CUTS, latent).astype(float)
    question = {"code": "would", "text": "recommend?", "scale": "eleven", "nps": True}
    found = row(analyse(sheets({"would": answer}, {}, items=[question])), "nps", weighting="unweighted")
    promoters, detractors = norm.sf(NPS_CUTS[8] - mean), norm.cdf(NPS_CUTS[6] - mean)
    true = 100 * (promoters - detractors)
    assert found["ci_low"] < true < found["ci_high"]
    assert found["promoters"] == pytest.approx(promoters, abs=0.01)
    exact = 100 * np.sqrt((promoters + detractors - (promoters - detractors) ** 2) / n)
    assert found["se"] == pytest.approx(exact, rel=0.02)


# --- a published survey ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bank() -> Analysis:
    """The satisfaction survey of a bank's customers, analysed."""
    if not (DATA / "answers.csv.gz").exists():
        pytest.skip(f"no bank_csi under {DATA.parent}: set SIM_DATA_DIR to the folder of the public data sets")
    table = pd.read_csv(DATA / "answers.csv.gz")
    people = ["Gender", "Age", "Education", "Occupation", "Region"]
    codes = [name for name in table if name not in (*people, "row")]
    names = list(dict.fromkeys(code.rstrip("0123456789") for code in codes))
    asked = Instrument.model_validate(
        {
            "name": "bank_csi",
            "scales": {"ten": {"from": 0, "to": 10}},
            "constructs": {name: {"label": name} for name in names},
            "items": [
                {
                    "code": code,
                    "text": code,
                    "scale": "ten",
                    "construct": code.rstrip("0123456789"),
                    "nps": code == "loy3",
                }
                for code in codes
            ],
            "demographics": [{"code": name, "text": name} for name in people],
        }
    )
    return analyse(Sheets(asked, table.drop(columns="row").astype(dict.fromkeys(codes, float)), "answers.csv.gz"))


def target(name: str) -> pd.DataFrame:
    return pd.read_csv(DATA / "targets" / f"{name}.csv", index_col=0)


def same(found: pd.Series, wanted: pd.Series) -> None:
    """Targets are printed in six digits."""
    np.testing.assert_allclose(found.to_numpy(float), wanted.to_numpy(float), rtol=5e-6, atol=5e-6)


def test_the_figures_of_a_published_survey_come_out(bank: Analysis) -> None:
    items, wanted = bank.tables["items"].set_index("item"), target("item_descriptives")
    assert list(items.index) == list(wanted.index)
    for mine, theirs in (("mean", "mean"), ("sd", "std"), ("skew", "skew"), ("ceiling", "share_top"), ("n", "count")):
        same(items[mine], wanted[theirs])
    levels, wanted = bank.tables["constructs"].set_index("construct"), target("construct_means")
    same(levels["mean"], wanted["mean"])
    same(levels["sd"], wanted["std"])
    proof, wanted = bank.tables["reliability"].set_index("construct"), target("cronbach_alpha")
    same(proof["alpha"], wanted["alpha"])
    same(proof["mean_r"], wanted["mean_inter_item_r"])
    shares = bank.tables["distribution"].pivot(index="item", columns="answer", values="share")
    wanted = target("item_response_distribution")
    np.testing.assert_allclose(shares.loc[wanted.index].to_numpy(), wanted.to_numpy(), rtol=5e-6, atol=5e-7)
    score = pd.read_json(DATA / "targets" / "summary.json", typ="series")
    found = row(bank, "nps", weighting="unweighted")
    assert found["nps"] == pytest.approx(score["NPS"], abs=1e-6)
    assert found["promoters"] == pytest.approx(score["promoters"], abs=1e-6)
    assert row(bank, "quality", what="all_the_same")["share"] == pytest.approx(score["straightline_share"], abs=1e-6)


def test_groups_of_a_published_survey_come_out(bank: Analysis) -> None:
    wanted = target("construct_means_by_Age")
    found = bank.tables["groups"]
    found = found[(found["by"] == "Age") & (found["construct"] == "sat")].set_index("group").loc[wanted.index]
    same(found["mean"], wanted["sat_mean"])
    same(found["sd"], wanted["sat_std"])
    assert (found["n"] == wanted["sat_size"]).all()


def test_tables_have_the_columns_that_the_data_dictionary_tells(bank: Analysis) -> None:
    assert {name: tuple(table.columns) for name, table in bank.tables.items()} == {
        name: file.names for name, file in SURVEY.items()
    }
    for name, table in bank.tables.items():
        for column in SURVEY[name].columns:
            if len(table):
                kind = {"text": "O", "int64": "i", "float64": "f", "bool": "b"}[column.dtype]
                assert table[column.name].to_numpy().dtype.kind == kind, f"{name}.{column.name}"


# --- design weights ---------------------------------------------------------------------------------------------------


def test_weights_take_out_a_bias_of_coverage_that_was_built_in() -> None:
    """Of a population in two halves the happier one is asked four times as often."""
    inside, true, plain = 0, 3.0, []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        happy = np.arange(400) < 320
        answers = np.clip(np.round(np.where(happy, 3.5, 2.5) + rng.standard_normal(400) * 0.7), 1, 5)
        table = {"a1": answers, "weight": np.where(happy, 1.0, 4.0)}
        found = row(analyse(sheets(table, {"a": 1})), "constructs")
        inside += bool(found["ci_low_weighted"] < true < found["ci_high_weighted"])
        plain.append(found["mean"])
        assert found["effective_n"] == pytest.approx(640**2 / (320 + 80 * 16))
    assert inside >= 0.9 * 200
    assert np.mean(plain) == pytest.approx(3.3, abs=0.02)  # without them it stays


def test_equal_weights_change_nothing() -> None:
    values = np.random.default_rng(3).integers(1, 6, (50, 2)).astype(float)
    table = {"a1": values[:, 0], "a2": values[:, 1], "weight": np.full(50, 7.0)}
    found = row(analyse(sheets(table, {"a": 2})), "constructs")
    score = values.mean(axis=1)
    assert found["mean_weighted"] == pytest.approx(score.mean())
    assert found["se_weighted"] == found["se"] == pytest.approx(score.std(ddof=1) / np.sqrt(50))
