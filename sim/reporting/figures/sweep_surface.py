"""The outcome over two parameters at once, others averaged: a map with contours and the line of breaking even."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style
from sim.reporting.figures.board import Cube

COARSE = 12  # levels of a parameter up to which a grid is drawn as cells


@dataclass(frozen=True)
class Response:
    """Outcome z (y, x) over the levels of two parameters; `mark` is where paying begins (None: nowhere)."""

    x_name: str
    y_name: str
    x: Cube
    y: Cube
    z: Cube
    x_log: bool
    y_log: bool
    unit: str
    less: bool
    mark: float | None


@style.drawn
def surface(title: str, subtitle: str, response: Response) -> Figure:
    """A map with a scale of colours beside it: white at the mark, blue where better, orange where worse."""
    figure, ((panel,),) = style.page(title, subtitle, 1, 1, height=4.0, left=0.85, right=1.5, bottom=0.6)
    z = response.z
    low, high = float(np.nanmin(z)), float(np.nanmax(z))
    middle = response.mark if response.mark is not None else (low + high) / 2
    reach = max(abs(high - middle), abs(middle - low)) or 1.0
    ends = [style.LOSS, "#FFFFFF", style.GAIN]
    ramp = mpl.colors.LinearSegmentedColormap.from_list("response", ends[::-1] if response.less else ends)
    levels: Any = MaxNLocator(nbins=10, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    if len(levels) < 3:
        levels = np.linspace(low - reach * 0.01, high + reach * 0.01, 4)
    norm = mpl.colors.Normalize(middle - 1.1 * reach, middle + 1.1 * reach)
    panel.contourf(response.x, response.y, z, levels=levels, cmap=ramp, norm=norm, zorder=1)
    lines = panel.contour(
        response.x, response.y, z, levels=levels, colors=[style.SOFT], linewidths=0.6, linestyles="solid", zorder=2
    )
    named = [value for value in levels if value != response.mark]
    labels = panel.clabel(
        lines,
        levels=[value for value in lines.levels if value in named],
        fontsize=7.5,
        fmt=lambda value: marks.tick_text(value, levels),
        inline=True,
    )
    for label in labels:
        label.set_color(style.INK)
    if response.mark is not None and low < response.mark < high:
        panel.contour(response.x, response.y, z, levels=[response.mark], colors=[style.INK], linewidths=2.4, zorder=3)
    if len(response.x) <= COARSE and len(response.y) <= COARSE:  # where the means are
        across, up = np.meshgrid(response.x, response.y)
        panel.plot(across.ravel(), up.ravel(), ".", color=style.INK, markersize=2.5, zorder=4, clip_on=False)
    panel.grid(False)
    if response.x_log:
        panel.set_xscale("log")
    if response.y_log:
        panel.set_yscale("log")
    panel.set_xlim(response.x.min(), response.x.max())
    panel.set_ylim(response.y.min(), response.y.max())
    if len(response.x) <= COARSE:
        marks.ticks_at(panel.xaxis, response.x)
    elif response.x_log:
        marks.ticks_of_powers(panel.xaxis, float(response.x.min()), float(response.x.max()))
    else:
        marks.ticks_along(panel, float(response.x.min()), float(response.x.max()))
    if len(response.y) <= COARSE:
        marks.ticks_at(panel.yaxis, response.y)
    elif response.y_log:
        marks.ticks_of_powers(panel.yaxis, float(response.y.min()), float(response.y.max()))
    panel.set_xlabel(response.x_name, size=style.LABEL, color=style.SOFT)
    style.name_panel(panel, response.y_name)
    _scale(figure, panel, ramp, norm, levels, response.unit)
    return figure


def _scale(figure: Figure, panel, ramp, norm, levels, unit: str) -> None:  # type: ignore[no-untyped-def]
    box = panel.get_position()
    axes = figure.add_axes((box.x1 + 0.3 / style.WIDTH, box.y0, 0.16 / style.WIDTH, box.height))
    low, high = float(levels[0]), float(levels[-1])
    edges = np.linspace(low, high, 61)
    for start, end in itertools.pairwise(edges):
        axes.axhspan(start, end, color=ramp(norm((start + end) / 2)), linewidth=0)
    axes.set_ylim(low, high)
    axes.set_xticks([])
    axes.yaxis.tick_right()
    axes.set_yticks(list(levels), [marks.tick_text(float(value), levels) for value in levels])
    axes.tick_params(labelsize=style.TICK, length=0, colors=style.SOFT)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.annotate(
        style.fit(unit, 1.5, style.LABEL),
        (0, 1),
        (0, 7),
        xycoords="axes fraction",
        textcoords="offset points",
        size=style.LABEL,
        color=style.SOFT,
        ha="left",
        va="bottom",
        annotation_clip=False,
    )
