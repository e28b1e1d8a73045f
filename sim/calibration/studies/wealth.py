"""Volatility and reversion of wealth from balances: four snapshots of savings customers, monthly balances of accounts.

The model's law of log wealth (SPEC 9.2, A6): own mean plus an AR(1) of memory 1 - kappa and monthly shocks of standard
deviation sigma, so that the autocovariance at h months is var(own means) + sigma^2 / (1 - (1 - kappa)^2) (1 - kappa)^h.
A balance is no wealth: salaries come in and rents go out. What passes in a month or two is a second AR(1) of the data
alone, with its own size and memory in each data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.calibration.problem import Floats, Free, Learned, Target
from sim.calibration.studies.common import EDGE, MODEL, Law, free, normal_likelihood, nuisance, table, told

if TYPE_CHECKING:
    import pandas as pd

name = "wealth"
about = "volatility and reversion of wealth, from balances of savings customers and of accounts month by month"
files = ("savings_churn/customers.csv.gz", "berka/trans_1993-01_1994-03.asc.gz")

PURPOSE = 2
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
HELD_OUT = (4, 8)
NEW = 3  # months in which an account that joins later is left out
OF_LAW = 0.1  # error of the law beside that of sampling, of the snapshots' covariances given the quarter: a judgement
LEAST = 30  # pairs of months a lag must have
SPREAD, PASSING, MEMORY = (0.3, 2.0), (0.02, 1.0), (0.0, 0.9)


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
    data = table(folder, files[0], usecols=list(COLUMNS))[list(COLUMNS)].to_numpy(np.float64)
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
    again = np.random.Generator(np.random.Philox(key=PURPOSE)).multinomial(code.size, shares, BOOTSTRAP) / code.size

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

    trans = table(folder, files[1], sep=";", low_memory=False, usecols=["trans_id", "account_id", "date", "balance"])
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


def autocovariance(sd: Floats, reversion: Floats, lags: Floats) -> Floats:
    """Of the model's log wealth about the own mean, (n, lags): sd^2 / (1 - phi^2) phi^h, phi = 1 - reversion (A6)."""
    memory = (1.0 - reversion)[:, None]
    return np.asarray(sd[:, None] ** 2 / (1.0 - memory**2) * memory ** np.abs(lags))


def shot_covariance(of_lag: Any) -> Floats:
    """Covariance (n, 4, 4) of the snapshots, of a function that gives the autocovariance (n, lags) of months."""
    reach = np.arange(6)
    by_lag = of_lag(reach)
    shots = list(SHOTS.values())
    out = np.empty((by_lag.shape[0], len(shots), len(shots)))
    for i, first in enumerate(shots):
        for j, second in enumerate(shots):
            gaps = np.abs(np.subtract.outer(first, second)).ravel()
            out[:, i, j] = by_lag[:, gaps].mean(axis=1)
    return out


def conditional(covariance: Floats) -> tuple[Floats, Floats]:
    """Slopes (n, 3) on the quarter and covariances (n, 3, 3) of what is left, of snapshots' covariances (n, 4, 4)."""
    others = list(OTHERS)
    cross = covariance[:, others, GIVEN]
    slope = cross / covariance[:, GIVEN, GIVEN][:, None]
    left = covariance[:, others][:, :, others] - slope[:, :, None] * cross[:, None, :]
    return slope, left


class _Numbers:
    """Columns of theta by name."""

    def __init__(self, numbers: Sequence[Free]):
        self.at = {number.path: i for i, number in enumerate(numbers)}

    def __call__(self, theta: Floats, path: str) -> Floats:
        return np.asarray(theta[:, self.at[path]])


PATHS = ("model.wealth.sd", "model.wealth.reversion")


def _passing(title: str) -> list[Free]:
    return [
        nuisance(f"{title}: passing sd", *PASSING, 0.2, "log", "balances about wealth, month by month", "log"),
        nuisance(f"{title}: passing memory", *MEMORY, 0.5, "correlation a month", "of the same"),
    ]


def made(shots: Floats | None = None, history: pd.DataFrame | None = None, title: str = "accounts") -> Law:
    """The problem, of log balances at the four snapshots (n, 4), of a monthly history (id, month, aum), or of both.

    ValueError where there is neither, or a history too short for any lag.
    """
    numbers = [free(PATHS[0], "log"), free(PATHS[1], "log")]
    blocks: list[tuple[Moments, str, Any]] = []
    stay: Any = None
    lags: list[int] = []
    if shots is not None:
        numbers += [
            nuisance("savings: spread", *SPREAD, 0.8, "log", "own means over customers", "log"),
            *_passing("savings"),
        ]
        stay = persisting(shots)
        blocks += [
            (given_quarter(shots), "savings", lambda name: True),
            (persistence(shots), "savings", lambda name: False),
        ]
    if history is not None:
        numbers += _passing(title)
        moments, lags = structure(panel(history))
        blocks.append((moments, title, lambda name: int(name.split()[0]) not in HELD_OUT))
    if not blocks or (history is not None and not lags):
        raise ValueError("no balances to learn from: a history needs pairs of months of the same customers")
    pick = _Numbers(numbers)
    targets, sizes = [], []
    for moments, where, used in blocks:
        errors = np.sqrt(np.diag(moments.covariance))
        sizes.append(len(moments.names))
        targets += [
            Target(
                f"{where}, {each}",
                float(v),
                float(e),
                "share" if where == "savings" and not used(each) else "log2",
                used(each),
            )
            for each, v, e in zip(moments.names, moments.values, errors, strict=True)
        ]
    covariance = np.zeros((len(targets), len(targets)))
    start = 0
    for (moments, _, _), size in zip(blocks, sizes, strict=True):
        covariance[start : start + size, start : start + size] = moments.covariance
        start += size
    root = np.linalg.cholesky(covariance)

    def lag_of(theta: Floats, where: str, spread: bool) -> Any:
        def of_lag(h: Floats) -> Floats:
            passing = pick(theta, f"{where}: passing sd")[:, None] ** 2
            memory = pick(theta, f"{where}: passing memory")[:, None]
            mean = pick(theta, "savings: spread")[:, None] ** 2 if spread else 0.0
            own = autocovariance(pick(theta, PATHS[0]), pick(theta, PATHS[1]), h)
            return np.asarray(mean + own + passing * memory ** np.abs(h))

        return of_lag

    def expected(theta: Floats, *, all_of: bool) -> Floats:
        parts = []
        if shots is not None:
            slope, left = conditional(shot_covariance(lag_of(theta, "savings", True)))
            parts += [slope, np.stack([left[:, i, j] for i, j in PAIRS], axis=1)]
            if all_of:
                parts.append(stay(slope, left))
        if lags:
            shown = [lag for lag in lags if all_of or lag not in HELD_OUT]
            by_lag = lag_of(theta, title, False)(np.array([0, *shown]))
            parts.append(2.0 * (by_lag[:, :1] - by_lag[:, 1:]))
        return np.concatenate(parts, axis=1)

    def law(theta: Floats, z: Floats) -> Floats:
        return expected(theta, all_of=True) + np.einsum("ij,kj->ik", z, root)

    of_data = normal_likelihood(targets, covariance, lambda theta: expected(theta, all_of=False))
    return Law(name, numbers, targets, covariance, law, len(targets), PURPOSE, of_data)


def problem(folder: str | Path) -> Law:
    """Volatility and reversion of wealth from savings customers and Berka's accounts together."""
    return made(snapshots(folder), berka_history(folder), "berka")


def learned(fit: Any) -> Learned:
    """What the page says."""
    sd, reversion = np.asarray(fit.draws)[:, :2].T
    return Learned(
        "Four balance snapshots over six months of 21,216 savings customers, monthly balances of 1,229 accounts in "
        "their first 15 months.",
        "Slopes and covariances given the quarter's balance, which the choice of customers by it leaves as they are; "
        "variances of change over 1 to 8 months.",
        f"Monthly volatility of wealth {told(sd, 3)}, reversion {told(reversion, 3)}. Six months and fifteen are too "
        "short to tell slow reversion from standing differences between customers.",
        "sd and reversion stay: balances of one account move more than wealth does.",
    )
