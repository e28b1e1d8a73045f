"""Where the runs of a scenario begin: from a burn-in that all arms of a seed share, or from stored states.

Strategies act from month 1 on at the earliest, so a seed's burn-in is the same in every arm: it is lived once, and
every arm begins from a copy of the state at month 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from sim.scenario.scenario import Arm, Scenario

if TYPE_CHECKING:
    from sim.bank.model import BankModel
    from sim.bank.state import State

Bank = Callable[["State | None"], "BankModel"]  # the bank of one arm and seed, founded or living on from a state


class Beginnings(Protocol):
    """What an execution asks: seed by seed, and within a seed arm by arm."""

    def months(self, runs: Sequence[tuple[Arm, int]]) -> int:
        """Months that these runs have to live in all, what they share counted once."""

    def of(self, arm: Arm, seed: int, bank: Bank, told: Callable[[int], None]) -> tuple[State, dict[str, Any]]:
        """The state this run begins from, and what the manifest says of it."""


class BurnIn:
    """Burn-in once a seed; one state stands at a time, and a burn-in that broke breaks every arm of its seed."""

    def __init__(self, scenario: Scenario):
        self.scenario = scenario
        self.seed: int | None = None
        self.state: State | None = None
        self.error: Exception | None = None

    def months(self, runs: Sequence[tuple[Arm, int]]) -> int:
        """Measured months of every run and one burn-in for every seed among them."""
        return len(runs) * self.scenario.months + len({seed for _, seed in runs}) * self.scenario.burn_in

    def of(self, arm: Arm, seed: int, bank: Bank, told: Callable[[int], None]) -> tuple[State, dict[str, Any]]:
        """The state at month 0. `burn_in_seconds` is told by the run that waited for it; the other arms have 0."""
        seconds = 0.0
        if seed != self.seed:
            self.seed, self.state, self.error = seed, None, None
            began = perf_counter()
            try:
                founder = bank(None)
                self.state = founder.burn_in(told)
                founder.let_go()
            except Exception as error:
                self.error = error
            seconds = perf_counter() - began
        if self.error is not None:
            raise self.error
        assert self.state is not None
        return self.state, {"burn_in_seconds": seconds}
