"""What a sweep varies: every path of `vary` found in the resolved scenario, with its kind, unit and range.

A path may lead to a default that the file does not write. What a value may be is asked of the scenario itself: the base
is checked with that value in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sim.errors import BadInput, Mistake
from sim.experiments.sweep.plan import Kind, Parameter, Role
from sim.scenario import Scenario
from sim.sweep_settings import Range
from sim.yaml_source import Path, Source, dump, loads, path_text, split_path, validate
from sim.yaml_source.paths import key_text
from sim.yaml_source.shapes import Shape, branch_by_tag, branches, describe, fields_of, shape_of, without_null
from sim.yaml_source.wording import shown, unknown_choice, wrong_type

DECIDES_NOTHING = ("name", "about", "record", "seeds", "sweep", "optimise")  # of a single task
LEVERS = ("arms", "managers", "channels")
NAME = "sweep"  # every base goes by this name, so that a renamed scenario finds what it has lived
ALL_CHECKED = 50  # of listed numbers; of more the smallest and the largest
SCALARS = ("number", "integer", "choice", "boolean")


@dataclass(frozen=True)
class Leaf:
    """A single value of the base scenario that can be varied.

    `on` is what true means for a switch: the intensity of a strategy, or true. `shapes` are what the value may be.
    """

    path: str
    shape: Shape
    base: Any
    about: str
    on: Any = None

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        return tuple(branches(self.shape))

    @cached_property
    def choices(self) -> tuple[Any, ...]:
        return tuple(choice for shape in self.shapes for choice in shape.choices)

    @property
    def plausible(self) -> tuple[float, float] | None:
        """The range that evidence supports, where one is documented."""
        found = self.shape.extra.get("plausible")
        return (found[0], found[1]) if found else None

    def kind_of(self, values: Sequence[Any]) -> Kind:
        """What it is as a parameter; a number or a whole number, where both may be, as the values are."""
        kinds = {shape.kind for shape in self.shapes}
        if self.on is not None and all(isinstance(value, bool) for value in values):
            return "switch"
        if "choice" in kinds:
            return "choice"
        whole = all(isinstance(value, int) for value in values)
        return "integer" if kinds == {"integer"} or ("integer" in kinds and whole) else "number"

    def plain(self, value: Any) -> Any:
        """The value as the scenario takes it. Raises ValueError, for users, if it is of another kind."""
        kinds = {shape.kind for shape in self.shapes}
        if isinstance(value, bool):
            if self.on is None:
                raise ValueError(wrong_type(value, self.shape))
            return value if self.on is True else self.on if value else 0.0
        if "choice" in kinds:
            if value not in self.choices:
                raise ValueError(unknown_choice(value, map(str, self.choices)))
            return value
        if kinds == {"boolean"} or not isinstance(value, (int, float)):
            more = ", or true or false" if self.on is not None and "boolean" not in kinds else ""
            raise ValueError(wrong_type(value, self.shape) + more)
        return value if "integer" in kinds and (isinstance(value, int) or kinds == {"integer"}) else float(value)

    def read(self, text: str) -> Any:
        """The value a cell of a table says, before `plain`. Raises ValueError, for users."""
        word = text.strip()
        if self.on is not None and word.lower() in ("true", "false"):
            return word.lower() == "true"
        if self.choices:
            return next((choice for choice in self.choices if str(choice) == word), word)
        try:
            return int(word)
        except ValueError:
            pass
        try:
            return float(word)
        except ValueError:
            return word


class Base:
    """The scenario that points are variants of: all defaults filled in, without what decides no task."""

    def __init__(self, scenario: Scenario, *, preset_tiers: bool = False):
        """`preset_tiers` leaves out tiers that are the preset's, so that another preset brings its own."""
        data = {"name": NAME, **{k: v for k, v in scenario.resolved().items() if k not in DECIDES_NOTHING}}
        if preset_tiers and scenario.tiers is None:
            data.pop("tiers", None)
        self.text = dump(data)
        self.source = loads(self.text, file=NAME)

    def leaf(self, text: str) -> Leaf:
        """What a written path leads to. Raises ValueError, for users."""
        parts = split_path(text)
        if parts[0] in DECIDES_NOTHING:
            raise ValueError(f"{parts[0]} is the same at all points; a path such as managers.hours_per_month")
        try:
            path = self.source.find(text)
        except ValueError:
            path = self._unset(parts)
        shape, about, value = self._at(path)
        if isinstance(value, dict) and shape.kind == "chosen" and path[0] == "arms":
            own = float(value.get("intensity", 1.0))
            path = (*path, "intensity")
            inner, _, value = self._at(path)
            return Leaf(self._text(path), inner, value, f"{value_name(path, self.source)} on or off", on=own or 1.0)
        if not (shape.kind in SCALARS or (shape.kind == "union" and all(s.kind in SCALARS for s in branches(shape)))):
            raise ValueError(f"{describe(shape, unit=False)}; {self._inside(path, value)}")
        switch = True if shape.kind == "boolean" else None
        return Leaf(self._text(path), shape, value, about, on=switch)

    def why_not(self, values: Mapping[str, Any]) -> str | None:
        """What the scenario has against these values, in the words of its first mistake; None if nothing."""
        try:
            validate(Scenario, self.source.with_values(values))
        except BadInput as bad:
            first = bad.mistakes[0]
            return first.message if first.path in values else f"{first.path}: {first.message}"
        return None

    def _unset(self, parts: Path) -> Path:
        """The path of a setting that exists but has no value in the base, such as a budget."""
        above = self.source.find(path_text(parts[:-1])) if len(parts) > 1 else ()
        shape, _, value = self._at(above)
        shape = _opened(shape, value)
        if shape.kind == "model" and shape.model is not None and parts[-1] in fields_of(shape.model):
            return (*above, parts[-1])
        return self.source.find(path_text(parts))  # says what is wrong

    def _at(self, path: Path) -> tuple[Shape, str, Any]:
        """Shape, description and value (None where unset) at a path of the base."""
        shape, about = shape_of(Scenario), ""
        value: Any = self.source.data
        for part in path:
            opened = _opened(shape, value)
            shape = _below(opened, part)
            about = shape.about or (about if opened.kind in ("mapping", "list", "tuple") else "")
            value = value[int(part)] if isinstance(value, list) else (value or {}).get(part)
        return without_null(shape), about, value

    def _text(self, path: Path) -> str:
        return path_text(path, self.source.data)

    def _inside(self, path: Path, value: Any) -> str:
        """What would be right where a path ends too early."""
        here = self._text(path)
        if isinstance(value, dict) and value:
            return f"a single value inside it, such as {here}.{key_text(next(iter(value)))}"
        if isinstance(value, list) and value:
            return f"a single value inside it, such as {self._text((*path, 0))}"
        return "a number, a choice or a switch"


def value_name(path: Path, source: Source) -> str:
    """The strategy a path leads into, as it is called."""
    return path_text(path[:-1], source.data).rsplit(".", 1)[-1]


def _opened(shape: Shape, value: Any) -> Shape:
    """The shape that this value has among those it may have."""
    shape = without_null(shape)
    if shape.kind == "chosen":
        model = shape.chosen.pick(value)
        return shape_of(model) if model is not None else shape
    if shape.kind != "union":
        return shape
    if shape.discriminator is not None:
        return branch_by_tag(shape, value) or shape
    keys = set(value) if isinstance(value, dict) else set()
    for member in branches(shape):
        if isinstance(value, list) and member.kind == "list":
            return member
        if isinstance(value, dict) and member.model is not None and keys <= set(fields_of(member.model)):
            return member
        if isinstance(value, dict) and member.kind == "mapping":
            return member
    return shape


def _below(shape: Shape, part: str | int) -> Shape:
    if shape.kind == "model" and shape.model is not None:
        return fields_of(shape.model)[str(part)]
    if shape.kind == "tuple" and isinstance(part, int):
        return shape.items[part]
    return shape.items[0] if shape.items else Shape("any", Any)


# --- parameters ------------------------------------------------------------------------------------------------------


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
            mistakes.append(mistake(source, here, str(slip), key=True))
            continue
        try:
            found.append(_entry(leaf, given, here, role or role_of(leaf.path)))
        except _Slips as slips:
            mistakes += [mistake(source, (*here, *below), message) for below, message in slips.found]
    return found, mistakes


def role_of(path: str) -> Role:
    """Lever or uncertainty, by the section a path begins with."""
    return "lever" if split_path(path)[0] in LEVERS else "uncertainty"


def twice(entries_: Sequence[Entry], source: Source) -> Iterator[Mistake]:
    """Entries that lead to the same value, however written."""
    seen: dict[str, Path] = {}
    for entry in entries_:
        path = entry.parameter.path
        if path in seen:
            other = source.path_text(seen[path])
            yield mistake(source, entry.at, f"{path} is varied by {other} already; once", key=True)
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
            yield mistake(source, (*entry.at, *below), told)


def mistake(source: Source, path: Path, message: str, *, key: bool = False) -> Mistake:
    """A mistake at a path of a file."""
    file, line, column = source.address(path, key=key)
    return Mistake(file, line, column, source.path_text(path), message)


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
        leaf.path, kind, role, low=min(plain) if numeric else None, high=max(plain) if numeric else None,
        values=tuple(plain), base=leaf.base, unit=leaf.shape.unit, about=leaf.about,
    )  # fmt: skip
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
        leaf.path, leaf.kind_of((low, high)), role, low=ends[0], high=ends[1], log=given.scale == "log",
        base=leaf.base, unit=leaf.shape.unit, about=leaf.about,
    )  # fmt: skip
    return Entry(parameter, at, tuple(zip(places, ends, strict=True)))


def _first(values: Sequence[Any]) -> Any:
    return values[0]


def _last(values: Sequence[Any]) -> Any:
    return values[-1]
