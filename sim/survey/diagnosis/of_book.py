"""The four problems in a book: who is there, what they hold, who is silent, as the bank begins with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.survey.diagnosis.of_run import lorenz
from sim.survey.diagnosis.problems import BANK, COLUMNS, OF_BOOK, Lorenz, Measure

if TYPE_CHECKING:
    import pandas as pd

TOP = 0.0212  # of customers, whose share of AUM one bank publishes (F1)
TOP_HOLD = 0.82
DORMANT = "dormant among open customers at the beginning"


def of_book(people: pd.DataFrame, tiers: list[str]) -> tuple[pd.DataFrame, Lorenz | None]:
    """Measures of the open customers of a book, columns `COLUMNS`, and their Lorenz curve (None without AUM).

    `people` has a row a customer: tier (place in `tiers`), aum, active, app, products, managed (truth values or
    numbers) and weight, the customers that a row stands for.
    """
    import pandas as pd

    weight = people["weight"].to_numpy(np.float64)
    aum, tier = people["aum"].to_numpy(np.float64), people["tier"].to_numpy(np.int64)
    active = people["active"].to_numpy(bool)
    n, rows = len(people), []
    held = weight * aum
    for place, name in enumerate(tiers):
        own = tier == place
        for measure, of, about in (
            ("share_of_customers", weight, "of the bank's open customers at the beginning"),
            ("share_of_aum", held, "of the bank's AUM at the beginning"),
        ):
            rows.append(_row("structure", measure, name, _share(of, own), "share", int(own.sum()), about))
    groups = [(BANK, np.ones(n, dtype=bool)), *((name, tier == place) for place, name in enumerate(tiers))]
    for name, own in groups:
        alive = own & active
        silent = [("structure", "dormant_share", ~active, own, "share", DORMANT)] if not active.all() else []
        for problem, measure, of, base, unit, about in (
            *silent,  # a book that names nobody dormant says nothing of dormancy
            ("structure", "products", people["products"], alive, "products", "products of an active customer"),
            ("tools", "digital_active_share", people["app"], alive, "share", "active customers using the app"),
            ("staff", "managed_share", people["managed"], alive, "share", "active customers with a named manager"),
        ):
            value = _mean(np.asarray(of, dtype=np.float64), weight, base)
            published = (0.444, 0.444, "F6") if (measure, name) == ("dormant_share", BANK) else (np.nan, np.nan, "")
            rows.append(_row(problem, measure, name, value, unit, int(base.sum()), about, published))
    curve = lorenz(aum, weight, f"the book's {n:,} open customers at the beginning") if held.sum() > 0 else None
    if curve is not None:
        wide = np.diff(curve.customers)
        gini = float(1.0 - (wide * (curve.aum[1:] + curve.aum[:-1])).sum())
        top = float(1.0 - np.interp(1.0 - TOP, curve.customers, curve.aum))
        about = "Gini coefficient of AUM over open customers (0 equal, 1 all with one)"
        rows.append(_row("structure", "aum_gini", BANK, gini, "index", n, about))
        about = f"AUM of the richest {100 * TOP:g} % of customers"
        rows.append(_row("structure", "top_share", BANK, top, "share", n, about, (TOP_HOLD, TOP_HOLD, "F1")))
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    return table[np.isfinite(table["value"].to_numpy(float))].reset_index(drop=True), curve


def _row(
    problem: str,
    measure: str,
    group: str,
    value: float,
    unit: str,
    n: int,
    about: str,
    published: tuple[float, float, str] = (np.nan, np.nan, ""),
) -> Measure:
    low, high, source = published
    return Measure(problem, measure, group, value, unit, np.nan, np.nan, n, OF_BOOK, low, high, source, about)


def _share(of: np.ndarray, own: np.ndarray) -> float:
    total = float(of.sum())
    return float(of[own].sum()) / total if total > 0 else np.nan


def _mean(of: np.ndarray, weight: np.ndarray, own: np.ndarray) -> float:
    total = float(weight[own].sum())
    return float((weight * of)[own].sum()) / total if total > 0 else np.nan
