"""Purchase histories in the four numbers that buy-till-you-die models take (Fader, Hardie & Lee 2005)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


def transaction_summary(customer: Any, day: Any, end: float, *, amount: Any = None, unit: float = 7.0) -> pd.DataFrame:
    """Each customer's repeat purchases by frequency, recency and age, from one row a purchase.

    `customer` (n,) ids, `day` (n,) days on any scale, `amount` (n,) money. Purchases of one day are one; those after
    `end` (a day) are not looked at, and who bought first after it is not there. Returns a row a customer, sorted by id:
    `frequency` (days with a purchase after the first), `recency` (from the first to the last) and `T` (from the first
    to `end`) in units of `unit` days; with amounts `monetary_value` too, the mean of repeat days, 0 without any.
    """
    import pandas as pd

    rows = pd.DataFrame({"customer": np.asarray(customer), "day": np.asarray(day, float)})
    rows["amount"] = 0.0 if amount is None else np.asarray(amount, float)
    rows = rows[rows["day"] <= end]
    days = rows.groupby(["customer", "day"], as_index=False)["amount"].sum()
    by = days.groupby("customer")
    first, last, bought = by["day"].min(), by["day"].max(), by["day"].size()
    found = pd.DataFrame({"frequency": bought - 1, "recency": (last - first) / unit, "T": (end - first) / unit})
    if amount is not None:
        repeat = days[days["day"] > days["customer"].map(first)]
        found["monetary_value"] = repeat.groupby("customer")["amount"].mean().reindex(found.index).fillna(0.0)
    return found
