"""The summary that a terminal shows at the end of a run: plain text, at most 100 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from sim.figures import units
from sim.report.key_figures import Cell, KeyFigures, difference_texts, label, unit_of
from sim.report.sureness import COMPARED, SHORT, precision_note, precision_rows

if TYPE_CHECKING:
    from sim.results import Run

WIDTH = 100
SHOWN = (
    "attrition_annual", "closure_annual", "retention_12m", "dormant_share", "customers_end", "aum_end",
    "net_new_money_annual", "revenue_annual", "cost_annual", "profit_annual", "npv", "clv", "products", "satisfaction",
    "nps", "contacts_per_customer", "manager_utilisation",
)  # fmt: skip
CLEAR = "*"


def summary_table(
    source: Run | pd.DataFrame,
    comparison: pd.DataFrame | None = None,
    precision: pd.DataFrame | None = None,
    *,
    width: int = WIDTH,
) -> str:
    """Key figures as text: by bank and tier for one arm, else a row an arm with its differences to the reference.

    `source` is a stored run or its summary table. With several arms and `precision`, how sure the differences are
    stands below. Ends without a newline.
    """
    if isinstance(source, pd.DataFrame):
        summary = source
    else:
        summary = source.summary
        comparison = source.comparison if len(source.arms) > 1 and comparison is None else comparison
    figures = KeyFigures(summary, comparison)
    if len(figures.arms) == 1:
        return _by_tier(figures, summary, width)
    sure = _how_sure(precision, width) if precision is not None else ""
    return _by_arm(figures, width) + (f"\n\n{sure}" if sure else "")


def _how_sure(precision: pd.DataFrame, width: int) -> str:
    """A row an arm: half-width, seeds for half of it and corrected p, of as many KPIs as there is room for."""
    head, body, starts = precision_rows(precision)
    ends = [*starts[1:], len(head[0])] if starts else []
    body = [[_short(row[0], 24), *row[1:]] for row in body]
    for end in reversed(ends):
        text = _aligned([row[:end] for row in head], [row[:end] for row in body])
        if _widest(text) <= width or end == ends[0]:
            return "\n".join([*text, "", *precision_note(precision)])
    return ""


def _by_tier(figures: KeyFigures, summary: pd.DataFrame, width: int) -> str:
    arm = figures.arms[0]
    names = summary["kpi"].astype(str)
    tiers = list(dict.fromkeys(names[names.str.startswith("customers_end[")].str[len("customers_end[") : -1]))
    rows = [row for group in figures.by_tier(arm, tiers).values() for row in group if row.kpi in SHOWN]
    rows.sort(key=lambda row: SHOWN.index(row.kpi))
    for spread in (len(tiers) + 1, 1, 0):  # intervals for all, for the bank alone, for none
        body = [
            [row.label, row.unit, *(_cell(cell, place < spread) for place, cell in enumerate(row.cells))]
            for row in rows
        ]
        text = _aligned([["", "", "bank", *tiers]], body)
        if _widest(text) <= width:
            break
    shown = len(tiers)
    while _widest(text) > width and shown > 0:  # many tiers: those from the top down that fit
        shown -= 1
        kept = [[*row[:3], *row[3 + len(tiers) - shown :]] for row in body]
        text = _aligned([["", "", "bank", *tiers[len(tiers) - shown :]]], kept)
    seeds = int(summary["seeds"].max())
    notes = []
    if seeds > 1 and spread:
        notes.append(f"{units.PLUS_MINUS} half width of the 95 % interval over {seeds} seeds")
    elif seeds <= 1:
        notes.append("one seed, so no intervals")
    if shown < len(tiers):
        notes.append(f"{len(tiers) - shown} lower tiers in summary.csv")
    return "\n".join([*text, "", "; ".join(notes)]).rstrip()


def _cell(cell: Cell, spread: bool) -> str:
    if not cell.half or not spread:
        return cell.text
    return f"{cell.text} {units.PLUS_MINUS}{cell.half}"


def _by_arm(figures: KeyFigures, width: int) -> str:
    kpis = [kpi for kpi in COMPARED if figures.said(kpi)]
    while kpis:
        head, unit_line, columns = ["arm"], [""], [[_short(arm, 24) for arm in figures.arms]]
        for kpi in kpis:
            found = [figures.of(arm, kpi) for arm in figures.arms]
            gaps = [figures.gap(arm, kpi) for arm in figures.arms]
            look = units.display(kpi, unit_of(found), [one.value for one in found if one])
            apart = units.Display(look.divisor, look.most_decimals, look.unit, look.least_decimals)
            values = [look.write(one.value, one.half)[0] if one else units.MISSING for one in found]
            levels = [one.value if one else 0.0 for one in found]
            changes = [_change(difference_texts(gap, apart, level)) for gap, level in zip(gaps, levels, strict=True)]
            head += [SHORT.get(kpi, label(kpi).lower()), ""]
            unit_line += [look.unit, ""]
            columns += [values, changes]
        body = [list(row) for row in zip(*columns, strict=True)]
        text = _aligned([head, unit_line], body, tight=range(2, 2 * len(kpis) + 1, 2))
        if _widest(text) <= width or len(kpis) == 1:
            break
        kpis = kpis[:-1]
    reference = figures.arms[0]
    certain = f"; {CLEAR} its 95 % interval leaves zero out" if any(CLEAR in line for line in text[3:]) else ""
    return "\n".join([*text, "", f"in brackets: difference to {reference}, same seeds{certain}"])


def _change(texts: tuple[str, str, str, bool]) -> str:
    text, _, _, clear = texts
    return f"({text}){CLEAR if clear else ' '}" if text else ""


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _aligned(head: Sequence[Sequence[str]], body: Sequence[Sequence[str]], tight: Sequence[int] = ()) -> list[str]:
    """Lines with words to the left and numbers to the right; columns of `tight` stand close to the one before."""
    rows = [[text.replace(units.GAP, " ") for text in row] for row in [*head, *body]]
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    words = 2 if head[0][1] == "" else 1

    def line(row: Sequence[str]) -> str:
        parts = []
        for place, (text, wide) in enumerate(zip(row, widths, strict=True)):
            gap = "" if place == 0 else " " if place in tight else "  "
            parts.append(gap + (text.ljust(wide) if place < words else text.rjust(wide)))
        return "".join(parts).rstrip()

    lines = [line(row) for row in rows]
    lines.insert(len(head), "-" * max(map(len, lines)))
    return lines


def _widest(lines: Sequence[str]) -> int:
    return max(map(len, lines))
