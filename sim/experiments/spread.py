"""The seeds of a run spread over workers: the same folder and the same bits, whoever lives them.

A worker lives all arms of a seed one after the other and writes them into the run's own folder; what it sends back is a
receipt. A seed whose worker dies too often is written off, and the others are kept.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.experiments.beginnings import BurnIn
from sim.results import ResultsFolder, read_manifest

if TYPE_CHECKING:
    from sim.experiments.execution import SeedLives


@dataclass(frozen=True)
class SeedsJob:
    """What a worker needs to live seeds of a run: its folder, and the plug-ins its strategies come from.

    The scenario is read from the folder, where a book's path is absolute, so that no customer travels to a worker.
    """

    path: Path
    plugins: tuple[str, ...] = ()
    checkpoint: int | None = None
    redo: bool = False  # live what is done already too: it lacks the state that a checkpoint asks for

    def do(self, seeds: Sequence[int]) -> dict[str, Any]:
        """Live these seeds and store them; the receipt names what broke."""
        lives = _lives(self)
        failed: list[dict[str, Any]] = []
        for seed in seeds:
            failed += lives.of(seed)
        return {"units": len(seeds), "failed_runs": failed, "worker": f"{os.uname().nodename}:{os.getpid()}"}

    def crash(self, seed: int, reason: str) -> dict[str, Any]:
        """What is said of a seed that no worker could live."""
        arms = read_manifest(self.path)["arms"]
        finished = ResultsFolder(self.path, read_manifest(self.path)).finished()
        lost = [arm for arm in arms if (arm, seed) not in finished]
        return {"failed_runs": [{"arm": arm, "seed": seed, "error": reason, "traceback": ""} for arm in lost]}


_standing: dict[SeedsJob, SeedLives] = {}  # of a worker process: the run it lives seeds of


def _lives(job: SeedsJob) -> SeedLives:
    from sim.experiments.execution import SeedLives, Watcher
    from sim.experiments.prepare import prepare
    from sim.strategies import load_plugins

    if job not in _standing:
        load_plugins(job.plugins)
        folder = ResultsFolder(job.path, read_manifest(job.path))
        (ready,) = prepare([job.path / "scenario.yaml"])
        done = set() if job.redo else folder.finished()
        _standing.clear()
        _standing[job] = SeedLives(ready, folder, 1, Watcher(), BurnIn(ready.scenario), job.checkpoint, done)
    return _standing[job]


def facts_of(receipts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What the manifest says of the workers."""
    return {"workers": sorted({str(receipt["worker"]) for receipt in receipts if "worker" in receipt})}
