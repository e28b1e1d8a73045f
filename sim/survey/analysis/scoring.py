"""Fisher scoring: the search for the parameters that fit best, one way for every model here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

_STEPS: Final = 50  # at most: a search that ends has needed 20 to 35
_ENOUGH: Final = 1e-10  # what a step must still promise
_SETTLED: Final = 1e-6  # what may still be promised where no step gains anything
_STRIDE: Final = 0.5  # the most that a parameter moves at once, in standard deviations of items

# parameters -> misfit (inf where they cannot be), half its negative gradient, half its expected curvature
Evaluate = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]


def scored(evaluate: Evaluate, at: np.ndarray) -> tuple[np.ndarray, bool]:
    """Where the misfit is smallest, searched from `at` with halved steps, and whether nothing was left to gain."""
    misfit, gradient, curvature = evaluate(at)
    for _ in range(_STEPS):
        step = np.linalg.solve(curvature + _ENOUGH * np.diag(np.diag(curvature)), gradient)
        promised = float(step @ gradient)
        size = min(1.0, _STRIDE / max(float(np.abs(step).max()), _ENOUGH))
        while size > _SETTLED:
            tried = at + size * step
            after, gradient, curvature = evaluate(tried)
            if after <= misfit + 1e-12:
                break
            size /= 2
        else:
            return at, promised < _SETTLED
        at, misfit = tried, after
        if promised < _ENOUGH:
            return at, True
    return at, False
