"""A run written to disk: a folder of tables and its manifest.

The life of a results folder::

    create   scenario.yaml and manifest.json (status "running"), empty parts/
    add      parts/<arm>.<seed>.<table>.parquet, then the receipt parts/<arm>.<seed>.json
    finish   parts merged into <table>.parquet, digests and seals, manifest.json ("done" or "failed"); the parts go

Every file is written under a temporary name and renamed, a part counts only once its receipt is there, and the
manifest says "done" last of all: a folder is whole or visibly unfinished, and what was added is never run again.
After "failed" the parts stay, so that a resume runs only what failed.

Errors: `BadInput` for a folder that may not be used or cannot be read, `RunFailed` when writing fails on the way
(disk full, permission lost). Tables that break their own law (`sim.store.tables`) are a fault of the
caller: `ValueError`.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.store.files import plain, write_atomically, write_json, writing
from sim.store.folder import PARTS, Folder, clear, make_folder, remove_strays
from sim.store.run_reading import RUN, SEALED, Run, load, part, planned, receipt, receipts
from sim.store.seals import MANIFEST, sealed, unsealed
from sim.store.tables import (
    OPTIONAL_TABLES,
    REQUIRED_TABLES,
    TABLES,
    arm_digests,
    grid_mistake,
    merge_tables,
    read_table,
    result_digest,
    to_arrow,
    write_table,
)

if TYPE_CHECKING:
    import pandas as pd


class ResultsFolder(Folder):
    """A results folder being filled; plain data, so a worker process may hold a copy and `add` to it."""

    kind = RUN

    @classmethod
    def create(
        cls,
        out: str | os.PathLike[str],
        scenario_text: str,
        manifest: Mapping[str, Any],
        *,
        overwrite: bool = False,
        resume: bool = False,
    ) -> ResultsFolder:
        """Open a folder for a run: new or empty, or to `overwrite`, or to `resume`. `BadInput` if it may not be used.

        `manifest` has at least `RUN.keys`. A resumed run keeps its run_id and created; resuming a finished one
        changes nothing (`status` is "done", nothing is left to run), resuming nothing starts anew.
        """
        path = Path(out)
        stored = RUN.admit(path, manifest, scenario_text, overwrite=overwrite, resume=resume)
        if stored and resume and stored["status"] == "done":
            return cls(path, stored)
        make_folder(path / PARTS)
        fresh = RUN.fresh(manifest, stored if resume else None)
        with writing(path):
            if stored and resume:
                remove_strays(path)
            elif stored:
                clear(path, stored)
            write_atomically(path / "scenario.yaml", scenario_text)
            write_json(path / MANIFEST, fresh)
        return cls(path, fresh)

    def planned(self) -> list[tuple[str, int]]:
        """Every (arm, seed), arms in scenario order, seeds ascending: the order of rows."""
        return planned(self.manifest)

    def finished(self) -> set[tuple[str, int]]:
        """The (arm, seed) that are safely stored and need not run again."""
        return {(receipt["arm"], receipt["seed"]) for receipt in self.receipts()}

    def receipts(self) -> list[dict[str, Any]]:
        """arm, seed, seconds and facts of every finished run, in planned order; a part cut short does not count."""
        return receipts(self.path, self.manifest)

    def stored(self, arm: str, seed: int, names: Iterable[str]) -> dict[str, pd.DataFrame] | None:
        """These tables of a run that was added while the folder is not yet whole; None if it is not safely stored."""
        if receipt(self.path, arm, seed) is None:
            return None
        return {name: read_table(name, self._part(arm, seed, f"{name}.parquet")) for name in names}

    def _part(self, arm: str, seed: int, ending: str) -> Path:
        return part(self.path, arm, seed, ending)

    def add(self, arm: str, seed: int, tables: Mapping[str, pd.DataFrame], seconds: float, **facts: Any) -> None:
        """Store one finished run; `facts` (JSON values) go with `seconds` into the manifest's list of runs.

        `tables` has every name of `REQUIRED_TABLES`, and those of `OPTIONAL_TABLES` that are kept; columns `arm` and
        `seed` are filled in where absent. `ValueError` for a table that breaks its law, `RunFailed` when it
        cannot be written.
        """
        if (arm, seed) not in self.planned():
            raise ValueError(f"arm {arm}, seed {seed} is not in the plan")
        absent = [name for name in REQUIRED_TABLES if name not in tables]
        if absent or not set(tables) <= set(TABLES):
            more = ", ".join(OPTIONAL_TABLES)
            raise ValueError(f"tables should be {', '.join(REQUIRED_TABLES)} (and {more}), got {', '.join(tables)}")
        arrow = {name: to_arrow(name, tables[name], arm, seed, self.manifest["tiers"]) for name in tables}
        keys = arrow["monthly"].select(["arm", "seed", "month", "tier"]).to_pandas()
        wrong = grid_mistake(keys, {(arm, seed)}, self.manifest["months"], self.manifest["tiers"])
        if wrong:
            raise ValueError(f"monthly: {wrong}")
        with writing(self.path):
            self._part(arm, seed, "json").unlink(missing_ok=True)
            sizes = {}
            for name, table in arrow.items():
                file = self._part(arm, seed, f"{name}.parquet")
                write_table(name, file, table, self.manifest["currency"])
                sizes[name] = file.stat().st_size
            receipt = {"arm": arm, "seed": seed, "seconds": seconds, **facts, "files": sizes}
            write_json(self._part(arm, seed, "json"), receipt)

    def finish(
        self,
        manifest_updates: Mapping[str, Any] | None = None,
        failed: Iterable[Mapping[str, Any]] = (),
        *,
        then: Callable[[Run], None] | None = None,
    ) -> Run:
        """Merge the parts, compute the digests, seal all files, write the manifest and remove the parts.

        `failed` names the runs that broke (`arm`, `seed`, `error`): the status is then "failed", the others are kept,
        and so are the parts, for a resume. `then` is called with the run before the manifest says so: it writes what
        belongs to a whole folder (summary, comparison, figures, report). Finishing a finished folder changes nothing.
        """
        if self.status == "done":
            shutil.rmtree(self.path / PARTS, ignore_errors=True)
            return load(self.path, self.manifest)
        broken = [plain(dict(entry)) for entry in failed]
        manifest = {**unsealed(self.manifest), **plain(dict(manifest_updates or {}))}
        self.manifest = manifest | {"status": self.status}
        ended = self.receipts()
        stored = {(one["arm"], one["seed"]) for one in ended}
        lost = [run for run in self.planned() if run not in stored | {(b["arm"], b["seed"]) for b in broken}]
        if lost:
            raise ValueError(f"neither finished nor failed: {', '.join(f'{arm} seed {seed}' for arm, seed in lost)}")
        kept = [name for name in OPTIONAL_TABLES if any(name in one["files"] for one in ended)]
        manifest["tables"] = [*REQUIRED_TABLES, *kept]
        manifest["runs"] = [{k: v for k, v in one.items() if k != "files"} for one in ended]
        manifest["failed"] = broken
        manifest["status"] = "failed" if broken else "done"
        with writing(self.path):
            for name in manifest["tables"]:
                parts = [self._part(r["arm"], r["seed"], f"{name}.parquet") for r in ended if name in r["files"]]
                merge_tables(name, parts, self.path / f"{name}.parquet", manifest["currency"])
            run = load(self.path, manifest)
            manifest["result_digest"] = result_digest(run.monthly, manifest["arms"], manifest["tiers"])
            manifest["arm_digests"] = arm_digests(run.monthly, manifest["arms"], manifest["tiers"])
        if then:
            then(run)
        with writing(self.path):
            manifest |= sealed(self.path, manifest, SEALED)  # the run in memory says so, too
        self._set(manifest)
        if not broken:
            shutil.rmtree(self.path / PARTS, ignore_errors=True)
        return run
