"""Who lives what a search asks: units are stored in the sweep's folder before anybody hears of them.

A unit that is stored is never lived again, whoever asks for it and however often the optimisation was killed: the same
search asked anew hears the same answers and asks the same questions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sim.experiments.callbacks import Callback
from sim.experiments.design.plan import Plan, Point, Unit
from sim.experiments.executors.dispatch import drive
from sim.experiments.executors.place import KeptOpen, Where
from sim.experiments.optimise.archive import Figures
from sim.experiments.sweep.drive import design_of, job_of, units_of
from sim.store.sweep_folder import SweepStore


class StoredUnits:
    """Lives units somewhere and answers from the store, by `kpis`."""

    def __init__(self, plan: Plan, store: SweepStore, kpis: Sequence[str], where: Where, callback: Callback):
        self.plan, self.store, self.kpis = plan, store, list(kpis)
        self.where = KeptOpen(where)
        self.callback = callback
        self.points: dict[int, Point] = {}
        self.units: dict[str, Unit] = {}
        self.evaluated = 0  # units that had to be lived since this process began
        self._figures: dict[str, dict[str, dict[str, float]]] = {}
        self._parts_read: set[str] = set()  # parts that were read
        self._read_new_parts()

    def __call__(self, units: Sequence[Unit]) -> Mapping[str, Figures]:
        """Figures of units by arm, an arm that failed left out; those not stored are lived first."""
        self.points |= {unit.point.number: unit.point for unit in units}
        self.units |= {unit.id: unit for unit in units}
        todo = [unit for unit in units if not self._whole(unit.id)]
        if todo:
            self.replan()
            self.callback.items(len(self.units), sum(self._whole(unit) for unit in self.units))
            self._run(todo)
            self.evaluated += len(todo)
            self._read_new_parts()
        return {unit.id: self._figures.get(unit.id, {}) for unit in units}

    def replan(self) -> None:
        """Tell the folder of all points and units so far."""
        points = [self.points[number] for number in sorted(self.points)]
        counts = {"units": len(self.units), "tasks": len(self.units) * len(self.plan.arms)}
        self.store.replan(design_of(self.plan, points), units_of(list(self.units.values())), counts)

    def close(self) -> None:
        """Send workers home."""
        self.where.close()

    def _run(self, todo: Sequence[Unit]) -> None:
        job = job_of(self.plan, self.store, elsewhere=not self.where.local)
        drive(job, todo, self.where, self.callback, folder=self.store.path, limit=self.plan.seconds_limit)

    def _whole(self, unit: str) -> bool:
        return len(self._figures.get(unit, {})) == len(self.plan.arms)

    def _read_new_parts(self) -> None:
        """Take in what is stored and went well, of parts that were not read before."""
        from sim.store.sweep_reading import TASKS, part_files
        from sim.store.sweep_rows import OK, read_part

        columns = {"unit": "text", "arm": "text", "status": "text", **dict.fromkeys(self.kpis, "float64")}
        for file in [self.store.path / TASKS, *part_files(self.store.path)]:
            if file.name in self._parts_read or not file.exists():
                continue
            table = read_part(file, columns).to_pydict()
            self._parts_read.add(file.name)
            for place, (unit, arm, status) in enumerate(zip(table["unit"], table["arm"], table["status"], strict=True)):
                if status == OK:
                    figures = {kpi: float(table[kpi][place]) for kpi in self.kpis}
                    known = self._figures.setdefault(unit, {})
                    known[arm] = {kpi: value for kpi, value in figures.items() if not math.isnan(value)}
