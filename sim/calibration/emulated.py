"""A whole bank as a problem: an emulator of what it says, its luck and the targets' noise; lived points are the truth.

A bank is too slow to be lived thousands of times. It is lived at points of the prior, with the same seeds at all, and
what it would say elsewhere is emulated, with the emulator's own doubt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.calibration.checks import Trial, answer
from sim.calibration.emulator import Emulator
from sim.calibration.inference import fit
from sim.calibration.prior import generator, theta_of, unit_of
from sim.calibration.problem import Floats, Free, Target
from sim.calibration.terms import Inference, Stage

JITTER = 1e-12


@dataclass(frozen=True)
class Emulated:
    """A problem whose model is an emulator; `noise` (m, m) is that of targets and of the bank's luck in its seeds."""

    name: str
    free: Sequence[Free]
    targets: Sequence[Target]
    emulator: Emulator
    noise: Floats

    @property
    def covariance(self) -> Floats:
        """Of all noise."""
        return self.noise

    def simulate(self, theta: Floats, luck: NDArray[np.int64]) -> Floats:
        """What the bank might say there, (n, m), and the targets' noise."""
        mean, doubt = self.emulator.predict(unit_of(self.free, theta))
        z = np.stack(
            [np.random.Generator(np.random.Philox(key=int(key))).normal(size=(2, mean.shape[1])) for key in luck]
        )
        return mean + doubt * z[:, 0] + z[:, 1] @ self.root.T

    @property
    def root(self) -> Floats:
        """A root of the noise."""
        size = np.sqrt(np.diag(self.noise))
        scaled = self.noise / np.outer(size, size)
        return size[:, None] * np.linalg.cholesky(scaled + JITTER * np.eye(len(size)))


def known_points(
    problem: Emulated, settings: Inference, numbers: Sequence[int], stages: Sequence[Stage] = ()
) -> Iterator[Trial]:
    """Fits whose data are what was lived at a point, with noise, and whose emulator has never seen that point.

    They cost no lives; the ranks are those of the numbers that the point was lived with.
    """
    made = problem.emulator
    for number in numbers:
        rest = replace(problem, emulator=made.without(number))
        noise = problem.root @ generator(settings.seed, "noise", number).normal(size=len(problem.targets))
        seen = made.statistics[number] + noise
        found = fit(rest, settings, seen, stages=stages, trial=number + 1)
        yield answer(found, theta_of(problem.free, made.unit[number][None])[0], number, settings)
