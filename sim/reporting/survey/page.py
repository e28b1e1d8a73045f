"""survey.html: who was asked, what is clear, what it cannot say; then every table that a reader asks for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.phrases import listed
from sim.reporting.figures import Plate, units
from sim.reporting.figures.survey_answers import Question, answers, promoters
from sim.reporting.figures.survey_levels import Level, Pair, by_group, gap_bars, levels
from sim.reporting.figures.survey_map import Place, importance_map
from sim.reporting.page import Picture, by_section, page_of
from sim.reporting.survey import sentences as say
from sim.reporting.survey import structure, truth
from sim.survey.analysis.asking import Analysis
from sim.survey.analysis.groups import NPS as NPS_ROW
from sim.survey.analysis.importance import DERIVED, QUADRANTS
from sim.survey.instrument.model import said

if TYPE_CHECKING:
    import pandas as pd

ROWS = 18  # questions in a figure
ENDS = ("mean", "ci_low", "ci_high")
TURNED = "(turned) "
INTERVALS = "Intervals are 95 %, each by itself."
CUT = " An arrow: the interval is cut at the end of the scale."
SCALE = (0.0, 100.0)


def plates(analysis: Analysis) -> Iterator[Plate]:
    """The figures that these answers have something for."""
    yield from _answers(analysis)
    table = analysis.tables["constructs"]
    if (table["n"] > 0).any():
        yield Plate("construct_means", partial(_means, analysis), "Where constructs stand", MEANS, "levels")
    if len(analysis.tables["gaps"]):
        yield Plate("gaps", partial(_gaps, analysis), "Expected and met", GAPS, "levels")
    if say.nps_row(analysis) is not None:
        yield Plate("nps", partial(_nps, analysis), "Who recommends", NPS, "answer")
    if len(analysis.tables["importance"]):
        told = MAP + say.left_out_of_map(analysis)
        yield Plate("importance", partial(_map, analysis), "What matters and how it is done", told, "levels")
    yield from structure.plates(analysis)
    tests = analysis.tables["differences"]
    for by in dict.fromkeys(tests[tests["sure"]]["by"]):
        title = f"Groups by {say.spoken(str(by))}"
        yield Plate(f"groups_{by}", partial(_groups, analysis, str(by)), title, GROUPS, "groups")


MEANS = (
    "A score is the mean of a construct's questions, turned so that more is more of it, on the scale 0 to 100. Filled: "
    "clearly above or below what the same people say of everything else, so that a habit of agreeing cancels; outcomes "
    "(loyalty, leaving) and expectations are shown and not compared. " + INTERVALS + CUT
)
NPS = (
    "Promoters less detractors, in points, with its 95 % interval. Unweighted: of those who answered; weighted: of the "
    "population, as far as weights reach."
)
MAP = (
    "Lines are at the means, so that there is always something on each side: the map says where to look first, not "
    "that anything is bad. Importance that is derived says what goes together with the outcome, not what would move it."
)
GROUPS = (
    "Weighted means with 95 % intervals. Filled: figures in which the groups differ clearly, corrected for all that "
    "were tested; groups that use the scale differently differ here, too." + CUT
)
GAPS = (
    "Only sheets that say both. A gap that is clear has a thick bar and a filled mark, one that may be chance a thin "
    "bar and a hollow one. The order of gaps says more than that there are some."
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
        if item.about is not None and item.about != item.measures and item.measures is None:
            group += {"expectation": ", expected", "importance": ", importance"}.get(item.role, "")
        asked.append(Question(TURNED * item.reversed + name, group, shares[::-1] if item.reversed else shares))
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
            partial(
                answers, _answers_title(chunk), _answers_subtitle(chunk), chunk, ("lowest answer", "highest answer")
            ),
            f"What was answered{more}",
            "The further a bar lies to the right, the more of the construct. Nothing is tested here: a difference "
            "between two questions may be one of their wording.",
            "answers",
        )


def _answers_subtitle(chunk: Sequence[Question]) -> str:
    turned = " Reversed questions are turned." if any(one.name.startswith(TURNED) for one in chunk) else ""
    return f"Shares of answers from the lowest to the highest, around the middle one.{turned}"


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
    return levels(say.levels_title(analysis), subtitle, rows, "Score", "0 to 100", within=SCALE)


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


def _nps(analysis: Analysis) -> Any:
    table = analysis.tables["nps"]
    if not analysis.facts["weighted"]:
        table = table[table["weighting"] == "unweighted"]
    rows = [
        (
            str(row["weighting"]),
            np.array([float(row[one]) for one in ("detractors", "passives", "promoters")]),
            say.nps_text(dict(row)),
        )
        for _, row in table.iterrows()
    ]
    subtitle = f"Shares of answers; on the right promoters less detractors, with its 95{units.GAP}% interval."
    return promoters(say.nps_title(analysis), subtitle, rows)


def _map(analysis: Analysis) -> Any:
    table = analysis.tables["importance"]
    places = [
        Place(str(row["label"]), float(row["performance"]), float(row["importance"]), str(row["quadrant"]))
        for _, row in table.iterrows()
    ]
    basis = str(table["basis"].iloc[0])
    derived = basis.startswith(DERIVED)
    corners = [QUADRANTS[True, False], QUADRANTS[True, True], QUADRANTS[False, False], QUADRANTS[False, True]]
    importance = "share of what is explained, %" if derived else "mean answer, 0 to 100"
    of = say.outcome_label(analysis, basis.removeprefix(DERIVED)) if derived else ""
    told = (
        f"Importance is derived: each one's share in explaining {say.quoted(of)}."
        if derived
        else "Importance as stated."
    )
    return importance_map(say.map_title(table), f"{told} Lines: means over constructs.", places, importance, corners)


def _groups(analysis: Analysis, by: str) -> Any:
    means, tests = (analysis.tables[name] for name in ("groups", "differences"))
    means, tests = means[(means["by"] == by) & (means["construct"] != NPS_ROW)], tests[tests["by"] == by]
    sure = set(tests[tests["sure"]]["construct"])
    ranges = {
        str(row["construct"]): (float(row["scale_from"]), float(row["scale_to"]))
        for _, row in analysis.tables["constructs"].iterrows()
    }
    names = list(ranges)
    shown = []
    for group in dict.fromkeys(means["group"]):
        own = means[means["group"] == group].set_index("construct")
        levels_of = []
        for name in names:
            first, last = ranges[name]
            mean, low, high = ((float(own.at[name, one]) - first) / (last - first) * 100 for one in ENDS)  # type: ignore[arg-type]
            levels_of.append(Level(name, mean, low, high, name in sure))
        shown.append((say.group_label(analysis, by, str(group)), levels_of))
    labels = [say.label_of(analysis, name) for name in names]
    subtitle = f"Mean scores by {say.spoken(by)} with 95{units.GAP}% intervals. Filled: figures that differ clearly."
    return by_group(say.groups_title(analysis, by), subtitle, labels, shown, "Score", "0 to 100", within=SCALE)


def render(analysis: Analysis, pictures: Sequence[Picture], bias: pd.DataFrame | None = None) -> str:
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
        compared=listed([say.spoken(one) for one in f["by"]]),
        nps=row is not None,
        fit=say.fit_words(analysis, "confirmatory"),
        led=say.fit_words(analysis, "structural"),
        adequate=say.fit_words(analysis, "exploratory", "adequacy"),
        validity=_validity(analysis),
        alike=_alike(analysis),
        remarks=analysis.remarks,
        truth=truth.rows(analysis, bias),
        causes=list(truth.CAUSES.values()),
        alphas=truth.reliabilities(analysis, bias),
        tests=len(analysis.tables["differences"]),
        sure=int(analysis.tables["differences"]["sure"].sum()),
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


def _alike(analysis: Analysis) -> list[dict[str, Any]]:
    """By column, how far its groups understand the questions alike."""
    out = []
    table = analysis.tables["invariance"]
    for by in analysis.facts["alike"]:
        own = table[table["by"] == by]
        held = [str(row["level"]) for _, row in own.iterrows() if row["holds"]]
        falls = ", ".join(
            f"{row['level']} {units.number(float(row['d_cfi']), 3)}"
            for _, row in own.iterrows()
            if np.isfinite(row["d_cfi"])
        )
        out.append(
            {"by": say.spoken(str(by)), "level": held[-1] if held else "none" if len(own) else "", "falls": falls}
        )
    return out


def _validity(analysis: Analysis) -> list[dict[str, Any]]:
    """What the factor model says of each construct, with the pairs that it cannot tell apart."""
    pairs = analysis.tables["factor_correlations"]
    rows = []
    for _, row in analysis.tables["validity"].iterrows():
        name = str(row["construct"])
        own = pairs[((pairs["x"] == name) | (pairs["y"] == name)) & ~pairs["distinct"].astype(bool)]
        others = [say.label_of(analysis, str(one["y"] if one["x"] == name else one["x"])) for _, one in own.iterrows()]
        rows.append({**dict(row), "label": say.label_of(analysis, name), "mixed": listed(others)})
    return rows


def _proof(table: pd.DataFrame, construct: str) -> dict[str, Any]:
    own = table.loc[construct]
    return {
        "alpha": own["alpha"],
        "low": own["alpha_low"],
        "high": own["alpha_high"],
        "omega": own["omega"],
        "why": own["word"],
    }
