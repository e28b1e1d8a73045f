"""How the arms part from the reference month by month: a row an arm, a column a quantity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.phrases import quoted
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures.board import Band, Board, Cube, NothingToShow, band, contrasts, rolling_sum
from sim.reporting.figures.decision import arm_names, name_room


@style.drawn
def trajectories(board: Board) -> Figure:
    """Differences of attrition, AUM and profit to the reference over the months, with bands over the seeds."""
    if board.one_arm:
        raise NothingToShow("there is one arm, so nothing to compare")
    months, rates = board.attrition()
    profit = rolling_sum(board.total("profit")[:, :, 1:], board.window) * board.per_year
    aum = board.total("aum")
    size, word = units.scale(float(np.nanmax(np.abs(aum[1:] - aum[:1]))))
    gain, gain_word = units.scale(float(np.nanmax(np.abs(profit[1:] - profit[:1]))))
    columns = tuple(
        (name, unit, x, values, units.significant(float(np.nanmax(np.abs(values), initial=0.0)), 3, most=2))
        for name, unit, x, values in (
            ("Attrition", "points a year", months, _apart(rates[..., -1] * 100)),
            ("AUM", f"{board.currency} {word}".strip(), np.arange(board.months + 1), _apart(aum) / size),
            ("Profit", f"{board.currency} {gain_word} a year".replace("  ", " "), months, _apart(profit) / gain),
        )
    )
    count = len(board.arms) - 1
    names = arm_names(board, 1.45)
    tall = 0.95 if count <= 4 else 0.62 if count <= 9 else 0.5
    lost = board.leaving[:, :, -board.window :]
    signs = [[board.few(lost[arm]) or board.few(lost[0]) for arm in range(1, len(board.arms))], [""] * count]
    rooms = [
        marks.end_room(
            [
                units.number(float(end), places, sign=True) + "".join(dict.fromkeys(signs[column > 0]))
                for end in band(values).mean[:, -1]
            ]
        )
        for column, (_, _, _, values, places) in enumerate(columns)
    ]
    figure, axes = style.page(
        _title(board, rates[..., -1], profit, signs[0]),
        f"Difference to {quoted(board.reference)}, same seeds; attrition and profit over {board.rolling_words}. "
        f"Each column has one scale. {board.band_words()}{board.few_words(signs[0])}",
        count,
        3,
        height=tall,
        between=0.17,
        lefts=[name_room(names) + 0.4, 0.42, 0.42],
        rights=rooms,
    )
    for column, (title, unit, x, values, places) in enumerate(columns):
        bands = band(values)
        for row in range(count):
            panel = axes[row][column]
            _path(
                panel,
                x,
                Band(bands.mean[row], bands.low[row], bands.high[row]),
                row + 1,
                bands,
                places,
                signs[column > 0][row],
            )
            marks.month_axis(panel, board.months, label=row == count - 1, ticks=row == count - 1)
            if row == 0:
                style.name_panel(panel, title, unit)
            if column == 0:
                _name(panel, names[row], row + 1)
    return figure


def _apart(values: Cube) -> Cube:
    return values[1:] - values[:1]


def _path(axes: Axes, x: Any, one: Band, place: int, all_: Band, decimals: int, sign: str) -> None:
    colour, marker, hollow = style.arm_look(place)
    marks.line_with_band(axes, x, one, colour)
    marks.value_axis(axes, [all_.mean, all_.low, all_.high], zero=True)
    end = float(one.mean[-1])
    if np.isfinite(end):
        axes.plot(
            [x[-1]],
            [end],
            marker,
            color=colour,
            markersize=4.5,
            markerfacecolor="white" if hollow else colour,
            clip_on=False,
            zorder=6,
        )
        marks.label_ends(axes, [(end, units.number(end, decimals, sign=True) + sign, colour)])


def _name(axes: Axes, name: str, place: int) -> None:
    colour = style.arm_look(place)[0]
    where: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points", "annotation_clip": False}
    axes.annotate(
        name,
        (0, 0.5),
        (-0.42 * 72, 0),
        size=style.TICK,
        color=style.ink(colour),
        ha="right",
        va="center_baseline",
        **where,
    )


def _title(board: Board, rates: Cube, profit: Cube, signs: Sequence[str]) -> str:
    """The arm with the least attrition at the end of its path, and where its profit begins and ends."""
    end = np.array([one.difference for one in contrasts(rates[:, :, -1])])
    how = "one seed" if len(board.seeds) == 1 else claims.LOOKING
    lowest = claims.highest(list(-end))
    if not lowest or not np.nan_to_num(end).any():
        return f"How the arms part from {quoted(board.reference)}"
    least = units.points(float(end[lowest[0]]), 2, sign=True) + signs[lowest[0]]
    text = f"Attrition ends lowest under {claims.listed([board.arms[place + 1] for place in lowest])}: {least}"
    if len(lowest) == 1 and profit.shape[2] > 12:
        first, last = (contrasts(profit[:, :, at])[lowest[0]].difference for at in (0, -1))
        start, finish = units.money(first, sign=True), units.money(last, sign=True)
        text += f"; its profit goes from {board.currency}{units.GAP}{start} in the first year to {finish} in the last"
    return f"{text} against {quoted(board.reference)} ({how})"
