"""Fee waiver: a strategy of somebody's own, outside the simulator.

Why it may work: fees are among the first reasons that customers give for changing banks [F8], and a call before the
decision delays it [F34]. Who pays no fee closes an account less often; and managers ring clients whose money is
draining away while there is still something to keep.
What would change our minds: no fewer closures among customers of the lower tiers after a year.
"""

import math
from typing import ClassVar

import numpy as np

from sim.strategies import RETENTION, Bank, BankView, Levers, Proposals, Running, Strategy, assumption, reached


class FeeWaiver(Strategy):
    """Fee waiver: no account fee in the lower tiers, and a call to clients whose money is draining away."""

    touches: ClassVar = ("hours",)  # managers have calls to make; nobody's service changes
    chain: ClassVar = ("contacts", "reached", "exits", "money")

    lag: float = assumption(3.0, "months", plausible=(1, 6), allowed=(0, 240), source="assumption")
    """months until half of the customers know of it"""
    running: Running = assumption(0.004, "share of annual revenue a year", plausible=(0.002, 0.01), source="assumption")
    """fees not earned"""
    closing: float = assumption(0.90, "HR", plausible=(0.8, 1.0), allowed=(0.1, 10), source="assumption; direction F8")
    """closing an account that costs nothing"""
    tiers: int = assumption(2, "tiers, counted from the lowest", plausible=(1, 3), allowed=(1, 20), source="assumption")
    """tiers in which the fee is waived"""
    draining: float = assumption(0.15, "share", plausible=(0.1, 0.3), allowed=(0.01, 0.99), source="assumption")
    """AUM lost in a month at which a manager calls"""

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Fewer closures in the lower tiers; hazard ratios multiply, so their logarithms are added."""
        waived = np.arange(len(bank.tiers)) < self.tiers
        levers.log_close += np.where(waived, maturity * math.log(self.closing), 0.0)

    def propose(self, view: BankView, maturity: float, month: int, bank: Bank) -> Proposals | None:
        """A call to clients who lost much of their AUM last month, the largest losses first."""
        lost = 1.0 - view.aum / np.maximum(view.aum_2, 1.0)  # at a month's end aum_2 is the month's end before
        wanted = (lost > self.draining) & (view.retained == 0) & reached(view.uid, maturity)
        return Proposals.for_rows(wanted, priority=lost / self.draining, purpose=RETENTION)
