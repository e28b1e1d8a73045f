"""A source against a pydantic model: the model, or every mistake with its address."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError

from sim.errors import BadInput, Mistake
from sim.yaml_source import wording
from sim.yaml_source.paths import Path
from sim.yaml_source.shapes import (
    Shape,
    branch_by_tag,
    branches,
    fields_of,
    key_of,
    shape_of,
    tags_of,
    without_null,
)
from sim.yaml_source.source import Source

M = TypeVar("M", bound=BaseModel)
_ABSENT: Any = object()


def validate(model_type: type[M], source: Source, context: Any = None) -> M:
    """The source as a model. Raises BadInput with every mistake, sorted by address.

    Strict: no booleans or text for numbers, no 10.5 for a whole number, no NaN or infinity; a whole number does for a
    float, a list for a tuple. `context` reaches validators as `info.context`.
    """
    checker = _Checker(source, context)
    checker.refuse_infinite(shape_of(model_type))
    model = None
    try:
        # JSON mode: strict about numbers, yet a list may be a tuple and text an enumeration or a path
        model = model_type.model_validate_json(_json(source.data), strict=True, context=context)
    except ValidationError as error:
        checker.gather(shape_of(model_type), source.data, (), _errors(error))
        checker.look_behind(model_type)
    if checker.mistakes or source.mistakes or model is None:
        raise BadInput(sorted({*source.mistakes, *checker.mistakes}))
    return model


def _json(value: Any) -> str:
    return json.dumps(_finite(value))


def _finite(value: Any) -> Any:
    """The value with null where a number is not finite; those are mistakes already."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _errors(error: ValidationError) -> list[Mapping[str, Any]]:
    return list(error.errors(include_url=False))


@dataclass
class _Spot:
    """Where an error's location leads: the path in the data, what stands there and what may stand there."""

    path: Path
    value: Any
    shape: Shape | None
    holder: Shape | None = None  # the model the last key stands in
    is_key: bool = False  # the error is about the key itself
    at_union: bool = False  # stopped before a union's branch


class _Checker:
    def __init__(self, source: Source, context: Any):
        self.source, self.context = source, context
        self.mistakes: list[Mistake] = []
        self.infinite: set[Path] = set()
        self.paths: list[Path] = []  # where the mistakes are

    def refuse_infinite(self, shape: Shape) -> None:
        """NaN and infinity are refused everywhere, whatever the model says."""
        for path, value in _infinite(self.source.data, ()):
            spot = self.locate(path, shape, self.source.data, (), through_unions=True)
            known = spot.shape is not None and spot.shape.kind != "any"
            self.add(path, wording.not_allowed(value, spot.shape if known else _NUMBER))
            self.infinite.add(path)

    def look_behind(self, model_type: type[BaseModel]) -> None:
        """What a model checks as a whole is not reached while a part is wrong: look again without the wrong parts.

        Only slips that validators found themselves count then, and none inside what was left out, so that leaving a
        part out makes no mistake of its own. A wrong item of a list ends the search: its list cannot be mended.
        """
        data = self.source.data
        for _ in range(8):
            wrong = {path for path in self.paths if path and not any(isinstance(part, int) for part in path)}
            if len(wrong) < len(self.paths):
                return
            data = _without(data, wrong)
            try:
                model_type.model_validate_json(_json(data), strict=True, context=self.context)
                return
            except ValidationError as error:
                found = [e for e in _errors(error) if e["type"] == "several" and "slips" in (e.get("ctx") or {})]
            before = len(self.mistakes)
            for e in found:
                above = self.locate(e["loc"], shape_of(model_type), data, ()).path  # without the tags of unions
                for below, message in e["ctx"]["slips"]:
                    path = (*above, *below)
                    if not any(path[: len(bad)] == bad or bad[: len(path)] == path for bad in self.paths):
                        self.add(path, message)
            if len(self.mistakes) == before:
                return

    def add(self, path: Path, message: str, *, key: bool = False) -> None:
        if any(path[: len(bad)] == bad for bad in self.infinite) or self.source.is_broken(path):
            return  # reported already
        self.paths.append(path)
        file, line, column = self.source.address(path, key=key)
        self.mistakes.append(Mistake(file, line, column, self.source.path_text(path), message))

    def gather(self, shape: Shape, value: Any, path: Path, errors: Sequence[Mapping[str, Any]]) -> None:
        """Turn pydantic's errors about this value into mistakes; all errors of one union become one choice."""
        unions: dict[Path, _Spot] = {}
        for error in errors:
            spot = self.locate(error["loc"], shape, value, path)
            if spot.at_union:
                unions.setdefault(spot.path, spot)
            else:
                self.report(error, spot)
        for spot in unions.values():
            if spot.shape is not None:
                self.choose_branch(spot.shape, spot.value, spot.path)

    def report(self, error: Mapping[str, Any], spot: _Spot) -> None:
        kind, context = error["type"], error.get("ctx") or {}
        given = self.source.is_given(spot.path) and spot.value is not _ABSENT
        if kind == "several" and "slips" in context:
            for below, message in context["slips"]:
                self.add((*spot.path, *below), message)
        elif "at" in context:
            self.add((*spot.path, *context["at"]), wording.explain(error, None, None, given=False))
        elif kind == "extra_forbidden":
            known = fields_of(spot.holder.model) if spot.holder is not None and spot.holder.model is not None else ()
            self.add(spot.path, wording.unknown_key(str(spot.path[-1]), known), key=True)
        elif kind in ("union_tag_not_found", "union_tag_invalid") and spot.shape is not None:
            self.report_tag(spot)
        elif spot.is_key:
            word = spot.path[-1]
            choices = spot.shape.choices if spot.shape is not None else ()
            message = (
                wording.unknown_key(str(word), map(str, choices))
                if choices
                else wording.explain(error, word, spot.shape, given=True)
            )
            self.add(spot.path, message, key=True)
        else:
            explanation = wording.explain(error, spot.value, spot.shape, given=given)
            lost = self.source.why_lost(spot.path) if kind == "missing" else ""
            self.add(spot.path, explanation + lost, key=kind == "missing")

    def report_tag(self, spot: _Spot) -> None:
        """The key that tells branches apart is missing or names none of them."""
        shape = without_null(spot.shape) if spot.shape is not None else _NUMBER
        by = key_of(shape)
        if by is None or not isinstance(spot.value, dict):
            self.add(spot.path, wording.not_allowed(spot.value, shape))
            return
        tags = [tag for member in branches(shape) for tag in ((member.tag,) if member.tag else tags_of(member, by))]
        if by in spot.value:
            self.add((*spot.path, by), wording.unknown_choice(spot.value[by], tags))
        else:
            self.add((*spot.path, by), f"missing; {wording.choice_text(tags)}", key=True)

    def choose_branch(self, shape: Shape, value: Any, path: Path) -> None:
        """Report the mistakes of the branch that fits the look of the data, else what the union accepts."""
        fitting = [member for member in _members(shape) if _fits(member, value)]
        if not fitting:
            self.add(path, wording.wrong_type(value, shape))
            return
        if len(fitting) > 1 and all(member.is_scalar for member in fitting):
            self.add(path, wording.not_allowed(value, shape))
            return
        tried = [(self.errors_of(member, value), member) for member in fitting]
        errors, member = min(tried, key=lambda pair: (len(pair[0]), -_overlap(pair[1], value)))
        if errors:
            self.gather(member, value, path, errors)
        else:  # fits alone, so something around the union refuses it
            self.add(path, wording.not_allowed(value, shape))

    def errors_of(self, shape: Shape, value: Any) -> list[Mapping[str, Any]]:
        try:
            TypeAdapter(shape.annotation).validate_json(_json(value), strict=True, context=self.context)
        except ValidationError as error:
            return _errors(error)
        except PydanticUserError:  # an annotation that cannot stand alone
            pass
        return []

    def locate(
        self, loc: Sequence[Any], shape: Shape | None, value: Any, path: Path, *, through_unions: bool = False
    ) -> _Spot:
        """Follow an error's location through shape and data, past the labels pydantic puts in for branches."""
        holder: Shape | None = None
        rest = list(loc)
        while rest:
            shape = without_null(shape) if shape is not None else None
            if shape is not None and shape.kind == "chosen":
                model = shape.chosen.pick(value)
                shape = shape_of(model) if model is not None else None
                continue
            if shape is not None and shape.kind == "union":
                if through_unions:
                    tagged = branch_by_tag(shape, value) if shape.discriminator is not None else None
                    shape = tagged or next((m for m in branches(shape) if _fits(m, value)), None)
                    continue
                if shape.discriminator is None:
                    return _Spot(path, value, shape, at_union=True)
                shape = branch_by_tag(shape, value)
                rest.pop(0)
                continue
            part = rest.pop(0)
            if rest == ["[key]"]:
                return _Spot((*path, part), part, shape.key if shape is not None else None, is_key=True)
            inside = _inside(shape, part)
            at_home = _get(value, part)
            opaque = shape is None or shape.kind not in ("model", "mapping", "list", "tuple")
            if opaque and at_home is _ABSENT and rest:
                continue  # a label, or a place a model's own code made up
            holder = shape if shape is not None and shape.kind == "model" else None
            path, value, shape = (*path, part), at_home, inside
        return _Spot(path, value, shape, holder)


def _without(data: Any, paths: set[Path]) -> Any:
    """A copy of nested mappings without what stands at these paths."""
    if not isinstance(data, dict):
        return data
    heads = {path[0] for path in paths if len(path) == 1}
    return {
        key: _without(value, {path[1:] for path in paths if len(path) > 1 and path[0] == key})
        for key, value in data.items()
        if key not in heads
    }


_NUMBER = Shape("number", float)


def _infinite(value: Any, path: Path) -> Iterator[tuple[Path, float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _infinite(item, (*path, key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _infinite(item, (*path, i))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, value


def _get(value: Any, part: Any) -> Any:
    if isinstance(value, dict):
        return value.get(part, _ABSENT)
    if isinstance(value, list) and isinstance(part, int) and 0 <= part < len(value):
        return value[part]
    return _ABSENT


def _inside(shape: Shape | None, part: Any) -> Shape | None:
    if shape is None:
        return None
    if shape.kind == "model" and shape.model is not None:
        fields = fields_of(shape.model)
        field = shape.model.model_fields.get(part) if isinstance(part, str) else None
        return fields.get(part) or (next((s for s in fields.values() if s.field is field), None) if field else None)
    if shape.kind in ("list", "mapping"):
        return shape.items[0]
    if shape.kind == "tuple":
        return shape.items[part] if isinstance(part, int) and part < len(shape.items) else None
    return None


def _members(shape: Shape) -> Iterator[Shape]:
    """Members to choose among; a discriminated union inside is one, it chooses for itself."""
    for member in shape.items:
        if member.kind == "union" and member.discriminator is None:
            yield from _members(member)
        elif member.kind != "null":
            yield member


def _fits(shape: Shape, value: Any) -> bool:
    """Whether the value looks like this shape, right or wrong inside."""
    match shape.kind:
        case "any":
            return True
        case "model" | "mapping" | "chosen" | "union":
            return isinstance(value, dict)
        case "list" | "tuple":
            return isinstance(value, list)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, (int, float)) and not isinstance(value, bool)
        case "boolean":
            return isinstance(value, bool)
        case "text":
            return isinstance(value, str)
        case "choice":
            return any(type(choice) is type(value) for choice in shape.choices)
    return value is None


def _overlap(shape: Shape, value: Any) -> int:
    """Number of keys this mapping shares with a model."""
    return len(fields_of(shape.model).keys() & value.keys()) if shape.model and isinstance(value, dict) else 0
