"""An instrument proposed out of plain answers: names, ranges and words are all there is to go by, and so it is said."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.survey.columns import SHEET_COLUMNS, TOOL_COLUMNS, WEIGHT, called_weight, valid_code, weight_of
from sim.survey.instrument.draft import (
    NO_WEIGHT,
    SEVERAL,
    UNKNOWN_CODES,
    UNKNOWN_WORDS,
    Draft,
    Imported,
    as_weight,
    language_of,
    several,
    stem,
)
from sim.survey.instrument.formats.words import placed, thing
from sim.survey.tables import Table, kind_of, read_table

if TYPE_CHECKING:
    import pandas as pd

COMMON: Final = (
    (1, 5),
    (1, 7),
    (0, 10),
    (1, 10),
    (1, 4),
    (1, 6),
    (1, 9),
    (0, 4),
    (0, 5),
    (0, 6),
    (-2, 2),
    (-3, 3),
    (1, 3),
)
WIDEST: Final = 10  # steps of a scale that is taken for one
MOST_WORDS: Final = 30  # of a demographic
LEAST_SHARED: Final = 3  # answers by word, on average, of a demographic

Range = tuple[int, int]


def read(path: Path) -> Imported:
    """The instrument that a table of answers may be the answers to. Raises BadInput."""
    table = read_table(path)
    kind = kind_of(path) or path.suffix
    return propose(table, path.name[: -len(kind)] or path.stem)


def propose(table: Table, name: str) -> Imported:
    """Whole numbers in a small range become items, few words demographics; what is neither is listed."""
    own = {*SHEET_COLUMNS, *TOOL_COLUMNS}
    weight = None if WEIGHT in table.cells else weight_of({str(name): table.cells[name] for name in table.cells})
    own |= {weight} if weight is not None else set()
    plain = Plain({str(column): table.cells[column] for column in table.cells if column not in own})
    language = language_of(
        [*plain.seen, *table.texts.values(), *(word for seen in plain.seen.values() for word in seen.words or ())]
    )
    about = "Proposed out of answers: texts, reversed items and skip rules are for you to fill in."
    draft = Draft(name, [language], about)
    draft.taken = set(map(str, table.cells.columns))
    for column in map(str, table.cells):
        if column in plain.seen:  # a name that is more than a code is the question itself
            text = table.texts.get(column, column if valid_code(column) != column else "")
            plain.add(draft, column, {language: text})
        elif column == weight:
            draft.lists(*as_weight(column).split(": "))
        elif column in TOOL_COLUMNS and (column not in SHEET_COLUMNS or "arm" not in table.cells):
            draft.lists(column, "a column of the survey tool, not mapped")
    instrument = draft.done()
    if instrument.nps_item is None and any((s.first, s.last) == (0, 10) for s in instrument.scales.values()):
        draft.lists("net promoter score", "no name says which item it is of; write nps: true at that item")
    answers = replace(table, cells=table.cells.rename(columns=draft.renamed))
    return Imported(instrument, tuple(draft.listed), answers)


class Plain:
    """Columns of text of which nothing is known but what stands in them."""

    def __init__(self, columns: Mapping[str, pd.Series]):
        self.seen = {column: _Seen(texts) for column, texts in columns.items()}
        self.boxes = several({column: seen.values for column, seen in self.seen.items()})
        self.ranges = _ranges(self.seen)
        self.said: dict[str, dict[int, str]] = {}  # words of five points, by what they are about
        for seen in self.seen.values():
            for point, word in (seen.placed or {}).items():
                self.said.setdefault(thing(seen.words or ()), {}).setdefault(point, word)

    def add(self, draft: Draft, column: str, said: Mapping[str, str]) -> None:
        """A column as an item or a fact of the draft, or listed; `said` is its text, if there is one."""
        seen = self.seen[column]
        if column in self.boxes:
            draft.lists(column, SEVERAL)
        elif column in self.ranges:
            low, high = self.ranges[column]
            draft.item(column, said, draft.scale(list(range(low, high + 1)), {}, seen.unknown))
        elif seen.placed is not None and seen.words is not None:
            words = self.said[thing(seen.words)] | seen.placed
            by_language = {point: {draft.languages[0]: word} for point, word in words.items()}
            draft.item(column, said, draft.scale([1, 2, 3, 4, 5], by_language))
        elif seen.given == 0:
            draft.lists(column, "empty in every row, not mapped")
        elif seen.number and called_weight(column):
            draft.lists(column, NO_WEIGHT)
        elif seen.words is not None:
            draft.demographic(column, said, {word: {} for word in seen.words})
        elif seen.number and not seen.own:
            draft.demographic(column, said, None)
        else:
            what = "another value in every row, an id" if seen.own else f"{seen.distinct} different texts, free text"
            draft.lists(column, f"{what}; not mapped")


class _Seen:
    """What a column looks like: range of its whole numbers, codes for not known, words, or an id."""

    def __init__(self, texts: pd.Series):
        import pandas as pd

        there = texts.dropna()
        self.given, self.distinct = len(there), int(there.nunique())
        numbers = np.array(pd.to_numeric(there, errors="coerce"), np.float64)
        self.number = bool(self.given) and not np.isnan(numbers).any()
        self.own = self.given > 1 and self.distinct == self.given == len(texts) and self.distinct > WIDEST + 1
        self.values = sorted(map(str, there.unique()))[: MOST_WORDS + 1]
        self.words: list[str] | None = None
        self.placed: dict[int, str] | None = None  # its words on a scale of five
        self.range: Range | None = None
        self.unknown: list[int] = []
        if self.number and np.isfinite(numbers).all() and (numbers % 1 == 0).all() and np.abs(numbers).max() < 1e9:
            values = sorted(set(numbers.astype(np.int64).tolist()))
            self.unknown = [value for value in values if value in UNKNOWN_CODES]
            inside = [value for value in values if value not in self.unknown] or values
            if inside[-1] - inside[0] <= WIDEST and inside[0] >= -5 and inside[-1] <= WIDEST:
                self.range = (inside[0], inside[-1])
        if self.given and not self.number and self.distinct <= min(MOST_WORDS, max(2, self.given // LEAST_SHARED)):
            words = sorted(map(str, there.unique()), key=_by_number)
            self.words = words
            self.placed = placed(word for word in words if not UNKNOWN_WORDS.search(word))


def _by_number(word: str) -> tuple[float, int, str]:
    """An order in which ``<=25`` and ``under 25`` stand before ``25-34``, and that before ``35+`` and ``>=65``."""
    number = re.search(r"\d+", word)
    lower = bool(re.search(r"^[<≤]|under|below|less|up to|不到|小于|以下", word, re.IGNORECASE))
    return (float(number[0]) if number else math.inf, 0 if lower else 1, word)


def _ranges(found: Mapping[str, _Seen]) -> dict[str, Range]:
    """The range of the scale of each column that is taken for an item: its own or that of most, where it fits."""
    groups: dict[str, list[str]] = {}
    for column, seen in found.items():
        if seen.range is not None:
            groups.setdefault(stem(column) or column, []).append(column)
    spans = {
        key: (min(low for low, _ in there), max(high for _, high in there))
        for key, columns in groups.items()
        if (there := [seen.range for column in columns if (seen := found[column]).range is not None])
    }
    votes = Counter({key: len(columns) for key, columns in groups.items()})
    usual = Counter[Range]()
    for key, span in spans.items():
        if span in COMMON:
            usual[span] += votes[key]
    taken: dict[str, Range] = {}
    for key, (low, high) in spans.items():
        fits = [span for span, _ in usual.most_common(2) if span[0] <= low and high <= span[1]]
        covering = [span for span in COMMON if span[0] <= low and high <= span[1]]
        span = (fits or covering or [(low, high)])[0]
        alone = len(groups[key]) == 1
        if alone and high - low < 3:  # two or three values under a name of its own: a fact about the person
            continue
        taken.update(dict.fromkeys(groups[key], span))
    return taken
