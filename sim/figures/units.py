"""Numbers as a reader wants them: scaled money, percent, counts; a missing number is an en dash.

Figures, page and terminal all write numbers through here, so that the same number reads the same everywhere.
"""

from __future__ import annotations

import math

MISSING = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
PLUS_MINUS = "\N{PLUS-MINUS SIGN}"
GAP = "\N{NO-BREAK SPACE}"

_SCALES = ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k"))


def number(value: float, decimals: int = 0, *, sign: bool = False) -> str:
    """Thousands separated, a true minus sign, never "-0"; an en dash for NaN and infinity."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{abs(value):,.{decimals}f}"
    if not text.strip("0.,"):
        return text
    if value < 0:
        return MINUS + text
    return "+" + text if sign else text


def percent(share: float, decimals: int = 1, *, sign: bool = False) -> str:
    """A share as percent: 0.1342 is "13.4 %"."""
    text = number(share * 100 if share is not None else math.nan, decimals, sign=sign)
    return text if text == MISSING else f"{text}{GAP}%"


def points(share: float, decimals: int = 1, *, sign: bool = False) -> str:
    """A difference of shares in percentage points: -0.012 is "-1.2 points"."""
    text = number(share * 100, decimals, sign=sign)
    return text if text == MISSING else f"{text}{GAP}points"


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
        return MISSING
    divisor, word = scale(float(f"{value:.3g}"))
    scaled = value / divisor
    text = number(scaled, significant(scaled, 3, most=2), sign=sign)
    return GAP.join(part for part in (currency, text, word) if part)


def short(value: float) -> str:
    """A count of customers or contacts in three significant digits: 925,300 is "925 k", 612 stays "612"."""
    return money(value) if abs(value) >= 10_000 else number(value)


def significant(value: float, digits: int, *, most: int = 4) -> int:
    """Decimals that show `digits` significant digits of `value`, between 0 and `most`."""
    if not math.isfinite(value) or value == 0:
        return min(digits - 1, most)
    return min(max(digits - 1 - math.floor(math.log10(abs(value))), 0), most)


def decimals_for(value: float, half_width: float) -> int:
    """Decimals for "value +- half_width": enough for three digits of the value, or for the first digit of the half width.

    More than one digit beyond the value's three would pretend to a precision that no reader uses.
    """
    wanted = significant(value, 3)
    if half_width and math.isfinite(half_width):
        wanted = max(min(significant(half_width, 1), wanted + 1), min(wanted, 1))
    return wanted


def kpi(value: float, half_width: float, unit: str, *, sign: bool = False) -> tuple[str, str, str]:
    """A KPI's value, half width and unit as shown, from its unit in summary.csv.

    Shares become percent (differences of shares percentage points, if `sign`), money is scaled, counts lose their
    decimals; a half width that is missing (one seed) is "".
    """
    words = unit.lower().strip()
    kind = words.split()[0] if words else ""
    if kind in ("share", "probability", "fraction"):
        rest = words[len(kind) :].strip()
        divisor, shown = 0.01, f"{'points' if sign else '%'} {rest}".strip()
        decimals = min(max(decimals_for(value / divisor, half_width / divisor), 1), 3)
    elif kind.isalpha() and len(kind) == 3 and unit.strip()[:3].isupper():
        divisor, scale_word = scale(float(f"{value:.3g}") if math.isfinite(value) else math.nan)
        rest = unit.strip()[3:].strip()
        shown = " ".join(part for part in (unit.strip()[:3], scale_word, rest) if part)
        decimals = min(decimals_for(value / divisor, half_width / divisor), 2)
    elif kind in ("customers", "managers", "count"):
        divisor, shown, decimals = 1.0, unit, 0
    else:
        divisor, shown, decimals = 1.0, unit, min(decimals_for(value, half_width), 3)
    text = number(value / divisor, decimals, sign=sign)
    if text == MISSING or not math.isfinite(half_width):
        return text, "", shown
    return text, number(half_width / divisor, decimals), shown
