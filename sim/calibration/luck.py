"""What a few seeds leave to luck in the figures of lived points, when every point is lived with the same seeds.

Seeds in common make points comparable, but what a seed does to all of them alike is no noise between points: it moves
them together, and S seeds show it S times, however many points there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sim.calibration.problem import Floats, Target

LEVEL = 0.95  # one-sided: Student's intervals of 90 % are kept by the normal law with the wider covariance
ENOUGH = 10  # seeds from which on their number is nothing to warn of
NEAR = 1 / 3  # of a target's error: luck beyond is not far below it


@dataclass(frozen=True)
class Luck:
    """Covariances (m, m) of a mean over `seeds` seeds: what all points share, and what is a point's own."""

    common: Floats
    own: Floats
    seeds: int

    @property
    def freedom(self) -> int:
        """Degrees of freedom behind `common`."""
        return self.seeds - 1

    @property
    def factor(self) -> float:
        """How much wider, in variance, the normal law is whose 90 % interval is Student's (Student 1908)."""
        from scipy.stats import norm, t

        return float((t.ppf(LEVEL, self.freedom) / norm.ppf(LEVEL)) ** 2)

    @property
    def covariance(self) -> Floats:
        """Of both together, the common part as wide as so few seeds ask for."""
        return self.common * self.factor + self.own

    def drawn(self, rng: np.random.Generator) -> Floats:
        """What another set of seeds may do to all points alike, (m,), by Student's law."""
        z = root_of(self.common) @ rng.normal(size=len(self.common))
        return np.asarray(z / np.sqrt(rng.chisquare(self.freedom) / self.freedom), np.float64)


def luck_of(values: Floats) -> Luck:
    """The luck of statistics (n points, S seeds, m); S is 2 or more.

    The common part is the covariance of the S seeds' means over points, with correlations drawn to those of what is
    left: these are known from many points, those of a few seeds hardly (shrinkage: Ledoit & Wolf 2004, with the weight
    of m + 1 seeds, that of the least informed conjugate prior).
    """
    points, seeds, width = values.shape
    rest = values - values.mean(axis=1, keepdims=True)
    effect = rest.mean(axis=0)
    apart = (rest - effect).reshape(-1, width)
    own = apart.T @ apart / max(points - 1, 1) / (seeds - 1)
    size = np.sqrt((effect**2).sum(axis=0) / (seeds - 1))
    weight = (width + 1) / (width + 1 + seeds - 1)
    seen = _correlation(effect.T @ effect)
    shrunk = weight * _correlation(own) + (1.0 - weight) * seen
    return Luck(shrunk * np.outer(size, size) / seeds, own / seeds, seeds)


def too_few(luck: Luck, targets: Sequence[Target]) -> Iterator[str]:
    """A line a target whose luck is not far below its error, where few seeds show how large it is."""
    if luck.seeds >= ENOUGH:
        return
    for one, sd in zip(targets, np.sqrt(np.diag(luck.common + luck.own)), strict=True):
        if sd > NEAR * one.error:
            yield (
                f"{one.name}: the luck of {luck.seeds} seeds (about {sd:.2g}) is not far below its error "
                f"({one.error:.2g}), and {luck.seeds} seeds hardly show how large it is: taken "
                f"{np.sqrt(luck.factor):.1f} times as large; seeds: {ENOUGH} or more"
            )


def root_of(covariance: Floats) -> Floats:
    """A matrix (m, m) whose product with itself transposed is the covariance; of a degenerate one too."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)), np.float64)


def _correlation(covariance: Floats) -> Floats:
    size = np.sqrt(np.diag(covariance))
    scaled = covariance / np.where(size > 0, np.outer(size, size), np.inf)
    return np.where(np.eye(len(size)) > 0, 1.0, scaled)
