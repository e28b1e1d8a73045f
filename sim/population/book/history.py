"""A monthly history of a bank's customers, one row a customer and month, as a table for calibration.

Its last month is the customer book (`read_book` with `history`); what came before is what the model is fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.population.book.columns import BookColumns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class History:
    """A panel of customers by month.

    `frame` has a row for each customer and month from the customer's first to the last month of all, sorted by `id` and
    `month`: `id` (text), `month` (int64, 0 is the first month of all, calendar months apart), `present` (bool: whether
    the customer was there; the rest is NaN or None where not), then the fields that were mapped, in the model's units
    as of `Book`: `aum`, `age`, `tenure_months`, `products`, `income`, ... (float64), `state` (int8, -1 where not
    present), `tier` (text). A customer has left whose last rows are not present.
    `months` are the months as the file has them, by number. `doubts` are what was read and looks wrong.
    """

    frame: pd.DataFrame
    months: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def read_history(
    path: str | Path,
    columns: BookColumns | Mapping[str, Any],
    *,
    month: str,
    **how: Any,
) -> History:
    """Read a monthly history of any kind that a book may be; `month` names its column of months.

    `columns` and `how` are as of `read_book`. Raises `BadInput` with all mistakes.
    """
    raise NotImplementedError
