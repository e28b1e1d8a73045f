"""What stands in a panel: scales with few round ticks, lines with their bands, labels that never touch."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from sim.reporting.figures import units
from sim.reporting.figures.board import Band
from sim.reporting.figures.style import GRID, LABEL, SOFT, TICK, ink, size_inches, text_width


def month_axis(
    axes: Axes, months: int, *, label: bool = True, name: str = "Month", first: int = 0, ticks: bool = True
) -> None:
    """Months on x, a tick a year where there are years, as many as fit; without `ticks` they have no numbers."""
    wide, _ = size_inches(axes)
    last = max(months, first + 1)
    axes.set_xlim(first, last)
    steps = [12, 24, 36, 60, 120, 240, 600, 1200] if months - first >= 24 else [1, 2, 3, 6, 12]
    widest = text_width(str(months), TICK) + 0.16
    step = next((step for step in steps if (last - first) / step * widest <= wide), steps[-1])
    places = [month for month in range(0, months + 1, step) if month >= first]
    axes.xaxis.set_major_locator(FixedLocator(places))
    axes.set_xticklabels([str(place) if ticks else "" for place in places])
    if label:
        axes.set_xlabel(name, size=LABEL, color=SOFT, labelpad=3)


def value_axis(
    axes: Axes, values: Sequence[Any], *, zero: bool = False, most: float | None = None, least_span: float = 0.0
) -> None:
    """Limits around the values (from zero if asked), few round ticks, plain numbers with a true minus.

    `most` caps the upper limit (100 %). `least_span` is the least the axis covers, lest noise look like news.
    """
    finite = np.concatenate([np.asarray(value, dtype=float).ravel() for value in values] or [np.zeros(1)])
    finite = finite[np.isfinite(finite)]
    if not finite.size:
        axes.set_yticks([])
        axes.text(
            0.5, 0.5, "too few to say", transform=axes.transAxes, ha="center", va="center", size=LABEL, color=SOFT
        )
        return
    low, high = float(finite.min()), float(finite.max())
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    if high - low < least_span:
        middle = (high + low) / 2
        low, high = middle - least_span / 2, middle + least_span / 2
    span = high - low
    if span <= 1e-9 * max(abs(low), abs(high), 1e-9):
        span = abs(high) * 0.1 or 1.0
    pad = 0.08 * span
    top = high + pad if not (zero and high == 0.0) else 0.0
    base = low if zero and low == 0.0 else low - pad
    if most is not None:
        top = min(top, most)
    if top - base < span * 0.05:
        base -= span * 0.5
    axes.set_ylim(base, top)
    _, tall = size_inches(axes)
    ticks = _round_ticks(base, top, max(2, min(6, int(tall / 0.32))))
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_yticklabels([tick_text(tick, ticks) for tick in ticks])
    if base < 0.0 < top:
        axes.axhline(0.0, color="#8C8C8C", linewidth=0.8, zorder=1)


def level_axis(axes: Axes, values: Sequence[Any]) -> None:
    """A value axis along x that has zero in it: limits, few ticks, light vertical lines, a clear zero."""
    finite = np.concatenate([np.asarray(value, dtype=float).ravel() for value in values])
    finite = np.append(finite[np.isfinite(finite)], 0.0)
    low, high = float(finite.min()), float(finite.max())
    pad = 0.08 * (high - low) or 1.0
    low, high = low - pad, high + pad
    axes.set_xlim(low, high)
    ticks_along(axes, low, high)
    axes.grid(axis="x", color=GRID, linewidth=0.8)
    axes.grid(axis="y", visible=False)
    axes.axvline(0.0, color="#8C8C8C", linewidth=0.9, zorder=1)


def ticks_along(axes: Axes, low: float, high: float) -> None:
    """As many round ticks along x between two values as stand apart."""
    wide, _ = size_inches(axes)
    left, right = axes.get_xlim()
    for most in range(max(2, int(wide / 0.45)), 0, -1):
        ticks = _round_ticks(low, high, most)
        texts = [tick_text(tick, ticks) for tick in ticks]
        apart = min((b - a for a, b in itertools.pairwise(ticks)), default=high - low) / ((right - left) or 1.0) * wide
        if max((text_width(text, TICK) for text in texts), default=0.0) + 0.14 <= apart:
            break
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.set_xticklabels(texts)


def ticks_at(axis: Axis, levels: Any) -> None:
    """Ticks at these levels and nowhere else, of a linear or a logarithmic axis."""
    places = [float(level) for level in levels]
    axis.set_major_locator(FixedLocator(places))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FixedFormatter([f"{place:.4g}".replace("-", units.MINUS) for place in places]))


def ticks_of_powers(axis: Axis, low: float, high: float, most: int = 7) -> None:
    """At most so many ticks of a logarithmic axis between two values: powers of ten, with 2 and 5 or 3 times them."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 5), (1, 3), (1,)):
        places = [step * 10.0**power for power in range(first, last + 1) for step in steps]
        places = [place for place in places if low <= place * (1 + 1e-9) and place <= high * (1 + 1e-9)]
        if len(places) <= most:
            break
    ticks_at(axis, places[:: max(1, -(-len(places) // most))] or [low, high])


def _round_ticks(low: float, high: float, most: int) -> list[float]:
    ticks = MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    slack = (high - low) * 1e-6
    return [float(tick) for tick in ticks if low - slack <= tick <= high + slack]


def tick_text(tick: float, ticks: Sequence[float]) -> str:
    """A tick in the fewest decimals that tell all of them apart and right."""
    step = min((abs(b - a) for a, b in itertools.pairwise(ticks)), default=abs(tick) or 1.0)
    decimals = next(
        (d for d in range(7) if all(abs(round(value, d) - value) < 1e-3 * step for value in ticks)),
        6,
    )
    return units.number(tick, decimals)


def line_with_band(axes: Axes, x: Any, band: Band, colour: str, *, dashed: bool = False) -> None:
    """The mean as a line (a dot if it is one point), the seeds as a band."""
    mean = np.asarray(band.mean, dtype=float)
    if np.isfinite(band.low).any() and len(mean) > 1:
        axes.fill_between(x, band.low, band.high, color=colour, alpha=0.2, linewidth=0, zorder=2)
    if len(mean) == 1:
        axes.plot(x, mean, "o", color=colour, markersize=5, zorder=4, clip_on=False)
        if np.isfinite(band.low).all():
            ends = [band.low[0], band.high[0]]
            axes.plot([x[0], x[0]], ends, color=colour, linewidth=1.6, zorder=3, clip_on=False)
        return
    axes.plot(x, mean, color=colour, linewidth=1.7, linestyle=(0, (4, 2)) if dashed else "-", zorder=4)


def steps_with_band(axes: Axes, edges: Any, band: Band, colour: str, *, dashed: bool = False) -> None:
    """Rates by bin as steps, the seeds as a band; bins without a rate stay empty."""
    closed = lambda values: np.append(values, values[-1])  # noqa: E731
    if np.isfinite(band.low).any():
        axes.fill_between(
            edges, closed(band.low), closed(band.high), step="post", color=colour, alpha=0.2, linewidth=0, zorder=2
        )
    axes.step(
        edges,
        closed(band.mean),
        where="post",
        color=colour,
        linewidth=1.6,
        linestyle=(0, (4, 2)) if dashed else "-",
        zorder=4,
    )


def label_ends(axes: Axes, labels: Sequence[tuple[float, str, str]], *, size: float = LABEL) -> None:
    """Texts to the right of a panel at heights (value, text, colour), pushed apart so that none touches another.

    Call it after the limits are set. Where there is no room for all, those of the last are left out rather than laid
    over each other.
    """
    base, top = axes.get_ylim()
    _, tall = size_inches(axes)
    need = size * 1.22 / 72.0
    wanted = [(value, text, colour) for value, text, colour in labels if math.isfinite(value)]
    wanted = wanted[: max(1, int((tall + need) / need))]
    # Not below the panel's floor: there the last tick of the month axis would read as the label's number.
    order = sorted(range(len(wanted)), key=lambda place: wanted[place][0])
    heights = spread(
        [(wanted[place][0] - base) / (top - base) * tall for place in order], need, 0.3 * need, tall + need / 2
    )
    for place, height in zip(order, heights, strict=True):
        _, text, colour = wanted[place]
        axes.annotate(
            text,
            (1, height / tall),
            (5, 0),
            xycoords="axes fraction",
            textcoords="offset points",
            size=size,
            color=ink(colour),
            ha="left",
            va="center_baseline",
            annotation_clip=False,
        )


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Ascending places as near as possible to the wanted ones, `gap` apart, between `low` and `high` if they fit."""
    groups: list[tuple[float, int]] = []  # centre of a group of neighbours, and how many
    for place in wanted:
        centre, count = place, 1
        while groups:
            other, others = groups[-1]
            if other + (others - 1) * gap / 2 + gap <= centre - (count - 1) * gap / 2:
                break
            groups.pop()
            centre, count = (other * others + centre * count) / (others + count), others + count
        groups.append((centre, count))
    places = [centre + (k - (count - 1) / 2) * gap for centre, count in groups for k in range(count)]
    for k in range(len(places)):  # down into the panel, then up from its floor
        places[-1 - k] = min(places[-1 - k], high - k * gap)
    for k in range(len(places)):
        places[k] = max(places[k], low + k * gap)
    return places


def end_room(texts: Sequence[str], size: float = LABEL) -> float:
    """Inches that labels at the ends of lines need to the right of a panel."""
    return max((text_width(text, size) for text in texts), default=0.0) + 0.16
