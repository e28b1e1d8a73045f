"""A customer book as an Excel workbook (.xlsx): one sheet, formulas by the values they had when it was saved."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from sim.population.book.columns import did_you_mean, quoted
from sim.population.book.forms.base import Unreadable, first_line, header_among, lacking
from sim.population.book.forms.tables import ERRORS, TableFile, as_text, typed

if TYPE_CHECKING:
    import pyarrow as pa

MOST_UNPACKED: Final = 4_000_000_000  # bytes of a workbook's parts once unpacked
HEADER_WITHIN: Final = 100  # rows in which a header below a notice is looked for


@dataclass
class WorkbookFile(TableFile):
    """One sheet of a workbook; `numbers` are the sheet's own numbers of its rows, from 1."""

    numbers: Sequence[int] = field(default=(), repr=False)
    places_of_columns: Sequence[int] = field(default=(), repr=False)
    header: int = 1  # the row of the names
    first_rows: list[tuple[int, list[Any]]] = field(default_factory=list, repr=False)  # below the header

    kind: ClassVar[str] = "xlsx"
    title: ClassVar[str] = "an Excel workbook"

    @property
    def header_line(self) -> int:
        return self.header

    def header_below(self, columns: Collection[str]) -> int:
        for number, cells in self.first_rows:
            if set(columns) <= {as_text(cell) for cell in cells if cell is not None}:
                return number
        return 0

    def places(self, wanted: Collection[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, int]]:
        """(row, column) of the sheet, from 1, of cells given as (row from 0, column name)."""
        index = self.index
        return {(row, name): (self.numbers[row], self.places_of_columns[index[name]]) for row, name in wanted}


def open_workbook(path: Path, sheet: str | None, header: int | None = None) -> WorkbookFile:
    """Read a sheet of a workbook, the first where none is named; `header` is the row of its header, found where not
    given. Raises `Unreadable`."""
    try:
        import openpyxl
    except ImportError:
        raise lacking("openpyxl") from None
    try:
        with zipfile.ZipFile(path) as packed:
            if sum(part.file_size for part in packed.infolist()) > MOST_UNPACKED:
                raise Unreadable(f"unpacks to more than {MOST_UNPACKED / 1e9:,.0f} GB; save it as CSV or Parquet")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions, which no book is read by
            book = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
            try:
                name, rows = _rows(book, sheet)
                others = [one.title for one in book.worksheets if one.title != name]
            finally:
                book.close()
    except Unreadable:
        raise
    except Exception as error:  # of whatever kind a damaged part raises in the library
        if path.read_bytes()[:4] == b"\xd0\xcf\x11\xe0":
            raise Unreadable(
                "is protected by a password or of the old kind (.xls); save it as .xlsx without one"
            ) from None
        raise Unreadable(f"is not an Excel workbook or is damaged ({first_line(error)})") from None
    return _of(path, name, rows, header, others)


def _rows(book: Any, sheet: str | None) -> tuple[str, list[tuple[int, tuple[Any, ...]]]]:
    """The sheet's name, and its rows that hold anything with their numbers."""
    sheets = {one.title: one for one in book.worksheets}
    if sheet is not None and sheet not in sheets:
        there = ", ".join(map(quoted, sheets))
        raise Unreadable(f"has no sheet {sheet!r}{did_you_mean(sheet, sheets)} (it has {there})", key="sheet")
    names = [sheet] if sheet is not None else [name for name, one in sheets.items() if one.sheet_state == "visible"]
    for name in names:
        page = sheets[name]
        page.reset_dimensions()  # what a file says of its size may be wrong
        rows = [
            (number, cells)
            for number, cells in enumerate(page.iter_rows(values_only=True), 1)
            if any(cell is not None and cell != "" for cell in cells)
        ]
        if rows:
            return name, rows
    raise Unreadable("is empty; a book has a header and a row for each customer")


def _of(
    path: Path, sheet: str, rows: list[tuple[int, tuple[Any, ...]]], given: int | None, others: Sequence[str]
) -> WorkbookFile:
    first = [(number, ["" if cell is None else as_text(cell) for cell in cells]) for number, cells in rows]
    line = given or header_among(first[:HEADER_WITHIN])
    top = next((place for place, (number, _) in enumerate(rows) if number == line), -1)
    if top < 0:
        raise Unreadable(f"has nothing on row {line} of sheet {quoted(sheet)}, which header names", key="header")
    (_, header), body = rows[top], rows[top + 1 :]
    if not body:
        there = f"; its other sheets are {', '.join(map(quoted, others))}" if others else ""
        raise Unreadable(f"has a header and no customers on sheet {quoted(sheet)}{there}", key="sheet" * bool(others))
    rows = rows[top:]
    width = max(len(cells) for _, cells in rows)
    columns: dict[int, pa.Array] = {}
    for place in range(width):
        values = [cells[place] if place < len(cells) else None for _, cells in body]
        if (place < len(header) and header[place] is not None) or any(value is not None for value in values):
            columns[place] = typed([None if value in ERRORS else value for value in map(_plain, values)])
    names = tuple(as_text(header[k]) if k < len(header) and header[k] is not None else "" for k in columns)
    import pyarrow as pa

    table = pa.Table.from_arrays(list(columns.values()), names=list(names))
    return WorkbookFile(
        path,
        names,
        dict(zip(names, table.schema.types, strict=True)),
        {"sheet": sheet, **({"header": f"row {line}{'' if given else ' (found)'}"} if top else {})},
        table=table,
        numbers=[number for number, _ in body],
        places_of_columns=[place + 1 for place in columns],
        header=line,
        first_rows=[(number, list(cells)) for number, cells in body[:HEADER_WITHIN]],
    )


def _plain(value: Any) -> Any:
    """A cell's value; an empty text is no value."""
    return None if isinstance(value, str) and not value.strip() else value
