"""The coalitions of a bundle, lived with one seed: what is the same in several of them is lived once.

A strategy that has not begun yet does nothing and costs nothing. So coalitions whose members of the months so far are
the same have the same bank until another member begins; from a copy of it each goes its own way. Members that never
begin within the horizon make no difference at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.experiments.replication import Replication
from sim.scenario.scenario import Arm, Scenario
from sim.strategies.base import Strategy

if TYPE_CHECKING:
    import pandas as pd

    from sim.bank.recorder import Recorder
    from sim.bank.state import State

Coalition = frozenset[str]  # of members' names
NOBODY: Coalition = frozenset()


def begins(strategy: Strategy, months: int, capital_months: int) -> int | None:
    """The first month 1..months in which a strategy acts or costs anything; None if there is none."""

    def at_work(month: int) -> bool:
        elapsed = strategy.elapsed(month)
        paid = strategy.spent(elapsed, capital_months) or strategy.paid(elapsed, capital_months)
        return elapsed > 0 or paid != 0

    return next((month for month in range(1, months + 1) if at_work(month)), None)


@dataclass(frozen=True)
class Recorded:
    """What key figures need of a life: columns of monthly and of bank, and the rows of transitions."""

    monthly: Mapping[str, np.ndarray]
    bank: Mapping[str, np.ndarray]
    transitions: Sequence[tuple[int, str, str, float]]

    @classmethod
    def of(cls, recorder: Recorder) -> Recorded:
        """Taken out of a recorder, which may go."""
        monthly = {name: np.concatenate(rows) for name, rows in recorder.monthly.items()}
        bank = {name: np.array([row[name] for row in recorder.bank]) for name in recorder.bank[0]}
        return cls(monthly, bank, list(recorder.transitions))


class Coalitions:
    """The coalitions of these strategies, by name, in the bank of one replication."""

    def __init__(self, one: Replication, strategies: Mapping[str, Strategy]):
        self.one, self.strategies = one, strategies
        s = self.scenario
        first = {name: begins(own, s.months, s.implementation.capital_months) for name, own in strategies.items()}
        self.first = {name: month for name, month in first.items() if month is not None}
        self.cuts = sorted(set(self.first.values()))
        self.known: dict[Coalition, Recorded] = {}  # the bank without any of them, once it is lived

    @property
    def scenario(self) -> Scenario:
        return self.one.prepared.scenario

    def begun(self, coalition: Coalition, month: int) -> Coalition:
        """The members that have begun by a month."""
        return frozenset(member for member in coalition if self.first.get(member, month + 1) <= month)

    def in_order(self, wanted: Sequence[Coalition]) -> list[Coalition]:
        """Those that go together longest side by side; the order hangs on nothing but their members."""
        return sorted(wanted, key=lambda coalition: [sorted(self.begun(coalition, cut)) for cut in self.cuts])

    def live(self, wanted: Sequence[Coalition]) -> dict[Coalition, Recorded]:
        """Every coalition to the end."""
        found: dict[Coalition, Recorded] = {}
        todo: list[tuple[list[Coalition], State | None]] = [(list(wanted), None)] if wanted else []
        while todo:
            group, state = todo.pop()
            here = group[0]
            with self.one.bank(self._arm(here), state) as bank:
                for cut in self.cuts:
                    if state is not None and cut <= state.month + 1:
                        continue  # they have gone apart there
                    apart = self._apart(group, cut)
                    if len(apart) > 1:
                        bank.run(self.one.months, until=cut - 1)
                        branch = bank.state()
                        group = apart.pop(self.begun(here, cut))
                        todo += [(others, branch) for others in apart.values()]
                recorded = Recorded.of(bank.run(self.one.months))
            found |= dict.fromkeys(group, recorded)
        return found

    def figures(self, wanted: Sequence[Coalition], kpis: Sequence[str]) -> dict[Coalition, np.ndarray]:
        """Key figures of every coalition, float64 (kpis,); equity is valued by customers of the bank without any."""
        from sim.measures.kpis import run_kpis

        lives = self.known | self.live([one for one in self._with_nobody(wanted) if one not in self.known])
        self.known = {NOBODY: lives[NOBODY]}
        arms = {str(number): one for number, one in enumerate(self._with_nobody(wanted))}
        s = self.scenario
        tiers = [tier.name for tier in s.tier_list]
        table = run_kpis(
            together({arm: lives[one] for arm, one in arms.items()}, tiers, self.one.seed),
            tiers=tiers,
            discount_rate=s.discount_rate,
            currency=s.currency,
            arms=list(arms),
        )
        values = table["value"].to_numpy().reshape(len(arms), -1)
        names = table["kpi"].to_list()[: values.shape[1]]
        asked = values[:, [names.index(kpi) for kpi in kpis]]
        return {one: asked[number] for number, one in enumerate(arms.values())}

    def _apart(self, group: Sequence[Coalition], month: int) -> dict[Coalition, list[Coalition]]:
        """The coalitions by the members that have begun by a month."""
        found: dict[Coalition, list[Coalition]] = defaultdict(list)
        for coalition in group:
            found[self.begun(coalition, month)].append(coalition)
        return found

    def _with_nobody(self, wanted: Sequence[Coalition]) -> list[Coalition]:
        return [NOBODY, *(one for one in wanted if one)]

    def _arm(self, coalition: Coalition) -> Arm:
        return Arm("coalition", tuple(own for name, own in self.strategies.items() if name in coalition))


def together(lives: Mapping[str, Recorded], tiers: Sequence[str], seed: int) -> dict[str, pd.DataFrame]:
    """Lives by the name of their arm as the tables that key figures are computed from."""
    import pandas as pd

    every = list(lives.values())
    tables = {
        table: pd.DataFrame({name: np.concatenate([getattr(one, table)[name] for one in every]) for name in columns})
        for table, columns in (("monthly", every[0].monthly), ("bank", every[0].bank))
    }
    tables["transitions"] = pd.DataFrame(
        [row for one in every for row in one.transitions], columns=["year", "from", "to", "customers"]
    ).astype({"year": "int64"})
    tables["monthly"]["tier"] = list(tiers) * len(tables["bank"])
    for name, table in tables.items():
        rows = [len(one.transitions) if name == "transitions" else len(table) // len(every) for one in every]
        table["arm"], table["seed"] = np.repeat(np.array(list(lives), object), rows), np.int64(seed)
    return tables
