"""What a terminal and a script are told of an analysis: one short table, one JSON object."""

from __future__ import annotations

from typing import Any

import numpy as np
from rich.cells import cell_len

from sim.analysis.effects import Effect
from sim.analysis.findings import Finding, Findings
from sim.analysis.indices import TOO_FEW
from sim.analysis.regret import Regret
from sim.phrases import labelled, labels, spoken
from sim.reporting.figures import units
from sim.reporting.names import labels_of
from sim.reporting.sweep import sentences as words
from sim.store.files import plain

WIDTH = 100
NAME = 24


def terminal_table(findings: Findings, *, width: int = WIDTH) -> str:
    """A row an arm: mean outcome, share of points that pay, largest regret of its best option, two top drivers."""
    study = findings.study
    if labels() is None:
        with labelled(labels_of(study.manifest)):
            return terminal_table(findings, width=width)
    display = None
    known = [arm for arm in study.compared if findings.of(arm).outcome.known.any()]
    if known:
        largest = max(
            known, key=lambda arm: float(np.abs(findings.of(arm).outcome.mean[findings.of(arm).outcome.known]).mean())
        )
        display = words.look(findings.of(largest).outcome)
    regrets = _least_regret(findings)
    head = ["arm", "mean diff" if not study.one_arm else "mean", "pays in", "max regret", "top drivers"]
    unit = display.unit if display else ""
    rows = [head, ["", unit, "of points", unit, "share of variance"]]
    names = units.shortened([spoken(arm) for arm in study.compared], NAME)
    for name, arm in zip(names, study.compared, strict=True):
        finding = findings.of(arm)
        outcome = finding.outcome
        if display is None or arm not in known:
            rows.append([name, units.MISSING, units.MISSING, units.MISSING, "no results yet"])
            continue
        mean = display.write(float(outcome.mean[outcome.known].mean()), sign=outcome.difference)[0]
        lost = regrets.get(arm)
        rows.append(
            [
                name,
                mean,
                words.share(findings.pays(arm)).replace(units.GAP, " "),
                display.write(lost)[0] if lost is not None else units.MISSING,
                _drivers(findings, arm),
            ]
        )
    wide = [max(cell_len(row[column]) for row in rows) for column in range(len(head))]
    lines = []
    for row in rows:
        cells = [
            row[0] + " " * (wide[0] - cell_len(row[0])),
            *(row[column].rjust(wide[column]) for column in range(1, 4)),
            row[4],
        ]
        line = "  ".join(cells).rstrip()
        lines.append(line if len(line) <= width else line[: width - 1] + units.ELLIPSIS)
    notes = [
        f"{words.kpi_name(findings.kpi)}"
        + ("" if study.one_arm else f": difference to {spoken(study.reference)}, same seeds")
    ]
    made = [findings.of(arm).made_for for arm in known]
    if any(one and one.method == "sobol" for one in made):
        notes.append("shares are total Sobol' indices, with all interactions")
        notes.append(f"{units.PLUS_MINUS} half their 95 % interval in points")
    if any(one and one.too_few("ST" if one.method == "sobol" else "mu_star").any() for one in made):
        notes.append(f"{TOO_FEW}: a share outside 0 to 1, or an interval as wide as it; more samples would tell")
    if regrets:
        notes.append("max regret: that of the arm's best levers, in its worst world")
    found = findings.regrets.get(findings.kpi)
    if found is not None:
        notes.append(_robust(findings, found))
    if len(study.failed):
        notes.append(f"{len(study.failed):,} failed tasks left out")
    sentences = [words.progress_words(study), "No indices: " + findings.refused if findings.refused else ""]
    return "\n".join(
        [
            *lines,
            "",
            *units.wrapped("; ".join(notes), width),
            *(line for text in sentences if text for line in units.wrapped(text, width)),
        ]
    )


def _drivers(findings: Findings, arm: str) -> str:
    """The two parameters that matter most, with their shares; one that may, where the samples are too few to say."""
    finding = findings.of(arm)
    rival = [finding.rival] if finding.rival else []
    top = [*rival, *(one for one in finding.drivers if finding.tells(one))][:2]
    return ", ".join(_driver(finding, one) for one in top) or "none clear"


def _driver(finding: Finding, one: Effect) -> str:
    made = finding.made_for
    if made is not None and finding.too_few(one):
        place = made.paths.index(one.factor.path)
        part = _part(float(made.total[place]), finding.half(one, "ST")) if made.method == "sobol" else ""
        return f"{one.factor.name}{part} ({TOO_FEW})"
    index = "ST" if np.isfinite(finding.weight(one, "ST")) else "S1"
    weight = finding.weight(one, index)
    return one.factor.name + (_part(max(weight, 0.0), finding.half(one, index)) if np.isfinite(weight) else "")


def _part(value: float, half: float) -> str:
    """A share with half its interval, for a column that is narrow."""
    text = words.share(value).replace(units.GAP, " ")
    ends = f" {units.PLUS_MINUS}{units.half_text(100 * half, 0)}" if np.isfinite(half) and half > 0 else ""
    return f" {text}{ends}"


def _robust(findings: Findings, found: Regret) -> str:
    """The robust choice in a phrase: what it is, and what it loses at most."""
    if len(found.ties) == len(found.options):
        return "robust choice: none, all options come to the same"
    most = float(found.most[found.minimax])
    display = units.display(found.kpi, found.unit, [most or 1.0], difference=True)
    lost = words.shown(most, display, sign=False).replace(units.GAP, " ")
    if not most > 0:
        return f"robust choice: {words.choice(findings, found)}; no option is better in any world"
    less = "less than any other" if len(found.ties) == 1 else "none less"
    name = words.choice(findings, found)
    return f"robust choice: {name}; in its worst world it loses {lost} against the best, {less}"


def _least_regret(findings: Findings) -> dict[str, float]:
    """For every arm the smallest largest regret of its options."""
    found = findings.regrets.get(findings.kpi)
    least: dict[str, float] = {}
    if found is not None:
        for option, most in zip(found.options, found.most, strict=True):
            least[option.arm] = min(least.get(option.arm, np.inf), float(most))
    return least


def as_json(findings: Findings) -> dict[str, Any]:
    """The same and more as one object of JSON's own types."""
    study = findings.study
    done, wanted = study.progress
    found = findings.regrets.get(findings.kpi)
    least = _least_regret(findings)
    arms: dict[str, Any] = {}
    for arm in study.compared:
        finding = findings.of(arm)
        outcome, known = finding.outcome, finding.outcome.known
        broken = findings.discoveries.get(arm)
        arms[arm] = {
            "points": int(known.sum()),
            "mean": float(outcome.mean[known].mean()) if known.any() else None,
            "difference": outcome.difference,
            "share_pays": findings.pays(arm),
            "max_regret": least.get(arm),
            "drivers": [
                {
                    "parameter": one.factor.path,
                    "share_of_variance": one.share,
                    "swing": one.swing,
                    "spearman": one.spearman,
                }
                for one in finding.drivers
            ],
            "indices": [
                {
                    "method": one.method,
                    "over": one.over,
                    "mean_over": one.mean_over,
                    "parameters": one.paths,
                    **one.values,
                    **{f"{key}_conf": half for key, half in one.conf.items()},
                    **{f"{key}_too_few_samples": one.too_few(key) for key in one.values},
                }
                for one in finding.indices
            ],
            "luck": {"parameters": finding.luck.parameters, "shared": finding.luck.shared, "own": finding.luck.own},
            "fails": None
            if broken is None
            else {
                "fate": broken.fate,
                "points": broken.points,
                "failures": broken.failures,
                "unsure": broken.unsure,
                "of_success": broken.success,
                "boxes": [
                    {
                        "where": words.all_conditions(box),
                        "points": box.points,
                        "density": box.density,
                        "coverage": box.coverage,
                    }
                    for box in broken.boxes
                ],
            },
        }
    record: dict[str, Any] = {
        "name": study.name,
        "run_id": study.manifest.get("run_id"),
        "status": study.sweep.status,
        "tasks_done": done,
        "tasks": wanted,
        "failed": len(study.failed),
        "points": len(study.points),
        "kpi": findings.kpi,
        "kpis": study.kpis,
        "unit": findings.of(study.compared[0]).outcome.unit,
        "reference": None if study.one_arm else study.reference,
        "threshold": findings.threshold,
        "arms": arms,
        "indices_refused": findings.refused or None,
        "robust": None
        if found is None
        else {
            "arm": found.options[found.minimax].arm,
            "levers": dict(found.options[found.minimax].levers),
            "max_regret": float(found.most[found.minimax]),
            "max_regret_se": float(found.error[found.minimax]),
            "mean_regret": float(found.mean[found.minimax]),
            "worlds": found.levels.shape[1],
        },
    }
    result: dict[str, Any] = plain(record)
    return result
