"""Which option is robust: what each lever setting and arm loses against the best, world by world.

A world is a setting of the uncertainties, an option what the bank can choose: an arm with those levers that concern
it. The reference arm is an option too: doing nothing. Compared are levels, not differences, since levers may move the
reference as well. Regret is the best option's outcome in a world less this one's, over means of seeds; the largest of
several noisy numbers is on average a little too large, so its standard error over seeds is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.study import Array, Factor, Study, better_of, concerns, unit_of

TIE = 1e-9  # relative: closer than this is equally good


@dataclass(frozen=True)
class Option:
    """An arm with the settings of the levers that concern it, by path."""

    arm: str
    levers: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Regret:
    """Options against worlds for one KPI.

    `levels` and `differences` (to the reference in the same point, NaN for one arm) are options x worlds means over
    seeds, `regret` too: in the KPI's unit, never negative, turned so that more is worse. `error` is the standard error
    over seeds of the regret in the option's worst world (NaN for one seed). `pays` is the share of worlds where the
    difference is beyond the threshold.
    """

    kpi: str
    unit: str
    better: int
    threshold: float
    options: list[Option]
    worlds: np.ndarray
    levels: Array
    differences: Array
    regret: Array
    error: Array
    crossed: bool

    @property
    def most(self) -> Array:
        """Largest regret of every option."""
        return self.regret.max(axis=1)

    @property
    def mean(self) -> Array:
        """Mean regret of every option."""
        return self.regret.mean(axis=1)

    @property
    def worst(self) -> Array:
        """The outcome in the worst world of every option."""
        return (self.levels * self.better).min(axis=1) * self.better

    @property
    def best_share(self) -> Array:
        """Share of worlds where no option is better; ties count for all that tie."""
        size = np.abs(self.levels).max(axis=0)
        return np.asarray((self.regret <= TIE * size).mean(axis=1))

    @property
    def pays(self) -> Array:
        """Share of worlds where an option beats the reference by more than the threshold; NaN for the reference."""
        known = np.isfinite(self.differences).any(axis=1)
        beyond = self.differences * self.better > self.threshold * self.better
        counted = np.isfinite(self.differences).sum(axis=1)
        return np.where(known, beyond.sum(axis=1) / np.maximum(counted, 1), np.nan)

    @property
    def minimax(self) -> int:
        """The option whose largest regret is smallest."""
        return int(np.argmin(self.most))

    @property
    def ties(self) -> list[int]:
        """Options whose largest regret is as small as the smallest, the first of them first."""
        size = float(np.abs(self.levels).max())
        return [int(place) for place in np.flatnonzero(self.most <= self.most.min() + TIE * size)]

    @property
    def maximin(self) -> int:
        """The option whose worst outcome is best."""
        return int(np.argmax(self.worst * self.better))

    @property
    def best_mean(self) -> int:
        """The option with the best mean over worlds."""
        return int(np.argmax(self.levels.mean(axis=1) * self.better))


def regret(study: Study, kpi: str, threshold: float = 0.0) -> Regret | None:
    """Regret of all options over the worlds in which every option is known; None where that cannot be said.

    It cannot with a single option, without such a world, or for a KPI without a better side.
    """
    better = better_of(kpi)
    if not better:
        return None
    worlds, levers, crossed = _worlds(study)
    options, cube, gaps = [], [], []
    for arm in study.arms:
        own = [factor for factor in levers if concerns(factor, arm)]
        keys = list(zip(*(factor.values.tolist() for factor in own), strict=True)) if own else [()] * len(worlds)
        level = study.level(arm, kpi)
        base = study.level(study.reference, kpi)
        for key in dict.fromkeys(keys):
            rows = np.array([number for number, other in enumerate(keys) if other == key])
            options.append(Option(arm, tuple((factor.path, value) for factor, value in zip(own, key, strict=True))))
            cube.append(_by_world(level[rows], worlds[rows], int(worlds.max()) + 1))
            away = arm == study.reference or study.one_arm
            gap = np.full_like(level[rows], np.nan) if away else level[rows] - base[rows]
            gaps.append(_by_world(gap, worlds[rows], int(worlds.max()) + 1))
    values = np.stack(cube)  # options x worlds x seeds
    lived: np.ndarray = np.asarray(np.isfinite(values).all(axis=0))  # a seed counts in a world if all options lived it
    known = np.flatnonzero(lived.any(axis=1))
    if len(options) < 2 or not len(known):
        return None
    values, lived = values[:, known], lived[known]
    count = lived.sum(axis=1)
    levels = np.where(lived, values, 0.0).sum(axis=2) / count
    good = levels * better
    lost = good.max(axis=0) - good
    best = good.argmax(axis=0)
    differences = np.where(lived, np.stack(gaps)[:, known], 0.0).sum(axis=2) / count
    return Regret(
        kpi,
        unit_of(kpi, study.currency),
        better,
        threshold,
        options,
        known,
        levels,
        differences,
        lost,
        _error(values, lived, lost, best),
        crossed,
    )


def _worlds(study: Study) -> tuple[np.ndarray, list[Factor], bool]:
    """The world of every point, the levers, and whether levers and uncertainties are crossed.

    Where they are not (each setting of levers met worlds of its own), a point is a world and arms are the options.
    """
    if study.crossed:
        return pd.factorize(study.points["world"])[0], study.levers, bool(study.levers)
    return np.arange(len(study.points)), [], False


def _by_world(values: Array, worlds: np.ndarray, count: int) -> Array:
    """World x seed values; where several points are the same to this option, the first that is known."""
    found = np.full((count, values.shape[1]), np.nan)
    found[worlds[::-1]] = values[::-1]
    missing = np.isnan(found[worlds]) & np.isfinite(values)
    if missing.any():
        rows, seeds = np.nonzero(missing)
        found[worlds[rows], seeds] = values[rows, seeds]
    return found


def _error(values: Array, lived: np.ndarray, lost: Array, best: np.ndarray) -> Array:
    """Standard error over seeds of best less this, in the world where each option's regret is largest."""
    errors = np.full(len(values), np.nan)
    for option, world in enumerate(lost.argmax(axis=1)):
        seeds = lived[world]
        if seeds.sum() > 1:
            gap = values[best[world], world, seeds] - values[option, world, seeds]
            errors[option] = gap.std(ddof=1) / math.sqrt(seeds.sum())
    return errors


def regret_table(study: Study, found: Regret) -> pd.DataFrame:
    """regret.csv: a row an option, the smallest largest regret first."""
    known = np.isfinite(found.differences).any(axis=1)
    table = pd.DataFrame(
        {
            "kpi": found.kpi,
            "unit": found.unit,
            "arm": [option.arm for option in found.options],
            **{
                factor.path: [dict(option.levers).get(factor.path) for option in found.options]
                for factor in study.levers
                if found.crossed
            },
            "worlds": found.levels.shape[1],
            "mean": found.levels.mean(axis=1),
            "worst": found.worst,
            "mean_difference": np.where(known, found.differences.mean(axis=1), np.nan),
            "share_pays": found.pays,
            "max_regret": found.most,
            "max_regret_se": found.error,
            "mean_regret": found.mean,
            "share_best": found.best_share,
        }
    )
    for name, place in (("minimax_regret", found.minimax), ("maximin", found.maximin), ("best_mean", found.best_mean)):
        table[name] = np.arange(len(table)) == place
    return table.sort_values("max_regret", kind="stable", ignore_index=True)
