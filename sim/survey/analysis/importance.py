"""What matters against how it is done: importance (stated, or derived from an outcome) and performance on 0 to 100.

Derived importance is each construct's share of what all of them explain of recommending, else of satisfaction (the
Shapley split of `drivers`); what goes against the outcome is no service to do better and is left out. Quadrants are cut
at the means of both. Source: Martilla and James 1977.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from sim.survey.analysis.modelling import NPS
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
DERIVED: Final = "derived: share of what is explained of "
OUTCOMES: Final = (NPS, "satisfaction", "sat")  # the first that was explained
LEAST: Final = 3  # constructs that a map needs


def importance(study: Study, drivers: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """A row a construct (columns of importance.csv), and in words why there is no map; `drivers` are drivers.csv."""
    stated = [str(name) for name in study.important if name in study.scores and study.perceived(str(name))]
    if len(stated) >= LEAST:
        names, basis = stated, "stated"
        n = [int(study.important[name].notna().sum()) for name in names]
        levels = [mean_of(study.important[name].to_numpy(np.float64), study.weights).mean for name in names]
        matters = np.array([_hundredths(study, name, level) for name, level in zip(names, levels, strict=True)])
    else:
        outcome = next((one for one in OUTCOMES if (drivers["outcome"] == one).any()), "")
        own = drivers[(drivers["outcome"] == outcome) & (drivers["r"] > 0)]
        if len(own) < LEAST or not np.isfinite(own["share"].to_numpy(np.float64)).all():
            return table(
                "importance", []
            ), "No map of importance: no importance is stated, and too few drivers are known."
        names, n, basis = [str(one) for one in own["driver"]], [int(one) for one in own["n"]], DERIVED + outcome
        matters = own["share"].to_numpy(np.float64) * 100
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


def _hundredths(study: Study, name: str, level: float) -> float:
    scale = study.instrument.scale_of(study.items(name, "importance")[0])
    return (level - scale.first) / max(scale.last - scale.first, 1) * 100
