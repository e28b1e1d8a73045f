"""How many customers and how many rows each tier has; apart from SciPy, so that a scenario is
checked with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sim.population.laws import LogNormal, Pareto
from sim.population.presets import PRESETS, Preset
from sim.population.settings import Population
from sim.tiers import Tier, row, thresholds

DEFAULT_CUSTOMERS = 1_000_000


def tier_shares(population: Population, tiers: Sequence[Tier]) -> np.ndarray:
    """Share of customers by tier, float64 (tiers,): the scenario's, else the preset's."""
    table = population.shares or PRESETS[population.preset].shares
    return row(table, tiers, np.float64)


def tier_laws(preset: Preset, tiers: Sequence[Tier]) -> list[LogNormal | Pareto]:
    """The preset's law for each tier, or for the one it is like."""
    return [preset.laws[tier.key if tier.key in preset.laws else tier.name] for tier in tiers]


def whole_shares(total: int, shares: np.ndarray) -> np.ndarray:
    """`total` divided by shares into whole numbers that add up (largest remainders), int64 (tiers,), as `shares`."""
    exact = total * shares / shares.sum()
    whole = np.floor(exact).astype(np.int64)
    order = np.argsort(-(exact - whole), kind="stable")
    whole[order[: total - int(whole.sum())]] += 1
    return whole


def quotas(customers: np.ndarray, agents: int, strata: np.ndarray) -> np.ndarray:
    """Rows by tier, int64 (tiers,): its share of the agents, at most its customers; spare rows go down a tier.

    `customers` int64 (tiers,), `strata` the shares of agents, float64 (tiers,) (DECISIONS 7).
    """
    if agents >= customers.sum():
        return customers.copy()
    wanted = whole_shares(agents, strata)
    rows = np.zeros_like(wanted)
    spare = 0
    for k in range(wanted.size - 1, -1, -1):
        rows[k] = min(int(customers[k]), int(wanted[k]) + spare)
        spare += int(wanted[k]) - int(rows[k])
    for k in range(wanted.size):  # the lowest tiers were full: what is left goes up again
        more = min(spare, int(customers[k]) - int(rows[k]))
        rows[k] += more
        spare -= more
    for k in np.flatnonzero((rows == 0) & (customers > 0)).tolist():  # a tier is never left without a row
        rows[k] += 1
        rows[int(np.argmax(rows))] -= 1
    return rows


def rows_wanted(population: Population, total: int) -> int:
    """Simulated rows asked for: a number, a share of the customers, or all."""
    agents = population.agents
    if agents is None:
        return total
    return max(round(agents * total), 1) if isinstance(agents, float) else agents


def book_tiers(book: Any, tiers: Sequence[Tier]) -> np.ndarray:
    """Tier index of each customer of a book, int64 (rows,): as it says, else by AUM against the thresholds."""
    if book.tier is not None:
        number = {tier.name: k for k, tier in enumerate(tiers)}
        return np.array([number[str(name)] for name in book.tier], np.int64)
    return np.maximum(np.searchsorted(thresholds(tiers), book.aum, side="right") - 1, 0)
