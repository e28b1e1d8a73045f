"""The points of a design: how a unit cube is filled, and what its coordinates mean for numbers, choices and switches.

Nothing here draws from a global stream. Each design is keyed by its name alone (random ones by the path, too), so the
same sweep has the same points, and with more `samples` random, sobol, morris and saltelli begin with those they had.
A Latin hypercube cannot: its strata are of another width.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.experiments.design.plan import Parameter, Point
from sim.scenario.sweep import DEFAULT_GRID, DEFAULT_LEVELS, Designed

if TYPE_CHECKING:
    import numpy as np

DIGITS = 12  # that a number keeps: the last ones differ between machines, and a table should be readable
ANALYSED = ("morris", "saltelli")  # by the order of their rows


class NeedsSALib(Exception):
    """The design is SALib's, which is not installed."""


@dataclass(frozen=True)
class Drawn:
    """The different settings of a design, each a tuple of values in the order of its parameters, and how to read them.

    `info` is plain data: design, samples, levels, parameters (paths), settings (how many), and where rows of the design
    repeat a setting or their order matters `rows`, the number of the setting in each row. For morris and saltelli it
    has SALib's `problem` in unit space, whose names are in the order of the rows' columns; for morris also `X`.
    """

    settings: list[tuple[Any, ...]]
    info: dict[str, Any]


def size(design: Designed, parameters: Sequence[Parameter]) -> int:
    """How many rows a design will have at most, without making them."""
    samples, dimensions = design.samples or 0, len(parameters)
    match design.design:
        case "grid":
            return math.prod(_grid_levels(parameter, design.samples) for parameter in parameters)
        case "morris":
            return samples * (dimensions + 1)
        case "saltelli":
            return samples * (2 * dimensions + 2)
    return samples


def draw(design: Designed, parameters: Sequence[Parameter], group: str) -> Drawn:
    """The settings of a design. Raises NeedsSALib. `group` tells crossed designs of the same kind apart."""
    info: dict[str, Any] = {"design": design.design, "samples": design.samples}
    if design.design == "grid":
        info["samples"] = design.samples or DEFAULT_GRID
        rows = list(itertools.product(*(_grid(parameter, design.samples) for parameter in parameters)))
        return drawn(rows, parameters, info)
    # coordinates belong to paths in sorted order, so that the order in a file changes nothing
    order = sorted(range(len(parameters)), key=lambda i: parameters[i].path)
    ordered = [parameters[i] for i in order]
    if design.design in ANALYSED:
        info["problem"] = {
            "num_vars": len(ordered),
            "names": [p.path for p in ordered],
            "bounds": [[0.0, 1.0]] * len(ordered),
        }
    if design.design == "morris":
        info["levels"] = design.levels or DEFAULT_LEVELS
    unit = _unit(design, ordered, group, info)
    if design.design == "morris":
        info["X"] = unit.tolist()
    columns: list[list[Any]] = [[] for _ in parameters]
    for i, parameter in enumerate(ordered):
        columns[order[i]] = [value_at(parameter, u) for u in unit[:, i].tolist()]
    return drawn(list(zip(*columns, strict=True)), parameters, info)


def drawn(rows: Sequence[tuple[Any, ...]], parameters: Sequence[Parameter], info: Mapping[str, Any]) -> Drawn:
    """The different settings among the rows, numbered as they come."""
    numbers: dict[tuple[Any, ...], int] = {}
    told = [numbers.setdefault(row, len(numbers)) for row in rows]
    out = {**info, "parameters": [parameter.path for parameter in parameters], "settings": len(numbers)}
    if len(numbers) < len(told) or info["design"] in ANALYSED:
        out["rows"] = told
    return Drawn(list(numbers), out)


def points_of(groups: Mapping[str, tuple[Sequence[Parameter], Drawn]]) -> list[Point]:
    """Points of one design (`all`), or of `levers` and `uncertainties`, each of one with each of the other."""
    if "all" not in groups:
        (levers, these), (worlds, those) = groups["levers"], groups["uncertainties"]
        crossed = itertools.product(enumerate(these.settings), enumerate(those.settings))
        return [
            Point(number, lever, world, {**_named(levers, setting), **_named(worlds, other)})
            for number, ((lever, setting), (world, other)) in enumerate(crossed)
        ]
    parameters, only = groups["all"]
    seen: dict[str, dict[tuple[Any, ...], int]] = {"lever": {}, "uncertainty": {}}
    out = []
    for number, setting in enumerate(only.settings):
        parts = {
            role: tuple(value for p, value in zip(parameters, setting, strict=True) if p.role == role) for role in seen
        }
        lever, world = (seen[role].setdefault(part, len(seen[role])) for role, part in parts.items())
        out.append(Point(number, lever, world, _named(parameters, setting)))
    return out


def _named(parameters: Sequence[Parameter], setting: Sequence[Any]) -> dict[str, Any]:
    return {parameter.path: value for parameter, value in zip(parameters, setting, strict=True)}


# --- what a coordinate means -----------------------------------------------------------------------------------------


def value_at(parameter: Parameter, u: float) -> Any:
    """The value of a parameter at a coordinate from 0 to 1: levels and whole numbers have equal shares of it.

    On a log scale a whole number's share is as wide as it is there, from half below it to half above.
    """
    if parameter.values is not None:
        return parameter.values[min(int(u * len(parameter.values)), len(parameter.values) - 1)]
    low, high = _ends(parameter)
    if parameter.kind == "integer":
        if parameter.log:
            least = low - 0.5
            return int(min(max(math.floor(least * ((high + 0.5) / least) ** u + 0.5), low), high))
        return int(low) + min(int(u * (high - low + 1)), int(high - low))
    return _tidy(low * (high / low) ** u if parameter.log else low + u * (high - low), low, high)


def unit_of(parameter: Parameter, value: Any) -> float:
    """A coordinate at which the parameter has this value, the middle of its share; the inverse of `value_at`."""
    if parameter.values is not None:
        return (parameter.values.index(value) + 0.5) / len(parameter.values)
    low, high = _ends(parameter)
    if parameter.kind == "integer" and not parameter.log:
        return float((value - low + 0.5) / (high - low + 1))
    if parameter.kind == "integer":
        low, high = low - 0.5, high + 0.5
    if parameter.log:
        return math.log(value / low) / math.log(high / low)
    return float((value - low) / (high - low))


def _ends(parameter: Parameter) -> tuple[float, float]:
    assert parameter.low is not None  # a parameter has values or both ends
    assert parameter.high is not None
    return parameter.low, parameter.high


def _tidy(value: float, low: float, high: float) -> float:
    return min(max(float(f"{value:.{DIGITS}g}"), low), high)


def _grid(parameter: Parameter, samples: int | None) -> list[Any]:
    """The levels of a parameter in a grid: those listed, else so many from the low end to the high one."""
    if parameter.values is not None:
        return list(parameter.values)
    count = samples or DEFAULT_GRID
    low, high = _ends(parameter)
    parts = [i / (count - 1) for i in range(count)]
    spaced = [low * (high / low) ** part if parameter.log else low + part * (high - low) for part in parts]
    if parameter.kind == "integer":
        return list(dict.fromkeys(int(min(max(math.floor(x + 0.5), low), high)) for x in spaced))
    return [_tidy(x, low, high) for x in spaced]


def _grid_levels(parameter: Parameter, samples: int | None) -> int:
    return len(parameter.values) if parameter.values is not None else len(_grid(parameter, samples))


# --- how a cube is filled --------------------------------------------------------------------------------------------


def _unit(design: Designed, ordered: Sequence[Parameter], group: str, info: dict[str, Any]) -> np.ndarray:
    """Rows of the design in unit space, float64 (rows, parameters)."""
    import numpy as np

    samples, dimensions = design.samples or 0, len(ordered)
    match design.design:
        case "random":  # a stream for each parameter: its n-th number is the n-th point's
            streams = [np.random.Generator(np.random.Philox(_key("random", p.path))) for p in ordered]
            return np.column_stack([stream.random(samples) for stream in streams])
        case "latin_hypercube":
            from scipy.stats import qmc

            return qmc.LatinHypercube(dimensions, seed=_key("latin_hypercube", group)).random(samples)
        case "sobol":
            from scipy.stats import qmc

            return qmc.Sobol(dimensions, scramble=True, seed=_key("sobol", group)).random(samples)
        case "saltelli":
            sample = _salib("sobol")
            info["second_order"] = True
            return np.asarray(
                sample(dict(info["problem"]), samples, calc_second_order=True, seed=_key("saltelli", group) % 2**31)
            )
        case "morris":
            sample, levels = _salib("morris"), info["levels"]
            # trajectories are drawn one by one, each by its number, so that more of them change none
            paths = [
                sample(dict(info["problem"]), 1, num_levels=levels, seed=_key("morris", f"{group} {i}") % 2**31)
                for i in range(samples)
            ]
            return np.round(np.vstack(paths) * (levels - 1)) / (levels - 1)
    raise ValueError(f"{design.design} is not drawn")


def _key(*words: str) -> int:
    """A seed of 128 bits for what these words name."""
    return int.from_bytes(hashlib.sha256("\n".join(("rapport sweep", *words)).encode()).digest()[:16], "big")


def _salib(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(f"SALib.sample.{name}").sample
    except ImportError:
        raise NeedsSALib from None


def missing_salib(design: Designed) -> bool:
    """Whether a design needs SALib and it is not installed."""
    import importlib.util

    return design.design in ANALYSED and importlib.util.find_spec("SALib") is None


def coordinates(parameters: Sequence[Parameter], points: Sequence[Point]) -> Iterator[list[float]]:
    """Every point in unit space, in the order of the parameters."""
    for point in points:
        yield [unit_of(parameter, point.values[parameter.path]) for parameter in parameters]
