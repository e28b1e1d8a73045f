"""Dates in a customer book, as banks write them: what order their parts have, decided over the whole column, and how
many whole months or years lie between them and the day of the book.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from sim.population.book.cells import EMPTY, is_text
from sim.population.book.columns import DateFormat
from sim.population.book.money import plain_digits

if TYPE_CHECKING:
    import pyarrow as pa

Days = NDArray[np.datetime64]  # datetime64[D], NaT where there is none

YEARS: Final = (1850, 2150)  # that eight digits or a serial number may mean
EXCEL_ZERO: Final = date(1899, 12, 30)  # day 0 of Excel's serial numbers, after its leap day that never was
CODES: Final = ("0001-01-01", "1899-12-30", "1899-12-31", "1900-01-01", "1970-01-01", "9999-12-31")  # unknown, in many
LOOKED_AT: Final = 1000  # cells of the first batch
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_TIME: Final = r"[T ]+\d{1,2}[:.]\d{2}.*$"
_FOUR_FIRST: Final = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_FOUR_LAST: Final = re.compile(r"(\d{1,2})\s*([-/. ])\s*(\d{1,2})\s*\2\s*(\d{4}|\d{2})")
_NAMED: Final = re.compile(r"(\d{1,2})[-/. ]*([A-Za-z]{3,9})[-/., ]*(\d{4}|\d{2})")
_MONTH_ONLY: Final = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{2}|(?<=\D)\d)\s*月?")
_DIGITS: Final = re.compile(r"\d{8}|\d{6}")
_SERIAL: Final = re.compile(r"(\d{1,6})(\.\d*)?")
# What is taken for a date without being told: eight digits only where all cells are such, see `look_like_dates`
_SURE: Final = re.compile(rf"{_FOUR_FIRST.pattern}|{_FOUR_LAST.pattern}|{_NAMED.pattern}".replace(r"\2", r"[-/. ]"))


def look_like_dates(cells: pa.Array) -> bool | None:
    """Whether the first of these cells look like dates; None where all are empty."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as is_type

    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if is_type.is_date(cells.type) or is_type.is_timestamp(cells.type):
        return True
    if not (is_text(cells) or is_type.is_integer(cells.type)):
        return None if cells.null_count == len(cells) else False
    held = _words(cells).drop_null()
    words = held.filter(pc.invert(pc.is_in(held, value_set=pa.array(EMPTY)))).slice(0, LOOKED_AT).to_pylist()
    if not words:
        return None
    return sum(map(_looks, words)) * 2 > len(words) or all(map(_eight, words))


def _looks(word: str) -> bool:
    return bool(_SURE.fullmatch(word))


def _eight(word: str) -> bool:
    return len(word) == 8 and word.isdigit() and _day(int(word[:4]), int(word[4:6]), int(word[6:])) is not None


def _words(cells: pa.Array) -> pa.Array:
    """Cells as texts without the time of day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    words = pc.utf8_trim_whitespace(plain_digits(cells.cast(pa.string())))
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(words, _TIME, ""))


@dataclass
class DateColumn:
    """One column of dates, batch by batch; `read` makes days of them once all were seen.

    `said` is the order of their parts that was found, `doubt` what is doubtful about it, `slip` whether months of 51
    to 62 are those of women, as in Czech birth numbers.
    """

    asked: DateFormat | None = None
    slip: bool = False
    said: str = ""
    doubt: str = ""
    words: dict[str, int] = field(default_factory=dict)
    pieces: list[NDArray[np.int32]] = field(default_factory=list)

    def see(self, cells: pa.Array) -> None:
        """Take in more cells: text, whole numbers or dates."""
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.types as is_type

        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        if is_type.is_timestamp(cells.type):
            cells = cells.cast(pa.date32(), safe=False)
        if is_type.is_floating(cells.type):  # serial numbers with a time of day
            cells = pc.floor(cells).cast(pa.int64())
        words = _words(cells)
        coded = pc.if_else(pc.is_in(words, value_set=pa.array(EMPTY)), None, words).dictionary_encode()
        known = [self.words.setdefault(word, len(self.words)) for word in coded.dictionary.to_pylist()]
        codes = np.array([*known, -1], np.int32)  # the last is for empty cells
        self.pieces.append(codes[coded.indices.fill_null(len(known)).to_numpy(zero_copy_only=False)])

    def read(self, as_of: date) -> tuple[Days, NDArray[np.bool_]]:
        """The days, NaT where empty or no date, and where there is something that is no date, (rows,) each."""
        codes = np.concatenate(self.pieces) if self.pieces else np.empty(0, np.int32)
        days = self.days(as_of)
        table = np.array(
            [np.datetime64("NaT", "D") if day is None else np.datetime64(day, "D") for day in [*days, None]]
        )
        table = table.astype("datetime64[D]")
        wrong = np.array([*(day is None for day in days), False])
        return table[codes], wrong[codes]

    def days(self, as_of: date) -> list[date | None]:
        """The day of each different text; None for what is no date."""
        words = list(self.words)
        order = self._order(words)
        return [self._parse(word, order, as_of) for word in words]

    def cell(self, row: int) -> str:
        """What a row holds."""
        return list(self.words)[int(np.concatenate(self.pieces)[row])]

    def _order(self, words: Sequence[str]) -> DateFormat:
        """The order of day, month and year; noted in `said` and `doubt`."""
        if self.asked is not None:
            self.said = self.asked
            return self.asked
        parts = [(int(match[1]), match[2], int(match[3])) for word in words if (match := _FOUR_LAST.fullmatch(word))]
        if not parts:
            self.said = "year-month-day"
            return "year-month-day" if not all(map(_serial, words)) else self._serials()
        day_first = sum(first > 12 for first, _, _ in parts)
        month_first = sum(second > 12 for _, _, second in parts)
        order: DateFormat = "month-day-year" if month_first > day_first else "day-month-year"
        if not day_first and not month_first and any(mark != "." for _, mark, _ in parts):
            example = next(word for word in words if _FOUR_LAST.fullmatch(word))
            self.doubt = (
                f"no date of the column tells whether the day or the month stands first ({example}); read as {order}; "
                "format: month-day-year reads the other, format: day-month-year says that it is right"
            )
        self.said = order
        return order

    def _serials(self) -> DateFormat:
        self.said = "excel"
        return "excel"

    def _parse(self, word: str, order: DateFormat, as_of: date) -> date | None:
        """The day that a text names; None if none."""
        if order == "excel":
            match = _SERIAL.fullmatch(word)
            return EXCEL_ZERO + timedelta(days=int(match[1])) if match else _written(word, order, as_of, self.slip)
        return _written(word, order, as_of, self.slip)


def _serial(word: str) -> bool:
    """Whether a text may be Excel's number of a day between 1920 and 2100."""
    return word.isdigit() and len(word) == 5 and 7000 < int(word) < 74000


def _written(word: str, order: DateFormat, as_of: date, slip: bool) -> date | None:
    if match := _FOUR_FIRST.fullmatch(word):
        return _day(int(match[1]), int(match[2]), int(match[3]))
    if match := _FOUR_LAST.fullmatch(word):
        first, second, year = int(match[1]), int(match[3]), match[4]
        if order == "year-month-day":
            return _of_two(int(match[1]), second, int(year), as_of) if len(year) == 2 else None
        month, day = (first, second) if order == "month-day-year" else (second, first)
        return _day(int(year), month, day) if len(year) == 4 else _of_two(int(year), month, day, as_of)
    if match := _NAMED.fullmatch(word):
        name = match[2][:3].casefold()
        month = _MONTHS.index(name) + 1 if name in _MONTHS else 0
        year = int(match[3])
        return _day(year, month, int(match[1])) if len(match[3]) == 4 else _of_two(year, month, int(match[1]), as_of)
    if _DIGITS.fullmatch(word):
        return _of_digits(word, order, as_of, slip)
    if match := _MONTH_ONLY.fullmatch(word):
        return _day(int(match[1]), int(match[2]), 1)
    return None


def _of_digits(word: str, order: DateFormat, as_of: date, slip: bool) -> date | None:
    """19981231 or 981231, or in the order that was said."""
    long = len(word) == 8
    if order in ("year-month-day", "excel"):
        year, month, day = int(word[:-4]), int(word[-4:-2]), int(word[-2:])
    else:
        first, second, year = int(word[:2]), int(word[2:4]), int(word[4:])
        month, day = (first, second) if order == "month-day-year" else (second, first)
    if slip and 50 < month <= 62:
        month -= 50
    return _day(year, month, day) if long else _of_two(year, month, day, as_of)


def _of_two(year: int, month: int, day: int, as_of: date) -> date | None:
    """A day of a year of two digits: of the last century in which it is not after the day of the book."""
    later = _day(2000 + year, month, day)
    return later if later is not None and later <= as_of else _day(1900 + year, month, day)


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def months_between(days: Days, as_of: date) -> NDArray[np.float64]:
    """Whole months from each day to the day of the book, (rows,); NaN where there is no day. The last day of a month
    completes it."""
    month = days.astype("datetime64[M]")
    end = np.datetime64(as_of, "D")
    end_month = end.astype("datetime64[M]")
    last = (end + 1).astype("datetime64[M]") != end_month
    day, end_day = (days - month.astype("datetime64[D]")).astype(np.float64), (end - end_month.astype("datetime64[D]"))
    whole = (end_month - month).astype(np.float64) - ((day > float(end_day.astype(int))) & (not last))
    return np.where(np.isnat(days), np.nan, whole)


def years_between(days: Days, as_of: date) -> NDArray[np.float64]:
    """Whole years from each day to the day of the book, (rows,); NaN where there is no day."""
    year = days.astype("datetime64[Y]")
    end = np.datetime64(as_of, "D")
    place = 100.0 * (days.astype("datetime64[M]") - year.astype("datetime64[M]")).astype(np.float64)
    place += (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(np.float64)
    there = 100.0 * (as_of.month - 1) + (as_of.day - 1)
    whole = (end.astype("datetime64[Y]") - year).astype(np.float64) - (place > there)
    return np.where(np.isnat(days), np.nan, whole)


def codes_among(days: Days) -> tuple[str, int]:
    """The most frequent day that looks like a code for unknown, and its rows; nothing and 0 if none."""
    found: list[tuple[int, str]] = [(int((days == np.datetime64(code, "D")).sum()), code) for code in CODES]
    rows, code = max(found)
    return (code, rows) if rows else ("", 0)
