"""Verdicts under beliefs: every arm lived in many worlds, each with its own values of what nobody knows.

A belief study is a sweep whose points are worlds, kept in the folder ``beliefs/`` of its run while it is lived, so that
workers, clusters and --resume do what they do for sweeps. Out of it come worlds.parquet and beliefs.csv of the run.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from sim.analysis.beliefs import table_of, worlds_of
from sim.errors import Interrupted
from sim.experiments.callbacks import Callback
from sim.experiments.design.joint import posteriors_of
from sim.experiments.design.moves import applied
from sim.experiments.design.plan import Point
from sim.experiments.design.worlds import plan_worlds
from sim.experiments.executors.place import Where
from sim.experiments.pilots import outcomes_of
from sim.experiments.prepare import prepare_source
from sim.experiments.prepared import Prepared, facts_of_sweep
from sim.experiments.provenance import surroundings
from sim.experiments.sweep.drive import SweepOptions, sweep
from sim.experiments.sweep.points import BankPoints
from sim.population.strata import DEFAULT_CUSTOMERS, rows_wanted
from sim.scenario.scenario import Scenario
from sim.store.files import write_csv
from sim.store.sweep_rows import OK
from sim.store.worlds import FOLDER, columns_of, write_worlds
from sim.yaml_source import dump

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.sweep_reading import StoredSweep

SAY = 5.0  # seconds between what is told of worlds


class Worlds(BankPoints):
    """Lives worlds: a point has a value for each belief, of which one may be many numbers of the scenario."""

    def prepared(self, point: Point) -> Prepared:
        """The checked scenario of a world; `BadInput` if its values do not fit together."""
        moves = self.plan.design["all"]["moves"]
        values: dict[str, Any] = {}
        for name, drawn in point.values.items():
            values |= applied(moves[name]["how"], moves[name]["targets"], drawn)
        return prepare_source(self.base.with_values(values, f"world {point.number}"), known=self.known)


def live_worlds(
    prepared: Prepared, folder: Path, where: Where, callback: Callback, *, plugins: Sequence[str] = ()
) -> dict[str, Any]:
    """Live the worlds of a run that are not lived yet and write what came of them; what its manifest says of them.

    Raises `RunFailed` if work cannot go on and `Interrupted` after Ctrl-C; worlds that were lived stay in both cases.
    """
    callback.note("drawing worlds")
    plan, points = plan_worlds(prepared, plugins=plugins)
    facts = facts_of_sweep(prepared) | surroundings()
    text = dump(prepared.scenario.stored())
    try:
        options = SweepOptions(folder / FOLDER, resume=True)
        found = sweep(plan, points, facts, text, options, where, _Telling(callback))
    except Interrupted:
        what = f"{folder}: interrupted; what was finished is kept, --resume --out {folder} goes on"
        raise Interrupted(what) from None
    told = _told(found, prepared, repaired=plan.design["all"]["repaired"])
    write_worlds(folder, found.tasks[list(columns_of(told))], told)

    write_csv(folder / "beliefs.csv", table_of(worlds_of(folder, told, found.arms)))
    return told


def put_away(folder: Path, told: dict[str, Any]) -> None:
    """Remove the sweep of worlds from a run that is whole; it stays where tasks broke, to say why."""
    if not told["failed"]:
        shutil.rmtree(folder / FOLDER, ignore_errors=True)


def _told(found: StoredSweep, prepared: Prepared, *, repaired: int) -> dict[str, Any]:
    """What a run's manifest says of its worlds."""
    s = prepared.scenario
    assert s.beliefs is not None
    lost = found.tasks[found.tasks["status"] != OK]
    return {
        "worlds": len(found.design) - 1,
        "design": s.beliefs.design,
        "seeds": found.seeds,
        "kpis": found.kpis,
        "kpi_units": dict(found.manifest["kpi_units"]),
        "currency": str(found.manifest["currency"]),
        "parameters": found.parameters,
        "moved": repaired,
        "failed": len(lost),
        "first_error": str(lost["error"].iloc[0]) if len(lost) else "",
        "luck_ratio": luck_ratio(s),
        **posteriors_of(prepared.joints),
        "outcomes": outcomes_of([one["path"] for one in found.parameters], s, revenue=_revenue(found.tasks)),
    }


def luck_ratio(scenario: Scenario) -> float:
    """How much larger the luck in a world is than in a run of one seed: worlds have fewer rows, and seeds of theirs."""
    beliefs, population = scenario.beliefs, scenario.population
    assert beliefs is not None
    if population.source == "book":
        return 1.0 / math.sqrt(beliefs.seeds)
    rows = rows_wanted(population, population.customers or DEFAULT_CUSTOMERS)
    return math.sqrt(max(rows / beliefs.agents, 1.0) / beliefs.seeds)


def _revenue(tasks: pd.DataFrame) -> float:
    """What the reference earns a year, in the mean of all worlds."""
    first = tasks[(tasks["arm"] == tasks["arm"].iloc[0]) & (tasks["status"] == OK)]
    return float(first["revenue"].mean()) if len(first) else 0.0


class _Telling(Callback):
    """Says to a run's callback, now and then, how many worlds are lived."""

    def __init__(self, callback: Callback):
        self.callback = callback
        self.total = self.done = 0
        self.said = monotonic()

    def items(self, total: int, done: int) -> None:
        self.total, self.done = total, done
        self._say()

    def chunk(self, receipt: dict[str, Any]) -> None:
        self.done += receipt["units"]
        if monotonic() - self.said > SAY:
            self._say()

    def crashed(self, item: Any, reason: str) -> None:
        self.done += 1
        self.callback.note(f"{item} given up: {reason}")

    def note(self, text: str) -> None:
        self.callback.note(text)

    def _say(self) -> None:
        self.said = monotonic()
        self.callback.note(f"worlds, all arms each: {self.done:,} of {self.total:,} lived")
