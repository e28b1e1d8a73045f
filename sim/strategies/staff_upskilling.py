"""A professional team (strategy 4): programmes for professional and digital skill, and specialists behind managers.

Why it may work: training moves behaviour and results by about 0.6 SD where it is learnt, half of which reaches the
job [F41]; skilled managers serve better and stay longer [F54]. Skill fades within a year unless it is used [F43].
What would change our minds: no better service by trained managers six months after a programme.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np

from sim.assumptions import Doubts, assumption
from sim.levers import Levers
from sim.strategies.base import Bank, Strategy
from sim.strategies.cost import Running

QUARTER, YEAR = 3, 12


class StaffUpskilling(Strategy):
    """Professional team: yearly programmes for professional and digital skill, specialist teams for the upper tiers."""

    carriers: ClassVar = {"institutional": "institutions"}
    gates: ClassVar = {"digital_thinking": "gate"}
    erosion: ClassVar = {"human_resources": "erosion_half_life"}
    touches: ClassVar = ("managers",)
    doubts: ClassVar = Doubts(
        decided=("away", "specialists_from"), together={("professional", "digital", "transfer"): 0.5}
    )
    chain: ClassVar = ("skill", "quality", "satisfaction", "exits", "money")

    use: Literal["staff_upskilling"] = "staff_upskilling"
    lag: float = assumption(6.0, "months", plausible=(3, 9), allowed=(0, 240), source="SPEC 6.2")
    """months until half has taken hold"""
    running: Running = assumption(
        0.003,
        "share of annual revenue a year",
        plausible=(0.001, 0.006),
        source="SPEC 6.2, assumption",
    )
    """what it costs to run, without managers' time"""
    professional: float = assumption(0.60, "SD", plausible=(0.4, 0.8), allowed=(0, 5), source="F41")
    """professional skill learnt in one yearly programme"""
    digital: float = assumption(0.60, "SD", plausible=(0.4, 0.8), allowed=(0, 5), source="F41")
    """digital skill learnt in one yearly programme"""
    transfer: float = assumption(0.5, "share", plausible=(0.3, 0.8), allowed=(0, 1), source="SPEC 4.2, assumption")
    """of what is learnt that reaches the job"""
    away: float = assumption(
        0.09, "share", plausible=(0.03, 0.15), allowed=(0, None), below=1, source="SPEC 4.2, assumption"
    )
    """client hours lost in the training month of each quarter (three days)"""
    specialists: float = assumption(
        0.15, "SD", plausible=(0.0, 0.3), allowed=(-5, 5), source="SPEC 6.2, assumption; F6"
    )
    """service quality by specialist teams (1+N), for customers of a named manager"""
    specialists_from: int = assumption(2, "tier, counted from 0", plausible=(1, 3), allowed=(0, 20), source="F6")
    """lowest tier with specialist teams"""
    manager_exits: float = assumption(
        0.85, "HR", plausible=(0.7, 1.0), allowed=(0.01, 10), source="SPEC 6.2, assumption; F54"
    )
    """managers who leave"""

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """A quarter of the yearly programme in the first month of each quarter; specialists; managers who stay."""
        if elapsed % QUARTER == 1 and maturity > 0:
            levers.train_professional += maturity * self.professional * self.transfer * QUARTER / YEAR
            levers.train_digital += maturity * self.digital * self.transfer * QUARTER / YEAR
            levers.log_hours += self.intensity * math.log1p(-self.away)  # the time is gone whatever is learnt
        served = np.arange(len(bank.tiers)) >= self.specialists_from
        levers.quality_managed += np.where(served, maturity * self.specialists, 0.0)
        levers.log_manager_exit += maturity * math.log(self.manager_exits)
