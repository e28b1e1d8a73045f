"""The first page of a sweep's report, from what its other pages say."""

from __future__ import annotations

from collections.abc import Mapping

from sim.analysis.findings import Findings
from sim.reporting.summary import Summary
from sim.reporting.sweep import sentences as words
from sim.words import said


def summary(findings: Findings, question: str, titles: Mapping[str, str]) -> Summary:
    """Who pays where, how much of it is luck, what is robust, and which parameter drives it."""
    study = findings.study
    known = [arm for arm in study.compared if findings.of(arm).outcome.known.any()]
    asked = question or said("report.summary.what_drives", count=len(study.factors))
    if not known:
        return Summary(asked, [said("report.summary.no_results")], [], [], [])
    lead = max(known, key=lambda arm: (findings.pays(arm) if findings.judged else 0.0, -known.index(arm)))
    finding, robust = findings.of(lead), findings.regrets.get(findings.kpi)
    return Summary(
        question=asked,
        answer=[f"{titles['answer']}.", words.answer(findings, lead)],
        sure=[words.variance_words(finding), said("report.summary.ranges")],
        next=[words.robust(findings, robust) if robust else said("report.summary.add_levers")],
        first=[f"{titles['drivers']}.", said("report.summary.narrow")],
    )
