"""Every figure of money, defined once: whoever shows, plots, maximises or shares out money asks here.

Money of month t is worth (1 + discount_rate)^(-t / 12) of it in month 0. Against the reference means: less the run of
the reference arm with the same seed.

- *Cash* (`npv`): discounted profit of the measured months. What lies behind the horizon counts for nothing.
- *Customer equity* (`customer_equity`): what the customers who are there at the horizon are expected to bring from then
  on, in money of month 0. A customer in a state (tier, or dormant) is worth V = (I - P / (1 + d))^-1 R (F70), with the
  yearly moves P between states and the margin R of a year before strategy and acquisition cost that the *reference* had
  with this seed. So no arm is credited with fewer exits or cheaper service after the horizon, which it would have to go
  on paying for, and the luck by which P and R were found is shared by all arms and cancels. The arm's own are its
  customers: how many in which state, and what they bring more or less than the reference's in the same tier. Of that,
  what a fuller wallet brings (share of wallet over the reference's) fades by `WALLET_FADES` a month; the rest, richer
  or poorer customers, lasts as long as customers stay in that tier. So who was pushed over a tier's threshold does not
  count as an average customer of it. A year's margin comes in its middle.
- *Value* (`value`): both together.
- *Cost*: all that is spent on channels, managers and strategies, discounted. What an arm costs is its difference to the
  reference; of that are `roi`, `payback_months` and `cost_per_saved_customer`. Return on investment is the difference
  of value without that cost, over it, less 1: below -1 only where revenue is lost. It is NaN, as is payback, where an
  arm spends no more than the reference: what saves money returns nothing on money spent. Payback goes by cash.

In fewer than twelve months nobody's moves over a year are known, so there is neither equity nor value; where customers
stay and pay for ever without a discount they have no end (`sim.measures.lifetime`). Both are NaN then, as are figures
against a reference that has no run with the seed, and a verdict goes by cash alone.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from sim.measures.cubes import MONTHS, Cubes, codes, ratio
from sim.measures.lifetime import SMALLEST_DISCOUNT, chances, migration_value
from sim.store.tables import STATES_AFTER_TIERS

WALLET_FADES = 0.03  # a month, as shares of wallet return to their mean by default (model.wallet.reversion)
COSTS = ("channel_cost", "manager_cost", "strategy_cost")  # columns of monthly.parquet


class Money(Cubes):
    """The tables of all runs as dense arrays (`Cubes`), with what they earned, spent and are worth."""

    @cached_property
    def discount(self) -> np.ndarray:
        """What money of each month is worth in month 0, (months + 1,)."""
        return np.asarray((1.0 + self.discount_rate) ** (-np.arange(self.months + 1) / MONTHS))

    def discounted(self, *columns: str) -> np.ndarray:
        """The sum of these columns of monthly in money of month 0, measured months together, (runs, tiers)."""
        return np.asarray(sum(self[column][:, 1:] for column in columns) * self.discount[1:, None]).sum(axis=1)

    def against(self, amount: np.ndarray) -> np.ndarray:
        """An amount (runs, ...) less that of the reference's run with the same seed; NaN where there is none."""
        there = (self.partner >= 0).reshape(-1, *[1] * (amount.ndim - 1))
        return np.where(there, amount - amount[self.partner], np.nan)

    # --- cash and cost

    @cached_property
    def cash(self) -> np.ndarray:
        """Discounted profit of the measured months, (runs, tiers)."""
        return self.discounted("profit")

    @cached_property
    def cost(self) -> np.ndarray:
        """Discounted cost of the measured months, all of it, (runs, tiers)."""
        return self.discounted(*COSTS)

    @cached_property
    def spent(self) -> np.ndarray:
        """What an arm costs: discounted cost beyond the reference's, (runs,); NaN where it spends no more."""
        more = self.against(self.cost.sum(axis=1))
        return np.where(more > 0, more, np.nan)

    @cached_property
    def roi(self) -> np.ndarray:
        """Difference of value without what the arm costs, over that, less 1, (runs,)."""
        return np.asarray((self.against(self.value.sum(axis=1)) + self.spent) / self.spent - 1.0)

    @cached_property
    def payback(self) -> np.ndarray:
        """The month from which cumulated cash stays at or above the reference's, infinite if none, (runs,)."""
        gain = self.against(self["profit"].sum(axis=2) * self.discount)
        below = np.cumsum(gain, axis=1) < 0
        last_below = self.months - np.argmax(below[:, ::-1], axis=1)
        month = np.where(below.any(axis=1), last_below + 1.0, 0.0)
        return np.where(np.isnan(self.spent), np.nan, np.where(below[:, -1], np.inf, month))

    @cached_property
    def per_saved(self) -> np.ndarray:
        """What the arm costs per customer of month 0 who is active at the end and not in the reference, (runs,)."""
        saved = self.against(self.bank("kept_month_0")[:, -1])
        each = np.divide(self.spent, saved, out=np.full(len(self), np.inf), where=saved > 0)
        return np.where(np.isnan(self.spent) | np.isnan(saved), np.nan, each)

    # --- what customers are worth, strategies and the price of winning them apart

    @cached_property
    def margin(self) -> np.ndarray:
        """Margin before strategy and acquisition cost (it falls on tiers as joiners do); (runs, months + 1, tiers)."""
        joined = self["joined"]
        acquisition = ratio(joined, joined.sum(axis=2, keepdims=True) + np.zeros_like(joined))
        acquisition = np.nan_to_num(acquisition) * self.bank("cost_acquisition")[:, :, None]
        return np.asarray(self["revenue"] - self["channel_cost"] - self["manager_cost"] + acquisition)

    @cached_property
    def chains(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What customer values are made of, by run: customers who moved, margins a year, open customers at the end.

        States are the tiers, dormant and closed: moves (runs, states, states) over the whole years, from row to column;
        margins (runs, states); customers (runs, states but closed). All of a tier's margin is laid to its active
        customers and none to the dormant state, so that margins add up to the bank's.
        """
        tiers, states = len(self.tiers), [*self.tiers, *STATES_AFTER_TIERS]
        full = self._transitions[self._transitions["year"] <= self.months // MONTHS]
        moved = np.zeros((len(self), tiers + 3, tiers + 3))
        run = self.run_of(full)
        place = (run, codes(full, "from", states), codes(full, "to", states))
        np.add.at(moved, tuple(axis[run >= 0] for axis in place), full["customers"].to_numpy(dtype=float)[run >= 0])
        moved = moved[:, : tiers + 2, : tiers + 2]  # those who joined in the year lived only a part of it
        R = np.zeros((len(self), tiers + 2))
        R[:, :tiers] = np.nan_to_num(ratio(self.margin[:, 1:].sum(axis=1), self.years("active")))
        held = np.concatenate([self.end("active"), self.end("dormant").sum(axis=1, keepdims=True)], axis=1)
        return moved, R, held

    @cached_property
    def lifetimes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value of a customer in each state by the run's own chain (runs, states), of those held, whether known."""
        moved, R, weight = self.chains
        V = migration_value(chances(moved), R, self.discount_rate)
        return V, np.where(weight > 0, V[:, :-1], 0.0) * weight, moved.sum(axis=2) > 0

    def clv(self) -> tuple[np.ndarray, np.ndarray]:
        """Value of an open customer at the end, (runs,), and of one in each tier, (runs, tiers)."""
        V, held, known = self.lifetimes
        bank_wide = np.where(known.any(axis=1), ratio(held.sum(axis=1), self.chains[2].sum(axis=1)), np.nan)
        return bank_wide, np.where(known, V, np.nan)[:, : len(self.tiers)]

    @cached_property
    def realised(self) -> np.ndarray:
        """Discounted margin of the measured months per customer of month 0, (runs,)."""
        return ratio((self.margin.sum(axis=2) * self.discount)[:, 1:].sum(axis=1), self["customers"][:, 0].sum(axis=1))

    # --- customer equity and value

    @property
    def behind(self) -> float:
        """What money that customers bring in their first year behind the horizon is worth in month 0."""
        return float(self.discount[-1] / (1.0 + self.discount_rate) ** 0.5)

    @cached_property
    def equity(self) -> np.ndarray:
        """Customer equity at the horizon in money of month 0, (runs, tiers); a dormant customer's is the tier's."""
        n, partner, d = len(self.tiers), self.partner, self.discount_rate
        moved, R, _ = self.chains
        seen = (moved.sum(axis=2) > 0)[partner]
        P = chances(moved[partner])
        # of a state in which the reference never began a year nothing is known but what it earned: one year of it
        V = np.where(seen, migration_value(P, R[partner], d), R[partner])
        stays = np.where(seen, np.diagonal(P, axis1=1, axis2=2), 0.0)[:, :n] / (1.0 + d)  # in the tier
        active, dormant = self.end("active"), self.end("dormant")
        fuller, other = self.excess
        worth = _times(active, V[:, :n]) + _times(dormant, V[:, n : n + 1])
        worth = worth + _times(fuller, _years(stays * (1.0 - WALLET_FADES) ** MONTHS)) + _times(other, _years(stays))
        known = seen.any(axis=1) & (partner >= 0)
        return np.where(known[:, None], worth * self.behind, np.nan)

    @cached_property
    def excess(self) -> tuple[np.ndarray, np.ndarray]:
        """Revenue a year at the horizon beyond what as many of the reference's customers bring: (runs, tiers) each.

        First what a fuller wallet brings, then the rest.
        """
        active, revenue = self.end("active"), self.end("revenue") * MONTHS
        typical = np.nan_to_num(ratio(revenue, active))[self.partner]
        wallet = self.end("share_of_wallet")
        fuller = np.nan_to_num(ratio(wallet, wallet[self.partner]), nan=1.0) - 1.0
        of_wallet = np.where(active > 0, active * typical * fuller, 0.0)
        whole = np.where(active > 0, revenue - active * typical, 0.0)
        return of_wallet, whole - of_wallet

    @cached_property
    def value(self) -> np.ndarray:
        """Cash and customer equity together, (runs, tiers)."""
        return np.asarray(self.cash + self.equity)


def _years(stays: np.ndarray) -> np.ndarray:
    """Discounted years, the first whole, from what a year later is left of one; NaN where it has no end."""
    return np.divide(1.0, 1.0 - stays, out=np.full(stays.shape, np.nan), where=stays < 1.0 / (1.0 + SMALLEST_DISCOUNT))


def _times(amount: np.ndarray, each: np.ndarray) -> np.ndarray:
    """amount x each, 0 where there is nothing of it, whatever one is worth."""
    return np.where(amount != 0, amount, 0.0) * np.where(amount != 0, each, 0.0)
