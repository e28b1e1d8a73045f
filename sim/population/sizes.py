"""How large a bank may be: what a row, a team and the sums of money can hold, told before anything is run.

Each bound has its reason; what passes here is what `run` can live.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sim.agents.customer import MOST_WEIGHT
from sim.agents.manager_settings import Managers
from sim.behaviour.settings import Model
from sim.population.laws import SMALLEST
from sim.population.settings import Population
from sim.population.strata import (
    DEFAULT_CUSTOMERS,
    quotas,
    rows_wanted,
    tier_laws,
    tier_shares,
    whole_shares,
)
from sim.slips import Slip
from sim.tiers import Tier, bands, row

UNIT = 1024  # weight units a customer (kernel.tallies.WEIGHT_UNIT)
LARGEST_SUM = 2**61  # fen x weight units; a month cannot more than triple it, so the next sum still fits 64 bits
MOST_MONEY = LARGEST_SUM / UNIT / 100.0  # AUM of the whole bank, in the model's money
ROOM = 2.0  # the estimate of growth may be so much too small
MOST_POSTS = 100_000  # every manager is an agent with skills and fatigue of its own; more take seconds a month
MOST_GROWN = 100_000_000  # rows at the end, in memory
MOST_STORED = 1_000_000_000  # in a folder: a row's number fits 32 bits, and so do those of all who ever joined


@dataclass(frozen=True)
class Size:
    """A bank at its first month: by tier its customers and rows; all its AUM; customers a remote manager may serve."""

    customers: np.ndarray
    rows: np.ndarray
    money: float
    remote: float


def synthetic_size(population: Population, tiers: Sequence[Tier], managers: Managers) -> Size:
    """The size of a synthetic bank, from its shares and the laws of AUM."""
    from sim.population.presets import PRESETS

    total = population.customers or DEFAULT_CUSTOMERS
    customers = whole_shares(total, tier_shares(population, tiers))
    rows = quotas(customers, rows_wanted(population, total), row(population.strata, tiers, np.float64))
    edges = bands(tiers)
    laws = tier_laws(PRESETS[population.preset], tiers)
    means = [law.mean(float(a), float(b)) for law, a, b in zip(laws, edges[:-1], edges[1:], strict=True)]
    above = laws[0].share_above(managers.remote_from, float(edges[0]), float(edges[1]))
    return Size(customers, rows, float(customers @ np.array(means)), above * float(customers[0]))


def book_size(aum: np.ndarray, tier: np.ndarray, customers: int, tiers: Sequence[Tier], managers: Managers) -> Size:
    """The size of a bank whose customers are a book's, each row standing for as many; AUM (CNY) and tier by row."""
    each = customers / max(aum.size, 1)
    rows = np.bincount(tier, minlength=len(tiers))
    remote = float(np.count_nonzero((tier == 0) & (aum >= managers.remote_from)))
    return Size(rows * each, rows, float(np.maximum(aum, SMALLEST).sum()) * each, remote * each)


def size_slips(
    size: Size, population: Population, tiers: Sequence[Tier], managers: Managers, model: Model, months: int
) -> Iterator[Slip]:
    """What is too large; `months` are all that are lived."""
    yield from _row_slips(size, population, tiers)
    yield from _post_slips(size, tiers, managers, model)
    yield from _money_slips(size, population, model, months)
    grown = float(size.rows.sum()) * math.exp(min(max(_joining(model), 0.0) * months / 12.0, 700.0))
    most = MOST_GROWN if population.store is None else MOST_STORED
    if grown > most:
        yield (
            ("model", "acquisition", "rate"),
            f"{grown:.3g} rows after {months} months, as more join than leave; at most {most}: "
            "fewer months, a smaller rate, or fewer agents",
        )


def _row_slips(size: Size, population: Population, tiers: Sequence[Tier]) -> Iterator[Slip]:
    most = MOST_WEIGHT // UNIT
    heavy = size.customers > size.rows * float(most)
    if heavy.any():
        k = int(np.argmax(heavy))
        path = ("population", "customers" if population.source == "book" or population.agents is None else "agents")
        each = math.ceil(size.customers[k] / max(int(size.rows[k]), 1))
        yield (
            path,
            (
                f"a row of {tiers[k].name} would stand for {each} customers; at most {most}: "
                "more rows or fewer customers"
            ),
        )


def _post_slips(size: Size, tiers: Sequence[Tier], managers: Managers, model: Model) -> Iterator[Slip]:
    if not model.mechanisms.contacts:
        return
    share = row(managers.coverage, tiers, np.float64)
    posts = size.customers * share / row(managers.span, tiers, np.float64)
    remote = size.remote * managers.remote_coverage / managers.remote_span
    total = float(posts.sum()) + remote
    if total <= MOST_POSTS:
        return
    where: tuple[str, ...] = ("managers", "remote_span")
    if remote < posts.max():
        where = ("managers", "span", tiers[int(np.argmax(posts))].name)
    yield (
        where,
        (
            f"about {total:.0f} managers would be needed; at most {MOST_POSTS}: larger spans, less coverage, "
            "or fewer customers"
        ),
    )


def _money_slips(size: Size, population: Population, model: Model, months: int) -> Iterator[Slip]:
    if size.money * ROOM > MOST_MONEY:
        book = population.source == "book"
        yield (
            ("population", "currency_scale" if book else "customers"),
            (
                f"AUM of {size.money:.3g} at the start; sums hold {MOST_MONEY:.3g} and need room to grow: "
                f"{'a smaller currency_scale, or ' * book}fewer customers"
            ),
        )
        return
    log_grown = math.log(max(size.money, 1.0)) + _growth(model, months)
    if log_grown + math.log(ROOM) > math.log(MOST_MONEY):
        grown = f"10^{log_grown / math.log(10.0):.0f}"
        yield (
            ("months",),
            (
                f"AUM would grow from {size.money:.3g} to about {grown} in {months} months; sums hold "
                f"{MOST_MONEY:.3g}: fewer months, less growth or spread of wealth, or fewer customers"
            ),
        )


def _growth(model: Model, months: int) -> float:
    """Log of how much the bank's AUM may grow: by growth of wealth, its spread, inheritances, and those who join."""
    wealth = model.wealth
    grown = max(_joining(model), 0.0) * months / 12.0
    if not model.mechanisms.wealth:
        return grown
    keep = (1.0 - wealth.reversion) ** np.arange(months)
    spread = 0.5 * wealth.sd**2 * float((keep**2).sum())
    often = model.life.events / 12.0 * model.life.inheritance
    inherited = often * float(np.expm1(wealth.inheritance_jump * keep).sum())
    return grown + max(wealth.growth, 0.0) * months / 12.0 + spread + inherited


def _joining(model: Model) -> float:
    """Growth of the number of customers a year: those who join, less those who leave at least."""
    if not model.mechanisms.acquisition:
        return 0.0
    leaving = min(hazard.close for hazard in model.hazards.values())
    return model.acquisition.rate - 12.0 * leaving
