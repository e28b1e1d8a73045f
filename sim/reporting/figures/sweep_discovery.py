"""Where an arm fails: points over the two parameters that tell most, with the box of the rule drawn in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style
from sim.reporting.figures.board import Cube

MOST_DOTS = 1_200
SPREAD = 0.28  # of the distance of two levels, to each side


@dataclass(frozen=True)
class Axis:
    """A parameter along one side: its name, the value of every point, names of levels for choices."""

    name: str
    values: Cube
    names: Sequence[str] | None
    log: bool
    spaced: bool  # few levels: points are spread a little so that they do not hide one another


@dataclass(frozen=True)
class Edge:
    """A box seen along the two sides (infinite where open), and whether failures are dense in it."""

    x: tuple[float, float]
    y: tuple[float, float]


@style.drawn
def where(
    title: str, subtitle: str, x: Axis, y: Axis, fails: NDArray[np.bool_], boxes: Sequence[Edge], *, success: bool
) -> Figure:
    """Orange crosses fail, blue dots pay; the box is where most fail or, with `success`, where most pay."""
    figure, ((panel,),) = style.page(
        title,
        subtitle,
        1,
        1,
        height=3.9,
        left=0.95,
        right=0.4,
        bottom=0.6,
        key=[("pays", style.GAIN, "o"), ("fails", style.LOSS, "X"), ("box of the rule", style.INK)],
    )
    ends = [_ends(axis) for axis in (x, y)]
    if x.log:
        panel.set_xscale("log")
    if y.log:
        panel.set_yscale("log")
    panel.set_xlim(*ends[0])
    panel.set_ylim(*ends[1])
    across, up = _spaced(x, 2), _spaced(y, 3)
    step = max(1, -(-len(across) // MOST_DOTS))
    some = np.zeros(len(across), dtype=bool)
    some[::step] = True
    for bad, colour, marker, size in ((False, style.GAIN, "o", 3.0), (True, style.LOSS, "X", 4.2)):
        own = some & (fails == bad)
        panel.plot(across[own], up[own], marker, color=colour, markersize=size, markeredgewidth=0, alpha=0.75, zorder=3)
    colour = style.GAIN if success else style.LOSS
    for box in boxes:
        (left, right), (low, high) = _inside(box.x, ends[0]), _inside(box.y, ends[1])
        panel.add_patch(
            Rectangle((left, low), right - left, high - low, facecolor=colour, alpha=0.1, zorder=1, linewidth=0)
        )
        panel.add_patch(
            Rectangle((left, low), right - left, high - low, fill=False, edgecolor=style.INK, linewidth=1.6, zorder=4)
        )
    panel.grid(False)
    for axis, along, limits in ((x, panel.xaxis, ends[0]), (y, panel.yaxis, ends[1])):
        if axis.names is not None:
            along.set_major_locator(FixedLocator(range(len(axis.names))))
            along.set_ticklabels([style.fit(name, 0.9, style.TICK) for name in axis.names])
        elif axis.log and not axis.spaced:
            marks.ticks_of_powers(along, *limits)
        elif axis.spaced:
            marks.ticks_at(along, np.unique(axis.values))
        elif not axis.log and axis is x:
            marks.ticks_along(panel, *limits)
    panel.set_xlabel(x.name, size=style.LABEL, color=style.SOFT)
    style.name_panel(panel, y.name)
    return figure


def _ends(axis: Axis) -> tuple[float, float]:
    low, high = float(axis.values.min()), float(axis.values.max())
    if axis.names is not None:
        return low - 0.5, high + 0.5
    if axis.log:
        pad = (high / low) ** 0.05
        return low / pad, high * pad
    pad = 0.06 * (high - low) or 0.5
    if axis.spaced:
        pad = max(pad, SPREAD * 1.2 * _apart(axis.values))
    return low - pad, high + pad


def _apart(values: Cube) -> float:
    """The least distance of two levels."""
    found = np.unique(values)
    return float(np.diff(found).min()) if len(found) > 1 else 1.0


def _spaced(axis: Axis, seed: int) -> Cube:
    """Values, spread a little around their level where levels are few."""
    if not axis.spaced:
        return axis.values
    noise = np.random.default_rng(seed).uniform(-SPREAD, SPREAD, len(axis.values))
    if axis.log:
        return np.asarray(axis.values * np.exp(noise * _apart(np.log(axis.values))))
    return np.asarray(axis.values + noise * _apart(axis.values))


def _inside(edge: tuple[float, float], ends: tuple[float, float]) -> tuple[float, float]:
    return max(edge[0], ends[0]), min(edge[1], ends[1])
