"""The sheets that are believed, with the scores of constructs: what every room of the analysis reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.survey.instrument import Instrument
from sim.survey.instrument.model import Role, said
from sim.survey.sheets import WEIGHT, Sheets

if TYPE_CHECKING:
    import pandas as pd


FOLLOW: Final = ("loyalty", "risk", "leaving")  # measures that follow from how somebody was served


@dataclass(frozen=True)
class Study:
    """Answers turned so that more is more, float64 (sheets, items); scores float64 (sheets, constructs); weights."""

    instrument: Instrument
    table: pd.DataFrame
    answers: pd.DataFrame
    scores: pd.DataFrame
    expected: pd.DataFrame
    important: pd.DataFrame
    weights: np.ndarray  # mean 1
    weighted: bool  # whether the answers have weights that differ

    @classmethod
    def of(cls, sheets: Sheets) -> Study:
        """The study of sheets that are all believed."""
        table = sheets.table.reset_index(drop=True)
        own = Sheets(sheets.instrument, table, sheets.file)
        answers, weights = own.answers(), own.weights
        met, expected, important = (
            scores(sheets.instrument, answers, role) for role in ("perception", "expectation", "importance")
        )
        uneven = WEIGHT in table and bool(np.ptp(weights) > 1e-12)
        return cls(sheets.instrument, table, answers, met, expected, important, weights, uneven)

    def items(self, construct: str, role: Role = "perception") -> list[str]:
        """Codes of the items of a construct that the answers have."""
        return codes_of(self.instrument, self.answers, construct, role)

    def label(self, construct: str) -> str:
        """A construct's name for people."""
        return said(self.instrument.constructs[construct].label) or construct

    def perceived(self, construct: str) -> bool:
        """Whether it is about what people met, not about what they expect or hold important."""
        return all(self.instrument.item(code).role == "perception" for code in self.items(construct))

    def leads(self, construct: str) -> bool:
        """Whether it says how somebody was served: met, not expected, and no outcome of it."""
        return self.perceived(construct) and not any(one in self.instrument.constructs[construct].of for one in FOLLOW)

    def range_of(self, construct: str) -> tuple[int, int]:
        """The lowest and highest score that a construct can have."""
        scale = self.instrument.scale_of(self.items(construct)[0])
        return scale.first, scale.last

    def hundredths(self, construct: str, score: Any) -> Any:
        """A score of a construct (or many) on 0 to 100."""
        first, last = self.range_of(construct)
        return (score - first) / (last - first) * 100 if last > first else float("nan")


def codes_of(instrument: Instrument, answers: pd.DataFrame, construct: str, role: Role) -> list[str]:
    """Codes of the items of a construct in a role that the answers have.

    A construct without items of perception (expectation as a whole) is what all items that measure it say.
    """
    found = instrument.items_of(construct, role)
    if not found and role == "perception":
        found = [item for item in instrument.items if item.measures == construct]
    return [item.code for item in found if item.code in answers]


def levelled(instrument: Instrument, answers: pd.DataFrame, codes: Sequence[str]) -> np.ndarray:
    """Turned answers to items, those on another scale than the first brought onto it, float64 (sheets, items)."""
    values = answers[list(codes)].to_numpy(np.float64, copy=True)
    first = instrument.scale_of(codes[0])
    for place, code in enumerate(codes):
        scale = instrument.scale_of(code)
        if (scale.first, scale.last) != (first.first, first.last):
            unit = (values[:, place] - scale.first) / max(scale.last - scale.first, 1)
            values[:, place] = first.first + unit * (first.last - first.first)
    return values


def scores(instrument: Instrument, answers: pd.DataFrame, role: Role = "perception") -> pd.DataFrame:
    """Construct scores: the mean of turned items where at least half are answered, NaN elsewhere; a column each."""
    import pandas as pd

    made = {}
    for name in instrument.constructs:
        codes = codes_of(instrument, answers, name, role)
        if not codes:
            continue
        values = levelled(instrument, answers, codes)
        known = (~np.isnan(values)).sum(axis=1)
        enough = known * 2 >= len(codes)
        made[name] = np.where(enough, np.nansum(values, axis=1) / np.maximum(known, 1), np.nan)
    return pd.DataFrame(made, index=answers.index)
