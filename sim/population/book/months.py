"""The months of a monthly history: which row is of which, which is the last, who is missing when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.errors import Mistake
from sim.phrases import counted
from sim.population.book.dates import DateColumn
from sim.population.book.forms.base import SHOWN, BookFile, named
from sim.population.book.reading import uid_of

if TYPE_CHECKING:
    import pyarrow as pa

_YEAR_MONTH: Final = re.compile(r"(\d{4})\s*[-/.年]?\s*(0?[1-9]|1[0-2])\s*月?")
_ORDINAL: Final = re.compile(r"\d{1,3}")
NONE: Final = -1


@dataclass(frozen=True)
class Months:
    """Of each row of a file its month from 0 on, int32 (rows,), and what is said of all months.

    `labels` are the months by number, ``2015-01`` or as the file counts them; `last_day` is the end of the last, None
    where they are only counted. `gone` customers of earlier months are not in the last.
    """

    number: NDArray[np.int32]
    labels: tuple[str, ...]
    last_day: date | None
    customers: int
    gone: int
    mistakes: tuple[Mistake, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def last(self) -> NDArray[np.bool_]:
        """Bool[rows]: which rows are of the last month."""
        return self.number == len(self.labels) - 1

    @property
    def said(self) -> str:
        """For a line: how many months, from when to when, and how many customers are gone."""
        span = f"{self.labels[0]} to {self.labels[-1]}"
        return f"{counted(len(self.labels), 'month')} ({span}; {counted(self.gone, 'customer')} gone before the last)"


def months_of(book: BookFile, batches: Iterable[pa.RecordBatch], month: str, id_: str) -> Months:
    """The months of a history, by its column of months and that of ids; slips are in its `mistakes`."""
    import pyarrow as pa

    column, ids = DateColumn(), list[NDArray[np.uint64]]()
    for batch in batches:
        column.see(batch.column(month))
        text = batch.column(id_).cast(pa.string()).fill_null("")
        ids.append(uid_of(text.to_numpy(zero_copy_only=False)))
    codes = np.concatenate(column.pieces) if column.pieces else np.empty(0, np.int32)
    uid = np.concatenate(ids) if ids else np.empty(0, np.uint64)
    ordinal, calendar = _ordinals(column)
    by_row = np.array([*ordinal, NONE], np.int64)[codes]
    wrong = np.flatnonzero(by_row == NONE)
    if wrong.size or not by_row.size:
        return _refused(book, month, wrong, "no month", _sample(column, codes, wrong))
    first, last = int(by_row.min()), int(by_row.max())
    number = (by_row - first).astype(np.int32)
    order = np.lexsort((number, uid))
    same = uid[order][1:] == uid[order][:-1]
    again = same & (number[order][1:] == number[order][:-1])
    if again.any():
        return _refused(book, month, np.sort(order[1:][again]), "twice", "")
    labels = tuple(
        f"{value // 12:04d}-{value % 12 + 1:02d}" if calendar else str(value) for value in range(first, last + 1)
    )
    back = np.unique(uid[order][1:][same & (np.diff(number[order]) > 1)]).size
    customers = np.unique(uid).size
    gone = customers - int((number == number.max()).sum())
    end = date(last // 12 + (last % 12 == 11), (last + 1) % 12 + 1, 1) - timedelta(days=1) if calendar else None
    return Months(number, labels, end, customers, gone, doubts=tuple(_doubts(number, labels, back)))


def _doubts(number: NDArray[np.int32], labels: tuple[str, ...], back: int) -> Iterable[str]:
    """Months that nobody has a row of, and customers who are away in between."""
    rows = np.bincount(number, minlength=len(labels))
    empty = [label for label, count in zip(labels, rows, strict=True) if not count]
    if empty:
        shown = ", ".join(empty[:SHOWN]) + (", ..." if len(empty) > SHOWN else "")
        yield f"no row is of {counted(len(empty), 'month')} in between ({shown}); nobody counts as present then"
    if back:
        yield f"{counted(back, 'customer')} {'is' if back == 1 else 'are'} away for a month or more and come back"
    if len(labels) > 1 and rows[-1] * 2 < rows[-2]:
        yield (
            f"the last month ({labels[-1]}) has {rows[-1]:,} rows and the one before {rows[-2]:,}; whoever is not in "
            "it counts as gone"
        )


def _ordinals(column: DateColumn) -> tuple[list[int], bool]:
    """A number that grows by one a month for each word, -1 for what is none; whether they are months of a calendar."""
    words = list(column.words)
    if words and all(_ORDINAL.fullmatch(word) for word in words):
        return [int(word) for word in words], False
    days = column.days(date.max)
    ordinals = []
    for word, day in zip(words, days, strict=True):
        match = _YEAR_MONTH.fullmatch(word)
        if match is not None:
            ordinals.append(int(match[1]) * 12 + int(match[2]) - 1)
        else:
            ordinals.append(day.year * 12 + day.month - 1 if day is not None else NONE)
    return ordinals, True


def _sample(column: DateColumn, codes: NDArray[np.int32], rows: NDArray[Any]) -> str:
    if not rows.size:
        return ""
    code = int(codes[rows[0]])
    return repr(list(column.words)[code][:20]) if code >= 0 else "nothing"


def _refused(book: BookFile, month: str, rows: NDArray[Any], kind: str, sample: str) -> Months:
    """Months that cannot be used, with the sentence why."""

    def slip(line: int, column: int, path: str, text: str) -> Months:
        mistake = Mistake(str(book.path), line, column, path, text)
        return Months(np.empty(0, np.int32), ("",), None, 0, 0, (mistake,))

    if not rows.size:
        return slip(0, 0, "population.file", f"{book.path} has a header and no customers")
    shown = [int(row) for row in rows[:SHOWN]]
    places = book.places({(row, month) for row in shown})
    at = named([places[row, month][0] for row in shown], len(rows), book.unit)
    count, one = counted(len(rows), "row"), len(rows) == 1
    text = (
        f"{count} {'has' if one else 'have'} the customer and month of another row ({at}); every pair must be there "
        "once"
        if kind == "twice"
        else f"{count} {'is' if one else 'are'} of no month ({at}; the first holds {sample}); a month is 2015-01, "
        "201501, a date, or 1, 2, 3"
    )
    return slip(*places[shown[0], month], month, text)
