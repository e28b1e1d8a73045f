"""From where to where the value of each arm comes, step by step, an arm a panel."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.measures.waterfall import STEPS
from sim.phrases import quoted, spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures.board import Board, Cube, NothingToShow

ROW = 0.19  # inches of a step


@style.drawn
def waterfall(board: Board) -> Figure:
    """Bars that begin where the one before ended, from nothing to the arm's difference in value, an arm a panel."""
    table = board.waterfall
    own = {arm: table[table["arm"] == arm].set_index("step") for arm in board.arms[1 : style.MOST_ARMS]}
    own = {arm: rows for arm, rows in own.items() if np.isfinite(rows["difference"]).all()}
    if not own:
        raise NothingToShow("no arm has steps on every seed")
    steps = list(next(iter(own.values())).index)
    whole = "value" if "equity" in steps else "cash"
    gaps = board.gaps("value" if whole == "value" else "npv")
    ends = [gaps[board.arms.index(arm) - 1] for arm in own]  # with their intervals
    size, word = units.scale(max(float(rows["difference"].abs().max()) for rows in own.values()))
    unit = f"{board.currency} {word}".strip()
    names = [*(STEPS[step] for step in steps), whole]
    count = len(own)
    columns = min(3, count)
    rows = -(-count // columns)
    left = max(style.text_width(name, style.TICK) for name in names) + 0.14
    more = len(board.arms) - style.MOST_ARMS
    figure, axes = style.page(
        _title(own, whole, board),
        f"Difference to {quoted(board.reference)} in money of month 0, {unit}, same seeds{board.mean_words()}. Each "
        f"bar begins where the one above it ends; blue adds to {whole}, orange takes from it; dark: what they come to"
        + ("." if len(board.seeds) == 1 else f", with its 95{units.GAP}% interval (paired t).")
        + " Each panel has its own scale."
        + (f" {more} more in the table only." if more > 0 else ""),
        rows,
        columns,
        height=ROW * len(names) + 0.1,
        between=0.75,
        lefts=[left, *([0.3] * (columns - 1))],
        rights=[0.62] * columns,
    )
    panels = [panel for row in axes for panel in row]
    titles = units.shortened([spoken(arm) for arm in own], 30)
    for place, (panel, name, found) in enumerate(zip(panels, titles, own.values(), strict=False)):
        _bars(panel, found, size, ends[place])
        panel.set_yticks(np.arange(len(names)), names if place % columns == 0 else [""] * len(names))
        panel.tick_params(axis="y", labelcolor=style.INK)
        style.name_panel(panel, name, beyond=0.9)
    for panel in panels[count:]:
        panel.remove()
    return figure


def _bars(axes: Axes, found: pd.DataFrame, size: float, whole: Cube) -> None:
    """One arm's steps, each with its number at the right edge; `whole` what they come to, with its interval."""
    values = found["difference"].to_numpy(dtype=float) / size
    ends = np.cumsum(values)
    starts = np.append(0.0, ends[:-1])
    _, low, high = (float(end) / size for end in whole)
    marks.level_axis(axes, [starts, ends, [low, high]])
    decimals = units.significant(float(np.abs([*values, ends[-1]]).max()), 3, most=2)
    for row, (value, start, end) in enumerate(zip(values, starts, ends, strict=True)):
        colour = style.GAIN if value > 0 else style.LOSS
        axes.barh([row], [value], left=[start], height=0.62, color=colour, alpha=0.85, linewidth=0, zorder=3)
        axes.plot([end, end], [row - 0.31, row + 1.31], color="#8C8C8C", linewidth=0.7, zorder=2)
        _beside(axes, row, units.number(float(value), decimals, sign=True))
    last = len(values)
    axes.barh([last], [ends[-1]], height=0.62, color=style.NEUTRAL, alpha=0.5, linewidth=0, zorder=3)
    if math.isfinite(low):
        axes.plot([low, high], [last, last], color=style.INK, linewidth=1.3, zorder=4)
    _beside(axes, last, units.number(float(ends[-1]), decimals, sign=True), weight="bold")
    axes.set_ylim(last + 0.6, -0.6)


def _beside(axes: Axes, row: int, text: str, weight: str = "normal") -> None:
    axes.annotate(
        text,
        (1, row),
        (44, 0),
        xycoords=("axes fraction", "data"),
        textcoords="offset points",
        size=8,
        weight=weight,
        color=style.INK,
        ha="right",
        va="center_baseline",
        annotation_clip=False,
    )


def _title(own: dict[str, pd.DataFrame], whole: str, board: Board) -> str:
    """The arm whose value differs most, with the steps that add most to it and take most from it."""
    ends = {arm: float(rows["difference"].sum()) for arm, rows in own.items()}
    arm = max(ends, key=lambda one: abs(ends[one]))
    if not ends[arm]:
        return f"From where to where {whole} comes"
    steps = own[arm]["difference"]
    parts = [
        (str(steps.index[place]), float(steps.iloc[place])) for place in (int(steps.argmax()), int(steps.argmin()))
    ]
    said = [
        f"{what} by {STEPS[step]} ({units.money(value, sign=True)})"
        for what, (step, value), side in zip(("raised most", "lowered most"), parts, (1, -1), strict=True)
        if side * value > 0
    ]
    how = "one seed" if len(board.seeds) == 1 else claims.LOOKING
    by = units.money(ends[arm], board.currency, sign=True)
    return f"{whole.capitalize()} differs most under {quoted(arm)}, by {by}: {', '.join(said)} ({how})"
