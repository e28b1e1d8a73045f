"""Market drawdown: funds and wealth products lose value, and with it trust in those who recommended them.

The picture is 2022, when Chinese wealth products broke below par (SPEC 6.6: -5 to -15 %). The loss is a market effect,
not net new money (DECISIONS 21); what follows from lost trust and failed advice is the customers' own reaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from pydantic import Field

from sim.agents.customer import Customers
from sim.assumptions import assumption
from sim.codes import ACTIVE, DRAW_MANAGER, NOBODY
from sim.environment.base import LONGEST, Shock, StrikeContext, World, named, unknown_tiers
from sim.slips import Slip
from sim.tiers import Tier, row

DRAW_ADVICE = DRAW_MANAGER + 6  # whose manager advised badly: keyed by the customer


class MarketDrawdown(Shock):
    """Funds and wealth products lose value in one month; holders lose trust, and some managers' advice has failed."""

    kind: Literal["market_drawdown"]
    loss: float = assumption(0.10, "share", plausible=(0.05, 0.15), allowed=(0, None), below=1, source="SPEC 6.6")
    """value that funds and wealth products lose"""
    invested: dict[str, float] = assumption(
        unit="share",
        plausible=(0.05, 0.8),
        factory=lambda: {"mass": 0.15, "affluent": 0.35, "wealth": 0.50, "private": 0.60},
        source="assumption",
    )
    """share of wealth in funds and wealth products"""
    recovery_months: int | None = assumption(
        None, "months", plausible=(6, 24), allowed=(1, LONGEST), source="assumption"
    )
    """months after the fall in which the value comes back; null = it does not"""
    trust: float = assumption(-0.3, "SD", plausible=(-0.6, 0.0), allowed=(-5, 5), source="SPEC 6.6")
    """trust of holders at once"""
    holder_products: int = assumption(3, "products", plausible=(2, 4), allowed=(1, 100), source="assumption")
    """products from which an active customer counts as a holder"""
    holder_tiers: list[str] = Field(
        default_factory=lambda: ["wealth", "private"], description="tiers whose active customers are all holders"
    )
    advice_failure: float = assumption(
        0.10, "share", plausible=(0.0, 0.3), allowed=(0, 1), source="SPEC 6.6, 5.5; size assumption"
    )
    """holders with a manager to whom the loss is failed advice: an open service failure"""

    def lasts(self) -> int:
        """The month of the fall and those of recovery."""
        return 1 + (self.recovery_months or 0)

    def act(self, world: World, elapsed: int) -> None:
        """The fall in one month; the way back in equal log steps."""
        log_return = np.log1p(-self.loss * row(self.invested, world.tiers, np.float64))
        if elapsed == 1:
            world.market += log_return
        elif self.recovery_months is not None and elapsed <= 1 + self.recovery_months:
            world.market -= log_return / self.recovery_months

    def holders(self, customers: Customers, tiers: Sequence[Tier]) -> np.ndarray:
        """Rows of active customers who hold funds or wealth products."""
        upper = named(self.holder_tiers, tiers)[customers.tier]
        return np.flatnonzero((customers.state == ACTIVE) & (upper | (customers.products >= self.holder_products)))

    def strikes(self, elapsed: int) -> bool:
        """In the month of the fall."""
        return elapsed == 1

    def strike(self, customers: Customers, tiers: Sequence[Tier], elapsed: int, context: StrikeContext) -> None:
        """In the month of the fall: every holder's trust shifts; a drawn part of the managed ones was badly advised."""
        if not self.strikes(elapsed):
            return
        rows = self.holders(customers, tiers)
        if self.trust:
            customers.trust[rows] += np.float32(self.trust * context.trust_sd)
        advised = rows[customers.manager[rows] != NOBODY]
        if self.advice_failure and advised.size:
            from sim.kernel.numerics import uniforms

            u = uniforms(context.seed, DRAW_ADVICE, context.month, customers.uid[advised])[0]
            customers.open_failure[advised[u < self.advice_failure]] += np.float32(1.0)

    def slips(self, tiers: Sequence[Tier]) -> Iterator[Slip]:
        """Tiers that are not there."""
        return unknown_tiers("holder_tiers", self.holder_tiers, tiers)
