"""Panels that several figures share: one line a tier, one line an arm, stacked bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.phrases import spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import style, units
from sim.reporting.figures.board import Band, Board, Cube, band

Shown = Callable[[float], str]

LABELLED_ARMS = 5  # more labels at the ends of lines would be read as a list
BANDED_ARMS = 3  # more bands in a panel lie over each other until none can be told


def arm_key(board: Board) -> list[tuple[str, ...]]:
    """Names, colours and markers of the arms that figures show; none for one arm, whose figures colour the tiers."""
    if board.one_arm:
        return []
    names = [spoken(arm) for arm in board.arms[: style.MOST_ARMS]]
    names[0] += " (reference)"
    return [(name, *style.arm_look(place)[:2]) for place, name in enumerate(names)]


def left_out(board: Board) -> str:
    """Sentences about bands that are not drawn and about arms beyond the colours there are, or nothing."""
    more = len(board.arms) - style.MOST_ARMS
    bands = ""
    if len(board.arms) > BANDED_ARMS and len(board.seeds) > 1:
        bands = f" Bands: the reference's, and of arms that end outside it ({BANDED_ARMS - 1} at most)."
    if more <= 0:
        return bands
    return bands + (
        " One more arm is in the tables only." if more == 1 else f" {more} more arms are in the tables only."
    )


def banded(bands: Band) -> set[int]:
    """Which arms of arm x month bands have theirs drawn: all of few, else the reference and those furthest from it."""
    if len(bands.mean) <= BANDED_ARMS:
        return set(range(len(bands.mean)))
    low, high, ends = bands.low[0, -1], bands.high[0, -1], bands.mean[:, -1]
    outside = np.nan_to_num(np.maximum(low - ends, ends - high))
    far = sorted((arm for arm in range(1, len(ends)) if outside[arm] > 0), key=lambda arm: -outside[arm])
    return {0, *far[: BANDED_ARMS - 1]}


def arm_lines(
    axes: Axes,
    x: Any,
    values: Cube,
    shown: Shown,
    *,
    zero: bool = False,
    labels: bool = True,
    least_span: float = 0.0,
    floor: float = -np.inf,
    signs: Sequence[str] = (),
) -> None:
    """One line and band an arm from arm x seed x month values, the last value at its end (if `labels`).

    `signs` stand behind these values, one an arm.
    """
    bands = band(values[: style.MOST_ARMS], floor=floor)
    colours = style.arm_colours(len(bands.mean))
    wide = banded(bands)
    for arm in set(range(len(colours))) - wide:
        bands.low[arm] = bands.high[arm] = np.nan
    for arm, colour in reversed(list(enumerate(colours))):  # the reference on top
        one = type(bands)(bands.mean[arm], bands.low[arm], bands.high[arm])
        marks.line_with_band(axes, x, one, colour, dashed=arm == 0 and len(colours) > 1)
        if len(colours) > 1 and len(one.mean) > 1:  # so that lines differ in grey print too
            axes.plot(
                x[-1:], one.mean[-1:], style.arm_look(arm)[1], color=colour, markersize=5, clip_on=False, zorder=5
            )
    marks.value_axis(axes, [bands.mean, bands.low, bands.high], zero=zero, least_span=least_span)
    if labels and len(colours) <= LABELLED_ARMS:
        marks.label_ends(
            axes,
            [
                (
                    float(bands.mean[arm][-1]),
                    shown(float(bands.mean[arm][-1])) + "".join(signs[arm : arm + 1]),
                    colours[arm],
                )
                for arm in range(len(colours))
            ],
        )


def named_lines(
    axes: Axes,
    x: Any,
    values: Cube,
    labels: Sequence[str],
    colours: Sequence[str],
    *,
    zero: bool = False,
    dashed: Sequence[int] = (),
    bandless: Sequence[int] = (),
    floor: float = -np.inf,
    least_span: float = 0.0,
) -> None:
    """One line and band a name from seed x month x name values, the label at its end.

    `dashed` and `bandless` are places of names; `floor` is the least that the values can be.
    """
    bands = band(values, axis=0, floor=floor)
    for place in bandless:
        bands.low[:, place] = bands.high[:, place] = np.nan
    for place, colour in enumerate(colours):
        one = type(bands)(bands.mean[:, place], bands.low[:, place], bands.high[:, place])
        marks.line_with_band(axes, x, one, colour, dashed=place in dashed)
    marks.value_axis(axes, [bands.mean, bands.low, bands.high], zero=zero, least_span=least_span)
    ends = [
        (float(bands.mean[-1, place]), text, colour)
        for place, (text, colour) in enumerate(zip(labels, colours, strict=True))
    ]
    marks.label_ends(axes, ends)


def month_axes(
    board: Board, axes: Sequence[Sequence[Axes]], used: int, *, months: int | None = None, name: str = "Month"
) -> None:
    """Month axes for the first `used` panels of a grid; the other panels go, and the lowest of each column is named."""
    flat = [panel for row in axes for panel in row]
    columns = len(axes[0])
    for place, panel in enumerate(flat):
        if place >= used:
            panel.remove()
        else:
            marks.month_axis(panel, months or board.months, label=place + columns >= used, name=name)


@dataclass(frozen=True)
class Panel:
    """One panel of a grid by arm: its name and unit, arm x seed x month values, and how a value is written.

    `signs` mark the arms' values; where none is written, the name bears them.
    """

    name: str
    unit: str
    values: Cube
    shown: Shown
    zero: bool = False
    least_span: float = 0.0
    floor: float = -np.inf
    signs: tuple[str, ...] = ()


def scaled(name: str, values: Cube, unit: str, *, currency: str = "", sign: bool = False) -> Panel:
    """A panel of counts or money, divided so that its ticks stay short; `unit` is the word after bn, m or k."""
    divisor, word = units.scale(float(np.nanmax(np.abs(values))) if np.isfinite(values).any() else 1.0)
    shown = (lambda value: units.money(value * divisor)) if divisor > 1 else (lambda value: units.number(value))
    if sign:
        shown = lambda value: units.money(value * divisor, sign=True)  # noqa: E731
    unit = " ".join(part for part in (currency, word, unit) if part)
    return Panel(name, unit, values / divisor, shown)


def panels_by_arm(board: Board, title: str, subtitle: str, months: Any, panels: Sequence[Panel]) -> Figure:
    """A grid of panels, in each a line and band an arm."""
    rows, columns = style.grid_shape(len(panels))
    texts = [
        panel.shown(float(value)) + "".join(dict.fromkeys(panel.signs))
        for panel in panels
        for value in band(panel.values[: style.MOST_ARMS]).mean[:, -1]
    ]
    written = len(board.arms) <= LABELLED_ARMS
    room = marks.end_room(texts) if written else 0.3
    figure, axes = style.page(
        title, subtitle + left_out(board), rows, columns, key=arm_key(board), right=max(room, 0.3), height=1.55
    )
    for axis, panel in zip([axis for row in axes for axis in row], panels, strict=False):
        arm_lines(
            axis,
            months,
            panel.values,
            panel.shown,
            zero=panel.zero,
            least_span=panel.least_span,
            floor=panel.floor,
            signs=panel.signs,
        )
        sign = "" if written else "".join(dict.fromkeys(panel.signs[: style.MOST_ARMS]))
        style.name_panel(axis, panel.name + sign, panel.unit)
    month_axes(board, axes, len(panels))
    return figure


def stacked_areas(axes: Axes, x: Any, values: Cube, labels: Sequence[str], colours: Sequence[str]) -> None:
    """Areas from month x part values, the first at the bottom; a label right of each area's end (one month: a bar)."""
    values = np.nan_to_num(values)
    edges = np.cumsum(np.concatenate([np.zeros((len(values), 1)), values], axis=1), axis=1)
    for part, colour in enumerate(colours):
        axes.fill_between(
            x,
            edges[:, part],
            edges[:, part + 1],
            facecolor=colour,
            alpha=0.8,
            edgecolor="white",
            linewidth=0.6,
            zorder=2,
        )
    axes.set_ylim(0, float(edges.max()) or 1.0)
    middle = (edges[-1, :-1] + edges[-1, 1:]) / 2
    marks.label_ends(axes, list(zip(map(float, middle), labels, colours, strict=True)))


def stacked_rows(
    axes: Axes,
    names: Sequence[str],
    parts: Cube,
    colours: Sequence[str],
    shown: Shown,
    *,
    inside: Shown | None = None,
    signs: Sequence[Sequence[str]] = (),
) -> None:
    """Horizontal bars from row x part values (no negatives), rows from the top, the sum at each end.

    `inside` also writes each part into its piece, where it fits. `signs` stand behind the numbers: a row's are those of
    its parts, then that of its sum.
    """
    signs = signs or [[""] * (len(colours) + 1)] * len(names)
    parts = np.nan_to_num(parts)
    totals = parts.sum(axis=1)
    largest = float(totals.max()) or 1.0
    wide, _ = style.size_inches(axes)
    ends = [shown(float(total)) + own[-1] for total, own in zip(totals, signs, strict=True)]
    room = marks.end_room(ends)
    limit = largest * wide / max(wide - room, 0.3)
    start = np.zeros(len(names))
    places = np.arange(len(names))
    for part, colour in enumerate(colours):
        axes.barh(places, parts[:, part], left=start, height=0.62, color=colour, linewidth=0, zorder=3)
        if inside is not None:
            for row in range(len(names)):
                text = inside(float(parts[row, part])) + signs[row][part]
                if style.text_width(text, 8) + 0.1 < parts[row, part] / limit * wide:
                    axes.text(
                        start[row] + parts[row, part] / 2,
                        row,
                        text,
                        size=8,
                        ha="center",
                        va="center_baseline",
                        color=style.ink_on(colour),
                        zorder=5,
                    )
        start = start + parts[:, part]
    for row, total in enumerate(totals):
        axes.annotate(
            ends[row],
            (total, row),
            (5, 0),
            textcoords="offset points",
            size=style.LABEL,
            color=style.INK,
            va="center_baseline",
            ha="left",
            annotation_clip=False,
        )
    axes.set_xlim(0, limit)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_yticks(places, [style.fit(name, 1.6, style.TICK) for name in names])
    axes.tick_params(axis="y", labelcolor=style.INK)
    axes.set_xticks([])
    axes.grid(False)
    axes.spines["bottom"].set_visible(False)


def rows_room(names: Sequence[str]) -> float:
    """Inches to the left of stacked rows that their names need."""
    return max(style.text_width(style.fit(name, 1.6, style.TICK), style.TICK) for name in names) + 0.12
