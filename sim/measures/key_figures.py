"""The tables of key figures that stand in a run's folder."""

from __future__ import annotations

from sim.measures.compare import compare
from sim.measures.evidence import evidence_of
from sim.measures.kpis import run_kpis_of, summarise
from sim.measures.precision import precision
from sim.store.files import write_csv
from sim.store.run_reading import Run


def write_key_figures(run: Run) -> None:
    """summary.csv, and comparison.csv and precision.csv once there are two arms, from the stored tables alone."""
    kpis = run_kpis_of(run)
    write_csv(run.path / "summary.csv", summarise(kpis, evidence_of(run).errors))
    if len(run.arms) > 1:
        write_csv(run.path / "comparison.csv", compare(kpis, run.arms[0]))
        write_csv(run.path / "precision.csv", precision(kpis, run.arms[0]))
