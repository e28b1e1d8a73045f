"""The decision page: which arm pays, in a sentence and a row an arm, how sure that is, and whom it treats how."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sim.measures.catalogue import HEADLINES, SAME_TEST, label
from sim.measures.evidence import few_words
from sim.measures.waterfall import STEPS
from sim.reporting.figures import Board, NothingToShow, units
from sim.reporting.figures.board import band, half_width
from sim.reporting.figures.fates import Fair, fairness
from sim.reporting.run.headlines import changes
from sim.reporting.run.key_figures import Figure, KeyFigures
from sim.reporting.run.precision_notes import RULE
from sim.reporting.run.verdicts import (
    LATER,
    NOTHING,
    ONE_SEED,
    PAYS,
    PAYS_NOT,
    SAVES,
    UNCLEAR,
    Column,
    Verdict,
    columns,
    sentence,
    verdicts,
)

if TYPE_CHECKING:
    from sim.store.run_reading import Run

LOOKS = {PAYS: "good", LATER: "good", PAYS_NOT: "bad", UNCLEAR: "open", NOTHING: "open", ONE_SEED: "open"}
COUNTED = {  # of several arms
    PAYS: "pay within the horizon",
    LATER: "pay later",
    PAYS_NOT: "do not pay",
    UNCLEAR: "are not clear",
    NOTHING: "make no difference",
}
SINGLE = {UNCLEAR: "is not clear", NOTHING: "makes no difference"}
_YEARLY = {total: name for name, total in SAME_TEST.items()}
SHOWN = tuple(
    _YEARLY.get(kpi, kpi) for kpi in HEADLINES
)  # what is corrected for is what is listed, a year's for a total's


@dataclass(frozen=True)
class Judged:
    """An arm on the decision page: its verdict's words and look, its sentences, its row of numbers."""

    arm: str
    look: str
    words: str
    sentence: str
    detail: str
    cells: tuple[tuple[str, bool], ...]  # text, and whether it is sure


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
    sure: bool


@dataclass(frozen=True)
class FairCell:
    """A gap between two groups as text, with what both get under it. Nobody tests it, so it is never called sure."""

    gap: str
    both: str


@dataclass(frozen=True)
class Fairness:
    """The fairness table: heads of its columns, a row of cells an arm, and what its marks mean ("" without any)."""

    heads: list[tuple[str, str]]
    rows: list[tuple[str, list[FairCell]]]
    note: str


@dataclass(frozen=True)
class Steps:
    """The table of the waterfall: the unit, heads of its columns, a row of numbers an arm, the whole in the last."""

    unit: str
    heads: list[str]
    rows: list[tuple[str, list[str]]]


@dataclass(frozen=True)
class Decision:
    """All that the decision section shows besides its figures."""

    arms: list[Judged]
    overview: str
    columns: list[Column]
    seeds: int
    precision: list[Sure]
    fairness: Fairness | None
    steps: Steps | None
    endless: bool
    saves: bool
    by_cash: bool
    marks: list[str]
    rule: str = RULE


def decide(run: Run, figures: KeyFigures, board: Board) -> Decision | None:
    """The decision page's contents; None for one arm, or when nothing is compared."""
    found = verdicts(figures)
    if board.one_arm or not found:
        return None
    shown = columns(found, board.currency)
    return Decision(
        arms=[_judged(one, shown, figures, board) for one in found],
        overview=overview(found),
        columns=shown,
        seeds=max((one.npv.seeds for one in found if one.npv is not None), default=0),
        precision=precision_of(getattr(run, "precision", None), board.arms[1:], figures),
        fairness=_fairness(board),
        steps=_steps(board),
        endless=any(math.isinf(one.payback) for one in found),
        saves=any(column.write(one) == SAVES for column in shown for one in found),
        by_cash=any(one.by_cash for one in found),
        marks=figures.evidence.words((arm, kpi) for arm in figures.arms for kpi in SHOWN),
    )


def overview(found: list[Verdict]) -> str:
    """How many arms pay, do not pay and are not clear yet; "" where no verdict can be given."""
    counts = {word: sum(one.word == word for one in found) for word in COUNTED}
    if len(found) < 2 or not sum(counts.values()):
        return ""
    parts = [
        f"{count} {COUNTED[word] if count > 1 else SINGLE.get(word, word)}" for word, count in counts.items() if count
    ]
    return f"Of {len(found)} arms {', '.join(parts)}."


def _judged(one: Verdict, shown: list[Column], figures: KeyFigures, board: Board) -> Judged:
    return Judged(
        arm=one.arm,
        look=LOOKS[one.word],
        words=one.words,
        sentence=sentence(one, board.reference, board.currency),
        detail=changes(figures, board, one.arm),
        cells=tuple((column.write(one), column.sure(one)) for column in shown),
    )


def precision_of(table: pd.DataFrame | None, arms: list[str], figures: KeyFigures) -> list[Sure]:
    """Rows of precision.csv for the headline figures of the bank, arm by arm; none without the table."""
    if table is None:
        return []
    place = {kpi: number for number, kpi in enumerate(SHOWN)}
    own = table[table["kpi"].isin(SHOWN) & table["arm"].isin(arms)]
    rows = sorted(own.to_dict("records"), key=lambda row: (arms.index(row["arm"]), place[row["kpi"]]))
    return [_sure(row, figures.gap(str(row["arm"]), str(row["kpi"]))) for row in rows]


def _sure(row: Mapping[Any, Any], gap: Figure | None) -> Sure:
    number = {
        name: float(row[name])
        for name in ("difference", "half_width", "seeds", "seeds_for_half", "unpaired_seeds", "p_value")
    }
    kpi, value, half = str(row["kpi"]), number["difference"], number["half_width"]
    look = units.display(kpi, str(row["unit"]), [value], difference=True)
    text, low, _ = look.write_difference(value, value - half, value + half)
    decimals = len(text.partition(".")[2])
    return Sure(
        arm=str(row["arm"]),
        kpi=kpi,
        label=label(kpi),
        unit=look.unit,
        difference=text + (gap.mark if gap is not None else ""),
        half=units.number(half / look.divisor, decimals) if low else units.MISSING,
        seeds=units.number(number["seeds"]),
        for_half=units.number(number["seeds_for_half"]),
        unpaired=units.number(number["unpaired_seeds"]),
        p=units.p_text(number["p_value"]),
        adjusted=units.p_text(gap.p if gap is not None else math.nan),
        sure=gap is not None and gap.sure,
    )


def _steps(board: Board) -> Steps | None:
    """From where to where value comes; None where no arm has all its steps."""
    table = board.waterfall.pivot(index="arm", columns="step", values="difference")
    steps = [step for step in STEPS if step in table.columns]
    own = table.reindex(board.arms[1:])[steps].dropna()
    if own.empty:
        return None
    whole = own.assign(whole=own.sum(axis=1))
    size, word = units.scale(float(whole.abs().to_numpy().max()))
    decimals = units.significant(float(whole["whole"].abs().max()) / size, 3, most=2)
    rows = [
        (str(arm), [units.number(float(value) / size, decimals, sign=True) for value in row])
        for arm, row in zip(whole.index, whole.to_numpy(), strict=True)
    ]
    heads = [*(STEPS[step] for step in steps), "value" if "equity" in steps else "cash"]
    return Steps(f"{board.currency} {word}".strip(), heads, rows)


def _fairness(board: Board) -> Fairness | None:
    """Gaps between groups, and of the Gini coefficient of service coverage to the reference; None without either."""
    arms = board.arms[1:]
    heads: list[tuple[str, str]] = []
    rows: dict[str, list[FairCell]] = {arm: [] for arm in arms}
    note = ""
    try:
        for one in fairness(board):
            note = few_words() if one.mark else note
            head = (one.measure, f"{one.group} less {one.others}")
            heads += [head] if head not in heads else []
            rows[one.arm].append(_fair(one))
    except NothingToShow:
        pass
    coverage = _coverage(board)
    if coverage:
        heads.append(("coverage Gini", "less the reference's"))
        for arm, cell in zip(arms, coverage, strict=True):
            rows[arm].append(cell)
    return Fairness(heads, list(rows.items()), note) if heads else None


def _fair(one: Fair) -> FairCell:
    own, rest, gap = one.values
    both = f"{units.number(own[0], 1, sign=True)} and {units.number(rest[0], 1, sign=True)}"
    return FairCell(_with_half(*gap, 1) + one.mark, both)


def _with_half(mean: float, half: float, decimals: int) -> str:
    text = units.number(mean, decimals, sign=True)
    return f"{text} {units.PLUS_MINUS} {units.half_text(half, decimals)}" if math.isfinite(half) else text


def _coverage(board: Board) -> list[FairCell]:
    """Gini coefficient of service coverage at the end: each arm's difference to the reference, and both."""
    if not board.has_bank("coverage_gini"):
        return []
    values = board.bank("coverage_gini")
    known = np.isfinite(values).any(axis=(0, 1))
    if not known.any():
        return []
    end = values[:, :, int(np.flatnonzero(known)[-1])]
    gaps = end[1:] - end[:1]
    levels, means, half = band(end).mean, band(gaps).mean, half_width(gaps, 1)
    return [
        FairCell(
            _with_half(float(mean), float(wide), 3),
            f"{units.number(float(level), 3)} and {units.number(float(levels[0]), 3)}",
        )
        for level, mean, wide in zip(levels[1:], means, half, strict=True)
    ]
