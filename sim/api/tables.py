"""Stored tables with their units."""

from __future__ import annotations

import pandas as pd


def with_units(table: pd.DataFrame, name: str, currency: str) -> pd.DataFrame:
    """The table of this name with the units of its columns in ``.attrs["units"]``; the stored one stays as it is."""
    from sim.store.columns import units

    table = table.copy(deep=False)
    table.attrs["units"] = units(name, table.columns, currency=currency)
    return table
