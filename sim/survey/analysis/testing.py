"""Tests of means that have their own errors: Student's t, Welch's t and Welch's F; p values two-sided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sim.survey.analysis.weighing import NAN


class Test(NamedTuple):
    """A test: the statistic, its degrees of freedom (0 between groups for a t) and p."""

    statistic: float
    between: float
    within: float
    p: float


def t_test(difference: float, se: float, freedom: float) -> float:
    """Two-sided p of a difference with a standard error; 1 of none without spread, NaN where it is unknown."""
    from scipy.special import stdtr

    if not np.isfinite(difference) or not np.isfinite(se) or freedom < 1:
        return NAN
    if se == 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * stdtr(freedom, -abs(difference) / se))


def welch(means: np.ndarray, variances: np.ndarray, sizes: np.ndarray) -> Test:
    """Whether means differ, given the variance of each mean and the (effective) number of sheets behind it.

    Two: Welch's t; more: Welch's F (Welch 1951). NaN where a variance is 0 or unknown.
    """
    from scipy.special import fdtrc, stdtr

    if len(means) < 2 or not (variances > 0).all() or (sizes < 2).any():
        return Test(NAN, NAN, NAN, NAN)
    if len(means) == 2:
        whole = float(variances.sum())
        freedom = whole**2 / float((variances**2 / (sizes - 1)).sum())
        t = float(means[1] - means[0]) / np.sqrt(whole)
        return Test(float(t), 0.0, freedom, float(2 * stdtr(freedom, -abs(t))))
    w, k = 1 / variances, len(means)
    centre = float((w * means).sum() / w.sum())
    loose = float(((1 - w / w.sum()) ** 2 / (sizes - 1)).sum())
    between = float((w * (means - centre) ** 2).sum()) / (k - 1)
    f = between / (1 + 2 * (k - 2) / (k**2 - 1) * loose)
    within = (k**2 - 1) / (3 * loose)
    return Test(f, k - 1.0, within, float(fdtrc(k - 1, within, f)))
