"""Rows of a sweep: parts as workers write them, which row of a task counts, the sorted table of tasks, its digest.

A part has one row a task, of any units, by unit id and arm: `unit, point, arm, seed`, a column a key figure, `status,
seconds, worker, error, traceback, attempt`. Points are numbered by the plan of the day, so what a point is made of is
filled in from the design when tasks are put together. Of several rows of one task an ok one counts before others, then
the one of the latest attempt.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput
from sim.store import columns as declared
from sim.store.columns import FIGURE, FILES, VALUE, Column
from sim.store.files import renamed, why_unreadable
from sim.store.tables import described, units

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

OK, FAILED, CRASHED = STATES = ("ok", "failed", "crashed")
OF_A_POINT = FILES["design"].names
TASK_KEYS, KEYS, TAIL = (
    {column.name: column.dtype for column in some}
    for some in (declared.TASK_KEYS, declared.PART_KEYS, declared.OF_A_TASK)
)


def column_type(parameter: Mapping[str, Any]) -> str:
    """How a parameter's values are stored: "float64", "int64", "bool" or "text"."""
    kind, values = parameter["kind"], parameter.get("values")
    if kind == "number":
        return "float64"
    if kind == "integer":
        return "int64"
    kinds = {type(value) for value in values or (True, False)}
    if kinds == {bool}:
        return "bool"
    if kinds == {int}:
        return "int64"
    return "float64" if kinds <= {int, float} else "text"


def arrow_type(name: str) -> pa.DataType:
    """Arrow's type of one of ours."""
    import pyarrow as pa

    return {"text": pa.string(), "int64": pa.int64(), "float64": pa.float64(), "bool": pa.bool_()}[name]


def schema(columns: Mapping[str, str]) -> pa.Schema:
    """Arrow's schema of columns and their types."""
    import pyarrow as pa

    return pa.schema([(name, arrow_type(kind)) for name, kind in columns.items()])


def own_columns(manifest: Mapping[str, Any]) -> dict[str, Column]:
    """Declarations of the columns that only this sweep has, by name: what it varies, and its key figures."""
    columns = {}
    for one in manifest["parameters"]:
        about = one.get("about") or VALUE.meaning
        columns[one["path"]] = Column(one["path"], column_type(one), one.get("unit", ""), about)
    known = manifest.get("kpi_units", {})
    return columns | {kpi: FIGURE._replace(name=kpi, unit=known.get(kpi, FIGURE.unit)) for kpi in manifest["kpis"]}


def units_of(name: str, names: Iterable[str], manifest: Mapping[str, Any]) -> dict[str, str]:
    """Unit of every column of a sweep's table that has one, by name."""
    own = own_columns(manifest)
    mine = {column: own[column].unit for column in names if column in own and own[column].unit}
    return units(name, [column for column in names if column not in own]) | mine


def part_columns(kpis: Sequence[str]) -> dict[str, str]:
    """Columns of a part and their types."""
    return {**KEYS, **dict.fromkeys(kpis, "float64"), **TAIL, "attempt": "int64"}


def task_columns(parameters: Sequence[Mapping[str, Any]], kpis: Sequence[str]) -> dict[str, str]:
    """Columns of tasks.parquet and their types, in order."""
    paths = {parameter["path"]: column_type(parameter) for parameter in parameters}
    return {**TASK_KEYS, **paths, **dict.fromkeys(kpis, "float64"), **TAIL}


def part_name(units: Iterable[str], attempt: int) -> str:
    """The name of the part of these units: the same units in the same attempt are the same part."""
    digest = hashlib.sha256("\n".join(sorted(units)).encode()).hexdigest()[:16]
    return f"{attempt:04d}-{digest}"


def part_table(rows: Iterable[Mapping[str, Any]] | pd.DataFrame, kpis: Sequence[str], attempt: int) -> pa.Table:
    """Rows as a part. Key figures stand in a row itself or under "kpis"; one that is absent is missing (NaN).

    Columns that the design tells (task, lever, world, paths) may be there and are left out. `ValueError` for a row
    without unit, arm or seed, with a status nobody knows, or with a key figure that is not of this sweep.
    """
    import pandas as pd
    import pyarrow as pa

    records: Iterable[Mapping[Any, Any]] = rows.to_dict("records") if isinstance(rows, pd.DataFrame) else rows
    columns: dict[str, list[Any]] = {name: [] for name in part_columns(kpis)}
    for row in records:
        figures = row.get("kpis", row)
        if figures is not row and (unknown := [name for name in figures if name not in columns]):
            raise ValueError(f"key figure {', '.join(map(str, unknown[:3]))} is not of this sweep")
        if row.get("status", OK) not in STATES:
            raise ValueError(f"status {row['status']!r} not among {', '.join(STATES)}")
        for name in ("unit", "arm", "seed"):
            columns[name].append(row[name] if name in row else _absent(name))
        columns["point"].append(int(row.get("point", -1)))
        for name in kpis:
            value = figures.get(name)
            columns[name].append(float("nan") if value is None else float(value))
        columns["status"].append(row.get("status", OK))
        columns["seconds"].append(float(row.get("seconds", 0.0)))
        for name in ("worker", "error", "traceback"):
            columns[name].append(_text(row.get(name)))
        columns["attempt"].append(attempt)
    return pa.table(columns, schema=schema(part_columns(kpis)))


def _absent(name: str) -> Any:
    raise ValueError(f"a row without {name}")


def _text(value: Any) -> str:
    """Text that can be stored: of a message with half a character, what can be told of it."""
    return "" if value is None else str(value).encode("utf-8", "backslashreplace").decode("utf-8")


def write_part(name: str, file: Path, table: pa.Table, own: Mapping[str, Column]) -> None:
    """A table under its name only when it is whole and on the disk, pages with checksums, columns described."""
    import pyarrow.parquet as pq

    table = table.cast(described(name, table.schema, own=own))
    # A file of our own: one that pyarrow opens itself stays open when the disk is full.
    with renamed(file) as temporary, open(temporary, "wb") as sink:
        pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
        sink.flush()
        os.fsync(sink.fileno())


def read_part(file: Path, columns: Mapping[str, str]) -> pa.Table:
    """These columns of a stored table; `BadInput` where it is cut, changed, or lacks one.

    A key figure that this part does not have is missing in its rows. A file that is gone is a `FileNotFoundError`.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file, page_checksum_verification=True) as source:
            there = set(source.schema_arrow.names)
            table = source.read([name for name in columns if name in there])
        wanted = schema(columns)
        for place, name in enumerate(columns):
            if name in there:
                continue
            if columns[name] != "float64" or name in TAIL:
                raise ValueError(f"column {name} missing")
            table = table.add_column(place, name, pa.array(np.full(len(table), np.nan)))
        table = table.select(list(columns)).cast(wanted)
        holes = [name for name in columns if table.column(name).null_count]
        if holes:
            raise ValueError(f"missing values in column {', '.join(holes)}")
        return table
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None


def counting(table: pa.Table) -> np.ndarray:
    """Places of the rows that count, one a task: ok before others, then the latest attempt, then the last row."""
    import pandas as pd

    keys = pd.DataFrame({name: table.column(name).to_pandas() for name in ("unit", "arm", "attempt")})
    keys["ok"] = np.asarray(table.column("status").to_pandas() == OK)
    keys["place"] = np.arange(len(keys))
    kept = keys.sort_values(["ok", "attempt", "place"]).drop_duplicates(["unit", "arm"], keep="last")
    return np.sort(kept["place"].to_numpy())


def planned(units: pd.DataFrame, arms: Sequence[str]) -> pd.DataFrame:
    """Every task of a plan (unit, point, seed, arm and the arm's place), in the order of rows."""
    import pandas as pd

    places = np.tile(np.arange(len(arms)), len(units))
    tasks = pd.DataFrame({name: np.repeat(units[name].to_numpy(), len(arms)) for name in ("unit", "point", "seed")})
    tasks["place"] = places
    tasks["arm"] = np.asarray(list(arms), dtype=object)[places]
    return tasks.sort_values(["point", "place", "seed"], kind="stable", ignore_index=True)


def put_together(
    rows: pa.Table,
    units: pd.DataFrame | None,
    design: pd.DataFrame,
    arms: Sequence[str],
    parameters: Sequence[Mapping[str, Any]],
    kpis: Sequence[str],
) -> tuple[pa.Table, int, pa.Table]:
    """The sorted table of tasks, how many planned tasks have no row, and the rows of tasks that are not planned.

    `units` are those of the plan (unit, point, seed); without them every row is planned as it says itself.
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = rows.take(counting(rows))
    if units is None:
        units = rows.select(["unit", "point", "seed"]).to_pandas().drop_duplicates("unit")
    wanted = planned(units, arms)
    own = pd.DataFrame({name: rows.column(name).to_pandas().astype(object) for name in ("unit", "arm")})
    own["row"] = np.arange(len(own))
    found = wanted.merge(own, on=["unit", "arm"], how="left", sort=False)
    missing = int(found["row"].isna().sum())
    found = found[found["row"].notna()]
    places = found["row"].to_numpy(dtype=np.int64)
    spare = rows.take(np.setdiff1d(np.arange(len(rows)), places))
    points = pd.Index(design["point"]).get_indexer(pd.Index(found["point"]))
    if (points < 0).any():
        raise ValueError(f"point {found['point'].to_numpy()[points < 0][0]} is not in the design")
    types = task_columns(parameters, kpis)
    columns: dict[str, Any] = {}
    stored = rows.take(places)
    for name, kind in types.items():
        if name == "task":
            column = pc.binary_join_element_wise(stored.column("unit"), stored.column("arm"), "-")
        elif name in ("unit", "arm", "status") or name in kpis or name in TAIL:
            column = stored.column(name)
        elif name in ("point", "seed"):
            column = pa.array(found[name].to_numpy(dtype=np.int64))
        else:
            values = design[name].to_numpy()[points]
            column = pa.array(values.tolist() if kind == "text" else values, arrow_type(kind))
        columns[name] = column
    return pa.table(columns, schema=schema(types)).combine_chunks(), missing, spare


def tasks_digest(tasks: pd.DataFrame | pa.Table, arms: Sequence[str], kpis: Sequence[str]) -> str:
    """SHA-256 (hex) of tasks, the same for any order of rows: all columns up to `status`, sorted by point, arm, seed.

    Hashed, in this order: the number of rows as one int64, then each column: its name, then its values. A text is its
    length in bytes as uint32 and its UTF-8; integers int64, truth values one byte, numbers float64 where -0.0 counts
    as 0.0 and every NaN as one NaN. All numbers are little-endian. `arms` gives the order of arms; one that is not in
    it is a `ValueError`.
    """
    frame: pd.DataFrame = tasks.to_pandas() if hasattr(tasks, "to_pandas") else tasks  # type: ignore[operator]
    place = {arm: i for i, arm in enumerate(arms)}
    unknown = sorted(set(frame["arm"]) - set(place))
    if unknown:
        raise ValueError(f"column arm: {', '.join(unknown[:3])} not among {', '.join(place)}")
    order = np.lexsort([frame["seed"], frame["arm"].map(place), frame["point"]])
    digest = hashlib.sha256(len(frame).to_bytes(8, "little"))
    names = list(frame.columns)
    for name in names[: names.index("status") + 1]:
        digest.update(_framed(name))
        values = frame[name]
        if values.dtype.kind == "b":
            digest.update(values.to_numpy(dtype="u1")[order].tobytes())
        elif values.dtype.kind in "iu":
            digest.update(values.to_numpy(dtype="<i8")[order].tobytes())
        elif values.dtype.kind == "f":
            numbers = values.to_numpy(dtype="<f8")[order] + 0.0  # -0.0 + 0.0 is 0.0
            numbers[np.isnan(numbers)] = np.float64("nan")
            digest.update(numbers.tobytes())
        else:
            texts = values.tolist()
            digest.update(b"".join([_framed(texts[row]) for row in order]))
    return digest.hexdigest()


def _framed(text: str) -> bytes:
    content = str(text).encode()
    return len(content).to_bytes(4, "little") + content
