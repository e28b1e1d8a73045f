"""Simulated minimum distance: the numbers at which made-up data come nearest to the observed ones (McFadden 1989).

Every trial point is asked with the same luck, so that the distance is as smooth as the model. Draws are those of the
estimator's asymptotic law inside the prior; numbers that the data do not inform keep their prior.
"""

from __future__ import annotations

import numpy as np

from sim.calibration.prior import Prior, generator, lucks, theta_of
from sim.calibration.problem import Floats, Problem
from sim.calibration.terms import Found, Inference

AT_LEAST, MOST_LUCKS = 8, 64  # data sets behind a point
STEP = 1e-3  # of the cube, for derivatives: well above what luck in common leaves
IDLE = 0.12  # of information in units of the prior's width (an even prior's own spread has 12): says nothing
LOOKS = 50  # times that draws may be tried to lie in the prior


def nearest(part: Problem, settings: Inference, seen: Floats, prior: Prior, trial: int) -> Found:
    """The point nearest to what was seen, and draws around it."""
    from scipy.optimize import differential_evolution, minimize

    k = len(part.free)
    many = int(np.clip(settings.samples // 100, AT_LEAST, MOST_LUCKS))
    luck = lucks(settings.seed, "point", trial, many)
    weight = np.linalg.pinv(np.atleast_2d(part.covariance), hermitian=True)
    asked = [0]

    def means(unit: Floats) -> Floats:
        """Mean statistics (n, m) at coordinates (n, k)."""
        asked[0] += len(unit) * many
        theta = np.repeat(theta_of(part.free, np.clip(unit, 0.0, 1.0)), many, axis=0)
        made = np.asarray(part.simulate(theta, np.tile(luck, len(unit))), float)
        return made.reshape(len(unit), many, -1).mean(axis=1)

    def distance(unit: Floats) -> Floats:
        gap = means(np.atleast_2d(unit)) - seen
        return np.einsum("ni,ij,nj->n", gap, weight, gap)

    bounds = list(zip(prior.box[0], prior.box[1], strict=True))
    rng = generator(settings.seed, "point", trial, 1)
    wide = differential_evolution(
        lambda x: distance(x.T),
        bounds,
        rng=rng,
        maxiter=max(10, settings.samples // (15 * k * 4)),
        popsize=15,
        vectorized=True,
        updating="deferred",
        polish=False,
    )
    fine = minimize(
        lambda x: float(distance(x)[0]), wide.x, method="Nelder-Mead", bounds=bounds, options={"maxiter": 200 * k}
    )
    best = np.clip(fine.x if fine.fun <= wide.fun else wide.x, 0.0, 1.0)
    slope = np.empty((len(seen), k))
    for i in range(k):
        ends = np.stack([best, best])
        ends[0, i], ends[1, i] = max(best[i] - STEP, 0.0), min(best[i] + STEP, 1.0)
        low, high = means(ends)
        slope[:, i] = (high - low) / (ends[1, i] - ends[0, i])
    information = slope.T @ weight @ slope / (1.0 + 1.0 / many)
    width = 0 if prior.carried is None else prior.carried.shape[1]
    information[range(width), range(width)] += 1.0 / prior.sds()[:width] ** 2
    kept = _around(best, information, prior.box, settings.draws, generator(settings.seed, "keep", trial, 2))
    return Found(kept, float(len(kept)), asked[0], best, facts={"distance": float(distance(best)[0]), "lucks": many})


def _around(best: Floats, information: Floats, box: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Draws (count, k) of the normal law of this information, in a prior that is even in the box and nought outside.

    Along each axis of the law they are drawn within the box's reach, and those outside the box are left out: a number
    of which the distance says nothing is even over its prior, wherever the search for the least distance stopped.
    """
    from scipy.stats import truncnorm

    wide = box[1] - box[0]
    idle = np.diag(information) * wide**2 < IDLE
    told = np.flatnonzero(~idle)
    draws = box[0] + rng.random((count, len(best))) * wide
    if not len(told):
        return draws
    values, axes = np.linalg.eigh(information[np.ix_(told, told)])
    sds = 1.0 / np.sqrt(np.maximum(values, IDLE / wide.max() ** 2))
    ends = np.stack([(box[0] - best)[told, None] * axes, (box[1] - best)[told, None] * axes])
    low, high = ends.min(axis=0).sum(axis=0), ends.max(axis=0).sum(axis=0)
    kept: list[Floats] = []
    found = 0
    for _ in range(LOOKS):
        along = truncnorm.rvs(low / sds, high / sds, scale=sds, size=(4 * count, len(told)), random_state=rng)
        unit = best[told] + along @ axes.T
        inside = unit[((unit >= box[0][told]) & (unit <= box[1][told])).all(axis=1)]
        kept.append(inside)
        found += len(inside)
        if found >= count:
            break
    if found:
        rows = np.concatenate(kept)
        draws[:, told] = rows[:count] if found >= count else rows[rng.integers(0, found, size=count)]
    else:
        draws[:, told] = np.clip(unit[:count], box[0][told], box[1][told])
    return draws
