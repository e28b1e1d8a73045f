"""Rival app: a rival's digital service is better than ours, and customers at home with such things feel it most.

A better app elsewhere is weighed like a better yield elsewhere, times the customer's digital affinity: it raises the
hazard of leaving and draws liquid balances away. How much yield one SD of digital quality is worth is an assumption.
"""

from __future__ import annotations

from typing import Literal

from sim.assumptions import assumption
from sim.environment.base import LONGEST, Shock, World


class RivalApp(Shock):
    """A rival launches a better app, which counts as so many points of better yield times digital affinity."""

    kind: Literal["rival_app"]
    months: int | None = assumption(None, unit="months", low=12, high=36, hard_low=1, hard_high=LONGEST,
                                    source="assumption",
                                    about="months until ours is as good; null = never")  # fmt: skip
    quality: float = assumption(1.0, unit="SD", low=0.5, high=1.5, hard_low=0, hard_high=10, source="SPEC 6.6",
                                about="digital quality of the rival above ours")  # fmt: skip
    worth: float = assumption(1.0, unit="pp/SD", low=0.5, high=2.0, hard_low=0, hard_high=100, source="assumption",
                              about="yield gap that is felt as much as one SD of digital quality")  # fmt: skip

    def lasts(self) -> int | None:
        return self.months

    def act(self, world: World, elapsed: int) -> None:
        """Add to the yield gap, in pp-equivalents."""
        if self.months is None or elapsed <= self.months:
            world.yield_gap += self.quality * self.worth
