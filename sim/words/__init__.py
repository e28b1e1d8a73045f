"""What readers are told, by language: a key becomes a sentence with its placeholders filled in.

The texts stand in the files of this folder, one for each room and language (`report.en.yaml`, `page.zh.yaml`): a flat
map from key to text, every key beginning with its room's name and a dot. A translation is one more file for each room
and its line in `LANGUAGES`. `KeyError` for a key that no file has and for a placeholder that was not given.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = {"en": "English", "zh": "中文"}
DEFAULT: Final = "en"


@dataclass(frozen=True)
class Words:
    """The texts of one language."""

    language: str
    texts: Mapping[str, str] = field(repr=False)

    def __call__(self, key: str, /, **given: Any) -> str:
        """The text of `key` with its placeholders filled in."""
        return self.text(key).format(**given)

    def __contains__(self, key: object) -> bool:
        return key in self.texts

    def text(self, key: str) -> str:
        """The text of `key` as its file has it, placeholders and all."""
        if key not in self.texts:
            near = get_close_matches(key, self.texts, n=1)
            raise KeyError(f"{key}: no such words in {self.language}{f'; did you mean {near[0]}?' if near else ''}")
        return self.texts[key]

    def room(self, name: str) -> dict[str, str]:
        """All texts of a room (`page`, `report`) by key, for a page that fills in its own placeholders."""
        return {key: text for key, text in self.texts.items() if key.startswith(f"{name}.")}


@cache
def words(language: str = DEFAULT) -> Words:
    """The texts of a language; `KeyError` for one that is not in `LANGUAGES`."""
    if language not in LANGUAGES:
        raise KeyError(f"{language}: no such language; there are {', '.join(LANGUAGES)}")
    import yaml

    texts: dict[str, str] = {}
    kind = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml's is ten times as fast
    for file in sorted(Path(__file__).parent.glob(f"*.{language}.yaml")):
        texts |= yaml.load(file.read_text("utf-8"), Loader=kind)
    return Words(language, texts)


_spoken: ContextVar[str | None] = ContextVar("language", default=None)


@contextlib.contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """Inside, `said` speaks this language; None leaves it open, as it is outside."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def asked() -> str | None:
    """The language that somebody asked for; None where nobody did."""
    return _spoken.get()


def language() -> str:
    """The language that is spoken here."""
    return _spoken.get() or DEFAULT


def said(key: str, /, **given: Any) -> str:
    """The text of `key` in the language that is spoken here, its placeholders filled in."""
    return words(language())(key, **given)
