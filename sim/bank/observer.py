"""What is seen of a bank at the end of a month: it looks and writes to the recorder, and changes nobody's life.

Two columns of the customers are its notebook, by which nobody lives: `year_start` and `year_ago`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from sim.agents.channel import Channel
from sim.agents.customer import Customers
from sim.agents.team import Team
from sim.bank.fates import customers_of_month_0, kept
from sim.bank.recorder import Recorder, loyalty_of
from sim.behaviour.rates import nps
from sim.behaviour.settings import Model
from sim.codes import ACTIVE, CLOSED, DECLINED, DORMANT, DRAW_PANEL, JOINED_THIS_YEAR, WIN_BACK
from sim.environment import Environment
from sim.kernel.numerics import uniforms
from sim.kernel.tallies import CUSTOMERS, REACH_SHAPE, SCORE, WEIGHT_UNIT
from sim.kernel.tallies import Tally as T
from sim.ledger import MonthBooks
from sim.tiers import Tier

YEAR = 12
# Columns of the panel: what the bank can see of a tracked customer, and what it cannot.
PANEL_OBSERVED = (
    "uid",
    "state",
    "tier",
    "aum",
    "products",
    "adopted",
    "manager",
    "contact_gap",
    "transactions",
    "silence",
    "attempts",
    "opted_out",
    "joined_month",
    "age",
    "weight",
    "contacts",
    "retained",
)
PANEL_TRUE = (
    "affinity",
    "bond",
    "engagement",
    "expectation",
    "held",
    "log_frailty",
    "open_failure",
    "pressure",
    "satisfaction",
    "trust",
)


class Bank(Protocol):
    """What the observer looks at; `sim.bank.model.BankModel` has it."""

    month: int
    customers: Customers
    team: Team
    channels: list[Channel]
    environment: Environment
    tally: np.ndarray
    maturities: Mapping[str, float]  # of the strategies at work, this month
    costs: Mapping[str, float]  # CNY of the month


class Observer:
    """Watches one bank from month 0 on; `months` are measured and `panel` customers are tracked."""

    CARRIED = ("left_from", "active_year_ago", "tracked", "tracked_uid", "month_zero")

    def __init__(
        self,
        recorder: Recorder,
        tiers: Sequence[Tier],
        settings: Model,
        *,
        seed: int,
        months: int,
        panel: int,
        strategies: Sequence[str] = (),
    ):
        self.recorder = recorder
        self.names = [tier.name for tier in tiers]
        self.settings = settings
        self.seed = seed
        self.months = months
        self.panel = panel
        self.strategies = list(strategies)  # of every arm of the scenario, so that all arms have the same columns
        self.left_from = np.zeros(len(tiers) + 2, np.int64)  # weight of leavers of the year by where they began it
        self.active_year_ago = np.full(len(tiers), np.nan)  # customers by tier, twelve months before the end
        self.tracked = np.empty(0, np.int64)  # rows of the panel
        self.tracked_uid = np.empty(0, np.uint64)
        self.reach = np.zeros((len(tiers), *REACH_SHAPE), np.int64)  # wishes of the month
        self.month_zero: dict[str, np.ndarray] = {}  # the customers of month 0 (`sim.bank.fates`)

    # --- what the model calls ----------------------------------------------------------------------------------

    def begin(self, bank: Bank) -> None:
        """Month 0: forget the burn-in, record the state, begin the first year, choose whom to track."""
        self.recorder.cohorts[:] = 0
        self.recorder.book_exits.clear()
        self.month_zero = bank.customers.beside("month_zero", customers_of_month_0(bank.customers))
        self.recorder.reach.clear()
        self.recorder.month(bank.month, bank.tally, np.zeros(len(self.names)), None)
        self.recorder.bank.append(self._bank_row(bank, None))
        self._begin_year(bank.customers)
        self._mark_year_ago(bank)
        self._choose_tracked(bank)
        self._record_panel(bank)

    def go_on(self, bank: Bank) -> None:
        """Watch a bank that was put back, under this observer's horizon and panel: what hangs on the end moves along.

        Twelve months before a new end must not lie before the bank's month, and a panel can be left out, not begun.
        """
        if self.panel == 0:
            self.tracked, self.tracked_uid = np.empty(0, np.int64), np.empty(0, np.uint64)
            self.recorder.panel.clear()
        self._mark_year_ago(bank)
        rows = self.recorder.bank
        rows[-1] |= self._at_the_end(bank)
        columns = list(self._bank_row(bank, None))  # those of strategies are by what the arms of the scenario name
        rows[:] = [{column: row.get(column, 0.0) for column in columns} for row in rows]

    def count(self, month: int, cohort: np.ndarray, left: np.ndarray, exits: np.ndarray, reach: np.ndarray) -> None:
        """Add what only the kernel sees of a month: exits by tenure, by where the year began, and by book; wishes.

        int64, of the shapes of `kernel.tallies.Sums`.
        """
        self.recorder.cohorts += cohort
        self.left_from += left
        self.recorder.book_exits[month] = exits
        self.recorder.wishes(month, reach)
        self.reach = reach

    def record(self, bank: Bank, joined: np.ndarray, books: MonthBooks) -> None:
        """Keep a measured month; at year's end the transitions, a year before the end a mark on who is active."""
        year_ends = bank.month % YEAR == 0
        if year_ends:
            self._close_year(bank)
        self.recorder.month(bank.month, bank.tally, joined, books)
        self.recorder.bank.append(self._bank_row(bank, books))
        if year_ends:
            self._begin_year(bank.customers)
        self._mark_year_ago(bank)
        self._record_panel(bank)

    def moved(self, order: np.ndarray) -> None:
        """The rows have another order now: by their numbers before."""
        place = np.empty(order.size, np.int64)
        place[order] = np.arange(order.size)
        self.tracked = place[self.tracked]
        if self.month_zero:
            self.month_zero["rows"] = place[self.month_zero["rows"]]

    # --- years -------------------------------------------------------------------------------------------------

    def _codes(self, customers: Customers) -> np.ndarray:
        """Tier of active customers, number of tiers for dormant ones, integers (rows,)."""
        return np.where(customers.state == DORMANT, len(self.names), customers.tier)

    def _begin_year(self, customers: Customers) -> None:
        here = self._codes(customers)
        customers.year_start[:] = np.where(customers.state == CLOSED, JOINED_THIS_YEAR, here)
        self.left_from[:] = 0

    def _close_year(self, bank: Bank) -> None:
        c = bank.customers
        n = len(self.names)
        rows = np.flatnonzero(c.state != CLOSED)
        start = np.minimum(c.year_start[rows].astype(np.int64), n + 1)
        cell = start * (n + 2) + self._codes(c)[rows]
        counts = np.bincount(cell, c.weight[rows].astype(np.float64), minlength=(n + 2) ** 2).astype(np.int64)
        counts = counts.reshape(n + 2, n + 2)
        counts[:, n + 1] = self.left_from
        self.recorder.year(bank.month // YEAR, counts)

    def _mark_year_ago(self, bank: Bank) -> None:
        if bank.month == self.months - YEAR:
            c = bank.customers
            active = c.state == ACTIVE
            c.year_ago[:] = np.where(active, c.tier, -1)
            self.active_year_ago = self._by_tier(c.tier[active], c.weight[active])

    def _by_tier(self, tier: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Customers by tier, float64 (tiers,)."""
        sums = np.bincount(tier.astype(np.int64), weight.astype(np.float64), minlength=len(self.names))
        return sums / WEIGHT_UNIT

    # --- bank.parquet ------------------------------------------------------------------------------------------

    def _bank_row(self, bank: Bank, books: MonthBooks | None) -> dict[str, float]:
        """One month of `bank.parquet`; without books (month 0) its flows are 0."""
        t = bank.tally.astype(np.float64)
        team, world = bank.team, bank.environment
        posts = [m for m in team.managers if not m.vacant]
        named = [m for m in posts if not m.remote]
        zero = np.zeros(len(self.names))
        row = {
            "month": bank.month,
            "managers": float(len(posts)),
            "managers_left": float(team.left if books is not None else 0),
            "managers_hired": float(team.hired if books is not None else 0),
            "utilisation": _mean([m.utilisation for m in named]),
            "professional_skill": _mean([m.professional for m in named]),
            "digital_skill": _mean([m.digital for m in named]),
            "fatigue": _mean([m.fatigue for m in named]),
            "nps": nps(*loyalty_of(bank.tally), self.settings),
            **{f"load_{channel.name}": channel.load for channel in bank.channels},
            "yield_gap": world.yield_gap,
            "market_return": float(world.market.mean()),
            "adoption_factor": float(np.exp(world.adoption)),
            "branch_capacity": world.branch_capacity,
            "aum_exited": 0.0 if books is None else float(t[:, T.AUM_EXITED].sum()) / WEIGHT_UNIT / 100.0,
            "strategy_maturity": _mean([maturity for maturity in bank.maturities.values() if maturity > 0.0]),
            "strategy_cost": 0.0 if books is None else float(books.strategy.sum()),
            "cost_service": float((zero if books is None else books.service).sum()),
            "cost_messages": float((zero if books is None else books.messages).sum()),
            "cost_servicing": float((zero if books is None else books.servicing).sum()),
            "cost_acquisition": float((zero if books is None else books.acquisition).sum()),
            "cost_managers": float((zero if books is None else books.managers).sum()),
            "customers_opted_out": float(t[:, T.OPTED_OUT].sum()) / WEIGHT_UNIT,
            "customers_managed": float(t[:, T.MANAGED_OPEN].sum()) / WEIGHT_UNIT,
            **self._tiers("revenue_products", zero if books is None else books.revenue_products),
        }
        for tier, name in enumerate(self.names):
            own = t[tier]
            lived = row[f"experiences[{name}]"] = 0.0 if books is None else own[T.EXPERIENCES] / SCORE
            met = self.reach[tier, :, :WIN_BACK, DECLINED:, 0].sum()  # nobody asks a dormant customer's telephone
            row[f"reached[{name}]"] = 0.0 if books is None else met / CUSTOMERS
            row[f"quality[{name}]"] = own[T.QUALITY] / SCORE / lived if lived else np.nan
            managed = row[f"managed[{name}]"] = own[T.MANAGED_OPEN] / CUSTOMERS
            row[f"bond[{name}]"] = own[T.BOND] / SCORE / managed if managed else np.nan
        for name in self.strategies:
            row[f"maturity[{name}]"] = bank.maturities.get(name, 0.0)
            row[f"cost[{name}]"] = 0.0 if books is None else bank.costs.get(name, 0.0)
        return row | self._at_the_end(bank)

    def _at_the_end(self, bank: Bank) -> dict[str, float]:
        """What a year's end tells (the Gini), and the last month alone: who of an earlier month is still active.

        NaN in every other month.
        """
        last, c = bank.month == self.months, bank.customers
        was = stayed = np.full(len(self.names), np.nan)
        if last and self.months >= YEAR:
            still = (c.state == ACTIVE) & (c.year_ago >= 0)
            stayed = self._by_tier(c.year_ago[still], c.weight[still])
            was = self.active_year_ago
        out = {"aum_gini": np.nan, "coverage_gini": np.nan}
        if bank.month % YEAR == 0 or last:
            out = {"aum_gini": gini(c), "coverage_gini": contact_gini(c)}
        first = now = np.full((2, len(self.names)), np.nan)
        if last and self.month_zero:
            first, now = kept(self.month_zero, c, len(self.names))
        for name, values in (
            ("kept_12m", stayed),
            ("active_12m_ago", was),
            ("active_month_0", first[0]),
            ("kept_month_0", now[0]),
            ("aum_month_0", first[1]),
            ("aum_kept_month_0", now[1]),
        ):
            out |= {name: float(values.sum())} | self._tiers(name, values)
        return out

    def _tiers(self, column: str, values: np.ndarray) -> dict[str, float]:
        """A figure of each tier as the columns of bank.parquet that hold it."""
        return {f"{column}[{name}]": float(value) for name, value in zip(self.names, values, strict=True)}

    # --- panel.parquet -----------------------------------------------------------------------------------------

    def _choose_tracked(self, bank: Bank) -> None:
        """A fixed set of customers: those with the smallest draws at month 0."""
        if self.panel == 0:
            return
        c = bank.customers
        rows = np.flatnonzero(c.state != CLOSED)
        drawn = uniforms(self.seed, DRAW_PANEL, 0, c.uid[rows])[0]
        self.tracked = rows[np.lexsort((c.uid[rows], drawn))[: self.panel]]
        self.tracked_uid = c.uid[self.tracked].copy()

    def _record_panel(self, bank: Bank) -> None:
        """This month's rows of those tracked customers who are still here."""
        if self.panel == 0:
            return
        c = bank.customers
        here = (c.uid[self.tracked] == self.tracked_uid) & (c.state[self.tracked] != CLOSED)
        rows = self.tracked[here]
        month = {"month": np.full(rows.size, bank.month)}
        month |= {f"observed_{name}": getattr(c, name)[rows].copy() for name in PANEL_OBSERVED}
        month |= {f"true_{name}": getattr(c, name)[rows].copy() for name in PANEL_TRUE}
        self.recorder.panel.append(month)


def gini(customers: Customers) -> float:
    """Gini coefficient of AUM over open customers; NaN where nobody has any."""
    c = customers
    rows = np.flatnonzero(c.state != CLOSED)
    order = rows[np.lexsort((c.uid[rows], c.aum[rows]))]
    return _gini(c.aum[order], c.weight[order].astype(np.float64))


def contact_gini(customers: Customers) -> float:
    """Gini coefficient of contacts received over active customers: how unevenly the bank shares its attention."""
    c = customers
    active = c.state == ACTIVE
    weight = np.bincount(c.contacts[active], c.weight[active].astype(np.float64))  # whole numbers: exact in any order
    return _gini(np.arange(weight.size, dtype=np.float64), weight)


def _gini(held: np.ndarray, weight: np.ndarray) -> float:
    """Of what is held, smallest first, and how many hold it, float64 (n,) both."""
    total = np.cumsum(weight * held)
    if held.size == 0 or total[-1] <= 0:
        return float("nan")
    share = np.concatenate([[0.0], total / total[-1]])
    return float(1.0 - ((share[1:] + share[:-1]) * weight).sum() / weight.sum())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
