"""`analyse`: CSV tables, figures and the page of a stored sweep, written into its folder."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from sim.analysis.discovery import Discovery
from sim.analysis.effects import drivers_table, effects_table
from sim.analysis.findings import Findings, find
from sim.analysis.indices import indices_table
from sim.analysis.interactions import interactions_table
from sim.analysis.regret import regret_table
from sim.analysis.study import Study, Sweep
from sim.reporting.names import spoken_as
from sim.reporting.page import draw_all
from sim.reporting.sweep.captions import plates
from sim.reporting.sweep.page import render
from sim.reporting.sweep.sentences import all_conditions
from sim.store.files import write_atomically, write_csv

FOLDER = "analysis"
WHERE = (
    "arm",
    "kpi",
    "fate",
    "box",
    "points",
    "failures",
    "coverage",
    "density",
    "base_rate",
    "skill",
    "conditions",
)  # of discovery.csv


def load(folder: Sweep | str | os.PathLike[str]) -> Sweep:
    """The stored sweep of a folder, or the one in memory as it is; `BadInput` for a folder that cannot be read."""
    if isinstance(folder, (str, os.PathLike)):
        from sim.store.sweep_reading import read_sweep

        stored: Sweep = read_sweep(Path(folder))
        return stored
    return folder


def findings_of(
    folder: Sweep | str | os.PathLike[str],
    *,
    kpis: Sequence[str] | None = None,
    arms: Sequence[str] | None = None,
    threshold: float = 0.0,
) -> Findings:
    """What a sweep says, computed and not written."""
    return find(load(folder), kpis, arms, threshold)


def write(findings: Findings) -> Path:
    """Write analysis/*.csv, analysis/figures/ and report.html into the sweep's folder; returns the page."""
    study = findings.study
    folder = Path(study.sweep.path)
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    for name, table in tables(findings).items():
        file = target / f"{name}.csv"
        if table is None or table.empty:
            file.unlink(missing_ok=True)  # of an earlier analysis
        else:
            write_csv(file, table)
    page = folder / "report.html"
    with spoken_as(study.manifest):
        pictures, _ = draw_all(plates(findings), target, findings, ids="s")
        write_atomically(page, render(findings, pictures))
    _reseal(folder)
    return page


def _reseal(folder: Path) -> None:
    """Seal what was written anew, where the folder is a stored sweep's (one in memory has none)."""
    from sim.store.seals import MANIFEST, reseal
    from sim.store.sweep_reading import DERIVED

    if (folder / MANIFEST).exists():
        reseal(folder, DERIVED)


def analyse(
    folder: Sweep | str | os.PathLike[str],
    *,
    kpis: Sequence[str] | None = None,
    arms: Sequence[str] | None = None,
    threshold: float = 0.0,
) -> Path:
    """Analyse a sweep, finished or not, and write what it says into its folder; returns the page.

    `kpis` (default value, npv, retention, attrition_annual, aum_end, those that are there; the first decides who pays),
    `arms` (default all but the reference), `threshold`: what a difference must exceed to pay, in the first KPI's unit.
    `BadInput` for a folder that cannot be read and for names that are not in it.
    """
    return write(findings_of(folder, kpis=kpis, arms=arms, threshold=threshold))


def tables(findings: Findings) -> dict[str, pd.DataFrame | None]:
    """The CSV tables by name; None or empty for those with nothing to say."""
    by = findings.by.items()
    study = findings.study
    return {
        "points": points_table(findings),
        "effects": _joined(effects_table(arm, kpi, one.effects) for (arm, kpi), one in by),
        "drivers": _joined(drivers_table(arm, kpi, one.effects) for (arm, kpi), one in by),
        "interactions": _joined(interactions_table(arm, kpi, one.split) for (arm, kpi), one in by),
        "indices": _joined(indices_table(arm, kpi, one.indices) for (arm, kpi), one in by),
        "luck": variance_table(findings),
        "regret": _joined(regret_table(study, found) for found in findings.regrets.values()),
        "discovery": _joined(discovery_table(found) for found in findings.discoveries.values()),
        "failed": study.failed,
    }


def points_table(findings: Findings) -> pd.DataFrame:
    """points.csv: a row a point with its values, and of every outcome mean, standard error and seeds."""
    study: Study = findings.study
    columns: dict[str, object] = {}
    for (arm, kpi), one in findings.by.items():
        name = f"{arm}.{kpi}" if not study.one_arm else kpi
        columns |= {name: one.outcome.mean, f"{name}.se": one.outcome.error, f"{name}.seeds": one.outcome.seeds}
    return pd.concat([study.points, pd.DataFrame(columns)], axis=1)


def variance_table(findings: Findings) -> pd.DataFrame:
    """luck.csv: a row an outcome, shares of the variance of one run."""
    return pd.DataFrame(
        [
            {
                "arm": arm,
                "kpi": kpi,
                "parameters": one.luck.parameters,
                "luck_shared": one.luck.shared,
                "luck_own": one.luck.own,
                "luck_of_point_means": one.luck.of_means,
                "seeds": one.luck.seeds,
                "points": one.luck.points,
            }
            for (arm, kpi), one in findings.by.items()
        ]
    )


def discovery_table(found: Discovery) -> pd.DataFrame:
    """discovery.csv: a row a box, or one that says that there is none."""
    common = {
        "arm": found.arm,
        "kpi": found.kpi,
        "fate": found.fate + (" of success" if found.success else ""),
        "base_rate": found.rate,
        "skill": found.skill,
    }
    if not found.boxes:
        only = {
            **common,
            "box": 0,
            "points": found.points,
            "failures": found.failures,
            "coverage": math.nan,
            "density": found.rate,
            "conditions": "",
        }
        return pd.DataFrame([only], columns=list(WHERE))
    rows = [
        {
            **common,
            "box": place + 1,
            "points": box.points,
            "failures": box.points - box.failures if found.success else box.failures,
            "coverage": box.coverage,
            "density": box.density,
            "conditions": all_conditions(box),
        }
        for place, box in enumerate(found.boxes)
    ]
    return pd.DataFrame(rows, columns=list(WHERE))


def _joined(parts: Iterable[pd.DataFrame]) -> pd.DataFrame | None:
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else None
