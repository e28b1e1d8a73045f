"""Stylised facts about customers (SPEC 9.1), each measured on one run: figures by name, NaN where there was nobody."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from sim.bank.model import BankModel
from sim.codes import ACTIVE, CLOSED
from sim.scenario.scenario import Scenario
from sim.validation.banks import TIERS, bank, live, tables
from sim.validation.statistics import decay, gini, least_squares, logistic, top_share

YEAR = 12
TENURES = (0, 1, 2, 3, *range(6, 61, 3))  # months of tenure at which the course of survival is told
Figures = dict[str, float]


class Panel:
    """panel.parquet of one run as matrices (customer, month); NaN where a customer was no longer there."""

    def __init__(self, rows: pd.DataFrame):
        self.rows = rows
        self.uids = np.unique(rows["observed_uid"].to_numpy())
        self.at = np.searchsorted(self.uids, rows["observed_uid"].to_numpy()), rows["month"].to_numpy()
        self.shape = (self.uids.size, int(rows["month"].max()) + 1)

    def __getitem__(self, column: str) -> np.ndarray:
        out = np.full(self.shape, np.nan)
        out[self.at] = self.rows[column].to_numpy(float)
        return out

    @cached_property
    def active(self) -> np.ndarray:
        return self["observed_state"] == ACTIVE


@dataclass
class Run:
    """One bank that has lived: its tables, its panel, and the columns of month 0 that no table keeps."""

    tables: dict[str, pd.DataFrame]
    aum: np.ndarray = field(default_factory=lambda: np.zeros(0))  # of every open customer at month 0
    weight: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @cached_property
    def monthly(self) -> pd.DataFrame:
        return self.tables["monthly"]

    @cached_property
    def panel(self) -> Panel:
        return Panel(self.tables["panel"])

    def by_tier(self, column: str) -> np.ndarray:
        """A column of monthly.parquet as (month, tier)."""
        return self.monthly.pivot(index="month", columns="tier", values=column)[list(TIERS)].to_numpy()


def run(scenario: Scenario, seed: int) -> Run:
    """Live one bank and keep what the facts need."""
    kept: dict[str, np.ndarray] = {}

    def watch(model: BankModel) -> None:
        if model.month == 0:
            here = model.customers.state != CLOSED
            kept.update(aum=model.customers.aum[here].copy(), weight=model.customers.weight[here].astype(float))

    model = live(bank(scenario, seed), watch)
    return Run(tables(model), kept["aum"], kept["weight"])


def v1(run: Run) -> Figures:
    """Concentration of AUM over open customers after burn-in."""
    return {
        "top 2 %": top_share(run.aum, run.weight, 0.02),
        "top 20 %": top_share(run.aum, run.weight, 0.20),
        "Gini": gini(run.aum, run.weight),
    }


def v2(run: Run) -> Figures:
    """Relative drift of each tier's share of customers from month 0 to month 36."""
    customers = run.by_tier("customers")
    share = customers / customers.sum(axis=1, keepdims=True)
    active = run.by_tier("active")
    awake = active / active.sum(axis=1, keepdims=True)
    out = {tier: share[36, k] / share[0, k] - 1.0 for k, tier in enumerate(TIERS)}
    return out | {f"{tier}, active only": awake[36, k] / awake[0, k] - 1.0 for k, tier in enumerate(TIERS)}


def attrition(run: Run) -> np.ndarray:
    """Active customers who closed or went dormant, per active customer-year, by tier."""
    left = (run.by_tier("closed") - run.by_tier("closed_dormant") + run.by_tier("went_dormant"))[1:].sum(axis=0)
    return left / (run.by_tier("active")[:-1].sum(axis=0) / YEAR)


def v3(run: Run) -> Figures:
    """Attrition a year by tier, and how much it falls from each tier to the next."""
    rate = attrition(run)
    out = {f"{tier} a year": rate[k] for k, tier in enumerate(TIERS)}
    return out | {f"{a} less {b}": rate[k] - rate[k + 1] for k, (a, b) in enumerate(pairwise(TIERS))}


def v4(run: Run) -> Figures:
    """First-year churn of mass customers from the cohort table, and the hazard from one year of tenure to the next."""
    table = run.tables["cohorts"]
    mass = table[table["tier"] == "mass"].set_index("tenure_month")
    hazard = ((mass["closed"] + mass["dormant"]) / mass["at_risk"]).to_numpy()
    first_year, first_quarter = (float(1.0 - np.prod(1.0 - hazard[:months])) for months in (YEAR, 3))
    out = {"first year": first_year, "of it in the first quarter": first_quarter / first_year}

    def yearly(first: int, last: int) -> float:
        years = mass.loc[first:last]
        return float((years["closed"] + years["dormant"]).sum() / years["at_risk"].sum())

    bands = ((12, 23), (24, 35), (36, 47), (48, 59), (60, 119), (120, 240))
    rates = [yearly(*band) for band in bands]
    for (first, _), (one, after) in zip(bands[1:], pairwise(rates), strict=True):
        out[f"hazard from month {first} over the band before"] = after / one
    survival = np.r_[1.0, np.cumprod(1.0 - hazard)]
    return out | {f"with the bank after {month} months": float(survival[month]) for month in TENURES}


def v7(run: Run) -> Figures:
    """Odds ratio of leaving within 12 months per product held, on the panel as a bank would export it."""
    panel = run.panel
    columns = {
        name: panel[f"observed_{name}"] for name in ("products", "tier", "aum", "age", "adopted", "joined_month")
    }
    xs, ys = [], []
    for start in range(0, panel.shape[1] - YEAR, YEAR):
        here = panel.active[:, start]
        at = {name: values[here, start] for name, values in columns.items()}
        tenure = start - at["joined_month"]
        xs.append(
            np.column_stack(
                [
                    at["products"],
                    at["tier"] == 1,
                    at["tier"] >= 2,
                    np.log(np.maximum(at["aum"], 1.0)),
                    at["age"] + start / YEAR,
                    at["adopted"],
                    tenure < 3,
                    (tenure >= 3) & (tenure < 12),
                    tenure >= 60,
                ]
            )
        )
        ys.append(~panel.active[here, start + 1 : start + YEAR + 1].all(axis=1))
    x, y = np.concatenate(xs).astype(float), np.concatenate(ys).astype(float)
    keep = x.std(axis=0) > 0  # early tenure is empty: the panel follows customers of month 0
    return {
        "odds ratio per product": float(np.exp(logistic(x[:, keep], y)[1])),
        "the same without other covariates": float(np.exp(logistic(x[:, :1], y)[1])),
    }


def v8(run: Run) -> Figures:
    """Silence before the exit: odds ratio of leaving next month per silent month of a window, and how activity falls.

    A customer counts from its thirteenth month in the panel; transactions of a month are those of its twelve
    months of history, all active.
    """
    panel = run.panel
    active, used = panel.active, panel["observed_transactions"]
    windows = (3, 6, YEAR)
    silent: dict[int, list[np.ndarray]] = {window: [] for window in windows}
    exits, early, late, stayers = [], [], [], []
    for last in range(YEAR, active.shape[1] - 1):
        here = active[:, last - YEAR + 1 : last + 1].all(axis=1)
        leaves = ~active[here, last + 1]
        history = used[here, last - YEAR + 1 : last + 1]
        for window in windows:
            silent[window].append((history[:, -window:] == 0).sum(axis=1))
        exits.append(leaves)
        early.append(history[leaves, :3].ravel())
        late.append(history[leaves, -3:].ravel())
        stayers.append(history[~leaves, -3:].mean())
    leave = np.concatenate(exits).astype(float)
    out = {
        f"odds ratio per inactive month of the last {window}": float(
            np.exp(logistic(np.concatenate(silent[window]).astype(float)[:, None], leave)[1])
        )
        for window in windows
    }
    after = np.concatenate(late).mean()
    out["fall of activity"] = 1.0 - after / np.concatenate(early).mean()
    return out | {"activity below that of customers who stay": 1.0 - after / float(np.mean(stayers))}


def v10(run: Run, decay_month: float = 0.05, speed: float = 0.10, anchor_months: float = 60.0) -> Figures:
    """Asymmetry of satisfaction: piecewise regression on disappointments and pleasant surprises.

    The surprise of a month is read from the change of expectation, d = (E_t - E_{t-1}) / gamma. Quality itself,
    q = d + E_{t-1} where there was an experience, is held constant: it counts beside the surprise. Only customers
    without the app, whose experiences all weigh the same.
    """
    panel = run.panel
    active, app = panel.active, panel["observed_adopted"] > 0
    both = active[:, 1:] & active[:, :-1] & ~app[:, 1:] & ~app[:, :-1]
    satisfaction, expectation = panel["true_satisfaction"], panel["true_expectation"]
    tenure = np.arange(1, active.shape[1])[None, :] - panel["observed_joined_month"][:, 1:]
    anchor = (anchor_months / (anchor_months + tenure))[both]
    d = (np.diff(expectation, axis=1) / speed)[both]
    quality = np.where(d != 0, d + expectation[:, :-1][both], 0.0)
    change = (satisfaction[:, 1:] - (1.0 - decay_month) * satisfaction[:, :-1])[both] / anchor
    x = np.column_stack([np.maximum(d, 0), np.minimum(d, 0), quality, np.ones_like(d)])
    up, down, of_quality, level = least_squares(x, change)
    together = (down + of_quality) / (up + of_quality)
    return {
        "ratio of slopes": down / up,
        "gain": up,
        "loss": down,
        "quality itself": of_quality,
        "ratio of slopes, quality's own part in both": together,
        "level": level,
    }


def v12(run: Run) -> Figures:
    """Success of the first, second, ... offer of a six-month phone campaign, and its decay per attempt."""
    panel = run.panel
    attempts, products = panel["observed_attempts"], panel["observed_products"]
    most = 5
    wins, tries = np.zeros(most), np.zeros(most)
    for month in range(1, panel.shape[1]):
        if month % 6 == 0:  # a campaign ends and counts start anew
            continue
        seen = panel.active[:, month - 1] & panel.active[:, month] & (products[:, month - 1] < 10)
        before = attempts[seen, month - 1].astype(int)
        won = products[seen, month] > products[seen, month - 1]
        lost = attempts[seen, month] == before + 1
        for k in range(most):
            tries[k] += np.count_nonzero((before == k) & (won | lost))
            wins[k] += np.count_nonzero((before == k) & won)
    return {"ratio per attempt": decay(wins, tries)} | {f"attempt {k + 1}": wins[k] / tries[k] for k in range(most)}


def v15(run: Run) -> Figures:
    """Dormant stock, and closures among the exits of active mass customers."""
    customers, dormant = run.by_tier("customers"), run.by_tier("dormant")
    share = dormant.sum(axis=1) / customers.sum(axis=1)
    closed = (run.by_tier("closed") - run.by_tier("closed_dormant"))[1:, 0].sum()
    silent = run.by_tier("went_dormant")[1:, 0].sum()
    return {
        "dormant share, lowest month": float(share.min()),
        "dormant share, highest month": float(share.max()),
        "closures among mass exits": closed / (closed + silent),
    }
