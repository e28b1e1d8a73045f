"""The life of a sweep's folder, from the first part to the sorted table of all tasks.

::

    create   manifest.json (status "running"), scenario.yaml, design.csv, units.parquet, empty parts/
    add      parts/<attempt>-<digest of its unit ids>.parquet, many rows at a time
    merge    many small parts into one: the new one first, then the old ones go
    finish   tasks.parquet, sorted; digests, seals and status "done" or "failed" in the manifest; the parts go

Every file is written under a temporary name and renamed. What is stored is stored by unit id, which holds all that
decides the unit's results: a sweep may be extended, or narrowed, by another design or other seeds of the same base.
Rows of units that are no longer planned are left out of tasks.parquet and kept in one part, for a plan that wants
them again.

Errors: `BadInput` for a folder that may not be used or cannot be read, `RunFailed` when writing fails on the way (disk
full, permission lost): what was stored before stays, and the same sweep goes on with resume.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.store.files import plain, write_atomically, write_csv, write_json, writing
from sim.store.folder import PARTS, Folder, clear, make_folder, remove_strays
from sim.store.seals import MANIFEST, file_digest, sealed, unsealed
from sim.store.sweep_reading import (
    SEALED,
    SWEEP,
    TASKS,
    UNITS,
    StoredSweep,
    part_files,
    read_design,
    read_sweep,
    read_sweep_manifest,
    read_units,
    states,
    stored_rows,
)
from sim.store.sweep_rows import (
    OF_A_POINT,
    OK,
    counting,
    own_columns,
    part_columns,
    part_name,
    part_table,
    put_together,
    read_part,
    schema,
    tasks_digest,
    write_part,
)

if TYPE_CHECKING:
    import pandas as pd

MANY_PARTS = 200  # small parts that a driver merges into one
SPARE = "spare-"  # rows that no plan asks for at present
MERGED = "merged-"


@dataclass
class SweepStore(Folder):
    """A sweep's folder being filled; plain data, so a worker process may hold a copy and `add` to it."""

    kind = SWEEP

    attempt: int = 1
    lines: list[str] = field(default_factory=list)  # what somebody should hear of how the folder was found

    @classmethod
    def create(
        cls,
        out: str | os.PathLike[str],
        manifest: Mapping[str, Any],
        scenario_text: str,
        design: pd.DataFrame,
        units: pd.DataFrame | None = None,
        *,
        resume: bool = False,
        overwrite: bool = False,
        alone: bool = True,
    ) -> SweepStore:
        """Open a folder for a sweep: new or empty, or to `overwrite`, or to `resume`. `BadInput` if it may not be used.

        `manifest` has at least `SWEEP.keys`. `design` has `point, lever, world` and a column a path. `units` are
        the planned ones (unit, point, seed) in the order they are lived in; without them rows are believed to be
        planned as they come. A resumed sweep keeps its run_id and created; one that is done and asked for the same
        again is left as it is (status "done"). `alone` says that nobody else writes here at the moment.
        """
        path = Path(out)
        stored = SWEEP.admit(path, manifest, scenario_text, overwrite=overwrite, resume=resume)
        columns = [*OF_A_POINT, *(one["path"] for one in manifest["parameters"])]
        if list(design.columns) != columns:
            raise ValueError(f"design should have the columns {', '.join(columns)}, has {', '.join(design.columns)}")
        make_folder(path / PARTS)
        fresh = SWEEP.fresh(manifest, stored if resume else None)
        store = cls(path, fresh)
        with writing(path):
            if stored and resume:
                store._heal(alone, stored)
                whole = stored["status"] == "done" and (path / TASKS).exists()
                if whole and _same_plan(path, stored, fresh, design, units):
                    store.manifest = stored
                    return store
                if gone := sorted(set(stored["seeds"]) - set(fresh["seeds"])):
                    some = ", ".join(map(str, gone[:5])) + (", ..." if len(gone) > 5 else "")
                    store.lines.append(f"seeds that are stored and not asked for now ({some}) are kept, not shown")
            elif stored:
                clear(path, stored)
            write_json(path / MANIFEST, fresh)  # first: whatever is cut short from here on can be resumed
            write_atomically(path / "scenario.yaml", scenario_text)
            store._tell_plan(design, units)
        if stored and resume:
            store.attempt = store._last_attempt() + 1
        return store

    @classmethod
    def join(
        cls, out: str | os.PathLike[str], manifest: Mapping[str, Any], design: pd.DataFrame, units: pd.DataFrame
    ) -> SweepStore | None:
        """A store that others fill already by the same plan; None if there is none, and `create` is to be asked."""
        path = Path(out)
        if not (path / MANIFEST).exists():
            return None
        stored = read_sweep_manifest(path)
        if stored["status"] != "running" or not _same_plan(path, stored, plain(dict(manifest)), design, units):
            return None
        store = cls(path, stored)
        with writing(path):
            store._heal(False, stored)
        store.attempt = store._last_attempt() + 1
        return store

    # ------------------------------------------------------------------------------------------------- while it runs

    def states(self) -> pd.DataFrame:
        """unit, arm, status of every task that has a row."""
        return states(self.path)

    def done(self) -> set[str]:
        """Ids of the units that need not be lived again: all their arms have an ok row."""
        found = self.states()
        fine = found[(found["status"] == OK) & found["arm"].isin(self.manifest["arms"])]
        sizes = fine.groupby("unit").size()
        return set(sizes.index[sizes == len(self.manifest["arms"])])

    def is_whole(self) -> bool:
        """Whether every planned task has a row."""
        units = read_units(self.path)
        found = self.states()
        if units is None:
            return len(found) == found["unit"].nunique() * len(self.manifest["arms"])
        wanted = set(units["unit"])
        found = found[found["unit"].isin(wanted) & found["arm"].isin(self.manifest["arms"])]
        return len(found) == len(wanted) * len(self.manifest["arms"])

    def part(self, name: str) -> Path:
        """The file of a part."""
        return self.path / PARTS / f"{name}.parquet"

    def add(self, name: str | None, rows: Iterable[Mapping[str, Any]] | pd.DataFrame) -> Path:
        """Store rows as one part, under a name by their unit ids unless one is given. See `sim.store.sweep_rows`."""
        table = part_table(rows, self.manifest["kpis"], self.attempt)
        part = self.part(name or part_name(set(table.column("unit").to_pylist()), self.attempt))
        with writing(self.path):
            part.parent.mkdir(exist_ok=True)  # another shard may have tidied it away
            self._write("parts", part, table)
        return part

    def merge(self, most: int = MANY_PARTS) -> bool:
        """If there are more than so many small parts, make one of them. Only the driver of a sweep may do so."""
        import pyarrow as pa

        small = [file for file in part_files(self.path) if not file.name.startswith((SPARE, MERGED))]
        if len(small) <= most:
            return False
        table = pa.concat_tables([read_part(file, part_columns(self.manifest["kpis"])) for file in small])
        with writing(self.path):
            name = part_name((file.name for file in small), self.attempt)
            self._write("parts", self.part(f"{MERGED}{name}"), table.take(counting(table)))
            for file in small:
                file.unlink()
        return True

    def replan(
        self, design: pd.DataFrame, units: pd.DataFrame | None, changes: Mapping[str, Any] | None = None
    ) -> None:
        """Another design and other units from here on, of the same base: an optimiser's candidates."""
        with writing(self.path):
            self._tell_plan(design, units)
            if changes:
                self._set(changes)

    def finish(self, changes: Mapping[str, Any] | None = None) -> StoredSweep:
        """Put all tasks together, compute the digest, seal all files, write the manifest, remove the parts.

        Status "failed" if a task has no ok row. `ValueError` if a planned task has no row at all. Finishing a finished
        sweep changes nothing.
        """
        if self.status == "done":
            return read_sweep(self.path)
        manifest = {**unsealed(self.manifest), **plain(dict(changes or {}))}
        arms, kpis, parameters = manifest["arms"], manifest["kpis"], manifest["parameters"]
        design, units = read_design(self.path, parameters), read_units(self.path)
        old = part_files(self.path)
        rows = stored_rows(self.path, part_columns(kpis))
        tasks, missing, spare = put_together(rows, units, design, arms, parameters, kpis)
        if missing:
            raise ValueError(f"{missing} planned tasks were neither lived nor written off")
        statuses = tasks.column("status").to_pandas().value_counts().to_dict()
        manifest |= {
            "status": "done" if set(statuses) <= {OK} else "failed",
            "units": len(set(tasks.column("unit").to_pylist())) if units is None else len(units),
            "tasks": len(tasks),
            "failed": int(statuses.get("failed", 0)),
            "crashed": int(statuses.get("crashed", 0)),
            "tasks_digest": tasks_digest(tasks, arms, kpis),
        }
        kept = self.part(SPARE + part_name(spare.column("unit").to_pylist(), self.attempt))
        with writing(self.path):
            if len(spare):
                self._write("parts", kept, spare)
            self._write("tasks", self.path / TASKS, tasks)
            spares = (f"{PARTS}/{kept.name}",) if len(spare) else ()
            self._set(sealed(self.path, manifest, (*SEALED, *spares)))
            for file in old:
                if file != kept:
                    file.unlink(missing_ok=True)
            if not len(spare):
                shutil.rmtree(self.path / PARTS, ignore_errors=True)
        shutil.rmtree(self.path / "flight", ignore_errors=True)
        return StoredSweep(self.path, self.manifest, design)

    # ---------------------------------------------------------------------------------------------------- by itself

    def _write(self, name: str, file: Path, table: Any) -> None:
        write_part(name, file, table, own_columns(self.manifest))

    def _tell_plan(self, design: pd.DataFrame, units: pd.DataFrame | None) -> None:
        write_csv(self.path / "design.csv", design)
        if units is not None:
            self._write("units", self.path / "units.parquet", _units_table(units))

    def _heal(self, alone: bool, stored: Mapping[str, Any]) -> None:
        """Set damaged files aside, so that what they held is lived again; strays of killed processes go.

        A file that is not what was sealed when the sweep was `stored` is damaged, too: its numbers are not the sweep's.
        """
        seals: Mapping[str, str] = stored.get("files", {})
        if alone:
            remove_strays(self.path)
        for file in [self.path / TASKS, *part_files(self.path)]:
            seal = seals.get(file.relative_to(self.path).as_posix())
            try:
                if seal is not None and file_digest(file) != seal:
                    raise BadInput.at(str(file), "not what was written")
                read_part(file, {k: v for k, v in part_columns(self.manifest["kpis"]).items() if k != "attempt"})
            except FileNotFoundError:
                continue
            except BadInput as error:
                os.replace(file, file.with_name(file.name + ".damaged"))
                self.lines.append(f"{error}; set aside as {file.name}.damaged, its units are lived again")

    def _last_attempt(self) -> int:
        attempts = stored_rows(self.path, {"attempt": "int64"}).column("attempt").to_pylist()
        return max(attempts, default=0)


def _same_plan(
    path: Path, stored: Mapping[str, Any], fresh: Mapping[str, Any], design: pd.DataFrame, units: pd.DataFrame | None
) -> bool:
    """Whether a stored sweep asks for the same points and units in the same order, and so has the same rows."""
    keys = ("arms", "seeds", "kpis", "parameters")
    if any(stored[key] != fresh[key] for key in keys):
        return False
    try:
        before, known = read_design(path, stored["parameters"]), read_units(path)
    except BadInput:
        return False
    if (known is None) != (units is None) or before.to_csv(index=False) != design.to_csv(index=False):
        return False
    return units is None or known is None or known.to_csv(index=False) == units[list(UNITS)].to_csv(index=False)


def _units_table(units: pd.DataFrame) -> Any:
    import pyarrow as pa

    columns = {name: units[name].tolist() if kind == "text" else units[name] for name, kind in UNITS.items()}
    return pa.table(columns, schema=schema(UNITS))
