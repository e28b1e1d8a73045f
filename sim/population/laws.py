"""Laws of AUM within a tier, and Tweedie's correction that keeps the pyramid from drifting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from sim.behaviour.settings import Wealth

SMALLEST = 1.0  # CNY: nobody's AUM starts below this
STEP = 0.01  # grid of log AUM
SPAN = 5  # SD to which the smoothing kernel reaches
FAR = 5.0  # SD above the middle from which a normal is told from its other end: 1 - 1e-16 is 1
NORMAL = NormalDist()  # SciPy would make every validation wait for it


@dataclass(frozen=True)
class LogNormal:
    """Log-normal AUM, cut to the tier's band."""

    mu: float
    sigma: float

    def quantile(self, u: np.ndarray, low: float, high: float) -> np.ndarray:
        """AUM in CNY, float64 (n,), at uniforms `u` (n,), within [low, high)."""
        from scipy.special import ndtr, ndtri

        low, high = (np.log(max(low, SMALLEST)) - self.mu) / self.sigma, (np.log(high) - self.mu) / self.sigma
        if low > FAR:
            a, b = ndtr(-low), ndtr(-high)
            return np.exp(self.mu - self.sigma * np.clip(ndtri(a + u * (b - a)), -high, -low))
        a, b = ndtr(low), ndtr(high)
        return np.exp(self.mu + self.sigma * ndtri(a + u * (b - a)))

    def mean(self, low: float, high: float) -> float:
        """Mean AUM in CNY within [low, high)."""
        a = (math.log(max(low, SMALLEST)) - self.mu) / self.sigma
        b = (math.log(high) - self.mu) / self.sigma
        inside = NORMAL.cdf(b) - NORMAL.cdf(a)
        if a > FAR or inside <= 0:  # so far out that the density is a power law there
            return Pareto(a / self.sigma).mean(low, high)
        moved = NORMAL.cdf(b - self.sigma) - NORMAL.cdf(a - self.sigma)
        return math.exp(self.mu + 0.5 * self.sigma**2) * moved / inside

    def share_above(self, bound: float, low: float, high: float) -> float:
        """Share of the band [low, high) that has at least `bound`, CNY."""
        at, a, b = ((math.log(max(x, SMALLEST)) - self.mu) / self.sigma for x in (bound, low, high))
        inside = NORMAL.cdf(b) - NORMAL.cdf(a)
        return min(max((NORMAL.cdf(b) - NORMAL.cdf(at)) / inside, 0.0), 1.0) if inside > 0 else float(bound <= low)

    def density(self, x: np.ndarray) -> np.ndarray:
        """Density of log AUM before the cut, up to a constant."""
        return np.exp(-0.5 * ((x - self.mu) / self.sigma) ** 2)


@dataclass(frozen=True)
class Pareto:
    """Pareto AUM with tail index `alpha`, cut to the tier's band."""

    alpha: float

    def quantile(self, u: np.ndarray, low: float, high: float) -> np.ndarray:
        """AUM in CNY, float64 (n,), at uniforms `u` (n,), within [low, high)."""
        start = max(low, SMALLEST)
        return start * (1.0 - u * (1.0 - (start / high) ** self.alpha)) ** (-1.0 / self.alpha)

    def mean(self, low: float, high: float) -> float:
        """Mean AUM in CNY within [low, high)."""
        start = max(low, SMALLEST)
        reach = math.log(high / start) if high > start else 0.0
        if reach < 1e-9:  # a band as thin as a line
            return start
        power = (1.0 - self.alpha) * reach
        grown = math.expm1(power) / power if power else 1.0
        return start * self.alpha * reach * grown / -math.expm1(-self.alpha * reach)

    def share_above(self, bound: float, low: float, high: float) -> float:
        """Share of the band [low, high) that has at least `bound`, CNY."""
        start = max(low, SMALLEST)
        if bound <= start:
            return 1.0
        least = (start / high) ** self.alpha
        return max(((start / bound) ** self.alpha - least) / (1.0 - least), 0.0)

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
        """Score at each log AUM, float64 (n,) both."""
        return np.interp(log_aum, self.grid, self.values)


def score_of_density(grid: np.ndarray, density: np.ndarray, wealth: Wealth) -> Score:
    """Score of a density given on an even grid of log AUM, float64 (points,); `wealth` says how smooth."""
    mass = density / density.sum()
    mean = float((mass * grid).sum())
    sd = float(np.sqrt((mass * (grid - mean) ** 2).sum()))
    sd_smooth, cut = wealth.score_smoothing, wealth.score_cut
    reach = np.arange(-SPAN * sd_smooth, SPAN * sd_smooth + STEP / 2, STEP)
    kernel = np.exp(-0.5 * (reach / sd_smooth) ** 2)
    smooth = np.convolve(mass, kernel / kernel.sum(), mode="same")
    slope = np.gradient(np.log(np.maximum(smooth, 1e-300)), STEP)
    return Score(grid, np.clip(slope, -cut, cut), mean, max(sd, 1e-6))


def score_of_laws(
    laws: Sequence[LogNormal | Pareto], shares: Sequence[float], bounds: np.ndarray, top: float, wealth: Wealth
) -> Score:
    """Score of the mixture of tiers: each law cut to its band and weighted by its share of customers.

    `shares` and `bounds` (lower ones, CNY) have an entry a tier, `top` is the end of the last.
    """
    grid = np.arange(np.log(SMALLEST), np.log(top) + STEP, STEP)
    total = np.zeros_like(grid)
    edges = np.append(bounds, top)
    for k, law in enumerate(laws):
        inside = (grid >= np.log(max(edges[k], SMALLEST))) & (grid < np.log(edges[k + 1]))
        if inside.any():
            part = law.density(grid[inside])
            total[inside] += shares[k] * part / part.sum()
    return score_of_density(grid, total, wealth)


def score_of_sample(log_aum: np.ndarray, weight: np.ndarray, wealth: Wealth) -> Score:
    """Score of a book's own AUM: its histogram on the grid, smoothed as any other density.

    `log_aum` and `weight` float64 (rows,).
    """
    pad = SPAN * wealth.score_smoothing + 2 * STEP  # the smoothing kernel fits even where all balances are equal
    low, high = float(log_aum.min()) - pad, float(log_aum.max()) + pad
    cells = max(int(np.ceil((high - low) / STEP)), 2)
    counts, _ = np.histogram(log_aum, bins=cells, range=(low, low + cells * STEP), weights=weight)
    return score_of_density(low + STEP * (np.arange(cells) + 0.5), counts.astype(float), wealth)
