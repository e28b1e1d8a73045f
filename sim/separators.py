"""Which mark stands between the values of a CSV text: comma, semicolon, tab or bar, found outside quotes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# In order of trust: a comma may stand in a text or in a number, the others seldom do.
MARKS: Final[Mapping[str, str]] = MappingProxyType({"tab": "\t", "semicolon": ";", "bar": "|", "comma": ","})
LOOKED_AT: Final = 1 << 16  # characters, the first ones
RECORDS: Final = 50

_QUOTED: Final = re.compile(r'(?:^|(?<=[,;\t|\r\n]))"(?:[^"]++|"")*+"')


def separator_of(text: str) -> str:
    """The mark between the values of a CSV that begins with this text; a comma where there is none.

    The mark of most rows wins, the header counting as one: of equal ones that which makes more columns.
    """
    cut = text[:LOOKED_AT].removeprefix("\ufeff")
    lines = [line for line in _QUOTED.sub("q", cut).splitlines() if line.strip()]
    if len(lines) > 1 and len(text) > LOOKED_AT:
        lines.pop()  # cut in two
    lines = lines[:RECORDS]
    best, score = ",", (0, 0)
    for mark in MARKS.values():
        columns, rows = _usual([line.count(mark) for line in lines])
        if (rows, columns) > score:
            best, score = mark, (rows, columns)
    return best


def separator_name(mark: str) -> str:
    """``semicolon`` for ``;``."""
    return next(name for name, known in MARKS.items() if known == mark)


def _usual(counts: list[int]) -> tuple[int, int]:
    """The number of marks that most lines have, of those that have any, and how many lines that are."""
    seen = Counter(count for count in counts if count)
    return max(seen.items(), key=lambda item: (item[1], item[0])) if seen else (0, 0)


def cell_begins(text: str, mark: str, index: int) -> int:
    """Where the cell of that index begins on the first line of a record, from 1; 1 if it is on a later line."""
    quoted, passed = False, 0
    for position, character in enumerate(text):
        if passed == index:
            return position + 1
        if character == '"':
            quoted = not quoted
        elif character == "\n":
            return 1
        elif character == mark and not quoted:
            passed += 1
    return len(text) + 1 if passed == index else 1
