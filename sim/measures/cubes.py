"""The tables of all runs as dense arrays, and what key figures are made of: who left, what was earned and spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sim.codes import CHANNELS
from sim.measures.lifetime import chances, migration_value
from sim.store.tables import STATES_AFTER_TIERS

if TYPE_CHECKING:
    import pandas as pd

MONTHS = 12


class Cubes:
    """The tables of all runs as dense arrays: runs x months 0..T (x tiers), runs by arm, then seed ascending.

    `reference` is the arm that others are held against (default: the first), with the same seed.
    """

    def __init__(
        self,
        tables: Mapping[str, pd.DataFrame],
        arms: Sequence[str],
        tiers: Sequence[str],
        discount_rate: float = 0.0,
        reference: str | None = None,
    ):
        import pandas as pd

        self._transitions, self.discount_rate = tables["transitions"], discount_rate
        self.reference = reference or arms[0]
        monthly, bank = tables["monthly"], tables["bank"]
        self.tiers, self.arms = list(tiers), list(arms)
        keys = [
            _codes(monthly, "arm", self.arms),
            *(monthly[c].to_numpy(dtype=np.int64) for c in ("seed", "month")),
            _codes(monthly, "tier", self.tiers),
        ]
        self.months = int(keys[2].max(initial=0))
        self._monthly, self._order = monthly, np.lexsort(keys[::-1])
        self._shape = (-1, self.months + 1, len(self.tiers))
        whole = len(monthly) % ((self.months + 1) * len(self.tiers)) == 0
        if whole:
            arm, seed, month, tier = (key[self._order].reshape(self._shape) for key in keys)
            self.arm, self.seed = arm[:, 0, 0], seed[:, 0, 0]
            whole = all(
                (found == wanted).all()
                for found, wanted in (
                    (arm, self.arm[:, None, None]),
                    (seed, self.seed[:, None, None]),
                    (month, np.arange(self.months + 1)[:, None]),
                    (tier, np.arange(len(self.tiers))),
                )
            )
        if not whole:
            raise ValueError("monthly: not one row for every arm, seed, month and tier")
        self.index = pd.MultiIndex.from_arrays([self.arm, self.seed])
        place = self.run_of(bank) * (self.months + 1) + bank["month"].to_numpy(dtype=np.int64)
        self._bank, self._bank_order = bank, np.argsort(place, kind="stable")
        if not np.array_equal(place[self._bank_order], np.arange(len(self.arm) * (self.months + 1))):
            raise ValueError("bank: not one row for every arm, seed and month of monthly")

    def __len__(self) -> int:
        return len(self.arm)

    def run_of(self, table: pd.DataFrame) -> np.ndarray:
        """Number of the run each row belongs to, -1 for none."""
        import pandas as pd

        keys = [_codes(table, "arm", self.arms), table["seed"].to_numpy(dtype="int64")]
        return self.index.get_indexer(pd.MultiIndex.from_arrays(keys))

    def __getitem__(self, column: str) -> np.ndarray:
        """A column of monthly, (runs, months + 1, tiers)."""
        return self._monthly[column].to_numpy(dtype=float)[self._order].reshape(self._shape)

    def flow(self, column: str) -> np.ndarray:
        """Sum over the measured months, (runs, tiers)."""
        return self[column][:, 1:].sum(axis=1)

    def years(self, column: str) -> np.ndarray:
        """Stock-years lived: the stock at the start of each measured month, over 12, (runs, tiers)."""
        return self[column][:, :-1].sum(axis=1) / MONTHS

    def end(self, column: str) -> np.ndarray:
        """At the end, (runs, tiers)."""
        return self[column][:, -1]

    def bank(self, column: str) -> np.ndarray:
        """A column of bank, (runs, months + 1); NaN if there is none."""
        if column not in self._bank.columns:
            return np.full((len(self), self.months + 1), np.nan)
        return self._bank[column].to_numpy(dtype=float)[self._bank_order].reshape(len(self), -1)

    def last(self, column: str) -> np.ndarray:
        """The last value of a column of bank that is not NaN, (runs,)."""
        values = self.bank(column)
        return values[np.arange(len(values)), self.months - np.argmax(~np.isnan(values[:, ::-1]), axis=1)]

    def yearly(self, amount: np.ndarray) -> np.ndarray:
        """An amount over the measured months as one a year; NaN without a month."""
        return amount / (self.months / MONTHS) if self.months else amount * np.nan

    @cached_property
    def exits(self) -> np.ndarray:
        """Active customers who closed or went dormant, (runs, tiers)."""
        return self.flow("closed") - self.flow("closed_dormant") + self.flow("went_dormant")

    @cached_property
    def contacts(self) -> np.ndarray:
        """Outbound contacts over all channels, (runs, tiers)."""
        return np.asarray(np.sum([self.flow(f"contacts_{channel}") for channel in CHANNELS], axis=0))

    @cached_property
    def discount(self) -> np.ndarray:
        """What money of each month is worth in month 0, (months + 1,)."""
        return np.asarray((1.0 + self.discount_rate) ** (-np.arange(self.months + 1) / MONTHS))

    # Against the reference arm, month by month with the same seed; profit is margin minus strategy cost.

    @cached_property
    def partner(self) -> np.ndarray:
        """For each run the reference arm's run with the same seed, -1 where there is none."""
        import pandas as pd

        place = self.arms.index(self.reference) if self.reference in self.arms else -1
        return self.index.get_indexer(pd.MultiIndex.from_arrays([np.full(len(self), place), self.seed]))

    @cached_property
    def discounted_profit(self) -> np.ndarray:
        """Profit of each month in money of month 0, (runs, months + 1, tiers)."""
        return np.asarray(self["profit"] * self.discount[:, None])

    @cached_property
    def gain(self) -> np.ndarray:
        """Discounted profit of the bank beyond the reference's, (runs, months + 1)."""
        profit = self.discounted_profit.sum(axis=2)
        return np.asarray(profit - profit[self.partner])

    @cached_property
    def spent(self) -> np.ndarray:
        """Discounted strategy cost beyond the reference's, (runs,); 0 for itself and where it has no such run."""
        paired = (self.partner >= 0) & (self.arm != self.arms.index(self.reference))
        spent = (self["strategy_cost"] * self.discount[:, None]).sum(axis=(1, 2))
        return np.where(paired, spent - spent[self.partner], 0.0)

    # Customer lifetime value: what a customer earns, strategies and the price of winning them apart.

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
        place = (run, _codes(full, "from", states), _codes(full, "to", states))
        np.add.at(moved, tuple(axis[run >= 0] for axis in place), full["customers"].to_numpy(dtype=float)[run >= 0])
        moved = moved[:, : tiers + 2, : tiers + 2]  # those who joined in the year lived only a part of it
        R = np.zeros((len(self), tiers + 2))
        R[:, :tiers] = np.nan_to_num(ratio(self.margin[:, 1:].sum(axis=1), self.years("active")))
        held = np.concatenate([self.end("active"), self.end("dormant").sum(axis=1, keepdims=True)], axis=1)
        return moved, R, held

    @cached_property
    def values(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Value of a customer in each state (runs, states), of those who are held (runs, states - 1), whether known."""
        moved, R, weight = self.chains
        V = migration_value(chances(moved), R, self.discount_rate)
        return V, np.where(weight > 0, V[:, :-1], 0.0) * weight, moved.sum(axis=2) > 0


def _codes(table: pd.DataFrame, column: str, order: Sequence[str]) -> np.ndarray:
    import pandas as pd

    codes = pd.Index(list(order), dtype=object).get_indexer(pd.Index(table[column], dtype=object))
    if (codes < 0).any():
        unknown = table[column][codes < 0].iloc[0]
        raise ValueError(f"column {column}: {unknown} is not among {', '.join(order)}")
    return codes


def ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, NaN where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)
