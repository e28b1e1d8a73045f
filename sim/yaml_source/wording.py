"""A mistake as a sentence: what is wrong; what would be right."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sim.yaml_source.paths import closest, did_you_mean, one_line
from sim.yaml_source.shapes import Shape, choice_text, describe, number_text, without_null

_RANGE_ERRORS = frozenset(
    {
        "greater_than",
        "greater_than_equal",
        "less_than",
        "less_than_equal",
        "multiple_of",
        "finite_number",
        "string_pattern_mismatch",
        "int_parsing_size",
    }
)
_SIZE_ERRORS = frozenset({"too_short", "too_long", "string_too_short", "string_too_long"})
_NUMBER = re.compile(r"([-+]?\d[\d_, ]*(?:\.\d[\d_]*)?(?:[eE][-+]?\d{1,3})?)\s*(%?)")
_SAYS_YES = {"yes": True, "on": True, "y": True, "true": True, "no": False, "off": False, "n": False, "false": False}


def shown(value: Any) -> str:
    """A value as a message quotes it, on one line and short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if isinstance(value, float) and not math.isfinite(value):
            return "NaN" if math.isnan(value) else "infinity" if value > 0 else "-infinity"
        return one_line(repr(value), 30)
    if isinstance(value, str):
        return '"' + one_line(json.dumps(value, ensure_ascii=False)[1:-1], 40) + '"'
    return "a list" if isinstance(value, (list, tuple)) else "a mapping" if isinstance(value, dict) else "this"


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return f"{shown(value)} is text"
    if isinstance(value, float):
        return f"{shown(value)} is not a whole number" if math.isfinite(value) else f"{shown(value)} is not allowed"
    return f"{shown(value)} is not allowed"


def unknown_key(key: str, known: Iterable[str]) -> str:
    return f"unknown key; {did_you_mean(key, known, all_if_none='the keys here are') or 'no keys are allowed here'}"


def missing(shape: Shape | None) -> str:
    return f"missing; {describe(shape)}" if shape is not None else "missing; a value"


def unknown_choice(value: Any, choices: Iterable[Any]) -> str:
    """A value that is not one of the choices."""
    words = [str(choice) for choice in choices if choice is not None]
    best = closest(value, words) if isinstance(value, str) and words else None
    listed = choice_text(words) if words else "nothing"
    return f"{shown(value)} is not allowed; {f'did you mean {best}? ({listed})' if best else listed}"


def not_allowed(value: Any, shape: Shape | None) -> str:
    """A value outside what is accepted."""
    right = describe(shape) if shape is not None else "another value"
    return f"{shown(value)} is not allowed; {right}{_hint(value, shape)}"


def wrong_type(value: Any, shape: Shape | None) -> str:
    """A value of another kind than what is accepted."""
    right = describe(shape) if shape is not None else "another kind of value"
    what = _kind(value)
    if isinstance(value, float) and not (shape is not None and shape.kind == "integer"):
        what = f"{shown(value)} is not allowed"
    return f"{what}; {right}{_hint(value, shape)}"


def explain(error: Mapping[str, Any], value: Any, shape: Shape | None, *, given: bool) -> str:
    """The sentence for one pydantic error at a value; `given` is False where the value is a default or absent."""
    kind, context = str(error["type"]), error.get("ctx") or {}
    if not given:
        value = error.get("input")
    if kind == "missing":
        return missing(shape)
    if kind in ("literal_error", "enum"):
        choices = without_null(shape).choices if shape is not None else ()
        return unknown_choice(value, choices) if choices else not_allowed(value, shape)
    if kind in _RANGE_ERRORS:
        return not_allowed(value, shape) if shape is not None else f"{shown(value)} is not allowed; {_bound(context)}"
    if kind in _SIZE_ERRORS:
        count = len(value) if isinstance(value, (list, str, dict)) else context.get("actual_length", 0)
        noun = "character" if isinstance(value, str) else "key" if isinstance(value, dict) else "item"
        right = describe(shape) if shape is not None else _bound(context)
        return f"{count} {noun}{'' if count == 1 else 's'}; {right}"
    if kind.endswith("_type") or kind in ("int_from_float", "is_instance_of", "model_attributes_type"):
        return wrong_type(value, shape)
    if kind in ("value_error", "assertion_error"):
        message = one_line(str(context.get("error", error["msg"])), 500)
        scalar = value is None or isinstance(value, (bool, int, float, str))
        return message if ";" in message or not scalar else f"{shown(value)} is not allowed; {message}"
    message = one_line(str(error["msg"]), 500)
    known_by_pydantic = message.startswith(("Input should", "Value should", "Unable to"))
    if not known_by_pydantic:
        return message  # a model's own words
    return f"{not_allowed(value, shape)}; {message[0].lower()}{message[1:]}"


def _bound(context: Mapping[str, Any]) -> str:
    words = {
        "ge": "{} or more",
        "gt": "above {}",
        "le": "{} or less",
        "lt": "below {}",
        "multiple_of": "a multiple of {}",
        "min_length": "at least {}",
        "max_length": "at most {}",
        "pattern": "text like {}",
    }
    found = [text.format(number_text(context[key])) for key, text in words.items() if key in context]
    return " and ".join(found) or "another value"


def _hint(value: Any, shape: Shape | None) -> str:
    """ "; did you mean ...?" where what was meant is plain."""
    meant = _meant(value, shape)
    return "" if meant is None else f"; did you mean {meant}?"


def _meant(value: Any, shape: Shape | None) -> str | None:
    if shape is None or isinstance(value, bool):
        return None
    kinds = {shape.kind} | {member.kind for member in shape.items if shape.kind == "union"}
    if "list" in kinds and "union" not in kinds and isinstance(value, (int, float, str)):
        inside = shape.items[0].kind
        fits = inside == "text" if isinstance(value, str) else inside in ("number", "integer")
        return f"[{one_line(str(value), 40)}]" if fits else None
    if "boolean" in kinds and isinstance(value, str) and value.lower() in _SAYS_YES:
        return "true" if _SAYS_YES[value.lower()] else "false"
    if kinds == {"text"} and isinstance(value, int):
        return f'"{one_line(str(value), 30)}"'
    if isinstance(value, float):
        whole = "integer" in kinds and "number" not in kinds and value.is_integer()
        return str(int(value)) if whole and abs(value) < 1e15 else None
    if isinstance(value, str) and kinds & {"integer", "number"} and (match := _NUMBER.fullmatch(value.strip()[:40])):
        number = float(re.sub("[_, ]", "", match[1]))
        number = number / 100 if match[2] else number
        if not math.isfinite(number) or ("number" not in kinds and not number.is_integer()):
            return None
        return number_text(number)
    return None
