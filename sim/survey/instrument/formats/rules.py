"""Skip rules of survey tools: what is ``(a or a) and (b)`` of equalities is read, all else is not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

Rule = dict[str, list[str]]
Term = tuple[str, list[str]]  # a question's name and answers of which one was given

_AND: Final = re.compile(r"\s(?:and|AND)\s|&&")
_OR: Final = re.compile(r"\s(?:or|OR)\s|\|\|")


def parse(text: str, term: Callable[[str], Term | None]) -> Rule | None:
    """Answers by question; {} of an empty text; None where it says more than that. `term` reads one equality."""
    if not (text := text.strip()):
        return {}
    rule: Rule = {}
    for part in _parts(_bare(text), _AND):
        terms = [term(_bare(one)) for one in _parts(_bare(part), _OR)]
        names = {one[0] for one in terms if one is not None}
        if None in terms or len(names) != 1 or (name := names.pop()) in rule:
            return None
        rule[name] = [answer for one in terms if one is not None for answer in one[1]]
    return rule


def unquoted(text: str) -> str | None:
    """The value of a literal: quoted text, or a number; None of anything else."""
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"" and text[0] not in text[1:-1]:
        return text[1:-1]
    return text if re.fullmatch(r"-?\d+", text) else None


def _bare(text: str) -> str:
    """Without the brackets around it as a whole."""
    text = text.strip()
    while text.startswith("(") and text.endswith(")") and _closes_last(text):
        text = text[1:-1].strip()
    return text


def _closes_last(text: str) -> bool:
    return all(depth > 0 for position, depth in _depths(text) if position < len(text) - 1)


def _depths(text: str) -> Iterator[tuple[int, int]]:
    """(position, how many brackets or quotes stand open behind it)."""
    depth, quote = 0, ""
    for position, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        yield position, depth + bool(quote)


def _parts(text: str, joint: re.Pattern[str]) -> list[str]:
    """The text cut at each joint that stands in no bracket and no quote."""
    depths = dict(_depths(text))
    parts, start = [], 0
    for found in joint.finditer(text):
        if depths[found.start()] == 0:
            parts.append(text[start : found.start()])
            start = found.end()
    return [*parts, text[start:]]
