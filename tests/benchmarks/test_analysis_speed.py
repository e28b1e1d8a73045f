"""How fast a large sweep is read and asked.

`python -m pytest tests/benchmarks/test_analysis_speed.py --benchmark-only -o addopts=`

A store of 1,000,000 tasks x 40 columns: 100,000 points of eight parameters, two arms, five seeds, twenty KPIs. No test
judges a time: machines differ.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fabricate_sweep import parameter

from sim.analysis.effects import effects
from sim.analysis.findings import find
from sim.analysis.study import Study
from sim.store.sweep_reading import StoredSweep

POINTS, ARMS, SEEDS = 100_000, ("nothing", "bundle"), (1, 2, 3, 4, 5)
PATHS = tuple(f"model.p{number}" for number in range(8))
KPIS = ("npv", "attrition_annual", "aum_end", "profit", *(f"kpi_{number}" for number in range(16)))


@pytest.fixture(scope="module")
def sweep(tmp_path_factory) -> StoredSweep:
    """The store, compacted and sorted as `SweepStore.finish` leaves it."""
    folder = tmp_path_factory.mktemp("large")
    rng = np.random.default_rng(1)
    values = rng.random((POINTS, len(PATHS)))
    values[:, 1] = rng.integers(0, 5, POINTS)
    design = pd.DataFrame({"point": np.arange(POINTS), "lever": np.arange(POINTS), "world": np.arange(POINTS)})
    design = pd.concat([design, pd.DataFrame(values, columns=list(PATHS))], axis=1)
    rows = POINTS * len(ARMS) * len(SEEDS)
    point = np.repeat(np.arange(POINTS), len(ARMS) * len(SEEDS))
    arm = np.tile(np.repeat(np.arange(len(ARMS)), len(SEEDS)), POINTS)
    seed = np.tile(np.array(SEEDS), POINTS * len(ARMS))
    columns: dict[str, object] = {
        "task": pa.array([f"{number:016x}" for number in range(rows)]),
        "unit": pa.array([f"{number:016x}" for number in range(rows)]),
        "point": point,
        "lever": point,
        "world": point,
        "arm": pa.array(np.array(ARMS)[arm]),
        "seed": seed,
        **{path: values[point, place] for place, path in enumerate(PATHS)},
    }
    effect = values[point, 0] * (1 + arm) + values[point, 1]
    columns |= {kpi: effect + rng.standard_normal(rows) for kpi in KPIS}
    same = pa.array(np.full(rows, "ok"))
    columns |= {"status": same, "seconds": rng.random(rows), "worker": same, "error": same, "traceback": same}
    table = pa.table(columns)
    assert table.shape == (1_000_000, 40)
    pq.write_table(table, Path(folder) / "tasks.parquet", compression="zstd")
    manifest = {
        "name": "large",
        "status": "done",
        "arms": list(ARMS),
        "seeds": list(SEEDS),
        "kpis": list(KPIS),
        "tasks": rows,
        "parameters": [parameter(path, 0, 1, role="uncertainty") for path in PATHS],
        "design": {"all": {"design": "random", "samples": POINTS}},
        "currency": "CNY",
    }
    return StoredSweep(Path(folder), manifest, design)


def test_reading_and_group_bys(benchmark, sweep):
    """Reading what is asked, paired differences to the reference, means by level and decile of eight parameters."""

    def ask():
        study = Study(sweep, kpis=["npv"])
        return effects(study, study.outcome("bundle", "npv"))

    found = benchmark.pedantic(ask, rounds=3, warmup_rounds=1)
    assert found[0].clear
    assert found[0].share == pytest.approx(1 / 12 / (1 / 12 + 2 / 5), abs=0.05)  # luck of both arms over five seeds


def test_everything_that_is_found(benchmark, sweep):
    """All findings of one KPI: effects, pairs, luck, indices of given data, regret, discovery."""
    found = benchmark.pedantic(lambda: find(sweep, kpis=["npv"]), rounds=1)
    assert found.of("bundle").drivers[0].factor.path == PATHS[0]
