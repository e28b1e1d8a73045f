"""Regression-adjusted approximate Bayesian computation: which numbers, corrected for how far their data are off.

Trials whose statistics lie near the observed ones are kept, and each is moved along a weighted regression of the
numbers on the statistics to where it would stand had it met them exactly (Beaumont et al. 2002), with a spread that may
depend on the statistics (Blum & François 2010). Statistics are first put together to one a number, its regression on
all of them (Fearnhead & Prangle 2012), so that many targets do not make every trial a distant one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.calibration.prior import expit, logit
from sim.calibration.problem import Floats
from sim.errors import BadInput

CURVED = 12  # statistics up to which their products are regressors too
RIDGE = 1e-3  # of standardised regressors: keeps statistics that say the same from cancelling out
FAR = 12.0  # standardised statistics beyond are taken as that far
LEAST_SPREAD = 1e-6


@dataclass(frozen=True)
class Adjusted:
    """Coordinates (n, k) of kept trials after the correction, their weights (sum 1), and the effective number."""

    unit: Floats
    weights: Floats
    ess: float


def linear_model() -> type:
    """scikit-learn's linear regression; `BadInput` where it is missing."""
    try:
        from sklearn.linear_model import Ridge
    except ImportError:
        message = "is not installed; pip install 'rapport-sim[analysis]'"
        raise BadInput.at("scikit-learn", message) from None
    return Ridge


def adjust(unit: Floats, statistics: Floats, observed: Floats, accept: float) -> Adjusted:
    """Posterior coordinates from trials: `unit` (n, k) with their `statistics` (n, m), and `observed` (m,).

    `accept` is the share of trials that count, the nearest ones (Epanechnikov's weights by distance).
    """
    ridge = linear_model()
    phi = logit(unit)
    told, seen = _summaries(phi, statistics, observed, ridge)
    distance = np.sqrt(((told - seen) ** 2).sum(axis=1))
    count = min(len(distance), max(round(accept * len(distance)), 10 * unit.shape[1] + 20))
    near = np.argsort(distance, kind="stable")[:count]
    reach = max(float(distance[near[-1]]), LEAST_SPREAD) * (1.0 + 1e-9)
    weights = 1.0 - (distance[near] / reach) ** 2
    weights /= weights.sum()
    x = told[near] - seen
    nowhere = np.zeros((1, x.shape[1]))
    line = ridge(alpha=RIDGE).fit(x, phi[near], sample_weight=weights * count)
    rest = phi[near] - _predict(line, x)
    size = np.log(rest**2 + LEAST_SPREAD**2)
    spread = ridge(alpha=RIDGE * count).fit(x, size, sample_weight=weights * count)
    ratio = np.exp(np.clip(0.5 * (_predict(spread, nowhere) - _predict(spread, x)), -2.0, 2.0))
    moved = _predict(line, nowhere) + rest * ratio
    return Adjusted(expit(moved), weights, float(1.0 / (weights**2).sum()))


def _summaries(phi: Floats, statistics: Floats, observed: Floats, ridge: type) -> tuple[Floats, Floats]:
    """A statistic for each number, (n, k) of trials and (k,) of what was observed, in units of what it leaves open."""
    middle, size = statistics.mean(axis=0), statistics.std(axis=0)
    size = np.where(size > 0, size, 1.0)
    x = _curved(np.clip((statistics - middle) / size, -FAR, FAR))
    seen = _curved(np.clip((observed - middle) / size, -FAR, FAR)[None])
    level, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    model = ridge(alpha=RIDGE * len(x)).fit((x - level) / scale, phi)
    told, at = _predict(model, (x - level) / scale), _predict(model, (seen - level) / scale)[0]
    left = np.cov(phi - told, rowvar=False).reshape(phi.shape[1], phi.shape[1])
    root = np.linalg.cholesky(left + np.eye(len(left)) * LEAST_SPREAD * max(np.trace(left), LEAST_SPREAD))
    return np.asarray(np.linalg.solve(root, told.T).T, np.float64), np.linalg.solve(root, at)


def _predict(model: Any, x: Floats) -> Floats:
    """(n, k) also for one number, whose column scikit-learn leaves out."""
    return np.asarray(model.predict(x), np.float64).reshape(len(x), -1)


def _curved(x: Floats) -> Floats:
    """Statistics with their squares, and with their products where they are few."""
    if x.shape[1] > CURVED:
        return np.hstack([x, x**2])
    i, j = np.triu_indices(x.shape[1])
    return np.hstack([x, x[:, i] * x[:, j]])
