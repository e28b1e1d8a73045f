"""What lies behind the answers: correlations, factor models confirmed and explored, as tables like all others.

The models themselves are in rooms of their own (`correlations`, `confirmatory`, `factors`); here their results take the
names that the data dictionary tells, and what they could not do becomes a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.survey.analysis.confirmatory import factor_model
from sim.survey.analysis.correlations import Z, correlations
from sim.survey.analysis.factors import explore
from sim.survey.analysis.study import Study
from sim.survey.analysis.tables import judged, table
from sim.survey.analysis.testing import t_test
from sim.survey.analysis.weighing import NAN

if TYPE_CHECKING:
    import pandas as pd

Tables = dict[str, "pd.DataFrame"]
NAMES = {
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
