"""Volatility and reversion of wealth from balances: four snapshots of savings customers, monthly balances of accounts.

The model's law of log wealth (SPEC 9.2, A6): own mean plus an AR(1) of memory 1 - kappa and monthly shocks of standard
deviation sigma, so that the autocovariance at h months is var(own means) + sigma^2 / (1 - (1 - kappa)^2) (1 - kappa)^h.
A balance is no wealth: salaries come in and rents go out. What passes in a month or two is a second AR(1) of the data
alone, with its own size and memory in each data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.calibration.problem import Floats, Free, Learned, Target
from sim.calibration.studies.balances import (
    BERKA,
    GIVEN,
    OTHERS,
    PAIRS,
    SAVINGS,
    SHOTS,
    Moments,
    berka_history,
    given_quarter,
    panel,
    persistence,
    persisting,
    snapshots,
    structure,
)
from sim.calibration.studies.common import Law, free, normal_likelihood, nuisance, told
from sim.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

name = "wealth"
about = "volatility and reversion of wealth, from balances of savings customers and of accounts month by month"
OWN = ("history.csv", "history.parquet")  # a bank's own, in place of the public data: id, month, aum
files = (SAVINGS, BERKA, *OWN)

PURPOSE = 2
HELD_OUT = (4, 8)  # months: lags of the history that check
SPREAD, PASSING, MEMORY = (0.3, 2.0), (0.02, 1.0), (0.0, 0.9)


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
    """Volatility and reversion of wealth from savings customers and Berka's accounts together.

    Where the folder holds a monthly history of a bank's own (`OWN`), from that alone; `BadInput` where it is too short.
    """
    from sim.population.book.history import read_history

    for file in (Path(folder) / name for name in OWN):
        if file.is_file():
            own = read_history(file, {"id": "id", "aum": "aum"}, month="month")
            try:
                return made(history=own.frame, title="own")
            except ValueError as error:
                raise BadInput.at(str(file), str(error)) from None
    return made(snapshots(folder), berka_history(folder), "berka")


def learned(fit: Any) -> Learned:
    """What the page says."""
    sd, reversion = np.asarray(fit.draws)[:, :2].T
    said = f"Monthly volatility of wealth {told(sd, 3)}, reversion {told(reversion, 3)}."
    if not any(target.name.startswith("savings") for target in fit.problem.targets):
        return Learned(
            "Balances of the bank's own customers month by month.",
            "Variances of change of log balance over 1 to 8 months, of which 4 and 8 check.",
            f"{said} What passes in weeks is told from wealth by its memory alone.",
            "They may take the place of the defaults as far as balances here are all of a customer's wealth there.",
        )
    return Learned(
        "Four balance snapshots over six months of 21,216 savings customers, monthly balances of 1,229 accounts in "
        "their first 15 months.",
        "Slopes and covariances given the quarter's balance, which the choice of customers by it leaves as they are; "
        "variances of change over 1 to 8 months.",
        f"{said} Six months and fifteen are too short to tell slow reversion from differences that last.",
        "sd and reversion stay: balances of one account move more than wealth does.",
    )
