"""Stylised facts about strategies: how much, how soon, at what price (V21), and what pairing wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from sim.measures.kpis import run_kpis
from sim.strategies import STRATEGIES

from .banks import TIERS, arms_at_the_start, live, scenario, tables
from .facts_customers import YEAR, Figures, Run

NOTHING, EVERYTHING, FOUR = "nothing", "all_seven", "the_four_strategies"
SINGLE = tuple(STRATEGIES)
ARMS = (*SINGLE, FOUR, EVERYTHING)
HALF_YEAR, TWO_YEARS = 6, 24
PAIRED = ("attrition_annual", "aum_end", "profit_annual")


def _uses(arm: str) -> list[dict[str, str]]:
    of = {NOTHING: (), FOUR: SINGLE[:4], EVERYTHING: SINGLE}
    return [{"use": name} for name in of.get(arm, (arm,))]


def attrition(run: Run, first: int, last: int) -> float:
    """Active customers who closed or went dormant in months first..last, per active customer-year."""
    left = (run.by_tier("closed") - run.by_tier("closed_dormant") + run.by_tier("went_dormant"))[first : last + 1]
    return float(left.sum() / (run.by_tier("active")[first - 1 : last].sum() / YEAR))


def satisfaction(run: Run, month: int) -> float:
    """Mean satisfaction of active customers, SD."""
    active = run.by_tier("active")[month]
    return float((run.by_tier("satisfaction")[month] * active).sum() / active.sum())


def strategies(customers: int, months: int, seed: int, arms: Sequence[str] = ARMS) -> dict[str, Figures]:
    """Every strategy alone, the four together, and all seven, on the bank as it stands, from one burn-in."""
    s = scenario(customers, months=months, burn_in=24, arms={arm: _uses(arm) for arm in (NOTHING, *arms)})
    runs = {name: Run(tables(live(bank))) for name, bank in arms_at_the_start(s, seed).items()}
    none = runs[NOTHING]
    all_tables = {
        name: pd.concat([run.tables[name] for run in runs.values()], ignore_index=True)
        for name in ("monthly", "bank", "transitions")
    }
    kpis = run_kpis(all_tables, tiers=list(TIERS), discount_rate=s.discount_rate, reference=NOTHING)
    value = kpis.set_index(["arm", "kpi"])["value"]
    out: Figures = {}
    for arm in arms:
        for first, last in ((1, TWO_YEARS), (13, TWO_YEARS)):
            fall = 1.0 - attrition(runs[arm], first, last) / attrition(none, first, last)
            out[f"{arm}: fall of attrition, months {first} to {last}"] = fall
        out[f"{arm}: rise of attrition, months 1 to 6"] = (
            attrition(runs[arm], 1, HALF_YEAR) / attrition(none, 1, HALF_YEAR) - 1.0
        )
        out[f"{arm}: satisfaction lost in month 6, SD"] = satisfaction(none, HALF_YEAR) - satisfaction(
            runs[arm], HALF_YEAR
        )
        out[f"{arm}: return on investment"] = float(value[arm, "roi"])
        money = 1.0 - float(value[arm, "attrition_annual[aum]"] / value[NOTHING, "attrition_annual[aum]"])
        out[f"{arm}: fall of attrition by AUM, all months"] = money
    out["lowest return on investment of an arm"] = min(out[f"{arm}: return on investment"] for arm in arms)
    e6 = {"largest deviation of an arm": max(abs(_roi_told_apart(value, arm)) for arm in arms)}
    raw = {f"{arm}/{kpi}": float(value[arm, kpi]) for arm in (NOTHING, *arms) for kpi in PAIRED}
    return {"v21": out, "pairing": raw, "e6": e6}


def _roi_told_apart(value: pd.Series, arm: str) -> float:
    """Return on investment as told, less that from value and cost of both banks."""
    more = value[arm, "value"] - value[NOTHING, "value"]
    spent = value[arm, "cost_discounted"] - value[NOTHING, "cost_discounted"]
    return float(value[arm, "roi"] - ((more + spent) / spent - 1.0)) if spent > 0 else 0.0


def variance_ratio(arm: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """(var arm + var reference) / var difference over seeds, and its 95 % interval by the jackknife on the log."""

    def log_ratio(keep: np.ndarray) -> float:
        a, b = arm[keep], reference[keep]
        with np.errstate(divide="ignore"):
            return float(np.log((a.var(ddof=1) + b.var(ddof=1)) / np.var(a - b, ddof=1)))

    n = arm.size
    whole = log_ratio(np.ones(n, bool))
    if n < 4 or not np.isfinite(whole):
        return float(np.exp(whole)), np.nan, np.nan
    left_out = np.array([log_ratio(np.arange(n) != i) for i in range(n)])
    pseudo = n * whole - (n - 1) * left_out
    half = float(student.ppf(0.975, n - 1) * pseudo.std(ddof=1) / np.sqrt(n))
    return tuple(float(np.exp(value)) for value in (whole, whole - half, whole + half))  # type: ignore[return-value]


def pairing(seeds: Sequence[Figures]) -> list[tuple[str, list[tuple[float, float, float]]]]:
    """By arm: the variance ratio of attrition, AUM at the end and profit, with intervals."""

    def values(arm: str, kpi: str) -> np.ndarray:
        return np.array([figures[f"{arm}/{kpi}"] for figures in seeds])

    return [(arm, [variance_ratio(values(arm, kpi), values(NOTHING, kpi)) for kpi in PAIRED]) for arm in ARMS]
