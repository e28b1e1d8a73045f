"""What drives an outcome: standardised regression of construct scores, and whose share of what is explained is whose.

Errors are HC3's (MacKinnon and White 1985), so they hold where spread differs between customers. Shares are Shapley's
split of R squared (Lindeman, Merenda and Gold 1980): what a driver adds, averaged over every order of entering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.survey.analysis.moments import SINGULAR, effective, pearson
from sim.survey.analysis.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

MOST: Final = 14  # drivers among which R squared is split; twice the work for each more
KNOWN: Final = 0.7  # of the sheets that have the outcome; what is asked of few is no driver for all
COLLINEAR: Final = 10  # variance inflation from which drivers are hard to tell apart
COLUMNS: Final = ("driver", "beta", "se", "low", "high", "p", "r", "importance", "share", "vif")


def _empty() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(columns=list(COLUMNS))


@dataclass(frozen=True)
class Drivers:
    """A standardised regression of `target`.

    `table` has a row a driver: beta with HC3's standard error, 95 % interval and p, the plain correlation r,
    `importance` (its part of R squared; the parts sum to it) and `share` of it, and the variance inflation factor.
    Where `problem` says why there is no regression, the table is empty and R squared NaN.
    """

    target: str
    table: pd.DataFrame = field(default_factory=_empty)
    n: int = 0
    r2: float = np.nan
    r2_adjusted: float = np.nan
    problem: str = ""
    notes: tuple[str, ...] = ()


@one_thread()
def drivers(scores: pd.DataFrame, target: str, of: Sequence[str], weights: np.ndarray | None = None) -> Drivers:
    """The regression of a column of scores on others, over sheets that have all of them, weighted."""
    import pandas as pd
    from scipy.stats import t as student

    notes: list[str] = []
    varied = [name for name in of if name != target and scores[name].nunique() > 1]
    flat = [name for name in of if name != target and name not in varied]
    if flat:
        notes.append(f"left out, as everybody has the same score or none: {', '.join(flat)}")
    met = scores.loc[scores[target].notna(), varied].notna().mean()
    rare = [name for name in varied if met[name] < KNOWN]
    if rare:
        notes.append(f"left out, as fewer than {KNOWN:.0%} of these sheets have it: {', '.join(rare)}")
    varied = [name for name in varied if name not in rare]
    if not varied or scores[target].nunique() < 2:
        why = f"{target} does not vary" if varied else "no driver varies"
        return Drivers(target, problem=why, notes=tuple(notes))
    whole = scores[[target, *varied]].to_numpy(np.float64)
    there = ~np.isnan(whole).any(axis=1)
    whole = whole[there]
    w = np.ones(len(whole)) if weights is None else np.asarray(weights, np.float64)[there]
    n, k = len(whole), len(varied)
    if n < k + 3 or not (np.ptp(whole, axis=0) > 0).all():
        few = f"{n} sheets with all scores are too few for {k} drivers"
        why = few if n < k + 3 else "over the sheets with all scores, one of them does not vary"
        return Drivers(target, n=n, problem=why, notes=tuple(notes))
    if n < len(scores):
        notes.append(f"{len(scores) - n} sheets without all of these scores were not used")
    r = pearson(whole, w)
    values, vectors = np.linalg.eigh(r[1:, 1:])
    if values[0] < SINGULAR:
        tied = [varied[i] for i in np.flatnonzero(np.abs(vectors[:, 0]) > 0.1)]
        return Drivers(target, n=n, problem=f"drivers are sums of one another: {', '.join(tied)}", notes=tuple(notes))
    beta = np.linalg.solve(r[1:, 1:], r[1:, 0])
    r2 = float(beta @ r[1:, 0])
    se = _hc3(_standard(whole, w), w, beta)
    half = se * float(student.ppf(0.975, n - k - 1))
    vif = np.diag(np.linalg.inv(r[1:, 1:]))
    close = [name for name, one in zip(varied, vif, strict=True) if one > COLLINEAR]
    if close:
        notes.append(f"hard to tell apart (variance inflation above {COLLINEAR}): {', '.join(close)}")
    part = shapley(r) if k <= MOST else np.full(k, np.nan)
    if k > MOST:
        notes.append(f"{k} drivers: R squared is split among {MOST} at most")
    with np.errstate(divide="ignore"):
        p = 2 * student.sf(np.abs(beta) / se, n - k - 1)
    columns = (varied, beta, se, beta - half, beta + half, p, r[1:, 0], part, part / r2, vif)
    table = pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
    if np.ptp(w) > 0:
        notes.append(f"design weights: {n} sheets tell as much as {effective(w):.0f} equal ones")
    return Drivers(target, table, n, r2, 1 - (1 - r2) * (n - 1) / (n - k - 1), notes=tuple(notes))


def _standard(whole: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Columns with weighted mean 0 and variance 1."""
    centred = whole - w @ whole / w.sum()
    return centred / np.sqrt(w @ centred**2 / w.sum())


def _hc3(z: np.ndarray, w: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """HC3's standard errors of standardised coefficients; z has the target first."""
    x = np.column_stack([np.ones(len(z)), z[:, 1:]])
    bread = np.linalg.inv((x * w[:, None]).T @ x)
    hat = w * np.einsum("ij,jk,ik->i", x, bread, x)
    left = (z[:, 0] - z[:, 1:] @ beta) / np.maximum(1 - hat, 1e-9)
    filling = (x * (w * left)[:, None]).T @ (x * (w * left)[:, None])
    return np.sqrt(np.diag(bread @ filling @ bread)[1:])


def shapley(r: np.ndarray) -> np.ndarray:
    """Each driver's part of R squared, float64 (drivers,), from correlations with the target first."""
    k = len(r) - 1
    explained = np.zeros(1 << k)
    for size in range(1, k + 1):
        chosen = np.array(list(combinations(range(k), size)))
        among = r[1:, 1:][chosen[:, :, None], chosen[:, None, :]]
        toward = r[1:, 0][chosen]
        beta = np.linalg.solve(among, toward[:, :, None])[:, :, 0]
        explained[(1 << chosen).sum(axis=1)] = (beta * toward).sum(axis=1)
    sets = np.arange(1 << k)
    sizes = np.array([int(one).bit_count() for one in sets])
    weight = 1 / (k * np.array([comb(k - 1, size) for size in range(k)]))
    out = np.empty(k)
    for driver in range(k):
        without = sets[(sets >> driver) & 1 == 0]
        out[driver] = weight[sizes[without]] @ (explained[without | (1 << driver)] - explained[without])
    return out
