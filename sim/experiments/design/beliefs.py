"""What a scenario believes: every number that matters and that nobody knows, as one parameter each.

A number of a section is a belief of its own. A table (by tier, by class) moves by one factor, so that its entries keep
their order, and so do the numbers of the channels that are called alike. A number of a strategy is one belief in all
arms that use the strategy. What is decided or settled is none (`sim.assumptions.Doubts`).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from sim.assumptions import Doubts, Settings, described, with_words
from sim.errors import BadInput, Mistake
from sim.experiments.design.joint import Joint, held
from sim.experiments.design.moves import FACTOR, POWER, VALUE, Belief
from sim.experiments.design.parameters import entries, misfits, role_of, twice
from sim.experiments.design.plan import DIGITS, Parameter
from sim.experiments.design.variants import Base
from sim.population.strata import DEFAULT_CUSTOMERS, rows_wanted
from sim.scenario.beliefs import EVERY, LEARNED
from sim.scenario.scenario import Scenario
from sim.scenario.sweep import Range
from sim.yaml_source import path_text
from sim.yaml_source.paths import closest, one_line
from sim.yaml_source.wording import shown

if TYPE_CHECKING:
    from sim.yaml_source import Path, Source

SECTIONS = ("managers", "channels", "economics", "environment", "model", "implementation")  # and strategies
VARY = ("beliefs", "vary")
NEUTRAL_AT_1 = ("HR", "ratio")  # units in which 1 is no effect: such a table moves by a power, which keeps its ones


@dataclass(frozen=True)
class Believed:
    """The checked section: the base scenario of a world, the beliefs that differ between worlds, and the posteriors
    that some of them come from."""

    base: Base
    beliefs: tuple[Belief, ...]
    joints: tuple[Joint, ...] = ()

    def values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """Values by path of a world, from what was drawn by belief."""
        found: dict[str, Any] = {}
        for belief in self.beliefs:
            found |= belief.values(drawn[belief.name])
        return found


def check_beliefs(s: Scenario, source: Source, joints: Sequence[Joint] = ()) -> Believed:
    """The beliefs that a scenario's section names and all that its posteriors hold; raises BadInput with all mistakes
    in it."""
    assert s.beliefs is not None
    base = Base(small(s))
    drawn = {one.name: one for joint in joints for one in _of_posterior(joint, base)}
    moved = {target for joint in joints for target in joint.moves}
    every = {belief.name: belief for belief in beliefs_of(s, base, moved)}
    vary = s.beliefs.vary
    if vary == LEARNED:
        if not drawn:
            raise BadInput([source.mistake(VARY, "there is no posterior; posterior: FILE, or all")])
        return Believed(base, tuple(drawn.values()), tuple(joints))
    if vary == EVERY:
        if not every and not drawn:
            raise BadInput([source.mistake(VARY, "no assumption matters here; paths, or no beliefs")])
        open_ = (one for one in every.values() if one.parameter.role == "uncertainty")
        return Believed(base, (*drawn.values(), *open_), tuple(joints))
    ranges = {path: given for path, given in vary.items() if _says(given)} if isinstance(vary, dict) else {}
    found: dict[str, Belief] = {}
    mistakes: list[Mistake] = []
    for i, path in enumerate(vary):
        here = (*VARY, path if isinstance(vary, dict) else i)
        known = {*drawn, *moved}
        if path in known or (any(_below(one, path) for one in known) and not any(_below(one, path) for one in every)):
            if path in ranges:
                mistakes.append(
                    source.mistake(here, "comes with a row of the posterior; leave its range out", key=True)
                )
            continue
        asked, slips = _asked(path, every, base, source, here, ranges)
        mistakes += slips
        for belief in asked:
            if belief.name in found:
                mistakes.append(source.mistake(here, f"{belief.name} is varied already; once", key=not _in_list(here)))
            found.setdefault(belief.name, belief)
    targets: dict[str, str] = {}
    for belief in found.values():
        for target in belief.targets:
            if target in targets:
                message = f"{belief.name} moves {target}, and so does {targets[target]}; one of them"
                mistakes.append(source.mistake(VARY, message, key=True))
                break
            targets[target] = belief.name
    if mistakes:
        raise BadInput(sorted(set(mistakes)))
    return Believed(base, (*drawn.values(), *found.values()), tuple(joints))


def _of_posterior(joint: Joint, base: Base) -> Iterator[Belief]:
    """What a posterior holds, each number at what the scenario has for it."""
    for one in held(joint, base):
        targets = {target: base.leaf(target).base for target in joint.targets[one.path]}
        yield Belief(one, targets, joint.how(one.path), posterior=joint.file)


def small(s: Scenario) -> Scenario:
    """The scenario of a world: with as few rows as the section says, if it has more."""
    assert s.beliefs is not None
    population = s.population
    if population.source == "book":
        return s
    total = population.customers or DEFAULT_CUSTOMERS
    if rows_wanted(population, total) <= s.beliefs.agents:
        return s
    return s.model_copy(update={"population": population.model_copy(update={"agents": s.beliefs.agents})})


def _says(given: Range | None) -> bool:
    """Whether a range says more than that its plausible one is meant."""
    return given is not None and (given.low is not None or given.values is not None or given.scale != "linear")


def _below(name: str, path: str) -> bool:
    return name.startswith((f"{path}.", f"{path}["))


def _in_list(here: Path) -> bool:
    return isinstance(here[-1], int)


def _asked(
    path: str, every: Mapping[str, Belief], base: Base, source: Source, here: Path, ranges: Mapping[str, Any]
) -> tuple[list[Belief], list[Mistake]]:
    """The beliefs of a path that somebody wrote: one by its name, those of a section, or a single number."""
    whole = not _in_list(here)
    inside = [one for name, one in every.items() if _below(name, path)]
    if path in every and path not in ranges:
        return [every[path]], []
    if path in every and every[path].how == VALUE:
        return _ranged(every[path], base, source, here, ranges[path])
    if (path in every or inside) and path in ranges:
        what = "moves by one factor within its plausible range; null, or low and high for a number inside it"
        return [], [source.mistake(here, f"is no single number, so it {what}", key=True)]
    if inside:
        return [one for one in inside if one.parameter.role == "uncertainty"], []
    try:
        leaf = base.leaf(path)
    except ValueError as slip:
        near = closest(path, every)
        what = f"no such assumption; did you mean {near}?" if near else str(slip)
        return [], [source.mistake(here, what, key=whole)]
    given = ranges.get(path)
    if given is None and leaf.plausible is None:
        what = f"{one_line(leaf.path)} is no assumption: it has no plausible range; {_for_example(every)}"
        return [], [source.mistake(here, what, key=whole)]
    found, mistakes = entries(base, source, {path: given or Range.model_validate({})}, here[:-1], "uncertainty")
    if not whole:
        mistakes = [source.mistake(here, mistake.message) for mistake in mistakes]
    mistakes += [] if mistakes else list(misfits(base, found, source)) + list(twice(found, source))
    made = [Belief(one.parameter, {one.parameter.path: one.parameter.base}) for one in found]
    return made, mistakes


def _ranged(belief: Belief, base: Base, source: Source, here: Path, given: Any) -> tuple[list[Belief], list[Mistake]]:
    """A belief within a range of its own."""
    first = next(iter(belief.targets))
    found, mistakes = entries(base, source, {first: given}, (*here[:-1],), "uncertainty")
    if mistakes:
        return [], [replace(mistake, path=source.path_text(here)) for mistake in mistakes]
    own = found[0].parameter
    for below, end in found[0].ends:
        if why := base.why_not(dict.fromkeys(belief.targets, end)):
            told = why if why.startswith(shown(end)) else f"{shown(end)} does not fit: {why}"
            return [], [source.mistake((*here, *below), told)]
    return [replace(belief, parameter=replace(own, path=belief.name))], []


def _for_example(every: Mapping[str, Belief]) -> str:
    one = next((name for name, belief in every.items() if belief.parameter.role == "uncertainty"), "managers.turnover")
    return f"a path such as {one}, or a range of its own for it"


# --- every belief of a scenario ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Number:
    """A number, or a table of numbers, of a section, with all that is known of it."""

    name: str  # of the belief
    key: str
    at: Path
    value: Any
    known: Mapping[str, Any]
    about: str
    doubts: Doubts
    home: str  # of the section, for what goes together
    whole: bool  # numbers alone


def beliefs_of(s: Scenario, base: Base, held: Collection[str] = ()) -> Iterator[Belief]:
    """All beliefs of a scenario in the order of its sections, those that matter with the role of an uncertainty.

    What is decided has that of a lever; what is settled, or does nothing with these mechanisms, is left out. Paths that
    are `held` are known from elsewhere: the factor of a table moves its other entries.
    """
    off = {name for name, on in s.model.mechanisms if not on}
    for name, alike in _by_name(s, base.source.data).items():
        first = alike[0]
        idle = {key for mechanism, keys in first.doubts.idle.items() if mechanism in off for key in keys}
        if first.key in {*first.doubts.settled, *idle}:
            continue
        belief = _belief(name, alike, base.source.data, held)
        if belief is None:
            continue
        if first.key in first.doubts.decided or role_of(next(iter(belief.targets))) == "lever":
            yield replace(belief, parameter=replace(belief.parameter, role="lever"))
            continue
        for keys, rank in first.doubts.together.items():
            if first.key in keys:
                belief = replace(belief, group=f"{first.home}: {', '.join(keys)}", rank=rank)
        yield belief


def tables_of(s: Scenario, base: Base) -> dict[str, Belief]:
    """Tables of a scenario that move by one factor, and numbers that are called alike, wherever they stand: by name."""
    found = {}
    for name, alike in _by_name(s, base.source.data).items():
        flat = {path_text(at, base.source.data): value for one in alike for at, value in _flat(one.value, one.at)}
        if flat and not _is_single(alike):
            parameter = Parameter(name, "number", base=1.0, unit="times", about=alike[0].about)
            found[name] = Belief(parameter, flat, _how(alike[0]))
    return found


def _by_name(s: Scenario, data: Any) -> dict[str, list[_Number]]:
    """All numbers that have a plausible range, by the names of beliefs."""
    numbers: dict[str, list[_Number]] = {}
    for section in SECTIONS:
        for one in _numbers(getattr(s, section), (section,), data):
            numbers.setdefault(one.name, []).append(one)
    for one in _of_strategies(s, data):
        numbers.setdefault(one.name, []).append(one)
    return numbers


def _is_single(alike: Sequence[_Number]) -> bool:
    """Whether they are one number, of a strategy in all arms, and no table."""
    first = alike[0]
    return not isinstance(first.value, (dict, list, tuple)) and (len(alike) == 1 or first.at[0] == "arms")


def _how(one: _Number) -> str:
    return POWER if one.known["unit"] in NEUTRAL_AT_1 and float(one.known["plausible"][0]) > 0 else FACTOR


def _numbers(section: Any, at: Path, data: Any) -> Iterator[_Number]:
    """Numbers with a plausible range in a section and the sections below it."""
    if isinstance(section, (list, tuple)):
        for i, item in enumerate(section):
            yield from _numbers(item, (*at, i), data)
        return
    if isinstance(section, dict):
        yield from _of_alike(list(section.items()), at, data)
        return
    if not isinstance(section, Settings):
        return
    inner: list[tuple[str, Any]] = []
    for name, field in with_words(type(section)).items():
        key, value = field.alias or name, getattr(section, name)
        known = described(field)
        if _holds_settings(value):
            inner.append((key, value))
        elif known is not None and "plausible" in known:
            home = path_text(at, data)
            told = (known, field.description or "", type(section).doubts, home)
            yield _Number(f"{home}.{key}", key, (*at, key), value, *told, whole=field.annotation is int)
    yield from _of_alike(inner, at, data)


def _holds_settings(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
    return any(isinstance(item, BaseModel) for item in items)


def _of_alike(inner: Sequence[tuple[str, Any]], at: Path, data: Any) -> Iterator[_Number]:
    """Sections beside one another; the numbers of those of one kind (channels, tiers) go by one name, as in a table."""
    kinds = [type(value) for _, value in inner]
    for key, value in inner:
        alike = isinstance(value, Settings) and kinds.count(type(value)) > 1
        for one in _numbers(value, (*at, key), data):
            if alike and len(one.at) == len(at) + 2:
                home = path_text(at, data)
                yield replace(one, name=f"{home}.{one.key}", home=home)
            else:
                yield one


def _of_strategies(s: Scenario, data: Any) -> Iterator[_Number]:
    """Numbers of the strategies at work in any arm."""
    for arm in s.arm_list:
        held = data["arms"][arm.name]
        at: Path = ("arms", arm.name, "strategies") if isinstance(held, dict) else ("arms", arm.name)
        for i, strategy in enumerate(arm.strategies):
            if strategy.intensity > 0:
                for one in _numbers(strategy, (*at, i), data):
                    inside = ".".join(map(str, one.at[len(at) + 1 :]))
                    yield replace(one, name=f"{strategy.use}.{inside}", home=strategy.use)


def _belief(name: str, alike: Sequence[_Number], data: Any, held: Collection[str]) -> Belief | None:
    """The belief about numbers that go by one name; None where there is nothing to be believed of them.

    A number outside its plausible range was set on purpose, and so were numbers of a strategy that arms set apart.
    """
    first = alike[0]
    low, high = map(float, first.known["plausible"])
    numbers = ((path_text(at, data), value) for one in alike for at, value in _flat(one.value, one.at))
    flat = {path: value for path, value in numbers if path not in held}
    if not flat or not low < high:
        return None
    told: dict[str, Any] = {"unit": first.known["unit"], "about": first.about, "source": str(first.known["source"])}
    if _is_single(alike):
        values = set(flat.values())
        base = values.pop()
        if values or not low <= base <= high:
            return None
        ends = (round(low), round(high)) if first.whole else (low, high)
        kind: Any = "integer" if first.whole else "number"
        return Belief(Parameter(name, kind, low=ends[0], high=ends[1], base=base, **told), flat)
    if first.at[0] == "arms" and any(one.value != first.value for one in alike):
        return None
    how = _how(first)
    reach = [math.log(v) for v in flat.values()] if how == POWER and min(flat.values()) > 0 else list(flat.values())
    bounds = (math.log(low), math.log(high)) if how == POWER else (low, high)
    least, most = span(reach, *bounds)
    if not least < most:
        return None
    unit = "times" if how == FACTOR else "power"
    return Belief(
        Parameter(name, "number", low=least, high=most, log=True, base=1.0, **{**told, "unit": unit}), flat, how
    )


def _flat(value: Any, at: Path) -> Iterator[tuple[Path, float]]:
    """The numbers of a table with their paths; a number has its own."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, (*at, key))
    elif isinstance(value, (list, tuple)):
        for i, inner in enumerate(value):
            yield from _flat(inner, (*at, i))
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield at, value


def span(values: Sequence[float], low: float, high: float) -> tuple[float, float]:
    """The factors within which a table stays in its plausible range, (1, 1) where there are none.

    As far up as the entry next to a bound lets it go; as far down, but never further, in ratio, than up.
    """
    known = [value for value in values if value != 0]
    if not known or any(not low <= value <= high for value in known):
        return 1.0, 1.0
    most = min((high if value > 0 else low) / value for value in known)
    inner = [(low if value > 0 else high) / value for value in known]
    least = max([1.0 / most, *(one for one in inner if one > 0)])
    return float(f"{least:.{DIGITS}g}"), float(f"{most:.{DIGITS}g}")
