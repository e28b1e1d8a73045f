"""Rows that are in memory already, from a workbook, a database, a join or a data frame: as an Arrow table."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sim.population.book.forms.base import BATCH_ROWS, BookFile

if TYPE_CHECKING:
    import pyarrow as pa

ERRORS = frozenset({"#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})  # cells of Excel without value


@dataclass
class TableFile(BookFile):
    """A book whose rows are one Arrow table."""

    table: Any = field(default=None, repr=False)

    def batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        wanted = [name for name in self.columns if name in set(columns)]
        yield from self.table.select(wanted).combine_chunks().to_batches(max_chunksize=BATCH_ROWS)


def typed(values: Sequence[Any]) -> pa.Array:
    """An Arrow array of Python's values, of one type where they have one; else all as text. None is a gap."""
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if not kinds:
        return pa.nulls(len(values), pa.string())
    try:
        if kinds <= {int, float, Decimal}:
            if all(value is None or _whole(value) for value in values):
                return pa.array([None if value is None else int(value) for value in values], pa.int64())
            return pa.array([None if value is None else float(value) for value in values], pa.float64())
        if kinds == {bool}:
            return pa.array(values, pa.bool_())
        if kinds <= {datetime, date}:
            return pa.array([value.date() if isinstance(value, datetime) else value for value in values], pa.date32())
    except (OverflowError, ValueError, pa.ArrowException):
        pass
    return pa.array([None if value is None else as_text(value) for value in values], pa.string())


def _whole(value: Any) -> bool:
    return isinstance(value, int) or (math.isfinite(value) and abs(value) < 2**53 and value == int(value))


def as_text(value: Any) -> str:
    """A value as a text would have it: 5 for 5.0, ISO dates."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and _whole(value):
        return str(int(value))
    if isinstance(value, datetime):
        midnight = value.time() == time()
        return value.date().isoformat() if midnight else value.isoformat(" ")
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value.days)
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    return str(value).encode("utf-8", errors="replace").decode()
