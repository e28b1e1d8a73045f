"""Institutional safeguard: rules, consent and supervision that carry the strategies.

Why it may work: open collection with consent turns the effect of personalisation round [F69]; rules against
mis-selling prevent the failures that managers' advice makes.
What would change our minds: trust falls with personalisation although customers were asked.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from sim.assumptions import Doubts, assumption
from sim.levers import Levers
from sim.strategies.base import Bank, Strategy
from sim.strategies.contact_cap import capped
from sim.strategies.cost import Running


class Institutional(Strategy):
    """Institutional safeguard: consent, rules against mis-selling, a cap on contacts, strategies better carried out."""

    touches: ClassVar = ("hours", "contacts")
    doubts: ClassVar = Doubts(decided=("pressure",), settled=("uncapped",))
    chain: ClassVar = ("failures", "satisfaction", "trust", "exits", "money")

    use: Literal["institutional"] = "institutional"
    lag: float = assumption(6.0, "months", plausible=(3, 9), allowed=(0, 240), source="SPEC 6.2")
    """months until half has taken hold"""
    running: Running = assumption(
        0.001, "share of annual revenue a year", plausible=(0.0, 0.002), source="SPEC 6.2, assumption"
    )
    """what it costs to run"""
    mis_selling: float = assumption(
        -0.40, "share", plausible=(-0.6, 0.0), allowed=(-0.99, 5), source="SPEC 6.2, assumption"
    )
    """change of failures of advice"""
    advice: float = assumption(0.2, "share", plausible=(0.05, 0.4), allowed=(0, 1), source="assumption")
    """service failures that are failures of advice"""
    consent: float = assumption(1.0, "share", plausible=(0.5, 1.0), allowed=(0, 1), source="F69; SPEC 6.2")
    """of the backlash against the use of data that consent takes away"""
    pressure: float = assumption(1.2, "ideal = 1", plausible=(1.0, 2.0), allowed=(0.01, 100), source="SPEC 6.2; F31")
    """most quarterly contact pressure"""
    uncapped: float = assumption(4.0, "ideal = 1", plausible=(2.5, 6), allowed=(0.01, 1000), source="assumption")
    """quarterly contact pressure that hardly anybody reaches, from which the cap comes down"""

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Consent, fewer failures of advice, the cap on contacts."""
        levers.log_failure += maturity * math.log1p(self.advice * self.mis_selling)
        levers.log_refusal += math.log(max(1.0 - maturity * self.consent, 1e-9))
        capped(levers, maturity, self.pressure, self.uncapped)
