"""An arm's strategies as one programme: how far each has taken hold, what they turn, wish and cost together.

Everything here is a function of the month and of numbers fixed at month 0; the order of strategies changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import compress

import numpy as np

from sim.agents.customer import BankView
from sim.agents.proposals import Proposals
from sim.levers import Levers
from sim.strategies.base import Bank, Strategy
from sim.strategies.settings import Implementation
from sim.strategies.upheaval import unsettle
from sim.strategies.where import Pilot, pilots


class Programme:
    """The strategies of one arm in one bank. `revenue` by tier is what the reference earns a year at month 0, CNY."""

    def __init__(
        self,
        strategies: Sequence[Strategy],
        settings: Implementation,
        bank: Bank,
        revenue: np.ndarray,
        *,
        months: int,
        salary: float,
        budget: float | None = None,
    ):
        self.settings = settings
        self._month: int | None = None  # last asked, of which is known what follows
        self._maturities: dict[int | None, dict[str, float]] = {}
        self._acting: dict[int, list[Strategy]] = {}
        self._costs: dict[str, float] | None = None
        self.bank = bank
        self.revenue = revenue
        self.pilots = pilots([strategy.where for strategy in strategies], bank.tiers)
        at_work = [strategy for strategy in strategies if strategy.intensity > 0]
        self.strategies = sorted(at_work, key=lambda strategy: (strategy.use, strategy.start))
        if budget is not None:
            self.strategies = self._within(budget, months, salary)

    # --- where ----------------------------------------------------------------------------------------------------

    def _pilot(self, strategy: Strategy) -> Pilot | None:
        return None if strategy.where is None else strategy.where.pilot(self.bank.tiers)

    def _bit(self, strategy: Strategy) -> int:
        """What a label has for customers of its pilot (`sim.bank.pilots`), 0 for a strategy of the whole bank."""
        pilot = self._pilot(strategy)
        return 0 if pilot is None else 1 << self.pilots.index(pilot)

    def _at_work(self, month: int, label: int) -> list[Strategy]:
        """The strategies that act in a month on customers of this label."""
        self._turn_to(month)
        if label not in self._acting:
            bits = [self._bit(one) for one in self.strategies]
            acts = [s.elapsed(month) > 0 and bit & label == bit for s, bit in zip(self.strategies, bits, strict=True)]
            self._acting[label] = list(compress(self.strategies, acts))
        return self._acting[label]

    def _turn_to(self, month: int) -> None:
        """Forget what was asked of another month."""
        if month != self._month:
            self._month, self._maturities, self._acting, self._costs = month, {}, {}, None

    # --- how far --------------------------------------------------------------------------------------------------

    def _held(self, name: str, month: int, label: int) -> float:
        """Intensity times the S-curve of the strategy of that name, 0 without it or outside its pilot."""
        there = (s for s in self._at_work(month, label) if s.use == name)
        return max((s.intensity * s.curve(s.elapsed(month)) for s in there), default=0.0)

    def _number(self, strategy: Strategy, setting: str) -> float:
        """A number that a strategy names: its own, else that of the implementation."""
        return float(getattr(strategy if setting in type(strategy).model_fields else self.settings, setting))

    def maturity(self, strategy: Strategy, month: int, label: int | None = None) -> float:
        """How much of a strategy's full effect holds in a month, 0 to 1 (SPEC 6.1, DECISIONS 18, 19).

        Intensity, times fidelity, times the S-curve, times what its complements add and what has not eroded. Fidelity
        gains by strategies that carry it, and stays below a gate, which opens as the strategy of the gate takes hold.
        Others count where they act on customers of the `label` too; the strategy's own pilot unless given.
        """
        label = self._bit(strategy) if label is None else label
        fidelity = strategy.fidelity
        for other, setting in strategy.carriers.items():
            fidelity = min(fidelity + self._number(strategy, setting) * self._held(other, month, label), 1.0)
        for other, setting in strategy.gates.items():
            gate = self._number(strategy, setting)
            fidelity = min(fidelity, gate + (1.0 - gate) * self._held(other, month, label))
        reached = strategy.intensity * fidelity * strategy.curve(strategy.elapsed(month))
        for other, more in self._complements(strategy).items():
            reached *= 1.0 + more * self._held(other, month, label)
        for other, setting in strategy.erosion.items():
            kept = 0.5 ** (strategy.elapsed(month) / self._number(strategy, setting))
            reached *= kept + (1.0 - kept) * self._held(other, month, label)
        return min(reached, 1.0)

    def _complements(self, strategy: Strategy) -> dict[str, float]:
        """What others add to a strategy, by their name: those it names itself, and those that name it."""
        more = {other: self._number(strategy, setting) for other, setting in strategy.complements.items()}
        for one in self.strategies:
            if strategy.use in one.complements and one.use not in more:
                more[one.use] = self._number(one, one.complements[strategy.use])
        return more

    def maturities(self, month: int, label: int | None = None) -> dict[str, float]:
        """By name of the strategies at work, as `maturity` has it."""
        self._turn_to(month)
        known, label = self._maturities, label if self.pilots else 0
        if label not in known:
            known[label] = {strategy.use: self.maturity(strategy, month, label) for strategy in self.strategies}
        return known[label]

    # --- what they do ---------------------------------------------------------------------------------------------

    def turn(self, levers: Levers, month: int, label: int = 0) -> None:
        """Turn the levers of the month that customers of a label meet, upheaval of first months included."""
        at_work = self._at_work(month, label)
        for strategy in at_work:
            maturity = self.maturities(month, label)[strategy.use]
            strategy.turn(levers, maturity, strategy.elapsed(month), self.bank)
            levers.refuse_nonsense(strategy.use)
        beginning = [s for s in at_work if s.elapsed(month) <= self.settings.dip_months]
        unsettle(levers, ((touch, s.intensity) for s in beginning for touch in s.touched()), self.settings)

    def propose(self, view: BankView, month: int, label: int = 0) -> Proposals | None:
        """The wishes of all strategies over the rows of the view, all of one label; None where there are none."""
        wishes = []
        for strategy in self._at_work(month, label):
            wish = strategy.propose(view, self.maturities(month, label)[strategy.use], month, self.bank)
            if wish is not None and wish.rows.size:
                wishes.append(wish)
        return Proposals.merged(wishes) if wishes else None

    @property
    def proposes(self) -> bool:
        """Whether any strategy may want somebody contacted."""
        return any(type(strategy).propose is not Strategy.propose for strategy in self.strategies)

    # --- what it costs --------------------------------------------------------------------------------------------

    def costs(self, month: int) -> dict[str, float]:
        """Cost of a month by name, CNY: shares of the annual revenue at month 0 (DECISIONS 19), and sums of money."""
        self._turn_to(month)
        if self._costs is None:
            found = {strategy.use: self._cost_of(strategy, month) for strategy in self.strategies}
            for name, cost in found.items():
                if not math.isfinite(cost):
                    raise ValueError(f"{name}.spent: {cost} is no cost")
            self._costs = found
        return self._costs

    def cost(self, month: int) -> np.ndarray:
        """Cost of a month by tier, CNY, laid on tiers as revenue was at month 0, on all alike where there was none.

        That of a pilot is laid on its tiers.
        """
        costs, found = self.costs(month), np.zeros(self.revenue.size)
        for pilot in (None, *self.pilots):
            total = sum(costs[one.use] for one in self.strategies if self._pilot(one) == pilot)
            part = self._revenue(pilot)
            even = np.ones(part.size) if pilot is None else np.array(pilot.within, np.float64)
            found += (part / part.sum() if part.sum() > 0 else even / even.sum()) * total
        return found

    def _revenue(self, pilot: Pilot | None) -> np.ndarray:
        """Revenue a year by tier at month 0, CNY, of the whole bank or of a pilot's customers, as it is drawn."""
        return self.revenue if pilot is None else self.revenue * pilot.within * pilot.share

    def _cost_of(self, strategy: Strategy, month: int) -> float:
        elapsed, months = strategy.elapsed(month), self.settings.capital_months
        revenue = float(self._revenue(self._pilot(strategy)).sum())
        shares = strategy.intensity * strategy.spent(elapsed, months) * revenue
        return shares + strategy.intensity * strategy.paid(elapsed, months)

    def yearly(self, strategy: Strategy, months: int, salary: float) -> float:
        """What a strategy costs a year over so many months, managers it adds included, CNY."""
        spent = sum(self._cost_of(strategy, month) for month in range(1, months + 1))
        posts = strategy.extra_managers(self.bank, strategy.intensity * strategy.fidelity)
        return spent / (months / 12.0) + posts * salary * 12.0

    def _within(self, budget: float, months: int, salary: float) -> list[Strategy]:
        """Scale intensities so that the yearly cost, managers added included, is the budget; at most full intensity.

        Cost is proportional to intensity but for the managers added, so the scale is found by bisection.
        """
        if not self.strategies or budget <= 0:
            return []
        full = [strategy.intensity for strategy in self.strategies]

        def scaled(factor: float) -> list[Strategy]:
            return [
                strategy.model_copy(update={"intensity": min(intensity * factor, 1.0)})
                for strategy, intensity in zip(self.strategies, full, strict=True)
            ]

        def yearly(factor: float) -> float:
            return sum(self.yearly(strategy, months, salary) for strategy in scaled(factor))

        low, high = 0.0, 1.0 / min(full)  # where every strategy runs in full
        if yearly(high) <= budget:
            return scaled(high)
        for _ in range(60):
            middle = 0.5 * (low + high)
            low, high = (middle, high) if yearly(middle) <= budget else (low, middle)
        return scaled(low)
