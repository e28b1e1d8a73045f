"""How key figures are computed from the tables of runs.

Conventions, for every figure:

- Month 0 is the start; flows and money are summed over the measured months 1..T; a rate a year divides by
  customer-years (stock at the start of each month, over 12). "At the end" is month T.
- A figure of the bank is the ratio of sums over tiers, never a mean of tiers. A tier's flow belongs to the tier the
  customer was in. Means over customers weigh by active customers (share of wallet: by open ones).
- Money of month t is discounted by (1 + discount_rate)^(-t / 12).
- `roi`, `payback_months` and `cost_per_saved_customer` are against the reference arm with the same seed: discounted
  strategy cost and discounted profit beyond the reference's, month by month. They are NaN for the reference itself and
  where nothing was spent beyond it. An infinite payback is one not reached within these months (0: never in the red),
  an infinite cost per saved customer means nobody was saved.
- Customer value (`clv`, `clv_realised`) is margin before strategy cost and acquisition cost; dormancy and share of
  wallet are in it, as the margins that customers in that state and with that wallet left.
- What cannot be said is NaN: nobody to divide by, less than twelve months for `retention_12m` and `clv`, a customer
  value without end (`sim.measures.lifetime`). `sim.measures.evidence` says why, and which figures rest on little.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sim.measures.cubes import MONTHS, Cubes, ratio

Of = Callable[[Cubes], np.ndarray]  # (runs, tiers), or (runs,) for figures of the bank as a whole


@dataclass(frozen=True)
class Formula:
    """How a figure is computed: of the bank (runs,) and of its tiers (runs, tiers), for those in which it has sense."""

    values: Callable[[Cubes], tuple[np.ndarray, np.ndarray | None]]
    tiers: slice | None = field(default_factory=lambda: slice(None))


def rate(top: Of, bottom: Of, tiers: slice | None = None) -> Formula:
    """A ratio: of sums over tiers for the bank, and tier by tier."""

    def values(c: Cubes) -> tuple[np.ndarray, np.ndarray]:
        above, below = top(c), bottom(c)
        return ratio(above.sum(axis=1), below.sum(axis=1)), ratio(above, below)

    return Formula(values, tiers or slice(None))


def total(amount: Of) -> Formula:
    """An amount of each tier, summed for the bank."""

    def values(c: Cubes) -> tuple[np.ndarray, np.ndarray]:
        found = amount(c)
        return found.sum(axis=1), found

    return Formula(values)


def mean(value: str, weight: str) -> Formula:
    """A mean over customers at the end: stored per tier, weighted for the bank; where nobody is it has no say."""

    def values(c: Cubes) -> tuple[np.ndarray, np.ndarray]:
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


def cost(c: Cubes) -> np.ndarray:
    return c.flow("channel_cost") + c.flow("manager_cost") + c.flow("strategy_cost")


def retention(c: Cubes) -> tuple[np.ndarray, np.ndarray]:
    def kept(key: str) -> np.ndarray:
        return ratio(c.bank(f"kept_12m{key}")[:, -1], c.bank(f"active_12m_ago{key}")[:, -1])

    return kept(""), np.stack([kept(f"[{tier}]") for tier in c.tiers], axis=1)


def gone_in_a_year(c: Cubes) -> np.ndarray:
    both = [[c.bank(f"{name}[{tier}]")[:, -1] for tier in c.tiers] for name in ("active_12m_ago", "kept_12m")]
    return np.asarray(np.stack(both[0], axis=1) - np.stack(both[1], axis=1))


def utilisation(c: Cubes) -> np.ndarray:
    managers = c.bank("managers")
    worked = np.where(managers > 0, c.bank("utilisation"), 0.0) * managers
    return ratio(worked[:, 1:].sum(axis=1), managers[:, 1:].sum(axis=1))


def turnover(c: Cubes) -> np.ndarray:
    return ratio(c.bank("managers_left")[:, 1:].sum(axis=1), c.bank("managers")[:, :-1].sum(axis=1) / MONTHS)


def payback(c: Cubes) -> np.ndarray:
    below = np.cumsum(c.gain, axis=1) < 0
    last_below = c.months - np.argmax(below[:, ::-1], axis=1)
    payback = np.where(below.any(axis=1), last_below + 1.0, 0.0)
    return np.where(c.spent > 0, np.where(below[:, -1], np.inf, payback), np.nan)


def per_saved(c: Cubes) -> np.ndarray:
    exits = c.exits.sum(axis=1)
    saved = exits[c.partner] - exits
    each = np.divide(c.spent, saved, out=np.full(len(c), np.inf), where=saved > 0)
    return np.where(c.spent > 0, each, np.nan)


def value(c: Cubes) -> tuple[np.ndarray, np.ndarray]:
    V, held, known = c.values
    bank_wide = np.where(known.any(axis=1), ratio(held.sum(axis=1), c.chains[2].sum(axis=1)), np.nan)
    return bank_wide, np.where(known, V, np.nan)[:, : len(c.tiers)]


def equity(c: Cubes) -> np.ndarray:
    _, held, known = c.values
    return np.where(known.any(axis=1), held.sum(axis=1), np.nan)


def realised(c: Cubes) -> np.ndarray:
    return ratio((c.margin.sum(axis=2) * c.discount)[:, 1:].sum(axis=1), c["customers"][:, 0].sum(axis=1))


def opted_out(c: Cubes) -> np.ndarray:
    return ratio(c.bank("customers_opted_out")[:, -1], c.end("customers").sum(axis=1))


def left(c: Cubes) -> np.ndarray:
    """Moves out of a tier to dormant or closed, what customer values rest on."""
    n = len(c.tiers)
    return np.asarray(c.chains[0][:, :n, n:].sum(axis=2))
