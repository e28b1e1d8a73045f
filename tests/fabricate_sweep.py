"""Stored sweeps made up from a formula: what an analysis reads, without a bank.

`fabricate` lives nothing: an outcome is a function of a point's values, plus luck that all points of a seed share and
luck of their own. `bank_like` is a sweep as a bank's would look: levers crossed with uncertainties.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Formula = Callable[[Mapping[str, np.ndarray]], np.ndarray]


@dataclass
class Made:
    """A sweep in memory with all that `sim.store.sweep_reading.StoredSweep` tells."""

    path: Path
    manifest: dict[str, Any]
    design: pd.DataFrame
    tasks: pd.DataFrame
    parameters: list[dict[str, Any]] = field(default_factory=list)
    status: str = "done"

    @property
    def arms(self) -> list[str]:
        return list(self.manifest["arms"])

    @property
    def seeds(self) -> list[int]:
        return list(self.manifest["seeds"])

    @property
    def kpis(self) -> list[str]:
        return list(self.manifest["kpis"])


def parameter(path: str, low: float | None = None, high: float | None = None, **more: Any) -> dict[str, Any]:
    """A parameter as a manifest tells it."""
    told = {
        "path": path,
        "kind": "number",
        "role": "lever" if path.startswith(("arms.", "managers.")) else "uncertainty",
        "low": low,
        "high": high,
        "log": False,
        "values": None,
        "base": None,
        "unit": "",
        "about": "",
    }
    return {**told, **more}


def grid(levels: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Every combination, the last path fastest."""
    return pd.DataFrame(list(itertools.product(*levels.values())), columns=list(levels))


def numbered(values: pd.DataFrame, levers: Sequence[str] = (), uncertainties: Sequence[str] = ()) -> pd.DataFrame:
    """design.csv: point, lever and world numbers before the values."""
    paths = list(values.columns)
    levers = [path for path in paths if path in levers]
    worlds = [path for path in paths if path in uncertainties]

    def place(own: list[str]) -> np.ndarray:
        return pd.factorize(pd.MultiIndex.from_frame(values[own].astype(str)))[0] if own else np.zeros(len(values), int)

    told = pd.DataFrame({"point": np.arange(len(values)), "lever": place(levers), "world": place(worlds)})
    return pd.concat([told, values.reset_index(drop=True)], axis=1)


def fabricate(
    folder: Path,
    parameters: Sequence[dict[str, Any]],
    values: pd.DataFrame,
    outcomes: Mapping[str, Mapping[str, Formula]],
    *,
    seeds: Sequence[int] = (1,),
    shared: float | Mapping[str, float] = 0.0,
    own: float | Mapping[str, float] = 0.0,
    design: Mapping[str, Any] | None = None,
    failed: Sequence[tuple[int, str, int]] = (),
    missing: Sequence[int] = (),
    **more: Any,
) -> Made:
    """A sweep whose KPIs are formulas: `outcomes` by KPI, then arm, the first arm the reference.

    `shared` and `own` are standard deviations of luck, of all KPIs or by KPI; arms share both but for a tenth of the
    own where they differ from the reference. `failed` are (point, arm, seed) rows that failed, `missing` points without
    rows.
    """
    roles = {one["path"]: one["role"] for one in parameters}
    table = numbered(
        values,
        [path for path in values if roles[path] == "lever"],
        [path for path in values if roles[path] == "uncertainty"],
    )
    arms = list(next(iter(outcomes.values())))
    columns = {path: values[path].to_numpy() for path in values}
    rng = np.random.default_rng(5)
    points = len(values)
    normal = {kpi: (rng.standard_normal(len(seeds)), rng.standard_normal((points, len(seeds)))) for kpi in outcomes}
    blocks = []
    for arm in arms:
        told = {}
        for kpi, by_arm in outcomes.items():
            level, base = (np.broadcast_to(by_arm[one](columns), points) for one in (arm, arms[0]))
            slight = 0.1 * rng.standard_normal((points, len(seeds))) * (level != base)[:, None]
            of_seed, of_point = normal[kpi]
            luck = _of(shared, kpi) * of_seed + _of(own, kpi) * (of_point + slight)
            told[kpi] = level[:, None] + luck
        for place, seed in enumerate(seeds):
            block = table.assign(arm=arm, seed=seed, **{kpi: value[:, place] for kpi, value in told.items()})
            blocks.append(block)
    tasks = pd.concat(blocks, ignore_index=True)
    tasks["unit"] = [f"{point:010x}{seed:06x}" for point, seed in zip(tasks["point"], tasks["seed"], strict=True)]
    tasks["task"] = tasks["unit"] + "-" + tasks["arm"]
    bad = pd.Series(list(zip(tasks["point"], tasks["arm"], tasks["seed"], strict=True))).isin(list(failed)).to_numpy()
    tasks["status"] = np.where(bad, "failed", "ok")
    tasks.loc[bad, list(outcomes)] = np.nan
    tasks = tasks.assign(
        seconds=1.5, worker="w1", error=np.where(bad, "ValueError: <b>no</b> customers", ""), traceback=""
    )
    order = [
        "task",
        "unit",
        "point",
        "lever",
        "world",
        "arm",
        "seed",
        *values.columns,
        *outcomes,
        "status",
        "seconds",
        "worker",
        "error",
        "traceback",
    ]
    tasks = tasks[~tasks["point"].isin(missing)][order].reset_index(drop=True)
    manifest = {
        "format": "rapport-sweep",
        "format_version": 1,
        "kind": "sweep",
        "name": "made_up",
        "run_id": "20260101T000000Z-01",
        "status": "running" if missing else "done",
        "created": "2026-01-01T00:00:00Z",
        "code_version": "0.1.0",
        "scenario_digest": "0" * 64,
        "base_digest": "0" * 64,
        "arms": arms,
        "seeds": list(seeds),
        "currency": "CNY",
        "kpis": list(outcomes),
        "parameters": list(parameters),
        "design": dict(design or {"design": "list"}),
        "units": points * len(seeds),
        "tasks": points * len(seeds) * len(arms),
        "tasks_digest": "0" * 64,
        **more,
    }
    return Made(folder, manifest, table, tasks, list(parameters), str(manifest["status"]))


def _of(luck: float | Mapping[str, float], kpi: str) -> float:
    return luck[kpi] if isinstance(luck, Mapping) else luck


def stored(made: Made, *, finish: bool = True) -> Path:
    """The same sweep written by the program's own store, into its folder; returns the folder."""
    from sim.store.sweep_folder import SweepStore

    told = {
        key: value for key, value in made.manifest.items() if key not in ("status", "units", "tasks", "tasks_digest")
    }
    store = SweepStore.create(made.path, told, "name: made_up\nabout: does it pay <b>anywhere</b>?\n", made.design)
    store.add(None, made.tasks)
    if finish:
        store.finish()
    else:
        store.interrupt()
    return made.path


TRAINING, COVERAGE = "arms.bundle.staff_upskilling.effect", "arms.bundle.stratification.coverage"
CALLS, TURNOVER, MARGIN = "arms.calls.retention_call.intensity", "model.turnover", "economics.margin"


def bank_like(folder: Path, **more: Any) -> Made:
    """Three levers x two uncertainties, three arms, three seeds: 800 points; the bundle pays in most worlds."""
    levels: dict[str, tuple[float, ...]] = {
        TRAINING: (0.1, 0.2, 0.3, 0.4),
        COVERAGE: (0.5, 0.7, 0.9, 1.0),
        CALLS: (0.0, 1.0),
        TURNOVER: (0.05, 0.1, 0.15, 0.2, 0.3),
        MARGIN: (0.004, 0.006, 0.008, 0.01, 0.012),
    }
    parameters = [
        parameter(TRAINING, values=levels[TRAINING], unit="ratio", about="what training does to service quality"),
        parameter(COVERAGE, values=levels[COVERAGE], unit="share", about="share of wealth clients who are served"),
        parameter(CALLS, kind="switch", values=levels[CALLS], about="retention calls"),
        parameter(TURNOVER, 0.05, 0.3, role="uncertainty", unit="per year", about="managers who leave", base=0.15),
        parameter(MARGIN, 0.004, 0.012, role="uncertainty", unit="per year", about="margin on AUM", source="F12"),
    ]

    def base(v: Mapping[str, np.ndarray]) -> np.ndarray:
        return 4e8 * v[MARGIN] / 0.008 - 1e8 * v[TURNOVER]

    def bundle(v: Mapping[str, np.ndarray]) -> np.ndarray:
        gain = 9e7 * v[TRAINING] * v[MARGIN] / 0.008 * (1 - 1.8 * v[TURNOVER])
        return base(v) + gain + 2e7 * (v[COVERAGE] - 0.5) - 3e7 * (v[COVERAGE] - 0.5) ** 2 - 1.4e7

    def calls(v: Mapping[str, np.ndarray]) -> np.ndarray:
        return base(v) + v[CALLS] * (4e8 * v[MARGIN] - 2.6e6)

    def leaving(money: Formula) -> Formula:
        return lambda v: 0.142 - 0.004 * (money(v) - base(v)) / 1e7

    money = {"nothing": base, "bundle": bundle, "calls": calls}
    outcomes = {"npv": money, "attrition_annual": {arm: leaving(formula) for arm, formula in money.items()}}
    crossed = {"levers": {"design": "grid", "samples": 5}, "uncertainties": {"design": "grid", "samples": 5}}
    told = {
        "seeds": (1, 2, 3),
        "shared": {"npv": 2e6, "attrition_annual": 0.001},
        "design": crossed,
        "own": {"npv": 3e6, "attrition_annual": 0.002},
        "name": "training_or_tools",
        **more,
    }
    return fabricate(folder, parameters, grid(levels), outcomes, **told)
