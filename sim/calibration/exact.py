"""Where a problem knows its likelihood, the exact posterior by importance, for the approximate one to be held against.

A problem may offer ``log_likelihood(theta) -> (n,)``, of what it observed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from sim.calibration.prior import Prior, generator, theta_of, unit_of
from sim.calibration.problem import Floats
from sim.calibration.terms import ROOM, Fit

TRIED = 40_000  # numbers at which the likelihood is asked
WITHIN = 0.25  # exact standard deviations that a mean may be off
SPREADS = (0.75, 1.33)  # of the exact one that a spread may be
LEAST = 50.0  # effective numbers below which the exact posterior is not known either


def exact(found: Fit) -> tuple[Floats, Floats] | None:
    """Coordinates (n, k) and weights (n,) of the exact posterior; None where the problem knows no likelihood."""
    whole = getattr(found.problem, "whole", found.problem)
    if not hasattr(whole, "log_likelihood") or any(not one.used for one in found.problem.targets):
        return None
    free = found.problem.free
    box = Prior.whole(len(free)).around(found.unit, ROOM)
    unit = box.sample(TRIED, generator(0, "predict", len(free), 1))
    told = np.asarray(whole.log_likelihood(theta_of(free, unit)), float)
    weights = np.exp(told - told.max())
    return unit, weights / weights.sum()


def exact_checks(found: Fit) -> Iterator[dict[str, Any]]:
    """Rows of checks.csv: mean and spread of each number's draws against the exact posterior."""
    known = exact(found)
    if known is None:
        return
    unit, weights = known
    if 1.0 / (weights**2).sum() < LEAST:
        return
    mean = weights @ unit
    sd = np.sqrt(weights @ (unit - mean) ** 2)
    draws = unit_of(found.problem.free, found.draws)
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
