"""Banks of the experiments: a scenario in one line, a bank that stands ready, a bank that has lived."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any

import pandas as pd

from sim.bank.model import BankModel
from sim.population.synthetic import source
from sim.scenario.scenario import Arm, Scenario

TIERS = ("mass", "affluent", "wealth", "private")
UNIT = 1024.0  # weight units a customer


def scenario(
    customers: int = 10_000,
    *,
    months: int = 6,
    burn_in: int = 0,
    model: Mapping[str, Any] | None = None,
    population: Mapping[str, Any] | None = None,
    **sections: Any,
) -> Scenario:
    """A scenario of Bank B with what is named and the defaults for the rest."""
    return Scenario.model_validate(
        {
            "name": "test",
            "months": months,
            "burn_in": burn_in,
            "model": dict(model or {}),
            "population": {"customers": customers, **(population or {})},
            **sections,
        }
    )


def bank(s: Scenario, seed: int = 1, *, threads: int = 1) -> BankModel:
    """The scenario's bank at its beginning, no month lived."""
    customers = source(s.population, s.tier_list, s.model, s.channels)
    return BankModel(s, s.arm_list[0], seed, customers, threads=threads)


def live(model: BankModel, watch: Callable[[BankModel], None] | None = None) -> BankModel:
    """Live burn-in and all measured months; `watch` looks at the bank at month 0 and after every month."""
    while model.month < 0:
        model.step()
    model.begin_measuring()
    if watch is not None:
        watch(model)
    while model.month < model.scenario.months:
        model.step()
        if watch is not None:
            watch(model)
    if model.pool is not None:
        model.pool.shutdown()
    return model


def lived(s: Scenario, seed: int = 1, *, threads: int = 1) -> BankModel:
    """The scenario's bank at its end."""
    return live(bank(s, seed, threads=threads))


def fork(model: BankModel, arm: Arm | None = None) -> BankModel:
    """An independent copy of a bank at month 0 that has not begun to measure, under another arm if one is named."""
    twin = deepcopy(model, {id(thing): thing for thing in (model.source, model.scenario)})
    if arm is not None:
        twin.arm, twin.recorder.arm = arm, arm.name
    return twin


def at_the_start(s: Scenario, seed: int = 1) -> BankModel:
    """The scenario's bank after its burn-in, before it measures: where arms part."""
    model = bank(s, seed)
    while model.month < 0:
        model.step()
    return model


def arms_at_the_start(s: Scenario, seed: int = 1) -> dict[str, BankModel]:
    """The bank of every arm at month 0, from one burn-in."""
    start = at_the_start(s, seed)
    return {arm.name: fork(start, arm) for arm in s.arm_list}


def side_by_side(
    models: Mapping[str, BankModel], remember: Callable[[BankModel], Any]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Live banks with the same luck month by month: each month with what was to be remembered of the one before.

    Without joiners a row is the same customer in all of them, so their columns can be compared as they stand.
    """
    for model in models.values():
        model.begin_measuring()
    for month in range(1, min(model.scenario.months for model in models.values()) + 1):
        before = {name: remember(model) for name, model in models.items()}
        for model in models.values():
            model.step()
        yield month, before


def tables(model: BankModel) -> dict[str, pd.DataFrame]:
    """What the bank recorded."""
    return model.recorder.tables(model.team.events)
