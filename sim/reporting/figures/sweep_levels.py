"""The outcome over each parameter by itself: every point, the means of levels or bins, a straight trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style
from sim.reporting.figures.board import Cube

MOST_DOTS = 600  # a point each; more make a large page and no clearer picture
CLOUD = "#9DB7CC"


@dataclass(frozen=True)
class Levels:
    """One parameter: all points (x, y), means of its levels or bins with half-widths, names of a choice's levels."""

    name: str
    unit: str
    x: Cube
    y: Cube
    at: Cube
    mean: Cube
    half: Cube
    names: Sequence[str] | None
    log: bool
    trend: bool


@style.drawn
def levels(title: str, subtitle: str, panels: Sequence[Levels], unit: str, colour: str, mark: float | None) -> Figure:
    """A grid of panels that share the outcome's scale."""
    rows, columns = style.grid_shape(len(panels))
    figure, axes = style.page(
        title,
        subtitle,
        rows,
        columns,
        height=2.0,
        lefts=[0.62, *([0.5] * (columns - 1))],
        rights=[0.2] * columns,
        share_x=False,
    )
    flat = [axis for row in axes for axis in row]
    shown = np.concatenate([panel.y for panel in panels])
    inner = np.nanquantile(shown, [0.01, 0.99]) if len(shown) > 50 else shown
    for axis, panel in zip(flat, panels, strict=False):
        _panel(axis, panel, colour)
        marks.value_axis(axis, [inner, *(one.mean for one in panels), [mark] if mark is not None else []])
        if mark is not None:
            axis.axhline(mark, color=style.INK, linewidth=0.9, zorder=2)
        style.name_panel(axis, panel.name, unit if axis is flat[0] else "", beyond=0.3)
        axis.set_xlabel(panel.unit, size=style.LABEL, color=style.SOFT, labelpad=2)
    for axis in flat[len(panels) :]:
        axis.remove()
    return figure


def _panel(axes: Axes, panel: Levels, colour: str) -> None:
    step = max(1, -(-len(panel.x) // MOST_DOTS))
    x, y = panel.x[::step], panel.y[::step]
    low, high = float(np.min(panel.x)), float(np.max(panel.x))
    if panel.log and low > 0:
        axes.set_xscale("log")
        pad = (high / low) ** 0.06
        axes.set_xlim(low / pad, high * pad)
    else:
        pad = 0.08 * (high - low) or 0.5
        if panel.names is not None:
            pad = 0.5
        axes.set_xlim(low - pad, high + pad)
    axes.plot(x, y, "o", color=CLOUD, markersize=2.2, markeredgewidth=0, alpha=0.7, zorder=2)
    if panel.trend and len(panel.x) > 2:
        along = np.log(panel.x) if panel.log and low > 0 else panel.x
        slope, start = np.polyfit(along, panel.y, 1)
        ends = np.array([along.min(), along.max()])
        axes.plot([low, high], start + slope * ends, color=style.SOFT, linewidth=1.0, linestyle=(0, (4, 2)), zorder=3)
    axes.plot(panel.at, panel.mean, color=colour, linewidth=1.4, zorder=4)
    for at, mean, half in zip(panel.at, panel.mean, panel.half, strict=True):
        if np.isfinite(half):
            axes.plot([at, at], [mean - half, mean + half], color=colour, linewidth=1.6, zorder=5)
    axes.plot(
        panel.at, panel.mean, "o", color=colour, markersize=4.5, zorder=6, markeredgecolor="white", markeredgewidth=0.6
    )
    if panel.names is not None:
        wide = style.size_inches(axes)[0] / max(len(panel.names), 1)
        axes.xaxis.set_major_locator(FixedLocator(list(panel.at)))
        axes.set_xticklabels([style.fit(name, wide, 7.5) for name in panel.names], size=7.5)
    elif panel.log and low > 0:
        marks.ticks_of_powers(axes.xaxis, low, high, most=4)
    else:
        marks.ticks_along(axes, *axes.get_xlim())
