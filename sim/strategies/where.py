"""A pilot: a strategy in a part of the bank, customers of some tiers, and of those a share that is drawn by key.

A customer belongs to a pilot by the tier it had at month 0, or joined in, and by its own draw, for good. So the same
customers are in it in every arm, and a larger share holds those of a smaller one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, NamedTuple

from pydantic import Field

from sim.assumptions import Settings
from sim.tiers import Name, Tier


class Pilot(NamedTuple):
    """A part of the bank: a share of the customers of some tiers."""

    share: float
    within: tuple[bool, ...]  # by tier


class Where(Settings):
    """The part of the bank that a strategy is tried in."""

    tier: Name | Annotated[list[Name], Field(min_length=1)] | None = Field(
        None, description="tiers that customers have at month 0, or join in; all unless named"
    )
    share: float = Field(
        1.0,
        gt=0,
        le=1,
        description="customers of those tiers, drawn by key: the same ones in every arm",
        json_schema_extra={"unit": "share"},
    )

    @property
    def tiers_named(self) -> list[str]:
        """The tiers it names, none for all."""
        return [] if self.tier is None else [self.tier] if isinstance(self.tier, str) else list(self.tier)

    def pilot(self, tiers: Sequence[Tier]) -> Pilot | None:
        """The part of a bank with these tiers; None for the whole bank."""
        named = self.tiers_named
        within = tuple(not named or tier.name in named for tier in tiers)
        return None if all(within) and self.share == 1.0 else Pilot(self.share, within)


def pilots(wheres: Iterable[Where | None], tiers: Sequence[Tier]) -> tuple[Pilot, ...]:
    """The pilots of strategies that act there, each once, in an order of their own; the whole bank is none."""
    found = {where.pilot(tiers) for where in wheres if where is not None}
    return tuple(sorted(pilot for pilot in found if pilot is not None))
