"""Options against worlds: how much each loses against the best, in the mean, mostly, and at worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style
from sim.reporting.figures.board import Cube

ROW = 0.27
NAMES = 3.4


@dataclass(frozen=True)
class Loss:
    """An option's regret in every world, in shown units; `place` is its arm's, for the look."""

    name: str
    place: int
    worlds: Cube
    error: float  # standard error of the largest
    chosen: bool


@style.drawn
def regret(title: str, subtitle: str, options: Sequence[Loss], unit: str) -> Figure:
    """A row an option: a thin line from least to most, thick over the middle half of worlds, mean and most marked."""
    names = [style.fit(option.name, NAMES, style.TICK) for option in options]
    left = max(style.text_width(name, style.TICK, "bold") for name in names) + 0.14
    figure, ((panel,),) = style.page(
        title, subtitle, 1, 1, height=ROW * len(options) + 0.1, left=left, right=0.45, bottom=0.6
    )
    reach = [float(option.worlds.max()) + _none(2 * option.error) for option in options]
    marks.level_axis(panel, [[0.0, max(reach)]])
    panel.set_xlim(-0.02 * max(reach) if max(reach) else -1, panel.get_xlim()[1])
    for row, option in enumerate(options):
        colour, marker, hollow = style.arm_look(option.place)
        low, high = np.quantile(option.worlds, [0.25, 0.75])
        most = float(option.worlds.max())
        panel.plot([float(option.worlds.min()), most], [row, row], color=colour, linewidth=1.0, zorder=3)
        panel.plot([low, high], [row, row], color=colour, linewidth=5.5, alpha=0.45, zorder=3, solid_capstyle="butt")
        if np.isfinite(option.error):
            panel.plot(
                [max(most - 2 * option.error, 0), most + 2 * option.error],
                [row, row],
                color="#9A9A9A",
                linewidth=0.8,
                zorder=2,
            )
        panel.plot(
            [most], [row], marker, color=colour, markersize=6, zorder=5, markerfacecolor="white" if hollow else colour
        )
        panel.plot(
            [float(option.worlds.mean())], [row], "|", color=style.INK, markersize=9, markeredgewidth=1.6, zorder=6
        )
    panel.set_ylim(len(options) - 0.5, -0.5)
    panel.set_yticks(range(len(options)), names)
    for label, option in zip(panel.get_yticklabels(), options, strict=True):
        label.set_color(style.INK)
        label.set_fontweight("bold" if option.chosen else "normal")
    style.name_panel(panel, "Regret", unit)
    return figure


def _none(value: float) -> float:
    return value if np.isfinite(value) else 0.0
