"""Ordered answers as cuts of a normal latent answer: their cuts, their scores, and correlations of what is behind them.

An answer is the number of cuts below a standard normal latent answer. The score of an answer is the mean of the latent
answers it stands for, so a score varies less than what is behind it, by its `spread`; correlations of scores are those
of the latent answers times both spreads (exact where the latent answers are one regression on the other).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from sim.survey.analysis.moments import pearson

LEAST = 1e-12  # of a share; beyond it an answer is one that nobody gave
FARTHEST = 6.0  # SD: where a cut stands that nobody's latent answer is beyond
SQRT_2PI = float(np.sqrt(2.0 * np.pi))


@dataclass(frozen=True)
class Cut:
    """An ordered variable: its `points` from the lowest and the `shares` that gave them, float64 (points,) each."""

    points: np.ndarray
    shares: np.ndarray

    @property
    def cuts(self) -> np.ndarray:
        """Cuts between the points on the standard normal latent answer, float64 (points - 1,)."""
        below = np.cumsum(self.shares)[:-1]
        return np.clip(ndtri(np.clip(below, LEAST, 1.0 - LEAST)), -FARTHEST, FARTHEST)

    @property
    def scores(self) -> np.ndarray:
        """Mean latent answer of those who gave each point, float64 (points,)."""
        edges = np.concatenate([[-np.inf], ndtri(np.clip(np.cumsum(self.shares)[:-1], 0.0, 1.0)), [np.inf]])
        height = np.exp(-0.5 * edges**2) / SQRT_2PI
        middle = np.where(np.isfinite(edges[:-1]), edges[:-1], np.where(np.isfinite(edges[1:]), edges[1:], 0.0))
        return np.where(self.shares > LEAST, (height[:-1] - height[1:]) / np.maximum(self.shares, LEAST), middle)

    @property
    def spread(self) -> float:
        """Standard deviation of the scores, which is their correlation with the latent answer; 0 of a constant."""
        return float(np.sqrt(max(float(self.shares @ self.scores**2), 0.0)))

    @property
    def of_points(self) -> float:
        """Correlation of the points themselves, as numbers, with the latent answer; 0 of a constant."""
        mean = float(self.shares @ self.points)
        sd = float(np.sqrt(self.shares @ (self.points - mean) ** 2))
        return float((self.shares * self.points) @ self.scores) / sd if sd > 0 else 0.0

    def of(self, values: np.ndarray) -> np.ndarray:
        """The score of each answer, float64 (n,), NaN where there is none."""
        known = ~np.isnan(values)
        place = np.searchsorted(self.points, np.where(known, values, self.points[0]))
        return np.where(known, self.scores[np.minimum(place, self.points.size - 1)], np.nan)


def cut(values: np.ndarray, weights: np.ndarray, points: Sequence[float] | None = None) -> Cut:
    """The variable of some answers, float64 (n,), NaN where there is none; `points` are all that there could be."""
    known = ~np.isnan(values)
    there = np.unique(values[known]) if points is None else np.asarray(points, np.float64)
    place = np.searchsorted(there, values[known])
    shares = np.bincount(place, weights=weights[known], minlength=there.size)
    return Cut(there, shares / shares.sum())


def correlations(columns: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Weighted correlations of columns, float64 (n, k) with NaN where unknown, (k, k); 0 with what does not vary."""
    return np.nan_to_num(pearson(columns, weights))


def points_of(latent: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Places among points, int64 (n,), of standard normal latent answers, by the points' shares."""
    return np.minimum(np.searchsorted(np.cumsum(shares)[:-1], ndtr(latent), side="right"), shares.size - 1)
