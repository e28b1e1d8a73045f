"""report.html of a sweep: one page that asks for nothing from anywhere, its headings answers in plain words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sim.analysis.findings import Findings
from sim.analysis.study import Study
from sim.phrases import quoted, spoken
from sim.reporting.figures import units
from sim.reporting.names import meanings_of, scenario_of
from sim.reporting.page import Picture, by_section, page_of
from sim.reporting.sweep import sentences as words
from sim.reporting.sweep import tables as rows
from sim.reporting.sweep.sliders import sliders
from sim.reporting.sweep.summary import summary


def render(findings: Findings, pictures: Sequence[Picture]) -> str:
    """The page as text; all that comes from a scenario is escaped."""
    study = findings.study
    scenario = scenario_of(scenario_text(study))
    arms = [arm for arm in study.compared if findings.of(arm).outcome.known.any()]
    headings = titles(findings, arms)
    sections = dict(
        name=study.name,
        summary=summary(findings, str(scenario.get("about") or study.manifest.get("about") or ""), headings),
        setting=setting(study),
        names=meanings_of(study.manifest),
        progress=words.progress_words(study),
        refused=findings.refused,
        cards=cards(findings),
        arms=[arm_card(findings, arm) for arm in study.compared],
        one_arm=study.one_arm,
        reference=study.reference,
        judged=findings.judged,
        kpi=words.kpi_name(findings.kpi),
        titles=headings,
        levers=sliders(findings),
        drivers=[rows.drivers(findings, arm, kpi) for arm in arms for kpi in study.kpis],
        indices=[
            rows.index_table(study, arm, kpi, one)
            for arm in arms
            for kpi in study.kpis
            for one in findings.of(arm, kpi).indices
        ],
        together=[rows.together(findings, arm) for arm in arms],
        robust=[rows.robust(findings, found) for found in findings.regrets.values()],
        fails=[rows.failing(findings, arm) for arm in arms if arm in findings.discoveries],
        luck=[(spoken(arm), words.variance_words(findings.of(arm))) for arm in arms],
        pictures=by_section(pictures),
        failed=rows.failed(study),
        failed_count=len(study.failed),
        most_failed=rows.MOST_FAILED,
        made=rows.made(study),
        ranges=rows.ranges(study),
        sources=any(one.get("source") for one in study.sweep.parameters),
        constant=[factor.name for factor in study.constant],
        facts=rows.facts(study),
    )
    return page_of("sweep.html.j2", sections)


def scenario_text(study: Study) -> str:
    """scenario.yaml of the folder; "" where it is not there."""
    file = Path(study.sweep.path) / "scenario.yaml"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def setting(study: Study) -> str:
    """What was swept, in one line."""

    def many(number: int, word: str) -> str:
        return f"{number:,} {word}{'' if number == 1 else 's'}"

    whole = study.progress[1]
    counts = [many(len(study.points), "point"), many(len(study.arms), "arm"), many(len(study.seeds), "seed")]
    return f"{many(len(study.factors), 'parameter')} varied over {', '.join(counts)}: {many(whole, 'run')}."


def cards(findings: Findings) -> list[tuple[str, str, str]]:
    """Large numbers: of the arm that pays at most points, or of the only one."""
    study = findings.study
    arms = [arm for arm in study.compared if findings.of(arm).outcome.known.any()]
    if not arms:
        return []
    found = []
    top = max(arms, key=lambda arm: np.nan_to_num(findings.pays(arm), nan=-1.0))
    finding = findings.of(top)
    known = finding.outcome.mean[finding.outcome.known]
    display = words.look(finding.outcome)
    sign = finding.outcome.difference
    if top in findings.discoveries:
        most = sum(findings.pays(arm) == findings.pays(top) for arm in arms) == 1 and len(arms) > 1
        how = "Pays most often" if most else "Pays at"
        found.append((how, words.share(findings.pays(top)), f"of the points, {spoken(top)}"))
    text = display.write(float(known.mean()), sign=sign)[0]
    low, high = (display.write(float(value), sign=sign)[0] for value in np.quantile(known, [0.05, 0.95]))
    remark = f"{display.unit}, {spoken(top)}; middle 90{units.GAP}% of points {low} to {high}".removeprefix(", ")
    found.append((f"{words.kpi_name(findings.kpi)}, mean", text, remark))
    clear = [one for one in finding.drivers if finding.tells(one)]
    if clear and math.isfinite(finding.weight(clear[0])):
        explained = words.part(finding.weight(clear[0]), finding.half(clear[0]))
        found.append(("Top driver explains", explained, f"of the variance by itself: {clear[0].factor.name}"))
    if math.isfinite(finding.luck.own):
        found.append(("Luck", words.share(finding.luck.own + finding.luck.shared), "of one run's variance"))
    return found


def arm_card(findings: Findings, arm: str) -> dict[str, str]:
    """An arm's sentence and how it looks: good where it pays at most points, bad where at few."""
    paying = findings.pays(arm)
    unsure = arm in findings.discoveries and findings.discoveries[arm].unsure > findings.discoveries[arm].points / 2
    look = "" if unsure or math.isnan(paying) else "good" if paying >= 0.75 else "bad" if paying <= 0.25 else ""
    found = findings.discoveries.get(arm)
    detail = ""
    if found is not None and found.unsure:
        detail = (
            f"At {found.unsure:,} of {found.points:,} points luck could turn the sign: the 95{units.GAP}% interval "
            "over seeds has the threshold in it."
        )
    return {"look": look, "sentence": words.answer(findings, arm), "detail": detail}


def titles(findings: Findings, arms: Sequence[str]) -> dict[str, str]:
    """Headings of the sections as answers."""
    lead = max(arms, key=lambda arm: np.nan_to_num(findings.pays(arm), nan=-1.0)) if arms else ""
    if not arms:
        return dict.fromkeys(("answer", "drivers", "together", "robust", "fails", "luck"), "No results yet")
    finding = findings.of(lead)
    best = [one for one in finding.drivers if finding.tells(one)]
    rival = f", or {finding.rival.factor.name}: too few samples to say" if finding.rival else ""
    of_lead = f" for {quoted(lead)}" if len(arms) > 1 else ""
    found = findings.regrets.get(findings.kpi)
    broken = findings.discoveries.get(lead)
    headings = {
        "answer": words.lead_title(findings, arms),
        "drivers": f"What drives it{of_lead}: {best[0].factor.name}{rival}"
        if best
        else f"Too few samples to say what drives it{of_lead}"
        if finding.few_samples
        else f"No parameter by itself drives the conclusion{of_lead}",
        "together": words.together_title(finding),
        "robust": "What is robust",
        "fails": "Where it fails",
        "luck": "Parameters or luck",
    }
    if found is not None:
        headings["robust"] = f"The robust choice: {words.choice(findings, found)}"
    if broken is not None:
        verb = "pays" if broken.success else "fails"
        headings["fails"] = {
            "never": f"{quoted(lead)} fails nowhere in these ranges",
            "always": f"{quoted(lead)} pays nowhere in these ranges",
            "few": f"{quoted(lead)} fails or pays too seldom to say where",
            "nothing": f"No simple rule says where {quoted(lead)} fails",
        }.get(broken.fate) or f"{quoted(lead)} {verb} where {words.all_conditions(broken.boxes[0])}"
    if math.isfinite(finding.luck.parameters):
        headings["luck"] = (
            f"Luck makes {words.share(finding.luck.own + finding.luck.shared)} of one run's variance{of_lead}"
        )
    return headings
