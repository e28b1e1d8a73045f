"""What a survey is wrong by, a row a construct: a mark a cause, and all causes together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style
from sim.reporting.figures.survey_levels import NAMES, finish, framed

ALL, MENDED = "D", "o"


@style.drawn
def biases(
    title: str,
    subtitle: str,
    names: Sequence[str],
    causes: Mapping[str, Sequence[float]],
    together: tuple[str, Sequence[float]],
    weighted: tuple[str, Sequence[float]],
    name: str,
    unit: str,
) -> Figure:
    """A row a name; values by cause, of all causes `together` and `weighted` (a word for the key, values)."""
    shown = [style.fit(one, NAMES, style.TICK) for one in names]
    key = [(cause, *style.arm_look(place + 1)[:2]) for place, cause in enumerate(causes)]
    key += [(together[0], style.INK, ALL), (weighted[0], style.NEUTRAL, MENDED)]
    figure, ((panel,),) = framed(title, subtitle, shown, [], key)
    values = np.array([*causes.values(), together[1], weighted[1], np.zeros(len(names))], dtype=float)
    marks.level_axis(panel, [values])
    panel.axvline(0.0, color=style.INK, linewidth=1.0, zorder=2)
    rows = np.arange(len(names))
    for place, own in enumerate(causes.values()):
        colour, marker, hollow = style.arm_look(place + 1)
        face = "white" if hollow else colour
        panel.plot(own, rows, marker, color=colour, markerfacecolor=face, markersize=4.5, zorder=4, linestyle="none")
    panel.hlines(rows, 0.0, together[1], color=style.INK, linewidth=1.2, zorder=3)
    panel.plot(together[1], rows, ALL, color=style.INK, markersize=5.5, zorder=5, linestyle="none")
    panel.plot(weighted[1], rows, MENDED, color=style.NEUTRAL, markerfacecolor="white", linestyle="none", zorder=4)
    finish(panel, shown, [])
    style.name_panel(panel, name, unit)
    return figure
