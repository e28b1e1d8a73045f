"""History matching: wave by wave, what of the prior can be ruled out (Vernon et al. 2010).

A place is ruled out where some statistic lies three standard deviations or more from what was seen, the emulator's
doubt and the noise of both included. What is left is a range, not a distribution: its draws are even over it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.calibration.emulator import Emulator, emulated
from sim.calibration.prior import Prior, generator, lucks, theta_of
from sim.calibration.problem import Floats, Problem
from sim.calibration.terms import ROOM, Found, Inference

BOUND = 3.0  # standard deviations
LOOKED = 5_000  # places that are looked at, at once
LOOKS = 8  # times, until enough are found that are left
LEAST = 100  # places that are handed back where all are ruled out, the nearest ones
MOST_POINTS = 300  # of a wave: a process of more is slow, and no better


@dataclass(frozen=True)
class Wave:
    """What a wave rules out by: its emulator, and the variance (m,) of the noise as it was known then."""

    emulator: Emulator
    variance: Floats


Live = Callable[[Floats, int], tuple[Floats, Floats]]  # coordinates (n, k), wave: those that were lived, statistics


def implausible(wave: Wave, unit: Floats, seen: Floats) -> Floats:
    """How far the farthest statistic is from what was seen, (n,), in standard deviations."""
    mean, sd = wave.emulator.predict(unit)
    return np.asarray((np.abs(mean - seen) / np.sqrt(sd**2 + wave.variance)).max(axis=1), np.float64)


def matched(part: Problem, settings: Inference, seen: Floats, prior: Prior, trial: int) -> Found:
    """What is left of a problem that makes up data cheaply."""

    def live(unit: Floats, wave: int) -> tuple[Floats, Floats]:
        luck = lucks(settings.seed, "luck", trial, len(unit), wave)
        return unit, np.asarray(part.simulate(theta_of(part.free, unit), luck), float)

    count = min(settings.samples, MOST_POINTS)
    return waves_of(live, prior, count, settings, seen, lambda: np.diag(np.atleast_2d(part.covariance)), trial)


def waves_of(
    live: Live,
    prior: Prior,
    count: int,
    settings: Inference,
    seen: Floats,
    variance: Callable[[], Floats],
    trial: int,
) -> Found:
    """What is left after the waves, `count` places each lived by `live`; `variance` gives that of the noise, (m,)."""
    waves: list[Wave] = []
    told: list[Mapping[str, Any]] = []
    points, box, share, lived = prior.sample(count, generator(settings.seed, "prior", trial, 20)), prior, 1.0, 0
    left = points
    facts: dict[str, Any] = {}
    for number in range(settings.waves):
        places, statistics = live(points, number)
        lived += len(places)
        waves.append(Wave(emulated(places, statistics), variance()))
        found = _left(waves, seen, box, settings, trial)
        left, share = found.unit, share * found.share
        told.append({"wave": number + 1, "share": share, "lived": len(places)})
        if not found.share:
            facts = {"ruled_out": True}
            break
        points, box = left[:count], prior.around(left, ROOM) if len(left) > 1 else box
    rows = generator(settings.seed, "keep", trial, 5).integers(0, len(left), size=settings.draws)
    return Found(left[rows], float(min(len(left), settings.draws)), lived, None, told, facts)


@dataclass(frozen=True)
class Left:
    """Places (n, k) that are left, and their share of those that the earlier waves had left (0: the nearest ones)."""

    unit: Floats
    share: float


def _left(waves: Sequence[Wave], seen: Floats, box: Prior, settings: Inference, trial: int) -> Left:
    """What the last wave does not rule out of what the ones before left, which the box holds."""
    kept: list[Floats] = []
    before = after = 0
    nearest: tuple[Floats, Floats] | None = None
    for look in range(LOOKS):
        unit = box.sample(LOOKED, generator(settings.seed, "prior", trial, 20 + 10 * len(waves) + look))
        for one in waves[:-1]:
            unit = unit[implausible(one, unit, seen) < BOUND]
        if not len(unit):
            continue
        far = implausible(waves[-1], unit, seen)
        before, after = before + len(unit), after + int((far < BOUND).sum())
        kept.append(unit[far < BOUND])
        nearest = (unit, far) if nearest is None else nearest
        if after >= settings.draws:
            break
    if not after:
        if nearest is None:
            return Left(box.sample(LEAST, generator(settings.seed, "prior", trial, 19)), 0.0)
        return Left(nearest[0][np.argsort(nearest[1], kind="stable")[:LEAST]], 0.0)
    return Left(np.concatenate(kept), after / before)
