"""What strategies may know of a scenario's bank, and whether they can be tried in a part of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sim.agents.manager_settings import Managers
from sim.behaviour.settings import Model
from sim.slips import Slip
from sim.strategies import Bank, Strategy, of_managers
from sim.tiers import Tier, row, thresholds
from sim.yaml_source import did_you_mean


def facts_for_strategies(
    tiers: Sequence[Tier], managers: Managers, model: Model, active: np.ndarray, aum_quantiles: np.ndarray
) -> Bank:
    """A scenario's bank as its strategies may know it, from its active customers by tier and their AUM at month 0."""
    return Bank(
        tiers=tiers,
        coverage=row(managers.coverage, tiers, np.float64),
        span=row(managers.span, tiers, np.float64),
        active=active,
        ceiling=np.append(thresholds(tiers)[1:], np.inf),
        push=model.contacts.push,
        resolution=model.service.resolution,
        scores=model.scores,
        aum_quantiles=aum_quantiles,
    )


def where_slips(strategy: Strategy, tiers: Sequence[Tier], managers: Managers, model: Model) -> Iterator[Slip]:
    """A pilot is in tiers that there are, and leaves managers as they are, who serve customers inside and outside."""
    where = strategy.where
    if where is None:
        return
    names = [tier.name for tier in tiers]
    unknown = [name for name in where.tiers_named if name not in names]
    for name in unknown:
        yield ("tier",), f"unknown tier {name}; {did_you_mean(name, names, all_if_none='tiers are')}"
    if unknown or where.pilot(tiers) is None:
        return
    found = of_managers(strategy, facts_for_strategies(tiers, managers, model, np.ones(len(names)), np.ones(101)))
    if found:
        what = f"a pilot leaves managers as they are, who serve its customers and others; {strategy.use} changes"
        yield (), f"{what} {', '.join(found)}; no where, or settings without that"
