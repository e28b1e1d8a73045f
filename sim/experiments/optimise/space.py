"""The candidates there can be: what Optuna chooses, as shares of a budget and values of scenario paths.

A budget is split by numbers in 0..1, one a strategy: those below `LEFT_OUT` are nothing at all, so that mixes of fewer
strategies are proposed too; beyond it they are spread so that even numbers mean every split alike, the corners
included. Shares are whole percents, so that proposals that hardly differ are one candidate.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.experiments.design.plan import Parameter

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Shares = Mapping[str, float]
Split = Callable[[Shares], Mapping[str, Any]]  # shares of the budget to values of paths

LEFT_OUT = 0.1
FULL = 0.999  # of what is beyond: more would weigh without end
TOGETHER = 3.0  # what the weights of given shares add up to
STEPS = 100  # shares are multiples of 1 over this
SHARE = "share."  # before a strategy's name in a proposal


@dataclass(frozen=True)
class Proposal:
    """What is asked of the bank: values of paths, and what shares of the money that means where a budget is split."""

    values: Mapping[str, Any]
    shares: Shares = field(default_factory=dict)


@dataclass(frozen=True)
class Space:
    """What may be chosen: `members` that split a budget, and `parameters` beside them.

    `paid` says what values come to as shares of the money that is spent, which differ from those that were asked for
    where a strategy in full costs less than its share.
    """

    parameters: Sequence[Parameter]
    members: Sequence[str] = ()
    split: Split | None = None
    paid: Callable[[Mapping[str, Any]], Shares] | None = None

    def distributions(self) -> dict[str, BaseDistribution]:
        """What Optuna draws from, by name of a proposal's number."""
        from optuna.distributions import FloatDistribution

        found: dict[str, BaseDistribution] = {SHARE + name: FloatDistribution(0.0, 1.0) for name in self.members}
        return found | {one.path: _distribution(one) for one in self.parameters}

    def proposal(self, drawn: Mapping[str, Any]) -> Proposal:
        """What the drawn numbers mean."""
        values = {one.path: drawn[one.path] for one in self.parameters}
        if not self.members:
            return Proposal(values)
        return self.of_shares(shares_of({name: drawn[SHARE + name] for name in self.members}), values)

    def of_shares(self, shares: Shares, values: Mapping[str, Any] | None = None) -> Proposal:
        """A split of the budget; what else is chosen as the scenario has it, unless given."""
        assert self.split is not None
        others = {one.path: one.base for one in self.parameters} if values is None else values
        intensities = self.split(shares)
        return Proposal({**intensities, **others}, self.paid(intensities) if self.paid is not None else shares)

    def drawn(self, shares: Shares) -> dict[str, Any] | None:
        """Numbers that mean these shares and all else as the scenario has it; None if that is outside the ranges."""
        found: dict[str, Any] = {SHARE + name: _number(TOGETHER * shares[name]) for name in self.members}
        for one in self.parameters:
            if not _within(one):
                return None
            found[one.path] = one.base
        return found


def shares_of(numbers: Mapping[str, float]) -> dict[str, float]:
    """Numbers in 0..1 as shares in whole percents that add up to 1; all alike if every number is left out."""
    heavy = {name: _weight(number) for name, number in numbers.items()}
    whole = sum(heavy.values())
    if whole <= 0:
        heavy, whole = dict.fromkeys(numbers, 1.0), float(len(numbers))
    exact = {name: STEPS * weight / whole for name, weight in heavy.items()}
    steps = {name: int(value + 1e-9) for name, value in exact.items()}
    short = STEPS - sum(steps.values())
    for name in sorted(exact, key=lambda name: steps[name] - exact[name])[:short]:  # largest remainders first
        steps[name] += 1
    return {name: step / STEPS for name, step in steps.items()}


def _weight(number: float) -> float:
    """Exponential for a uniform number, whose parts of their sum are uniform over all splits."""
    beyond = (number - LEFT_OUT) / (1.0 - LEFT_OUT)
    return -math.log1p(-min(beyond, FULL)) if beyond > 0 else 0.0


def _number(weight: float) -> float:
    """The number of a weight."""
    return LEFT_OUT - (1.0 - LEFT_OUT) * math.expm1(-weight) if weight > 0 else 0.0


def _within(one: Parameter) -> bool:
    if one.kind in ("choice", "switch") or one.values is not None:
        return one.base in (one.values or ())
    low, high = one.low, one.high
    return isinstance(one.base, int | float) and low is not None and high is not None and low <= one.base <= high


def _distribution(one: Parameter) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if one.values is not None:
        return CategoricalDistribution(list(one.values))
    assert one.low is not None
    assert one.high is not None
    if one.kind == "integer":
        return IntDistribution(int(one.low), int(one.high), log=one.log)
    return FloatDistribution(float(one.low), float(one.high), log=one.log)
