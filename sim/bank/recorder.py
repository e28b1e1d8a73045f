"""What is kept of each month: rows for the tables of a results folder, from integer tallies.

Tallies count weight in 1/1024 customer and money in fen times that; here they become customers and CNY.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.codes import AGES, APP_USE, CHANNELS, REACH, WISHES
from sim.kernel.tallies import CNY, CUSTOMERS, FLOW, PER_ACTIVE, PER_OPEN, REACH_SHAPE, SHARE_UNIT, TENURE_LAST
from sim.kernel.tallies import Tally as T
from sim.ledger import MonthBooks
from sim.store.tables import MONTHLY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

HISTORY = 3  # months before and after an event in a book


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, 0 where there is nobody, float64 of their shape."""
    return np.divide(top, bottom, out=np.zeros(top.shape, np.float64), where=bottom > 0)


# The columns of monthly that are counts of the kernel: their tallies, what one of each is, and over whom means are.
_COLUMNS = {
    name: (number, tally)
    for tally in T
    for number, name in enumerate(
        [f"{tally.column}_{channel}" for channel in CHANNELS] if tally is T.CONTACTS else [tally.column], tally
    )
    if name
}
_NUMBERS = np.array([number for number, _ in _COLUMNS.values()])
_UNITS = np.array([float(tally.unit) for _, tally in _COLUMNS.values()])
_PLACES = {
    kind: np.array([place for place, (_, tally) in enumerate(_COLUMNS.values()) if tally.kind == kind])
    for kind in (PER_ACTIVE, PER_OPEN, FLOW)
}


def _counted(t: np.ndarray, *, flows: bool) -> dict[str, np.ndarray]:
    """The columns of a month that are counts of the kernel, by tier; without `flows` what is of the month is 0."""
    values = (t[:, _NUMBERS] / _UNITS).T
    for kind, people in ((PER_ACTIVE, T.ACTIVE), (PER_OPEN, T.OPEN)):
        values[_PLACES[kind]] = _ratio(values[_PLACES[kind]], t[:, people] / CUSTOMERS)
    if not flows:
        values[_PLACES[FLOW]] = 0.0
    return dict(zip(_COLUMNS, values.copy(), strict=True))


class Recorder:
    """Collects one run's rows; `tables` hands them over as data frames."""

    CARRIED = ("monthly", "bank", "transitions", "cohorts", "book_exits", "reach", "panel")

    def __init__(self, arm: str, seed: int, tiers: Sequence[str]):
        self.arm = arm
        self.seed = seed
        self.tiers = list(tiers)
        self.states = [*self.tiers, "dormant", "new"]
        self.monthly: dict[str, list[np.ndarray]] = defaultdict(list)
        self.bank: list[dict[str, float]] = []
        self.transitions: list[tuple[int, str, str, float]] = []
        self.cohorts = np.zeros((len(self.tiers), TENURE_LAST + 1, 3), np.int64)
        self.book_exits: dict[int, np.ndarray] = {}
        self.reach: dict[int, np.ndarray] = {}  # by year from 1, int64 as `kernel.tallies.Sums.reach`
        self.panel: list[dict[str, np.ndarray]] = []

    def month(self, month: int, tally: np.ndarray, joined: np.ndarray, books: MonthBooks | None) -> None:
        """One month of `monthly.parquet`. Without books (month 0) every flow is 0.

        `tally` int64 (tiers, TALLIES), `joined` weight units, float64 (tiers,).
        """
        t = tally.astype(np.float64)
        nothing = np.zeros(len(self.tiers))
        rows = {
            "month": np.full(len(self.tiers), month),
            **_counted(t, flows=books is not None),
            "dormant": (t[:, T.OPEN] - t[:, T.ACTIVE]) / CUSTOMERS,
            "joined": nothing if books is None else joined / CUSTOMERS,
            "revenue": nothing if books is None else books.revenue,
            "channel_cost": nothing if books is None else books.channel_cost,
            "manager_cost": nothing if books is None else books.managers,
            "strategy_cost": nothing if books is None else books.strategy,
            "profit": nothing if books is None else books.profit,
        }
        for name in MONTHLY_COLUMNS:
            if name not in ("arm", "seed", "tier"):
                self.monthly[name].append(rows[name])

    def year(self, year: int, counts: np.ndarray) -> None:
        """One year of `transitions.parquet`: weight units, (from: tiers, dormant, new; to: tiers, dormant, closed)."""
        for i, start in enumerate(self.states):
            for j, end in enumerate([*self.tiers, "dormant", "closed"]):
                self.transitions.append((year, start, end, float(counts[i, j]) / CUSTOMERS))

    def wishes(self, month: int, reach: np.ndarray) -> None:
        """Add a month's wishes for a contact to those of its year."""
        year = (month - 1) // 12 + 1
        self.reach[year] = self.reach[year] + reach if year in self.reach else reach

    def tables(self, events: Sequence[Any]) -> dict[str, pd.DataFrame]:
        """The run's tables by name, without `panel` where nobody is tracked."""
        import pandas as pd

        monthly = pd.DataFrame({name: np.concatenate(rows) for name, rows in self.monthly.items()})
        monthly.insert(1, "tier", self.tiers * len(self.bank))
        tables = {
            "monthly": self._signed(monthly),
            "bank": self._signed(pd.DataFrame(self.bank)),
            "transitions": self._signed(
                pd.DataFrame(self.transitions, columns=["year", "from", "to", "customers"]).astype({"year": "int64"})
            ),
            "cohorts": self._signed(self._cohort_table()),
            "managers": self._signed(self._manager_table(events)),
            "reach": self._signed(self._reach_table()),
        }
        if self.panel:
            rows = [pd.DataFrame(month) for month in self.panel]
            tables["panel"] = self._signed(pd.concat(rows, ignore_index=True))
        return tables

    def _signed(self, table: pd.DataFrame) -> pd.DataFrame:
        table.insert(0, "seed", np.int64(self.seed))
        table.insert(0, "arm", self.arm)
        return table

    def _cohort_table(self) -> pd.DataFrame:
        import pandas as pd

        tier, tenure = np.divmod(np.arange(len(self.tiers) * (TENURE_LAST + 1)), TENURE_LAST + 1)
        counts = self.cohorts.reshape(-1, 3) / CUSTOMERS
        table = pd.DataFrame({"tier": np.array(self.tiers, object)[tier], "tenure_month": tenure})
        for column, name in enumerate(("at_risk", "closed", "dormant")):
            table[name] = counts[:, column]
        return table[table["at_risk"] > 0].reset_index(drop=True)

    def _reach_table(self) -> pd.DataFrame:
        import pandas as pd

        years = sorted(self.reach)
        shape = (len(self.tiers), *REACH_SHAPE)
        counts = np.stack([self.reach[year] for year in years]) if years else np.zeros((0, *shape), np.int64)
        at = np.nonzero(counts[..., 0])  # year, tier, group, wish, end
        labels = (years, self.tiers, WISHES, REACH)
        year, tier, wish, end = (
            np.array(names, object)[index] for names, index in zip(labels, (*at[:2], *at[3:]), strict=True)
        )
        found = counts[at]
        older, app = np.divmod(at[2], 2)
        table = pd.DataFrame({"year": year, "tier": tier, "age": np.array(AGES, object)[older]})
        table["app"], table["wish"], table["end"] = np.array(APP_USE, object)[app], wish, end
        table["customers"], table["aum"] = found[:, 0] / CUSTOMERS, found[:, 1] / CUSTOMERS
        return table.astype({"year": "int64"})

    def _exits(self, post: int, first: int, last: int) -> float:
        months = [self.book_exits[m] for m in range(first, last + 1) if m in self.book_exits]
        return sum(float(exits[post]) for exits in months if post < exits.size) / CUSTOMERS

    def _manager_table(self, events: Sequence[Any]) -> pd.DataFrame:
        import pandas as pd

        rows = [
            (
                e.month,
                e.post,
                e.kind,
                e.customers,
                self._exits(e.post, e.month - HISTORY + 1, e.month),
                self._exits(e.post, e.month + 1, e.month + HISTORY),
            )
            for e in events
        ]
        names = ["month", "post", "event", "customers", "exits_before", "exits_after"]
        kinds = {
            "month": "int64",
            "post": "int64",
            "event": "object",
            "customers": "float64",
            "exits_before": "float64",
            "exits_after": "float64",
        }
        return pd.DataFrame(rows, columns=names).astype(kinds)


def loyalty_of(tally: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and variance of loyalty over active customers, and their weight, float64 (tiers,) each, of a tally."""
    weight = tally[:, T.ACTIVE].astype(np.float64)
    active = np.maximum(weight, 1e-9)
    mean = tally[:, T.LOYALTY] / active / float(SHARE_UNIT)
    variance = np.maximum(tally[:, T.LOYALTY2] / active / float(SHARE_UNIT) - mean**2, 0.0)
    return mean, variance, weight


def stocks(tally: np.ndarray) -> Mapping[str, np.ndarray]:
    """Stocks in customers and CNY, float64 (tiers,) each, of a tally, int64 (tiers, TALLIES); for the ledger."""
    t = tally.astype(np.float64)
    return {
        "earned": t[:, T.EARNED] / CNY,
        "earned_products": t[:, T.EARNED_PRODUCTS] / CNY,
        "active": t[:, T.ACTIVE] / CUSTOMERS,
        "dormant": (t[:, T.OPEN] - t[:, T.ACTIVE]) / CUSTOMERS,
        "digital": t[:, T.DIGITAL] / CUSTOMERS,
    }
