"""Stylised facts as figures: each figure's interval against its tolerance, and the courses that a fact speaks of."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style, units
from sim.reporting.figures.board import NothingToShow

ROW = 0.42  # inches
NAMES, TEXT = 2.5, 2.9  # inches of the names and of what is written behind
BAND = "#DDE7DD"
COLOURS = {"holds": style.GAIN, "misses": style.LOSS}


@dataclass(frozen=True)
class Line:
    """A figure of a fact: its name, mean with interval, tolerance, verdict, what is written behind it, its seeds."""

    name: str
    mean: float
    low: float
    high: float
    tolerance: tuple[float, float]
    verdict: str
    text: str
    seeds: Sequence[float] = ()


@style.drawn
def against_tolerances(title: str, subtitle: str, lines: Sequence[Line]) -> Figure:
    """A row a figure, each on a scale of its own: band of tolerance, seeds as dots, mean with its interval."""
    if not lines:
        raise NothingToShow("nothing of it is measured")
    names = style.folded([line.name for line in lines], (NAMES,), style.TICK)
    key = [("holds", COLOURS["holds"]), ("misses", COLOURS["misses"]), ("unclear", style.NEUTRAL), ("tolerance", BAND)]
    shown = {line.verdict for line in lines} | {"tolerance"}
    figure, axes = style.page(
        title,
        subtitle,
        1,
        1,
        height=ROW * len(lines) + 0.1,
        left=style.name_room(names, style.TICK) + 0.1,
        right=TEXT,
        bottom=0.12,
        key=[one for one in key if one[0] in shown],
    )
    axis = axes[0][0]
    for place, line in enumerate(reversed(lines)):
        low, high = _reach(line)

        def at(value: float, low: float = low, high: float = high) -> float:
            return float(np.clip((value - low) / (high - low), 0.0, 1.0))

        colour = COLOURS.get(line.verdict, style.NEUTRAL)
        left, right = (at(end) for end in line.tolerance)
        axis.fill_betweenx([place - 0.34, place + 0.34], left, right, color=BAND, linewidth=1.5, zorder=1)
        if math.isfinite(line.mean):
            seeds = [at(value) for value in line.seeds if math.isfinite(value)]
            axis.plot(
                seeds, [place] * len(seeds), linestyle="none", marker="|", color=style.SOFT, markersize=7, zorder=2
            )
            axis.plot([at(line.low), at(line.high)], [place, place], color=colour, linewidth=2.0, zorder=3)
            axis.plot([at(line.mean)], [place], marker="o", color=colour, markersize=5.5, zorder=4)
        axis.annotate(
            "\n".join(style.fit(text, TEXT - 0.1, style.TICK) for text in line.text.split("\n")),
            (1, place),
            (8, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            size=style.TICK,
            color=style.INK,
            va="center",
            annotation_clip=False,
        )
    axis.set_xlim(0.0, 1.0)
    axis.set_ylim(-0.6, len(lines) - 0.4)
    axis.set_yticks(range(len(lines)), names[::-1])
    axis.tick_params(axis="y", labelcolor=style.INK)
    axis.set_xticks([])
    axis.spines["bottom"].set_visible(False)
    axis.grid(visible=False)
    return figure


def _reach(line: Line) -> tuple[float, float]:
    """From where to where a row shows: all that is finite, with some room, and a bound without end beyond it."""
    ends = [end for end in (line.mean, line.low, line.high, *line.tolerance, *line.seeds) if math.isfinite(end)]
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    room = 0.12 * (high - low) or max(abs(high), 1.0) * 0.12
    return low - room, high + room


@style.drawn
def course(title: str, subtitle: str, curve: Mapping[str, Any]) -> Figure:
    """A curve of means over seeds, with the 95 % interval as a band."""
    points = np.array([[np.nan if v is None else v for v in point] for point in curve["points"]], float)
    points = points[np.isfinite(points[:, 1])] if points.size else points
    if not len(points):
        raise NothingToShow("nothing of it is measured")
    divisor, word = (0.01, "") if curve["percent"] else units.scale(float(np.nanmax(np.abs(points[:, 1]))))
    factor = 1.0 / divisor
    x, mean, low, high = points[:, 0], *(factor * points[:, k] for k in (1, 2, 3))
    figure, axes = style.page(title, subtitle, 1, 1, height=2.1, left=0.7, right=0.4, bottom=0.5)
    axis = axes[0][0]
    axis.fill_between(x, low, high, color=style.GAIN, alpha=0.2, linewidth=0)
    axis.plot(x, mean, color=style.GAIN, linewidth=1.8, marker="o" if len(x) < 15 else "", markersize=4)
    axis.set_xlabel(curve["x"], size=style.LABEL, color=style.SOFT)
    ends = [end for end in (*mean, *low, *high) if math.isfinite(end)]
    if min(ends) < 0 < max(ends):
        axis.axhline(0.0, color="#8C8C8C", linewidth=0.9)
    marks.ticks_along(axis, *axis.get_xlim())
    style.name_panel(axis, curve["name"], " ".join(part for part in (curve["y"], word) if part))
    return figure
