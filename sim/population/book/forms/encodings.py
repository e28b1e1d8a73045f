"""In which encoding a text is, found and checked to its end or said by a user; and any text as UTF-8."""

from __future__ import annotations

import codecs
import io
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Final

from sim.population.book.forms.base import Unreadable

Open = Callable[[], AbstractContextManager[BinaryIO]]

CHUNK: Final = 1 << 20
LINE_MOST: Final = 1 << 22  # bytes; a longer line is no text that is read further
SAMPLE: Final = 1 << 16  # bytes of lines beyond ASCII that are looked at
ODD: Final = 0.2  # share of chaos, as charset-normalizer counts it, above which a text looks like none
NEAR: Final = 0.1  # two encodings whose chaos differs by less cannot be told apart by it
FEW: Final = 12  # bytes beyond ASCII
BINARY: Final = 0.01  # share of NULs above which bytes are no text
EVERY_OTHER: Final = 0.25  # share of the pairs of UTF-16 with a NUL in them, at least
WIDE: Final = ("utf-16", "utf-32")  # encodings whose characters have NULs in their bytes
COMMON: Final = 0.8  # share of a Chinese text that is of the first level of GB 2312

UTF_8: Final = "utf-8"
FOUND: Final = ("gb18030", "cp1252")  # what is looked for besides UTF-8 and UTF-16
_WIDER: Final = {"gb2312": "gb18030", "gbk": "gb18030", "ascii": UTF_8, "utf-8-sig": UTF_8}  # read as what holds it
_MARKS: Final = (
    (codecs.BOM_UTF8, UTF_8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


@dataclass(frozen=True)
class Encoding:
    """A codec of Python's, and what is doubtful about having found it."""

    codec: str
    doubt: str = ""

    @property
    def plain(self) -> bool:
        """Whether the bytes are UTF-8 as they stand."""
        return self.codec == UTF_8


def find(text: Open, head: bytes, given: str | None = None) -> Encoding:
    """The encoding of a text that begins with these bytes. Raises `Unreadable` where one was given that it is not in.

    A text that is UTF-8 but for some rows counts as UTF-8: its reader names them.
    """
    if given is not None:
        codec = _checked(text, given, head)
        if not codec.startswith(WIDE):
            _refuse_nul(text)
        return Encoding(codec)
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return Encoding(codec)
    if b"\0" in head and (wide := _utf_16(head)):
        return Encoding(wide)
    nuls = head.count(b"\0")
    if nuls and (b"\n" not in head or nuls > max(BINARY * len(head), 3)):
        raise Unreadable("is binary, not text; save it as CSV (UTF-8)")
    _refuse_nul(text)
    sample = _beyond_utf_8(text)
    return Encoding(UTF_8) if sample is None else _of(text, sample)


def _utf_16(head: bytes) -> str:
    """Which UTF-16 bytes with a NUL look like: at every other byte, of Chinese too, whose digits and marks have them;
    empty if neither."""
    nuls = head[0::2].count(0), head[1::2].count(0)
    if min(nuls) > 0.01 * max(nuls) or max(nuls) < EVERY_OTHER * (len(head) / 2):
        return ""
    codec = "utf-16-be" if nuls[0] > nuls[1] else "utf-16-le"
    try:
        text = codecs.getincrementaldecoder(codec)().decode(head)
    except UnicodeDecodeError:
        return ""
    control = sum(character < " " and character not in "\t\r\n" for character in text)
    return codec if "\n" in text and not control else ""


def _refuse_nul(text: Open) -> None:
    """Raise `Unreadable` with the line of the first NUL byte of a text, which in UTF-8 and its like is no character."""
    line = 1
    for chunk in _chunks(text):
        if (place := chunk.find(b"\0")) >= 0:
            line += chunk.count(b"\n", 0, place)
            raise Unreadable("a NUL byte stands here, which no text has; take it out or export the book again", line)
        line += chunk.count(b"\n")


def _chunks(text: Open) -> Iterator[bytes]:
    """The bytes of a text, until a line comes that is too long for one."""
    with text() as data:
        length = 0
        while chunk := data.read(CHUNK):
            yield chunk
            length = 0 if b"\n" in chunk or b"\r" in chunk else length + len(chunk)
            if length > LINE_MOST:
                return


def _beyond_utf_8(text: Open) -> bytes | None:
    """Lines beyond ASCII of a text that is not UTF-8, some kilobytes; None if it is UTF-8, all or most of it."""
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        for chunk in _chunks(text):
            if not chunk.isascii() or decoder.getstate()[0]:
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        pass
    else:
        return None
    lines, size, rest = list[bytes](), 0, b""
    for chunk in _chunks(text):
        if chunk.isascii() and not rest:
            continue
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            if not line.isascii() and size < SAMPLE:
                lines.append(line[:SAMPLE])
                size += len(line)
        if size >= SAMPLE:
            break
    lines += [rest] if rest and not rest.isascii() else []
    sample = b"\n".join(lines)
    decoded = sample.decode(UTF_8, errors="replace")
    broken = decoded.count("\N{REPLACEMENT CHARACTER}")
    whole_ones = sum(not character.isascii() for character in decoded) - broken
    return None if whole_ones > broken else sample


def _of(text: Open, sample: bytes) -> Encoding:
    """The most likely of `FOUND` in which the whole text can be read; UTF-8 with broken rows if in none."""
    chaos = _chaos(sample)
    order = sorted(chaos, key=lambda codec: chaos[codec])  # of a text of few words it says little
    doubt = ""
    chinese = _looks_chinese(sample)
    if len(order) == 2 and (chinese or chaos[order[1]] - chaos[order[0]] < NEAR):
        order = list(FOUND) if chinese else list(reversed(FOUND))
    if chinese and sum(byte > 127 for byte in sample) < FEW and order:
        other = "cp1252" if order[0] == "gb18030" else "gb18030"
        doubt = f"has few characters beyond ASCII: it may be in {other} and is read as {order[0]}; encoding: says which"
    for codec in order:
        if not _failure(text, codec):
            if not doubt and chaos[codec] > ODD:
                doubt = f"is read as {codec} and looks odd so; encoding: names another"
            return Encoding(codec, doubt if codec == order[0] else "")
    return Encoding(UTF_8)


def _chaos(sample: bytes) -> dict[str, float]:
    """By each of `FOUND` that can decode a sample: how little it looks like a text so, from 0 on."""
    from charset_normalizer import from_bytes

    logging.getLogger("charset_normalizer").setLevel(logging.ERROR)
    found = {match.encoding: match.chaos for match in from_bytes(sample, cp_isolation=list(FOUND), threshold=1.0)}
    return {codec: found[codec] for codec in FOUND if codec in found}


def _looks_chinese(sample: bytes) -> bool:
    """Whether what is beyond ASCII are characters of everyday Chinese, were it GB18030."""
    beyond = [character for character in sample.decode("gb18030", errors="replace") if not character.isascii()]
    common = sum(map(_is_common, beyond))
    return bool(beyond) and common >= COMMON * len(beyond)


def _is_common(character: str) -> bool:
    """Whether a character is punctuation or of the first level of GB 2312."""
    try:
        return 0xA1 <= character.encode("gb2312")[0] <= 0xD7
    except UnicodeEncodeError:
        return False


def _failure(text: Open, codec: str) -> int:
    """The line from 1 on which a text cannot be decoded; 0 if it can to its end."""
    decoder, line = codecs.getincrementaldecoder(codec)(), 1
    try:
        for chunk in _chunks(text):
            line += decoder.decode(chunk).count("\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(codec, errors="replace")
        return line + before.count("\n")
    return 0


def _checked(text: Open, given: str, head: bytes) -> str:
    """The codec of a name that a user gave. Raises `Unreadable`."""
    try:
        codec = codecs.lookup(given).name
        b"".decode(codec)
    except (LookupError, ValueError):
        right = "utf-8, gb18030 (or gbk), cp1252, latin-1, utf-16, ..."
        raise Unreadable(f"has no encoding {given!r}; one of {right}", key="encoding") from None
    codec = _WIDER.get(codec, codec)
    if line := _failure(text, codec):
        found = find(text, head).codec
        if found != codec:
            right = f"leave population.encoding out: it reads as {found}"
            raise Unreadable(f"cannot be read as {given} from this line on; {right}", line)
    return codec


class Recoded(io.RawIOBase):
    """A text in any encoding as UTF-8 bytes, some at a time."""

    def __init__(self, data: BinaryIO, codec: str):
        self._data, self._decoder, self._left = data, codecs.getincrementaldecoder(codec)(errors="replace"), b""
        self._begun = self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left and not self._ended:
            chunk = self._data.read(CHUNK)
            self._ended = not chunk
            text = self._decoder.decode(chunk, final=self._ended)
            if text and not self._begun:
                text, self._begun = text.lstrip("\ufeff"), True
            self._left = text.encode(UTF_8, errors="replace")
        size = min(len(buffer), len(self._left))
        buffer[:size], self._left = self._left[:size], self._left[size:]
        return size
