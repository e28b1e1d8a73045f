"""Worlds drawn from what a scenario believes: the points of a belief study, each a world that the scenario can be.

World 0 is that of the scenario's own numbers, lived like the others so that it can be held against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.errors import BadInput
from sim.experiments.design.beliefs import Believed
from sim.experiments.design.joint import Rows, posteriors_of
from sim.experiments.design.moves import VALUE, Belief
from sim.experiments.design.plan import BANKS, DIGITS, Plan, Point
from sim.experiments.prepared import Prepared
from sim.experiments.provenance import model_version
from sim.scenario.scenario import Scenario
from sim.yaml_source import validate

HALVINGS = 6  # of the way from a world that cannot be towards the scenario's own numbers, before it is given up
NEAREST = 1e-9  # a coordinate of a draw to 0 and 1, which have no normal quantile


def plan_worlds(prepared: Prepared, *, plugins: Sequence[str] = ()) -> tuple[Plan, list[Point]]:
    """The plan of a scenario's belief study and its worlds, 0 that of the scenario's own numbers."""
    s, believed = prepared.scenario, prepared.believed
    assert s.beliefs is not None  # asked of the caller
    drawn = draw(s, believed)
    moves = {one.name: {"how": one.how, "targets": dict(one.targets)} for one in believed.beliefs}
    info = {
        "design": s.beliefs.design,
        "samples": s.beliefs.worlds,
        "parameters": [one.name for one in believed.beliefs],
        "settings": len(drawn.worlds),
        "repaired": drawn.repaired,
        "moves": moves,
        **posteriors_of(believed.joints),
    }
    plan = Plan(
        name=s.name,
        text=believed.base.text,
        parameters=tuple(one.parameter for one in believed.beliefs),
        arms=tuple(arm.name for arm in s.arm_list),
        seeds=tuple(s.seed_list[: s.beliefs.seeds]),
        code_version=model_version(s.strategies_named),
        design={"all": info},
        lives=BANKS[1],
        plugins=tuple(plugins),
        scenario_digest=believed.base.digest,
        book_digest=prepared.book.digest if prepared.book is not None else "",
    )
    own = {one.name: one.parameter.base for one in believed.beliefs}
    return plan, [Point(number, 0, number, values) for number, values in enumerate([own, *drawn.worlds])]


@dataclass(frozen=True)
class Drawn:
    """Worlds, each values by belief, and how many of them had to be moved towards the scenario's own numbers."""

    worlds: list[dict[str, Any]]
    repaired: int


def draw(s: Scenario, believed: Believed) -> Drawn:
    """The worlds of a scenario, the same ones every time; whatever the order in which beliefs stand.

    What posteriors hold comes by rows, a coordinate each; all else by its own coordinate.
    """
    assert s.beliefs is not None
    beliefs = sorted((one for one in believed.beliefs if not one.posterior), key=lambda one: one.name)
    rows = [Rows(joint) for joint in believed.joints]
    unit = s.beliefs.kind.unit([*(one.name for one in beliefs), *(one.path for one in rows)], "beliefs", {})
    unit = together(unit, beliefs)
    worlds, repaired = [], 0
    for row in unit.tolist():
        values = {one.name: one.parameter.value_at(u) for one, u in zip(beliefs, row, strict=False)}
        for one, u in zip(rows, row[len(beliefs) :], strict=True):
            values |= one.joint.rows[one.value_at(u)]
        whole = possible(values, believed)
        repaired += whole != values
        worlds.append(whole)
    return Drawn(worlds, repaired)


def together(unit: np.ndarray, beliefs: Sequence[Belief]) -> np.ndarray:
    """Coordinates of draws, float64 (worlds, beliefs), with those of a group correlated (Gaussian copula).

    Each coordinate by itself stays uniform; those of a group of one are as they were.
    """
    from scipy.special import ndtr, ndtri

    out = unit.copy()
    groups: dict[str, list[int]] = {}
    for place, belief in enumerate(beliefs):
        if belief.group:
            groups.setdefault(belief.group, []).append(place)
    for places in groups.values():
        if len(places) < 2:
            continue
        # of ranks, as is stated; of the normal variables behind them a little more
        normal = 2.0 * np.sin(np.pi / 6.0 * beliefs[places[0]].rank)
        matrix = np.full((len(places), len(places)), normal)
        np.fill_diagonal(matrix, 1.0)
        z = ndtri(np.clip(unit[:, places], NEAREST, 1.0 - NEAREST))
        out[:, places] = ndtr(z @ np.linalg.cholesky(matrix).T)
    return out


def possible(values: Mapping[str, Any], believed: Believed) -> dict[str, Any]:
    """The nearest world on the way to the scenario's own numbers that the scenario can be.

    Beliefs that the scenario refuses move half-way, again and again, and stand at its own number in the end.
    """
    values = dict(values)
    for step in range(HALVINGS + 1):
        refused = _refused(values, believed)
        if not refused:
            return values
        for belief in believed.beliefs:
            if belief.name in refused:
                last = step == HALVINGS
                values[belief.name] = belief.parameter.base if last else _halfway(belief, values[belief.name])
    own = {belief.name: belief.parameter.base for belief in believed.beliefs}
    return values if not _refused(values, believed) else own


def _refused(values: Mapping[str, Any], believed: Believed) -> set[str]:
    """The beliefs behind what the scenario has against a world; all of them where that cannot be told."""
    source = believed.base.source.with_values(believed.values(values))
    try:
        validate(Scenario, source)
    except BadInput as bad:
        sections = {mistake.path.rpartition(".")[0] or mistake.path for mistake in bad.mistakes}
        found = {
            belief.name
            for belief in believed.beliefs
            if any(path.startswith(section) for path in belief.targets for section in sections)
        }
        return found or {belief.name for belief in believed.beliefs}
    return set()


def _halfway(belief: Belief, value: Any) -> Any:
    own = belief.parameter.base
    if belief.parameter.kind == "integer":
        return own + int((value - own) / 2)
    if belief.how != VALUE:
        return float(f"{value**0.5:.{DIGITS}g}")
    return float(f"{(value + own) / 2:.{DIGITS}g}")
