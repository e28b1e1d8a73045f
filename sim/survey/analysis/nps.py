"""The net promoter score: promoters (9, 10) less detractors (0 to 6), in points, with its interval."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.survey.analysis.study import Study
from sim.survey.analysis.tables import table
from sim.survey.analysis.weighing import mean_of, share_of

if TYPE_CHECKING:
    import pandas as pd

PROMOTERS_FROM, DETRACTORS_TO = 9, 6  # Reichheld 2003


def points(answers: np.ndarray) -> np.ndarray:
    """What each answer 0 to 10 counts: 100, 0 or -100, NaN where there is none; the score is their mean."""
    made = np.where(answers >= PROMOTERS_FROM, 100.0, np.where(answers <= DETRACTORS_TO, -100.0, 0.0))
    return np.where(np.isnan(answers), np.nan, made)


def nps(study: Study) -> pd.DataFrame:
    """A row unweighted and a row weighted, none where no question asks it (columns of nps.csv)."""
    item, rows = study.instrument.nps_item, []
    if item is not None and item.code in study.table:
        given = study.table[item.code].to_numpy(np.float64)
        known = ~np.isnan(given)
        for weighting, weights in (("unweighted", None), ("weighted", study.weights)):
            one = mean_of(points(given), weights)
            rows.append(
                {
                    "item": item.code,
                    "weighting": weighting,
                    "n": one.n,
                    "promoters": share_of(given >= PROMOTERS_FROM, known, weights),
                    "passives": share_of((given > DETRACTORS_TO) & (given < PROMOTERS_FROM), known, weights),
                    "detractors": share_of(given <= DETRACTORS_TO, known, weights),
                    "nps": one.mean,
                    "se": one.se,
                    "ci_low": one.low,
                    "ci_high": one.high,
                    "word": "nobody answered it" if one.n == 0 else "one sheet: no interval" * (one.n == 1),
                }
            )
    return table("nps", rows)
