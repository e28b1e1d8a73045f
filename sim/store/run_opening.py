"""Whether a folder may be used for a run, and how an old run is cleared away."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sim.errors import BadInput, Mistake
from sim.store.differing import differing_keys, in_words
from sim.store.run_reading import SEALED, read_manifest
from sim.store.tables import foreign_files

# Everything a run may leave in its folder. `--overwrite` deletes these and refuses a folder that holds anything else.
OWN_FILES = (*SEALED, "manifest.json", "parts/*", "*.tmp")


def refusals(
    path: Path, manifest: Mapping[str, Any], scenario_text: str = "", *, overwrite: bool, resume: bool
) -> list[Mistake]:
    """Why a folder may not be used for this run (empty: it may); looks only, writes nothing."""

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
            other = _otherwise(path, stored, manifest, scenario_text)
            return no(f"{what} {other}; resume with the same scenario, or name another folder")
        was, now = stored.get("code_version"), manifest.get("code_version")
        if was != now and stored["status"] != "done":
            return no(f"{what} made by code version {was}, not {now}; use that version, or --overwrite to start anew")
        return []
    foreign = foreign_files(path, OWN_FILES)
    if overwrite and foreign:
        some = ", ".join(foreign[:3]) + (", ..." if len(foreign) > 3 else "")
        return no(f"{what} and files that are not of a run ({some}); move them away or name another folder")
    go_on = "--resume to go on with it, " if same and stored["status"] != "done" else ""
    return [] if overwrite else no(f"{what}; give {go_on}--overwrite to replace it, or another --out")


def _otherwise(path: Path, stored: Mapping[str, Any], manifest: Mapping[str, Any], scenario_text: str) -> str:
    """How the stored scenario differs from this one: by the keys that differ, by its book, or by digest alone."""
    with contextlib.suppress(OSError, ValueError):
        found = differing_keys((path / "scenario.yaml").read_text("utf-8"), scenario_text, but=("population.file",))
        if found:
            return f"of another scenario: {in_words(found)}"
    mine, theirs = (one.get("book", {}).get("sha256") for one in (stored, manifest))
    why = " (its book held other customers)" if mine != theirs else ""
    return f"with scenario digest {stored['scenario_digest']}, not {manifest['scenario_digest']}{why}"


def clear(path: Path) -> None:
    """Delete a run's files but its manifest; receipts first, so that no part is believed without its tables."""
    for receipt in (path / "parts").glob("*.json"):
        receipt.unlink()
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            if Path(folder, name) != path / "manifest.json":
                os.unlink(os.path.join(folder, name))
        if Path(folder) not in (path, path / "parts"):
            os.rmdir(folder)
