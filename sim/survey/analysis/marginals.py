"""What was answered to each question: how many, the mean, the spread, and every answer's share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.survey.analysis.study import Study
from sim.survey.analysis.tables import table
from sim.survey.analysis.weighing import NAN, mean_of, share_of

if TYPE_CHECKING:
    import pandas as pd


def items(study: Study) -> pd.DataFrame:
    """A row an item, answers as they were given (columns of items.csv)."""
    rows = []
    for code in study.answers:
        item, scale = study.instrument.item(str(code)), study.instrument.scale_of(str(code))
        given = study.table[code].to_numpy(np.float64)
        known = ~np.isnan(given)
        plain, heavy = mean_of(given), mean_of(given, study.weights)
        points = scale.points
        top = np.isin(given, points[-2:])
        rows.append(
            {
                "item": str(code),
                "construct": item.measures or item.about or "",
                "role": item.role,
                "reversed": item.reversed,
                "n": plain.n,
                "missing": int((~known).sum()),
                "mean": plain.mean,
                "sd": plain.sd,
                "se": plain.se,
                "skew": skew(given[known]),
                "top_2": share_of(top, known),
                "floor": share_of(given == points[0], known),
                "ceiling": share_of(given == points[-1], known),
                "mean_weighted": heavy.mean,
                "se_weighted": heavy.se,
                "top_2_weighted": share_of(top, known, study.weights),
                "word": _word(given[known]),
            }
        )
    return table("items", rows)


def distribution(study: Study) -> pd.DataFrame:
    """A row an item and answer, as given (columns of distribution.csv)."""
    rows = []
    for code in study.answers:
        scale = study.instrument.scale_of(str(code))
        words = next(iter(scale.labels.values()), None)
        given = study.table[code].to_numpy(np.float64)
        known = ~np.isnan(given)
        for place, point in enumerate(scale.points):
            hits = given == point
            rows.append(
                {
                    "item": str(code),
                    "answer": point,
                    "label": words[place] if words and len(words) == len(scale.points) else "",
                    "n": int(hits.sum()),
                    "share": share_of(hits, known),
                    "share_weighted": share_of(hits, known, study.weights),
                }
            )
    return table("distribution", rows)


def skew(values: np.ndarray) -> float:
    """Skewness, adjusted for the number of values; NaN for fewer than three or a constant."""
    n = len(values)
    off = values - values.mean() if n else values
    if n < 3 or not (off @ off) > 0:
        return NAN
    third, second = float((off**3).mean()), float((off**2).mean())
    return float(np.sqrt(n * (n - 1)) / (n - 2) * third / second**1.5)


def _word(known: np.ndarray) -> str:
    if not len(known):
        return "nobody answered it"
    if len(known) == 1:
        return "one answer: no spread"
    return "" if np.ptp(known) > 0 else "everybody gave the same answer"
