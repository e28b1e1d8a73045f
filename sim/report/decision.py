"""The decision page: which arm pays, in a sentence and a row an arm, how sure that is, and whom it treats how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.figures import Board, NothingToShow, units
from sim.figures.data import band, half_width
from sim.figures.fates import Fair, fairness
from sim.report.answer import changes
from sim.report.key_figures import KeyFigures, label
from sim.report.verdicts import NOTHING, ONE_SEED, PAYS, PAYS_NOT, UNCLEAR, Column, Verdict, columns, sentence, verdicts

if TYPE_CHECKING:
    from sim.results import Run

LOOKS = {PAYS: "good", PAYS_NOT: "bad", UNCLEAR: "open", NOTHING: "open", ONE_SEED: "open"}
HEADLINE = (
    "attrition_annual", "customers_end", "aum_end", "revenue_annual", "profit_annual", "npv", "products",
    "satisfaction", "nps",
)  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """An arm on the decision page: its verdict's words and look, its sentences, its row of numbers."""

    arm: str
    look: str
    words: str
    sentence: str
    detail: str
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Sure:
    """A row of the precision table, as text."""

    arm: str
    kpi: str
    label: str
    unit: str
    difference: str
    half: str
    seeds: str
    for_half: str
    unpaired: str
    p: str
    adjusted: str
    clear: bool


@dataclass(frozen=True)
class FairRow:
    """A row of the fairness table, as text; `cells` are the group's, the others' and the gap's numbers."""

    arm: str
    group: str
    measure: str
    cells: tuple[str, ...]
    clear: bool


@dataclass(frozen=True)
class Decision:
    """All that the decision section shows besides its figures."""

    arms: list[Judged]
    columns: list[Column]
    seeds: int
    precision: list[Sure]
    fairness: list[FairRow]
    coverage: list[tuple[str, str, str]]
    endless: bool


def decide(run: Run, figures: KeyFigures, board: Board) -> Decision | None:
    """The decision page's contents; None for one arm, or when nothing is compared."""
    found = verdicts(figures)
    if board.one_arm or not found:
        return None
    shown = columns(found, board.currency)
    return Decision(
        arms=[_judged(one, shown, figures, board) for one in found],
        columns=shown,
        seeds=max((one.npv.seeds for one in found if one.npv is not None), default=0),
        precision=sure(getattr(run, "precision", None), board.arms[1:]),
        fairness=_fairness(board),
        coverage=_coverage(board),
        endless=any(math.isinf(one.payback) for one in found),
    )


def _judged(one: Verdict, shown: list[Column], figures: KeyFigures, board: Board) -> Judged:
    return Judged(
        arm=one.arm,
        look=LOOKS[one.word],
        words=one.words,
        sentence=sentence(one, board.reference, board.currency),
        detail=changes(figures, board, one.arm),
        cells=tuple(column.write(one) for column in shown),
    )


def sure(table: pd.DataFrame | None, arms: list[str]) -> list[Sure]:
    """Rows of precision.csv for the headline figures of the bank, arm by arm; none without the table."""
    if table is None:
        return []
    place = {kpi: number for number, kpi in enumerate(HEADLINE)}
    own = table[table["kpi"].isin(HEADLINE) & table["arm"].isin(arms)]
    rows = sorted(own.to_dict("records"), key=lambda row: (arms.index(row["arm"]), place[row["kpi"]]))
    return [_sure(row) for row in rows]


def _sure(row: Mapping[Any, Any]) -> Sure:
    number = {name: float(row[name]) for name in (
        "difference", "half_width", "seeds", "seeds_for_half", "unpaired_seeds", "p_value", "p_adjusted")}  # fmt: skip
    kpi, value, half = str(row["kpi"]), number["difference"], number["half_width"]
    look = units.display(kpi, str(row["unit"]), [value], difference=True)
    text, low, _ = look.write_difference(value, value - half, value + half)
    decimals = len(text.partition(".")[2])
    return Sure(
        arm=str(row["arm"]), kpi=kpi, label=label(kpi), unit=look.unit, difference=text,
        half=units.number(half / look.divisor, decimals) if low else units.MISSING,
        seeds=units.number(number["seeds"]), for_half=units.number(number["seeds_for_half"]),
        unpaired=units.number(number["unpaired_seeds"]), p=p_text(number["p_value"]),
        adjusted=p_text(number["p_adjusted"]), clear=number["p_adjusted"] < 0.05,
    )  # fmt: skip


def p_text(p: float) -> str:
    """A p-value in two digits that is never 0."""
    if math.isnan(p):
        return units.MISSING
    return "<0.001" if p < 0.001 else units.number(p, 3 if p < 0.1 else 2)


def _fairness(board: Board) -> list[FairRow]:
    try:
        return [_fair(row) for row in fairness(board)]
    except NothingToShow:
        return []


def _fair(row: Fair) -> FairRow:
    cells = tuple(_with_half(mean, half, 1) for mean, half in row.values)
    return FairRow(row.arm, f"{row.group} against {row.others}", row.measure, cells, row.clear)


def _with_half(mean: float, half: float, decimals: int) -> str:
    text = units.number(mean, decimals, sign=True)
    return f"{text} {units.PLUS_MINUS} {units.number(half, decimals)}" if math.isfinite(half) else text


def _coverage(board: Board) -> list[tuple[str, str, str]]:
    """Arm, Gini coefficient of service coverage at the end, and its difference to the reference."""
    if not board.has_bank("coverage_gini"):
        return []
    values = board.bank("coverage_gini")
    known = np.isfinite(values).any(axis=(0, 1))
    if not known.any():
        return []
    end = values[:, :, int(np.flatnonzero(known)[-1])]
    gaps = end - end[:1]
    means, apart, half = band(end).mean, band(gaps).mean, half_width(gaps, 1)
    return [
        (arm, units.number(float(means[place]), 3),
         "" if place == 0 else _with_half(float(apart[place]), float(half[place]), 3))
        for place, arm in enumerate(board.arms)
    ]  # fmt: skip
