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
        "CNY": ("CNY", "RMB", "CN¥", "¥", "元", "圆", "人民币"),
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
        "CZK": ("CZK", "Kč", "Kčs"),
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
_SIGNS: Final = "|".join(re.escape(sign) for sign in sorted(BY_SIGN, key=len, reverse=True))
_BEFORE: Final = rf"^([+-]?)\s*(?i:{_SIGNS})\.?\s*([+-]?\s*[\d.,].*)$"
_AFTER: Final = rf"^(.*\d[.,]?)\s*(?i:{_SIGNS})\.?$"
_BARE: Final = "[\\d.,+\\-\\s'\u2019%()]|[eE][+-]?\\d+$"


@dataclass
class Around:
    """What stood around the numbers of one batch: a currency's code by row (empty where none), and percent signs."""

    currency: NDArray[np.str_] | None = None
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


def plain_digits(cells: pa.Array) -> pa.Array:
    """Texts with full-width digits and signs as ASCII, and every dash before a number as a minus."""
    import pyarrow.compute as pc

    if pc.all(pc.string_is_ascii(cells), min_count=0).as_py():
        return cells
    cells = pc.utf8_normalize(cells, "NFKC")
    return pc.replace_substring_regex(cells, "^([^\\d]*)[\u2212\u2013\ufe63](\\s*[\\d.,])", r"\1-\2")


def bare(cells: pa.Array, *, money: bool, share: bool) -> tuple[pa.Array, Around]:
    """Numbers without what stands around them, as texts: (1,200) and 1,200- as -1,200; of money the currency goes,
    of shares the percent sign, and what went is told."""
    import pyarrow.compute as pc

    around = Around()
    cells = pc.replace_substring_regex(cells, r"^(\D*)\((.*\d.*)\)(\D*)$", r"-\1\2\3")
    cells = pc.replace_substring_regex(cells, r"^([^+\-]*\d[^+\-]*?)\s*-$", r"-\1")
    if money:
        stripped = pc.replace_substring_regex(cells, _BEFORE, r"\1\2")
        stripped = pc.replace_substring_regex(stripped, _AFTER, r"\1")
        changed = pc.fill_null(pc.not_equal(stripped, cells), False)
        if pc.any(changed).as_py():
            words = pc.if_else(changed, pc.replace_substring_regex(cells, _BARE, ""), "").fill_null("")
            coded = words.dictionary_encode()
            codes = np.array([BY_SIGN.get(word.casefold(), "") for word in coded.dictionary.to_pylist()], dtype=np.str_)
            around.currency = codes[coded.indices.to_numpy(zero_copy_only=False)]
            cells = pc.replace_substring_regex(stripped, r"^([+-])\s+", r"\1")
            cells = pc.replace_substring_regex(cells, r"^([^+\-]*\d[^+\-]*?)\s*-$", r"-\1")
    if share:
        percent = pc.fill_null(pc.match_substring_regex(cells, r"\d[.,]?\s*%$"), False)
        if pc.any(percent).as_py():
            around.percent = percent.to_numpy(zero_copy_only=False).astype(bool)
            cells = pc.replace_substring_regex(cells, r"\s*%$", "")
    return cells, around
