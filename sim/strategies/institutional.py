"""Institutional safeguard: rules, consent and supervision that carry the strategies.

Why it may work: open collection with consent turns the effect of personalisation round [F69]; rules against
mis-selling prevent the failures that managers' advice makes.
What would change our minds: trust falls with personalisation although customers were asked.
"""

from __future__ import annotations

import math
from typing import Literal

from sim.assumptions import assumption
from sim.levers import Levers
from sim.strategies.base import Bank, Strategy
from sim.strategies.contact_cap import capped


class Institutional(Strategy):
    """Institutional safeguard: consent, rules against mis-selling, a cap on contacts, strategies better carried out."""

    use: Literal["institutional"] = "institutional"
    lag: float = assumption(6.0, unit="months", low=3, high=9, hard_low=0, hard_high=240, source="SPEC 6.2",
                            about="months until half has taken hold")  # fmt: skip
    running: float = assumption(0.001, unit="share of annual revenue a year", low=0.0, high=0.002, hard_low=0,
                                hard_high=10, source="SPEC 6.2, assumption", about="what it costs to run")  # fmt: skip
    mis_selling: float = assumption(-0.40, unit="share", low=-0.6, high=0.0, hard_low=-0.99, hard_high=5,
                                    source="SPEC 6.2, assumption", about="change of failures of advice")  # fmt: skip
    advice: float = assumption(0.2, unit="share", low=0.05, high=0.4, hard_low=0, hard_high=1, source="assumption",
                               about="service failures that are failures of advice")  # fmt: skip
    consent: float = assumption(1.0, unit="share", low=0.5, high=1.0, hard_low=0, hard_high=1, source="F69; SPEC 6.2",
                                about="of the backlash against the use of data that consent takes away")  # fmt: skip
    pressure: float = assumption(1.2, unit="ideal = 1", low=1.0, high=2.0, hard_low=0.01, hard_high=100,
                                 source="SPEC 6.2; F31", about="most quarterly contact pressure")  # fmt: skip

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Consent, fewer failures of advice, the cap on contacts."""
        levers.log_failure += maturity * math.log1p(self.advice * self.mis_selling)
        levers.log_refusal += math.log(max(1.0 - maturity * self.consent, 1e-9))
        capped(levers, maturity, self.pressure)
