"""Balances as the study of wealth takes them: snapshots and histories, the statistics they give, and their noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.calibration.problem import Floats
from sim.calibration.studies.common import EDGE, MODEL, table

if TYPE_CHECKING:
    import pandas as pd

SAVINGS, BERKA = "savings_churn/customers.csv.gz", "berka/trans_1993-01_1994-03.asc.gz"
SEED = 2  # of the bootstrap
# The months of the four snapshots, 0 the last one; the quarters are averages of three months.
SHOTS = {
    "quarter before": (-5, -4, -3),
    "quarter": (-2, -1, 0),
    "month before": (-1,),
    "month": (0,),
}
COLUMNS = (
    "average_monthly_balance_prevQ2",
    "average_monthly_balance_prevQ",
    "previous_month_balance",
    "current_month_balance",
)
GIVEN = 1  # the quarter: customers are in the file for its balance, which leaves the law of the others given it
OTHERS = (0, 2, 3)
PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
CUTS = (0.70, 0.95)  # of the quarter's balance: bounds of three tiers
TIERS = len(CUTS) + 1
GRID = 12  # quantiles of the quarter's balance in each tier
TERMS = 5  # of the tetrachoric series
BOOTSTRAP = 400
LAGS = (1, 2, 3, 4, 6, 8)  # months, of the history
NEW = 3  # months in which an account that joins later is left out
OF_LAW = 0.1  # error of the law beside that of sampling, of the snapshots' covariances given the quarter: a judgement
LEAST = 30  # pairs of months a lag must have


@dataclass(frozen=True)
class Moments:
    """Statistics with the covariance of their sampling, by name."""

    names: tuple[str, ...]
    values: Floats
    covariance: Floats


def steady(before: Floats, after: Floats) -> Any:
    """Where a change of balance is one of wealth: within what the model keeps of a wallet that falls asleep."""
    far = -np.log(MODEL.wallet.dormant_share)
    return np.abs(after - before) < far


def snapshots(folder: str | Path) -> Floats:
    """Log balances (n, 4) of the customers whose balance neither emptied nor came from nothing."""
    data = table(folder, SAVINGS, usecols=list(COLUMNS))[list(COLUMNS)].to_numpy(np.float64)
    data = np.log(np.maximum(data, 1.0))
    kept = np.all([steady(data[:, GIVEN], data[:, j]) for j in OTHERS], axis=0)
    return np.asarray(data[kept])


def given_quarter(logs: Floats) -> Moments:
    """Slopes of the other snapshots on the quarter's, and the covariances of what is left, of log balances (n, 4).

    Choosing customers by the quarter's balance leaves these as they are, if all is normal; as it is not, and sampling
    errs by a hundredth only, the law is taken to err by a tenth.
    """
    n = logs.shape[0]
    x = logs[:, GIVEN] - logs[:, GIVEN].mean()
    others = logs[:, list(OTHERS)] - logs[:, list(OTHERS)].mean(axis=0)
    slope = x @ others / (x @ x)
    left = others - np.outer(x, slope)
    products = np.stack([left[:, i] * left[:, j] for i, j in PAIRS], axis=1)
    influence = np.concatenate([x[:, None] * left / x.var(), products - products.mean(axis=0)], axis=1)
    words = [list(SHOTS)[j] for j in OTHERS]
    names = [f"slope of {word}" for word in words]
    names += [f"variance of {words[i]}" if i == j else f"{words[i]} with {words[j]}" for i, j in PAIRS]
    spread = left.var(axis=0)
    of_law = [spread / x.var(), [np.sqrt(spread[i] * spread[j]) for i, j in PAIRS]]
    covariance = influence.T @ influence / n**2 + np.diag((OF_LAW * np.concatenate(of_law)) ** 2)
    return Moments(tuple(names), np.concatenate([slope, products.mean(axis=0)]), covariance)


def bounds_of(logs: Floats) -> Floats:
    """Bounds of three tiers of log balance, by the quarter's, with both ends."""
    return np.array([-np.inf, *np.quantile(logs[:, GIVEN], CUTS), np.inf])


def memory(chain: Floats) -> Floats:
    """Share in the same tier two steps later less what a Markov chain of the two says, of joint shares (n, 3, 3, 3)
    of a tier in the quarter before, in the quarter and in the month."""
    same = np.einsum("naba->n", chain)
    first, second = chain.sum(axis=3), chain.sum(axis=1)
    middle = second.sum(axis=2)
    return np.asarray(same - np.einsum("nab,nba,nb->n", first, second, 1.0 / np.maximum(middle, EDGE)))


def persistence(logs: Floats) -> Moments:
    """Shares of each tier of the quarter who are in it in the month, and the memory of three snapshots; bounds stand.

    Their covariance is a bootstrap's over customers.
    """
    bounds = bounds_of(logs)
    tier = np.clip(np.searchsorted(bounds, logs, side="left") - 1, 0, TIERS - 1)
    code = (tier[:, 0] * TIERS + tier[:, GIVEN]) * TIERS + tier[:, 3]
    shares = np.bincount(code, minlength=TIERS**3) / code.size
    again = np.random.Generator(np.random.Philox(key=SEED)).multinomial(code.size, shares, BOOTSTRAP) / code.size

    def statistics(chain: Floats) -> Floats:
        second = chain.sum(axis=1)
        stay = np.einsum("nbb->nb", second) / second.sum(axis=2)
        return np.column_stack([stay, memory(chain)])

    shape = (-1, TIERS, TIERS, TIERS)
    names = tuple(f"stays {word}" for word in ("mass", "affluent", "premium"))
    return Moments(
        (*names, "memory of the tier"),
        statistics(shares.reshape(shape))[0],
        np.cov(statistics(again.reshape(shape)), rowvar=False),
    )


def persisting(logs: Floats) -> Any:
    """A function of slopes (n, 3) and of covariances of what is left (n, 3, 3), given the quarter: `persistence`.

    The quarter's balances are as they are; the snapshots before and after it are normal given it.
    """
    from scipy.special import ndtr

    x = logs[:, GIVEN]
    bounds = bounds_of(logs)
    tiers = [np.sort(x[(x > low) & (x <= high)]) for low, high in pairwise(bounds)]
    grid = np.array([np.quantile(one, (np.arange(GRID) + 0.5) / GRID) for one in tiers])  # (tiers, GRID)
    share = np.array([one.size for one in tiers]) / x.size
    means = logs.mean(axis=0)
    inner = bounds[1:-1]

    def below(slope: Floats, sd: Floats, j: int) -> tuple[Floats, Floats]:
        centre = means[j] + slope[:, None, None] * (grid - means[GIVEN])
        z = (inner - centre[..., None]) / sd[:, None, None, None]
        return z, ndtr(z)

    def of(slope: Floats, left: Floats) -> Floats:
        sd_before, sd_after = np.sqrt(left[:, 0, 0]), np.sqrt(left[:, 2, 2])
        r = (left[:, 0, 2] / (sd_before * sd_after))[:, None, None, None, None]
        z_before, p_before = below(slope[:, 0], sd_before, 0)
        z_after, p_after = below(slope[:, 2], sd_after, 3)
        both = p_before[..., :, None] * p_after[..., None, :]
        here = [np.ones_like(z_before), np.ones_like(z_after)]  # Hermite polynomials of the tetrachoric series
        last = [np.zeros_like(z_before), np.zeros_like(z_after)]
        density = [np.exp(-z * z / 2.0) / np.sqrt(2.0 * np.pi) for z in (z_before, z_after)]
        weight = 1.0
        for k in range(1, TERMS + 1):
            weight = weight * r / k
            both = both + weight * (here[0] * density[0])[..., :, None] * (here[1] * density[1])[..., None, :]
            step = [z * h - (k - 1) * b for z, h, b in zip((z_before, z_after), here, last, strict=True)]
            last, here = here, step
        whole = np.zeros((*both.shape[:-2], TIERS + 1, TIERS + 1))  # joint distribution function at all bounds
        whole[..., 1:-1, 1:-1] = both
        whole[..., 1:-1, -1], whole[..., -1, 1:-1], whole[..., -1, -1] = p_before, p_after, 1.0
        joint = (
            np.diff(np.diff(whole, axis=-1), axis=-2).mean(axis=2) * share[None, :, None, None]
        )  # (n, quarter, ., .)
        chain = joint.transpose(0, 2, 1, 3)
        stay = np.einsum("nbb->nb", chain.sum(axis=1)) / share
        return np.column_stack([stay, memory(chain)])

    return of


def berka_history(folder: str | Path) -> pd.DataFrame:
    """Average balance of each account and full month: id, month (counted from 0), aum."""
    import pandas as pd

    trans = table(folder, BERKA, sep=";", low_memory=False, usecols=["trans_id", "account_id", "date", "balance"])
    day = pd.to_datetime("19" + trans.date.astype(str), format="%Y%m%d")
    trans = trans.assign(day=day).sort_values(["account_id", "day", "trans_id"])
    days = pd.date_range(day.min(), day.max() + pd.offsets.MonthEnd(0))
    daily = trans.groupby(["account_id", "day"]).balance.last().unstack("day").reindex(columns=days).ffill(axis=1)
    month = (days.year - days.year[0]) * 12 + days.month - days.month[0]
    whole = daily.T.groupby(month).agg(lambda column: column.mean(skipna=False)).T
    long = whole.stack().dropna().rename("aum").rename_axis(["id", "month"]).reset_index()
    return long


def panel(history: pd.DataFrame) -> Floats:
    """Log balances (customers, months) of a history (id, month as a whole number or a date, aum), NaN where there is
    none or none above 0.

    Who joins after the first month is left out for the first months: a new account fills.
    """
    import pandas as pd

    month = history["month"]
    if not pd.api.types.is_integer_dtype(month):
        period = pd.PeriodIndex(pd.to_datetime(month), freq="M")
        month = pd.Series(period.year * 12 + period.month, index=history.index)
    wide = history.assign(month=month).pivot(index="id", columns="month", values="aum")
    wide = wide.reindex(columns=range(int(month.min()), int(month.max()) + 1))
    amounts = wide.to_numpy(np.float64)
    logs = np.log(np.where(amounts > 0, amounts, np.nan))
    seen = np.isfinite(amounts)
    since = np.argmax(seen, axis=1)
    age = np.arange(amounts.shape[1]) - since[:, None]
    return np.asarray(np.where((since[:, None] > 0) & (age < NEW), np.nan, logs))


def structure(logs: Floats, lags: Sequence[int] = LAGS) -> tuple[Moments, list[int]]:
    """Variance of the change of log balance over each lag that has enough pairs, customers the clusters; the lags."""
    values, influence, kept = [], [], []
    for lag in lags:
        if lag >= logs.shape[1]:
            continue
        change = logs[:, lag:] - logs[:, :-lag]
        with np.errstate(invalid="ignore"):
            good = np.isfinite(change) & steady(logs[:, :-lag], logs[:, lag:])
        if good.sum() < LEAST:
            continue
        square = np.where(good, change - change[good].mean(), 0.0) ** 2
        value = square.sum() / good.sum()
        kept.append(lag)
        values.append(value)
        influence.append((square.sum(axis=1) - value * good.sum(axis=1)) / good.sum())
    each = np.array(influence)
    return Moments(tuple(f"{lag} months" for lag in kept), np.array(values), each @ each.T), kept
