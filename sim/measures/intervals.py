"""Student's interval of a mean over few independent values: the one way in which anything here is called uncertain."""

from __future__ import annotations

import numpy as np

CONFIDENCE = 0.95


def t_quantile(count: np.ndarray | int) -> np.ndarray:
    """Standard errors to each side of the 95 % interval of a mean over `count` values; of one, as if there were two.

    Any shape. Whoever has a spread and not a variance multiplies it himself: stored tables hold every bit.
    """
    from scipy.special import stdtrit

    return np.asarray(stdtrit(np.maximum(np.asarray(count) - 1, 1), 0.5 + CONFIDENCE / 2))


def half_width(variance: np.ndarray, count: np.ndarray | int) -> np.ndarray:
    """Half the 95 % interval of a mean over so many values; NaN for one, or where the variance is. Any shape."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.sqrt(variance / count) * t_quantile(count))
