"""Answers: a row a sheet, as a survey tool gives them, with the instrument they answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sim.survey.columns import ARM, MODE, RESPONDENT, SEED, SHEET, SHEET_COLUMNS, WAVE, WEIGHT
from sim.survey.instrument import Instrument

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ARM", "MODE", "RESPONDENT", "SEED", "SHEET", "SHEET_COLUMNS", "WAVE", "WEIGHT", "Sheets"]


@dataclass(frozen=True)
class Sheets:
    """Answers to an instrument.

    `table` has a row a sheet: of `SHEET_COLUMNS` those there are, a column of text for every demographic that was
    asked, and a column float64 for every item, answers as they were given (not yet turned where reversed), NaN where
    there is none. `notes` say what was read otherwise than it stands, a line each.
    """

    instrument: Instrument
    table: pd.DataFrame
    file: str = ""
    notes: tuple[str, ...] = field(default=())

    @property
    def weights(self) -> np.ndarray:
        """Design weights with mean 1, float64 (sheets,); all 1 where the answers have none."""
        if WEIGHT not in self.table:
            return np.ones(len(self.table))
        given = self.table[WEIGHT].to_numpy(np.float64)
        return given / given.mean()

    def answers(self, codes: list[str] | None = None) -> pd.DataFrame:
        """Answers turned so that more always means more of the construct, float64 (sheets, items)."""
        instrument = self.instrument
        found = self.table[[code for code in codes or instrument.codes if code in self.table]].astype(np.float64)
        for code in map(str, found):
            if instrument.item(code).reversed:
                scale = instrument.scale_of(code)
                found[code] = scale.first + scale.last - found[code]
        return found
