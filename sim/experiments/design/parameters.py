"""What a sweep varies: the paths of `vary` as parameters with kind, unit and range, or as mistakes with their place.

What a value may be is asked of the scenario itself: the base is checked with that value in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sim.errors import Mistake
from sim.experiments.design.plan import Parameter, Role
from sim.experiments.design.variants import Base, Leaf
from sim.scenario.sweep import Range
from sim.yaml_source import Path, Source
from sim.yaml_source.shapes import describe
from sim.yaml_source.wording import shown

# What a bank decides of itself, by the beginning of a path; everything else it does not know. In an arm its strategies'
# presence and strength, when they begin, and their money; how they work is a belief.
LEVERS = re.compile(
    r"arms\.[^.]+(\.budget|.*\.(intensity|from|until|where\.\w+|coverage|allocation|parts\S*|outreach|win_back|pressure|grace|retention))$"
    r"|managers\.(coverage|span|remote_from|remote_coverage|remote_span|hours_per_month|salary|contact_months|mix"
    r"|allocation)\b|channels\..*\.(capacity|campaign\S*)$"
)
ALL_CHECKED = 50  # of listed numbers; of more the smallest and the largest


@dataclass(frozen=True)
class Entry:
    """A parameter and where its settings were given, for mistakes: `ends` are (place below `at`, value) to check."""

    parameter: Parameter
    at: Path
    ends: tuple[tuple[Path, Any], ...]


def entries(
    base: Base, source: Source, ranges: Mapping[str, Range], at: Path, role: Role | None = None
) -> tuple[list[Entry], list[Mistake]]:
    """The parameters of a `vary` that stands at a path of a file, and what is wrong with them taken one by one.

    Without a role a path's head decides. Whether the values fit the scenario is for `misfits` to say.
    """
    found: list[Entry] = []
    mistakes: list[Mistake] = []
    for path, given in ranges.items():
        here = (*at, path)
        try:
            leaf = base.leaf(path)
        except ValueError as slip:
            mistakes.append(source.mistake(here, str(slip), key=True))
            continue
        try:
            found.append(_entry(leaf, given, here, role or role_of(leaf.path)))
        except _Slips as slips:
            mistakes += [source.mistake((*here, *below), message) for below, message in slips.found]
    return found, mistakes


def role_of(path: str) -> Role:
    """Lever or uncertainty, where a sweep does not tell them apart itself."""
    return "lever" if LEVERS.match(path) else "uncertainty"


def twice(entries_: Sequence[Entry], source: Source) -> Iterator[Mistake]:
    """Entries that lead to the same value, however written."""
    seen: dict[str, Path] = {}
    for entry in entries_:
        path = entry.parameter.path
        if path in seen:
            other = source.path_text(seen[path])
            yield source.mistake(entry.at, f"{path} is varied by {other} already; once", key=True)
        seen.setdefault(path, entry.at)


def misfits(base: Base, entries_: Sequence[Entry], source: Source) -> Iterator[Mistake]:
    """Values that the scenario does not take, each checked with the other parameters at their base.

    A value that needs others to move with it is taken if it fits while all others stand at one of their ends.
    """
    ends: dict[str, list[Any]] = {e.parameter.path: [value for _, value in e.ends] for e in entries_}
    corners = [{path: pick(values) for path, values in ends.items()} for pick in (_first, _last)]
    for entry in entries_:
        path = entry.parameter.path
        for below, value in entry.ends:
            why = base.why_not({path: value})
            if why is None:
                continue
            if len(ends) > 1 and any(base.why_not({**corner, path: value}) is None for corner in corners):
                continue
            told = why if why.startswith(shown(value)) else f"{shown(value)} does not fit: {why}"
            yield source.mistake((*entry.at, *below), told)


class _Slips(Exception):
    def __init__(self, *found: tuple[Path, str]):
        self.found = found
        super().__init__(str(found))


def _entry(leaf: Leaf, given: Range, at: Path, role: Role) -> Entry:
    if given.values is not None:
        return _listed(leaf, given.values, [("values", i) for i in range(len(given.values))], at, role)
    if leaf.choices or (leaf.on is True):
        levels = list(leaf.choices) or [False, True]
        if given.low is not None:
            right = describe(leaf.shape, unit=False)
            raise _Slips((("low",), f"{leaf.path} has no range; values: [...] of {right}, or null for all"))
        return _listed(leaf, levels, [()] * len(levels), at, role)
    if leaf.on is not None and given.low is None:
        return _listed(leaf, [False, True], [(), ()], at, role)
    return _ranged(leaf, given, at, role)


def _listed(leaf: Leaf, values: Sequence[Any], places: Sequence[Path], at: Path, role: Role) -> Entry:
    """A parameter of listed values; `places` are where each was given."""
    plain, slips = [], []
    for place, value in zip(places, values, strict=True):
        try:
            plain.append(leaf.plain(value))
        except ValueError as slip:
            slips.append((place, str(slip)))
    if slips:
        raise _Slips(*slips)
    for i, value in enumerate(plain):
        if value in plain[:i] and all(isinstance(v, (int, float)) for v in plain):
            raise _Slips((places[i], f"{shown(values[i])} is {shown(value)}, which is there already; each value once"))
    return listed(leaf, values, plain, places, at, role)


def listed(
    leaf: Leaf, values: Sequence[Any], plain: Sequence[Any], places: Sequence[Path], at: Path, role: Role
) -> Entry:
    """The entry of these values: as given, and as the scenario takes them."""
    kind = leaf.kind_of(values)
    numeric = kind in ("number", "integer")
    parameter = Parameter(
        leaf.path,
        kind,
        role,
        low=min(plain) if numeric else None,
        high=max(plain) if numeric else None,
        values=tuple(plain),
        base=leaf.base,
        unit=leaf.shape.unit,
        about=leaf.about,
        source=leaf.source,
    )
    ends = list(zip(places, plain, strict=True))
    if numeric and len(ends) > ALL_CHECKED:
        ends = [min(ends, key=lambda end: end[1]), max(ends, key=lambda end: end[1])]
    return Entry(parameter, at, tuple(ends))


def _ranged(leaf: Leaf, given: Range, at: Path, role: Role) -> Entry:
    low, high = given.low, given.high
    places: tuple[Path, Path] = (("low",), ("high",))
    if low is None or high is None:
        if leaf.plausible is None:
            right = describe(leaf.shape)
            raise _Slips(((), f"no plausible range is documented; low and high, or values, of {right}"))
        low, high = leaf.plausible
        places = ((), ())
        if {shape.kind for shape in leaf.shapes} == {"integer"}:
            low, high = round(low), round(high)
        if given.scale == "log" and low <= 0:
            raise _Slips((("scale",), f"the plausible range begins at {low:g}, without a logarithm; low and high"))
    try:
        ends = [leaf.plain(value) for value in (low, high)]
    except ValueError:
        slips = []
        for place, value in zip(places, (low, high), strict=True):
            try:
                leaf.plain(value)
            except ValueError as slip:
                slips.append((place, str(slip)))
        raise _Slips(*slips) from None
    parameter = Parameter(
        leaf.path,
        leaf.kind_of((low, high)),
        role,
        low=ends[0],
        high=ends[1],
        log=given.scale == "log",
        base=leaf.base,
        unit=leaf.shape.unit,
        about=leaf.about,
        source=leaf.source,
    )
    return Entry(parameter, at, tuple(zip(places, ends, strict=True)))


def _first(values: Sequence[Any]) -> Any:
    return values[0]


def _last(values: Sequence[Any]) -> Any:
    return values[-1]
