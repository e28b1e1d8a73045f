"""Key figures for readers: their names and groups, and tables of them with intervals, from summary and comparison.

Every number shown is one of summary.csv or comparison.csv, rounded by `sim.reporting.figures.units`; nothing is
computed anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from sim.measures.catalogue import KPIS, LABELS, RETURNS, label, sections
from sim.measures.evidence import NONE, Evidence
from sim.measures.precision import sureness
from sim.reporting.figures import units


@dataclass(frozen=True)
class Figure:
    """One number of summary.csv or comparison.csv: value, lower and upper end of its 95 % interval, unit.

    Of a difference also what `sim.measures.precision.sureness` says of it: adjusted p, the level at which its own p
    would do, and whether it may be called sure. Nothing else may call it so. `mark` stands behind it wherever it is
    shown (`sim.measures.evidence`).
    """

    value: float
    low: float
    high: float
    unit: str
    seeds: int = 0
    p: float = math.nan
    level: float = math.nan
    sure: bool = False
    mark: str = ""

    @property
    def half(self) -> float:
        """Half the interval; NaN with one seed."""
        return (self.high - self.low) / 2


@dataclass(frozen=True)
class Cell:
    """A number as shown: text, half width ("" for none), and the difference to the reference where there is one."""

    text: str
    half: str = ""
    difference: str = ""
    low: str = ""
    high: str = ""
    sure: bool = False


@dataclass(frozen=True)
class Row:
    """A row of a table of key figures: KPI, label, unit in words, unit of differences, cells."""

    kpi: str
    label: str
    unit: str
    cells: tuple[Cell, ...]
    unit_of_differences: str = ""


class KeyFigures:
    """summary.csv and comparison.csv of a run, asked by arm and KPI."""

    def __init__(self, summary: pd.DataFrame, comparison: pd.DataFrame | None = None, evidence: Evidence = NONE):
        self.evidence = evidence
        self.arms: list[str] = [str(arm) for arm in pd.unique(summary["arm"])]
        self._known = {
            (arm, kpi): replace(one, mark=evidence.mark(arm, kpi)) for (arm, kpi), one in _rows(summary, "mean").items()
        }
        gaps = _rows(comparison, "difference") if comparison is not None else {}
        self._gaps = {
            (arm, kpi): replace(one, mark=evidence.mark(arm, kpi, self.arms[0])) for (arm, kpi), one in gaps.items()
        }

    def of(self, arm: str, kpi: str) -> Figure | None:
        """A KPI of an arm."""
        return self._known.get((arm, kpi))

    def gap(self, arm: str, kpi: str) -> Figure | None:
        """The difference of a KPI between an arm and the reference."""
        return self._gaps.get((arm, kpi))

    @cached_property
    def groups(self) -> dict[str, list[str]]:
        """KPIs of the bank by group, those unknown here last; totals are left out where there is a figure a year."""
        there = list(dict.fromkeys(kpi for _, kpi in self._known if "[" not in kpi or kpi in LABELS))
        there = [kpi for kpi in there if f"{kpi}_annual" not in there]
        groups = {name: [kpi for kpi in kpis if kpi in there] for name, kpis in sections().items()}
        groups["Other"] = [kpi for kpi in there if kpi not in LABELS]
        return {name: kpis for name, kpis in groups.items() if kpis}

    def said(self, kpi: str, *, arms: Iterable[str] | None = None) -> bool:
        """True if any arm has a number for this KPI of the bank."""
        figures = [self.of(arm, kpi) for arm in (arms or self.arms)]
        return any(figure is not None and not math.isnan(figure.value) for figure in figures)

    def by_tier(self, arm: str, tiers: Sequence[str]) -> dict[str, list[Row]]:
        """Rows of bank and tiers for one arm, by group."""
        return {
            group: [self._tier_row(arm, kpi, tiers) for kpi in kpis if group != RETURNS or self.said(kpi, arms=[arm])]
            for group, kpis in self.groups.items()
        }

    def _tier_row(self, arm: str, kpi: str, tiers: Sequence[str]) -> Row:
        names = [kpi, *(f"{kpi}[{tier}]" for tier in tiers)] if "[" not in kpi else [kpi, *("" for _ in tiers)]
        found = [self.of(arm, name) for name in names]
        look = units.display(kpi, unit_of(found), [figure.value for figure in found if figure])
        cells = tuple(
            Cell(*_marked(figure, look.write(figure.value, figure.half))) if figure is not None else Cell("")
            for figure in found
        )
        return Row(kpi, label(kpi), look.unit, cells)

    def by_arm(self) -> dict[str, list[Row]]:
        """Rows of the bank for all arms, by group, with the differences to the reference."""
        return {
            group: [self._arm_row(kpi) for kpi in kpis if group != RETURNS or self.said(kpi)]
            for group, kpis in self.groups.items()
        }

    def _arm_row(self, kpi: str) -> Row:
        found = [self.of(arm, kpi) for arm in self.arms]
        gaps = [self.gap(arm, kpi) for arm in self.arms]
        look = units.display(kpi, unit_of(found), [figure.value for figure in found if figure])
        apart = units.display(kpi, unit_of(found), [gap.value for gap in gaps if gap], difference=True)
        cells = []
        for figure, gap in zip(found, gaps, strict=True):
            text, half = _marked(figure, look.write(figure.value, figure.half)) if figure else (units.MISSING, "")
            change, low, high, sure = difference_texts(gap, apart, figure.value if figure is not None else 0.0)
            cells.append(Cell(text, half, change, low, high, sure))
        return Row(kpi, label(kpi), look.unit, tuple(cells), apart.unit if any(gaps) else "")


def _marked(figure: Figure, texts: tuple[str, str]) -> tuple[str, str]:
    """Value and half width with the figure's mark behind the value."""
    return texts[0] + figure.mark, texts[1]


def _rows(table: pd.DataFrame, value: str) -> dict[tuple[str, str], Figure]:
    """The numbers of summary.csv or comparison.csv by arm and KPI."""
    numbers = table[[value, "ci_low", "ci_high"]].to_numpy(dtype=float)
    keys = zip(table["arm"].astype(str), table["kpi"].astype(str), table["unit"].astype(str), strict=True)
    known: dict[tuple[str, str], Figure] = {}
    judged: Iterable[tuple[float, float, bool]] = [(math.nan, math.nan, False)] * len(table)
    if value == "difference":
        found = sureness(table)
        judged = zip(found["p_adjusted"], found["level"], found["sure"], strict=True)
    for (arm, kpi, unit), (mean, low, high), seeds, (p, level, sure) in zip(
        keys, numbers, table["seeds"], judged, strict=True
    ):
        known[arm, kpi] = Figure(
            float(mean), float(low), float(high), unit, int(seeds), float(p), float(level), bool(sure)
        )
    return known


def difference_texts(gap: Figure | None, look: units.Display, level: float = 0.0) -> tuple[str, str, str, bool]:
    """A difference, the ends of its interval (to the same decimals; "" with one seed) and whether it is sure.

    `level` is the value of the arm: a difference in its last bits is none.
    """
    if gap is None or math.isnan(gap.value):
        return "", "", "", False
    text, low, high = look.write_difference(gap.value, gap.low, gap.high, level)
    return text + gap.mark, low, high, gap.sure and text != "0"


def unit_of(figures: Sequence[Figure | None]) -> str:
    """The unit that the figures of a row have."""
    return next((figure.unit for figure in figures if figure is not None), "")


def meanings(kpis: Iterable[str]) -> list[tuple[str, str, str]]:
    """Label, name in summary.csv and definition of KPIs, for the glossary."""
    return [(label(kpi), kpi, KPIS[kpi].about) for kpi in kpis if kpi in KPIS]
