"""Where constructs stand: mean scores with intervals, weighted and not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.survey.analysis.study import Study
from sim.survey.analysis.tables import judged
from sim.survey.analysis.testing import t_test
from sim.survey.analysis.weighing import mean_of

if TYPE_CHECKING:
    import pandas as pd


def constructs(study: Study) -> pd.DataFrame:
    """A row a construct that has items in the answers (columns of constructs.csv)."""
    rows = []
    compared = [study.leads(str(name)) for name in study.scores]
    even = study.scores.apply(lambda one: study.hundredths(str(one.name), one)).to_numpy(np.float64, copy=True)
    even[:, ~np.array(compared, dtype=bool)] = np.nan
    for place, name in enumerate(map(str, study.scores)):
        values = study.scores[name].to_numpy(np.float64)
        plain, heavy = mean_of(values), mean_of(values, study.weights)
        apart = mean_of(even[:, place] - _mean(np.delete(even, place, axis=1)), study.weights)
        first, last = study.range_of(name)
        rows.append(
            {
                "construct": name,
                "label": study.label(name),
                "items": len(study.items(name)),
                "scale_from": first,
                "scale_to": last,
                "n": plain.n,
                "mean": plain.mean,
                "sd": plain.sd,
                "se": plain.se,
                "ci_low": plain.low,
                "ci_high": plain.high,
                "mean_weighted": heavy.mean,
                "se_weighted": heavy.se,
                "ci_low_weighted": heavy.low,
                "ci_high_weighted": heavy.high,
                "effective_n": heavy.effective,
                "against_rest": apart.mean,
                "p_value": t_test(apart.mean, apart.se, apart.n - 1),
                "word": "nobody answered half of its items"
                if plain.n == 0
                else "one sheet: no interval" * (plain.n == 1),
            }
        )
    return judged("constructs", rows)


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean of what is known of each row, NaN where nothing is, float64 (sheets,)."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    return np.where(count > 0, np.nansum(values, axis=1) / np.maximum(count, 1), np.nan)
