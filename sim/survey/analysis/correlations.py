"""How scores of constructs go together, and how they would if they were measured without error."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

from sim.survey.analysis.moments import effective, pearson
from sim.survey.analysis.threads import one_thread

if TYPE_CHECKING:
    import pandas as pd

Z: Final = float(ndtri(0.975))  # half-width of a 95 % interval in standard errors


@one_thread()
def correlations(
    scores: pd.DataFrame, weights: np.ndarray | None = None, reliability: Mapping[str, float] | None = None
) -> pd.DataFrame:
    """Correlations of construct scores, a row a pair of columns, over sheets where both are there.

    Columns x, y, n (sheets), r with its 95 % interval low and high (Fisher's z, Kish's effective number of sheets),
    and where `reliability` (alpha or omega by column) is known `corrected`: r / sqrt(reliability x * reliability y)
    with its interval; `note` says where there is none, or where it passes 1 and the two are not to be told apart.
    """
    import pandas as pd

    w = np.ones(len(scores)) if weights is None else np.asarray(weights, np.float64)
    known = reliability or {}
    rows = []
    for x, y in combinations(map(str, scores.columns), 2):
        both = scores[[x, y]].to_numpy(np.float64)
        there = ~np.isnan(both).any(axis=1)
        both, mass = both[there], w[there]
        row: dict[str, object] = {"x": x, "y": y, "n": int(there.sum())}
        if len(both) < 4 or not (np.ptp(both, axis=0) > 0).all():
            why = "fewer than 4 sheets have both" if len(both) < 4 else "one of them does not vary"
            rows.append(row | {"note": f"no correlation: {why}"})
            continue
        r = float(np.clip(pearson(both, mass)[0, 1], -1, 1))
        low, high = fisher(r, effective(mass))
        row |= {"r": r, "low": low, "high": high, "note": ""}
        product = known.get(x, np.nan) * known.get(y, np.nan)
        if min(known.get(x, np.nan), known.get(y, np.nan)) > 0:
            root = float(np.sqrt(product))
            row |= {"corrected": r / root, "corrected_low": low / root, "corrected_high": high / root}
            if abs(r) > root:
                row["note"] = "above 1 once corrected: they measure the same, or reliability is understated"
        elif known:
            row["note"] = "not corrected: reliability is unknown or not above 0"
        rows.append(row)
    columns = ["x", "y", "n", "r", "low", "high", "corrected", "corrected_low", "corrected_high", "note"]
    return pd.DataFrame(rows).reindex(columns=columns)


def fisher(r: float, n: float) -> tuple[float, float]:
    """A correlation's 95 % interval by Fisher's z; NaN from 3 sheets or fewer."""
    if n <= 3:
        return np.nan, np.nan
    with np.errstate(divide="ignore"):
        centre, half = np.arctanh(r), Z / np.sqrt(n - 3)
    return float(np.tanh(centre - half)), float(np.tanh(centre + half))


def matrix(columns: pd.DataFrame, weights: np.ndarray | None = None) -> pd.DataFrame:
    """Weighted correlations of items or scores over sheets where both are there; NaN where one does not vary."""
    import pandas as pd

    w = np.ones(len(columns)) if weights is None else np.asarray(weights, np.float64)
    out = pearson(columns.to_numpy(np.float64), w)
    return pd.DataFrame(out, index=columns.columns, columns=columns.columns)
