"""What the bank does not control: rivals' yields and apps, the market, a pandemic, managers hired away.

One file, one shock. A scenario's `environment` lists any of them; `Environment` lays them over one another month by
month. A shock never draws luck of its own for a customer's month, so all that happens before it is what happens
without it, and a shock of size nil changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from sim.agents.channel_settings import Channels
from sim.agents.customer import Customers
from sim.environment.base import Shock, StrikeContext, World
from sim.environment.internet_finance import InternetFinance
from sim.environment.manager_poaching import ManagerPoaching
from sim.environment.market_drawdown import MarketDrawdown
from sim.environment.pandemic import Pandemic
from sim.environment.rising_expectations import RisingExpectations
from sim.environment.rival_app import RivalApp
from sim.slips import Slip
from sim.tiers import Tier

AnyShock = Annotated[
    InternetFinance | Pandemic | MarketDrawdown | ManagerPoaching | RivalApp | RisingExpectations,
    Field(discriminator="kind"),
]
SHOCKS: dict[str, type[Shock]] = {
    "internet_finance": InternetFinance,
    "pandemic": Pandemic,
    "market_drawdown": MarketDrawdown,
    "manager_poaching": ManagerPoaching,
    "rival_app": RivalApp,
    "rising_expectations": RisingExpectations,
}


class Environment(World):
    """The outside world, moved month by month by the scenario's shocks; their order in the list changes nothing."""

    def __init__(
        self, tiers: Sequence[Tier], shocks: Sequence[Shock], liquid: np.ndarray, channels: Channels | None = None
    ):
        super().__init__(tiers, liquid, channels or Channels())
        self.shocks = sorted(shocks, key=lambda shock: (shock.kind, shock.start))
        self.month = 0

    def advance(self, month: int) -> None:
        """Move to this month: calm, then every shock that has begun."""
        self.month = month
        self.calm()
        for shock in self.shocks:
            if month > shock.start:
                shock.act(self, month - shock.start)

    def strike(self, customers: Customers, seed: int, trust_sd: float) -> None:
        """What shocks do to customers at once, before the month is lived. `trust_sd` is one SD of trust, raw."""
        striking = [one for one in self.shocks if self.month > one.start and one.strikes(self.month - one.start)]
        if striking:
            customers.turn()
        for shock in striking:
            shock.strike(customers, self.tiers, self.month - shock.start, StrikeContext(seed, self.month, trust_sd))


def environment_slips(shocks: Sequence[Shock], tiers: Sequence[Tier], months: int) -> Iterator[Slip]:
    """What does not fit: shocks beyond the horizon, tiers that are not there, two of a kind in the same month."""
    for i, shock in enumerate(shocks):
        if shock.start >= months:
            yield (i, "from"), f"{shock.start} is beyond the {months} measured months; from 0 to {months - 1}"
        for path, message in shock.slips(tiers):
            yield (i, *path), message
        for j, other in enumerate(shocks):
            if other.kind == shock.kind and (other.start, j) < (shock.start, i) and _runs_into(other, shock):
                yield (i, "from"), _conflict(j, other, shock)
                break


def _runs_into(first: Shock, second: Shock) -> bool:
    last = first.lasts()
    return last is None or second.start < first.start + last


def _conflict(place: int, first: Shock, second: Shock) -> str:
    last = first.lasts()
    until = "the end" if last is None else str(first.start + last)
    right = "give that one its months" if last is None else f"from {first.start + last} or later"
    return (
        f"{second.kind} contradicts environment[{place}], active from month {first.start + 1} to {until}; "
        f"one of a kind at a time, so {right}"
    )


__all__ = ["SHOCKS", "AnyShock", "Environment", "Shock", "StrikeContext", "World", "environment_slips"]
