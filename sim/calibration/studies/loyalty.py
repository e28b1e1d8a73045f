"""From loyalty to the answer to "would you recommend us", from a questionnaire of a bank's customers (ECSI).

The model's answer (SPEC 8.2, `sim.behaviour.rates.promoters`): level + loading x loyalty + noise of the rest, unit
variance at the reference, promoting from one threshold and detracting below another. The other two items of loyalty and
the mean of satisfaction tell the loading: all are steps of one normal factor, so that the correlation of answers is a
power series in the latent one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.calibration.problem import Floats, Learned, Target
from sim.calibration.studies.common import Law, free, normal_likelihood, nuisance, table, told

name = "loyalty"
about = "loyalty and recommending, from a questionnaire of a bank's customers"
files = ("bank_csi/answers.csv.gz",)

PURPOSE = 6
LOYAL = ("loy1", "loy2", "loy3")  # the last: would recommend
SATISFIED = ("sat1", "sat2", "sat3")
ORDER = 20  # terms of the series in Hermite polynomials
PROMOTE, DETRACT = 9, 6  # of 10: from, up to
BANDS = (5.5, 7.5)  # mean of satisfaction: bounds of three bands that check
GRID = 40  # quantiles of satisfaction in each
PATHS = (
    "model.loyalty.nps_loading",
    "model.loyalty.nps_level",
    "model.loyalty.promote_from",
    "model.loyalty.detract_below",
)
PAIRS = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # of the loyalty items and satisfaction (3)
LOADING, LINK = (0.3, 0.98), (0.3, 0.98)


@dataclass(frozen=True)
class Answers:
    """Answers of each person, (n, 4): the three loyalty items and the mean of satisfaction, 0 to 10."""

    values: Floats


def answers(folder: str | Path) -> Answers:
    """The answers of the data."""
    data = table(folder, files[0], usecols=[*LOYAL, *SATISFIED])
    return Answers(np.column_stack([data[list(LOYAL)], data[list(SATISFIED)].mean(axis=1)]).astype(np.float64))


def hermite(values: Floats) -> Floats:
    """Coefficients (ORDER,) of the standardised answers as steps of a standard normal, from the first power on.

    E[s(Z) He_k(Z)] / sqrt(k!); the correlation of two such answers is the sum of their products times r^k.
    """
    from scipy.special import ndtri

    levels, counts = np.unique(values, return_counts=True)
    score = (levels - values.mean()) / values.std()
    cut = ndtri(np.cumsum(counts)[:-1] / values.size)
    density = np.exp(-cut * cut / 2.0) / np.sqrt(2.0 * np.pi)
    rise = np.diff(score)
    before, here = np.zeros_like(cut), np.ones_like(cut)  # He_-1, He_0
    out, factorial = [], 1.0
    for k in range(1, ORDER + 1):
        factorial *= k
        out.append(float((rise * here * density).sum() / np.sqrt(factorial)))
        before, here = here, cut * here - (k - 1) * before
    return np.array(out)


def seen_in(values: Floats) -> tuple[list[str], Floats, Floats]:
    """Names, statistics (m,) and influences (n, m): correlations, promoters, detractors, promoters by satisfaction."""
    z = (values - values.mean(axis=0)) / values.std(axis=0)
    words = [*LOYAL, "satisfaction"]
    names, stats, influence = [], [], []
    for i, j in PAIRS:
        r = (z[:, i] * z[:, j]).mean()
        names.append(f"{words[i]} with {words[j]}")
        stats.append(r)
        influence.append(z[:, i] * z[:, j] - r * (z[:, i] ** 2 + z[:, j] ** 2) / 2.0)
    yes, no = values[:, 2] >= PROMOTE, values[:, 2] <= DETRACT
    for word, those in (("promoters", yes), ("detractors", no)):
        names.append(word)
        stats.append(those.mean())
        influence.append(those - those.mean())
    band = np.searchsorted(BANDS, values[:, 3], side="right")
    for k, word in enumerate(("low", "middle", "high")):
        for about_it, those in (("promoters", yes), ("detractors", no)):
            share = those[band == k].mean()
            names.append(f"{about_it}, satisfaction {word}")
            stats.append(share)
            influence.append((band == k) * (those - share) / (band == k).mean())
    return names, np.array(stats), np.stack(influence, axis=1)


def made(seen: Answers) -> Law:
    """The problem, of answers."""
    from scipy.special import ndtr, ndtri

    numbers = [free(path) for path in PATHS]
    numbers += [
        nuisance("loading of staying", *LOADING, 0.75, "correlation", "loy1 by loyalty"),
        nuisance("loading of loy2", *LOADING, 0.6, "correlation", "loy2 by loyalty"),
        nuisance("satisfaction and loyalty", *LINK, 0.8, "correlation", "mean of satisfaction and loyalty"),
    ]
    names, stats, influence = seen_in(seen.values)
    n = seen.values.shape[0]
    covariance = influence.T @ influence / n**2
    errors = np.sqrt(np.diag(covariance))
    fitted = len(PAIRS) + 2
    targets = [
        Target(each, float(v), float(e), "correlation" if i < len(PAIRS) else "share", i < fitted)
        for i, (each, v, e) in enumerate(zip(names, stats, errors, strict=True))
    ]
    values, vectors = np.linalg.eigh(covariance)  # the shares by band add up to nearly those of all
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    series = np.array([hermite(seen.values[:, i]) * hermite(seen.values[:, j]) for i, j in PAIRS])
    place = np.searchsorted(BANDS, np.sort(seen.values[:, 3]), side="right")
    rank = ndtri((np.arange(n) + 0.5) / n)
    grids = [np.quantile(rank[place == k], (np.arange(GRID) + 0.5) / GRID) for k in range(len(BANDS) + 1)]

    def expected(theta: Floats) -> Floats:
        load = np.stack([theta[:, 4], theta[:, 5], theta[:, 0], theta[:, 6]], axis=1)
        latent = np.stack([load[:, i] * load[:, j] for i, j in PAIRS], axis=1)
        powers = latent[:, :, None] ** np.arange(1, ORDER + 1)
        level, up, down = theta[:, 1], theta[:, 2], theta[:, 3]
        parts = [(powers * series).sum(axis=2), ndtr(level - up)[:, None], ndtr(down - level)[:, None]]
        r = (theta[:, 0] * theta[:, 6])[:, None]
        rest = np.sqrt(1.0 - r * r)
        for grid in grids:
            centre = level[:, None] + r * grid
            parts.append(ndtr((centre - up[:, None]) / rest).mean(axis=1, keepdims=True))
            parts.append(ndtr((down[:, None] - centre) / rest).mean(axis=1, keepdims=True))
        return np.concatenate(parts, axis=1)

    def law(theta: Floats, z: Floats) -> Floats:
        return expected(theta) + np.einsum("ij,kj->ik", z, root)

    of_data = normal_likelihood(targets, covariance, lambda theta: expected(theta)[:, :fitted])
    return Law(name, numbers, targets, covariance, law, len(targets), PURPOSE, of_data)


def problem(folder: str | Path) -> Law:
    """The loading and the thresholds of recommending."""
    return made(answers(folder))


def learned(fit: Any) -> Learned:
    """What the page says."""
    load, level, up, down = np.asarray(fit.draws)[:, :4].T
    return Learned(
        "1,367 customers of a Spanish bank: three items of satisfaction and three of loyalty, 0 to 10.",
        "Correlations of the loyalty items with one another and with satisfaction, promoters and detractors; promoters "
        "and detractors by satisfaction check.",
        f"The answer's correlation with loyalty is {told(load)}; promoting starts {told(up - level)} and detracting "
        f"{told(down - level)} from the mean answer. Level and thresholds are known by these differences only.",
        "nps_loading may rise; level and thresholds of one Spanish bank are its own.",
    )
