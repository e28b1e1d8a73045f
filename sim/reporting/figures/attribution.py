"""What each strategy of a bundle brings: Shapley values that add up to the whole, and where they come from."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.measures.catalogue import KPIS, base_name, label
from sim.phrases import spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures.board import Board

MOST_KPIS = 4
WHOLE = "whole bundle"


@style.drawn
def attribution(board: Board) -> Figure:
    """Bars of Shapley values with intervals, a KPI a panel; marks for a member alone and for the last one added."""
    table = board.attribution
    kpis = list(dict.fromkeys(table["kpi"].astype(str)))[:MOST_KPIS]
    members = list(dict.fromkeys(table["member"].astype(str)))
    most = 30
    while (
        most > 6
        and max(
            style.text_width(name, style.TICK) for name in units.shortened([spoken(one, "") for one in members], most)
        )
        > 1.7
    ):
        most -= 1
    names = [*units.shortened([spoken(one, "") for one in members], most), WHOLE]
    seeds = int(table["seeds"].max())
    subtitle = (
        "Bar: the member's Shapley value, its mean contribution over all orders in which the bundle can be put together"
        f"; the bars add up to the whole (dark). Line: 95{units.GAP}% interval over {seeds} seeds. Circle: the member "
        "alone; diamond: the bundle less the bundle without it. Number: value, then synergy (value less alone)."
    )
    rows, columns = -(-len(kpis) // 2), min(2, len(kpis))
    room = max(style.text_width(name, style.TICK) for name in names) + 0.14
    figure, axes = style.page(
        _title(table, kpis[0]),
        subtitle,
        rows,
        columns,
        height=0.3 * len(names) + 0.05,
        between=0.85,
        lefts=[room, 0.42][:columns],
        rights=[1.15] * columns,
    )
    panels = [panel for row in axes for panel in row]
    for place, (panel, kpi) in enumerate(zip(panels, kpis, strict=False)):
        own = table[table["kpi"].astype(str) == kpi].drop_duplicates("member").set_index("member").reindex(members)
        unit = str(own["unit"].dropna().iloc[0])
        look = units.display(kpi, unit, own["value"].to_numpy(dtype=float), difference=True)
        _bars(panel, own, look, KPIS[base_name(kpi)].better if base_name(kpi) in KPIS else None)
        panel.set_yticks(np.arange(len(names)), names if place % columns == 0 else [""] * len(names))
        panel.tick_params(axis="y", labelcolor=style.INK)
        style.name_panel(panel, label(kpi), look.unit, beyond=1.2)
    for panel in panels[len(kpis) :]:
        panel.remove()
    return figure


def _bars(axes: Axes, own: pd.DataFrame, look: units.Display, better: str | None) -> None:
    values, low, high, alone, last, synergy = (
        own[column].to_numpy(dtype=float) / look.divisor
        for column in ("value", "ci_low", "ci_high", "alone", "last", "synergy")
    )
    whole = float(own["whole"].to_numpy(dtype=float)[0]) / look.divisor
    marks.level_axis(axes, [values, low, high, alone, last, [whole]])
    decimals = units.significant(float(np.fmax.reduce(np.abs([*values, whole]))), 3, most=3)
    for row, value in enumerate(values):
        colour = style.PALETTE[0]
        if better is not None and value != 0:
            colour = style.GAIN if (value < 0) == (better == "lower") else style.LOSS
        axes.barh([row], [value], height=0.56, color=colour, alpha=0.75, linewidth=0, zorder=3)
        if np.isfinite(low[row]):
            axes.plot([low[row], high[row]], [row, row], color=style.INK, linewidth=1.3, zorder=4)
        axes.plot([alone[row]], [row - 0.16], "o", color=style.INK, markerfacecolor="white", markersize=4.2, zorder=5)
        axes.plot([last[row]], [row + 0.16], "D", color=style.INK, markerfacecolor="white", markersize=3.8, zorder=5)
        text = units.number(value, decimals, sign=True)
        if np.isfinite(synergy[row]):
            text += f" ({units.number(float(synergy[row]), decimals, sign=True)})"
        _beside(axes, row, text, style.INK)
    end = len(values)
    axes.barh([end], [whole], height=0.56, color=style.NEUTRAL, linewidth=0, zorder=3)
    _beside(axes, end, units.number(whole, decimals, sign=True), style.INK)
    axes.axhline(end - 0.5, color="#8C8C8C", linewidth=0.7, zorder=1)
    axes.set_ylim(end + 0.5, -0.5)


def _beside(axes: Axes, row: int, text: str, colour: str) -> None:
    axes.annotate(
        text,
        (1, row),
        (6, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        size=8,
        color=colour,
        ha="left",
        va="center_baseline",
        annotation_clip=False,
    )


def _title(table: pd.DataFrame, kpi: str) -> str:
    """The largest share of the first KPI, beside the whole; a share may well be the other way than the whole."""
    own = table[table["kpi"].astype(str) == kpi].drop_duplicates("member")
    values, whole = own["value"].to_numpy(dtype=float), float(own["whole"].iloc[0])
    look = units.display(kpi, str(own["unit"].iloc[0]), [whole], difference=True)
    largest = claims.highest([float(value) for value in np.abs(values)])
    name = label(kpi)
    thing = name if name[1].isupper() else name.lower()
    if not largest or not values[largest[0]]:
        return f"What each member of the bundle does to {thing}"
    part, all_ = (look.write(value, sign=True)[0] for value in (float(values[largest[0]]), whole))
    members = claims.listed([str(own["member"].iloc[place]) for place in largest])
    how = "one seed" if int(own["seeds"].max()) == 1 else claims.LOOKING
    text = f"Of what the bundle does to {thing}, {all_} {look.unit}, the largest share is that of {members}: {part}"
    return f"{text} ({how})"
