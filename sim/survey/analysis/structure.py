"""Models of what stands behind correlations: factors, what each item owes to its factor, and paths between factors.

Each item belongs to one factor; factors have variance 1 where no path leads to them. Two ways to fit: maximum
likelihood for answers taken as continuous, least squares weighted by each correlation's own variance for polychoric
ones. Errors and the scaled test come from the errors of the correlations either way, so they hold for answers that are
not normal.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from sim.survey.analysis.gauges import gauges, robust, srmr
from sim.survey.analysis.misfit import LeastSquares, Likelihood, Misfit
from sim.survey.analysis.moments import EDGE, SINGULAR, Moments
from sim.survey.analysis.scoring import Evaluate, scored

TOO_FLAT: Final = 1e12  # condition of the curvature beyond which parameters are not pinned down
LOOSE: Final = 1e-4  # a variance below which a solution is at the edge of what can be


@dataclass(frozen=True)
class Model:
    """Which item belongs to which factor, which factor follows from which, and which are free to go together.

    `belongs` has the place of each item's factor, int (items,); `paths` pairs (from, to) and `together` pairs of
    places of factors whose (remaining) covariance is free. Items of the factors in `tied` have one loading in common.
    """

    belongs: np.ndarray
    factors: int
    paths: tuple[tuple[int, int], ...] = ()
    together: tuple[tuple[int, int], ...] = ()
    tied: frozenset[int] = frozenset()

    @property
    def loading_of(self) -> np.ndarray:
        """Which loading each item has, int (items,)."""
        seen: dict[tuple[int, int], int] = {}
        keys = [(int(at), 0 if at in self.tied else place + 1) for place, at in enumerate(self.belongs)]
        return np.array([seen.setdefault(key, len(seen)) for key in keys])

    @property
    def parameters(self) -> int:
        """How many numbers are fitted: loadings, paths, covariances, unique variances."""
        shared = int(self.loading_of.max()) + 1
        return shared + len(self.belongs) + len(self.paths) + len(self.together)

    def parts(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Loadings (items,), paths B (to, from), covariances of what is left of factors, unique variances (items,)."""
        own, p, b, c = self.loading_of, len(self.belongs), len(self.paths), len(self.together)
        loadings, paths, covariances, unique = np.split(at, np.cumsum([len(at) - p - b - c, b, c]))
        effects, left = np.zeros((self.factors, self.factors)), np.eye(self.factors)
        for value, (cause, effect) in zip(paths, self.paths, strict=True):
            effects[effect, cause] = value
        for value, (one, other) in zip(covariances, self.together, strict=True):
            left[one, other] = left[other, one] = value
        return loadings[own], effects, left, unique

    def implied(self, at: np.ndarray) -> np.ndarray:
        """Covariances of items that follow, float64 (items, items)."""
        onto, _, latent, unique = self._behind(at)
        return onto @ latent @ onto.T + np.diag(unique)

    def slopes(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """How they change with each parameter, by x y' + y x', float64 (items, parameters) each."""
        onto, through, latent, _ = self._behind(at)
        p = len(onto)
        met, reach, one = onto @ latent, onto @ through, np.eye(p)
        causes, effects = (np.array([path[i] for path in self.paths], int) for i in (0, 1))
        first, second = (np.array([pair[i] for pair in self.together], int) for i in (0, 1))
        mine = self.loading_of[:, None] == np.arange(int(self.loading_of.max()) + 1)  # items, loadings
        factor = self.belongs[mine.argmax(axis=0)]
        x = np.concatenate([mine, reach[:, effects], reach[:, first], one], axis=1)
        y = np.concatenate([met[:, factor], met[:, causes], reach[:, second], one / 2], axis=1)
        return x, y

    def _behind(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Loadings (items, factors), total effects with itself, covariances of factors, unique variances."""
        loadings, effects, left, unique = self.parts(at)
        onto = np.zeros((len(loadings), self.factors))
        onto[np.arange(len(loadings)), self.belongs] = loadings
        through = np.linalg.inv(np.eye(self.factors) - effects)
        return onto, through, through @ left @ through.T, unique

    def standardised(self, at: np.ndarray) -> np.ndarray:
        """Loadings, paths and covariances with all items and factors at variance 1, in the order of the parameters."""
        loadings, effects, left, unique = self.parts(at)
        sd = np.sqrt(np.diag(self._behind(at)[2]))
        met = loadings * sd[self.belongs]
        paths = [effects[b, a] * sd[a] / sd[b] for a, b in self.paths]
        return np.concatenate([met / np.sqrt(met**2 + unique), paths, [left[a, b] for a, b in self.together]])

    def latent(self, at: np.ndarray) -> np.ndarray:
        """Correlations of the factors that follow, float64 (factors, factors)."""
        covariance = self._behind(at)[2]
        sd = np.sqrt(np.diag(covariance))
        return covariance / np.outer(sd, sd)


@dataclass(frozen=True)
class Fit:
    """A fitted model: parameters, standardised ones with the covariance of their errors, and how well it fits.

    `problem` says in words why there are no numbers to believe, everything else is then empty; `edge` has the places of
    the items of which nothing of their own would be left.
    """

    model: Model
    at: np.ndarray
    standard: np.ndarray
    errors: np.ndarray
    indices: dict[str, float]
    problem: str = ""
    edge: tuple[int, ...] = ()


def fit(model: Model, moments: Moments, names: list[str], factors: list[str]) -> Fit:
    """The model fitted to correlations of the items; `names` and `factors` are for the words of a problem."""
    p = len(model.belongs)
    free = p * (p + 1) // 2 - model.parameters
    if free < 0:
        return _none(model, f"more is to be fitted ({model.parameters} numbers) than {p} items tell")
    if moments.n < p + 1:
        return _none(model, f"fewer sheets (effectively {moments.n:.0f}) than a model of {p} items needs")
    twins = np.argwhere(np.triu(np.abs(moments.correlation) > EDGE - SINGULAR, 1))
    if len(twins):
        return _none(
            model, f"{names[twins[0][0]]} and {names[twins[0][1]]} get the same answers: one of them is enough"
        )
    if moments.kind == "Pearson" and np.linalg.eigvalsh(moments.correlation)[0] < SINGULAR:
        return _none(model, "items are (nearly) sums of one another, or sheets are too few: nothing is left to fit")
    misfit: Misfit = Likelihood(moments) if moments.kind == "Pearson" else LeastSquares(moments)
    with np.errstate(all="ignore"):
        try:
            at, settled = scored(_evaluate(model, misfit), _start(model, moments.correlation))
            if problem := _inadmissible(model, at, names, factors):
                edge = np.flatnonzero(model.parts(at)[3] < LOOSE)
                return replace(_none(model, problem), edge=tuple(map(int, edge)))
            if not settled:
                return _none(model, "the search for the best fit did not settle")
            return _judged(model, moments, misfit, at, free)
        except np.linalg.LinAlgError:
            return _none(model, "the data do not pin the model down (singular)")


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
    of = model.loading_of
    return np.concatenate([np.bincount(of, loadings) / np.bincount(of), middle, 1 - loadings**2])


def _evaluate(model: Model, misfit: Misfit) -> Evaluate:
    """What the search asks: the misfit and its slopes at parameters."""

    def evaluate(at: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        sigma = model.implied(at)
        return misfit.misfit(sigma), *misfit.bend(sigma, *model.slopes(at))

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


def _judged(model: Model, moments: Moments, misfit: Misfit, at: np.ndarray, free: int) -> Fit:
    """Standardised parameters with errors, and fit indices."""
    sigma, (x, y) = model.implied(at), model.slopes(at)
    curvature = misfit.bend(sigma, x, y)[1]
    if np.linalg.cond(curvature) > TOO_FLAT:
        raise np.linalg.LinAlgError
    pull = misfit.pull(sigma, x, y)
    moved = np.linalg.solve(curvature, pull)  # how parameters follow each correlation
    carried = moved @ moments.errors
    turn = jacobian(model.standardised, at)
    spread = float((misfit.weights(sigma) * moments.errors).sum()) - float((carried * pull).sum())
    n, base_free = moments.n, len(moments.errors)
    chi2, base = n * misfit.misfit(sigma), n * misfit.base
    scale = n * spread / free if free else np.nan
    base_scale = n * float((misfit.base_weights * moments.errors).sum()) / base_free
    indices: dict[str, float] = {"n": n}
    if moments.kind == "Pearson":
        indices |= gauges(chi2, free, base, base_free, n)
        indices |= robust(chi2, free, scale, base, base_free, base_scale, n)
    else:
        indices |= gauges(chi2 / scale, free, base / base_scale, base_free, n)
    indices["srmr"] = srmr(moments.correlation, sigma)
    return Fit(model, at, model.standardised(at), turn @ (carried @ moved.T) @ turn.T, indices)


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
