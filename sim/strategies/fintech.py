"""Financial-technology safeguard: data that can be trusted, systems that stay up, one name for each customer.

Why it may work: models know no more than their data; an app that fails teaches customers not to use it; a lead can
only be handed over if both worlds know the customer by one name.
What would change our minds: scores no better on clean data than on what there is.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from sim.assumptions import assumption
from sim.levers import Levers, logit
from sim.strategies.base import Bank, Strategy
from sim.strategies.cost import Capital


class Fintech(Strategy):
    """Financial-technology safeguard: better data for every model, fewer app failures, one name online and offline."""

    touches: ClassVar = ("hours", "app")
    chain: ClassVar = ("failures", "satisfaction", "adoption", "exits", "money")

    use: Literal["fintech"] = "fintech"
    lag: float = assumption(18.0, "months", plausible=(9, 27), allowed=(0, 240), source="SPEC 6.2")
    """months until half has taken hold"""
    capital: Capital = assumption(
        0.015, "share of annual revenue", plausible=(0.005, 0.03), source="SPEC 6.2, assumption; F61"
    )
    """what it costs to set up"""
    data_quality: float = assumption(
        0.85, "share", plausible=(0.7, 0.95), allowed=(0, 1), source="SPEC 6.2, assumption"
    )
    """of a model's knowledge that the data let through"""
    app_failures: float = assumption(
        -0.40, "share", plausible=(-0.6, 0.0), allowed=(-0.99, 5), source="SPEC 6.2, assumption"
    )
    """change of failures in the app"""

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Data quality and the app."""
        levers.data_quality += maturity * (logit(self.data_quality) - logit(bank.scores.data_quality))
        levers.log_app_failure += maturity * math.log1p(self.app_failures)
