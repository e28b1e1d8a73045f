"""A point of a sweep lived by the bank: the scenario with its values, all arms of a seed, key figures at the end.

What points share is made once in a worker: the laws of the population where it is the same; burn-ins, which depend on
nothing that begins after month 0; and arms that are the same word for word, as the reference is at all points that
differ in another arm only. An arm that was lived already tells 0 seconds.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from sim.experiments.design.plan import Plan, Point, Unit
from sim.experiments.prepare import prepare_source
from sim.experiments.prepared import Prepared
from sim.experiments.replication import Replication
from sim.experiments.stopping import TABLES
from sim.scenario.scenario import Arm, Scenario
from sim.yaml_source import loads

if TYPE_CHECKING:
    import pandas as pd

    from sim.bank.state import State
    from sim.population.synthetic import Source

KEPT_ROWS = 1_000_000  # simulated rows of burnt-in banks that a worker keeps, about 200 MB
KEPT_ARMS = 32  # lived arms that a worker keeps; tables by month and tier, below 1 MB each
AFTER_MONTH_0 = ("arms", "name", "about", "months", "seeds", "implementation", "record", "discount_rate")
OF_THE_POPULATION = ("population", "tiers", "channels", "model")
Thing = TypeVar("Thing")
Tables = Mapping[str, "pd.DataFrame"]  # what KPIs are made of


class BankPoints:
    """Lives units of a plan, one after the other; made once in a worker."""

    def __init__(self, plan: Plan):
        from sim.strategies import load_plugins

        load_plugins(plan.plugins)
        self.plan = plan
        self.base = loads(plan.text, file=plan.name)
        self.known = prepare_source(self.base)
        self.sources: OrderedDict[str, Source] = OrderedDict()
        self.states: OrderedDict[str, State] = OrderedDict()
        self.arms: OrderedDict[str, Tables] = OrderedDict()

    @property
    def kpis(self) -> list[str]:
        """Key figures of every task, in the order of their columns."""
        from sim.measures.catalogue import kpi_names

        return kpi_names([tier.name for tier in self.known.scenario.tier_list])

    def prepared(self, point: Point) -> Prepared:
        """The checked scenario of a point; `BadInput` if its values do not fit together."""
        return prepare_source(self.base.with_values(point.values, f"point {point.number}"), known=self.known)

    def run(self, unit: Unit) -> Iterator[dict[str, Any]]:
        """One row of results an arm; an arm that breaks is a failed row, and the others are kept."""
        import pandas as pd

        prepared = self.prepared(unit.point)
        s = prepared.scenario
        resolved = s.resolved()
        past = _digest(
            {**_without(resolved, AFTER_MONTH_0), "months": s.months, "uses": s.strategies_named, "seed": unit.seed}
        )
        rows: dict[str, dict[str, Any]] = {}
        tables: list[Tables] = []
        for arm in s.arm_list:
            began = perf_counter()
            row: dict[str, Any] = {"arm": arm.name, "status": "ok", "error": "", "traceback": "", "kpis": {}}
            try:
                key = _digest([past, arm.name, resolved["arms"][arm.name], resolved["implementation"]])
                make = partial(self._tables, prepared, arm, unit.seed, past)
                tables.append(_kept(self.arms, key, make, most=KEPT_ARMS))
            except Exception as error:
                row |= {
                    "status": "failed",
                    "error": f"{type(error).__name__}: {error}",
                    "traceback": traceback.format_exc(),
                }
            row["seconds"] = perf_counter() - began
            rows[arm.name] = row
        if tables:
            joined = {name: pd.concat([one[name] for one in tables], ignore_index=True) for name in tables[0]}
            for name, table in self._figures(joined, s, list(rows)).groupby("arm"):
                rows[str(name)]["kpis"] = dict(zip(table["kpi"], table["value"], strict=True))
        yield from rows.values()

    def _figures(self, joined: Tables, s: Scenario, arms: list[str]) -> pd.DataFrame:
        """Key figures of the arms of a seed, as `run_kpis` has them."""
        from sim.measures.kpis import run_kpis

        return run_kpis(
            joined,
            tiers=[tier.name for tier in s.tier_list],
            discount_rate=s.discount_rate,
            currency=s.currency,
            arms=arms,
            reference=s.arm_list[0].name,
        )

    def _tables(self, prepared: Prepared, arm: Arm, seed: int, past: str) -> Tables:
        """What KPIs are made of, of one arm of a seed; the burn-in goes by `past`, all that decides it."""
        one = Replication(prepared, seed, source=self._source(prepared))
        rows = max((len(next(iter(state.columns.values()))) for state in self.states.values()), default=1)
        state = _kept(self.states, past, one.state, most=max(1, min(8, KEPT_ROWS // max(rows, 1))))
        tables = one.tables(arm, state)
        return {name: tables[name] for name in TABLES}

    def _source(self, prepared: Prepared) -> Source:
        resolved = prepared.scenario.resolved()
        key = _digest({name: resolved.get(name) for name in OF_THE_POPULATION})
        return _kept(self.sources, key, prepared.customers, most=4)


def _kept(shelf: OrderedDict[str, Thing], key: str, make: Callable[[], Thing], *, most: int) -> Thing:
    """The thing of this key, made if it is not there; of `most` things the one not used for longest goes first."""
    if key not in shelf:
        while len(shelf) >= most:
            shelf.popitem(last=False)
        shelf[key] = make()
    shelf.move_to_end(key)
    return shelf[key]


def _without(settings: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name not in names}


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
