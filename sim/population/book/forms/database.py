"""A customer book in a database: a table or one SELECT of a DuckDB or SQLite file, opened to read and nothing else."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final
from urllib.parse import quote

from sim.population.book.columns import did_you_mean, quoted
from sim.population.book.forms.base import BATCH_ROWS, BookFile, TooLarge, Unreadable, first_line, lacking
from sim.population.book.forms.tables import TableFile, typed

if TYPE_CHECKING:
    import pyarrow as pa

SQLITE: Final = b"SQLite format 3\0"
ONE_SELECT: Final = "must be one SELECT and nothing else"
# A query reads what is in the file and nothing besides: no other file, no network, no extension, no variable.
CLOSED: Final = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",
    "lock_configuration": "true",
    "threads": "1",  # rows come in the same order each time
}
MOST_IN_MEMORY: Final = 20_000_000  # rows
LONGEST_QUERY: Final = 300.0  # seconds
STEPS: Final = 1_000_000  # of SQLite's machine between two looks at the clock
TOO_LONG: Final = f"is asked by what takes longer than {LONGEST_QUERY:.0f} seconds; a query that ends sooner is needed"
_READS: Final = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)


@dataclass
class DuckFile(BookFile):
    """A SELECT of a DuckDB file."""

    sql: str = field(default="", repr=False)

    kind: ClassVar[str] = "duckdb"
    title: ClassVar[str] = "a database"

    def batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        wanted = [name for name in self.columns if name in set(columns)]
        duckdb = needed()
        try:
            with duckdb.connect(str(self.path), read_only=True, config=CLOSED) as connection:
                for batch in connection.sql(self.sql).to_arrow_reader(BATCH_ROWS):
                    yield batch.select([self.columns.index(name) for name in wanted])
        except duckdb.Error as error:
            raise Unreadable(f"cannot be asked ({first_line(error)})", key="query") from None


class SqliteFile(TableFile):
    """A SELECT of an SQLite file."""

    kind: ClassVar[str] = "sqlite"
    title: ClassVar[str] = "a database"


def needed() -> Any:
    """The package DuckDB; `Unreadable` with what to install where it is absent."""
    try:
        import duckdb
    except ImportError:
        raise lacking("duckdb") from None
    return duckdb


@contextmanager
def within_time(connection: Any) -> Iterator[None]:
    """What DuckDB is asked in here ends after `LONGEST_QUERY`, by its InterruptException."""
    timer = threading.Timer(LONGEST_QUERY, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def open_database(path: Path, table: str | None, query: str | None) -> BookFile:
    """A table or a query of a database, or its only table. Raises `Unreadable`."""
    if table is not None and query is not None:
        raise Unreadable("is asked for a table and by a query; one of the two", key="query")
    with path.open("rb") as data:
        return (_sqlite if data.read(len(SQLITE)) == SQLITE else _duck)(path, table, query)


def _duck(path: Path, table: str | None, query: str | None) -> DuckFile:
    duckdb = needed()
    try:
        connection = duckdb.connect(str(path), read_only=True, config=CLOSED)
    except duckdb.Error as error:
        raise Unreadable(f"is no SQLite or DuckDB database or is damaged ({first_line(error)})") from None
    with connection:
        try:
            if query is None:
                tables = [
                    name
                    for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()
                ]
            sql = _checked(duckdb, connection, query) if query is not None else _all_of(tables, table)
            with within_time(connection):
                relation = connection.sql(sql)
                names, empty = tuple(relation.columns), not relation.limit(1).fetchall()
                schema = relation.limit(0).to_arrow_table().schema
        except duckdb.InterruptException:
            raise Unreadable(TOO_LONG, key="query" if query else "table") from None
        except duckdb.Error as error:
            raise Unreadable(f"does not answer: {_plain(error)}", key="query" if query else "table") from None
    if empty:
        raise Unreadable("gives no customers", key="query" if query else "")
    return DuckFile(path, names, dict(zip(names, schema.types, strict=True)), sql=sql)


def _checked(duckdb: Any, connection: Any, query: str) -> str:
    """A query that is one SELECT. Raises `Unreadable`."""
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise Unreadable(f"is asked by what {ONE_SELECT}", key="query")
    return query.strip().rstrip(";")


def select_of(duckdb: Any, connection: Any, query: str) -> Any:
    """The rows that one SELECT gives, as DuckDB's relation. Raises `Unreadable`."""
    try:
        return connection.sql(_checked(duckdb, connection, query))
    except duckdb.Error as error:
        raise Unreadable(f"do not answer: {_plain(error)}", key="query") from None


def _all_of(tables: list[str], table: str | None) -> str:
    """The SELECT of a whole table, the only one where none is named. Raises `Unreadable`."""
    there = ", ".join(map(quoted, tables)) or "none"
    if table is None and len(tables) != 1:
        raise Unreadable(f"has the tables {there}; population.table names one, or population.query asks for more")
    if table is not None and table not in tables:
        raise Unreadable(f"has no table {table!r}{did_you_mean(table, tables)} (it has {there})", key="table")
    name = (table or tables[0]).replace('"', '""')
    return f'SELECT * FROM "{name}"'


def sqlite_tables(path: Path) -> list[str]:
    """The names of the tables of an SQLite file. Raises `Unreadable`."""
    connection = _opened(path)
    try:
        return _names(connection)
    except sqlite3.Error as error:
        raise Unreadable(f"does not answer: {first_line(error)}") from None
    finally:
        connection.close()


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)


def _names(connection: sqlite3.Connection) -> list[str]:
    tables = connection.execute(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY 1"
    )
    return [name for (name,) in tables]


def _sqlite(path: Path, table: str | None, query: str | None) -> SqliteFile:
    connection = _opened(path)
    connection.text_factory = lambda text: text.decode("utf-8", errors="replace")
    started = time.monotonic()
    connection.set_progress_handler(lambda: time.monotonic() - started > LONGEST_QUERY, STEPS)
    try:
        tables = _names(connection)
        sql = query if query is not None else _all_of(tables, table)
        connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
        cursor = connection.execute(sql)
        if cursor.description is None:
            raise Unreadable(f"is asked by what {ONE_SELECT}", key="query")
        rows = []
        while some := cursor.fetchmany(BATCH_ROWS):
            rows += some
            if len(rows) > MOST_IN_MEMORY:
                raise TooLarge(f"gives more than {MOST_IN_MEMORY:,} rows; of an SQLite file a book may have as many")
    except sqlite3.ProgrammingError:  # more than one statement
        raise Unreadable(f"is asked by what {ONE_SELECT}", key="query") from None
    except sqlite3.Error as error:
        if "interrupted" in str(error):
            raise Unreadable(TOO_LONG, key="query" if query else "") from None
        if "not authorized" in str(error) or "prohibited" in str(error):
            raise Unreadable(f"is asked by what {ONE_SELECT} ({first_line(error)})", key="query") from None
        raise Unreadable(f"does not answer: {first_line(error)}", key="query" if query else "") from None
    finally:
        connection.close()
    if not rows:
        raise Unreadable("gives no customers", key="query" if query else "")
    import pyarrow as pa

    names = tuple(str(one[0]) for one in cursor.description)
    arrays = [typed([row[k] for row in rows]) for k in range(len(names))]
    found = pa.Table.from_arrays(arrays, names=list(names))
    return SqliteFile(path, names, dict(zip(names, found.schema.types, strict=True)), table=found)


def _plain(error: BaseException) -> str:
    """What DuckDB says, in one line."""
    return first_line(error).removesuffix(":")
