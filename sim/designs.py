"""The designs of a sweep, one class each: what its section may say, its points, how it is told and analysed.

Whoever asks which design a sweep has asks here, by name: `DESIGNS`. A new design is a new class in this file.

Nothing here draws from a global stream. Each design is keyed by its name alone (random ones by the path, too), so the
same sweep has the same points, and a design that `extends` begins with those it had when it gets more `samples`.
A Latin hypercube cannot: its strata are of another width.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from sim.phrases import listed
from sim.slips import Slip

if TYPE_CHECKING:
    import numpy as np

DESIGNS: dict[str, Design] = {}  # by name, in the order of their classes


class NeedsSALib(Exception):
    """The design is SALib's, which is not installed."""


class Asked(Protocol):
    """What the section of a design says of it."""

    @property
    def samples(self) -> int | None: ...
    @property
    def levels(self) -> int | None: ...
    @property
    def file(self) -> str | None: ...
    @property
    def vary(self) -> Mapping[str, Any]: ...


class Varied(Protocol):
    """A parameter, as a design sees it: its path, its value at a coordinate from 0 to 1, its levels in a grid."""

    @property
    def path(self) -> str: ...
    def value_at(self, u: float) -> Any: ...
    def levels(self, count: int) -> list[Any]: ...


class Design:
    """How the points of a sweep are chosen. A subclass with a name is in `DESIGNS`."""

    name: ClassVar[str] = ""
    words: ClassVar[str] = ""  # for a reader
    sampled: ClassVar[bool] = True  # it needs `samples`
    counts: ClassVar[str] = "points"  # what `samples` counts
    least: ClassVar[int] = 1  # of samples
    power_of_two: ClassVar[bool] = False  # are samples, which balances a Sobol' sequence
    extends: ClassVar[bool | None] = None  # whether more samples keep the points there were; None: it has no samples
    default_levels: ClassVar[int] = 0  # where it has `levels`
    needs_salib: ClassVar[bool] = False  # to draw it
    complete: ClassVar[bool] = False  # its analysis needs every row, in their order
    keeps_x: ClassVar[bool] = False  # `info` has its rows in unit space, as `X`
    estimator: ClassVar[str] = ""  # of its indices, in `sim.analysis.indices.ESTIMATORS`; none without

    def __init_subclass__(cls) -> None:
        if cls.name:
            DESIGNS[cls.name] = cls()

    def slips(self, asked: Asked) -> Iterator[Slip]:
        """What its section lacks, and what it has no use for."""
        yield from self._source_slips(asked)
        if asked.levels is not None and not self.default_levels:
            others = listed([design.name for design in DESIGNS.values() if design.default_levels])
            yield ("levels",), f"{self.name} has none; only {others} has levels (a grid says samples)"
        if asked.levels is not None and asked.levels % 2:
            yield ("levels",), f"{asked.levels} is odd; an even number, so that steps are balanced"
        samples = asked.samples
        if samples is None:
            if self.sampled:
                yield ("samples",), f"missing; how many {self.counts}"
        elif samples < self.least:
            yield ("samples",), f"{samples} is not enough; at least {self.least} {self.counts}"
        elif self.power_of_two and samples & (samples - 1):
            below = 1 << (samples.bit_length() - 1)
            yield ("samples",), f"{samples} is not a power of two, which {self.name} needs; {below} or {2 * below}"

    def _source_slips(self, asked: Asked) -> Iterator[Slip]:
        if not asked.vary:
            yield ("vary",), "nothing is varied; such as managers.hours_per_month: {low: 35, high: 60}"
        if asked.file is not None:
            yield ("file",), f"{self.name} makes its own points; design: list reads a file"

    def block(self, dimensions: int) -> int:
        """How many rows a sample has."""
        return 1

    def size(self, asked: Asked, parameters: Sequence[Varied]) -> int:
        """How many rows it will have at most, without making them."""
        return (asked.samples or 0) * self.block(len(parameters))

    def rows(
        self, asked: Asked, parameters: Sequence[Varied], group: str, info: dict[str, Any]
    ) -> list[tuple[Any, ...]]:
        """Its rows, each a tuple of values in the order of the parameters; what its analysis needs goes into `info`.

        `group` tells crossed designs of the same kind apart. Raises NeedsSALib.
        """
        raise ValueError(f"{self.name} is not drawn")

    @property
    def lacks_salib(self) -> bool:
        """Whether it needs SALib, which is not installed."""
        import importlib.util

        return self.needs_salib and importlib.util.find_spec("SALib") is None


UNKNOWN = Design()  # one of another version, of which nothing is known but its name


class Grid(Design):
    """All levels of each parameter with all of the others."""

    name, words = "grid", "full grid"
    sampled, counts, least, extends = False, "levels", 2, False
    default = 5  # levels of a range

    def size(self, asked: Asked, parameters: Sequence[Varied]) -> int:
        return math.prod(map(len, self._levels(asked, parameters)))

    def rows(
        self, asked: Asked, parameters: Sequence[Varied], group: str, info: dict[str, Any]
    ) -> list[tuple[Any, ...]]:
        info["samples"] = asked.samples or self.default
        return list(itertools.product(*self._levels(asked, parameters)))

    def _levels(self, asked: Asked, parameters: Sequence[Varied]) -> Iterator[list[Any]]:
        return (parameter.levels(asked.samples or self.default) for parameter in parameters)


class _Cube(Design):
    """Points that fill a unit cube."""

    def rows(
        self, asked: Asked, parameters: Sequence[Varied], group: str, info: dict[str, Any]
    ) -> list[tuple[Any, ...]]:
        # coordinates belong to paths in sorted order, so that the order in a file changes nothing
        order = sorted(range(len(parameters)), key=lambda i: parameters[i].path)
        unit = self.unit([parameters[i].path for i in order], asked, group, info)
        columns: list[list[Any]] = [[] for _ in parameters]
        for i, place in enumerate(order):
            columns[place] = [parameters[place].value_at(u) for u in unit[:, i].tolist()]
        return list(zip(*columns, strict=True))

    def unit(self, paths: Sequence[str], asked: Asked, group: str, info: dict[str, Any]) -> np.ndarray:
        """Its rows in unit space, float64 (rows, paths)."""
        raise NotImplementedError


class Random(_Cube):
    """Independent points, a stream for each parameter: its n-th number is the n-th point's."""

    name, words = "random", "random points"
    extends, estimator = True, "given data"

    def unit(self, paths: Sequence[str], asked: Asked, group: str, info: dict[str, Any]) -> np.ndarray:
        import numpy as np

        streams = [np.random.Generator(np.random.Philox(_key(self.name, path))) for path in paths]
        return np.column_stack([stream.random(asked.samples or 0) for stream in streams])


class LatinHypercube(_Cube):
    """A point in each of as many strata of every parameter."""

    name, words = "latin_hypercube", "Latin hypercube"
    extends, estimator = False, "given data"

    def unit(self, paths: Sequence[str], asked: Asked, group: str, info: dict[str, Any]) -> np.ndarray:
        from scipy.stats import qmc

        return qmc.LatinHypercube(len(paths), seed=_key(self.name, group)).random(asked.samples or 0)


class Sobol(_Cube):
    """A scrambled Sobol' sequence."""

    name, words = "sobol", "Sobol' sequence"
    power_of_two, extends, estimator = True, True, "given data"

    def unit(self, paths: Sequence[str], asked: Asked, group: str, info: dict[str, Any]) -> np.ndarray:
        from scipy.stats import qmc

        return qmc.Sobol(len(paths), scramble=True, seed=_key(self.name, group)).random(asked.samples or 0)


class Morris(_Cube):
    """Trajectories that change one parameter a step, for elementary effects."""

    name, words = "morris", "Morris trajectories"
    counts, least, extends, default_levels = "trajectories", 2, True, 4
    needs_salib, complete, keeps_x, estimator = True, True, True, "morris"

    def block(self, dimensions: int) -> int:
        return dimensions + 1

    def unit(self, paths: Sequence[str], asked: Asked, group: str, info: dict[str, Any]) -> np.ndarray:
        import numpy as np

        levels = asked.levels or self.default_levels
        info |= {"problem": _problem(paths), "levels": levels}
        sample = _salib("morris")
        # trajectories are drawn one by one, each by its number, so that more of them change none
        drawn = [
            sample(dict(info["problem"]), 1, num_levels=levels, seed=_key(self.name, f"{group} {i}") % 2**31)
            for i in range(asked.samples or 0)
        ]
        unit: np.ndarray = np.round(np.vstack(drawn) * (levels - 1)) / (levels - 1)
        info["X"] = unit.tolist()
        return unit


class Saltelli(_Cube):
    """Two samples and their mixtures, for Sobol' indices up to the second order."""

    name, words = "saltelli", "Saltelli sample for Sobol' indices"
    counts, power_of_two, extends = "base samples", True, True
    needs_salib, complete, estimator = True, True, "sobol"

    def block(self, dimensions: int) -> int:
        return 2 * dimensions + 2

    def unit(self, paths: Sequence[str], asked: Asked, group: str, info: dict[str, Any]) -> np.ndarray:
        import numpy as np

        problem = _problem(paths)
        info |= {"problem": problem, "second_order": True}
        seed = _key(self.name, group) % 2**31
        return np.asarray(_salib("sobol")(dict(problem), asked.samples, calc_second_order=True, seed=seed))


class Listed(Design):
    """Points out of a file, which `sim.experiments.design.point_list` reads."""

    name, words, sampled = "list", "listed points", False

    def _source_slips(self, asked: Asked) -> Iterator[Slip]:
        if asked.file is None:
            yield ("file",), "missing; the CSV file whose rows are the points"
        for name, value in (("samples", asked.samples), ("vary", asked.vary)):
            if value:
                yield (name,), "a list takes its points from its file; leave it out"


def _problem(paths: Sequence[str]) -> dict[str, Any]:
    """SALib's words for a unit cube."""
    return {"num_vars": len(paths), "names": list(paths), "bounds": [[0.0, 1.0]] * len(paths)}


def _key(*words: str) -> int:
    """A seed of 128 bits for what these words name."""
    return int.from_bytes(hashlib.sha256("\n".join(("rapport sweep", *words)).encode()).digest()[:16], "big")


def _salib(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"SALib.sample.{name}").sample
    except ImportError:
        raise NeedsSALib from None
