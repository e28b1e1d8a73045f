"""Questionnaires: `sim.ask` holds one on a run, `sim.read_answers` reads real ones, both are analysed alike."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.api.notebook import Page
from sim.api.scenarios import folder_of

if TYPE_CHECKING:
    import pandas as pd

    from sim.api.runs import Run
    from sim.survey.analysis.asking import Analysis
    from sim.survey.instrument import Instrument
    from sim.survey.sheets import Sheets


@dataclass(frozen=True, repr=False)
class Answers:
    """Answers to an instrument, a row a sheet; of simulated ones also the `truth` beside each sheet and the `bias`.

    `bias` has true and measured means of every construct, by cause, on the average over all luck (None if real).
    """

    sheets: Sheets
    truth: pd.DataFrame | None = None
    bias: pd.DataFrame | None = None

    @property
    def table(self) -> pd.DataFrame:
        """A row a sheet: who, when, weight, demographics, answers as they were given."""
        return self.sheets.table

    @property
    def instrument(self) -> Instrument:
        """What was asked."""
        return self.sheets.instrument

    def analyse(self, by: Sequence[str] = ()) -> Analysis:
        """What the answers say: `.tables` by name; `by` are columns whose groups are compared."""
        from sim.survey.analysis.asking import analyse

        return analyse(self.sheets, by=tuple(by))

    def report(self, folder: str | os.PathLike[str], by: Sequence[str] = ()) -> Page:
        """The page with its figures and tables, written into a folder; shows itself in a notebook."""
        from sim.reporting.survey import build

        return Page(build(self.analyse(by), folder_of(folder, "folder"), self.bias))

    def __repr__(self) -> str:
        return f"<Answers to {self.instrument.name}: {len(self.table)} sheets>"


def ask(
    run: Run,
    instrument: str | os.PathLike[str] | Instrument = "customers",
    *,
    n: int = 500,
    month: int | Sequence[int] | None = None,
    sampling: str = "simple",
    panel: bool = False,
    arms: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    threads: int = 1,
) -> Answers:
    """Hold a questionnaire on the customers or managers of a run, whose arms live again up to the month.

    `instrument` is a shipped one ("customers", "employees"), a file or an `Instrument`; `n` sheets are wanted of every
    arm and month, of all arms, the first seed and the last month unless named. `sampling` is simple, stratified, quota,
    branch or app. Arms of a seed are asked with the same luck. Raises `BadInput`.
    """
    from sim.experiments.prepare import prepare
    from sim.experiments.survey import Question
    from sim.experiments.survey import ask as asked
    from sim.survey.sheets import Sheets

    question = Question(questionnaire(instrument), n, sampling, panel)
    months = None if month is None else [month] if isinstance(month, int) else list(month)
    (one,) = prepare([run.folder / "scenario.yaml"])
    found = asked(one, question, months=months, arms=arms, seeds=seeds, threads=threads)
    return Answers(Sheets(question.instrument, found.sheets), found.truth, found.bias)


def questionnaire(instrument: str | os.PathLike[str] | Instrument) -> Instrument:
    """An instrument by its name, or of a file; `BadInput` for one that cannot be read."""
    from sim.survey.instrument import Instrument
    from sim.survey.instrument.reading import read_instrument

    return instrument if isinstance(instrument, Instrument) else read_instrument(os.fspath(instrument))


def read_answers(
    file: str | os.PathLike[str], instrument: str | os.PathLike[str] | Instrument | None = None
) -> Answers:
    """Answers of a file (CSV, Parquet, .sav) to an instrument: the one given, beside the file, or in it."""
    from sim.survey.reading import read_sheets

    of: Any = None if instrument is None else questionnaire(instrument)
    return Answers(read_sheets(Path(file), of))
