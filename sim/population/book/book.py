"""A real customer book: the customers of a bank as read from a file, checked, in the model's units.

`read_book` either gives a `Book` or raises `BadInput` with every mistake in the file, named by line.
What a book lacks is not made up here: see `IMPUTABLE`, `Book.imputed` and `Book.lacks`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.errors import BadInput, Mistake
from sim.population.book.cells import Decimal
from sim.population.book.columns import DAYS_TO_MONTHS, IMPUTABLE, BookColumns, ColumnSpec, DatedColumn, validated
from sim.population.book.file import TooLarge, Unreadable, inspect
from sim.population.book.forms.text import TextFile
from sim.population.book.labels import words_line
from sim.population.book.reading import Reading, numbered, uid_of
from sim.population.book.sentences import column_problem
from sim.separators import MARKS, separator_name, separator_of

__all__ = ["DAYS_TO_MONTHS", "IMPUTABLE", "Book", "BookColumns", "ColumnSpec", "read_book", "uid_of"]

Where = Callable[[str], tuple[str, int, int]]


@dataclass(frozen=True, eq=False, repr=False)
class Book:
    """The customers of a book, one a row, in file order. Arrays are read-only; a field that was not mapped is None.

    `id` (text) never leaves the program: it is in no result and not in the repr; `uid` is its hash, see `uid_of`.
    `aum` and `income` are float64 in the model's money; `age` (years), `tenure_months`, `products`, `digital_active`
    (0 or 1), `digital_affinity` (0..1), `satisfaction`, `trust`, `expectation` (SD) and `share_of_wallet` (0..1) are
    float32, NaN where to be imputed (so is `income`); `state` is int8 `ACTIVE` or `DORMANT`; `tier` is text.
    `read` says which column each field came from; `counts` what was changed or is missing; `words` what each word of a
    state or tier became, with its rows; `form` how the file was read; `doubts` what was read and looks wrong all the
    same; `digest` is the SHA-256 of the file's bytes.
    """

    file: str
    rows: int
    digest: str
    read: dict[str, str]
    counts: dict[str, int]
    id: NDArray[Any]
    uid: NDArray[np.uint64]
    aum: NDArray[np.float64]
    age: NDArray[np.float32] | None = None
    tenure_months: NDArray[np.float32] | None = None
    products: NDArray[np.float32] | None = None
    income: NDArray[np.float64] | None = None
    digital_active: NDArray[np.float32] | None = None
    digital_affinity: NDArray[np.float32] | None = None
    satisfaction: NDArray[np.float32] | None = None
    trust: NDArray[np.float32] | None = None
    expectation: NDArray[np.float32] | None = None
    state: NDArray[np.int8] | None = None
    tier: NDArray[Any] | None = None
    share_of_wallet: NDArray[np.float32] | None = None
    form: dict[str, str] = field(default_factory=dict)
    words: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    doubts: tuple[Mistake, ...] = ()

    def __repr__(self) -> str:
        return f"Book({self.rows} customers, read: {', '.join(self.read)}; sha256 {self.digest[:12]})"

    @property
    def imputed(self) -> tuple[str, ...]:
        """The fields that the synthetic bank must give for every customer."""
        return tuple(name for name in IMPUTABLE if name not in self.read)

    def lacks(self, name: str) -> NDArray[np.bool_]:
        """Bool[rows]: for whom a field of `IMPUTABLE` must be imputed."""
        values = getattr(self, name)
        return np.ones(self.rows, dtype=bool) if values is None else np.isnan(values)

    def manifest(self) -> dict[str, Any]:
        """What the manifest says about the book: no ids, no values of a single customer."""
        return {
            "rows": self.rows,
            "sha256": self.digest,
            "read": dict(self.read),
            "imputed": list(self.imputed),
            "counts": dict(self.counts),
            "form": dict(self.form),
            "words": {name: [dict(entry) for entry in entries] for name, entries in self.words.items()},
            "doubts": [f"{doubt.path}: {doubt.message}" for doubt in self.doubts],
        }

    def lines(self) -> list[str]:
        """What a user should see of how the book was read, a line each: the file's form, and the words that count."""
        form = f"{self.rows:,} customers"
        form += "".join(f", {key} {said}" for key, said in self.form.items() if key != "kind")
        return [form, *(words_line(name, self.read[name], entries) for name, entries in self.words.items())]


def read_book(
    path: str | Path,
    columns: BookColumns | Mapping[str, Any],
    *,
    currency_scale: float = 1.0,
    where: Where | None = None,
    currency: str = "CNY",
    tiers: Sequence[str] | None = None,
    separator: str | None = None,
    decimal: Decimal | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    table: str | None = None,
    query: str | None = None,
    tables: Mapping[str, Path] | None = None,
    as_of: date | None = None,
) -> Book:
    """Read and check a customer book of any kind that `file.inspect` opens.

    `columns` maps fields to columns (see `BookColumns`; a mapping is validated here). One unit of the file's money is
    `currency_scale` of the model's `currency`. `where` gives the (file, line, column) of a key path of the scenario,
    such as ``population.columns.age``, for mistakes made there. `tiers` are the names a tier column may hold.
    `separator` is one of `sim.separators.MARKS`, found if not given; `decimal` is what stands before decimals. What
    follows is as of `file.inspect`; `as_of` is the day of the book, to which tenures and ages are counted from dates.

    Raises `BadInput` with all mistakes: in the mapping, in the file, in its rows (counted, the first named by line).
    """
    path, mistakes = Path(path), list[Mistake]()

    def report(key: str, message: str) -> None:
        file, line, column = where(f"population.{key}") if where else (str(path), 0, 0)
        mistakes.append(Mistake(file, line, column, f"population.{key}", message))

    if not (math.isfinite(currency_scale) and currency_scale > 0):
        report("currency_scale", f"must be a positive number of {currency} for one unit of the book's money")
        currency_scale = 1.0
    mapped, wrong = (columns.mapped(), {}) if isinstance(columns, BookColumns) else validated(columns)
    for place, message in wrong.items():
        report(f"columns.{place}", message)
    for name, spec in mapped.items():
        if isinstance(spec, DatedColumn) and (spec.date or spec.format) and as_of is None:
            right = "population.as_of: the day of the book, such as 2024-12-31"
            report(f"columns.{name}", f"dates are counted to a day that is not given; {right}")
            raise BadInput(mistakes)

    def unreadable(error: Unreadable) -> BadInput:
        if error.line:
            mistakes.append(Mistake(str(path), error.line, 1, "", str(error)))
        else:
            report(error.key or "file", f"{'the tables' if tables else path} {error}")
        return BadInput(mistakes)

    try:
        book = inspect(
            path,
            MARKS[separator] if separator else None,
            encoding=encoding,
            sheet=sheet,
            table=table,
            query=query,
            tables=tables,
        )
    except Unreadable as error:
        raise unreadable(error) from None
    if separator and isinstance(book, TextFile) and (problem := _separator_problem(book)):
        report("separator", problem)
        raise BadInput(mistakes)

    specs: dict[str, ColumnSpec] = {}
    problems = {
        name: "" if numbered(name, spec, book) else column_problem(name, spec, book, dated=as_of is not None)
        for name, spec in mapped.items()
    }
    named_columns = {spec.column for name, spec in mapped.items() if not numbered(name, spec, book)}
    if not named_columns <= set(book.columns) and (line := book.header_below(named_columns)):
        above = "line 1" if line == 2 else f"lines 1 to {line - 1}"
        message = f"the header stands here, below a notice; take {above} out, a book begins with its header"
        raise BadInput([*mistakes, Mistake(str(path), line, 1, "", message)])
    for name, spec in mapped.items():
        if problem := problems[name]:
            report(f"columns.{name}", problem)
        else:
            specs[name] = spec
    wanted = {spec.column for name, spec in specs.items() if not numbered(name, spec, book)}
    if not wanted:
        raise BadInput(mistakes)
    reading = Reading(book, specs, currency_scale, currency, tiers, decimal, as_of)
    try:
        try:
            reading.run(book.batches(wanted))
        except Unreadable as error:
            if not isinstance(book, TextFile) or isinstance(error, TooLarge):
                raise
            reading = Reading(book, specs, currency_scale, currency, tiers, decimal, as_of)
            reading.run(book.patient_batches(wanted))
            if reading.rows and not book.irregularities():
                raise error from None
    except Unreadable as error:
        raise unreadable(error) from None
    if isinstance(book, TextFile):
        mistakes += [Mistake(str(path), line, 1, "", message) for line, message in book.irregularities()]
    mistakes += reading.mistakes()
    if not reading.rows and not mistakes:
        report("file", f"{path} has a header and no customers")
    if mistakes:
        raise BadInput(mistakes)
    doubted = [*((f"population.{key}", text) for key, text in book.doubts()), *reading.doubts()]
    doubts = [Mistake(*(where(key) if where else (str(path), 0, 0)), key, text) for key, text in doubted]
    for values in reading.values.values():
        values.flags.writeable = False
    counts = {name: count for name, count in reading.counts.items() if count}
    return Book(
        str(path),
        reading.rows,
        book.digest(),
        reading.read(),
        counts,
        **reading.values,
        form=reading.form(),
        words=reading.words(),
        doubts=tuple(doubts),
    )


def _separator_problem(book: TextFile) -> str:
    """What is wrong with a separator that was given; empty if nothing."""
    if len(book.columns) == 1 and (found := separator_of(book.head)) in book.head and found != book.delimiter:
        given, likely = separator_name(book.delimiter), separator_name(found)
        return f"the header of {book.path.name} has no {given}; its values look separated by {likely}"
    return ""
