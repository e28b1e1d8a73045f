"""The tornado of a sweep: what the outcome is at the low and at the high end of each parameter, the others averaged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style

ROW = 0.34  # inches of a parameter
LOW, HIGH = style.PALETTE[1], style.PALETTE[0]
NAMES = (2.3, 2.7, 3.2)  # inches of a parameter's name; the more the longer names are


@dataclass(frozen=True)
class Swing:
    """A parameter's ends: their names, mean outcome and half its interval (NaN for none); clear or maybe chance."""

    name: str
    low: float
    high: float
    low_half: float
    high_half: float
    low_name: str
    high_name: str
    clear: bool
    least: float  # of the means of all its levels or bins
    most: float


@dataclass(frozen=True)
class Tornado:
    """One panel: swings from the largest to the smallest around the mean of all points."""

    name: str
    unit: str
    centre: float
    swings: Sequence[Swing]


@style.drawn
def tornado(title: str, subtitle: str, panels: Sequence[Tornado]) -> Figure:
    """Panels below one another, each with rows of its own."""
    parameters = list(dict.fromkeys(swing.name for panel in panels for swing in panel.swings))
    names = dict(zip(parameters, style.folded(parameters, NAMES, style.TICK), strict=True))
    left = style.name_room(list(names.values()), style.TICK) + 0.14
    most = max(len(panel.swings) for panel in panels)
    figure, axes = style.page(
        title,
        subtitle,
        len(panels),
        1,
        height=ROW * most + 0.1,
        left=left,
        right=0.5,
        between=0.72,
        share_x=True,
        key=[("low end of the range", LOW, "o"), ("high end", HIGH, "s")],
    )
    for (axis,), panel in zip(axes, panels, strict=True):
        _rows(axis, panel, most, names)
        style.name_panel(axis, panel.name, panel.unit)
    return figure


def _rows(axes: Axes, panel: Tornado, most: int, names: dict[str, str]) -> None:
    reach = [
        value
        for swing in panel.swings
        for mean, half in ((swing.low, swing.low_half), (swing.high, swing.high_half))
        for value in (mean, mean - _none(half), mean + _none(half))
    ]
    _around(axes, [*reach, panel.centre, *(end for swing in panel.swings for end in (swing.least, swing.most))])
    axes.axvline(panel.centre, color=style.SOFT, linewidth=0.9, linestyle=(0, (3, 2)), zorder=2)
    wide, _ = style.size_inches(axes)
    left, right = axes.get_xlim()
    for row, swing in enumerate(panel.swings):
        axes.barh(row, swing.most - swing.least, left=swing.least, height=0.72, color="#E4E4E4", zorder=1.5)
        for value, half, colour, marker, name, other in (
            (swing.low, swing.low_half, LOW, "o", swing.low_name, swing.high),
            (swing.high, swing.high_half, HIGH, "s", swing.high_name, swing.low),
        ):
            axes.barh(
                row,
                value - panel.centre,
                left=panel.centre,
                height=0.46,
                color=colour,
                zorder=3,
                alpha=0.85 if swing.clear else 0.3,
            )
            if math.isfinite(half):
                axes.plot([value - half, value + half], [row, row], color=style.INK, linewidth=1.0, zorder=5)
            axes.plot(
                [value],
                [row],
                marker,
                color=colour,
                markersize=5,
                zorder=6,
                markeredgecolor="white",
                markeredgewidth=0.6,
            )
            out = value > other or (value == other and colour == HIGH)
            reach = [swing.least, swing.most] + [
                one + side * _none(wide)
                for one, wide in ((swing.low, swing.low_half), (swing.high, swing.high_half))
                for side in (-1, 1)
            ]
            end = max(reach) if out else min(reach)
            room = ((right - end) if out else (end - left)) / (right - left) * wide + (0.45 if out else 0.0)
            if style.text_width(name, 7.5) + 0.1 < room:
                axes.annotate(
                    name,
                    (end, row),
                    (6 if out else -6, 0),
                    textcoords="offset points",
                    size=7.5,
                    color=style.SOFT,
                    ha="left" if out else "right",
                    va="center_baseline",
                    annotation_clip=False,
                )
    axes.set_ylim(most - 0.5, -0.5)
    axes.set_yticks(range(len(panel.swings)), [names[swing.name] for swing in panel.swings])
    axes.tick_params(axis="y", labelcolor=style.INK)


def _around(axes: Axes, values: Sequence[float]) -> None:
    """A value axis along x with room for the names of ends; zero is marked if it lies within."""
    finite = np.array([value for value in values if math.isfinite(value)])
    low, high = float(finite.min()), float(finite.max())
    span = (high - low) or abs(high) or 1.0
    low, high = low - 0.17 * span, high + 0.17 * span
    marks.level_axis(axes, [finite])
    axes.set_xlim(low, high)
    marks.ticks_along(axes, low, high)


def _none(half: float) -> float:
    return half if math.isfinite(half) else 0.0
