"""What each customer of month 0 comes to: followed one by one, as no bank could."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.agents.customer import OBSERVED, SCORES, SHOWN, BankView, Customers
from sim.codes import ACTIVE, CLOSED
from sim.kernel.looking import find_rows
from sim.ledger import MONTHS

if TYPE_CHECKING:
    from sim.bank.model import BankModel

NOT_SEEN = ("uid", "weight")  # observed columns that are keys and sizes, not what somebody would decide by


class Outcomes:
    """Follows the open customers of month 0 of a bank that stands there.

    A customer's `profit` is the margin on AUM and products less the cost of servicing and of the episodes the customer
    starts, added up month by month (CNY, undiscounted): what the customer's own row brings. Campaigns, managers and
    strategies are paid by the bank and stand in no row.
    """

    def __init__(self, bank: BankModel):
        c = bank.customers
        rows = np.flatnonzero(c.state != CLOSED)
        self.rows = rows[np.argsort(c.uid[rows], kind="stable")]
        self.uid, self.weight = c.uid[self.rows].copy(), c.weight[self.rows].copy()
        self.revenue = np.zeros(self.rows.size)  # CNY a customer, float64 (customers,)
        self.cost = np.zeros(self.rows.size)

    def seen(self, bank: BankModel) -> dict[str, np.ndarray]:
        """What the bank can observe of them now, its own scores included, by column."""
        view = BankView(bank.customers, self.rows, scores=bank.scores)
        names = [name for name in SHOWN if name in OBSERVED and name not in NOT_SEEN]
        return {name: np.array(getattr(view, name)) for name in (*names, *SCORES)}

    def month(self, bank: BankModel) -> None:
        """Add what the month that has just been lived brought."""
        c, ledger, environment = bank.customers, bank.ledger, bank.environment
        rows, here = self._found(c)
        active = here & (c.state[rows] == ACTIVE)
        tier = c.tier[rows]
        extra = np.where(active, c.products[rows].astype(np.int64) - 1, 0)
        extra = np.where(c.adverse[rows] != 0, -extra, extra)
        aum = np.where(here, c.aum[rows], 0.0)
        earned = ledger.tariff.of_aum(aum) * environment.margin[tier] + extra * ledger.tariff.of_product(aum)
        self.revenue += np.where(here, earned / MONTHS, 0.0)
        episodes = np.where(c.adopted[rows] != 0, *ledger.episodes(environment.staffed))
        servicing = np.where(active, ledger.servicing[tier], ledger.economics.dormant_servicing / MONTHS)
        self.cost += np.where(here, servicing, 0.0) + np.where(active, episodes, 0.0)

    def ended(self, bank: BankModel) -> dict[str, np.ndarray]:
        """active (1 or 0), aum (CNY, 0 of who has left) and profit (CNY), float64 (customers,)."""
        c = bank.customers
        rows, here = self._found(c)
        return {
            "active": (here & (c.state[rows] == ACTIVE)).astype(np.float64),
            "aum": np.where(here, c.aum[rows], 0.0),
            "profit": self.revenue - self.cost,
        }

    def _found(self, c: Customers) -> tuple[np.ndarray, np.ndarray]:
        """In which row each of them is now, and whether at all: of those who have left the row means nothing."""
        self.rows[:] = -1
        find_rows(c.uid, c.state, 0, len(c), self.uid, self.rows)
        return self.rows, self.rows >= 0
