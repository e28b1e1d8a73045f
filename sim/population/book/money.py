"""What stands around a number in an export: signs and codes of currencies, percent, brackets, full-width digits."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

# Currencies by sign and code, as an export has them beside a number; codes in any case. A bare sign that several
# countries use stands for the one that is most often meant.
CURRENCIES: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "CNY": ("CNY", "RMB", "CN¥", "¥", "￥", "元", "圆", "人民币"),
        "EUR": ("EUR", "€"),
        "USD": ("USD", "US$", "$", "美元"),
        "GBP": ("GBP", "£"),
        "CHF": ("CHF", "SFr", "Fr"),
        "JPY": ("JPY", "JP¥", "円"),
        "HKD": ("HKD", "HK$", "港元", "港币"),
        "TWD": ("TWD", "NT$"),
        "SGD": ("SGD", "S$"),
        "AUD": ("AUD", "A$", "AU$"),
        "CAD": ("CAD", "C$", "CA$"),
        "NZD": ("NZD", "NZ$"),
        "BRL": ("BRL", "R$"),
        "MXN": ("MXN", "MX$"),
        "INR": ("INR", "₹", "Rs"),
        "KRW": ("KRW", "₩"),
        "CZK": ("CZK", "Kč", "Kčs", "Kc"),
        "PLN": ("PLN", "zł"),
        "HUF": ("HUF", "Ft"),
        "SEK": ("SEK",),
        "NOK": ("NOK",),
        "DKK": ("DKK",),
        "RUB": ("RUB", "₽"),
        "TRY": ("TRY", "₺"),
        "ZAR": ("ZAR",),
        "ILS": ("ILS", "₪"),
    }
)
BY_SIGN: Final[Mapping[str, str]] = MappingProxyType(
    {sign.casefold(): code for code, signs in CURRENCIES.items() for sign in signs}
)
# What an amount may be counted in, as powers of ten: 12.5万 is 125,000.
UNITS: Final[Mapping[str, int]] = MappingProxyType({"万": 4, "萬": 4, "亿": 8, "億": 8})
ALIKE: Final = 1e-6  # of an amount: what a sum may be off by rounding
ENOUGH: Final = 5  # amounts among which none is the sum of the others by chance
_UNITS: Final = "".join(UNITS)
_PLAIN: Final = r"^[\d.,+\-eE' ]*$"
_BARE: Final = f"[\\d.,+\\-\\s'\u2019%(){_UNITS}]+|[eE][+-]?\\d+$"


@dataclass
class Around:
    """What stood around the numbers of one batch: by row a currency's code and the unit it is counted in (empty where
    none), and percent signs."""

    currency: NDArray[np.str_] | None = None
    unit: NDArray[np.str_] | None = None
    percent: NDArray[np.bool_] | None = None


@dataclass
class Currencies:
    """The currencies met in a column: rows of each, and the first ones."""

    rows: dict[str, int] = field(default_factory=dict)
    first: dict[str, list[int]] = field(default_factory=dict)

    def see(self, codes: NDArray[np.str_], before: int, most: int) -> None:
        """The codes of more rows, of which so many came before; `most` rows are kept of each."""
        for code in np.unique(codes).tolist():
            if code:
                rows = np.flatnonzero(codes == code)
                self.rows[code] = self.rows.get(code, 0) + len(rows)
                first = self.first.setdefault(code, [])
                first += [before + int(row) for row in rows[: most - len(first)]]


@dataclass
class Units:
    """The amounts of a column that are counted in 万 or 亿: rows of each unit, and those that stand without one."""

    rows: dict[str, int] = field(default_factory=dict)
    plain: int = 0  # a 0 is the same either way

    def see(self, values: NDArray[np.float64], units: NDArray[np.str_] | None) -> None:
        """More amounts, and the unit of each."""
        counted = np.isfinite(values) & (values != 0.0)
        self.plain += int(np.count_nonzero(counted if units is None else counted & (units == "")))
        if units is not None:
            for unit, rows in zip(*np.unique(units[units != ""], return_counts=True), strict=True):
                self.rows[str(unit)] = self.rows.get(str(unit), 0) + int(rows)

    def doubt(self, column: str) -> str:
        """What is doubtful about some amounts having a unit and some none; empty if nothing."""
        if not self.rows or not self.plain:
            return ""
        rows, unit = sum(self.rows.values()), next(iter(self.rows))
        return (
            f"{rows:,} of the amounts of {column} {'is' if rows == 1 else 'are'} counted in {' or '.join(self.rows)} "
            f"and {self.plain:,} not; each is read as it stands, so 12.5{unit} is {12.5 * 10 ** UNITS[unit]:,.0f} and "
            "12.5 is 12.5"
        )


@dataclass
class Sum:
    """What the amounts of a column come to, and the largest with its row."""

    rows: int = 0  # with an amount other than 0
    total: float = 0.0
    largest: float = 0.0
    row: int = -1

    def see(self, values: NDArray[np.float64], before: int) -> None:
        """More amounts, of rows after so many."""
        counted = np.isfinite(values) & (values != 0.0)
        if counted.any():
            self.rows += int(np.count_nonzero(counted))
            self.total += float(values[counted].sum())
            row = int(np.argmax(np.where(counted, values, -np.inf)))
            if values[row] > self.largest:
                self.largest, self.row = float(values[row]), before + row

    @property
    def of_others(self) -> int:
        """The row whose amount is the sum of all others; -1 if none is, or if there are too few to tell."""
        near = abs(2.0 * self.largest - self.total) <= ALIKE * self.largest
        return self.row if near and self.rows >= ENOUGH else -1


def plain_digits(cells: pa.Array) -> pa.Array:
    """Texts with full-width digits and signs as ASCII, and every dash before a number as a minus."""
    import pyarrow.compute as pc

    if pc.all(pc.string_is_ascii(cells), min_count=0).as_py():
        return cells
    cells = pc.utf8_normalize(cells, "NFKC")
    return pc.replace_substring_regex(cells, "^([^\\d]*)[\u2212\u2013\ufe63](\\s*[\\d.,])", r"\1-\2")


def bare(cells: pa.Array, *, money: bool, share: bool) -> tuple[pa.Array, Around]:
    """Numbers without what stands around them, as texts: (1,200) and 1,200- as -1,200; of money the currency and
    a unit such as 万 go, of shares the percent sign, and what went is told."""
    import pyarrow.compute as pc

    around = Around()
    if money and not pc.all(pc.match_substring_regex(cells, _PLAIN), min_count=0).as_py():
        cells, around.currency = _without_currency(cells)
        cells, around.unit = _without_unit(cells)
    if share and _any(pc.match_substring(cells, "%")):
        percent = pc.fill_null(pc.match_substring_regex(cells, r"\d[.,]?\s*%$"), False)
        around.percent = percent.to_numpy(zero_copy_only=False).astype(bool)
        cells = pc.if_else(percent, pc.replace_substring_regex(cells, r"\s*%$", ""), cells)
    if _any(pc.starts_with(cells, "(")):
        cells = pc.replace_substring_regex(cells, r"^\(([^+\-]*\d[^+\-]*)\)$", r"-\1")
    if _any(pc.ends_with(cells, "-")):
        cells = pc.replace_substring_regex(cells, r"^([^+\-]*\d[^+\-]*?)\s*-$", r"-\1")
    return cells, around


def _any(mask: pa.Array) -> bool:
    import pyarrow.compute as pc

    return bool(pc.any(mask, min_count=0).as_py())


def _without_currency(cells: pa.Array) -> tuple[pa.Array, NDArray[np.str_] | None]:
    """Amounts without a currency's sign before or after the number, and its code by row, empty where none."""
    import pyarrow.compute as pc

    coded = pc.replace_substring_regex(cells, _BARE, "").fill_null("").dictionary_encode()
    words = coded.dictionary.to_pylist()
    codes = np.array([BY_SIGN.get(word.casefold().rstrip("."), "") for word in words], dtype=np.str_)
    known = [word for word, code in zip(words, codes, strict=True) if code]
    if not known:
        return cells, None
    known.sort(key=len, reverse=True)
    inside = rf"\d[.,]?\s*(?:{'|'.join(map(re.escape, known))})\s*[.,]?\d"
    bare_cells = cells
    for word in known:
        bare_cells = pc.replace_substring(bare_cells, word, "", max_replacements=1)
    bare_cells = pc.utf8_trim_whitespace(bare_cells)
    if _any(pc.match_substring_regex(bare_cells, r"^[+\-(]\s")):
        bare_cells = pc.replace_substring_regex(bare_cells, r"^([+\-(])\s+", r"\1")
    of_row = codes[coded.indices.to_numpy(zero_copy_only=False)]
    import pyarrow as pa

    outside = pc.and_(pa.array(of_row != ""), pc.invert(pc.fill_null(pc.match_substring_regex(cells, inside), False)))
    return pc.if_else(outside, bare_cells, cells), of_row


def _without_unit(cells: pa.Array) -> tuple[pa.Array, NDArray[np.str_] | None]:
    """Amounts counted in 万 or 亿 with a power of ten instead, and their unit by row, empty where none."""
    import pyarrow.compute as pc

    units: NDArray[np.str_] | None = None
    for unit, power in UNITS.items():
        pattern = rf"^([^{_UNITS}]*\d[.,]?)\s*{unit}\s*([)\-]?)$"
        found = pc.fill_null(pc.match_substring_regex(cells, pattern), False)
        if _any(found):
            cells = pc.replace_substring_regex(cells, pattern, rf"\1e{power}\2")
            units = np.full(len(cells), "", "<U1") if units is None else units
            units[found.to_numpy(zero_copy_only=False).astype(bool)] = unit
    return cells, units
