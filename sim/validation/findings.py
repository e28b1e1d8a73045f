"""Verdicts: every figure of a fact over the seeds, held against its tolerance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from sim.validation.customers import Figures
from sim.validation.economic_table import OF_MONEY
from sim.validation.fact import Fact
from sim.validation.statistics import Interval
from sim.validation.table import OF_CUSTOMERS

FACTS: tuple[Fact, ...] = (*OF_CUSTOMERS, *OF_MONEY)
NAMES = tuple(fact.name for fact in FACTS)
HOLDS, MISSES, UNCLEAR, ABSENT = "holds", "misses", "unclear", "not modelled"


@dataclass(frozen=True)
class Finding:
    """One figure of a fact over the seeds, and the verdict on it (empty where there is no tolerance)."""

    fact: Fact
    what: str
    interval: Interval
    values: Mapping[int, float] = field(default_factory=dict)  # by seed

    @property
    def tolerance(self) -> tuple[float, float] | None:
        """What it should lie in; None for a figure that is only shown."""
        return self.fact.tolerances.get(self.what)

    @property
    def verdict(self) -> str:
        """holds, misses or unclear; "" without a tolerance."""
        return self.interval.against(*self.tolerance) if self.tolerance is not None else ""


def finding(fact: Fact, what: str, values: Mapping[int, float]) -> Finding:
    """One figure from what it was in each seed."""
    return Finding(fact, what, Interval.of(np.array(list(values.values()), float)), values)


def judge(fact: Fact, seeds: Mapping[int, Figures]) -> list[Finding]:
    """Every figure of a fact from those of each seed; none where the fact is not modelled."""
    if fact.absent:
        return []
    return [
        finding(fact, what, {seed: float(figures.get(what, np.nan)) for seed, figures in seeds.items()})
        for what in (*fact.tolerances, *fact.shown)
    ]


def verdict(fact: Fact, findings: Sequence[Finding], broken: bool = False) -> str:
    """Verdict on a whole fact: the worst of its figures; unclear at best where an experiment of it broke."""
    if fact.absent:
        return ABSENT
    verdicts = [finding.verdict for finding in findings]
    worst = next((word for word in (MISSES, UNCLEAR) if word in verdicts), HOLDS if any(verdicts) else UNCLEAR)
    return UNCLEAR if broken and worst == HOLDS else worst
