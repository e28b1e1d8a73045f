"""The tables of a run and how they come to disk whole: columns, types, laws, digest, Parquet, atomic writing.

Every file is written under a temporary name and renamed. Knows nothing of folders, manifests or banks.

Errors: `BadInput` for a file that is missing or damaged, `RunFailed` when one cannot be written (disk full, permission
lost). Tables that break their own law are a fault of the caller: `ValueError`.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput, Mistake
from sim.store import columns as declared
from sim.store.columns import FILES, Column
from sim.store.columns import units as units
from sim.store.files import renamed, why_unreadable

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MONTHLY_COLUMNS = FILES["monthly"].names
BANK_COLUMNS = FILES["bank"].names
TRANSITIONS_COLUMNS = FILES["transitions"].names
COHORTS_COLUMNS = FILES["cohorts"].names
MANAGERS_COLUMNS = FILES["managers"].names
REACH_COLUMNS = FILES["reach"].names
PANEL_COLUMNS = ("arm", "seed", "month")  # and whatever the panel tracks
INDIVIDUALS_COLUMNS = FILES["individuals"].names
SUMMARY_COLUMNS = FILES["summary"].names
COMPARISON_COLUMNS = FILES["comparison"].names
PRECISION_COLUMNS = FILES["precision"].names
ATTRIBUTION_COLUMNS = FILES["attribution"].names

FATES = tuple(declared.FATES)  # of a customer of month 0, at the end
STATES_AFTER_TIERS = ("dormant", "closed", "new")  # order of `from` and `to` behind the tiers
SURVEYED = ("answers", "answers_truth", "staff_answers", "staff_answers_truth")
_OF_A_RUN = (
    "monthly",
    "bank",
    "transitions",
    "cohorts",
    "managers",
    "reach",
    "individuals",
    "answers",
    "answers_truth",
)
AS_THEY_ARE = ("panel", *SURVEYED)  # tables that keep the types they have
_TOLD_OF_A_RUN = ("summary", "comparison", "precision", "attribution", "beliefs")
_DTYPES = {column.name: column.dtype for name in (*_OF_A_RUN, *_TOLD_OF_A_RUN) for column in FILES[name].columns}


def dtype_of(column: str) -> str:
    """The stored type of a column of a run's tables by its name: "text", "int64" or "float64"."""
    return _DTYPES.get(column, "float64")


MONTHLY_DTYPES = {column: dtype_of(column) for column in MONTHLY_COLUMNS}


@dataclass(frozen=True)
class TableLaw:
    """What a table must have: its first columns, whether more may follow, the order of rows within an arm and seed."""

    columns: tuple[str, ...]
    order: tuple[str, ...]
    more: bool = True  # further columns may follow (numbers become float64, text stays text)


TABLES: dict[str, TableLaw] = {
    "monthly": TableLaw(MONTHLY_COLUMNS, ("month", "tier"), more=False),  # fixed: the digest is over all of it
    "bank": TableLaw(BANK_COLUMNS, ("month",)),
    "transitions": TableLaw(TRANSITIONS_COLUMNS, ("year", "from", "to")),
    "cohorts": TableLaw(COHORTS_COLUMNS, ("tier", "tenure_month")),
    "managers": TableLaw(MANAGERS_COLUMNS, ("month", "post", "event")),
    "reach": TableLaw(REACH_COLUMNS, ("year", "tier", "age", "app", "wish", "end")),
    "panel": TableLaw(PANEL_COLUMNS, ("month",)),
    "individuals": TableLaw(
        INDIVIDUALS_COLUMNS, ("tier", "age_band", "affinity", "uplift_class", "reference_fate", "fate")
    ),
    **{name: TableLaw(("arm", "seed", "sheet", "wave"), ("wave", "sheet")) for name in SURVEYED},
}
OPTIONAL_TABLES = ("reach", "panel", "individuals", *SURVEYED)
REQUIRED_TABLES = tuple(name for name in TABLES if name not in OPTIONAL_TABLES)


def grid_mistake(monthly: pd.DataFrame, runs: set[tuple[str, int]], months: int, tiers: Sequence[str]) -> str:
    """What is wrong with the rows of `monthly`: every run must have each month 0..months and tier exactly once."""
    sizes = monthly.groupby(["arm", "seed"], sort=False).size()
    found: dict[tuple[str, int], int] = dict(zip(sizes.index.tolist(), sizes.tolist(), strict=True))
    for arm, seed in sorted(runs ^ set(found)):
        kind = "has no rows" if (arm, seed) in runs else "is not a run of the manifest"
        return f"arm {arm}, seed {seed} {kind}"
    for (arm, seed), rows in found.items():
        if rows != (months + 1) * len(tiers):
            return f"arm {arm}, seed {seed} has {rows} rows, should be {(months + 1) * len(tiers)}"
    if monthly.duplicated(["arm", "seed", "month", "tier"]).any():
        return "a month and tier appears twice"
    if not monthly["tier"].isin(list(tiers)).all() or not monthly["month"].between(0, months).all():
        return f"a tier other than {', '.join(tiers)} or a month outside 0..{months}"
    return ""


def individuals_mistake(individuals: pd.DataFrame, arms: Sequence[str], tiers: Sequence[str]) -> str:
    """What is wrong with the rows of `individuals`: a name nobody knows, or a count that counts nothing."""
    names = {"arm": arms, "tier": tiers, "reference_fate": FATES, "fate": FATES}
    return _groups_mistake(individuals, names, {"customers": "number of customers"})


def reach_mistake(reach: pd.DataFrame, arms: Sequence[str], tiers: Sequence[str]) -> str:
    """What is wrong with the rows of `reach`, as above."""
    coded = {column.name: tuple(column.codes) for column in FILES["reach"].columns if column.codes}
    return _groups_mistake(
        reach, {"arm": arms, "tier": tiers, **coded}, {"customers": "number of customers", "aum": "amount of money"}
    )


def _groups_mistake(table: pd.DataFrame, names: Mapping[str, Sequence[str]], counts: Mapping[str, str]) -> str:
    for column, known in names.items():
        unknown = sorted(set(table[column].unique()) - set(known))
        if unknown:
            return f"column {column}: {', '.join(map(str, unknown[:3]))} not among {', '.join(known)}"
    for column, what in counts.items():
        values = table[column].to_numpy(dtype=float)
        if not (np.isfinite(values) & (values >= 0)).all():
            return f"column {column}: a {what} that is missing, endless or negative"
    return ""


# --------------------------------------------------------------------------------------------------------- digests


def result_digest(monthly: pd.DataFrame, arms: Sequence[str], tiers: Sequence[str]) -> str:
    """SHA-256 (hex) of a monthly table: the same for any order of rows, any index and any text dtype.

    Rows are sorted by arm (place in `arms`), seed, month, tier (place in `tiers`). Hashed, in this order: the number
    of rows as one int64, then each column of `MONTHLY_COLUMNS` whole. A text value is its length in bytes as uint32
    and its UTF-8; `seed` and `month` are int64; everything else is float64, where -0.0 counts as 0.0 and every NaN as
    0x7ff8000000000000. All numbers are little-endian. Raises `ValueError` for an arm or tier that is not named.
    """
    return _digest(monthly, arms, tiers, MONTHLY_COLUMNS)


def arm_digests(monthly: pd.DataFrame, arms: Sequence[str], tiers: Sequence[str]) -> dict[str, str]:
    """`result_digest` of each arm's own rows without the column `arm`: arms that lived the same have the same digest.

    Arms without rows are left out.
    """
    columns = MONTHLY_COLUMNS[1:]
    rows = {arm: monthly[monthly["arm"] == arm] for arm in arms}
    return {arm: _digest(own, [arm], tiers, columns) for arm, own in rows.items() if len(own)}


def _digest(monthly: pd.DataFrame, arms: Sequence[str], tiers: Sequence[str], columns: Sequence[str]) -> str:
    codes = (_places(monthly["arm"], arms), monthly["seed"], monthly["month"], _places(monthly["tier"], tiers))
    order = np.lexsort([np.asarray(code) for code in reversed(codes)])
    digest = hashlib.sha256(len(monthly).to_bytes(8, "little"))
    for column in columns:
        kind = dtype_of(column)
        if kind == "text":
            framed: dict[str, bytes] = {}
            for value in monthly[column].unique().tolist():
                text = str(value).encode()
                framed[value] = len(text).to_bytes(4, "little") + text
            values = monthly[column].tolist()
            digest.update(b"".join([framed[values[row]] for row in order]))
        elif kind == "int64":
            digest.update(monthly[column].to_numpy(dtype="<i8")[order].tobytes())
        else:
            numbers = monthly[column].to_numpy(dtype="<f8")[order] + 0.0  # -0.0 + 0.0 is 0.0
            numbers[np.isnan(numbers)] = np.float64("nan")
            digest.update(numbers.tobytes())
    return digest.hexdigest()


def _places(column: pd.Series, order: Iterable[str]) -> Any:
    """Place of every value in `order`, int64 [rows]; `ValueError` for a value that is not in it."""
    place = {value: i for i, value in enumerate(order)}
    values = column.tolist()
    try:
        return np.fromiter((place[value] for value in values), dtype=np.int64, count=len(values))
    except (KeyError, TypeError):
        unknown = sorted({str(value) for value in values if value not in place})
        raise ValueError(f"column {column.name}: {', '.join(unknown[:3])} not among {', '.join(place)}") from None


# -------------------------------------------------------------------------------------------------------------- reading


def check_columns(file: Path, law: TableLaw) -> None:
    """Raise `BadInput` for a file that is absent, cut, or lacks columns, or has them in another type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    mistakes = []
    missing = [column for column in law.columns if column not in schema.names]
    if missing:
        mistakes.append(Mistake(str(file), 0, 0, "", f"damaged: column {', '.join(missing)} missing"))
    for column in law.columns:
        if column in missing:
            continue
        kind, wanted = schema.field(column).type, dtype_of(column)
        text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if (wanted == "text" and not text) or (wanted != "text" and str(kind).replace("double", "float64") != wanted):
            mistakes.append(Mistake(str(file), 0, 0, "", f"damaged: column {column} is {kind}, should be {wanted}"))
    if not law.more and (extra := [name for name in schema.names if name not in law.columns]):
        mistakes.append(Mistake(str(file), 0, 0, "", f"damaged: unknown column {', '.join(extra)}"))
    if mistakes:
        raise BadInput(mistakes)


def read_table(name: str, file: Path, currency: str = "money") -> pd.DataFrame:
    """A stored table in memory, its units in ``attrs["units"]``; `BadInput` where it breaks its law."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    law = TABLES[name]
    check_columns(file, law)
    try:
        table = pq.read_table(file)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    # A missing value in these would turn integers into floats or break every grouping.
    keys = [column for column in law.columns if dtype_of(column) != "float64"]
    holes = [column for column in keys if table.column(column).null_count]
    if holes:
        raise BadInput.at(str(file), f"damaged: missing values in column {', '.join(holes)}")
    return with_units(table.to_pandas(ignore_metadata=True), units(name, table.column_names, currency=currency))


class Units(dict[str, str]):
    """Units by column, to be read; copies of a table share them, since pandas copies `attrs` with every column."""

    def __deepcopy__(self, memo: object) -> Units:
        return self


def with_units(frame: pd.DataFrame, units_by_column: Mapping[str, str]) -> pd.DataFrame:
    """The frame with the units of its columns, by name, in ``attrs["units"]``."""
    frame.attrs["units"] = Units(units_by_column)
    return frame


def read_csv(name: str, file: Path) -> pd.DataFrame:
    """A stored CSV table in its types, its units in ``attrs["units"]``; `BadInput` where it cannot be read."""
    return with_units(read_values(file, {column: dtype_of(column) for column in FILES[name].names}), units(name))


def read_values(file: Path, types: Mapping[str, str], *, whole: bool = False) -> pd.DataFrame:
    """Columns of a CSV file by name, as "text", "int64", "float64" or "bool"; `BadInput` says what is wrong where.

    An empty number of float64 is NaN, or wrong where a table is `whole`. Every digit counts: Python reads numbers as it
    wrote them.
    """
    import pandas as pd

    try:
        with open(file, encoding="utf-8", newline="") as source:
            header, *rows = [row for row in csv.reader(source, strict=True) if row] or [[]]
        missing = [column for column in types if column not in header]
        if missing:
            raise ValueError(f"column {', '.join(missing)} missing")
        for line, row in enumerate(rows, 2):
            if len(row) != len(header):
                some = f"{len(row)} of" if len(row) < len(header) else "more than"
                raise ValueError(f"line {line} has {some} {len(header)} values")
        columns = {}
        for column, kind in types.items():
            place = header.index(column)
            texts = [row[place] for row in rows]
            typed = str if kind == "text" else kind
            columns[column] = pd.Series(_parsed(column, texts, kind, whole), dtype=typed)  # type: ignore[call-overload]
        return pd.DataFrame(columns)
    except (csv.Error, OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None


def _parsed(column: str, texts: Sequence[str], kind: str, whole: bool) -> list[Any]:
    parse, what = _KINDS[kind]
    found = []
    for line, text in enumerate(texts, 2):
        try:
            found.append(math.nan if not text and kind == "float64" and not whole else parse(text))
        except (KeyError, ValueError):
            raise ValueError(
                f"line {line}, column {column}: {f'{text!r} is not {what}' if text else 'no value'}"
            ) from None
    return found


def _int64(text: str) -> int:
    value = int(text)
    if not -(2**63) <= value < 2**63:
        raise ValueError
    return value


_KINDS: dict[str, tuple[Callable[[str], Any], str]] = {
    "text": (str, "text"),
    "float64": (float, "a number"),
    "int64": (_int64, "a whole number"),
    "bool": ({"True": True, "False": False}.__getitem__, "True or False"),
}


# -------------------------------------------------------------------------------------------------------------- writing


def _arrow_type(column: str) -> pa.DataType:
    import pyarrow as pa

    return {"text": pa.string(), "int64": pa.int64(), "float64": pa.float64()}[dtype_of(column)]


def to_arrow(name: str, frame: pd.DataFrame, arm: str, seed: int, tiers: Sequence[str]) -> pa.Table:
    """A table of one run, sorted, in stored types, without the pandas index or pandas' own metadata."""
    import pyarrow as pa

    law = TABLES[name]
    frame = frame.assign(**{key: value for key, value in (("arm", arm), ("seed", seed)) if key not in frame.columns})
    missing = [column for column in law.columns if column not in frame.columns]
    extra = [str(column) for column in frame.columns if column not in law.columns]
    if missing or (extra and not law.more):
        raise ValueError(f"{name}: columns missing: {missing}, unknown: {[] if law.more else extra}")
    if len(frame) and ((frame["arm"] != arm).any() or (frame["seed"] != seed).any()):
        raise ValueError(f"{name}: rows of another run than arm {arm}, seed {seed}")
    holes = [column for column in law.columns if dtype_of(column) != "float64" and frame[column].isna().any()]
    if holes:
        raise ValueError(f"{name}: missing values in column {', '.join(holes)}")
    states = [*tiers, *STATES_AFTER_TIERS]
    ranked = {"tier": tiers, "from": states, "to": states}
    keys = [_places(frame[c], ranked[c]) if c in ranked else frame[c].to_numpy() for c in law.order]
    frame = frame.iloc[np.lexsort(keys[::-1])]  # stable: rows with equal keys stay as they came
    columns = {}
    for column in [*law.columns, *extra]:
        values = frame[column]
        if column in law.columns or (name not in AS_THEY_ARE and values.dtype.kind in "biuf"):
            columns[column] = pa.array(values.tolist() if dtype_of(column) == "text" else values, _arrow_type(column))
        else:
            columns[column] = pa.Array.from_pandas(values)
            if pa.types.is_large_string(columns[column].type):  # pandas 3 text; pandas 2 gives string
                columns[column] = columns[column].cast(pa.string())
    return pa.table(columns)


def described(
    name: str, schema: pa.Schema, *, currency: str = "money", own: Mapping[str, Column] | None = None
) -> pa.Schema:
    """A schema that says unit, meaning and codes of every declared column, as Parquet keeps them: metadata of fields.

    `own` are declarations of columns that only this file has, by name.
    """
    import pyarrow as pa

    fields = ((field, (own or {}).get(field.name) or FILES[name].column(field.name)) for field in schema)
    return pa.schema([one.with_metadata(column.metadata(currency)) if column else one for one, column in fields])


def write_table(name: str, file: Path, table: pa.Table, currency: str = "money") -> None:
    """Write one table as Parquet, atomically."""
    with renamed(file) as temporary:
        _write_parquet(temporary, [table], described(name, table.schema, currency=currency))


def merge_tables(name: str, parts: Sequence[Path], file: Path, currency: str = "money") -> None:
    """One file of all parts of a table, in the order given; a large panel never stands in memory whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    empty = pa.schema([(column, _arrow_type(column)) for column in TABLES[name].columns])
    schema = pa.unify_schemas([empty, *(pq.read_schema(part).remove_metadata() for part in parts)])
    schema = described(name, schema, currency=currency)
    with renamed(file) as temporary:
        _write_parquet(temporary, (_widened(pq.read_table(part), schema) for part in parts), schema)


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The table with every column of `schema`; a column that only other runs have is null."""
    import pyarrow as pa

    nulls = {f.name: pa.nulls(len(table), f.type) for f in schema if f.name not in table.column_names}
    return pa.table({f.name: nulls[f.name] if f.name in nulls else table.column(f.name) for f in schema}, schema)


def _write_parquet(file: Path, tables: Iterable[pa.Table], schema: pa.Schema, group_rows: int = 1_000_000) -> None:
    """Write tables one after the other as few large row groups; the bytes hold no time and no index."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        waiting: list[pa.Table] = []
        for table in tables:
            waiting.append(table)
            if sum(map(len, waiting)) >= group_rows:
                writer.write_table(pa.concat_tables(waiting), row_group_size=group_rows)
                waiting = []
        if waiting:
            writer.write_table(pa.concat_tables(waiting), row_group_size=group_rows)
