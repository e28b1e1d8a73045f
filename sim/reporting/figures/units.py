"""Numbers as a reader wants them: scaled money, percent, counts; a missing number is an en dash.

Figures, page and terminal all write numbers through here, so that the same number reads the same everywhere.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from sim.measures.catalogue import KPIS, base_name
from sim.measures.precision import CHANCE

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
INFINITE = "\N{INFINITY}"
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
GAP = "\N{NO-BREAK SPACE}"
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

SMALLEST_P = 0.001

_SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k"))


def number(value: float, decimals: int = 0, *, sign: bool = False) -> str:
    """Thousands separated, a true minus sign, never "-0"; an en dash for NaN."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return INFINITE if value > 0 else MINUS + INFINITE
    text = f"{abs(value):,.{decimals}f}"
    if not text.strip("0.,"):
        return text
    if value < 0:
        return MINUS + text
    return "+" + text if sign else text


def percent(share: float, decimals: int = 1, *, sign: bool = False) -> str:
    """A share as percent: 0.1342 is "13.4 %"."""
    text = number(share * 100 if share is not None else math.nan, decimals, sign=sign)
    return text if text in (MISSING, INFINITE) else f"{text}{GAP}%"


def points(share: float, decimals: int = 1, *, sign: bool = False) -> str:
    """A difference of shares in percentage points: -0.012 is "-1.2 points"."""
    text = number(share * 100, decimals, sign=sign)
    return text if text in (MISSING, INFINITE) else f"{text}{GAP}points"


def scale(largest: float) -> tuple[float, str]:
    """The divisor and the word (bn, m, k or nothing) that keep the largest of a set of numbers short."""
    largest = abs(largest) if math.isfinite(largest) else 0.0
    for divisor, word in _SCALES:
        if largest >= divisor:
            return divisor, word
    return 1.0, ""


def money(value: float, currency: str = "", *, sign: bool = False) -> str:
    """Three significant digits with the scale that fits: 4.019e10 is "CNY 40.2 bn"."""
    if value is None or not math.isfinite(value):
        return number(value)
    divisor, word = scale(float(f"{value:.3g}"))
    scaled = value / divisor
    text = number(scaled, significant(scaled, 3, most=2), sign=sign)
    return GAP.join(part for part in (currency, text, word) if part)


def short(value: float) -> str:
    """A count of customers or contacts in three significant digits: 925,300 is "925 k", 612 stays "612"."""
    return money(value) if abs(value) >= 10_000 else number(value)


def half_text(half_width: float, decimals: int) -> str:
    """A half width in these decimals; one too small for them is not none, so "<0.1"."""
    text = number(half_width, decimals)
    return text if text.strip("0.") or half_width == 0 else f"<{number(10.0**-decimals, decimals)}"


def p_text(p: float) -> str:
    """A p value as read: two digits, never 0, and never rounded to or over the border of what is sure."""
    if math.isnan(p):
        return MISSING
    if p < SMALLEST_P:
        return f"<{SMALLEST_P:g}"
    decimals = 3 if p < 0.1 else 2
    text = f"{p:.{decimals}f}"
    if float(text) == CHANCE and p != CHANCE:
        below, above = f"<{CHANCE:.3f}", f">{CHANCE:.3f}"
        text = f"{p:.4f}" if float(f"{p:.4f}") != CHANCE else below if p < CHANCE else above
    return text


def significant(value: float, digits: int, *, most: int = 4) -> int:
    """Decimals that show `digits` significant digits of `value`, between 0 and `most`."""
    if not math.isfinite(value) or value == 0:
        return min(digits - 1, most)
    return min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), most)


def decimals_for(value: float, half_width: float) -> int:
    """Decimals for "value +- half_width": enough for three digits of the value, or the first digit of the half width.

    More than one digit beyond the value's three would pretend to a precision that no reader uses.
    """
    wanted = significant(value, 3)
    if half_width and math.isfinite(half_width):
        wanted = max(min(significant(half_width, 1), wanted + 1), min(wanted, 1))
    return wanted


@dataclass(frozen=True)
class Display:
    """How a KPI is written: what its values are divided by, at most so many decimals, and its unit in words."""

    divisor: float
    most_decimals: int
    unit: str
    least_decimals: int = 0

    def write(self, value: float, half_width: float = math.nan, *, sign: bool = False) -> tuple[str, str]:
        """Value and half width as text, to the same decimals; the half width is "" where there is none."""
        value, half_width = value / self.divisor, half_width / self.divisor
        spread = math.isfinite(value) and math.isfinite(half_width) and half_width > 1e-9 * abs(value)
        if not spread:  # one seed, or a number that no seed changes
            half_width = math.nan
        decimals = min(max(decimals_for(value, half_width), self.least_decimals), self.most_decimals)
        text = number(value, 0 if value == 0 and not spread else decimals, sign=sign)
        if not spread:
            return text, ""
        return text, half_text(half_width, decimals)

    def write_difference(self, value: float, low: float, high: float, level: float = 0.0) -> tuple[str, str, str]:
        """A signed difference and the ends of its interval ("" for none), to two digits of its half width at most.

        `level` is the size of what differs: a difference far below its last bits is none. An interval that leaves zero
        out shows it: it gets the decimals that keep its nearer end from being rounded to zero.
        """
        noise = 1e-9 * abs(level) / self.divisor if math.isfinite(level) else 0.0
        value, low, high = (
            0.0 if abs(each) / self.divisor < noise else each / self.divisor for each in (value, low, high)
        )
        half = (high - low) / 2
        if not math.isfinite(value) or not half > 1e-9 * abs(value):
            return number(value, 0 if value == 0 else min(significant(value, 3), 3), sign=True), "", ""
        decimals = min(significant(half, 2), max(significant(value, 3), significant(half, 1)), 3)
        decimals = max(decimals, self.least_decimals)
        nearer = min(abs(low), abs(high))
        if low * high > 0:
            decimals = max(decimals, significant(nearer, 1, most=6))
        return number(value, decimals, sign=True), number(low, decimals, sign=True), number(high, decimals, sign=True)


def shortened(names: Sequence[str], most: int) -> list[str]:
    """Names of at most `most` (from 4) cells: cut at the end with an ellipsis, or in the middle, or numbered.

    A cell is a Latin letter's width in a terminal; a Chinese one has two. Names that differ stay different, so that a
    reader can always tell two arms apart.
    """
    texts = [name if cell_len(name) <= most else _begin(name, most - 1) + ELLIPSIS for name in names]
    for cut in (lambda place: _middle(names[place], most), lambda place: _numbered(names[place], most, place)):
        shared: dict[str, set[str]] = {}
        for name, text in zip(names, texts, strict=True):
            shared.setdefault(text, set()).add(name)
        texts = [
            cut(place) if len(shared[text]) > 1 and cell_len(names[place]) > most else text
            for place, text in enumerate(texts)
        ]
    return texts


def _numbered(name: str, most: int, place: int) -> str:
    return _begin(name, most - len(str(place)) - 1) + ELLIPSIS + str(place)


def _middle(name: str, most: int) -> str:
    if cell_len(name) <= most:
        return name
    tail = (most - 1) // 2
    return _begin(name, most - 1 - tail) + ELLIPSIS + _begin(name[::-1], tail)[::-1]


def _begin(name: str, most: int) -> str:
    """As many of the first letters as have room in so many cells."""
    return name[: next((place for place in range(len(name)) if cell_len(name[: place + 1]) > most), len(name))]


def wrapped(text: str, width: int) -> list[str]:
    """Lines of text of at most so many cells."""
    if cell_len(text) == len(text):
        return textwrap.wrap(text, width)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and cell_len(longer) <= width:
            lines[-1] = longer
            continue
        while cell_len(word) > width:
            lines.append(_begin(word, width))
            word = word[len(lines[-1]) :]
        lines.append(word)
    return lines


# Rates a year of people, read best as percent; contacts and complaints a year are counts and are not among them.
PERCENT_A_YEAR = frozenset(kpi.name for kpi in KPIS.values() if kpi.percent and "year" in kpi.unit)


def display(kpi: str, unit: str, values: Iterable[float], *, difference: bool = False) -> Display:
    """How the values of a KPI (with or without [tier]) are shown, given its unit in summary.csv.

    Shares and yearly rates of people become percent, their differences percentage points; money is scaled (bn, m, k);
    people lose their decimals. One display serves a whole row, so that its numbers compare at a glance.
    """
    name = base_name(kpi)
    percents = "points" if difference else "%"
    if name in PERCENT_A_YEAR or unit.startswith("share"):
        yearly = name in PERCENT_A_YEAR or "year" in unit
        return Display(0.01, 2, f"{percents} a year" if yearly else percents, 1)
    if name in KPIS and KPIS[name].percent:
        return Display(0.01, 2, percents, 1)
    head, _, rest = unit.partition(" ")
    if head.isupper() and head.isalpha():
        sizes = sorted(abs(float(f"{value:.3g}")) for value in values if math.isfinite(value) and value)
        divisor, word = scale(sizes[-1] if sizes else 0.0)
        # the smallest of the row keeps its digits, unless that would make the largest long
        while sizes and divisor > 1 and sizes[0] / divisor < 0.1 and sizes[-1] / divisor < 10:
            divisor, word = scale(divisor / 1000)
        return Display(divisor, 2, " ".join(filter(None, (head, word, rest.replace("per year", "a year")))))
    if head in ("customers", "managers"):
        return Display(1.0, 0, unit)
    return Display(1.0, 3, {"sd": "SD", "per year": "a year"}.get(unit, unit))
