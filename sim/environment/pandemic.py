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
    months: int = assumption(9, unit="months", low=6, high=24, hard_low=1, hard_high=LONGEST, source="SPEC 6.6",
                             about="how long adoption, app use and managers' contacts are changed")  # fmt: skip
    closed_months: int = assumption(2, unit="months", low=1, high=4, hard_low=0, hard_high=LONGEST, source="SPEC 6.6",
                                    about="months in which most branches are closed")  # fmt: skip
    closed_capacity: float = assumption(0.3, unit="ratio", low=0.0, high=0.6, hard_low=0, hard_high=1,
                                        source="SPEC 6.6; F63", about="branch capacity in those")  # fmt: skip
    limited_months: int = assumption(6, unit="months", low=3, high=12, hard_low=0, hard_high=LONGEST,
                                     source="SPEC 6.6", about="months after those with limited opening")  # fmt: skip
    limited_capacity: float = assumption(0.7, unit="ratio", low=0.5, high=0.9, hard_low=0, hard_high=1,
                                         source="SPEC 6.6", about="branch capacity in those")  # fmt: skip
    adoption: float = assumption(1.7, unit="odds ratio", low=1.2, high=2.5, hard_low=0.01, hard_high=100,
                                 source="SPEC 6.6; F55", about="taking up the app, a month")  # fmt: skip
    app_use: float = assumption(0.25, unit="share", low=0.1, high=0.45, hard_low=-1, hard_high=10,
                                source="SPEC 6.6; F63", about="more episodes of app users in the app")  # fmt: skip
    remote: float = assumption(0.80, unit="share", low=0.6, high=1.0, hard_low=0, hard_high=1, source="SPEC 6.6",
                               about="least share of managers' contacts by phone, video and message")  # fmt: skip
    branch_lost: float = assumption(0.15, unit="share", low=0.05, high=0.3, hard_low=0, hard_high=1,
                                    source="SPEC 6.6",
                                    about="branch visits no longer wanted, from then on for good")  # fmt: skip

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
