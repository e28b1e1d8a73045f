"""A finished page in another language: the sentences of its blocks, and what its labels say."""

from __future__ import annotations

import html
import re

from sim.words.phrasebook import is_told, tell

# What is no text: pictures (but for their labels), styles, scripts, commands, code and the names of files and columns.
_OPAQUE = re.compile(r"<(svg|style|script|pre)\b[^>]*>.*?</\1>|<code[^>]*>.*?</code>", re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_INLINE = ("a", "abbr", "b", "br", "code", "em", "i", "span", "strong", "sub", "sup")
_ATTRIBUTE = re.compile(r'\b(aria-label|title|data-title)="([^"]*)"')
_FIRST = 0xE000


def translated(page: str) -> str:
    """The page as it is told here; an English one is returned as it is."""
    if not is_told():
        return page
    parts: list[str] = []
    block = ""
    end = 0
    for start, stop, piece in _pieces(page):
        block += page[end:start]
        name = re.match(r"</?([a-zA-Z0-9]+)", piece)
        if name and name[1] in _INLINE:
            block += piece
        else:
            parts += [_block(block), _attributes(piece)]
            block = ""
        end = stop
    return "".join([*parts, _block(block + page[end:])])


def _pieces(page: str) -> list[tuple[int, int, str]]:
    """Tags and opaque elements in their order: where they begin and end, and their text."""
    found: list[tuple[int, int, str]] = []
    place = 0
    while match := _TAG.search(page, place):
        whole = _OPAQUE.match(page, match.start()) or match
        found.append((whole.start(), whole.end(), whole[0]))
        place = whole.end()
    return found


def _block(text: str) -> str:
    """The inside of a block: tags stand as one letter each while its sentences are looked up."""
    if not re.search("[A-Za-z]{2}", re.sub(_TAG, "", text)):
        return text
    kept: list[str] = []

    def put_away(start: int, stop: int) -> str:
        kept.append(text[start:stop])
        return chr(_FIRST + len(kept) - 1)

    plain, end = "", 0
    for start, stop, _ in _pieces(text):
        plain += html.unescape(text[end:start]) + put_away(start, stop)
        end = stop
    plain += html.unescape(text[end:])
    told = html.escape(tell(plain), quote=False)
    return re.sub("[\ue000-\uf8ff]", lambda mark: _attributes(kept[ord(mark[0]) - _FIRST]), told)


def _attributes(piece: str) -> str:
    """A tag with its labels told; of a picture only its first tag is looked at."""
    head, rest = (piece[: piece.index(">") + 1], piece[piece.index(">") + 1 :]) if ">" in piece else (piece, "")
    told = _ATTRIBUTE.sub(lambda one: f'{one[1]}="{html.escape(tell(html.unescape(one[2])))}"', head)
    return told + rest
