"""The model's bank and the oracle's, month by month beside one another, customer by customer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from oracle.bank import OracleBank
from oracle.customer import COLUMNS, WHOLE
from sim.agents.customer import Customers
from sim.bank.model import BankModel
from sim.codes import CHANNELS, CLOSED, NOBODY

TOLERANCE = 4e-6  # of a float: absolute below 1, relative above
SUMS = (
    *("customers", "active", "dormant", "aum", "products", "joined", "closed", "closed_dormant", "went_dormant"),
    *("reactivated", "upgraded", "downgraded", "moved_in", "aum_moved", "net_new_money", "market_effect"),
    *("sales", "failures", "complaints", "opt_outs", *(f"contacts_{name}" for name in CHANNELS)),
    *("revenue", "channel_cost", "manager_cost", "strategy_cost", "profit"),
)
DIFFERENCES = {
    "net_new_money": "aum",
    "aum_moved": "aum",
    "market_effect": "aum",
    "profit": "revenue",
}  # of larger ones
TOLERANCE_OF_SUMS = 2e-5  # sums in 1/4096: one customer's last unit, in a tier of a few dozen
TOLERANCE_OF_MONEY = 2e-5  # AUM is the exponential of a float of 32 bits near 16


def columns_of(customers: Customers) -> dict[int, dict[str, Any]]:
    """What every open customer is, by uid."""
    values = {name: getattr(customers, name).tolist() for name in COLUMNS}
    rows = np.flatnonzero(customers.state != CLOSED).tolist()
    return {values["uid"][row]: {name: values[name][row] for name in COLUMNS} for row in rows}


def customers_unlike(bank: OracleBank, theirs: dict[int, dict[str, Any]]) -> Iterator[str]:
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


POST = {  # of the oracle's managers: of the model's
    **{name: name for name in ("post", "tier", "remote", "hire", "service", "experience", "professional", "digital")},
    "taught_professional": "trained_professional",
    "taught_digital": "trained_digital",
    "fatigue": "fatigue",
    "utilisation": "utilisation",
    "months_vacant": "vacant_months",
}


def managers_unlike(oracle: OracleBank, model: BankModel) -> Iterator[str]:
    """What differs between posts."""
    if len(oracle.team.managers) != len(model.team.managers):
        yield f"{len(oracle.team.managers)} posts, in the model {len(model.team.managers)}"
    for mine, theirs in zip(oracle.team.managers, model.team.managers, strict=False):
        for name, other in POST.items():
            a, b = getattr(mine, name), getattr(theirs, other)
            if abs(a - b) > TOLERANCE * max(1.0, abs(b)):
                yield f"post {mine.post}, {name}: oracle {a!r}, model {b!r}"


def books_unlike(oracle: OracleBank, model: BankModel) -> Iterator[str]:
    """What differs between the month's ledgers, customers by tier exactly, money by tolerance."""
    mine = oracle.ledger.settles()
    if model.month < 1:
        return
    for name in SUMS:
        for tier, b in enumerate(model.recorder.monthly[name][-1].tolist()):
            a = mine.get(name, [0.0] * len(oracle.tiers))[tier]
            scale = max(1.0, abs(b), mine[DIFFERENCES[name]][tier] if name in DIFFERENCES else 0.0)
            if abs(a - b) > TOLERANCE_OF_MONEY * scale:
                yield f"{name} of tier {tier}: oracle {a!r}, model {b!r}"
    for name, maturity in model.maturities.items():
        one = oracle.programme.strategies[name] if oracle.programme is not None else None
        if one is None or abs(oracle.programme.maturity(one) - maturity) > TOLERANCE:
            yield f"maturity of {name}: model {maturity}"


def common_unlike(oracle: OracleBank, model: BankModel) -> Iterator[str]:
    """What differs in what customers share: base rates, talk of leavers, moments that scores are told on, managers."""
    moments = [[*churn, *uplift] for churn, uplift in zip(*oracle.moments.values(), strict=True)]
    shared = {
        "close_rate": (oracle.close_rate, model.close_rate),
        "dormant_rate": (oracle.dormant_rate, model.dormant_rate),
        "leavers": (oracle.leavers, model.leavers),
        "moments": (moments, model.moments),
        "risk_spread": (oracle.risk_spread, model.risk_spread),
        "quality": ([one.quality() for one in oracle.team.managers], model.team.quality()[:-1]),
    }
    if oracle.programme is not None:
        shared["promoters"] = oracle.promoters_at_start, model.promoters
    limits = {"moments": TOLERANCE_OF_SUMS, "close_rate": 0.0, "dormant_rate": 0.0}
    for name, (mine, theirs) in shared.items():
        if not np.allclose(mine, theirs, rtol=TOLERANCE, atol=limits.get(name, TOLERANCE)):
            yield f"{name}: oracle {mine}, model {np.asarray(theirs).tolist()}"


def refuse(month: int, differing: list[str]) -> None:
    assert not differing, f"month {month}, {len(differing)} differ: " + "; ".join(differing[:12])


class Beside:
    """A bank of each kind with the same scenario and seed; `step` lives a month in both and compares."""

    def __init__(self, model: BankModel):
        self.model = model
        self.oracle = OracleBank(model.scenario, model.seed, people(model))
        refuse(-model.scenario.burn_in, self.differing())

    def begin_measuring(self) -> None:
        self.model.begin_measuring()
        self.oracle.begins_measuring()

    def differing(self) -> list[str]:
        """What customers, posts and what they share are, and are not in the model."""
        unlike = customers_unlike(self.oracle, columns_of(self.model.customers))
        return [*managers_unlike(self.oracle, self.model), *unlike, *common_unlike(self.oracle, self.model)]

    def step(self) -> list[str]:
        """What differs at the end of the month, in the ledger too."""
        model, oracle = self.model, self.oracle
        model.step()
        oracle.step()
        theirs, known = columns_of(model.customers), {one.uid for one in oracle.customers}
        joined = [columns for uid, columns in theirs.items() if uid not in known]
        counts = oracle.joiners()
        oracle.welcomes([columns | {"manager": NOBODY} for columns in joined])
        oracle.closes_month()
        differing = [*self.differing(), *books_unlike(oracle, model)]
        through = sum(columns["referred"] for columns in joined)
        if counts != (len(joined) - through, through):
            differing.insert(0, f"{counts} join, in the model {len(joined) - through, through}")
        return differing

    def live(self) -> None:
        """Burn-in and all measured months; stops at the first month in which anything differs."""
        while self.model.month < self.model.scenario.months:
            if self.model.month == 0:
                self.begin_measuring()
            refuse(self.model.month + 1, self.step())


def people(model: BankModel) -> list[dict[str, Any]]:
    """The first customers as they come, before they have managers."""
    values = model.source.first(model.seed, -model.scenario.burn_in)
    first = Customers(values["uid"].size)
    first.place(values)
    return list(columns_of(first).values())
