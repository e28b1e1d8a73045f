"""Banks that live in files: the folder of a scenario's `population.store`, a folder a bank in it, one run at a time.

    store.json        whose banks these are: scenario digest, code version, columns of a customer
    lock              held while somebody lives them
    seed-1/burn in    the bank that all arms of the seed begin from (`sim.bank.stored`)
    seed-1/<arm>      the bank of an arm, gone when its tables are in the results folder

The last arm of a seed takes the burn-in's folder over; those before copy it.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import Mistake
from sim.experiments.prepared import Prepared
from sim.store.files import why_unreadable, write_json, writing
from sim.store.folder import make_folder
from sim.store.lock import FILE, driver_lock

if TYPE_CHECKING:
    from sim.bank.stored import BankFolder

SIGN, FORMAT, VERSION = "store.json", "rapport-store", 1
OWN = (SIGN, FILE, "seed-*", ".*.tmp")
BURN_IN = "burn in"  # no arm can be called so
KEY = ("population", "store")


def place_of(prepared: Prepared) -> Path | None:
    """The folder in which the scenario's banks live; None: in memory."""
    store = prepared.scenario.population.store
    return None if store is None else Path(store)


def bytes_needed(prepared: Prepared, rows: int) -> int:
    """Bytes that a bank of so many rows at its beginning may take on the disk, with the one its arms begin from."""
    from sim.bank.stored import SPARE, bytes_of_bank

    s = prepared.scenario
    joining = s.model.acquisition.rate if s.model.mechanisms.acquisition else 0.0
    most = rows * (1.0 + max(joining, 0.0) * (s.burn_in + s.months) / 12.0) * (1.0 + 1.0 / SPARE)
    lived, begun = bytes_of_bank()
    return int(most * lived + (rows * begun if len(s.arms) > 1 else 0))


def refusals(prepared: Prepared, code_version: str, rows: int) -> Iterator[Mistake]:
    """Why the banks of a scenario cannot live where it says (nothing: they can); looks only."""
    place = place_of(prepared)
    if place is None:
        return
    why = _why_not(place, prepared, code_version)
    if not why:
        there = next(folder for folder in (place, *place.parents) if folder.exists())
        held = sum(file.stat().st_blocks * 512 for file in place.rglob("*") if file.is_file())
        needed, free = bytes_needed(prepared, rows), shutil.disk_usage(there).free + held
        if needed > free:
            gigabytes = f"its banks take up to {needed / 1e9:.1f} GB in {place} and {free / 1e9:.1f} GB are free there"
            why = f"{gigabytes}; a disk with more room, or fewer customers"
    if why:
        origin = prepared.origin
        yield Mistake(*origin.address(KEY), origin.path_text(KEY), why)


def _why_not(place: Path, prepared: Prepared, code_version: str) -> str:
    there = next((folder for folder in (place, *place.parents) if os.path.lexists(folder)), Path("."))
    if not there.is_dir():
        return f"{there} is a file; name a folder"
    if not os.access(there, os.R_OK | os.W_OK | os.X_OK):
        return f"permission denied to write in {there}; name another folder"
    if not place.exists() or not any(name != FILE for name in os.listdir(place)):
        return ""
    if foreign := [name for name in sorted(os.listdir(place)) if not any(fnmatchcase(name, own) for own in OWN)]:
        return f"{place} holds files that are no banks of ours ({', '.join(foreign[:3])}); name a new or empty folder"
    try:
        sign = json.loads((place / SIGN).read_bytes())
    except (OSError, ValueError) as error:
        return f"{place / SIGN}: {why_unreadable(error)}; delete {place} to live the banks anew"
    wanted = _sign(prepared, code_version)
    if not isinstance(sign, dict) or any(sign.get(key) != wanted[key] for key in ("format", "version")):
        return f"{place / SIGN} is not of such a folder; name a new or empty folder"
    for key, name in (
        ("scenario_digest", "scenario"),
        ("code_version", "code version"),
        ("layout", "columns of a customer"),
    ):
        if sign.get(key) != wanted[key]:
            whose = f"{place} holds banks of {sign.get('name')}, of another {name}"
            return f"{whose} ({sign.get(key)}, not {wanted[key]}); name another folder, or delete it"
    return ""


def _sign(prepared: Prepared, code_version: str) -> dict[str, object]:
    from sim.bank.state_file import layout

    told = {"name": prepared.scenario.name, "scenario_digest": prepared.digest, "code_version": code_version}
    return {"format": FORMAT, "version": VERSION, **told, "layout": layout()}


@contextmanager
def store_of(prepared: Prepared, code_version: str) -> Iterator[Path | None]:
    """The folder of the scenario's banks, nobody else's meanwhile; None in memory. Empty again when all have lived.

    Raises `BadInput` where another run lives in it.
    """
    place = place_of(prepared)
    if place is None:
        yield None
        return
    lock = driver_lock(place)
    try:
        write_json(place / SIGN, _sign(prepared, code_version))
        yield place
        with writing(place):
            for folder in place.glob("seed-*"):
                shutil.rmtree(folder)
            (place / SIGN).unlink(missing_ok=True)
            lock.file.unlink(missing_ok=True)
    finally:
        lock.release()


class SeedBanks:
    """The banks of one seed in the folder of a scenario's; `last` is the arm that is lived last."""

    def __init__(self, place: Path, prepared: Prepared, seed: int, code_version: str, last: str):
        from sim.bank.state_file import Stamp

        self.path = place / f"seed-{seed}"
        make_folder(self.path)
        self.last = last
        self.stamp = Stamp("", seed, prepared.digest, code_version)
        self.lock = driver_lock(self.path)
        self.folders: dict[str, BankFolder] = {}

    def burn_in(self) -> BankFolder:
        """The folder of the bank that every arm begins from."""
        return self.of(BURN_IN)

    def of(self, arm: str) -> BankFolder:
        """The folder of an arm's bank."""
        from sim.bank.stored import BankFolder

        if arm not in self.folders:
            self.folders[arm] = BankFolder(self.path / arm, self.stamp, f"delete {self.path} to live its banks anew")
        return self.folders[arm]

    def take_over(self, arm: str) -> BankFolder:
        """Make the burn-in's folder that of an arm."""
        mine = self.of(arm)
        mine.remove()
        with writing(mine.path):
            os.rename(self.path / BURN_IN, mine.path)
        self.folders.clear()
        return self.of(arm)

    def close(self) -> None:
        """All arms have lived: the folder is of no use any more."""
        self.folders.clear()
        with writing(self.path):
            shutil.rmtree(self.path)
        self.release()

    def release(self) -> None:
        """Let others live in it."""
        self.lock.release()
