"""Pandemic: branches close, then open by halves; customers turn to the app, managers to phone and video.

In 2020 existing users did more with the app and few took it up who had not (F63: 44 % more use, less than 2 % new), yet
CFCA's penetration rose 8 and 10 points in two years (F55): both are here, use and uptake.
"""

from __future__ import annotations

import math
from typing import Literal

from sim.assumptions import assumption
from sim.environment.base import LONGEST, Shock, World


class Pandemic(Shock):
    """Branches close for a while, customers turn to the app, managers to phone and video; some visits never return."""

    kind: Literal["pandemic"]
    months: int = assumption(9, "months", plausible=(6, 24), allowed=(1, LONGEST), source="SPEC 6.6")
    """how long adoption, app use and managers' contacts are changed"""
    closed_months: int = assumption(2, "months", plausible=(1, 4), allowed=(0, LONGEST), source="SPEC 6.6")
    """months in which most branches are closed"""
    closed_capacity: float = assumption(0.3, "ratio", plausible=(0.0, 0.6), allowed=(0, 1), source="SPEC 6.6; F63")
    """branch capacity in those"""
    limited_months: int = assumption(6, "months", plausible=(3, 12), allowed=(0, LONGEST), source="SPEC 6.6")
    """months after those with limited opening"""
    limited_capacity: float = assumption(0.7, "ratio", plausible=(0.5, 0.9), allowed=(0, 1), source="SPEC 6.6")
    """branch capacity in those"""
    adoption: float = assumption(1.7, "odds ratio", plausible=(1.2, 2.5), allowed=(0.01, 100), source="SPEC 6.6; F55")
    """taking up the app, a month"""
    app_use: float = assumption(0.25, "share", plausible=(0.1, 0.45), allowed=(-1, 10), source="SPEC 6.6; F63")
    """more episodes of app users in the app"""
    remote: float = assumption(0.80, "share", plausible=(0.6, 1.0), allowed=(0, 1), source="SPEC 6.6")
    """least share of managers' contacts by phone, video and message"""
    branch_lost: float = assumption(0.15, "share", plausible=(0.05, 0.3), allowed=(0, 1), source="SPEC 6.6")
    """branch visits no longer wanted, from then on for good"""

    def lasts(self) -> int:
        """Until the last restriction is lifted; visits lost for good do not count."""
        return max(self.months, self.closed_months + self.limited_months)

    def capacity(self, elapsed: int) -> float:
        """What is left of branch capacity."""
        if elapsed <= self.closed_months:
            return self.closed_capacity
        return self.limited_capacity if elapsed <= self.closed_months + self.limited_months else 1.0

    def act(self, world: World, elapsed: int) -> None:
        """Capacity by its calendar, habits while it lasts, and visits lost for good."""
        world.branch_capacity *= self.capacity(elapsed)
        world.branch_demand *= 1.0 - self.branch_lost
        if elapsed <= self.months:
            world.adoption += math.log(self.adoption)
            world.app_use *= 1.0 + self.app_use
            world.remote = max(world.remote, self.remote)
