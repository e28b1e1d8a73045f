"""Models of what stands behind correlations: factors, what each item owes to its factor, and paths between factors.

Each item belongs to one factor; factors have variance 1 where no path leads to them. Two ways to fit: maximum
likelihood for answers taken as continuous, least squares weighted by each correlation's own variance for polychoric
ones. Errors and the scaled test come from the errors of the correlations either way, so they hold for answers that are
not normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import chi2 as chi_squared
from scipy.stats import ncx2

from sim.survey.analysis.moments import SINGULAR, Moments
from sim.survey.analysis.scoring import Evaluate, scored

LOOSE: Final = 1e-4  # a variance below which a solution is at the edge of what can be


@dataclass(frozen=True)
class Model:
    """Which item belongs to which factor, which factor follows from which, and which are free to go together.

    `belongs` has the place of each item's factor, int (items,); `paths` pairs (from, to) and `together` pairs of
    places of factors whose (remaining) covariance is free.
    """

    belongs: np.ndarray
    factors: int
    paths: tuple[tuple[int, int], ...] = ()
    together: tuple[tuple[int, int], ...] = ()

    @property
    def parameters(self) -> int:
        """How many numbers are fitted: loadings, paths, covariances, unique variances."""
        return 2 * len(self.belongs) + len(self.paths) + len(self.together)

    def parts(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Loadings (items,), paths B (to, from), covariances of what is left of factors, unique variances (items,)."""
        p, b = len(self.belongs), len(self.paths)
        effects = np.zeros((self.factors, self.factors))
        for value, (cause, effect) in zip(at[p : p + b], self.paths, strict=True):
            effects[effect, cause] = value
        left = np.eye(self.factors)
        for value, (one, other) in zip(at[p + b : len(at) - p], self.together, strict=True):
            left[one, other] = left[other, one] = value
        return at[:p], effects, left, at[len(at) - p :]

    def implied(self, at: np.ndarray, slopes: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Covariances of items that follow, float64 (p, p), and if asked their slopes (parameters, p, p)."""
        loadings, effects, left, unique = self.parts(at)
        p = len(loadings)
        onto = np.zeros((p, self.factors))
        onto[np.arange(p), self.belongs] = loadings
        through = np.linalg.inv(np.eye(self.factors) - effects)
        latent = through @ left @ through.T
        sigma = onto @ latent @ onto.T + np.diag(unique)
        if not slopes:
            return sigma, np.empty((0, p, p))
        out = np.zeros((self.parameters, p, p))
        items = np.arange(p)
        met, reach = latent @ onto.T, onto @ through  # factors x items, items x factors
        out[items, items, :] += met[self.belongs]
        for place, (cause, effect) in enumerate(self.paths, p):
            out[place] = np.outer(reach[:, effect], met[cause])
        first = p + len(self.paths)
        for place, (one, other) in enumerate(self.together, first):
            out[place] = np.outer(reach[:, one], reach[:, other])
        out += out.swapaxes(1, 2)
        out[len(at) - p + items, items, items] = 1.0
        return sigma, out

    def standardised(self, at: np.ndarray) -> np.ndarray:
        """Loadings, paths and covariances with all items and factors at variance 1, in the order of the parameters."""
        loadings, effects, left, unique = self.parts(at)
        through = np.linalg.inv(np.eye(self.factors) - effects)
        sd = np.sqrt(np.diag(through @ left @ through.T))
        met = loadings * sd[self.belongs]
        paths = [effects[b, a] * sd[a] / sd[b] for a, b in self.paths]
        return np.concatenate([met / np.sqrt(met**2 + unique), paths, [left[a, b] for a, b in self.together]])

    def latent(self, at: np.ndarray) -> np.ndarray:
        """Correlations of the factors that follow, float64 (factors, factors)."""
        _, effects, left, _ = self.parts(at)
        through = np.linalg.inv(np.eye(self.factors) - effects)
        covariance = through @ left @ through.T
        sd = np.sqrt(np.diag(covariance))
        return covariance / np.outer(sd, sd)


@dataclass(frozen=True)
class Fit:
    """A fitted model: parameters, standardised ones with the covariance of their errors, and how well it fits.

    `problem` says in words why there are no numbers to believe; everything else is then empty or NaN.
    """

    model: Model
    at: np.ndarray
    standard: np.ndarray
    errors: np.ndarray
    indices: dict[str, float]
    problem: str = ""


def fit(model: Model, moments: Moments, names: list[str], factors: list[str]) -> Fit:
    """The model fitted to correlations of the items; `names` and `factors` are for the words of a problem."""
    p = len(model.belongs)
    free = p * (p + 1) // 2 - model.parameters
    if free < 0:
        return _none(model, f"more is to be fitted ({model.parameters} numbers) than {p} items tell")
    if moments.n < p + 1:
        return _none(model, f"fewer sheets (effectively {moments.n:.0f}) than a model of {p} items needs")
    if np.linalg.eigvalsh(moments.correlation)[0] < SINGULAR:
        return _none(model, "items are (nearly) sums of one another: their correlations leave nothing to fit")
    weigh = _likelihood if moments.kind == "Pearson" else _least_squares(moments)
    with np.errstate(all="ignore"):
        try:
            at, settled = scored(_evaluate(model, moments.correlation, weigh), _start(model, moments.correlation))
            problem = "" if settled else "the search for the best fit did not settle"
            problem = problem or _inadmissible(model, at, names, factors)
            if problem:
                return _none(model, problem)
            return _judged(model, moments, weigh, at, free)
        except np.linalg.LinAlgError:
            return _none(model, "the data do not pin the model down (singular)")


Weigh = Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[float, np.ndarray]]  # R, sigma, slopes -> misfit, slopes


def _likelihood(correlation: np.ndarray, sigma: np.ndarray, slopes: np.ndarray) -> tuple[float, np.ndarray]:
    """Misfit by maximum likelihood, inf where sigma cannot be, and slopes weighed by the inverse of sigma."""
    try:
        root = np.linalg.cholesky(sigma)
    except np.linalg.LinAlgError:
        return np.inf, slopes
    inverse = np.linalg.inv(sigma)
    misfit = 2 * np.log(np.diag(root)).sum() - np.linalg.slogdet(correlation)[1]
    misfit += float((inverse * correlation).sum()) - len(sigma)
    return float(misfit), inverse @ slopes @ inverse


def _least_squares(moments: Moments) -> Weigh:
    """Misfit by squares over each correlation's variance; what is fitted of an item's own variance counts as 1."""
    weights = np.eye(len(moments.items))
    weights[moments.pairs] = weights[moments.pairs[::-1]] = 1 / (moments.n * np.diag(moments.errors))

    def weigh(correlation: np.ndarray, sigma: np.ndarray, slopes: np.ndarray) -> tuple[float, np.ndarray]:
        left = np.triu(correlation - sigma)
        # twice on the diagonal, so that half the sum over both triangles is the sum over one
        return float((weights * left**2).sum()), slopes * (weights + np.eye(len(sigma)))

    return weigh


def _start(model: Model, correlation: np.ndarray) -> np.ndarray:
    """Loadings from each factor's first component, the rest from nothing in particular."""
    p = len(model.belongs)
    loadings = np.full(p, 0.7)
    for factor in range(model.factors):
        mine = np.flatnonzero(model.belongs == factor)
        values, vectors = np.linalg.eigh(correlation[np.ix_(mine, mine)])
        first = vectors[:, -1] * np.sqrt(values[-1])
        loadings[mine] = np.clip(first * (1 if first.sum() >= 0 else -1), -0.9, 0.9)
    middle = np.concatenate([np.full(len(model.paths), 0.1), np.full(len(model.together), 0.3)])
    return np.concatenate([loadings, middle, 1 - loadings**2])


def _evaluate(model: Model, correlation: np.ndarray, weigh: Weigh) -> Evaluate:
    """What the search asks: misfit and its slopes at parameters."""

    def evaluate(at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        sigma, slopes = model.implied(at, slopes=True)
        misfit, weighed = weigh(correlation, sigma, slopes)
        gradient = np.einsum("tij,ij->t", weighed, correlation - sigma) / 2
        return misfit, gradient, np.tensordot(weighed, slopes, axes=([1, 2], [1, 2])) / 2

    return evaluate


def _inadmissible(model: Model, at: np.ndarray, names: list[str], factors: list[str]) -> str:
    """Why a solution cannot be, in words; nothing if it can."""
    _, _, left, unique = model.parts(at)
    if (unique < LOOSE).any():
        worst = [names[i] for i in np.flatnonzero(unique < LOOSE)]
        return f"Heywood case: no variance of its own is left of {', '.join(worst)}"
    latent = model.latent(at)
    if np.linalg.eigvalsh(left)[0] < LOOSE or np.linalg.eigvalsh(latent)[0] < LOOSE:
        off = np.abs(np.triu(latent, 1))
        one, other = np.unravel_index(off.argmax(), off.shape)
        return f"factors cannot be told apart: {factors[int(one)]} and {factors[int(other)]} correlate {off.max():.2f}"
    return ""


def _judged(model: Model, moments: Moments, weigh: Weigh, at: np.ndarray, free: int) -> Fit:
    """Standardised parameters with errors, and fit indices."""
    rows, columns = moments.pairs
    sigma, slopes = model.implied(at, slopes=True)
    misfit, weighed = weigh(moments.correlation, sigma, slopes)
    information = np.tensordot(weighed, slopes, axes=([1, 2], [1, 2])) / 2
    if np.linalg.cond(information) > 1e12:
        raise np.linalg.LinAlgError
    pull = weighed[:, rows, columns]  # what each correlation weighs in each parameter
    solved = np.linalg.solve(information, pull)
    errors = solved @ moments.errors @ solved.T
    # the diagonal of correlations is 1 and has no error; standardised parameters by the delta method
    turn = jacobian(model.standardised, at)
    likelihood = moments.kind == "Pearson"
    if likelihood:
        inverse = np.linalg.inv(sigma)
        weights = inverse[np.ix_(rows, rows)] * inverse[np.ix_(columns, columns)]
        weights += inverse[np.ix_(rows, columns)] * inverse[np.ix_(columns, rows)]
        spread = float((weights * moments.errors).sum())
        base = -np.linalg.slogdet(moments.correlation)[1]
        base_spread = float(np.trace(moments.errors))
    else:
        weights_own = 1 / (moments.n * np.diag(moments.errors))
        spread = float((weights_own * np.diag(moments.errors)).sum())
        base = float((weights_own * moments.correlation[rows, columns] ** 2).sum())
        base_spread = spread
    spread -= float(np.einsum("tq,tq->", solved @ moments.errors, pull))
    p, n = len(sigma), moments.n
    base_free = p * (p - 1) // 2
    scale = n * spread / free if free else np.nan
    base_scale = n * base_spread / base_free
    indices: dict[str, float] = {"n": n}
    if likelihood:
        indices |= gauges(n * misfit, free, n * base, base_free, n)
        indices |= robust(n * misfit, free, scale, n * base, base_free, base_scale, n)
    else:
        indices |= gauges(n * misfit / scale, free, n * base / base_scale, base_free, n)
    indices["srmr"] = srmr(moments.correlation, sigma)
    return Fit(model, at, model.standardised(at), turn @ errors @ turn.T, indices)


def robust(
    chi2: float, df: int, scale: float, base: float, base_df: int, base_scale: float, n: float
) -> dict[str, float]:
    """The same for answers that are not normal: Satorra and Bentler's chi-square, and CFI, TLI, RMSEA that follow."""
    out = {"scaled_chi2": chi2 / scale, "scaled_p": float(chi_squared.sf(chi2 / scale, df)) if df else np.nan}
    beyond, base_beyond = max(chi2 - scale * df, 0.0), base - base_scale * base_df
    usual = bool(df and base_beyond > 0)
    out["robust_cfi"] = 1 - beyond / base_beyond if usual else np.nan
    out["robust_tli"] = 1 - (chi2 - scale * df) / df * base_df / base_beyond if usual else np.nan
    low, high = (scale * _noncentral(chi2 / scale, df, level) for level in (0.95, 0.05))
    for name, value in (("robust_rmsea", beyond), ("robust_rmsea_low", low), ("robust_rmsea_high", high)):
        out[name] = float(np.sqrt(value / (df * n))) if df else np.nan
    return out


def gauges(chi2: float, df: int, base: float, base_df: int, n: float, groups: int = 1) -> dict[str, float]:
    """Chi-square with its p, CFI, TLI, and RMSEA with its 90 % interval; NaN where no degree of freedom is left."""
    out: dict[str, float] = {"chi2": chi2, "df": df}
    out["p"] = float(chi_squared.sf(chi2, df)) if df else np.nan
    beyond, base_beyond = max(chi2 - df, 0.0), max(base - base_df, chi2 - df, 0.0)
    out["cfi"] = 1 - beyond / base_beyond if base_beyond > 0 else 1.0
    ratio = base / base_df
    out["tli"] = (ratio - chi2 / df) / (ratio - 1) if df and ratio > 1 else np.nan
    low, high = _noncentral(chi2, df, 0.95), _noncentral(chi2, df, 0.05)
    for name, value in (("rmsea", beyond), ("rmsea_low", low), ("rmsea_high", high)):
        out[name] = float(np.sqrt(groups * value / (df * n))) if df else np.nan
    return out


def _noncentral(chi2: float, df: int, level: float) -> float:
    """The noncentrality at which the chi-square found stands at that level of its distribution; 0 if at none."""
    from scipy.optimize import brentq

    if not df or not np.isfinite(chi2) or chi_squared.cdf(chi2, df) < level:
        return 0.0
    high = max(chi2, 1.0)
    while ncx2.cdf(chi2, df, high) > level:
        high *= 2
    return float(brentq(lambda nc: ncx2.cdf(chi2, df, nc) - level, 0.0, high))


def srmr(correlation: np.ndarray, sigma: np.ndarray) -> float:
    """Root mean square of what is left of the correlations, over the triangle with its diagonal."""
    sd = np.sqrt(np.diag(sigma))
    left = (correlation - sigma / np.outer(sd, sd))[np.triu_indices(len(sigma))]
    return float(np.sqrt(np.mean(left**2)))


def jacobian(of: Callable[[np.ndarray], np.ndarray], at: np.ndarray, step: float = 1e-6) -> np.ndarray:
    """Slopes of a vector in its parameters by central differences, float64 (values, parameters)."""
    out = []
    for i in range(len(at)):
        moved = np.zeros_like(at)
        moved[i] = step
        out.append((of(at + moved) - of(at - moved)) / (2 * step))
    return np.array(out).T


def _none(model: Model, problem: str) -> Fit:
    return Fit(model, np.empty(0), np.empty(0), np.empty((0, 0)), {}, problem)
