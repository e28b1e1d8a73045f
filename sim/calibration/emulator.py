"""A Gaussian process a statistic, over coordinates of the prior: what a model would say where it was not asked."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.calibration.problem import Floats
from sim.errors import BadInput

LENGTHS = (0.05, 20.0)  # of the cube, over which a statistic bends
NUGGET = (1e-6, 1.0)  # of a statistic's variance, which luck has
MOST_ROWS = 4_000  # asked at once


def gaussian_process() -> tuple[Any, Any]:
    """scikit-learn's regressor and its kernels; `BadInput` where it is missing."""
    try:
        from sklearn.gaussian_process import GaussianProcessRegressor, kernels
    except ImportError:
        raise BadInput.at("scikit-learn", "is not installed; pip install 'rapport-sim[analysis]'") from None
    return GaussianProcessRegressor, kernels


@dataclass(frozen=True)
class Emulator:
    """Fitted processes of m statistics over k coordinates: a plane each, and a process of what bends from it."""

    unit: Floats  # (n, k), where the model was asked
    statistics: Floats  # (n, m), what it said
    planes: Floats  # (k + 1, m)
    sizes: Floats  # (m,), of what the plane leaves
    processes: tuple[Any, ...]

    def predict(self, unit: Floats) -> tuple[Floats, Floats]:
        """Mean (n, m) of the model there, and the standard deviation (n, m) of the doubt about that mean."""
        means, sds = np.empty((2, len(unit), len(self.sizes)))
        for start in range(0, len(unit), MOST_ROWS):
            rows = slice(start, start + MOST_ROWS)
            for j, process in enumerate(self.processes):
                mean, sd = process.predict(unit[rows], return_std=True)
                luck = float(process.kernel_.k2.noise_level)
                means[rows, j] = mean * self.sizes[j]
                sds[rows, j] = np.sqrt(np.maximum(sd**2 - luck, 0.0)) * self.sizes[j]
        return means + _with_one(unit) @ self.planes, sds

    def without(self, row: int) -> Emulator:
        """The same, but for one place where the model was asked; bends as they are."""
        keep = np.arange(len(self.unit)) != row
        return emulated(self.unit[keep], self.statistics[keep], like=self)

    @property
    def luck(self) -> Floats:
        """Variance (m,) of a statistic that stays where the model is asked twice at one place."""
        return np.array([float(one.kernel_.k2.noise_level) for one in self.processes]) * self.sizes**2


def emulated(unit: Floats, statistics: Floats, like: Emulator | None = None) -> Emulator:
    """An emulator of a model that said `statistics` (n, m) at `unit` (n, k); kernels of `like` are kept."""
    regressor, kernels = gaussian_process()
    x = _with_one(unit)
    planes = np.asarray(np.linalg.lstsq(x, statistics, rcond=None)[0], np.float64)
    rest = statistics - x @ planes
    least = 1e-12 * np.maximum(np.abs(statistics).max(axis=0), 1e-300)
    sizes = np.asarray(np.maximum(rest.std(axis=0), least), np.float64)
    made = []
    for j in range(statistics.shape[1]):
        if like is None:
            kernel = kernels.ConstantKernel(1.0, (1e-3, 1e3)) * kernels.RBF(np.ones(unit.shape[1]), LENGTHS)
            kernel += kernels.WhiteKernel(0.1, NUGGET)
            process = regressor(kernel=kernel, n_restarts_optimizer=0, random_state=0)
        else:
            process = regressor(kernel=like.processes[j].kernel_, optimizer=None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a length at its bound: such a number does not bend the statistic
            made.append(process.fit(unit, rest[:, j] / sizes[j]))
    return Emulator(unit, statistics, planes, sizes, tuple(made))


def _with_one(unit: Floats) -> Floats:
    return np.hstack([np.ones((len(unit), 1)), unit])
