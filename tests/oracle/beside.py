"""The model's bank and the oracle's, month by month beside one another, customer by customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from oracle.bank import OracleBank
from oracle.customer import COLUMNS, WHOLE
from sim.agents.customer import Customers
from sim.bank.model import BankModel
from sim.codes import ACTIVE, CLOSED

TOLERANCE = 1e-5  # of a float: absolute below 1, relative above
TOLERANCE_OF_MONEY = 5e-5  # AUM is the exponential of a float of 32 bits near 13


def columns_of(customers: Customers) -> dict[int, dict[str, Any]]:
    """What every open customer is, by uid."""
    values = {name: getattr(customers, name).tolist() for name in COLUMNS}
    rows = np.flatnonzero(customers.state != CLOSED).tolist()
    return {values["uid"][row]: {name: values[name][row] for name in COLUMNS} for row in rows}


def unlike(bank: OracleBank, theirs: dict[int, dict[str, Any]]) -> Iterator[str]:
    """What differs between the oracle's open customers and the model's: whole numbers exactly, floats by tolerance."""
    mine = {one.uid: one for one in bank.open_customers()}
    for uid in mine.keys() ^ theirs.keys():
        yield f"customer {uid} is open in the {'oracle' if uid in mine else 'model'} only"
    for uid in sorted(mine.keys() & theirs.keys()):
        for name in COLUMNS:
            a, b = getattr(mine[uid], name), theirs[uid][name]
            if name in WHOLE:
                same = a == b
            else:
                limit = TOLERANCE_OF_MONEY if name.startswith("aum") else TOLERANCE
                same = abs(a - b) <= limit * max(1.0, abs(b))
            if not same:
                yield f"customer {uid}, {name}: oracle {a!r}, model {b!r}"


class Beside:
    """A bank of each kind with the same scenario and seed; `step` lives a month in both and compares."""

    def __init__(self, model: BankModel):
        self.model = model
        scenario, people = model.scenario, columns_of(model.customers)
        self.oracle = OracleBank(scenario, model.seed, list(people.values()), month=model.month)
        self.oracle.levers = model.levers
        self.oracle.weighs_population()
        self.oracle.remember()
        self.schedule, self.step_customers = model.schedule, model.step_customers
        model.schedule, model.step_customers = self._schedule, self._step_customers  # type: ignore[method-assign]

    def _schedule(self) -> Any:
        plan, work = self.schedule()
        customers = self.model.customers
        active = np.flatnonzero(customers.state == ACTIVE)
        self.plan = dict(zip(customers.uid[active].tolist(), plan[active].tolist(), strict=True))
        return plan, work

    def _step_customers(self, plan: np.ndarray) -> Any:
        joined = self.step_customers(plan)
        self.after = columns_of(self.model.customers)
        return joined

    def begin_measuring(self) -> None:
        self.model.begin_measuring()
        self.oracle.weighs_population()
        for one in self.oracle.customers:
            one.first_tier = one.tier

    def step(self) -> list[str]:
        """What differs at the end of the month."""
        model, oracle = self.model, self.oracle
        oracle.qualities = model.team.quality().tolist()
        model.step()
        oracle.month, oracle.levers, oracle.plan = model.month, model.levers, self.plan
        oracle.live()
        known = {one.uid for one in oracle.customers}
        oracle.welcome([columns for uid, columns in self.after.items() if uid not in known])
        oracle.remember()
        differing = list(unlike(oracle, self.after))
        books = columns_of(model.customers)
        for one in oracle.open_customers():
            for name in ("manager", "contact_gap", "bond", "manager_shock", "manager_shock_months"):
                setattr(one, name, books[one.uid][name])
            one.follow, one.follow_months = books[one.uid]["follow"], books[one.uid]["follow_months"]
        return differing

    def live(self) -> None:
        """Burn-in and all measured months; stops at the first month in which anything differs."""
        while self.model.month < self.model.scenario.months:
            if self.model.month == 0:
                self.begin_measuring()
            differing = self.step()
            assert not differing, f"month {self.model.month}, {len(differing)} differ: " + "; ".join(differing[:12])
