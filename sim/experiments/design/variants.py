"""The scenario that points of a sweep are variants of, and what a path leads to in it.

A path may lead to a default that the file does not write.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sim.assumptions import with_words
from sim.errors import BadInput
from sim.experiments.design.plan import Kind
from sim.scenario.scenario import Scenario
from sim.yaml_source import Path, Source, dump, path_text, split_path, validate
from sim.yaml_source.paths import key_text
from sim.yaml_source.shapes import Shape, branch_by_tag, branches, describe, fields_of, shape_of, without_null
from sim.yaml_source.tree import Place, planted
from sim.yaml_source.wording import unknown_choice, wrong_type

DECIDES_NOTHING = (
    "name",
    "about",
    "record",
    "seeds",
    "beliefs",
    "sweep",
    "optimise",
    "survey",
    "posterior",
)  # of a single task
NAME = "sweep"  # every base goes by this name, so that a renamed scenario finds what it has lived
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
    def source(self) -> str:
        """Where the number comes from, as far as it is said."""
        return str(self.shape.extra.get("source") or "")

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
        if kinds == {"boolean"} or not isinstance(value, int if kinds == {"integer"} else (int, float)):
            more = ", or true or false" if self.on is not None and "boolean" not in kinds else ""
            raise ValueError(wrong_type(value, self.shape) + more)
        return value if "integer" in kinds and isinstance(value, int) else float(value)

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
            number = float(word)
        except ValueError:
            return word
        return int(number) if self._is_whole(number) else number

    def _is_whole(self, number: float) -> bool:
        """Whether 6.0 in a table means 6: spreadsheets write whole numbers so. A share of 1.0 stays a share."""
        kinds = {shape.kind for shape in self.shapes}
        shares = [shape.limits for shape in self.shapes if shape.kind == "number"]
        as_share = any(number <= limits.get("le", math.inf) for limits in shares)
        return "integer" in kinds and not as_share and number.is_integer()


def _digest(data: Mapping[str, Any]) -> str:
    """Of all that decides a task but what a book holds: where the book lies decides nothing."""
    population = {key: value for key, value in data["population"].items() if key != "file"}
    return hashlib.sha256(json.dumps({**data, "population": population}, sort_keys=True).encode()).hexdigest()


class Base:
    """The scenario that points are variants of: all defaults filled in, without what decides no task."""

    def __init__(self, scenario: Scenario, *, preset_tiers: bool = False):
        """`preset_tiers` leaves out tiers that are the preset's, so that another preset brings its own."""
        resolved = {**scenario.resolved(), "name": NAME}
        leave = {*DECIDES_NOTHING[1:], *(("tiers",) if preset_tiers and scenario.tiers is None else ())}
        # in the order of the fields, whether tiers were given or filled in
        data = {k: resolved[k] for k in Scenario.model_fields if k in resolved and k not in leave}
        self.text = dump(data)
        self.digest = _digest(data)
        self.source = Source(planted(data, Place(NAME, 0, 0)), NAME, [NAME])  # parsing the text takes 100 ms

    def leaf(self, text: str) -> Leaf:
        """What a written path leads to. Raises ValueError, for users."""
        parts = split_path(text)
        if parts[0] in DECIDES_NOTHING:
            raise ValueError(f"{parts[0]} is the same at all points; a path such as managers.hours_per_month")
        try:
            path = self.source.find(text)
        except ValueError:
            path = self._in_an_arm_with_a_budget(parts) or self._unset(parts)
        shape, about, value = self._at(path)
        if isinstance(value, dict) and shape.kind == "chosen" and path[0] == "arms":
            own = float(value.get("intensity", 1.0))
            path = (*path, "intensity")
            inner, _, value = self._at(path)
            return Leaf(self._text(path), inner, value, f"{value_name(path, self.source)} on or off", on=own or 1.0)
        if shape.kind == "union" and not isinstance(value, (dict, list)):  # what is a single value may vary as one
            shape = replace(shape, items=tuple(member for member in branches(shape) if member.kind in SCALARS))
        if not (shape.kind in SCALARS or (shape.kind == "union" and all(s.kind in SCALARS for s in branches(shape)))):
            raise ValueError(f"leads to {describe(shape, unit=False)}; {self._inside(path, value)}")
        switch = True if shape.kind == "boolean" else None
        return Leaf(self._text(path), shape, value, about, on=switch)

    def _in_an_arm_with_a_budget(self, parts: Path) -> Path | None:
        """The path of a strategy's number as an arm without a budget has it: the same in one that has one."""
        with contextlib.suppress(ValueError):
            if parts[0] == "arms" and len(parts) > 2:
                return self.source.find(path_text((*parts[:2], "strategies", *parts[2:])))
        return None

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
            if opened.model is not None:
                with_words(opened.model)
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
