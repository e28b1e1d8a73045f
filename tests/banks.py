"""Banks for tests: those of the stylised facts' experiments, and what only tests ask of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from sim.agents.customer import TRAITS
from sim.bank.model import BankModel
from sim.behaviour.settings import Mechanisms
from sim.codes import ACTIVE, CLOSED
from sim.population.synthetic import Source
from sim.validation.banks import (
    TIERS,
    UNIT,
    at_the_start,
    bank,
    fork,
    live,
    lived,
    scenario,
    tables,
)

__all__ = [
    "TIERS",
    "UNIT",
    "at_the_start",
    "bank",
    "counts",
    "everybody_awake",
    "fork",
    "hazards",
    "joiners",
    "live",
    "lived",
    "monthly",
    "only",
    "over_time",
    "scenario",
    "tables",
]


def only(**on: bool) -> dict[str, bool]:
    """Every mechanism off but those named."""
    return {name: bool(on.get(name, False)) for name in Mechanisms.model_fields}


def hazards(close: float, dormant: float = 0.0, reactivate: float = 0.0, close_dormant: float = 0.0) -> dict[str, Any]:
    """The same monthly probabilities for every tier, and those of dormant customers."""
    by_tier: dict[str, Any] = {tier: {"close": close, "dormant": dormant} for tier in TIERS}
    return by_tier | {"dormant": {"reactivate": reactivate, "close": close_dormant}}


def everybody_awake() -> dict[str, Any]:
    """A first population without dormant customers."""
    return {"dormant_at_start": dict.fromkeys(TIERS, 0.0)}


def joiners(source: Source, *asked: float, **more: Any) -> dict[str, np.ndarray]:
    """Those who join in a month, by the name of a column or a trait; an empty dict where nobody does."""
    found = source.joiners(*asked, **more)  # type: ignore[arg-type]
    if found is None:
        return {}
    return found._asdict() | {trait.name: (found.traits & trait.bit != 0).astype(np.int8) for trait in TRAITS}


def monthly(model: BankModel) -> pd.DataFrame:
    """monthly.parquet of a bank that has lived, without arm and seed."""
    return tables(model)["monthly"].drop(columns=["arm", "seed"])


def over_time(table: pd.DataFrame, column: str) -> np.ndarray:
    """One column of monthly.parquet over the bank, by month."""
    return table.groupby("month")[column].sum().to_numpy()


def counts(model: BankModel) -> tuple[int, int, int]:
    """Rows active, dormant, closed or unused."""
    state = model.customers.state
    return tuple(int(np.count_nonzero(state == value)) for value in (ACTIVE, 1, CLOSED))  # type: ignore[return-value]
