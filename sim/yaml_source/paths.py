"""Key paths as users write them, and small help with words.

``arms.bundle.stratification.coverage``: keys joined by dots, an item of a list by its `use` or `name`, else ``[i]``.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Path = tuple[str | int, ...]  # keys of mappings and positions in lists, from the top of the file

NAMING_KEYS = ("use", "name")  # what an item of a list is called by, the first it has
LONGEST_SHOWN = 60
_BARE = re.compile(r"""[^\s.\[\]"'=]+""")
_INDEX = re.compile(r"\[\s*(\d{1,9})\s*\]")


def one_line(text: str, longest: int = LONGEST_SHOWN) -> str:
    """The text shortened, with everything that would break a line or hide in it written as an escape."""
    cut = text if len(text) <= longest else text[: longest - 3] + "..."
    return "".join(c if c.isprintable() else _escape(c) for c in cut)


def _escape(char: str) -> str:
    code = ord(char)
    if char in "\n\t\r\b":
        return {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b"}[char]
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def key_text(key: str) -> str:
    """One key in a path: bare where that is clear, else in double quotes."""
    if _BARE.fullmatch(key) and key.isprintable():
        return one_line(key)
    cut = key if len(key) <= LONGEST_SHOWN else key[: LONGEST_SHOWN - 3] + "..."
    quoted = json.dumps(cut, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in quoted)  # reads back in `split_path`


def item_names(items: Sequence[Any]) -> list[str | None]:
    """The names items of a list go by: None for an item without one, or with the name of another item."""
    names: list[str | None] = []
    for item in items:
        named = (item[key] for key in NAMING_KEYS if key in item) if isinstance(item, Mapping) else iter(())
        name = next(named, None)
        names.append(name if isinstance(name, str) and name else None)
    return [name if names.count(name) == 1 else None for name in names]


def path_text(path: Path, data: Any = None) -> str:
    """The path as a user would write it; `data` is what it leads through, for the names of list items."""
    text = ""
    for part in path:
        here = data
        data = _step(data, part)
        if isinstance(part, int):
            name = item_names(here)[part] if isinstance(here, list) and 0 <= part < len(here) else None
            if name is None:
                text += f"[{part}]"
                continue
            part = name
        text += ("." if text else "") + key_text(part)
    return text


def _step(data: Any, part: str | int) -> Any:
    if isinstance(data, Mapping):
        return data.get(part)
    if isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data):
        return data[part]
    return None


def split_path(text: str) -> Path:
    """Parts of a written path: text for a key or a named item, int for ``[i]``. Raises ValueError, message for users.

    ``tiers[1].from`` and ``tiers.[1].from`` are the same; a key with a dot or a blank goes in quotes.
    """
    parts, end = _scan(text, 0)
    if end != len(text):
        raise ValueError(f"cannot read the path from {one_line(text[end:], 20)!r}")
    return parts


def split_override(text: str) -> tuple[Path, str]:
    """The path and the value of ``PATH=VALUE``. Raises ValueError, message for users."""
    if not text.strip():
        raise ValueError("empty; PATH=VALUE, such as population.customers=20000")
    parts, end = _scan(text, 0)
    rest = text[end:].lstrip()
    if not rest.startswith("="):
        what = f"cannot read the path from {one_line(rest, 20)!r}" if rest else "no '='"
        raise ValueError(f"{what}; PATH=VALUE, such as population.customers=20000")
    return parts, rest[1:]


def _scan(text: str, at: int) -> tuple[Path, int]:
    parts: list[str | int] = []
    at = len(text) - len(text[at:].lstrip())
    while True:
        part, at = _part(text, at)
        parts.append(part)
        if text[at : at + 1] == ".":
            at += 1
        elif text[at : at + 1] != "[":
            return tuple(parts), at


def _part(text: str, at: int) -> tuple[str | int, int]:
    if index := _INDEX.match(text, at):
        return int(index[1]), index.end()
    if bare := _BARE.match(text, at):
        return bare[0], bare.end()
    quote = text[at : at + 1]
    if quote == '"':
        try:
            key, end = json.JSONDecoder(strict=False).raw_decode(text, at)
        except (ValueError, RecursionError):
            raise ValueError("a quote that is not closed in the path") from None
        return key, end
    if quote == "'" and (end := text.find("'", at + 1)) > 0:
        return text[at + 1 : end], end + 1
    raise ValueError("a key is missing in the path" if quote in ("", ".", "=") else f"{quote!r} is not part of a path")


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word most like this one, if one is much like it."""
    by_plain = {k.lower().replace("-", "_").replace(" ", "_"): k for k in known}
    plain = word[:80].lower().replace("-", "_").replace(" ", "_")
    best = difflib.get_close_matches(plain, by_plain, n=1, cutoff=0.6)
    return by_plain[best[0]] if best else None


def did_you_mean(word: str, known: Iterable[str], *, all_if_none: str = "") -> str:
    """ "did you mean X?" for the known word most like this one, else the known words after `all_if_none`, else "".

    `did_you_mean("ful", ["full", "lite"])` is "did you mean full?".
    """
    words = list(known)
    best = closest(word, words)
    if best is not None:
        return f"did you mean {key_text(best)}?"
    if not (words and all_if_none):
        return ""
    more = f" and {len(words) - 12} more" if len(words) > 14 else ""
    return f"{all_if_none} {', '.join(key_text(w) for w in (words[:12] if more else words))}{more}"
