"""`sim.optimise` and `sim.open_optimum`: the best levers of an arm, confirmed on fresh seeds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sim.api.notebook import Page, callback
from sim.api.places import kept, place
from sim.api.scenarios import Given, folder_of, prepared
from sim.api.stored import Stored

if TYPE_CHECKING:
    import pandas as pd

    from sim.experiments.callbacks import Callback
    from sim.reporting.figures import Plate
    from sim.store.optimum import Optimised


class Optimum(Stored):
    """An optimisation that has come to its end."""

    stored: Optimised

    @property
    def facts(self) -> dict[str, Any]:
        """What was asked, how it went and who won."""
        return self.stored.facts

    @property
    def candidates(self) -> pd.DataFrame:
        """Every setting that was tried."""
        return self.stored.candidates

    @property
    def front(self) -> pd.DataFrame:
        """Those that no other beats on every objective."""
        return self.stored.front

    @property
    def confirmed(self) -> pd.DataFrame:
        """The best and the baselines, on fresh seeds."""
        return self.stored.confirmed

    @property
    def winner(self) -> pd.DataFrame:
        """The winner against the reference and every baseline, on fresh seeds."""
        return self.stored.winner

    def _plates(self) -> tuple[Iterable[Plate], tuple[Any, ...]]:
        from sim.reporting.optimum.page import plates

        return plates(self.stored), ()

    def report(self) -> Page:
        """The page, written anew from the stored tables; shows itself in a notebook."""
        from sim.reporting.optimum.build import build

        return Page(build(self.folder).path / "report.html")

    def __str__(self) -> str:
        from sim.reporting.optimum.build import terminal_table

        return terminal_table(self.stored)

    def __repr__(self) -> str:
        return f"<Optimum {self.manifest['name']}: {len(self.candidates)} candidates>"


def optimise(
    scenario: Given,
    *,
    workers: int | None = None,
    cluster: str | None = None,
    values: Mapping[str, Any] | None = None,
    book: pd.DataFrame | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    progress: bool | Callback | None = None,
) -> Optimum:
    """Search the best levers of the arm that a scenario's `optimise` section names, and confirm them on fresh seeds.

    Arguments as of `sim.sweep`, which has more. Raises `BadInput` before anything is lived.
    """
    from sim.experiments.optimise.run import optimise as search
    from sim.experiments.sweep.drive import SweepOptions
    from sim.store.optimum import read_optimised

    one = prepared(scenario, values=values, book=book)
    folder, keep = kept(out, "optimise")
    listener = callback(progress, units=(one.scenario.name, 2))
    stored = search(one, SweepOptions(folder, resume, overwrite), place(workers, cluster), listener)
    return Optimum(read_optimised(stored.path), keep)


def open_optimum(folder: str | os.PathLike[str]) -> Optimum:
    """A stored optimisation that has come to its end; `BadInput` for a folder that cannot be read."""
    from sim.store.optimum import read_optimised

    return Optimum(read_optimised(folder_of(folder, "folder")))
