"""A monthly history of a bank's customers, one row a customer and month, as a table for calibration.

Its last month is the customer book (`read_book` with `month`); what came before is what the model is fitted to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from sim.errors import BadInput
from sim.population.book.checked import How, read_rows
from sim.population.book.columns import FIELD_NAMES, BookColumns

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class History:
    """A panel of customers by month.

    `frame` has a row for each customer and month from the customer's first to the last month of all, sorted by
    customer and `month`: `id` (text), `month` (int64, 0 is the first month of all, calendar months apart), `present`
    (bool: whether there is a row of it; the rest is NaN or None where not), then the fields that were mapped, in the
    model's units as of `Book`: `aum`, `age`, `tenure_months`, `products`, `income`, ... (float64), `state` (float64,
    0 active and 1 dormant), `tier` (text). A customer has left whose last rows are not present.
    `months` are the months by number, ``2015-01`` or as the file counts them. `doubts` are what was read and looks
    wrong.
    """

    frame: pd.DataFrame
    months: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def read_history(
    path: str | Path | pd.DataFrame, columns: BookColumns | Mapping[str, Any], **how: Unpack[How]
) -> History:
    """Read a monthly history of any kind that a book may be; `month` must name its column of months.

    `columns` and `how` are as of `read_book`. Tenures and ages that come from dates are those of the row's month.
    Raises `BadInput` with all mistakes.
    """
    import pandas as pd

    rows = read_rows(path, columns, how, all_months=True)
    if rows.months is None:
        raise BadInput.at(str(path), "is read as a history; month: names its column of months")
    read, number = rows.reading, rows.months.number.astype(np.int64)
    last = len(rows.months.labels) - 1
    customer, first = _customers(read.values["uid"], number)
    length = last - first + 1
    begins = np.concatenate([[0], np.cumsum(length)[:-1]])
    total = int(length.sum())
    place = begins[customer] + number - first[customer]
    owner = np.repeat(np.arange(first.size), length)
    ids = np.empty(first.size, dtype=object)
    ids[customer] = np.asarray(read.values["id"], dtype=object)
    present = np.zeros(total, dtype=bool)
    present[place] = True
    frame: dict[str, NDArray[Any]] = {
        "id": ids[owner],
        "month": np.arange(total) - begins[owner] + first[owner],
        "present": present,
    }
    for name in FIELD_NAMES:
        if name == "id" or name not in read.values:
            continue
        values = read.values[name]
        if name == "tier":
            words = np.full(total, None, dtype=object)
            words[place] = np.asarray(values, dtype=object)
            frame[name] = words
            continue
        numbers = np.full(total, np.nan)
        numbers[place] = values.astype(np.float64) - _earlier(name, read.dated(name), last - number)
        frame[name] = numbers
    return History(pd.DataFrame(frame), rows.months.labels, tuple(f"{one.path}: {one.message}" for one in rows.doubts))


def _customers(uid: NDArray[np.uint64], number: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of each row its customer from 0 on, in order of their first rows, and of each customer the first month."""
    _, row, customer = np.unique(uid, return_index=True, return_inverse=True)
    rank = np.empty(row.size, np.int64)
    rank[np.argsort(row)] = np.arange(row.size)
    customer = rank[customer]
    first = np.full(row.size, np.iinfo(np.int64).max)
    np.minimum.at(first, customer, number)
    return customer, first


def _earlier(name: str, dated: bool, months: NDArray[np.int64]) -> NDArray[np.float64] | float:
    """How much less a tenure or an age was, so many months before the day to which dates are counted."""
    if not dated:
        return 0.0
    return months / 12.0 if name == "age" else months.astype(np.float64)
