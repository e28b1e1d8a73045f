"""Draws from a density that can be asked: proposed around what is known, weighted, proposed anew around those."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sim.calibration.prior import expit, logit
from sim.calibration.problem import Floats

FREEDOM, WIDER = 5.0, 1.3  # of the t law from which they are drawn; its tails are wide
LEAST_SPREAD = 1e-10
ROUNDS = 4
FEW = 10  # effective numbers a parameter


def importance(
    density: Callable[[Floats], Floats], start: Floats, count: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Coordinates (count, k) and weights (count,) of a log density over the cube; `start` (n, k) are near it."""
    x, weights = logit(start), np.full(len(start), 1.0 / len(start))
    unit = start
    for turn in range(ROUNDS):
        k = x.shape[1]
        mean = weights @ x
        spread = (x - mean).T @ ((x - mean) * weights[:, None])
        root = np.linalg.cholesky(WIDER * spread + LEAST_SPREAD * np.eye(k))
        z = rng.normal(size=(count, k)) / np.sqrt(rng.chisquare(FREEDOM, size=(count, 1)) / FREEDOM)
        x = mean + z @ root.T
        unit = expit(x)
        told = np.asarray(density(unit), np.float64)
        told = told - (np.abs(x) + 2.0 * np.log1p(np.exp(-np.abs(x)))).sum(axis=1)  # the cube, seen in logits
        told += 0.5 * (FREEDOM + k) * np.log1p((z**2).sum(axis=1) / FREEDOM)
        told = np.where(np.isfinite(told), told, -np.inf)
        if not np.isfinite(told.max()):
            return start, np.full(len(start), 1.0 / len(start))
        weights = _weights(told)
        if _effective(weights) < FEW * k and turn < ROUNDS - 1:  # far off yet: go where it is likelier, not at once
            weights = _weights(told / max(float(np.ptp(np.sort(told)[-FEW * k :])), 1.0))
    return unit, weights


def _weights(told: Floats) -> Floats:
    found = np.exp(told - told.max())
    return np.asarray(found / found.sum(), np.float64)


def _effective(weights: Floats) -> float:
    return float(1.0 / (weights**2).sum())
