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
    months: int | None = assumption(None, "months", plausible=(12, 36), allowed=(1, LONGEST), source="assumption")
    """months until ours is as good; null = never"""
    quality: float = assumption(1.0, "SD", plausible=(0.5, 1.5), allowed=(0, 10), source="SPEC 6.6")
    """digital quality of the rival above ours"""
    worth: float = assumption(1.0, "pp/SD", plausible=(0.5, 2.0), allowed=(0, 100), source="assumption")
    """yield gap that is felt as much as one SD of digital quality"""

    def lasts(self) -> int | None:
        return self.months

    def act(self, world: World, elapsed: int) -> None:
        """Add to the yield gap, in pp-equivalents."""
        if self.months is None or elapsed <= self.months:
            world.yield_gap += self.quality * self.worth
