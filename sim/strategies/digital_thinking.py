"""User-centred digital thinking (strategy 1): processes are built from the customer's side.

Why it may work: fewer failures and steadier service raise satisfaction, since losses weigh more than gains [F22];
complaints that are solved do not linger [F24]; contacts push fewer products [F33]. It also opens the gate for the
strategies that need an organisation which thinks digitally [F62].
What would change our minds: no fall of failures and complaints in the second year.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

from sim.assumptions import assumption
from sim.levers import Levers, logit
from sim.strategies.base import Bank, Strategy
from sim.strategies.cost import Capital, Running


class DigitalThinking(Strategy):
    """User-centred digital thinking: steadier service, fewer failures, complaints solved, less product push."""

    touches: ClassVar = ("service", "contacts")
    chain: ClassVar = ("failures", "quality", "satisfaction", "trust", "exits", "money")

    use: Literal["digital_thinking"] = "digital_thinking"
    lag: float = assumption(12.0, "months", plausible=(6, 18), allowed=(0, 240), source="SPEC 6.2")
    """months until half has taken hold"""
    capital: Capital = assumption(
        0.005, "share of annual revenue", plausible=(0.0, 0.01), source="SPEC 6.2, assumption"
    )
    """what it costs to set up"""
    running: Running = assumption(
        0.002, "share of annual revenue a year", plausible=(0.0, 0.005), source="SPEC 6.2, assumption"
    )
    """what it costs to run"""
    quality: float = assumption(
        0.25, "SD", plausible=(0.0, 0.5), allowed=(-5, 5), source="SPEC 6.2, assumption; sign F22"
    )
    """better reliability and responsiveness"""
    quality_part: float = assumption(0.54, "weight", plausible=(0.4, 0.7), allowed=(0, 1), source="SPEC 1.4")
    """weight of reliability (.32) and responsiveness (.22) in perceived quality"""
    variance: float = assumption(
        -0.20, "share", plausible=(-0.4, 0.0), allowed=(-0.99, 5), source="SPEC 6.2, assumption"
    )
    """change of service variance"""
    failures: float = assumption(
        -0.25, "share", plausible=(-0.5, 0.0), allowed=(-0.99, 5), source="SPEC 6.2, assumption; sign F24"
    )
    """change of service failures"""
    resolution: float = assumption(0.85, "share", plausible=(0.7, 0.95), allowed=(0, 1), source="F7")
    """complaints resolved within 72 hours"""
    push: float = assumption(0.40, "share", plausible=(0.3, 0.7), allowed=(0, 1), source="SPEC 6.2, assumption")
    """contacts that offer a product"""
    adoption: float = assumption(
        1.3, "odds ratio", plausible=(1.0, 1.6), allowed=(0.1, 10), source="SPEC 6.2, assumption"
    )
    """taking up the app"""

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Everybody's service, complaints and app journeys."""
        levers.quality += maturity * self.quality_part * self.quality
        levers.log_quality_sd += maturity * 0.5 * math.log1p(self.variance)
        levers.log_failure += maturity * math.log1p(self.failures)
        levers.resolution += maturity * (logit(self.resolution) - logit(bank.resolution))
        levers.push += maturity * (logit(self.push) - logit(bank.push))
        levers.adoption += maturity * math.log(self.adoption)
