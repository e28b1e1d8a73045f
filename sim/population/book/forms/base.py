"""What all files of a customer book have in common: columns, rows in batches, and on which line a row stands."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sim.phrases import counted

if TYPE_CHECKING:
    import pyarrow as pa

MOST_BYTES: Final = 20_000_000_000  # of a packed file once unpacked
MOST_ROWS: Final = 100_000_000
BATCH_ROWS: Final = 1 << 16  # one batch of what has no bytes to count
FRAME: Final = "frame-"  # how the file begins that holds a data frame while a program runs
SHOWN: Final = 3  # rows named in a message


class Unreadable(Exception):
    """The file as a whole cannot be read as a book; `line` is where, 0 if nowhere in particular.

    `key` is the key of `population:` that is to blame, where it is not the file.
    """

    def __init__(self, message: str, line: int = 0, key: str = ""):
        super().__init__(message)
        self.line, self.key = line, key


def lacking(package: str) -> Unreadable:
    """That a file is of a kind which a package reads that is not installed."""
    return Unreadable(f"cannot be read without the package {package}; pip install 'rapport-sim[data]'")


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
    """A book that was found and whose header was read; the base of all kinds.

    `types` holds Arrow types by column; of a text all are text and it is empty. `said` is how it was opened, for the
    manifest.
    """

    path: Path
    columns: tuple[str, ...]
    types: dict[str, Any] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)

    kind: ClassVar[str]
    title: ClassVar[str]  # "a Parquet file"
    unit: ClassVar[str] = "row"  # what a row is called in a message: a text has lines, counted with the header

    @property
    def form(self) -> dict[str, str]:
        """For the manifest: what kind of file it is, and how it was opened."""
        return {"kind": self.kind, **self.said}

    @property
    def header_line(self) -> int:
        """The line or row on which the names of the columns stand; 0 where on none."""
        return 0

    @property
    def name(self) -> str:
        """What a message calls it."""
        return self.path.name

    def batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        """The rows in file order, only these columns; cells of a text as text. Raises `Unreadable`."""
        raise NotImplementedError

    def header_below(self, columns: Collection[str]) -> int:
        """The line on which all these columns are named although the file does not begin with it; 0 if on none."""
        return 0

    def doubts(self) -> Iterator[tuple[str, str]]:
        """What looks wrong about the file as a whole: (key below `population`, sentence)."""
        return iter(())

    def places(self, wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, int]]:
        """(line, column) from 1 of cells given as (row from 0, column name): row and column numbers."""
        index = self.index
        return {(row, name): (row + 1, index[name] + 1) for row, name in wanted}

    @property
    def index(self) -> dict[str, int]:
        """The place of each column from 0; of columns of one name the first."""
        return {name: number for number, name in reversed(list(enumerate(self.columns)))}

    def digest(self) -> str:
        """SHA-256 of the file's bytes."""
        with self.path.open("rb") as data:
            return hashlib.file_digest(data, "sha256").hexdigest()


def header_among(rows: Sequence[tuple[int, Sequence[str]]]) -> int:
    """The number of the row that is the header, of the first ones with theirs: the first, or below a title of one cell
    the first that names most columns, with a number somewhere below it."""
    if not rows:
        return 0
    counts = [sum(bool(cell.strip()) for cell in cells) for _, cells in rows]
    most = max(counts)
    if counts[0] > 1 or most < 2:
        return rows[0][0]
    for place, (number, cells) in enumerate(rows[:-1]):
        names = [cell.strip() for cell in cells if cell.strip()]
        named = len(names) == most and len(set(names)) == most and all(map(_has_letters, names))
        if named and any(cell.strip() and not _has_letters(cell) for cell in rows[place + 1][1]):
            return number
    return rows[0][0]


def _has_letters(cell: str) -> bool:
    return any(character.isalpha() for character in cell)


def not_utf8(lines: Sequence[int], rows: int) -> str:
    """A sentence for rows in another encoding than the rest."""
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
