"""What lies behind the answers: correlations, factors confirmed and explored, drivers, paths, invariance; as tables.

The models are in rooms of their own (`correlations`, `confirmatory`, `factors`, ...); here their results take the names
that the data dictionary tells, and what they could not do becomes a remark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from sim.survey.analysis.confirmatory import factor_model
from sim.survey.analysis.correlations import Z, correlations
from sim.survey.analysis.drivers import drivers
from sim.survey.analysis.factors import explore
from sim.survey.analysis.invariance import invariance
from sim.survey.analysis.paths import chain, outcomes, structural
from sim.survey.analysis.study import Study
from sim.survey.analysis.tables import judged, table
from sim.survey.analysis.testing import t_test
from sim.survey.analysis.weighing import NAN

if TYPE_CHECKING:
    import pandas as pd

Tables = dict[str, "pd.DataFrame"]
NPS: Final = "nps"  # the outcome that is the question behind the net promoter score
ASKED: Final = 0.6  # of sheets: constructs with fewer scores are no drivers, lest their sheets be all that is left
NAMES: Final = {
    "low": "ci_low",
    "high": "ci_high",
    "corrected_low": "ci_low_corrected",
    "corrected_high": "ci_high_corrected",
    "note": "word",
    "p": "p_value",
}


def together(study: Study, reliability: pd.DataFrame) -> Tables:
    """Correlations of scores, as they are and corrected for attenuation by alpha (columns of correlations.csv)."""
    alpha = reliability.set_index("construct")["alpha"]
    known = {
        str(name): float(value)
        for name, value in zip(alpha.index, alpha.to_numpy(np.float64), strict=True)
        if np.isfinite(value)
    }
    found = correlations(study.scores, study.weights, known).rename(columns=NAMES)
    rows = [
        {str(key): value for key, value in row.items()} | {"p_value": _p(row["r"], row["ci_low"], row["ci_high"])}
        for row in found.to_dict("records")
    ]
    return {"correlations": judged("correlations", rows)}


def _p(r: float, low: float, high: float) -> float:
    """Two-sided p of no correlation, from the 95 % interval (Fisher's z)."""
    if not np.isfinite(low) or abs(r) >= 1:
        return NAN if not np.isfinite(low) else 0.0
    return t_test(float(np.arctanh(r)), float(np.arctanh(high) - np.arctanh(low)) / (2 * Z), np.inf)


def confirmed(study: Study) -> tuple[Tables, list[str]]:
    """The instrument's own factor model: loadings, factors' correlations, validity, fit; and notes."""
    model = factor_model(study.answers, constructs_of(study), study.weights)
    tables = {
        "factor_loadings": _named("factor_loadings", model.loadings),
        "factor_correlations": _named("factor_correlations", model.factors),
        "validity": _named("validity", model.constructs),
    }
    fit = [] if model.problem or not len(model.fit) else indices("confirmatory", model.fit.iloc[0].to_dict())
    return tables | {"fit": table("fit", fit)}, _told("Factor model of the instrument", model.problem, model.notes)


def explored(study: Study) -> tuple[Tables, list[str]]:
    """Factors that nobody named: eigenvalues against chance, loadings, adequacy; and notes."""
    found = explore(study.answers, study.weights)
    loadings = found.loadings
    long = [
        {"item": str(row["item"]), "factor": place, "loading": float(row[f"factor_{place}"])}
        | {name: float(row[name]) for name in ("communality", "kmo")}
        for row in loadings.to_dict("records")
        for place in range(1, len(found.factors) + 1)
    ]
    between_all = found.factors.to_numpy(np.float64)
    between = [
        {"x": a + 1, "y": b + 1, "r": float(between_all[a, b])}
        for a in range(len(found.factors))
        for b in range(a + 1, len(found.factors))
    ]
    adequate = [] if not len(found.adequacy) else indices("exploratory", found.adequacy.iloc[0].to_dict())
    tables = {
        "eigenvalues": _named("eigenvalues", found.eigenvalues),
        "explored_loadings": table("explored_loadings", long),
        "explored_correlations": table("explored_correlations", between),
        "adequacy": table("adequacy", adequate),
    }
    return tables, _told("Exploratory factors", found.problem, found.notes)


def driven(study: Study) -> tuple[Tables, list[str]]:
    """What drives each outcome, and the question behind the NPS, by regression (columns of drivers.csv); notes."""
    scores, item = study.scores.copy(), study.instrument.nps_item
    few = [str(name) for name in scores if float(scores[name].notna().mean()) < ASKED]
    names = [str(name) for name in scores if str(name) not in few]
    wanted = outcomes(names, chain(study.instrument, names))
    if item is not None and item.code in study.answers:
        scores[NPS] = study.answers[item.code]
        wanted[NPS] = [
            name for name in map(str, study.scores) if study.leads(name) and name not in few and name != item.measures
        ]
    rows, notes = [], [f"Drivers: left out, as most were not asked: {', '.join(few)}."] * bool(few and wanted)
    for outcome, of in wanted.items():
        found = drivers(scores, outcome, of, study.weights)
        notes += _told(f"Drivers of {outcome}", found.problem, found.notes)
        named = found.table.rename(columns={**NAMES, "importance": "part"})
        rows += [
            {"outcome": outcome, "n": found.n, "r2": found.r2} | {str(key): value for key, value in row.items()}
            for row in named.to_dict("records")
        ]
    return {"drivers": judged("drivers", rows)}, notes


def led(study: Study) -> tuple[Tables, list[str]]:
    """The satisfaction chain as a structural model: effects (columns of paths.csv), R squared, fit; notes."""
    constructs = constructs_of(study)
    paths = chain(study.instrument, constructs)
    if not paths:
        return {"paths": table("paths", []), "explained": table("explained", [])}, []
    found = structural(study.answers, constructs, paths, study.weights)
    effects = found.effects.rename(columns={"from": "cause", "to": "effect"})
    tables = {"paths": _named("paths", effects), "explained": _named("explained", found.explained)}
    fit = [] if not len(found.fit) else indices("structural", found.fit.iloc[0].to_dict())
    return tables | {"fit": table("fit", fit)}, _told("Structural model", found.problem, found.notes)


def alike(study: Study, columns: Sequence[str]) -> tuple[Tables, list[str]]:
    """Whether groups by these columns understand the questions alike (columns of invariance.csv and more); notes."""
    made: dict[str, list[dict[str, Any]]] = {"invariance": [], "invariance_means": [], "invariance_items": []}
    notes = []
    for column in columns:
        found = invariance(study.answers, constructs_of(study), study.table[column], study.weights)
        notes += _told(f"Invariance by {column}", found.problem, found.notes)
        for name, frame in (("", found.levels), ("_means", found.means), ("_items", found.items)):
            rows = frame.rename(columns=NAMES).to_dict("records")
            made[f"invariance{name}"] += [
                {"by": column} | {str(key): value for key, value in row.items()} for row in rows
            ]
    return {name: table(name, rows) for name, rows in made.items()}, notes


def constructs_of(study: Study) -> dict[str, list[str]]:
    """Items by construct, of those constructs that have scores."""
    return {str(name): study.items(str(name)) for name in study.scores}


def indices(model: str, values: dict[Any, Any]) -> list[dict[str, Any]]:
    """Figures of a model, a row each."""
    return [{"model": model, "index": str(name), "value": float(value)} for name, value in values.items()]


def _named(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """A model's own table under declared names; of no rows it has them all the same."""
    if not len(frame):
        return table(name, [])
    renamed = frame.rename(columns=NAMES)
    return table(name, [{str(key): value for key, value in row.items()} for row in renamed.to_dict("records")])


def _told(what: str, problem: str, notes: tuple[str, ...]) -> list[str]:
    return [f"{what}: {one}." for one in ([problem] if problem else []) + list(notes)]
