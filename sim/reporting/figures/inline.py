"""A matplotlib SVG made fit to stand inside a page: small, with ids of its own, named for those who cannot see it."""

from __future__ import annotations

import re
from html import escape

_CLUTTER = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<style\b.*?</style>", re.DOTALL)
_NAMESPACE = re.compile(r'\s(?:xmlns(?::\w+)?|version|width|height)="[^"]*"')
_ID = re.compile(r'\sid="([^"]*)"')
_REFERENCE = re.compile(r'(?:xlink:)?href="#([^"]*)"|url\(#([^)]*)\)')
_LONG_NUMBER = re.compile(r"scale\([^)]*\)|-?\d+\.\d{2,}")
_EMPTY = re.compile(r"<defs>\s*</defs>")


def inline(svg: str, prefix: str, label: str) -> str:
    """The `<svg>` element for a page.

    Namespaces, metadata and comments are left out; ids are kept only where something refers to them, and are `prefix`
    and a number; coordinates have a tenth of a point; `label` is what a screen reader says. Text in a figure is drawn
    as glyph paths, so nothing of a user's words is in the result except `label`, escaped.
    """
    body = _CLUTTER.sub("", svg[svg.index("<svg") :])
    head, rest = body[: body.index(">") + 1], body[body.index(">") + 1 :]
    used = dict.fromkeys(first or second for first, second in _REFERENCE.findall(rest))
    names = {name: f"{prefix}{place}" for place, name in enumerate(used)}
    rest = _ID.sub(lambda found: f' id="{names[found[1]]}"' if found[1] in names else "", rest)
    rest = _REFERENCE.sub(lambda found: f'href="#{names[found[1]]}"' if found[1] else f"url(#{names[found[2]]})", rest)
    rest = _LONG_NUMBER.sub(lambda found: found[0] if found[0][0] == "s" else _short(float(found[0])), rest)
    rest = re.sub(r"\s*\n\s*", " ", _EMPTY.sub("", rest)).replace("> <", "><").replace(' "', '"')
    attributes = f' role="img" aria-label="{escape(label)}" stroke-linejoin="round" stroke-linecap="butt">'
    return _NAMESPACE.sub("", head)[:-1].rstrip() + attributes + rest.strip()


def _short(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text
