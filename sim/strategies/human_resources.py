"""Human-resource safeguard: managers stay, posts are filled sooner, customers are handed over, keeping is rewarded.

Why it may work: a changed manager costs loyalty and wallet [F47], and a manager who leaves for a rival takes
customers along [F46]; a prepared hand-over hurts less.
What would change our minds: books of departed managers lose as many customers as before.
"""

from __future__ import annotations

import math
from typing import Literal

from sim.assumptions import assumption
from sim.levers import Levers, logit
from sim.strategies.base import Bank, Strategy


class HumanResources(Strategy):
    """Human-resource safeguard: fewer managers leave, shorter vacancies, prepared hand-overs, pay for keeping."""

    use: Literal["human_resources"] = "human_resources"
    lag: float = assumption(6.0, unit="months", low=3, high=9, hard_low=0, hard_high=240, source="SPEC 6.2",
                            about="months until half has taken hold")  # fmt: skip
    running: float = assumption(
        0.003,
        unit="share of annual revenue a year",
        low=0.0,
        high=0.006,
        hard_low=0,
        hard_high=10,
        source="SPEC 6.2, assumption",
        about="what it costs to run (pay)",
    )
    manager_exits: float = assumption(0.75, unit="HR", low=0.6, high=1.0, hard_low=0.01, hard_high=10,
                                      source="SPEC 6.2, assumption; F46, F47", about="managers who leave")  # fmt: skip
    vacancy: float = assumption(
        0.5,
        unit="ratio",
        low=0.25,
        high=1.0,
        hard_low=0.01,
        hard_high=10,
        source="SPEC 6.2, assumption",
        about="months a post stays empty (two to one)",
    )
    unprepared: float = assumption(0.1, unit="ratio", low=0.02, high=0.5, hard_low=0.0001, hard_high=10,
                                   source="SPEC 6.2, assumption; F47",
                                   about="departures without a hand-over that remain")  # fmt: skip
    push: float = assumption(0.60, unit="share", low=0.4, high=0.7, hard_low=0, hard_high=1, source="assumption; F51",
                             about="contacts that offer a product once pay rewards keeping customers")  # fmt: skip

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Managers' leaving and what it does; what they are paid for."""
        levers.log_manager_exit += maturity * math.log(self.manager_exits)
        levers.log_vacancy += maturity * math.log(self.vacancy)
        levers.log_unprepared += maturity * math.log(self.unprepared)
        levers.push += maturity * (logit(self.push) - logit(bank.push))
