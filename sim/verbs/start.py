"""The verb that gives a folder to begin in: the scenarios that come with the program, and one to change."""

from __future__ import annotations

import argparse
import shlex
import shutil
from pathlib import Path

from sim import shipping
from sim.errors import BadInput
from sim.verbs.common import command

OWN = "my_scenario.yaml"


def init(arguments: argparse.Namespace) -> int:
    """Write the scenarios, say what was written and what to type next."""
    folder: Path = arguments.folder
    if any(path.exists() and not path.is_dir() for path in (folder, *folder.parents)):
        raise BadInput.at(str(folder), "is no folder; a folder, or a name for a new one")
    shipped = shipping.folder()
    files = {path.relative_to(shipped): path for path in sorted(shipped.rglob("*")) if path.is_file()}
    files[Path(OWN)] = Path(__file__).with_name(OWN)
    there = [str(name) for name in files if (folder / name).exists()]
    if there and not arguments.overwrite:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise BadInput.at(str(folder), f"holds {there[0]}{more} already; another folder, or --overwrite")
    for name, path in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        print(target)
    print(f"\nto begin, change {folder / OWN} and type\n  {command()} run {shlex.quote(str(folder / OWN))}")
    return 0
