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
from sim.store.columns import FILES
from sim.store.differing import BOOK_FILES
from sim.store.files import why_unreadable
from sim.store.folder import LOCKS, PARTS, POSTERIORS, Kind, other_arms, other_book, other_code, other_scenario
from sim.store.manifest import FINISHED, sweep_mistakes
from sim.store.seals import MANIFEST
from sim.store.sweep_rows import (
    OF_A_POINT,
    OK,
    column_type,
    counting,
    part_columns,
    put_together,
    read_part,
    schema,
    task_columns,
    units_of,
)
from sim.store.tables import read_values, with_units

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

UNITS = {column.name: column.dtype for column in FILES["units"].columns}
STATE = ("unit", "arm", "status", "attempt")
TASKS = "tasks.parquet"

# What is written anew from stored tasks, and what else a finished folder vouches for, each with its digest.
DERIVED = ("report.html", "analysis/*", "figures/*.png", "figures/*.svg")
SEALED = ("scenario.yaml", "plan.json", "design.csv", "units.parquet", TASKS, "optimise/*", POSTERIORS, *DERIVED)


# A sweep that is there may be extended by another design and other seeds; a book is told by its digest.
MAY_DIFFER = ("seeds", "sweep", "optimise", "name", "about", "language", *BOOK_FILES, "posterior")


def _same(stored: Mapping[str, Any], manifest: Mapping[str, Any]) -> bool:
    return bool(stored["base_digest"] == manifest["base_digest"])


def _not_resumed(path: Path, stored: Mapping[str, Any], manifest: Mapping[str, Any], scenario_text: str) -> str:
    """Another code; another base, by arms, by the keys that differ, or by digest alone; another name or design."""
    if other := other_code(stored, manifest):
        return other
    if not _same(stored, manifest):
        return f" {_otherwise(path, stored, manifest, scenario_text)}; resume with the same, or name another folder"
    was, now = (sorted(one["path"] for one in one_manifest["parameters"]) for one_manifest in (stored, manifest))
    if stored["name"] == manifest["name"] and was == now:
        return ""
    return (
        f", which varies {_listed(was)}; {manifest['name']} varies {_listed(now)}: "
        "resume with the same name and parameters, or name another folder"
    )


def _otherwise(path: Path, stored: Mapping[str, Any], manifest: Mapping[str, Any], scenario_text: str) -> str:
    if other := other_arms(stored, manifest) or other_scenario(path, scenario_text, but=MAY_DIFFER):
        return other
    theirs = other_book(stored, manifest)
    why = "its book held other customers" if theirs else "another scenario, other arms or another book"
    return f"with base digest {stored['base_digest'][:16]}, not {manifest['base_digest'][:16]}: {why}"


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths[:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "") or "nothing"


SWEEP = Kind(
    noun="sweep",
    place="a sweep's folder",
    format="rapport-sweep",
    version=1,
    keys=("name", "base_digest", "arms", "seeds", "kpis", "parameters"),  # callers add more
    sealed=SEALED,
    own=(
        *SEALED,
        MANIFEST,
        "report.pdf",
        f"{TASKS}.damaged",
        "progress.log",
        "progress*.json",
        "lock",
        "*.lock",
        f"{PARTS}/*",
        "flight/*",
        "jobs/*",
        ".seen-*",
        "*.crate.zip",
        "*.tmp",
    ),
    mistakes=sweep_mistakes,
    not_resumed=_not_resumed,
    goes_on=lambda stored, manifest: _same(stored, manifest) and not other_code(stored, manifest),
    unnoticed=(*LOCKS, PARTS),
)
read_sweep_manifest, changed_files = SWEEP.read_manifest, SWEEP.changed_files


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
        """One row a task, sorted by point, arm and seed; of a sweep that is not finished those that were lived.

        Units of columns stand in ``attrs["units"]``.
        """
        table = so_far(self.path, self.manifest, self.design) if self.status not in FINISHED else self._finished()
        return with_units(table.to_pandas(ignore_metadata=True), units_of("tasks", table.column_names, self.manifest))

    def _finished(self) -> pa.Table:
        file = self.path / TASKS
        try:
            table = read_part(file, task_columns(self.parameters, self.kpis))
        except FileNotFoundError as error:
            raise BadInput.at(str(file), why_unreadable(error)) from None
        if len(table) != self.manifest["tasks"]:
            what = f"damaged: {len(table)} rows, should be {self.manifest['tasks']}"
            raise BadInput.at(str(file), what)
        check_points(self.path, self.design, np.asarray(table.column("point")))
        return table

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
        manifest = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(manifest, dict) or manifest.get("format") != SWEEP.format:
        return None
    return "optimise" if manifest.get("kind") == "optimise" else "sweep"


def read_design(path: Path, parameters: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """design.csv in its types: point, lever, world, one column a path."""
    file = path / "design.csv"
    types = {**dict.fromkeys(OF_A_POINT, "int64"), **{one["path"]: column_type(one) for one in parameters}}
    frame = read_values(file, types, whole=True)
    if twice := frame["point"][frame["point"].duplicated()].tolist():
        raise BadInput.at(str(file), f"damaged: point {twice[0]} twice")
    return frame


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
    rows = stored_rows(path, dict.fromkeys(STATE, "text") | {"attempt": "int64"})
    return rows.take(counting(rows)).select(["unit", "arm", "status"]).to_pandas(ignore_metadata=True)
