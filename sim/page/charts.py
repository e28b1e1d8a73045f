"""Charts of the page as options of ECharts: plain data, a few hundred numbers, no picture.

The reference is grey and dashed, the arm blue and whole, so that neither needs its colour to be known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from sim.page.numbers import SCALES, difference
from sim.page.pair import Month
from sim.page.runner import Course
from sim.words import Words

GREY, BLUE, BAND = "#595f69", "#0b62a4", "rgba(11, 98, 164, 0.18)"
INK = "#33383f"
LINES = ("retained", "aum", "profit", "contacts", "utilisation")
PER_CENT = ("retained", "utilisation")
SCALED = ("aum", "profit")
Option = dict[str, Any]


def _series(course: Course, name: str) -> list[list[float]]:
    """A figure month by month of the reference and of the arm, as it is drawn; profit is added up."""
    drawn = []
    for seen in course.seen:
        values = [float(getattr(month, name)) for month in list(seen)]
        if name == "profit":
            values = [sum(values[: i + 1]) for i in range(len(values))]
        drawn.append(values)
    return drawn


def _scale(words: Words, values: Sequence[Sequence[float]]) -> tuple[float, str]:
    largest = max((abs(value) for one in values for value in one), default=0.0)
    return next(((d, w) for d, w in SCALES[words.language] if largest >= d), (1.0, ""))


def line(words: Words, name: str, course: Course, names: Sequence[str], currency: str) -> Option:
    """A figure over months, both arms."""
    values = _series(course, name)
    unit = "%" if name in PER_CENT else ""
    scale = 0.01 if name in PER_CENT else 1.0
    if name in SCALED:
        scale, word = _scale(words, values)
        unit = " ".join(part for part in (currency, word) if part)
    drawn = [[round(value / scale, 4) for value in one] for one in values]
    return {
        **_frame(words(f"page.chart.{name}"), unit),
        "xAxis": {
            "type": "value",
            "min": 0,
            "max": course.months,
            "minInterval": 1,
            "axisLabel": {"color": INK, "hideOverlap": True},
            "splitLine": {"show": False},
        },
        "yAxis": {"type": "value", "scale": True, "axisLabel": {"color": INK}, "splitNumber": 4},
        "series": [
            _line(names[0], drawn[0], GREY, "dashed"),
            _line(names[1], drawn[1], BLUE, "solid"),
        ],
    }


def _line(name: str, values: Sequence[float], colour: str, kind: str) -> Option:
    return {
        "name": name,
        "type": "line",
        "showSymbol": len(values) < 2,
        "animation": False,
        "data": [[month, value] for month, value in enumerate(values) if math.isfinite(value)],
        "lineStyle": {"color": colour, "type": kind, "width": 2},
        "itemStyle": {"color": colour},
    }


def pyramid(words: Words, course: Course, names: Sequence[str], tiers: Sequence[str]) -> Option:
    """Customers by tier, the highest on top, on a scale of powers of ten."""
    last: list[Sequence[float]] = [list(seen)[-1].customers if seen else () for seen in course.seen]
    bars = [
        {
            "name": name,
            "type": "bar",
            "animation": False,
            "data": [max(round(value), 1) for value in values],
            "itemStyle": {"color": colour, **({"decal": {"symbol": "rect"}} if colour == GREY else {})},
            "label": {"show": False},
        }
        for name, values, colour in zip(names, last, (GREY, BLUE), strict=True)
    ]
    return {
        **_frame(words("page.chart.pyramid"), words("page.unit.customers")),
        "xAxis": {
            "type": "log",
            "axisLabel": {"color": INK, "hideOverlap": True, "alignMaxLabel": "right"},
            "min": 1,
        },
        "yAxis": {
            "type": "category",
            "data": list(tiers),
            "axisLabel": {"color": INK, "width": 90, "overflow": "break"},
        },
        "series": bars,
    }


def band(words: Words, name: str, course: Course, currency: str) -> Option:
    """The difference of a figure over months: the mean of all seeds that have come so far, with its interval."""
    found = [course.difference(month).get(name) for month in range(course.month + 1)]
    rows = [(month, one.mean, one.half) for month, one in enumerate(found) if one is not None and one.seeds]
    scale, unit = (0.01, words("page.unit.points")) if name == "retained" else (1.0, "")
    if name in SCALED:
        scale, word = _scale(words, [[mean + (half if math.isfinite(half) else 0.0) for _, mean, half in rows]])
        unit = " ".join(part for part in (currency, word) if part)
    sure = [(month, mean / scale, half / scale) for month, mean, half in rows if math.isfinite(half)]
    return {
        **_frame(words(f"page.difference.{name}"), unit),
        "xAxis": {"type": "value", "min": 0, "max": course.months, "minInterval": 1, "axisLabel": {"color": INK}},
        "yAxis": {"type": "value", "axisLabel": {"color": INK}, "splitNumber": 4},
        "series": [
            _edge([[month, round(mean - half, 6)] for month, mean, half in sure], None),
            _edge([[month, round(2 * half, 6)] for month, _, half in sure], BAND),
            _line(words(f"page.difference.{name}"), [round(mean / scale, 6) for _, mean, _ in rows], BLUE, "solid"),
        ],
    }


def _edge(points: list[list[float]], fill: str | None) -> Option:
    return {
        "type": "line",
        "stack": "interval",
        "stackStrategy": "all",
        "symbol": "none",
        "animation": False,
        "silent": True,
        "lineStyle": {"opacity": 0},
        "data": points,
        **({"areaStyle": {"color": fill}} if fill else {}),
    }


def _frame(title: str, unit: str) -> Option:
    return {
        "title": {
            "text": title,
            "subtext": unit,
            "textStyle": {"fontSize": 13, "color": INK, "fontWeight": 600},
            "subtextStyle": {"fontSize": 11, "color": INK},
            "itemGap": 6,
            "left": 4,
            "top": 0,
        },
        "grid": {"left": 8, "right": 14, "top": 44, "bottom": 4, "containLabel": True},
        "tooltip": {"trigger": "axis", "confine": True},
        "aria": {"enabled": False},
        "animation": False,
    }


def said(words: Words, chart: str, course: Course, names: Sequence[str], value: Callable[[Month], str]) -> str:
    """A chart in a sentence, for those who hear the page."""
    if course.month < 0:
        return words("page.chart.empty", chart=chart)
    first, second = (value(list(seen)[-1]) for seen in course.seen)
    return words(
        "page.chart.said", chart=chart, month=course.month, reference=names[0], first=first, arm=names[1], second=second
    )


def difference_said(words: Words, name: str, course: Course, currency: str) -> str:
    """The chart of a difference in a sentence."""
    title = words(f"page.difference.{name}")
    if course.month < 0:
        return words("page.chart.empty", chart=title)
    found = course.difference()[name]
    said = difference(words, name, found, currency)
    return words("page.difference.said", chart=title, month=course.month, difference=said, seeds=found.seeds)
