"""What it would be worth to know everything: the expected value of perfect information, with luck taken out.

EVPI = E[worth of the best arm of each world] - worth of the arm that is best on average. Worlds are lived with luck
(seeds, and rows that stand for many customers), and a maximum over arms is paid for luck as if it were knowledge: the
raw figure is an upper bound. So the spread of the arms between worlds is first brought down to what beliefs alone
explain: the worlds keep their places, and their covariance becomes that of the values less that of the luck (matching
of moments; exact where both are normal). How large the luck is comes from

- what the assumptions that clearly matter leave unexplained, as long as that is not clearly more (a chi-squared test)
  than the spread between seeds; else that spread;
- where no spread between seeds is given, what is left unexplained alone. That counts as luck whatever single
  assumptions cannot be told to do, interactions too, so the figure is then a lower one.
"""

from __future__ import annotations

import numpy as np

from sim.analysis.study import Array
from sim.analysis.worth.curves import CHANCE, FLAT, Curves, root

RESAMPLES = 200
MEASURED, GUESSED = "luck measured between seeds", "luck taken as what no assumption explains"


def best_of(gaps: Array) -> tuple[float, int]:
    """EVPI of worlds x arms less the reference's, and which is best on average (0 is the reference)."""
    values = np.concatenate([np.zeros((len(gaps), 1)), gaps], axis=1)
    best = int(np.argmax(values.mean(axis=0)))
    return float((values.max(axis=1) - values[:, best]).mean()), best


def without_luck(gaps: Array, luck: Array) -> Array:
    """The same worlds with the luck's covariance (a, a) taken out of theirs; no direction loses more than it has."""
    mean = gaps.mean(axis=0)
    spread = np.atleast_2d(np.cov(gaps.T))
    values, vectors = np.linalg.eigh(spread)
    kept = values > FLAT * max(values.max(initial=0.0), 0.0)
    if not kept.any():
        return gaps
    there = vectors[:, kept] / np.sqrt(values[kept])  # to where the worlds have spread 1 in every direction
    back = vectors[:, kept] * np.sqrt(values[kept])
    part, axes = np.linalg.eigh(there.T @ luck @ there)
    shrink = (axes * np.sqrt(np.clip(1.0 - part, 0.0, 1.0))) @ axes.T
    return np.asarray(mean + (gaps - mean) @ there @ shrink @ back.T)


def luck_of(residual: Array, freedom: int, noise: Array | None) -> Array:
    """Covariance (a, a) of a world's luck: `noise`, or what is left unexplained where that is not clearly more."""
    from scipy.special import chdtri

    left = residual.T @ residual / freedom
    if noise is None:
        return left
    given = np.diag(noise)
    ratio = np.diag(left) / np.where(given > 0, given, 1.0)
    chance_alone = float(chdtri(freedom, CHANCE)) / freedom  # the ratio that luck alone stays below in 95 of 100
    scale = np.sqrt(np.where(ratio < chance_alone, ratio, 1.0))
    return noise * np.outer(scale, scale)


def resampled(gaps: Array, found: Curves, noise: Array | None, shared: Array, rng: np.random.Generator) -> Array:
    """EVPI with and without luck in worlds drawn anew, (resamples, 2); `shared` luck (a, a) moves all worlds alike."""
    n, a = gaps.shape
    moved = rng.standard_normal((RESAMPLES, a)) @ root(shared).T
    out = np.empty((RESAMPLES, 2))
    for i, shift in enumerate(moved):
        rows = rng.integers(0, n, n)
        drawn = gaps[rows]
        luck = luck_of(found.residual[rows], found.freedom, noise)
        out[i] = best_of(without_luck(drawn, luck) + shift)[0], best_of(drawn + shift)[0]
    return out
