"""A bank's file as columns to look at: every row of a small one, of a large one rows spread evenly over it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.errors import BadInput, Mistake
from sim.population.book.columns import quoted
from sim.population.book.file import BookFile, Unreadable, inspect
from sim.population.book.forms.database import CLOSED, SQLITE, needed, sqlite_tables
from sim.population.book.forms.text import TextFile
from sim.population.describe.profile import Profile, profile
from sim.population.describe.vocabulary import DATED, says

if TYPE_CHECKING:
    import pyarrow as pa

SEEN: Final = 100_000  # rows that are looked at of a longer file; its rows and ids are counted to the last


@dataclass(frozen=True, eq=False)
class Table:
    """A table of a bank: its name, where it stands, how it is stored, its rows, the columns as looked at."""

    name: str
    path: Path
    form: Mapping[str, str]
    rows: int
    seen: int
    profiles: tuple[Profile, ...]
    cells: Any = field(repr=False, default=None)  # pyarrow.Table of the rows seen

    def column(self, name: str) -> Profile:
        """A column by its name."""
        return next(p for p in self.profiles if p.name == name)

    @property
    def names(self) -> list[str]:
        """Its columns in the file's order."""
        return [p.name for p in self.profiles]

    @property
    def whole(self) -> bool:
        """Whether every row was looked at."""
        return self.seen == self.rows


def names_in(path: Path) -> list[str]:
    """The tables of a DuckDB file; none of a file of another kind, which is one table.

    Raises `BadInput` for an SQLite file of several: no query is proposed that it could answer.
    """
    if path.suffix not in (".duckdb", ".db", ".sqlite") or not path.is_file():
        return []
    if path.open("rb").read(len(SQLITE)) == SQLITE:
        try:
            tables = sqlite_tables(path)
        except Unreadable:
            return []  # what is wrong is said when it is read
        if len(tables) > 1:
            there = ", ".join(map(quoted, tables))
            raise BadInput.at(
                str(path), f"has the tables {there}; --table names the one of customers, or --query gives a SELECT"
            )
        return []
    try:
        duckdb = needed()
    except Unreadable as error:
        raise BadInput.at(str(path), str(error)) from None
    try:
        with duckdb.connect(str(path), read_only=True, config=CLOSED) as connection:
            return [
                name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
            ]
    except duckdb.Error:
        return []  # what is wrong is said when it is read


def read_table(path: Path, table: str | None = None, **how: Any) -> Table:
    """Look at every column of a file, or of a table of a database; `how` is as of `inspect`. Raises `BadInput` where
    it is no table."""
    try:
        book = inspect(path, table=table, **how)
        twice = sorted({name for name in book.columns if book.columns.count(name) > 1})
        if twice:
            line = book.header_line
            lower = "; if the names stand lower, --header says on which line, as in --header 3" if line else ""
            message = f"has {twice[0]!r} as the name of two columns; a name must be there once{lower}"
            raise BadInput.at(str(path), message, line=line, column=1 if line else 0)
        rows, cells = _rows_of(book)
        if not rows:
            there = f" on sheet {quoted(book.said['sheet'])}" if "sheet" in book.said else ""
            raise BadInput.at(str(path), f"has a header and no rows{there}; a table has a row for each customer")
        return looked_at(table or stem(path), path, book.form, rows, cells, book)
    except Unreadable as error:
        raise BadInput.at(str(path), str(error), line=error.line, column=1 if error.line else 0) from None


def looked_at(
    name: str, path: Path, form: Mapping[str, str], rows: int, cells: pa.Table, book: BookFile | None = None
) -> Table:
    """A table of these cells, every column looked at; ids are asked of the whole file where only a part was seen."""
    profiles = []
    for column in cells.column_names:
        unique = None
        if cells.num_rows < rows and book is not None and _all_different(cells[column]):
            unique = _all_different(_whole(book, column))
        profiles.append(profile(column, cells[column], unique, says(column, DATED)))
    return Table(name, path, form, rows, cells.num_rows, tuple(profiles), cells)


def _rows_of(book: BookFile) -> tuple[int, pa.Table]:
    """As `spread`; of a text that is not one all through, `BadInput` says on which lines."""
    try:
        return spread(book.batches(book.columns))
    except Unreadable:
        if not isinstance(book, TextFile):
            raise
        for _ in book.patient_batches(book.columns):
            pass
        if not (faults := book.irregularities()):
            raise
        raise BadInput(Mistake(str(book.path), line, 1, "", message) for line, message in faults) from None


def last_month(table: Table, month: str) -> Table:
    """The rows of the last month of a history, looked at as a table of their own."""
    import numpy as np
    import pyarrow as pa

    look = table.column(month).look
    when = look.dates.astype("datetime64[M]").astype(float) if look.dates is not None else table.column(month).numbers
    when = np.where(np.isfinite(when), when, -np.inf)
    last = when == when.max()
    rows = round(table.rows * float(last.mean()))
    return looked_at(table.name, table.path, table.form, rows, table.cells.filter(pa.array(last)))


def _all_different(cells: pa.ChunkedArray) -> bool:
    import pyarrow.compute as pc

    return pc.count_distinct(cells, mode="all").as_py() == len(cells)


def _whole(book: BookFile, column: str) -> pa.ChunkedArray:
    import pyarrow as pa

    return pa.chunked_array([batch.column(column) for batch in book.batches([column])])


def spread(batches: Iterable[pa.RecordBatch]) -> tuple[int, pa.Table]:
    """(rows, those of them that are kept): every row, or every 2nd, 4th, ... of a file with many."""
    import numpy as np
    import pyarrow as pa

    step, rows, kept, size = 1, 0, list[pa.RecordBatch](), 0
    schema = None
    for batch in batches:
        schema = schema or batch.schema
        places = np.arange(-rows % step, len(batch), step)
        kept.append(batch if step == 1 else batch.take(pa.array(places)))
        rows, size = rows + len(batch), size + len(places)
        while size > SEEN:
            step *= 2
            table = pa.Table.from_batches(kept)
            table = table.take(pa.array(np.arange(0, table.num_rows, 2)))
            kept, size = table.combine_chunks().to_batches(), table.num_rows
    return rows, pa.Table.from_batches(kept, schema) if schema is not None else pa.table({})


def stem(path: Path) -> str:
    """A file's name without what says how it is stored."""
    name = path.name.removesuffix(".gz")
    return name.rsplit(".", 1)[0] if "." in name.strip(".") else name
