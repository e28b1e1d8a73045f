"""From a problem and what was observed to draws of its numbers: the methods, and the stages in which they are used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from sim.calibration.history import matched
from sim.calibration.likelihood import by_likelihood
from sim.calibration.point import nearest
from sim.calibration.prior import Prior, generator, lucks, theta_of
from sim.calibration.problem import Floats, Problem
from sim.calibration.regression import Adjusted, adjust
from sim.calibration.smc import by_pyabc
from sim.calibration.synthetic import weighed
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
SLACK = 0.1  # of its width that a box may be left by
FIRST_ACCEPT = 0.1  # of the first rounds, which only find the box
PREDICTED = 1_000  # data sets that are predicted, at most
METHODS = {"likelihood": by_likelihood, "point": nearest, "smc": by_pyabc, "history_matching": matched}


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
    """Rounds, each in the box around what the one before left, until it narrows no more; those of the synthetic
    likelihood begin where the regression ends.
    """
    box, made = prior, first
    step = made_up = 0
    synthetic = False
    while True:
        if made is None:
            made = trials(part, box, settings.samples, settings.seed, trial, step)
            made_up += settings.samples
        step += 1
        near = adjust(made.unit, made.statistics, seen, settings.accept if synthetic else FIRST_ACCEPT)
        found = (
            _sharper(near, made, seen, box, generator(settings.seed, "keep", trial, 6 + step)) if synthetic else near
        )
        narrower = prior.around(found.unit, ROOM)
        more = narrower.share < NARROWS * box.share or (synthetic and _leaves(narrower, box))
        if not more or step >= ROUNDS * (1 + synthetic):
            if synthetic or settings.method != "synthetic":
                break
            synthetic = True
            continue
        box, made = narrower, None
    if not synthetic:
        found = adjust(made.unit, made.statistics, seen, settings.accept)
    rows = systematic(found.weights, settings.draws, generator(settings.seed, "keep", trial))
    facts = {"rounds": step, "box_share": box.share}
    return Found(found.unit[rows], found.ess, made_up, facts=facts)


def _sharper(near: Adjusted, made: Trials, seen: Floats, box: Prior, rng: np.random.Generator) -> Adjusted:
    """What the synthetic likelihood of trials in a box says, its draws with equal weights."""
    start = np.clip(near.unit, box.box[0], box.box[1])
    found = weighed(made.unit, made.statistics, seen, box, start, rng)
    rows = systematic(found.weights, len(found.weights), rng)
    return Adjusted(found.unit[rows], np.full(len(rows), 1.0 / len(rows)), found.ess)


def _leaves(new: Prior, old: Prior) -> bool:
    """Whether a box goes beyond another one, as where what was observed pulls out of it."""
    wide = SLACK * (old.box[1] - old.box[0])
    return bool((new.box[0] < old.box[0] - wide).any() or (new.box[1] > old.box[1] + wide).any())


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
