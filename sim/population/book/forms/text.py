"""A customer book as text: CSV, gzipped or not, in any encoding; quoted cells may hold line breaks.

The separator is found (see `sim.separators`) or given, and so is the encoding (see `encodings`). Arrow reads a few
megabytes at a time, and no row may be longer.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar, Final

from sim.phrases import counted
from sim.population.book.forms import base
from sim.population.book.forms.base import (
    BATCH_ROWS,
    BookFile,
    Irregular,
    TooLarge,
    Unreadable,
    first_line,
    header_among,
    named,
    not_utf8,
)
from sim.population.book.forms.encodings import UTF_8, Encoding, Recoded, find
from sim.separators import MARKS, cell_begins, separator_name, separator_of

if TYPE_CHECKING:
    import pyarrow as pa

HEAD_BYTES: Final = 1 << 20  # enough for any header
BLOCK_BYTES: Final = 1 << 22  # one batch of CSV; a single row may not be longer
HEADER_WITHIN: Final = 100  # lines in which a header below a notice is looked for
BROKEN: Final = (OSError, EOFError, zlib.error)  # what a damaged gzip raises
ROW_LIMIT: Final = f"a row may have {BLOCK_BYTES:,} characters"

_MAGIC: Final = (
    (b"\x1f\x8b", "is compressed with gzip: its name should end in .csv.gz"),
    (b"PAR1", "is a Parquet file: its name should end in .parquet"),
    (b"ARROW1", "is an Arrow file: its name should end in .arrow"),
    (b"SQLite format 3\0", "is an SQLite database: its name should end in .sqlite"),
    (b"PK\x03\x04", "is a zip or Excel file; if it is a workbook, its name should end in .xlsx"),
    (b"\xd0\xcf\x11\xe0", "is an Excel file of the old kind (.xls); save it as .xlsx or as CSV"),
)
# What is left of characters that were read in a wrong encoding and saved so
_MOJIBAKE: Final = ("\N{REPLACEMENT CHARACTER}", "\u951f\u65a4\u62f7", "\u00c3\u00a4", "\u00c3\u00bc", "\u00c3\u00b6")
_MOJIBAKE_MORE: Final = ("\u00c3\u00a9", "\u00c3\u00a8", "\u00c3\u00b1", "\u00c3\u0178", "\u00ef\u00bf\u00bd")


@dataclass
class TextFile(BookFile):
    """A text whose header was read; what `patient_batches` met is in `ragged` and `garbled`."""

    compressed: bool = False
    delimiter: str = ","
    encoding: Encoding = field(default_factory=lambda: Encoding(UTF_8))
    head: str = field(default="", repr=False)  # how it begins, from its header on
    above: int = 0  # lines that stand above its header
    replaced: bool = False  # whether a replacement character stands in it, not only for what could not be read
    ragged: Irregular = field(default_factory=Irregular)  # rows with more or fewer values than the header
    garbled: Irregular = field(default_factory=Irregular)  # rows in another encoding

    kind: ClassVar[str] = "csv"
    title: ClassVar[str] = "a text"
    unit: ClassVar[str] = "line"

    @property
    def header_line(self) -> int:
        return self.above + 1

    def header_below(self, columns: Collection[str]) -> int:
        for mark in MARKS.values():
            reader, below = csv.reader(io.StringIO(self.head, newline=""), delimiter=mark), False
            with suppress(csv.Error):
                for record in reader:
                    if below and set(columns) <= set(record):
                        return self.above + reader.line_num
                    below = below or bool(record)
                    if reader.line_num >= HEADER_WITHIN:
                        break
        return 0

    def doubts(self) -> Iterator[tuple[str, str]]:
        if self.encoding.doubt:
            yield "encoding", f"{self.name} {self.encoding.doubt}"
        signs = _MOJIBAKE if self.replaced else _MOJIBAKE[1:]
        if sign := next((sign for sign in (*signs, *_MOJIBAKE_MORE) if sign in self.head), ""):
            line = self.above + self.head[: self.head.index(sign)].count("\n") + 1
            yield (
                "encoding",
                f"{self.name} holds {sign!r} (line {line}): its text was once read in a wrong encoding and saved so; "
                "export it again",
            )

    @contextmanager
    def _utf_8(self) -> Iterator[BinaryIO]:
        """The text as UTF-8 bytes, but for rows that are in no encoding."""
        with open_bytes(self.path, self.compressed) as data:
            yield data if self.encoding.plain else io.BufferedReader(Recoded(data, self.encoding.codec), HEAD_BYTES)

    def batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        wanted = [name for name in self.columns if name in set(columns)]
        try:
            with self._utf_8() as data, pa.PythonFile(data, mode="r") as stream:
                yield from arrow_csv.open_csv(
                    stream,
                    read_options=arrow_csv.ReadOptions(block_size=BLOCK_BYTES, skip_rows=self.above),
                    parse_options=arrow_csv.ParseOptions(delimiter=self.delimiter, newlines_in_values=True),
                    convert_options=arrow_csv.ConvertOptions(
                        include_columns=wanted, column_types={name: pa.string() for name in wanted}
                    ),
                )
        except (pa.ArrowException, *BROKEN, ValueError) as error:
            raise Unreadable(f"is damaged, it cannot be read to its end ({first_line(error)})") from None

    def patient_batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        """As `batches` for a text that those gave up on: rows of a wrong length are left out and noted, cells in
        another encoding patched and noted, so that all else that is wrong with the book is found too.
        Raises `Unreadable`."""
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
        """Every non-empty record, header first: the line it starts on, its values, its text.

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

        start = self.above + 1
        try:
            with self._utf_8() as data:
                text = io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape", newline="")
                for _ in range(self.above):
                    text.readline(BLOCK_BYTES)
                reader = csv.reader(lines(text), delimiter=self.delimiter)
                for record in reader:
                    if record:
                        yield start, record, "".join(kept)
                    kept.clear()
                    start = self.above + reader.line_num + 1
        except csv.Error as error:
            raise Unreadable(f"cannot be read on from here ({error}); is a quote never closed?", start) from None
        except BROKEN as error:
            raise Unreadable(f"is damaged, it cannot be read to its end ({first_line(error)})") from None

    def places(self, wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, int]]:
        """(line, column) from 1 of cells given as (row from 0, column name): the character where the cell begins."""
        index = self.index
        names: dict[int, list[str]] = {}
        for row, name in wanted:
            names.setdefault(row, []).append(name)
        found = {
            (row, name): (self.above + row + 2, 1) for row, name in wanted
        }  # if the two readers should ever disagree
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


def open_text(
    path: Path, *, compressed: bool, separator: str | None, encoding: str | None, header: int | None = None
) -> TextFile:
    """Read the header of a text, on line `header` if given, and find how it is written. Raises `Unreadable`."""
    try:
        with open_bytes(path, compressed) as data:
            head = data.read(HEAD_BYTES)
        for magic, message in _MAGIC:
            if head.startswith(magic):
                raise Unreadable(message)
        found = find(lambda: open_bytes(path, compressed), head, encoding)
    except BROKEN as error:
        if not compressed:
            raise
        raise Unreadable(f"is not a gzip file or is damaged ({first_line(error)})") from None
    return _with_header(path, compressed, head, found, separator, header)


def _header_line(text: str, separator: str | None) -> int:
    """The line of the header, from 1: the first that is not empty, or one below a title."""
    marks = [separator] if separator else list(MARKS.values())
    first = next((line for line in text.splitlines() if line.strip()), "")
    named = [[cell for cell in next(csv.reader([first], delimiter=mark), []) if cell.strip()] for mark in marks]
    found, most = 1, max(1, *map(len, named))
    for mark in marks:
        reader, rows, start = csv.reader(io.StringIO(text, newline=""), delimiter=mark), [], 1
        with suppress(csv.Error):
            for record in reader:
                if any(cell.strip() for cell in record):
                    rows.append((start, record))
                start = reader.line_num + 1
                if start > HEADER_WITHIN:
                    break
        line = header_among(rows)
        width = next((len(record) for number, record in rows if number == line), 0)
        if rows and line > rows[0][0] and width > most:
            found, most = line, width
    return found


def _with_header(
    path: Path, compressed: bool, head: bytes, found: Encoding, separator: str | None, given: int | None
) -> TextFile:
    text = codecs.getincrementaldecoder(found.codec)(errors="replace").decode(head).lstrip("\ufeff")
    whole = len(head) < HEAD_BYTES
    if "\0" in text:
        raise Unreadable("is binary, not text; save it as CSV (UTF-8)")
    if not whole and not text.strip():
        raise Unreadable("begins with more than a million blanks; a book begins with its header", 1)
    if not whole and len(text.lstrip().splitlines()) < 2:
        raise Unreadable(f"the first line is longer than {HEAD_BYTES:,} characters; it must be the header", 1)
    line = given or _header_line(text, separator)
    text = "".join(text.splitlines(keepends=True)[line - 1 :]) if line > 1 else text
    if given and not text.strip():
        raise Unreadable(
            f"has nothing on line {line}, which header names; the line of the names of columns", key="header"
        )
    delimiter = separator or separator_of(text)
    try:
        records = (record for record in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if record)
        header = next(records, [])
    except csv.Error as error:
        raise Unreadable(f"has no readable header ({error})", 1) from None
    if not any(name.strip() for name in header):
        raise Unreadable("is empty; a book has a header and a row for each customer")
    if found.plain and any("\N{REPLACEMENT CHARACTER}" in name for name in header) and not _saved_so(head):
        raise Unreadable("the header is not UTF-8 text; save the book as CSV in UTF-8", 1)
    said = {"separator": separator_name(delimiter), "encoding": found.codec}
    said |= {"header": f"line {line}{'' if given else ' (found)'}"} if line > 1 else {}
    return TextFile(
        path,
        tuple(header),
        said=said,
        compressed=compressed,
        delimiter=delimiter,
        encoding=found,
        head=text,
        above=line - 1,
        replaced=not found.plain or _saved_so(head),
    )


def _saved_so(head: bytes) -> bool:
    """Whether a replacement character stands in the bytes themselves."""
    return "\N{REPLACEMENT CHARACTER}".encode() in head


class _Unpacked(gzip.GzipFile):
    """A gzip file that gives up where it would unpack to more than any book. Raises `Unreadable`."""

    def read(self, size: int | None = -1) -> bytes:
        return self._bounded(super().read(size))

    def read1(self, size: int = -1) -> bytes:
        return self._bounded(super().read1(size))

    def _bounded(self, data: bytes) -> bytes:
        if self.tell() > base.MOST_BYTES:
            raise TooLarge(f"unpacks to more than {base.MOST_BYTES / 1e9:,.0f} GB; a book may have as much")
        return data


@contextmanager
def open_bytes(path: Path, compressed: bool) -> Iterator[BinaryIO]:
    """The bytes of the text, decompressed."""
    with _Unpacked(path, "rb") if compressed else path.open("rb") as data:
        yield data  # type: ignore[misc]
