"""A matplotlib SVG made fit to stand inside a page: small, with ids of its own, named for those who cannot see it."""

from __future__ import annotations

import re
from html import escape

_CLUTTER = re.compile(r"<metadata>.*?</metadata>|<!--.*?-->|<style\b.*?</style>", re.DOTALL)
_NAMESPACE = re.compile(r'\s(?:xmlns(?::\w+)?|version|width|height)="[^"]*"')
_ID = re.compile(r'\sid="([^"]*)"')
_REFERENCE = re.compile(r'(?:xlink:)?href="#([^"]*)"|url\(#([^)]*)\)')
_LONG_NUMBER = re.compile(r"scale\([^)]*\)|-?\d+\.\d{3,}")
_EMPTY = re.compile(r"<defs>\s*</defs>")


def inline(svg: str, prefix: str, label: str) -> str:
    """The `<svg>` element for a page: no namespaces, metadata or comments; ids start with `prefix`, and only those that
    something refers to are kept; coordinates to a hundredth of a point; `label` is what a screen reader says.

    The text of a figure is drawn as glyph paths, so nothing of a user's words is in the result except `label`, escaped.
    """
    body = _CLUTTER.sub("", svg[svg.index("<svg") :])
    head, rest = body[: body.index(">") + 1], body[body.index(">") + 1 :]
    used = {first or second for first, second in _REFERENCE.findall(rest)}
    rest = _ID.sub(lambda found: f' id="{prefix}-{found[1]}"' if found[1] in used else "", rest)
    rest = _REFERENCE.sub(
        lambda found: f'href="#{prefix}-{found[1]}"' if found[1] else f"url(#{prefix}-{found[2]})", rest
    )
    rest = _LONG_NUMBER.sub(lambda found: found[0] if found[0][0] == "s" else _short(float(found[0])), rest)
    rest = re.sub(r"\s*\n\s*", " ", _EMPTY.sub("", rest)).replace("> <", "><").replace(' "', '"')
    attributes = f' role="img" aria-label="{escape(label)}" stroke-linejoin="round" stroke-linecap="butt">'
    return _NAMESPACE.sub("", head)[:-1].rstrip() + attributes + rest.strip()


def _short(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
