"""What a field accepts, read off its pydantic annotation: kind, range, unit, choices, and what is inside.

Validation messages and the reference page both say it in the same words.
"""

from __future__ import annotations

import dataclasses
import datetime
import enum
import pathlib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, RootModel, Tag
from pydantic.fields import FieldInfo
from typing_extensions import TypeAliasType

from sim.yaml_source.paths import key_text

_SCALARS = {bool: "boolean", int: "integer", float: "number", str: "text", type(None): "null"}
_TEXTS = (pathlib.PurePath, datetime.date, datetime.time, datetime.timedelta, bytes)
_LISTS = (list, Sequence, MutableSequence, set, frozenset, AbstractSet, Iterable)
_DICTS = (dict, Mapping, MutableMapping)
_LIMITS = ("ge", "gt", "le", "lt", "multiple_of", "pattern", "min_length", "max_length")
# `type X = ...` of Python 3.12 and its older twin
_ALIASES: Any = (TypeAliasType, getattr(typing, "TypeAliasType", TypeAliasType))
_DEEPEST = 12  # of an annotation without a model in it


@dataclass(frozen=True)
class Shape:
    """What one value may be. `annotation` is what pydantic checks; `extra` has unit, plausible and source, if given."""

    kind: str  # boolean integer number text null choice list tuple mapping model union chosen any
    annotation: Any
    about: str = ""
    extra: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    limits: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    choices: tuple[Any, ...] = ()
    model: type[BaseModel] | None = None
    items: tuple[Shape, ...] = ()  # members of a union or tuple; the one item of a list; the values of a mapping
    key: Shape | None = None
    discriminator: Any = None  # of a union: a key, or a function from the value to a tag
    tag: str | None = None
    chosen: Any = None
    field: FieldInfo | None = None

    @property
    def unit(self) -> str:
        return str(self.extra.get("unit") or "")

    @property
    def is_scalar(self) -> bool:
        return self.kind in ("boolean", "integer", "number", "text", "null", "choice")


def shape_of(annotation: Any) -> Shape:
    """The shape of a type."""
    return _shape(annotation, (), {}, 0)


def fields_of(model: type[BaseModel]) -> dict[str, Shape]:
    """The shapes of a model's fields, by the key a user writes."""
    return {field_key(name, field): field_shape(field) for name, field in model.model_fields.items()}


def field_key(name: str, field: FieldInfo) -> str:
    """The key a user writes for this field: its alias, where it has one."""
    alias = field.validation_alias or field.alias
    return alias if isinstance(alias, str) else name


def field_shape(field: FieldInfo) -> Shape:
    """The shape of a model's field."""
    inner: list[Any] = [*field.metadata]
    if field.discriminator is not None:
        inner.append(
            field.discriminator
            if isinstance(field.discriminator, Discriminator)
            else Discriminator(field.discriminator)
        )
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    shape = _shape(field.annotation, tuple(inner), extra, 0)
    return replace(shape, about=field.description or shape.about, field=field)


def _shape(annotation: Any, metadata: tuple[Any, ...], extra: Mapping[str, Any], depth: int) -> Shape:
    """`metadata` and `extra` are what stands outside; units reach the numbers of lists and tables, not models."""
    annotation, metadata, extra, about = _unwrapped(annotation, metadata, dict(extra))
    chosen = next((m for m in metadata if callable(getattr(m, "pick", None))), None)
    common: dict[str, Any] = {
        "annotation": Annotated[annotation, *metadata] if metadata else annotation,
        "about": about,
        "extra": extra,
        "limits": _limits(metadata),
        "tag": next((m.tag for m in metadata if isinstance(m, Tag)), None),
    }
    origin, args = get_origin(annotation), get_args(annotation)
    if chosen is not None:
        return Shape("chosen", chosen=chosen, **common)
    if depth > _DEEPEST:
        return Shape("any", **common)
    if origin in (Union, types.UnionType):
        by = next((m.discriminator for m in metadata if isinstance(m, Discriminator)), None)
        passed = tuple(m for m in metadata if not isinstance(m, (Discriminator, Tag)))
        members = tuple(_shape(arg, passed if arg is not type(None) else (), extra, depth + 1) for arg in args)
        return Shape("union", items=members, discriminator=by, **common)
    if origin is Literal:
        return Shape("choice", choices=args, **common)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return Shape("choice", choices=tuple(member.value for member in annotation), **common)
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        root = _shape(annotation.model_fields["root"].annotation, (), extra, depth + 1)
        return replace(root, annotation=annotation, tag=common["tag"])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return Shape("model", model=annotation, **common)
    holder = origin or annotation
    if holder is tuple and not (len(args) == 2 and args[1] is Ellipsis) and args:
        return Shape("tuple", items=tuple(_shape(a, (), extra, depth + 1) for a in args), **common)
    if holder in _LISTS or holder is tuple:
        return Shape("list", items=(_shape(args[0] if args else Any, (), extra, depth + 1),), **common)
    if holder in _DICTS:
        key, value = args if args else (str, Any)
        return Shape(
            "mapping", items=(_shape(value, (), extra, depth + 1),), key=_shape(key, (), {}, depth + 1), **common
        )
    if annotation in _SCALARS:
        if annotation in (int, float) and not common["limits"] and "accepted" in extra:  # of a table's entries
            common["limits"] = dict(zip(("ge", "le"), extra["accepted"], strict=True))
        return Shape(_SCALARS[annotation], **common)
    if isinstance(annotation, type) and issubclass(annotation, _TEXTS):
        return Shape("text", **common)
    return Shape("any", **common)


def _unwrapped(
    annotation: Any, metadata: tuple[Any, ...], extra: dict[str, Any]
) -> tuple[Any, tuple[Any, ...], dict[str, Any], str]:
    """The annotation without Annotated, aliases and NewType; their metadata, extras and description gathered."""
    about = ""
    for _ in range(_DEEPEST):
        if get_origin(annotation) is Annotated:
            annotation, *inner = get_args(annotation)
            for item in reversed(inner):
                if isinstance(item, FieldInfo):
                    about = about or item.description or ""
                    if isinstance(item.json_schema_extra, dict):
                        extra = {**item.json_schema_extra, **extra}
                    more = tuple(item.metadata)
                    if item.discriminator is not None:
                        by = item.discriminator
                        more += (by if isinstance(by, Discriminator) else Discriminator(by),)
                    metadata = (*more, *metadata)
                else:
                    metadata = (item, *metadata)
        elif isinstance(annotation, _ALIASES):
            annotation = annotation.__value__
        elif isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        else:
            break
    return annotation, metadata, extra, about


def _limits(metadata: Iterable[Any]) -> dict[str, Any]:
    """Bounds among annotated_types objects and pydantic's general metadata."""
    found: dict[str, Any] = {}
    for item in metadata:
        parts = list(item) if hasattr(type(item), "__iter__") and not isinstance(item, (str, bytes)) else [item]
        for part in parts:
            for name in _LIMITS:
                value = getattr(part, name, None)
                if value is not None and not callable(value):
                    found[name] = getattr(value, "pattern", value)
    return found


def without_null(shape: Shape) -> Shape:
    """The shape of what is not null: pydantic adds no branch to an error's place for ``X | None``."""
    if shape.kind != "union" or shape.discriminator is not None:
        return shape
    members = tuple(member for member in shape.items if member.kind != "null")
    if len(members) == len(shape.items) or not members:
        return shape
    if len(members) == 1:
        only = members[0]
        return replace(only, about=shape.about or only.about, extra={**only.extra, **shape.extra}, field=shape.field)
    return replace(shape, items=members)


def branches(shape: Shape) -> Iterator[Shape]:
    """Members of a union, unions inside it opened up, null left out."""
    for member in shape.items if shape.kind == "union" else (shape,):
        if member.kind == "union":
            yield from branches(member)
        elif member.kind != "null":
            yield member


def branch_by_tag(shape: Shape, value: Any) -> Shape | None:
    """The branch of a discriminated union that this value asks for."""
    by = shape.discriminator
    tag = by(value) if callable(by) else value.get(key_of(shape)) if isinstance(value, dict) else None
    for member in branches(shape):
        if member.tag is not None and member.tag == tag:
            return member
        if not callable(by) and member.kind == "model" and tag in tags_of(member, str(key_of(shape))):
            return member
    return None


def key_of(shape: Shape) -> str | None:
    """The key, as written, that tells the branches of a union apart; None where a function does."""
    if not isinstance(shape.discriminator, str):
        return None
    for member in branches(shape):
        if member.model is not None and shape.discriminator in member.model.model_fields:
            return field_key(shape.discriminator, member.model.model_fields[shape.discriminator])
    return shape.discriminator


def tags_of(member: Shape, key: str) -> tuple[Any, ...]:
    """The values of a discriminating key that ask for this branch."""
    found = fields_of(member.model).get(key) if member.model is not None else None
    if found is None:
        return ()
    return tuple(choice.value if isinstance(choice, enum.Enum) else choice for choice in found.choices)


def number_text(value: Any) -> str:
    """A number as a person writes it: 1000000000, 0.05, 1e+16."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return repr(value) if isinstance(value, float) else str(value)


def range_text(shape: Shape) -> str:
    """The accepted range in words, "" where there is none."""
    low, above = shape.limits.get("ge"), shape.limits.get("gt")
    high, below = shape.limits.get("le"), shape.limits.get("lt")
    if low is not None and high is not None:
        return f"from {number_text(low)} to {number_text(high)}"
    if low is not None:
        from_low = f"from {number_text(low)} to below"
        return f"from {number_text(low)} up" if below is None else f"{from_low} {number_text(below)}"
    if above is not None:
        rest = f" and at most {number_text(high)}" if high is not None else ""
        rest = f" and below {number_text(below)}" if below is not None else rest
        return f"above {number_text(above)}{rest}"
    if high is not None:
        return f"up to {number_text(high)}"
    return f"below {number_text(below)}" if below is not None else ""


def describe(shape: Shape, *, unit: bool = True, depth: int = 0) -> str:
    """What is accepted, in words: "a whole number from 1 to 1000000000 (customers)"."""
    text = _described(shape, depth)
    return f"{text} ({shape.unit})" if unit and shape.unit and shape.kind not in ("boolean", "model", "any") else text


def _described(shape: Shape, depth: int) -> str:
    size = _size_text(shape.limits)
    match shape.kind:
        case "integer" | "number":
            text = "a whole number" if shape.kind == "integer" else "a number"
            if "multiple_of" in shape.limits:
                text += f" that is a multiple of {number_text(shape.limits['multiple_of'])}"
            return f"{text} {range_text(shape)}".rstrip()
        case "boolean":
            return "true or false"
        case "null":
            return "null"
        case "text":
            pattern = shape.limits.get("pattern") or shape.extra.get("pattern")
            return (
                f"text like {str(pattern).removeprefix('^').removesuffix('$')}"
                if pattern
                else f"text{size and ' of ' + size + ' characters'}"
            )
        case "choice":
            return choice_text(shape.choices)
        case "list":
            if shape.limits.get("max_length") == 0:
                return "an empty list"
            head = f"a list{size and ' of ' + size}"
            inside = _inside(shape, depth)
            return f"{head}, each {inside}" if inside else head
        case "tuple":
            return f"a list of {len(shape.items)}"
        case "mapping":
            inside = _inside(shape, depth)
            return f"a mapping to {inside}" if inside else "a mapping"
        case "model" if isinstance(form := getattr(shape.model, "written_as", None), str):
            return form  # a model that takes more than its mapping says so itself
        case "model" if shape.model is not None:
            keys = [key_text(key) for key in fields_of(shape.model)]
            listed = ", ".join(keys[:6]) + (", ..." if len(keys) > 6 else "")
            return f"a mapping with {listed}" if keys else "a mapping without keys"
        case "chosen":
            return f"a mapping with the key {shape.chosen.key}"
        case "union":
            by = key_of(shape)
            if by is not None:
                return f"a mapping with the key {by}"
            members = without_null(shape)  # null is for leaving a key out: no need to propose it
            if members.kind != "union":
                return describe(members, unit=False, depth=depth)
            words = dict.fromkeys(describe(member, unit=False, depth=depth + 1) for member in members.items)
            return (", or " if any("," in word for word in words) else " or ").join(words)
    return "another value"


def _inside(shape: Shape, depth: int) -> str:
    inside = shape.items[0]
    return "" if depth > 1 or inside.kind == "any" else describe(inside, unit=False, depth=depth + 1)


def choice_text(choices: Sequence[Any]) -> str:
    """ "a, b or c" """
    words = ["null" if c is None else str(c).lower() if isinstance(c, bool) else str(c) for c in choices]
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _size_text(limits: Mapping[str, Any]) -> str:
    low, high = limits.get("min_length"), limits.get("max_length")
    if low and high is not None:
        return str(low) if low == high else f"{low} to {high}"
    if low:
        return f"at least {low}"
    return f"at most {high}" if high is not None else ""
