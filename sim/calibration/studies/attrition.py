"""From a falling balance to a balance below the minimum, from four balance snapshots of savings customers.

In the model a balance and leaving have one cause in common: satisfaction moves the share of wallet (logit, a month) and
the hazard. The rest of what the data show the model does not have, and it is fitted as numbers of the data alone: money
that goes before its owner does, and customers whose balance moves more than others', up or down. What "the minimum" is
the file does not say: customers high above its least balance fall below it as often, so that it is no fixed amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.calibration.problem import Floats, Learned, Target
from sim.calibration.studies.common import EDGE, MODEL, Law, binomial, free, nuisance, table, told

name = "attrition"
about = "balance trend and falling below the minimum, from savings customers"
files = ("savings_churn/customers.csv.gz",)

PURPOSE = 4
COLUMNS = ("average_monthly_balance_prevQ", "current_month_balance", "churn")
TREND = (-1.0, -0.5, -0.2, -0.05, 0.05, 0.2, 0.5, 1.0)  # log of the month's balance over the quarter's: bounds of bins
HEIGHT = (2.0, 5.0)  # quarter's balance over the least one: bounds of near, middle and far
MIDDLE = 1  # checks
HEIGHTS = ("near", "middle", "far")
SLOWEST = 3.0  # log: a trend beyond counts as this
MONTHS = 1.0  # of satisfaction in the trend: from the quarter's middle to the month
TIER = "mass"
PATHS = ("model.leaving.satisfaction", "model.wallet.satisfaction")
LEVEL, SLOPE, LITTLE = (-5.0, -1.0), (-1.0, 5.0), (-0.5, 0.5)
UNSEEN = (0.1, 10.0)


@dataclass(frozen=True)
class Cells:
    """By height and bin of trend, (3, 9): customers, those who fell below, means of trend, of the root of how far the
    balance fell and of how far it moved, and of the log of the quarter's balance over the least; `variance` is that of
    the trend."""

    customers: Floats
    fell: Floats
    trend: Floats
    falling: Floats
    moving: Floats
    height: Floats
    variance: float


def cells(quarter: Floats, month: Floats, fell: Floats) -> Cells:
    """The cells of customers' balances in the quarter and in the month, and who fell below the minimum after."""
    least = quarter.min()
    trend = np.clip(np.log(np.maximum(month, 1.0) / quarter), -SLOWEST, SLOWEST)
    shape = (len(HEIGHT) + 1, len(TREND) + 1)
    row = np.searchsorted(HEIGHT, quarter / least, side="right")
    cell = row * shape[1] + np.searchsorted(TREND, trend, side="right")
    size = shape[0] * shape[1]

    def total(values: Floats | None = None) -> Floats:
        return np.bincount(cell, values, size).reshape(shape).astype(np.float64)

    customers = total()
    moved = (trend, np.sqrt(np.maximum(-trend, 0.0)), np.sqrt(np.abs(trend)), np.log(quarter / least))
    trends, falls, moves, heights = (total(each) / np.maximum(customers, 1.0) for each in moved)
    return Cells(customers, total(fell), trends, falls, moves, heights, float(trend.var()))


def own_slope(leaving: Floats, wallet: Floats, variance: float) -> Floats:
    """Log hazard by log trend that the model makes: both by satisfaction of unit variance, (n,).

    A month of satisfaction S moves log AUM by wallet (1 - w) S; the trend's regression on it does the rest.
    """
    kept = 1.0 - MODEL.wallet.mean[TIER]
    return leaving * wallet * kept * MONTHS / variance


def made(seen: Cells) -> Law:
    """The problem, of cells."""
    numbers = [
        free(PATHS[0]),
        free(PATHS[1]),
        nuisance("emptied", *LEVEL, -3.0, "log a quarter", "emptied accounts, of those whose balance stood still"),
        nuisance("money first", *SLOPE, 1.5, "log hazard/log^0.5", "by how far the balance fell"),
        nuisance("movers", *SLOPE, 1.5, "log hazard/log^0.5", "by how far it moved, up or down"),
        nuisance("height", *LITTLE, 0.0, "log hazard/log", "by the quarter's balance over the least of all"),
        nuisance("unseen", *UNSEEN, 1.0, "variance", "gamma frailty of the quarter's hazard", "log"),
    ]
    count = np.maximum(seen.customers, 1.0)
    rate = seen.fell / count
    error = np.sqrt(np.maximum(rate * (1.0 - rate), EDGE) / count + EDGE)
    used = [i for i in range(rate.shape[0]) if i != MIDDLE]
    bounds = ("lowest", *(f"{bound:+.2f}" for bound in TREND))
    targets = [
        Target(
            f"{HEIGHTS[i]}, trend from {bounds[j]}",
            float(rate[i, j]),
            float(error[i, j]),
            "probability a quarter",
            i in used,
            "fell below the minimum in the next quarter",
        )
        for i in range(rate.shape[0])
        for j in range(rate.shape[1])
    ]

    def chance(theta: Floats) -> Floats:
        slope = own_slope(theta[:, 0], theta[:, 1], seen.variance)
        columns = (np.ones_like(seen.trend), seen.falling, seen.moving, seen.height)
        log_hazard = slope[:, None, None] * seen.trend
        for i, column in enumerate(columns):
            log_hazard = log_hazard + theta[:, 2 + i, None, None] * column
        unseen = theta[:, 2 + len(columns), None, None]
        return -np.expm1(-np.log1p(unseen * np.exp(log_hazard)) / unseen)

    def law(theta: Floats, z: Floats) -> Floats:
        p = chance(theta).reshape(theta.shape[0], -1)
        return binomial(seen.customers.ravel(), p, z) / count.ravel()

    def of_data(theta: Floats, shares: Floats) -> Floats:
        p = np.clip(chance(theta)[:, used], EDGE, 1.0 - EDGE)
        all_of = seen.customers[used]
        yes = shares.reshape(rate.shape)[used] * count[used]
        return np.asarray((yes * np.log(p) + (all_of - yes) * np.log1p(-p)).sum(axis=(1, 2)))

    covariance = np.diag([target.error**2 for target in targets])
    return Law(name, numbers, targets, covariance, law, rate.size, PURPOSE, of_data)


def problem(folder: str | Path) -> Law:
    """What satisfaction can make of the link between trend and attrition, beside what the data alone need."""
    data = table(folder, files[0], usecols=list(COLUMNS))[list(COLUMNS)].to_numpy(np.float64)
    return made(cells(data[:, 0], data[:, 1], data[:, 2]))


def learned(fit: Any) -> Learned:
    """What the page says."""
    first, movers = np.asarray(fit.draws)[:, 3:5].T
    return Learned(
        "22,771 savings customers: the balance of a quarter and of its last month, and who fell below the minimum in "
        "the next quarter.",
        "Shares who fell by trend, near the minimum and far from it; those between check. Two numbers of the model "
        "through satisfaction, five of the data alone.",
        f"Money goes first: with the root of how far a balance fell the log hazard rises by {told(first)}, on top of "
        f"{told(movers)} for any move. Through satisfaction the model makes next to none of it, so that the set says "
        "nothing of its two numbers.",
        "No default changes. A balance below a minimum is no closed account, so the level means nothing here.",
    )
