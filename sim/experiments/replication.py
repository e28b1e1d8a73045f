"""The arms of a seed, lived one after the other and stored: in this process or in a worker's, the same."""

from __future__ import annotations

import resource
import sys
import traceback
from collections.abc import Container
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, RunFailed
from sim.experiments.beginnings import Beginnings
from sim.experiments.callbacks import Watcher
from sim.experiments.pairing import Fates
from sim.experiments.prepare import Prepared
from sim.scenario.scenario import Arm
from sim.store.run_folder import ResultsFolder

if TYPE_CHECKING:
    from sim.bank.model import BankModel
    from sim.bank.state import State
    from sim.population.synthetic import Source

SMALL = 20_000  # rows below which a second thread is not worth its while


class SeedLives:
    """Lives the arms of one seed after the other and stores them; what all seeds share is made at the first."""

    def __init__(
        self,
        prepared: Prepared,
        folder: ResultsFolder,
        threads: int,
        watcher: Watcher,
        beginnings: Beginnings,
        checkpoint: int | None,
        done: Container[tuple[str, int]],
    ):
        self.prepared, self.folder, self.watcher, self.beginnings = prepared, folder, watcher, beginnings
        self.checkpoint, self.done = checkpoint, done
        rows = prepared.book.rows if prepared.book is not None else _rows(prepared)
        self.threads = threads if rows > SMALL else 1
        arms = prepared.scenario.arm_list
        self.fates = Fates(folder, arms[0].name) if len(arms) > 1 else None
        self.source: Source | None = None

    def of(self, seed: int) -> list[dict[str, Any]]:
        """Live every arm of the seed that is not done yet; returns those that broke (arm, seed, error, traceback)."""
        failed: list[dict[str, Any]] = []
        for arm in self.prepared.scenario.arm_list:
            if (arm.name, seed) in self.done:
                continue
            try:
                self._live(arm, seed)
            except (RunFailed, BadInput):
                raise
            except Exception as error:
                failed.append(
                    {
                        "arm": arm.name,
                        "seed": seed,
                        "error": f"{type(error).__name__}: {error}",
                        "traceback": traceback.format_exc(),
                    }
                )
                self.watcher.failed(arm.name, seed, failed[-1]["error"])
        return failed

    def _customers(self) -> Source:
        """Import the model, and say so where the first bank will wait for the compiler."""
        if self.source is None:
            from sim.kernel.numerics import compiled

            new = "compiling the kernel, once on this machine (about 20 s)"
            self.watcher.preparing("loading the model" if compiled() else new)
            self.source = self.prepared.customers()
        return self.source

    def _live(self, arm: Arm, seed: int) -> None:
        source = self._customers()
        from sim.bank.model import BankModel
        from sim.bank.state_file import Stamp, place, save

        def bank_from(state: State | None) -> BankModel:
            return BankModel(self.prepared.scenario, arm, seed, source, threads=self.threads, state=state)

        state, facts = self.beginnings.of(arm, seed, bank_from, self.watcher.lived)
        began = perf_counter()
        bank = bank_from(state)
        if self.checkpoint is not None:
            bank.run(self.watcher.lived, until=self.checkpoint)
            stamp = Stamp(arm.name, seed, self.prepared.digest, self.folder.manifest["code_version"])
            save(place(self.folder.path, arm.name, seed, self.checkpoint), bank.state(), stamp)
        tables = bank.run(self.watcher.lived).tables(bank.team.events)
        changed = self.fates.table(arm.name, seed, bank) if self.fates is not None else None
        if changed is not None:
            tables["individuals"] = changed
        bank.let_go()
        seconds = perf_counter() - began
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
        self.watcher.finished(arm.name, seed, seconds)


def _rows(prepared: Prepared) -> int:
    from sim.population.strata import DEFAULT_CUSTOMERS, rows_wanted

    population = prepared.scenario.population
    return rows_wanted(population, population.customers or DEFAULT_CUSTOMERS)


def peak_memory_mb() -> float:
    """Largest resident size of this process and its children, MB."""
    unit = 1e6 if sys.platform == "darwin" else 1e3
    sizes = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return max(sizes) / unit
