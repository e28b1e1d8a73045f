"""One replication: a seed of a scenario, its burn-in lived once, every arm from a copy of the state.

Strategies act from month 1 on at the earliest, so a seed's burn-in is the same in every arm. Nothing else in the house
makes a bank live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from sim.errors import BadInput
from sim.experiments.prepared import Prepared
from sim.scenario.scenario import Arm

if TYPE_CHECKING:
    import pandas as pd

    from sim.bank.model import BankModel
    from sim.bank.state import State
    from sim.bank.stored import BankFolder
    from sim.exchange import Exchange
    from sim.experiments.stored_banks import SeedBanks
    from sim.population.synthetic import Source

NOTHING = Arm("nothing", ())  # an arm without strategies
Month = Callable[[int], None]  # hears of every month, with its number of rows


class Replication:
    """One seed of one scenario: its burn-in lived once, every arm from a copy of the state.

    `source` is where customers come from, if it is made already, `months` hears of every month that is lived. Banks
    live in memory, or in the files of `stored`. With an `exchange` its banks are one shard of each.
    """

    def __init__(
        self,
        prepared: Prepared,
        seed: int,
        *,
        source: Source | None = None,
        threads: int = 1,
        months: Month | None = None,
        exchange: Exchange | None = None,
        stored: SeedBanks | None = None,
    ):
        if stored is None and (place := prepared.scenario.population.store) is not None:
            what = f"{place}: these banks are lived in memory; `run` lives one in files, leave it out here"
            raise BadInput([prepared.origin.mistake(("population", "store"), what)])
        self.stored = stored
        self.prepared, self.seed, self.threads, self.months = prepared, seed, threads, months
        self.exchange = exchange
        self.burn_in_seconds = 0.0
        self._source = source
        self._state: State | None = None
        self._error: Exception | None = None

    def found(self, arm: Arm, state: State | None = None, folder: BankFolder | None = None) -> BankModel:
        """The bank of an arm before its burn-in, or as it goes on from a state; whoever asks lets it go."""
        from sim.bank.model import BankModel

        if self._source is None:
            self._source = self.prepared.customers()
        return BankModel(
            self.prepared.scenario,
            arm,
            self.seed,
            self._source,
            threads=self.threads,
            state=state,
            folder=folder,
            exchange=self.exchange,
            tidies=True,
        )

    def lived(self, arm: Arm) -> State | None:
        """Where the arm's bank stood when it was last left, if it is stored and was begun."""
        return None if self.stored is None else self.stored.of(arm.name).state()

    def state(self) -> State:
        """The state at month 0, lived at first use; a burn-in that broke breaks every arm alike."""
        if self._error is not None:
            raise self._error
        if self._state is None:
            began = perf_counter()
            try:
                self._state = self._begun()
            except Exception as error:
                self._error = error
                raise
            finally:
                self.burn_in_seconds = perf_counter() - began
        return self._state

    def _begun(self) -> State:
        """Live the burn-in, or what is left of it."""
        folder = None if self.stored is None else self.stored.burn_in()
        founder = self.found(NOTHING, None if folder is None else folder.state(), folder)
        try:
            return founder.burn_in(self.months)
        finally:
            founder.let_go()

    @contextmanager
    def bank(self, arm: Arm, state: State | None = None) -> Iterator[BankModel]:
        """The bank of an arm at month 0, or as it goes on from another state; its memory is freed afterwards."""
        state = self.state() if state is None else state
        folder = None if self.stored is None else self.stored.of(arm.name)
        if self.stored is not None and arm.name == self.stored.last and state is self._state:
            folder, self._state = self.stored.take_over(arm.name), None
            state = folder.state()
        bank = self.found(arm, state, folder)
        del state  # files that a bank has left take their place on the disk as long as anybody holds their columns
        try:
            yield bank
        finally:
            bank.let_go()

    def tables(self, arm: Arm, state: State | None = None) -> dict[str, pd.DataFrame]:
        """What is recorded of an arm that lives to the end, by name of the table."""
        with self.bank(arm, state) as bank:
            return bank.run(self.months).tables(bank.team.events)
