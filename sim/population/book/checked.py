"""A customer book opened, its mapping and its rows checked: the one way in, of a book and of a monthly history."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from sim.errors import BadInput, Mistake
from sim.population.book.cells import Decimal
from sim.population.book.columns import BookColumns, ColumnSpec, DatedColumn, validated
from sim.population.book.doubts import doubts_of
from sim.population.book.file import inspect
from sim.population.book.forms.base import BookFile, TooLarge, Unreadable
from sim.population.book.forms.text import TextFile
from sim.population.book.mistakes import mistakes_of
from sim.population.book.months import Months, months_of
from sim.population.book.reading import Reading, numbered
from sim.population.book.sentences import column_problem
from sim.separators import MARKS, separator_name, separator_of

if TYPE_CHECKING:
    pass

Where = Callable[[str], tuple[str, int, int]]
Given = "str | Path | pd.DataFrame"


class How(TypedDict, total=False):
    """How a book is to be read, as a scenario says it.

    One unit of the file's money is `currency_scale` of the model's `currency`; None says that nobody said so, and it
    is taken one to one and doubted. `where` gives the (file, line, column) of a key path of the scenario, such as
    ``population.columns.age``, for mistakes made there. `tiers` are the names a tier column may hold, `bounds` their
    lower bounds in the model's money. `separator` is one of `sim.separators.MARKS`, found if not given; `decimal` is
    what stands before decimals. `encoding`, `sheet`, `header`, `table`, `query` and `tables` are as of `file.inspect`.
    `as_of` is the day of the book, to which tenures and ages are counted from dates. `month` is the column of months
    of a monthly history.
    """

    currency_scale: float | None
    where: Where | None
    currency: str
    tiers: Sequence[str] | None
    bounds: Mapping[str, float] | None
    separator: str | None
    decimal: Decimal | None
    encoding: str | None
    sheet: str | None
    header: int | None
    table: str | None
    query: str | None
    tables: Mapping[str, Path] | None
    as_of: date | None
    month: str | None


@dataclass(frozen=True)
class Rows:
    """The rows of a book without a mistake: as they were read, from which file, of which months, with what doubts."""

    reading: Reading
    book: BookFile
    months: Months | None
    doubts: tuple[Mistake, ...]


def read_rows(given: Any, columns: BookColumns | Mapping[str, Any], how: How, *, all_months: bool = False) -> Rows:
    """Open a file (a path, or a data frame) and check all that is asked of it; of a history only its last month unless
    `all_months`. Raises `BadInput` with all mistakes."""
    return _Opening(given, how).rows(columns, all_months=all_months)


class _Opening:
    """One book on its way in, and the mistakes met so far."""

    def __init__(self, given: Any, how: How):
        self.given, self.how = given, how
        self.path = Path(given) if isinstance(given, (str, Path)) else Path("frame")
        self.mistakes: list[Mistake] = []

    def address(self, key: str) -> tuple[str, int, int]:
        where = self.how.get("where")
        return where(key) if where else (str(self.path), 0, 0)

    def report(self, key: str, message: str) -> None:
        self.mistakes.append(Mistake(*self.address(f"population.{key}"), f"population.{key}", message))

    def refused(self, error: Unreadable | None = None) -> BadInput:
        """All mistakes, with that of a file that cannot be read as a whole."""
        if error is not None and error.line:
            self.mistakes.append(Mistake(str(self.path), error.line, 1, "", str(error)))
        elif error is not None:
            what = "the tables" if self.how.get("tables") else self.path
            self.report(error.key or "file", f"{what} {error}")
        return BadInput(self.mistakes)

    def rows(self, columns: BookColumns | Mapping[str, Any], *, all_months: bool) -> Rows:
        how = self.how
        given, currency = how.get("currency_scale", 1.0), how.get("currency", "CNY")
        scale = 1.0 if given is None else given
        if not (math.isfinite(scale) and scale > 0):
            self.report("currency_scale", f"must be a positive number of {currency} for one unit of the book's money")
            scale = 1.0
        mapped, wrong = (columns.mapped(), {}) if isinstance(columns, BookColumns) else validated(columns)
        for place, message in wrong.items():
            self.report(f"columns.{place}", message)
        book = self.opened()
        months = self.months(book, mapped)
        as_of = how.get("as_of") or (months.last_day if months is not None else None)
        specs = self.specs(book, mapped, as_of)
        wanted = {spec.column for name, spec in specs.items() if not numbered(name, spec, book)}
        if not wanted:
            raise BadInput(self.mistakes)

        def reading(decimal: Decimal | None, *, found: bool = False) -> Reading:
            return Reading(
                book,
                specs,
                scale,
                currency,
                how.get("tiers"),
                decimal,
                as_of,
                decimal_found=found,
                keep=months.last if months is not None and not all_months else None,
                panel=all_months,
            )

        read = self.read(book, wanted, partial(reading, how.get("decimal")))
        if len(read.marked) == 1:  # of nothing but 1.234,5 or nothing but 1,234.5: a second pass as it says
            again = self.read(book, wanted, partial(reading, *read.marked, found=True))
            read = again if read.mended_by(again) else read
        if isinstance(book, TextFile):
            self.irregular(book)
        self.mistakes += mistakes_of(read)
        if not read.rows and not self.mistakes:
            self.report("file", f"{self.path} has a header and no customers")
        if self.mistakes:
            raise BadInput(self.mistakes)
        doubted = [
            *((f"population.{key}", text) for key, text in book.doubts()),
            *doubts_of(read, how.get("bounds"), scaled=given is not None),
        ]
        doubted += [("population.history.month", text) for text in months.doubts] if months is not None else []
        return Rows(read, book, months, tuple(Mistake(*self.address(key), key, text) for key, text in doubted))

    def opened(self) -> BookFile:
        how = self.how
        separator = how.get("separator")
        try:
            if not isinstance(self.given, (str, Path)):
                from sim.population.book.forms.frame import open_frame

                return open_frame(self.given)
            book = inspect(
                self.path,
                MARKS[separator] if separator else None,
                encoding=how.get("encoding"),
                sheet=how.get("sheet"),
                table=how.get("table"),
                query=how.get("query"),
                tables=how.get("tables"),
                decimal=how.get("decimal"),
                header=how.get("header"),
            )
        except Unreadable as error:
            raise self.refused(error) from None
        if separator and isinstance(book, TextFile) and (problem := _separator_problem(book)):
            self.report("separator", problem)
            raise BadInput(self.mistakes)
        return book

    def months(self, book: BookFile, mapped: Mapping[str, ColumnSpec]) -> Months | None:
        """The months of a history, where it is one."""
        month = self.how.get("month")
        if month is None:
            return None
        id_ = mapped.get("id")
        if month not in book.columns or id_ is None or id_.column not in book.columns:
            if month not in book.columns:
                self.report("history.month", column_problem("month", ColumnSpec(column=month), book))
            if id_ is not None and id_.column not in book.columns:
                self.report("columns.id", column_problem("id", id_, book))
            raise BadInput(self.mistakes)

        found: list[Months] = []
        try:
            try:
                found.append(months_of(book, book.batches({month, id_.column}), month, id_.column))
            except Unreadable as error:
                if not isinstance(book, TextFile) or isinstance(error, TooLarge):
                    raise
                found.append(months_of(book, book.patient_batches({month, id_.column}), month, id_.column))
                if not book.irregularities():
                    raise error from None
                self.irregular(book)
                raise BadInput(self.mistakes) from None
        except Unreadable as error:
            raise self.refused(error) from None
        (months,) = found
        if months.mistakes:
            raise BadInput([*self.mistakes, *months.mistakes])
        return months

    def specs(self, book: BookFile, mapped: Mapping[str, ColumnSpec], as_of: date | None) -> dict[str, ColumnSpec]:
        """The fields whose columns are there and of a type that fits; what is not is reported."""
        named = {spec.column for name, spec in mapped.items() if not numbered(name, spec, book)}
        if not named <= set(book.columns) and (line := book.header_below(named)):
            message = f"the header stands here, below a notice; population.header: {line} reads on from it"
            raise BadInput([*self.mistakes, Mistake(str(self.path), line, 1, "", message)])
        specs: dict[str, ColumnSpec] = {}
        for name, spec in mapped.items():
            if isinstance(spec, DatedColumn) and (spec.date or spec.format) and as_of is None:
                right = "population.as_of: the day of the book, such as 2024-12-31"
                self.report(f"columns.{name}", f"dates are counted to a day that is not given; {right}")
            elif not numbered(name, spec, book) and (
                problem := column_problem(name, spec, book, dated=as_of is not None)
            ):
                self.report(f"columns.{name}", problem)
            else:
                specs[name] = spec
        return specs

    def read(self, book: BookFile, wanted: set[str], reading: Callable[[], Reading]) -> Reading:
        """One pass over the rows, or of a text that breaks off a patient second one."""
        read = reading()
        try:
            try:
                read.run(book.batches(wanted))
            except Unreadable as error:
                if not isinstance(book, TextFile) or isinstance(error, TooLarge):
                    raise
                read = reading()
                read.run(book.patient_batches(wanted))
                if read.rows and not book.irregularities():
                    raise error from None
        except Unreadable as error:
            raise self.refused(error) from None
        return read

    def irregular(self, book: TextFile) -> None:
        self.mistakes += [Mistake(str(self.path), line, 1, "", message) for line, message in book.irregularities()]


def _separator_problem(book: TextFile) -> str:
    """What is wrong with a separator that was given; empty if nothing."""
    if len(book.columns) == 1 and (found := separator_of(book.head)) in book.head and found != book.delimiter:
        given, likely = separator_name(book.delimiter), separator_name(found)
        return f"the header of {book.path.name} has no {given}; its values look separated by {likely}"
    return ""
