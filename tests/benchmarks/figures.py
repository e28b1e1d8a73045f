"""A figure of the benchmark table, and the table as text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sides import BEFORE, NOW


@dataclass(frozen=True)
class Figure:
    """One line: what was measured, in which unit, by side; how many times better it is now; what was to be reached.

    `times` is above 1 where it is better now, the median over rounds that both sides lived in turn.
    """

    part: str
    what: str
    unit: str
    values: dict[str, float] = field(default_factory=dict)
    times: float | None = None
    aim: str = ""

    def told(self) -> dict[str, Any]:
        """For the JSON file."""
        return asdict(self)


def number(value: float | None) -> str:
    """Three digits that count, none of them an exponent's."""
    if value is None:
        return ""
    if value == 0 or value != value:
        return "0" if value == 0 else "-"
    digits = max(0, 2 - _magnitude(value))
    return f"{value:,.{digits}f}"


def _magnitude(value: float) -> int:
    return int(f"{abs(value):e}".split("e")[1])


def tables(figures: Iterable[Figure], titles: dict[str, str]) -> str:
    """Markdown: a table a part."""
    found = list(figures)
    by_part = {part: [one for one in found if one.part == part] for part in titles}
    return "\n".join(_table(titles[part], some) for part, some in by_part.items() if some)


def _table(title: str, figures: Sequence[Figure]) -> str:
    two = any(BEFORE in one.values for one in figures)
    head = ["figure", "unit", *([BEFORE, NOW, "times better"] if two else [NOW]), "to reach"]
    lines = [f"### {title}", "", _line(head), _line(["---", "---", *["---:"] * (len(head) - 3), "---"])]
    for one in figures:
        values = [number(one.values.get(BEFORE)), number(one.values.get(NOW)), number(one.times)]
        lines.append(_line([one.what, one.unit, *(values if two else values[1:2]), one.aim]))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
