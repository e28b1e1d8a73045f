"""Which parameters matter together, and a surface that says how.

In a full grid the variance between points is split exactly into factors, pairs and the rest (analysis of variance). For
scattered points a regression on standardised parameters, their squares and products is fitted; its R², and the R² it
has for points left out, say how far to trust it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from sim.analysis.effects import full_grid
from sim.analysis.study import Array, Factor, Outcome, Study

PER_TERM = 3  # points that a regression needs for each of its columns
LEAST_QUADRATIC = 9  # points of a quadratic surface in two numbers
FINE = 41  # points of a surface's grid to each side
COLUMNS = ("arm", "kpi", "method", "parameter", "with", "share_of_variance", "coefficient", "r2", "r2_left_out")


@dataclass(frozen=True)
class Term:
    """What one factor, or a pair, explains: `share` of the variance between points; `coefficient` of a regression on
    standardised numbers in standard deviations of the outcome (NaN for choices and in a grid)."""

    factors: tuple[Factor, ...]
    share: float
    coefficient: float = math.nan


@dataclass(frozen=True)
class Split:
    """Terms of one outcome, how they were found, and how much of the variance they hold."""

    method: str  # anova, regression, linear regression, none
    terms: list[Term]
    r2: float
    r2_left_out: float = math.nan

    @property
    def pairs(self) -> list[Term]:
        """Interactions, the strongest first."""
        return sorted((term for term in self.terms if len(term.factors) == 2), key=lambda term: -term.share)


def interactions(study: Study, outcome: Outcome) -> Split:
    """Factors and pairs of an outcome."""
    known = outcome.known
    y = outcome.mean[known]
    if len(study.factors) < 1 or known.sum() < 4 or not _varies(y):
        return Split("none", [], math.nan)
    if known.all() and full_grid(study):
        return _anova(study.factors, outcome.mean)
    return _regression([factor.at(known) for factor in study.factors], y)


def _varies(y: Array) -> bool:
    return bool(np.ptp(y) > 1e-12 * max(float(np.abs(y).max()), 1e-300))


def _anova(factors: Sequence[Factor], y: Array) -> Split:
    """Shares of the sum of squares of a full grid, exact since it is balanced."""
    sizes = [len(factor.levels or ()) for factor in factors]
    cube = np.empty(sizes)
    cube[tuple(factor.codes for factor in factors)] = y
    cube -= cube.mean()
    total = float((cube**2).sum())
    axes = range(len(sizes))
    lone = [cube.mean(axis=tuple(other for other in axes if other != axis)) for axis in axes]
    per = [cube.size / size for size in sizes]
    terms = [
        Term((factor,), float((mean**2).sum()) * count / total)
        for factor, mean, count in zip(factors, lone, per, strict=True)
    ]
    for a, b in itertools.combinations(axes, 2):
        both = cube.mean(axis=tuple(other for other in axes if other not in (a, b)))
        rest = both - lone[a][:, None] - lone[b][None, :]
        share = float((rest**2).sum()) * (cube.size / (sizes[a] * sizes[b])) / total
        terms.append(Term((factors[a], factors[b]), share))
    return Split("anova", terms, min(sum(term.share for term in terms), 1.0))


@dataclass(frozen=True)
class Fit:
    """Least squares on blocks of columns: coefficients, R², R² for points left out, each block's own part."""

    coefficients: Array
    r2: float
    r2_left_out: float
    shares: list[float]


def least_squares(blocks: Sequence[Array], y: Array) -> Fit:
    """Fit y on a constant and blocks of columns; a block's part is what R² loses without it."""
    x = np.concatenate([np.ones((len(y), 1)), *blocks], axis=1)
    gram = np.linalg.pinv(x.T @ x, rcond=1e-10, hermitian=True)
    beta = gram @ (x.T @ y)
    rest = y - x @ beta
    total = float(((y - y.mean()) ** 2).sum())
    leverage = np.einsum("ij,jk,ik->i", x, gram, x, optimize=True)
    apart = rest / np.maximum(1.0 - leverage, 1e-6)
    shares, start = [], 1
    for block in blocks:
        own = slice(start, start + block.shape[1])
        start += block.shape[1]
        part = np.linalg.pinv(gram[own, own], hermitian=True)
        shares.append(float(beta[own] @ part @ beta[own]) / total)
    return Fit(beta, 1.0 - float((rest**2).sum()) / total, 1.0 - float((apart**2).sum()) / total, shares)


def columns_of(factor: Factor) -> Array:
    """A standardised number, or indicators of a choice's levels but the first."""
    if factor.numeric or (factor.kind == "switch" and len(factor.levels or ()) == 2):
        return _standard(factor.x)[:, None]
    codes, count = factor.codes, len(factor.levels or ())
    return np.stack([_standard((codes == level).astype(float)) for level in range(1, count)], axis=1)


def _standard(x: Array) -> Array:
    spread = float(x.std())
    return (x - x.mean()) / spread if spread > 0 else np.zeros_like(x)


def _regression(factors: Sequence[Factor], y: Array) -> Split:
    factors = [factor for factor in factors if factor.varies]
    lone = [columns_of(factor) for factor in factors]
    squares = {
        place: lone[place] ** 2 - 1.0
        for place, factor in enumerate(factors)
        if factor.numeric and (factor.levels is None or len(factor.levels) > 2)
    }
    products = {
        (a, b): np.einsum("ij,ik->ijk", lone[a], lone[b]).reshape(len(y), -1)
        for a, b in itertools.combinations(range(len(factors)), 2)
    }
    width = sum(block.shape[1] for block in lone)
    wide = width + len(squares) + sum(block.shape[1] for block in products.values())
    method = "regression"
    if len(y) < PER_TERM * (wide + 1):
        squares, products, method = {}, {}, "linear regression"
        if len(y) < PER_TERM * (width + 1):
            return Split("none", [], math.nan)
    own = [
        np.concatenate([block, squares[place]], axis=1) if place in squares else block
        for place, block in enumerate(lone)
    ]
    fit = least_squares([*own, *products.values()], y)
    starts = np.cumsum([1, *(block.shape[1] for block in [*own, *products.values()])])
    size = float(y.std())
    terms = []
    for place, (names, block) in enumerate(
        zip([*((one,) for one in range(len(factors))), *products], [*lone, *products.values()], strict=True)
    ):
        coefficient = float(fit.coefficients[starts[place]]) / size if block.shape[1] == 1 else math.nan
        terms.append(Term(tuple(factors[name] for name in names), fit.shares[place], coefficient))
    return Split(method, terms, fit.r2, fit.r2_left_out)


@dataclass(frozen=True)
class Surface:
    """An outcome over two numbers, the others averaged: means of a grid, or a quadratic surface with its R²."""

    a: Factor
    b: Factor
    x: Array
    y: Array
    z: Array  # (y, x)
    method: str  # means, quadratic
    r2: float
    points: int


def surface(study: Study, outcome: Outcome, a: Factor, b: Factor) -> Surface | None:
    """The response to two factors; None where they are no numbers or there are too few points."""
    known = outcome.known
    if not (a.numeric and b.numeric) or known.sum() < 4:
        return None
    a, b, y = a.at(known), b.at(known), outcome.mean[known]
    if a.levels is not None and b.levels is not None and min(len(a.levels), len(b.levels)) > 1:
        sums = np.zeros((len(b.levels), len(a.levels)))
        counts = np.zeros_like(sums)
        np.add.at(sums, (b.codes, a.codes), y)
        np.add.at(counts, (b.codes, a.codes), 1)
        if (counts > 0).all():
            z = sums / counts
            gaps = y - z[b.codes, a.codes]
            total = float(((y - y.mean()) ** 2).sum())
            r2 = 1.0 - float((gaps**2).sum()) / total if total > 0 else math.nan
            return Surface(a, b, np.array(a.levels, float), np.array(b.levels, float), z, "means", r2, len(y))
    if len(y) < LEAST_QUADRATIC or not _varies(y) or min(len(np.unique(a.raw)), len(np.unique(b.raw))) < 3:
        return None
    fit = least_squares([_quadratic(a.x, b.x, a.x, b.x)], y)
    x_raw, y_raw = (_span(factor) for factor in (a, b))
    x_grid, y_grid = (np.log(raw) if factor.log else raw for raw, factor in ((x_raw, a), (y_raw, b)))
    across, up = np.meshgrid(x_grid, y_grid)
    z = fit.coefficients[0] + _quadratic(across.ravel(), up.ravel(), a.x, b.x) @ fit.coefficients[1:]
    return Surface(a, b, x_raw, y_raw, z.reshape(across.shape), "quadratic", fit.r2, len(y))


def _span(factor: Factor) -> Array:
    low, high = float(factor.raw.min()), float(factor.raw.max())
    return np.geomspace(low, high, FINE) if factor.log and low > 0 else np.linspace(low, high, FINE)


def _quadratic(a: Array, b: Array, of_a: Array, of_b: Array) -> Array:
    """Linear, square and product columns, standardised by the points' own numbers."""
    a, b = ((value - own.mean()) / own.std() for value, own in ((a, of_a), (b, of_b)))
    return np.stack([a, b, a * a, b * b, a * b], axis=1)


def interactions_table(arm: str, kpi: str, split: Split) -> pd.DataFrame:
    """interactions.csv: a row a factor or pair."""
    rows = [
        (
            arm,
            kpi,
            split.method,
            term.factors[0].path,
            term.factors[1].path if len(term.factors) > 1 else "",
            term.share,
            term.coefficient,
            split.r2,
            split.r2_left_out,
        )
        for term in sorted(split.terms, key=lambda term: -term.share)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))
