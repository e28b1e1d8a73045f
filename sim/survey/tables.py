"""Tables of answers as files: CSV in the encodings survey tools write, Parquet, Excel; every cell with its place.

CSV (plain or gzipped): UTF-8 with or without BOM, UTF-16 with BOM, GB18030, and Windows-1252 as the last resort; the
mark between values is found. Survey files are small, so a table is read whole.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.errors import BadInput, Mistake
from sim.phrases import counted
from sim.separators import MARKS, cell_begins, separator_of
from sim.yaml_source import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

CSV: Final = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
KINDS: Final = (*CSV, ".parquet", ".xlsx")
MOST_BYTES: Final = 500_000_000  # once unpacked; a million sheets of fifty answers have about 100 MB
SHOWN: Final = 3  # places named in a message
ABSENT: Final = frozenset({"", "na", "n/a", "nan", "null", ".", "#n/a", "#null!"})  # cells that hold no answer


@dataclass(frozen=True)
class Table:
    """What a file of answers holds: `cells` is a column of text for every column, None where there is nothing.

    `lines` are where each row begins: lines of a CSV, rows of Parquet or Excel. `notes` say what was read otherwise
    than one might think.
    """

    file: str
    cells: pd.DataFrame
    lines: Sequence[int]
    notes: tuple[str, ...] = ()
    unit: str = "line"
    records: Sequence[str] = field(default=(), repr=False)  # a CSV's records as they stand, for columns of messages
    mark: str = ","
    head: str = field(default="", repr=False)
    head_line: int = 1
    texts: Mapping[str, str] = field(
        default_factory=dict
    )  # questions by column, where the file has them below its header

    def place(self, row: int, column: str) -> tuple[int, int]:
        """(line, column) from 1 of a cell: in a CSV the character where it begins, elsewhere row and column numbers."""
        at = list(self.cells.columns).index(column)
        if not self.records:
            return self.lines[row], at + 1
        return self.lines[row], cell_begins(self.records[row], self.mark, at)

    def header_place(self, column: str) -> tuple[int, int]:
        """(line, column) of a column's name."""
        at = list(self.cells.columns).index(column)
        return (self.head_line, cell_begins(self.head, self.mark, at)) if self.head else (1, at + 1)

    def mistake(self, rows: Sequence[int], column: str, message: str) -> Mistake:
        """A mistake at the first of these cells; `message` has ``{cells}`` for how many and where."""
        line, character = self.place(rows[0], column)
        shown = ", ".join(str(self.lines[row]) for row in rows[:SHOWN]) + ", ..." * (len(rows) > SHOWN)
        unit = self.unit + "s" * (len(rows) > 1)
        return Mistake(self.file, line, character, column, message.replace("{cells}", f"{len(rows)}: {unit} {shown}"))


def meant(word: str, known: Sequence[str]) -> str:
    """``; did you mean rel1?``, or nothing."""
    hint = did_you_mean(word, known)
    return f"; {hint}" if hint else ""


def kind_of(path: Path, kinds: Sequence[str] = KINDS) -> str | None:
    """The longest of these endings that the file's name has."""
    return max((end for end in kinds if path.name.lower().endswith(end)), key=len, default=None)


def check_file(path: Path, kinds: Sequence[str]) -> str:
    """The kind of a file that is there and not empty. Raises BadInput."""
    if path.is_dir():
        raise BadInput.at(str(path), "is a folder; name a file in it")
    if not path.is_file():
        here = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        raise BadInput.at(str(path), f"there is no such file{meant(path.name, here)}")
    kind = kind_of(path, kinds)
    if kind is None:
        raise BadInput.at(str(path), f"is of an unknown kind; its name ends in {', '.join(kinds[:-1])} or {kinds[-1]}")
    if path.stat().st_size == 0:
        raise BadInput.at(str(path), "is empty; answers have a header and a row for each sheet")
    return kind


def read_table(path: Path) -> Table:
    """The table of a file. Raises BadInput with what is wrong with its form."""
    kind = check_file(path, KINDS)
    if kind == ".parquet":
        return _parquet(path)
    if kind == ".xlsx":
        return _excel(path)
    return _csv(path)


# --- CSV --------------------------------------------------------------------------------------------------------------


def read_text(path: Path) -> tuple[str, str]:
    """(text, encoding) of a file, gzipped or not; the encoding is found. Raises BadInput."""
    try:
        with gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput.at(str(path), f"cannot be read ({_said(error)})") from None
    if len(data) > MOST_BYTES:
        raise BadInput.at(str(path), f"holds more than {MOST_BYTES / 1e6:,.0f} MB; answers have less")
    for magic, what in ((b"PK\x03\x04", "a zip or Excel"), (b"\x1f\x8b", "a gzip"), (b"PAR1", "a Parquet")):
        if data.startswith(magic):
            raise BadInput.at(str(path), f"is {what} file by its content; name it so, or save it as CSV")
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return _decoded(path, data, encoding), encoding
    if b"\0" in data[:1_000_000]:
        raise BadInput.at(str(path), "is binary, not text; save it as CSV in UTF-8")
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        encoding = "gb18030" if _is_chinese(data) else "cp1252"
        return _decoded(path, data, encoding), encoding


def _decoded(path: Path, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadInput.at(
            str(path), f"is not {encoding} text from here; save it in UTF-8", line=line, column=1
        ) from None


def _is_chinese(data: bytes) -> bool:
    """Whether bytes that are no UTF-8 are GB18030: they decode, and most high bytes come in twos, as no accents do."""
    try:
        data.decode("gb18030")
    except UnicodeDecodeError:
        return False
    runs = re.findall(rb"[\x80-\xff]+", data)
    return sum(len(run) for run in runs if len(run) > 1) > 0.5 * sum(map(len, runs))


def _csv(path: Path) -> Table:
    import pandas as pd

    text, encoding = read_text(path)
    file, mark = str(path), separator_of(text)
    kept: list[str] = []

    def lines() -> Any:
        for line in io.StringIO(text, newline=""):
            kept.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=mark, strict=True)
    header: list[str] | None = None
    head, head_line = "", 1
    rows: list[list[str | None]] = []
    starts: list[int] = []
    records: list[str] = []
    wrong: list[Mistake] = []
    ragged: list[tuple[int, int]] = []
    start = 1
    try:
        for record in reader:
            if any(cell.strip() for cell in record) or (header is not None and len(record) == len(header) > 1):
                if header is None:
                    header, head, head_line = [name.strip() for name in record], "".join(kept), start
                    wrong = _names(file, header, start)
                elif len(record) != len(header):
                    ragged.append((start, len(record)))
                else:
                    rows.append([None if (cell := raw.strip()).lower() in ABSENT else cell for raw in record])
                    starts.append(start)
                    records.append("".join(kept))
            kept.clear()
            start = reader.line_num + 1
    except csv.Error as error:
        raise BadInput.at(
            file, f"cannot be read on from here ({error}); is a quote never closed?", line=start
        ) from None
    if header is None:
        raise BadInput.at(file, "is empty; answers have a header and a row for each sheet")
    if ragged:
        shown = ", ".join(str(line) for line, _ in ragged[:SHOWN]) + ", ..." * (len(ragged) > SHOWN)
        rows_wrong = f"{counted(len(ragged), 'row')} with another number of values than the header"
        where = f"line{'s' * (len(ragged) > 1)} {shown}; the first has {ragged[0][1]}"
        wrong.append(Mistake(file, ragged[0][0], 1, "", f"{rows_wrong} ({where}); every row has {len(header)}"))
    if wrong:
        raise BadInput(sorted(wrong))
    notes: tuple[str, ...] = () if encoding.startswith("utf-8") else (f"read as {_NAMES.get(encoding, encoding)}",)
    if mark != ",":
        notes += (f"values stand between {next(name for name, one in MARKS.items() if one == mark)} marks",)
    texts: dict[str, str] = {}
    if len(rows) > 1 and any(cell is not None and cell.startswith('{"ImportId"') for cell in rows[1]):
        texts = {name: text for name, text in zip(header, rows[0], strict=True) if text is not None}
        del rows[:2], starts[:2], records[:2]
        notes += ("two rows below the header are Qualtrics' own, not answers",)
    cells = pd.DataFrame(rows, columns=header, dtype=object)
    return Table(file, cells, starts, notes, "line", records, mark, head, head_line, texts)


_NAMES: Final = {
    "gb18030": "GB18030, since it is not UTF-8",
    "cp1252": "Windows-1252 (Latin 1), since it is not UTF-8",
    "utf-16": "UTF-16",
}


def _names(file: str, header: list[str], line: int = 1) -> list[Mistake]:
    wrong = []
    for at, name in enumerate(header):
        if not name:
            wrong.append(Mistake(file, line, at + 1, "", f"column {at + 1} has no name; each column has one"))
        elif name in header[:at]:
            wrong.append(Mistake(file, line, at + 1, name, "stands twice in the header; each column its own name"))
    return wrong


# --- Parquet and Excel ------------------------------------------------------------------------------------------------


def _parquet(path: Path) -> Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        frame = parquet.read_table(path).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput.at(str(path), f"is not a Parquet file or is damaged ({_said(error)})") from None
    return from_frame(str(path), frame, first=1)


def _excel(path: Path) -> Table:
    import pandas as pd

    rows = [list(row) for row in sheet_rows(path, 0)]
    if not rows:
        raise BadInput.at(str(path), "its first sheet is empty; answers have a header and a row for each sheet")
    header = ["" if name is None else str(name).strip() for name in rows[0]]
    while header and not header[-1]:
        header.pop()
    if wrong := _names(str(path), header):
        raise BadInput(wrong)
    kept = [(i, row[: len(header)]) for i, row in enumerate(rows[1:], 2) if any(cell is not None for cell in row)]
    frame = pd.DataFrame([row for _, row in kept], columns=header, dtype=object)
    return from_frame(str(path), frame, lines=[i for i, _ in kept])


def sheet_rows(path: Path, sheet: int | str) -> list[tuple[Any, ...]]:
    """The rows of a worksheet by position or name, values only. Raises BadInput."""
    book = workbook(path)
    try:
        names = book.sheetnames
        name = names[sheet] if isinstance(sheet, int) else sheet
        return [tuple(row) for row in book[name].iter_rows(values_only=True)] if name in names else []
    finally:
        book.close()


def workbook(path: Path) -> Any:
    """An Excel file, opened for reading. Raises BadInput."""
    openpyxl = needed("openpyxl", str(path))
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # openpyxl raises what its parts raise: zipfile, xml, KeyError
        raise BadInput.at(str(path), f"is not an Excel file or is damaged ({_said(error)})") from None


def needed(library: str, what: str) -> Any:
    """A library of the extra `survey`. Raises BadInput where it is not installed."""
    from importlib import import_module

    try:
        return import_module(library)
    except ImportError:
        raise BadInput.at(what, f"needs the package {library}; pip install 'rapport-sim[survey]'") from None


def from_frame(file: str, frame: pd.DataFrame, *, first: int = 2, lines: Sequence[int] = ()) -> Table:
    """A table out of values of any type, as text; whole numbers without a point."""
    import pandas as pd

    texts = {str(name): [_text(value) for value in frame[name]] for name in frame.columns}
    cells = pd.DataFrame(texts, dtype=object, columns=[str(name) for name in frame.columns])
    return Table(file, cells, lines or range(first, first + len(frame)), unit="row")


def _text(value: Any) -> str | None:
    import pandas as pd

    if value is None or value is False or value is True:
        return None if value is None else ("yes" if value else "no")
    if isinstance(value, str):
        stripped = value.strip()
        return None if stripped.lower() in ABSENT else stripped
    if pd.isna(value):
        return None
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _said(error: BaseException) -> str:
    return ((str(error) or type(error).__name__).splitlines() or [""])[0][:120].rstrip(". ")
