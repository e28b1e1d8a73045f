"""What customers come to against what formulas say of them: the migration chain, and BG/NBD on purchase histories."""

from __future__ import annotations

import itertools
import math
import os
import warnings
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from banks import TIERS, bank, everybody_awake, only, scenario
from scipy.special import betaln, gammaln

from sim.codes import CLOSED
from sim.measures.lifetime import chances, migration_value, value_error
from sim.measures.transactions import transaction_summary

with warnings.catch_warnings():  # it is older than what it stands on
    warnings.simplefilter("ignore")
    lifetimes = pytest.importorskip("lifetimes", reason="a second BG/NBD comes with the extra `dev`")

DATA = Path(os.environ.get("SIM_DATA_DIR", Path(__file__).parents[2] / "shared" / "data")) / "cdnow"
SIGMAS = 4.0

# --- the migration chain ---------------------------------------------------------------------------------------------

MATRIX = np.array([[0.95, 0.05, 0.0, 0.0], [0.10, 0.80, 0.10, 0.0], [0.0, 0.05, 0.90, 0.05], [0.0, 0.0, 0.20, 0.80]])
CLOSE = np.array([0.012, 0.008, 0.005, 0.004])  # a month
MARGIN = np.array([40.0, 1100.0, 4550.0, 30_000.0, 0.0])  # a year, paid at its beginning
DISCOUNT, YEARS, PEOPLE = 0.10, 25, 20_000
COUNTED = 5  # years of moves that a bank has seen


@lru_cache(maxsize=1)
def states() -> np.ndarray:
    """State of every customer of month 0 at the end of each year: tier, or 4 where closed; (years + 1, customers)."""
    by_tier: dict[str, Any] = {
        tier: {"close": h, "dormant": 0.0} for tier, h in zip(TIERS, CLOSE.tolist(), strict=True)
    }
    model = {
        "mechanisms": only(wealth=True),
        "normalise_hazards": False,
        "acquisition": everybody_awake(),
        "hazards": by_tier | {"dormant": {"reactivate": 0.0, "close": 0.0}},
        "transitions": {"mode": "markov", "matrix": MATRIX.tolist(), "period_months": 12},
    }
    shares = dict(zip(TIERS, (0.4, 0.3, 0.2, 0.1), strict=True))
    ready = bank(scenario(PEOPLE, months=12 * YEARS, model=model, population={"shares": shares}))
    c, path = ready.customers, []
    for year in range(YEARS + 1):
        path.append(np.where(c.state == CLOSED, 4, c.tier).astype(int))
        for _ in range(12 if year < YEARS else 0):
            ready.step()
    return np.array(path)


def realised() -> np.ndarray:
    """What each customer brought over all years, discounted."""
    return (MARGIN[states()[:-1]] * (1 + DISCOUNT) ** -np.arange(YEARS)[:, None]).sum(axis=0)


def over_the_years(P: np.ndarray) -> np.ndarray:
    """The formula's value of each state without what comes after the last year."""
    V = migration_value(P, MARGIN, DISCOUNT)
    return V - np.linalg.matrix_power(P / (1 + DISCOUNT), YEARS) @ V


def test_a2_realised_value_of_each_tier_is_the_formulas() -> None:
    """A2: V = (I - P / (1 + d))^-1 R with the chain that the bank was told, P = diag((1 - h)^12) M."""
    stay = (1 - CLOSE) ** 12
    P = np.block([[stay[:, None] * MATRIX, 1 - stay[:, None]], [np.zeros((1, 4)), np.ones((1, 1))]])
    V, value, first = over_the_years(P), realised(), states()[0]
    for k, tier in enumerate(TIERS):
        mine = value[first == k]
        assert mine.mean() == pytest.approx(V[k], abs=SIGMAS * mine.std() / math.sqrt(mine.size)), tier


def test_a2_value_from_counted_moves_covers_what_came_of_it() -> None:
    """The chain as a bank would count it in five years, with its interval, against what came of the customers."""
    path, value = states(), realised()
    moved = np.zeros((5, 5))
    for one, after in itertools.pairwise(path[: COUNTED + 1]):
        np.add.at(moved, (one, after), 1.0)
    share = np.bincount(path[0], minlength=5) / PEOPLE
    formula = float(share @ over_the_years(chances(moved)))
    error = math.hypot(float(value_error(moved, MARGIN, DISCOUNT, share)), value.std() / math.sqrt(PEOPLE))
    assert value.mean() == pytest.approx(formula, abs=SIGMAS * error)
    assert error < 0.02 * formula  # the interval is one that could be missed


# --- purchase histories ----------------------------------------------------------------------------------------------


def test_a_history_in_four_numbers() -> None:
    """Two purchases of a day are one, the first is no repeat, what lies after the end is not seen."""
    who, day, money = [7, 7, 7, 7, 3, 9], [0, 14, 14, 35, 7, 80], [10.0, 4.0, 2.0, 8.0, 5.0, 1.0]
    found = transaction_summary(who, day, end=70, amount=money)
    assert found.index.tolist() == [3, 7]
    assert found.loc[7].tolist() == [2, 5.0, 10.0, 7.0]
    assert found.loc[3].tolist() == [0, 0.0, 9.0, 0.0]
    days = transaction_summary(who, day, end=70, unit=1)
    assert days.loc[7].tolist() == [2, 35.0, 70.0]


def likelihood(parameters: Any, x: np.ndarray, recency: np.ndarray, age: np.ndarray) -> np.ndarray:
    """Log likelihood of each customer under BG/NBD, as Fader, Hardie & Lee (2005) print it (their equation 6)."""
    r, alpha, a, b = parameters
    common = gammaln(r + x) - gammaln(r) + r * math.log(alpha)
    alive = np.exp(betaln(a, b + x) - betaln(a, b) - (r + x) * np.log(alpha + age))
    repeat = x > 0
    died = np.exp(betaln(a + 1, b + np.where(repeat, x, 1) - 1) - betaln(a, b) - (r + x) * np.log(alpha + recency))
    return common + np.log(alive + repeat * died)


def fitted(summary: pd.DataFrame) -> tuple[Any, pd.DataFrame]:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        model = lifetimes.BetaGeoFitter().fit(summary["frequency"], summary["recency"], summary["T"])
        return model, model.summary


def history(parameters: Any, people: int, end: float, seed: int) -> pd.DataFrame:
    """Purchases of customers who live by BG/NBD: Poisson at a gamma rate, and after each one a chance to be gone."""
    r, alpha, a, b = parameters
    rng = np.random.default_rng(seed)
    who, when = [], []
    joined = rng.uniform(0.0, end / 4.0, people)
    for i, (rate, drop) in enumerate(zip(rng.gamma(r, 1.0 / alpha, people), rng.beta(a, b, people), strict=True)):
        t = joined[i]
        while t <= end:
            who.append(i)
            when.append(t)
            if len(who) > 1 and who[-2] == i and rng.random() < drop:  # after a repeat purchase
                break
            t += rng.exponential(1.0 / rate)
    return pd.DataFrame({"who": who, "week": when})


def test_a_made_up_sample_gives_its_parameters_back() -> None:
    """Purchases drawn from the model, through our summary and the library's fit: within four standard errors."""
    truth = (0.9, 3.0, 0.8, 2.5)
    bought = history(truth, 3_000, 52.0, seed=2)
    summary = transaction_summary(bought["who"], bought["week"], end=52.0, unit=1.0)
    assert len(summary) == 3_000
    _, found = fitted(summary)
    for name, value in zip(("r", "alpha", "a", "b"), truth, strict=True):
        coefficient, error = found.loc[name, ["coef", "se(coef)"]]
        assert coefficient == pytest.approx(value, abs=SIGMAS * error), name
        assert error < 0.2 * value, name  # the interval is one that could be missed


def test_the_librarys_likelihood_is_the_printed_one() -> None:
    bought = history((0.9, 3.0, 0.8, 2.5), 500, 52.0, seed=4)
    summary = transaction_summary(bought["who"], bought["week"], end=52.0, unit=1.0)
    x, recency, age = (summary[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    for parameters in ((0.9, 3.0, 0.8, 2.5), (0.243, 4.414, 0.793, 2.426), (2.0, 9.0, 1.5, 0.7)):
        theirs = lifetimes.BetaGeoFitter._negative_log_likelihood(
            np.log(parameters), x, recency, age, np.ones(x.size), 0.0
        )
        assert -theirs == pytest.approx(likelihood(parameters, x, recency, age).mean(), rel=1e-9)


@lru_cache(maxsize=1)
def cdnow() -> pd.DataFrame:
    file = DATA / "CDNOW_sample.txt"
    if not file.is_file():
        pytest.skip(f"no real data at {file}; SIM_DATA_DIR names the folder of data sets")
    bought = pd.read_csv(file, sep=r"\s+", header=None, names=["master", "who", "date", "discs", "money"])
    bought["date"] = bought["date"].astype(str)
    day = (pd.to_datetime(bought["date"], format="%Y%m%d") - pd.Timestamp("1997-01-01")).dt.days
    return transaction_summary(bought["who"], day, end=272, amount=bought["money"])  # the 39 weeks to 30 September


def test_cdnow_gives_the_published_parameters() -> None:
    """Fader, Hardie & Lee (2005), table 2: r .243, alpha 4.414, a .793, b 2.426, log likelihood -9582.4."""
    summary = cdnow()
    model, found = fitted(summary)
    assert {name: round(float(found.loc[name, "coef"]), 3) for name in ("r", "alpha", "a", "b")} == {
        "r": 0.243,
        "alpha": 4.414,
        "a": 0.793,
        "b": 2.426,
    }
    x, recency, age = (summary[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    assert likelihood(model.params_, x, recency, age).sum() == pytest.approx(-9582.4, abs=0.05)


def test_our_summary_of_cdnow_is_the_published_one() -> None:
    theirs = DATA / "cdnow_customers_summary.csv"
    ours = cdnow()
    if not theirs.is_file():
        pytest.skip(f"no {theirs}")
    table = pd.read_csv(theirs).set_index("ID")
    assert len(ours) == len(table) == 2357
    np.testing.assert_array_equal(ours["frequency"], table["frequency"])
    np.testing.assert_allclose(ours["recency"], table["recency"], atol=0.0051)
    np.testing.assert_allclose(ours["T"], table["T"], atol=0.0051)
