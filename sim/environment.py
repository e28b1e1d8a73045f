"""What the bank does not control: rivals' yield, the market, the pandemic. Here: calm weather.

Shocks and events come with the strategies' issue; the month already asks the environment for its state, so they will
be entries of a list and nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Environment:
    """State of the outside world in one month; neutral unless an event moves it."""

    tiers: int
    yield_gap: float = 0.0  # pp that rivals pay more
    adoption: float = 0.0  # log odds of taking up the app
    branch_capacity: float = 1.0  # ratio
    market: np.ndarray = field(init=False)  # by tier: log return of invested money

    def __post_init__(self) -> None:
        self.market = np.zeros(self.tiers)

    def advance(self, month: int) -> None:
        """Move to this month."""
