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
from sim.environment.base import LONGEST, Luck, Shock, World, named, unknown_tiers
from sim.slips import Slip
from sim.tiers import Tier, row

DRAW_ADVICE = DRAW_MANAGER + 6  # whose manager advised badly: keyed by the customer


class MarketDrawdown(Shock):
    """Funds and wealth products lose value in one month; holders lose trust, and some managers' advice has failed."""

    kind: Literal["market_drawdown"]
    loss: float = assumption(0.10, unit="share", low=0.05, high=0.15, hard_low=0, below=1, source="SPEC 6.6",
                             about="value that funds and wealth products lose")  # fmt: skip
    invested: dict[str, float] = assumption(
        factory=lambda: {"mass": 0.15, "affluent": 0.35, "wealth": 0.50, "private": 0.60}, unit="share", low=0.05,
        high=0.8, source="assumption", about="share of wealth in funds and wealth products",
    )  # fmt: skip
    recovery_months: int | None = assumption(
        None, unit="months", low=6, high=24, hard_low=1, hard_high=LONGEST, source="assumption",
        about="months after the fall in which the value comes back; null = it does not",
    )  # fmt: skip
    trust: float = assumption(-0.3, unit="SD", low=-0.6, high=0.0, hard_low=-5, hard_high=5, source="SPEC 6.6",
                              about="trust of holders at once")  # fmt: skip
    holder_products: int = assumption(3, unit="products", low=2, high=4, hard_low=1, hard_high=100, source="assumption",
                                      about="products from which an active customer counts as a holder")  # fmt: skip
    holder_tiers: list[str] = Field(default_factory=lambda: ["wealth", "private"],
                                    description="tiers whose active customers are all holders")  # fmt: skip
    advice_failure: float = assumption(
        0.10, unit="share", low=0.0, high=0.3, hard_low=0, hard_high=1, source="SPEC 6.6, 5.5; size assumption",
        about="holders with a manager to whom the loss is failed advice: an open service failure",
    )  # fmt: skip

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

    def strike(self, customers: Customers, tiers: Sequence[Tier], elapsed: int, luck: Luck) -> None:
        """In the month of the fall: every holder's trust shifts; a drawn part of the managed ones was badly advised."""
        if elapsed != 1:
            return
        rows = self.holders(customers, tiers)
        if self.trust:
            customers.trust[rows] += np.float32(self.trust * luck.trust_sd)
        advised = rows[customers.manager[rows] != NOBODY]
        if self.advice_failure and advised.size:
            from sim.kernel.numerics import uniforms

            u = uniforms(luck.seed, DRAW_ADVICE, luck.month, customers.uid[advised])[0]
            customers.open_failure[advised[u < self.advice_failure]] += np.float32(1.0)

    def slips(self, tiers: Sequence[Tier]) -> Iterator[Slip]:
        """Tiers that are not there."""
        return unknown_tiers("holder_tiers", self.holder_tiers, tiers)
