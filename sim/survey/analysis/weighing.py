"""Means of weighted answers and how far they can be off: the one way in which this analysis weighs and is uncertain.

The variance of a weighted mean is Taylor's linearisation of the ratio of totals, sheets drawn with replacement; with
equal weights it is the textbook's, and the interval Student's. Kish's effective number of sheets says what unequal
weights cost. Source: Särndal, Swensson and Wretman 1992; Kish 1965.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from sim.measures.intervals import t_quantile

NAN: Final = float("nan")


class Mean(NamedTuple):
    """A mean with its standard error and 95 % interval, the sheets behind it and how many they are worth (Kish)."""

    n: int
    mean: float
    sd: float
    se: float
    low: float
    high: float
    effective: float


def mean_of(values: np.ndarray, weights: np.ndarray | None = None) -> Mean:
    """The mean of values float64 (sheets,), NaN left out; of no value all is NaN, of one no error is known."""
    known = ~np.isnan(values)
    y = values[known]
    w = np.ones(len(y)) if weights is None else weights[known]
    n, total = len(y), float(w.sum())
    if n == 0 or total <= 0:
        return Mean(n, NAN, NAN, NAN, NAN, NAN, 0.0)
    mean = float(w @ y / total)
    effective = total**2 / float(w @ w)
    if n == 1:
        return Mean(n, mean, NAN, NAN, NAN, NAN, effective)
    off = w * (y - mean)
    se = float(np.sqrt(n / (n - 1) * (off @ off))) / total
    sd = float(np.sqrt(n / (n - 1) * (off @ (y - mean)) / total))
    half = se * float(t_quantile(n))
    return Mean(n, mean, sd, se, mean - half, mean + half, effective)


def share_of(hits: np.ndarray, known: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The weighted share of hits among what is known, bool (sheets,); NaN where nothing is."""
    w = np.ones(len(hits)) if weights is None else weights
    total = float(w[known].sum())
    return float(w[hits & known].sum()) / total if total > 0 else NAN
