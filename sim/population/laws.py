"""Laws of AUM within a tier, and Tweedie's correction that keeps the pyramid from drifting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

SMALLEST = 1.0  # CNY: nobody's AUM starts below this
SMOOTHING = 0.2  # sd in log AUM of the Gaussian that smooths the density (DECISIONS 2)
CLIP = 2.5  # bound of the score (DECISIONS 2)
STEP = 0.01  # grid of log AUM


@dataclass(frozen=True)
class LogNormal:
    """Log-normal AUM, cut to the tier's band."""

    mu: float
    sigma: float

    def quantile(self, u: np.ndarray, low: float, high: float) -> np.ndarray:
        """AUM in CNY at uniforms `u`, within [low, high)."""
        a = ndtr((np.log(max(low, SMALLEST)) - self.mu) / self.sigma)
        b = ndtr((np.log(high) - self.mu) / self.sigma)
        return np.exp(self.mu + self.sigma * ndtri(a + u * (b - a)))

    def density(self, x: np.ndarray) -> np.ndarray:
        """Density of log AUM before the cut, up to a constant."""
        return np.exp(-0.5 * ((x - self.mu) / self.sigma) ** 2)


@dataclass(frozen=True)
class Pareto:
    """Pareto AUM with tail index `alpha`, cut to the tier's band."""

    alpha: float

    def quantile(self, u: np.ndarray, low: float, high: float) -> np.ndarray:
        """AUM in CNY at uniforms `u`, within [low, high)."""
        start = max(low, SMALLEST)
        return start * (1.0 - u * (1.0 - (start / high) ** self.alpha)) ** (-1.0 / self.alpha)

    def density(self, x: np.ndarray) -> np.ndarray:
        """Density of log AUM, up to a constant."""
        return np.exp(-self.alpha * (x - x[0]))


@dataclass(frozen=True)
class Score:
    """d log f / dx of the smoothed density of log AUM over all tiers together, clipped (Tweedie's correction)."""

    grid: np.ndarray
    values: np.ndarray
    mean: float
    sd: float

    def at(self, log_aum: np.ndarray) -> np.ndarray:
        """Score at each log AUM."""
        return np.interp(log_aum, self.grid, self.values)


def score_of_density(grid: np.ndarray, density: np.ndarray) -> Score:
    """Score of a density given on an even grid of log AUM."""
    mass = density / density.sum()
    mean = float((mass * grid).sum())
    sd = float(np.sqrt((mass * (grid - mean) ** 2).sum()))
    reach = np.arange(-5 * SMOOTHING, 5 * SMOOTHING + STEP / 2, STEP)
    kernel = np.exp(-0.5 * (reach / SMOOTHING) ** 2)
    smooth = np.convolve(mass, kernel / kernel.sum(), mode="same")
    slope = np.gradient(np.log(np.maximum(smooth, 1e-300)), STEP)
    return Score(grid, np.clip(slope, -CLIP, CLIP), mean, max(sd, 1e-6))


def score_of_laws(laws: Sequence[LogNormal | Pareto], shares: Sequence[float], bounds: np.ndarray, top: float) -> Score:
    """Score of the mixture of tiers: each law cut to its band and weighted by its share of customers."""
    grid = np.arange(np.log(SMALLEST), np.log(top) + STEP, STEP)
    total = np.zeros_like(grid)
    edges = np.append(bounds, top)
    for k, law in enumerate(laws):
        inside = (grid >= np.log(max(edges[k], SMALLEST))) & (grid < np.log(edges[k + 1]))
        if inside.any():
            part = law.density(grid[inside])
            total[inside] += shares[k] * part / part.sum()
    return score_of_density(grid, total)


def score_of_sample(log_aum: np.ndarray, weight: np.ndarray) -> Score:
    """Score of a book's own AUM: its histogram on the grid, smoothed as any other density."""
    pad = 5 * SMOOTHING + 2 * STEP  # the smoothing kernel fits even where all balances are equal
    low, high = float(log_aum.min()) - pad, float(log_aum.max()) + pad
    cells = max(int(np.ceil((high - low) / STEP)), 2)
    counts, _ = np.histogram(log_aum, bins=cells, range=(low, low + cells * STEP), weights=weight)
    return score_of_density(low + STEP * (np.arange(cells) + 0.5), counts.astype(float))
