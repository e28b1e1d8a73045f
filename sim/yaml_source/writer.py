"""Plain data to YAML text that reads back as the same data, in this program and in any YAML 1.1 or 1.2 reader."""

from __future__ import annotations

import math
import re
from typing import Any

from sim.yaml_source.tree import is_path

WIDTH = 110
_LONGEST_KEY = 400  # beyond about 1,000 characters a key needs the explicit "? key" form
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+()-]*( [A-Za-z0-9_./+()-]+)*")
_RESERVED = re.compile(r"null|true|false|yes|no|on|off|y|n", re.IGNORECASE)


def dump(data: dict[str, Any], comment: str = "") -> str:
    """YAML text of plain data (dict, list, tuple, str, int, float, bool, None), in the order given.

    Texts that another reader could take for something else (`no`, `1e3`, `12:30`) are quoted, floats keep every bit.
    `comment` becomes the first lines. Raises TypeError for anything else.
    """
    head = "".join(f"# {line}\n" for line in comment.splitlines())
    if not isinstance(data, dict):
        raise TypeError("the top of a scenario is a mapping")
    return head + ("\n".join(_mapping(data, 0)) if data else "{}") + "\n"


def flow_text(value: Any) -> str:
    """The value on one line, however long."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {flow_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow_text(item) for item in value) + "]"
    return _scalar(value)


def _mapping(data: dict[str, Any], indent: int) -> list[str]:
    lines: list[str] = []
    for key, value in data.items():
        text = _key(key)
        if len(text) > _LONGEST_KEY:
            lines += _hung(" " * indent + "? " + text + "\n" + " " * indent + ":", value, indent)
        else:
            lines += _hung(" " * indent + text + ":", value, indent)
    return lines


def _hung(lead: str, value: Any, indent: int) -> list[str]:
    """The value after `lead`: on its line where it fits, else as a block below."""
    room = WIDTH - len(lead.rsplit("\n", 1)[-1]) - 1
    flow = _flow(value, room)
    if flow is not None:
        return [f"{lead} {flow}"]
    if isinstance(value, dict):
        return [lead, *_mapping(value, indent + 2)]
    if all(not isinstance(item, (dict, list, tuple)) for item in value):
        return [f"{lead} [", *_wrapped([_scalar(item) for item in value], indent + 2), " " * indent + "  ]"]
    lines = [lead]
    for item in value:
        below = _hung(" " * (indent + 2) + "-", item, indent + 2)
        if isinstance(item, dict) and len(below) > 1:  # "- first: ..." rather than a lone dash
            block = _mapping(item, indent + 4)
            block[0] = " " * (indent + 2) + "- " + block[0].lstrip(" ")
            below = block
        lines += below
    return lines


def _flow(value: Any, room: int) -> str | None:
    """The value on one line, or None where it has blocks inside or does not fit."""
    if isinstance(value, dict):
        if not value:
            return "{}"
        if any(isinstance(item, (dict, list, tuple)) and item for item in value.values()):
            return None
        keys = [_key(key) for key in value]
        text = "{" + ", ".join(f"{k}: {_flow(v, room)}" for k, v in zip(keys, value.values(), strict=True)) + "}"
        return text if len(text) <= room and max(map(len, keys)) <= _LONGEST_KEY else None
    if isinstance(value, (list, tuple)):
        if any(isinstance(item, (dict, list, tuple)) and item for item in value):
            return None
        text = "[" + ", ".join(_flow(item, room) or "" for item in value) + "]"
        return text if len(text) <= room else None
    return _scalar(value)


def _wrapped(words: list[str], indent: int) -> list[str]:
    lines, line = [], " " * indent
    for word in words:
        if len(line) + len(word) > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = " " * indent
        line += f"{word}, "
    return [*lines, line.rstrip()]


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key is text, not {type(key).__name__}")
    return _text(key)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, (dict, list, tuple)):
        return "{}" if isinstance(value, dict) else "[]"
    raise TypeError(f"{type(value).__name__} cannot be written as YAML")


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    # YAML 1.1 readers take 1e-07 for text: a point makes it a number everywhere
    return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else text


def _text(text: str) -> str:
    if _PLAIN.fullmatch(text) and not _RESERVED.fullmatch(text):
        return text
    shown = {'"': '\\"', "\\": "\\\\"} | ({} if is_path(text.replace("\n", "\\")) else {"\n": "\\n"})
    return f'"{"".join(shown.get(c) or (c if c.isprintable() else _escape(c)) for c in text)}"'


def _escape(char: str) -> str:
    return f"\\u{ord(char):04X}" if ord(char) <= 0xFFFF else f"\\U{ord(char):08X}"
