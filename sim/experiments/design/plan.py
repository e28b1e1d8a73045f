"""What a sweep asks: parameters, the points of their design, and for every point and seed one unit of work.

A unit is a point lived with one seed in all arms, so that arms share their burn-in and their luck. Its id is a digest
of all that decides its results, whatever else is asked in the same sweep: more seeds or points find what is there.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from sim.errors import BadInput
from sim.store.files import why_unreadable, write_json

Kind = Literal["number", "integer", "choice", "switch"]
Role = Literal["lever", "uncertainty"]
BANK = "sim.experiments.sweep.points:BankPoints"  # what lives a unit unless a plan says otherwise
BANKS = (
    BANK,
    "sim.experiments.beliefs:Worlds",
    "sim.experiments.calibrate.points:CalibrationPoints",
)  # makers that live the bank
FORMER = {"sim.experiments.sweep.bank:BankPoints": BANK}  # names under which plans of older versions know it
FILE = "plan.json"
DIGITS = 12  # that a number keeps: the last ones differ between machines, and a table should be readable


@dataclass(frozen=True)
class Parameter:
    """One number, choice or switch that a sweep varies.

    `low` and `high` bound numbers and integers; `values` are the levels of choices, switches and listed numbers.
    `log` spaces numbers by their logarithm. `base` is the value without the sweep; `unit`, `about` and
    `source` are the assumption's.
    """

    path: str
    kind: Kind
    role: Role = "uncertainty"
    low: float | None = None
    high: float | None = None
    log: bool = False
    values: tuple[Any, ...] | None = None
    base: Any = None
    unit: str = ""
    about: str = ""
    source: str = ""

    def value_at(self, u: float) -> Any:
        """Its value at a coordinate from 0 to 1: levels and whole numbers have equal shares of it.

        On a log scale a whole number's share is as wide as it is there, from half below it to half above.
        """
        if self.values is not None:
            return self.values[min(int(u * len(self.values)), len(self.values) - 1)]
        low, high = self.ends
        if self.kind == "integer":
            if self.log:
                least = low - 0.5
                return int(min(max(math.floor(least * ((high + 0.5) / least) ** u + 0.5), low), high))
            return int(low) + min(int(u * (high - low + 1)), int(high - low))
        return self._tidy(self._spaced(u))

    def levels(self, count: int) -> list[Any]:
        """Its levels in a grid: those listed, else so many from the low end to the high one."""
        if self.values is not None:
            return list(self.values)
        low, high = self.ends
        spaced = [self._spaced(i / (count - 1)) for i in range(count)]
        if self.kind == "integer":
            return list(dict.fromkeys(int(min(max(math.floor(x + 0.5), low), high)) for x in spaced))
        return [self._tidy(x) for x in spaced]

    @property
    def ends(self) -> tuple[float, float]:
        """The low and the high end of what has no values."""
        assert self.low is not None  # a parameter has values or both ends
        assert self.high is not None
        return self.low, self.high

    def _spaced(self, part: float) -> float:
        low, high = self.ends
        return low * (high / low) ** part if self.log else low + part * (high - low)

    def _tidy(self, value: float) -> float:
        low, high = self.ends
        return min(max(float(f"{value:.{DIGITS}g}"), low), high)


@dataclass(frozen=True)
class Point:
    """One setting of all parameters; `lever` and `world` number its settings of levers and of uncertainties."""

    number: int
    lever: int
    world: int
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Unit:
    """A point with a seed: what a worker lives at once, arm after arm."""

    point: Point
    seed: int
    id: str


@dataclass(frozen=True)
class Plan:
    """Everything of a sweep but its points, as plain data, the same in the driver and in every worker.

    `text` is the resolved base scenario without seeds, sweep and optimise. `lives` names what lives a unit,
    ``module:name`` (see `sim.experiments.executors.worker`). `design` says how the points were made (levers and
    uncertainties apart), for those who analyse them. `seconds_limit` ends a unit that takes longer.
    `scenario_digest` is of the text without where a book lies (empty: of the text), `book_digest` of what it holds.
    """

    name: str
    text: str
    parameters: tuple[Parameter, ...]
    arms: tuple[str, ...]
    seeds: tuple[int, ...]
    code_version: str
    design: Mapping[str, Any] = field(default_factory=dict)
    lives: str = BANK
    plugins: tuple[str, ...] = ()
    seconds_limit: float | None = None
    book_digest: str = ""
    scenario_digest: str = ""

    def unit(self, point: Point, seed: int) -> Unit:
        """The unit of a point and a seed with its id."""
        return Unit(point, seed, self.unit_id(point.values, seed))

    def unit_id(self, values: Mapping[str, Any], seed: int) -> str:
        """16 hex digits of SHA-256 over scenario, values, seed and code."""
        told = {"base": self.base_digest, "values": dict(sorted(values.items())), "seed": seed}
        return hashlib.sha256(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]

    @property
    def made_by(self) -> str:
        """What lives its units, under today's name: ``module:class``."""
        return FORMER.get(self.lives, self.lives)

    @property
    def base_digest(self) -> str:
        """Digest of what all units share: scenario, book, arms, code and who lives."""
        told = [self.scenario_digest or self.text, self.book_digest, list(self.arms), self.code_version, self.lives]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def units(self, points: Sequence[Point]) -> list[Unit]:
        """All units, those beside one another that share a burn-in: seed by seed within points that share a world."""
        worlds: dict[str, list[Point]] = {}
        for point in points:
            worlds.setdefault(self._world(point), []).append(point)
        return [self.unit(point, seed) for group in worlds.values() for seed in self.seeds for point in group]

    def _world(self, point: Point) -> str:
        """What decides a burn-in, as far as paths tell: everything outside the arms."""
        return json.dumps({path: value for path, value in point.values.items() if not path.startswith("arms.")})

    def write(self, folder: Path) -> None:
        """plan.json in a folder, whole."""
        write_json(folder / FILE, asdict(self))


def read_plan(folder: Path) -> Plan:
    """The plan of a folder; `BadInput` if it is missing or damaged."""
    file = folder / FILE
    try:
        told: dict[str, Any] = json.loads(file.read_bytes())
        parameters = tuple(
            Parameter(**{**one, "values": tuple(one["values"]) if one["values"] is not None else None})
            for one in told.pop("parameters")
        )
        told |= {key: tuple(told[key]) for key in ("arms", "seeds", "plugins")}
        return Plan(parameters=parameters, **told)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
