"""Which sheets can be believed: what is missing, who gave the same answer to everything, and what is left out for it.

The rule is stated once (`Rule`) and every sheet says what it did to it. Somebody who answers a question and its reverse
alike, ten times in a row, did not read. Where an instrument has no reversed item, the same answer to everything may be
meant: such sheets are counted and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from sim.errors import BadInput
from sim.phrases import counted
from sim.survey.analysis.tables import table
from sim.survey.sheets import SHEET, WEIGHT, Sheets

if TYPE_CHECKING:
    import pandas as pd

KEPT: Final = "kept"
EVERYWHERE: Final = 8  # questions from which the same answer to all of them is careless; 3, 3, 3 to fewer may be meant
REASONS: Final = {
    "empty": "no question answered",
    "missing": "too few of the questions asked were answered",
    "straight_lining": "the same answer to many questions in a row, a reversed one among them",
}


@dataclass(frozen=True)
class Rule:
    """What leaves a sheet out. `least` is a share of the questions asked, `run` a number of answers in a row."""

    least: float = 0.5
    run: int = 10
    keep: bool = False  # careless sheets are counted and kept

    def in_words(self) -> str:
        """The rule as a sentence."""
        if self.keep:
            return "Sheets that look careless were counted and kept, as asked for; only empty ones were left out."
        return (
            f"A sheet is left out if fewer than {self.least:.0%} of the questions asked are answered, or if the same "
            f"answer stands {self.run} times in a row (or to all questions of one scale, where there are "
            f"{EVERYWHERE} or more) with a reversed question among them."
        )


def check_weights(sheets: Sheets) -> None:
    """`BadInput` where a design weight is none: 0, negative, missing or not finite."""
    if WEIGHT not in sheets.table:
        return
    given = sheets.table[WEIGHT].to_numpy(np.float64)
    wrong = np.flatnonzero(~(np.isfinite(given) & (given > 0)))
    if len(wrong):
        first = given[wrong[0]]
        what = "no weight" if np.isnan(first) else f"a weight of {first:g}"
        told = f"{counted(len(wrong), 'sheet')} without a usable weight; sheet {wrong[0] + 1} has {what}"
        raise BadInput.at(sheets.file or "answers", f"{told}; a number above 0, or no such column", path=WEIGHT)


def quality(sheets: Sheets, rule: Rule) -> pd.DataFrame:
    """A row a sheet in their order: how much was answered, how evenly, what became of it (columns of sheets.csv)."""
    import pandas as pd

    instrument, table = sheets.instrument, sheets.table
    codes = [code for code in instrument.codes if code in table]
    raw = table[codes].to_numpy(np.float64)
    asked = np.column_stack([_asked(sheets, code) for code in codes]) if codes else np.zeros((len(table), 0), bool)
    answered = ~np.isnan(raw)
    count = (answered & asked).sum(axis=1)
    with np.errstate(invalid="ignore"):
        share = np.where(asked.sum(axis=1) > 0, count / np.maximum(asked.sum(axis=1), 1), 0.0)
    run, crossed = _runs(sheets, codes, rule.run)
    even = (count > 1) & (_spread(raw) == 0)
    verdict = np.full(len(table), KEPT, dtype=object)
    if not rule.keep:
        verdict[crossed] = "straight_lining"
        verdict[share < rule.least] = "missing"
    verdict[count == 0] = "empty"
    names = table[SHEET].astype(str) if SHEET in table else pd.Series(range(1, len(table) + 1)).astype(str)
    return pd.DataFrame(
        {
            "sheet": names.to_numpy(),
            "asked": asked.sum(axis=1),
            "answered": count,
            "share_answered": share,
            "sd_within": _spread(raw),
            "longest_run": run,
            "all_the_same": even,
            "straight_lining": crossed,
            "verdict": verdict,
        }
    )


def outcomes(each: pd.DataFrame, rule: Rule) -> pd.DataFrame:
    """What became of the sheets, a row a reason (columns of quality.csv)."""
    n = max(len(each), 1)
    rows = [("returned", len(each), "sheets in the file")]
    rows += [(reason, int((each["verdict"] == reason).sum()), f"left out: {why}") for reason, why in REASONS.items()]
    rows.append(("used", int((each["verdict"] == KEPT).sum()), "sheets that everything else rests on"))
    looks = "looked at: the same answer to every question, whether left out or not"
    rows.append(("all_the_same", int(each["all_the_same"].sum()), looks))
    partial = (each["verdict"] == KEPT) & (each["share_answered"] < 1)
    rows.append(("incomplete", int(partial.sum()), "used, with at least one question unanswered"))
    told = [{"what": what, "sheets": count, "share": count / n, "about": why} for what, count, why in rows]
    return table("quality", told)


def _asked(sheets: Sheets, code: str) -> np.ndarray:
    """Who was asked a question by its skip rule, bool (sheets,); an answer to what decides that is missing: nobody."""
    asked = np.ones(len(sheets.table), dtype=bool)
    for other, answers in sheets.instrument.item(code).asked_if.items():
        if other in sheets.table:
            given = sheets.table[other]
            asked &= (given.isin(answers) | given.astype(str).isin([str(one) for one in answers])).to_numpy()
    return asked | sheets.table[code].notna().to_numpy()


def _spread(raw: np.ndarray) -> np.ndarray:
    """Standard deviation of each sheet's answers, NaN for fewer than two, float64 (sheets,)."""
    known = ~np.isnan(raw)
    n = known.sum(axis=1)
    filled = np.where(known, raw, 0.0)
    mean = filled.sum(axis=1) / np.maximum(n, 1)
    squares = (np.where(known, raw - mean[:, None], 0.0) ** 2).sum(axis=1)
    return np.where(n > 1, np.sqrt(squares / np.maximum(n - 1, 1)), np.nan)


def _runs(sheets: Sheets, codes: list[str], most: int) -> tuple[np.ndarray, np.ndarray]:
    """The longest run of one answer over items of the commonest scale, and whether one is too long and crosses over.

    A run crosses over where it has items of both directions. Returns int64 and bool (sheets,).
    """
    instrument = sheets.instrument
    scales = [instrument.item(code).scale for code in codes]
    common = max(set(scales), key=lambda name: (scales.count(name), name)) if scales else ""
    same = [code for code, scale in zip(codes, scales, strict=True) if scale == common]
    raw = sheets.table[same].to_numpy(np.float64)
    turned = np.array([instrument.item(code).reversed for code in same], dtype=bool)
    n = len(raw)
    longest, length = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    before = np.full(n, np.nan)
    up, down, crossed = np.zeros(n, bool), np.zeros(n, bool), np.zeros(n, bool)
    enough = max(min(most, max(len(same), EVERYWHERE)), 2)
    for place in range(len(same)):
        now = raw[:, place]
        goes_on = now == before
        length = np.where(np.isnan(now), 0, np.where(goes_on, length + 1, 1))
        up = (goes_on & up) | (not turned[place])
        down = (goes_on & down) | bool(turned[place])
        longest = np.maximum(longest, length)
        crossed |= (length >= enough) & up & down
        before = now
    return longest, crossed
