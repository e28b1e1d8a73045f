"""What an optimisation found: the front, what fresh seeds left of it, and how the best split the money.

Each function takes the tables of an optimisation (`candidates`, `confirmed`) and what their key figures are called.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.phrases import quoted, spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import style, units

BEST, BASELINE, WINNER, REST = style.PALETTE[0], style.PALETTE[1], style.PALETTE[2], "#BDBDBD"
KEY = (("best of the search", BEST, "o"), ("baseline", BASELINE, "s"))
NAMES = (2.0, 2.6, 3.2)  # inches of a candidate's name; the more the longer names are
APART = 0.17  # rows between the search's mark and the confirmed one


@dataclass(frozen=True)
class Measure:
    """A key figure: its name for a reader, how it is written, 1 if more is better, -1 if less, 0 if it is limited."""

    kpi: str
    name: str
    look: units.Display
    sign: float

    def of(self, table: pd.DataFrame, column: str) -> np.ndarray:
        """A column in the measure's unit."""
        return table[column].to_numpy(dtype=float) / self.look.divisor


@style.drawn
def front(
    candidates: pd.DataFrame,
    confirmed: pd.DataFrame,
    measures: Sequence[Measure],
    reference: str,
    title: str,
    best: str,
) -> Figure:
    """All candidates in the plane of the first two objectives; the confirmed twice, search hollow and fresh filled."""
    across, up = measures[:2]
    fine = candidates[candidates["status"] == "ok"]
    xs, ys = across.of(fine, across.kpi), up.of(fine, up.kpi)
    tables = [_of(confirmed, one) for one in (across, up)]
    figure, ((panel,),) = style.page(
        title,
        f"Differences to {quoted(reference)}, same seeds. Grey: every candidate of "
        "the search, by the seeds it lived. Hollow: those confirmed as the search saw them; filled: on fresh seeds, "
        f"with 95{units.GAP}% intervals (paired t). The line between is what the search flattered them by.",
        1,
        1,
        height=4.2,
        left=0.8,
        right=0.4,
        key=_key(confirmed, best),
    )
    ends = [
        np.concatenate([measure.of(table, column) for column in ("confirmed_low", "confirmed_high", "search")])
        for measure, table in zip((across, up), tables, strict=True)
    ]
    marks.level_axis(panel, [xs, ends[0]])
    marks.value_axis(panel, [ys, ends[1]], zero=True)
    panel.grid(axis="y", color=style.GRID, linewidth=0.8, visible=True)
    panel.plot(xs, ys, "o", color=REST, markersize=3.2, zorder=2, linewidth=0)
    panel.plot([0.0], [0.0], "+", color=style.NEUTRAL, markersize=9, markeredgewidth=1.6, zorder=4)
    for row in range(len(tables[0])):
        x, y = (_values(measure, table.iloc[row]) for measure, table in zip((across, up), tables, strict=True))
        colour, marker = _look(tables[0].iloc[row])
        panel.plot([x[0], x[1]], [y[0], y[1]], color=colour, linewidth=0.9, alpha=0.6, zorder=3)
        panel.plot([x[0]], [y[0]], marker, color=colour, markerfacecolor="white", markersize=6, zorder=5)
        panel.plot([x[2], x[3]], [y[1], y[1]], color=colour, linewidth=1.2, zorder=4)
        panel.plot([x[1], x[1]], [y[2], y[3]], color=colour, linewidth=1.2, zorder=4)
        panel.plot([x[1]], [y[1]], marker, color=colour, markersize=7, zorder=6)
    _names(panel, tables, (across, up), reference)
    style.name_panel(panel, up.name, up.look.unit + _better(up))
    panel.set_xlabel(f"{across.name}, {across.look.unit}{_better(across)}", size=style.LABEL, color=style.SOFT)
    return figure


@style.drawn
def search_and_confirmed(
    confirmed: pd.DataFrame, measures: Sequence[Measure], reference: str, title: str, best: str
) -> Figure:
    """A line a confirmed candidate, a panel a key figure: the search's estimate above the one of fresh seeds."""
    first = _of(confirmed, measures[0])
    order = np.argsort(-measures[0].sign * np.nan_to_num(first["confirmed"].to_numpy(dtype=float)), kind="stable")
    names = style.folded([_name(first.iloc[row]) for row in order], NAMES, style.TICK)
    room = style.name_room(names, style.TICK) + 0.16
    searched, fresh = (int(first[f"{column}_seeds"].max()) for column in ("search", "confirmed"))
    figure, axes = style.page(
        title,
        f"Differences to {quoted(reference)}, same seeds, with 95{units.GAP}% "
        f"intervals (paired t). Hollow: the search, up to {searched} seeds, which also chose them. Filled: "
        f"{fresh} fresh seeds.",
        1,
        len(measures),
        height=0.36 * len(names) + 0.1,
        lefts=[room, *[0.3] * (len(measures) - 1)],
        rights=[0.25] * len(measures),
        key=_key(confirmed, best),
        bottom=0.35,
    )
    for place, (panel, measure) in enumerate(zip(axes[0], measures, strict=True)):
        own = _of(confirmed, measure)
        columns = [f"{kind}{end}" for kind in ("search", "confirmed") for end in ("", "_low", "_high")]
        marks.level_axis(panel, [measure.of(own, column) for column in columns])
        for row, which in enumerate(order):
            line = own.iloc[which]
            colour, marker = _look(line)
            for kind, at, fill in (("search", row - APART, "white"), ("confirmed", row + APART, colour)):
                low, mid, high = (float(line[f"{kind}{end}"]) / measure.look.divisor for end in ("_low", "", "_high"))
                panel.plot([low, high], [at, at], color=colour, linewidth=1.3, alpha=0.9, zorder=3)
                panel.plot([mid], [at], marker, color=colour, markerfacecolor=fill, markersize=5.5, zorder=4)
        panel.set_ylim(len(names) - 0.4, -0.6)
        panel.set_yticks(np.arange(len(names)), names if place == 0 else [""] * len(names))
        panel.tick_params(axis="y", labelcolor=style.INK)
        style.name_panel(panel, measure.name, measure.look.unit + _better(measure), beyond=0.2)
    return figure


@style.drawn
def mixes(confirmed: pd.DataFrame, members: Sequence[str], measure: Measure, best: str) -> Figure:
    """How each confirmed candidate splits the money, the best on fresh seeds first."""
    own = _of(confirmed, measure)
    order = np.argsort(-measure.sign * np.nan_to_num(own["confirmed"].to_numpy(dtype=float)), kind="stable")
    own = own.iloc[order]
    names = style.folded([_name(row) for _, row in own.iterrows()], NAMES, style.TICK)
    room = style.name_room(names, style.TICK) + 0.16
    colours = style.tier_colours(len(members))
    winner = own[own["winner"]]
    title = "How the confirmed split the budget"
    if len(winner):
        parts = sorted(((float(winner.iloc[0][f"share.{one}"]), one) for one in members), reverse=True)
        split = ", ".join(f"{units.percent(part, 0)} {spoken(one, '')}" for part, one in parts if part > 0)
        title = f"The budget of the {best}: {split}"
    figure, ((panel,),) = style.page(
        title,
        f"Shares of what is spent a year, managers they add included; the best by {measure.name.lower()} on "
        "fresh seeds first. Number: that difference to the reference.",
        1,
        1,
        height=0.3 * len(names) + 0.05,
        left=room,
        right=1.1,
        bottom=0.3,
        key=[(spoken(one, ""), colour) for one, colour in zip(members, colours, strict=True)],
    )
    for row, (_, line) in enumerate(own.iterrows()):
        start = 0.0
        for one, colour in zip(members, colours, strict=True):
            share = float(line[f"share.{one}"]) * 100
            if math.isfinite(share) and share > 0:
                panel.barh([row], [share], left=start, height=0.62, color=colour, linewidth=0, zorder=3)
                if share >= 6:
                    panel.text(
                        start + share / 2,
                        row,
                        units.number(share),
                        size=8,
                        color=style.ink_on(colour),
                        ha="center",
                        va="center_baseline",
                        zorder=4,
                    )
                start += share
        half = (float(line["confirmed_high"]) - float(line["confirmed_low"])) / 2
        value, ends = measure.look.write(float(line["confirmed"]), half, sign=True)
        panel.annotate(
            f"{value} {units.PLUS_MINUS}{units.GAP}{ends}" if ends else value,
            (1, row),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            size=8,
            color=style.INK,
            ha="left",
            va="center_baseline",
            annotation_clip=False,
        )
    panel.set_xlim(0, 100)
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_yticks(np.arange(len(names)), names)
    panel.tick_params(axis="y", labelcolor=style.INK)
    panel.grid(axis="y", visible=False)
    style.name_panel(panel, "Shares of the budget", f"%; right: {measure.name.lower()}, {measure.look.unit}")
    return figure


def _of(confirmed: pd.DataFrame, measure: Measure) -> pd.DataFrame:
    return confirmed[(confirmed["kpi"] == measure.kpi) & (confirmed["status"] == "ok")].reset_index(drop=True)


def _values(measure: Measure, row: Any) -> tuple[float, float, float, float]:
    """Search, confirmed and the ends of the confirmed interval, in the measure's unit."""
    search, *fresh = (
        float(row[column]) / measure.look.divisor
        for column in ("search", "confirmed", "confirmed_low", "confirmed_high")
    )
    return search, fresh[0], fresh[1], fresh[2]


def _look(row: Any) -> tuple[str, str]:
    """Colour and marker of a confirmed candidate."""
    if row["winner"]:
        return WINNER, "D"
    return (BEST, "o") if row["role"] == "best" else (BASELINE, "s")


def _name(row: Any) -> str:
    return spoken(str(row["name"]))


def _better(measure: Measure) -> str:
    return {1.0: " (more is better)", -1.0: " (less is better)"}.get(measure.sign, "")


def _names(axes: Axes, tables: Sequence[pd.DataFrame], measures: Sequence[Measure], reference: str) -> None:
    """A name at the confirmed ones and the reference, whole and near its point where there is room: winner first."""
    wide, tall = style.size_inches(axes)
    (left, right), (base, top) = axes.get_xlim(), axes.get_ylim()
    points = [(0.0, 0.0, spoken(reference), style.NEUTRAL, True)]
    for row in range(len(tables[0])):
        line = tables[0].iloc[row]
        x, y = (_values(measure, table.iloc[row])[1] for measure, table in zip(measures, tables, strict=True))
        points.append((x, y, _name(line), _look(line)[0], bool(line["winner"])))
    taken: list[tuple[float, float, float, float]] = _crosses(axes, tables, measures)
    for x, y, name, colour, important in sorted(points, key=lambda point: not point[4]):
        if not math.isfinite(x + y):
            continue
        px, py = (x - left) / (right - left) * wide, (y - base) / (top - base) * tall
        long, high = style.text_width(name, style.LABEL) + 0.05, style.LABEL * 1.25 / 72
        for dx, dy in (
            (dx, up * dy)
            for dy in (0.12, 0.3, 0.48, 0.66, 0.84)
            for up in (1, -1)
            for dx in (0.1, -0.1 - long, -long / 2)
        ):
            box = (px + dx, py + dy - high / 2, px + dx + long, py + dy + high / 2)
            inside = box[0] >= 0 and box[2] <= wide + 0.35 and box[1] >= 0 and box[3] <= tall + 0.1
            if inside and not any(a[0] < box[2] and box[0] < a[2] and a[1] < box[3] and box[1] < a[3] for a in taken):
                taken.append(box)
                axes.text(
                    box[0] / wide,
                    (box[1] + box[3]) / 2 / tall,
                    name,
                    transform=axes.transAxes,
                    size=style.LABEL,
                    color=style.ink(colour),
                    va="center_baseline",
                    weight="bold" if important else "normal",
                    zorder=7,
                )
                break


def _crosses(
    axes: Axes, tables: Sequence[pd.DataFrame], measures: Sequence[Measure]
) -> list[tuple[float, float, float, float]]:
    """Boxes in inches around the intervals of the confirmed, which names should not lie on."""
    wide, tall = style.size_inches(axes)
    (left, right), (base, top) = axes.get_xlim(), axes.get_ylim()
    found = []
    for row in range(len(tables[0])):
        (_, x, *across), (_, y, *up) = (
            _values(one, table.iloc[row]) for one, table in zip(measures, tables, strict=True)
        )
        px, x0, x1 = ((one - left) / (right - left) * wide for one in (x, *across))
        py, y0, y1 = ((one - base) / (top - base) * tall for one in (y, *up))
        found += [(x0, py - 0.03, x1, py + 0.03), (px - 0.03, y0, px + 0.03, y1)]
    return [box for box in found if all(map(math.isfinite, box))]


def _key(confirmed: pd.DataFrame, best: str) -> list[tuple[str, str, str]]:
    """What the marks stand for; the best one's only where there is one."""
    return [*KEY, *([(best, WINNER, "D")] if confirmed["winner"].any() else [])]
