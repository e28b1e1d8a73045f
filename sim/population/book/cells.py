"""The cells of a customer book as numbers: what counts as a number, as empty, as a decimal comma, as a likely slip."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from sim.population.book.money import Around, bare, plain_digits

if TYPE_CHECKING:
    import pyarrow as pa

Decimal = Literal["point", "comma"]

ERRORS: Final = ("#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!")  # Excel's cells without a value
EMPTY: Final = ("", "NA", "N/A", "n/a", "NaN", "nan", "NaT", "null", "NULL", "None", *ERRORS)
CODES: Final = tuple(float("9" * digits) for digits in range(3, 13))  # 999, 9999, ...: unknown, in many a file

_NUMBER: Final = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:inf|infinity|nan))$"
_GAPS: Final = " '\u2019\u00a0\u202f"  # what stands between thousands besides the other mark
_GROUPED: Final = {
    mark: rf"^[+-]?(\d{{1,3}}([{other}{_GAPS}]\d{{3}})+|\d+)?({point}\d*)?([eE][+-]?\d+)?$"
    for mark, point, other in (("point", r"\.", ","), ("comma", ",", "."))
}
_THOUSANDS: Final = r"^[+-]?([1-9]\d{0,2}(\.\d{3})?|0)$"  # 692.176, or 692, or 0


# Numbers that are none as they stand, and by which mark before decimals they can only be read
_MARKED: Final[tuple[tuple[Decimal, str], ...]] = (
    ("point", rf"^[+-]?\d{{1,3}}((,\d{{3}}){{2,}}(\.\d*)?|(,\d{{3}})+\.\d*|([{_GAPS}]\d{{3}})+\.\d*)([eE]\d+)?$"),
    ("comma", rf"^[+-]?\d{{1,3}}((\.\d{{3}}){{2,}}(,\d*)?|(\.\d{{3}})+,\d*|([{_GAPS}]\d{{3}})+,\d*)([eE]\d+)?$"),
    ("comma", r"^[+-]?(\d*,(\d{1,2}|\d{4,})|(\d{4,}|0),\d+)([eE]\d+)?$"),  # 12,5 and 1234,567: no three by three
)


@dataclass
class Numbers:
    """Cells as numbers: float64 with NaN for empty cells, a mask of the cells that are none (None if all are), and what
    stood around them. `marked` are the marks before decimals by which those that are none can only be read."""

    values: NDArray[np.float64]
    wrong: NDArray[np.bool_] | None = None
    around: Around = field(default_factory=Around)
    marked: frozenset[Decimal] = frozenset()


def as_numbers(cells: pa.Array, decimal: Decimal | None = None, *, money: bool = False, share: bool = False) -> Numbers:
    """The numbers of cells. With `decimal` given, thousands may be marked too: 1,234.5 with a point, 1.234,5 with a
    comma. Of `money` a currency's sign is taken off, of a `share` the percent sign, which divides by a hundred.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if not is_text(cells):
        return Numbers(cells.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64))
    if decimal != "comma":
        try:
            return Numbers(cells.cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64))  # nearly always
        except pa.ArrowInvalid:
            pass
    cells = pc.utf8_trim_whitespace(plain_digits(cells))
    cells = pc.if_else(pc.is_in(cells, value_set=pa.array(EMPTY, cells.type)), None, cells)
    cells, around = bare(cells, money=money, share=share)
    if decimal is not None:
        grouped = pc.match_substring_regex(cells, _GROUPED[decimal])
        marks = pc.replace_substring_regex(cells, f"[{'.' if decimal == 'comma' else ','}{_GAPS}]", "")
        marks = pc.replace_substring(marks, ",", ".") if decimal == "comma" else marks
        foreign = pc.if_else(pc.match_substring(cells, ".", ignore_case=False), "x", cells)  # 12.5 under a comma
        cells = pc.if_else(grouped, marks, foreign if decimal == "comma" else cells)
    good = pc.match_substring_regex(cells, _NUMBER)
    wrong = ~mask_of(good.fill_null(True))
    values = pc.if_else(good, cells, None).cast(pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64)
    if not wrong.any():
        return Numbers(values, None, around)
    return Numbers(values, wrong, around, frozenset() if decimal else _marks_of(cells.filter(pa.array(wrong))))


def _marks_of(cells: pa.Array) -> frozenset[Decimal]:
    """The marks before decimals that some texts can only be read by."""
    import pyarrow.compute as pc

    return frozenset(
        mark for mark, like in _MARKED if pc.any(pc.match_substring_regex(cells, like), min_count=0).as_py()
    )


def is_text(cells: pa.Array) -> bool:
    """Whether these cells are text, as all of a CSV are."""
    import pyarrow as pa

    return bool(pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type))


def mask_of(cells: pa.Array) -> NDArray[np.bool_]:
    """Truth values without nulls as NumPy has them."""
    return cells.to_numpy(zero_copy_only=False).astype(bool)


def are_codes(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a number looks like a code for unknown: -999, 9999, -999999."""
    return np.isin(np.abs(values), CODES)


@dataclass
class Thousands:
    """Whether every amount met so far looks like 692.176: a point, three digits, never more than three before it."""

    possible: bool = True
    pointed: int = 0
    plain: int = 0

    def see(self, cells: pa.Array) -> None:
        """Look at more cells; cheap once one of them looked otherwise."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self.possible:
            return
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        if not is_text(cells):
            self.possible = False
            return
        cells = pc.utf8_trim_whitespace(cells).drop_null()
        cells = cells.filter(pc.invert(pc.is_in(cells, value_set=pa.array(EMPTY, cells.type))))
        if not pc.all(pc.match_substring_regex(cells, _THOUSANDS), min_count=0).as_py():
            cells, _ = bare(plain_digits(cells), money=True, share=False)
        self.possible = bool(pc.all(pc.match_substring_regex(cells, _THOUSANDS), min_count=0).as_py())
        pointed = cells.filter(pc.match_substring(cells, "."))
        self.pointed += len(pointed)
        nothing = pc.sum(pc.is_in(cells, value_set=pa.array(["0"], cells.type))).as_py() or 0
        self.plain += len(cells) - len(pointed) - nothing  # a 0 looks the same either way

    @property
    def likely(self) -> bool:
        """Whether the point may well mark thousands."""
        return self.possible and self.pointed > self.plain


_DATE: Final = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}\b.*|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}\b.*|\d{4}年.*")
_EITHER: Final = re.compile(r"[+-]?\d{1,3},\d{3}")  # 1,234: a number with three decimals, or a thousand and more
_POINT: Final = re.compile(r"[+-]?\d{1,3}([,\s'\u2019]\d{3})+(\.\d*)?")  # 1,234.5
_COMMA: Final = re.compile(r"[+-]?\d[\d.\s'\u2019]*,\d*|[+-]?\d{1,3}(\.\d{3}){2,}")  # 1.234,5
_ONLY_POINT: Final = re.compile(r"[+-]?(\d{1,3}(,\d{3})+|\d+)\.\d+|[+-]?\d{1,3}(,\d{3}){2,}")
_ONLY_COMMA: Final = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+|[+-]?\d{1,3}(\.\d{3}){2,}")
_AROUND: Final = re.compile(r"^[^\d.,+-]+|[^\d.,]+$")  # a currency's sign, before or after
_OF_NUMBERS: Final = re.compile(r"[\d.,'\u2019\s+-]")


def remedy(cell: Any, decimal: Decimal | None, dates: str = "") -> str:
    """What would make a number of a cell that is none; `dates` if it is a date."""
    text = str(cell).strip()
    if _DATE.fullmatch(text):
        return dates
    if text.endswith("%"):
        return "a percent sign is read where a share is wanted; take it out here"
    if decimal is None and _EITHER.fullmatch(text):
        return "population.decimal: comma takes this comma for a decimal one, point for one between thousands"
    if decimal is None and _POINT.fullmatch(text):
        return "population.decimal: point reads 1,234.5"
    if decimal is None and _COMMA.fullmatch(text):
        return "population.decimal: comma reads 1.234,5"
    number = _AROUND.sub("", text)
    if decimal == "comma" and _ONLY_POINT.fullmatch(number):
        return "population.decimal: point reads 1,234.5"
    if decimal == "point" and _ONLY_COMMA.fullmatch(number):
        return "population.decimal: comma reads 1.234,5"
    letters = _OF_NUMBERS.sub("", text)
    if 0 < len(letters) <= 4 and len(letters) < len(text):
        return "take what is no digit out of the column"
    return ""
