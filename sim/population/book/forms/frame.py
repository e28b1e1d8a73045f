"""A customer book as a data frame of pandas that a program hands in."""

from __future__ import annotations

import atexit
import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

from sim.population.book.forms.base import FRAME, Unreadable, first_line
from sim.population.book.forms.tables import TableFile, typed

if TYPE_CHECKING:
    import pandas as pd

NAME = Path("frame")  # what messages call it


@dataclass
class FrameFile(TableFile):
    """A data frame; its rows are counted from 1, whatever its index."""

    kind: ClassVar[str] = "frame"
    title: ClassVar[str] = "a data frame"

    @property
    def name(self) -> str:
        return "the data frame"

    def digest(self) -> str:
        """SHA-256 of the columns' names, types and values, as an Arrow file has them."""
        return hashlib.sha256(_packed(self)).hexdigest()


def _packed(opened: FrameFile) -> bytes:
    """The data as an Arrow file, the same bytes for the same data."""
    import pyarrow as pa

    table = opened.table.combine_chunks()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as out:
        out.write_table(table)
    return bytes(sink.getvalue())


def kept(frame: pd.DataFrame) -> Path:
    """A data frame as an Arrow file that is there as long as this process, for whoever reads its book again.

    Its name tells frames of other data apart. Raises `Unreadable`.
    """
    packed = _packed(open_frame(frame))
    path = _folder() / f"{FRAME}{hashlib.sha256(packed).hexdigest()[:16]}.arrow"
    if not path.exists():
        path.write_bytes(packed)
    return path


@cache
def _folder() -> Path:
    folder = TemporaryDirectory(prefix="rapport-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def open_frame(frame: pd.DataFrame) -> FrameFile:
    """A data frame as a book. Raises `Unreadable`."""
    import pandas as pd
    import pyarrow as pa

    if not isinstance(frame, pd.DataFrame):
        raise Unreadable(f"is {type(frame).__name__}; a path, or a data frame of pandas")
    if not len(frame):
        raise Unreadable("has no customers")
    names = tuple(str(name) for name in frame.columns)
    try:
        arrays = [_array(frame.iloc[:, k]) for k in range(len(names))]
    except (pa.ArrowException, ValueError, TypeError) as error:
        raise Unreadable(f"holds what cannot be read ({first_line(error)})") from None
    table = pa.Table.from_arrays(arrays, names=list(names))
    return FrameFile(NAME, names, dict(zip(names, table.schema.types, strict=True)), table=table)


def _array(column: Any) -> Any:
    """A column as Arrow has it; one of mixed objects by what it holds."""
    import pandas as pd
    import pyarrow as pa

    if column.dtype == object:
        return typed([None if pd.api.types.is_scalar(value) and pd.isna(value) else _plain(value) for value in column])
    array = pa.Array.from_pandas(column)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _plain(value: Any) -> Any:
    """A value of NumPy or pandas as Python has it."""
    import pandas as pd

    if isinstance(value, pd.Timestamp):
        return value.to_pydatetime()
    return value.item() if hasattr(value, "item") and callable(value.item) else value
