"""How far a sweep is: from its folder alone, whoever works on it, and as told while it is driven."""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import RunFailed
from sim.experiments.callbacks import Callback
from sim.phrases import duration
from sim.store.files import write_json
from sim.store.lock import is_taken
from sim.store.manifest import FINISHED
from sim.store.sweep_folder import SweepStore
from sim.store.sweep_reading import read_sweep_manifest, read_units, states
from sim.store.sweep_rows import CRASHED, FAILED, OK

LOG = "progress.log"
TELL = 2.0  # seconds between what is told of a sweep that runs, in a file
SAY = 30.0  # seconds between lines of its log
MERGE = 5.0  # seconds between looks at how many parts there are
FRESH = 60.0  # seconds after which a rate that a process told is not believed any more
LINES = 5  # last lines of the log that a status shows


@dataclass
class Tally:
    """Counts of tasks while a sweep is driven; `tasks_a_unit` is its number of arms."""

    tasks_a_unit: int = 1
    total: int = 0
    done: int = 0
    failed: int = 0  # of those done, with those that crashed
    workers: int = 0
    clock: Callable[[], float] = time.monotonic
    lately: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=60))

    def items(self, total: int, done: int) -> None:
        """So many units in all, so many done before."""
        self.total, self.done, self.failed = total * self.tasks_a_unit, done * self.tasks_a_unit, 0
        self.lately.clear()
        self.lately.append((self.clock(), self.done))

    def chunk(self, receipt: dict[str, Any]) -> None:
        """Units are stored."""
        self.done += receipt["units"] * self.tasks_a_unit
        self.failed += receipt.get(FAILED, 0) + receipt.get(CRASHED, 0)
        self.lately.append((self.clock(), self.done))

    def crashed(self) -> None:
        """A unit was given up."""
        self.chunk({"units": 1, CRASHED: self.tasks_a_unit})

    @property
    def rate(self) -> float | None:
        """Tasks a second, over the latest chunks."""
        (first, before), (last, now) = self.lately[0], self.lately[-1]
        return (now - before) / (last - first) if last > first else None

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at this rate."""
        return (self.total - self.done) / self.rate if self.rate else None

    def line(self) -> str:
        """Where it stands, in one line."""
        return _line(self.done, self.total, self.failed, self.rate, self.seconds_left, self.workers)


def _line(
    done: int, total: int, failed: int, rate: float | None, seconds_left: float | None, workers: int | None
) -> str:
    words = [f"{done:,} of {total:,} tasks done ({100 * done / max(total, 1):.0f} %)", f"{failed:,} failed"]
    if workers is not None:
        words.append(f"{workers} worker{'' if workers == 1 else 's'}")
    if rate and done < total:
        words += [f"{rate:,.3g} tasks/s", f"{duration(seconds_left or 0.0)} left"]
    return ", ".join(words)


class Keeper(Callback):
    """Keeps the folder telling how far it is, and tidy, while somebody else listens."""

    def __init__(self, store: SweepStore, callback: Callback, shard: str = ""):
        self.store, self.callback, self.shard = store, callback, shard
        self.tally = Tally(len(store.manifest["arms"]))
        self.file = store.path / f"progress{'-' + shard.replace('/', 'of') if shard else ''}.json"
        self.reported = self.said = self.merged = time.monotonic()

    def items(self, total: int, done: int) -> None:
        self.tally.items(total, done)
        self.callback.items(total, done)
        self.log(f"began: {self.tally.line()}")
        self._tell()

    def chunk(self, receipt: dict[str, Any]) -> None:
        self.tally.chunk(receipt)
        self.callback.chunk(receipt)

    def crashed(self, item: Any, reason: str) -> None:
        self.tally.crashed()
        where = f"point {item.point.number} seed {item.seed}"
        self.log(f"{where} given up: {reason}")
        self.callback.crashed(where, reason)

    def note(self, text: str) -> None:
        self.log(text)
        self.callback.note(text)

    def tick(self, workers: int) -> None:
        self.tally.workers = workers
        self.callback.tick(workers)
        now = time.monotonic()
        if now - self.reported > TELL:
            self.reported = now
            self._tell()
        if now - self.said > SAY:
            self.said = now
            self.log(self.tally.line())
        if now - self.merged > MERGE and not self.shard:
            self.store.merge()
            self.merged = time.monotonic()

    def ended(self, text: str) -> None:
        """The last word."""
        self.log(text)
        self.callback.ended(text)
        with contextlib.suppress(OSError):
            self.file.unlink()

    def log(self, text: str) -> None:
        """A line in progress.log; a disk that is full loses it, which is the least of its troubles."""
        stamp = time.strftime("%Y-%m-%d %H:%M:%S")
        who = f" shard {self.shard}" if self.shard else ""
        with contextlib.suppress(OSError), open(self.store.path / LOG, "a", encoding="utf-8") as log:
            log.write(f"{stamp}{who}  {' '.join(text.split())}\n")

    def _tell(self) -> None:
        t = self.tally
        record = {
            "when": time.time(),
            "process": os.getpid(),
            "total": t.total,
            "done": t.done,
            "failed": t.failed,
            "rate": t.rate,
            "workers": t.workers,
        }
        with contextlib.suppress(RunFailed):
            write_json(self.file, record)


@dataclass(frozen=True)
class Status:
    """What a folder tells of its sweep.

    `status` is the manifest's; `at_work` says whether a driver or shard of this machine is on it now. Counts are of
    tasks, from the rows that are stored.
    """

    folder: str
    name: str
    run_id: str
    status: str
    at_work: bool
    total: int
    done: int
    failed: int
    crashed: int
    rate: float | None
    seconds_left: float | None
    workers: int | None
    lines: tuple[str, ...]
    shards: tuple[str, ...] = ()  # that worked on it since it was begun, "1/3"
    kind: str = "sweep"

    @property
    def at_rest(self) -> str:
        """That nobody works on what is not done, and how to go on; "" where somebody does, or nothing is left."""
        if self.status in FINISHED or self.at_work:
            return ""
        if self.shards:
            return (
                f"nobody is at work on it here; shards that came: {', '.join(self.shards)}; start those that lack with "
                f"run.py work FILE --shard I/N --out {self.folder}, or all the rest with run.py run FILE --resume "
                f"--out {self.folder}"
            )
        verb = "optimise" if self.kind == "optimise" else "run"
        return f"nobody is at work on it here; --resume goes on: run.py {verb} FILE --resume --out {self.folder}"

    def text(self) -> str:
        """For people: one line of numbers, what to do if nobody is at work, the latest lines of the log."""
        status = self.status
        if self.status not in FINISHED and not self.at_work:
            status = f"{self.status}, {self.at_rest}"
        counts = _line(self.done, self.total, self.failed + self.crashed, self.rate, self.seconds_left, self.workers)
        return "\n".join([f"{self.folder}: {self.name} {self.run_id}, {status}", counts, *self.lines])


def status(folder: str | os.PathLike[str]) -> Status:
    """How far the sweep in a folder is; `BadInput` if it is none, or damaged."""
    path = Path(folder)
    manifest = read_sweep_manifest(path)
    at_work = is_taken(path)
    if manifest["status"] in FINISHED:
        total, failed, crashed = manifest["tasks"], manifest.get("failed", 0), manifest.get("crashed", 0)
        done = total
    else:
        counts = _counts(path)
        failed, crashed = int(counts.get(FAILED, 0)), int(counts.get(CRASHED, 0))
        done = int(counts.get(OK, 0)) + failed + crashed
        total = int(manifest.get("tasks", done))
    records = _progress_records(path) if at_work else []
    total = max([total, done, *(int(one.get("total", 0)) for one in records)])  # an optimisation's grows
    rates = [one["rate"] for one in records if one.get("rate")]
    rate = float(sum(rates)) if rates else None
    return Status(
        str(path),
        manifest["name"],
        str(manifest.get("run_id", "")),
        manifest["status"],
        at_work,
        total,
        done,
        failed,
        crashed,
        rate,
        (total - done) / rate if rate else None,
        sum(int(one.get("workers", 0)) for one in records) if records else None,
        _last_lines(path / LOG),
        _shards(path / LOG),
        str(manifest.get("kind", "sweep")),
    )


def _counts(path: Path) -> dict[Any, int]:
    """Tasks by their status, of the units that are planned, as often as they are."""
    found, units = states(path), read_units(path)
    if units is not None:
        found = found.merge(units[["unit"]], on="unit", how="inner")
    return found["status"].value_counts().to_dict()


def _progress_records(path: Path) -> list[dict[str, Any]]:
    """What the driver, or every shard, told lately."""
    found = []
    for file in sorted(path.glob("progress*.json")):
        with contextlib.suppress(OSError, ValueError):
            record = json.loads(file.read_bytes())
            if time.time() - record.get("when", 0.0) < FRESH:
                found.append(record)
    return found


def _shards(file: Path) -> tuple[str, ...]:
    """Shards that the log tells of, in the order in which they came; a driver that came after them is told of alone."""
    found: dict[str, None] = {}
    with contextlib.suppress(OSError):
        for line in file.read_text("utf-8", "replace").splitlines():
            if match := re.match(r"\S+ \S+( shard (\d+/\d+))?  ", line):
                found = {**found, match[2]: None} if match[2] else {}
    return tuple(found)


def _last_lines(file: Path) -> tuple[str, ...]:
    try:
        with open(file, "rb") as log:
            log.seek(max(0, file.stat().st_size - 4000))
            return tuple(log.read().decode("utf-8", "replace").splitlines()[-LINES:])
    except OSError:
        return ()
