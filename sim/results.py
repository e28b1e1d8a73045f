"""Write a run to disk and read it back: a folder of tables and its manifest; knows nothing of banks.

The life of a results folder::

    create   scenario.yaml and manifest.json (status "running"), empty parts/
    add      parts/<arm>.<seed>.<table>.parquet, then the receipt parts/<arm>.<seed>.json
    finish   parts merged into <table>.parquet, the digests, manifest.json (status "done" or "failed"), parts removed

Every file is written under a temporary name and renamed, a part counts only once its receipt is there, and the
manifest says "done" last of all: a folder is whole or visibly unfinished, and what was added is never run again.
After "failed" the parts stay, so that a resume runs only what failed.

Errors: `BadInput` for a folder that may not be used or cannot be read, `RunFailed` when writing fails on the way
(disk full, permission lost). Tables that break their own law (`sim.tables`) are a fault of the caller: `ValueError`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, Mistake, RunFailed
from sim.tables import (
    ATTRIBUTION_COLUMNS,
    COMPARISON_COLUMNS,
    OPTIONAL_TABLES,
    PRECISION_COLUMNS,
    REQUIRED_TABLES,
    SUMMARY_COLUMNS,
    TABLES,
    arm_digests,
    check_columns,
    foreign_files,
    grid_mistake,
    individuals_mistake,
    merge_tables,
    plain,
    read_csv,
    read_table,
    reason,
    result_digest,
    to_arrow,
    why_unreadable,
    write_atomically,
    write_json,
    write_table,
    writing,
)

if TYPE_CHECKING:
    import pandas as pd

FORMAT, FORMAT_VERSION = "rapport-results", 1
STATUSES = ("running", "interrupted", "failed", "done")

# What this room needs of a manifest to keep the order of rows, the plan and the KPIs of stored runs; callers add more.
MANIFEST_KEYS = (
    "name", "run_id", "scenario_digest", "arms", "tiers", "seeds", "months", "discount_rate", "currency",
)  # fmt: skip

# Everything a run may leave in its folder. `--overwrite` deletes these and refuses a folder that holds anything else.
OWN_FILES = (
    "scenario.yaml", "manifest.json", "summary.csv", "comparison.csv", "precision.csv", "attribution.csv",
    "report.html", *(f"{t}.parquet" for t in TABLES), "figures/*.png", "figures/*.svg", "parts/*", "state/*", "*.tmp",
)  # fmt: skip


# --------------------------------------------------------------------------------------------------- reading a run


@dataclass
class Run:
    """A stored run: its tables in memory, rows sorted as CONTRACT 4 says; panel, summary and comparison on demand."""

    path: Path
    manifest: dict[str, Any]
    scenario_text: str
    monthly: pd.DataFrame
    bank: pd.DataFrame
    transitions: pd.DataFrame
    cohorts: pd.DataFrame
    managers: pd.DataFrame

    @property
    def arms(self) -> list[str]:
        """Arms in scenario order, the reference first."""
        return list(self.manifest["arms"])

    @property
    def tiers(self) -> list[str]:
        """Tiers in scenario order."""
        return list(self.manifest["tiers"])

    @property
    def seeds(self) -> list[int]:
        """Seeds as the scenario gives them."""
        return list(self.manifest["seeds"])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The required tables by name."""
        return {name: getattr(self, name) for name in REQUIRED_TABLES}

    @cached_property
    def panel(self) -> pd.DataFrame | None:
        """Tracked customers month by month; None when the run kept none. Read at first use: it can be large."""
        if "panel" not in self.manifest["tables"]:
            return None
        return read_table(self.path / "panel.parquet", TABLES["panel"])

    @cached_property
    def summary(self) -> pd.DataFrame:
        """summary.csv as stored."""
        return read_csv(self.path / "summary.csv", SUMMARY_COLUMNS)

    @cached_property
    def comparison(self) -> pd.DataFrame:
        """comparison.csv as stored."""
        return read_csv(self.path / "comparison.csv", COMPARISON_COLUMNS)

    @cached_property
    def individuals(self) -> pd.DataFrame | None:
        """Customers of month 0 by group, fate under the reference and fate in the arm; None when they were not kept."""
        return _individuals(self.path, self.manifest)

    @cached_property
    def precision(self) -> pd.DataFrame | None:
        """precision.csv as stored, None where there is none: how sure each difference is, what would make it surer."""
        return _csv_if_there(self.path / "precision.csv", PRECISION_COLUMNS)

    @cached_property
    def attribution(self) -> pd.DataFrame | None:
        """attribution.csv as stored, None where there is none: what each strategy of a bundle brings."""
        return _csv_if_there(self.path / "attribution.csv", ATTRIBUTION_COLUMNS)


def _individuals(path: Path, manifest: Mapping[str, Any]) -> pd.DataFrame | None:
    file = path / "individuals.parquet"
    if "individuals" not in manifest["tables"] and not file.exists():
        return None
    table = read_table(file, TABLES["individuals"])
    wrong = individuals_mistake(table, manifest["arms"], manifest["tiers"])
    if wrong:
        raise BadInput.at(str(file), f"damaged: {wrong}")
    return table


def _csv_if_there(file: Path, columns: tuple[str, ...]) -> pd.DataFrame | None:
    return read_csv(file, columns) if file.exists() else None


def read(folder: str | os.PathLike[str]) -> Run:
    """Read a finished run (status "done" or "failed"); `BadInput` names everything that is missing or damaged.

    The digest is not checked here: a whole folder whose numbers were changed reads well and fails `verify`.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    if manifest["status"] not in ("done", "failed"):
        done = len(ResultsFolder(path, manifest).finished())
        planned = len(manifest["arms"]) * len(manifest["seeds"])
        raise BadInput.at(
            str(path),
            f"unfinished (status {manifest['status']}, {done} of {planned} runs finished); "
            "run the scenario again with --resume to go on",
        )
    return _load(path, manifest)


def _load(path: Path, manifest: dict[str, Any]) -> Run:
    mistakes: list[Mistake] = []
    tables: dict[str, pd.DataFrame] = {}
    text = ""
    try:
        text = (path / "scenario.yaml").read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        mistakes.append(Mistake(str(path / "scenario.yaml"), 0, 0, "", why_unreadable(error)))
    for name in manifest["tables"]:
        file = path / f"{name}.parquet"
        try:
            if name == "panel":  # read on demand; its footer is at the end, so a cut file is noticed here
                check_columns(file, TABLES[name])
            elif name in REQUIRED_TABLES:
                tables[name] = read_table(file, TABLES[name])
        except BadInput as error:
            mistakes.extend(error.mistakes)
    if "monthly" in tables:
        finished = {(entry["arm"], entry["seed"]) for entry in manifest["runs"]}
        wrong = grid_mistake(tables["monthly"], finished, manifest["months"], manifest["tiers"])
        if wrong:
            mistakes.append(Mistake(str(path / "monthly.parquet"), 0, 0, "", f"damaged: {wrong}"))
    optional: dict[str, pd.DataFrame | None] = {}
    for name, reading in (
        ("individuals", lambda: _individuals(path, manifest)),
        ("precision", lambda: _csv_if_there(path / "precision.csv", PRECISION_COLUMNS)),
        ("attribution", lambda: _csv_if_there(path / "attribution.csv", ATTRIBUTION_COLUMNS)),
    ):
        try:
            optional[name] = reading()
        except BadInput as error:
            mistakes.extend(error.mistakes)
    if mistakes:
        raise BadInput(mistakes)
    run = Run(path, manifest, text, **{name: tables[name] for name in REQUIRED_TABLES})
    # What is there is kept as read; what is not may still be written before somebody asks for it.
    run.__dict__.update({name: table for name, table in optional.items() if table is not None})
    return run


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a results folder of ours, whole and in a version that is understood."""
    file = path / "manifest.json"
    try:
        manifest = json.loads(file.read_bytes())
    except FileNotFoundError:
        what = "not a results folder: it has no manifest.json" if path.is_dir() else "there is no such folder"
        raise BadInput.at(str(path), what) from None
    except (OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    if isinstance(manifest, dict) and manifest.get("format") == "rapport-sweep":
        raise BadInput.at(str(path), f"holds a sweep of {manifest.get('name')}, not a single run")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BadInput.at(str(file), f'not the manifest of a run (it should say "format": "{FORMAT}")')
    version = manifest.get("format_version")
    if version != FORMAT_VERSION:
        raise BadInput.at(str(file), f"format_version {version}; this program reads {FORMAT_VERSION}")
    finished = manifest.get("status") in ("done", "failed")
    missing = [key for key in (*MANIFEST_KEYS, "status", *(("tables", "runs") * finished)) if key not in manifest]
    if missing:
        raise BadInput.at(str(file), f"damaged: {', '.join(missing)} missing")
    lists = {"arms": str, "tiers": str, "seeds": int, **({"tables": str, "runs": dict} if finished else {})}
    wrong = [key for key, kind in lists.items() if not _is_list_of(manifest[key], kind)]
    wrong += [] if manifest["status"] in STATUSES else ["status"]
    wrong += [] if type(manifest["months"]) is int else ["months"]
    wrong += [] if type(manifest["discount_rate"]) in (int, float) else ["discount_rate"]
    if finished and not wrong:
        wrong += [] if set(REQUIRED_TABLES) <= set(manifest["tables"]) <= set(TABLES) else ["tables"]
        wrong += [] if all("arm" in run and "seed" in run for run in manifest["runs"]) else ["runs"]
    if wrong:
        raise BadInput.at(str(file), f"damaged: {', '.join(wrong)} not as this program writes it")
    return manifest


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(type(item) is kind for item in value)


# --------------------------------------------------------------------------------------------------- writing a run


@dataclass
class ResultsFolder:
    """A results folder being filled; plain data, so a worker process may hold a copy and `add` to it."""

    path: Path
    manifest: dict[str, Any] = field(repr=False)

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

        `manifest` has at least `MANIFEST_KEYS`. A resumed run keeps its run_id and created; resuming a finished one
        changes nothing (`status` is "done", nothing is left to run), resuming nothing starts anew.
        """
        absent = [key for key in MANIFEST_KEYS if key not in manifest]
        if absent:
            raise ValueError(f"manifest lacks {', '.join(absent)}")
        path = Path(out)
        mistakes = cls.refusals(path, manifest, overwrite=overwrite, resume=resume)
        if mistakes:
            raise BadInput(mistakes)
        stored = read_manifest(path) if (path / "manifest.json").exists() else None
        fresh = {"format": FORMAT, "format_version": FORMAT_VERSION, **plain(dict(manifest)), "status": "running"}
        if stored and resume and stored["status"] == "done":
            return cls(path, stored)
        try:
            (path / "parts").mkdir(parents=True, exist_ok=True)
        except PermissionError as error:
            raise BadInput.at(str(path), f"cannot be made: {error.strerror}; name another folder with --out") from None
        except OSError as error:
            raise RunFailed(f"{path}: cannot be made: {reason(error)}") from error
        with writing(path):
            if stored and resume:
                fresh |= {key: stored[key] for key in ("run_id", "created") if key in stored}
                fresh["resumed"] = stored.get("resumed", 0) + 1
                for stray in [*path.glob(".*.tmp"), *path.glob("state/.*.tmp")]:
                    stray.unlink(missing_ok=True)
            elif stored:
                # Until the new manifest stands, this is the old run, interrupted, with fewer and fewer of its parts.
                write_json(path / "manifest.json", stored | {"status": "interrupted"})
                _clear(path)
            write_atomically(path / "scenario.yaml", scenario_text)
            write_json(path / "manifest.json", fresh)
        return cls(path, fresh)

    @staticmethod
    def refusals(
        out: str | os.PathLike[str], manifest: Mapping[str, Any], *, overwrite: bool = False, resume: bool = False
    ) -> list[Mistake]:
        """Why `create` would refuse this folder (empty: it would not); looks only, writes nothing."""
        path = Path(out)

        def no(message: str) -> list[Mistake]:
            return [Mistake(str(path), 0, 0, "", message)]

        if overwrite and resume:
            return no("--overwrite and --resume exclude each other; give one of them")
        there = next((p for p in (path, *path.parents) if os.path.lexists(p)), Path("."))
        if not there.is_dir():
            return no(f"{there} is a file; name a folder")
        if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
            return no(f"permission denied to write in {there}; name another folder with --out")
        names = sorted(os.listdir(path)) if path.exists() else []
        if not names:
            return []
        some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
        try:
            stored = read_manifest(path)
        except BadInput as error:
            if (path / "manifest.json").exists():
                return [*no("holds files, not surely of a run; name a new or empty folder"), *error.mistakes]
            return no(f"holds files that are not of a run ({some}); name a new or empty folder")
        same = stored["scenario_digest"] == manifest["scenario_digest"]
        what = f"holds the run {stored['run_id']} of {stored['name']} (status {stored['status']})"
        if resume:
            if not same:
                return no(
                    f"{what} with scenario digest {stored['scenario_digest']}, not {manifest['scenario_digest']}; "
                    "resume with the same scenario, or name another folder"
                )
            was, now = stored.get("code_version"), manifest.get("code_version")
            if was != now and stored["status"] != "done":
                return no(
                    f"{what} made by code version {was}, not {now}; use that version, or --overwrite to start anew"
                )
            return []
        foreign = foreign_files(path, OWN_FILES)
        if overwrite and foreign:
            some = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
            return no(f"{what} and files that are not of a run ({some}); move them away or name another folder")
        go_on = "--resume to go on with it, " if same and stored["status"] != "done" else ""
        return [] if overwrite else no(f"{what}; give {go_on}--overwrite to replace it, or another --out")

    @property
    def status(self) -> str:
        """One of `STATUSES`."""
        return str(self.manifest["status"])

    def planned(self) -> list[tuple[str, int]]:
        """Every (arm, seed), arms in scenario order, seeds ascending: the order of rows."""
        return [(arm, seed) for arm in self.manifest["arms"] for seed in sorted(self.manifest["seeds"])]

    def finished(self) -> set[tuple[str, int]]:
        """The (arm, seed) that are safely stored and need not run again."""
        return {(receipt["arm"], receipt["seed"]) for receipt in self.receipts()}

    def receipts(self) -> list[dict[str, Any]]:
        """arm, seed, seconds and facts of every finished run, in planned order; a part cut short does not count."""
        if self.status == "done":
            return list(self.manifest["runs"])
        found = (self._receipt(arm, seed) for arm, seed in self.planned())
        return [receipt for receipt in found if receipt is not None]

    def _receipt(self, arm: str, seed: int) -> dict[str, Any] | None:
        with contextlib.suppress(OSError, ValueError, KeyError):
            receipt = json.loads(self._part(arm, seed, "json").read_bytes())
            sizes = {t: self._part(arm, seed, f"{t}.parquet").stat().st_size for t in receipt["files"]}
            if sizes == receipt["files"] and (receipt["arm"], receipt["seed"]) == (arm, seed):
                return dict(receipt)
        return None

    def stored(self, arm: str, seed: int, names: Iterable[str]) -> dict[str, pd.DataFrame] | None:
        """These tables of a run that was added while the folder is not yet whole; None if it is not safely stored."""
        if self._receipt(arm, seed) is None:
            return None
        return {name: read_table(self._part(arm, seed, f"{name}.parquet"), TABLES[name]) for name in names}

    def _part(self, arm: str, seed: int, ending: str) -> Path:
        return self.path / "parts" / f"{arm}.{seed}.{ending}"

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
                part = self._part(arm, seed, f"{name}.parquet")
                write_table(part, table)
                sizes[name] = part.stat().st_size
            receipt = {"arm": arm, "seed": seed, "seconds": seconds, **facts, "files": sizes}
            write_json(self._part(arm, seed, "json"), receipt)

    def interrupt(self) -> None:
        """Say in the manifest that the run was stopped; what was added stays and is resumed from.

        A folder that is already whole stays so: Ctrl-C may come when the last parts are being tidied away.
        """
        if self.status not in ("done", "failed"):
            self._set({"status": "interrupted"})

    def finish(
        self,
        manifest_updates: Mapping[str, Any] | None = None,
        failed: Iterable[Mapping[str, Any]] = (),
        *,
        then: Callable[[Run], None] | None = None,
    ) -> Run:
        """Merge the parts, compute the digests, write the manifest and remove the parts.

        `failed` names the runs that broke (`arm`, `seed`, `error`): the status is then "failed", the others are kept,
        and so are the parts, for a resume. `then` is called with the run before the manifest says so: it writes what
        belongs to a whole folder (summary, comparison, figures, report). Finishing a finished folder changes nothing.
        """
        if self.status == "done":
            shutil.rmtree(self.path / "parts", ignore_errors=True)
            return _load(self.path, self.manifest)
        broken = [plain(dict(entry)) for entry in failed]
        manifest = {**self.manifest, **plain(dict(manifest_updates or {}))}
        self.manifest = manifest | {"status": self.status}
        receipts = self.receipts()
        stored = {(receipt["arm"], receipt["seed"]) for receipt in receipts}
        lost = [run for run in self.planned() if run not in stored | {(b["arm"], b["seed"]) for b in broken}]
        if lost:
            raise ValueError(f"neither finished nor failed: {', '.join(f'{arm} seed {seed}' for arm, seed in lost)}")
        kept = [name for name in OPTIONAL_TABLES if any(name in receipt["files"] for receipt in receipts)]
        manifest["tables"] = [*REQUIRED_TABLES, *kept]
        manifest["runs"] = [{k: v for k, v in receipt.items() if k != "files"} for receipt in receipts]
        manifest["failed"] = broken
        manifest["status"] = "failed" if broken else "done"
        with writing(self.path):
            for name in manifest["tables"]:
                parts = [self._part(r["arm"], r["seed"], f"{name}.parquet") for r in receipts if name in r["files"]]
                merge_tables(name, parts, self.path / f"{name}.parquet")
            run = _load(self.path, manifest)
            manifest["result_digest"] = result_digest(run.monthly, manifest["arms"], manifest["tiers"])
            manifest["arm_digests"] = arm_digests(run.monthly, manifest["arms"], manifest["tiers"])
        if then:
            then(run)
        self._set(manifest)
        if not broken:
            shutil.rmtree(self.path / "parts", ignore_errors=True)
        return run

    def _set(self, changes: Mapping[str, Any]) -> None:
        manifest = {**self.manifest, **changes}
        with writing(self.path):
            write_json(self.path / "manifest.json", manifest)
        self.manifest = manifest


def _clear(path: Path) -> None:
    """Delete a run's files but its manifest; receipts first, so that no part is believed without its tables."""
    for receipt in (path / "parts").glob("*.json"):
        receipt.unlink()
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            if Path(folder, name) != path / "manifest.json":
                os.unlink(os.path.join(folder, name))
        if Path(folder) not in (path, path / "parts"):
            os.rmdir(folder)
