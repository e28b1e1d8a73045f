"""What each parameter does by itself, and how much of the spread is luck.

Everything is computed over points, each the mean of its seeds. In a full grid every level has met the same settings of
the others, so the interval of a level is that of luck (Student's t over the seeds' level means); in a sampled design
other parameters differ too, so it is that of the points. Where levers are crossed with sampled uncertainties, the same
worlds come back with every lever setting and are no new evidence: an uncertainty's points are then the worlds, each the
mean over lever settings, and a sampled lever's the lever settings. Where points differ from one base point in
one parameter at a time, a parameter is judged by those points alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.study import Array, Factor, Outcome, Study, say
from sim.measures.intervals import half_width
from sim.measures.precision import holm

LEAST_BINS, MOST_BINS, LEAST_IN_BIN = 3, 10, 12


@dataclass(frozen=True)
class Group:
    """Points that share a level or a bin of a factor."""

    label: str
    x: float  # the level, or the mean in the bin; a place for choices
    points: np.ndarray


@dataclass(frozen=True)
class Effect:
    """One factor's effect on one outcome: level means with their intervals, and what they come to.

    `share` is the part of the variance between points that the factor explains by itself (correlation ratio, corrected
    for the number of groups: 0 on average if it explains nothing); `p` the F test that it explains nothing, adjusted by
    Holm's correction over the factors. With `lone`, from points that differ in this factor alone, both are NaN.
    """

    factor: Factor
    groups: list[Group]
    mean: Array
    half: Array
    share: float
    p: float
    spearman: float
    spearman_p: float
    lone: bool = False

    @property
    def range(self) -> float:
        """Largest less smallest mean."""
        return float(np.nanmax(self.mean) - np.nanmin(self.mean)) if np.isfinite(self.mean).any() else math.nan

    @property
    def ends(self) -> tuple[int, int]:
        """Places of the groups at the low and high end; for choices those with the lowest and the highest mean."""
        if self.factor.numeric or self.factor.kind == "switch" or not np.isfinite(self.mean).any():
            return 0, len(self.groups) - 1
        return int(np.nanargmin(self.mean)), int(np.nanargmax(self.mean))

    @property
    def swing(self) -> float:
        """Mean at the high end less mean at the low end."""
        low, high = self.ends
        return float(self.mean[high] - self.mean[low])

    @property
    def clear(self) -> bool:
        """True if chance alone would hardly show it: adjusted p below 0.05, or one at a time a swing beyond luck."""
        if self.lone:
            low, high = self.ends
            return abs(self.swing) > math.hypot(float(self.half[low]), float(self.half[high]))
        return bool(self.p < 0.05)


def groups_of(factor: Factor, known: np.ndarray, *, keep: bool = False) -> list[Group]:
    """Points (of those known) by level, or by bins of equal counts for numbers of many values (without `keep`)."""
    places = np.flatnonzero(known)
    sampled = factor.numeric and len(places) >= 2 * LEAST_BINS and len(factor.levels or ()) > len(places) / 2
    if factor.levels is not None and (keep or not sampled):  # few draws of a range are not its levels
        codes = factor.codes[places]
        found = []
        for code, level in enumerate(factor.levels):
            own = places[codes == code]
            x = float(level) if factor.numeric else float(code)
            found.append(Group(factor.say(level), x, own))
        return [group for group in found if len(group.points)]
    bins = min(max(len(places) // LEAST_IN_BIN, LEAST_BINS), MOST_BINS)
    order = places[np.argsort(factor.raw[places], kind="stable")]
    found = []
    for own in np.array_split(order, bins):
        if len(own):
            least, most = factor.raw[own[0]], factor.raw[own[-1]]
            label = f"{say(least, digits=3)} to {say(most, factor.kind, factor.unit, 3)}"
            found.append(Group(label, float(factor.raw[own].mean()), own))
    return found


def full_grid(study: Study) -> bool:
    """True if every combination of the factors' levels is one point, and no other is there."""
    return _complete(study.factors, len(study.points)) and math.prod(_sizes(study.factors)) == len(study.points)


def _sizes(factors: Sequence[Factor]) -> list[int]:
    return [len(factor.levels or ()) for factor in factors]


def _complete(factors: Sequence[Factor], points: int) -> bool:
    """True if every combination of the factors' levels is there, more than one of them."""
    sizes = _sizes(factors)
    if not factors or not 1 < math.prod(sizes) <= points:
        return False
    cells = np.ravel_multi_index([factor.codes for factor in factors], sizes)
    return len(np.unique(cells)) == math.prod(sizes)


def _balanced(study: Study, factor: Factor) -> bool:
    """True if every level of a factor met the same settings of all others.

    So it is in a full grid, and in a crossed sweep for the levers (uncertainties) if theirs is a full grid.
    """
    if full_grid(study):
        return True
    both = study.crossed and study.levers and study.uncertainties
    own = study.levers if factor.role == "lever" else study.uncertainties
    settings = study.points["lever" if factor.role == "lever" else "world"].nunique()
    return bool(both) and _complete(own, len(study.points)) and math.prod(_sizes(own)) == settings


def effects(study: Study, outcome: Outcome) -> list[Effect]:
    """The effect of every factor, in the order of the scenario; none where no point is known."""
    if not outcome.known.any():
        return []
    lone = one_at_a_time(study)
    whole = bool(np.isfinite(outcome.by_seed).all())
    found = []
    for factor in study.factors:
        if lone is not None:
            found.append(_lone_effect(factor, outcome, lone[factor.path]))
        else:
            even = whole and _balanced(study, factor)
            y, part = (outcome.mean, 1.0) if even else _collapsed(study, factor, outcome)
            found.append(_effect(factor, outcome, y, part, by_seeds=even))
    adjusted = holm(np.array([one.p for one in found]))
    return [replace(one, p=float(p)) for one, p in zip(found, adjusted, strict=True)]


def one_at_a_time(study: Study) -> dict[str, np.ndarray] | None:
    """For every factor the points that differ from a base point in it alone (and that point); None for other designs.

    The base point has the commonest value of every factor.
    """
    if len(study.factors) < 2 or len(study.points) < 3:
        return None
    differs = np.stack([_unusual(factor) for factor in study.factors])
    apart = differs.sum(axis=0)
    if apart.max() > 1 or not (apart == 0).any() or not differs.any(axis=1).all():
        return None
    return {factor.path: (apart == 0) | own for factor, own in zip(study.factors, differs, strict=True)}


def _unusual(factor: Factor) -> np.ndarray:
    """Points where a factor has not its commonest value."""
    values = factor.raw
    different, counts = np.unique(values, return_counts=True)
    return np.asarray(values != different[counts.argmax()])


def _lone_effect(factor: Factor, outcome: Outcome, points: np.ndarray) -> Effect:
    groups = groups_of(factor, outcome.known & points, keep=True)
    mean = np.array([outcome.mean[group.points].mean() for group in groups])
    half = np.array([float(outcome.half[group.points[0]]) for group in groups])
    return Effect(
        factor, groups, mean, half, math.nan, math.nan, *_spearman(factor, outcome.mean, outcome.known & points), True
    )


def _collapsed(study: Study, factor: Factor, outcome: Outcome) -> tuple[Array, float]:
    """The outcome a factor is judged by, NaN where a point does not count, and the part of the variance it has.

    In a crossed sweep the first point of each world (lever setting) stands for all, with their mean.
    """
    y, known = outcome.mean, outcome.known
    if not study.crossed or not study.levers or not study.uncertainties or not known.any():
        return y, 1.0
    key = study.points["lever" if factor.role == "lever" else "world"].to_numpy()[known]
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    means = np.bincount(back, weights=y[known]) / np.bincount(back)
    collapsed = np.full(len(y), np.nan)
    collapsed[np.flatnonzero(known)[first]] = means
    whole = float(y[known].var())
    return collapsed, float(means.var()) / whole if whole > 0 else 1.0


def _effect(factor: Factor, outcome: Outcome, y: Array, part: float, *, by_seeds: bool) -> Effect:
    known = np.isfinite(y)
    groups = groups_of(factor, known, keep=by_seeds)
    mean = np.array([y[group.points].mean() for group in groups])
    if by_seeds:
        lived = np.stack([outcome.by_seed[group.points].mean(axis=0) for group in groups])
        half = half_width(_variance(lived), np.full(len(groups), lived.shape[1]))
    else:
        spread = np.array([np.var(y[group.points], ddof=1) if len(group.points) > 1 else math.nan for group in groups])
        half = half_width(spread, np.array([len(group.points) for group in groups]))
    share, p = _ratio(y, groups, mean)
    return Effect(factor, groups, mean, half, share * part, p, *_spearman(factor, y, known))


def _variance(values: Array) -> Array:
    """Sample variance along the last axis; NaN for fewer than two."""
    if values.shape[-1] < 2:
        return np.full(values.shape[:-1], np.nan)
    return values.var(axis=-1, ddof=1)


def _ratio(y: Array, groups: list[Group], mean: Array) -> tuple[float, float]:
    """Share of variance between groups corrected for their number (epsilon squared), and the p of its F test."""
    from scipy.special import fdtrc

    counts = np.array([len(group.points) for group in groups], dtype=float)
    n, k = float(counts.sum()), len(groups)
    if k < 2 or n <= k:
        return math.nan, math.nan
    whole = float((counts * mean).sum() / n)
    between = float((counts * (mean - whole) ** 2).sum())
    within = float(sum(((y[group.points] - m) ** 2).sum() for group, m in zip(groups, mean, strict=True)))
    total = between + within
    if total <= 1e-24 * max(whole * whole, 1e-300) * n:
        return 0.0, 1.0
    error = within / (n - k)
    share = 1.0 - error / (total / (n - 1))
    if within <= 1e-15 * total:
        return 1.0, 0.0
    return max(share, 0.0), float(fdtrc(k - 1, n - k, between / (k - 1) / error))


def _spearman(factor: Factor, y: Array, known: np.ndarray) -> tuple[float, float]:
    """Rank correlation of a factor that has an order, and its p; NaN for choices and for fewer than four points."""
    from scipy.special import stdtr
    from scipy.stats import rankdata

    if not (factor.numeric or factor.kind == "switch") or known.sum() < 4:
        return math.nan, math.nan
    a, b = rankdata(factor.raw[known]), rankdata(y[known])
    a, b = a - a.mean(), b - b.mean()
    size = math.sqrt(float((a @ a) * (b @ b)))
    if size == 0.0:
        return math.nan, math.nan
    rho, free = float(a @ b) / size, int(known.sum()) - 2
    if abs(rho) >= 1.0 - 1e-12:
        return math.copysign(1.0, rho), 0.0
    return rho, float(2 * stdtr(free, -abs(rho) * math.sqrt(free / (1 - rho * rho))))


def by_importance(found: list[Effect]) -> list[Effect]:
    """The effects by the share they explain, then by range, the largest first."""
    return sorted(found, key=lambda one: (-_less_nan(one.share), -_less_nan(one.range)))


def _less_nan(value: float) -> float:
    return value if math.isfinite(value) else -1.0


@dataclass(frozen=True)
class Luck:
    """Where the variance of one run's outcome comes from: parameters, luck that all points of a seed share, own luck.

    Shares of their sum, from a two-way layout of points and seeds; NaN where fewer than two points have the same two
    seeds. `of_means` is the part of the spread between points' means that own luck makes: it shrinks with more seeds,
    and shared luck does not blur which point is better.
    """

    parameters: float
    shared: float
    own: float
    of_means: float
    seeds: int
    points: int


def luck(outcome: Outcome) -> Luck:
    """Variance of an outcome split by the means squares of points and seeds."""
    whole = np.isfinite(outcome.by_seed).all(axis=1)
    y = outcome.by_seed[whole]
    points, seeds = y.shape
    if points < 2 or seeds < 2:
        return Luck(math.nan, math.nan, math.nan, math.nan, seeds, points)
    y = y - y.mean()
    rows, columns = y.mean(axis=1), y.mean(axis=0)
    between, lived = seeds * float(rows.var(ddof=1)), points * float(columns.var(ddof=1))
    rest = y - rows[:, None] - columns[None, :]
    own = float((rest**2).sum()) / ((points - 1) * (seeds - 1))
    parts = np.array([max(between - own, 0.0) / seeds, max(lived - own, 0.0) / points, own])
    total = parts.sum()
    if not total > 0:
        return Luck(math.nan, math.nan, math.nan, math.nan, seeds, points)
    a, b, e = (float(part) for part in parts / total)
    return Luck(a, b, e, min(own / between, 1.0) if between > 0 else 1.0, seeds, points)


def effects_table(arm: str, kpi: str, found: list[Effect]) -> pd.DataFrame:
    """effects.csv: a row a parameter and level."""
    rows: list[dict[str, Any]] = []
    for one in found:
        for group, mean, half in zip(one.groups, one.mean, one.half, strict=True):
            rows.append(
                {
                    "arm": arm,
                    "kpi": kpi,
                    "parameter": one.factor.path,
                    "level": group.label,
                    "x": group.x,
                    "points": len(group.points),
                    "mean": mean,
                    "ci_low": mean - half,
                    "ci_high": mean + half,
                }
            )
    return pd.DataFrame(rows)


def drivers_table(arm: str, kpi: str, found: list[Effect]) -> pd.DataFrame:
    """drivers.csv: a row a parameter, the most important first."""
    rows = []
    for one in by_importance(found):
        low, high = one.ends
        rows.append(
            {
                "arm": arm,
                "kpi": kpi,
                "parameter": one.factor.path,
                "share_of_variance": one.share,
                "range": one.range,
                "low": one.groups[low].label,
                "mean_at_low": one.mean[low],
                "high": one.groups[high].label,
                "mean_at_high": one.mean[high],
                "swing": one.swing,
                "spearman": one.spearman,
                "spearman_p": one.spearman_p,
                "p_adjusted": one.p,
            }
        )
    return pd.DataFrame(rows)
