"""Opening the file of a customer book, of whatever kind: its columns, and its rows in batches.

Each kind has a room of its own in `forms`. Only the columns asked for are read, some megabytes at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sim.population.book.cells import Decimal
from sim.population.book.columns import did_you_mean
from sim.population.book.forms.base import FRAME, BookFile, TooLarge, Unreadable, first_line

__all__ = ["KINDS", "BookFile", "TooLarge", "Unreadable", "inspect"]

TEXTS: Final = tuple(end + packed for packed in (".gz", "") for end in (".csv", ".tsv", ".txt", ".asc"))
KINDS: Final = (".csv", ".csv.gz", ".parquet", ".arrow", ".feather", ".ipc", ".xlsx", ".duckdb", ".db", ".sqlite")


def inspect(
    path: Path,
    separator: str | None = None,
    *,
    encoding: str | None = None,
    sheet: str | None = None,
    table: str | None = None,
    query: str | None = None,
    tables: Mapping[str, Path] | None = None,
    decimal: Decimal | None = None,
    header: int | None = None,
) -> BookFile:
    """Find the file and read its header. Raises `Unreadable` with a sentence that follows the file's name.

    `separator` is the mark between the values of a text, `encoding` that of its characters; both are found where not
    given. `sheet` names one of a workbook's, `table` one of a database's, `query` is a SELECT instead.
    `header` is the line of a text or the row of a sheet that names the columns, found where not given. With `tables`,
    files by name, `path` is only what messages call them all, and `query` joins them; there `decimal` says how the
    amounts are written.
    """
    try:
        if tables:
            from sim.population.book.forms.joined import joined

            for key, value in (
                ("separator", separator),
                ("encoding", encoding),
                ("sheet", sheet),
                ("table", table),
                ("header", header),
            ):
                if value is not None:
                    raise Unreadable(
                        f"are each a file of its own, so {key} says nothing of them; leave it out", key=key
                    )
            return joined(path, tables, query or "", inspect, decimal)
        kind = kind_of(path)
        if kind in TEXTS:
            _refuse(kind, sheet=sheet, table=table, query=query)
            from sim.population.book.forms.text import open_text

            return open_text(
                path, compressed=kind.endswith(".gz"), separator=separator, encoding=encoding, header=header
            )
        _refuse(kind, separator=separator, encoding=encoding)
        if kind == ".xlsx":
            _refuse(kind, table=table, query=query)
            from sim.population.book.forms.workbook import open_workbook

            return open_workbook(path, sheet, header)
        _refuse(kind, sheet=sheet, header=header)
        if kind in (".duckdb", ".db", ".sqlite"):
            from sim.population.book.forms.database import open_database

            return open_database(path, table, query)
        _refuse(kind, table=table, query=query)
        from sim.population.book.forms.arrow import open_arrow, open_parquet

        return open_parquet(path) if kind == ".parquet" else open_arrow(path)
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror or first_line(error)})") from None
    except ValueError as error:  # a NUL in the name
        raise Unreadable(f"is no file name ({error})") from None


_HAS: Final = {
    ".xlsx": "an Excel workbook",
    ".parquet": "a Parquet file",
    ".duckdb": "a database",
    ".db": "a database",
    ".sqlite": "a database",
}


def _refuse(kind: str, **given: object) -> None:
    """Raise `Unreadable` for a key that this kind of file has no use for."""
    for key, value in given.items():
        if value is not None:
            what = "a text" if kind in TEXTS else _HAS.get(kind, "an Arrow file")
            raise Unreadable(f"is {what} and has no {key}; leave it out", key=key)


def kind_of(path: Path) -> str:
    """The ending of a book's name, checked with the file itself. Raises `Unreadable`, `OSError`, `ValueError`."""
    if path.is_dir():
        raise Unreadable("is a folder; name a file in it")
    if not path.exists() and path.name.startswith(FRAME):
        raise Unreadable("was a data frame that a program handed in, and is gone with it; only with it can it be read")
    if not path.exists():
        siblings = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        raise Unreadable("there is no such file" + did_you_mean(path.name, siblings))
    if not path.is_file():
        raise Unreadable("is not a file")
    kind = next((end for end in (*TEXTS, *KINDS) if path.name.lower().endswith(end)), None)
    if kind is None:
        raise Unreadable(f"is of an unknown kind; a book's name ends in {', '.join(dict.fromkeys((*KINDS, *TEXTS)))}")
    if path.stat().st_size == 0:
        raise Unreadable("is empty; a book has a header and a row for each customer")
    return kind
