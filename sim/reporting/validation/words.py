"""Figures, intervals, tolerances and verdicts of stylised facts in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from sim.phrases import listed
from sim.reporting.run.terminal import aligned

SAID = (("misses", "miss"), ("is unclear", "are unclear"), ("is not modelled", "are not modelled"))
VERDICTS = ("holds", "misses", "unclear", "not modelled")


class Span(Protocol):
    """A mean with the ends of its interval."""

    @property
    def mean(self) -> float: ...
    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


class Interval(NamedTuple):
    """The same as it is read from a table."""

    mean: float
    low: float
    high: float


def number_words(value: float, style: str) -> str:
    """A figure in its format; what was not measured, or is without end, in words."""
    if math.isnan(value):
        return "not measured"
    if math.isinf(value):
        return "?"
    if style.endswith("%"):
        return format(value, style).replace("%", " %")
    return f"{value:,.0f}" if abs(value) >= 1000 else format(value, style)


def figure_words(span: Span, style: str) -> str:
    """A figure with its interval, where it has one."""
    text = number_words(span.mean, style)
    if not (span.high > span.low and math.isfinite(span.high - span.low)):
        return text
    return f"{text} ({number_words(span.low, style)} to {number_words(span.high, style)})"


def tolerance_words(tolerance: tuple[float, float] | None, style: str) -> str:
    """What a figure should be; "" where nothing is asked of it."""
    if tolerance is None:
        return ""
    low, high = tolerance
    if low == 0.0 and high >= 1.0 and not math.isinf(high) and style.endswith("%"):
        return "above 0"
    if math.isinf(high):
        return f"above {low:g}"
    if math.isinf(low):
        return f"at most {high:g}"
    return f"{number_words(low, style)} to {number_words(high, style)}"


def counts(verdicts: Sequence[str]) -> str:
    """How many facts hold, miss, are unclear and are not modelled."""
    held, *others = (verdicts.count(word) for word in VERDICTS)
    words = [f"{count} {one if count == 1 else many}" for count, (one, many) in zip(others, SAID, strict=True) if count]
    return f"{held} of {len(verdicts)} hold" + (f", {listed(words)}" if words else "")


def terminal_table(rows: Sequence[Sequence[str]]) -> str:
    """fact | claim | verdict | figure as lines for a terminal."""
    return "\n".join(aligned([("fact", "claim", "verdict", "figure")], rows, left=(0, 1, 2, 3)))
