"""`sim.potential_outcomes`: true individual effects, beside what a bank would have to estimate them from."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from sim.api.notebook import callback
from sim.api.scenarios import Given, folder_of, names_of, number_from, plain, prepared
from sim.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.callbacks import Callback
    from sim.experiments.counterfactuals import Counterfactuals


class PotentialOutcomes:
    """Customers of month 0 under every arm. `table` is all of it, `observed` what a bank has, `truth` the rest."""

    def __init__(self, found: Counterfactuals):
        self.found = found

    @property
    def table(self) -> pd.DataFrame:
        """A row a customer; units in ``.attrs["units"]``."""
        from sim.experiments.counterfactuals_file import columns

        currency = self.facts["currency"]
        self.found.table.attrs["units"] = {c.name: c.unit_in(currency) for c in columns(self.found)}
        return self.found.table

    @property
    def facts(self) -> dict[str, Any]:
        """How it was made: scenario, arms, seed, rule, code, digest, and the bank's cost that no row holds."""
        return self.found.facts

    @property
    def arms(self) -> list[str]:
        """Arms, the reference first."""
        return list(self.facts["arms"])

    @property
    def observed(self) -> pd.DataFrame:
        """What a bank has: what it saw before the decision, which arm was given, what came of it."""
        table = self.table
        return table[[name for name in table.columns if not name.startswith("truth.")]]

    @property
    def truth(self) -> pd.DataFrame:
        """What no bank has: the outcome under every arm, the effects, and the chance of being given an arm."""
        table = self.table
        return table[[name for name in table.columns if name.startswith("truth.")]]

    def effect(self, arm: str | None = None, outcome: str = "active") -> pd.Series:
        """The true effect on each customer of an arm (the second, unless named) against the first."""
        name = f"truth.effect.{outcome}[{arm or self.arms[1]}]"
        if name not in self.table.columns:
            there = ", ".join(column for column in self.table.columns if column.startswith("truth.effect."))
            raise BadInput.at("effect", f"no effect of {arm!r} on {outcome!r}; there are {there}")
        return self.table[name]

    def qini(self, score: ArrayLike, arm: str | None = None, outcome: str = "active") -> float:
        """How well a score orders customers by their true effect: 1 is the perfect order, 0 is chance."""
        from sim.measures.uplift import qini_of_best

        score = score.reindex(self.table.index) if hasattr(score, "reindex") else score  # a Series knows its rows
        try:
            return qini_of_best(score, self.effect(arm, outcome), self.table["weight"])
        except ValueError as error:
            raise BadInput.at("score", str(error)) from None

    def save(self, folder: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write counterfactuals.parquet and its data card; returns the file. `BadInput` for a folder in use."""
        from sim.experiments.counterfactuals_file import write

        return write(self.found, folder_of(folder, "folder"), overwrite=overwrite)

    def __repr__(self) -> str:
        return f"<PotentialOutcomes {self.facts['name']}: {len(self.found.table):,} customers, {len(self.arms)} arms>"


def potential_outcomes(
    scenario: Given,
    *,
    arms: Sequence[str] | None = None,
    customers: int | None = None,
    seed: int | None = None,
    months: int | None = None,
    values: Mapping[str, Any] | None = None,
    book: pd.DataFrame | None = None,
    rule: str = "randomised",
    share: float = 0.5,
    by: str = "",
    strength: float = 1.0,
    progress: bool | Callback | None = None,
) -> PotentialOutcomes:
    """Follow each customer of month 0 through every arm with the same luck, and give each one arm by a stated rule.

    `arms` are of the scenario, the reference first; `customers` how many rows (all, unless given); `seed` one seed
    (the scenario's first); `book` as of `sim.run`. `rule` is "randomised", "targeted" (by a column or score the bank
    can see) or "confounded" (by one it cannot see): `share` of the customers are given an arm after the first, the log
    odds rise by `strength` with each standard deviation of `by`. Raises `BadInput` before anything is lived.
    """
    from sim.experiments.counterfactuals import Rule
    from sim.experiments.counterfactuals import potential_outcomes as follow

    one = prepared(scenario, seeds=None if seed is None else [seed], months=months, values=values, book=book)
    arms = None if arms is None else names_of(arms)
    customers = None if customers is None else number_from(customers, "customers", 1)
    share, strength = plain(share, "share"), plain(strength, "strength")
    how = Rule(rule, share, by, strength)
    listener = callback(progress)
    return PotentialOutcomes(follow(one, arms=arms, customers=customers, rule=how, callback=listener))
