"""What answers say in sentences; only what is clear (Holm over its table, or an interval without zero) is called so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.phrases import counted, listed
from sim.reporting.figures import units
from sim.survey.analysis.asking import Analysis
from sim.survey.analysis.groups import NPS
from sim.survey.analysis.importance import DERIVED
from sim.survey.analysis.modelling import ASKED
from sim.survey.analysis.study import FOLLOW
from sim.survey.columns import ARM, WAVE
from sim.survey.instrument.model import said

if TYPE_CHECKING:
    import pandas as pd

MOST = 3  # findings
FIT = (  # indices of fit and adequacy, their words and digits
    ("n", "effective number of sheets", 0),
    ("kmo", "Kaiser, Meyer and Olkin's KMO", 2),
    ("bartlett_chi2", "Bartlett's chi-square", 0),
    ("chi2", "chi-square", 0),
    ("df", "degrees of freedom", 0),
    ("cfi", "CFI", 3),
    ("tli", "TLI", 3),
    ("rmsea", "RMSEA", 2),
    ("srmr", "SRMR", 3),
)
WEAK = 0.7  # of alpha; Nunnally 1978
PAIR = 2  # questions; so few seldom reach it, which is no finding


def title_of(analysis: Analysis) -> str:
    """What the survey asked, as its instrument says."""
    return analysis.instrument.name.replace("_", " ").replace("-", " ")


def quoted(text: str) -> str:
    """Words between quotation marks."""
    return f"\N{LEFT DOUBLE QUOTATION MARK}{text}\N{RIGHT DOUBLE QUOTATION MARK}"


def label_of(analysis: Analysis, construct: str) -> str:
    """A construct's name for people; the net promoter score's."""
    if construct == NPS:
        return "net promoter score"
    own = analysis.instrument.constructs.get(construct)
    return (said(own.label) or construct) if own is not None else construct


def group_label(analysis: Analysis, by: str, group: str) -> str:
    """A group's name for people: what the instrument calls the choice, else the word in the answers."""
    choices = next((one.choices for one in analysis.instrument.demographics if one.code == by), None) or {}
    return said(choices[group]) if group in choices else spoken(group)


def outcome_label(analysis: Analysis, outcome: str) -> str:
    """An outcome's name for people; of the question behind the NPS it is what it asks."""
    return "recommending" if outcome == NPS else label_of(analysis, outcome)


def suffix(analysis: Analysis) -> str:
    """Which columns are told: weighted ones where sheets have weights that differ."""
    return "_weighted" if analysis.facts["weighted"] else ""


def setting(analysis: Analysis) -> str:
    """How many sheets of how many, of what, and whether weighted."""
    f = analysis.facts
    text = f"{counted(f['used'], 'sheet')} of {f['returned']:,} used, {counted(f['items'], 'question')}"
    text += f", {units.percent(f['answered'], 1)} of answers there"
    for name in ("arm", "wave", "mode"):
        if len(f.get(name, [])) == 1:
            text += f"; {name} {f[name][0]}"
        elif f.get(name):
            text += f"; {counted(len(f[name]), name)}"
    if f["weighted"]:
        return text + f"; weighted, worth {f['effective_n']:,.0f} equal sheets"
    return text + "; unweighted"


def findings(analysis: Analysis) -> list[str]:
    """The first few things that are clear, in the order of what a board asks."""
    found = list(dict.fromkeys(_findings(analysis)))[:MOST]
    return found or ["Nothing here is clear: every difference that was tested could be chance."]


def nps_row(analysis: Analysis) -> dict[str, Any] | None:
    """The row of the NPS that is told; None where there is none."""
    table = analysis.tables["nps"]
    wanted = "weighted" if analysis.facts["weighted"] else "unweighted"
    rows = table[(table["weighting"] == wanted) & (table["n"] > 0)]
    return dict(rows.iloc[0]) if len(rows) else None


def nps_text(row: dict[str, Any]) -> str:
    """The score with its interval, in points."""
    text = units.number(row["nps"], 0, sign=True)
    if not np.isfinite(row["ci_low"]):
        return text
    return f"{text} ({units.number(row['ci_low'], 0, sign=True)} to {units.number(row['ci_high'], 0, sign=True)})"


def _findings(analysis: Analysis) -> Iterator[str]:
    row = nps_row(analysis)
    if row is not None and row["ci_low"] > 0:
        yield f"More recommend than warn: the net promoter score is {nps_text(row)}."
    elif row is not None and row["ci_high"] < 0:
        yield f"More warn than recommend: the net promoter score is {nps_text(row)}."
    compared = (ARM, WAVE)  # on purpose, so they come before whatever else differs
    yield from _of_groups(analysis, lambda by: by in compared)
    gaps = analysis.tables["gaps"]
    short = gaps[gaps["sure"] & (gaps["gap"] < 0)].sort_values("gap", kind="stable")
    if len(short):
        first = short.iloc[0]
        names = listed([quoted(str(name)) for name in short["label"][:3]])
        much = units.number(-float(first["gap"]), 2)
        yield (
            f"Service falls clearly short of what is expected in {len(short)} of {len(gaps)} dimensions, furthest in "
            f"{names}: by {much} points in the first."
        )
    level = analysis.tables["constructs"]
    sure = level[level["sure"]].sort_values("against_rest", kind="stable")
    if len(sure) and float(sure["against_rest"].iloc[0]) < 0 < float(sure["against_rest"].iloc[-1]):
        low, high = sure.iloc[0], sure.iloc[-1]
        yield (
            f"Answers stand clearly above the rest on {quoted(high['label'])} and clearly below on "
            f"{quoted(low['label'])}, against what the same people say of everything else."
        )
    yield from _of_groups(analysis, lambda by: by not in compared)
    weak = analysis.tables["reliability"]
    weak = weak[(weak["alpha_high"] < WEAK) & (weak["items"] > PAIR)]
    if len(weak):
        names = listed([quoted(label_of(analysis, str(name))) for name in weak["construct"]])
        yield f"The questions of {names} are too unreliable together: alpha is clearly below {WEAK}."


def _of_groups(analysis: Analysis, wanted: Callable[[str], bool]) -> Iterator[str]:
    table = analysis.tables["differences"]
    sure = table[table["sure"]]
    for by in filter(wanted, dict.fromkeys(sure["by"])):
        own = sure[sure["by"] == by]
        top = own.iloc[int(np.argmax(np.abs(own["effect_size"].to_numpy(float))))]
        yield (
            f"Groups by {spoken(str(by))} differ clearly in {len(own)} of {int((table['by'] == by).sum())} figures, "
            f"most in {quoted(label_of(analysis, str(top['construct'])))} ({top['effect']} "
            f"{units.number(abs(float(top['effect_size'])), 2)})."
        )


def spoken(column: str) -> str:
    """A column's name for reading."""
    return column.replace("_", " ")


def cannot_say(analysis: Analysis) -> list[str]:
    """What no analysis of these sheets can tell, and why."""
    f = analysis.facts
    out = []
    if f["weighted"]:
        out.append(
            "Weights mend who was asked too often or too seldom, as far as they are known; they do not bring back the "
            "opinion of those who never answer."
        )
    else:
        out.append(
            "There are no design weights: every figure is of those who answered. Who could not be reached (coverage) "
            "and who did not answer (non-response) may think otherwise, and no sheet tells."
        )
    out.append(
        "What people say they will do is not what they do, and how they use a scale (agreeing, extremes, the middle) "
        "moves levels; differences between groups too, if groups use it differently."
    )
    if len(f.get("wave", [])) < 2:
        out.append("One point in time: what goes together here need not be what causes what.")
    return out


def levels_title(analysis: Analysis) -> str:
    """The title of the figure of means: what is clearly above and below the rest."""
    table = analysis.tables["constructs"]
    sure = table[table["sure"]].sort_values("against_rest", kind="stable")
    high = [str(one) for one in sure[sure["against_rest"] > 0]["label"][::-1]]
    low = [str(one) for one in sure[sure["against_rest"] < 0]["label"]]
    if not high or not low:
        return "No construct stands clearly apart from the rest"
    return f"{quoted(high[0])} stands clearly above the rest, {quoted(low[0])} clearly below"


def nps_title(analysis: Analysis) -> str:
    """The title of the figure of the NPS."""
    row = nps_row(analysis)
    assert row is not None, "the figure is not drawn without"
    if row["ci_low"] > 0:
        return f"More recommend than warn: the net promoter score is {nps_text(row)}"
    if row["ci_high"] < 0:
        return f"More warn than recommend: the net promoter score is {nps_text(row)}"
    return f"The net promoter score is {nps_text(row)}; whether more recommend or warn is not clear"


def map_title(table: pd.DataFrame) -> str:
    """The title of the map: what matters and is done less well than the rest; nothing of it is tested."""
    first = table[table["quadrant"] == "concentrate here"].sort_values("importance", ascending=False, kind="stable")
    if not len(first):
        return "What matters more than the rest is done better than the rest (means, not tested)"
    return f"Where to look first: {listed([quoted(str(name)) for name in first['label'][:3]])} (means, not tested)"


def left_out_of_map(analysis: Analysis) -> str:
    """Which constructs the map has not, and why; empty where it has all that say how somebody was served."""
    table, drivers = analysis.tables["importance"], analysis.tables["drivers"]
    basis = str(table["basis"].iloc[0])
    outcome = basis.removeprefix(DERIVED)
    known = drivers[drivers["outcome"] == outcome].set_index("driver")["r"]
    why: dict[str, list[str]] = {}
    for _, row in analysis.tables["constructs"].iterrows():
        name = str(row["construct"])
        own = analysis.instrument.constructs[name]
        if name in set(table["construct"]) or name == outcome or any(one in own.of for one in FOLLOW):
            continue
        if any(item.role != "perception" for item in analysis.instrument.items if item.measures == name):
            continue
        if basis != outcome and name in known.index:
            reason = f"the more of it, the less {outcome_label(analysis, outcome)}"
        elif row["n"] < ASKED * analysis.facts["used"]:
            reason = "too few were asked or answered"
        else:
            reason = "its importance is not stated" if basis == outcome else "no share of it could be told"
        why.setdefault(reason, []).append(quoted(str(row["label"])))
    return "".join(f" Not on the map: {listed(names)} ({reason})." for reason, names in why.items())


def fit_words(analysis: Analysis, model: str, table: str = "fit") -> str:
    """How well a model fits, in the words of the field; empty where there is no such model."""
    own = analysis.tables[table]
    value = {str(row["index"]): float(row["value"]) for _, row in own[own["model"] == model].iterrows()}

    def told(name: str, label: str, digits: int) -> str:
        return f"{label} {units.number(value[name], digits)}" if name in value else ""

    said_of = [told(name, label, digits) for name, label, digits in FIT]
    if {"rmsea", "rmsea_low", "rmsea_high"} <= set(value):
        ends = (units.number(value[end], 2) for end in ("rmsea_low", "rmsea_high"))
        rmsea = f"{told('rmsea', 'RMSEA', 2)} ({' to '.join(ends)})"
        said_of = [rmsea if one.startswith("RMSEA") else one for one in said_of]
    return ", ".join(filter(None, said_of))


def groups_title(analysis: Analysis, by: str) -> str:
    """The title of the figure of groups: in how much of what was tested they differ clearly."""
    table = analysis.tables["differences"]
    own = table[table["by"] == by]
    return f"Groups by {spoken(by)} differ clearly in {int(own['sure'].sum())} of {len(own)} figures"


def gaps_title(table: pd.DataFrame) -> str:
    """The title of the figure of gaps."""
    short, above = table[table["sure"] & (table["gap"] < 0)], table[table["sure"] & (table["gap"] > 0)]
    if not len(short) and not len(above):
        return "What is met differs clearly nowhere from what is expected"
    if not len(short):
        return f"Nothing falls clearly short; {counted(len(above), 'dimension')} clearly above what is expected"
    worst = short.sort_values("gap", kind="stable").iloc[0]
    return (
        f"{len(short)} of {counted(len(table), 'dimension')} fall clearly short of what is expected, "
        f"{quoted(str(worst['label']))} furthest"
    )
