"""One bank over several workers: each lives a shard of it, with whole books of managers, and all of them every month.

A shard keeps its last whole month now and then (as often as costs about a twentieth of its time) in the run's own
folder, and the hub keeps what it has answered since: a shard whose worker died goes on from there, is told what it was
told before, and the others wait. With `--resume` a driver that comes after a dead one does the same with all shards.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.exchange import Linked
from sim.exchange.hub import Link
from sim.experiments.callbacks import Callback
from sim.experiments.executors.place import KeptOpen, Where
from sim.experiments.executors.together import ShardBroke, linked, live_together
from sim.experiments.prepared import Prepared
from sim.experiments.replication import NOTHING, Replication
from sim.experiments.run_on_workers import prepared_in
from sim.experiments.seed_runs import peak_memory_mb
from sim.scenario.scenario import Arm
from sim.store.files import write_atomically
from sim.store.run_folder import ResultsFolder
from sim.store.run_reading import read_manifest

if TYPE_CHECKING:
    from sim.bank.model import BankModel
    from sim.bank.state import State

BEGIN = "month-0.npz"
OFTEN = 20.0  # times as long as it takes to keep a month is lived before the next one is kept


@dataclass(frozen=True)
class ShardsJob:
    """What a worker needs to live one shard of all arms of a seed that are not `done`."""

    path: str
    run_id: str
    seed: int
    shards: int
    done: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()
    often: float = OFTEN

    def live(self, shard: int, address: tuple[str, int], token: str) -> dict[str, Any]:
        """Live the shard, from the month that was kept last if it has lived before; the first one stores tables."""
        with linked(address, token, shard) as link:
            Shard(self, shard, link).live()
            return {"peak_memory_mb": peak_memory_mb(), "waited": link.seconds}


@dataclass(frozen=True)
class Kept:
    """Where a shard would go on: in an arm ("" before month 0), with the state in a file and this question."""

    arm: str
    month: int
    number: int
    file: str
    begin: str = ""  # the file of month 0, from which every arm begins


class Shard:
    """One shard of the banks of a seed: burn-in, then arm after arm, as all other shards do at the same time."""

    def __init__(self, job: ShardsJob, mine: int, link: Link):
        self.job, self.mine, self.link = job, mine, link
        self.prepared = prepared_in(job.path, job.run_id, job.plugins)
        self.folder = ResultsFolder(Path(job.path), read_manifest(Path(job.path)))
        self.home = scratch(self.folder, job.seed) / f"{mine}"
        self.home.mkdir(parents=True, exist_ok=True)
        self.exchange = Linked(mine, job.shards, link.ask)
        self.replication = Replication(self.prepared, job.seed, exchange=self.exchange)
        self.kept: Kept | None = None
        self.kept_at, self.cost = perf_counter(), 0.0

    def live(self) -> None:
        """All that is left of it."""
        self._recall()
        arms = [arm for arm in self.prepared.scenario.arm_list if arm.name not in self.job.done]
        if self.kept is None or not self.kept.arm:
            self._found(arms[0])
        assert self.kept is not None
        names = [arm.name for arm in arms]
        for arm in arms[names.index(self.kept.arm) :]:
            self._live(arm)
            after = names.index(arm.name) + 1
            if after < len(arms):
                self._say(Kept(names[after], 0, self.link.number, self.kept.begin, self.kept.begin))

    def _found(self, first: Arm) -> None:
        """Burn-in, and month 0 kept for every arm."""
        bank = self.replication.found(NOTHING, self._state() if self.kept else None)
        try:
            self.kept_at = perf_counter()
            state = bank.burn_in(lambda rows: self._month(bank, "", rows))
        finally:
            bank.let_go()
        began = perf_counter()
        file = self._save(state, BEGIN)
        self.cost = perf_counter() - began
        self._say(Kept(first.name, 0, self.link.number, file, file))

    def _live(self, arm: Arm) -> None:
        from sim.bank.fates import individuals

        began, waited = perf_counter(), self.link.seconds
        with self.replication.bank(arm, self._state()) as bank:
            self.kept_at = perf_counter()
            bank.run(lambda rows: self._month(bank, arm.name, rows))
            rows = self.exchange.total(np.array([bank.measured_rows]))
            units = self._changed(arm, bank)
            if self.mine:
                return
            tables = bank.recorder.tables(bank.team.events)
            if units is not None:
                tables["individuals"] = individuals(units, [tier.name for tier in bank.tiers])
            seconds = perf_counter() - began
            measured = {"measured_rows": int(rows[0][0]), "measured_seconds": bank.measured_seconds}
            told = {"shards": self.job.shards, "seconds_waited": self.link.seconds - waited}
            self.folder.add(arm.name, self.job.seed, tables, seconds, threads=1, **measured, **told)
        self.link.tell(finished=arm.name, seconds=seconds)

    def _changed(self, arm: Arm, bank: BankModel) -> np.ndarray | None:
        """Whom the arm changed against the reference, of the whole bank; None where there is no reference."""
        from sim.bank.fates import changed

        arms = self.prepared.scenario.arm_list
        if len(arms) < 2:
            return None
        fate, file = bank.fates(), self.home / "fates"
        if arm.name == arms[0].name:
            write_atomically(file, fate.tobytes())
        known = file.exists()
        before = np.frombuffer(file.read_bytes(), np.int8) if known else fate
        units = changed(before, fate, bank.observer.month_zero, len(bank.tiers))
        (lacking, units) = self.exchange.total(np.array([not known], np.int64), units)
        return None if lacking[0] else units

    # --- what is kept ------------------------------------------------------------------------------------------

    def _month(self, bank: BankModel, arm: str, rows: int) -> None:
        """A month has been lived: say so, and keep it if it is time."""
        self.link.tell(arm=arm, month=bank.month, rows=rows)
        began, last = perf_counter(), self.prepared.scenario.months if arm else 0
        if bank.month == last or began - self.kept_at < self.job.often * self.cost:
            return
        file = self._save(bank.state(), f"{arm}-{bank.month}.npz")
        self._say(Kept(arm, bank.month, self.link.number, file, self.kept.begin if self.kept else ""))
        self.kept_at = perf_counter()
        self.cost = self.kept_at - began

    def _save(self, state: State, name: str) -> str:
        from sim.bank.state_file import save

        save(self.home / name, state, self._stamp())
        return name

    def _state(self) -> State:
        from sim.bank.state_file import load

        assert self.kept is not None
        return load(self.home / self.kept.file, self.kept.month, self._stamp())

    def _stamp(self) -> Any:
        from sim.bank.state_file import Stamp

        return Stamp(
            f"shard {self.mine} of {self.job.shards}",
            self.job.seed,
            self.prepared.digest,
            self.folder.manifest["code_version"],
        )

    def _say(self, kept: Kept) -> None:
        """Go on from here, from now on."""
        before, self.kept = self.kept, kept
        write_atomically(self.home / "kept.json", json.dumps(asdict(kept)))
        if before is not None and before.file not in (kept.file, kept.begin):
            (self.home / before.file).unlink(missing_ok=True)
        self.link.kept(kept.number)

    def _recall(self) -> None:
        with contextlib.suppress(OSError):
            self.kept = Kept(**json.loads((self.home / "kept.json").read_text("utf-8")))
            self.link.number = self.kept.number
            self.link.kept(self.kept.number)


def scratch(folder: ResultsFolder, seed: int) -> Path:
    """Where the shards of a seed keep what they would go on from, in a run's folder."""
    return folder.path / "parts" / f"shards.{seed}"


class ShardedRuns(Callback):
    """Lives the seeds of a run one after the other, each arm's bank by all shards at the same time."""

    def __init__(
        self,
        prepared: Prepared,
        folder: ResultsFolder,
        where: Where,
        shards: int,
        plugins: tuple[str, ...],
        callback: Callback,
        often: float = OFTEN,
    ):
        self.where, self.callback, self.folder = KeptOpen(where), callback, folder
        self.arms = [arm.name for arm in prepared.scenario.arm_list]
        self.shards, self.plugins, self.often = shards, plugins, often
        self.peak_memory_mb = 0.0
        self.exchange: dict[str, float] = defaultdict(float)  # what it has cost
        self._rows: dict[tuple[str, int], dict[int, int]] = {}
        self._seed = 0

    def of(self, seed: int) -> list[dict[str, Any]]:
        """Live every arm of the seed that is not done yet; returns those that broke."""
        done = {arm for arm, one in self.folder.finished() if one == seed}
        if done >= set(self.arms):
            return []
        self._seed, self._rows = seed, {}
        home = scratch(self.folder, seed)
        plan = self._plan(home, sorted(done))
        path = str(self.folder.path.resolve())
        job = ShardsJob(path, self.folder.manifest["run_id"], seed, self.shards, tuple(plan), self.plugins, self.often)
        try:
            receipts, cost = live_together(job, self.where, self, folder=self.folder.path, log=home, hear=self._hear)
        except ShardBroke as broke:
            shutil.rmtree(home, ignore_errors=True)
            return list(self._failed(seed, broke))
        shutil.rmtree(home, ignore_errors=True)
        for name, value in cost.items():
            self.exchange[name] += value
        self.exchange["seconds_waited"] += max(receipt["waited"] for receipt in receipts)
        self.peak_memory_mb = max(self.peak_memory_mb, *(receipt["peak_memory_mb"] for receipt in receipts))
        return []

    def _plan(self, home: Path, done: list[str]) -> list[str]:
        """Arms that were done when these shards began; what shards of another number kept is of no use."""
        file = home / "plan.json"
        with contextlib.suppress(OSError, ValueError):
            plan = json.loads(file.read_text("utf-8"))
            if plan["shards"] == self.shards and plan["run_id"] == self.folder.manifest["run_id"]:
                return list(plan["done"])
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        plan = {"shards": self.shards, "run_id": self.folder.manifest["run_id"], "done": done}
        write_atomically(file, json.dumps(plan))
        return done

    def _failed(self, seed: int, broke: ShardBroke) -> Iterator[dict[str, Any]]:
        finished = self.folder.finished()
        for arm in self.arms:
            if (arm, seed) not in finished:
                self.callback.failed(arm, seed, str(broke))
                yield {"arm": arm, "seed": seed, "error": str(broke), "traceback": broke.trace}

    def _hear(self, shard: int, told: dict[str, Any]) -> None:
        if "finished" in told:
            self.callback.finished(told["finished"], self._seed, told["seconds"])
            return
        rows = self._rows.setdefault((told["arm"], told["month"]), {})
        if len(rows) < self.shards:
            rows[shard] = told["rows"]
            if len(rows) == self.shards:
                self.callback.month(sum(rows.values()))

    def note(self, text: str) -> None:
        self.callback.note(text)

    def close(self) -> None:
        """Send the workers home."""
        self.where.close()
