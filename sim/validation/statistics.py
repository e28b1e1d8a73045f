"""Small statistics for the stylised facts: intervals over seeds, Lorenz curve, logistic regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student


@dataclass(frozen=True)
class Interval:
    """A mean over seeds and its 95 % interval (Student's t); with one seed the interval is the whole line."""

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, values: np.ndarray) -> Interval:
        """Interval of one figure measured once a seed; seeds where it could not be measured (NaN) are left out."""
        values = np.asarray(values, float)
        values = values[np.isfinite(values)]
        if values.size < 2:
            mean = float(values.mean()) if values.size else float("nan")
            return cls(mean, -np.inf, np.inf)
        half = float(student.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))
        return cls(float(values.mean()), float(values.mean()) - half, float(values.mean()) + half)

    def against(self, low: float, high: float) -> str:
        """`holds` with the whole interval in low..high, `misses` with the whole interval outside, else `unclear`."""
        if low <= self.low and self.high <= high:
            return "holds"
        return "misses" if self.low > high or self.high < low else "unclear"


def ratio(of: float, over: float) -> float:
    """A ratio, NaN over nothing."""
    return of / over if over else float("nan")


def top_share(money: np.ndarray, weight: np.ndarray, top: float) -> float:
    """Share of all money held by the richest `top` of customers (weighted Lorenz curve, linear within a row)."""
    order = np.argsort(-money, kind="stable")
    people = np.cumsum(weight[order]) / weight.sum()
    held = np.cumsum(weight[order] * money[order]) / (weight * money).sum()
    return float(np.interp(top, np.r_[0.0, people], np.r_[0.0, held]))


def gini(money: np.ndarray, weight: np.ndarray) -> float:
    """Weighted Gini coefficient."""
    order = np.argsort(money, kind="stable")
    share = np.r_[0.0, np.cumsum(weight[order] * money[order]) / (weight * money).sum()]
    return float(1.0 - ((share[1:] + share[:-1]) * weight[order]).sum() / weight.sum())


def logistic(x: np.ndarray, y: np.ndarray, steps: int = 30) -> np.ndarray:
    """Coefficients (intercept first) of P(y = 1) = 1 / (1 + exp(-x b)), by iteratively reweighted least squares.

    Columns of `x` (rows, covariates) are centred and scaled within, so that any unit converges; y is 0 or 1.
    """
    centre, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-12)
    design = np.column_stack([np.ones(len(x)), (x - centre) / scale])
    b = np.zeros(design.shape[1])
    b[0] = np.log(max(y.mean(), 1e-9) / max(1.0 - y.mean(), 1e-9))
    for _ in range(steps):
        p = 1.0 / (1.0 + np.exp(-(design @ b)))
        weight = np.maximum(p * (1.0 - p), 1e-12)
        step = np.linalg.solve(design.T @ (design * weight[:, None]), design.T @ (y - p))
        b += step
        if np.abs(step).max() < 1e-10:
            break
    slope = b[1:] / scale
    return np.r_[b[0] - slope @ centre, slope]


def complementary_log_log(x: np.ndarray, y: np.ndarray, steps: int = 50) -> np.ndarray:
    """Coefficients (intercept first) of P(y = 1) = 1 - exp(-exp(x b)): log hazard ratios of an event in a period.

    As `logistic`, by iteratively reweighted least squares.
    """
    centre, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-12)
    design = np.column_stack([np.ones(len(x)), (x - centre) / scale])
    b = np.zeros(design.shape[1])
    b[0] = np.log(-np.log1p(-min(max(y.mean(), 1e-9), 1.0 - 1e-9)))
    for _ in range(steps):
        hazard = np.exp(np.clip(design @ b, -30.0, 3.0))
        p = np.clip(-np.expm1(-hazard), 1e-12, 1.0 - 1e-12)
        slope = hazard * np.exp(-hazard)
        spread = p * (1.0 - p)
        step = np.linalg.solve(
            design.T @ (design * (slope**2 / spread)[:, None]), design.T @ ((y - p) * slope / spread)
        )
        b += step
        if np.abs(step).max() < 1e-10:
            break
    slopes = b[1:] / scale
    return np.r_[b[0] - slopes @ centre, slopes]


def least_squares(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Coefficients (no intercept added) of y on the columns of x."""
    return np.linalg.lstsq(x, y, rcond=None)[0]


def decay(successes: np.ndarray, trials: np.ndarray) -> float:
    """Ratio r from one attempt to the next of a success rate a r^k: log-linear fit, rates weighted by successes."""
    k = np.flatnonzero(successes > 0)
    rate, weight = np.log(successes[k] / trials[k]), successes[k]
    middle = np.average(k, weights=weight)
    slope = np.average((k - middle) * (rate - np.average(rate, weights=weight)), weights=weight)
    return float(np.exp(slope / np.average((k - middle) ** 2, weights=weight)))
