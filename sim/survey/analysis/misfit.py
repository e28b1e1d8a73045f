"""How far what a model implies is from what was found, two ways: likelihood, and squares weighted by their variances.

A model's slopes are given as vectors x and y, float64 (items, parameters): the covariances that follow from a parameter
change by x y' + y x'. That is all that a model of factors needs, and it keeps a step of the search to small products.
"""

from __future__ import annotations

import numpy as np

from sim.survey.analysis.moments import Moments


def normal(inverse: np.ndarray, left: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Half the negative gradient of a normal likelihood's misfit, and half its expected curvature.

    `inverse` is that of the covariances implied, `left` what was found beyond them.
    """
    weighed_x, weighed_y = inverse @ x, inverse @ y
    crossed = y.T @ weighed_x
    return np.einsum("it,ij,jt->t", weighed_x, left, weighed_y), (
        (x.T @ weighed_x) * (y.T @ weighed_y) + crossed * crossed.T
    )


class Likelihood:
    """Maximum likelihood, for answers taken as continuous."""

    def __init__(self, moments: Moments):
        self.found = moments.correlation
        self.pairs = moments.pairs
        self.base = -float(np.linalg.slogdet(self.found)[1])  # misfit of items that have nothing in common
        self.base_weights = np.eye(len(self.pairs[0]))

    def misfit(self, sigma: np.ndarray) -> float:
        """The misfit, inf where sigma cannot be."""
        try:
            root = np.linalg.cholesky(sigma)
        except np.linalg.LinAlgError:
            return np.inf
        half = np.linalg.solve(root, self.found)
        trace = float(np.trace(np.linalg.solve(root, half.T)))
        return float(2 * np.log(np.diag(root)).sum()) + self.base + trace - len(sigma)

    def bend(self, sigma: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half the negative gradient of the misfit, half its expected curvature."""
        return normal(np.linalg.inv(sigma), self.found - sigma, x, y)

    def pull(self, sigma: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """What each correlation weighs in the gradient of each parameter, float64 (parameters, pairs)."""
        rows, columns = self.pairs
        inverse = np.linalg.inv(sigma)
        weighed_x, weighed_y = inverse @ x, inverse @ y
        return (weighed_x[rows] * weighed_y[columns] + weighed_y[rows] * weighed_x[columns]).T

    def weights(self, sigma: np.ndarray) -> np.ndarray:
        """What each pair of correlations weighs in the misfit near the solution, float64 (pairs, pairs)."""
        rows, columns = self.pairs
        inverse = np.linalg.inv(sigma)
        straight = inverse[np.ix_(rows, rows)] * inverse[np.ix_(columns, columns)]
        return straight + inverse[np.ix_(rows, columns)] * inverse[np.ix_(columns, rows)]


class LeastSquares:
    """Squares over each correlation's own variance, for polychoric correlations; an item's variance counts as 1."""

    def __init__(self, moments: Moments):
        self.found = moments.correlation
        self.pairs = moments.pairs
        self.own = 1 / (moments.n * np.diag(moments.errors))
        self.base = float(self.own @ self.found[self.pairs] ** 2)
        self.base_weights = np.diag(self.own)

    def misfit(self, sigma: np.ndarray) -> float:
        """The misfit."""
        left = self.found - sigma
        return float(self.own @ left[self.pairs] ** 2) + float((np.diag(left) ** 2).sum())

    def bend(self, sigma: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Half the negative gradient of the misfit, half its expected curvature."""
        left = self.found - sigma
        slopes, own = self._slopes(x, y), 2 * x * y
        weighed = slopes * self.own
        return weighed @ left[self.pairs] + own.T @ np.diag(left), weighed @ slopes.T + own.T @ own

    def pull(self, sigma: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """What each correlation weighs in the gradient of each parameter, float64 (parameters, pairs)."""
        return self._slopes(x, y) * self.own

    def weights(self, sigma: np.ndarray) -> np.ndarray:
        """What each pair of correlations weighs in the misfit, float64 (pairs, pairs)."""
        return self.base_weights

    def _slopes(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        rows, columns = self.pairs
        return (x[rows] * y[columns] + y[rows] * x[columns]).T


Misfit = Likelihood | LeastSquares
