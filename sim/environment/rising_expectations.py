"""Rising expectations: rivals' digital service gets better year by year, and customers come to expect it everywhere.

What customers expect of this bank follows what they meet here; on top of it they hold it against what they meet
elsewhere, which rises. A bank that stands still therefore disappoints a little more every year. What would change our
minds: satisfaction of customers who bank elsewhere too falls no faster than that of the others.
"""

from __future__ import annotations

from typing import Literal

from sim.assumptions import assumption
from sim.environment.base import LONGEST, Shock, World

YEAR = 12.0  # months


class RisingExpectations(Shock):
    """What customers expect of service rises with what rivals offer, so that a bank falls behind by standing still."""

    kind: Literal["rising_expectations"]
    a_year: float = assumption(
        0.03, "SD/year", plausible=(0.0, 0.1), allowed=(-1, 5), source="assumption; mechanism F93, F93b"
    )
    """rise of what customers expect of service quality"""
    months: int | None = assumption(None, "months", plausible=(24, 120), allowed=(1, LONGEST), source="assumption")
    """months in which it rises, to stay where it is then; null = to the end"""

    def lasts(self) -> int | None:
        return self.months

    def act(self, world: World, elapsed: int) -> None:
        """Add what it has risen so far."""
        world.expectation_rise += self.a_year * min(elapsed, self.months or elapsed) / YEAR
