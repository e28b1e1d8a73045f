"""Problems of known answers, as calibration files name them: ``tests.calibration_toys:GAUSS``."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.calibration.problem import Floats, Free, Learned, Target

NOISE = 0.1
SLOPES = ((1.0, 0.4), (-0.3, 0.8), (0.6, 0.7))
TRUTH = np.array([0.5, -0.4])


def normals(luck: Any, width: int) -> Floats:
    """Standard normal draws (n, width), a row a key."""
    return np.stack([np.random.Generator(np.random.Philox(key=int(key))).normal(size=width) for key in luck])


_asked = [0]


def _die() -> None:
    """Dies as by ``kill -9`` when it is asked for the time that the environment says."""
    _asked[0] += 1
    if _asked[0] == int(os.environ.get("DIE_AT", 0)):
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Linear:
    """Statistics linear in the numbers, with normal noise: under an even prior the posterior is a cut-off normal."""

    name: str = "linear"
    rows: tuple[tuple[float, ...], ...] = SLOPES
    seen: Any = None
    noise: float = NOISE  # of the data, as they are made up
    wide: float = 3.0
    believed: float = NOISE  # by the likelihood

    @property
    def slopes(self) -> Floats:
        return np.array(self.rows)

    @property
    def free(self) -> list[Free]:
        return [
            Free(f"economics.p{i}", -self.wide, self.wide, 0.0, unit="points", source="assumption")
            for i in range(self.slopes.shape[1])
        ]

    @property
    def observed(self) -> Floats:
        return self.slopes @ TRUTH[: self.slopes.shape[1]] if self.seen is None else np.asarray(self.seen, float)

    @property
    def targets(self) -> list[Target]:
        return [Target(f"t{i}", float(value), NOISE, "points") for i, value in enumerate(self.observed)]

    @property
    def covariance(self) -> Floats:
        return np.diag(np.full(len(self.slopes), NOISE**2))

    def simulate(self, theta: Floats, luck: Any) -> Floats:
        _die()
        return theta @ self.slopes.T + self.noise * normals(luck, len(self.slopes))

    def log_likelihood(self, theta: Floats, seen: Any = None) -> Floats:
        seen = self.observed if seen is None else seen
        return np.asarray(-0.5 * (((seen - theta @ self.slopes.T) / self.believed) ** 2).sum(axis=1))


@dataclass(frozen=True)
class Product:
    """Only the product of its two numbers decides what is seen."""

    name: str = "product"

    @property
    def free(self) -> list[Free]:
        return [Free(f"economics.{name}", 0.1, 10.0, 1.0, scale="log") for name in ("a", "b")]

    @property
    def targets(self) -> Sequence[Target]:
        return [Target("log product", float(np.log(2.0)), 0.05), Target("again", float(np.log(2.0)), 0.05)]

    @property
    def covariance(self) -> Floats:
        return np.diag([0.05**2, 0.05**2])

    def simulate(self, theta: Floats, luck: Any) -> Floats:
        return np.log(theta[:, :1] * theta[:, 1:]) + 0.05 * normals(luck, 2)


class Bent(Product):
    """The same, with its likelihood."""

    def log_likelihood(self, theta: Floats, seen: Any = None) -> Floats:
        told = np.log(2.0) if seen is None else seen[0]
        return np.asarray(-0.5 * ((np.log(theta[:, 0] * theta[:, 1]) - told) / 0.05) ** 2)


@dataclass(frozen=True)
class Toy:
    """A study of a problem that needs no data."""

    made: Any
    name: str = "toy"
    about: str = "a problem of known answers"
    files: tuple[str, ...] = ()

    def problem(self, folder: str | Path) -> Any:
        return self.made

    def learned(self, fit: Any) -> Learned:
        return Learned("made up", "two numbers", f"about {fit.point[0]:.1f}", "stay", [("draws", len(fit.draws))])


GAUSS = Toy(Linear())
PRODUCT = Toy(Product())
