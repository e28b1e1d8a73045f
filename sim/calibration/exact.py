"""A fit held against another one: by the likelihood where its problem knows it, else by what the likelihood is not.

Draws of any other method are held against those of the likelihood. Draws of the likelihood are held against synthetic
likelihood of data sets that are made up around them: it knows these and never asks the likelihood, so that one that is
not of such data shows. It shares the place alone, a box with room on every side. Either way in standard deviations of
what the draws are held against.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sim.calibration.inference import fit
from sim.calibration.likelihood import offered, sampled
from sim.calibration.prior import Prior
from sim.calibration.problem import Floats
from sim.calibration.synthetic import likelihood
from sim.calibration.terms import ROOM, Fit, Inference, trials, used_of

WITHIN = 0.25  # standard deviations that a mean may be off
SPREADS = (0.75, 1.33)  # of the other spread that a spread may be
LEAST = 100.0  # effective numbers below which the exact posterior is not known
SAMPLES = 10_000  # made-up data sets by which the likelihood is held against another method
OTHER_SEED = 1_000_000_007


def exact(found: Fit, settings: Inference) -> Fit | None:
    """Draws by the likelihood of the same problem and data; None where the problem knows none."""
    if not offered(found.problem):
        return None
    return fit(found.problem, replace(settings, method="likelihood"), found.observed)


def exact_checks(found: Fit, settings: Inference) -> Iterator[dict[str, Any]]:
    """Rows of checks.csv: mean and spread of each number's draws, of one method against another."""
    if found.method == "likelihood":
        for one, off, ratio in _compared(found, found.unit, nearby(found, settings)):
            about = f"mean {off:+.2f} standard deviations of synthetic likelihood off, spread {ratio:.2f} times its own"
            passed = abs(off) <= WITHIN and SPREADS[0] <= ratio <= SPREADS[1]
            yield {"check": "independent", "of": one, "value": off, "passed": bool(passed), "about": about}
        return
    known = None if found.method == "history_matching" else exact(found, settings)  # a range has no mean or spread
    if known is None:
        return
    if known.ess < LEAST:
        about = f"the exact posterior is not known well enough ({known.ess:.0f} effective numbers)"
        yield {"check": "exact", "of": "draws", "value": known.ess, "passed": False, "about": about}
        return
    for one, off, ratio in _compared(found, found.unit, known.unit):
        about = f"mean {off:+.2f} exact standard deviations off, spread {ratio:.2f} times the exact one"
        passed = abs(off) <= WITHIN and SPREADS[0] <= ratio <= SPREADS[1]
        yield {"check": "exact", "of": one, "value": off, "passed": bool(passed), "about": about}


def nearby(found: Fit, settings: Inference) -> Floats:
    """Coordinates (n, k) of draws by synthetic likelihood of data sets made up in the box around a fit's draws."""
    problem, used = found.problem, used_of(found.problem)
    box = Prior.whole(len(problem.free)).around(found.unit, ROOM)
    other = replace(settings, seed=(settings.seed + OTHER_SEED) % (1 << 31))
    made = trials(problem, box, SAMPLES, other.seed, 0, 0)
    density = likelihood(made.unit, made.statistics[:, used], found.observed[used], box.box)
    return sampled(density, box, other, 0).unit


def _compared(found: Fit, draws: Floats, known: Floats) -> Iterator[tuple[str, float, float]]:
    """Of each number: how far the means of draws are off, and their spreads' ratio, both by the known draws' spread."""
    mean, sd = known.mean(axis=0), known.std(axis=0)
    off, ratio = (draws.mean(axis=0) - mean) / sd, draws.std(axis=0) / sd
    yield from zip(found.paths, off.tolist(), ratio.tolist(), strict=True)
