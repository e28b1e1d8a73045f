"""A prepared scenario with a `sweep:` section as a plan and its points, everything wrong with it found beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, Mistake
from sim.experiments.design.designs import ANALYSED, Drawn, NeedsSALib, draw, drawn, missing_salib, points_of, size
from sim.experiments.design.parameters import Entry, entries, misfits, mistake, twice
from sim.experiments.design.plan import Parameter, Plan, Point, Role
from sim.experiments.design.point_list import Listed, read_points
from sim.experiments.design.variants import Base
from sim.phrases import plural
from sim.scenario.scenario import Scenario
from sim.scenario.sweep import Designed
from sim.yaml_source.paths import one_line

if TYPE_CHECKING:
    from sim.experiments.prepare import Prepared
    from sim.yaml_source import Source

MOST_TASKS = 10_000_000
POINTS_TRIED = 64  # of a design that must be complete, a few milliseconds each
PRESET = "population.preset"
ROLES: dict[str, Role | None] = {"all": None, "levers": "lever", "uncertainties": "uncertainty"}


@dataclass(frozen=True)
class Group:
    """One design with its parameters, `all` of a sweep, its `levers` or its `uncertainties`."""

    name: str
    design: Designed
    at: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    listed: Listed | None = None

    @property
    def rows(self) -> int:
        """How many points it has at most."""
        return len(self.listed.rows) if self.listed is not None else size(self.design, self.parameters)

    def drawn(self) -> Drawn:
        """Its points."""
        if self.listed is None:
            return draw(self.design, self.parameters, self.name)
        return drawn(self.listed.rows, self.parameters, {"design": "list", "samples": None})


def plan_sweep(prepared: Prepared, *, plugins: Sequence[str] = ()) -> tuple[Plan, list[Point]]:
    """The plan of a scenario's sweep and its points in order. Raises BadInput with everything that is wrong.

    `plugins` are the modules named on the command line, which workers load too.
    """
    from sim.experiments.run import model_version

    s = prepared.scenario
    assert s.sweep is not None  # asked of the caller
    base, groups = check_sweep(s, prepared.origin)
    try:
        found = {group.name: (group.parameters, group.drawn()) for group in groups}
    except NeedsSALib:  # installed, yet not to be imported
        raise BadInput([m for group in groups for m in _needs_salib(group, prepared.origin)]) from None
    points = points_of(found)
    if slips := _incomplete(groups, points, base, prepared.origin):
        raise BadInput(slips)
    plan = Plan(
        name=s.name,
        text=base.text,
        parameters=tuple(parameter for group in groups for parameter in group.parameters),
        arms=tuple(arm.name for arm in s.arm_list),
        seeds=tuple(s.seed_list),
        code_version=model_version(s.strategies_named),
        design={name: made.info for name, (_, made) in found.items()},
        plugins=tuple(plugins),
        seconds_limit=s.sweep.seconds_limit,
        scenario_digest=base.digest,
        book_digest=prepared.book.digest if prepared.book is not None else "",
    )
    return plan, points


def check_sweep(s: Scenario, source: Source | None) -> tuple[Base, list[Group]]:
    """The base and the groups of a scenario's sweep; raises BadInput with all mistakes in it."""
    assert s.sweep is not None
    if source is None:  # a scenario that was not read from a file, as in tests
        from sim.yaml_source import dump, loads

        source = loads(dump(s.resolved()), file=s.name)
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
        groups.append(Group(name, design, at, parameters, listed))
    paths = [parameter.path for group in groups for parameter in group.parameters]
    if PRESET in paths and not any(path.startswith("tiers") for path in paths):
        base = Base(s, preset_tiers=True)
    mistakes += twice(every, source)
    mistakes += _in_both(groups, source)
    mistakes += misfits(base, every, source)
    if not mistakes:
        mistakes += _too_many(s, groups, source)
        mistakes += [m for group in groups if missing_salib(group.design) for m in _needs_salib(group, source)]
    if mistakes:
        raise BadInput(sorted(set(mistakes)))
    return base, groups


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


def described(plan: Plan, points: Sequence[Point]) -> str:
    """One line for a person: the designs, what they vary and how much there is to live."""
    designs = " crossed with ".join(
        f"{info['design']} of {len(info['parameters'])} parameters{'' if name == 'all' else f' ({name})'}{_equal(info)}"
        for name, info in plan.design.items()
    )
    units, arms, seeds = len(points) * len(plan.seeds), len(plan.arms), len(plan.seeds)
    return (
        f"{designs}: {len(points):,} {plural('point', len(points))} x {seeds} {plural('seed', seeds)} = {units:,} "
        f"{plural('unit', units)}, x {arms} {plural('arm', arms)} = {units * arms:,} {plural('task', units * arms)}"
    ).replace("of 1 parameters", "of 1 parameter")


def _equal(info: Mapping[str, Any]) -> str:
    """What is said where rows of a design turn out equal, as rounded numbers and choices do."""
    rows = info.get("rows") or []
    different = len(set(rows))
    return f", {len(rows):,} rows of which {different:,} are different" if different < len(rows) else ""


def _in_both(groups: Sequence[Group], source: Source) -> Iterator[Mistake]:
    """Paths of a file's header that the crossed design has too (`twice` compares those of `vary`)."""
    if len(groups) == 2 and any(group.listed is not None for group in groups):
        first, second = groups
        at = second.at if second.listed is not None else first.at
        for path in sorted({p.path for p in first.parameters} & {p.path for p in second.parameters}):
            yield mistake(source, (*at, "file"), f"{path} is in levers and in uncertainties; in one of them")


def _incomplete(groups: Sequence[Group], points: Sequence[Point], base: Base, source: Source | None) -> list[Mistake]:
    """Points that the scenario does not take, of designs whose analysis needs every row: some of them are tried."""
    needed = [group for group in groups if group.design.design in ANALYSED]
    if not needed or source is None:
        return []
    step = max(1, len(points) // POINTS_TRIED)
    for point in points[::step]:
        if why := base.why_not(point.values):
            told = ", ".join(f"{path} {value}" for path, value in point.values.items())
            message = (
                f"{needed[0].design.design} needs every point, and point {point.number} does not fit: {why} "
                f"({one_line(told, 200)}); ranges whose values fit together"
            )
            return [mistake(source, needed[0].at, message, key=True)]
    return []


def _too_many(s: Scenario, groups: Sequence[Group], source: Source | None) -> list[Mistake]:
    points = 1
    for group in groups:
        points *= group.rows
    tasks = points * len(s.arms) * len(s.seed_list)
    if tasks <= MOST_TASKS or source is None:
        return []
    message = (
        f"{points:,} points x {len(s.seed_list):,} seeds x {len(s.arms)} arms are {tasks:,} tasks; "
        f"at most {MOST_TASKS:,}"
    )
    at = next((group.at for group in groups if source.is_given((*group.at, "samples"))), ())
    return [mistake(source, (*at, "samples") if at else ("sweep",), message, key=not at)]


def _needs_salib(group: Group, source: Source | None) -> list[Mistake]:
    message = f"{group.design.design} needs SALib, which is not installed; pip install -e '.[analysis]'"
    if source is None:
        return [Mistake("sweep", 0, 0, "", message)]
    return [mistake(source, (*group.at, "design"), message)]
