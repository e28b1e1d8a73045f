"""The designs of a sweep, one class each: what its section may say, its points, how it is told and analysed.

Whoever asks which design a sweep has asks here, by name: `DESIGNS`. A new design is a new class in this file.

Nothing here draws from a global stream. Each design is keyed by its name alone (random ones by the path, too), so the
same sweep has the same points, and a design that `extends` begins with those it had when it gets more `samples`.
A Latin hypercube cannot: its strata are of another width.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from sim.phrases import listed
from sim.slips import Slip

Rows = list[tuple[Any, ...]]
DESIGNS: dict[str, type[Design]] = {}  # by name, in the order of their classes


class Varied(Protocol):
    """A parameter, as a design sees it: its path, its value at a coordinate from 0 to 1, its levels in a grid."""

    @property
    def path(self) -> str: ...
    def value_at(self, u: float) -> Any: ...
    def levels(self, count: int) -> list[Any]: ...


@dataclass(frozen=True)
class Design:
    """How the points of a sweep are chosen: a subclass with a name is in `DESIGNS`; this one stands for unknown ones.

    `samples` and `levels` are what the section says.
    """

    samples: int | None = None
    levels: int | None = None

    name = ""
    words = ""  # for a reader
    counts = "points"  # what `samples` counts
    sampled = True  # without `samples` there are no points
    least = 1  # of samples
    power_of_two = False  # are samples, which balances a Sobol' sequence
    extends: ClassVar[bool | None] = None  # whether more samples keep the points there were
    default_levels = 0  # where it has `levels`
    salib = ""  # module of SALib.sample that draws it
    complete = False  # its analysis needs every row, in their order
    keeps_x = False  # `info` has its rows in unit space, as `X`
    estimator = ""  # of its indices, in `sim.analysis.indices.ESTIMATORS`; none without

    def __init_subclass__(cls) -> None:
        if cls.name:
            DESIGNS[cls.name] = cls

    def slips(self, file: str | None, vary: Mapping[str, Any]) -> Iterator[Slip]:
        """What its section lacks, and what it has no use for."""
        if not vary:
            yield ("vary",), "nothing is varied; such as managers.hours_per_month: {low: 35, high: 60}"
        if file is not None:
            yield ("file",), f"{self.name} makes its own points; design: list reads a file"
        yield from self._number_slips()

    def _number_slips(self) -> Iterator[Slip]:
        samples, levels = self.samples, self.levels
        if levels is not None and not self.default_levels:
            others = listed([design.name for design in DESIGNS.values() if design.default_levels])
            yield ("levels",), f"{self.name} has none; only {others} has levels (a grid says samples)"
        if levels is not None and levels % 2:
            yield ("levels",), f"{levels} is odd; an even number, so that steps are balanced"
        if samples is None:
            if self.sampled:
                yield ("samples",), f"missing; how many {self.counts}"
        elif samples < self.least:
            yield ("samples",), f"{samples} is not enough; at least {self.least} {self.counts}"
        elif self.power_of_two and samples & (samples - 1):
            below = 1 << (samples.bit_length() - 1)
            yield ("samples",), f"{samples} is not a power of two, which {self.name} needs; {below} or {2 * below}"

    @staticmethod
    def block(dimensions: int) -> int:
        """How many rows a sample has."""
        return 1

    def size(self, parameters: Sequence[Varied]) -> int:
        """How many rows it will have at most, without making them."""
        return (self.samples or 0) * self.block(len(parameters))

    def rows(self, parameters: Sequence[Varied], group: str, info: dict[str, Any]) -> Rows:
        """Its rows, each a tuple of values in the order of the parameters; what its analysis needs goes into `info`.

        `group` tells crossed designs of the same kind apart.
        """
        # coordinates belong to paths in sorted order, so that the order in a file changes nothing
        order = sorted(range(len(parameters)), key=lambda i: parameters[i].path)
        paths = [parameters[i].path for i in order]
        if self.salib:  # in its words
            info["problem"] = {"num_vars": len(paths), "names": paths, "bounds": [[0.0, 1.0]] * len(paths)}
        unit = self.unit(paths, group, info)
        columns: list[list[Any]] = [[] for _ in parameters]
        for i, place in enumerate(order):
            columns[place] = [parameters[place].value_at(u) for u in unit[:, i].tolist()]
        return list(zip(*columns, strict=True))

    def unit(self, paths: Sequence[str], group: str, info: dict[str, Any]) -> np.ndarray:
        """Its rows in unit space, float64 (rows, paths)."""
        raise ValueError(f"{self.name} is not drawn")

    def sampler(self) -> Any:
        """The function of SALib that draws it, None where it needs none. Raises ImportError."""
        return importlib.import_module(f"SALib.sample.{self.salib}").sample if self.salib else None


class Grid(Design):
    """All levels of each parameter with all of the others."""

    name, words, counts, sampled, least, extends = "grid", "full grid", "levels", False, 2, False
    default = 5  # levels of a range

    def size(self, parameters: Sequence[Varied]) -> int:
        return math.prod(map(len, self._levels(parameters)))

    def rows(self, parameters: Sequence[Varied], group: str, info: dict[str, Any]) -> Rows:
        info["samples"] = self.samples or self.default
        return list(itertools.product(*self._levels(parameters)))

    def _levels(self, parameters: Sequence[Varied]) -> Iterator[list[Any]]:
        return (parameter.levels(self.samples or self.default) for parameter in parameters)


class Random(Design):
    """Independent points, a stream for each parameter: its n-th number is the n-th point's."""

    name, words, extends, estimator = "random", "random points", True, "given data"

    def unit(self, paths: Sequence[str], group: str, info: dict[str, Any]) -> np.ndarray:
        streams = [np.random.Generator(np.random.Philox(_key(self.name, path))) for path in paths]
        return np.column_stack([stream.random(self.samples or 0) for stream in streams])


class LatinHypercube(Design):
    """A point in each of as many strata of every parameter."""

    name, words, extends, estimator = "latin_hypercube", "Latin hypercube", False, "given data"

    def unit(self, paths: Sequence[str], group: str, info: dict[str, Any]) -> np.ndarray:
        from scipy.stats import qmc

        return qmc.LatinHypercube(len(paths), seed=_key(self.name, group)).random(self.samples or 0)


class Sobol(Design):
    """A scrambled Sobol' sequence."""

    name, words, power_of_two, extends, estimator = "sobol", "Sobol' sequence", True, True, "given data"

    def unit(self, paths: Sequence[str], group: str, info: dict[str, Any]) -> np.ndarray:
        from scipy.stats import qmc

        return qmc.Sobol(len(paths), scramble=True, seed=_key(self.name, group)).random(self.samples or 0)


class Morris(Design):
    """Trajectories that change one parameter a step, for elementary effects."""

    name, words, counts, least, extends = "morris", "Morris trajectories", "trajectories", 2, True
    default_levels, salib, complete, keeps_x, estimator = 4, "morris", True, True, "morris"

    @staticmethod
    def block(dimensions: int) -> int:
        return dimensions + 1

    def unit(self, paths: Sequence[str], group: str, info: dict[str, Any]) -> np.ndarray:
        sample, levels = self.sampler(), self.levels or self.default_levels
        # trajectories are drawn one by one, each by its number, so that more of them change none
        seeds = [_key(self.name, f"{group} {i}") % 2**31 for i in range(self.samples or 0)]
        drawn = [sample(dict(info["problem"]), 1, num_levels=levels, seed=seed) for seed in seeds]
        unit: np.ndarray = np.round(np.vstack(drawn) * (levels - 1)) / (levels - 1)
        info |= {"levels": levels, "X": unit.tolist()}
        return unit


class Saltelli(Design):
    """Two samples and their mixtures, for Sobol' indices up to the second order."""

    name, words, counts = "saltelli", "Saltelli sample for Sobol' indices", "base samples"
    power_of_two, extends, salib, complete, estimator = True, True, "sobol", True, "sobol"

    @staticmethod
    def block(dimensions: int) -> int:
        return 2 * dimensions + 2

    def unit(self, paths: Sequence[str], group: str, info: dict[str, Any]) -> np.ndarray:
        info["second_order"] = True
        seed = _key(self.name, group) % 2**31
        unit: np.ndarray = self.sampler()(dict(info["problem"]), self.samples, calc_second_order=True, seed=seed)
        return unit


class Listed(Design):
    """Points out of a file, which `sim.experiments.design.point_list` reads."""

    name, words, sampled = "list", "listed points", False

    def slips(self, file: str | None, vary: Mapping[str, Any]) -> Iterator[Slip]:
        if file is None:
            yield ("file",), "missing; the CSV file whose rows are the points"
        for name, value in (("samples", self.samples), ("vary", vary)):
            if value:
                yield (name,), "a list takes its points from its file; leave it out"
        yield from self._number_slips()


def _key(*words: str) -> int:
    """A seed of 128 bits for what these words name."""
    return int.from_bytes(hashlib.sha256("\n".join(("rapport sweep", *words)).encode()).digest()[:16], "big")
