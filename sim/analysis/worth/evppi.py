"""What it would be worth to know one assumption: the expected value of partial perfect information of each.

EVPPI = E[worth of the best arm, given the assumption] - worth of the arm that is best on average, over the curves of
`curves` (Strong & Oakley's regression). Its standard error is the spread over curves drawn from the law of their
coefficients. An assumption whose curve is not told from chance gets 0, and what it could be worth at most.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sim.analysis.study import Array
from sim.analysis.worth.curves import Curves, above_best
from sim.measures.intervals import CONFIDENCE

DRAWS = 100
EDGE = 0.05  # what is called low and high: so much of the plausible range is beyond


@dataclass(frozen=True)
class Part:
    """One assumption's worth of knowing, and which arm is best at which end of it; arms by place, 0 the reference.

    `at_most` is what it is worth in 97.5 of 100 curves that the worlds allow. `turns_at` is the first value, from
    below, at which the best arm is no longer that of the low end; NaN where it never turns.
    """

    worth: float
    error: float
    at_most: float
    low: float
    high: float
    best_low: int
    best_high: int
    turns_at: float


def part(found: Curves, j: int, rng: np.random.Generator) -> Part:
    """The j-th assumption's."""
    curve, x = found.curve(j), found.x[j]
    spread = _gained(found.draws(j, DRAWS, rng))
    worth = float(_gained(curve)) if found.clear[j] else 0.0
    best = curve.argmax(axis=1)
    low, high = (round(end * (len(x) - 1)) for end in (EDGE, 1.0 - EDGE))
    turned = np.flatnonzero(best[low : high + 1] != best[low])
    return Part(
        worth,
        float(spread.std(ddof=1)),
        float(max(np.quantile(spread, 0.5 + CONFIDENCE / 2), worth)),
        float(x[low]),
        float(x[high]),
        int(best[low]),
        int(best[high]),
        float(x[low + turned[0] - 1 : low + turned[0] + 1].mean()) if len(turned) else float("nan"),
    )


def _gained(curve: Array) -> Array:
    """Mean over places of the best arm there above the arm that is best on average, of curves (..., m, arms)."""
    return np.asarray(above_best(curve).max(axis=-1).mean(axis=-1))
