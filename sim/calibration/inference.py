"""From a problem and what was observed to draws of its numbers: the methods, and the stages in which they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.calibration.history import matched
from sim.calibration.point import nearest
from sim.calibration.prior import Prior, generator, lucks, theta_of
from sim.calibration.problem import Floats, Problem
from sim.calibration.regression import adjust
from sim.calibration.smc import by_pyabc
from sim.calibration.terms import (
    ROOM,
    Fit,
    Found,
    Inference,
    Part,
    Stage,
    Trials,
    observed_of,
    systematic,
    trials,
    used_of,
)

ROUNDS = 5  # at most, each in the box that the one before left
NARROWS = 0.5  # a box that has more than this share of the one before is not worth another round
FIRST_ACCEPT = 0.1  # of the first rounds, which only find the box
PREDICTED = 1_000  # data sets that are predicted, at most
METHODS = {"point": nearest, "smc": by_pyabc, "history_matching": matched}


def fit(
    problem: Problem,
    settings: Inference,
    observed: Floats | None = None,
    *,
    stages: Sequence[Stage] = (),
    trial: int = 0,
    first: Trials | None = None,
) -> Fit:
    """Draws of a problem's numbers given what was observed (its targets' values, if not given).

    `stages` come one after the other, each with the draws of the ones before as its prior. `trial` keys the draws, so
    that many fits differ and each comes out the same wherever it is made; `first` are trials of the whole prior that
    are there already.
    """
    seen = observed_of(problem) if observed is None else np.asarray(observed, float)
    if stages:
        return _staged(problem, settings, seen, stages, trial)
    part = Part(problem, tuple(range(len(problem.free))), tuple(used_of(problem)))
    cropped = Trials(first.unit, first.statistics[:, list(part.rows)]) if first is not None else None
    found = _one(part, settings, seen[list(part.rows)], Prior.whole(len(problem.free)), trial, cropped)
    return finished(problem, settings, seen, found, trial)


def _one(
    part: Problem, settings: Inference, seen: Floats, prior: Prior, trial: int, first: Trials | None = None
) -> Found:
    other = METHODS.get(settings.method)
    if other is not None:
        return other(part, settings, seen, prior, trial)
    return _by_regression(part, settings, seen, prior, trial, first)


def _by_regression(
    part: Problem, settings: Inference, seen: Floats, prior: Prior, trial: int, first: Trials | None
) -> Found:
    box, made = prior, first
    simulations, step = 0, 0
    while True:
        if made is None:
            made = trials(part, box, settings.samples, settings.seed, trial, step)
            simulations += settings.samples
        step += 1
        found = adjust(made.unit, made.statistics, seen, FIRST_ACCEPT)
        narrower = prior.around(found.unit, ROOM)
        if step >= ROUNDS or narrower.share > NARROWS * box.share:
            break
        box, made = narrower, None
    found = adjust(made.unit, made.statistics, seen, settings.accept)
    rng = generator(settings.seed, "keep", trial)
    rows = systematic(found.weights, settings.draws, rng)
    facts = {"rounds": step, "box_share": box.share}
    return Found(found.unit[rows], found.ess, simulations, facts=facts)


def _staged(problem: Problem, settings: Inference, seen: Floats, stages: Sequence[Stage], trial: int) -> Fit:
    """Stages one after the other; numbers of no stage keep their prior."""
    usable = set(used_of(problem))
    columns: tuple[int, ...] = ()
    carried: Floats | None = None
    facts: list[Mapping[str, Any]] = []
    simulations, ess, waves = 0, float(settings.draws), []
    for number, stage in enumerate(stages):
        new = tuple(i for i in stage.free if i not in columns)
        columns += new
        part = Part(problem, columns, tuple(i for i in stage.targets if i in usable))
        own = replace(settings, seed=settings.seed + 1_000_003 * number)
        found = _one(part, own, seen[list(part.rows)], Prior.whole(len(columns), carried), trial)
        carried = found.unit
        simulations += found.simulations
        ess = min(ess, found.ess)
        waves += [{**one, "stage": stage.name} for one in found.waves]
        facts.append({"stage": stage.name, "simulations": found.simulations, "ess": found.ess, **found.facts})
    assert carried is not None
    rest = [i for i in range(len(problem.free)) if i not in columns]
    unit = np.empty((len(carried), len(problem.free)))
    unit[:, list(columns)] = carried
    unit[:, rest] = generator(settings.seed, "keep", trial, 1).random((len(carried), len(rest)))
    found = Found(unit, ess, simulations, None, waves, {"stages": facts})
    return finished(problem, settings, seen, found, trial)


def finished(problem: Problem, settings: Inference, seen: Floats, found: Found, trial: int) -> Fit:
    """Draws as numbers, and data sets made up at them."""
    draws = theta_of(problem.free, found.unit)
    point = draws.mean(axis=0) if found.point is None else theta_of(problem.free, found.point[None])[0]
    count = min(len(draws), PREDICTED)
    luck = lucks(settings.seed, "predict", trial, count)
    predicted = np.asarray(problem.simulate(draws[:count], luck), float)
    before = Prior.whole(len(problem.free)).sample(settings.draws, generator(settings.seed, "prior", trial, 200))
    return Fit(
        problem,
        settings.method,
        seen,
        draws,
        point,
        theta_of(problem.free, before),
        predicted,
        found.ess,
        found.simulations + count,
        found.waves,
        found.facts,
    )
