"""Human-resource safeguard: managers stay, posts are filled sooner, customers are handed over, keeping is rewarded.

Why it may work: a changed manager costs loyalty and wallet [F47], and a manager who leaves for a rival takes
customers along [F46]; a prepared hand-over hurts less.
What would change our minds: books of departed managers lose as many customers as before.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from sim.assumptions import assumption
from sim.levers import Levers, logit
from sim.strategies.base import Bank, Strategy
from sim.strategies.cost import Running


class HumanResources(Strategy):
    """Human-resource safeguard: fewer managers leave, shorter vacancies, prepared hand-overs, pay for keeping."""

    touches: ClassVar = ("managers",)
    chain: ClassVar = ("bond", "satisfaction", "exits", "money")

    use: Literal["human_resources"] = "human_resources"
    lag: float = assumption(6.0, "months", plausible=(3, 9), allowed=(0, 240), source="SPEC 6.2")
    """months until half has taken hold"""
    running: Running = assumption(
        0.003, "share of annual revenue a year", plausible=(0.0, 0.006), source="SPEC 6.2, assumption"
    )
    """what it costs to run (pay)"""
    manager_exits: float = assumption(
        0.75, "HR", plausible=(0.6, 1.0), allowed=(0.01, 10), source="SPEC 6.2, assumption; F46, F47"
    )
    """managers who leave"""
    vacancy: float = assumption(0.5, "ratio", plausible=(0.25, 1.0), allowed=(0.01, 10), source="SPEC 6.2, assumption")
    """months a post stays empty (two to one)"""
    unprepared: float = assumption(
        0.1, "ratio", plausible=(0.02, 0.5), allowed=(0.0001, 10), source="SPEC 6.2, assumption; F47"
    )
    """departures without a hand-over that remain"""
    push: float = assumption(0.60, "share", plausible=(0.4, 0.7), allowed=(0, 1), source="assumption")
    """managers' contacts that offer a product once pay rewards keeping customers"""

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Managers' leaving and what it does; what they are paid for."""
        levers.log_manager_exit += maturity * math.log(self.manager_exits)
        levers.log_vacancy += maturity * math.log(self.vacancy)
        levers.log_unprepared += maturity * math.log(self.unprepared)
        levers.push_managers += maturity * (logit(self.push) - logit(bank.push))
