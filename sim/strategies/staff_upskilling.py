"""A professional team (strategy 4): programmes for professional and digital skill, and specialists behind managers.

Why it may work: training moves behaviour and results by about 0.6 SD where it is learnt, half of which reaches the
job [F41]; skilled managers serve better and stay longer [F54]. Skill fades within a year unless it is used [F43].
What would change our minds: no better service by trained managers six months after a programme.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from sim.assumptions import assumption
from sim.levers import Levers
from sim.strategies.base import Bank, Strategy

QUARTER, YEAR = 3, 12


class StaffUpskilling(Strategy):
    """Professional team: yearly programmes for professional and digital skill, specialist teams for the upper tiers."""

    gated = True
    use: Literal["staff_upskilling"] = "staff_upskilling"
    lag: float = assumption(6.0, unit="months", low=3, high=9, hard_low=0, hard_high=240, source="SPEC 6.2",
                            about="months until half has taken hold")  # fmt: skip
    running: float = assumption(0.003, unit="share of annual revenue a year", low=0.001, high=0.006, hard_low=0,
                                hard_high=10, source="SPEC 6.2, assumption",
                                about="what it costs to run, without managers' time")  # fmt: skip
    professional: float = assumption(0.60, unit="SD", low=0.4, high=0.8, hard_low=0, hard_high=5, source="F41",
                                     about="professional skill learnt in one yearly programme")  # fmt: skip
    digital: float = assumption(0.60, unit="SD", low=0.4, high=0.8, hard_low=0, hard_high=5, source="F41",
                                about="digital skill learnt in one yearly programme")  # fmt: skip
    transfer: float = assumption(
        0.5,
        unit="share",
        low=0.3,
        high=0.8,
        hard_low=0,
        hard_high=1,
        source="SPEC 4.2, assumption",
        about="of what is learnt that reaches the job",
    )
    away: float = assumption(0.09, unit="share", low=0.03, high=0.15, hard_low=0, below=1,
                             source="SPEC 4.2, assumption",
                             about="client hours lost in the training month of each quarter (three days)")  # fmt: skip
    specialists: float = assumption(0.15, unit="SD", low=0.0, high=0.3, hard_low=-5, hard_high=5,
                                    source="SPEC 6.2, assumption; F6",
                                    about="service quality by specialist teams (1+N)")  # fmt: skip
    specialists_from: int = assumption(2, unit="tier, counted from 0", low=1, high=3, hard_low=0, hard_high=20,
                                       source="F6", about="lowest tier with specialist teams")  # fmt: skip
    manager_exits: float = assumption(0.85, unit="HR", low=0.7, high=1.0, hard_low=0.01, hard_high=10,
                                      source="SPEC 6.2, assumption; F54", about="managers who leave")  # fmt: skip

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """A quarter of the yearly programme in the first month of each quarter; specialists; managers who stay."""
        if elapsed % QUARTER == 1 and maturity > 0:
            levers.train_professional += maturity * self.professional * self.transfer * QUARTER / YEAR
            levers.train_digital += maturity * self.digital * self.transfer * QUARTER / YEAR
            levers.log_hours += self.intensity * math.log1p(-self.away)  # the time is gone whatever is learnt
        served = np.arange(len(bank.tiers)) >= self.specialists_from
        levers.quality += np.where(served, maturity * self.specialists, 0.0)
        levers.log_manager_exit += maturity * math.log(self.manager_exits)
