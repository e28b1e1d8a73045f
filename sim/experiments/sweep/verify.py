"""Does a sweep's folder still say what the program computes? Its digests, and some of its units lived again."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sim.errors import BadInput
from sim.experiments.sweep.plan import Point, read_plan
from sim.experiments.sweep.worker import maker
from sim.experiments.verify import Verdict
from sim.sweep_store import read_sweep, tasks_digest
from sim.sweep_store.rows import OK

SAMPLE = 5  # units lived again, spread over the sweep: all of them would take as long as the sweep did


def verify_sweep(folder: Path) -> Verdict:
    """Compare digests; that of the rerun is of the stored tasks with those of the sample as they came out again."""
    from sim.experiments.execution import model_version

    stored = read_sweep(folder)
    if stored.status not in ("done", "failed"):
        raise BadInput.at(str(folder), f"status is {stored.status}; only a finished sweep can be verified")
    plan, tasks = read_plan(folder), stored.tasks
    digests = {
        "stored": tasks_digest(tasks, stored.arms, stored.kpis),
        "manifest": str(stored.manifest["tasks_digest"]),
    }
    again, lives = tasks.copy(), maker(plan)
    fine = tasks[tasks["status"] == OK].drop_duplicates("unit")
    design = stored.design.set_index("point")
    paths = [parameter.path for parameter in plan.parameters]
    for place in np.unique(np.linspace(0, len(fine) - 1, min(SAMPLE, len(fine))).astype(int)):
        row = fine.iloc[place]
        told = design.loc[row["point"]]
        point = Point(int(row["point"]), 0, 0, {path: _plain(told[path]) for path in paths})
        for lived in lives.live(plan.unit(point, int(row["seed"]))):
            here = (again["unit"] == row["unit"]) & (again["arm"] == lived["arm"])
            again.loc[here, "status"] = lived.get("status", OK)
            for kpi, value in lived["kpis"].items():
                again.loc[here, kpi] = value
    digests["rerun"] = tasks_digest(again, stored.arms, stored.kpis)
    made_by = str(stored.manifest.get("code_version"))  # plug-ins, if any, stand behind the program's own version
    return Verdict(digests, None if made_by.startswith(model_version()) else made_by)


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
