"""Letters that the figures' own font lacks: another font of the machine that has them, else a plain stand-in.

A letter is looked for in the house font, then in every font that matplotlib knows, those that are known to have many
letters first. What no font has is never drawn as a box: a currency sign becomes its word, a picture its name, a word in
other letters a number in brackets; the page says beside the figure what stands for what.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import re
import unicodedata
import weakref
from collections.abc import Iterator, Mapping
from contextvars import ContextVar

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font, LoadFlags
from matplotlib.text import Text
from rich.cells import cell_len

from sim.phrases import Labels
from sim.reporting.figures.units import wrapped
from sim.words import LANGUAGES
from sim.words.phrasebook import is_told, tell

HOUSE = "DejaVu Sans"  # comes with matplotlib: the same on every machine
PREFERRED = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "SimHei",
    "Malgun Gothic",
    "Noto Sans Arabic",
    "Noto Naskh Arabic",
    "Geeza Pro",
    "Segoe UI",
    "Noto Sans Symbols",
    "Noto Emoji",
    "Segoe UI Emoji",
    "Symbola",
    "Arial Unicode MS",
)
MONEY = {"元": "yuan", "圆": "yuan", "圓": "yuan", "円": "yen", "원": "won"}  # letters that are units of money
# Stretches that are told as one: everything but Latin letters, white space, punctuation, arrows and mathematics.
_FOREIGN = re.compile("[\u0370-\u1fff\u2c00-\U0010ffff]+|[^\\s\u0000-\u007f]")
_JOINERS = re.compile("[\u200b-\u200f\u2060\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]")  # shape what stands beside them
_HAN = "\u3400-\u9fff"
# Where a line may break: none begins with a closing sign or ends with an opening one.
_BREAKS = re.compile(f"[（“]*[{_HAN}][，。；：、）”？！…％%]*|[^{_HAN}（“]+|[（“]+")
_REGION = "REGIONAL INDICATOR SYMBOL LETTER "

StandIns = dict[str, str]

logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)  # a font without a bold face is no news

_session: ContextVar[StandIns | None] = ContextVar("stand_ins", default=None)
_of_figure: weakref.WeakKeyDictionary[Figure, StandIns] = weakref.WeakKeyDictionary()
_chosen: list[str] = []  # families besides the house font, in the order in which they were needed
_lacking: dict[str, None] = {}  # letters that no font has, not yet told


def families() -> list[str]:
    """The house font, then those whose letters were needed so far."""
    return [HOUSE, *_chosen]


@contextlib.contextmanager
def one_page() -> Iterator[None]:
    """Figures drawn inside share their stand-ins: a number means the same word in all of them."""
    if _session.get() is not None:
        yield
        return
    token = _session.set({})
    try:
        yield
    finally:
        _session.reset(token)


def drawable(text: str) -> str:
    """The text with stand-ins for letters that no font of this machine has; a text that can be drawn as it is."""
    if text.isascii() or not lacks(text):
        return text
    bare = _JOINERS.sub("", text)
    return _FOREIGN.sub(lambda found: _stand_in(found[0]) if lacks(found[0]) else found[0], bare)


def lacks(text: str) -> list[str]:
    """The letters of a text that no font has."""
    return [one for one in dict.fromkeys(text) if one != "\n" and ord(one) not in _house() and not _family_of(one)]


def in_figure(figure: Figure) -> list[tuple[str, str]]:
    """What stands for what in a figure: (as drawn, what is meant)."""
    return [(drawn, meant) for meant, drawn in _of_figure.get(figure, {}).items()]


def split(labels: Labels) -> tuple[Labels, dict[str, str]]:
    """The labels that can be drawn, and those that no font has, by the name that is drawn in their place."""
    lacking = {key: label for key, label in labels.items() if not label.isascii() and lacks(label)}
    _lacking.update(dict.fromkeys(letter for label in lacking.values() for letter in lacks(label)))
    drawn = {name.replace("_", " "): label for (_, name), label in lacking.items()}
    return {key: label for key, label in labels.items() if key not in lacking}, drawn


def caption(figure: Figure, named: Mapping[str, str] | None = None) -> str:
    """A sentence for the page, with a space before it, about what stands for what; "" where nothing does.

    `named` are names that may be drawn in place of labels.
    """
    pairs = [f"{drawn} is {meant}" for drawn, meant in in_figure(figure) if drawn]
    texts = "\n".join(text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)) if named else ""
    for name, label in (named or {}).items():
        if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", re.sub(r"\s", " ", texts)):
            pairs.append(f"{name} is {label}")
    return f" No font had these letters: {'; '.join(pairs)}." if pairs else ""


def replace(figure: Figure) -> None:
    """Stand-ins in every text of a figure, also in the names of ticks."""
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            names = [label.get_text() for label in axis.get_ticklabels()]
            if [drawable(name) for name in names] != names:
                axis.set_ticks(axis.get_majorticklocs(), [drawable(name) for name in names])
    drawn: list[str] = []
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        drawn.append(drawable(text.get_text()))
        if drawn[-1] != text.get_text():
            text.set_text(drawn[-1])
    whole = "\n".join(drawn)
    _of_figure[figure] = {meant: name for meant, name in (_session.get() or {}).items() if name in whole}


def told(figure: Figure) -> None:
    """Every text of a figure in the language that is told here, also the names of ticks."""
    if not is_told():
        return
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            names = [label.get_text() for label in axis.get_ticklabels()]
            if (other := [_told(name) for name in names]) != names:
                axis.set_ticks(axis.get_majorticklocs(), other)
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if (other_text := _told(text.get_text())) != text.get_text():
            text.set_text(other_text)


def _told(text: str) -> str:
    """A text told; one of several lines in lines no longer than it had."""
    if "\n" not in text:
        return tell(text)
    lines = text.split("\n")
    whole = " ".join(lines)
    if (other := tell(whole)) == whole:
        return "\n".join(map(tell, lines))
    return "\n".join(wrapped(other, max(map(cell_len, lines))))


def words(text: str) -> list[tuple[str, str]]:
    """Where a line may break: what stands between two words, and the word. Chinese breaks before any character."""
    found: list[tuple[str, str]] = []
    for place, word in enumerate(text.split(" ")):
        gap = " " if place else ""
        for piece in _BREAKS.findall(word) or [""]:
            found.append((gap, piece))
            gap = ""
    return found


def can_write(language: str) -> bool:
    """True if some font of this machine has the letters of a language's name."""
    return LANGUAGES[language].isascii() or not lacks(LANGUAGES[language])


def warning() -> str:
    """One line about letters that no font has, "" if there is nothing to tell; what was told is not told again."""
    if not _lacking:
        return ""
    some, more = list(_lacking)[:8], len(_lacking) - 8
    _lacking.clear()
    named = " ".join(f"{one} (U+{ord(one):04X})" for one in some) + (f" and {more} more letters" if more > 0 else "")
    return (
        f"figures: no font of this machine has {named}; a word or a number stands for them in figures, the page says "
        "for what. With a font that has them (Noto Sans CJK, Noto Sans Arabic, Noto Emoji) they are drawn"
    )


def _stand_in(run: str) -> str:
    """What is drawn for a stretch that has a letter which no font has."""
    _lacking.update(dict.fromkeys(lacks(run)))
    known = _session.get()
    if known is None:
        known = {}
    if run in MONEY:
        return known.setdefault(run, MONEY[run])
    if all(unicodedata.category(one)[0] in "SC" for one in run):
        return "".join(known.setdefault(one, _named(one)) if lacks(one) else one for one in run)
    if run not in known:
        known[run] = f"[{1 + sum(name[1:-1].isdigit() for name in known.values())}]"
    return known[run]


def _named(sign: str) -> str:
    """A sign in words: a unit of money as it is, anything else in brackets."""
    if unicodedata.category(sign)[0] == "C":
        return ""
    name = unicodedata.name(sign, f"U+{ord(sign):04X}")
    if name.startswith(_REGION):  # two of them are a flag
        return name[-1]
    if unicodedata.category(sign) == "Sc":
        return name.removesuffix(" SIGN").lower()
    return f"[{name.lower() if not name.startswith('U+') else name}]"


# ---------------------------------------------------------------------------------------------- the fonts there are


@functools.cache
def _house() -> frozenset[int]:
    """Letters of the house font, plain and bold."""
    plain, bold = (
        font_manager.findfont(font_manager.FontProperties(family=HOUSE, weight=weight)) for weight in ("normal", "bold")
    )
    return frozenset(FT2Font(plain).get_charmap()) & frozenset(FT2Font(bold).get_charmap())


@functools.cache
def _family_of(letter: str) -> str:
    """The family that draws a letter of other fonts, "" if there is none; it is one of `families` from then on."""
    known = fonts()
    for family in dict.fromkeys([*(one for one in _chosen if one in known), *known]):
        if _has(known[family], letter):
            if family not in _chosen:
                _chosen.append(family)
            return family
    return ""


@functools.cache
def fonts() -> dict[str, str]:
    """File of the upright regular face of every other family, those with many letters first.

    Also fonts that were installed after matplotlib made its list.
    """
    manager = font_manager.fontManager
    listed = {entry.fname for entry in manager.ttflist}
    for file in sorted(set(font_manager.findSystemFonts()) - listed):
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            manager.addfont(file)
    rank = {name: place for place, name in enumerate(PREFERRED)}
    plain = sorted(
        manager.ttflist,
        key=lambda one: (rank.get(one.name, len(rank)), one.name, one.style != "normal", one.weight != 400, one.fname),
    )
    found: dict[str, str] = {}
    for entry in plain:
        if not entry.name.startswith((HOUSE, "cm", "Last")):  # of TeX, with letters in places of their own
            found.setdefault(entry.name, entry.fname)
    return found


def _has(file: str, letter: str) -> bool:
    """True if a font draws a letter as an outline (fonts of coloured pictures do not)."""
    if ord(letter) not in _letters(file):
        return False
    try:
        font = FT2Font(file)
        font.load_char(ord(letter), flags=LoadFlags.NO_SCALE)
        return len(font.get_path()[0]) > 0
    except (OSError, RuntimeError):
        return False


@functools.lru_cache(maxsize=256)
def _letters(file: str) -> frozenset[int]:
    try:
        font = FT2Font(file)
        return frozenset(font.get_charmap()) if font.scalable else frozenset()
    except (OSError, RuntimeError):
        return frozenset()
