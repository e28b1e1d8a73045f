"""Frailty from the survival of two cohorts of subscribers (F72): retention that rises with age.

Their own law is the shifted beta-geometric: every customer has a yearly chance of leaving, Beta(alpha, beta) over
customers. The model's is a monthly hazard by tenure times a gamma frailty of mean 1 and variance theta, so that
S(t) = (1 + theta H(t))^(-1 / theta) with H the cumulative hazard of a customer of frailty 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sim.calibration.problem import Floats, Free, Learned, Target
from sim.calibration.studies.common import MODEL, Law, binomial, free, nuisance, table, told

name = "frailty"
about = "frailty of leaving, from the survival of two cohorts of subscribers over seven years"
files = ("retention_fader_hardie/retention_by_segment.csv",)

PURPOSE = 3
COHORT = 1000  # customers of each cohort: the paper counts so; the file has shares alone
SEGMENTS = {"Regular": "mass", "High End": "wealth"}  # whose tenure shape of the model each is given
FITTED = 5  # years that the fit uses; the later ones check it
YEAR = 12
LEAST_THETA = 1e-6
BANDS = (3, 12, 24, 48, 60)  # months of tenure from which the model's multipliers change
CHANCES, SPREAD = (1e-3, 0.1), (0.1, 10.0)  # of the nuisance numbers


def survival(folder: str | Path) -> dict[str, Floats]:
    """Share of each cohort alive after years 0, 1, ..."""
    data = table(folder, files[0])
    return {
        segment: data[data.segment == segment].sort_values("year").survival_pct.to_numpy(np.float64) / 100.0
        for segment in SEGMENTS
    }


def exposure(tier: str, years: int, tenure: Mapping[str, Sequence[float]] = MODEL.leaving.tenure) -> Floats:
    """Cumulative tenure multiplier of the model at the ends of years 1..years, months of a hazard of 1, (years,)."""
    multipliers = np.asarray(tenure[tier], np.float64)
    months = np.arange(years * YEAR)
    return np.cumsum(multipliers[np.searchsorted(BANDS, months, side="right")])[YEAR - 1 :: YEAR]


def gamma_survival(theta: Floats, hazard: Floats, worn: Floats) -> Floats:
    """S = (1 + theta h M)^(-1/theta), (n, years), of frailties (n,), hazards (n,) and exposures (years,)."""
    t = np.maximum(np.asarray(theta, np.float64), LEAST_THETA)[:, None]
    return np.exp(-np.log1p(t * np.asarray(hazard)[:, None] * worn) / t)


def beta_survival(alpha: Floats, beta: Floats, years: int) -> Floats:
    """S of the shifted beta-geometric, (n, years): product of (beta + t - 1) / (alpha + beta + t - 1) over years."""
    a, b = (np.asarray(x, np.float64)[:, None] for x in (alpha, beta))
    t = np.arange(years)
    return np.asarray(np.cumprod((b + t) / (a + b + t), axis=1))


def lost(alive: Floats) -> Floats:
    """Shares lost in each year and the share left at the end, (n, years + 1), of survival (n, years)."""
    whole = np.concatenate([np.ones((alive.shape[0], 1)), alive], axis=1)
    return np.concatenate([-np.diff(whole, axis=1), alive[:, -1:]], axis=1)


def likelihood(alive: Floats, seen: Floats) -> Floats:
    """Multinomial log likelihood (n,) of survival (n, years), given the shares seen (years + 1 from 1 on)."""
    counts = COHORT * lost(seen[None, 1:])[0]
    return np.asarray(np.log(np.maximum(lost(alive), 1e-300)) @ counts)


def beta_point(seen: Floats) -> tuple[float, float]:
    """Maximum likelihood of alpha and beta, given the shares alive after years 0, 1, ..."""
    from scipy.optimize import minimize

    def against(x: Floats) -> float:
        a, b = np.exp(x)
        return -float(likelihood(beta_survival(np.array([a]), np.array([b]), seen.size - 1), seen)[0])

    found = minimize(against, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10})
    return float(np.exp(found.x[0])), float(np.exp(found.x[1]))


def as_frailty(alpha: Any, beta: Any) -> tuple[Any, Any]:
    """Variance of the frailty and mean monthly hazard that a Beta(alpha, beta) yearly chance stands for.

    A chance p is a yearly hazard -ln(1 - p), whose mean is psi(alpha + beta) - psi(beta) and whose variance is
    psi'(beta) - psi'(alpha + beta): the frailty is that hazard over its mean.
    """
    from scipy.special import polygamma, psi

    mean = psi(np.add(alpha, beta)) - psi(beta)
    variance = polygamma(1, beta) - polygamma(1, np.add(alpha, beta))
    return variance / mean**2, mean / YEAR


def _statistics(alive: Floats, z: Floats) -> Floats:
    """Yearly chance of leaving among those left of a cohort that dies with luck z, (n, years)."""
    left = np.full(alive.shape[0], float(COHORT))
    before = np.ones(alive.shape[0])
    out = np.empty_like(alive)
    for year in range(alive.shape[1]):
        chance = 1.0 - alive[:, year] / before
        gone = binomial(left, chance, z[:, year])
        out[:, year] = gone / np.maximum(left, 1.0)
        left, before = left - gone, alive[:, year]
    return out


def _targets(seen: dict[str, Floats], fitted: int) -> list[Target]:
    made = []
    for segment, alive in seen.items():
        for year in range(1, alive.size):
            chance, left = 1.0 - alive[year] / alive[year - 1], COHORT * alive[year - 1]
            made.append(
                Target(
                    f"{segment}, year {year}",
                    float(chance),
                    float(np.sqrt(chance * (1.0 - chance) / left)),
                    "probability a year",
                    year <= fitted,
                    "leaving in the year, of those who were left",
                )
            )
    return made


def _made(seen: dict[str, Floats], numbers: list[Free], alive_of: Any, title: str, fitted: int) -> Law:
    years = [alive.size - 1 for alive in seen.values()]
    targets = _targets(seen, fitted)

    def law(theta: Floats, z: Floats) -> Floats:
        parts, start = [], 0
        for i, n in enumerate(years):
            parts.append(_statistics(alive_of(theta, i, n), z[:, start : start + n]))
            start += n
        return np.concatenate(parts, axis=1)

    def of_data(theta: Floats, chances: Floats) -> Floats:
        each, start = [], 0
        for i, n in enumerate(years):
            shown = min(n, fitted)
            left = np.cumprod(1.0 - chances[start : start + shown])
            each.append(likelihood(alive_of(theta, i, shown), np.concatenate([[1.0], left])))
            start += n
        return np.asarray(np.sum(each, axis=0))

    errors = np.diag([target.error**2 for target in targets])
    return Law(title, numbers, targets, errors, law, sum(years), PURPOSE, of_data)


def made(seen: dict[str, Floats]) -> Law:
    """The problem of the model's own frailty, of shares alive by segment."""
    numbers = [free("model.leaving.frailty")] + [
        nuisance(f"hazard, {segment}", *CHANCES, 0.01, "probability a month", "at mean frailty, multiplier 1", "log")
        for segment in seen
    ]
    worn = [exposure(SEGMENTS[segment], alive.size - 1) for segment, alive in seen.items()]

    def alive_of(theta: Floats, segment: int, years: int) -> Floats:
        return gamma_survival(theta[:, 0], theta[:, 1 + segment], worn[segment][:years])

    return _made(seen, numbers, alive_of, name, FITTED)


def beta_made(seen: dict[str, Floats]) -> Law:
    """The problem of the shifted beta-geometric, all years fitted: two numbers a segment, none of them the model's."""
    numbers = [
        nuisance(f"{letter}, {segment}", *SPREAD, 1.0, "shape of the Beta", "yearly chance of leaving", "log")
        for segment in seen
        for letter in ("alpha", "beta")
    ]

    def alive_of(theta: Floats, segment: int, years: int) -> Floats:
        return beta_survival(theta[:, 2 * segment], theta[:, 2 * segment + 1], years)

    return _made(seen, numbers, alive_of, "shifted beta-geometric", max(alive.size for alive in seen.values()))


def problem(folder: str | Path) -> Law:
    """The model's frailty from both cohorts, its tenure shape standing."""
    return made(survival(folder))


def learned(fit: Any) -> Learned:
    """What the page says."""
    draws = np.asarray(fit.draws)[:, 0]
    return Learned(
        "Survival of a Regular and a High End cohort of subscribers over seven years; no bank.",
        "The variance of the gamma frailty, with the model's own tenure shape (mass for Regular, wealth for High End) "
        "and a level of each cohort; years 1 to 5 are fitted, years 6 and 7 check.",
        f"The variance of the frailty is {told(draws)}. One cohort's curve cannot "
        "tell frailty from a hazard that falls with tenure: what the tenure table takes, the frailty loses.",
        "The default stays: subscribers are no bank customers, and the range already spans what was found.",
    )
