"""worlds.parquet: the worlds of a run's beliefs, a row for each world, arm and seed; written and read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.store.columns import FIGURE, FILES, VALUE, Column
from sim.store.files import renamed, why_unreadable
from sim.store.sweep_rows import arrow_type, column_type, schema
from sim.store.tables import described, units, with_units

if TYPE_CHECKING:
    import pandas as pd

FOLDER = "beliefs"  # of a run, the sweep of its worlds while it is lived
FILE = "worlds.parquet"
KEYS = {column.name: column.dtype for column in FILES["worlds"].columns if "<" not in column.name}


def columns_of(told: Mapping[str, Any]) -> dict[str, str]:
    """Columns of the table and their types, in order; `told` is what a manifest says of beliefs."""
    paths = {one["path"]: column_type(one) for one in told["parameters"]}
    return {**KEYS, **paths, **dict.fromkeys(told["kpis"], "float64")}


def write_worlds(folder: Path, rows: pd.DataFrame, told: Mapping[str, Any]) -> None:
    """Write the table whole, columns described; the bytes hold no time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    own = {}
    for one in told["parameters"]:
        name = one["path"]
        own[name] = Column(name, column_type(one), one.get("unit", ""), one.get("about") or VALUE.meaning)
    for kpi in told["kpis"]:
        own[kpi] = FIGURE._replace(name=kpi, unit=told["kpi_units"].get(kpi, FIGURE.unit))
    wanted = columns_of(told)
    arrays = {
        name: pa.array(rows[name].astype(object) if kind == "text" else rows[name].to_numpy(), arrow_type(kind))
        for name, kind in wanted.items()
    }
    table = pa.table(arrays, schema=schema(wanted))
    with renamed(folder / FILE) as temporary:
        pq.write_table(
            table.cast(described("worlds", table.schema, currency=told["currency"], own=own)),
            temporary,
            compression="zstd",
        )


def read_worlds(folder: Path, told: Mapping[str, Any]) -> pd.DataFrame:
    """The table in memory, units in ``attrs["units"]``; `BadInput` where it is missing, cut or lacks a column."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file, wanted = folder / FILE, columns_of(told)
    try:
        table = pq.read_table(file)
        if missing := [name for name in wanted if name not in table.column_names]:
            raise ValueError(f"column {', '.join(missing[:3])} missing")
        table = table.select(list(wanted)).cast(schema(wanted))
        if holes := [name for name in KEYS if table.column(name).null_count]:
            raise ValueError(f"missing values in column {', '.join(holes)}")
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    known = units("worlds", KEYS) | {one["path"]: one.get("unit", "") for one in told["parameters"]}
    return with_units(table.to_pandas(ignore_metadata=True), known | dict(told["kpi_units"]))
