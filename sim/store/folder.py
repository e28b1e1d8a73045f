"""One law for folders: whether one may be used, how it is opened, resumed, overwritten and interrupted, what is ours.

Runs and sweeps are kinds of folder (`Kind`); what differs between them, their parts and how these are put together,
stands in `run_folder` and `sweep_folder`. A folder is what its manifest.json says it is.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from sim.errors import BadInput, Mistake, RunFailed
from sim.store.differing import differing_keys, in_words
from sim.store.files import foreign_files, plain, reason, why_unreadable, write_json, writing
from sim.store.manifest import FINISHED
from sim.store.seals import MANIFEST, changed, unsealed

TITLES = {"rapport-results": "a single run", "rapport-sweep": "a sweep"}  # of what a folder holds, by its format
LOCKS = ("lock", "start.lock")
PARTS = "parts"
POSTERIORS = "posterior*.yaml"  # that numbers of the stored scenario were drawn from

Manifest = Mapping[str, Any]
Refused = Callable[[Path, Manifest, Manifest, str], str]


@dataclass(frozen=True)
class Kind:
    """One kind of folder: its name, what its manifest has, which files are its own, what it does not go on with.

    `sealed` are patterns of the files that a finished folder vouches for, `own` those of everything that may be left in
    it: `--overwrite` deletes these and refuses a folder that holds anything else. `unnoticed` names do not make a
    folder a used one. `mistakes` says what is wrong with a manifest (file, manifest). `not_resumed` says why a stored
    folder is not gone on with, "" if it may be (folder, stored manifest, new manifest, new scenario text), and
    `goes_on` whether somebody who meets it is told of --resume.
    """

    noun: str
    place: str  # "a results folder"
    format: str
    version: int
    keys: tuple[str, ...]
    sealed: tuple[str, ...]
    own: tuple[str, ...]
    mistakes: Callable[[str, Manifest], list[Mistake]]
    not_resumed: Refused
    goes_on: Callable[[Manifest, Manifest], bool]
    unnoticed: tuple[str, ...] = ()

    def read_manifest(self, path: Path) -> dict[str, Any]:
        """The manifest of a folder of this kind, whole and in a version that is understood; else `BadInput`."""
        file = path / MANIFEST
        try:
            manifest = json.loads(file.read_bytes())
        except FileNotFoundError:
            what = f"not {self.place}: it has no manifest.json" if path.is_dir() else "there is no such folder"
            raise BadInput.at(str(path), what) from None
        except NotADirectoryError:
            raise BadInput.at(str(path), f"is a file, should be {self.place}") from None
        except (OSError, ValueError, RecursionError) as error:
            raise BadInput.at(str(file), why_unreadable(error)) from None
        stored_format = manifest.get("format") if isinstance(manifest, dict) else None
        if stored_format != self.format and isinstance(stored_format, str) and stored_format in TITLES:
            what = f"holds {TITLES[stored_format]} of {manifest.get('name')}, not {TITLES[self.format]}"
            raise BadInput.at(str(path), what)
        if stored_format != self.format:
            what = f'not the manifest of a {self.noun} (it should say "format": "{self.format}")'
            raise BadInput.at(str(file), what)
        version = manifest.get("format_version")
        if type(version) is not int or version != self.version:
            raise BadInput.at(str(file), f"format_version {version}; this program reads {self.version}")
        mistakes = self.mistakes(str(file), manifest)
        if mistakes:
            raise BadInput(mistakes)
        return dict(manifest)

    def changed_files(self, path: Path, manifest: Manifest) -> dict[str, str]:
        """Files of a folder that are not as it left them (see `sim.store.seals.changed`)."""
        return changed(path, manifest, self.sealed)

    def refusals(
        self, path: Path, manifest: Manifest, scenario_text: str = "", *, overwrite: bool, resume: bool
    ) -> list[Mistake]:
        """Why a folder may not be used for this (empty: it may); looks only, writes nothing."""

        def no(message: str) -> list[Mistake]:
            return [Mistake(str(path), 0, 0, "", message)]

        if overwrite and resume:
            return no("--overwrite and --resume exclude each other; give one of them")
        there = next((p for p in (path, *path.parents) if os.path.lexists(p)), Path("."))
        if not there.is_dir():
            return no(f"{there} is a file; name a folder")
        if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
            return no(f"permission denied to write in {there}; name another folder with --out")
        names = sorted(set(os.listdir(path)) - set(self.unnoticed)) if path.exists() else []
        if not names:
            return []
        try:
            stored = self.read_manifest(path)
        except BadInput as error:
            if any(mistake.file == str(path) for mistake in error.mistakes) and (path / MANIFEST).exists():
                return no(f"{error.mistakes[0].message}; name a new or empty folder")  # it is of another kind
            if (path / MANIFEST).exists():
                return [*no(f"holds files, not surely of a {self.noun}; name a new or empty folder"), *error.mistakes]
            return no(f"holds files that are not of a {self.noun} ({_some(names)}); name a new or empty folder")
        what = f"holds the {self.noun} {stored.get('run_id', '')} of {stored['name']} (status {stored['status']})"
        if resume:
            why = self.not_resumed(path, stored, manifest, scenario_text)
            return no(what + why) if why else []
        foreign = foreign_files(path, self.own)
        if overwrite and foreign:
            theirs = f"{what} and files that are not of a {self.noun} ({_some(foreign)})"
            return no(f"{theirs}; move them away or name another folder")
        go_on = "--resume to go on with it, " if self.goes_on(stored, manifest) else ""
        return [] if overwrite else no(f"{what}; give {go_on}--overwrite to replace it, or another --out")

    def admit(self, path: Path, manifest: Manifest, scenario_text: str, *, overwrite: bool, resume: bool) -> Any:
        """The manifest of what a folder holds, None if nothing; `BadInput` if it may not be used for this."""
        absent = [key for key in self.keys if key not in manifest]
        if absent:
            raise ValueError(f"manifest lacks {', '.join(absent)}")
        mistakes = self.refusals(path, manifest, scenario_text, overwrite=overwrite, resume=resume)
        if mistakes:
            raise BadInput(mistakes)
        return self.read_manifest(path) if (path / MANIFEST).exists() else None

    def fresh(self, manifest: Manifest, resumed: Manifest | None = None) -> dict[str, Any]:
        """The manifest of a folder that begins, or of one that is `resumed`, with its own run_id and created."""
        record = {"format": self.format, "format_version": self.version, **plain(dict(manifest)), "status": "running"}
        if resumed:
            record |= {key: resumed[key] for key in ("run_id", "created") if key in resumed}
            record["resumed"] = resumed.get("resumed", 0) + 1
        return record


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


@dataclass
class Folder:
    """A folder being filled; plain data, so a worker process may hold a copy."""

    kind: ClassVar[Kind]
    path: Path
    manifest: dict[str, Any] = field(repr=False)

    @classmethod
    def refusals(
        cls,
        out: str | os.PathLike[str],
        manifest: Manifest,
        scenario_text: str = "",
        *,
        overwrite: bool = False,
        resume: bool = False,
    ) -> list[Mistake]:
        """Why `create` would refuse this folder (empty: it would not); looks only, writes nothing."""
        return cls.kind.refusals(Path(out), manifest, scenario_text, overwrite=overwrite, resume=resume)

    @property
    def status(self) -> str:
        """One of `STATUSES`."""
        return str(self.manifest["status"])

    def interrupt(self) -> None:
        """Say in the manifest that the work was stopped; what was added stays and is resumed from.

        A folder that is already whole stays so: Ctrl-C may come when the last parts are being tidied away.
        """
        if self.status not in FINISHED:
            self._set({"status": "interrupted"})

    def _set(self, changes: Manifest) -> None:
        manifest = {**self.manifest, **plain(dict(changes))}
        with writing(self.path):
            write_json(self.path / MANIFEST, manifest)
        self.manifest = manifest


def make_folder(path: Path) -> None:
    """A folder and those above it; `BadInput` where it may not be made."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except PermissionError as error:
        raise BadInput.at(str(path), f"cannot be made: {error.strerror}; name another folder with --out") from None
    except OSError as error:
        raise RunFailed(f"{path}: cannot be made: {reason(error)}") from error


def refuse_occupied(folder: Path, noun: str, ours: Sequence[str], *, overwrite: bool) -> None:
    """`BadInput` where what a verb writes may not go: a file, a folder with other things, one of its kind before.

    `noun` is what is written ("a survey"), `ours` are patterns of its files.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInput.at(str(folder), "is a file; name a folder")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if foreign := foreign_files(folder, ours):
        raise BadInput.at(str(folder), f"holds files that are not of {noun} ({_some(foreign)}); a new or empty folder")
    if not overwrite:
        raise BadInput.at(str(folder), f"holds {noun}; --overwrite to replace it, or another --out")


def clear(path: Path, stored: Manifest) -> None:
    """Delete what a folder holds but its manifest and locks, parts first, so that none is believed without the rest.

    Until a new manifest stands, this is what was stored, interrupted, with fewer and fewer of its parts.
    """
    write_json(path / MANIFEST, unsealed(stored) | {"status": "interrupted"})
    for endings in ("*.json", "*"):  # receipts before the tables that they vouch for
        for part in (path / PARTS).glob(endings):
            if not part.is_dir():
                part.unlink()
    for folder, _, files in os.walk(path, topdown=False):
        for name in files:
            if Path(folder) != path or name not in (MANIFEST, *LOCKS):
                os.unlink(os.path.join(folder, name))
        if Path(folder) not in (path, path / PARTS):
            os.rmdir(folder)


def remove_strays(path: Path) -> None:
    """Delete temporary files of processes that were killed; nobody else may be at work in the folder."""
    for inner in ("", "state", PARTS):
        for stray in (path / inner).glob(".*.tmp"):
            stray.unlink(missing_ok=True)


def other_code(stored: Manifest, manifest: Manifest) -> str:
    """What is said of a folder that another version of the code made; "" if it is this one."""
    was, now = stored.get("code_version"), manifest.get("code_version")
    if was == now:
        return ""
    return f" made by code version {was}, not {now}; use that version, or --overwrite to start anew"


def other_arms(stored: Manifest, manifest: Manifest) -> str:
    """That a folder is of arms of other names; "" if it is not."""
    was, now = stored["arms"], manifest["arms"]
    return f"of other arms: {', '.join(was)}, not {', '.join(now)}" if was != now else ""


def other_scenario(path: Path, text: str, *, but: tuple[str, ...]) -> str:
    """In which keys, but those beginning with `but`, the scenario stored in a folder differs; "" if none is found."""
    with contextlib.suppress(OSError, ValueError):
        found = differing_keys((path / "scenario.yaml").read_text("utf-8"), text, but=but)
        return f"of another scenario: {in_words(found)}" if found else ""
    return ""


def other_book(stored: Manifest, manifest: Manifest) -> bool:
    """Whether the books of two manifests hold other customers."""
    mine, theirs = (one.get("book", {}).get("sha256") for one in (stored, manifest))
    return bool(mine != theirs)


def other_posterior(stored: Manifest, manifest: Manifest) -> str:
    """That the posteriors of two manifests say different things, in brackets; "" if they do not."""
    mine, theirs = ([one.get("digest") for one in told.get("posteriors", [])] for told in (stored, manifest))
    return " (its posterior said something else)" if mine != theirs else ""
