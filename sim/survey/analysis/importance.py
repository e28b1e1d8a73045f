"""What matters against how it is done: importance (stated, or derived from an outcome) and performance on 0 to 100.

Derived importance is each construct's share of what all of them explain of the outcome (Johnson's relative weights,
which are close to Shapley's and need no search); quadrants are cut at the means of both. Sources: Martilla and James
1977; Johnson 2000.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.survey.analysis.study import Study
from sim.survey.analysis.tables import table
from sim.survey.analysis.weighing import mean_of

if TYPE_CHECKING:
    import pandas as pd

QUADRANTS: Final = {  # important, done well
    (True, True): "keep up the good work",
    (True, False): "concentrate here",
    (False, True): "possible overkill",
    (False, False): "low priority",
}
OUTCOMES: Final = ("loyalty", "risk", "leaving")  # measures that follow from how somebody was served
LEAST: Final = 3  # constructs that a map needs


def importance(study: Study) -> tuple[pd.DataFrame, str]:
    """A row a construct (columns of importance.csv), and what it says in words where there can be no map."""
    stated = [str(name) for name in study.important if name in study.scores and study.perceived(str(name))]
    if len(stated) >= LEAST:
        names, basis = stated, "stated"
        n = [int(study.important[name].notna().sum()) for name in names]
        levels = [mean_of(study.important[name].to_numpy(np.float64), study.weights).mean for name in names]
        matters = np.array([_hundredths(study, name, level) for name, level in zip(names, levels, strict=True)])
    else:
        outcome, y = outcome_of(study)
        if y is None:
            return table("importance", []), "No map of importance: no item of importance and no outcome."
        names = [str(name) for name in study.scores if name != outcome and _leads(study, str(name))]
        x = study.scores[names].to_numpy(np.float64)
        full = ~np.isnan(x).any(axis=1) & ~np.isnan(y)
        lively = [place for place in range(len(names)) if full.any() and _together(x[full, place], y[full]) > 0]
        names, x = [names[place] for place in lively], x[:, lively]
        if len(names) < LEAST or full.sum() < 5 * len(names) or np.ptp(y[full]) == 0:
            return table("importance", []), "No map of importance: too few constructs or sheets that vary."
        basis = f"derived: share of what is explained of {outcome}"
        n = [int(full.sum())] * len(names)
        matters = relative_weights(x[full], y[full], study.weights[full]) * 100
    done = np.array(
        [study.hundredths(name, mean_of(study.scores[name].to_numpy(np.float64), study.weights).mean) for name in names]
    )
    high = zip(matters >= np.nanmean(matters), done >= np.nanmean(done), strict=True)
    where = [QUADRANTS[bool(a), bool(b)] for a, b in high]
    rows = zip(names, map(study.label, names), n, matters, done, where, strict=True)
    columns = ("construct", "label", "n", "importance", "performance", "quadrant")
    return table("importance", [{"basis": basis} | dict(zip(columns, one, strict=True)) for one in rows]), ""


def outcome_of(study: Study) -> tuple[str, np.ndarray | None]:
    """What importance is derived from: the question behind the NPS, else satisfaction, else loyalty."""
    item = study.instrument.nps_item
    if item is not None and item.code in study.answers and study.answers[item.code].notna().any():
        return item.measures or item.code, study.answers[item.code].to_numpy(np.float64)
    for measure in ("satisfaction", "loyalty"):
        for name in map(str, study.scores):
            if measure in study.instrument.constructs[name].of or name == measure:
                return name, study.scores[name].to_numpy(np.float64)
    return "", None


def _leads(study: Study, name: str) -> bool:
    return study.perceived(name) and not any(one in study.instrument.constructs[name].of for one in OUTCOMES)


def _together(x: np.ndarray, y: np.ndarray) -> float:
    """How x and y go together, 0 where one does not vary: what goes against the outcome is no service to do better."""
    return float((x - x.mean()) @ (y - y.mean())) if np.ptp(x) > 0 and np.ptp(y) > 0 else 0.0


def _hundredths(study: Study, name: str, level: float) -> float:
    scale = study.instrument.scale_of(study.items(name, "importance")[0])
    return (level - scale.first) / max(scale.last - scale.first, 1) * 100


def relative_weights(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Johnson's relative weights of x (sheets, causes) for y (sheets,): shares of what is explained, sum 1."""
    w = weights / weights.sum()
    both = np.column_stack([x, y])
    off = both - w @ both
    spread = np.sqrt(w @ off**2)
    r = (off * w[:, None]).T @ off / np.outer(spread, spread)
    values, vectors = np.linalg.eigh(r[:-1, :-1])
    values = np.clip(values, 0.0, None)
    half = vectors * np.sqrt(values) @ vectors.T
    inverse = vectors * np.where(values > 1e-10, 1 / np.sqrt(np.maximum(values, 1e-10)), 0.0) @ vectors.T
    share = half**2 @ (inverse @ r[:-1, -1]) ** 2
    return share / share.sum() if share.sum() > 0 else share
