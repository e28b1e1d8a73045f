"""The four problems in answers: gaps of service, the net promoter score, contacts, skills as the staff sees them.

Sheets are those that the analysis believes (`analysis.quality`), and scores, means and intervals are its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.survey.analysis.gaps import gaps
from sim.survey.analysis.nps import points
from sim.survey.analysis.quality import KEPT, Rule, check_weights, quality
from sim.survey.analysis.study import Study
from sim.survey.analysis.weighing import mean_of
from sim.survey.diagnosis.problems import BANK, COLUMNS, OF_CUSTOMERS, OF_STAFF, Measure
from sim.survey.initial.links import usual
from sim.survey.instrument import Instrument
from sim.survey.sheets import SHEET, Sheets

if TYPE_CHECKING:
    import pandas as pd

# Where a construct is told, by its name: that of the shipped questionnaires, or of one that follows them.
CUSTOMERS: Mapping[str, str] = {
    "reliability": "process",
    "responsiveness": "process",
    "satisfaction": "process",
    "trust": "process",
    "expectation": "process",
    "switching": "structure",
    "loyalty": "structure",
    "empathy": "tools",
    "app": "tools",
    "usefulness": "tools",
    "privacy": "tools",
}
STAFF = ("professional", "digital", "workload", "training", "transfer", "tools", "orientation", "leaving")
LINKED: Mapping[str, str] = {"digital": "digital_skill", "leaving": "turnover"}  # as links call it, where not alike
ALSO: Mapping[str, str] = {"loy": "loyalty"}  # ECSI's name, which no link knows
RATED = ("professional", "digital")  # skills that are rated by oneself
TIER = "tier"
SURE = 1.959963984540054


def of_customers(sheets: Sheets) -> tuple[pd.DataFrame, list[str]]:
    """Measures in customers' answers, columns `COLUMNS`, and what could not be said."""
    import pandas as pd

    study, notes = _believed(sheets, "customers' answers")
    if study is None:
        return pd.DataFrame(columns=list(COLUMNS)), notes
    found = [*_gaps(study), *_promoters(study), *_constructs(study, CUSTOMERS, OF_CUSTOMERS)]
    if not any(row.measure == "service_gap" for row in found):
        notes.append("customers' answers: no construct with items of what is met and of what is expected, so no gap")
    if not any(row.measure == "nps_asked" for row in found):
        notes.append("customers' answers: no item behind the net promoter score")
    notes += _not_told(study, CUSTOMERS, "customers' answers", {str(name) for name in gaps(study)["construct"]})
    return pd.DataFrame(found, columns=list(COLUMNS)), notes


def of_employees(sheets: Sheets, truth: pd.DataFrame | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Measures in the staff's answers by segment, and what could not be said.

    `truth` is what a simulation keeps beside its sheets (sheet, `true[<construct>]` in SD); real answers have none.
    """
    import pandas as pd

    study, notes = _believed(sheets, "the staff's answers")
    if study is None:
        return pd.DataFrame(columns=list(COLUMNS)), notes
    found = [*_constructs(study, dict.fromkeys(STAFF, "staff"), OF_STAFF), *_against_truth(study, truth)]
    if not found:
        asked = ", ".join(sheets.instrument.constructs) or "none"
        notes.append(f"the staff's answers: none of the constructs {', '.join(STAFF)} (theirs: {asked})")
    else:
        notes += _not_told(study, STAFF, "the staff's answers", set())
        if _segments(study) is None:
            notes.append(
                "the staff's answers: they do not say the segment (a column tier), so skills are of all together"
            )
    return pd.DataFrame(found, columns=list(COLUMNS)), notes


def _believed(sheets: Sheets, whose: str) -> tuple[Study | None, list[str]]:
    """The sheets that can be believed (None without one), and how many were left out."""
    check_weights(sheets)
    kept = (quality(sheets, Rule())["verdict"] == KEPT).to_numpy()
    out = int((~kept).sum())
    notes = [f"{whose}: {out} of {len(kept):,} sheets left out as empty or careless"] if out else []
    return Study.of(replace(sheets, table=sheets.table[kept])) if kept.any() else None, notes


def _measured(values: np.ndarray, weights: np.ndarray, unit: str) -> tuple[float, str, float, float, int]:
    """Value, unit, interval and sheets of a weighted mean, in the order of `Measure`."""
    one = mean_of(values, weights)
    return one.mean, unit, one.low, one.high, one.n


def _unit(study: Study, construct: str) -> str:
    return "points of {} to {}".format(*study.range_of(construct))


def _gaps(study: Study) -> Iterator[Measure]:
    """Met less expected by construct and over all of them, within a sheet."""
    table = gaps(study)
    met_less_expected = "service as met less service as expected, within a sheet"
    for one in table.to_dict("records"):
        unit = f"points of {one['scale_from']} to {one['scale_to']}"
        found = float(one["gap"]), unit, float(one["ci_low"]), float(one["ci_high"]), int(one["n"])
        yield Measure("process", "service_gap", str(one["label"]), *found, OF_CUSTOMERS, about=met_less_expected)
    names = [str(name) for name in table["construct"]]
    if names and len(set(zip(table["scale_from"], table["scale_to"], strict=True))) == 1:
        each = (study.scores[names] - study.expected[names]).to_numpy(np.float64)
        known = np.isfinite(each)
        with np.errstate(invalid="ignore", divide="ignore"):
            overall = np.where(known, each, 0.0).sum(axis=1) / known.sum(axis=1)
        overall[~known.any(axis=1)] = np.nan
        about = f"{met_less_expected}, mean over the constructs that have both"
        row = _measured(overall, study.weights, _unit(study, names[0]))
        yield Measure("process", "service_gap", BANK, *row, OF_CUSTOMERS, about=about)


def _promoters(study: Study) -> Iterator[Measure]:
    item = study.instrument.nps_item
    if item is not None and item.code in study.table:
        row = _measured(points(study.table[item.code].to_numpy(np.float64)), study.weights, "points")
        yield Measure("process", "nps_asked", BANK, *row, OF_CUSTOMERS, about="net promoter score of the sheets")


def _segments(study: Study) -> tuple[str, list[str]] | None:
    """The column that says the segment, and the segments in their order; None where sheets do not say it."""
    named = [one.code for one in study.instrument.demographics if TIER in (one.of, one.code)]
    column = next((code for code in [*named, TIER] if code in study.table), None)
    if column is None:
        return None
    there = study.table[column].dropna().astype(str)
    choices = next((one.choices for one in study.instrument.demographics if one.code == column), None) or {}
    order = [str(choice) for choice in choices if (there == str(choice)).any()]
    return column, [*order, *(value for value in dict.fromkeys(there) if value not in order)]


def _groups(study: Study) -> Iterator[tuple[str, np.ndarray]]:
    """All sheets, then those of each segment, bool (sheets,)."""
    yield BANK, np.ones(len(study.table), dtype=bool)
    found = _segments(study)
    for group in found[1] if found else []:
        yield group, (study.table[found[0]].astype(str) == group).to_numpy()  # type: ignore[index]


def _named(instrument: Instrument, wanted: Iterable[str]) -> dict[str, str]:
    """An instrument's constructs by what they are called here: of that name, else what the links take it for."""
    links = usual(instrument)
    linked = {link.to: name for name, link in links.links.items()} if links is not None else {}
    alike = {ALSO.get(name.casefold(), name.casefold()): name for name in instrument.constructs}
    found = {name: alike[name] for name in wanted if name in alike}
    for name in wanted:
        theirs = linked.get(LINKED.get(name, name))
        if name not in found and theirs in instrument.constructs and theirs not in found.values():
            found[name] = str(theirs)
    return found


def _not_told(study: Study, wanted: Iterable[str], whose: str, told: set[str]) -> list[str]:
    """A note of the constructs that none of the problems knows."""
    known = told | set(_named(study.instrument, wanted).values())
    left = [str(name) for name in study.scores if name not in known]
    return (
        [f"{whose}: constructs that none of the four problems knows by name, so not told: {', '.join(left)}"]
        if left
        else []
    )


def _constructs(study: Study, where: Mapping[str, str], basis: str) -> Iterator[Measure]:
    """Means of constructs in scale points: of all, and of the staff by segment."""
    named = _named(study.instrument, where)
    for name, problem in where.items():
        theirs = named.get(name)
        if theirs is None or theirs not in study.scores:
            continue
        scores = study.scores[theirs].to_numpy(np.float64)
        about = f"{study.label(theirs)}, as asked: mean of its {len(study.items(theirs))} items"
        for group, own in _groups(study):
            if (group == BANK or basis == OF_STAFF) and np.isfinite(scores[own]).any():
                row = _measured(scores[own], study.weights[own], _unit(study, theirs))
                yield Measure(problem, f"asked_{name}", group, *row, basis, about=about)


def _against_truth(study: Study, truth: pd.DataFrame | None) -> Iterator[Measure]:
    """What is true of those who answered, where a simulation knows it, and how far self-ratings follow it."""
    if truth is None or SHEET not in truth or SHEET not in study.table:
        return
    own: Any = truth.drop_duplicates(SHEET).set_index(SHEET).reindex(study.table[SHEET])
    for name in RATED:
        if f"true[{name}]" not in own or name not in study.scores:
            continue
        true, scores = own[f"true[{name}]"].to_numpy(np.float64), study.scores[name].to_numpy(np.float64)
        label = study.label(name).lower()
        about = f"true {label} of those who answered; a real survey does not know it"
        for group, chosen in _groups(study):
            if np.isfinite(true[chosen]).any():
                row = _measured(true[chosen], study.weights[chosen], "sd")
                yield Measure("staff", f"true_{name}", group, *row, OF_STAFF, about=about)
        both = np.isfinite(true) & np.isfinite(scores)
        if both.sum() > 3 and true[both].std() > 0 and scores[both].std() > 0:
            r = float(np.corrcoef(true[both], scores[both])[0, 1])
            wide = SURE / np.sqrt(both.sum() - 3.0)  # Fisher's z
            low, high = (float(np.tanh(np.arctanh(np.clip(r, -1 + 1e-9, 1 - 1e-9)) + way * wide)) for way in (-1, 1))
            about = f"correlation of self-rated with true {label}"
            yield Measure(
                "staff",
                f"self_knowledge_{name}",
                BANK,
                r,
                "correlation",
                low,
                high,
                int(both.sum()),
                OF_STAFF,
                about=about,
            )
