"""What answers say: closed forms, the figures of a published survey, a bias that weights take out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from sim.errors import BadInput
from sim.store.survey_columns import SURVEY
from sim.survey.analysis.asking import Analysis, analyse
from sim.survey.analysis.constructs import constructs as levels_of
from sim.survey.analysis.groups import groups
from sim.survey.analysis.quality import Rule
from sim.survey.analysis.reliability import alpha_interval, alpha_of
from sim.survey.analysis.study import Study
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
    k, r, inside = 6, 0.5, 0
    true = k * r / (1 + (k - 1) * r)
    for seed in range(2000):
        values = items_of_one_factor(60, k, np.sqrt(r), seed)
        low, high = alpha_interval(alpha_of(np.cov(values, rowvar=False)), 60, k)
        inside += bool(low < true < high)
    assert 0.935 < inside / 2000 < 0.965  # three standard errors


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
        found = levels_of(Study.of(sheets(table, {"a": 1}))).iloc[0]
        inside += bool(found["ci_low_weighted"] < true < found["ci_high_weighted"])
        plain.append(found["mean"])
        assert found["effective_n"] == pytest.approx(640**2 / (320 + 80 * 16))
    assert inside >= 0.9 * 200
    assert np.mean(plain) == pytest.approx(3.3, abs=0.02)  # without them it stays


def test_the_error_of_a_weighted_mean_is_that_of_an_independent_library() -> None:
    """A weighted regression on nothing but a constant, with errors that hold for any spread (HC1)."""
    import statsmodels.api as statsmodels

    rng = np.random.default_rng(16)
    answers, weights = rng.integers(1, 6, 80).astype(float), rng.gamma(2.0, 1.0, 80)
    theirs = statsmodels.WLS(answers, np.ones(80), weights=weights).fit(cov_type="HC1", use_t=True)
    mine = levels_of(Study.of(sheets({"a1": answers, "weight": weights}, {"a": 1}))).iloc[0]
    assert mine["mean_weighted"] == pytest.approx(theirs.params[0])
    assert mine["se_weighted"] == pytest.approx(theirs.bse[0])
    assert (mine["ci_low_weighted"], mine["ci_high_weighted"]) == pytest.approx(tuple(theirs.conf_int()[0]))


def test_omega_is_that_of_an_independent_librarys_factor() -> None:
    from statsmodels.multivariate.factor import Factor

    values = items_of_one_factor(400, 5, 0.7, seed=17) * [1.0, 2.0, 0.5, 1.0, 1.5]
    theirs = np.abs(Factor(values, n_factor=1, method="pa").fit(maxiter=500, tol=1e-12).loadings[:, 0])
    found = analyse(sheets({f"a{i + 1}": values[:, i] for i in range(5)}, {"a": 5}))
    np.testing.assert_allclose(found.tables["reliability_items"]["loading"], theirs, atol=1e-4)
    sds = values.std(axis=0, ddof=1)
    shared = (theirs * sds).sum() ** 2
    omega = shared / (shared + (sds**2 * (1 - theirs**2)).sum())
    assert row(found, "reliability")["omega"] == pytest.approx(omega, abs=1e-4)


def test_the_same_question_twice_has_an_alpha_and_no_omega() -> None:
    values = np.random.default_rng(18).integers(1, 6, (40, 2)).astype(float)
    table = {"a1": values[:, 0], "a2": values[:, 0], "a3": values[:, 1]}
    proof = row(analyse(sheets(table, {"a": 3})), "reliability")
    assert np.isfinite(proof["alpha"])
    assert np.isnan(proof["omega"])
    assert proof["word"] == "no omega: its items are sums of one another"


def test_equal_weights_change_nothing() -> None:
    values = np.random.default_rng(3).integers(1, 6, (50, 2)).astype(float)
    table = {"a1": values[:, 0], "a2": values[:, 1], "weight": np.full(50, 7.0)}
    found = row(analyse(sheets(table, {"a": 2})), "constructs")
    score = values.mean(axis=1)
    assert found["mean_weighted"] == pytest.approx(score.mean())
    assert found["se_weighted"] == found["se"] == pytest.approx(score.std(ddof=1) / np.sqrt(50))


def test_correlations_of_a_published_survey_come_out(bank: Analysis) -> None:
    wanted, found = target("construct_correlations"), bank.tables["correlations"]
    assert len(found) == len(wanted) * (len(wanted) - 1) / 2
    for _, pair in found.iterrows():
        assert pair["r"] == pytest.approx(wanted.loc[pair["x"], pair["y"]], abs=2e-6)


def test_attenuation_is_taken_back() -> None:
    """Scores of k items with reliability a of each construct correlate at rho a; corrected they come back to rho."""
    n, k, loading, rho = 20_000, 4, 0.7, 0.6
    rng = np.random.default_rng(5)
    common = rng.standard_normal(n)
    table = {}
    for name in ("a", "b"):
        factor = np.sqrt(rho) * common + np.sqrt(1 - rho) * rng.standard_normal(n)
        noise = rng.standard_normal((n, k))
        table |= {f"{name}{i + 1}": loading * factor + np.sqrt(1 - loading**2) * noise[:, i] for i in range(k)}
    found = row(analyse(sheets(table, {"a": k, "b": k})), "correlations")
    r = loading**2
    alpha = k * r / (1 + (k - 1) * r)
    assert found["r"] == pytest.approx(rho * alpha, abs=0.015)
    assert found["ci_low_corrected"] < rho < found["ci_high_corrected"]
    assert found["sure"]


def test_a_score_needs_half_of_the_items_and_is_their_mean_on_one_scale() -> None:
    mixed = [{"code": "would", "text": "recommend?", "scale": "eleven", "construct": "a"}]
    table = {"a1": [1.0, 5.0, 3.0, np.nan], "a2": [3.0, np.nan, np.nan, np.nan], "would": [10.0, np.nan, 0.0, 5.0]}
    given = Study.of(sheets(table, {"a": 2}, items=mixed)).scores["a"].to_numpy()
    np.testing.assert_allclose(given, [(1 + 3 + 5) / 3, np.nan, (3 + 1) / 2, np.nan])


# --- who is believed --------------------------------------------------------------------------------------------------

REVERSED = [{"code": "r", "text": "r", "scale": "five", "construct": "a", "reversed": True}]


def test_a_sheet_that_contradicts_itself_is_left_out_and_counted() -> None:
    rng = np.random.default_rng(6)
    values = rng.integers(1, 6, (40, 8)).astype(float)
    values[:3] = 4.0  # the same to all, and to the reverse
    values[3, :7] = np.nan  # one of eight answered
    values[4] = np.nan
    table = {f"a{i + 1}": values[:, i] for i in range(7)} | {"r": values[:, 7]}
    given = sheets(table, {"a": 7}, items=REVERSED)
    found = analyse(given)
    assert found.facts["left_out"] == {"empty": 1, "missing": 1, "straight_lining": 3}
    assert found.facts["used"] == 35 == row(found, "quality", what="used")["sheets"]
    assert list(found.tables["sheets"]["verdict"][:6]) == [*["straight_lining"] * 3, "missing", "empty", "kept"]
    kept = analyse(given, rule=Rule(keep=True))
    assert kept.facts["used"] == 39
    assert "kept, as asked for" in kept.notes[0]


@pytest.mark.parametrize(("questions", "careless"), [(7, 0), (8, 3), (12, 3)])
def test_the_same_answer_to_a_handful_of_questions_may_be_meant(questions: int, careless: int) -> None:
    values = np.random.default_rng(6).integers(1, 6, (40, questions)).astype(float)
    values[:3] = 3.0
    table = {f"a{i + 1}": values[:, i] for i in range(questions - 1)} | {"r": values[:, -1]}
    found = analyse(sheets(table, {"a": questions - 1}, items=REVERSED))
    assert found.facts["left_out"].get("straight_lining", 0) == careless


def test_the_same_answer_everywhere_may_be_meant_where_nothing_is_reversed() -> None:
    values = np.random.default_rng(7).integers(1, 6, (30, 5)).astype(float)
    values[:2] = 4.0
    found = analyse(sheets({f"a{i + 1}": values[:, i] for i in range(5)}, {"a": 5}))
    assert found.facts["used"] == 30
    assert row(found, "quality", what="all_the_same")["sheets"] >= 2
    assert any("2 of the sheets used give the same answer" in note for note in found.notes)


def test_who_was_not_asked_has_nothing_missing() -> None:
    own = {"code": "app", "text": "app", "scale": "five", "asked_if": {"user": ["yes"]}}
    people = [{"code": "user", "text": "user", "choices": {"yes": "Yes", "no": "No"}}]
    table = {"a1": [1.0, 2.0, 3.0, 4.0], "app": [np.nan, 5.0, np.nan, np.nan], "user": ["no", "yes", "no", "yes"]}
    found = analyse(sheets(table, {"a": 1}, items=[own], demographics=people))
    assert list(found.tables["sheets"]["asked"]) == [1, 2, 1, 2]
    assert list(found.tables["sheets"]["share_answered"]) == [1, 1, 1, 0.5]


# --- words where there is no number -----------------------------------------------------------------------------------


def test_one_respondent_has_means_and_no_intervals() -> None:
    found = analyse(sheets({"a1": [3.0], "a2": [4.0]}, {"a": 2}))
    level = row(found, "constructs")
    assert (level["mean"], level["word"]) == (3.5, "one sheet: no interval")
    assert np.isnan(level["ci_low"])
    assert row(found, "reliability")["word"] == "1 sheet with all its items answered: too few"


def test_a_constant_item_leaves_alpha_undefined_and_is_named() -> None:
    values = np.random.default_rng(8).integers(1, 6, (30, 3)).astype(float)
    values[:, 1] = 4.0
    found = analyse(sheets({f"a{i + 1}": values[:, i] for i in range(3)}, {"a": 3}))
    proof = row(found, "reliability")
    assert np.isnan(proof["alpha"])
    assert proof["word"] == "undefined: everybody gave the same answer to a2"
    assert row(found, "reliability_items", item="a2")["word"] == "everybody gave the same answer"
    assert row(found, "items", item="a2")["word"] == "everybody gave the same answer"


def test_a_construct_of_one_item_has_no_reliability() -> None:
    values = np.random.default_rng(9).integers(1, 6, 30).astype(float)
    proof = row(analyse(sheets({"a1": values}, {"a": 1})), "reliability")
    assert np.isnan(proof["alpha"])
    assert proof["word"] == "one item: no reliability within one survey"


def test_a_construct_that_nobody_answered_is_said() -> None:
    values = np.random.default_rng(10).integers(1, 6, (30, 3)).astype(float)
    table = {"a1": values[:, 0], "a2": values[:, 1], "b1": np.full(30, np.nan), "a3": values[:, 2]}
    found = analyse(sheets(table, {"a": 3, "b": 1}))
    assert row(found, "constructs", construct="b")["word"] == "nobody answered half of its items"
    assert row(found, "items", item="b1")["word"] == "nobody answered it"
    assert "b: nobody answered half of its items." in found.notes


def test_an_item_that_was_keyed_the_wrong_way_is_named() -> None:
    values = items_of_one_factor(300, 4, 0.7, seed=11)
    values[:, 2] *= -1
    found = analyse(sheets({f"a{i + 1}": values[:, i] for i in range(4)}, {"a": 4}))
    assert row(found, "reliability")["word"].startswith("negative loading: a3")
    assert row(found, "reliability_items", item="a3")["word"].startswith("loads the other way")


@pytest.mark.parametrize(
    ("weights", "told"),
    [
        ([1.0, -2.0, 1.0], "weight: 1 sheet without a usable weight; sheet 2 has a weight of -2; a number above 0"),
        ([1.0, np.nan, np.nan], "weight: 2 sheets without a usable weight; sheet 2 has no weight; a number above 0"),
        ([0.0, 1.0, 1.0], "weight: 1 sheet without a usable weight; sheet 1 has a weight of 0; a number above 0"),
    ],
)
def test_weights_that_are_none_are_refused(weights: list[float], told: str) -> None:
    with pytest.raises(BadInput) as refused:
        analyse(sheets({"a1": [1.0, 2.0, 3.0], "weight": weights}, {"a": 1}))
    assert str(refused.value).startswith(f"answers.csv  {told}")


def test_no_usable_sheet_is_refused() -> None:
    with pytest.raises(BadInput, match="none of 2 sheets can be used: 2 no question answered"):
        analyse(sheets({"a1": [np.nan, np.nan]}, {"a": 1}))
    with pytest.raises(BadInput, match="no sheet; a row a sheet"):
        analyse(sheets({"a1": np.zeros(0)}, {"a": 1}))


# --- groups -----------------------------------------------------------------------------------------------------------

PEOPLE = [{"code": "where", "text": "where", "choices": {"east": "East", "west": "West"}}]


def test_two_groups_are_told_apart_by_welch() -> None:
    from scipy.stats import ttest_ind

    rng = np.random.default_rng(12)
    east, west = rng.normal(3, 0.5, 40), rng.normal(3.6, 0.9, 25)
    table = {"a1": np.concatenate([east, west]), "where": ["east"] * 40 + ["west"] * 25}
    test = row(analyse(sheets(table, {"a": 1}, demographics=PEOPLE)), "differences")
    theirs = ttest_ind(west, east, equal_var=False)
    assert test["statistic"] == pytest.approx(theirs.statistic)
    assert test["df_within"] == pytest.approx(theirs.df)
    assert test["p_value"] == pytest.approx(theirs.pvalue)
    pooled = np.sqrt((39 * east.var(ddof=1) + 24 * west.var(ddof=1)) / 63)
    assert test["effect_size"] == pytest.approx((1 - 3 / (4 * 63 - 1)) * (west.mean() - east.mean()) / pooled)


def test_three_groups_are_told_apart_by_welchs_f() -> None:
    from statsmodels.stats.oneway import anova_oneway

    rng = np.random.default_rng(13)
    groups = [rng.normal(mean, sd, n) for mean, sd, n in ((3, 0.5, 20), (3.3, 0.9, 30), (3.5, 0.7, 25))]
    table = {"a1": np.concatenate(groups), "where": np.repeat(["a", "b", "c"], (20, 30, 25))}
    test = row(analyse(sheets(table, {"a": 1}, demographics=[{"code": "where", "text": "where"}])), "differences")
    theirs = anova_oneway(groups, use_var="unequal")
    assert test["statistic"] == pytest.approx(theirs.statistic)
    assert test["p_value"] == pytest.approx(theirs.pvalue)
    whole = np.concatenate(groups)
    between = sum(len(one) * (one.mean() - whole.mean()) ** 2 for one in groups)
    assert test["effect_size"] == pytest.approx(between / ((whole - whole.mean()) ** 2).sum())


def test_a_group_of_one_sheet_is_said_and_not_tested() -> None:
    table = {"a1": [1.0, 2.0, 3.0, 5.0], "where": ["east", "east", "east", "west"]}
    found = analyse(sheets(table, {"a": 1}, demographics=PEOPLE))
    assert row(found, "groups", group="west")["word"] == "1 of the 2 sheets it needs"
    assert row(found, "differences")["word"] == "fewer than two groups of two sheets"
    assert not row(found, "differences")["sure"]


def test_groups_that_do_not_differ_are_called_clear_in_five_of_a_hundred_at_most() -> None:
    """Holm's promise: over everything that is tested at once."""
    wrong = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        table = {f"{name}1": rng.normal(3, 1, 60) for name in "abcdefgh"}
        table |= {"where": rng.choice(["east", "west"], 60)}
        given = sheets(table, dict.fromkeys("abcdefgh", 1), demographics=PEOPLE)
        wrong += bool(groups(Study.of(given), ["where"])[1]["sure"].any())
    assert wrong <= 9  # 5 expected at most; more than 9 has a chance of 3 %


def test_a_column_to_compare_by_that_is_not_there_is_refused() -> None:
    table = {"a1": [1.0, 2.0], "where": ["east", "west"]}
    with pytest.raises(BadInput, match=r"--by  no column 'tier' in answers\.csv; one of where"):
        analyse(sheets(table, {"a": 1}, demographics=PEOPLE), by=["tier"])


# --- expected and met, what matters -------------------------------------------------------------------------------


def test_a_gap_is_the_paired_difference() -> None:
    from scipy.stats import ttest_1samp

    asked = [{"code": "e", "text": "e", "scale": "five", "role": "expectation", "about": "a"}]
    rng = np.random.default_rng(14)
    expected, met = rng.integers(3, 6, 50).astype(float), rng.integers(1, 6, 50).astype(float)
    met[0], expected[1] = np.nan, np.nan
    gap = row(analyse(sheets({"a1": met, "e": expected}, {"a": 1}, items=asked)), "gaps")
    theirs = ttest_1samp((met - expected)[2:], 0)
    assert gap["n"] == 48
    assert gap["gap"] == pytest.approx((met - expected)[2:].mean())
    assert gap["p_value"] == pytest.approx(theirs.pvalue)
    assert (gap["ci_low"], gap["ci_high"]) == pytest.approx(tuple(theirs.confidence_interval()))


def test_importance_is_the_share_that_each_explains_and_falls_into_four_fields() -> None:
    """Three causes that do not go together: shares are squared effects."""
    rng = np.random.default_rng(15)
    causes = rng.standard_normal((50_000, 3))
    question = {"code": "would", "text": "recommend?", "scale": "eleven", "nps": True}
    outcome = 5 + causes @ [0.6, 0.3, 0.1] + 0.5 * rng.standard_normal(50_000)
    table = {"a1": causes[:, 0], "b1": 4 + causes[:, 1], "c1": causes[:, 2], "would": outcome}
    found = analyse(sheets(table, {"a": 1, "b": 1, "c": 1}, items=[question])).tables["importance"]
    assert found["importance"].to_numpy() == pytest.approx(np.array([0.36, 0.09, 0.01]) / 0.46 * 100, abs=1)
    assert list(found["quadrant"]) == ["concentrate here", "possible overkill", "low priority"]
