"""What is kept of each month: rows for the tables of a results folder, from integer tallies.

Tallies count weight in 1/1024 customer and money in fen times that; here they become customers and CNY.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim import kernels as k
from sim.codes import CHANNELS
from sim.ledger import MonthBooks

if TYPE_CHECKING:
    import pandas as pd

UNIT = float(k.WEIGHT_UNIT)
MONEY = 100.0 * UNIT
SHARE = float(k.SHARE_UNIT)
HISTORY = 3  # months before and after an event in a book


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    """top / bottom, 0 where there is nobody."""
    return np.divide(top, bottom, out=np.zeros(top.shape, np.float64), where=bottom > 0)


class Recorder:
    """Collects one run's rows; `tables` hands them over as data frames."""

    CARRIED = ("monthly", "bank", "transitions", "cohorts", "book_exits", "panel")

    def __init__(self, arm: str, seed: int, tiers: Sequence[str]):
        self.arm = arm
        self.seed = seed
        self.tiers = list(tiers)
        self.states = [*self.tiers, "dormant", "new"]
        self.monthly: dict[str, list[np.ndarray]] = defaultdict(list)
        self.bank: list[dict[str, float]] = []
        self.transitions: list[tuple[int, str, str, float]] = []
        self.cohorts = np.zeros((len(self.tiers), k.TENURE_LAST + 1, 3), np.int64)
        self.book_exits: dict[int, np.ndarray] = {}
        self.panel: list[dict[str, np.ndarray]] = []

    def month(self, month: int, tally: np.ndarray, joined: np.ndarray, books: MonthBooks | None) -> None:
        """One month of `monthly.parquet`. Without books (month 0) every flow is 0."""
        t = tally.astype(np.float64)
        flows = np.zeros_like(t) if books is None else t
        active = t[:, k.T_ACTIVE]
        rows: dict[str, np.ndarray] = {
            "month": np.full(len(self.tiers), month),
            "customers": t[:, k.T_OPEN] / UNIT,
            "active": active / UNIT,
            "dormant": (t[:, k.T_OPEN] - active) / UNIT,
            "aum": t[:, k.T_AUM] / MONEY,
            "products": _ratio(t[:, k.T_PRODUCTS], active),
            "share_of_wallet": _ratio(t[:, k.T_WALLET] / SHARE, t[:, k.T_OPEN]),
            "digital_active": _ratio(t[:, k.T_DIGITAL], active),
            "satisfaction": _ratio(t[:, k.T_SATISFACTION] / SHARE, active),
            "trust": _ratio(t[:, k.T_TRUST] / SHARE, active),
            "joined": np.zeros(len(self.tiers)) if books is None else joined / UNIT,
            "closed": flows[:, k.T_CLOSED] / UNIT,
            "closed_dormant": flows[:, k.T_CLOSED_DORMANT] / UNIT,
            "went_dormant": flows[:, k.T_DORMANT] / UNIT,
            "reactivated": flows[:, k.T_REACTIVATED] / UNIT,
            "upgraded": flows[:, k.T_UPGRADED] / UNIT,
            "downgraded": flows[:, k.T_DOWNGRADED] / UNIT,
            "moved_in": flows[:, k.T_MOVED_IN] / UNIT,
            "aum_moved": flows[:, k.T_AUM_MOVED] / MONEY,
            "net_new_money": flows[:, k.T_NEW_MONEY] / MONEY,
            "market_effect": flows[:, k.T_MARKET] / MONEY,
        }
        for number, channel in enumerate(CHANNELS):
            rows[f"contacts_{channel}"] = flows[:, k.T_BRANCH + number] / UNIT
        for name, column in (("sales", k.T_SALES), ("failures", k.T_FAILURES), ("complaints", k.T_COMPLAINTS),
                             ("opt_outs", k.T_OPT_OUTS)):  # fmt: skip
            rows[name] = flows[:, column] / UNIT
        nothing = np.zeros(len(self.tiers))
        rows["revenue"] = nothing if books is None else books.revenue
        rows["channel_cost"] = nothing if books is None else books.channel_cost
        rows["manager_cost"] = nothing if books is None else books.managers
        rows["strategy_cost"] = nothing if books is None else books.strategy
        rows["profit"] = nothing if books is None else books.profit
        for name, values in rows.items():
            self.monthly[name].append(values)

    def year(self, year: int, counts: np.ndarray) -> None:
        """One year of `transitions.parquet`: weight units, (from: tiers, dormant, new; to: tiers, dormant, closed)."""
        for i, start in enumerate(self.states):
            for j, end in enumerate([*self.tiers, "dormant", "closed"]):
                self.transitions.append((year, start, end, float(counts[i, j]) / UNIT))

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

        tier, tenure = np.divmod(np.arange(len(self.tiers) * (k.TENURE_LAST + 1)), k.TENURE_LAST + 1)
        counts = self.cohorts.reshape(-1, 3) / UNIT
        table = pd.DataFrame({"tier": np.array(self.tiers, object)[tier], "tenure_month": tenure})
        for column, name in enumerate(("at_risk", "closed", "dormant")):
            table[name] = counts[:, column]
        return table[table["at_risk"] > 0].reset_index(drop=True)

    def _exits(self, post: int, first: int, last: int) -> float:
        months = [self.book_exits[m] for m in range(first, last + 1) if m in self.book_exits]
        return sum(float(exits[post]) for exits in months if post < exits.size) / UNIT

    def _manager_table(self, events: Sequence[Any]) -> pd.DataFrame:
        import pandas as pd

        rows = [
            (e.month, e.post, e.kind, e.customers,
             self._exits(e.post, e.month - HISTORY + 1, e.month), self._exits(e.post, e.month + 1, e.month + HISTORY))
            for e in events
        ]  # fmt: skip
        names = ["month", "post", "event", "customers", "exits_before", "exits_after"]
        kinds = {"month": "int64", "post": "int64", "event": "object", "customers": "float64",
                 "exits_before": "float64", "exits_after": "float64"}  # fmt: skip
        return pd.DataFrame(rows, columns=names).astype(kinds)


def stocks(tally: np.ndarray) -> Mapping[str, np.ndarray]:
    """Stocks by tier in customers and CNY, for the ledger."""
    t = tally.astype(np.float64)
    return {
        "aum": t[:, k.T_AUM] / MONEY,
        "active": t[:, k.T_ACTIVE] / UNIT,
        "dormant": (t[:, k.T_OPEN] - t[:, k.T_ACTIVE]) / UNIT,
        "digital": t[:, k.T_DIGITAL] / UNIT,
        "extra_products": t[:, k.T_EXTRA] / UNIT,
    }
