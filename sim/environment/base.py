"""What a shock promises, and the state of the outside world that shocks make together.

A shock with ``from: m`` acts first in month m + 1, as a strategy does: month 0 is the state after burn-in and what
happens from it on begins in month 1. `elapsed` counts that month as 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import Field

from sim.agents.channel_settings import Channels
from sim.agents.customer import Customers
from sim.assumptions import Settings
from sim.slips import Slip
from sim.tiers import Tier

LONGEST = 1200  # months; the longest horizon


@dataclass
class World:
    """The outside world in one month, calm unless a shock moves it.

    Shocks that act together combine by the rule of each field, so no shock needs to know another.
    """

    tiers: Sequence[Tier]
    liquid: np.ndarray  # by tier: liquid share of AUM (`model.wallet.liquid`)
    channels: Channels = field(default_factory=Channels)
    yield_gap: float = field(init=False)  # pp that rivals pay (or are worth) more; adds
    expectation_rise: float = field(init=False)  # SD that rivals' service adds to what customers expect; adds
    adoption: float = field(init=False)  # log odds of taking up the app; adds
    branch_capacity: float = field(init=False)  # ratio; multiplies
    branch_demand: float = field(init=False)  # ratio on visits that customers want; multiplies
    app_use: float = field(init=False)  # ratio on what app users do there; multiplies
    remote: float = field(init=False)  # least share of managers' contacts outside the branch; the largest holds
    market: np.ndarray = field(init=False)  # by tier: log return of the month; adds
    margin: np.ndarray = field(init=False)  # by tier: ratio on the revenue of AUM; multiplies
    log_stay: np.ndarray = field(init=False)  # by tier: log chance that a manager is not poached this month; adds

    def __post_init__(self) -> None:
        self.calm()

    def calm(self) -> None:
        """Back to a world in which nothing happens."""
        self.yield_gap = self.adoption = self.remote = self.expectation_rise = 0.0
        self.branch_capacity = self.branch_demand = self.app_use = 1.0
        self.market = np.zeros(len(self.tiers))
        self.margin = np.ones(len(self.tiers))
        self.log_stay = np.zeros(len(self.tiers))

    @property
    def use(self) -> np.ndarray:
        """Ratio on the episodes that customers live through, by channel: visits are what is wanted and possible."""
        ratios = self.staffed
        ratios[self.channels.column("in_branch") > 0] = min(self.branch_capacity, self.branch_demand)
        return ratios

    @property
    def staffed(self) -> np.ndarray:
        """Ratio on the episodes that cost the bank, by channel: closed doors for a while send no teller home."""
        ratios = np.where(self.channels.column("in_branch") > 0, self.branch_demand, 1.0)
        ratios[self.channels.column("in_app") > 0] = self.app_use
        return ratios

    @property
    def poached(self) -> np.ndarray:
        """Chance that a named manager leaves to a rival this month, by tier."""
        return -np.expm1(self.log_stay)


class Shock(Settings):
    """Something that happens to the bank from a month on."""

    kind: str = Field(description="what happens")
    start: int = Field(
        alias="from",
        ge=0,
        le=LONGEST,
        description="month it begins; it acts first in the month after",
        json_schema_extra={"unit": "month"},
    )

    def lasts(self) -> int | None:
        """Months in which no second shock of this kind may begin or run; None = to the end."""
        raise NotImplementedError

    def act(self, world: World, elapsed: int) -> None:
        """Move the world in the `elapsed`-th month of the shock (1 = the first; counted on after it is over)."""

    def strike(self, customers: Customers, tiers: Sequence[Tier], elapsed: int, context: StrikeContext) -> None:
        """What the shock does to customers at once, before they live a month in which it `strikes`."""

    def strikes(self, elapsed: int) -> bool:
        """Whether it does anything to customers at once in this month."""
        return False

    def slips(self, tiers: Sequence[Tier]) -> Iterator[Slip]:
        """What does not fit the bank, paths below the shock."""
        return iter(())


@dataclass(frozen=True)
class StrikeContext:
    """What a strike may need of the month: the seed and month of its draws, and one SD of trust in raw units."""

    seed: int
    month: int
    trust_sd: float


def named(names: Sequence[str], tiers: Sequence[Tier]) -> np.ndarray:
    """Which tiers are meant, by their own name or that of the tier they are like: a mask."""
    return np.array([tier.name in names or tier.key in names for tier in tiers])


def unknown_tiers(key: str, names: Sequence[str], tiers: Sequence[Tier]) -> Iterator[Slip]:
    """A slip for each name that means no tier."""
    known = list(dict.fromkeys(name for tier in tiers for name in (tier.name, tier.key)))
    for i, name in enumerate(names):
        if name not in known:
            yield (key, i), f"unknown tier {name!r}; tiers are {', '.join(known)}"
