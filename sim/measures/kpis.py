"""What a run comes to: key figures per arm and seed from its tables, and their summary over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.measures.catalogue import KPIS, base_name
from sim.measures.intervals import t_quantile
from sim.measures.money import Money
from sim.store.tables import SUMMARY_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run

SURE = 1.959963984540054  # standard deviations to each side of a 95 % interval
KPI_COLUMNS = ("arm", "seed", "kpi", "unit", "value", "better")


def run_kpis(
    tables: Mapping[str, pd.DataFrame],
    *,
    tiers: Sequence[str],
    discount_rate: float,
    currency: str = "CNY",
    arms: Sequence[str] | None = None,
    reference: str | None = None,
) -> pd.DataFrame:
    """Every key figure of every run: one row per arm, seed and KPI, columns `KPI_COLUMNS`.

    `tables` has monthly, bank and transitions as stored, of one run or of many with the same months. `arms` gives
    their order (default: as they appear) and `reference` the arm that roi, payback_months and cost_per_saved_customer
    are against and by whose customers equity is valued (default: the first). Arms without a run of the same seed in
    the reference have NaN there. `unit` is in `currency`; `better` is "higher", "lower" or "". `ValueError` for tables
    with holes.
    """
    import pandas as pd

    arms = tables["monthly"]["arm"].unique().tolist() if arms is None else list(arms)
    if not len(tables["monthly"]):
        return pd.DataFrame({column: [] for column in KPI_COLUMNS}).astype({"seed": "int64", "value": "float64"})
    money = Money(tables, arms, tiers, discount_rate, reference)
    found = {
        name: values for kpi in KPIS.values() for name, values in zip(kpi.names(tiers), kpi.values(money), strict=True)
    }
    names = list(found)
    kpis = [KPIS[base_name(name)] for name in names]
    runs = len(money)
    return pd.DataFrame(
        {
            "arm": np.repeat(np.array(arms, dtype=object)[money.arm], len(names)),
            "seed": np.repeat(money.seed, len(names)),
            "kpi": names * runs,
            "unit": [kpi.unit_in(currency) for kpi in kpis] * runs,
            "value": np.stack([found[name] for name in names], axis=1).ravel(),
            "better": [kpi.better or "" for kpi in kpis] * runs,
        }
    )


def run_kpis_of(run: Run) -> pd.DataFrame:
    """`run_kpis` of a stored run, with its own arms, tiers, discount rate and currency."""
    manifest = run.manifest
    return run_kpis(
        run.tables,
        tiers=run.tiers,
        arms=run.arms,
        discount_rate=manifest["discount_rate"],
        currency=manifest["currency"],
    )


def summarise(kpis: pd.DataFrame, errors: Mapping[tuple[str, str], float] | None = None) -> pd.DataFrame:
    """Mean over seeds with standard deviation and Student-t 95 % interval: the columns of summary.csv.

    Arms and KPIs in order of appearance. Seeds whose value is NaN do not count (`seeds` says how many do); with one
    seed, or an infinite value among them, sd and interval are NaN. `errors` are standard errors of means by arm and KPI
    that are known beside the spread over seeds (`sim.measures.evidence`): their interval stands where seeds give none,
    and where it is wider than that of the seeds.
    """
    import pandas as pd

    groups = kpis.groupby(["arm", "kpi", "unit"], sort=False)["value"]
    with np.errstate(invalid="ignore"):
        table = groups.agg(["mean", "std", "count"]).reset_index()
        infinite = ~np.isfinite(table["mean"].to_numpy())
        sd = np.where(infinite, np.nan, table["std"].to_numpy())
        n = table["count"].to_numpy()
        half = t_quantile(n) * sd / np.sqrt(np.maximum(n, 1))
    if errors:
        keys = zip(table["arm"], table["kpi"], strict=True)
        known = SURE * np.array([errors.get((str(arm), str(kpi)), np.nan) for arm, kpi in keys])
        half = np.fmax(half, np.where(infinite, np.nan, known))
    mean = table["mean"].to_numpy()
    table = table.assign(sd=sd, ci_low=mean - half, ci_high=mean + half, seeds=n.astype(np.int64))
    return pd.DataFrame(table[list(SUMMARY_COLUMNS)])
