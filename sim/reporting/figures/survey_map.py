"""What matters against how it is done: constructs on a map of four fields."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style

CONCENTRATE = "concentrate here"


@dataclass(frozen=True)
class Place:
    """A construct on the map: how well it is done, how much it matters, the field it lies in."""

    name: str
    performance: float
    importance: float
    quadrant: str


@style.drawn
def importance_map(
    title: str, subtitle: str, places: Sequence[Place], importance: str, corners: Sequence[str]
) -> Figure:
    """Points named, fields cut at the means; `corners`: words for upper left, upper right, lower left, lower right."""
    figure, ((panel,),) = style.page(title, subtitle, 1, 1, height=4.2, left=0.75, right=0.4, bottom=0.6)
    x, y = np.array([one.performance for one in places]), np.array([one.importance for one in places])
    pads = [0.12 * (np.ptp(values) or 1.0) for values in (x, y)]
    panel.set_xlim(float(x.min() - pads[0]), float(x.max() + pads[0]))
    marks.value_axis(panel, [y - pads[1], y + pads[1]])
    marks.ticks_along(panel, *panel.get_xlim())
    panel.grid(visible=False)
    panel.axvline(float(x.mean()), color="#8C8C8C", linewidth=0.9, zorder=1)
    panel.axhline(float(y.mean()), color="#8C8C8C", linewidth=0.9, zorder=1)
    for word, (across, up) in zip(corners, ((0, 1), (1, 1), (0, 0), (1, 0)), strict=True):
        panel.text(
            0.01 + 0.98 * across,
            0.015 + 0.97 * up,
            word,
            transform=panel.transAxes,
            size=style.LABEL,
            color=style.SOFT,
            style="italic",
            ha="right" if across else "left",
            va="top" if up else "bottom",
        )
    for one in places:
        colour = style.LOSS if one.quadrant == CONCENTRATE else style.GAIN
        panel.plot([one.performance], [one.importance], "o", color=colour, markersize=7, zorder=4)
    _name(panel, places)
    panel.set_xlabel("Performance: mean score, 0 to 100", size=style.LABEL, color=style.SOFT)
    style.name_panel(panel, "Importance", importance)
    return figure


def _name(panel: Axes, places: Sequence[Place]) -> None:
    """Names to the right of their points, or to the left, or above or below: the first place that is free."""
    wide, tall = style.size_inches(panel)
    (left, right), (low, high) = panel.get_xlim(), panel.get_ylim()
    at = [((p.performance - left) / (right - left) * wide, (p.importance - low) / (high - low) * tall) for p in places]
    taken = [(x - 0.07, y - 0.07, x + 0.07, y + 0.07) for x, y in at]
    for one, (x, y) in zip(places, at, strict=True):
        length, rise = style.text_width(one.name, style.LABEL), 0.15
        corners = [(x + 0.1, y - rise / 2), (x - 0.1 - length, y - rise / 2), (x - length / 2, y + 0.09)]
        corners += [(x - length / 2, y - 0.09 - rise), (x + 0.08, y + 0.06), (x + 0.08, y - 0.2)]
        boxes = [(a, b, a + length, b + rise) for a, b in corners if a > 0 and a + length < wide + 0.35]
        free = next(
            (box for box in boxes if not any(_touch(box, other) for other in taken)), (boxes or [(x, y, x, y)])[0]
        )
        taken.append(free)
        panel.annotate(
            one.name,
            (free[0] / wide, (free[1] + rise / 2) / tall),
            xycoords="axes fraction",
            size=style.LABEL,
            color=style.INK,
            va="center_baseline",
            annotation_clip=False,
        )


def _touch(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
