"""Whom a questionnaire can be held on: all customers or managers of a bank at the end of a month, as columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sim.survey.measures import Who


@dataclass(frozen=True)
class Fact:
    """A fact of every person: `codes` int (persons,) are places in `words`."""

    codes: np.ndarray
    words: tuple[str, ...]

    def of(self, rows: np.ndarray) -> np.ndarray:
        """The words of some persons, object (rows,)."""
        return np.array(self.words, object)[self.codes[rows]]


@dataclass(frozen=True)
class Respondents:
    """The persons of one bank at the end of a month.

    `uid` uint64 keys their draws, `weight` float64 says how many persons a row stands for; `measures` (float64, by name
    of `sim.survey.measures`) are true scores, `facts` what a sheet may say of a person, `visits` how often a month
    they are met at a place ("branch", "app"), float64. All have one entry a person.
    """

    who: Who
    seed: int
    month: int
    uid: np.ndarray
    weight: np.ndarray
    measures: Mapping[str, np.ndarray]
    facts: Mapping[str, Fact]
    visits: Mapping[str, np.ndarray]

    def __len__(self) -> int:
        return int(self.uid.size)
