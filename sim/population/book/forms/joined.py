"""Several tables of a bank, each a file of any kind, joined by one SELECT in memory into a customer book.

The tables are read by this program, so in any encoding; the query sees them by their names and nothing else: no file,
no network. A column of a text that holds whole numbers, numbers, amounts or ISO dates all through is one of those in
the query; numbers with zeros before them stay text, and so do amounts of two currencies or of which some have a 万.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from sim.population.book.cells import EMPTY, Decimal, as_numbers
from sim.population.book.forms.base import BATCH_ROWS, BookFile, Unreadable, first_line
from sim.population.book.forms.database import CLOSED, TOO_LONG, needed, select_of, within_time
from sim.population.book.forms.tables import TableFile
from sim.population.book.money import Units

if TYPE_CHECKING:
    import pyarrow as pa

_WHOLE: Final = r"^\s*[+-]?(0|[1-9]\d{0,17})\s*$"
_NUMBER: Final = r"^\s*[+-]?(0|[1-9]\d*|)(\.\d*)?([eE][+-]?\d+)?\s*$"
_ZEROS: Final = r"^\s*0\d"
_DAY: Final = r"^\d{4}-\d{2}-\d{2}$"


@dataclass
class JoinedFile(TableFile):
    """What a query made of tables; `files` are they, by name."""

    files: Mapping[str, Path] = field(default_factory=dict)

    kind: ClassVar[str] = "tables"
    title: ClassVar[str] = "a join of tables"

    @property
    def name(self) -> str:
        return "the query"

    def digest(self) -> str:
        """SHA-256 over the tables' names and the digests of their files, in order of their names."""
        whole = hashlib.sha256()
        for name, path in sorted(self.files.items()):
            with path.open("rb") as data:
                whole.update(f"{name}\0{hashlib.file_digest(data, 'sha256').hexdigest()}\n".encode())
        return whole.hexdigest()


def joined(
    path: Path, tables: Mapping[str, Path], query: str, inspect: Callable[[Path], BookFile], decimal: Decimal | None
) -> JoinedFile:
    """Read the tables, each opened by `inspect`, and ask the query of them. Raises `Unreadable`."""
    duckdb = needed()
    opened = {name: table_of(name, file, inspect, decimal) for name, file in tables.items()}
    read = {name: table for name, (table, _) in opened.items()}
    if not query:
        raise Unreadable("are joined by a query; population.query: SELECT ...", key="query")
    with duckdb.connect(":memory:", config=CLOSED) as connection:
        for name, table in read.items():
            connection.register(name, table)
        relation = select_of(duckdb, connection, query)
        try:
            with within_time(connection):
                found = relation.to_arrow_table(BATCH_ROWS)
        except duckdb.InterruptException:
            raise Unreadable(TOO_LONG.replace("is asked", "are asked", 1), key="query") from None
        except duckdb.Error as error:
            raise Unreadable(f"do not answer: {first_line(error)}", key="query") from None
    if not len(found):
        raise Unreadable("give no customers", key="query")
    names = tuple(found.column_names)
    forms = {name: f", {form['encoding']}" if "encoding" in form else "" for name, (_, form) in opened.items()}
    said = {"tables": ", ".join(f"{name} ({len(table):,} rows{forms[name]})" for name, table in read.items())}
    return JoinedFile(path, names, dict(zip(names, found.schema.types, strict=True)), said, table=found, files=tables)


def table_of(
    name: str, path: Path, inspect: Callable[[Path], BookFile], decimal: Decimal | None
) -> tuple[pa.Table, dict[str, str]]:
    """A whole table as the query sees it, and how it was opened. Raises `Unreadable`."""
    import pyarrow as pa

    try:
        opened = inspect(path)
        twice = sorted({column for column in opened.columns if opened.columns.count(column) > 1})
        if twice:
            raise Unreadable(f"has two columns {twice[0]!r}; a column's name must be there once")
        batches = list(opened.batches(opened.columns))
    except Unreadable as error:
        at = f" (line {error.line})" if error.line else ""
        raise Unreadable(f"of which {name} is {path}{at}: it {error}", key=f"tables.{name}") from None
    table = pa.Table.from_batches(batches)
    if opened.types:
        return table, opened.form
    looks = {column: _as_it_looks(table[column], decimal) for column in table.column_names}
    return pa.table(looks), opened.form


def _as_it_looks(cells: pa.ChunkedArray, decimal: Decimal | None) -> pa.ChunkedArray:
    """A column of a text as whole numbers, numbers or days where it holds nothing else; else as it is."""
    import pyarrow as pa
    import pyarrow.compute as pc

    gaps = pc.is_in(pc.utf8_trim_whitespace(cells), value_set=pa.array(EMPTY))
    known = pc.if_else(gaps, None, cells)
    if known.null_count == len(known):
        return cells
    for pattern, kind in ((_WHOLE, pa.int64()), (_NUMBER, pa.float64()), (_DAY, pa.date32())):
        if pc.all(pc.match_substring_regex(known, pattern)).as_py():
            try:
                return pc.utf8_trim_whitespace(known).cast(kind)
            except pa.ArrowInvalid:
                return cells
    if not pc.any(pc.match_substring_regex(known, _ZEROS)).as_py():
        amounts = as_numbers(known.combine_chunks(), decimal, money=True)
        met = set(amounts.around.currency.tolist()) - {""} if amounts.around.currency is not None else set()
        units = Units()
        units.see(amounts.values, amounts.around.unit)
        if amounts.wrong is None and len(met) < 2 and not units.doubt(""):
            return pa.chunked_array([pa.array(amounts.values, from_pandas=True)])
    return cells
