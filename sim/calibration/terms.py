"""What inference speaks of: how it is done, stages, trials, what a method hands back, what a fit is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from sim.calibration.prior import Prior, evenly, generator, lucks, theta_of, unit_of
from sim.calibration.problem import Floats, Problem

Method = Literal["regression", "synthetic", "likelihood", "smc", "point", "history_matching"]
METHODS: dict[str, str] = {
    "regression": "regression-adjusted approximate Bayesian computation",
    "synthetic": "synthetic likelihood",
    "likelihood": "adaptive importance sampling of the likelihood",
    "smc": "sequential Monte Carlo (pyABC)",
    "point": "simulated minimum distance",
    "history_matching": "history matching",
}
ROOM = 0.25  # of the draws' range that a box leaves to each side of them


@dataclass(frozen=True)
class Inference:
    """How a problem is fitted: `samples` trials a round, of which the `accept` share counts, `draws` kept.

    `asked` is the digest of what is asked, by which calibrations of one seed have known answers of their own.
    """

    method: Method = "regression"
    samples: int = 2_000
    draws: int = 1_000
    accept: float = 0.3
    waves: int = 3
    seed: int = 0
    asked: str = ""

    @property
    def known(self) -> int:
        """The seed of known answers: below 2**63, another one for every seed and digest."""
        told = hashlib.sha256(self.asked.encode()).digest() if self.asked else b""
        return (int.from_bytes(told[:4], "big") >> 1 << 32) + self.seed


@dataclass(frozen=True)
class Stage:
    """Numbers and targets of a stage, by place; a later stage starts from what the earlier ones left."""

    name: str
    free: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Trials:
    """Made-up data sets: coordinates (n, k) of their numbers, and their statistics (n, m)."""

    unit: Floats
    statistics: Floats


@dataclass(frozen=True)
class Fit:
    """What was found of a problem's numbers.

    `draws` (n, k) have equal weights; `point` (k,) is one set that fits; `prior` (n, k) are draws of what was believed
    before; `predicted` (p, m) are data sets made up at draws, luck included. `ess` is the effective number of trials
    behind the draws, `simulations` how many data sets were made up, `waves` what history matching left.
    """

    problem: Problem
    method: str
    observed: Floats
    draws: Floats
    point: Floats
    prior: Floats
    predicted: Floats
    ess: float
    simulations: int
    waves: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def paths(self) -> list[str]:
        """Names of the numbers, in the order of columns."""
        return [one.path for one in self.problem.free]

    @property
    def unit(self) -> Floats:
        """Draws as coordinates of the prior, each even from 0 to 1 before the data."""
        return unit_of(self.problem.free, self.draws)


@dataclass(frozen=True)
class Part:
    """A problem of which a stage sees some numbers and some targets; the rest are drawn from their prior.

    What a later stage has yet to find is not known: each made-up data set has numbers of its own there, by its luck.
    """

    whole: Problem
    columns: tuple[int, ...]
    rows: tuple[int, ...]

    @property
    def name(self) -> str:
        return self.whole.name

    @property
    def free(self) -> list[Any]:
        return [self.whole.free[i] for i in self.columns]

    @property
    def targets(self) -> list[Any]:
        return [self.whole.targets[i] for i in self.rows]

    @property
    def covariance(self) -> Floats:
        return np.asarray(self.whole.covariance)[np.ix_(self.rows, self.rows)]

    def simulate(self, theta: Floats, luck: Any) -> Floats:
        every = np.asarray(theta, float)
        if len(self.columns) < len(self.whole.free) or self.columns != tuple(sorted(self.columns)):
            every = theta_of(self.whole.free, evenly(luck, len(self.whole.free)))
            every[:, list(self.columns)] = theta
        return np.asarray(self.whole.simulate(every, luck), float)[:, list(self.rows)]


def observed_of(problem: Problem) -> Floats:
    """What was observed, (m,)."""
    return np.array([one.value for one in problem.targets], float)


def used_of(problem: Problem) -> list[int]:
    """Places of the targets that the fit may use."""
    return [i for i, one in enumerate(problem.targets) if one.used]


def foretold(found: Fit) -> Floats:
    """Predictions (p, m) where those of targets not used know the noise that they share with the used ones.

    Each has moved by what was observed of the used targets less what it predicted of them, regressed on their noise:
    of normal noise these are draws of what is not used, given what is.
    """
    used = used_of(found.problem)
    held = [i for i in range(len(found.observed)) if i not in used]
    noise = np.atleast_2d(np.asarray(found.problem.covariance, float))
    if not held or not noise[np.ix_(used, held)].any():
        return found.predicted
    slopes = np.linalg.lstsq(noise[np.ix_(used, used)], noise[np.ix_(used, held)], rcond=None)[0]
    made = found.predicted.copy()
    made[:, held] += (found.observed[used] - made[:, used]) @ slopes
    return made


def trials(problem: Problem, prior: Prior, count: int, seed: int, trial: int, step: int) -> Trials:
    """Data sets made up at numbers drawn from a prior."""
    unit = prior.sample(count, generator(seed, "prior", trial, step))
    luck = lucks(seed, "luck", trial, count, step)
    return Trials(unit, np.asarray(problem.simulate(theta_of(problem.free, unit), luck), float))


@dataclass(frozen=True)
class Found:
    """What a method hands back: coordinates (n, k) of draws with equal weights, a point (k,) or none, and its facts."""

    unit: Floats
    ess: float
    simulations: int
    point: Floats | None = None
    waves: Sequence[Mapping[str, Any]] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def systematic(weights: Floats, count: int, rng: np.random.Generator) -> np.ndarray:
    """Rows drawn by weight with as little luck as can be, in random order."""
    at = (np.arange(count) + rng.random()) / count
    rows = np.minimum(np.searchsorted(np.cumsum(weights), at), len(weights) - 1)
    return rng.permutation(rows)
