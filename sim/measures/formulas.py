"""How key figures are computed from the tables of runs.

Conventions, for every figure:

- Month 0 is the start; flows and money are summed over the measured months 1..T; a rate a year divides by
  customer-years (stock at the start of each month, over 12). "At the end" is month T.
- A figure of the bank is the ratio of sums over tiers, never a mean of tiers. A tier's flow belongs to the tier the
  customer was in. Means over customers weigh by active customers (share of wallet: by open ones).
- Figures of money are defined in `sim.measures.money`. `roi`, `payback_months` and `cost_per_saved_customer` are
  against the reference arm with the same seed; NaN for the reference itself and where no more was spent than there. An
  infinite payback is one not reached within these months (0: never in the red), an infinite cost per saved customer
  means nobody was saved.
- What cannot be said is NaN: nobody to divide by, less than twelve months for `retention_12m`, `clv`,
  `customer_equity`, `value` and `roi`, a column that an earlier edition did not store, a customer value without end
  (`sim.measures.lifetime`). `sim.measures.evidence` says why, and which figures rest on little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sim.measures.cubes import MONTHS, ratio
from sim.measures.money import Money

Of = Callable[[Money], np.ndarray]  # (runs, tiers), or (runs,) for figures of the bank as a whole


@dataclass(frozen=True)
class Formula:
    """How a figure is computed: of the bank (runs,) and of its tiers (runs, tiers), for those in which it has sense."""

    values: Callable[[Money], tuple[np.ndarray, np.ndarray | None]]
    tiers: slice | None = field(default_factory=lambda: slice(None))


def rate(top: Of, bottom: Of, tiers: slice | None = None) -> Formula:
    """A ratio: of sums over tiers for the bank, and tier by tier."""

    def values(c: Money) -> tuple[np.ndarray, np.ndarray]:
        above, below = top(c), bottom(c)
        return ratio(above.sum(axis=1), below.sum(axis=1)), ratio(above, below)

    return Formula(values, tiers or slice(None))


def total(amount: Of) -> Formula:
    """An amount of each tier, summed for the bank."""

    def values(c: Money) -> tuple[np.ndarray, np.ndarray]:
        found = amount(c)
        return found.sum(axis=1), found

    return Formula(values)


def mean(value: str, weight: str) -> Formula:
    """A mean over customers at the end: stored per tier, weighted for the bank; where nobody is it has no say."""

    def values(c: Money) -> tuple[np.ndarray, np.ndarray]:
        many = c.end(weight)
        found = np.where(many > 0, c.end(value), np.nan)
        return ratio((np.nan_to_num(found) * many).sum(axis=1), many.sum(axis=1)), found

    return Formula(values)


def bank(value: Of) -> Formula:
    """A figure of the bank as a whole, which no tier has of its own."""
    return Formula(lambda c: (value(c), None), None)


def flow(column: str) -> Of:
    """Sum of a column over the measured months."""
    return lambda c: c.flow(column)


def years(column: str) -> Of:
    """Stock-years lived."""
    return lambda c: c.years(column)


def end(column: str) -> Of:
    """A column at the end."""
    return lambda c: c.end(column)


def yearly(amount: Of) -> Of:
    """An amount as one a year."""
    return lambda c: c.yearly(amount(c))


def cost(c: Money) -> np.ndarray:
    return c.flow("channel_cost") + c.flow("manager_cost") + c.flow("strategy_cost")


def kept(column: str, of: str) -> Callable[[Money], tuple[np.ndarray, np.ndarray]]:
    """The share of those in column `of` of bank who are in `column`, in the last month: of the bank and its tiers."""

    def values(c: Money) -> tuple[np.ndarray, np.ndarray]:
        def share(key: str) -> np.ndarray:
            return ratio(c.bank(column + key)[:, -1], c.bank(of + key)[:, -1])

        return share(""), np.stack([share(f"[{tier}]") for tier in c.tiers], axis=1)

    return values


def gone(kept: str, of: str) -> Of:
    """Customers in column `of` of bank who are not in `kept`, in the last month."""

    def count(c: Money) -> np.ndarray:
        both = [[c.bank(f"{name}[{tier}]")[:, -1] for tier in c.tiers] for name in (of, kept)]
        return np.asarray(np.stack(both[0], axis=1) - np.stack(both[1], axis=1))

    return count


def utilisation(c: Money) -> np.ndarray:
    managers = c.bank("managers")
    worked = np.where(managers > 0, c.bank("utilisation"), 0.0) * managers
    return ratio(worked[:, 1:].sum(axis=1), managers[:, 1:].sum(axis=1))


def turnover(c: Money) -> np.ndarray:
    return ratio(c.bank("managers_left")[:, 1:].sum(axis=1), c.bank("managers")[:, :-1].sum(axis=1) / MONTHS)


def opted_out(c: Money) -> np.ndarray:
    return ratio(c.bank("customers_opted_out")[:, -1], c.end("customers").sum(axis=1))


def left(c: Money) -> np.ndarray:
    """Moves out of a tier to dormant or closed, what customer values rest on."""
    n = len(c.tiers)
    return np.asarray(c.chains[0][:, :n, n:].sum(axis=2))
