"""Sentences that are put together in English, said in another language: `told.*.yaml`, read from one to the other.

Sentences of a report are built from parts by rooms that know no language. Each stands in `told.en.yaml` with
placeholders for what varies, and under the same key in the other languages. A text is looked up whole; what a
placeholder took is looked up in turn, so parts of sentences have entries of their own. A text without an entry is taken
apart at its full stops, then at tags and at lesser signs; what is not known then stays as it is.

Outside `telling` nothing is looked up: an English report is never touched.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from functools import cached_property
from string import Formatter

from sim.words import DEFAULT, words

ROOM = "told"
MARKS = "\ue000-\uf8ff"  # letters of private use, which stand for tags of a page
_EDGES = re.compile(rf"^([{MARKS}\s]*)(.*?)([{MARKS}\s~^]*)$", re.DOTALL)
_SENTENCES = re.compile(rf"(?<=[.!?])([{MARKS}]*\s+)(?=[{MARKS}]*[^\sa-z{MARKS}])")
_PARTS = (("; ", "；"), (": ", "："), (", ", "，"), (" and ", "和"))
_AND = _PARTS[-1][1]
_BESIDE = re.compile("(?<=[一-鿿])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9])(?=[一-鿿])")  # letters of two scripts
_SPACE = r"[ \u00a0\n]+"
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_CLOSING = {".": "。", "?": "？", "!": "！", ":": "："}
_NUMBER = r"(?:[A-Z]{3}[ \u00a0])?[−+±<>-]?[ \u00a0]?(?:[A-Z]{3}[ \u00a0])?(?:\d[\d.,]*|∞|–)[~^]*" + (
    r"(?:[ \u00a0](?:%|tn|bn|m|k|pp|SD|points|months?|years?)(?![A-Za-z]))*(?:[ \u00a0]m)?"
)
# What a placeholder takes by the beginning of its name, its digits aside; any other takes anything.
_TAKES = {
    "n": _NUMBER,  # a number with its unit
    "cny": _NUMBER,
    "arm": "“[^”]*”",  # a name in quotation marks
    "how": "[^()]+",  # what stands in brackets
    "m": "[^A-Za-z()]+?",  # a sign, or a tag
}
_NAMES = re.compile("“[^”]*”(?:(?:, | and )“[^”]*”)+")

Pattern = tuple[list[str], re.Pattern[str], str]


class Phrasebook:
    """From English to one language; `keep` are names of a user, which are never looked up."""

    def __init__(self, language: str, keep: Collection[str] = ()) -> None:
        self.language = language
        self._keep = frozenset(map(_plain, keep))
        self._known: dict[str, str] = {}

    @cached_property
    def _entries(self) -> tuple[dict[str, str], list[Pattern], dict[str, str]]:
        """Entries without placeholders by their English; the others, those that say most first; the first once more,
        by a small first letter."""
        english, theirs = words(DEFAULT).room(ROOM), words(self.language).room(ROOM)
        exact: dict[str, str] = {}
        patterns: list[Pattern] = []
        for key, text in english.items():
            parts = [(part, name) for part, name, *_ in Formatter().parse(text)]
            if all(name is None for _, name in parts):
                exact[_plain(text.format())] = theirs[key].format()
                continue
            found = "".join(_spaced(part, first=place == 0) + _taken(name) for place, (part, name) in enumerate(parts))
            chunks = [_plain(part)[place == 0 :] for place, (part, _) in enumerate(parts)]
            patterns.append((chunks, re.compile(found, re.DOTALL), theirs[key]))
        patterns.sort(key=lambda one: -sum(map(len, one[0])))
        return exact, patterns, {_first_small(text): told for text, told in reversed(exact.items())}

    def tell(self, text: str) -> str:
        """A text in the language, as far as it is known."""
        if text not in self._known:
            self._known[text] = self._tell(text)
        return self._known[text]

    def _tell(self, text: str) -> str:
        before, inside, after = _EDGES.match(text).groups()  # type: ignore[union-attr]
        if not _LETTERS.search(inside) or _plain(inside).strip("“”") in self._keep:
            return text
        if (found := self._exactly(inside)) is not None:
            return f"{before}{found}{after}"
        if len(pieces := _SENTENCES.split(text)) > 1:
            return self._joined(pieces)
        if inside[-1] in _CLOSING:
            bare = self.tell(before + inside[:-1])
            return text if bare == before + inside[:-1] else bare + _CLOSING[inside[-1]] + after
        found = self._by_pattern(text)  # with the tags at its edges
        if found is None and text != inside and (found := self._by_pattern(inside)) is not None:
            return f"{before}{found}{after}"
        return found or self._taken_apart(text) or text

    def _exactly(self, text: str) -> str | None:
        exact, _, folded = self._entries
        plain = _plain(text)
        return exact.get(plain) or folded.get(_first_small(plain))

    def _by_pattern(self, text: str) -> str | None:
        plain = _plain(text)
        for chunks, pattern, theirs in self._entries[1]:
            if all(chunk in plain for chunk in chunks) and (match := pattern.fullmatch(text)):
                told = theirs.format(**{name: self._part(value) for name, value in match.groupdict().items()})
                if _marks(told) == _marks(text):
                    return _BESIDE.sub(" ", told)
        return None

    def _part(self, text: str) -> str:
        """What a placeholder took: two things that nobody knows are still two things."""
        told = self.tell(text)
        return _AND.join(map(self.tell, text.split(" and "))) if told == text else told

    def _joined(self, pieces: list[str]) -> str:
        """Sentences and what stands between them; no space is left between two that are told."""
        sentences, gaps = pieces[::2], [*pieces[1::2], ""]
        told = [self.tell(one) for one in sentences]
        return "".join(
            text + (gap.rstrip() if text != sentence else gap)
            for text, sentence, gap in zip(told, sentences, gaps, strict=True)
        )

    def _taken_apart(self, text: str) -> str | None:
        """What stands between tags, or between signs, each by itself; None where nothing of it is known."""
        if len(pieces := re.split(f"([{MARKS}]+)", text)) > 1:
            told = [self.tell(piece) if piece else piece for piece in pieces]
            return "".join(told) if told != pieces else None
        if _NAMES.fullmatch(text):
            return re.sub("(?<=”)(, | and )(?=“)", "、", text)
        for mark, theirs in _PARTS:
            if len(pieces := text.split(mark)) > 1 and (told := [self.tell(piece) for piece in pieces]) != pieces:
                return theirs.join(told)
        return None


def _taken(name: str | None) -> str:
    """What a placeholder takes."""
    if name is None:
        return ""
    return f"(?P<{name}>{_TAKES.get(name.rstrip('0123456789'), '.+?')})"


def _first_small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _plain(text: str) -> str:
    return re.sub(_SPACE, " ", text)


def _spaced(text: str, *, first: bool) -> str:
    """The text as a pattern: any white space for a space, and a sentence's first letter large or small."""
    parts = [re.escape(part) for part in re.split(_SPACE, text)]
    if first and text[:1].isalpha():
        parts[0] = f"(?i:{parts[0][:1]}){parts[0][1:]}"
    return _SPACE.join(parts)


def _marks(text: str) -> list[str]:
    return sorted(re.findall(f"[{MARKS}]", text))


_book: ContextVar[Phrasebook | None] = ContextVar("phrasebook", default=None)


@contextlib.contextmanager
def telling(language: str, keep: Collection[str] = ()) -> Iterator[None]:
    """Inside, `tell` speaks this language."""
    token = _book.set(None if language == DEFAULT else Phrasebook(language, keep))
    try:
        yield
    finally:
        _book.reset(token)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Inside, everything stays English: for figures on a machine whose fonts lack the letters."""
    token = _book.set(None)
    try:
        yield
    finally:
        _book.reset(token)


def tell(text: str) -> str:
    """A text in the language that is told here, as far as it is known; English stays as it is."""
    book = _book.get()
    return text if book is None else book.tell(text)


def is_told() -> bool:
    """True inside `telling` of another language than English."""
    return _book.get() is not None
