"""How well an order of customers finds those whom an arm helps: gain curves and Qini, on true effects."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def gain(score: ArrayLike, effect: ArrayLike, weight: ArrayLike | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The curve of what is gained when customers are treated in order of their score, the highest first.

    `score` and `effect` are (customers,), `weight` how many each stands for. Returns (treated share, 0 to 1; effect
    summed over the treated, per customer of all), both float64 (customers + 1,). Ties are treated together: within one
    the curve is straight.
    """
    try:
        score, effect = np.asarray(score, float), np.asarray(effect, float)
        size = np.ones(score.size) if weight is None else np.asarray(weight, float)
    except (TypeError, ValueError):
        raise ValueError("score, effect and weight are numbers, one a customer") from None
    if not (score.shape == effect.shape == size.shape and score.ndim == 1 and score.size):
        raise ValueError("score, effect and weight are equally long, with a customer at least")
    if not (np.isfinite(score).all() and np.isfinite(effect).all() and np.isfinite(size).all() and (size > 0).all()):
        raise ValueError("a score, an effect or a weight is not finite, or a weight not above 0")
    levels, place = np.unique(-score, return_inverse=True)
    treated = np.bincount(place, size, minlength=levels.size)
    gained = np.bincount(place, size * effect, minlength=levels.size)
    total = size.sum()
    return np.append(0.0, np.cumsum(treated)) / total, np.append(0.0, np.cumsum(gained)) / total


def qini(score: ArrayLike, effect: ArrayLike, weight: ArrayLike | None = None) -> float:
    """Area between the gain curve and the straight line of treating at random, in units of the effect."""
    share, gained = gain(score, effect, weight)
    return float(np.trapezoid(gained - share * gained[-1], share))


def qini_of_best(score: ArrayLike, effect: ArrayLike, weight: ArrayLike | None = None) -> float:
    """The Qini as a share of that of the perfect order: 1 knows every effect, 0 is chance, below is worse."""
    own, best = qini(score, effect, weight), qini(effect, effect, weight)
    return own / best if best > 0 else float("nan")
