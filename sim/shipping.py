"""The scenarios that come with the program: in a wheel inside the package, in a checkout at its top."""

from __future__ import annotations

import os
from pathlib import Path

from sim.house import FOLDER


def folder() -> Path:
    """Where they stand, with the files that they name beside them."""
    packed = FOLDER / "shipped"
    return packed if packed.is_dir() else FOLDER.parent / "scenarios"


def names() -> list[str]:
    """What each goes by, in order: `baseline` for baseline.yaml."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def located(name: str, file: str | None = None) -> str:
    """The shipped scenario of this name where no file stands at `file` (the name itself, if not given); else `file`."""
    file = name if file is None else file
    here = "\0" in file or (os.path.exists(file) and not os.path.isdir(file))
    return file if here or name not in names() else str(folder() / f"{name}.yaml")
