"""The file of a customer book: what kind it is, its columns, its rows in batches, and on which line a row stands.

CSV and gzipped CSV (UTF-8 with or without BOM; comma, or semicolon or tab where the header has no comma; quoted cells
may hold line breaks) and Parquet. Only the columns asked for are read, a few megabytes at a time.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

from sim.population.book_columns import did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

KINDS: Final = (".csv", ".csv.gz", ".parquet")
HEAD_BYTES: Final = 1 << 20  # enough for any header
BLOCK_BYTES: Final = 1 << 22  # one batch of CSV; a single row may not be longer
BATCH_ROWS: Final = 1 << 16  # one batch of Parquet
SHOWN: Final = 3  # rows named in a message
BROKEN: Final = (OSError, EOFError, zlib.error)  # what a damaged gzip raises

_MAGIC: Final = (
    (b"\x1f\x8b", "is compressed with gzip: its name should end in .csv.gz"),
    (b"PAR1", "is a Parquet file: its name should end in .parquet"),
    (b"PK\x03\x04", "is a zip or Excel file; save it as CSV (UTF-8)"),
    (b"\xd0\xcf\x11\xe0", "is an Excel file; save it as CSV (UTF-8)"),
    (codecs.BOM_UTF16_LE, "is text in UTF-16; save it as CSV in UTF-8"),
    (codecs.BOM_UTF16_BE, "is text in UTF-16; save it as CSV in UTF-8"),
)


class Unreadable(Exception):
    """The file as a whole cannot be read as a book; `line` is where, 0 if nowhere in particular."""

    def __init__(self, message: str, line: int = 0):
        super().__init__(message)
        self.line = line


@dataclass
class BookFile:
    """A book that was found and whose header was read. `ragged` counts rows of a CSV that are too long or too short."""

    path: Path
    kind: Literal["csv", "parquet"]
    columns: tuple[str, ...]
    types: dict[str, Any] = field(default_factory=dict)  # Arrow types by column; a CSV is all text
    compressed: bool = False
    delimiter: str = ","
    ragged: int = 0

    @property
    def unit(self) -> str:
        """What a row is called in a message: a CSV has lines, counted with the header; Parquet has rows."""
        return "line" if self.kind == "csv" else "row"

    def batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        """The rows in file order, only these columns; CSV cells as text. Raises `Unreadable`."""
        wanted = [name for name in self.columns if name in set(columns)]
        return self._csv_batches(wanted) if self.kind == "csv" else self._parquet_batches(wanted)

    def _csv_batches(self, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        def count_ragged(_: Any) -> str:
            self.ragged += 1
            return "skip"

        try:
            with pa.input_stream(str(self.path), compression="gzip" if self.compressed else None) as stream:
                yield from arrow_csv.open_csv(
                    stream,
                    read_options=arrow_csv.ReadOptions(block_size=BLOCK_BYTES),
                    parse_options=arrow_csv.ParseOptions(
                        delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=count_ragged
                    ),
                    convert_options=arrow_csv.ConvertOptions(
                        include_columns=wanted, column_types={name: pa.string() for name in wanted}
                    ),
                )
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._why_broken(error) from None

    def _parquet_batches(self, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(self.path) as file:
                yield from file.iter_batches(batch_size=BATCH_ROWS, columns=wanted)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Unreadable(f"is damaged, it cannot be read as Parquet ({first_line(error)})") from None

    def _why_broken(self, error: Exception) -> Unreadable:
        """Why the CSV reader gave up, with a line where one can be named."""
        try:
            if "UTF8" in str(error):
                count, lines = 0, []
                with self._bytes() as data:
                    for number, line in enumerate(data, start=1):
                        try:
                            line.decode("utf-8")
                        except UnicodeDecodeError:
                            count += 1
                            lines += [number] if len(lines) < SHOWN else []
                if count:
                    return Unreadable(not_utf8(count, lines), lines[0])
            rows = self.ragged_rows()
            if rows[0]:
                return Unreadable(self.ragged_message(rows), rows[1][0])
        except (*BROKEN, csv.Error) as worse:
            error = worse
        return Unreadable(f"is damaged, it cannot be read to its end ({first_line(error)})")

    @contextmanager
    def _bytes(self) -> Iterator[BinaryIO]:
        with open_bytes(self.path, self.compressed) as data:
            yield data

    def _records(self) -> Iterator[tuple[int, int, str]]:
        """Every non-empty record of a CSV, header first: the line it starts on, how many values, its text.

        Python's own reader is slow and exact about lines; it runs only when something is wrong.
        """
        kept: list[str] = []

        def lines(text: io.TextIOWrapper) -> Iterator[str]:
            for line in text:
                kept.append(line)
                yield line

        with self._bytes() as data:
            reader = csv.reader(
                lines(io.TextIOWrapper(data, encoding="utf-8-sig", errors="replace", newline="")),
                delimiter=self.delimiter,
            )
            start = 1
            for record in reader:
                if record:
                    yield start, len(record), "".join(kept)
                kept.clear()
                start = reader.line_num + 1

    def ragged_rows(self) -> tuple[int, list[int], int, bool]:
        """How many records have not as many values as the header, their first lines, the first's number of values,
        and whether the first runs to the end of the file over several lines (a quote that nobody closed)."""
        width, count, lines, first, last = len(self.columns), 0, [], 0, False
        for number, (line, values, text) in enumerate(self._records()):
            if number and values != width:
                count += 1
                first = first or values
                last = count == 1 and text.count("\n") > 1
                lines += [line] if len(lines) < SHOWN else []
            else:
                last = False
        return count, lines, first, last

    def ragged_message(self, rows: tuple[int, list[int], int, bool]) -> str:
        """`ragged_rows` as a sentence."""
        count, lines, values, unclosed = rows
        return (
            f"{counted(count, 'row')} {'has' if count == 1 else 'have'} not as many values as the header "
            f"({named(lines, count, 'line')}; the first has {values}); every row must have {len(self.columns)}"
            + (", and the quote opened there is never closed" if unclosed else "")
        )

    def places(self, wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, int]]:
        """(line, column) from 1 of cells given as (row from 0, column name).

        In a CSV the column is the character where the cell begins; in Parquet they are row and column numbers.
        """
        index = {name: number for number, name in reversed(list(enumerate(self.columns)))}
        if self.kind == "parquet":
            return {(row, name): (row + 1, index[name] + 1) for row, name in wanted}
        names: dict[int, list[str]] = {}
        for row, name in wanted:
            names.setdefault(row, []).append(name)
        found = {(row, name): (row + 2, 1) for row, name in wanted}  # if the two readers should ever disagree
        last, row, width = max(names, default=-1), -2, len(self.columns)
        try:
            for line, values, text in self._records():
                row += 1 if row == -2 or values == width else 0
                if row > last:
                    break
                if values == width:
                    for name in names.get(row, ()):
                        found[row, name] = (line, _character(text, self.delimiter, index[name]))
        except (*BROKEN, csv.Error):
            pass
        return found


def _character(text: str, delimiter: str, index: int) -> int:
    """Where the cell of that index begins on the first line of a record, from 1; 1 if it is on a later line."""
    quoted, passed = False, 0
    for position, character in enumerate(text):
        if passed == index:
            return position + 1
        if character == '"':
            quoted = not quoted
        elif character == "\n":
            return 1
        elif character == delimiter and not quoted:
            passed += 1
    return 1


def inspect(path: Path) -> BookFile:
    """Find the file and read its header. Raises `Unreadable` with a sentence that follows the file's name."""
    try:
        if path.is_dir():
            raise Unreadable("is a folder; name a file in it")
        if not path.exists():
            siblings = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
            raise Unreadable("there is no such file" + did_you_mean(path.name, siblings))
        if not path.is_file():
            raise Unreadable("is not a file")
        kind = next((end for end in reversed(KINDS) if path.name.lower().endswith(end)), None)
        if kind is None:
            raise Unreadable(f"is of an unknown kind; a book's name ends in {', '.join(KINDS[:-1])} or {KINDS[-1]}")
        if path.stat().st_size == 0:
            raise Unreadable("is empty; a book has a header and a row for each customer")
        return _inspect_parquet(path) if kind == ".parquet" else _inspect_csv(path, compressed=kind == ".csv.gz")
    except OSError as error:
        raise Unreadable(f"cannot be read ({error.strerror or first_line(error)})") from None
    except ValueError as error:  # a NUL in the name
        raise Unreadable(f"is no file name ({error})") from None


def _inspect_parquet(path: Path) -> BookFile:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"is not a Parquet file or is damaged ({first_line(error)})") from None
    if not rows:
        raise Unreadable("has a header and no customers")
    return BookFile(path, "parquet", tuple(schema.names), {name: schema.field(i).type for i, name in enumerate(schema.names)})


def _inspect_csv(path: Path, *, compressed: bool) -> BookFile:
    try:
        with open_bytes(path, compressed) as data:
            head = data.read(HEAD_BYTES)
    except BROKEN as error:
        if not compressed:
            raise
        raise Unreadable(f"is not a gzip file or is damaged ({first_line(error)})") from None
    for magic, message in _MAGIC:
        if head.startswith(magic):
            raise Unreadable(message)
    if b"\0" in head:
        raise Unreadable("is binary, not text; save it as CSV (UTF-8)")
    text = head.decode("utf-8-sig", errors="replace")
    first = next((line for line in text.splitlines() if line.strip()), "")
    delimiter = next((mark for mark in (",", ";", "\t") if mark in first), ",")
    try:
        records = (record for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if record)
        header = next(records, [])
    except csv.Error as error:
        raise Unreadable(f"has no readable header ({error})", 1) from None
    if not any(name.strip() for name in header):
        raise Unreadable("is empty; a book has a header and a row for each customer")
    if any("\N{REPLACEMENT CHARACTER}" in name for name in header):
        raise Unreadable(not_utf8(1, [1]), 1)
    return BookFile(path, "csv", tuple(header), compressed=compressed, delimiter=delimiter)


@contextmanager
def open_bytes(path: Path, compressed: bool) -> Iterator[BinaryIO]:
    """The bytes of the text, decompressed."""
    with gzip.open(path, "rb") if compressed else path.open("rb") as data:
        yield data  # type: ignore[misc]


def not_utf8(count: int, lines: Sequence[int]) -> str:
    """A sentence for lines in another encoding."""
    return (
        f"{counted(count, 'line')} {'is' if count == 1 else 'are'} not UTF-8 text ({named(lines, count, 'line')}); "
        "save the book as CSV in UTF-8"
    )


def counted(count: int, noun: str) -> str:
    """``1 row``, ``12,345 rows``."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def named(numbers: Sequence[int], count: int, unit: str) -> str:
    """``line 5``, ``lines 5, 19, 77, ...``."""
    return f"{unit}{'' if count == 1 else 's'} {', '.join(map(str, numbers))}{', ...' if count > len(numbers) else ''}"


def first_line(error: BaseException) -> str:
    """What a library says, in one line of sensible length."""
    return ((str(error) or type(error).__name__).splitlines() or [""])[0][:120].rstrip(". ")
