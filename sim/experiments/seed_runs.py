"""The arms of a seed, lived one after the other and stored: in this process or in a worker's, the same."""

from __future__ import annotations

import resource
import sys
import traceback
from collections import defaultdict
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sim.errors import BadInput, RunFailed
from sim.experiments.callbacks import Callback
from sim.experiments.prepared import Prepared
from sim.experiments.replication import Replication
from sim.experiments.spread import SMALL
from sim.experiments.stored_banks import SeedBanks, place_of
from sim.experiments.survey import put_together, waves_of
from sim.experiments.warming import warm
from sim.scenario.scenario import Arm, Scenario
from sim.store.files import write_atomically
from sim.store.run_folder import ResultsFolder

if TYPE_CHECKING:
    import pandas as pd

    from sim.bank.model import BankModel
    from sim.bank.state import State
    from sim.population.synthetic import Source


class Beginnings(Protocol):
    """Where the runs of a scenario begin."""

    def months(self, runs: Sequence[tuple[Arm, int]]) -> int:
        """Months that these runs have to live in all, what they share counted once."""

    def state(self, arm: Arm, replication: Replication) -> State:
        """The state this run begins from."""


class BurnIn:
    """At month 0, after a burn-in that all arms of a seed share."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario

    def months(self, runs: Sequence[tuple[Arm, int]]) -> int:
        """Measured months of every run and one burn-in for every seed among them."""
        return len(runs) * self.scenario.months + len({seed for _, seed in runs}) * self.scenario.burn_in

    def state(self, arm: Arm, replication: Replication) -> State:
        """The state at month 0."""
        return replication.state()


class SeedRuns:
    """Lives the arms of one seed after the other and stores them; what all seeds share is made at the first.

    With several arms, each run's customers are held against those of the reference arm with the same seed. What became
    of the reference's is kept beside the parts of a run that is not whole yet, so that a resumed run still has it.
    """

    def __init__(
        self,
        prepared: Prepared,
        folder: ResultsFolder,
        *,
        threads: int = 1,
        callback: Callback,
        beginnings: Beginnings | None = None,
        checkpoint: int | None = None,
        done: Container[tuple[str, int]] = (),
    ):
        self.prepared, self.folder, self.callback = prepared, folder, callback
        self.beginnings = beginnings or BurnIn(prepared.scenario)
        self.checkpoint, self.done = checkpoint, done
        self.threads = threads if rows_of(prepared) > SMALL else 1
        self.source: Source | None = None
        self.waves = waves_of(prepared)

    def of(self, seed: int) -> list[dict[str, Any]]:
        """Live every arm of the seed that is not done yet; returns those that broke (arm, seed, error, traceback)."""
        failed: list[dict[str, Any]] = []
        todo = [arm for arm in self.prepared.scenario.arm_list if (arm.name, seed) not in self.done]
        if not todo:
            return failed
        with self._stored(seed, todo[-1]) as stored:
            replication = Replication(
                self.prepared,
                seed,
                source=self._customers(),
                threads=self.threads,
                months=self.callback.month,
                stored=stored,
            )
            for arm in todo:
                try:
                    self._run(arm, replication)
                except (RunFailed, BadInput):
                    raise
                except Exception as error:
                    message = f"{type(error).__name__}: {error}"
                    told = {"arm": arm.name, "seed": seed, "error": message, "traceback": traceback.format_exc()}
                    failed.append(told)
                    self.callback.failed(arm.name, seed, message)
        return failed

    @contextmanager
    def _stored(self, seed: int, last: Arm) -> Iterator[SeedBanks | None]:
        """The folder of the seed's banks where they are stored; gone when all have lived, left when one is stopped."""
        place = place_of(self.prepared)
        if place is None:
            yield None
            return
        banks = SeedBanks(place, self.prepared, seed, self.folder.manifest["code_version"], last.name)
        try:
            for arm in self.prepared.scenario.arm_list:
                if (arm.name, seed) in self.done:  # killed before its bank was gone
                    banks.of(arm.name).remove()
            yield banks
            banks.close()
        finally:
            banks.release()

    def _lived(self, arm: Arm, replication: Replication) -> State | None:
        """Where a stored bank goes on from, if it was begun and still has before it what is asked for."""
        state = replication.lived(arm)
        if state is None or self.checkpoint is None or state.month < self.checkpoint:
            return state
        from sim.bank.state_file import place

        saved = place(self.folder.path, arm.name, replication.seed, self.checkpoint).exists()
        return state if saved else None

    def _customers(self) -> Source:
        """Import the model, compile what is not compiled on this machine, and say so."""
        if self.source is None:
            self.callback.note("loading the model")
            warm(self.callback.note)
            self.source = self.prepared.customers()
        return self.source

    def _run(self, arm: Arm, replication: Replication) -> None:
        from sim.bank.state_file import Stamp, place, save

        seed = replication.seed
        state = self._lived(arm, replication)
        if state is not None and state.month > 0:
            self.callback.note(f"arm {arm.name}, seed {seed}: goes on from month {state.month}")
        state = state or self.beginnings.state(arm, replication)
        waited, replication.burn_in_seconds = replication.burn_in_seconds, 0.0  # told by the run that waited for it
        began = perf_counter()
        with replication.bank(arm, state) as bank:
            del state  # the bank is beyond it: what it holds may be given back
            asked: dict[str, list[pd.DataFrame]] = defaultdict(list)
            for month in self._stops(bank.month):
                bank.run(self.callback.month, until=month)
                if month == self.checkpoint:
                    stamp = Stamp(arm.name, seed, self.prepared.digest, self.folder.manifest["code_version"])
                    save(place(self.folder.path, arm.name, seed, month), bank.state(), stamp)
                if self.waves is not None and month in self.waves.months:
                    for name, table in self.waves.tables(bank):
                        asked[name].append(table)
            tables = bank.run(self.callback.month).tables(bank.team.events)
            tables |= put_together(asked)
            changed = self._individuals(arm.name, seed, bank)
            if changed is not None:
                tables["individuals"] = changed
        seconds = perf_counter() - began
        facts = {"burn_in_seconds": waited} if isinstance(self.beginnings, BurnIn) else {}
        self.folder.add(
            arm.name,
            seed,
            tables,
            seconds,
            threads=bank.threads,
            measured_rows=bank.measured_rows,
            measured_seconds=bank.measured_seconds,
            **facts,
        )
        if replication.stored is not None:
            replication.stored.of(arm.name).remove()
        self.callback.finished(arm.name, seed, seconds)

    def _stops(self, month: int) -> list[int]:
        """Months after which a run stops to save its state or to ask: those that it has not lived yet."""
        stops = {self.checkpoint} if self.checkpoint is not None else set()
        stops |= set(self.waves.months) if self.waves is not None else set()
        return sorted(stop for stop in stops if stop > month or stop == month == 0)

    def _individuals(self, arm: str, seed: int, bank: BankModel) -> pd.DataFrame | None:
        """Whom the arm changed, as rows of individuals.parquet; None where the seed has no reference."""
        arms = self.prepared.scenario.arm_list
        if len(arms) < 2:
            return None
        from sim.bank.fates import changed, individuals

        was, fate = bank.observer.month_zero, bank.fates()
        file = self.folder.path / "parts" / f"{arms[0].name}.{seed}.fates"
        if arm == arms[0].name:
            write_atomically(file, fate.tobytes())
            before = fate
        elif file.exists():
            before = np.frombuffer(file.read_bytes(), np.int8)
        else:
            return None
        if before.size != fate.size:
            return None
        table = individuals(changed(before, fate, was, len(bank.tiers)), [tier.name for tier in bank.tiers])
        table.insert(0, "seed", np.int64(seed))
        table.insert(0, "arm", arm)
        return table


def rows_of(prepared: Prepared) -> int:
    """How many rows the bank of a scenario begins with."""
    from sim.population.strata import DEFAULT_CUSTOMERS, rows_wanted

    if prepared.book is not None:
        return prepared.book.rows
    population = prepared.scenario.population
    return rows_wanted(population, population.customers or DEFAULT_CUSTOMERS)


def peak_memory_mb() -> float:
    """Largest resident size of this process and its children, MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    sizes = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(sizes) / unit
