"""What lies behind answers: correlations of constructs, eigenvalues against chance, loadings, paths of a model."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style, units
from sim.reporting.figures.board import Cube
from sim.reporting.figures.survey_levels import Level

CELL = 0.36
NAMES = 2.3
TWO_WAY = mpl.colors.LinearSegmentedColormap.from_list("two_way", [style.LOSS, "#FFFFFF", style.GAIN])


@style.drawn
def heat_map(title: str, subtitle: str, names: Sequence[str], below: Cube, above: Cube) -> Figure:
    """Correlations, float64 (names, names): `below` in the lower triangle, `above` in the upper; NaN stays empty."""
    k = len(names)
    shown = [style.fit(name, NAMES, style.TICK) for name in names]
    numbers = [f"{place}" for place in range(1, k + 1)]
    left = max(style.text_width(f"{name}  {number}", style.TICK) for name, number in zip(shown, numbers, strict=True))
    room = style.WIDTH - 2 * style.EDGE - left - 0.2
    figure, ((panel,),) = style.page(
        title,
        subtitle,
        1,
        1,
        height=CELL * k,
        left=left + 0.2,
        right=max(room - max(0.52 * k, 3.0) - 0.1, 0.1),
        bottom=0.1,
    )
    whole = np.where(np.tri(k, k=-1, dtype=bool), below, above)
    for row in range(k):
        for column in range(k):
            r = whole[row, column]
            if row == column or not np.isfinite(r):
                panel.add_patch(mpl.patches.Rectangle((column, row), 1, 1, color="#EDEDED", linewidth=0))
                continue
            colour = TWO_WAY(0.5 + 0.5 * float(np.clip(r, -1, 1)))
            panel.add_patch(
                mpl.patches.Rectangle((column, row), 1, 1, facecolor=colour, edgecolor="white", linewidth=1)
            )
            panel.text(
                column + 0.5,
                row + 0.5,
                units.number(float(r), 2).replace("0.", ".", 1),
                size=8,
                color=style.ink_on(colour),
                ha="center",
                va="center_baseline",
            )
    panel.set_xlim(0, k)
    panel.set_ylim(k, 0)
    panel.set_yticks(np.arange(k) + 0.5, [f"{name}  {number}" for name, number in zip(shown, numbers, strict=True)])
    panel.set_xticks(np.arange(k) + 0.5, numbers)
    panel.xaxis.tick_top()
    panel.tick_params(axis="both", labelcolor=style.INK, length=0)
    panel.grid(visible=False)
    panel.spines["bottom"].set_visible(False)
    return figure


@style.drawn
def scree(title: str, subtitle: str, values: Cube, chance: Cube, kept: int) -> Figure:
    """Eigenvalues, the largest first, those kept filled; the line is what unrelated answers would give."""
    key = [("answers", style.GAIN, "o"), ("chance, 95th percentile", style.NEUTRAL)]
    figure, ((panel,),) = style.page(title, subtitle, 1, 1, height=2.9, key=key, left=0.62, right=0.3, bottom=0.6)
    x = np.arange(1, len(values) + 1)
    panel.plot(x, chance, color=style.NEUTRAL, linewidth=1.6, linestyle=(0, (4, 3)), zorder=3)
    panel.plot(x, values, color=style.GAIN, linewidth=1.6, zorder=4)
    panel.plot(x[:kept], values[:kept], "o", color=style.GAIN, markersize=6.5, zorder=5)
    panel.plot(x[kept:], values[kept:], "o", color=style.GAIN, markerfacecolor="white", markersize=5, zorder=5)
    panel.set_xlim(0.5, len(values) + 0.5)
    marks.value_axis(panel, [values, chance], zero=True)
    step = max(1, len(values) // 12)
    marks.ticks_at(panel.xaxis, x[::step])
    panel.set_xlabel("Factor", size=style.LABEL, color=style.SOFT)
    style.name_panel(panel, "Eigenvalue")
    return figure


@style.drawn
def grouped_levels(
    title: str, subtitle: str, groups: Sequence[tuple[str, Sequence[Level]]], name: str, unit: str, mark: float | None
) -> Figure:
    """Points and intervals under the names of their groups, on an axis that has zero in it; a line at `mark`."""
    rows: list[str | Level] = []
    for group, own in groups:
        rows += [group, *own]
    names = [row if isinstance(row, str) else style.fit(row.name, 3.0, style.TICK) for row in rows]
    heads = [isinstance(row, str) for row in rows]
    left = max(style.text_width(name, style.TICK, "bold") for name in names) + 0.14
    texts = [row.text for row in rows if not isinstance(row, str)]
    figure, ((panel,),) = style.page(
        title, subtitle, 1, 1, height=0.225 * len(rows) + 0.1, left=left, right=marks.end_room(texts), bottom=0.42
    )
    known = np.array([[row.value, row.low, row.high] for row in rows if not isinstance(row, str)], dtype=float)
    marks.level_axis(panel, [known])
    if mark is not None:
        panel.axvline(mark, color=style.SOFT, linewidth=1.0, linestyle=(0, (4, 3)), zorder=2)
    for place, row in enumerate(rows):
        if isinstance(row, str):
            continue
        colour = style.LOSS if row.value < 0 else style.GAIN
        panel.plot([row.low, row.high], [place, place], color=colour, linewidth=1.6, zorder=3)
        face = colour if row.clear else "white"
        panel.plot([row.value], [place], "o", color=colour, markerfacecolor=face, markersize=5, zorder=4)
        panel.annotate(
            row.text,
            (1.0, place),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            size=style.LABEL,
            color=style.INK,
            va="center_baseline",
        )
    panel.set_ylim(len(rows) - 0.5, -0.5)
    panel.set_yticks(range(len(rows)), names)
    for text, head in zip(panel.get_yticklabels(), heads, strict=True):
        text.set_color(style.INK)
        text.set_fontweight("bold" if head else "normal")
    style.name_panel(panel, name, unit)
    return figure
