"""What stands in the results folder: stored runs, and their reports by a key. No path ever comes from a page."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sim.errors import SimError

RESULTS = Path("results")
MOST = 50  # folders that are shown, the newest first
LOOKED_AT = 5  # runs that are asked what knowing is worth
PAGE = "report.html"
LARGEST_PAGE = 60_000_000  # bytes


@dataclass(frozen=True)
class Stored:
    """A folder with a report: `key` is what an address has for it."""

    key: str
    name: str
    run_id: str
    created: str
    status: str
    kind: str


class Shelf:
    """The runs under one folder; looked for anew whenever they are asked for."""

    def __init__(self, folder: Path = RESULTS):
        self.folder = folder
        self._pages: dict[str, Path] = {}

    def stored(self) -> list[Stored]:
        """Folders with a manifest and a report, the newest first."""
        found: list[tuple[Stored, Path]] = []
        for manifest in self.folder.glob("*/*/manifest.json"):
            page = manifest.parent / PAGE
            if not page.is_file() or page.is_symlink():
                continue
            try:
                told = json.loads(manifest.read_text("utf-8"))
                one = Stored(
                    hashlib.sha256(str(manifest.parent.resolve()).encode()).hexdigest()[:24],
                    str(told["name"]),
                    str(told.get("run_id", manifest.parent.name)),
                    str(told.get("created", "")),
                    str(told["status"]),
                    str(told.get("kind", "run")),
                )
            except (OSError, ValueError, KeyError, TypeError):
                continue
            found.append((one, page))
        found.sort(key=lambda pair: pair[0].created, reverse=True)
        self._pages = {one.key: page for one, page in found[:MOST]}
        return [one for one, _ in found[:MOST]]

    def page(self, key: str) -> str | None:
        """The report of a key that was given out; None for any other."""
        page = self._pages.get(key)
        try:
            if page is None or page.stat().st_size > LARGEST_PAGE:
                return None
            return page.read_text("utf-8")
        except OSError:
            return None

    def new_folder(self, name: str) -> Path:
        """A folder for results of this name that is not there yet, called by the time."""
        return self.folder / name / f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}-page"

    def worth(self, name: str) -> Mapping[str, float]:
        """What the newest stored run of this name says that its assumptions are worth to know; nothing without one."""
        from sim.page.worth import shares_of
        from sim.reporting.run.beliefs import worth_of_run
        from sim.store.run_reading import read

        for manifest in sorted(self.folder.glob(f"{name}/*/manifest.json"), reverse=True)[:LOOKED_AT]:
            try:
                found = worth_of_run(read(manifest.parent))
            except (SimError, OSError, ValueError, KeyError):
                continue
            if found is not None:
                return shares_of(found)
        return {}

    def close(self) -> None:
        """Nothing is asked any more."""
        self._pages.clear()
