"""Posteriors that a scenario names: read, held against the scenario, and drawn from in whole rows.

The scenario's own numbers become the posterior's point where nothing sets them. Rows of draws belong together, so a
posterior is one thing that varies (`Rows`), whatever the number of its parameters. A number of a strategy is one in all
arms that use the strategy, but for an arm that sets it otherwise; a strategy that no arm uses leaves its number idle.
A table that was found as one factor moves from where it stands by draw over point, so that a scenario stored with its
numbers written out draws the same worlds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.calibration.posterior import Posterior, read_posterior
from sim.errors import BadInput, Mistake
from sim.experiments.design.moves import VALUE, Belief, applied
from sim.experiments.design.plan import DIGITS, Kind, Parameter
from sim.experiments.design.variants import Base
from sim.phrases import doubt
from sim.scenario.scenario import Scenario
from sim.store.files import why_unreadable
from sim.strategies import known
from sim.yaml_source import did_you_mean, load, path_text, split_path
from sim.yaml_source.paths import one_line
from sim.yaml_source.wording import shown

if TYPE_CHECKING:
    from sim.yaml_source import Source

KEY = "posterior"
NOTED = 3  # numbers that a note names


@dataclass(frozen=True)
class Joint:
    """A posterior of a scenario.

    `path` is where it lies, `file` its name in a results folder, `text` what it holds, `parameters` those of its
    numbers that the scenario has, `targets` by their paths the paths of the scenario that they move, `tables` how those
    move that are no single numbers, `idle` numbers of strategies that no arm uses.
    """

    path: str
    file: str
    text: str
    posterior: Posterior = field(repr=False)
    parameters: tuple[Parameter, ...] = ()
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    idle: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Of the calibration that made it."""
        return self.posterior.name

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what it says, however it is written."""
        return self.posterior.digest

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """Every draw by path, without what is idle; of a table the factor from where it stands."""
        places = list(self.posterior.parameters)
        kinds = [(one.path, places.index(one.path), one.kind, self._unit(one.path)) for one in self.parameters]
        return [{path: _plain(row[i] / unit, kind) for path, i, kind, unit in kinds} for row in self.posterior.draws]

    def how(self, path: str) -> str:
        """How a draw becomes the numbers that hang on it."""
        return self.tables.get(path, VALUE)

    def _unit(self, path: str) -> float:
        return self.posterior.point[path] if path in self.tables else 1.0

    def settings(self, base: Base) -> list[tuple[Any, ...]]:
        """Every draw as values of the paths of the base that it moves, in the order of `spelt`."""
        own = {path: {target: base.leaf(target).base for target in found} for path, found in self.targets.items()}
        return [
            tuple(v for path, drawn in row.items() for v in applied(self.how(path), own[path], drawn).values())
            for row in self.rows
        ]

    def point(self, path: str, target: str, base: Base) -> Any:
        """What a number of the base is at the point, where nothing sets it."""
        (one,) = (one for one in self.parameters if one.path == path)
        value = _plain(self.posterior.point[path], one.kind)
        return applied(self.how(path), {target: base.leaf(target).base}, value)[target]

    @property
    def moves(self) -> list[str]:
        """All paths of the scenario that it holds."""
        return [target for one in self.parameters for target in self.targets[one.path]]

    def facts(self) -> dict[str, Any]:
        """What a manifest says of it."""
        made = self.posterior.made
        return {
            "name": self.name,
            "file": self.file,
            "digest": self.digest,
            "parameters": [one.path for one in self.parameters],
            "draws": len(self.posterior.draws),
            "informed": {one.path: self.posterior.parameters[one.path].informed for one in self.parameters},
            "made": made.model_dump(mode="json"),
            **({"idle": list(self.idle)} if self.idle else {}),
        }


@dataclass(frozen=True)
class Rows:
    """A posterior as one thing that varies: at a coordinate from 0 to 1 a number of a row, at as many levels rows.

    Rows stand in the order of their first principal component, so that strata of a design are strata of what differs
    most, and a longer design of points that it had keeps their rows.
    """

    joint: Joint

    @property
    def path(self) -> str:
        """What it goes by in a design."""
        return f"{KEY} {self.joint.file}"

    @cached_property
    def order(self) -> list[int]:
        """Numbers of rows."""
        table = np.array([list(row.values()) for row in self.joint.rows], dtype=np.float64)
        spread = table.std(axis=0)
        scaled = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        axis = np.linalg.svd(scaled, full_matrices=False)[2][0]
        axis = axis * np.sign(axis[int(np.abs(axis).argmax())])  # a singular vector's sign is anybody's
        along = np.round(scaled @ axis, 6)  # last bits differ between machines
        return [int(i) for i in np.lexsort((np.arange(len(along)), along))]

    def value_at(self, u: float) -> int:
        """The row at a coordinate."""
        return self.order[min(int(u * len(self.order)), len(self.order) - 1)]

    def levels(self, count: int) -> list[int]:
        """So many rows, evenly over their order; all if there are fewer."""
        places = np.linspace(0, len(self.order) - 1, min(count, len(self.order))).round().astype(int)
        return [self.order[i] for i in places]


def _plain(value: float, kind: str) -> Any:
    return round(value) if kind == "integer" else float(f"{value:.{DIGITS}g}")


def held(joint: Joint, base: Base) -> list[Parameter]:
    """Its parameters, each with what the base has for it."""
    own = {path: 1.0 if path in joint.tables else base.leaf(found[0]).base for path, found in joint.targets.items()}
    return [replace(one, base=own[one.path]) for one in joint.parameters]


def spelt(joint: Joint, base: Base) -> list[Parameter]:
    """The same, one for each path of the scenario that it moves, with the ends of its values."""
    columns = list(zip(*joint.settings(base), strict=True))
    paths = [(one, target) for one in joint.parameters for target in joint.targets[one.path]]
    return [
        replace(one, path=target, base=base.leaf(target).base, low=min(column), high=max(column))
        for (one, target), column in zip(paths, columns, strict=True)
    ]


def posteriors_of(joints: Sequence[Joint]) -> dict[str, Any]:
    """What the facts of a design say of posteriors in it; nothing without any."""
    if not joints:
        return {}
    told: list[dict[str, Any]] = []
    for one in joints:
        failed = {"failed": one.posterior.failed} if one.posterior.failed else {}
        told.append({"name": one.name, "parameters": [p.path for p in one.parameters], **failed})
    return {"posteriors": told}


def with_posteriors(
    s: Scenario, source: Source, base: Base, tables: Mapping[str, Belief]
) -> tuple[Source, tuple[Joint, ...], tuple[str, ...]]:
    """The source with the points of the scenario's posteriors where it sets nothing itself, the posteriors, and a line
    on what it sets otherwise; `tables` are what moves by one factor, by name.

    Raises `BadInput` with all that is wrong in the files, and all that the scenario does not take.
    """
    found: list[Joint] = []
    mistakes: list[Mistake] = []
    for i, (file, name) in enumerate(zip(s.posterior_files, s.posterior_names, strict=True)):
        at = (KEY,) if isinstance(s.posterior, str) else (KEY, i)
        place = located(file, source, at)
        try:
            joint = Joint(str(place.resolve()), name, _text(place, file, source, at), read_posterior(place))
            found.append(_held_against(joint, s, base, tables, source, str(place)))
        except BadInput as bad:
            mistakes += bad.mistakes
    mistakes += [] if mistakes else _overlaps(found, source)
    if mistakes:
        raise BadInput(sorted(set(mistakes)))
    values: dict[str, Any] = {}
    otherwise: list[str] = []
    for joint in found:
        for path, targets in joint.targets.items():
            for target in targets:
                own, value = _in_source(split_path(target), source), joint.point(path, target, base)
                if not source.is_given(own):
                    values[path_text(own, source.data)] = value
                elif path not in joint.tables and (stands := _value(own, source)) != value:
                    otherwise.append(f"{target} is {shown(stands)} here and {shown(value)} in {joint.name}")
    return source.with_values(values, KEY), tuple(found), _notes(found, otherwise, source)


def _notes(found: Sequence[Joint], otherwise: Sequence[str], source: Source) -> tuple[str, ...]:
    told = [
        str(source.mistake((KEY,), doubt(joint.name, failed))) for joint in found if (failed := joint.posterior.failed)
    ]
    if otherwise:
        more = f", and {len(otherwise) - NOTED} more" if len(otherwise) > NOTED else ""
        what = f"{'; '.join(otherwise[:NOTED])}{more}: the scenario's own stands, worlds draw the posterior's"
        told.append(str(source.mistake((KEY,), what)))
    if idle := [path for joint in found for path in joint.idle]:
        told.append(str(source.mistake((KEY,), f"no arm uses what {', '.join(idle[:NOTED])} is of; it stays idle")))
    return tuple(told)


def located(file: str, source: Source, at: tuple[str | int, ...]) -> Path:
    """A posterior's file, relative to the scenario file that names it; given with --set, to the current folder."""
    told_in = source.file_of(at)
    return Path(file) if told_in.startswith("--") else Path(told_in).parent / file


def _text(place: Path, file: str, source: Source, at: tuple[str | int, ...]) -> str:
    try:
        return place.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = "no such file; posterior.yaml of a folder that calibrate wrote"
        if not isinstance(error, FileNotFoundError):
            why = one_line(why_unreadable(error), 200)
        raise BadInput([source.mistake(at, f"{one_line(file)}: {why}")]) from None


def _held_against(
    joint: Joint, s: Scenario, base: Base, tables: Mapping[str, Belief], source: Source, place: str
) -> Joint:
    """The posterior with what its paths lead to; `BadInput` at its own lines where the scenario does not take them."""
    parameters: list[Parameter] = []
    targets: dict[str, tuple[str, ...]] = {}
    idle: list[str] = []
    wrong: list[tuple[str, str]] = []
    columns = dict(zip(joint.posterior.parameters, zip(*joint.posterior.draws, strict=True), strict=True))
    for path, marginal in joint.posterior.parameters.items():
        if path in tables:
            table, point = tables[path], joint.posterior.point[path]
            if not point > 0:
                wrong.append((path, f"its point is {shown(point)}, and it is a factor on a table; above 0"))
                continue
            ends = [min(columns[path]), max(columns[path])]
            ends_of = [applied(table.how, table.targets, _plain(end, "number")) for end in (point, *ends)]
            wrong += ((path, why) for why in _refused([point, *ends], ends_of, base))
            low, high = (_plain(end / point, "number") for end in ends)
            about = f"{table.parameter.about}, times where it stands"
            own = replace(table.parameter, low=low, high=high, about=about, source=f"posterior of {joint.name}")
            parameters.append(own)
            targets[path] = tuple(table.targets)
            continue
        try:
            there = _targets(path, _plain(joint.posterior.point[path], "number"), s, base, source)
            if not there:
                idle.append(path)
                continue
            leaf = base.leaf(there[0])
            kinds = {shape.kind for shape in leaf.shapes}
            if not kinds & {"number", "integer"}:
                raise ValueError("is no number of this scenario; another path")
        except ValueError as slip:
            wrong.append((path, f"{slip} (a posterior made for another bank?)"))
            continue
        kind: Kind = "number" if "number" in kinds else "integer"
        value = joint.posterior.point[path]
        ends = [_plain(end, kind) for end in (min(columns[path]), max(columns[path]))]
        ends_of = [dict.fromkeys(there, end) for end in (_plain(value, kind), *ends)]
        wrong += ((path, why) for why in _refused([value, *ends], ends_of, base))
        parameters.append(
            Parameter(
                path,
                kind,
                low=ends[0],
                high=ends[1],
                base=leaf.base,
                unit=marginal.unit or leaf.shape.unit,
                about=leaf.about,
                source=f"posterior of {joint.name}",
            )
        )
        targets[path] = there
    if not wrong and not parameters:
        wrong.append((next(iter(columns)), "no arm uses what the posterior is of; another scenario, or no posterior"))
    if wrong:
        written = load(place)
        raise BadInput([written.mistake(("parameters", path), message, key=True) for path, message in wrong])
    how = {path: tables[path].how for path in targets if path in tables}
    return replace(joint, parameters=tuple(parameters), targets=targets, tables=how, idle=tuple(idle))


def _refused(told: Sequence[float], values: Sequence[Mapping[str, Any]], base: Base) -> Iterator[str]:
    """What the scenario has against the point, the lowest or the highest of the draws, all else as it is."""
    for what, value, moved in zip(("its point", "its lowest draw", "its highest draw"), told, values, strict=True):
        if why := base.why_not(moved):
            yield f"{what}, {shown(value)}, does not fit: {why}"
            return


def _targets(path: str, value: Any, s: Scenario, base: Base, source: Source) -> tuple[str, ...]:
    """Paths of the base that a parameter moves; none if it is a strategy's that no arm uses. Raises ValueError.

    Of a strategy's number those of all arms that stand at the point (set there or not at all), or where the arm stands
    that the path names: a scenario stored with its numbers written out leads to the same.
    """
    parts = split_path(path)
    named = parts[0] == "arms" and len(parts) > 3
    inside = parts[3:] if named and parts[2] == "strategies" else parts[2:] if named else parts
    use = str(inside[0]) if inside else ""
    if use not in known():
        return (base.leaf(path).path,)
    if use not in s.strategies_named:
        fields = {one.alias or name for name, one in known()[use].model_fields.items()}
        if len(inside) < 2 or inside[1] not in fields:
            raise ValueError(f"{use} has no such number; {did_you_mean(str(inside[-1]), fields, all_if_none='one of')}")
        return ()
    own: dict[str, Any] = {}
    paths: dict[str, str] = {}
    for arm in s.arm_list:
        if [one.use for one in arm.strategies].count(use) == 1:
            leaf = base.leaf(path_text(("arms", arm.name, *inside)))
            paths[arm.name] = leaf.path
            given = source.is_given(_in_source(split_path(leaf.path), source))
            own[arm.name] = leaf.base if given else value
    if not own:
        return (base.leaf(path).path,)
    alike = {value, own.get(str(parts[1]), value)} if named else {value}
    return tuple(paths[arm] for arm, stands in own.items() if stands in alike) or tuple(paths.values())


def _in_source(path: tuple[str | int, ...], source: Source) -> tuple[str | int, ...]:
    """Where a path of the base stands in what the user wrote: an arm with a label has its strategies in a key."""
    try:
        return source.find(path_text(path))
    except ValueError:
        pass
    if path[0] == "arms" and isinstance(source.data.get("arms", {}).get(path[1]), dict):
        inside = path[2:] if path[2] == "strategies" else ("strategies", *path[2:])
        return (*source.find(path_text(("arms", path[1], *inside[:2]))), *inside[2:])
    if path[0] == "arms":
        return (*source.find(path_text(path[:3])), *path[3:])
    return path


def _value(path: tuple[str | int, ...], source: Source) -> Any:
    value: Any = source.data
    for part in path:
        value = value[part]
    return value


def _overlaps(found: Sequence[Joint], source: Source) -> Iterator[Mistake]:
    """Paths that two posteriors, or two parameters of one, would move."""
    held: dict[str, str] = {}
    for joint in found:
        for path, targets in joint.targets.items():
            mine = f"{path} of {joint.name}"
            other = next((held[target] for target in targets if target in held), None)
            if other is not None:
                yield source.mistake((KEY,), f"{mine} and {other} are the same number; each in one posterior")
            held |= dict.fromkeys(targets, mine)
