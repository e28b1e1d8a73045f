"""Answers out of a file, held against the instrument they answer: every mistake at its cell, nothing dropped unsaid."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.errors import BadInput, Mistake
from sim.phrases import counted
from sim.survey import tables
from sim.survey.columns import (
    ARM,
    RESPONDENT,
    SEED,
    SHEET,
    SHEET_COLUMNS,
    TOOL_COLUMNS,
    WAVE,
    WEIGHT,
    called_weight,
    valid_code,
    weight_of,
)
from sim.survey.instrument import Instrument
from sim.survey.instrument.draft import NO_WEIGHT, UNKNOWN_WORDS, as_weight
from sim.survey.instrument.importing import Imported, import_instrument
from sim.survey.instrument.model import Demographic, Item, Scale
from sim.survey.instrument.reading import read_instrument
from sim.survey.sheets import Sheets
from sim.survey.tables import Table

if TYPE_CHECKING:
    import pandas as pd

BESIDE: Final = "instrument.yaml"
LIKELY_UNKNOWN: Final = (
    -99,
    -98,
    -97,
    -9,
    -8,
    -1,
    8,
    9,
    66,
    77,
    88,
    97,
    98,
    99,
    999,
)  # codes that tools use for no answer
SHOWN: Final = 3


def beside(answers: Path) -> Path | None:
    """The instrument that lies beside a file of answers: under its name (answers.yaml), or as instrument.yaml."""
    names = f"{answers.name.split('.', 1)[0]}.yaml", BESIDE
    return next((file for name in names if (file := answers.parent / name).is_file()), None)


def read_sheets(path: str | os.PathLike[str], instrument: Instrument | None = None) -> Sheets:
    """The answers of a file: CSV (gzipped too), Parquet, SPSS .sav, Excel.

    Without an instrument that beside the file serves (`beside`), else the one that the file itself tells of.
    Raises BadInput with every mistake: FILE:LINE:COLUMN  column: what is wrong; what would be right.
    """
    path = Path(path)
    kind = tables.check_file(path, (*tables.KINDS, ".sav", ".zsav"))
    notes: list[str] = []
    imported: Imported | None = None
    if instrument is None and (own := beside(path)) is not None:
        instrument = read_instrument(own)
    if instrument is None or kind in (".sav", ".zsav"):
        imported = import_instrument(path)
        notes += imported.listed if instrument is None else ()
    table = imported.answers if imported is not None and imported.answers is not None else tables.read_table(path)
    if instrument is None and imported is not None:
        instrument = imported.instrument
    assert instrument is not None
    read = _Reader(table, instrument)
    frame = read.frame()
    if read.mistakes:
        raise BadInput(sorted(read.mistakes))
    listed = {note.split(":", 1)[0] for note in notes}  # columns of which it is said already that they are no question
    more = [note for note in (*table.notes, *read.notes) if note not in notes]
    notes += [note for note in more if not (note.endswith("kept out") and note.split(":", 1)[0] in listed)]
    return Sheets(instrument, frame, str(path), tuple(notes))


class _Reader:
    """A table of text on its way to answers; `mistakes` and `notes` are what was met."""

    def __init__(self, table: Table, instrument: Instrument):
        self.table, self.instrument = table, instrument
        self.mistakes: list[Mistake] = []
        self.notes: list[str] = []
        self.named = self._columns()

    def _columns(self) -> dict[str, str]:
        """The column of the file for each name that the instrument or a sheet has."""
        wanted = [*SHEET_COLUMNS, *(one.code for one in self.instrument.demographics), *self.instrument.codes]
        there = list(self.table.cells.columns)
        found = {name: name for name in wanted if name in there}
        if SEED in found and ARM not in found:
            del found[SEED]  # LimeSurvey has one that is not ours
        for name in wanted:
            alike = [
                c for c in there if c not in wanted and name.casefold() in (c.casefold(), valid_code(c).casefold())
            ]
            if name not in found and len(alike) == 1:
                found[name] = alike[0]
                self.notes.append(f"{alike[0]}: read as {name}")
        others = {c: self.table.cells[c] for c in there if c not in found.values() and c not in TOOL_COLUMNS}
        if WEIGHT not in found and (weight := weight_of(others)) is not None:
            found[WEIGHT] = weight
            self.notes.append(as_weight(weight))
        missing = [name for name in wanted if name not in found and name not in SHEET_COLUMNS]
        for column in there:
            if column in found.values():
                continue
            line, character = self.table.header_place(column)
            if column in TOOL_COLUMNS:
                self.notes.append(f"{column}: a column of the survey tool, kept out")
            elif hint := tables.meant(column, missing):
                self._wrong(line, character, column, f"unknown column, and one is missing{hint}")
            elif called_weight(column) and WEIGHT not in found:
                self.notes.append(f"{column}: {NO_WEIGHT}")
            else:
                self.notes.append(f"{column}: no item or demographic of {self.instrument.name}, kept out")
        if not any(code in found for code in self.instrument.codes):
            codes = self.instrument.codes
            shown = ", ".join(codes[:6]) + ", ..." * (len(codes) > 6)
            what = f"none of the items of {self.instrument.name} is a column; {shown}"
            self._wrong(1, 1, "", f"{what}, or another --instrument")
        elif lacking := [code for code in self.instrument.codes if code in missing]:
            shown = ", ".join(lacking[:8]) + ", ..." * (len(lacking) > 8)
            self.notes.append(f"{counted(len(lacking), 'item')} without a column, taken as not asked: {shown}")
        return found

    def frame(self) -> pd.DataFrame:
        """Columns in the order of `Sheets.table`; worth nothing where there are mistakes."""
        import pandas as pd

        rows = len(self.table.cells)
        if rows < 2:
            what = (
                "has a header and no sheets" if not rows else "holds one sheet, which says nothing about anybody else"
            )
            self.mistakes.append(Mistake(self.table.file, 0, 0, "", f"{what}; at least 2, and some 100 to say much"))
            return pd.DataFrame()
        columns: dict[str, object] = {}
        for name in (name for name in SHEET_COLUMNS if name in self.named):
            columns[name] = self._sheet_column(name)
        for one in self.instrument.demographics:
            if one.code in self.named:
                columns[one.code] = self._demographic(one)
        for item in self.instrument.items:
            if item.code in self.named:
                columns[item.code] = self._item(item)
        frame = pd.DataFrame(columns, index=range(rows))
        self._twice(frame)
        self._as_a_whole(frame)
        return frame

    # --- columns -------------------------------------------------------------------------------------------------

    def _sheet_column(self, name: str) -> object:
        import pandas as pd

        column = self.named[name]
        texts = self.table.cells[column]
        if name not in (SEED, WAVE, WEIGHT):
            return pd.array([None if pd.isna(text) else str(text) for text in texts], dtype=object)
        numbers = _numbers(texts)
        whole = "a number above 0" if name == WEIGHT else "a whole number from 0"
        finite = np.where(np.isfinite(numbers), numbers, -1.0)
        good = (finite > 0) if name == WEIGHT else (finite >= 0) & (finite % 1 == 0) & (finite < 2**63)
        if (bad := np.flatnonzero(~good)).size:
            shown = texts.iloc[bad[0]]
            what = "missing" if shown is None else f"{shown!r} is none"
            self.mistakes.append(self.table.mistake(bad.tolist(), column, f"{what} ({{cells}}); {whole}"))
            return np.where(good, numbers, 1.0)
        return numbers if name == WEIGHT else numbers.astype(np.int64)

    def _demographic(self, one: Demographic) -> object:
        import pandas as pd

        texts = [None if pd.isna(text) else str(text) for text in self.table.cells[self.named[one.code]]]
        if one.choices is not None:
            words = _words(one)
            folded = [None if text is None else words.get(text.casefold(), text) for text in texts]
            strange = [i for i, text in enumerate(folded) if text is not None and text not in one.choices]
            if strange:
                shown = ", ".join(dict.fromkeys(repr(texts[i]) for i in strange[:50]))
                self.notes.append(f"{one.code}: {counted(len(strange), 'answer')} none of its choices, kept: {shown}")
            texts = folded
        return pd.array(texts, dtype=object)

    def _item(self, item: Item) -> np.ndarray:
        column, scale = self.named[item.code], self.instrument.scales[item.scale]
        texts = self.table.cells[column]
        numbers = _numbers(texts)
        given = texts.notna().to_numpy()
        labels = {
            word.casefold(): float(point)
            for words in scale.labels.values()
            for point, word in zip(scale.points, words, strict=True)
        }
        text_at = np.flatnonzero(given & np.isnan(numbers))
        for i in text_at:
            numbers[i] = labels.get(str(texts.iloc[i]).casefold(), math.nan)
        numbered = [
            re.fullmatch(r"[A-Za-z]{1,3}(\d{1,2})", str(texts.iloc[i])) for i in text_at if np.isnan(numbers[i])
        ]
        if numbered and all(
            found and int(found[1]) in scale.points for found in numbered
        ):  # A1, AO02: LimeSurvey's codes
            for i in text_at:
                if np.isnan(numbers[i]):
                    numbers[i] = float(re.sub(r"\D", "", str(texts.iloc[i])))
        unread = [int(i) for i in text_at if np.isnan(numbers[i])]
        said = [i for i in unread if len(str(texts.iloc[i])) <= 40 and UNKNOWN_WORDS.search(str(texts.iloc[i]))]
        if said:
            shown = ", ".join(dict.fromkeys(repr(str(texts.iloc[i])) for i in said[:50]))
            self.notes.append(f"{item.code}: {counted(len(said), 'answer')} for not known, taken as none: {shown}")
            unread = [i for i in unread if i not in said]
        if unread:
            text = str(texts.iloc[unread[0]])
            words = [word for words in scale.labels.values() for word in words]
            hint = tables.meant(text, words) if words else ""
            right = f"{_range(scale)}{', or a word of its labels' if words else ''}"
            message = f"{text[:40]!r} is no answer ({{cells}}){hint}; {right}"
            self.mistakes.append(self.table.mistake(unread, column, message))
        elif text_at.size:
            self.notes.append(
                f"{item.code}: {counted(int(text_at.size), 'answer')} given as words or codes, read as points"
            )
        unknown = np.isin(numbers, scale.unknown)
        if unknown.any():
            self.notes.append(f"{item.code}: {counted(int(unknown.sum()), 'answer')} for not known, taken as none")
            numbers[unknown] = math.nan
        with np.errstate(invalid="ignore"):
            off = (numbers < scale.first) | (numbers > scale.last) | (numbers % 1 != 0)
        off_scale = np.flatnonzero(off & ~np.isnan(numbers)).tolist()
        if off_scale:
            self._off_scale(item, scale, column, off_scale, numbers)
        return numbers

    def _off_scale(self, item: Item, scale: Scale, column: str, rows: list[int], numbers: np.ndarray) -> None:
        values = sorted({float(numbers[row]) for row in rows})
        shown = ", ".join(f"{value:g}" for value in values[:SHOWN]) + ", ..." * (len(values) > SHOWN)
        codes = [int(value) for value in values if value in LIKELY_UNKNOWN]
        hint = f"; if {codes[0]} means no answer, say unknown: {codes} of scale {item.scale}" if codes else ""
        message = f"{shown} off the scale ({{cells}}); {_range(scale)}{hint}"
        self.mistakes.append(self.table.mistake(rows, column, message))

    # --- the table as a whole ------------------------------------------------------------------------------------

    def _twice(self, frame: pd.DataFrame) -> None:
        if SHEET in frame:
            again = frame[SHEET].notna() & frame.duplicated(SHEET)
            self._duplicates(again, SHEET, "the sheet stands twice", "each sheet once")
        if RESPONDENT in frame:
            keys = [name for name in (RESPONDENT, ARM, SEED, WAVE) if name in frame]
            again = frame[RESPONDENT].notna() & frame.duplicated(keys)
            where = " within a wave" if WAVE in frame else ""
            right = "each respondent once" + where + ("" if WAVE in frame else ", or a column wave")
            self._duplicates(again, RESPONDENT, f"the respondent stands twice{where}", right)

    def _duplicates(self, again: pd.Series, name: str, what: str, right: str) -> None:
        rows = np.flatnonzero(again.to_numpy()).tolist()
        if rows:
            who = self.table.cells[self.named[name]].iloc[rows[0]]
            self.mistakes.append(self.table.mistake(rows, self.named[name], f"{who}: {what} ({{cells}}); {right}"))

    def _as_a_whole(self, frame: pd.DataFrame) -> None:
        codes = [code for code in self.instrument.codes if code in frame]
        if not codes or self.mistakes:
            return
        answers = frame[codes].to_numpy(np.float64)
        there = ~np.isnan(answers)
        if not there.any():
            self._wrong(1, 1, "", f"no answers at all in {counted(len(frame), 'sheet')}; every item is empty")
            return
        for code, values, given in zip(codes, answers.T, there.T, strict=True):
            if not given.any():
                self.notes.append(f"{code}: nobody answered")
            elif np.ptp(values[given]) == 0:
                self.notes.append(f"{code}: everybody answered {values[given][0]:g}, so that it tells nobody apart")
        if empty := int((~there.any(axis=1)).sum()):
            self.notes.append(f"{counted(empty, 'sheet')} without any answer")
        for item in self.instrument.items:
            if item.code in frame and item.asked_if:
                self._skipped(frame, item)

    def _skipped(self, frame: pd.DataFrame, item: Item) -> None:
        asked = np.ones(len(frame), bool)
        for code, answers in item.asked_if.items():
            if code not in frame:
                return
            asked &= frame[code].isna().to_numpy() | frame[code].isin(answers).to_numpy()
        if extra := int((frame[item.code].notna().to_numpy() & ~asked).sum()):
            self.notes.append(f"{item.code}: {counted(extra, 'answer')} of people whom its skip rule leaves out, kept")

    def _wrong(self, line: int, column: int, name: str, message: str) -> None:
        self.mistakes.append(Mistake(self.table.file, line, column, name, message))


def _range(scale: Scale) -> str:
    return f"a whole number from {scale.first} to {scale.last}, or empty"


def _numbers(texts: pd.Series) -> np.ndarray:
    import pandas as pd

    return np.array(pd.to_numeric(texts, errors="coerce"), np.float64)


def _words(one: Demographic) -> dict[str, str]:
    """Words of the answers by what may stand for them: themselves, and their text in any language."""
    words: dict[str, str] = {}
    for word, text in (one.choices or {}).items():
        for said in (text,) if isinstance(text, str) else text.values():
            words.setdefault(said.casefold(), word)
    for word in one.choices or {}:
        words[word.casefold()] = word
    return words
