"""Words of a customer book that stand for a state or a tier: what each became, in how many rows, and what looks odd."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sim.population.book.columns import StateColumn, plain_word, quoted

YES: Final = frozenset({"1", "true", "yes", "y", "active"})
NO: Final = frozenset({"0", "false", "no", "n", "inactive", "dormant"})
BLANK: Final = frozenset({"", "nan", "na", "n/a", "null", "none", "nat"})
MEANINGS: Final = {
    "state": ("active", "dormant"),
    "digital_active": ("digital", "not digital"),
}  # of yes and of no, by field

MOST_SHOWN: Final = 8  # different words told one by one; of more only the listed ones
MOST_KEPT: Final = 10_000
LONGEST: Final = 30  # characters of a word

# Words in the name of a column in which yes means that somebody is gone or asleep.
_GONE: Final = frozenset(
    {
        "churn",
        "churned",
        "churner",
        "exited",
        "exit",
        "attrition",
        "attrited",
        "left",
        "leaver",
        "closed",
        "closure",
        "cancelled",
        "canceled",
        "terminated",
        "lapsed",
        "lost",
        "gone",
        "departed",
        "inactive",
        "dormant",
        "not",
        "non",
    }
)
_GONE_ANYWHERE: Final = ("churn", "attrit", "\u6d41\u5931", "\u9500\u6237", "\u6ce8\u9500", "\u4f11\u7720")
_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+")


def meant(spec: StateColumn) -> tuple[frozenset[str], frozenset[str] | None]:
    """The plain words that mean active in a column, and those that do not; None if that is every other word."""
    if spec.active is not None:
        return _spellings(spec.active), None
    return (NO, YES) if spec.inverted else (YES, NO)


def _spellings(listed: Iterable[Any]) -> frozenset[str]:
    """The words that listed values stand for: true also as yes, y and 1, as YAML reads them."""
    words: set[str] = set()
    for value in listed:
        words |= (YES if value else NO) if isinstance(value, bool) else {plain_word(value)}
    return frozenset(words)


def says_gone(text: str) -> bool:
    """Whether a column's name or a word speaks of customers who are gone or asleep: Churn, HasExited, is_closed."""
    plain = text.casefold()
    return any(part.casefold() in _GONE for part in _PARTS.findall(text)) or any(w in plain for w in _GONE_ANYWHERE)


@dataclass
class Labels:
    """The words met in one column, each with what it became and the number of its rows."""

    column: str
    rows: dict[tuple[str, str], int] = field(default_factory=dict)  # by (word as in the file, what it became)
    more: dict[str, int] = field(default_factory=dict)  # rows of words beyond the first ten thousand

    def add(self, word: str, meaning: str, rows: int) -> None:
        """So many more rows hold this word."""
        key = (word.strip()[:LONGEST], meaning)
        if key in self.rows or len(self.rows) < MOST_KEPT:
            self.rows[key] = self.rows.get(key, 0) + rows
        else:
            self.more[meaning] = self.more.get(meaning, 0) + rows

    def entries(self, listed: Iterable[str] = ()) -> list[dict[str, Any]]:
        """For the manifest: a word, what it means and its rows, the most frequent first; `listed` are plain words.

        Where there are many words they are hardly labels, and any may be one customer's: those not listed in the
        scenario are counted together, without a word.
        """
        ordered = sorted(self.rows.items(), key=lambda item: (-item[1], item[0]))
        kept, rest = ordered, list[tuple[tuple[str, str], int]]()
        if len(ordered) > MOST_SHOWN:
            known = frozenset(listed)
            kept = [item for item in ordered if plain_word(item[0][0]) in known][:MOST_SHOWN]
            shown = {key for key, _ in kept}
            rest = [item for item in ordered if item[0] not in shown]
        out: list[dict[str, Any]] = [{"word": word, "means": meaning, "rows": n} for (word, meaning), n in kept]
        others = dict(self.more)
        for (_, meaning), n in rest:
            others[meaning] = others.get(meaning, 0) + n
        return out + [{"word": None, "means": meaning, "rows": n} for meaning, n in sorted(others.items())]

    def doubt(self, spec: StateColumn) -> str:
        """What looks turned round; empty if nothing does."""
        if spec.inverted is not None:
            return ""
        active = MEANINGS["state"][0], MEANINGS["digital_active"][0]
        for (word, meaning), rows in self.rows.items():
            if meaning not in active or not rows:
                continue
            if says_gone(self.column) and plain_word(word) in YES:
                instead = " in the place of active" if spec.active else ""
                return (
                    f"the column {quoted(self.column)} sounds like customers who are gone, yet its {word} is read "
                    f"as {meaning} ({rows:,}); inverted: true{instead} turns it round, inverted: false says it is right"
                )
            if spec.active and says_gone(word) and not says_gone(self.column):
                return (
                    f"{word!r} sounds like customers who are gone, yet it is listed as active; active lists those who "
                    "are there, inverted: false says it is right"
                )
        return ""


def words_line(name: str, column: str, entries: Sequence[dict[str, Any]]) -> str:
    """One line: ``state from Churn: No is active (75), Yes is dormant (25)``."""
    parts = []
    for entry in entries:
        word, means, rows = entry["word"], entry["means"], f"{entry['rows']:,}"
        if word == "":
            word = "(empty)"
        if word is None:
            parts.append(f"other words: {means} ({rows})")
        else:
            parts.append(f"{word} ({rows})" if word == means else f"{word} is {means} ({rows})")
    return f"{name} from {quoted(column)}: {', '.join(parts)}"
