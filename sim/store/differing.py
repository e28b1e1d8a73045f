"""In which keys two stored scenarios differ, for people: "seeds [1, 2], not [1, 2, 3]"; knows nothing of scenarios."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from sim.store.files import read_yaml

NAMED = 4  # keys that a line names
LONGEST = 32  # letters of a value
BOOK_FILES = ("population.file", "population.tables")  # where a book lies: what it holds is told by its digest
Difference = tuple[str, Any, Any]


def differing_keys(one: str, other: str, *, but: Sequence[str] = ()) -> list[Difference]:
    """Key paths at which two scenarios (YAML text) differ, with both values; None where a side has no such key.

    Paths that begin with one of `but` are left out. Nothing for a text that is not YAML.
    """
    try:
        mine, theirs = (read_yaml(text) for text in (one, other))
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    if not isinstance(mine, dict) or not isinstance(theirs, dict):
        return []
    kept = (found for found in _leaves(mine, theirs, ""))
    return [found for found in kept if not any(_inside(found[0], path) for path in but) and not _only_label(found[0])]


def _only_label(path: str) -> bool:
    """True for what readers see of an arm, a tier or a channel, which decides nothing."""
    return path.count(".") >= 2 and path.endswith((".label", ".about"))


def _inside(path: str, outer: str) -> bool:
    return path == outer or path.startswith((f"{outer}.", f"{outer}["))


def _leaves(mine: Any, theirs: Any, path: str) -> Iterator[Difference]:
    if isinstance(mine, dict) and isinstance(theirs, dict):
        for key in {**mine, **theirs}:
            yield from _leaves(mine.get(key), theirs.get(key), f"{path}.{key}" if path else str(key))
    elif isinstance(mine, list) and isinstance(theirs, list) and len(mine) == len(theirs) and _of_mappings(mine):
        for place, (a, b) in enumerate(zip(mine, theirs, strict=True)):
            name = a.get("use") or a.get("name")
            yield from _leaves(a, b, f"{path}.{name}" if name else f"{path}[{place}]")
    elif mine != theirs or type(mine) is not type(theirs):
        yield path, mine, theirs


def _of_mappings(items: list[Any]) -> bool:
    return any(isinstance(item, dict) for item in items) and all(isinstance(item, dict) for item in items)


def in_words(found: Sequence[Difference]) -> str:
    """Both values of the first few: "months 3, not 6; seeds [1], not [1, 2] and 2 more keys"."""
    sentences = [f"{path} {_shown(mine)}, not {_shown(theirs)}" for path, mine, theirs in found[:NAMED]]
    more = len(found) - NAMED
    return "; ".join(sentences) + (f"; and {more} more key{'' if more == 1 else 's'}" if more > 0 else "")


def _shown(value: Any) -> str:
    text = "left out" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
