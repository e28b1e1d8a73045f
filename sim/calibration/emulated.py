"""A whole bank as a problem: an emulator of what it says, its luck and the targets' noise; lived points are the truth.

A bank is too slow to be lived thousands of times. It is lived at points of the prior, with the same seeds at all, and
what it would say elsewhere is emulated, with the emulator's own doubt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sim.calibration.checks import Trial, answer
from sim.calibration.emulator import Emulator
from sim.calibration.inference import fit
from sim.calibration.luck import Luck
from sim.calibration.prior import generator, theta_of, unit_of
from sim.calibration.problem import Floats, Free, Target
from sim.calibration.terms import Inference, Stage

JITTER = 1e-12
PLACES = 256  # of the prior, over which the emulator's doubt is averaged


@dataclass(frozen=True)
class Emulated:
    """A problem whose model is an emulator; `own` (m, m) is the noise of targets, `luck` that of the bank's seeds."""

    name: str
    free: Sequence[Free]
    targets: Sequence[Target]
    emulator: Emulator
    own: Floats
    luck: Luck | None = None

    @property
    def noise(self) -> Floats:
        """Covariance (m, m) of the targets and of luck."""
        return self.own if self.luck is None else self.own + self.luck.covariance

    @cached_property
    def covariance(self) -> Floats:
        """Of all noise, and of the emulator's doubt as it is on average over the prior."""
        places = generator(0, "emulator").random((PLACES, len(self.free)))
        return self.noise + np.diag((self.emulator.predict(places)[1] ** 2).mean(axis=0))

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
        return _root(self.noise)

    def seen_anew(self, number: int, rng: np.random.Generator) -> Floats:
        """What might be seen of a bank like a lived point, (m,): the targets' noise, and the luck of other seeds.

        That luck is drawn by Student's law of so few seeds, not by the covariance that the fit believes in.
        """
        seen = self.emulator.statistics[number] + _root(self.own) @ rng.normal(size=len(self.targets))
        return seen if self.luck is None else seen + self.luck.drawn(rng)


def _root(noise: Floats) -> Floats:
    size = np.sqrt(np.diag(noise))
    scaled = noise / np.outer(size, size)
    return np.asarray(size[:, None] * np.linalg.cholesky(scaled + JITTER * np.eye(len(size))), np.float64)


def known_points(
    problem: Emulated, settings: Inference, numbers: Sequence[int], stages: Sequence[Stage] = ()
) -> Iterator[Trial]:
    """Fits whose data are what was lived at a point, with noise, and whose emulator has never seen that point.

    They cost no lives; the ranks are those of the numbers that the point was lived with. All points are lived with the
    same seeds, so that the luck of others is drawn and not lived: a luck that is not normal is not seen.
    """
    made = problem.emulator
    for number in numbers:
        rest = replace(problem, emulator=made.without(number))
        seen = problem.seen_anew(number, generator(settings.known, "noise", number))
        found = fit(rest, settings, seen, stages=stages, trial=number + 1)
        yield answer(found, theta_of(problem.free, made.unit[number][None])[0], number, settings)
