"""Everybody who was proposed and what came of them: units of the plan, each asked for once."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from sim.experiments.design.plan import Plan, Point, Unit
from sim.experiments.optimise import scores
from sim.experiments.optimise.space import Proposal
from sim.scenario.optimise import Limit, Objective

Figures = Mapping[str, Mapping[str, float]]  # by arm, by KPI; an arm that failed is not there


class Evaluator(Protocol):
    """Simulates units that are not stored yet and gives the figures of all that are asked, by unit id."""

    def __call__(self, units: Sequence[Unit]) -> Mapping[str, Figures]: ...


@dataclass
class Candidate:
    """A setting of the levers, and its paired differences to the reference: by seed, by KPI.

    `generation` is the one of the search that proposed it first, from 0; None for a baseline that none did.
    """

    point: Point
    shares: Mapping[str, float]
    name: str = ""
    generation: int | None = None
    differences: dict[int, dict[str, float]] = field(default_factory=dict)
    failed: bool = False

    @property
    def number(self) -> int:
        return self.point.number


@dataclass(frozen=True)
class Standing:
    """All candidates judged by what is known now; rows are candidates by number."""

    gains: np.ndarray  # (candidates, objectives), more is better
    margins: np.ndarray  # half their 95 % intervals, by the spread of all together
    broken: np.ndarray  # (candidates, limits), by how much limits are broken, 0 or less: kept
    broken_margins: np.ndarray
    seeds: np.ndarray

    @property
    def violation(self) -> np.ndarray:
        """All that limits are broken by, 0 where all are kept."""
        return np.maximum(self.broken, 0.0).sum(axis=1)

    @property
    def order(self) -> np.ndarray:
        """Numbers of those that can be ranked, the best first."""
        return scores.best_first(self.gains, self.violation)

    @property
    def front(self) -> np.ndarray:
        """Numbers of those within limits whom nobody within limits dominates."""
        return np.flatnonzero((scores.ranks(self.gains, self.violation) == 0) & (self.violation <= 0))

    def hopeful(self) -> np.ndarray:
        """Mask of those who may be on the front: at the good end of their interval nobody dominates them."""
        best_case = self.gains + np.nan_to_num(self.margins)
        within = (self.broken - np.nan_to_num(self.broken_margins) <= 0).all(axis=1)
        front = self.front
        hope = ~np.isnan(self.gains).any(axis=1) & (within | (len(front) == 0))
        return hope & ~scores.dominates(self.gains[front], best_case).any(axis=0)


class Archive:
    """Candidates by number; the same setting proposed twice is one candidate."""

    def __init__(
        self,
        plan: Plan,
        arms: tuple[str, str],
        objectives: Sequence[Objective],
        limits: Sequence[Limit],
        evaluate: Evaluator,
    ):
        self.plan, self.arms = plan, arms
        self.objectives, self.limits = objectives, limits
        self.kpis = list(dict.fromkeys([*(one.kpi for one in objectives), *(one.kpi for one in limits)]))
        self.candidates: list[Candidate] = []
        self._evaluate = evaluate
        self._known: dict[str, Candidate] = {}

    def add(self, proposal: Proposal, generation: int | None = None, name: str = "") -> Candidate:
        """The candidate of this setting, a new one if it is new."""
        key = self.plan.unit_id(proposal.values, 0)
        if key not in self._known:
            number = len(self.candidates)
            point = Point(number, lever=number, world=0, values=dict(proposal.values))
            self._known[key] = Candidate(point, dict(proposal.shares), name, generation)
            self.candidates.append(self._known[key])
        found = self._known[key]
        found.name = found.name or name
        return found

    @property
    def searched(self) -> list[Candidate]:
        """Those that the search proposed."""
        return [one for one in self.candidates if one.generation is not None]

    def evaluate(self, candidates: Iterable[Candidate], seeds: Iterable[int]) -> None:
        """Simulate candidates with the seeds that they lack; seed by seed, since a seed shares its burn-in."""
        members = list(candidates)
        wanted: dict[str, tuple[Unit, Candidate]] = {}
        for seed in seeds:
            for one in members:
                if seed not in one.differences and not one.failed:
                    unit = self.plan.unit(one.point, seed)
                    wanted[unit.id] = unit, one
        if not wanted:
            return
        figures = self._evaluate([unit for unit, _ in wanted.values()])
        for name, (unit, one) in wanted.items():
            difference = self._difference(figures.get(name, {}))
            if difference is None:
                one.failed = True
            else:
                one.differences[unit.seed] = difference

    def values(self, kpi: str, seeds: Sequence[int]) -> np.ndarray:
        """Paired differences (candidates, seeds), NaN where a candidate has no such seed, or failed."""
        return np.array(
            [
                [
                    math.nan if one.failed or seed not in one.differences else one.differences[seed][kpi]
                    for seed in seeds
                ]
                for one in self.candidates
            ]
        ).reshape(len(self.candidates), len(seeds))

    def standing(self, seeds: Sequence[int]) -> Standing:
        """Everybody judged by these seeds."""
        fits = {kpi: scores.fit(self.values(kpi, seeds)) for kpi in self.kpis}

        def columns(parts: Sequence[Any]) -> np.ndarray:
            return np.array(parts, dtype=float).reshape(len(parts), len(self.candidates)).T

        scale = [abs(one.bound) or 1.0 for one in self.limits]
        broken = [
            one.sign * (fits[one.kpi].level - one.bound) / size for one, size in zip(self.limits, scale, strict=True)
        ]
        return Standing(
            gains=columns([one.sign * fits[one.kpi].level for one in self.objectives]),
            margins=columns([fits[one.kpi].margin for one in self.objectives]),
            broken=columns(broken),
            broken_margins=columns([fits[one.kpi].margin / size for one, size in zip(self.limits, scale, strict=True)]),
            seeds=fits[self.kpis[0]].seeds,
        )

    def _difference(self, figures: Figures) -> dict[str, float] | None:
        """Arm less reference of the judged KPIs; None where one failed or has no finite figure."""
        from sim.measures.compare import paired

        reference, arm = (figures.get(name) for name in self.arms)
        if reference is None or arm is None:
            return None
        ours, theirs = (np.array([[one.get(kpi, math.nan)] for kpi in self.kpis]) for one in (arm, reference))
        difference = paired(ours, theirs)[1]
        return dict(zip(self.kpis, map(float, difference), strict=True)) if np.isfinite(difference).all() else None
