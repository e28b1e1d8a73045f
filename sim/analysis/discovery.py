"""Where an arm fails: boxes of parameters that hold most points where it does, found by a shallow tree.

Coverage is the share of all failures that lie in a box, density the share of the box's points that fail (as in scenario
discovery, Bryant & Lempert 2010). A pattern is told only if it also holds for points that the tree has not seen: its
probabilities must beat the base rate (Brier skill, five folds).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.analysis.study import Array, Factor, Outcome, Study, concerns
from sim.errors import BadInput

DEPTH = 3
LEAST_SHARE, LEAST_POINTS = 0.05, 5  # of points in a leaf
FOLDS = 5
LEAST_SKILL = 0.05
LEAST_EACH = 5  # failures, and successes, without which there is nothing to learn from
DENSE = (
    1.5  # a box is told if failures are so many times denser in it than on average, or half-way to all of its points
)
MOST_LEARNT = 50_000
SEED = 0


@dataclass(frozen=True)
class Condition:
    """A bound on one factor: numbers from `low` to `high` (None: open), or the levels that are in."""

    factor: Factor
    low: float | None = None
    high: float | None = None
    levels: tuple[Any, ...] | None = None

    def holds(self) -> np.ndarray:
        """At which points."""
        if self.levels is not None:
            inside = [code for code, level in enumerate(self.factor.levels or ()) if level in self.levels]
            return np.isin(self.factor.codes, inside)
        above = self.factor.raw > (-math.inf if self.low is None else self.low)
        return np.asarray(above & (self.factor.raw <= (math.inf if self.high is None else self.high)))


@dataclass(frozen=True)
class Box:
    """Conditions that hold together, how many points they have and how many of these fail."""

    conditions: tuple[Condition, ...]
    points: int
    failures: int
    coverage: float
    density: float


@dataclass(frozen=True)
class Discovery:
    """Where an arm fails: `fate` is never, always, few, nothing (no pattern) or pattern; `boxes` the densest first.

    `success` are boxes of success instead, where failing is the rule (`rate` above one half). `accuracy` is that of the
    tree for points left out, to be held against `base_accuracy` of always saying the commoner of both.
    """

    arm: str
    kpi: str
    fate: str
    points: int
    failures: int
    unsure: int  # points whose sign luck could turn (95 % interval over seeds)
    boxes: tuple[Box, ...] = ()
    success: bool = False
    skill: float = math.nan
    accuracy: float = math.nan
    threshold: float = 0.0

    @property
    def rate(self) -> float:
        """Share of points where the arm fails."""
        return self.failures / self.points if self.points else math.nan

    @property
    def base_accuracy(self) -> float:
        """Accuracy of always saying the commoner outcome."""
        return max(self.rate, 1 - self.rate)


def discover(study: Study, outcome: Outcome, threshold: float = 0.0) -> Discovery:
    """Where an arm's outcome is no better than the threshold."""
    known = outcome.known
    good, mark = outcome.mean[known] * (outcome.better or 1), threshold * (outcome.better or 1)
    fails = good <= mark
    unsure = int((np.abs(good - mark) <= np.nan_to_num(outcome.half[known], nan=-1.0)).sum())
    points, failures = len(fails), int(fails.sum())

    def told(fate: str, **more: Any) -> Discovery:
        return Discovery(outcome.arm, outcome.kpi, fate, points, failures, unsure, threshold=threshold, **more)

    if failures in (0, points):
        return told("never" if not failures else "always")
    if min(failures, points - failures) < LEAST_EACH or not study.factors:
        return told("few")
    success = failures > points / 2
    target = ~fails if success else fails
    factors = [factor.at(known) for factor in study.factors if concerns(factor, outcome.arm)]
    factors = [factor for factor in factors if factor.varies]
    x, owners = _columns(factors)
    skill, accuracy = _left_out(x, target)
    if not skill > LEAST_SKILL:
        return told("nothing", success=success, skill=skill, accuracy=accuracy)
    tree = _tree(len(target)).fit(*_some(x, target))
    boxes = [_box(path, owners, target) for path in _leaves(tree.tree_)]
    base = float(target.mean())
    dense = [box for box in boxes if box.conditions and box.density >= min(DENSE * base, (1.0 + base) / 2.0)]
    dense.sort(key=lambda box: -box.coverage * (box.density - base))
    if not dense:
        return told("nothing", success=success, skill=skill, accuracy=accuracy)
    return told("pattern", boxes=tuple(dense), success=success, skill=skill, accuracy=accuracy)


def _columns(factors: Sequence[Factor]) -> tuple[Array, list[tuple[Factor, Any]]]:
    """Numbers as they are, choices as one indicator a level; what each column stands for."""
    columns: list[Array] = []
    owners: list[tuple[Factor, Any]] = []
    for factor in factors:
        if factor.numeric or len(factor.levels or ()) == 2:
            columns.append(factor.raw)
            owners.append((factor, None))
        else:
            for code, level in enumerate(factor.levels or ()):
                columns.append((factor.codes == code).astype(float))
                owners.append((factor, level))
    return np.stack(columns, axis=1), owners


def _some(x: Array, target: np.ndarray) -> tuple[Array, np.ndarray]:
    """At most `MOST_LEARNT` points, evenly taken: more would not change a shallow tree."""
    step = max(1, math.ceil(len(target) / MOST_LEARNT))
    return x[::step], target[::step]


def _tree(points: int) -> Any:
    try:
        from sklearn.tree import DecisionTreeClassifier
    except ImportError:
        raise BadInput.at("scikit-learn", "is not installed; pip install -e '.[analysis]'") from None
    least = max(LEAST_POINTS, math.ceil(LEAST_SHARE * min(points, MOST_LEARNT)))
    return DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=least, random_state=SEED)


def _left_out(x: Array, target: np.ndarray) -> tuple[float, float]:
    """Brier skill and accuracy for points left out, in folds that hold both outcomes alike."""
    x, target = _some(x, target)
    order = np.random.default_rng(SEED).permutation(len(target))
    fold = np.empty(len(target), dtype=np.int64)
    for outcome in (False, True):
        own = order[target[order] == outcome]
        fold[own] = np.arange(len(own)) % FOLDS
    guess = np.empty(len(target))
    for number in range(FOLDS):
        away = fold == number
        tree = _tree(len(target)).fit(x[~away], target[~away])
        guess[away] = tree.predict_proba(x[away])[:, list(tree.classes_).index(True)]
    base = float(target.mean())
    skill = 1.0 - float(((guess - target) ** 2).mean()) / (base * (1.0 - base))
    return skill, float(((guess > 0.5) == target).mean())


def _leaves(tree: Any) -> list[list[tuple[int, float, bool]]]:
    """Paths to the leaves: column, threshold, True for at most."""
    found: list[list[tuple[int, float, bool]]] = []

    def down(node: int, path: list[tuple[int, float, bool]]) -> None:
        if tree.children_left[node] < 0:
            found.append(path)
            return
        step = int(tree.feature[node]), float(tree.threshold[node])
        down(int(tree.children_left[node]), [*path, (*step, True)])
        down(int(tree.children_right[node]), [*path, (*step, False)])

    down(0, [])
    return found


def _box(path: list[tuple[int, float, bool]], owners: list[tuple[Factor, Any]], target: np.ndarray) -> Box:
    """The leaf as conditions on factors, and what all known points say of it."""
    conditions: dict[str, Condition] = {}
    for column, threshold, below in path:
        factor, level = owners[column]
        old = conditions.get(factor.path, Condition(factor))
        if not factor.numeric:
            there = old.levels if old.levels is not None else tuple(factor.levels or ())
            if level is None:
                keep = tuple(one for code, one in enumerate(factor.levels or ()) if (code <= threshold) == below)
            else:
                keep = tuple(one for one in factor.levels or () if (one == level) != below)
            conditions[factor.path] = Condition(factor, levels=tuple(one for one in there if one in keep))
            continue
        between = _round_between if factor.levels is None else _level_below
        cut = between(factor.raw, threshold)
        low, high = (old.low, cut) if below else (cut, old.high)
        conditions[factor.path] = Condition(factor, low, high)
    told = tuple(_by_level(condition) for condition in conditions.values())
    inside = np.all([condition.holds() for condition in told], axis=0) if told else np.ones(len(target), dtype=bool)
    points, hits = int(inside.sum()), int((inside & target).sum())
    return Box(told, points, hits, hits / max(int(target.sum()), 1), hits / max(points, 1))


def _round_between(values: Array, threshold: float) -> float:
    """The shortest number that parts the same values as the threshold does: at least all below, less than all above."""
    below, above = values[values <= threshold], values[values > threshold]
    if not len(below) or not len(above):
        return threshold
    low, high = float(below.max()), float(above.min())
    for digits in range(1, 16):
        middle = float(f"{(low + high) / 2:.{digits}g}")
        if low <= middle < high:
            return middle
    return threshold


def _level_below(values: Array, threshold: float) -> float:
    """The largest level that is at most the threshold."""
    return float(values[values <= threshold].max(initial=-math.inf))


def _by_level(condition: Condition) -> Condition:
    """Bounds on a number of few levels as the levels themselves."""
    factor = condition.factor
    if factor.levels is None or condition.levels is not None or len(factor.levels) > 4:
        return condition
    inside = tuple(
        level
        for level in factor.levels
        if (condition.low is None or level > condition.low) and (condition.high is None or level <= condition.high)
    )
    return Condition(factor, levels=inside)
