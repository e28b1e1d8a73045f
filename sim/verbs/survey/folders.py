"""Where a page of answers goes, and that nothing is written over unasked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sim.errors import BadInput
from sim.store.folder import make_folder


def refuse(folder: Path, files: Sequence[str], *, overwrite: bool) -> None:
    """`BadInput` where a folder holds one of these files (patterns) and may not be written over, or is a file."""
    if folder.exists() and not folder.is_dir():
        raise BadInput.at(str(folder), "is a file; name a folder")
    held = sorted(file.relative_to(folder).as_posix() for form in files for file in folder.glob(form))
    if held and not overwrite:
        raise BadInput.at(str(folder), f"holds {held[0]} already; --overwrite to replace it, or another --out")


def made(folder: Path) -> Path:
    """The folder, made where there is none."""
    make_folder(folder)
    return folder
