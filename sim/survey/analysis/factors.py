"""What stands behind the answers if nobody says: how many factors, what loads on them, and whether two studies agree.

Horn's parallel analysis (1965) keeps the factors whose eigenvalues pass those of answers that have nothing in common.
Factors are extracted by least squares (minres) and rotated obliquely (quartimin), since constructs correlate.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.stats import chi2 as chi_squared

from sim.survey.analysis.moments import SINGULAR, Kind, correlate, effective, pearson, usable
from sim.survey.analysis.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

DRAWS: Final = 100  # sets of answers with nothing in common
LEVEL: Final = 95  # percentile of theirs that an eigenvalue must pass
_LEAST: Final = 0.005  # unique variance of an item
_ROUNDS: Final = 1000  # of turning, at most
_LEVEL_GROUND: Final = 1e-6  # slope below which nothing is left to turn


def _empty() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame()


@dataclass(frozen=True)
class Exploration:
    """Exploratory factors.

    `eigenvalues` has a row a factor: eigenvalue, share of all variance, the 95th percentile of chance, kept or not.
    `loadings` has a row an item: a column a factor (pattern coefficients), `communality`, and `kmo`, how well the item
    fits with the others. `factors` are the factors' correlations. `adequacy` is one row: KMO, Bartlett's chi-square,
    its df and p. Where `problem` says why there are no loadings, they are empty.
    """

    eigenvalues: pd.DataFrame = field(default_factory=_empty)
    loadings: pd.DataFrame = field(default_factory=_empty)
    factors: pd.DataFrame = field(default_factory=_empty)
    adequacy: pd.DataFrame = field(default_factory=_empty)
    problem: str = ""
    notes: tuple[str, ...] = ()


@one_thread()
def explore(
    answers: pd.DataFrame, weights: np.ndarray | None = None, factors: int | None = None, kind: Kind | None = None
) -> Exploration:
    """Exploratory factors of items (turned, NaN = no answer): as many as parallel analysis finds, or `factors`."""
    import pandas as pd

    kept, notes = usable(answers)
    kept = kept[kept.notna().any(axis=1)]
    n, p = kept.shape
    if p < 3 or n <= p:
        few = "fewer than 3 items vary" if p < 3 else f"{n} sheets are too few for factors of {p} items"
        return Exploration(problem=few, notes=tuple(notes))
    w = np.ones(n) if weights is None else np.asarray(weights, np.float64)[answers.index.get_indexer(kept.index)]
    eigenvalues = parallel(kept, w)
    found = int(eigenvalues["kept"].sum())
    chosen = found if factors is None else factors
    moments = correlate(kept, w, kind)
    r = moments.correlation
    notes += moments.notes
    if np.linalg.eigvalsh(r)[0] < SINGULAR:
        return Exploration(
            eigenvalues,
            problem="some items are sums of others, or sheets are too few: nothing is left to fit",
            notes=(*notes,),
        )
    overall, each = kmo(r)
    chi2, df, chance = bartlett(r, moments.n)
    adequacy = pd.DataFrame([{"n": moments.n, "kmo": overall, "bartlett_chi2": chi2, "df": df, "p": chance}])
    if chosen < 1:
        none = "no factor passes what chance alone gives: the items have nothing in common"
        return Exploration(eigenvalues, adequacy=adequacy, problem=none, notes=tuple(notes))
    most = int((2 * p + 1 - np.sqrt(8 * p + 1)) / 2)
    if chosen > most:
        return Exploration(
            eigenvalues, adequacy=adequacy, problem=f"{p} items tell of {most} factors at most", notes=tuple(notes)
        )
    pattern, between = rotated(minres(r, chosen))
    names = [f"factor_{i + 1}" for i in range(chosen)]
    loadings = pd.DataFrame(pattern, columns=names)
    loadings.insert(0, "item", list(map(str, kept.columns)))
    loadings["communality"] = np.einsum("ij,jk,ik->i", pattern, between, pattern)
    loadings["kmo"] = each
    edge = loadings.loc[loadings["communality"] > 1 - 2 * _LEAST, "item"]
    if len(edge):
        notes.append(f"Heywood case, nothing of its own is left, so not to be believed: {', '.join(edge)}")
    return Exploration(
        eigenvalues, loadings, pd.DataFrame(between, index=names, columns=names), adequacy, notes=tuple(notes)
    )


@one_thread()
def parallel(answers: pd.DataFrame, weights: np.ndarray | None = None, draws: int = DRAWS) -> pd.DataFrame:
    """Horn's parallel analysis: eigenvalues of the Pearson correlations against those of unrelated normal answers.

    Columns factor, eigenvalue, share (of all variance), chance (the 95th percentile over `draws` sets of as many
    sheets, Kish's effective number), kept (passes it, and all before it do). The same answers give the same table.
    """
    import pandas as pd

    x = answers.to_numpy(np.float64)
    w = np.ones(len(x)) if weights is None else weights
    p = x.shape[1]
    own = np.linalg.eigvalsh(pearson(x, w))[::-1]
    n = max(int(effective(w)), p + 1)
    rng = np.random.default_rng([0x4042, n, p])
    chance = np.empty((draws, p))
    for draw in range(draws):
        chance[draw] = np.linalg.eigvalsh(np.corrcoef(rng.standard_normal((n, p)), rowvar=False))[::-1]
    bar = np.percentile(chance, LEVEL, axis=0)
    return pd.DataFrame(
        {
            "factor": np.arange(1, p + 1),
            "eigenvalue": own,
            "share": own / p,
            "chance": bar,
            "kept": np.logical_and.accumulate(own > bar),
        }
    )


def kmo(correlation: np.ndarray) -> tuple[float, np.ndarray]:
    """Kaiser, Meyer and Olkin's measure: how much of what items share is shared by more than two; overall, by item."""
    inverse = np.linalg.inv(correlation)
    sd = np.sqrt(np.diag(inverse))
    off = ~np.eye(len(correlation), dtype=bool)
    plain, partial = correlation**2 * off, (inverse / np.outer(sd, sd)) ** 2 * off
    each = plain.sum(axis=1) / (plain.sum(axis=1) + partial.sum(axis=1))
    return float(plain.sum() / (plain.sum() + partial.sum())), each


def bartlett(correlation: np.ndarray, n: float) -> tuple[float, int, float]:
    """Bartlett's test that items have nothing in common: chi-square, degrees of freedom, p."""
    p = len(correlation)
    chi2 = -(n - 1 - (2 * p + 5) / 6) * float(np.linalg.slogdet(correlation)[1])
    df = p * (p - 1) // 2
    return chi2, df, float(chi_squared.sf(chi2, df))


def minres(correlation: np.ndarray, factors: int) -> np.ndarray:
    """Loadings float64 (items, factors) that leave the smallest squares of correlations, not yet rotated."""
    from scipy.optimize import minimize

    def left(unique: np.ndarray) -> tuple[float, np.ndarray]:
        values, vectors = np.linalg.eigh(correlation - np.diag(unique))
        rest, along = values[:-factors], vectors[:, :-factors]
        return float((rest**2).sum()) / 2, -(along**2) @ rest

    start = np.clip(1 / np.diag(np.linalg.inv(correlation)), 2 * _LEAST, 0.99)
    bounds = [(_LEAST, 1.0)] * len(start)
    unique = minimize(left, start, jac=True, bounds=bounds, method="L-BFGS-B", options={"maxiter": 1000}).x
    values, vectors = np.linalg.eigh(correlation - np.diag(unique))
    return vectors[:, : -factors - 1 : -1] * np.sqrt(np.maximum(values[: -factors - 1 : -1], 0.0))


def rotated(loadings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Loadings turned obliquely (quartimin), the strongest factor first and each mostly positive, and correlations."""
    turn = _quartimin(loadings)
    pattern, between = loadings @ np.linalg.inv(turn).T, turn.T @ turn
    order = np.argsort(-(pattern**2).sum(axis=0), kind="stable")
    sign = np.where(pattern.sum(axis=0) < 0, -1.0, 1.0)
    return (pattern * sign)[:, order], (between * np.outer(sign, sign))[np.ix_(order, order)]


def _quartimin(loadings: np.ndarray) -> np.ndarray:
    """The axes, columns of length 1, to which items' loadings are simplest; gradient projection (Jennrich 2002)."""
    others = 1 - np.eye(loadings.shape[1])

    def judged(turn: np.ndarray) -> tuple[float, np.ndarray]:
        back = np.linalg.inv(turn)
        pattern = loadings @ back.T
        crossed = pattern**2 @ others
        return float((pattern**2 * crossed).sum()) / 4, -(pattern.T @ (pattern * crossed) @ back).T

    turn, stride = np.eye(loadings.shape[1]), 1.0
    value, slope = judged(turn)
    for _ in range(_ROUNDS):
        along = slope - turn * (turn * slope).sum(axis=0)
        size = float((along**2).sum())
        if size < _LEVEL_GROUND**2:
            break
        stride *= 2
        while True:
            tried = turn - stride * along
            tried /= np.sqrt((tried**2).sum(axis=0))
            after, ahead = judged(tried)
            if value - after > size * stride / 2 or stride < _LEVEL_GROUND:
                break
            stride /= 2
        turn, value, slope = tried, after, ahead
    return turn


def congruence(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Tucker's congruence of every factor of one with every factor of the other, float64 (factors, factors).

    Loadings of the same items in the same order. Above .95 factors are taken for the same, from .85 for similar
    (Lorenzo-Seva and ten Berge 2006). NaN for a factor that nothing loads on.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return (one.T @ other) / np.sqrt(np.outer((one**2).sum(axis=0), (other**2).sum(axis=0)))


def matched(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which factor of the other goes with each of one, and their congruence in size; the best pairing of all.

    Loadings of the same items in the same order, and of no more factors in one than in the other.
    """
    from scipy.optimize import linear_sum_assignment

    alike = np.nan_to_num(np.abs(congruence(one, other)))
    rows, columns = linear_sum_assignment(-alike)
    return columns, alike[rows, columns]
