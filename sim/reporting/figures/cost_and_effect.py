"""What an arm costs against the customers it keeps, and which arms no other arm beats."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from sim.phrases import quoted, spoken
from sim.reporting.figures import axes as marks
from sim.reporting.figures import claims, style, units
from sim.reporting.figures.board import Board, Cube, NothingToShow

PER = 100_000
NEAR = 0.11  # inches from a point to its name; further off a thin line leads to it

Box = tuple[float, float, float, float]  # left, bottom, right, top, in inches


@style.drawn
def cost_and_effect(board: Board) -> Figure:
    """Cost against customers retained, arm by arm, with the efficient frontier through the reference."""
    kept = board.gaps("retention") * PER  # mean, lower, upper
    cost, low, high = board.gaps("cost_discounted").T
    half = (high - low) / 2
    there = np.isfinite(cost) & np.isfinite(kept[:, 0])
    if not there.any():
        raise NothingToShow("no arm has a cost and a number of customers kept")
    size, word = units.scale(float(np.nanmax(np.abs(cost))))
    x, y = np.append(0.0, cost / size), np.append(0.0, kept[:, 0])
    line = frontier(x, y)
    signs = ["", *(board.mark(arm, "retention") for arm in range(1, len(board.arms)))]
    figure, ((panel,),) = style.page(
        _title(board, x, line),
        f"Means over seeds{'' if len(board.seeds) == 1 else f', lines: 95{units.GAP}% intervals (paired t)'}. Cost of "
        f"channels, managers and strategies, discounted, beyond that of {quoted(board.reference)}. Filled, on the "
        "line: no other arm, and no mix of two, keeps more for the money; hollow, below it: another arm or a mix of "
        "two does." + board.few_words(signs),
        1,
        1,
        height=4.2,
        left=0.75,
        right=0.35,
    )
    ends = [np.append(0.0, half / size), np.append(0.0, kept[:, 1]), np.append(0.0, kept[:, 2])]
    _axes(panel, [x - np.nan_to_num(ends[0]), x + np.nan_to_num(ends[0])], [y, ends[1], ends[2]])
    panel.plot(x[line], y[line], color=style.INK, linewidth=1.3, zorder=2)
    for place in range(len(x)):
        if not np.isfinite(x[place]) or not np.isfinite(y[place]):
            continue
        colour, marker, _ = style.arm_look(place)
        if place and np.isfinite(ends[0][place]):
            across = [x[place] - ends[0][place], x[place] + ends[0][place]]
            panel.plot(across, [y[place]] * 2, color=colour, linewidth=1.1, zorder=3)
        if place and np.isfinite(ends[1][place]):
            panel.plot([x[place]] * 2, [ends[1][place], ends[2][place]], color=colour, linewidth=1.1, zorder=3)
        panel.plot(
            [x[place]],
            [y[place]],
            marker,
            color=colour,
            markersize=7,
            markeredgewidth=1.4,
            zorder=5,
            markerfacecolor=colour if place in line else "white",
        )
    names = units.shortened([spoken(arm) for arm in board.arms], 34)
    names = [name + sign for name, sign in zip(names, signs, strict=True)]
    _label(panel, x, y, names, line, ends)
    style.name_panel(panel, "Customers kept", f"of {PER:,} active in month 0")
    panel.set_xlabel(
        f"Cost beyond the reference's, {board.currency} {word}".rstrip(), size=style.LABEL, color=style.SOFT
    )
    return figure


def frontier(x: Sequence[float] | Cube, y: Sequence[float] | Cube) -> list[int]:
    """Places of the points on the efficient frontier, by rising cost: the upper left hull, rising.

    A point is off it when another costs no more and keeps no less, or when a straight line between two others passes
    above it (then a mix of the two would keep more for the same money). Of equal points the first is on it.
    """
    order = sorted(
        (place for place in range(len(x)) if np.isfinite(x[place]) and np.isfinite(y[place])),
        key=lambda place: (x[place], -y[place], place),
    )
    rising: list[int] = []
    for place in order:
        if rising and y[place] <= y[rising[-1]]:
            continue
        while len(rising) > 1:
            a, b = rising[-2], rising[-1]
            if (y[b] - y[a]) * (x[place] - x[a]) > (y[place] - y[a]) * (x[b] - x[a]):
                break
            rising.pop()
        rising.append(place)
    return rising


def _title(board: Board, x: Cube, line: list[int]) -> str:
    on = [place for place in line if place]
    off = len(board.arms) - 1 - len(on)
    if not on:
        return f"By the means no arm keeps more customers than {quoted(board.reference)}"
    listed = claims.listed([board.arms[place] for place in on])
    verb, whose = ("keeps", "its") if len(on) == 1 else ("keep", "their")
    text = f"By the means {listed} {verb} the most customers for {whose} cost"
    return text + (f"; {off} other{'s keep' if off > 1 else ' keeps'} fewer than the money could" if off else "")


def _axes(axes: Axes, across: list[Cube], up: list[Cube]) -> None:
    reach = [value for values in across for value in values if np.isfinite(value)]
    marks.level_axis(axes, [*across, [min(reach) - 0.08 * (max(reach) - min(reach))]])  # room for the reference's name
    marks.value_axis(axes, up, zero=True)
    axes.grid(axis="y", color=style.GRID, linewidth=0.8, visible=True)


def _label(axes: Axes, x: Cube, y: Cube, names: list[str], line: list[int], ends: list[Cube]) -> None:
    """A name at every point, at the first free place around it; a thin line where it stands further off."""
    wide, tall = style.size_inches(axes)
    (left, right), (base, top) = axes.get_xlim(), axes.get_ylim()
    at = np.stack([(x - left) / (right - left) * wide, (y - base) / (top - base) * tall], axis=1)
    on = [place in line for place in range(len(x))]
    taken = [(px - 0.07, py - 0.07, px + 0.07, py + 0.07) for px, py in at if np.isfinite(px + py)]
    zero, free = -base / (top - base) * tall, -left / (right - left) * wide
    # The lines of no cost and no effect, the intervals, the frontier: to be kept clear of where there is room.
    lines = [(0.0, zero - 0.01, wide, zero + 0.01), (free - 0.01, 0.0, free + 0.01, tall)]
    half, low, high_end = (np.nan_to_num(end) for end in ends)
    for (px, py), wide_half, down, up in zip(at, half / (right - left) * wide, low, high_end, strict=True):
        lines.append((px - wide_half, py - 0.01, px + wide_half, py + 0.01))
        lines.append((px - 0.01, (down - base) / (top - base) * tall, px + 0.01, (up - base) / (top - base) * tall))
    for one, two in itertools.pairwise(at[line]):
        steps = np.linspace(one, two, max(2, int(np.hypot(*(two - one)) / 0.03)))
        lines += [(px - 0.015, py - 0.015, px + 0.015, py + 0.015) for px, py in steps]
    high = style.LABEL * 1.25 / 72
    names_at: list[Box] = []
    for place in sorted(range(len(names)), key=lambda one: (one > 0, not on[one], -np.nan_to_num(y[one]))):
        if not np.isfinite(at[place]).all():
            continue
        weight = "bold" if on[place] else "normal"
        long = style.text_width(names[place], style.LABEL, weight) + 0.04
        spots = [
            (box, far)
            for box, far in _spots(at[place], long, high)
            if box[0] >= 0.02
            and box[2] <= wide + 0.3
            and box[1] >= 0.02
            and box[3] <= tall
            and not any(_meet(box, other) for other in taken)
        ]
        clean = [
            (box, far)
            for box, far in spots
            if not any(_meet(box, other) for other in lines)
            and not any(_meet(step, other) for step in _leader(at[place], box, far) for other in names_at)
        ]
        if not spots:
            continue
        box, far = (clean or spots)[0]
        taken.append(box)
        names_at.append(box)
        lines += _leader(at[place], box, far)
        axes.text(
            (box[0] + 0.02) / wide,
            (box[1] + box[3]) / 2 / tall,
            names[place],
            transform=axes.transAxes,
            size=style.LABEL,
            color=style.ink(style.arm_look(place)[0]),
            va="center_baseline",
            weight=weight,
            zorder=7,
        )
        if far > NEAR:
            px, py = at[place]
            near = _nearest(at[place], box)
            axes.plot(
                [px / wide, near[0] / wide],
                [py / tall, near[1] / tall],
                transform=axes.transAxes,
                color="#9A9A9A",
                linewidth=0.6,
                zorder=1,
            )


def _nearest(at: Cube, box: Box) -> tuple[float, float]:
    """The point of a box that is nearest to a point."""
    return min(max(float(at[0]), box[0]), box[2]), min(max(float(at[1]), box[1]), box[3])


def _leader(at: Cube, box: Box, far: float) -> list[Box]:
    """Small boxes along the thin line from a point to its name; none for a name that stands close."""
    if far <= NEAR:
        return []
    steps = np.linspace(at, _nearest(at, box), 24)[2:-1]
    return [(px - 0.01, py - 0.01, px + 0.01, py + 0.01) for px, py in steps]


def _spots(at: Cube, long: float, high: float) -> Iterator[tuple[Box, float]]:
    """Boxes for a label around a point, the nearest first, and how far off they are (inches)."""
    for far in (NEAR, 0.28, 0.5, 0.75, 1.05, 1.4):
        for dx, dy in ((-1, 1), (1, -1), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)):
            cx, cy = at[0] + dx * far, at[1] + dy * far
            x0 = cx if dx > 0 else cx - long if dx < 0 else cx - long / 2
            yield (x0, cy - high / 2, x0 + long, cy + high / 2), far


def _meet(one: Sequence[float], other: Sequence[float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
