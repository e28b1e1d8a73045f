"""Shares of a budget as intensities: what each strategy of an arm can be for its part of the money.

Costs are those of the bank at month 0 with one seed. Other seeds earn a little more or less; there the arm's budget
scales all intensities alike, so that every candidate costs the budget with every seed and shares stay what they are
but for that. A strategy that cannot spend its share runs in full, and the others get what it leaves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sim.experiments.prepared import Prepared
from sim.experiments.replication import Replication
from sim.scenario.scenario import Arm
from sim.strategies import Strategy
from sim.strategies.programme import Programme
from sim.yaml_source.paths import key_text

DIGITS = 6  # of an intensity
HALVINGS = 50


@dataclass(frozen=True)
class BudgetSplit:
    """Turns shares of the budget into values of paths, and intensities into the money they are."""

    arm: Arm
    programme: Programme  # of the arm's strategies at month 0; its own intensities do not matter
    months: int
    salary: float

    def __call__(self, shares: Mapping[str, float]) -> dict[str, Any]:
        """Intensities by path, in the order of the shares."""
        assert self.arm.budget is not None
        strategies = {one.use: one for one in self.arm.strategies}
        return {
            path_of(self.arm.name, name): self._intensity(strategies[name], share * self.arm.budget)
            for name, share in shares.items()
        }

    def written(self) -> dict[str, Any]:
        """Intensities of the scenario as it is, by path."""
        return {path_of(self.arm.name, one.use): one.intensity for one in self.arm.strategies}

    def spent(self, values: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
        """By strategy: its intensity once all are scaled to the budget, and what that costs a year."""
        funded = [
            _at(one, float(values.get(path_of(self.arm.name, one.use), one.intensity))) for one in self.arm.strategies
        ]
        whole = Programme(
            funded,
            self.programme.settings,
            self.programme.bank,
            self.programme.revenue,
            months=self.months,
            salary=self.salary,
            budget=self.arm.budget,
        )
        scaled = {one.use: (one.intensity, self._cost(one)) for one in whole.strategies}
        return {one.use: scaled.get(one.use, (0.0, 0.0)) for one in self.arm.strategies}

    def shares(self, values: Mapping[str, Any]) -> dict[str, float]:
        """Parts of the money that strategies of these intensities spend, to a tenth of a percent."""
        spent = {name: money for name, (_, money) in self.spent(values).items()}
        whole = sum(spent.values())
        return {name: round(money / whole, 3) if whole > 0 else 0.0 for name, money in spent.items()}

    def _cost(self, strategy: Strategy) -> float:
        return self.programme.yearly(strategy, self.months, self.salary)

    def _intensity(self, strategy: Strategy, money: float) -> float:
        if money <= 0:
            return 0.0
        low, high = 0.0, 1.0
        if self._cost(_at(strategy, high)) > money:
            for _ in range(HALVINGS):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if self._cost(_at(strategy, middle)) <= money else (low, middle)
        # never 0, which would be another mix than the one that is meant
        return max(float(f"{high:.{DIGITS}g}"), 10.0**-DIGITS)


def path_of(arm: str, strategy: str) -> str:
    """Where a strategy's intensity stands in an arm that has a budget."""
    return f"arms.{arm}.strategies.{key_text(strategy)}.intensity"


def _at(strategy: Strategy, intensity: float) -> Strategy:
    return strategy.model_copy(update={"intensity": intensity})


def budget_split(prepared: Prepared, arm: str, seed: int) -> BudgetSplit:
    """The split of an arm's budget, by the bank of this seed at month 0."""
    s = prepared.scenario
    bundle = next(one for one in s.arm_list if one.name == arm)
    with Replication(prepared, seed).bank(bundle) as bank:
        bank.begin_measuring()
        assert bank.programme is not None
        return BudgetSplit(bundle, bank.programme, s.months, s.managers.salary)
