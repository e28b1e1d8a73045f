"""The sections `sweep` and `optimise` of a scenario, checked: everything wrong with them is found here, once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, Mistake
from sim.experiments.design.designs import Drawn, draw, varied
from sim.experiments.design.joint import Joint, spelt
from sim.experiments.design.parameters import Entry, entries, misfits, twice
from sim.experiments.design.plan import Parameter, Role
from sim.experiments.design.point_list import Listed, read_points
from sim.experiments.design.variants import Base
from sim.scenario.scenario import Scenario
from sim.scenario.sweep import POSTERIOR, Designed

if TYPE_CHECKING:
    from sim.yaml_source import Source

MOST_TASKS = 10_000_000
PRESET = "population.preset"
ROLES: dict[str, Role | None] = {"all": None, "levers": "lever", "uncertainties": "uncertainty"}
VARY = ("optimise", "vary")


@dataclass(frozen=True)
class Group:
    """One design with its parameters, `all` of a sweep, its `levers` or its `uncertainties`."""

    name: str
    design: Designed
    at: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    listed: Listed | None = None
    joints: tuple[Joint, ...] = ()
    base: Base | None = None

    @property
    def rows(self) -> int:
        """How many points it has at most."""
        listed = self.listed
        return len(listed.rows) if listed is not None else self.design.kind.size(varied(self.parameters, self.joints))

    def drawn(self) -> Drawn:
        """Its points."""
        rows = self.listed.rows if self.listed is not None else None
        return draw(self.design, self.parameters, self.name, rows, self.joints, self.base)


def check_sweep(s: Scenario, source: Source, joints: Sequence[Joint] = ()) -> tuple[Base, list[Group]]:
    """The base and the groups of a scenario's sweep, whose posteriors are `joints`; raises BadInput with all mistakes
    in it."""
    assert s.sweep is not None
    base = Base(s)
    groups: list[Group] = []
    every: list[Entry] = []
    mistakes: list[Mistake] = []
    for name, design in s.sweep.designs.items():
        at = ("sweep",) if name == "all" else ("sweep", name)
        listed: Listed | None = None
        found: list[Entry] = []
        if design.file is not None:
            try:
                listed = read_points(
                    located(design.file, source, at), design.file, base, ROLES[name], source.address((*at, "file"))
                )
            except BadInput as bad:
                mistakes += bad.mistakes
        else:
            found, slips = entries(base, source, design.ranges, (*at, "vary"), ROLES[name])
            mistakes += slips
        every += found
        parameters = listed.parameters if listed is not None else tuple(entry.parameter for entry in found)
        rows: tuple[Joint, ...] = ()
        if design.joint:
            rows = tuple(joints)
            mistakes += _joint_mistakes(name, rows, (*at, "vary"), source)
            parameters += tuple(one for joint in rows for one in spelt(joint, base))
        groups.append(Group(name, design, at, parameters, listed, rows, base))
    paths = [parameter.path for group in groups for parameter in group.parameters]
    if PRESET in paths and not any(path.startswith("tiers") for path in paths):
        base = Base(s, preset_tiers=True)
    mistakes += twice(every, source)
    mistakes += _in_both(groups, source)
    mistakes += _held_already(groups, every, source)
    mistakes += misfits(base, every, source)
    if not mistakes:
        mistakes += _too_many(s, groups, source)
        mistakes += _without_salib(groups, source)
    if mistakes:
        raise BadInput(sorted(set(mistakes)))
    return base, groups


def check_optimise(s: Scenario, source: Source) -> tuple[Parameter, ...]:
    """The parameters that an optimisation varies beside shares; raises BadInput with all mistakes in them."""
    assert s.optimise is not None
    base = Base(s)
    found, mistakes = entries(base, source, s.optimise.ranges, VARY, "lever")
    mistakes += twice(found, source)
    mistakes += misfits(base, found, source)
    if mistakes:
        raise BadInput(sorted(set(mistakes)))
    return tuple(entry.parameter for entry in found)


def located(file: str, source: Source, at: tuple[str, ...]) -> Path:
    """A list's file, relative to the scenario file that names it; given with --set, to the current folder."""
    told_in = source.file_of((*at, "file"))
    return Path(file) if told_in.startswith("--") else Path(told_in).parent / file


def with_files(s: Scenario, source: Source) -> Scenario:
    """The scenario with absolute paths of its lists of points, as it is stored."""
    assert s.sweep is not None
    new: dict[str, Any] = {}
    for name, design in s.sweep.designs.items():
        if design.file is not None:
            at = ("sweep",) if name == "all" else ("sweep", name)
            file = str(located(design.file, source, at).resolve())
            new |= {"file": file} if name == "all" else {name: design.model_copy(update={"file": file})}
    return s.model_copy(update={"sweep": s.sweep.model_copy(update=new)}) if new else s


def _in_both(groups: Sequence[Group], source: Source) -> Iterator[Mistake]:
    """Paths of a file's header that the crossed design has too (`twice` compares those of `vary`)."""
    if len(groups) == 2 and any(group.listed is not None for group in groups):
        first, second = groups
        at = second.at if second.listed is not None else first.at
        for path in sorted({p.path for p in first.parameters} & {p.path for p in second.parameters}):
            yield source.mistake((*at, "file"), f"{path} is in levers and in uncertainties; in one of them")


def _joint_mistakes(name: str, joints: Sequence[Joint], at: tuple[str, ...], source: Source) -> Iterator[Mistake]:
    if not joints:
        yield source.mistake((*at, POSTERIOR), "the scenario has none; posterior: FILE beside the sweep", key=True)
    elif name == "levers":
        yield source.mistake((*at, POSTERIOR), "is what nobody knows; in uncertainties", key=True)


def _held_already(groups: Sequence[Group], entries_: Sequence[Entry], source: Source) -> Iterator[Mistake]:
    """Paths of `vary` that a posterior moves already."""
    moved = {target: joint for group in groups for joint in group.joints for target in joint.moves}
    for entry in entries_:
        if (joint := moved.get(entry.parameter.path)) is not None:
            yield source.mistake(entry.at, f"comes with the rows of the posterior of {joint.name}; once", key=True)


def _too_many(s: Scenario, groups: Sequence[Group], source: Source) -> list[Mistake]:
    points = 1
    for group in groups:
        points *= group.rows
    tasks = points * len(s.arms) * len(s.seed_list)
    if tasks <= MOST_TASKS:
        return []
    message = (
        f"{points:,} points x {len(s.seed_list):,} seeds x {len(s.arms)} arms are {tasks:,} tasks; "
        f"at most {MOST_TASKS:,}"
    )
    at = next((group.at for group in groups if source.is_given((*group.at, "samples"))), ())
    return [source.mistake((*at, "samples") if at else ("sweep",), message, key=not at)]


def _without_salib(groups: Sequence[Group], source: Source) -> Iterator[Mistake]:
    for group in groups:
        try:
            group.design.kind.sampler()
        except ImportError:
            message = f"{group.design.design} needs SALib, which is not installed; pip install -e '.[analysis]'"
            yield source.mistake((*group.at, "design"), message)
