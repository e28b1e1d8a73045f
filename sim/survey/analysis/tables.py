"""Rows become tables as they are declared (`store.survey_columns`); p values of a table are corrected together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.measures.precision import CHANCE, holm
from sim.store.survey_columns import SURVEY

if TYPE_CHECKING:
    import pandas as pd

Rows = Sequence[dict[str, Any]]


def table(name: str, rows: Rows) -> pd.DataFrame:
    """The table of that name in its declared types; of no rows it has its columns all the same."""
    import pandas as pd

    names = SURVEY[name].names
    kinds = {column.name: column.dtype for column in SURVEY[name].columns if column.dtype != "text"}
    assert all(row.keys() == set(names) for row in rows), f"{name}: a row is not as declared"
    return pd.DataFrame(list(rows), columns=list(names)).astype(kinds)


def judged(name: str, rows: Rows) -> pd.DataFrame:
    """The table of that name from rows with a `p_value`: Holm over all of them, and what is sure."""
    adjusted = holm(np.array([row["p_value"] for row in rows], dtype=float))
    return table(
        name, [row | {"p_adjusted": p, "sure": bool(p < CHANCE)} for row, p in zip(rows, adjusted, strict=True)]
    )
