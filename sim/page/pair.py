"""A reference and an arm of one bank, lived side by side month by month with the same luck, and what is seen of them.

Both live in a `Replication` and one month at a time, as `run.py` lives them, so that the tables and their digest are
those of a run of the same scenario.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.bank.fates import kept
from sim.codes import CHANNELS
from sim.experiments.prepared import Prepared
from sim.experiments.replication import Replication
from sim.kernel.tallies import CUSTOMERS
from sim.page.lives import Lives

if TYPE_CHECKING:
    from sim.bank.state import State
    from sim.population.synthetic import Source

BESIDE = 2  # banks of a pair


class Cancelled(Exception):
    """Somebody does not want to wait for the rest."""


@dataclass(frozen=True)
class Month:
    """What is shown of a bank at the end of a month; money in the model's currency, flows of this month.

    `customers` by tier, `retained` the share of month 0's active customers who are active now, `contacts` a customer,
    `utilisation` hours asked of managers over hours there were.
    """

    month: int
    customers: tuple[float, ...]
    active: float
    retained: float
    aum: float
    revenue: float
    cost: float
    profit: float
    contacts: float
    complaints: float
    satisfaction: float
    nps: float
    utilisation: float
    fatigue: float


@dataclass(frozen=True)
class Beginning:
    """Where both begin: customers, and the bank after a burn-in that no arm can change (`key` says of what)."""

    key: str
    source: Source
    state: State


class Pair:
    """The two arms of a checked scenario under its first seed, from month 0 on; the first is the reference.

    `stop` is asked every month and ends the wait with `Cancelled`. `beginning` is that of an earlier pair of the same
    bank and seed, which spares the burn-in. So many customers are `followed` one by one.
    """

    def __init__(
        self,
        prepared: Prepared,
        *,
        key: str = "",
        beginning: Beginning | None = None,
        threads: int = 1,
        followed: int = 0,
        stop: Callable[[], bool] = lambda: False,
        tell: Callable[[int], None] = lambda month: None,
    ):
        s = prepared.scenario
        if len(s.arms) != BESIDE:
            raise ValueError(f"{len(s.arms)} arms; a reference and an arm")
        self.prepared, self.seed, self.stop = prepared, s.seed_list[0], stop
        self.months, self.month = s.months, 0
        self.arms = list(s.arms)
        self.tiers = [tier.name for tier in s.tier_list]
        self._tell, self._lived = tell, -s.burn_in
        self._open = ExitStack()
        source = prepared.customers() if beginning is None else beginning.source
        replication = Replication(prepared, self.seed, source=source, threads=threads, months=self._heard)
        state = replication.state() if beginning is None else beginning.state
        self.beginning = Beginning(key, source, state)
        self._stop_if_asked()
        try:
            self.banks = [self._open.enter_context(replication.bank(arm, state)) for arm in s.arm_list]
            for bank in self.banks:
                bank.run(until=0)
            self.lives = [Lives(bank, followed) for bank in self.banks]
        except BaseException:
            self.close()
            raise
        self.seen: tuple[list[Month], list[Month]] = ([], [])
        self._look()

    def step(self) -> bool:
        """Live one month in both arms; whether there is another. `Cancelled` leaves both where they were or behind."""
        if self.month >= self.months:
            return False
        for bank in self.banks:
            self._stop_if_asked()
            if bank.month == self.month:
                bank.run(until=self.month + 1)
        self.month += 1
        for lives in self.lives:
            lives.look()
        self._look()
        return self.month < self.months

    def close(self) -> None:
        """Give the memory of both banks back."""
        self._open.close()

    def tables(self) -> list[dict[str, Any]]:
        """What is recorded so far, by arm and name of the table."""
        return [bank.recorder.tables(bank.team.events) for bank in self.banks]

    def digest(self) -> str:
        """The `result_digest` that a run of this scenario has, once all its months are lived."""
        import pandas as pd

        from sim.store.tables import result_digest

        return result_digest(pd.concat([one["monthly"] for one in self.tables()]), self.arms, self.tiers)

    def managers(self, arm: int) -> list[dict[str, Any]]:
        """A row a manager's post of an arm (0 or 1): book, utilisation, skill, fatigue, mean bond of the book."""
        bank = self.banks[arm]
        c, posts = bank.customers, len(bank.team.managers)
        rows = np.flatnonzero(c.manager >= 0)
        post, weight = c.manager[rows], c.weight[rows].astype(np.float64)
        book = np.bincount(post, weight, minlength=posts)
        bond = np.bincount(post, weight * c.bond[rows], minlength=posts) / np.maximum(book, 1.0)
        return [
            {
                "post": manager.post,
                "tier": "" if manager.remote else self.tiers[manager.tier],
                "vacant": manager.vacant,
                "book": float(book[place]) / CUSTOMERS,
                "utilisation": manager.utilisation,
                "skill": manager.skill(),
                "fatigue": manager.fatigue,
                "bond": float(bond[place]),
                "months": manager.service,
            }
            for place, manager in enumerate(bank.team.managers)
        ]

    def _look(self) -> None:
        for bank, seen in zip(self.banks, self.seen, strict=True):
            seen.append(_month_of(bank))

    def _heard(self, rows: int) -> None:
        self._lived += 1
        self._tell(self._lived)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self.stop():
            raise Cancelled


def _month_of(bank: Any) -> Month:
    """What is shown of a bank as it stands."""
    last = {name: rows[-1] for name, rows in bank.recorder.monthly.items()}
    whole = bank.recorder.bank[-1]
    observer, c, tiers = bank.observer, bank.customers, len(bank.tiers)
    first, now = kept(observer.month_zero, c, tiers, bank.each, observer.elsewhere(c))
    active = last["active"].sum()
    contacts = sum(last[f"contacts_{channel}"].sum() for channel in CHANNELS)
    return Month(
        month=bank.month,
        customers=tuple(float(value) for value in last["customers"]),
        active=float(active),
        retained=float(now[0].sum() / max(first[0].sum(), 1)),
        aum=float(last["aum"].sum()),
        revenue=float(last["revenue"].sum()),
        cost=float(sum(last[name].sum() for name in ("channel_cost", "manager_cost", "strategy_cost"))),
        profit=float(last["profit"].sum()),
        contacts=float(contacts / max(active, 1.0)),
        complaints=float(last["complaints"].sum()),
        satisfaction=float((last["satisfaction"] * last["active"]).sum() / max(active, 1.0)),
        nps=float(whole["nps"]),
        utilisation=float(whole["utilisation"]),
        fatigue=float(whole["fatigue"]),
    )


# --- the difference ---------------------------------------------------------------------------------------------------

DIFFERENCES = ("retained", "aum", "profit", "contacts")  # in their order on the page


def differences(seen: tuple[Sequence[Month], Sequence[Month]]) -> dict[str, list[float]]:
    """The arm less the reference, month by month from 0: profit added up so far, contacts a customer so far."""
    found: dict[str, list[float]] = {}
    for name in DIFFERENCES:
        levels = np.array([[getattr(month, name) for month in arm] for arm in seen])
        if name in ("profit", "contacts"):
            levels = levels.cumsum(axis=1)
        found[name] = (levels[1] - levels[0]).tolist()
    return found


@dataclass(frozen=True)
class Sure:
    """A difference over seeds: its mean, the half width of the 95 % interval (paired t; NaN of one seed), how many."""

    mean: float
    half: float
    seeds: int


def sure(by_seed: Sequence[float]) -> Sure:
    """The mean over seeds with its interval."""
    from scipy.stats import t

    values = np.asarray(by_seed, np.float64)
    n = values.size
    half = float(t.ppf(0.975, n - 1) * values.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return Sure(float(values.mean()) if n else float("nan"), half, n)
