"""The points of a sweep: the different settings of each of its designs, and those crossed."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.designs import Varied
from sim.experiments.design.joint import Joint, Rows, posteriors_of
from sim.experiments.design.plan import Parameter, Point
from sim.experiments.design.variants import Base
from sim.scenario.sweep import Designed


@dataclass(frozen=True)
class Drawn:
    """The different settings of a design, each a tuple of values in the order of its parameters, and how to read them.

    `info` is plain data: design, samples, levels, parameters (paths), settings (how many), and where rows of the design
    repeat a setting or their order matters `rows`, the number of the setting in each row. For morris and saltelli it
    has SALib's `problem` in unit space, whose names are in the order of the rows' columns; for morris also `X`.
    """

    settings: list[tuple[Any, ...]]
    info: dict[str, Any]


def varied(parameters: Sequence[Parameter], joints: Sequence[Joint]) -> list[Varied]:
    """What a design varies: its parameters, and each posterior as one thing in the place of the numbers it holds."""
    held = {path for joint in joints for path in joint.moves}
    return [*(one for one in parameters if one.path not in held), *map(Rows, joints)]


def draw(
    asked: Designed,
    parameters: Sequence[Parameter],
    group: str,
    rows: Sequence[tuple[Any, ...]] | None = None,
    joints: Sequence[Joint] = (),
    base: Base | None = None,
) -> Drawn:
    """The settings of a design, numbered as they come; `rows` are those that a list's file has.

    `group` tells crossed designs of the same kind apart. What `joints` hold, as numbers of
    `base`, stands last in `parameters`.
    """
    design = asked.kind
    info: dict[str, Any] = {"design": design.name, "samples": asked.samples}
    if rows is None:
        settings = [joint.settings(base) for joint in joints if base is not None]
        rows = [_spread(row, settings) for row in design.rows(varied(parameters, joints), group, info)]
    numbers: dict[tuple[Any, ...], int] = {}
    told = [numbers.setdefault(row, len(numbers)) for row in rows]
    info |= {"parameters": [parameter.path for parameter in parameters], "settings": len(numbers)}
    info |= posteriors_of(joints)
    if len(numbers) < len(told) or design.complete:
        info["rows"] = told
    return Drawn(list(numbers), info)


def _spread(row: tuple[Any, ...], settings: Sequence[Sequence[tuple[Any, ...]]]) -> tuple[Any, ...]:
    """A row of a design with the numbers of a posterior's row in the place of that row's number."""
    plain = len(row) - len(settings)
    return (*row[:plain], *(v for one, i in zip(settings, row[plain:], strict=True) for v in one[i]))


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
