"""Where a problem knows its likelihood, the exact posterior by importance, for the approximate one to be held against.

A problem may offer ``log_likelihood(theta) -> (n,)``, of the targets that it uses. Numbers are drawn around the draws
and weighted by likelihood, prior and how they were drawn.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sim.calibration.prior import expit, generator, logit, theta_of
from sim.calibration.problem import Floats
from sim.calibration.terms import Fit

LEAST_SPREAD = 1e-10
TRIED = 10_000  # numbers at which the likelihood is asked
FREEDOM, WIDER = 5.0, 1.3  # of the t law around the draws from which they are drawn; its tails are wide
WITHIN = 0.25  # exact standard deviations that a mean may be off
SPREADS = (0.75, 1.33)  # of the exact one that a spread may be
LEAST = 100.0  # effective numbers below which the exact posterior lies elsewhere


def exact(found: Fit) -> tuple[Floats, Floats] | None:
    """Coordinates (n, k) and weights (n,) of the exact posterior; None where the problem knows no likelihood."""
    if not hasattr(found.problem, "log_likelihood"):
        return None
    x = logit(found.unit)
    k = x.shape[1]
    rng = generator(0, "predict", k, 1)
    root = np.linalg.cholesky(WIDER * np.cov(x, rowvar=False).reshape(k, k) + LEAST_SPREAD * np.eye(k))
    z = rng.normal(size=(TRIED, k)) / np.sqrt(rng.chisquare(FREEDOM, size=(TRIED, 1)) / FREEDOM)
    drawn = x.mean(axis=0) + z @ root.T
    unit = expit(drawn)
    told = np.asarray(found.problem.log_likelihood(theta_of(found.problem.free, unit)), float)
    told -= (np.abs(drawn) + 2.0 * np.log1p(np.exp(-np.abs(drawn)))).sum(axis=1)  # the cube is even
    told += 0.5 * (FREEDOM + k) * np.log1p((z**2).sum(axis=1) / FREEDOM)
    weights = np.exp(told - np.nanmax(told))
    return unit, np.nan_to_num(weights) / np.nansum(weights)


def exact_checks(found: Fit) -> Iterator[dict[str, Any]]:
    """Rows of checks.csv: mean and spread of each number's draws against the exact posterior."""
    known = exact(found)
    if known is None:
        return
    unit, weights = known
    ess = 1.0 / (weights**2).sum()
    if ess < LEAST:
        about = f"the exact posterior lies elsewhere ({ess:.0f} of {TRIED:,} numbers around the draws count)"
        yield {"check": "exact", "of": "draws", "value": float(ess), "passed": False, "about": about}
        return
    mean = weights @ unit
    sd = np.sqrt(weights @ (unit - mean) ** 2)
    draws = found.unit
    for i, one in enumerate(found.problem.free):
        off = float((draws[:, i].mean() - mean[i]) / sd[i])
        ratio = float(draws[:, i].std() / sd[i])
        yield {
            "check": "exact",
            "of": one.path,
            "value": off,
            "passed": bool(abs(off) <= WITHIN and SPREADS[0] <= ratio <= SPREADS[1]),
            "about": f"mean {off:+.2f} exact standard deviations off, spread {ratio:.2f} times the exact one",
        }
