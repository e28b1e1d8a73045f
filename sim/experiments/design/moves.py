"""How one drawn number becomes the numbers of a scenario that hang on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.experiments.design.plan import DIGITS, Parameter

VALUE, FACTOR, POWER = "value", "factor", "power"


@dataclass(frozen=True)
class Belief:
    """One belief: its parameter, by whose path it goes, and the values of the scenario that hang on it.

    `targets` are paths of the base with their values there. `how` a draw becomes theirs: the `value` itself, their own
    value times that `factor`, or to that `power`. `group` are beliefs that it goes together with, `rank` how closely;
    one of a `posterior`, named by its file, comes with a row of it.
    """

    parameter: Parameter
    targets: Mapping[str, float]
    how: str = VALUE
    group: str = ""
    rank: float = 0.0
    posterior: str = ""

    @property
    def name(self) -> str:
        """What it is called: a path, of a strategy's number ``strategy.number``."""
        return self.parameter.path

    def values(self, drawn: Any) -> dict[str, Any]:
        """What its paths are where this was drawn."""
        return applied(self.how, self.targets, drawn)


def applied(how: str, targets: Mapping[str, float], drawn: Any) -> dict[str, Any]:
    """Values by path of one belief, in the digits that every machine has alike; at its base those of the scenario."""
    if how == VALUE:
        return dict.fromkeys(targets, drawn)
    if drawn == 1.0:
        return dict(targets)
    moved = {path: value * drawn if how == FACTOR else value**drawn for path, value in targets.items()}
    return {path: float(f"{value:.{DIGITS}g}") for path, value in moved.items()}
