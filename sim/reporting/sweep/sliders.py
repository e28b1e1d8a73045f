"""What a reader turns on a sweep's page: its computed points, carried in the page, and no others.

Where the parameters shown are crossed in full, values between two levels are interpolated linearly between the computed
ones; else a parameter has its levels, or bands of equally many points, and nothing is interpolated.
"""

from __future__ import annotations

import itertools
import json
from typing import Any

import numpy as np
from markupsafe import Markup

from sim.analysis.findings import Findings
from sim.analysis.study import Factor, unit_words
from sim.measures.intervals import t_quantile
from sim.phrases import spoken
from sim.reporting.figures import units
from sim.reporting.sweep.sentences import kpi_name, look
from sim.words import language, said, words
from sim.words.phrasebook import tell

MOST_SLIDERS = 4
MOST_NUMBERS = 150_000  # that a page carries: about a megabyte
BANDS = 3  # of a parameter with too many values for levels
LEAST = 2  # known points: fewer are nothing to turn


def sliders(findings: Findings) -> dict[str, Any] | None:
    """The levers and the points for the page: `factors` as their controls are named, `points` as JSON for its script.

    None where there is nothing to turn. `points` is "" where a page would be too heavy with them.
    """
    study = findings.study
    arms = [arm for arm in study.compared if findings.of(arm).outcome.known.any()]
    known = np.any([findings.of(arm).outcome.known for arm in arms], axis=0) if arms else np.zeros(len(study.points))
    if not study.factors or known.sum() < LEAST:
        return None
    factors = _first(findings, arms)[:MOST_SLIDERS]
    stops = [_stops(factor) for factor in factors]
    codes = np.array([code for _, code in stops])[:, known]
    crossed = len(set(map(tuple, codes.T.tolist()))) == np.prod([len(labels) for labels, _ in stops])
    told: list[dict[str, Any]] = [
        {
            "name": factor.name,
            "stops": list(map(tell, labels)),
            "unit": tell(unit_words(factor.unit)),
            "values": list(factor.levels or ()) if crossed and _smooth(factor) else None,
        }
        for factor, (labels, _) in zip(factors, stops, strict=True)
    ]
    kpis, luck = _carried(findings, arms, int(known.sum()))
    shown = {
        "factors": told,
        "codes": codes.T.tolist(),
        "arms": [spoken(arm) for arm in arms],
        "reference": "" if study.one_arm else spoken(study.reference),
        "kpis": [_outcome(findings, arms, kpi, known, luck=luck) for kpi in kpis],
        "t": [0.0, *np.round(t_quantile(np.arange(1, len(study.seeds) + 1)), 4).tolist()],
        "words": _words(),
    }
    text = json.dumps(shown, ensure_ascii=False, separators=(",", ":"), allow_nan=False) if kpis else ""
    return {
        "factors": [
            {**one, "last": len(one["stops"]) - 1, "path": factor.path, "about": factor.about}
            for one, factor in zip(told, factors, strict=True)
        ],
        "kpis": [kpi_name(kpi) for kpi in kpis],
        "how": _how(told, crossed=bool(crossed), others=len(study.factors) - len(factors)),
        "count": int(known.sum()),
        # Safe: JSON in which nothing can end the element it stands in.
        "points": Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")),
    }


def _first(findings: Findings, arms: list[str]) -> list[Factor]:
    """Levers before uncertainties, each by how much they move the arm that they move most."""
    place: dict[str, int] = {}
    for arm in arms:
        for rank, one in enumerate(findings.of(arm).drivers):
            place[one.factor.path] = min(rank, place.get(one.factor.path, rank))
    last = len(place)
    return sorted(findings.study.factors, key=lambda one: (one.role != "lever", place.get(one.path, last)))


def _smooth(factor: Factor) -> bool:
    """True if there is something between two levels: numbers, not choices, switches or whole numbers."""
    return factor.numeric and factor.levels is not None and factor.kind == "number"


def _stops(factor: Factor) -> tuple[list[str], np.ndarray]:
    """Where a slider stops, in words, and the stop of every point."""
    if factor.levels is not None:
        return [factor.say(level) for level in factor.levels], factor.codes
    ends = np.quantile(factor.values, np.linspace(0, 1, BANDS + 1))
    codes = np.clip(np.searchsorted(ends, factor.values, side="right") - 1, 0, BANDS - 1)
    texts = [said("report.levers.band", low=factor.say(a), high=factor.say(b)) for a, b in itertools.pairwise(ends)]
    return texts, codes


def _carried(findings: Findings, arms: list[str], points: int) -> tuple[list[str], bool]:
    """The key figures that a page can carry, the deciding one first, and whether seed by seed."""
    kpis, seeds = list(findings.study.kpis), len(findings.study.seeds)
    for carried, luck in ((kpis, True), (kpis[:1], True), (kpis[:1], False)):
        if points * len(arms) * len(carried) * (seeds if luck else 1) <= MOST_NUMBERS:
            return carried, luck
    return [], False


def _outcome(findings: Findings, arms: list[str], kpi: str, known: np.ndarray, *, luck: bool) -> dict[str, Any]:
    """A key figure as it is written, and its values by arm, point and seed; without luck the means."""
    outcomes = [findings.of(arm, kpi).outcome for arm in arms]
    widest = max(outcomes, key=lambda one: float(np.nanmax(np.abs(one.mean), initial=0.0)))
    display = look(widest)
    values = [one.by_seed[known] if luck else one.mean[known][:, None] for one in outcomes]
    size = float(np.quantile(np.abs(widest.mean[widest.known]), 0.9)) / display.divisor if widest.known.any() else 0.0
    decimals = max(min(units.significant(size, 3), display.most_decimals), display.least_decimals)
    return {
        "name": tell(kpi_name(kpi)),
        "unit": tell(display.unit),
        "decimals": decimals,
        "signed": widest.difference,
        "better": widest.better,
        "threshold": findings.threshold / display.divisor if kpi == findings.kpi else 0.0,
        "values": [_rounded(one / display.divisor, decimals + 3) for one in values],
    }


def _rounded(values: np.ndarray, decimals: int) -> list[list[float | None]]:
    return [[round(float(value), decimals) if np.isfinite(value) else None for value in row] for row in values]


def _how(factors: list[dict[str, Any]], *, crossed: bool, others: int) -> list[str]:
    """What is interpolated and what is averaged, for the reader."""
    found = [said("report.levers.how_average")]
    if any(one["values"] for one in factors):
        found.append(said("report.levers.how_between"))
    elif crossed:
        found.append(said("report.levers.how_levels"))
    else:
        found.append(said("report.levers.how_bands"))
    if others:
        found.append(said("report.levers.how_others" if others > 1 else "report.levers.how_other", count=others))
    return [*found, said("report.levers.how_sure")]


def _words() -> dict[str, str]:
    """What the script says, by the last word of its key; it fills in the placeholders itself."""
    room = words(language()).room("report")
    return {key.rpartition(".")[2]: text for key, text in room.items() if key.startswith("report.levers.says.")}
