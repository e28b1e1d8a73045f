"""Whether a folder may be used for a sweep, and what is done to it first."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, Mistake, RunFailed
from sim.store.differing import differing_keys, in_words
from sim.store.lock import Lock, Taken
from sim.store.sweep_reading import PARTS, TASKS, UNITS, read_design, read_sweep_manifest, read_units
from sim.store.tables import foreign_files, reason

if TYPE_CHECKING:
    import pandas as pd

# Everything a sweep may leave in its folder. `--overwrite` deletes these and refuses a folder that holds anything else.
OWN_FILES = (
    "scenario.yaml",
    "manifest.json",
    "plan.json",
    "design.csv",
    "units.parquet",
    TASKS,
    f"{TASKS}.damaged",
    "progress.log",
    "progress*.json",
    "lock",
    "*.lock",
    "report.html",
    "parts/*",
    "flight/*",
    "jobs/*",
    ".seen-*",
    "analysis/*",
    "figures/*.png",
    "figures/*.svg",
    "optimise/*",
    "*.tmp",
)

# A sweep that is there may be extended by another design and other seeds; a book is told by its digest.
MAY_DIFFER = ("seeds", "sweep", "optimise", "name", "about", "population.file")


def refusals(
    path: Path, manifest: Mapping[str, Any], scenario_text: str = "", *, overwrite: bool, resume: bool
) -> list[Mistake]:
    """Why a folder may not be used for this sweep (empty: it may); looks only, writes nothing."""

    def no(message: str) -> list[Mistake]:
        return [Mistake(str(path), 0, 0, "", message)]

    if overwrite and resume:
        return no("--overwrite and --resume exclude each other; give one of them")
    there = next((p for p in (path, *path.parents) if os.path.lexists(p)), Path("."))
    if not there.is_dir():
        return no(f"{there} is a file; name a folder")
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return no(f"permission denied to write in {there}; name another folder with --out")
    names = sorted(set(os.listdir(path)) - {"lock", "start.lock", PARTS}) if path.exists() else []
    if not names:
        return []
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    try:
        stored = read_sweep_manifest(path)
    except BadInput as error:
        if (path / "manifest.json").exists():
            return [*no("holds files, not surely of a sweep; name a new or empty folder"), *error.mistakes]
        return no(f"holds files that are not of a sweep ({some}); name a new or empty folder")
    what = f"holds the sweep {stored.get('run_id', '')} of {stored['name']} (status {stored['status']})"
    was, now = stored.get("code_version"), manifest.get("code_version")
    same = stored["base_digest"] == manifest["base_digest"]
    if resume:
        if was != now:
            return no(f"{what} made by code version {was}, not {now}; use that version, or --overwrite to start anew")
        if not same:
            other = _otherwise(path, stored, manifest, scenario_text)
            return no(f"{what} {other}; resume with the same, or name another folder")
        if stored["name"] != manifest["name"] or _varied(stored) != _varied(manifest):
            return no(
                f"{what}, which varies {_listed(_varied(stored))}; {manifest['name']} varies "
                f"{_listed(_varied(manifest))}: resume with the same name and parameters, or name another folder"
            )
        return []
    foreign = foreign_files(path, OWN_FILES)
    if overwrite and foreign:
        some = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        return no(f"{what} and files that are not of a sweep ({some}); move them away or name another folder")
    go_on = "--resume to go on with it, " if same and was == now else ""
    return [] if overwrite else no(f"{what}; give {go_on}--overwrite to replace it, or another --out")


def _otherwise(path: Path, stored: Mapping[str, Any], manifest: Mapping[str, Any], scenario_text: str) -> str:
    """How the stored base differs from this one: by the keys that differ, or by digest alone."""
    if (was := stored["arms"]) != (now := manifest["arms"]):
        return f"of other arms: {', '.join(was)}, not {', '.join(now)}"
    with contextlib.suppress(OSError, ValueError):
        found = differing_keys((path / "scenario.yaml").read_text("utf-8"), scenario_text, but=MAY_DIFFER)
        if found:
            return f"of another scenario: {in_words(found)}"
    mine, theirs = (one.get("book", {}).get("sha256") for one in (stored, manifest))
    why = "its book held other customers" if mine != theirs else "another scenario, other arms or another book"
    return f"with base digest {stored['base_digest'][:16]}, not {manifest['base_digest'][:16]}: {why}"


def _varied(manifest: Mapping[str, Any]) -> list[str]:
    return sorted(one["path"] for one in manifest["parameters"])


def _listed(paths: Sequence[str]) -> str:
    return ", ".join(paths[:4]) + (f" and {len(paths) - 4} more" if len(paths) > 4 else "") or "nothing"


def make_folder(path: Path) -> None:
    """A folder and those above it; `BadInput` where it may not be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise BadInput.at(str(path), f"cannot be made: {error.strerror}; name another folder with --out") from None
    except OSError as error:
        raise RunFailed(f"{path}: cannot be made: {reason(error)}") from error


def driver_lock(path: Path, *, shared: bool = False) -> Lock:
    """The lock of a sweep's folder, taken; `BadInput` if another driver has it. Shards share it."""
    make_folder(path)
    lock = Lock(path)
    try:
        lock.take(shared=shared)
    except Taken as other:
        raise BadInput.at(str(path), f"is being worked on by {other}; wait for it or stop it") from None
    except OSError as error:
        raise RunFailed(f"{lock.file}: cannot be written: {reason(error)}") from error
    return lock


def same_plan(
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


def clear(path: Path) -> None:
    """Delete a sweep's files but its manifest and locks; parts first, so that none is believed without its design."""
    shutil.rmtree(path / PARTS, ignore_errors=True)
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            if name not in ("manifest.json", "lock", "start.lock") or Path(folder) != path:
                os.unlink(os.path.join(folder, name))
        if Path(folder) != path:
            os.rmdir(folder)
    (path / PARTS).mkdir(exist_ok=True)
