"""Does a sweep's folder still say what the program computes? Its files, its digests, and some units lived again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.errors import BadInput
from sim.experiments.design.plan import Plan, Point, Unit, read_plan
from sim.experiments.executors.worker import maker
from sim.experiments.verify import HOW, NOT_SEALED, Verdict, against_scenario
from sim.store.files import why_unreadable
from sim.store.manifest import FINISHED
from sim.store.seals import MANIFEST, is_sealed
from sim.store.sweep_reading import StoredSweep, changed_files, read_sweep
from sim.store.sweep_rows import OK, tasks_digest

SAMPLE = 5  # units lived again, spread over the sweep: all of them would take as long as the sweep did
MOST_WHOLE = 10  # columns of a point that are tried as whole numbers and as others
PLAN, DESIGN = "plan.json", "design.csv"


def verify_sweep(folder: Path) -> Verdict:
    """Compare digests; that of the rerun is of the stored tasks with those of the sample as they came out again."""
    from sim.experiments.provenance import model_version

    stored = read_sweep(folder)
    if stored.status not in FINISHED:
        raise BadInput.at(str(folder), f"status is {stored.status}; only a finished sweep can be verified")
    plan, tasks = read_plan(folder), stored.tasks
    differing = {name: HOW[how] for name, how in changed_files(folder, stored.manifest).items()}
    if difference := against_scenario(stored.manifest, _scenario(folder)):
        differing.setdefault(MANIFEST, difference)
    digests = {
        "stored": tasks_digest(tasks, stored.arms, stored.kpis),
        "manifest": str(stored.manifest["tasks_digest"]),
    }
    if len(set(digests.values())) > 1:
        differing.setdefault("tasks.parquet", "has not the tasks_digest of the manifest")
    made_by = str(stored.manifest.get("code_version"))  # plug-ins, if any, stand behind the program's own version
    notes = [] if is_sealed(stored.manifest) else [NOT_SEALED.format("sweep")]
    if not made_by.startswith(model_version()):
        notes.append(f"the sweep was made by other code ({made_by})")
    if plan.base_digest != stored.manifest["base_digest"]:
        differing.setdefault(PLAN, "is not the plan whose base_digest the manifest names")
    sealed = len(stored.manifest.get("files", {}))
    if PLAN in differing:  # it says which code lives a unit: what was not written by the sweep is not called
        notes.append(f"no unit was lived again, since {PLAN} is not the sweep's")
        return Verdict(digests, differing, tuple(notes), sealed)
    sample = _sample(stored, plan)
    for row, unit in sample:
        if unit.id != row["unit"]:
            differing.setdefault(DESIGN, f"has other values for point {row['point']} than its unit was lived with")
    alike = [(row, unit) for row, unit in sample if unit.id == row["unit"]]
    digests["rerun"] = tasks_digest(_again(tasks, plan, alike), stored.arms, stored.kpis)
    return Verdict(digests, differing, tuple(notes), sealed)


def _scenario(folder: Path) -> str:
    file = folder / "scenario.yaml"
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None


def _sample(stored: StoredSweep, plan: Plan) -> list[tuple[Any, Unit]]:
    """Some rows of tasks, each of another unit, with the unit that the plan makes of its point and seed."""
    fine = stored.tasks[stored.tasks["status"] == OK].drop_duplicates("unit")
    design = stored.design.set_index("point")
    paths = [parameter.path for parameter in plan.parameters]
    if lost := [path for path in paths if path not in design.columns]:
        raise BadInput.at(str(stored.path / MANIFEST), f"damaged: no parameter {lost[0]}, which {PLAN} varies")
    found = []
    for place in np.unique(np.linspace(0, len(fine) - 1, min(SAMPLE, len(fine))).astype(int)):
        row = fine.iloc[place]
        number = row["point"]  # cell by cell: a row of whole and other numbers would come out as floats
        values = {path: _plain(design.at[number, path]) for path in paths}
        units = (plan.unit(Point(int(number), 0, 0, one), int(row["seed"])) for one in _spelt(values))
        first = next(units)
        found.append((row, next((unit for unit in (first, *units) if unit.id == row["unit"]), first)))
    return found


def _spelt(values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """These values as they stand, then with whole floats as whole numbers: 200 agents beside a share of 0.5 are stored
    as 200.0, and the unit's id tells which was lived."""
    whole = [path for path, value in values.items() if isinstance(value, float) and value.is_integer()][:MOST_WHOLE]
    for count in range(len(whole) + 1):
        for some in combinations(whole, count):
            yield {**values, **{path: int(values[path]) for path in some}}


def _again(tasks: pd.DataFrame, plan: Plan, sample: Sequence[tuple[Any, Unit]]) -> pd.DataFrame:
    """The tasks with those of the sample as they come out now."""
    again, runner = tasks.copy(), maker(plan)
    for row, unit in sample:
        for result in runner.run(unit):
            here = (again["unit"] == row["unit"]) & (again["arm"] == result["arm"])
            again.loc[here, "status"] = result.get("status", OK)
            for kpi, value in result["kpis"].items():
                again.loc[here, kpi] = value
    return again


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
