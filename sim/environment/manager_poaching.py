"""Manager poaching: a rival hires a part of the bank's managers in a few months, and some customers follow them.

Who follows, and how customers take the change, is what any departure to a rival does (SPEC 4.3); only the number and
the destination are the shock's.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from sim.assumptions import assumption
from sim.environment.base import LONGEST, Shock, World, named, unknown_tiers
from sim.slips import Slip
from sim.tiers import Tier


class ManagerPoaching(Shock):
    """A rival hires managers away within a few months; they leave without a hand-over, on top of usual turnover."""

    kind: Literal["manager_poaching"]
    months: int = assumption(3, "months", plausible=(1, 6), allowed=(1, LONGEST), source="SPEC 6.6")
    """months in which it goes on"""
    share: float = assumption(0.10, "share", plausible=(0.05, 0.25), allowed=(0, None), below=1, source="SPEC 6.6")
    """named managers who leave to the rival, over all these months"""
    tiers: list[str] = Field(default_factory=lambda: ["wealth"], min_length=1, description="tiers whose managers leave")

    def lasts(self) -> int:
        return self.months

    def act(self, world: World, elapsed: int) -> None:
        """The same chance every month, so that over all months `share` of the managers leave."""
        if elapsed <= self.months:
            world.log_stay += named(self.tiers, world.tiers) * (math.log1p(-self.share) / self.months)

    def slips(self, tiers: Sequence[Tier]) -> Iterator[Slip]:
        """Tiers that are not there."""
        return unknown_tiers("tiers", self.tiers, tiers)
