"""survey.html: who was asked, what is clear, what it cannot say; then every table that a reader asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.phrases import listed
from sim.reporting.figures import Plate, units
from sim.reporting.figures.survey_answers import Question, answers
from sim.reporting.figures.survey_levels import Level, Pair, gap_bars, levels
from sim.reporting.page import Picture, by_section, page_of
from sim.reporting.survey import sentences as say
from sim.survey.analysis import Analysis
from sim.survey.instrument.model import said

if TYPE_CHECKING:
    import pandas as pd

ROWS = 18  # questions in a figure
INTERVALS = "Intervals are 95 %, each by itself."


def plates(analysis: Analysis) -> Iterator[Plate]:
    """The figures that these answers have something for."""
    yield from _answers(analysis)
    table = analysis.tables["constructs"]
    if (table["n"] > 0).any():
        yield Plate("construct_means", partial(_means, analysis), "Where constructs stand", MEANS, "levels")
    if len(analysis.tables["gaps"]):
        yield Plate("gaps", partial(_gaps, analysis), "Expected and met", GAPS, "levels")


MEANS = (
    "A score is the mean of a construct's questions, turned so that more is more of it, on the scale 0 to 100. Filled: "
    "clearly above or below what the same people say of everything else, so that a habit of agreeing cancels. "
    + INTERVALS
)
GAPS = (
    "Only sheets that say both. A thick bar is a gap that is clear. Nearly everybody expects much, "
    "so the order of gaps says more than that there are some."
)


def _answers(analysis: Analysis) -> Iterator[Plate]:
    """Questions in figures of at most `ROWS`, those of a construct together."""
    instrument = analysis.instrument
    table = analysis.tables["distribution"]
    column = f"share{say.suffix(analysis)}"
    asked: list[Question] = []
    for code, own in table.groupby("item", sort=False):
        item = instrument.item(str(code))
        if not own["n"].any():
            continue
        shares = own[column].to_numpy(np.float64)
        name = said(item.text) or item.code
        group = say.label_of(analysis, item.measures or item.about or "") if item.measures or item.about else "Others"
        group += {"expectation": ", expected", "importance": ", importance"}.get(item.role, "")
        asked.append(Question(name + " (turned)" * item.reversed, group, shares[::-1] if item.reversed else shares))
    chunks: list[list[Question]] = []
    for group in dict.fromkeys(one.group for one in asked):
        together = [one for one in asked if one.group == group]
        if not chunks or len(chunks[-1]) + len(together) > ROWS:
            chunks.append([])
        chunks[-1] += together
    for place, chunk in enumerate(chunks, 1):
        more = f", {place} of {len(chunks)}" if len(chunks) > 1 else ""
        yield Plate(
            f"answers_{place}" if len(chunks) > 1 else "answers",
            partial(answers, _answers_title(chunk), ANSWERS_SUBTITLE, chunk, ("lowest answer", "highest answer")),
            f"What was answered{more}",
            "The further a bar lies to the right, the more of the construct. Nothing is tested here: a difference "
            "between two questions may be one of their wording.",
            "answers",
        )


ANSWERS_SUBTITLE = (
    "Shares of answers from the lowest to the highest, around the middle one. Reversed questions are turned."
)


def _answers_title(chunk: Sequence[Question]) -> str:
    groups = list(dict.fromkeys(one.group for one in chunk))
    return f"Answers to {len(chunk)} questions on {listed(groups) if len(groups) <= 3 else f'{len(groups)} subjects'}"


def _means(analysis: Analysis) -> Any:
    end = say.suffix(analysis)
    rows = []
    for _, row in analysis.tables["constructs"].iterrows():
        if row["n"] == 0:
            continue
        first, wide = row["scale_from"], row["scale_to"] - row["scale_from"]
        mean, low, high = ((float(row[f"{name}{end}"]) - first) / wide * 100 for name in ("mean", "ci_low", "ci_high"))
        text = f"{units.number(float(row[f'mean{end}']), 2)} of {row['scale_from']}\N{EN DASH}{row['scale_to']}"
        rows.append(Level(str(row["label"]), mean, low, high, bool(row["sure"]), text))
    rows.sort(key=lambda one: -one.value)
    weighing = "Weighted means" if end else "Means"
    subtitle = f"{weighing} with 95{units.GAP}% intervals; on the right in points of the construct's own scale."
    return levels(say.levels_title(analysis), subtitle, rows, "Score", "0 to 100")


def _gaps(analysis: Analysis) -> Any:
    table = analysis.tables["gaps"].sort_values("gap", kind="stable")
    rows = [
        Pair(
            str(row["label"]),
            float(row["expected"]),
            float(row["met"]),
            bool(row["sure"]),
            units.number(float(row["gap"]), 2, sign=True),
        )
        for _, row in table.iterrows()
        if row["n"] > 0
    ]
    subtitle = "What is met against what is expected, by dimension; on the right the gap, met less expected."
    return gap_bars(say.gaps_title(table), subtitle, rows, "Mean answer", "points of the scale")


def render(analysis: Analysis, pictures: Sequence[Picture]) -> str:
    """The page as text; everything that comes from a file is escaped."""
    f = analysis.facts
    row = say.nps_row(analysis)
    cards = [
        ("Sheets used", f"{f['used']:,}", f"of {f['returned']:,}"),
        ("Constructs", f"{len(analysis.tables['constructs'])}", f"{f['items']} questions"),
    ]
    if row is not None:
        cards.insert(0, ("Net promoter score", units.number(row["nps"], 0, sign=True), _between(row)))
    sections = dict(
        name=say.title_of(analysis),
        about=said(analysis.instrument.about),
        names=[],
        setting=say.setting(analysis),
        cards=cards,
        findings=say.findings(analysis),
        cannot=say.cannot_say(analysis),
        notes=analysis.notes,
        quality=[dict(one) for _, one in analysis.tables["quality"].iterrows()],
        constructs=_construct_rows(analysis),
        pictures=by_section(pictures),
        tables=list(analysis.tables),
        facts=[("Answers", f["file"] or "in memory"), ("Instrument", f["instrument"])],
    )
    return page_of("survey.html.j2", sections, number=units.number, percent=units.percent)


def _between(row: dict[str, Any]) -> str:
    if not np.isfinite(row["ci_low"]):
        return "no interval"
    return f"{units.number(row['ci_low'], 0, sign=True)} to {units.number(row['ci_high'], 0, sign=True)}"


def _construct_rows(analysis: Analysis) -> list[dict[str, Any]]:
    proof = analysis.tables["reliability"].set_index("construct")
    return [
        {**dict(row), **_proof(proof, str(row["construct"]))} for _, row in analysis.tables["constructs"].iterrows()
    ]


def _proof(table: pd.DataFrame, construct: str) -> dict[str, Any]:
    own = table.loc[construct]
    return {
        "alpha": own["alpha"],
        "low": own["alpha_low"],
        "high": own["alpha_high"],
        "omega": own["omega"],
        "why": own["word"],
    }
