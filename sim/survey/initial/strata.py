"""Age and tier of those who answered, in cells that the bank's customers are counted in too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.errors import BadInput
from sim.survey.instrument.model import Demographic
from sim.survey.measures import AGE_BANDS, AGE_FROM
from sim.survey.sheets import Sheets
from sim.yaml_source import did_you_mean

FEWEST: Final = 30  # sheets of a cell, below which it is taken together with its neighbour
AGES: Final = ("age", "age_band", "edad", "alter", "年龄")  # what such a question is called
TIERS: Final = ("tier", "segment", "客户等级")
BELOW: Final = re.compile(r"^\s*(<|≤|under|below|up to|younger)|以下|-$", re.IGNORECASE)
ABOVE: Final = re.compile(r"^\s*>(?!=)")
MANY: Final = 20  # different numbers from which ages are years and no codes


@dataclass(frozen=True)
class Pyramid:
    """The bank's customers, one a row: `age` in years and `tier` by its place in `tiers`."""

    age: np.ndarray
    tier: np.ndarray
    tiers: tuple[str, ...]


@dataclass(frozen=True)
class Stratum:
    """One trait in cells from the lowest: of each sheet (-1 where unknown) and of each customer, int; `notes` say what
    was taken together."""

    name: str
    words: tuple[str, ...]
    sheets: np.ndarray
    bank: np.ndarray
    notes: tuple[str, ...] = ()


def strata(sheets: Sheets, bank: Pyramid) -> list[Stratum]:
    """Age and tier, as far as the answers hold them; raises BadInput for a tier that the bank has not."""
    return [one for one in (_age(sheets, bank), _tier(sheets, bank)) if one is not None]


def _question(sheets: Sheets, fact: str, called: Sequence[str]) -> Demographic | None:
    there = [one for one in sheets.instrument.demographics if one.code in sheets.table]
    by_name = (one for one in there if one.of is None and one.code.casefold() in called)
    return next((one for one in there if one.of == fact), next(by_name, None))


def words_of(sheets: Sheets, code: str) -> np.ndarray:
    """What sheets say of a person, as text, "" where nothing."""
    column = sheets.table[code]
    return np.where(column.isna(), "", column.astype(str)).astype(object)


def begins(word: str) -> int | None:
    """The age from which a band in words goes: 36 of ``36-45``, 0 of ``<=25``, 66 of ``>=66``; None where unclear."""
    if word in AGE_BANDS:
        return AGE_FROM[AGE_BANDS.index(word)]
    numbers = re.findall(r"\d+", word)
    if not numbers or int(numbers[0]) > 120:
        return None
    if BELOW.search(word):
        return 0
    return int(numbers[0]) + bool(ABOVE.search(word))


def _age(sheets: Sheets, bank: Pyramid) -> Stratum | None:
    asked = _question(sheets, "age_band", AGES)
    if asked is None:
        return None
    said = words_of(sheets, asked.code)
    different = sorted(set(said) - {""})
    if len(different) >= MANY and all(re.fullmatch(r"\d+(\.0*)?", word) for word in different):
        years = np.array([float(word) if word else np.nan for word in said])
        starts = list(AGE_FROM)
        cell = np.where(np.isnan(years), -1, np.searchsorted(starts, np.nan_to_num(years), side="right") - 1)
        names = list(AGE_BANDS)
    else:
        from_of = {word: begins(word) for word in different}
        known = {word: start for word, start in from_of.items() if start is not None}
        if len(known) < 2:
            return None
        starts = sorted(set(known.values()))
        cell = np.array([starts.index(known[word]) if word in known else -1 for word in said], np.int64)
        names = [next(word for word, at in known.items() if at == start) for start in starts]
        starts[0] = 0
    of_bank = np.clip(np.searchsorted(starts, bank.age, side="right") - 1, 0, len(starts) - 1)
    return _merged(asked.code, names, cell, of_bank)


def _tier(sheets: Sheets, bank: Pyramid) -> Stratum | None:
    asked = _question(sheets, "tier", TIERS)
    if asked is None:
        return None
    said = np.array([word.strip().casefold() for word in words_of(sheets, asked.code)], object)
    place = {name: k for k, name in enumerate(bank.tiers)}
    unknown = sorted(set(said) - set(place) - {""})
    if unknown:
        row = int(np.flatnonzero(said == unknown[0])[0]) + 2
        help_ = did_you_mean(unknown[0], bank.tiers, all_if_none="one of")
        what = f"{unknown[0]!r} is no tier of the scenario; {help_}"
        raise BadInput.at(sheets.file or "answers", what, line=row, column=1, path=asked.code)
    cell = np.array([place.get(word, -1) for word in said], np.int64)
    return _merged(asked.code, list(bank.tiers), cell, bank.tier)


def _merged(name: str, words: list[str], sheets: np.ndarray, bank: np.ndarray) -> Stratum | None:
    """Cells with too few sheets taken together with a neighbour; None where only one would be left."""
    count = np.bincount(sheets[sheets >= 0], minlength=len(words))
    group, notes = list(range(len(words))), []
    while len(set(group)) > 1:
        sums = {g: int(count[[k for k, one in enumerate(group) if one == g]].sum()) for g in dict.fromkeys(group)}
        small = min(sums, key=lambda g: sums[g])
        if sums[small] >= FEWEST:
            break
        order = list(sums)
        at = order.index(small)
        into = order[at - 1] if at else order[1]
        mine = [words[k] for k, one in enumerate(group) if one == small]
        theirs = [words[k] for k, one in enumerate(group) if one == into]
        notes.append(f"{name}: {', '.join(mine)} ({sums[small]} sheets) is weighted together with {', '.join(theirs)}")
        group = [into if one == small else one for one in group]
    left = sorted(set(group))
    if len(left) < 2:
        return None
    to = np.array([left.index(one) for one in group])
    named = tuple(" + ".join(words[k] for k, one in enumerate(group) if one == g) for g in left)
    return Stratum(name, named, np.where(sheets >= 0, to[sheets], -1), to[bank], tuple(notes))


def margin(one: Stratum, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cell of each sheet and the bank's share of each cell; sheets that do not say keep the share they have."""
    cells = len(one.words)
    silent = one.sheets < 0
    kept = float(weights[silent].sum() / weights.sum())
    share = np.bincount(one.bank, minlength=cells) / one.bank.size
    return np.where(silent, cells, one.sheets), np.append(share * (1.0 - kept), kept)
