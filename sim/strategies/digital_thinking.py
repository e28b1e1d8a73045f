"""User-centred digital thinking (strategy 1): processes are built from the customer's side.

Why it may work: fewer failures and steadier service raise satisfaction, since losses weigh more than gains [F22];
complaints that are solved do not linger [F24]; contacts push fewer products [F33]. It also opens the gate for the
strategies that need an organisation which thinks digitally [F62].
What would change our minds: no fall of failures and complaints in the second year.
"""

from __future__ import annotations

import math
from typing import Literal

from sim.assumptions import assumption
from sim.levers import Levers, logit
from sim.strategies.base import Bank, Strategy

SERVQUAL_PART = 0.54  # weight of reliability .32 and responsiveness .22 in perceived quality (SPEC 1.4)


class DigitalThinking(Strategy):
    """User-centred digital thinking: steadier service, fewer failures, complaints solved, less product push."""

    use: Literal["digital_thinking"] = "digital_thinking"
    lag: float = assumption(12.0, unit="months", low=6, high=18, hard_low=0, hard_high=240, source="SPEC 6.2",
                            about="months until half has taken hold")  # fmt: skip
    capital: float = assumption(0.005, unit="share of annual revenue", low=0.0, high=0.01, hard_low=0, hard_high=10,
                                source="SPEC 6.2, assumption", about="what it costs to set up")  # fmt: skip
    running: float = assumption(0.002, unit="share of annual revenue a year", low=0.0, high=0.005, hard_low=0,
                                hard_high=10, source="SPEC 6.2, assumption", about="what it costs to run")  # fmt: skip
    quality: float = assumption(0.25, unit="SD", low=0.0, high=0.5, hard_low=-5, hard_high=5,
                                source="SPEC 6.2, assumption; sign F22",
                                about="better reliability and responsiveness")  # fmt: skip
    variance: float = assumption(-0.20, unit="share", low=-0.4, high=0.0, hard_low=-0.99, hard_high=5,
                                 source="SPEC 6.2, assumption", about="change of service variance")  # fmt: skip
    failures: float = assumption(
        -0.25,
        unit="share",
        low=-0.5,
        high=0.0,
        hard_low=-0.99,
        hard_high=5,
        source="SPEC 6.2, assumption; sign F24",
        about="change of service failures",
    )
    resolution: float = assumption(0.85, unit="share", low=0.7, high=0.95, hard_low=0, hard_high=1, source="F7",
                                   about="complaints resolved within 72 hours")  # fmt: skip
    push: float = assumption(0.40, unit="share", low=0.3, high=0.7, hard_low=0, hard_high=1,
                             source="SPEC 6.2, assumption", about="contacts that offer a product")  # fmt: skip
    adoption: float = assumption(1.3, unit="odds ratio", low=1.0, high=1.6, hard_low=0.1, hard_high=10,
                                 source="SPEC 6.2, assumption", about="taking up the app")  # fmt: skip

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Everybody's service, complaints and app journeys."""
        levers.quality += maturity * SERVQUAL_PART * self.quality
        levers.log_quality_sd += maturity * 0.5 * math.log1p(self.variance)
        levers.log_failure += maturity * math.log1p(self.failures)
        levers.resolution += maturity * (logit(self.resolution) - logit(bank.resolution))
        levers.push += maturity * (logit(self.push) - logit(bank.push))
        levers.adoption += maturity * math.log(self.adoption)
