"""What a questionnaire would say of the arms: before and after in its terms, and what of it is the sample's doing."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from sim.phrases import quoted
from sim.reporting.figures import Board, units
from sim.survey.waves import NPS, Waves

TRUE_NPS = (
    "The true net promoter score here is the bank's key figure, which takes loyalty to be normal within a tier; the "
    "bias table of a survey held on the run counts everybody's own loyalty, and stands some 1.5 to 3 points higher."
)
WHO = {"customers": "customers", "managers": "relationship managers"}


@dataclass(frozen=True)
class Row:
    """A figure of an arm less the reference in the last wave: measured with its interval, true, and the gain."""

    name: str
    measured: str
    low: str
    high: str
    sure: bool
    true: str
    gain: str


@dataclass(frozen=True)
class Surveyed:
    """The section: sentences, and by who was asked and arm the rows of its table."""

    sentences: list[str]
    tables: list[tuple[str, str, str, list[Row]]]  # who, arm, months of the last wave, rows
    note: str


def surveyed(board: Board) -> Surveyed | None:
    """The section of a run; None of one that held no questionnaire."""
    if not board.surveyed:
        return None
    asked = board.asked
    sentences = [text for who, found in asked.items() for text in _sentences(who, found)]
    tables = []
    for who, found in asked.items():
        table = found.differences
        last = table[table["wave"] == table["wave"].max()] if len(table) else table
        for arm in dict.fromkeys(map(str, last["arm"])):
            rows = [_row(one) for one in last[last["arm"] == arm].to_dict("records")]
            tables.append((WHO[who], arm, str(int(last["wave"].iloc[0])), rows))
    left = sum(found.left_out for found in asked.values())
    of = sum(found.sheets for found in asked.values())
    notes = [f"{left:,} of {of:,} sheets were left out as empty or careless."] if left else []
    notes += [TRUE_NPS] if any((found.means["name"] == NPS).any() for found in asked.values()) else []
    return Surveyed(sentences, tables, " ".join(notes))


def _sentences(who: str, found: Waves) -> list[str]:
    """Before and after of each arm by the first figure whose truth is on the same scale, then the gain."""
    out = []
    if lacking := found.lacking() or found.after():
        out.append(f"{WHO[who].capitalize()}: {lacking}.")
    score = found.changes[(found.changes["name"] == NPS) & np.isfinite(found.changes["true"].to_numpy(float))]
    means = found.means[found.means["name"] == NPS].set_index(["arm", "wave"])
    for one in score.to_dict("records"):
        first, last = (_points(means, one["arm"], one[month]) for month in ("against_wave", "wave"))
        doing = float(one["measured"]) - float(one["true"])
        luck = float(one["ci_low"]) <= float(one["true"]) <= float(one["ci_high"])
        digits = units.number(abs(doing), 1)
        why = (
            f": the sample's luck could make as much as the {digits} points between them."
            if luck
            else f", so {digits} points are beyond luck, the survey's doing: who was asked, who answered, and how."
        )
        out.append(
            f"Under {quoted(str(one['arm']))} the net promoter score as asked goes from {units.number(first)} to "
            f"{units.number(last)} ({_ends(one, 1)} with the sample's luck); in truth it changes by "
            f"{units.number(float(one['true']), 1, sign=True)}{why}"
        )
    gain = found.gain()
    if np.isfinite(gain):
        out.append(
            f"{WHO[who].capitalize()} are asked with the same luck in every arm: fresh samples would need "
            f"{units.number(gain, 1)} times as many sheets to tell the arms apart as well (median over what is asked)."
        )
    return out


def _points(means: pd.DataFrame, arm: Hashable, wave: Any) -> float:
    return float(means.loc[(arm, int(wave)), "measured"])  # type: ignore[index, arg-type]


def _ends(one: Mapping[Hashable, Any], digits: int) -> str:
    ends = (units.number(float(one[end]), digits, sign=True) for end in ("ci_low", "ci_high"))
    return f"{units.number(float(one['measured']), digits, sign=True)}, {' to '.join(ends)}"


def _row(one: Mapping[Hashable, Any]) -> Row:
    digits = 1 if one["unit"] == "points" else 2
    measured, low, high = (
        units.number(float(one[name]), digits, sign=True) for name in ("measured", "ci_low", "ci_high")
    )
    unit = "" if one["true_unit"] == "points" else f"{units.GAP}SD"
    true = float(one["true"])
    return Row(
        str(one["label"]),
        measured,
        low,
        high,
        float(one["ci_low"]) * float(one["ci_high"]) > 0,
        f"{units.number(true, digits, sign=True)}{unit}" if np.isfinite(true) else units.MISSING,
        units.number(float(one["gain"]), 1),
    )
