"""Stylised facts about churn models (V17): the bank's own score, and one trained on what an export shows."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import rankdata

from sim.bank.model import BankModel
from sim.codes import ACTIVE
from sim.validation.banks import at_the_start, fork, scenario
from sim.validation.customers import Figures, Panel, Run
from sim.validation.statistics import logistic

AHEAD = 3  # months in which a customer may leave; the bank's score is drawn anew each quarter
TENTH = 0.1
# What the bank's models are said to know: on perfect data, and how far the data let it through.
KNOWLEDGE = {
    "today": (0.62, 0.5),
    "with personalised service": (0.78, 0.5),
    "with personalised service and fintech": (0.78, 0.85),
}


def auc(score: np.ndarray, leaves: np.ndarray) -> float:
    """Chance that one who leaves has a higher score than one who stays (ties count half)."""
    ranks, hits = rankdata(score), int(leaves.sum())
    return float((ranks[leaves].sum() - hits * (hits + 1) / 2) / (hits * (leaves.size - hits)))


def lift(score: np.ndarray, leaves: np.ndarray, top: float = TENTH) -> float:
    """Leaving among the best-scored `top` share over leaving at large."""
    chosen = np.argsort(-score, kind="stable")[: round(top * score.size)]
    return float(leaves[chosen].mean() / leaves.mean())


def binormal_lift(area: float, top: float = TENTH) -> float:
    """Lift of a rare event that the AUC alone implies when both groups are normal (SPEC 6.3)."""
    return float((1.0 - ndtr(ndtri(1.0 - top) - np.sqrt(2.0) * ndtri(area))) / top)


def _judged(name: str, score: np.ndarray, leaves: np.ndarray) -> Figures:
    area, gained = auc(score, leaves), lift(score, leaves)
    return {
        f"{name}: AUC": area,
        f"{name}: lift of the top tenth": gained,
        f"{name}: lift over the binormal one": gained / binormal_lift(area),
    }


def scores(customers: int, seed: int) -> dict[str, Figures]:
    """The bank's churn score against who leaves in the next three months, for three states of knowledge."""
    start = at_the_start(
        scenario(customers, months=AHEAD, burn_in=24, model={"mechanisms": {"acquisition": False}}), seed
    )
    start.begin_measuring()
    rows = np.flatnonzero(start.customers.state == ACTIVE)
    known = {name: known_score(start, rows, *how) for name, how in KNOWLEDGE.items()}
    for _ in range(AHEAD):
        start.step()
    leaves = start.customers.state[rows] != ACTIVE
    out: Figures = {}
    for name, score in known.items():
        out |= _judged(f"the bank's score {name}", score, leaves)
    perfect = start.risk_spread
    return {"v17": out | {"most that any score of risk can reach: AUC": float(ndtr(perfect / np.sqrt(2.0)))}}


def known_score(bank: BankModel, rows: np.ndarray, churn_auc: float, data_quality: float) -> np.ndarray:
    """The churn score the bank would have of some customers if its models knew so much; in SD of their tier."""
    bank = fork(bank)
    scores = bank.settings.scores.model_copy(update={"churn_auc": churn_auc, "data_quality": data_quality})
    bank.settings = bank.settings.model_copy(update={"scores": scores})
    bank.now = bank._now(bank.levers)  # what is known is reckoned once a month
    return bank.scores(rows)["churn_score"].astype(float)


def v17(run: Run) -> Figures:
    """A logistic model trained on one half of the panel's customers and judged on the other."""
    x, y, who = _export(run.panel, AHEAD)
    learns = who % 2 == 0
    centre, spread = x[learns].mean(axis=0), np.maximum(x[learns].std(axis=0), 1e-9)
    z = np.clip((x - centre) / spread, -5.0, 5.0)
    b = logistic(z[learns], y[learns].astype(float))
    out = _judged("trained on an export", b[0] + z[~learns] @ b[1:], y[~learns])
    lean = z[:, :LASTING]
    b = logistic(lean[learns], y[learns].astype(float))
    out["the same without use of the account: AUC"] = auc(lean[~learns] @ b[1:], y[~learns])
    soon = _export(run.panel, 1)[1]
    b = logistic(z[learns], soon[learns].astype(float))
    return out | {"trained on leaving next month: AUC": auc(z[~learns] @ b[1:], soon[~learns])}


LASTING = 11  # the first so many columns say nothing of how the account is used


def _export(panel: Panel, ahead: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the bank sees of active customers each quarter from the second year on, who leaves in `ahead`, and who.

    Use of the account: transactions of the month, the quarter, the year and what is new about them; months of
    silence; AUM now over three and twelve months ago.
    """
    active, used = panel.active, panel["observed_transactions"]
    names = ("tier", "products", "aum", "age", "adopted", "joined_month", "manager", "contact_gap", "silence")
    seen = {name: panel[f"observed_{name}"] for name in names}
    xs, ys, ids = [], [], []
    for month in range(12, active.shape[1] - AHEAD, AHEAD):
        here = active[:, month - 11 : month + 1].all(axis=1)
        at = {name: values[here, month] for name, values in seen.items()}
        tenure = np.maximum(month - at["joined_month"], 0.0)
        years = at["age"] + month / 12.0
        past = {lag: used[here, month - lag + 1 : month + 1].sum(axis=1) for lag in (1, 3, 12)}
        money = np.log(np.maximum(at["aum"], 1.0))
        before = [np.log(np.maximum(seen["aum"][here, month - lag], 1.0)) for lag in (3, 12)]
        xs.append(
            np.column_stack(
                [
                    at["tier"] == 1,
                    at["tier"] == 2,
                    at["tier"] == 3,
                    at["products"],
                    money,
                    years,
                    (years - 45.0) ** 2,
                    at["adopted"],
                    np.log1p(tenure),
                    at["manager"] >= 0,
                    at["contact_gap"] > 6,
                    *(np.log1p(past[lag]) for lag in (1, 3, 12)),
                    at["silence"],
                    *(money - then for then in before),
                ]
            )
        )
        ys.append(~active[here, month + 1 : month + ahead + 1].all(axis=1))
        ids.append(np.flatnonzero(here))
    return np.concatenate(xs).astype(float), np.concatenate(ys), np.concatenate(ids)
