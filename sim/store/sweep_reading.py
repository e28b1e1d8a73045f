"""A stored sweep as others read it: manifest, design, tasks; of a sweep that is not finished, what is there so far."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput, Mistake
from sim.store.manifest import FINISHED, sweep_mistakes
from sim.store.seals import changed
from sim.store.sweep_rows import (
    OF_A_POINT,
    OK,
    column_type,
    part_columns,
    put_together,
    read_part,
    schema,
    task_columns,
)
from sim.store.tables import why_unreadable

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

FORMAT, FORMAT_VERSION = "rapport-sweep", 1
MANIFEST_KEYS = ("name", "base_digest", "arms", "seeds", "kpis", "parameters")  # callers add more
UNITS = {"unit": "text", "point": "int64", "seed": "int64"}
STATE = ("unit", "arm", "status", "attempt")
TASKS, PARTS = "tasks.parquet", "parts"

# What is written anew from stored tasks, and what else a finished folder vouches for, each with its digest.
DERIVED = ("report.html", "analysis/*", "figures/*.png", "figures/*.svg")
SEALED = ("scenario.yaml", "plan.json", "design.csv", "units.parquet", TASKS, "optimise/*", *DERIVED)


@dataclass
class StoredSweep:
    """A sweep read back; tasks are read at first use and kept. `path` may be anything if `tasks` is given by hand."""

    path: Path
    manifest: dict[str, Any]
    design: pd.DataFrame
    arms: list[str] = field(init=False)
    seeds: list[int] = field(init=False)
    kpis: list[str] = field(init=False)
    parameters: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.arms = list(self.manifest["arms"])
        self.seeds = list(self.manifest["seeds"])
        self.kpis = list(self.manifest["kpis"])
        self.parameters = [dict(parameter) for parameter in self.manifest["parameters"]]

    @property
    def status(self) -> str:
        """One of `STATUSES`."""
        return str(self.manifest["status"])

    @cached_property
    def tasks(self) -> pd.DataFrame:
        """One row a task, sorted by point, arm and seed; of a sweep that is not finished those that were lived."""
        columns = task_columns(self.parameters, self.kpis)
        if self.status not in FINISHED:
            return so_far(self.path, self.manifest, self.design).to_pandas(ignore_metadata=True)
        file = self.path / TASKS
        try:
            table = read_part(file, columns)
        except FileNotFoundError as error:
            raise BadInput.at(str(file), why_unreadable(error)) from None
        if len(table) != self.manifest["tasks"]:
            what = f"damaged: {len(table)} rows, should be {self.manifest['tasks']}"
            raise BadInput.at(str(file), what)
        check_points(self.path, self.design, np.asarray(table.column("point")))
        return table.to_pandas(ignore_metadata=True)

    @property
    def failed(self) -> pd.DataFrame:
        """The tasks that failed or crashed."""
        return self.tasks[self.tasks["status"] != OK]


def check_points(path: Path, design: pd.DataFrame, points: np.ndarray) -> None:
    """Raise `BadInput` for a design without a point that tasks have."""
    lost = np.setdiff1d(points, design["point"])
    if len(lost):
        raise BadInput.at(str(path / "design.csv"), f"damaged: point {lost[0]} of {TASKS} is missing")


def read_sweep(folder: str | os.PathLike[str]) -> StoredSweep:
    """A stored sweep, finished or not; `BadInput` names what is missing or damaged."""
    path = Path(folder)
    manifest = read_sweep_manifest(path)
    return StoredSweep(path, manifest, read_design(path, manifest["parameters"]))


def kind_of(folder: Path) -> str | None:
    """What a folder holds, "sweep" or "optimise"; None for a single run, or for what cannot be read at all."""
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        return None
    return "optimise" if manifest.get("kind") == "optimise" else "sweep"


def read_sweep_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a sweep of ours, whole and in a version that is understood."""
    file = path / "manifest.json"
    try:
        manifest = json.loads(file.read_bytes())
    except FileNotFoundError:
        what = "not a sweep's folder: it has no manifest.json" if path.is_dir() else "there is no such folder"
        raise BadInput.at(str(path), what) from None
    except NotADirectoryError:
        raise BadInput.at(str(path), "is a file, should be a sweep's folder") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    if isinstance(manifest, dict) and manifest.get("format") == "rapport-results":
        raise BadInput.at(str(path), f"holds a single run of {manifest.get('name')}, not a sweep")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BadInput.at(str(file), f'not the manifest of a sweep (it should say "format": "{FORMAT}")')
    told = manifest.get("format_version")
    if type(told) is not int or told != FORMAT_VERSION:
        raise BadInput.at(str(file), f"format_version {told}; this program reads {FORMAT_VERSION}")
    mistakes = sweep_mistakes(str(file), manifest)
    if mistakes:
        raise BadInput(mistakes)
    return manifest


def changed_files(path: Path, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Files of a sweep that are not as it left them (see `sim.store.seals.changed`)."""
    return changed(path, manifest, SEALED)


def read_design(path: Path, parameters: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """design.csv in its types: point, lever, world, one column a path."""
    import pandas as pd

    file = path / "design.csv"
    types = {**dict.fromkeys(OF_A_POINT, "int64"), **{one["path"]: column_type(one) for one in parameters}}
    try:
        frame = pd.read_csv(file, dtype=str, keep_default_na=False)
        missing = [name for name in types if name not in frame.columns]
        if missing:
            raise ValueError(f"column {', '.join(missing)} missing")
        frame = frame[list(types)]
        if twice := frame["point"][frame["point"].duplicated()].tolist():
            raise ValueError(f"point {twice[0]} twice")
        for name, kind in types.items():
            if kind == "bool":
                if unknown := set(frame[name]) - {"True", "False"}:
                    raise ValueError(f"column {name}: {min(unknown)!r} is neither True nor False")
                frame[name] = frame[name] == "True"
            elif kind != "text":  # every digit counts: Python reads numbers as it wrote them
                number = float if kind == "float64" else int
                frame[name] = np.array([number(value) for value in frame[name].tolist()], dtype=kind)
        return frame
    except (OSError, ValueError, OverflowError) as error:  # pandas' parser errors are ValueErrors
        raise BadInput.at(str(file), why_unreadable(error)) from None


def read_units(path: Path) -> pd.DataFrame | None:
    """The planned units; None where no plan was told."""
    try:
        return read_part(path / "units.parquet", UNITS).to_pandas(ignore_metadata=True)
    except FileNotFoundError:
        return None


def part_files(path: Path) -> list[Path]:
    """Every part that is there under its final name, by name."""
    folder = path / PARTS
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix == ".parquet" and not file.name.startswith("."))


def stored_rows(path: Path, columns: Mapping[str, str]) -> pa.Table:
    """These columns of everything that is stored, rows of one task as often as they were written.

    tasks.parquet (attempt 0) first, then the parts. While a driver merges parts or puts tasks together a file may go
    between being listed and being read; what it held is then in another, so all is read again.
    """
    import pyarrow as pa

    finished = {name: kind for name, kind in columns.items() if name != "attempt"}
    while True:
        mistakes: list[Mistake] = []
        tables = [pa.table({name: [] for name in columns}, schema=schema(columns))]
        files = part_files(path)
        try:
            for file in [path / TASKS, *files]:
                try:
                    if file.name != TASKS:
                        tables.append(read_part(file, columns))
                    elif file.exists():
                        table = read_part(file, finished)
                        if "attempt" in columns:
                            table = table.append_column("attempt", pa.array([0] * len(table), pa.int64()))
                        tables.append(table.select(list(columns)))
                except BadInput as error:
                    mistakes.extend(error.mistakes)
        except FileNotFoundError:
            continue
        if mistakes:
            raise BadInput(mistakes)
        return pa.concat_tables(tables)


def so_far(path: Path, manifest: Mapping[str, Any], design: pd.DataFrame) -> pa.Table:
    """The tasks that are stored of a sweep that is not finished."""
    rows = stored_rows(path, part_columns(manifest["kpis"]))
    what = (design, manifest["arms"], manifest["parameters"], manifest["kpis"])
    try:
        return put_together(rows, read_units(path), *what)[0]
    except ValueError as error:  # a point that is not there
        raise BadInput.at(str(path / "design.csv"), f"damaged: {error}") from None


def states(path: Path) -> pd.DataFrame:
    """unit, arm and status of every task that has a row: the row that counts."""
    from sim.store.sweep_rows import counting

    rows = stored_rows(path, dict.fromkeys(STATE, "text") | {"attempt": "int64"})
    return rows.take(counting(rows)).select(["unit", "arm", "status"]).to_pandas(ignore_metadata=True)
