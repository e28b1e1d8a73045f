"""What a sign-off page says in sentences: the lines at its top, facts, calibrations, what drives the result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from sim.phrases import counted, listed, quoted
from sim.reporting.run.key_figures import KeyFigures
from sim.reporting.run.verdicts import verdicts
from sim.reporting.sign_off.handed import Calibration, Facts, Handed
from sim.reporting.validation.words import counts

WHOLE = "Every file is as the run wrote it, and key figures follow from the stored tables."
NOT_LIVED = "The numbers were not lived again for this page."
NO_CALIBRATION = "No calibration was handed in."
NO_SENSITIVITY = (
    "The run has no worlds of beliefs, and no sweep was handed in: how far its verdicts hang on assumptions is not "
    "known."
)
ONE_ARM = "The run has one arm, so nothing is compared and there is no verdict."


def summary_lines(h: Handed) -> list[tuple[str, str, str]]:
    """What the page comes to: what is asked, the answer in a sentence, and its look (good, bad or open)."""
    return [
        ("Integrity", *integrity(h)),
        ("Verdicts", *verdict_line(h)),
        ("Facts", *facts_line(h.facts)),
        ("Assumptions", *assumptions_line(h.register)),
        ("Calibration", *calibration_line(h)),
        ("Sensitivity", *sensitivity_line(h)),
    ]


def integrity(h: Handed) -> tuple[str, str]:
    """Whether the run is as it was written."""
    if h.wrong:
        return f"This folder is not what the run wrote: {'; '.join(h.wrong)}. Nothing below can be relied on.", "bad"
    if h.unknown:
        return f"Nothing wrong was found, but {'; '.join(h.unknown)}. {NOT_LIVED}", "open"
    return f"{WHOLE} {NOT_LIVED}", "good"


def verdict_line(h: Handed) -> tuple[str, str]:
    """What the run says of its arms, as to luck."""
    if len(h.run.arms) == 1:
        return ONE_ARM, "open"
    found = verdicts(KeyFigures(h.run.summary, h.run.comparison))
    return f"{listed([f'{quoted(one.arm)}: {one.words}' for one in found])}; against {quoted(h.run.arms[0])}.", "open"


def facts_line(facts: Facts) -> tuple[str, str]:
    """How many facts the model meets, and how many of those no assumption was fitted to."""
    said = [str(one["verdict"]) for one in facts.record["facts"]]
    fitted = fitted_facts(facts)
    met = {str(one["fact"]) for one in facts.record["facts"] if one["verdict"] == "holds"}
    mark = (
        f" Of those that hold, {counted(len(met & fitted), 'fact')} had an assumption fitted to it and is no evidence."
        if met & fitted
        else ""
    )
    return f"{counts(said)}.{mark}", "open"


def fitted_facts(facts: Facts) -> set[str]:
    """Facts of which every figure that has a verdict was fitted to."""
    judged = facts.table[facts.table["tolerance_low"].notna()]
    fitted = judged["fitted"].fillna("").astype(str) != ""
    return {str(fact) for fact, all_of_it in fitted.groupby(judged["fact"]).all().items() if all_of_it}


def assumptions_line(register: pd.DataFrame) -> tuple[str, str]:
    """How many numbers there are, how many are untested, how many depart from the default or from their range."""
    numbers = register[register["standing"] != ""]
    untested, differs, outside = (int(numbers[name].sum()) for name in ("untested", "differs", "outside"))
    text = (
        f"{counted(len(numbers), 'number')}: the size of {untested} is a judgement that nobody has tested; "
        f"{differs} {'departs' if differs == 1 else 'depart'} from the default"
    )
    return f"{text}, {outside} {'lies' if outside == 1 else 'lie'} outside what is plausible.", "open"


def calibration_line(h: Handed) -> tuple[str, str]:
    """What was handed in, and whether its checks passed; a posterior that was used without its calibration is named."""
    drawn = [str(one["name"]) for one in h.run.manifest.get("posteriors", [])]
    absent = [name for name in drawn if name not in {one.name for one in h.calibrations}]
    missing = (
        f" The run takes numbers from {listed(list(map(quoted, absent)))}, whose calibration was not handed in."
        if absent
        else ""
    )
    digests = {str(one["name"]): one.get("digest") for one in h.run.manifest.get("posteriors", [])}
    others = [one.name for one in h.calibrations if one.name in digests and digests[one.name] != one.posterior]
    if others:
        missing += (
            f" The posterior that the run drew from is not that of the folder of {listed(list(map(quoted, others)))}."
        )
    if not h.calibrations:
        return NO_CALIBRATION + missing, "open"
    parts = [f"{quoted(one.name)}: {checks_line(one)}" for one in h.calibrations]
    worse = bool(absent or others) or any(one.altered or failed(one) for one in h.calibrations)
    unasked = any(one.stored.sbc.empty for one in h.calibrations)
    return f"{'; '.join(parts)}.{missing}", "bad" if worse else "open" if unasked else "good"


def checks_line(one: Calibration) -> str:
    """How many checks of a calibration passed, and over how many fits of known answers."""
    altered = f"its folder is no longer what was written ({one.altered}); " if one.altered else ""
    checks, trials = one.stored.checks, int(one.stored.sbc["trial"].nunique())
    passed = int(checks["passed"].astype(bool).sum())
    known = f"{counted(trials, 'fit')} of known answers" if trials else "known answers not checked"
    broken = [f"{row['check']} ({row['of']})" for row in checks[~checks["passed"].astype(bool)].to_dict("records")]
    what = f"; not passed: {listed(broken)}, so its numbers are not to be relied on" if broken else ""
    return f"{altered}{passed} of {counted(len(checks), 'check')} passed, {known}{what}"


def failed(one: Calibration) -> bool:
    """Whether a check of a calibration failed."""
    return not one.stored.checks["passed"].astype(bool).all()


def sensitivity_line(h: Handed) -> tuple[str, str]:
    """What the verdicts hang on."""
    table = h.run.beliefs
    points = len(h.sweep.findings.study.points) if h.sweep is not None else 0
    swept = f" A sweep of {counted(points, 'point')} was handed in." if h.sweep is not None else ""
    if table is not None and len(table) > 1:
        said = [
            f"{quoted(str(row['arm']))} pays in {int(row['pays_in'])} of {int(row['worlds'])}"
            for row in table.to_dict("records")[1:]
        ]
        return f"Over the run's own worlds {listed(said)}.{swept}", "open"
    return swept.strip() or NO_SENSITIVITY, "open"


def measured_by(facts: Facts, run: Mapping[str, Any]) -> str:
    """By which version of the program facts were measured, and whether that is the run's."""
    record = facts.record
    version, when = str(record.get("code_version", "")), str(record.get("created", ""))
    size = f"{int(record['customers']):,} customers, {counted(len(record['seeds']), 'seed')}"
    where = f"the folder {facts.folder}" if facts.folder else "the measurement that the program comes with"
    if not version:
        return f"From {where}: {size}. {record.get('origin') or 'It does not say by which version it was made'}."
    same = "that of the run" if version == run.get("code_version") else f"the run was made by {run.get('code_version')}"
    return f"From {where}: {size}, made {when or 'at a time not stated'} by version {version} ({same})."


def number(value: Any, digits: int = 3) -> str:
    """A number in so many digits; "" for none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{float(value):.{digits}g}"
