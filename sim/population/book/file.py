"""The file of a customer book: what kind it is, its columns, its rows in batches, and on which line a row stands.

CSV and gzipped CSV (UTF-8 with or without BOM; the separator is found, see `sim.separators`, or given; quoted cells may
hold line breaks) and Parquet. Only the columns asked for are read, a few megabytes at a time; no row may be longer.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

from sim.phrases import counted
from sim.population.book.columns import did_you_mean
from sim.separators import MARKS, cell_begins, separator_name, separator_of

if TYPE_CHECKING:
    import pyarrow as pa

KINDS: Final = (".csv", ".csv.gz", ".parquet")
HEAD_BYTES: Final = 1 << 20  # enough for any header
BLOCK_BYTES: Final = 1 << 22  # one batch of CSV; a single row may not be longer
MOST_BYTES: Final = 20_000_000_000  # of a gzipped CSV once unpacked
MOST_ROWS: Final = 100_000_000
BATCH_ROWS: Final = 1 << 16  # one batch of Parquet
HEADER_WITHIN: Final = 100  # lines in which a header below a notice is looked for
SHOWN: Final = 3  # rows named in a message
BROKEN: Final = (OSError, EOFError, zlib.error)  # what a damaged gzip raises

ROW_LIMIT: Final = f"a row may have {BLOCK_BYTES:,} characters"

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


class TooLarge(Unreadable):
    """There is more in the file than a book may have."""


@dataclass
class Irregular:
    """Rows of a CSV that share a fault of form: how many, the first lines, and a remark about the first."""

    rows: int = 0
    lines: list[int] = field(default_factory=list)
    first: str = ""

    def add(self, line: int, remark: str = "") -> None:
        self.first = self.first if self.rows else remark
        self.rows += 1
        self.lines += [line] if len(self.lines) < SHOWN else []


@dataclass
class BookFile:
    """A book that was found and whose header was read; what `patient_batches` met is in `ragged` and `garbled`."""

    path: Path
    kind: Literal["csv", "parquet"]
    columns: tuple[str, ...]
    types: dict[str, Any] = field(default_factory=dict)  # Arrow types by column; a CSV is all text
    compressed: bool = False
    delimiter: str = ","
    head: str = field(default="", repr=False)  # how a CSV begins
    ragged: Irregular = field(default_factory=Irregular)  # rows with more or fewer values than the header
    garbled: Irregular = field(default_factory=Irregular)  # rows in another encoding

    @property
    def form(self) -> dict[str, str]:
        """For the manifest: what kind of file it is, and what stands between its values."""
        return {"kind": self.kind} | ({"separator": separator_name(self.delimiter)} if self.kind == "csv" else {})

    def header_below(self, columns: Collection[str]) -> int:
        """The line on which all these columns are named although the file does not begin with it; 0 if on none."""
        if self.kind != "csv":
            return 0
        for mark in MARKS.values():
            reader, below = csv.reader(io.StringIO(self.head, newline=""), delimiter=mark), False
            with suppress(csv.Error):
                for record in reader:
                    if below and set(columns) <= set(record):
                        return reader.line_num
                    below = below or bool(record)
                    if reader.line_num >= HEADER_WITHIN:
                        break
        return 0

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

        try:
            with open_bytes(self.path, self.compressed) as data, pa.PythonFile(data, mode="r") as stream:
                yield from arrow_csv.open_csv(
                    stream,
                    read_options=arrow_csv.ReadOptions(block_size=BLOCK_BYTES),
                    parse_options=arrow_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
                    convert_options=arrow_csv.ConvertOptions(
                        include_columns=wanted, column_types={name: pa.string() for name in wanted}
                    ),
                )
        except (pa.ArrowException, *BROKEN, ValueError) as error:
            raise Unreadable(f"is damaged, it cannot be read to its end ({first_line(error)})") from None

    def _parquet_batches(self, wanted: list[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import parquet

        try:
            with parquet.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
                    batch.validate(full=True)  # text that is not UTF-8 is found here
                    yield batch
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Unreadable(f"is damaged, it cannot be read as Parquet ({first_line(error)})") from None

    def patient_batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        """As `batches` for a CSV that those gave up on: rows of a wrong length are left out and noted, cells in another
        encoding patched and noted, so that all else that is wrong with the book is found too. Raises `Unreadable`."""
        import pyarrow as pa

        wanted = [name for name in self.columns if name in set(columns)]
        index = [self.columns.index(name) for name in wanted]
        rows: list[list[str]] = []
        self.ragged, self.garbled = Irregular(), Irregular()

        def batch() -> pa.RecordBatch:
            cells = [pa.array([row[k] for row in rows], pa.string()) for k in range(len(wanted))]
            rows.clear()
            return pa.RecordBatch.from_arrays(cells, wanted)

        for number, (line, record, text) in enumerate(self._records()):
            if number == 0:
                continue
            if len(record) != len(self.columns):
                open_quote = " and opens a quote that may never be closed" if text.count("\n") > 1 else ""
                self.ragged.add(line, f"{len(record)}{open_quote}")
                continue
            row = [record[k] for k in index]
            if not all(map(_is_utf8, row)):
                self.garbled.add(line)
                row = [cell.encode(errors="replace").decode() for cell in row]
            rows.append(row)
            if len(rows) == BATCH_ROWS:
                yield batch()
        yield batch()

    def irregularities(self) -> list[tuple[int, str]]:
        """What `patient_batches` noted: (line of the first row, sentence)."""
        sentences = []
        if rows := self.ragged.rows:
            sentences.append(
                f"{counted(rows, 'row')} {'has' if rows == 1 else 'have'} not as many values as the header "
                f"({named(self.ragged.lines, rows, 'line')}; the first has {self.ragged.first}); "
                f"every row must have {len(self.columns)}"
            )
        if rows := self.garbled.rows:
            sentences.append(not_utf8(self.garbled.lines, rows))
        firsts = [seen.lines[0] for seen in (self.ragged, self.garbled) if seen.rows]
        return list(zip(firsts, sentences, strict=True))

    def _records(self) -> Iterator[tuple[int, list[str], str]]:
        """Every non-empty record of a CSV, header first: the line it starts on, its values, its text.

        Python's own reader is slow and exact about lines; it runs only when something is wrong. Raises `Unreadable`.
        """
        kept: list[str] = []

        def lines(text: io.TextIOWrapper) -> Iterator[str]:
            length = 0
            while line := text.readline(BLOCK_BYTES + 1):
                length = length + len(line) if kept else len(line)
                if length > BLOCK_BYTES:
                    raise Unreadable(f"the row that starts here is too long; {ROW_LIMIT}", start)
                kept.append(line)
                yield line

        start = 1
        try:
            with open_bytes(self.path, self.compressed) as data:
                text = io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline="")
                reader = csv.reader(lines(text), delimiter=self.delimiter)
                for record in reader:
                    if record:
                        yield start, record, "".join(kept)
                    kept.clear()
                    start = reader.line_num + 1
        except csv.Error as error:
            raise Unreadable(f"cannot be read on from here ({error}); is a quote never closed?", start) from None
        except BROKEN as error:
            raise Unreadable(f"is damaged, it cannot be read to its end ({first_line(error)})") from None

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
        with suppress(Unreadable):
            for line, record, text in self._records():
                if row > -2 and len(record) != width:  # rows of a wrong length are not counted among the book's
                    continue
                row += 1
                if row > last:
                    break
                for name in names.get(row, ()):
                    found[row, name] = (line, cell_begins(text, self.delimiter, index[name]))
        return found


def _is_utf8(cell: str) -> bool:
    return cell.isascii() or not any("\udc80" <= character <= "\udcff" for character in cell)


def inspect(path: Path, separator: str | None = None) -> BookFile:
    """Find the file and read its header. Raises `Unreadable` with a sentence that follows the file's name.

    `separator` is the mark between the values of a CSV; it is found where not given.
    """
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
        if kind == ".parquet":
            return _inspect_parquet(path)
        return _inspect_csv(path, compressed=kind == ".csv.gz", separator=separator)
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
    return BookFile(path, "parquet", tuple(schema.names), dict(zip(schema.names, schema.types, strict=True)))


def _inspect_csv(path: Path, *, compressed: bool, separator: str | None) -> BookFile:
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
    if len(head) == HEAD_BYTES and not text.strip():
        raise Unreadable("begins with more than a million blanks; a book begins with its header", 1)
    if len(head) == HEAD_BYTES and len(text.lstrip().splitlines()) < 2:
        raise Unreadable(f"the first line is longer than {HEAD_BYTES:,} characters; it must be the header", 1)
    delimiter = separator or separator_of(text)
    try:
        records = (record for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if record)
        header = next(records, [])
    except csv.Error as error:
        raise Unreadable(f"has no readable header ({error})", 1) from None
    if not any(name.strip() for name in header):
        raise Unreadable("is empty; a book has a header and a row for each customer")
    if any("\N{REPLACEMENT CHARACTER}" in name for name in header):
        raise Unreadable("the header is not UTF-8 text; save the book as CSV in UTF-8", 1)
    return BookFile(path, "csv", tuple(header), compressed=compressed, delimiter=delimiter, head=text)


class _Unpacked(gzip.GzipFile):
    """A gzip file that gives up where it would unpack to more than any book. Raises `Unreadable`."""

    def read(self, size: int | None = -1) -> bytes:
        return self._bounded(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._bounded(super().read1(size))

    def _bounded(self, data: bytes) -> bytes:
        if self.tell() > MOST_BYTES:
            raise TooLarge(f"unpacks to more than {MOST_BYTES / 1e9:,.0f} GB; a book may have as much")
        return data


@contextmanager
def open_bytes(path: Path, compressed: bool) -> Iterator[BinaryIO]:
    """The bytes of the text, decompressed."""
    with _Unpacked(path, "rb") if compressed else path.open("rb") as data:
        yield data  # type: ignore[misc]


def not_utf8(lines: Sequence[int], rows: int) -> str:
    """A sentence for rows in another encoding."""
    return (
        f"{counted(rows, 'row')} {'is' if rows == 1 else 'are'} not UTF-8 text ({named(lines, rows, 'line')}); "
        "save the book as CSV in UTF-8"
    )


def named(numbers: Sequence[int], count: int, unit: str) -> str:
    """``line 5``, ``lines 5, 19, 77, ...``."""
    return f"{unit}{'' if count == 1 else 's'} {', '.join(map(str, numbers))}{', ...' if count > len(numbers) else ''}"


def first_line(error: BaseException) -> str:
    """What a library says, in one line of sensible length."""
    return ((str(error) or type(error).__name__).splitlines() or [""])[0][:120].rstrip(". ")
