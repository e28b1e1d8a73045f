"""How an arm's outcome spreads over the points of a sweep, and how much of the spread is luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import panels as parts
from sim.reporting.figures import style, units
from sim.reporting.figures.board import Cube
from sim.reporting.figures.decision import TINT

MOST_DRAWN = 1_000  # points of a line; more cannot be seen
PARTS = (
    ("parameters", style.PALETTE[0]),
    ("luck that all points of a seed share", "#B5B5B5"),
    ("own luck", style.PALETTE[1]),
)


@dataclass(frozen=True)
class Spread:
    """One arm's outcome at every point (NaN left out), in shown units."""

    name: str
    place: int  # of the arm, for its look
    values: Cube


@style.drawn
def spread(
    title: str, subtitle: str, arms: Sequence[Spread], name: str, unit: str, *, less: bool, mark: float | None
) -> Figure:
    """Outcomes of each arm sorted from worst to best over the share of points; `mark` is where paying begins."""
    figure, ((panel,),) = style.page(
        title,
        subtitle,
        1,
        1,
        height=3.1,
        left=0.75,
        right=marks.end_room([arm.name for arm in arms]),
    )
    ends = []
    for arm in arms:
        values = np.sort(arm.values[np.isfinite(arm.values)])[:: -1 if less else 1]
        x = (np.arange(len(values)) + 0.5) / max(len(values), 1) * 100
        step = max(1, len(values) // MOST_DRAWN)
        colour = style.arm_look(arm.place)[0]
        panel.plot(
            x[::step],
            values[::step],
            color=colour,
            linewidth=2.0,
            zorder=4,
            drawstyle="steps-mid" if len(x) < 40 else "default",
        )
        ends.append((float(values[-1]), arm.name, colour))
    panel.set_xlim(0, 100)
    shown = [arm.values for arm in arms]
    marks.value_axis(panel, [*shown, [mark]] if mark is not None else shown, zero=mark == 0)
    if mark is not None:
        low, high = panel.get_ylim()
        panel.axhspan(low if less else mark, mark if less else high, color=TINT, linewidth=0, zorder=0)
        panel.axhline(mark, color=style.INK, linewidth=1.0, zorder=3)
        panel.set_ylim(low, high)
    marks.label_ends(panel, ends)
    panel.set_xticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", "100 %"])
    panel.set_xlabel("Share of points, from the worst to the best", size=style.LABEL, color=style.SOFT)
    style.name_panel(panel, name, unit)
    return figure


@style.drawn
def variance_split(title: str, subtitle: str, rows: Sequence[tuple[str, float, float, float]]) -> Figure:
    """Shares of variance of one run's outcome, a bar a row: parameters, shared luck, own luck."""
    names = [row[0] for row in rows]
    figure, ((panel,),) = style.page(
        title,
        subtitle,
        1,
        1,
        height=0.3 * len(rows) + 0.1,
        key=PARTS,
        left=parts.rows_room(names),
        right=0.3,
        bottom=0.1,
    )
    shares = np.array([row[1:] for row in rows]) * 100
    parts.stacked_rows(
        panel,
        names,
        shares,
        [colour for _, colour in PARTS],
        lambda total: "",
        inside=lambda part: f"{units.number(part)}{units.GAP}%",
    )
    return figure
