"""A folder vouches for itself: its manifest names the digest of every file as it was written, and seals itself.

A manifest that is sealed has `files` (SHA-256 of each file's bytes, by its name in the folder) and `seal` (SHA-256 of
all else that the manifest says). It is no signature: somebody who means harm can seal anew. It finds what an editor, a
spreadsheet, a bad disk or a half-done copy changed; whether sealed numbers are the program's own, a rerun tells.

What is derived from stored tables (key figures, figures, pages) may be written anew, and is then sealed anew. All
else keeps the seal it got when the run ended, broken or not: telling a story again makes no table true.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sim.store.files import plain, write_json, writing

MANIFEST = "manifest.json"
KEYS = ("files", "seal")
NAMED = 4  # files that a line names


def file_digest(file: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(file, "rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def files_of(path: Path, patterns: Iterable[str]) -> list[str]:
    """Names of the files in a folder that fit a pattern, relative and sorted; temporary ones do not count."""
    wanted = tuple(patterns)
    found = []
    for folder, _, names in os.walk(path):
        for name in names:
            relative = Path(folder, name).relative_to(path).as_posix()
            if not name.endswith(".tmp") and any(fnmatchcase(relative, pattern) for pattern in wanted):
                found.append(relative)
    return sorted(found)


def seal_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of all that a manifest says but its seal; the order of keys and white space do not matter."""
    content = {key: value for key, value in plain(dict(manifest)).items() if key != "seal"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sealed(path: Path, manifest: Mapping[str, Any], patterns: Iterable[str]) -> dict[str, Any]:
    """The manifest with digests of the files that fit a pattern, and its own seal."""
    content = {key: value for key, value in plain(dict(manifest)).items() if key not in KEYS}
    content["files"] = {name: file_digest(path / name) for name in files_of(path, patterns)}
    return content | {"seal": seal_of(content)}


def unsealed(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest without seals: of a folder that is going to change."""
    return {key: value for key, value in manifest.items() if key not in KEYS}


def is_sealed(manifest: Mapping[str, Any]) -> bool:
    """Whether a folder was sealed when it was finished (those of earlier editions were not)."""
    return any(key in manifest for key in KEYS)


def changed(path: Path, manifest: Mapping[str, Any], patterns: Iterable[str]) -> dict[str, str]:
    """Files that are not as they were sealed, by name, each with "changed", "missing" or "added"; manifest first.

    Empty for a folder without seals. `patterns` are those of files that are sealed.
    """
    if not is_sealed(manifest):
        return {}
    found = {} if manifest.get("seal") == seal_of(manifest) else {MANIFEST: "changed"}
    known: Mapping[str, str] = manifest.get("files", {})
    for name, digest in known.items():
        file = path / name
        if path.resolve() not in file.resolve().parents or not os.path.lexists(file):
            found[name] = "missing"
        elif not file.is_file() or file_digest(file) != digest:
            found[name] = "changed"
    return found | {name: "added" for name in files_of(path, patterns) if name not in known}


def reseal(path: Path, patterns: Iterable[str]) -> None:
    """Seal files anew that were written anew, those that fit a pattern; nothing in a folder without seals.

    A manifest whose own seal was broken stays broken.
    """
    manifest = json.loads((path / MANIFEST).read_bytes())
    if not is_sealed(manifest):
        return
    wanted = tuple(patterns)
    whole = manifest.get("seal") == seal_of(manifest)
    kept = {
        name: digest
        for name, digest in manifest.get("files", {}).items()
        if not any(fnmatchcase(name, pattern) for pattern in wanted)
    }
    files = kept | {name: file_digest(path / name) for name in files_of(path, wanted)}
    manifest["files"] = dict(sorted(files.items()))
    if whole:
        manifest["seal"] = seal_of(manifest)
    with writing(path):
        write_json(path / MANIFEST, manifest)


def words(found: Mapping[str, str]) -> str:
    """What differs, in a line: "bank.parquet changed, summary.csv missing"."""
    texts = [f"{name} {how}" for name, how in list(found.items())[:NAMED]]
    return ", ".join(texts) + (f" and {len(found) - NAMED} more" if len(found) > NAMED else "")
