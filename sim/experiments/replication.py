"""One replication: a seed of a scenario, its burn-in lived once, every arm from a copy of the state.

Strategies act from month 1 on at the earliest, so a seed's burn-in is the same in every arm. Nothing else in the house
makes a bank live.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING

from sim.experiments.prepared import Prepared
from sim.scenario.scenario import Arm

if TYPE_CHECKING:
    import pandas as pd

    from sim.bank.model import BankModel
    from sim.bank.state import State
    from sim.exchange import Exchange
    from sim.population.synthetic import Source

NOTHING = Arm("nothing", ())  # an arm without strategies
Month = Callable[[int], None]  # hears of every month, with its number of rows


class Replication:
    """One seed of one scenario: its burn-in lived once, every arm from a copy of the state.

    `source` is where customers come from, if it is made already, `months` hears of every month that is lived. With an
    `exchange` its banks are one shard of each.
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
    ):
        self.prepared, self.seed, self.threads, self.months = prepared, seed, threads, months
        self.exchange = exchange
        self.burn_in_seconds = 0.0
        self._source = source
        self._state: State | None = None
        self._error: Exception | None = None

    def found(self, arm: Arm, state: State | None = None) -> BankModel:
        """The bank of an arm before its burn-in, or as it goes on from a state; whoever asks lets it go."""
        from sim.bank.model import BankModel

        if self._source is None:
            self._source = self.prepared.customers()
        s, source = self.prepared.scenario, self._source
        return BankModel(s, arm, self.seed, source, threads=self.threads, state=state, exchange=self.exchange)

    def state(self) -> State:
        """The state at month 0, lived at first use; a burn-in that broke breaks every arm alike."""
        if self._error is not None:
            raise self._error
        if self._state is None:
            began = perf_counter()
            try:
                founder = self.found(NOTHING)
                try:
                    self._state = founder.burn_in(self.months)
                finally:
                    founder.let_go()
            except Exception as error:
                self._error = error
                raise
            finally:
                self.burn_in_seconds = perf_counter() - began
        return self._state

    @contextmanager
    def bank(self, arm: Arm, state: State | None = None) -> Iterator[BankModel]:
        """The bank of an arm at month 0, or as it goes on from another state; its memory is freed afterwards."""
        bank = self.found(arm, self.state() if state is None else state)
        try:
            yield bank
        finally:
            bank.let_go()

    def tables(self, arm: Arm, state: State | None = None) -> dict[str, pd.DataFrame]:
        """What is recorded of an arm that lives to the end, by name of the table."""
        with self.bank(arm, state) as bank:
            return bank.run(self.months).tables(bank.team.events)
