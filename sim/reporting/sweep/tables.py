"""The tables of a sweep's page as rows of text: drivers, indices, pairs, options, boxes, and how it was made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.analysis.findings import Finding, Findings
from sim.analysis.indices import TOO_FEW, Indices, parts
from sim.analysis.regret import Regret
from sim.analysis.study import Study
from sim.phrases import doubt, plural, spoken
from sim.reporting.figures import units
from sim.reporting.sweep import sentences as words
from sim.words import said

MOST_FAILED = 40  # failed tasks listed on the page; all are in failed.csv
MOST_OPTIONS = 25
MOST_PAIRS = 8
MOST_BOXES = 4


def drivers(findings: Findings, arm: str, kpi: str) -> dict[str, Any]:
    """The table of drivers of one outcome."""
    finding = findings.of(arm, kpi)
    display, sign = words.look(finding.outcome), finding.outcome.difference
    rows = []
    for one in finding.drivers:
        low, high = one.ends
        rows.append(
            {
                "name": one.factor.name,
                "path": one.factor.path,
                "share": words.share(one.share),
                "sure": one.clear,
                "ends": ends(one.groups[low].label, one.groups[high].label),
                "at_low": display.write(float(one.mean[low]), sign=sign)[0],
                "at_high": display.write(float(one.mean[high]), sign=sign)[0],
                "range": display.write(one.range)[0],
                "spearman": units.number(one.spearman, 2, sign=True),
                "p": units.p_text(one.p),
            }
        )
    return {
        "arm": spoken(arm),
        "kpi": words.kpi_name(kpi),
        "unit": display.unit,
        "rows": rows,
        "lead": kpi == findings.kpi,
    }


def ends(low: str, high: str) -> str:
    """Both ends of a range, their unit once."""
    (first, _, unit), (_, _, other) = low.partition(" "), high.partition(" ")
    return f"{first if unit == other else low} {units.MISSING} {high}"


@dataclass(frozen=True)
class IndexCell:
    """An index with half its interval, and a note where the samples are too few for it."""

    value: str
    half: str
    note: str


def index_text(value: float, digits: int) -> str:
    """A number in so many digits, an en dash for none."""
    return f"{value:.{digits}g}".replace("-", units.MINUS) if math.isfinite(value) else units.MISSING


def index_table(study: Study, arm: str, kpi: str, one: Indices) -> dict[str, Any]:
    """A table of indices: a row a parameter, value and half-width an index."""
    names = {factor.path: factor.name for factor in [*study.factors, *study.constant]}
    order = np.argsort(-np.nan_to_num(one.total), kind="stable")
    rows = []
    for place in order:
        cells = []
        for index, values in one.values.items():
            half = one.conf.get(index, np.full(len(values), np.nan))
            few = bool(one.too_few(index)[place])
            cells.append(IndexCell(index_text(values[place], 3), index_text(half[place], 2), TOO_FEW if few else ""))
        rows.append((names.get(one.paths[place], one.paths[place]), cells))
    method = {
        "sobol": "Sobol' indices",
        "morris": "Morris screening",
        "given data": "First-order indices from given data (RBD-FAST)",
    }
    over = f", averaged over all settings of the {one.mean_over}" if one.mean_over else ""
    caption = f"{method[one.method]} of {words.kpi_name(kpi)}, {spoken(arm)}{over}"
    return {
        "caption": f"{caption}; {units.PLUS_MINUS} half the 95{units.GAP}% interval",
        "few": any(cell.note for _, cells in rows for cell in cells),
        "heads": list(one.values),
        "rows": rows,
    }


def together(findings: Findings, arm: str) -> dict[str, Any]:
    """Pairs of parameters of an arm's deciding KPI, with how far to trust them."""
    finding: Finding = findings.of(arm)
    pairs = [
        (
            said("report.and").join(factor.name for factor in term.factors),
            words.share(term.share),
            units.number(term.coefficient, 2, sign=True) if math.isfinite(term.coefficient) else "",
        )
        for term in finding.split.pairs[:MOST_PAIRS]
        if term.share >= 0.005
    ]
    return {
        "arm": spoken(arm),
        "sentence": words.pair_words(finding),
        "trust": words.trust(finding),
        "pairs": pairs,
        "coefficients": any(pair[2] for pair in pairs),
    }


def robust(findings: Findings, found: Regret) -> dict[str, Any]:
    """The table of options for one KPI, the least largest regret first."""
    study = findings.study
    order = list(np.argsort(found.most, kind="stable"))
    shown = order[:MOST_OPTIONS]
    shown += [place for place in order if found.options[place].arm == study.reference and place not in shown][:1]
    display = units.display(
        found.kpi, found.unit, [float(np.median(found.most))] if len(found.most) else [], difference=True
    )
    level = units.display(found.kpi, found.unit, [float(np.abs(found.levels).max())])
    rows = []
    for place in shown:
        marks = [
            what
            for what, one in (
                ("least regret", found.minimax),
                ("best mean", found.best_mean),
                ("best worst case", found.maximin),
            )
            if one == place
        ]
        most, half = display.write(float(found.most[place]), float(found.error[place]))
        gap = found.differences[place]
        rows.append(
            {
                "name": words.option_name(found.options[place], study),
                "marks": ", ".join(marks),
                "most": most,
                "half": half,
                "mean": display.write(float(found.mean[place]))[0],
                "best": words.share(float(found.best_share[place])),
                "pays": words.share(float(found.pays[place])),
                "level": level.write(float(found.levels[place].mean()))[0],
                "worst": level.write(float(found.worst[place]))[0],
                "gap": display.write(float(gap.mean()), sign=True)[0] if np.isfinite(gap).all() else units.MISSING,
            }
        )
    return {
        "kpi": words.kpi_name(found.kpi),
        "sentence": words.robust(findings, found),
        "unit": display.unit,
        "level_unit": level.unit,
        "rows": rows,
        "left": len(order) - len(shown),
        "worlds": found.levels.shape[1],
        "crossed": found.crossed,
        "lead": found.kpi == findings.kpi,
        "compared": not study.one_arm,
    }


def failing(findings: Findings, arm: str) -> dict[str, Any]:
    """Where an arm fails: its sentence and its boxes."""
    found = findings.discoveries[arm]
    boxes = [
        (words.all_conditions(box), f"{box.points:,}", words.share(box.density), words.share(box.coverage))
        for box in found.boxes[:MOST_BOXES]
    ]
    skill = ""
    if found.fate == "pattern":
        skill = (
            f"For points it has not seen the rule is right in {words.share(found.accuracy)}, always saying the "
            f"commoner outcome in "
            f"{words.share(found.base_accuracy)}."
        )
    return {
        "arm": spoken(arm),
        "sentence": words.fails(found),
        "boxes": boxes,
        "skill": skill,
        "success": found.success,
    }


def failed(study: Study) -> list[dict[str, Any]]:
    """The first failed tasks."""
    return [
        {str(key): value for key, value in row.items()} for row in study.failed.head(MOST_FAILED).to_dict("records")
    ]


def made(study: Study) -> list[str]:
    """How the points were made, design by design."""
    found = []
    for part in parts(study.manifest.get("design") or {}):
        text = part.kind.words or spoken(part.design, "")
        size = part.told.get("samples")
        if size and part.kind.sampled:
            text += f", {int(size):,} {part.kind.counts}"
        for one in part.told.get("posteriors", []):
            count = len(one["parameters"])
            text += f"; {count} {plural('number', count)} together, by rows of the posterior of {one['name']}"
            text += f"; {doubt(str(one['name']), one['failed'])}" if one.get("failed") else ""
        found.append(text if part.over == "all" else f"{part.over}: {text}")
    return found


def ranges(study: Study) -> list[dict[str, str]]:
    """The parameters with their ranges, units, base values and sources."""
    names = {factor.path: factor.name for factor in [*study.factors, *study.constant]}
    rows = []
    for one in study.sweep.parameters:
        base = one.get("base")
        rows.append(
            {
                "name": names[str(one["path"])],
                "path": str(one["path"]),
                "role": str(one.get("role") or "uncertainty"),
                "range": words.range_words(one),
                "unit": str(one.get("unit") or ""),
                "about": str(one.get("about") or ""),
                "base": "" if base is None else words.say(base, str(one.get("kind") or "number")),
                "source": str(one.get("source") or ""),
            }
        )
    return rows


def facts(study: Study) -> list[tuple[str, str]]:
    """What somebody needs to make the sweep again and to know that it is the same."""
    manifest: Mapping[str, Any] = study.manifest
    packages, seconds = manifest.get("packages"), manifest.get("wall_seconds")
    found = [
        ("Run", manifest.get("run_id")),
        ("Made", manifest.get("created")),
        ("Status", manifest.get("status")),
        ("Seeds", ", ".join(map(str, study.seeds[:20])) + (", ..." if len(study.seeds) > 20 else "")),
        ("Scenario digest", manifest.get("scenario_digest")),
        ("Tasks digest", manifest.get("tasks_digest")),
        ("Code version", manifest.get("code_version")),
        ("Workers", manifest.get("workers")),
        ("Run time", f"{float(seconds):,.1f} s" if isinstance(seconds, (int, float)) else None),
        (
            "Packages",
            ", ".join(f"{name} {version}" for name, version in packages.items())
            if isinstance(packages, Mapping)
            else None,
        ),
    ]
    return [(label, str(value)) for label, value in found if value not in (None, "", [])]
