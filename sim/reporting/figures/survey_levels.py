"""Levels with their intervals, a row a thing: means of constructs, what was expected and what was met, groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.reporting.figures import axes as marks
from sim.reporting.figures import style

ROW, NAMES = 0.3, 2.6
ENDLESS = (-np.inf, np.inf)


@dataclass(frozen=True)
class Level:
    """A value with the ends of its interval (NaN: none); filled where it is clear; `text` stands at the right."""

    name: str
    value: float
    low: float
    high: float
    clear: bool = True
    text: str = ""


@style.drawn
def levels(
    title: str,
    subtitle: str,
    rows: Sequence[Level],
    name: str,
    unit: str,
    *,
    zero: bool = False,
    mark: float | None = None,
    within: tuple[float, float] = ENDLESS,
) -> Figure:
    """A point and interval a row; a line at `mark`, an axis that has zero in it with `zero`; cut at `within`."""
    names = [style.fit(row.name, NAMES, style.TICK) for row in rows]
    figure, ((panel,),) = framed(title, subtitle, names, [row.text for row in rows])
    known = np.array([[row.value, row.low, row.high] for row in rows], dtype=float)
    _along(panel, known if mark is None else np.append(known, mark), zero=zero, within=within)
    if mark is not None:
        panel.axvline(mark, color=style.INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=2)
    for place, row in enumerate(rows):
        _interval(panel, row, place, style.GAIN, 2.0, within)
        face = style.GAIN if row.clear else "white"
        (spot,) = panel.plot([row.value], [place], "o", color=style.GAIN, markerfacecolor=face, markersize=6, zorder=4)
        spot.set_clip_on(within == ENDLESS)
    finish(panel, names, [row.text for row in rows])
    style.name_panel(panel, name, unit)
    return figure


@dataclass(frozen=True)
class Pair:
    """What was expected, and what was met, and whether their gap is clear."""

    name: str
    expected: float
    met: float
    clear: bool
    text: str


@style.drawn
def gap_bars(title: str, subtitle: str, rows: Sequence[Pair], name: str, unit: str) -> Figure:
    """A bar from what was expected to what was met, orange where it falls short; filled where the gap is clear."""
    names = [style.fit(row.name, NAMES, style.TICK) for row in rows]
    key: list[tuple[str, ...]] = [("expected", style.NEUTRAL, "D", "hollow")]
    for word, colour, there in (
        ("falls short", style.LOSS, [row.clear for row in rows if row.met < row.expected]),
        ("is above", style.GAIN, [row.clear for row in rows if row.met >= row.expected]),
    ):
        key += [(f"met, {word} clearly", colour, "o")] * any(there)
        key += [(f"met, {word}, not clearly", colour, "o", "hollow")] * (not all(there))
    figure, ((panel,),) = framed(title, subtitle, names, [row.text for row in rows], key)
    _along(panel, np.array([[row.expected, row.met] for row in rows], dtype=float))
    for place, row in enumerate(rows):
        colour = style.LOSS if row.met < row.expected else style.GAIN
        wide = 4.5 if row.clear else 1.5
        panel.plot([row.expected, row.met], [place, place], color=colour, linewidth=wide, zorder=3, alpha=0.6)
        panel.plot([row.expected], [place], "D", color=style.NEUTRAL, markerfacecolor="white", markersize=6, zorder=4)
        face = colour if row.clear else "white"
        panel.plot([row.met], [place], "o", color=colour, markerfacecolor=face, markersize=7, zorder=5)
    finish(panel, names, [row.text for row in rows])
    style.name_panel(panel, name, unit)
    return figure


@style.drawn
def by_group(
    title: str,
    subtitle: str,
    names: Sequence[str],
    groups: Sequence[tuple[str, Sequence[Level]]],
    name: str,
    unit: str,
    *,
    within: tuple[float, float] = ENDLESS,
) -> Figure:
    """A row a construct, in it a marker and interval a group, one above the other; cut at `within`."""
    shown = [style.fit(one, NAMES, style.TICK) for one in names]
    key = [(group, *style.arm_look(place + 1)[:2]) for place, (group, _) in enumerate(groups)]
    step = 0.66 / max(len(groups), 1)
    figure, ((panel,),) = framed(title, subtitle, shown, [], key, row=max(ROW, 0.13 * len(groups) + 0.12))
    known = np.array([[one.value, one.low, one.high] for _, own in groups for one in own], dtype=float)
    _along(panel, known, within=within)
    for place, (_, own) in enumerate(groups):
        colour, marker, hollow = style.arm_look(place + 1)
        for row, one in enumerate(own):
            y = row + (place - (len(groups) - 1) / 2) * step
            _interval(panel, one, y, colour, 1.4, within)
            face = "white" if hollow or not one.clear else colour
            (spot,) = panel.plot([one.value], [y], marker, color=colour, markerfacecolor=face, markersize=5, zorder=4)
            spot.set_clip_on(within == ENDLESS)
    finish(panel, shown, [])
    style.name_panel(panel, name, unit)
    return figure


def framed(
    title: str,
    subtitle: str,
    names: Sequence[str],
    texts: Sequence[str],
    key: Sequence[tuple[str, ...]] = (),
    *,
    row: float = ROW,
) -> tuple[Figure, list[list[Axes]]]:
    """A figure of one panel with a row a name, its texts at the right."""
    return style.page(
        title,
        subtitle,
        1,
        1,
        height=row * len(names) + 0.15,
        key=key,
        left=max(style.text_width(name, style.TICK) for name in names) + 0.14,
        right=max(marks.end_room([text for text in texts if text]), 0.25),
        bottom=0.42,
    )


def _interval(panel: Axes, one: Level, y: float, colour: str, wide: float, within: tuple[float, float]) -> None:
    """A line from one end to the other; an arrow where it is cut."""
    ends = np.clip([one.low, one.high], *within)
    panel.plot(ends, [y, y], color=colour, linewidth=wide, zorder=3)
    for end, given, arrow in zip(ends, (one.low, one.high), "<>", strict=True):
        if np.isfinite(given) and end != given:
            panel.plot([end], [y], arrow, color=colour, markersize=5, zorder=3, clip_on=False)


def _along(panel: Axes, values: np.ndarray, *, zero: bool = False, within: tuple[float, float] = ENDLESS) -> None:
    if zero:
        marks.level_axis(panel, [values])
        return
    known = np.clip(values[np.isfinite(values)], *within)
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    pad = 0.06 * (high - low) or 0.5
    low, high = max(low - pad, within[0]), min(high + pad, within[1])
    panel.set_xlim(low, high)
    marks.ticks_along(panel, low, high)
    panel.grid(axis="x", color=style.GRID, linewidth=0.8)
    panel.grid(axis="y", visible=False)


def finish(panel: Axes, names: Sequence[str], texts: Sequence[str]) -> None:
    """Rows of a panel by name, the first on top, with their texts."""
    for row, text in enumerate(texts):
        panel.annotate(
            text,
            (1.0, row),
            (6, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            size=style.LABEL,
            color=style.INK,
            va="center_baseline",
        )
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_yticks(range(len(names)), names)
    panel.tick_params(axis="y", labelcolor=style.INK)
