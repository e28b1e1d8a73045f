"""Stylised facts about strategies: how much, how soon, at what price (V21), and what pairing wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from sim.bank.model import BankModel
from sim.codes import ACTIVE, NOBODY
from sim.measures.kpis import run_kpis
from sim.strategies import STRATEGIES
from sim.validation.banks import TIERS, arms_at_the_start, live, scenario, side_by_side, tables
from sim.validation.customers import YEAR, Figures, Run
from sim.validation.events import NOBODY_JOINS, awake

NOTHING, EVERYTHING, FOUR = "nothing", "all_seven", "the_four_strategies"
SINGLE = tuple(STRATEGIES)
ARMS = (*SINGLE, FOUR, EVERYTHING)
HALF_YEAR, TWO_YEARS = 6, 24
PAIRED = ("attrition_annual", "aum_end", "profit_annual")


def _uses(arm: str) -> list[dict[str, str]]:
    of = {NOTHING: (), FOUR: SINGLE[:4], EVERYTHING: SINGLE[:7]}
    return [{"use": name} for name in of.get(arm, (arm,))]


def attrition(run: Run, first: int, last: int) -> float:
    """Active customers who closed or went dormant in months first..last, per active customer-year."""
    left = (run.by_tier("closed") - run.by_tier("closed_dormant") + run.by_tier("went_dormant"))[first : last + 1]
    return float(left.sum() / (run.by_tier("active")[first - 1 : last].sum() / YEAR))


def strategies(customers: int, months: int, seed: int, arms: Sequence[str] = ARMS) -> dict[str, Figures]:
    """Every strategy alone, the four together, and the seven, on the bank as it stands, from one burn-in."""
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
        out[f"{arm}: return on investment"] = float(value[arm, "roi"])
        money = 1.0 - float(value[arm, "attrition_annual[aum]"] / value[NOTHING, "attrition_annual[aum]"])
        out[f"{arm}: fall of attrition by AUM, all months"] = money
    out["lowest return on investment of an arm"] = float(
        np.nanmin([out[f"{arm}: return on investment"] for arm in arms])  # NaN where an arm spends no more
    )
    e6 = {"largest deviation of an arm": max(abs(_roi_told_apart(value, arm)) for arm in arms)}
    raw = {f"{arm}/{kpi}": float(value[arm, kpi]) for arm in (NOTHING, *arms) for kpi in PAIRED}
    return {"v21": out, "pairing": raw, "e6": e6}


# --- the dip at the start, where a strategy touches customers --------------------------------------------------------

UPHEAVAL = {  # whose service a strategy unsettles, by the words of its `touches`; others unsettle nobody's
    "service": lambda c: np.ones(len(c), bool),
    "managers": lambda c: c.manager != NOBODY,
    "app": lambda c: c.adopted != 0,
}


def unsettles(arm: str) -> bool:
    """Whether an arm touches anybody's service: only then there is a dip."""
    return any(word in UPHEAVAL for one in _uses(arm) for word in STRATEGIES[one["use"]].touches)


def dips(customers: int, agents: int, seed: int, arms: Sequence[str] = ARMS) -> dict[str, Figures]:
    """The first six months of each arm: hazard and satisfaction of whom it touches, over theirs without it.

    The hazard is the one customers live by, so that a small rise shows without the luck of who leaves. Whom it
    touches is seen at month 0; of a strategy that touches managers' hours alone, customers with a manager.
    """
    s = scenario(
        customers,
        months=HALF_YEAR,
        burn_in=24,
        population={"agents": agents},
        model=NOBODY_JOINS,
        arms={arm: _uses(arm) for arm in (NOTHING, *arms)},
    )
    banks = arms_at_the_start(s, seed)
    c = banks[NOTHING].customers
    touched = {}
    for arm, plan in zip(banks, s.arm_list, strict=True):
        words = {word for strategy in plan.strategies for word in strategy.touched()}
        groups = [who(c) for word, who in UPHEAVAL.items() if word in words] or [UPHEAVAL["managers"](c)]
        touched[arm] = np.logical_or.reduce(groups) & (c.state == ACTIVE)
    hazard = {arm: np.zeros(2) for arm in arms}  # of the arm and of the bank without, over months
    for _, before in side_by_side(banks, awake):
        for arm in arms:
            for k, name in enumerate((arm, NOTHING)):
                hazard[arm][k] += _hazard(banks[name], before[name] & touched[arm])
    out: Figures = {}
    for arm in arms:
        stay = touched[arm] & awake(banks[arm]) & awake(banks[NOTHING])
        felt = [float(banks[name].customers.satisfaction[stay].mean(dtype=float)) for name in (arm, NOTHING)]
        lost = (felt[1] - felt[0]) / float(banks[NOTHING].rates.satisfaction_sd)
        out[f"{arm}: rise of the hazard of whom it touches, months 1 to 6"] = hazard[arm][0] / hazard[arm][1] - 1.0
        out[f"{arm}: satisfaction lost by whom it touches in month 6, SD"] = lost
    return {"v21": out}


def _hazard(bank: BankModel, rows: np.ndarray) -> float:
    """Mean hazard a month of leaving and falling silent that these customers lived by, but for following a manager."""
    c = bank.customers
    base = (bank.close_rate + bank.dormant_rate)[c.tier[rows]]
    return float(np.mean(base * np.exp(c.risk[rows].astype(float))))


def _roi_told_apart(value: pd.Series, arm: str) -> float:
    """Return on investment as told, less that from value and cost of both banks."""
    more = value[arm, "value"] - value[NOTHING, "value"]
    spent = value[arm, "cost_discounted"] - value[NOTHING, "cost_discounted"]
    return float(value[arm, "roi"] - ((more + spent) / spent - 1.0)) if spent > 0 else 0.0


def variance_ratio(arm: np.ndarray, reference: np.ndarray) -> tuple[float, float, float]:
    """(var arm + var reference) / var difference over seeds, and its 95 % interval by the jackknife on the log."""

    def log_ratio(keep: np.ndarray) -> float:
        a, b = arm[keep], reference[keep]
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(np.log((a.var(ddof=1) + b.var(ddof=1)) / np.var(a - b, ddof=1)))

    n = arm.size
    whole = log_ratio(np.ones(n, bool))
    left_out = np.array([log_ratio(np.arange(n) != i) for i in range(n)])
    if n < 4 or not np.isfinite([whole, *left_out]).all():
        return float(np.exp(whole)), np.nan, np.nan
    pseudo = n * whole - (n - 1) * left_out
    half = float(student.ppf(0.975, n - 1) * pseudo.std(ddof=1) / np.sqrt(n))
    return tuple(float(np.exp(value)) for value in (whole, whole - half, whole + half))  # type: ignore[return-value]


def pairing(seeds: Sequence[Figures]) -> list[tuple[str, list[tuple[float, float, float]]]]:
    """By arm: the variance ratio of attrition, AUM at the end and profit, with intervals."""

    def values(arm: str, kpi: str) -> np.ndarray:
        return np.array([figures[f"{arm}/{kpi}"] for figures in seeds])

    return [(arm, [variance_ratio(values(arm, kpi), values(NOTHING, kpi)) for kpi in PAIRED]) for arm in ARMS]
