"""The model's bank and the oracle's, month by month beside one another, customer by customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from oracle.bank import OracleBank
from oracle.customer import COLUMNS, WHOLE
from sim.agents.customer import Customers
from sim.bank.model import BankModel
from sim.codes import CLOSED, NOBODY

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
        self.oracle = OracleBank(model.scenario, model.seed, people(model))
        self.books: list[dict[str, list[float]]] = []
        assert not (found := list(unlike(self.oracle, columns_of(model.customers)))), found[:12]

    def begin_measuring(self) -> None:
        self.model.begin_measuring()
        self.oracle.begins_measuring()

    def step(self) -> list[str]:
        """What differs at the end of the month."""
        model, oracle = self.model, self.oracle
        model.step()
        oracle.step()
        theirs, known = columns_of(model.customers), {one.uid for one in oracle.customers}
        joined = [columns for uid, columns in theirs.items() if uid not in known]
        counts = oracle.joiners()
        oracle.welcomes([columns | {"manager": NOBODY} for columns in joined])
        oracle.closes_month()
        self.books.append(oracle.ledger.settles())
        differing = list(unlike(oracle, theirs))
        through = sum(columns["referred"] for columns in joined)
        if counts != (len(joined) - through, through):
            differing.insert(0, f"{counts} join, in the model {len(joined) - through, through}")
        return differing

    def live(self) -> None:
        """Burn-in and all measured months; stops at the first month in which anything differs."""
        while self.model.month < self.model.scenario.months:
            if self.model.month == 0:
                self.begin_measuring()
            differing = self.step()
            assert not differing, f"month {self.model.month}, {len(differing)} differ: " + "; ".join(differing[:12])


def people(model: BankModel) -> list[dict[str, Any]]:
    """The first customers as they come, before they have managers."""
    values = model.source.first(model.seed, -model.scenario.burn_in)
    first = Customers(values["uid"].size)
    first.place(values)
    return list(columns_of(first).values())
