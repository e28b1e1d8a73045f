"""Sensitivity indices: bars of first-order and total Sobol' indices, or the plane of Morris."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style
from sim.reporting.figures.board import Cube

FIRST, TOTAL = style.PALETTE[0], style.PALETTE[1]
ROW = 0.36
NAMES = 2.3


@dataclass(frozen=True)
class Shares:
    """First-order and total indices (None: there are none) of parameters in the order to draw, with half-widths."""

    name: str
    parameters: Sequence[str]
    first: Cube
    first_half: Cube
    total: Cube | None
    total_half: Cube | None
    few: Cube | None = None  # mask (2, parameters), first order and total: the samples are too few to say


@dataclass(frozen=True)
class Screening:
    """Morris: mean absolute effect over the whole range with half its interval, and the spread of effects."""

    name: str
    unit: str
    parameters: Sequence[str]
    mu_star: Cube
    half: Cube
    sigma: Cube


@style.drawn
def shares(title: str, subtitle: str, panels: Sequence[Shares]) -> Figure:
    """A panel an arm, a row a parameter, two bars a row with their intervals."""
    names = [style.fit(name, NAMES, style.TICK) for panel in panels for name in panel.parameters]
    left = max(style.text_width(name, style.TICK) for name in names) + 0.14
    most = max(len(panel.parameters) for panel in panels)
    both = any(panel.total is not None for panel in panels)
    key = [("alone (first order)", FIRST), *([("with all interactions (total)", TOTAL)] if both else [])]
    figure, axes = style.page(
        title, subtitle, len(panels), 1, height=ROW * most + 0.1, left=left, right=0.4, between=0.72, key=key
    )
    for (axis,), panel in zip(axes, panels, strict=True):
        _bars(axis, panel, most)
        style.name_panel(axis, panel.name, "share of variance")
    return figure


def _bars(axes: Axes, panel: Shares, most: int) -> None:
    shown = [(panel.first, panel.first_half, FIRST, -0.17 if panel.total is not None else 0.0)]
    if panel.total is not None and panel.total_half is not None:
        shown.append((panel.total, panel.total_half, TOTAL, 0.17))
    reach = [float(np.nanmax(values + np.nan_to_num(half))) for values, half, _, _ in shown]
    low = min(0.0, *(float(np.nanmin(values - np.nan_to_num(half))) for values, half, _, _ in shown))
    marks.level_axis(axes, [[low, max(*reach, 0.1)]] if len(reach) > 1 else [[low, max(reach[0], 0.1)]])
    for place, (values, half, colour, away) in enumerate(shown):
        rows = np.arange(len(values)) + away
        bars = axes.barh(rows, values, height=0.3, color=colour, zorder=3, linewidth=0)
        for bar, few in zip(bars, panel.few[place] if panel.few is not None else (), strict=False):
            bar.set_alpha(0.25 if few else 1.0)
        for row, value, wide in zip(rows, values, half, strict=True):
            if np.isfinite(wide):
                axes.plot([value - wide, value + wide], [row, row], color=style.INK, linewidth=1.0, zorder=4)
    axes.set_ylim(most - 0.5, -0.5)
    axes.set_yticks(range(len(panel.parameters)), [style.fit(name, NAMES, style.TICK) for name in panel.parameters])
    axes.tick_params(axis="y", labelcolor=style.INK)


@style.drawn
def screening(title: str, subtitle: str, panels: Sequence[Screening]) -> Figure:
    """Mean absolute effect across, spread of effects up; below the line effects are nearly the same everywhere."""
    rows, columns = style.grid_shape(len(panels)) if len(panels) > 1 else (1, 1)
    columns = min(columns, 2)
    rows = -(-len(panels) // columns)
    figure, axes = style.page(
        title, subtitle, rows, columns, height=3.2, lefts=[0.7] * columns, rights=[0.5] * columns, share_x=False
    )
    flat = [axis for row in axes for axis in row]
    for axis, panel in zip(flat, panels, strict=False):
        _plane(axis, panel)
    for axis in flat[len(panels) :]:
        axis.remove()
    return figure


def _plane(axes: Axes, panel: Screening) -> None:
    half = np.nan_to_num(panel.half)
    marks.level_axis(axes, [panel.mu_star + half, [float(panel.mu_star.max()) * 1.25]])
    marks.value_axis(axes, [panel.sigma * 1.1, [float(panel.mu_star.max()) * 0.3]], zero=True)
    axes.grid(axis="y", color=style.GRID, linewidth=0.8, visible=True)
    axes.set_xlim(0, axes.get_xlim()[1])
    end = min(axes.get_xlim()[1], axes.get_ylim()[1])
    axes.plot([0, end], [0, end], color=style.SOFT, linewidth=0.8, linestyle=(0, (3, 2)), zorder=2)
    wide, tall = style.size_inches(axes)
    taken: list[tuple[float, float, float, float]] = []
    scale_x, scale_y = wide / axes.get_xlim()[1], tall / (axes.get_ylim()[1] - axes.get_ylim()[0])
    for place in np.argsort(-panel.mu_star, kind="stable"):
        x, y = float(panel.mu_star[place]), float(panel.sigma[place])
        colour = style.PALETTE[int(place) % len(style.PALETTE)]
        axes.plot([x - half[place], x + half[place]], [y, y], color=colour, linewidth=1.2, zorder=3)
        axes.plot(
            [x],
            [y],
            style.MARKERS[int(place) % len(style.MARKERS)],
            color=colour,
            markersize=6,
            zorder=4,
            clip_on=False,
        )
        name = style.fit(panel.parameters[int(place)], 2.2, 7.5)
        long = style.text_width(name, 7.5)
        for dx, dy, side in (
            (0.09, 0.09, "left"),
            (-0.09, 0.09, "right"),
            (0.09, -0.15, "left"),
            (-0.09, -0.15, "right"),
            (0.09, 0.24, "left"),
            (-0.09, 0.24, "right"),
        ):
            px = x * scale_x + dx - (long if side == "right" else 0.0)
            py = (y - axes.get_ylim()[0]) * scale_y + dy
            box = (px, py - 0.02, px + long, py + 0.12)
            free = not any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken)
            if free and px > 0 and box[2] < wide + 0.45:
                taken.append(box)
                axes.annotate(
                    name,
                    (x, y),
                    (dx * 72, dy * 72),
                    textcoords="offset points",
                    size=7.5,
                    color=style.ink(colour),
                    ha=side,
                    va="bottom",
                    annotation_clip=False,
                )
                break
    axes.set_xlabel(f"mean absolute effect, {panel.unit}", size=style.LABEL, color=style.SOFT)
    style.name_panel(axes, panel.name, "spread of the effects")
