"""Numbers as the page says them, in the words of its language: 1.2 bn or 12 亿, percent, points, differences."""

from __future__ import annotations

import math

from sim.page.pair import Sure
from sim.reporting.figures.units import GAP, MISSING, PLUS_MINUS, number, significant
from sim.words import Words

SCALES = {
    "en": ((1e12, "tn"), (1e9, "bn"), (1e6, "m"), (1e3, "k")),
    "zh": ((1e12, "万亿"), (1e8, "亿"), (1e4, "万")),
}


def money(words: Words, value: float, currency: str = "", *, sign: bool = False) -> str:
    """Three significant digits with the scale that fits."""
    if not math.isfinite(value):
        return MISSING
    divisor, word = next(((d, w) for d, w in SCALES[words.language] if abs(value) >= d * 0.9995), (1.0, ""))
    scaled = value / divisor
    text = number(scaled, significant(scaled, 3, most=2), sign=sign)
    return GAP.join(part for part in (currency, text, word) if part)


def level(words: Words, name: str, value: float, currency: str) -> str:
    """A figure as it stands: `retained`, `aum`, `profit`, `contacts`, ... of a month."""
    if name in ("aum", "profit", "revenue", "cost"):
        return money(words, value, currency)
    if name in ("retained", "utilisation"):
        return f"{number(100 * value, 1)}{GAP}%"
    return number(value, 2 if abs(value) < 10 else 0)


def difference(words: Words, name: str, found: Sure, currency: str) -> str:
    """A difference with its interval: +0.31 ±0.12 pp; the half width is left out of a single seed."""
    scale, unit = (100.0, words("page.unit.points")) if name == "retained" else (1.0, "")
    if name in ("aum", "profit"):
        largest = max(abs(found.mean), abs(found.half) if math.isfinite(found.half) else 0.0)
        scale, unit = next(((1 / d, w) for d, w in SCALES[words.language] if largest >= d * 0.9995), (1.0, ""))
        unit = GAP.join(part for part in (unit, currency) if part)
    if not math.isfinite(found.mean):
        return MISSING
    mean = found.mean * scale
    decimals = significant(mean, 3, most=2)
    text = number(mean, decimals, sign=True)
    if math.isfinite(found.half):
        text += f" {PLUS_MINUS}{number(found.half * scale, decimals)}"
    return f"{text}{GAP}{unit}" if unit else text
