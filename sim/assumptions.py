"""A number of the model is a document: its default, unit, plausible range and source stand in one place.

`assumption` makes the pydantic field of one such number. Validation, the JSON Schema, the reference page and
the ranges of a sweep are all read from it.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import sys
from collections.abc import Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined, to_jsonable_python

from sim.slips import Slip, several

Bound = float | None


def assumption(
    default: Any = PydanticUndefined,
    unit: str = "",
    *,
    plausible: tuple[float, float],
    allowed: tuple[Bound, Bound] = (None, None),
    source: str,
    below: Bound = None,
    about: str | None = None,
    factory: Any = None,
    alias: str | None = None,
) -> Any:
    """The field of one number (or of a list or table of them); the text under the field says what it is.

    `plausible` is the default range of a sweep. `allowed` is what is accepted at all (both ends inclusive, None means
    no bound); `below` is an exclusive upper bound. `source` is a key of docs/sources.md, or "assumption" for an
    untested belief. `about` is for where no text can stand under a field.
    """
    if not unit:
        raise TypeError("an assumption needs a unit")
    (low, high), (hard_low, hard_high) = plausible, allowed
    extra: dict[str, Any] = {"unit": unit, "plausible": [low, high], "source": source}
    keywords: dict[str, Any] = {"description": about, "json_schema_extra": extra}
    if factory is not None:  # a table: its entries are checked by `Settings`, since bounds on a mapping mean nothing
        least = 0.0 if low >= 0 else -1e6
        most = 1.0 if unit.startswith(("share", "chance")) else 100.0 * high
        extra["accepted"] = [least if hard_low is None else hard_low, most if hard_high is None else hard_high]
    else:
        if hard_low is not None:
            keywords["ge"] = hard_low
        if hard_high is not None:
            keywords["le"] = hard_high
    if below is not None:
        keywords["lt"] = below
    if alias is not None:
        keywords["alias"] = alias
    if factory is not None:
        return Field(default_factory=factory, **keywords)
    return Field(default, **keywords)


NEAR_ONE = 1e-3  # how far printed tables of four digits may be from 1
EXACT = 1e-9  # as far as this a sum is 1


def scaled_to_one(values: list[float]) -> list[float]:
    """Shares divided by their sum where that is near 1, as of tables printed with few digits; else as they are."""
    total = sum(values)
    near = EXACT < abs(total - 1.0) <= NEAR_ONE + EXACT and all(0 <= value <= 1 for value in values)
    return [value / total for value in values] if near else values


def scaled_table(table: dict[str, float]) -> dict[str, float]:
    """The same of a table."""
    return dict(zip(table, scaled_to_one(list(table.values())), strict=True))


def described(field: FieldInfo) -> dict[str, Any] | None:
    """Unit, plausible range and source of a field made by `assumption`; None for any other field."""
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) and "source" in extra else None


def with_words(kind: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a settings model, each with the text that stands under it as its description.

    Pydantic can do this as a class is made, by its source; that is a third of what it takes to check a file, which
    needs no such text, so here it is done when somebody asks.
    """
    found: dict[str, str | None] = {}
    for parent in reversed(kind.__mro__):
        if issubclass(parent, Settings):
            found |= _texts_of(parent.__module__).get(parent.__qualname__, {})
    for name, field in kind.model_fields.items():
        field.description = field.description or found.get(name)
    return kind.model_fields


@functools.cache
def _texts_of(module: str) -> dict[str, dict[str, str | None]]:
    """Of each class in a module (its qualified name) the text under each annotated name, None where there is none."""
    found: dict[str, dict[str, str | None]] = {}

    def look(block: list[ast.stmt], place: str) -> None:
        for i, one in enumerate(block):
            if isinstance(one, ast.ClassDef):
                found[f"{place}{one.name}"] = {}
                look(one.body, f"{place}{one.name}.")
            elif isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)):
                look(one.body, f"{place}{one.name}.<locals>.")
            elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and place.endswith("."):
                found.get(place[:-1], {})[one.target.id] = _text(block[i + 1 : i + 2])

    try:
        look(ast.parse(inspect.getsource(sys.modules[module])).body, "")
    except (OSError, TypeError, KeyError):  # made without a file
        return {}
    return found


def _text(following: list[ast.stmt]) -> str | None:
    match following:
        case [ast.Expr(ast.Constant(str(text)))]:
            return inspect.cleandoc(text)
    return None


def documented(kind: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """What is known of every setting of a model but its name, by the key that a file has for it.

    `about`, and `unit`, `plausible`, `source` and `default` where there are such.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, field in with_words(kind).items():
        if name == "use":
            continue
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        facts: dict[str, Any] = {key: extra[key] for key in ("unit", "plausible", "source") if key in extra}
        default = field.get_default(call_default_factory=True) if not field.is_required() else None
        if default is not None:
            facts["default"] = to_jsonable_python(default)
        found[field.alias or name] = {**facts, "about": field.description or ""}
    return found


def part(kind: Any, about: str) -> Any:
    """A section with its own defaults; a scenario may name only what it changes."""
    return Field(default_factory=kind, description=about)


@dataclasses.dataclass(frozen=True)
class Doubts:
    """Which numbers of a section are no beliefs, and which of its beliefs go together.

    A number with a plausible range is a belief, something that nobody knows, unless it is `decided` by the bank or
    `settled`: a convention, a definition, a bound of what is computed. `idle` are beliefs that do nothing while a
    mechanism (its name) is off. `together` are names whose plausible values go together, with the rank correlation of
    each two of them (of a Gaussian copula): what makes one of them larger makes the others larger.
    """

    decided: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    idle: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    together: Mapping[tuple[str, ...], float] = dataclasses.field(default_factory=dict)

    @property
    def names(self) -> set[str]:
        """All that it names."""
        return {
            *self.decided,
            *self.settled,
            *(name for some in (*self.idle.values(), *self.together) for name in some),
        }

    def and_of(self, parent: Doubts) -> Doubts:
        """These with those of the class above."""
        return Doubts(
            (*parent.decided, *self.decided),
            (*parent.settled, *self.settled),
            {**parent.idle, **self.idle},
            {**parent.together, **self.together},
        )


class Settings(BaseModel):
    """Parent of every section of a scenario file: frozen, strict, no unknown keys, no NaN or infinity.

    Where a field's default is a table (by tier, by channel), a scenario names only the entries it changes.
    """

    doubts: ClassVar[Doubts] = Doubts()

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        super().__pydantic_init_subclass__(**more)
        if "doubts" not in cls.__dict__:
            return
        known = {field.alias or name for name, field in cls.model_fields.items()}
        if unknown := sorted(cls.doubts.names - known):
            raise TypeError(f"{', '.join(unknown)}: no numbers of {cls.__name__}, which has doubts about them")
        cls.doubts = cls.doubts.and_of(getattr(cls.__mro__[1], "doubts", Doubts()))

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _merge_tables(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        merged = with_tuples(cls, given)
        for name, field in cls.model_fields.items():
            key = field.alias or name
            if isinstance(merged.get(key), dict) and field.default_factory is not None:
                default = field.default_factory()  # type: ignore[call-arg]
                if isinstance(default, BaseModel):
                    merged[key] = _deep(default.model_dump(by_alias=True), merged[key])
                elif isinstance(default, dict) and described(field):
                    merged[key] = _deep(default, merged[key])
        return merged

    @model_validator(mode="after")
    def _entries_in_range(self) -> Settings:
        found: list[Slip] = []
        for name, field in type(self).model_fields.items():
            known = described(field)
            if known and "accepted" in known:
                low, high = known["accepted"]
                found += _out_of_range(getattr(self, name), low, high, known["unit"], (field.alias or name,))
        if found:
            raise several(found)
        return self


def with_tuples(model: type[BaseModel], given: dict[Any, Any]) -> dict[Any, Any]:
    """A copy with a tuple for each list where the model wants a tuple.

    Behind a validator that comes before the others, strict checking takes JSON's lists for Python's and refuses them.
    """
    out = dict(given)
    for name, field in model.model_fields.items():
        key = field.alias or name
        if isinstance(out.get(key), list):
            out[key] = _with_tuples(field.annotation, out[key])
    return out


def _with_tuples(annotation: Any, value: Any) -> Any:
    """The value, a list, as the first kind of collection that the annotation has for it."""
    if not isinstance(value, list):
        return value
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _with_tuples(args[0], value)
    if origin in (Union, UnionType):
        tried = (_with_tuples(arg, value) for arg in args)
        return next((made for made in tried if made is not value), value)
    kind = origin or annotation
    if kind not in (list, tuple):
        return value
    inside = [arg for arg in args if arg is not Ellipsis]
    fixed = kind is tuple and len(inside) == len(value) and Ellipsis not in args
    items = [_with_tuples(inside[i if fixed else 0] if inside else Any, item) for i, item in enumerate(value)]
    return items if kind is list else tuple(items)


def _out_of_range(table: Any, low: float, high: float, unit: str, path: tuple[str | int, ...]) -> Iterator[Slip]:
    if isinstance(table, dict):
        for key, value in table.items():
            yield from _out_of_range(value, low, high, unit, (*path, key))
    elif isinstance(table, (int, float)) and not low <= table <= high:
        yield path, f"{table:g} is not allowed; a number from {low:g} to {high:g} ({unit})"


def _deep(base: dict[Any, Any], given: dict[Any, Any]) -> dict[Any, Any]:
    out = {key: value.model_dump() if isinstance(value, BaseModel) else value for key, value in base.items()}
    for key, value in given.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _deep(out[key], value) if both else value
    return out
