"""The reference page of scenario files and their JSON Schema, both read off the settings models.

Nothing is written here about any setting: key, type, default, unit, ranges, source and the line about it stand in the
model, and the page and the schema say what the validation does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import PydanticUndefined, to_jsonable_python
from pydantic_core.core_schema import ModelSchema

from sim.assumptions import Doubts, Settings, with_words
from sim.yaml_source import REPLACED_WHOLE
from sim.yaml_source.shapes import (
    Shape,
    branches,
    choice_text,
    field_key,
    fields_of,
    key_of,
    number_text,
    range_text,
    shape_of,
    tags_of,
)
from sim.yaml_source.writer import flow_text

JSON_SCHEMA_DIALECT = "https://json-schema.org/draft/2020-12/schema"
ABOUT_EXTENDS = (
    "path of another scenario file, relative to this one, that this one is laid over: mappings merge key by key, this "
    f"file's values win; {', '.join(sorted(REPLACED_WHOLE - {'tiers'}))} and tiers, and lists, are replaced whole"
)

_COLUMNS = ("key", "type", "default", "unit", "accepted", "plausible", "source", "about")
_ALWAYS = {"key", "type", "default", "about"}
_LONGEST_DEFAULT = 90
_UNKNOWN: Any = PydanticUndefined
_EXTRAS = ("unit", "plausible", "source")


def reference_page(model_type: type[BaseModel], title: str = "Scenario reference") -> str:
    """A Markdown page of every key of a settings model, sections as headings with their full path."""
    writer = _Page()
    writer.section(_Section("", shape_of(model_type), _default_of(model_type)))
    contents = [
        f"{'  ' * (level - 2)}- [{_code(name)}](#{anchor})" for level, name, anchor in writer.contents if level <= 3
    ]
    head = [
        f"# {title}",
        "Made from the definitions the program checks scenario files with. **Accepted** is what a file may say at all; "
        "**plausible** is what evidence or practice supports, what a sweep ranges over by default, and what worlds of "
        "`beliefs` are drawn from, but for numbers that are decided by the bank or a convention. A key may be left out "
        "unless its default is *required*.",
        f"Besides these keys a file may have `extends`: {ABOUT_EXTENDS}. `run.py validate` says what is replaced, and "
        "what of it is left out.",
    ]
    return "\n\n".join([*head, "\n".join(contents), *writer.blocks]).replace("\n\n\n", "\n\n") + "\n"


def json_schema(model_type: type[BaseModel]) -> dict[str, Any]:
    """JSON Schema (2020-12) of scenario files; unit, plausible range and source are kept as ``x-unit`` and so on."""
    schema = model_type.model_json_schema(by_alias=True, schema_generator=_WithWords, mode="validation")
    completed = {name for kind in _models(shape_of(model_type), set()) for name in _completed_by_defaults(kind)}
    for name, definition in schema.get("$defs", {}).items():
        if name in completed:
            definition.pop("required", None)
    _tidy(schema)
    schema.setdefault("properties", {})["extends"] = {"type": "string", "description": ABOUT_EXTENDS}
    if required := schema.pop("required", None):  # what a file lacks, the file it extends may have
        schema["anyOf"] = [{"required": required}, {"required": ["extends"]}]
    return {"$schema": JSON_SCHEMA_DIALECT, **schema}


class _WithWords(GenerateJsonSchema):
    """Pydantic's JSON Schema, in which every setting is described by the text that stands under it."""

    def model_schema(self, schema: ModelSchema) -> dict[str, Any]:
        found = super().model_schema(schema)
        for name, field in with_words(schema["cls"]).items():
            key = field_key(name, field)
            if field.description and key in found.get("properties", {}):
                found["properties"][key].setdefault("description", field.description)
        return found


# --- the page --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Section:
    """One mapping of the file: where it stands, its model, and what it holds by default."""

    path: str
    shape: Shape
    default: Any = _UNKNOWN
    tag: str = ""  # what tells it from its siblings: "use: retention_call"

    @property
    def name(self) -> str:
        return f"{self.path} with {self.tag}" if self.tag else self.path

    @property
    def level(self) -> int:
        return min(2 + self.path.count("."), 5)


class _Page:
    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.contents: list[tuple[int, str, str]] = []
        self.anchors: dict[str, int] = {}
        self.written: dict[tuple[Any, str], str] = {}

    def section(self, section: _Section) -> None:
        model = section.shape.model
        assert model is not None
        same = (model, repr(section.default))
        if section.path and self.written.get(same) == section.name:
            return  # of a setting that many strategies have
        if section.path:
            self.heading(section)
        if same in self.written:
            self.blocks.append(f"As {_code(self.written[same])}.")
            return
        self.written[same] = section.name or "the file"
        if section.path and (about := _sentence(model)):
            self.blocks.append(about)
        rows, inner = [], []
        for name, field in with_words(model).items():
            key = field_key(name, field)
            shape = fields_of(model)[key]
            default = _field_default(section.default, name, field)
            path = f"{section.path}.{key}" if section.path else key
            below = list(_sections(path, shape, default))
            inner += below
            rows.append(_row(key, shape, default, bool(below), _no_belief(model, key)))
        if rows:
            self.blocks.append(_table(rows))
        for below_section in inner:
            self.section(below_section)

    def heading(self, section: _Section) -> None:
        slug = re.sub(r"[^\w\- ]", "", section.name.lower()).replace(" ", "-")
        count = self.anchors.get(slug, 0)
        self.anchors[slug] = count + 1
        self.contents.append((section.level, section.name, f"{slug}-{count}" if count else slug))
        self.blocks.append(f"{'#' * section.level} {_code(section.name)}")


def _sections(path: str, shape: Shape, default: Any) -> Iterator[_Section]:
    """The sections a field opens: itself, the items of its list, the entries of its table, each branch of a choice."""
    if shape.kind == "model":
        yield _Section(path, shape, default if isinstance(default, BaseModel) else _default_of(shape.model))
    elif shape.kind == "list":
        yield from _sections(f"{path}[]", shape.items[0], _UNKNOWN)
    elif shape.kind == "tuple":
        for i, item in enumerate(shape.items):
            yield from _sections(f"{path}[{i}]", item, _UNKNOWN)
    elif shape.kind == "mapping":
        yield from _sections(f"{path}.<name>", shape.items[0], _UNKNOWN)
    elif shape.kind == "chosen":
        for name, model in sorted(shape.chosen.among().items()):
            yield _Section(path, shape_of(model), _default_of(model), f"{shape.chosen.key}: {name}")
    elif shape.kind == "union":
        by = key_of(shape)
        for member in branches(shape):
            tags = (member.tag,) if member.tag is not None else tags_of(member, by) if by else ()
            for below in _sections(path, member, default if type(default) is member.model else _UNKNOWN):
                label = ": ".join([*([by] if by else []), choice_text(tags)]) if tags else ""
                yield replace(below, tag=label or below.tag)


def _no_belief(model: type[BaseModel], key: str) -> str:
    """Why a number that has a plausible range is no belief; "" for one that is."""
    doubts = model.doubts if issubclass(model, Settings) else Doubts()
    return "decided by the bank" if key in doubts.decided else "a convention" if key in doubts.settled else ""


def _row(key: str, shape: Shape, default: Any, has_section: bool, no_belief: str) -> dict[str, str]:
    number = _number(shape)
    plausible = shape.extra.get("plausible")
    return {
        "key": f"`{key}`",
        "type": _type_text(shape),
        "default": _default_text(shape, default, has_section),
        "unit": shape.unit or number.unit,
        "accepted": _accepted(shape, number),
        "plausible": " to ".join(map(number_text, plausible)) if plausible else "",
        "source": str(shape.extra.get("source", "")),
        "about": f"{shape.about} ({no_belief})" if no_belief and plausible else shape.about,
    }


def _table(rows: list[dict[str, str]]) -> str:
    """A Markdown table, without the columns nothing is said in."""
    columns = [name for name in _COLUMNS if name in _ALWAYS or any(row[name] for row in rows)]
    lines = ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
    cells = ([" ".join(row[name].split()).replace("|", "\\|") for name in columns] for row in rows)
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in cells)])


def _type_text(shape: Shape) -> str:
    match shape.kind:
        case "integer":
            return "whole number"
        case "boolean":
            return "true or false"
        case "choice":
            return choice_text([f"`{choice}`" if choice is not None else None for choice in shape.choices])
        case "list":
            return f"list of {_plural(shape.items[0])}"
        case "tuple":
            return f"list of {', '.join(_type_text(item) for item in shape.items)}"
        case "mapping":
            return f"table of {_plural(shape.items[0])}"
        case "model":
            return "section"
        case "chosen":
            return f"section named by `{shape.chosen.key}`"
        case "union":
            by = key_of(shape)
            words = [_type_text(member) for member in branches(shape)]
            null = ["null"] if any(member.kind == "null" for member in shape.items) else []
            named = [f"section named by `{by}`"] if by else words
            return " or ".join(dict.fromkeys([*named, *null]))
        case "any":
            return "anything"
    return shape.kind


def _plural(shape: Shape) -> str:
    text = _type_text(shape)
    for one in ("whole number", "number", "text", "section", "list", "table"):
        if text == one or text.startswith(f"{one} "):
            return f"{one}s{text[len(one) :]}"
    return text


def _number(shape: Shape) -> Shape:
    """The number a field is, or holds many of."""
    while shape.kind in ("list", "mapping"):
        shape = shape.items[0]
    numbers = [member for member in branches(shape) if member.kind in ("integer", "number")]
    return numbers[0] if len(numbers) == 1 else shape


def _accepted(shape: Shape, number: Shape) -> str:
    """Range of the number, and how many of them."""
    ranges = [range_text(member) for member in branches(number) if member.kind in ("integer", "number")]
    words = list(dict.fromkeys(text for text in ranges if text))
    pattern = number.limits.get("pattern") or number.extra.get("pattern")
    if pattern and number.kind == "text":
        words.append(f"`{pattern}`")
    for member in branches(shape):
        low, high = member.limits.get("min_length"), member.limits.get("max_length")
        what = "character" if member.kind == "text" else "item"
        what += "" if (low if high is None else high) == 1 else "s"
        if low is not None and high is not None:
            words.append(f"{low} {what}" if low == high else f"{low} to {high} {what}")
        elif low is not None or high is not None:
            words.append(f"at least {low} {what}" if high is None else f"at most {high} {what}")
    return "; ".join(words)


def _default_text(shape: Shape, default: Any, has_section: bool) -> str:
    if default is _UNKNOWN:
        return "*required*" if shape.field is None or shape.field.is_required() else ""
    if isinstance(default, BaseModel):
        return "below" if has_section else ""
    plain = to_jsonable_python(default, by_alias=True)
    text = flow_text(plain)
    if len(text) <= _LONGEST_DEFAULT:
        return _code(text)
    kind = "entries" if isinstance(plain, dict) else "items" if isinstance(plain, list) else "characters"
    return f"{len(plain)} {kind}" if hasattr(plain, "__len__") else _code(text)


def _field_default(holder: Any, name: str, field: Any) -> Any:
    """What a field holds when a file says nothing: from the default of its section, else its own."""
    if isinstance(holder, BaseModel):
        return getattr(holder, name)
    if field.default_factory is not None:
        try:
            return field.default_factory()
        except Exception:  # a factory that needs the other fields has no default to print
            return _UNKNOWN
    return field.default


def _default_of(model: type[BaseModel] | None) -> Any:
    """An instance with every default, where the model needs nothing given."""
    if model is None or any(field.is_required() for field in model.model_fields.values()):
        return _UNKNOWN
    try:
        return model()
    except Exception:  # defaults that do not fit together by themselves: the fields' own are printed
        return _UNKNOWN


def _sentence(model: type[BaseModel]) -> str:
    """The first paragraph of a model's docstring."""
    text = model.__dict__.get("__doc__") or ""
    return " ".join(text.strip().split("\n\n")[0].split())


def _code(text: str) -> str:
    return f"`{text}`"


# --- the schema ------------------------------------------------------------------------------------------------------


def _models(shape: Shape, seen: set[Any]) -> Iterator[type[BaseModel]]:
    """Every model reachable from a shape, once."""
    if shape.model is not None:
        if shape.model in seen:
            return
        seen.add(shape.model)
        yield shape.model
        inner = list(fields_of(shape.model).values())
    elif shape.kind == "chosen":
        inner = [shape_of(model) for model in shape.chosen.among().values()]
    else:
        inner = list(shape.items)
    for below in inner:
        yield from _models(below, seen)


def _completed_by_defaults(model: type[BaseModel]) -> Iterator[str]:
    """Names of models whose entries a default completes (a table by tier, a channel): no key of theirs is required."""
    for field in model.model_fields.values():
        if field.default_factory is not None:
            yield from (type(found).__name__ for found in _instances(_field_default(None, "", field)))


def _instances(value: Any) -> Iterator[BaseModel]:
    if isinstance(value, BaseModel):
        yield value
        for name in type(value).model_fields:
            yield from _instances(getattr(value, name))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _instances(item)


def _tidy(schema: Any) -> None:
    """In every sub-schema: extras renamed to x-..., and the accepted range of a table put on its numbers."""
    if not isinstance(schema, dict):
        return
    if accepted := schema.pop("accepted", None):
        _bound(schema, *accepted)
    for name in _EXTRAS:
        if name in schema:
            schema[f"x-{name}"] = schema.pop(name)
    for name in ("properties", "patternProperties", "$defs"):
        for below in schema.get(name, {}).values():
            _tidy(below)
    for name in ("items", "additionalProperties", "propertyNames"):
        _tidy(schema.get(name))
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        for below in schema.get(name, ()):
            _tidy(below)


def _bound(schema: Any, low: float, high: float) -> None:
    """The range on the numbers of a table, lists and tables inside it too."""
    if not isinstance(schema, dict):
        return
    if schema.get("type") in ("number", "integer") and not {"minimum", "maximum", "exclusiveMaximum"} & schema.keys():
        schema.update(minimum=low, maximum=high)
    for name in ("items", "additionalProperties"):
        _bound(schema.get(name), low, high)
    for below in schema.get("anyOf", ()):
        _bound(below, low, high)


NOT_NUMBERS = ("name", "about", "language", "seeds", "arms")  # of a scenario: no numbers of the model
FOR_READERS = ("label", "about")  # of arms, tiers and channels


def known_of(schema: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What is known of every value, from a scenario's JSON Schema and the resolved scenario that names nothing.

    This is the mapping that the page takes (`known`); whoever writes a manifest may store it there as "assumptions".
    """
    definitions = schema.get("$defs", {})
    found: dict[str, dict[str, Any]] = {}

    def resolved(node: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in node:
            node = {**definitions[node["$ref"].rsplit("/", 1)[1]], **{k: v for k, v in node.items() if k != "$ref"}}
        return node

    def walk(node: Mapping[str, Any], default: Any, path: tuple[str, ...]) -> None:
        node = resolved(node)
        if path:
            facts = {key: node[name] for key in _EXTRAS for name in (key, f"x-{key}") if name in node}
            inner = node.get("properties") or node.get("items") or isinstance(default, list)
            if facts or not inner:
                facts["about"] = node.get("description", "")
                if default is not None:
                    facts["default"] = default
                found[".".join(path)] = facts
        for key, child in (node.get("properties") or {}).items():
            if (*path, key)[0] not in NOT_NUMBERS and key not in FOR_READERS:
                walk(child, default.get(key) if isinstance(default, Mapping) else None, (*path, key))
        options = node.get("anyOf", [node])
        for item in (resolved(option["items"]) for option in options if isinstance(option.get("items"), Mapping)):
            for entry in default if isinstance(default, list) else []:
                name = entry.get("use") or entry.get("name") if isinstance(entry, Mapping) else None
                if name:
                    walk(item, entry, (*path, str(name)))

    walk(schema, defaults, ())
    return found
