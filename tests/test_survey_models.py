"""Models of answers: known loadings come back, wrong ones are seen, and what cannot be fitted is said in words."""

from __future__ import annotations

import json
import os
import re
import time
from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from scipy.stats import multivariate_normal

from sim.survey.analysis.confirmatory import factor_model
from sim.survey.analysis.correlations import correlations, matrix
from sim.survey.analysis.drivers import drivers
from sim.survey.analysis.factors import congruence, explore, matched, minres, parallel, rotated
from sim.survey.analysis.invariance import invariance
from sim.survey.analysis.moments import correlate
from sim.survey.analysis.paths import chain, outcomes, structural, usual
from sim.survey.holding.answering import Biases
from sim.survey.holding.fieldwork import hold
from sim.survey.instrument import Instrument
from sim.survey.instrument.reading import read_instrument
from sim.survey.measures import BY_NAME
from sim.survey.respondents import Fact, Respondents
from sim.survey.sheets import Sheets

FIVE_POINTS = (-1.8, -1.0, 0.0, 1.1)  # cuts of SPEC 8.2
LOADINGS = (0.8, 0.7, 0.6, 0.75)
BANK = Path(os.environ.get("SIM_DATA_DIR", Path(__file__).parents[2] / "shared" / "data")) / "bank_csi"


def answered(
    n: int,
    seed: int,
    latent: np.ndarray,
    loadings: tuple[float, ...] = LOADINGS,
    cuts: tuple[float, ...] = (),
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Answers to items of factors with these correlations, and which item belongs to which; in steps if cut."""
    rng = np.random.default_rng([0x5EED, seed])
    factors = rng.multivariate_normal(np.zeros(len(latent)), latent, size=n)
    own = rng.normal(size=(n, len(latent), len(loadings)))
    lambdas = np.array(loadings)
    given = factors[:, :, None] * lambdas + own * np.sqrt(1 - lambdas**2)
    constructs = {f"f{i}": [f"f{i}_{j}" for j in range(len(loadings))] for i in range(len(latent))}
    names = [code for codes in constructs.values() for code in codes]
    table = pd.DataFrame(given.reshape(n, -1), columns=names)
    if cuts:
        table = table.apply(lambda one: pd.Series(np.digitize(one, cuts) + 1.0))
    return table, constructs


def equal(factors: int, r: float) -> np.ndarray:
    """Correlations of factors that all correlate the same."""
    return np.full((factors, factors), r) + (1 - r) * np.eye(factors)


def coverage(seeds: range, cuts: tuple[float, ...], n: int = 500) -> np.ndarray:
    """For each loading and the factors' correlation, in how many seeds its interval has the true value."""
    hits = np.zeros(2 * len(LOADINGS) + 1)
    for seed in seeds:
        answers, constructs = answered(n, seed, equal(2, 0.5), cuts=cuts)
        found = factor_model(answers, constructs)
        assert not found.problem
        both = pd.concat([found.loadings[["low", "high"]], found.factors[["low", "high"]]])
        true = np.array([*LOADINGS, *LOADINGS, 0.5])
        hits += (both["low"].to_numpy() <= true) & (true <= both["high"].to_numpy())
    return hits


KINDS = pytest.mark.parametrize("cuts", [(), FIVE_POINTS], ids=["continuous", "five points"])


@KINDS
def test_known_loadings_come_back_within_their_intervals(cuts: tuple[float, ...]):
    """Of 100 seeds at least 90, taking loadings together; one by one needs more seeds, see below."""
    assert coverage(range(100), cuts)[:-1].mean() >= 92


@pytest.mark.long
@KINDS
def test_every_loading_comes_back_within_its_interval(cuts: tuple[float, ...]):
    """Each loading and the factors' correlation in at least 90 of 100 seeds, told from 500."""
    assert coverage(range(500), cuts).min() >= 450


def held(seed: int, n: int = 600) -> tuple[pd.DataFrame, dict[str, list[str]], Instrument]:
    """The shipped customers' questionnaire held on people whose measures are unrelated, answered without any bias."""
    asked, rng = read_instrument("customers"), np.random.default_rng([0xA5C, seed])
    size = 4000
    known = {name: rng.standard_normal(size) for name, one in BY_NAME.items() if one.who == "customers"}
    facts = {"app_user": Fact(np.arange(size) % 2, ("yes", "no"))}
    ids = np.arange(size, dtype=np.uint64) + 1
    people = Respondents("customers", seed, 0, ids, np.ones(size), known, facts, {})
    sheets = Sheets(asked, hold(asked, people, n=n, biases=Biases.none(), with_bias=False).sheets)
    return sheets.answers(), {name: [item.code for item in asked.items_of(name)] for name in asked.constructs}, asked


@pytest.mark.parametrize("seeds", [8, pytest.param(100, marks=pytest.mark.long)])
def test_loadings_of_the_shipped_instrument_come_back_from_its_answers(seeds: int):
    """What the instrument says of an item, through thresholds, skip rules and gaps: in at least 90 of 100 seeds."""
    hits, chi2 = [], []
    for seed in range(seeds):
        answers, constructs, asked = held(seed)
        found = factor_model(answers, constructs)
        assert not found.problem
        true = np.array([asked.item(code).loading for code in found.loadings["item"]])
        hits.append((found.loadings["low"] <= true) & (true <= found.loadings["high"]))
        chi2.append(found.fit["chi2"][0] / found.fit["df"][0])
    assert np.mean(hits) > 0.92
    assert np.mean(chi2) == pytest.approx(1, abs=0.1)
    if seeds >= 100:
        assert np.mean(hits, axis=0).min() > 0.87  # 42 items: the worst of them has luck of its own


def test_the_factor_model_equals_semopy():
    semopy = pytest.importorskip("semopy")
    answers, constructs = answered(600, 7, equal(3, 0.4))
    model = semopy.Model("\n".join(f"{name} =~ {' + '.join(codes)}" for name, codes in constructs.items()))
    model.fit(answers)
    theirs = model.inspect(std_est=True)
    loadings = theirs[(theirs["op"] == "~")].set_index("lval")["Est. Std"].astype(float)
    stats = semopy.calc_stats(model).iloc[0]
    ours = factor_model(answers, constructs)
    fit = ours.fit.iloc[0]
    assert ours.loadings["loading"].to_numpy() == pytest.approx(loadings[ours.loadings["item"]].to_numpy(), abs=1e-3)
    assert fit["chi2"] == pytest.approx(stats["chi2"], rel=1e-4)
    assert fit["df"] == stats["DoF"]
    assert fit["tli"] == pytest.approx(stats["TLI"], abs=1e-5)
    assert fit["cfi"] == pytest.approx(min(1.0, stats["CFI"]), abs=1e-5)
    assert fit["rmsea"] == pytest.approx(stats["RMSEA"], abs=1e-4)


def test_polychoric_correlations_are_those_underneath():
    """What five points take away from a correlation comes back; Pearson's stays below."""
    answers, _ = answered(40_000, 3, np.eye(1), cuts=FIVE_POINTS)
    true = np.outer(LOADINGS, LOADINGS)[np.triu_indices(4, 1)]
    found = correlate(answers, kind="polychoric")
    assert found.correlation[found.pairs] == pytest.approx(true, abs=0.012)
    plain = correlate(answers, kind="Pearson")
    assert (plain.correlation[plain.pairs] < true - 0.02).all()


@pytest.mark.parametrize("kind", ["Pearson", "polychoric"])
def test_errors_of_correlations_are_their_spread(kind):
    """With weights and gaps: the errors said of correlations against the spread over 300 samples."""
    found, said = [], []
    for seed in range(300):
        answers, _ = answered(400, seed, np.eye(1), loadings=(0.8, 0.7, 0.5), cuts=FIVE_POINTS)
        rng = np.random.default_rng([1, seed])
        answers = answers.mask(rng.random(answers.shape) < 0.1)
        moments = correlate(answers, np.where(rng.random(400) < 0.5, 0.5, 1.5), kind)
        found.append(moments.correlation[moments.pairs])
        said.append(np.diag(moments.errors))
    assert np.sqrt(np.mean(said, axis=0)) == pytest.approx(np.std(found, axis=0), rel=0.12)


def test_errors_of_polychoric_correlations_are_exact_where_the_table_is():
    """Every cell of a table that follows the normal law, and how far the correlation moves with each cell's weight."""
    skewed = np.array([-0.2, 0.6, 1.3])
    edges = np.concatenate([[-9], skewed, [9]])
    law = multivariate_normal(cov=[[1, 0.7], [0.7, 1]])
    below = np.array([[law.cdf([a, b]) for b in edges] for a in edges])
    shares = np.diff(np.diff(below, axis=0), axis=1).ravel()
    cells = pd.DataFrame([(i, j) for i in range(4) for j in range(4)], columns=["x", "y"], dtype=float)
    found = correlate(cells, shares, "polychoric")
    assert found.correlation[0, 1] == pytest.approx(0.7, abs=1e-4)
    moved = []
    for cell in range(16):
        step = 1e-4 * shares[cell] * (np.arange(16) == cell)
        more, less = (correlate(cells, shares + sign * step, "polychoric").correlation[0, 1] for sign in (1, -1))
        moved.append((more - less) / 2e-4)
    assert found.errors[0, 0] == pytest.approx(np.sum(np.square(moved)), rel=2e-3)


def test_reliability_and_validity_are_the_closed_forms():
    """Composite reliability, variance extracted, HTMT and Fornell-Larcker of four items with loadings of .7."""
    for r, distinct in ((0.6, True), (0.8, False)):
        answers, constructs = answered(20_000, 4, equal(2, r), loadings=(0.7,) * 4)
        found = factor_model(answers, constructs)
        assert found.constructs["ave"].to_numpy() == pytest.approx([0.49] * 2, abs=0.015)
        reliability = 2.8**2 / (2.8**2 + 4 * 0.51)
        assert found.constructs["composite_reliability"].to_numpy() == pytest.approx([reliability] * 2, abs=0.01)
        assert found.factors["htmt"][0] == pytest.approx(r, abs=0.02)
        assert found.factors["distinct"][0] == distinct


def test_attenuation_corrected_is_the_true_correlation():
    """Scores of four items correlate less than what they measure; reliability mends it."""
    answers, constructs = answered(20_000, 5, equal(2, 0.6), loadings=(0.7,) * 4)
    scores = pd.DataFrame({name: answers[codes].mean(axis=1) for name, codes in constructs.items()})
    alpha = 4 * 0.49 / (1 + 3 * 0.49)
    row = correlations(scores, reliability={"f0": alpha, "f1": alpha}).iloc[0]
    assert row["r"] == pytest.approx(0.6 * alpha, abs=0.015)
    assert row["corrected"] == pytest.approx(0.6, abs=0.02)
    assert row["corrected_low"] < 0.6 < row["corrected_high"]
    assert correlations(scores, reliability={"f0": 0.4, "f1": 0.4}).iloc[0]["note"].startswith("above 1")


# --- the real bank -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bank() -> pd.DataFrame:
    """Answers of a real bank's customers."""
    file = BANK / "answers.csv.gz"
    if not file.exists():
        pytest.skip(f"bank_csi is not here: {BANK} (SIM_DATA_DIR says where data are)")
    return pd.read_csv(file)


@pytest.fixture(scope="module")
def bank_constructs(bank: pd.DataFrame) -> dict[str, list[str]]:
    """Its constructs, by the names of its columns."""
    names = ("imag", "expe", "qual", "val", "sat", "loy")
    return {name: [str(code) for code in bank if str(code)[:-1] == name] for name in names}


@pytest.fixture(scope="module")
def bank_scores(bank: pd.DataFrame, bank_constructs: dict[str, list[str]]) -> pd.DataFrame:
    """Its construct scores: means of items."""
    return pd.DataFrame({name: bank[codes].mean(axis=1) for name, codes in bank_constructs.items()})


def targets(name: str) -> pd.DataFrame:
    """A table that came with the data."""
    return pd.read_csv(BANK / "targets" / f"{name}.csv", index_col=0)


def summary() -> dict[str, float]:
    """Numbers that came with the data."""
    return json.loads((BANK / "targets" / "summary.json").read_text())


def test_correlations_of_the_real_bank(bank, bank_constructs, bank_scores):
    items = targets("item_correlations")
    assert matrix(bank[list(items)]).to_numpy() == pytest.approx(items.to_numpy(), abs=1e-5)
    between = targets("construct_correlations")
    for row in correlations(bank_scores).itertuples():
        assert row.r == pytest.approx(between.loc[row.x, row.y], abs=1e-6)
        assert row.low < row.r < row.high


def test_factor_model_of_the_real_bank(bank, bank_constructs):
    """Against lavaan 0.6-14, cfa(..., estimator = "MLM"), three digits as it prints them."""
    found = factor_model(bank, bank_constructs)
    fit = found.fit.iloc[0]
    assert fit["chi2"] == pytest.approx(2727.946, abs=1e-3)
    assert fit["df"] == 309
    for name, value in {
        "cfi": 0.908,
        "tli": 0.896,
        "rmsea": 0.076,
        "rmsea_low": 0.073,
        "rmsea_high": 0.078,
        "srmr": 0.038,
        "robust_rmsea": 0.073,
        "robust_rmsea_low": 0.070,
        "robust_rmsea_high": 0.076,
    }.items():
        assert fit[name] == pytest.approx(value, abs=5.1e-4), name
    assert fit["robust_cfi"] == pytest.approx(0.914, abs=1e-3)
    first = found.loadings.head(4)
    assert first["loading"].to_numpy() == pytest.approx([0.800, 0.842, 0.699, 0.717], abs=5.1e-4)
    assert first["se"].to_numpy() == pytest.approx([0.018, 0.014, 0.025, 0.021], abs=5.1e-4)
    last = found.factors.iloc[-1]
    assert (last["r"], last["se"]) == pytest.approx((0.877, 0.012), abs=5.1e-4)


def test_exploration_of_the_real_bank(bank, bank_constructs):
    """Shares that came with the data; KMO, Bartlett and communalities as psych 2.2.9 gives them (`fa`, minres)."""
    found = explore(bank[[code for codes in bank_constructs.values() for code in codes]])
    share = found.eigenvalues["share"]
    assert share[0] == pytest.approx(summary()["first_eigen_share"], abs=1e-6)
    assert share[1] == pytest.approx(summary()["second_eigen_share"], abs=1e-6)
    assert found.adequacy["kmo"][0] == pytest.approx(0.96292, abs=1e-5)
    assert found.adequacy["bartlett_chi2"][0] == pytest.approx(26493.15, abs=0.01)
    assert found.eigenvalues["kept"].sum() == 3
    sampled = [0.95192, 0.95711, 0.95984, 0.96381, 0.94134, 0.96938]
    assert found.loadings["kmo"].to_numpy()[:6] == pytest.approx(sampled, abs=1e-5)
    communality = [0.5886, 0.6395, 0.5491, 0.5608, 0.3572, 0.5663]
    assert found.loadings["communality"].to_numpy()[:6] == pytest.approx(communality, abs=1e-4)


def test_invariance_of_the_real_bank(bank, bank_constructs):
    """Women and men, against lavaan 0.6-14, `cfa` with `group` and `group.equal`, three digits as it prints them."""
    found = invariance(bank, bank_constructs, bank["Gender"])
    levels = found.levels
    assert list(levels["df"]) == [618, 639, 660]
    assert levels["chi2"].to_numpy() == pytest.approx([3187.600, 3223.024, 3292.627], abs=1e-3)
    assert levels["cfi"].to_numpy() == pytest.approx([0.903, 0.903, 0.901], abs=5.1e-4)
    assert levels["tli"].to_numpy() == pytest.approx([0.890, 0.893, 0.895], abs=5.1e-4)
    assert levels["rmsea"].to_numpy() == pytest.approx([0.078, 0.077, 0.076], abs=5.1e-4)
    means = found.means.set_index("construct")
    for name, value, se in (("imag", -0.007, 0.054), ("sat", -0.055, 0.055), ("loy", 0.008, 0.057)):
        assert means.loc[name, "difference"] == pytest.approx(value, abs=5.1e-4)
        assert means.loc[name, "se"] == pytest.approx(se, abs=5.1e-4)


def test_drivers_of_the_real_bank(bank_scores):
    """Betas and R squared that came with the data, by the usual chain and with all that comes before loyalty."""
    given = summary()
    by = {
        "sat": drivers(bank_scores, "sat", [a for a, b in usual(bank_scores) if b == "sat"]),
        "loy": drivers(bank_scores, "loy", [a for a, b in usual(bank_scores) if b == "loy"]),
        "loy_all": drivers(bank_scores, "loy", outcomes(bank_scores)["loy"]),
    }
    checked = 0
    for name, found in by.items():
        assert found.r2 == pytest.approx(given[f"r2_{name}"], abs=1e-6)
        for row in found.table.itertuples():
            assert row.beta == pytest.approx(given[f"std_beta_{name}_on_{row.driver}"], abs=1e-6)
            checked += 1
    assert checked == sum(name.startswith("std_beta") for name in given)


def test_structure_of_the_real_bank(bank, bank_constructs):
    """Against lavaan 0.6-14, `sem(..., estimator = "MLM")`, as it prints them; its errors divide by n - 1."""
    found = structural(bank, bank_constructs, usual(bank_constructs))
    assert found.fit["chi2"][0] == pytest.approx(2766.496, abs=1e-3)
    assert found.fit["df"][0] == 312
    assert found.fit["cfi"][0] == pytest.approx(0.907, abs=5.1e-4)
    effects = found.effects.set_index(["from", "to"])
    for path, value, low, high in (
        (("imag", "sat"), 0.050, -0.066, 0.166),
        (("expe", "sat"), -0.125, -0.249, -0.001),
        (("qual", "sat"), 0.334, 0.172, 0.495),
        (("val", "sat"), 0.662, 0.553, 0.770),
        (("sat", "loy"), 0.755, 0.688, 0.822),
        (("imag", "loy"), 0.173, 0.099, 0.247),
    ):
        assert effects.loc[path, ["direct", "direct_low", "direct_high"]].to_list() == pytest.approx(
            [value, low, high], abs=1e-3
        )


# --- exploratory factors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("built_in", [1, 2, 4])
def test_parallel_analysis_finds_the_factors_built_in(built_in: int):
    for seed in range(10):
        answers, _ = answered(500, seed, equal(built_in, 0.3))
        assert parallel(answers)["kept"].sum() == built_in
    noise = pd.DataFrame(np.random.default_rng(1).normal(size=(500, 8))).rename(columns=str)
    found = explore(noise)
    assert "nothing in common" in found.problem
    assert found.loadings.empty


@pytest.mark.parametrize("cuts", [(), FIVE_POINTS], ids=["continuous", "five points"])
def test_exploratory_factors_are_those_built_in(cuts: tuple[float, ...]):
    answers, _ = answered(4000, 3, equal(3, 0.4), cuts=cuts)
    found = explore(answers)
    pattern = found.loadings[["factor_1", "factor_2", "factor_3"]].to_numpy()
    true = np.kron(np.eye(3), np.array(LOADINGS)[:, None])
    place, alike = matched(true, pattern)
    assert alike.min() > 0.995
    assert pattern[:, place] == pytest.approx(true, abs=0.08)
    between = found.factors.to_numpy()[np.triu_indices(3, 1)]
    assert between == pytest.approx([0.4] * 3, abs=0.08)
    assert found.loadings["communality"].to_numpy() == pytest.approx(np.tile(LOADINGS, 3) ** 2, abs=0.06)


def test_rotation_equals_statsmodels():
    rotation = pytest.importorskip("statsmodels.multivariate.factor_rotation")
    answers, _ = answered(400, 3, equal(4, 0.5))
    loadings = minres(answers.corr().to_numpy(), 4)
    theirs, turn = rotation.rotate_factors(loadings, "quartimin")
    pattern, between = rotated(loadings)
    place, alike = matched(theirs, pattern)
    assert alike == pytest.approx([1] * 4, abs=1e-6)
    assert np.abs(pattern[:, place]) == pytest.approx(np.abs(theirs), abs=1e-4)
    assert np.abs(between[np.ix_(place, place)]) == pytest.approx(np.abs(turn.T @ turn), abs=1e-4)
    assert pattern @ between @ pattern.T == pytest.approx(loadings @ loadings.T)  # nothing of what they explain is lost


def test_congruence_is_one_of_the_same_and_none_of_the_unrelated():
    one = np.array([[0.8, 0.0], [0.6, 0.0], [0.0, 0.7], [0.0, 0.5]])
    assert congruence(one, -2 * one[:, ::-1]) == pytest.approx(np.array([[0, -1], [-1, 0]]))
    place, alike = matched(one, -2 * one[:, ::-1])
    assert list(place) == [1, 0]
    assert alike == pytest.approx([1, 1])
    mixed = np.array([[0.8], [0.6], [0.7], [0.5]])
    assert congruence(one, mixed)[0, 0] == pytest.approx(1.0 / np.sqrt(1.74))


def test_exploration_that_cannot_be_is_a_sentence(recwarn):
    answers, _ = answered(300, 1, equal(2, 0.4))
    assert "5 sheets are too few" in explore(answers.head(5)).problem
    assert "fewer than 3 items vary" in explore(answers.assign(**dict.fromkeys(list(answers)[2:], 1.0))).problem
    assert "sums of others" in explore(answers.assign(f0_0=answers["f0_1"])).problem
    assert "at most" in explore(answers, factors=7).problem
    assert not recwarn


# --- invariance --------------------------------------------------------------------------------------------------


def two_groups(
    seed: int, shift: float = 0.5, style: float = 0.0, weaker: float = 0.0
) -> tuple[pd.DataFrame, dict[str, list[str]], pd.Series]:
    """Two groups of 600: the second with factors higher by `shift`, and with a style or weaker loadings of its own.

    The last two items of each factor are turned ones: agreeing with everything means less of the construct there.
    """
    first, constructs = answered(600, 2 * seed, equal(2, 0.5))
    second, _ = answered(600, 2 * seed + 1, equal(2, 0.5))
    for place, codes in enumerate(constructs.values()):
        for i, code in enumerate(codes):
            second[code] += LOADINGS[i] * shift + style * (1 if i < 2 else -1)
            if weaker and place == 0 and i < 2:
                noise = np.random.default_rng([seed, i]).normal(size=600)
                second[code] = second[code] * (1 - weaker) + noise * weaker
    groups = pd.Series(np.repeat(["one", "two"], 600))
    return pd.concat([first, second], ignore_index=True), constructs, groups


@pytest.mark.long
def test_invariance_holds_where_only_the_factors_differ():
    inside = []
    for seed in range(60):
        found = invariance(*two_groups(seed))
        assert list(found.levels["holds"]) == [True, True, True]
        inside += list((found.means["low"] < 0.5) & (found.means["high"] > 0.5))
    assert np.mean(inside) > 0.9
    assert found.means["difference"].to_numpy() == pytest.approx([0.5, 0.5], abs=0.2)


@pytest.mark.long
def test_chi_square_of_a_step_that_holds_is_its_degrees_of_freedom():
    """Where both steps hold, what they cost in chi-square is on average the degrees of freedom that they gain."""
    costs = np.array([invariance(*two_groups(seed)).levels[["d_chi2", "d_df"]].to_numpy()[1:] for seed in range(40)])
    assert (costs[:, :, 1] == 6).all()
    assert costs[:, :, 0].mean(axis=0) == pytest.approx([6, 6], abs=3 * np.sqrt(12 / 40))


def test_an_acquiescent_group_fails_at_its_intercepts():
    for seed in range(10):
        levels = invariance(*two_groups(seed, style=0.3)).levels.set_index("level")
        assert list(levels["holds"]) == [True, True, False]
        assert levels.loc["scalar", "d_p"] < 1e-6


def test_the_item_that_is_understood_otherwise_is_named():
    answers, constructs, groups = two_groups(3)
    answers.loc[groups == "two", "f1_2"] += 0.4
    items = invariance(answers, constructs, groups).items
    assert items["item"][0] == "f1_2"
    assert items["gain"][0] > 3 * items["gain"][1]


def test_weaker_loadings_fail_at_the_loadings():
    levels = invariance(*two_groups(1, weaker=0.6)).levels
    assert list(levels["holds"]) == [True, False, False]


def test_waves_are_groups_in_their_order():
    answers, constructs, groups = two_groups(2)
    waves = groups.map({"one": 24, "two": 6})
    found = invariance(answers, constructs, waves)
    assert found.groups == ("6", "24")
    assert (found.means["difference"] < 0).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("three sheets", "fewer than two groups"),
        ("one group", "fewer than two groups"),
        ("collinear", "sums of one another"),
        ("never together", "in a group, too few answer two of the items together"),
        ("single", "no constructs with items enough"),
    ],
)
def test_invariance_that_cannot_be_is_a_sentence(change: str, said: str, recwarn):
    answers, constructs, groups = two_groups(1)
    if change == "three sheets":
        groups[3:600] = "two"
    elif change == "one group":
        groups[:] = "one"
    elif change == "collinear":
        answers["f0_0"] = answers["f0_1"]
    elif change == "never together":
        answers.loc[:299, "f0_0"] = np.nan
        answers.loc[300:599, "f1_0"] = np.nan
    else:
        constructs = {"f0": ["f0_0"], "f1": ["f1_0"]}
    found = invariance(answers, constructs, groups)
    assert said in found.problem
    assert found.levels.empty
    assert not recwarn


def test_a_group_of_three_is_left_out_and_said():
    answers, constructs, groups = two_groups(1)
    groups[:3] = "three"
    answers.loc[groups == "two", "f0_0"] = 1.0
    found = invariance(answers.assign(f0_0=np.where(groups == "two", 1.0, answers["f0_0"])), constructs, groups)
    assert any("16 in all: three" in note for note in found.notes)
    assert any("a whole group gives the same answer or none: f0_0" in note for note in found.notes)
    assert found.groups == ("one", "two")


# --- drivers and paths -------------------------------------------------------------------------------------------


def driven(n: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Scores of an outcome that three correlated drivers lead to, the more of the first the more widely; weights."""
    rng = np.random.default_rng([0xD81, seed])
    x = rng.multivariate_normal(np.zeros(3), equal(3, 0.5), size=n)
    y = x @ np.array([0.5, 0.2, 0.0]) + rng.normal(size=n) * (0.4 + 0.6 * np.abs(x[:, 0]))
    return pd.DataFrame({"y": y, "a": x[:, 0], "b": x[:, 1], "c": x[:, 2]}), rng.uniform(0.5, 2, n)


@pytest.mark.parametrize("weighted", [False, True])
def test_regression_equals_statsmodels(weighted: bool):
    api = pytest.importorskip("statsmodels.api")
    influence = pytest.importorskip("statsmodels.stats.outliers_influence")
    scores, weights = driven(400, 1)
    w = weights if weighted else np.ones(400)
    centred = scores - np.average(scores, axis=0, weights=w)
    z = centred / np.sqrt(np.average(centred**2, axis=0, weights=w))
    design = api.add_constant(z[["a", "b", "c"]])
    theirs = api.WLS(z["y"], design, weights=w).fit(cov_type="HC3", use_t=True)
    ours = drivers(scores, "y", ["a", "b", "c"], w)
    assert ours.table["beta"].to_numpy() == pytest.approx(theirs.params[1:].to_numpy())
    assert ours.table["se"].to_numpy() == pytest.approx(theirs.bse[1:].to_numpy())
    assert ours.table["p"].to_numpy() == pytest.approx(theirs.pvalues[1:].to_numpy())
    assert (ours.r2, ours.r2_adjusted) == pytest.approx((theirs.rsquared, theirs.rsquared_adj))
    if not weighted:
        vif = [influence.variance_inflation_factor(design.to_numpy(), i) for i in (1, 2, 3)]
        assert ours.table["vif"].to_numpy() == pytest.approx(vif)


def test_importance_is_what_a_driver_adds_over_all_orders():
    scores, _ = driven(300, 2)
    found = drivers(scores, "y", ["a", "b", "c"])
    added = dict.fromkeys("abc", 0.0)
    for order in permutations("abc"):
        before = 0.0
        for place, name in enumerate(order):
            z = scores[list(order[: place + 1])]
            fitted = (
                np.column_stack([np.ones(300), z])
                @ np.linalg.lstsq(np.column_stack([np.ones(300), z]), scores["y"].to_numpy(), rcond=None)[0]
            )
            explained = fitted.var() / scores["y"].to_numpy().var()
            added[name] += (explained - before) / 6
            before = explained
    assert found.table["importance"].to_numpy() == pytest.approx(list(added.values()))
    assert found.table["importance"].sum() == pytest.approx(found.r2)
    assert found.table["share"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("few", "5 sheets with all scores are too few for 3 drivers"),
        ("sums", "drivers are sums of one another: a, b, c"),
        ("outcome", "y does not vary"),
        ("none", "no driver varies"),
    ],
)
def test_a_regression_that_cannot_be_is_a_sentence(change: str, said: str, recwarn):
    scores, _ = driven(100, 1)
    if change == "few":
        scores = scores.head(5)
    elif change == "sums":
        scores["c"] = scores["a"] + scores["b"]
    elif change == "outcome":
        scores["y"] = 1.0
    else:
        scores[["a", "b", "c"]] = 1.0
    found = drivers(scores, "y", ["a", "b", "c"])
    assert said in found.problem
    assert found.table.empty
    assert np.isnan(found.r2)
    assert not recwarn


def test_what_is_asked_of_few_is_no_driver_for_all():
    """Half have no score of b: it goes, and not half of the sheets."""
    scores, _ = driven(400, 1)
    scores.loc[::2, "b"] = np.nan
    found = drivers(scores, "y", ["a", "b", "c"])
    assert found.n == 400
    assert list(found.table["driver"]) == ["a", "c"]
    assert any("fewer than 70% of these sheets have it: b" in note for note in found.notes)
    scores.loc[:100, "c"] = np.nan
    fewer = drivers(scores, "y", ["a", "c"])
    assert fewer.n == 299
    assert "101 sheets without all of these scores were not used" in fewer.notes


def test_drivers_hard_to_tell_apart_are_named():
    scores, _ = driven(500, 1)
    scores["b"] = scores["a"] + 0.2 * scores["b"]
    notes = drivers(scores, "y", ["a", "b", "c"]).notes
    assert any(note.endswith(": a, b") and "hard to tell apart" in note for note in notes)


CHAIN = (("f0", "f1"), ("f0", "f2"), ("f1", "f2"))


def chained(n: int, seed: int, cuts: tuple[float, ...] = ()) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Answers where the first factor leads to the second by .6, and both to the third by .2 and .5."""
    total = 0.2 + 0.6 * 0.5
    return answered(n, seed, np.array([[1, 0.6, total], [0.6, 1, 0.62], [total, 0.62, 1]]), cuts=cuts)


@pytest.mark.long
@KINDS
def test_effects_come_back_within_their_intervals(cuts: tuple[float, ...]):
    """Direct, indirect and total effects built in, in at least 90 of 100 seeds taken together."""
    true = {
        ("f0", "f1"): (0.6, 0.0, 0.6),
        ("f0", "f2"): (0.2, 0.3, 0.5),
        ("f1", "f2"): (0.5, 0.0, 0.5),
    }
    hits = []
    for seed in range(100):
        found = structural(*chained(500, seed, cuts), CHAIN)
        for _, row in found.effects.iterrows():
            for kind, value in zip(("direct", "indirect", "total"), true[row["from"], row["to"]], strict=True):
                if value:
                    hits.append(row[f"{kind}_low"] <= value <= row[f"{kind}_high"])
                else:
                    assert row[kind] == 0
    assert len(hits) == 700
    assert np.mean(hits) > 0.92


def test_what_is_explained_and_what_is_left():
    found = structural(*chained(20_000, 1), CHAIN)
    explained = found.explained.set_index("construct")["r2"]
    assert explained["f1"] == pytest.approx(0.36, abs=0.02)
    assert explained["f2"] == pytest.approx(0.2 * 0.5 + 0.5 * 0.62, abs=0.02)
    without = structural(*chained(20_000, 1), CHAIN[:1] + CHAIN[2:])
    assert without.fit["chi2"][0] - found.fit["chi2"][0] > 100
    assert without.fit["df"][0] - found.fit["df"][0] == 1


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        ((("f0", "f1"), ("f1", "f2"), ("f2", "f0")), "go in a circle: f0, f1, f2"),
        ((("f0", "nobody"),), "no path is left"),
        ((), "no construct has items enough"),
    ],
)
def test_paths_that_lead_nowhere_are_a_sentence(paths: tuple[tuple[str, str], ...], said: str, recwarn):
    found = structural(*chained(300, 1), paths)
    assert said in found.problem
    assert found.effects.empty
    assert not recwarn


def test_the_usual_chain_goes_by_known_names():
    shipped = ["tangibles", "app", "satisfaction", "trust", "loyalty", "switching", "privacy"]
    assert usual(shipped) == (
        ("tangibles", "satisfaction"),
        ("app", "satisfaction"),
        ("satisfaction", "trust"),
        ("satisfaction", "loyalty"),
        ("trust", "loyalty"),
        ("loyalty", "switching"),
    )
    assert outcomes(shipped)["loyalty"] == ["tangibles", "app", "satisfaction", "trust"]
    assert usual(["f0", "f1"]) == ()
    assert outcomes(["loyalty"]) == {}


def test_the_chain_is_what_the_instrument_says():
    """The shipped instruments say it, and staff's is none of the usual; without a word it is the usual."""
    customers, employees = read_instrument("customers"), read_instrument("employees")
    names = list(customers.constructs)
    assert chain(customers, names) == usual(names)
    assert chain(employees, employees.constructs) == (
        ("transfer", "digital"),
        ("training", "transfer"),
        ("workload", "leaving"),
        ("tools", "leaving"),
        ("training", "leaving"),
    )
    assert chain(employees, ["transfer", "leaving", "tools"]) == (("tools", "leaving"),)
    assert outcomes(employees.constructs, chain(employees, employees.constructs)) == {
        "digital": ["training", "transfer"],
        "transfer": ["training"],
        "leaving": ["workload", "training", "tools"],
    }
    silent = employees.model_copy(
        update={
            "constructs": {name: one.model_copy(update={"follows": []}) for name, one in customers.constructs.items()}
        }
    )
    assert chain(silent, names) == usual(names)


@pytest.mark.parametrize(
    ("follows", "said"),
    [
        ({"trust": ["nobody"]}, "no construct 'nobody'"),
        ({"trust": ["satisfaction", "satisfaction"]}, "satisfaction stands twice"),
        ({"satisfaction": ["loyalty"]}, "loyalty follows from satisfaction itself; paths go one way"),
        ({"trust": ["trust"]}, "trust follows from trust itself"),
    ],
)
def test_arrows_that_cannot_be_are_named(follows: dict[str, list[str]], said: str):
    data = read_instrument("customers").model_dump(by_alias=True)
    for name, others in follows.items():
        data["constructs"][name]["follows"] = others
    with pytest.raises(ValidationError, match=re.escape(said)):
        Instrument.model_validate(data)


# --- weights -----------------------------------------------------------------------------------------------------


def test_a_weight_of_two_is_a_sheet_twice():
    answers, constructs = answered(200, 1, equal(2, 0.5))
    weights = np.where(np.arange(200) < 80, 2.0, 1.0)
    twice = pd.concat([answers, answers.head(80)], ignore_index=True)
    for kind in ("Pearson", "polychoric"):
        asked = answers if kind == "Pearson" else answers.apply(lambda one: pd.Series(np.digitize(one, [-1, 0, 1])))
        doubled = pd.concat([asked, asked.head(80)], ignore_index=True)
        one, other = correlate(asked, weights, kind), correlate(doubled, None, kind)
        assert one.correlation == pytest.approx(other.correlation, abs=1e-7)
        assert one.n < 280 == other.n
        assert np.trace(one.errors) > np.trace(other.errors)
    weighted, plain = (factor_model(table, constructs, w) for table, w in ((answers, weights), (twice, None)))
    assert weighted.loadings["loading"].to_numpy() == pytest.approx(plain.loadings["loading"].to_numpy(), abs=1e-5)
    assert (weighted.loadings["se"] > plain.loadings["se"]).all()
    scores = pd.DataFrame({name: answers[codes].mean(axis=1) for name, codes in constructs.items()})
    again = pd.concat([scores, scores.head(80)], ignore_index=True)
    assert correlations(scores, weights)["r"][0] == pytest.approx(correlations(again)["r"][0])
    assert drivers(scores, "f1", ["f0"], weights).r2 == pytest.approx(drivers(again, "f1", ["f0"]).r2)


def test_design_weights_take_a_selection_out_of_the_loadings():
    """Half of the people answer in step with one another, and are asked four times as often."""
    tight, constructs = answered(8000, 1, np.eye(1), loadings=(0.9,) * 4)
    loose, _ = answered(2000, 2, np.eye(1), loadings=(0.5,) * 4)
    answers = pd.concat([tight, loose], ignore_index=True)
    true = np.sqrt((0.81 + 0.25) / 2)
    weights = np.repeat([0.5 / 8000, 0.5 / 2000], [8000, 2000])
    assert factor_model(answers, constructs).loadings["low"].min() > true + 0.03
    weighted = factor_model(answers, constructs, weights).loadings
    assert weighted["loading"].to_numpy() == pytest.approx([true] * 4, abs=0.02)
    assert ((weighted["low"] < true) & (true < weighted["high"])).all()


def test_two_thousand_sheets_of_forty_items_take_seconds():
    """All models together; the bound of the whole analysis is 10 s."""
    answers, constructs = answered(2000, 1, equal(10, 0.4), cuts=FIVE_POINTS)
    scores = pd.DataFrame({name: answers[codes].mean(axis=1) for name, codes in constructs.items()})
    groups = pd.Series(np.repeat(["one", "two"], 1000))
    chain = tuple((f"f{i}", "f9") for i in range(9))
    began = time.process_time()
    assert not factor_model(answers, constructs).problem
    assert not explore(answers).problem
    assert not invariance(answers, constructs, groups).problem
    assert not drivers(scores, "f9", list(scores)[:9]).problem
    assert not structural(answers, constructs, chain).problem
    correlations(scores)
    assert time.process_time() - began < 10


# --- what cannot be fitted ---------------------------------------------------------------------------------------


def bad(name: str) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Answers that a factor model cannot be had of as they stand."""
    answers, constructs = answered(300, 1, equal(2, 0.4))
    if name == "constant":
        answers["f0_0"] = 3.0
    elif name == "single":
        constructs = {"f0": constructs["f0"], "one": ["f1_0"]}
    elif name == "few":
        answers = answers.head(6)
    elif name == "twins":
        answers["f0_0"] = answers["f0_1"]
    elif name == "collinear":
        answers["f0_0"] = answers["f0_1"] + answers["f0_2"] + answers["f1_0"]
    elif name == "twins in steps":
        answers = answers.assign(f0_0=answers["f0_1"]).apply(lambda one: pd.Series(np.digitize(one, FIVE_POINTS) + 1.0))
    elif name == "lonely pair":
        constructs = {"f0": ["f0_0", "f0_1"]}
    elif name == "same factor":
        constructs = {"f0": ["f0_0", "f1_0", "f0_1"], "f1": ["f0_2", "f1_1", "f1_2"]}
    elif name == "Heywood":
        of_one = np.array([[1.0, 0.8, 0.7], [0.8, 1.0, 0.4], [0.7, 0.4, 1.0]])  # loading of the first: 0.8 * 0.7 / 0.4
        answers[["f0_0", "f0_1", "f0_2"]] = np.random.default_rng(4).multivariate_normal(np.zeros(3), of_one, size=300)
        constructs = {"f0": ["f0_0", "f0_1", "f0_2"], "f1": constructs["f1"]}
    elif name == "empty":
        answers = answers * np.nan
    return answers, constructs


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("few", "6 sheets are too few for a model of 8 items"),
        ("twins", "f0_0 and f0_1 get the same answers"),
        ("twins in steps", "f0_0 and f0_1 get the same answers"),
        ("collinear", "sums of one another"),
        ("lonely pair", "more is to be fitted"),
        ("same factor", "cannot be told apart: f0 and f1"),
        ("Heywood", "Heywood case: no variance of its own is left of f0_0"),
        ("empty", "no construct has items enough"),
    ],
)
def test_no_solution_is_a_sentence_and_no_number(name: str, said: str, recwarn):
    found = factor_model(*bad(name))
    assert said in found.problem
    assert found.loadings.empty
    assert found.factors.empty
    assert found.fit.empty
    assert not recwarn


@pytest.mark.parametrize(
    ("name", "said"),
    [("constant", "everybody gives the same answer or none: f0_0"), ("single", "at least 2 items that vary: one")],
)
def test_what_is_left_out_is_said(name: str, said: str):
    found = factor_model(*bad(name))
    assert not found.problem
    assert any(said in note for note in found.notes)


def test_two_items_that_cannot_be_told_apart_get_one_loading():
    """Where a factor of two items has next to nothing to do with others; the rest of the model stays."""
    answers, constructs = answered(150, 0, equal(3, 0.05))
    constructs["f0"] = constructs["f0"][:2]
    found = factor_model(answers, constructs)
    assert not found.problem
    assert any(note.startswith("two items get one loading in common") and note.endswith(": f0") for note in found.notes)
    assert found.fit["df"][0] == 33  # 10 items: 55 moments less 19 loadings and variances and 3 correlations
    first, second = found.loadings["loading"][:2]
    assert first == pytest.approx(second, abs=0.03)
    assert first**2 == pytest.approx(answers[["f0_0", "f0_1"]].corr().iloc[0, 1], abs=0.03)
    three = {"f0": ["f0_0", "f0_1", "f0_2"]}
    assert not any("in common" in note for note in factor_model(answers, three | {"f1": constructs["f1"]}).notes)


def test_gaps_and_few_sheets_are_said():
    answers, constructs = answered(39, 1, equal(2, 0.4))
    found = factor_model(answers.mask(np.random.default_rng(1).random(answers.shape) < 0.1), constructs)
    assert any("for 8 items, fewer than 5 each" in note for note in found.notes)
    assert any(note.startswith("answers are missing: pairs of answers that are both there, 8") for note in found.notes)
    never = answers.assign(
        f0_0=answers["f0_0"].where(answers.index < 20), f1_0=answers["f1_0"].where(answers.index > 15)
    )
    notes = factor_model(never, constructs).notes
    assert any("too few sheets answer it together with another item, or all alike: f0_0" in note for note in notes)
    alike = answers.assign(
        f0_0=answers["f0_0"].where(answers.index >= 20, 1.0), f1_0=answers["f1_0"].where(answers.index < 20)
    )
    for found in (factor_model(alike, constructs), explore(alike)):
        assert any(note.endswith("or all alike: f0_0") for note in found.notes)
        assert not found.problem


def test_fit_is_said_in_words():
    def said(*answered: object) -> str:
        return factor_model(*answered).notes[0]  # type: ignore[arg-type]

    answers, constructs = answered(800, 1, equal(2, 0.4))
    assert said(answers, constructs).startswith("the model fits well, by the usual bounds")
    mixed = {"f0": ["f0_0", "f0_1", "f1_0", "f1_1"], "f1": ["f0_2", "f0_3", "f1_2"]}
    apart, _ = answered(800, 1, equal(2, 0.1))
    assert said(apart, {"all": mixed["f0"] + mixed["f1"]}).startswith("the model fits badly")
    assert "nothing tells how well" in said(answers, {"f0": ["f0_0", "f0_1", "f0_2"]})


def test_an_item_not_turned_is_seen():
    answers, constructs = answered(500, 2, equal(2, 0.4))
    answers["f1_2"] *= -1
    found = factor_model(answers, constructs)
    assert found.loadings.set_index("item")["loading"]["f1_2"] < -0.4
    assert any(note.endswith("f1_2") and "negative loading" in note for note in found.notes)
