"""Synthetic likelihood: statistics taken as normal, with mean and spread by the numbers, and the posterior from that.

Mean and spread are regressions on made-up data sets in a box (Wood 2010). Where statistics are means or shares of many,
that is nearly right, and sharper than what is near enough to the data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.calibration.importance import importance
from sim.calibration.prior import Prior
from sim.calibration.problem import Floats
from sim.calibration.regression import Adjusted

TRIED = 4_000  # numbers that are weighted
PER_TERM = 5  # made-up data sets for each term of a curved mean, at the least
SURE = 3.0  # standard errors from which on a spread depends on a number
TINY = 1e-12


def likelihood(unit: Floats, statistics: Floats, observed: Floats, box: Floats) -> Callable[[Floats], Floats]:
    """The log likelihood of what was observed over coordinates (n, k), from trials in a box (2, k); none outside it."""
    middle, half = box.mean(axis=0), np.maximum((box[1] - box[0]) / 2.0, TINY)
    size = np.maximum(statistics.std(axis=0), TINY)
    level = statistics.mean(axis=0)

    def terms(places: Floats, curved: bool) -> Floats:
        x = (places - middle) / half
        i, j = np.triu_indices(x.shape[1])
        return np.hstack([np.ones((len(x), 1)), x, *([x[:, i] * x[:, j]] if curved else [])])

    curved = len(unit) >= PER_TERM * terms(unit[:1], True).shape[1]
    y = (statistics - level) / size
    mean = np.linalg.lstsq(terms(unit, curved), y, rcond=None)[0]
    rest = y - terms(unit, curved) @ mean
    spread = _spreads(terms(unit, False), np.log(rest**2 + TINY))
    scaled = rest / np.exp(0.5 * terms(unit, False) @ spread)
    own = np.maximum(scaled.std(axis=0), TINY)
    together = np.corrcoef(scaled, rowvar=False).reshape(y.shape[1], y.shape[1])
    inverse = np.linalg.pinv(np.nan_to_num(together), hermitian=True)
    seen = (observed - level) / size

    def told(places: Floats) -> Floats:
        log_sd = 0.5 * terms(places, False) @ spread + np.log(own)
        gap = (seen - terms(places, curved) @ mean) * np.exp(-log_sd)
        found = -0.5 * np.einsum("ni,ij,nj->n", gap, inverse, gap) - log_sd.sum(axis=1)
        inside = ((places >= box[0]) & (places <= box[1])).all(axis=1)
        return np.asarray(np.where(inside, found, -np.inf), np.float64)

    return told


def _spreads(x: Floats, told: Floats) -> Floats:
    """Coefficients (terms, m) of log variances, nought where luck alone would do as much."""
    found = np.linalg.lstsq(x, told, rcond=None)[0]
    left = (told - x @ found).var(axis=0)
    errors = np.sqrt(np.diag(np.linalg.pinv(x.T @ x))[:, None] * left)
    sure = np.abs(found) > SURE * errors
    sure[0] = True
    return np.asarray(np.where(sure, found, 0.0), np.float64)


def weighed(
    unit: Floats, statistics: Floats, observed: Floats, prior: Prior, near: Floats, rng: np.random.Generator
) -> Adjusted:
    """Posterior coordinates with weights, from trials in the prior's box; `near` (n, k) are draws of a first guess."""
    density = likelihood(unit, statistics, observed, prior.box)
    if prior.carried is None:
        places, weights = importance(density, near, TRIED, rng)
    else:  # of an earlier stage, whose draws are all that is known of their density
        places = prior.sample(4 * TRIED, rng)
        told = density(places)
        weights = np.exp(told - told.max())
        weights /= weights.sum()
    return Adjusted(places, weights, float(1.0 / (weights**2).sum()))
