"""Answers that are words of more and less, and where on a scale of five each stands: ``very satisfied``, ``不同意``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_MEANT: Final = re.compile(
    r"agree|satisf|likely|important|eas|useful|同意|满意|可能|重要|符合|认同|赞同|容易|有用", re.IGNORECASE
)
_LESS: Final = re.compile(r"disagree|dissatisf|\bun|\bnot\b|不", re.IGNORECASE)
_MUCH: Final = re.compile(r"strongly|very|extremely|completely|fully|totally|非常|很|完全|十分|极", re.IGNORECASE)
_MIDDLE: Final = re.compile(r"neither|neutral|undecided|indifferent|一般|中立|不确定|不一定|无所谓", re.IGNORECASE)


def placed(words: Iterable[str]) -> dict[int, str] | None:
    """Points 1 to 5 by word, of words that say more and less of one thing; None where they do not, or not all."""
    found: dict[int, str] = {}
    meant: set[str] = set()
    for word in words:
        middle, core = _MIDDLE.search(word), _MEANT.search(word)
        if len(word) > 40 or (core is None and middle is None):
            return None
        if core is not None and middle is None:
            meant.add(core[0].lower())
        size = 0 if middle else (2 if _MUCH.search(word) else 1) * (-1 if _LESS.search(word) else 1)
        if found.setdefault(3 + size, word) != word:
            return None
    return dict(sorted(found.items())) if len(meant) == 1 and len(found) > 2 else None


def thing(words: Iterable[str]) -> str:
    """What such words are about: ``agree``, ``满意``."""
    return next((found[0].lower() for word in words if (found := _MEANT.search(word)) and not _MIDDLE.search(word)), "")
