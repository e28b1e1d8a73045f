"""`sim.run` and `sim.open_run`: a comparison of arms as pandas tables, figures and a page."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sim.api.notebook import Page, callback
from sim.api.places import kept, place
from sim.api.scenarios import Given, folder_of, number_from, prepared
from sim.api.stored import Stored
from sim.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from sim.analysis.worth import Worth
    from sim.experiments.callbacks import Callback
    from sim.reporting.figures import Plate
    from sim.reporting.figures.board import Board
    from sim.store.run_reading import Run as StoredRun


class Run(Stored):
    """A run: every arm lived every seed. Tables are pandas DataFrames with units in ``.attrs["units"]``.

    `folder` holds its files; that of a run that was not asked to be kept goes with the object (`save` keeps it).
    """

    stored: StoredRun

    @property
    def arms(self) -> list[str]:
        """Arms in scenario order, the reference first."""
        return self.stored.arms

    @property
    def tiers(self) -> list[str]:
        """Tiers from the lowest."""
        return self.stored.tiers

    @property
    def seeds(self) -> list[int]:
        """The seeds."""
        return self.stored.seeds

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Runs that broke: arm, seed, error."""
        return list(self.manifest.get("failed", []))

    @property
    def summary(self) -> pd.DataFrame:
        """Key figures of every arm: mean, standard deviation and 95 % interval over seeds; a column has the unit."""
        return self.stored.summary

    @property
    def comparison(self) -> pd.DataFrame | None:
        """Paired differences of every arm to the reference, with interval and p; None with one arm."""
        return self.stored.comparison if len(self.arms) > 1 else None

    @property
    def precision(self) -> pd.DataFrame | None:
        """How sure each difference is, and how many seeds would make it surer; None with one arm."""
        return self.stored.precision

    @property
    def verdicts(self) -> pd.DataFrame | None:
        """Which arm pays: a word an arm, what decides it (value, or cash where that is all that is known)."""
        from sim.reporting.run.verdicts import verdict_rows

        if len(self.arms) == 1:
            return None
        import pandas as pd

        return pd.DataFrame(verdict_rows(self.stored.summary, self.stored.comparison))

    @property
    def waterfall(self) -> pd.DataFrame | None:
        """From where to where value comes: steps that add up to each arm's difference in value; None with one arm."""
        from sim.measures.waterfall import waterfall

        return waterfall(self.stored) if len(self.arms) > 1 else None

    @property
    def monthly(self) -> pd.DataFrame:
        """A row per arm, seed, month and tier: customers, flows, money, satisfaction."""
        return self.stored.monthly

    @property
    def bank(self) -> pd.DataFrame:
        """A row per arm, seed and month: revenue, cost, profit and what belongs to no tier."""
        return self.stored.bank

    @property
    def transitions(self) -> pd.DataFrame:
        """Customers by state at the start and the end of each year."""
        return self.stored.transitions

    @property
    def cohorts(self) -> pd.DataFrame:
        """Customers by cohort of joining."""
        return self.stored.cohorts

    @property
    def managers(self) -> pd.DataFrame:
        """Relationship managers, a row per arm, seed, month and post."""
        return self.stored.managers

    @property
    def individuals(self) -> pd.DataFrame | None:
        """What became of groups of customers under the reference and under the arm; None with one arm."""
        return self.stored.individuals

    @property
    def reach(self) -> pd.DataFrame | None:
        """Whom managers and campaigns wished to contact, and what became of it; None in a run that did not count it."""
        return self.stored.reach

    @property
    def unserved(self) -> pd.DataFrame | None:
        """`reach` in shares: a row an arm, kind of wish, group and end, a year, mean over seeds; None without it."""
        from sim.measures.reach import funnel_of

        return funnel_of(self.stored)

    @property
    def chain(self) -> pd.DataFrame:
        """How each arm is meant to work, and how far each link held against the reference; no rows with one arm."""
        from sim.measures.chain import chain_table

        return chain_table(self.stored)

    @property
    def panel(self) -> pd.DataFrame | None:
        """Tracked customers month by month; None if the scenario tracks none (`record.panel`)."""
        return self.stored.panel

    @property
    def answers(self) -> pd.DataFrame | None:
        """Sheets of customers of every arm, seed and wave; None if the scenario holds no questionnaire (`survey:`)."""
        return self.stored.answers("answers")

    @property
    def answers_truth(self) -> pd.DataFrame | None:
        """The same sheets as no bank knows them: who, constructs as they are and as they are said; None without."""
        return self.stored.answers("answers_truth")

    @property
    def staff_answers(self) -> pd.DataFrame | None:
        """Sheets of relationship managers; None if the scenario asks none (`survey: {staff: ...}`)."""
        return self.stored.answers("staff_answers")

    @property
    def attribution(self) -> pd.DataFrame | None:
        """Shapley values of a bundle's strategies; None until ``rapport attribute ... --into`` has written them."""
        return self.stored.attribution

    @property
    def beliefs(self) -> pd.DataFrame | None:
        """What each arm comes to over the worlds of `beliefs:`: in how many it pays, expected worth, regret, by arm.

        None for a scenario without beliefs; `worlds` has every world.
        """
        return self.stored.beliefs

    @property
    def worlds(self) -> pd.DataFrame | None:
        """A row per world, arm and seed: what was drawn, and every key figure; world 0 has the scenario's own numbers.

        None for a scenario without beliefs.
        """
        return self.stored.worlds

    @property
    def turns(self) -> dict[str, str]:
        """Which beliefs turn the verdict of each arm, in words; empty for a scenario without beliefs."""
        from sim.reporting.run.beliefs import turns_of

        return turns_of(self.stored)

    @property
    def worth(self) -> Worth | None:
        """What it would be worth to know, in tables: `total` (EVPI), `parts` (EVPPI by assumption), `pilots`, `sizes`.

        None for a scenario without beliefs, and where there are too few worlds to say.
        """
        from sim.reporting.run.beliefs import worth_of_run

        return worth_of_run(self.stored)

    def _plates(self) -> tuple[Iterable[Plate], tuple[Any, ...]]:
        from sim.reporting.figures import plates

        return plates(self._board), (self._board,)

    def report(self) -> Page:
        """The page, written anew from the stored tables; shows itself in a notebook."""
        from sim.reporting.run import build

        return Page(build(self.folder))

    def sign_off(
        self,
        folder: str | os.PathLike[str],
        *,
        validation: str | os.PathLike[str] | None = None,
        calibrations: Sequence[str | os.PathLike[str]] = (),
        sensitivity: str | os.PathLike[str] | None = None,
    ) -> Page:
        """The file for those who answer for model risk, as ``rapport sign-off`` writes it; shows itself in a notebook.

        `validation`, `calibrations` and `sensitivity` are folders of validate-model, of calibrate and of a sweep.
        Raises `BadInput` for a folder that has other files, and for what cannot be read.
        """
        from sim.documents.sign_off import FILES, gather, write
        from sim.store.folder import make_folder, refuse_occupied

        target = folder_of(folder, "folder")
        refuse_occupied(target, "a sign-off file", FILES, overwrite=False)
        given: dict[str, Any] = {
            "validation": None if validation is None else folder_of(validation, "validation"),
            "calibrations": [folder_of(one, "calibrations") for one in calibrations],
            "sweep": None if sensitivity is None else folder_of(sensitivity, "sensitivity"),
        }
        handed = gather(self.folder, **given)
        make_folder(target)
        return Page(write(handed, target, **given))

    def save(self, folder: str | os.PathLike[str]) -> Run:
        """A copy of the run in a folder that stays; `BadInput` if there is something in it."""
        target = folder_of(folder, "folder")
        if self.folder.resolve() in target.resolve().parents:
            raise BadInput.at(str(target), "is inside the run that is to be saved; another folder")
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise BadInput.at(str(target), "is not empty; a new folder")
        try:
            shutil.copytree(self.folder, target, dirs_exist_ok=True)
        except OSError as error:
            raise BadInput.at(str(target), f"cannot be written: {error.strerror or error}") from None
        return open_run(target)

    @cached_property
    def _board(self) -> Board:
        from sim.reporting.figures.board import Board

        return Board(self.stored, comparison=self.stored.comparison if len(self.arms) > 1 else None)

    def __str__(self) -> str:
        from sim.reporting.run import summary_table

        return summary_table(self.stored, precision=self.stored.precision)

    def __repr__(self) -> str:
        return f"<Run {self.name}: {len(self.arms)} arms x {len(self.seeds)} seeds x {self.manifest['months']} months>"


def run(
    scenario: Given,
    *,
    seeds: int | Sequence[int] | None = None,
    months: int | None = None,
    arms: Sequence[str] | None = None,
    values: Mapping[str, Any] | None = None,
    book: pd.DataFrame | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    threads: int | None = None,
    workers: int | None = None,
    report: bool = False,
    progress: bool | Callback | None = None,
) -> Run:
    """Live every arm of a scenario with every seed and compare them, with the same luck in all arms.

    `scenario` is a file, the name of a shipped one, a mapping or a `Scenario`; `seeds` how many (3 is 1, 2, 3) or
    which, `months` how long, `arms` which, `values` what else is different, by path: ``{"economics.margin": 0.02}``.
    `book` is a data frame that is the scenario's customer book.
    With `out` the results folder stays there, as of ``rapport run --out``, with a page if `report`; else nothing stays.
    `workers` processes share the seeds out (in a script under ``if __name__ == "__main__":``), or `threads` threads
    each bank; neither changes a number. `progress` shows a bar: None where somebody watches. Raises `BadInput` before
    anything is lived, `RunFailed` if every run breaks.
    """
    from sim.experiments.run import Options, run_all

    one = prepared(scenario, seeds=seeds, months=months, arms=arms, values=values, book=book)
    if one.scenario.sweep is not None:
        raise BadInput.at(one.origin.file, 'has a sweep, which sim.sweep lives; values={"sweep": None} lives its arms')
    where = place(workers) if workers is not None else None  # without workers, worlds are lived in this process
    whole: Callable[[StoredRun], object] | None = None
    if report:
        from sim.reporting.run import build

        whole = build
    folder, keep = kept(out, "run")
    many = None if threads is None else number_from(threads, "threads", 1)
    options = Options(folder, many, overwrite, resume, where=where)
    (outcome,) = run_all([one], options, callback(progress), whole=whole)
    return Run(outcome.run, keep)


def open_run(folder: str | os.PathLike[str]) -> Run:
    """A stored run; `BadInput` for a folder that cannot be read."""
    from sim.store.run_reading import read

    return Run(read(folder_of(folder, "folder")))
