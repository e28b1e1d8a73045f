"""Financial-technology safeguard: data that can be trusted, systems that stay up, one name for each customer.

Why it may work: models know no more than their data; an app that fails teaches customers not to use it; a lead can
only be handed over if both worlds know the customer by one name.
What would change our minds: scores no better on clean data than on what there is.
"""

from __future__ import annotations

import math
from typing import Literal

from sim.assumptions import assumption
from sim.levers import Levers, logit
from sim.strategies.base import Bank, Strategy


class Fintech(Strategy):
    """Financial-technology safeguard: better data for every model, fewer app failures, one name online and offline."""

    use: Literal["fintech"] = "fintech"
    lag: float = assumption(18.0, unit="months", low=9, high=27, hard_low=0, hard_high=240, source="SPEC 6.2",
                            about="months until half has taken hold")  # fmt: skip
    capital: float = assumption(0.015, unit="share of annual revenue", low=0.005, high=0.03, hard_low=0, hard_high=10,
                                source="SPEC 6.2, assumption; F61", about="what it costs to set up")  # fmt: skip
    data_quality: float = assumption(0.85, unit="share", low=0.7, high=0.95, hard_low=0, hard_high=1,
                                     source="SPEC 6.2, assumption",
                                     about="of a model's knowledge that the data let through")  # fmt: skip
    app_failures: float = assumption(-0.40, unit="share", low=-0.6, high=0.0, hard_low=-0.99, hard_high=5,
                                     source="SPEC 6.2, assumption", about="change of failures in the app")  # fmt: skip

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Data quality and the app."""
        levers.data_quality += maturity * (logit(self.data_quality) - logit(bank.scores.data_quality))
        levers.log_app_failure += maturity * math.log1p(self.app_failures)
