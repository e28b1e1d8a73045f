"""Models of answers: known loadings come back, wrong ones are seen, and what cannot be fitted is said in words."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sim.survey.analysis.confirmatory import factor_model
from sim.survey.analysis.correlations import correlations, matrix
from sim.survey.analysis.moments import correlate

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
    elif name == "collinear":
        answers["f0_0"] = answers["f0_1"]
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


def test_an_item_not_turned_is_seen():
    answers, constructs = answered(500, 2, equal(2, 0.4))
    answers["f1_2"] *= -1
    found = factor_model(answers, constructs)
    assert found.loadings.set_index("item")["loading"]["f1_2"] < -0.4
    assert any(note.endswith("f1_2") and "negative loading" in note for note in found.notes)
