"""What was expected against what was met (SERVQUAL): the paired difference, construct by construct.

Source: Zeithaml, Parasuraman and Berry 1990.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.survey.analysis.study import Study
from sim.survey.analysis.tables import judged
from sim.survey.analysis.testing import t_test
from sim.survey.analysis.weighing import mean_of

if TYPE_CHECKING:
    import pandas as pd


def gaps(study: Study) -> pd.DataFrame:
    """Perception less expectation of sheets that have both, weighted, Holm over constructs (columns of gaps.csv)."""
    rows = []
    for name in map(str, study.expected):
        if name not in study.scores or not study.perceived(name):
            continue
        met, expected = study.scores[name].to_numpy(np.float64), study.expected[name].to_numpy(np.float64)
        gap = met - expected
        both = ~np.isnan(gap)
        one = mean_of(gap, study.weights)
        first, last = study.range_of(name)
        rows.append(
            {
                "construct": name,
                "label": study.label(name),
                "scale_from": first,
                "scale_to": last,
                "n": one.n,
                "expected": mean_of(np.where(both, expected, np.nan), study.weights).mean,
                "met": mean_of(np.where(both, met, np.nan), study.weights).mean,
                "gap": one.mean,
                "se": one.se,
                "ci_low": one.low,
                "ci_high": one.high,
                "p_value": t_test(one.mean, one.se, one.n - 1),
                "word": "no sheet has both" if one.n == 0 else "one sheet: no interval" * (one.n == 1),
            }
        )
    return judged("gaps", rows)
