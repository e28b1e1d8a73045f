"""What a stream cannot show, spelled in letters that it can: no sign is ever lost to a question mark.

A redirected output has the encoding of its machine (cp1252 on Windows, ASCII under LANG=C). A lost minus turns a loss
into a gain, so a character that an encoding lacks is spelled out.
"""

from __future__ import annotations

import codecs
import unicodedata
from typing import TextIO

HANDLER = "rapport.spelled"  # its name among Python's handlers of encoding errors
SIGNS = {
    "−": "-",
    "±": "+-",
    "×": "x",
    "·": "*",
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "∞": "inf",
    "√": "sqrt",
    "→": "->",
    "←": "<-",
    "↑": "up",
    "↓": "down",
    "↔": "<->",
    "–": "-",
    "—": "-",
    "‐": "-",
    "‑": "-",
    "…": "...",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "«": '"',
    "»": '"',
    "•": "*",
    "°": "deg",
    "‰": "per mille",
    "§": "section ",
    "━": "-",
    "─": "-",
    "╸": "-",
    "╺": "-",
    "│": "|",
    "█": "#",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "ø": "o",
    "Ø": "O",
    "Ł": "L",
    "ł": "l",
    "Đ": "D",
    "đ": "d",
    "ı": "i",
    "Þ": "Th",
    "þ": "th",
    "œ": "oe",
    "Œ": "OE",
    "⁄": "/",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₽": "RUB",
    "₩": "KRW",
    "₺": "TRY",
    "₴": "UAH",
    "₪": "ILS",
    "₫": "VND",
    "₦": "NGN",
    "฿": "THB",
    "₱": "PHP",
    "₸": "KZT",
    "₼": "AZN",
    "₾": "GEL",
    "﷼": "rial",
    "元": "yuan",
    "¢": "cent",
}


def spell(text: str, encoding: str) -> str:
    """`text` in characters that `encoding` has: its own where it can, else the sign's usual stand-in."""
    return text.encode(encoding, HANDLER).decode(encoding)


def never_lose_a_sign(stream: TextIO) -> None:
    """From now on `stream` spells what its encoding lacks."""
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors=HANDLER)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_stand_in(letter) for letter in lacking), error.end


def _stand_in(letter: str) -> str:
    """A sign's stand-in, the letter without its accents, or its code: \\u4e2d."""
    parts = unicodedata.normalize("NFKD", letter)
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    for candidate in (SIGNS.get(letter, ""), "".join(SIGNS.get(part, part) for part in bare)):
        if candidate and candidate.isascii():
            return candidate
    return letter.encode("ascii", "backslashreplace").decode()


codecs.register_error(HANDLER, _spelled)
