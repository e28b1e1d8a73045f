"""The tables of all runs as dense arrays, and what key figures are made of: stocks, flows, who left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sim.codes import CHANNELS

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
            codes(monthly, "arm", self.arms),
            *(monthly[c].to_numpy(dtype=np.int64) for c in ("seed", "month")),
            codes(monthly, "tier", self.tiers),
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

        keys = [codes(table, "arm", self.arms), table["seed"].to_numpy(dtype="int64")]
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
    def partner(self) -> np.ndarray:
        """For each run the reference arm's run with the same seed, -1 where there is none."""
        import pandas as pd

        place = self.arms.index(self.reference) if self.reference in self.arms else -1
        return self.index.get_indexer(pd.MultiIndex.from_arrays([np.full(len(self), place), self.seed]))


def codes(table: pd.DataFrame, column: str, order: Sequence[str]) -> np.ndarray:
    """Place of each row's value in `order`; `ValueError` for a value that is not in it."""
    import pandas as pd

    codes = pd.Index(list(order), dtype=object).get_indexer(pd.Index(table[column], dtype=object))
    if (codes < 0).any():
        unknown = table[column][codes < 0].iloc[0]
        raise ValueError(f"column {column}: {unknown} is not among {', '.join(order)}")
    return codes


def ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, NaN where there is nothing to divide by."""
    return np.divide(top, bottom, out=np.full(np.shape(top), np.nan), where=bottom > 0)
