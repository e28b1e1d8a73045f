"""The seeds of a run spread over workers: the same folder and the same bits, whoever lives them.

A worker lives all arms of a seed one after the other and writes them into the run's own folder; what it sends back is a
receipt. A seed whose worker dies too often is written off, and the others are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from sim.experiments.callbacks import Callback
from sim.experiments.executors.dispatch import drive
from sim.experiments.executors.place import KeptOpen, Where
from sim.experiments.prepared import Prepared
from sim.experiments.seed_runs import SeedRuns, peak_memory_mb
from sim.scenario.scenario import SeedsUntil
from sim.store.run_folder import ResultsFolder
from sim.store.run_reading import read_manifest

Run = tuple[str, int]


def stored(folder: ResultsFolder, checkpoint: int | None) -> set[Run]:
    """Runs of a folder that need not be lived again: they are stored, and have the state that is asked for."""
    from sim.bank.state_file import place  # imports the bank

    return {run for run in folder.finished() if checkpoint is None or place(folder.path, *run, checkpoint).exists()}


@dataclass(frozen=True)
class SeedsJob:
    """What a worker needs to live seeds of a run: its folder, and the plug-ins its strategies come from.

    The scenario is read from the folder, where a book's path is absolute, so that no customer travels to a worker.
    """

    path: str
    run_id: str
    plugins: tuple[str, ...] = ()
    checkpoint: int | None = None

    def do(self, items: Sequence[int]) -> dict[str, Any]:
        """Live these seeds and store them; the receipt names what broke and how many rows each month had."""
        began = perf_counter()
        folder, ready = self._folder(), prepared_in(self.path, self.run_id, self.plugins)
        recording, done = Recording(), stored(folder, self.checkpoint)
        runs = SeedRuns(ready, folder, callback=recording, checkpoint=self.checkpoint, done=done)
        failed = [one for seed in items for one in runs.of(seed)]
        return {
            "units": len(items),
            "seconds": perf_counter() - began,
            "broken": failed,
            "rows": recording.rows,
            "runs": recording.runs,
            "peak_memory_mb": peak_memory_mb(),
        }

    def crash(self, item: int, reason: str) -> str:
        """A seed that no worker could live is named by whoever drives."""
        return reason

    def _folder(self) -> ResultsFolder:
        path = Path(self.path)
        return ResultsFolder(path, read_manifest(path))


_read: dict[tuple[str, str, tuple[str, ...]], Prepared] = {}  # of a worker process: the scenario that it lives


def prepared_in(path: str, run_id: str, plugins: tuple[str, ...]) -> Prepared:
    """In a worker: the scenario of a results folder, read once, with the plug-ins its strategies come from."""
    from sim.experiments.prepare import prepare
    from sim.strategies import load_plugins

    if (key := (path, run_id, plugins)) not in _read:
        load_plugins(plugins)
        _read.clear()
        (_read[key],) = prepare([Path(path) / "scenario.yaml"])
    return _read[key]


class Recording(Callback):
    """Keeps what the driver's own callback should hear."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.runs: list[tuple[str, int, float]] = []

    def month(self, rows: int) -> None:
        self.rows.append(rows)

    def finished(self, arm: str, seed: int, seconds: float) -> None:
        self.runs.append((arm, seed, seconds))


class RunsOnWorkers(Callback):
    """Lives the seeds of a run by workers, as many at a time as there are, and keeps what broke until it is asked."""

    def __init__(
        self,
        prepared: Prepared,
        folder: ResultsFolder,
        where: Where,
        checkpoint: int | None,
        plugins: tuple[str, ...],
        callback: Callback,
    ):
        self.where, self.callback, self.folder = KeptOpen(where), callback, folder
        s = prepared.scenario
        self.arms = [arm.name for arm in s.arm_list]
        self.done = stored(folder, checkpoint)
        seeds = sorted(folder.manifest["seeds"])
        self.todo = [seed for seed in seeds if self._missing(seed)]
        # Whether more seeds are needed hangs on those before: no more than can be lived at a time
        self.wave = max(self.where.workers, 1) if isinstance(s.seeds, SeedsUntil) else len(self.todo)
        path = str(folder.path.resolve())
        self.job = SeedsJob(path, folder.manifest["run_id"], plugins, checkpoint)
        self.broken: dict[int, list[dict[str, Any]]] = {}
        self.peak_memory_mb = 0.0
        self.handed = 0  # runs handed out so far

    def of(self, seed: int) -> list[dict[str, Any]]:
        """Live the seed, if it is not done, with those after it; returns the runs of the seed that broke."""
        if self.todo[:1] == [seed]:  # seeds are asked for in their order
            now, self.todo = self.todo[: self.wave], self.todo[self.wave :]
            self.handed += sum(map(self._missing, now))
            self.callback.expect(self.handed)
            drive(self.job, now, self.where, self)
        return self.broken.get(seed, [])

    def _missing(self, seed: int) -> int:
        return sum((arm, seed) not in self.done for arm in self.arms)

    def close(self) -> None:
        """Send the workers home."""
        self.where.close()

    def chunk(self, receipt: dict[str, Any]) -> None:
        self.peak_memory_mb = max(self.peak_memory_mb, receipt["peak_memory_mb"])
        for rows in receipt["rows"]:
            self.callback.month(rows)
        for arm, seed, seconds in receipt["runs"]:
            self.callback.finished(arm, seed, seconds)
        for one in receipt["broken"]:
            self.broken.setdefault(one["seed"], []).append(one)
            self.callback.failed(one["arm"], one["seed"], one["error"])

    def crashed(self, item: Any, reason: str) -> None:
        finished = self.folder.finished()
        for arm in self.arms:
            if (arm, item) not in finished:
                one = {"arm": arm, "seed": item, "error": reason, "traceback": ""}
                self.broken.setdefault(item, []).append(one)
                self.callback.failed(arm, item, reason)

    def note(self, text: str) -> None:
        self.callback.note(text)
