"""History matching: wave by wave, what of the prior can be ruled out (Vernon et al. 2010).

A place is ruled out where some statistic lies three standard deviations or more from what was seen, the emulator's
doubt and the noise of both included. What is left is a range, not a distribution: its draws are even over it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sim.calibration.emulator import Emulator, emulated
from sim.calibration.prior import Prior, generator, lucks, theta_of
from sim.calibration.problem import Floats, Problem
from sim.calibration.terms import ROOM, Found, Inference

BOUND = 3.0  # standard deviations
LOOKED = 5_000  # places that are looked at, at once
LOOKS = 8  # times, until enough are found that are left
MOST_POINTS = 300  # of a wave: a process of more is slow, and no better

Live = Callable[[Floats, int], tuple[Floats, Floats]]  # coordinates (n, k), wave: those that were lived, statistics


def implausible(emulators: Sequence[Emulator], unit: Floats, seen: Floats, variance: Floats) -> Floats:
    """How far the farthest statistic is from what was seen, (n,), in standard deviations, by the worst emulator."""
    worst = np.zeros(len(unit))
    for one in emulators:
        mean, sd = one.predict(unit)
        worst = np.maximum(worst, (np.abs(mean - seen) / np.sqrt(sd**2 + variance)).max(axis=1))
    return worst


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
    emulators: list[Emulator] = []
    told: list[Mapping[str, Any]] = []
    points, box, share, lived = prior.sample(count, generator(settings.seed, "prior", trial, 20)), prior, 1.0, 0
    left = points
    facts: dict[str, Any] = {}
    for wave in range(settings.waves):
        places, statistics = live(points, wave)
        lived += len(places)
        emulators.append(emulated(places, statistics))
        left, share, box, ruled_out = _left(emulators, seen, variance(), box, prior, settings, trial, wave)
        told.append({"wave": wave + 1, "share": share, "lived": len(places)})
        if ruled_out:
            facts = {"ruled_out": True}
            break
        points = left[:count]
    rows = generator(settings.seed, "keep", trial, 5).integers(0, len(left), size=settings.draws)
    return Found(left[rows], float(min(len(left), settings.draws)), lived, None, told, facts)


def _left(
    emulators: Sequence[Emulator],
    seen: Floats,
    variance: Floats,
    box: Prior,
    prior: Prior,
    settings: Inference,
    trial: int,
    wave: int,
) -> tuple[Floats, float, Prior, bool]:
    """Places that are left, their share of the prior, a box that holds them, and whether nothing is left."""
    kept: list[Floats] = []
    tried = least = 0
    nearest: Floats | None = None
    for look in range(LOOKS):
        unit = box.sample(LOOKED, generator(settings.seed, "prior", trial, 30 + 10 * wave + look))
        far = implausible(emulators, unit, seen, variance)
        tried += len(unit)
        kept.append(unit[far < BOUND])
        nearest = unit[np.argsort(far, kind="stable")[:100]] if nearest is None else nearest
        least += int((far < BOUND).sum())
        if least >= settings.draws:
            break
    left = np.concatenate(kept)
    if not len(left):
        assert nearest is not None
        return nearest, 0.0, box, True
    share = len(left) / tried * box.share / prior.share
    inner = prior.around(left, ROOM) if len(left) > 1 else box
    return left, share, inner, False
