"""`sim.sweep` and `sim.open_sweep`: many variants of a scenario as one table of tasks, with what they teach."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim.api.notebook import Page, callback
from sim.api.places import kept, place
from sim.api.scenarios import Given, folder_of, prepared
from sim.api.stored import Stored
from sim.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from sim.analysis.findings import Findings
    from sim.experiments.callbacks import Callback
    from sim.reporting.figures import Plate
    from sim.store.sweep_reading import StoredSweep


class Sweep(Stored):
    """A sweep: `tasks` has a row per point, arm and seed, `design` a row per point."""

    stored: StoredSweep

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """What was varied: path, kind, range, unit, source."""
        return self.stored.parameters

    @property
    def design(self) -> pd.DataFrame:
        """A row per point: its number and the values of all parameters."""
        return self.stored.design

    @property
    def tasks(self) -> pd.DataFrame:
        """A row per point, arm and seed: the values of all parameters and every key figure; units in ``.attrs``."""
        return self.stored.tasks

    @property
    def failed(self) -> pd.DataFrame:
        """Tasks that have no result, with the reason."""
        return self.stored.failed

    @cached_property
    def findings(self) -> Findings:
        """What the sweep teaches: effects, sensitivity, regret, where an arm fails."""
        from sim.reporting.sweep import findings_of

        return findings_of(self.stored)

    @cached_property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of the analysis by name ("effects", "drivers", "indices", "regret", "discovery", ...)."""
        from sim.reporting.sweep.write import tables

        return {name: table for name, table in tables(self.findings).items() if table is not None and not table.empty}

    def _plates(self) -> tuple[Iterable[Plate], tuple[Any, ...]]:
        from sim.reporting.sweep.captions import plates

        return plates(self.findings), (self.findings,)

    def report(self) -> Page:
        """The page, written anew from the stored tasks; shows itself in a notebook."""
        from sim.reporting.sweep import write

        return Page(write(self.findings))

    def __str__(self) -> str:
        from sim.reporting.sweep import terminal_table

        return terminal_table(self.findings)

    def __repr__(self) -> str:
        m = self.manifest
        return f"<Sweep {m['name']}: {len(self.design)} points x {len(m['arms'])} arms x {len(m['seeds'])} seeds>"


def sweep(
    scenario: Given,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    seeds: int | Sequence[int] | None = None,
    months: int | None = None,
    arms: Sequence[str] | None = None,
    values: Mapping[str, Any] | None = None,
    book: pd.DataFrame | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    progress: bool | Callback | None = None,
) -> Sweep:
    """Live every point of a scenario's `sweep` section, with the same luck at all points.

    With `workers` that many processes share the points out, with `cluster` a Dask scheduler or a batch system does
    (as ``--cluster``); without either they are lived in this process. A script that asks for `workers` calls this under
    ``if __name__ == "__main__":``, since its processes read the script again. With `out` the folder stays there, and
    `resume` goes on with one that was interrupted; else nothing is left. Other arguments as of `sim.run`. Raises
    `BadInput` before anything is lived.
    """
    from sim.experiments.design.planning import plan_sweep
    from sim.experiments.prepared import facts_of_sweep
    from sim.experiments.provenance import surroundings
    from sim.experiments.sweep.drive import SweepOptions
    from sim.experiments.sweep.drive import sweep as run_sweep
    from sim.yaml_source import dump

    one = prepared(scenario, seeds=seeds, months=months, arms=arms, values=values, book=book)
    if one.scenario.sweep is None:
        raise BadInput.at(one.origin.file, "has no sweep; a section sweep with what is varied")
    plan, points = plan_sweep(one)
    where = place(workers, cluster)
    folder, keep = kept(out, "sweep")
    stored = run_sweep(
        plan,
        points,
        facts_of_sweep(one) | surroundings(),
        dump(one.scenario.stored()),
        SweepOptions(folder, resume, overwrite, one.beside),
        where,
        callback(progress, units=(plan.name, len(plan.arms))),
    )
    return Sweep(stored, keep)


def open_sweep(folder: str | os.PathLike[str]) -> Sweep:
    """A stored sweep, finished or not; `BadInput` for a folder that cannot be read."""
    from sim.store.sweep_reading import read_sweep

    return Sweep(read_sweep(folder_of(folder, "folder")))
