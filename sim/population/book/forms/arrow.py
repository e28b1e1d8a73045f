"""A customer book as Parquet or Arrow (Feather) file: columns with types, read a batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from sim.population.book.forms.base import BATCH_ROWS, BookFile, Unreadable, first_line

if TYPE_CHECKING:
    import pyarrow as pa

NO_ROWS = "has a header and no customers"


@dataclass
class ParquetFile(BookFile):
    """A Parquet file; rows are counted from 1."""

    kind: ClassVar[str] = "parquet"
    title: ClassVar[str] = "a Parquet file"

    def batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        from pyarrow import parquet

        wanted = [name for name in self.columns if name in set(columns)]
        try:
            with parquet.ParquetFile(self.path) as file:
                for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=wanted):
                    batch.validate(full=True)  # text that is not UTF-8 is found here
                    yield batch
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Unreadable(f"is damaged, it cannot be read as Parquet ({first_line(error)})") from None


@dataclass
class ArrowFile(BookFile):
    """An Arrow or Feather file (IPC, as file or as stream)."""

    kind: ClassVar[str] = "arrow"
    title: ClassVar[str] = "an Arrow file"

    def batches(self, columns: Collection[str]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        wanted = [name for name in self.columns if name in set(columns)]
        try:
            with pa.memory_map(str(self.path)) as data:
                for batch in _batches(data):
                    picked = batch.select(wanted)
                    picked.validate(full=True)
                    for first in range(0, len(picked), BATCH_ROWS):
                        yield picked.slice(first, BATCH_ROWS)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise Unreadable(f"is damaged, it cannot be read as Arrow ({first_line(error)})") from None


def open_parquet(path: Path) -> ParquetFile:
    """Read the header of a Parquet file. Raises `Unreadable`."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"is not a Parquet file or is damaged ({first_line(error)})") from None
    if not rows:
        raise Unreadable(NO_ROWS)
    return ParquetFile(path, tuple(schema.names), dict(zip(schema.names, schema.types, strict=True)))


def open_arrow(path: Path) -> ArrowFile:
    """Read the header of an Arrow file. Raises `Unreadable`."""
    import pyarrow as pa

    try:
        with pa.memory_map(str(path)) as data:
            batches = _batches(data)
            first = next((batch for batch in batches if len(batch)), None)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise Unreadable(f"is not an Arrow file or is damaged ({first_line(error)})") from None
    if first is None:
        raise Unreadable(NO_ROWS)
    schema = first.schema
    return ArrowFile(path, tuple(schema.names), dict(zip(schema.names, schema.types, strict=True)))


def _batches(data: pa.NativeFile) -> Iterator[pa.RecordBatch]:
    """The record batches of a file or a stream, whichever it is."""
    import pyarrow as pa

    if data.read(6) == b"ARROW1":
        data.seek(0)
        reader = pa.ipc.open_file(data)
        yield from (reader.get_batch(number) for number in range(reader.num_record_batches))
    elif data.seek(0) == 0 and data.read(4) == b"FEA1":
        from pyarrow import feather

        yield from feather.read_table(data).to_batches()
    else:
        data.seek(0)
        yield from pa.ipc.open_stream(data)
