"""What is seen of a bank at the end of a month: it looks and writes to the recorder, and changes nobody's life.

Two columns of the customers are its notebook, by which nobody lives: `year_start` and `year_ago`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from sim.agents.channel import Channel
from sim.agents.customer import Customers
from sim.agents.team import Team
from sim.bank.crew import Totals
from sim.bank.fates import Each, customers_of_month_0, kept
from sim.bank.recorder import Recorder, loyalty_of
from sim.behaviour.rates import nps
from sim.behaviour.settings import Model
from sim.codes import CLOSED, DECLINED, DRAW_PANEL, WIN_BACK
from sim.environment import Environment
from sim.exchange import Alone, Exchange
from sim.kernel.looking import BINS, MOST_CONTACTS, count_spread, count_stayed, follow, mark_active, turn_year
from sim.kernel.numerics import uniforms
from sim.kernel.tallies import CNY, CUSTOMERS, REACH_SHAPE, SCORE, WEIGHT_UNIT
from sim.kernel.tallies import Tally as T
from sim.ledger import MonthBooks
from sim.store.columns import PANEL
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

    def each(self, run: Callable[[int, int], Any]) -> list[Any]:
        """What `run` says of every stretch of rows, by its first and last."""
        ...


class Observer:
    """Watches one bank from month 0 on; `months` are measured and `panel` customers are tracked."""

    CARRIED = ("left_from", "active_year_ago", "tracked", "tracked_uid", "month_zero", "arrived")

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
        exchange: Exchange | None = None,
    ):
        self.recorder = recorder
        self.exchange = exchange or Alone()
        self.names = [tier.name for tier in tiers]
        self.settings = settings
        self.seed = seed
        self.months = months
        self.panel = panel
        self.strategies = list(strategies)  # of every arm of the scenario, so that all arms have the same columns
        self.left_from = np.zeros(len(tiers) + 2, np.int64)  # weight of leavers of the year by where they began it
        self.active_year_ago = np.full(len(tiers), np.nan)  # customers by tier, twelve months before the end
        self.tracked = np.empty(0, np.int64)  # rows of the panel here, -1 = has left, or lives in another shard
        self.tracked_uid = np.empty(0, np.uint64)  # the panel, of the whole bank
        self.reach = np.zeros((len(tiers), *REACH_SHAPE), np.int64)  # wishes of the month
        self.month_zero: dict[str, np.ndarray] = {}  # this shard's customers of month 0 (`sim.bank.fates`)
        self.arrived = np.empty(0, np.uint64)  # who came from another shard since

    # --- what the model calls ----------------------------------------------------------------------------------

    def begin(self, bank: Bank) -> None:
        """Month 0: forget the burn-in, record the state, begin the first year, choose whom to track."""
        self.recorder.cohorts[:] = 0
        self.recorder.book_exits.clear()
        self.month_zero = customers_of_month_0(bank.customers)
        self.arrived = np.empty(0, np.uint64)
        self.recorder.reach.clear()
        self.recorder.month(bank.month, bank.tally, np.zeros(len(self.names)), None)
        self.recorder.bank.append(self._bank_row(bank, None))
        self._turn_year(bank)
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
            self.recorder.year(bank.month // YEAR, self._turn_year(bank))
        self.recorder.month(bank.month, bank.tally, joined, books)
        self.recorder.bank.append(self._bank_row(bank, books))
        self._mark_year_ago(bank)
        self._record_panel(bank)

    def came(self, uid: np.ndarray) -> None:
        """These customers came from another shard."""
        if self.month_zero:
            self.arrived = np.append(self.arrived, uid)
            self.tracked[np.isin(self.tracked_uid, uid)] = 0  # wherever that is

    def elsewhere(self, c: Customers) -> dict[str, np.ndarray]:
        """Who has come to other shards since month 0 and is a customer yet: uid, state, tier, opted_out."""
        rows = np.flatnonzero((c.state != CLOSED) & np.isin(c.uid, self.arrived)) if self.arrived.size else self.arrived
        here = {name: getattr(c, name)[rows.astype(np.int64)] for name in ("uid", "state", "tier", "opted_out")}
        moved = self.exchange.gather(here | {"shard": np.full(rows.size, self.exchange.mine)})
        return {name: column[moved["shard"] != self.exchange.mine] for name, column in moved.items()}

    # --- years -------------------------------------------------------------------------------------------------

    def _turn_year(self, bank: Bank) -> np.ndarray:
        """Close a year and begin the next; who began it where is where now, weight units, int64 (tiers + 2,) twice."""
        c, size = bank.customers, len(self.names) + 2

        def turn(first: int, last: int) -> np.ndarray:
            moves = np.zeros((size, size), np.int64)
            turn_year(c.state, c.tier, c.weight, c.year_start, first, last, moves)
            return moves

        (moves,) = self.exchange.total(np.asarray(sum(bank.each(turn))))
        moves[:, size - 1] = self.left_from
        self.left_from[:] = 0
        return moves

    def _mark_year_ago(self, bank: Bank) -> None:
        if bank.month == self.months - YEAR:
            c = bank.customers
            self.active_year_ago = self._by_tier(bank, mark_active, c.state, c.tier, c.weight, c.year_ago)

    def _by_tier(self, bank: Bank, count: Callable[..., None], *columns: np.ndarray) -> np.ndarray:
        """Customers of the whole bank by tier whom `count` adds up, float64 (tiers,)."""

        def add(first: int, last: int) -> np.ndarray:
            sums = np.zeros(len(self.names), np.int64)
            count(*columns, first, last, sums)
            return sums

        (sums,) = self.exchange.total(np.asarray(sum(bank.each(add))))
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
            stayed = self._by_tier(bank, count_stayed, c.state, c.weight, c.year_ago)
            was = self.active_year_ago
        out = {"aum_gini": np.nan, "coverage_gini": np.nan}
        if bank.month % YEAR == 0 or last:
            out = dict(zip(out, ginis(c, bank.each, self.exchange), strict=True))
        first = now = np.full((2, len(self.names)), np.nan)
        if last and self.month_zero:
            (sums,) = self.exchange.total(kept(self.month_zero, c, len(self.names), bank.each, self.elsewhere(c)))
            first, now = sums / np.array([[CUSTOMERS], [CNY]])
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
        first = np.lexsort((c.uid[rows], drawn))[: self.panel]
        mine = np.full(first.size, self.exchange.mine)
        of_all = self.exchange.gather(
            {"uid": c.uid[rows[first]], "drawn": drawn[first], "row": rows[first], "shard": mine}
        )
        chosen = np.lexsort((of_all["uid"], of_all["drawn"]))[: self.panel]
        self.tracked_uid = of_all["uid"][chosen]
        self.tracked = np.where(of_all["shard"][chosen] == self.exchange.mine, of_all["row"][chosen], -1)

    def _record_panel(self, bank: Bank) -> None:
        """This month's rows of those tracked customers who are still here."""
        if self.panel == 0:
            return
        c = bank.customers
        follow(c.uid, c.state, self.tracked_uid, self.tracked)
        place = np.flatnonzero(self.tracked >= 0)
        rows = self.tracked[place]
        seen = {f"observed_{name}": getattr(c, name)[rows] for name in PANEL_OBSERVED}
        seen |= {f"true_{name}": getattr(c, name)[rows] for name in PANEL_TRUE}
        seen["true_held"] = np.where(c.reduced[rows] != 0, self.settings.wallet.dormant_share, 1.0)
        seen = self.exchange.gather({"place": place} | seen)
        order = np.argsort(seen.pop("place"))
        types = {column.name: column.dtype for column in PANEL}
        month = {"month": np.full(order.size, bank.month)}
        self.recorder.panel.append(month | {name: column[order].astype(types[name]) for name, column in seen.items()})


def ginis(c: Customers, each: Each, exchange: Exchange) -> tuple[float, float]:
    """Gini coefficients: of AUM over open customers, and of contacts received over active ones; NaN where none has any.

    The first takes those for equal whose AUM is, to one part in 2048. So it is too small by at most 1/8192 times the
    sum over such groups of the share of customers times the share of AUM: by some 1e-8 in a bank of many sizes, by
    nothing where all are alike. In return its sums are exact, in any order and of any number of customers. The second
    says how unevenly the bank shares its attention.
    """

    totals = Totals((BINS, 2), (MOST_CONTACTS,))

    def spread(first: int, last: int) -> None:
        with totals.lent() as sums:
            count_spread(c.state, c.aum, c.weight, c.contacts, first, last, *sums)

    each(spread)
    held, met = exchange.total(*totals.whole())
    held = held[held[:, 0] > 0]
    met = np.trim_zeros(met, "b")
    return _gini(held[:, 1], held[:, 0]), _gini(np.arange(met.size) * met, met)


def _gini(held: np.ndarray, weight: np.ndarray) -> float:
    """Of what groups of equals hold, the smallest holders first, and how many they are, int64 (groups,) both."""
    total = np.cumsum(held)
    if held.size == 0 or total[-1] <= 0:
        return float("nan")
    share = np.concatenate([[0.0], total / total[-1]])
    return float(1.0 - ((share[1:] + share[:-1]) * weight).sum() / weight.sum())


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0
