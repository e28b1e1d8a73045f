"""Every error this program raises on purpose.

- ``BadInput``: what the user gave is wrong; carries every `Mistake` found; exit code 2.
- ``RunFailed``: a run broke although its input was good; exit code 1.
- ``Interrupted``: the user stopped it; finished runs are kept; exit code 130.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

# what a terminal obeys instead of showing: control characters, line separators, signs that turn the direction of text
_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\x1b": "\\e"}


def one_line(text: str) -> str:
    """The text with everything that a terminal would obey written as an escape."""
    return _OBEYED.sub(lambda found: _SHORT.get(found[0], f"\\u{ord(found[0]):04x}"), text)


@dataclass(frozen=True, order=True)
class Mistake:
    """One thing that is wrong, with its address.

    `file` is as the user wrote it; `line` and `column` count from 1 and are 0 where there is no place to point at
    (a command-line option, a folder); `path` is the key path, e.g. ``arms.calls.retention_call.hazard_ratio``.
    """

    file: str
    line: int
    column: int
    path: str
    message: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return one_line(f"{where}  {self.path}: {self.message}" if self.path else f"{where}  {self.message}")


class SimError(Exception):
    """Common parent, so that the front door can catch what we raise and nothing else."""

    exit_code = 1


class BadInput(SimError):
    """The input is wrong: all mistakes at once, one a line."""

    exit_code = 2

    def __init__(self, mistakes: Mistake | Iterable[Mistake]):
        found = [mistakes] if isinstance(mistakes, Mistake) else list(mistakes)
        self.mistakes: list[Mistake] = list(dict.fromkeys(found))
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))

    @classmethod
    def at(cls, file: str, message: str, *, line: int = 0, column: int = 0, path: str = "") -> BadInput:
        """A single mistake, for callers that find only one."""
        return cls(Mistake(str(file), line, column, path, message))


class RunFailed(SimError):
    """At least one run broke; the message names arm and seed."""

    exit_code = 1


class Interrupted(SimError):
    """Ctrl-C: what was finished is on disk."""

    exit_code = 130
