"""Priors as a cube: every free number even on its scale between 0 and 1, and draws that are keyed, never a stream."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.calibration.problem import Floats, Free

EDGE = 1e-9  # a coordinate to 0 and 1, which have no logit
PURPOSES = ("prior", "luck", "keep", "truth", "noise", "point", "predict", "bands", "emulator", "others")


def generator(seed: int, purpose: str, trial: int = 0, step: int = 0) -> np.random.Generator:
    """A generator of its own for (seed, purpose, trial, step): the same numbers whatever else is drawn, and where."""
    key = np.array([seed, (PURPOSES.index(purpose) << 48) | (step << 40) | trial], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key))


def lucks(seed: int, purpose: str, trial: int, count: int, step: int = 0) -> NDArray[np.int64]:
    """Keys of luck for so many trials, all different from those of any other seed, purpose, trial and step."""
    drawn = generator(seed, purpose, trial, step).integers(0, 1 << 62, size=count + 1)[1:]  # the first belongs to theta
    return drawn.astype(np.int64)


def evenly(luck: NDArray[np.int64], width: int, purpose: int = PURPOSES.index("others") << 48) -> Floats:
    """Coordinates (n, width) drawn from the prior, keyed by luck and purpose: equal luck, equal row."""
    keys, row = np.unique(np.asarray(luck, np.int64), return_inverse=True)
    made = np.empty((keys.size, width))
    for i, key in enumerate(keys):
        bits = np.random.Philox(key=np.array([key.astype(np.uint64), purpose], np.uint64))
        made[i] = np.random.Generator(bits).random(width)
    return made[row]


def theta_of(free: Sequence[Free], unit: Floats) -> Floats:
    """Numbers (n, k) of coordinates (n, k) from 0 to 1."""
    columns = [_from_scale(_low(one) + unit[:, i] * (_high(one) - _low(one)), one) for i, one in enumerate(free)]
    return np.stack(columns, axis=1)


def unit_of(free: Sequence[Free], theta: Floats) -> Floats:
    """Coordinates (n, k) of numbers (n, k)."""
    columns = [(to_scale(theta[:, i], one) - _low(one)) / (_high(one) - _low(one)) for i, one in enumerate(free)]
    return np.stack(columns, axis=1)


def to_scale(value: Any, one: Free) -> Any:
    """Numbers on the scale on which their prior is even."""
    if one.scale == "log":
        return np.log(value)
    return np.log(value) - np.log1p(-np.asarray(value)) if one.scale == "logit" else np.asarray(value, float)


def _from_scale(x: Any, one: Free) -> Any:
    if one.scale == "log":
        return np.clip(np.exp(x), one.low, one.high)
    found = 1.0 / (1.0 + np.exp(-x)) if one.scale == "logit" else x
    return np.clip(found, one.low, one.high)


def _low(one: Free) -> float:
    return float(to_scale(one.low, one))


def _high(one: Free) -> float:
    return float(to_scale(one.high, one))


def logit(unit: Floats) -> Floats:
    """Coordinates without ends."""
    inside = np.clip(unit, EDGE, 1.0 - EDGE)
    return np.log(inside) - np.log1p(-inside)


def expit(x: Floats) -> Floats:
    """The way back."""
    return np.exp(-np.logaddexp(0.0, -x))


@dataclass(frozen=True)
class Prior:
    """Where trials are drawn from: a box of the cube (2, k), and for the first columns draws of an earlier stage.

    `carried` (n, c) are coordinates whose rows belong together; the box bounds them too.
    """

    box: Floats
    carried: Floats | None = None

    @classmethod
    def whole(cls, count: int, carried: Floats | None = None) -> Prior:
        """All of the cube of so many numbers."""
        return cls(np.stack([np.zeros(count), np.ones(count)]), carried)

    @property
    def share(self) -> float:
        """How much of the cube the box has (of what is not carried)."""
        free = self.box[:, 0 if self.carried is None else self.carried.shape[1] :]
        return float(np.prod(free[1] - free[0]))

    def sample(self, count: int, rng: np.random.Generator) -> Floats:
        """Coordinates (count, k)."""
        unit = self.box[0] + rng.random((count, self.box.shape[1])) * (self.box[1] - self.box[0])
        if self.carried is not None:
            width = self.carried.shape[1]
            inside = ((self.carried >= self.box[0, :width]) & (self.carried <= self.box[1, :width])).all(axis=1)
            rows = self.carried[inside] if inside.any() else self.carried
            unit[:, :width] = rows[rng.integers(0, len(rows), size=count)]
        return unit

    def sds(self) -> Floats:
        """Standard deviation of each coordinate."""
        found = (self.box[1] - self.box[0]) / np.sqrt(12.0)
        if self.carried is not None:
            found[: self.carried.shape[1]] = self.carried.std(axis=0, ddof=1)
        return found

    def around(self, draws: Floats, room: float) -> Prior:
        """The box that holds these draws (n, k) with `room` times their range to each side, inside this one."""
        low, high = draws.min(axis=0), draws.max(axis=0)
        wide = room * (high - low)
        return Prior(
            np.stack([np.maximum(low - wide, self.box[0]), np.minimum(high + wide, self.box[1])]), self.carried
        )
