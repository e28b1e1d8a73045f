"""The four problems in answers: gaps of service, the net promoter score, contacts, skills as the staff sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.survey.diagnosis.problems import BANK, COLUMNS, OF_CUSTOMERS, OF_STAFF, Measure
from sim.survey.instrument import Instrument
from sim.survey.likeness import SURE, effective, moments, nps
from sim.survey.sheets import Sheets

if TYPE_CHECKING:
    import pandas as pd

# Where a construct is told, by its name: that of the shipped questionnaires, or of one that follows them.
CUSTOMERS: Mapping[str, str] = {
    "reliability": "process",
    "responsiveness": "process",
    "satisfaction": "process",
    "switching": "structure",
    "loyalty": "structure",
    "empathy": "tools",
    "app": "tools",
    "usefulness": "tools",
    "privacy": "tools",
}
STAFF = ("professional", "digital", "workload", "training", "transfer", "tools", "orientation", "leaving")
TIER = "tier"


def of_customers(sheets: Sheets) -> tuple[pd.DataFrame, list[str]]:
    """Measures in customers' answers, columns `COLUMNS`, and what could not be said."""
    import pandas as pd

    found = [*_gaps(sheets), *_promoters(sheets), *_constructs(sheets, CUSTOMERS, OF_CUSTOMERS)]
    notes = []
    if not any(row.measure == "service_gap" for row in found):
        notes.append("customers' answers: no construct with items of what is met and of what is expected, so no gap")
    if not any(row.measure == "nps_asked" for row in found):
        notes.append("customers' answers: no item behind the net promoter score")
    return pd.DataFrame(found, columns=list(COLUMNS)), notes


def of_employees(sheets: Sheets, truth: pd.DataFrame | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Measures in the staff's answers by segment, and what could not be said.

    `truth` is what a simulation keeps beside its sheets (sheet, `true[<construct>]` in SD); real answers have none.
    """
    import pandas as pd

    where = dict.fromkeys(STAFF, "staff")
    found = [*_constructs(sheets, where, OF_STAFF), *_against_truth(sheets, truth)]
    notes = []
    if not found:
        asked = ", ".join(sheets.instrument.constructs) or "none"
        notes.append(f"the staff's answers: none of the constructs {', '.join(STAFF)} (theirs: {asked})")
    elif _segments(sheets) is None:
        notes.append("the staff's answers: they do not say the segment (a column tier), so skills are of all together")
    return pd.DataFrame(found, columns=list(COLUMNS)), notes


def _score(sheets: Sheets, codes: Sequence[str]) -> np.ndarray:
    """Mean of the answered items in scale points, (sheets,); NaN where fewer than half are answered."""
    values = sheets.answers(list(codes)).to_numpy(np.float64)
    if values.shape[1] == 0:
        return np.full(len(sheets.table), np.nan)
    there = np.isfinite(values)
    enough = there.mean(axis=1) >= 0.5
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(enough, np.where(there, values, 0.0).sum(axis=1) / there.sum(axis=1), np.nan)


def _mean(values: np.ndarray, weights: np.ndarray) -> tuple[float, float, float, int]:
    """Weighted mean, the ends of its 95 % interval, number of sheets."""
    seen = np.isfinite(values)
    mean, sd = moments(values[seen], weights[seen])
    half = SURE * sd / np.sqrt(effective(weights[seen])) if seen.any() else np.nan
    return mean, mean - half, mean + half, int(seen.sum())


def _label(instrument: Instrument, name: str) -> str:
    text = instrument.constructs[name].label
    return text if isinstance(text, str) else text.get("en") or next(iter(text.values()), name)


def _points(instrument: Instrument, codes: Sequence[str]) -> str:
    ends = {(scale.first, scale.last) for scale in map(instrument.scale_of, codes)}
    return "points of {} to {}".format(*ends.pop()) if len(ends) == 1 else "points"


def _codes(sheets: Sheets, name: str, role: Any) -> list[str]:
    return [item.code for item in sheets.instrument.items_of(name, role) if item.code in sheets.table]


def _gaps(sheets: Sheets) -> Iterator[Measure]:
    """Met less expected by construct and over all of them, within a sheet."""
    each, units = [], set()
    for name in sheets.instrument.constructs:
        met, expected = _codes(sheets, name, "perception"), _codes(sheets, name, "expectation")
        unit = _points(sheets.instrument, [*met, *expected])
        if not met or not expected or unit == "points":
            continue
        gap = _score(sheets, met) - _score(sheets, expected)
        each.append(gap)
        units.add(unit)
        mean, low, high, count = _mean(gap, sheets.weights)
        yield Measure(
            "process",
            "service_gap",
            _label(sheets.instrument, name),
            mean,
            unit,
            low,
            high,
            count,
            OF_CUSTOMERS,
            about="service as met less service as expected, within a sheet",
        )
    if each and len(units) == 1:
        table = np.stack(each)
        there = np.isfinite(table)
        with np.errstate(invalid="ignore", divide="ignore"):
            overall = np.where(there, table, 0.0).sum(axis=0) / there.sum(axis=0)
        mean, low, high, count = _mean(overall, sheets.weights)
        yield Measure(
            "process",
            "service_gap",
            BANK,
            mean,
            units.pop(),
            low,
            high,
            count,
            OF_CUSTOMERS,
            about="service as met less service as expected, mean over the constructs that have both",
        )


def _promoters(sheets: Sheets) -> Iterator[Measure]:
    item = sheets.instrument.nps_item
    if item is None or item.code not in sheets.table:
        return
    values = sheets.table[item.code].to_numpy(np.float64)
    seen = np.isfinite(values)
    score, error = nps(values[seen], sheets.weights[seen])
    if np.isfinite(score):
        yield Measure(
            "process",
            "nps_asked",
            BANK,
            score,
            "points",
            score - SURE * error,
            score + SURE * error,
            int(seen.sum()),
            OF_CUSTOMERS,
            about="net promoter score of the sheets",
        )


def _segments(sheets: Sheets) -> tuple[str, list[str]] | None:
    """The column that says the segment, and the segments in their order; None where sheets do not say it."""
    named = [one.code for one in sheets.instrument.demographics if TIER in (one.of, one.code)]
    column = next((code for code in [*named, TIER] if code in sheets.table), None)
    if column is None:
        return None
    there = sheets.table[column].dropna().astype(str)
    choices = next((one.choices for one in sheets.instrument.demographics if one.code == column), None) or {}
    order = [str(choice) for choice in choices if (there == str(choice)).any()]
    return column, [*order, *(value for value in dict.fromkeys(there) if value not in order)]


def _constructs(sheets: Sheets, where: Mapping[str, str], basis: str) -> Iterator[Measure]:
    """Means of constructs in scale points, of all and by segment."""
    segments = _segments(sheets)
    for name, problem in where.items():
        if name not in sheets.instrument.constructs:
            continue
        codes = _codes(sheets, name, "perception")
        codes = [code for code in codes if not sheets.instrument.item(code).nps]
        if not codes:
            continue
        scores, unit, label = _score(sheets, codes), _points(sheets.instrument, codes), _label(sheets.instrument, name)
        about = f"{label}, mean of {len(codes)} item{'s' if len(codes) > 1 else ''}"
        if not np.isfinite(scores).any():
            continue
        yield Measure(problem, f"asked_{name}", BANK, *_ordered(scores, sheets.weights, unit), basis, about=about)
        for group in segments[1] if segments and basis == OF_STAFF else []:
            own = (sheets.table[segments[0]].astype(str) == group).to_numpy()  # type: ignore[index]
            if np.isfinite(scores[own]).any():
                row = _ordered(scores[own], sheets.weights[own], unit)
                yield Measure(problem, f"asked_{name}", group, *row, basis, about=about)


def _ordered(values: np.ndarray, weights: np.ndarray, unit: str) -> tuple[float, str, float, float, int]:
    mean, low, high, count = _mean(values, weights)
    return mean, unit, low, high, count


def _against_truth(sheets: Sheets, truth: pd.DataFrame | None) -> Iterator[Measure]:
    """What is true of those who answered, where a simulation knows it, and how far self-ratings follow it."""
    if truth is None or "sheet" not in truth or "sheet" not in sheets.table:
        return
    own = truth.drop_duplicates("sheet").set_index("sheet").reindex(sheets.table["sheet"])
    segments = _segments(sheets)
    for name in ("professional", "digital"):
        column = f"true[{name}]"
        codes = _codes(sheets, name, "perception") if name in sheets.instrument.constructs else []
        if column not in own or not codes:
            continue
        true = own[column].to_numpy(np.float64)
        label = _label(sheets.instrument, name).lower()
        about = f"true {label} of those who answered; real answers know it not"
        groups = [(BANK, np.ones(len(true), dtype=bool))]
        for group in segments[1] if segments else []:
            groups.append((group, (sheets.table[segments[0]].astype(str) == group).to_numpy()))  # type: ignore[index]
        for group, chosen in groups:
            if np.isfinite(true[chosen]).any():
                row = _ordered(true[chosen], sheets.weights[chosen], "sd")
                yield Measure("staff", f"true_{name}", group, *row, OF_STAFF, about=about)
        scores = _score(sheets, codes)
        both = np.isfinite(true) & np.isfinite(scores)
        if both.sum() > 3 and true[both].std() > 0 and scores[both].std() > 0:
            r = float(np.corrcoef(true[both], scores[both])[0, 1])
            spread = SURE / np.sqrt(both.sum() - 3)  # Fisher's z
            low, high = np.tanh(np.arctanh(np.clip(r, -0.999999, 0.999999)) + spread * np.array([-1.0, 1.0]))
            yield Measure(
                "staff",
                f"self_knowledge_{name}",
                BANK,
                r,
                "correlation",
                float(low),
                float(high),
                int(both.sum()),
                OF_STAFF,
                about=f"correlation of self-rated with true {label}",
            )
