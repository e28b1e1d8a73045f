"""A prepared scenario with a `sweep:` section as a plan and its points, everything wrong with it found beforehand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, Mistake
from sim.experiments.design.check import Group
from sim.experiments.design.designs import points_of
from sim.experiments.design.plan import Plan, Point
from sim.experiments.design.variants import Base
from sim.experiments.prepared import Prepared
from sim.experiments.provenance import model_version
from sim.phrases import plural
from sim.yaml_source.paths import one_line

if TYPE_CHECKING:
    from sim.yaml_source import Source

POINTS_TRIED = 64  # of a design that must be complete, a few milliseconds each


def plan_sweep(prepared: Prepared, *, plugins: Sequence[str] = ()) -> tuple[Plan, list[Point]]:
    """The plan of a scenario's sweep and its points in order. Raises BadInput with everything that is wrong.

    `plugins` are the modules named on the command line, which workers load too.
    """
    s = prepared.scenario
    assert s.sweep is not None  # asked of the caller
    base, groups = prepared.swept
    found = {group.name: (group.parameters, group.drawn()) for group in groups}
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


def _incomplete(groups: Sequence[Group], points: Sequence[Point], base: Base, source: Source) -> list[Mistake]:
    """Points that the scenario does not take, of designs whose analysis needs every row: some of them are tried."""
    needed = [group for group in groups if group.design.kind.complete]
    if not needed:
        return []
    step = max(1, len(points) // POINTS_TRIED)
    for point in points[::step]:
        if why := base.why_not(point.values):
            told = ", ".join(f"{path} {value}" for path, value in point.values.items())
            message = (
                f"{needed[0].design.design} needs every point, and point {point.number} does not fit: {why} "
                f"({one_line(told, 200)}); ranges whose values fit together"
            )
            return [source.mistake(needed[0].at, message, key=True)]
    return []
