"""Which unit is under way in a process that may end without a word, and the time limit that ends it."""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEATHS = 3  # of the process of a unit, after which it is written off
GRACE = 0.3  # seconds from the word of a time limit to the end
FLIGHT = "flight"


@dataclass
class Flight:
    """The note of which unit is under way, in a file, as the only witness of a process that ends without a word.

    A note of an earlier attempt at the sweep counts for nothing.
    """

    file: Path
    attempt: int
    blamed: str = ""  # the unit that was under way when the process before died
    deaths: dict[str, int] = field(default_factory=dict)
    stack: str = ""  # where it was when its time was over; empty if it was not
    _handle: int | None = None

    def __post_init__(self) -> None:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            record = json.loads(self.file.read_bytes())
            if record["attempt"] == self.attempt:
                self.deaths = {str(unit): int(count) for unit, count in record["deaths"].items()}
                self.blamed = str(record["unit"])
        if self.blamed:
            self.deaths[self.blamed] = self.deaths.get(self.blamed, 0) + 1
            with contextlib.suppress(OSError):
                self.stack = self.clock.read_text("utf-8", "replace")

    @property
    def clock(self) -> Path:
        """The file that a time limit writes to before it ends the process."""
        return self.file.with_suffix(".limit")

    def verdict(self, limit: float | None) -> str:
        """Why the blamed unit is written off; empty if it may be tried again."""
        died = self.deaths.get(self.blamed, 0)
        return self.over(limit) or (died_of(died) if died >= DEATHS else "")

    def over(self, limit: float | None) -> str:
        """What is said of a unit that its time limit ended; empty if it did not."""
        return f"took longer than the limit of {limit:g} s" if limit is not None and self.stack else ""

    def begins(self, unit: str) -> None:
        """From now on this unit is under way."""
        self._write({"unit": unit, "deaths": self.deaths})

    def handed_back(self, file: Path, unit: str) -> None:
        """Leave for whoever tries the unit alone how often its process has died."""
        with Flight(file, self.attempt) as other:
            other._write({"unit": "", "deaths": {unit: self.deaths.get(unit, 0)}})

    def landed(self) -> None:
        """All is on disk: no note is needed."""
        for file in (self.file, self.clock):
            with contextlib.suppress(OSError):
                file.unlink()

    def _write(self, record: dict[str, Any]) -> None:
        # In one write and in place, a few microseconds: a half-written note is read as none. A full disk is found out
        # by the part, whose loss matters.
        with contextlib.suppress(OSError):
            if self._handle is None:
                self.file.parent.mkdir(exist_ok=True)
                self._handle = os.open(self.file, os.O_WRONLY | os.O_CREAT, 0o644)
            content = json.dumps(record | {"attempt": self.attempt}).encode()
            os.pwrite(self._handle, content.ljust(256) + b"\n", 0)

    def __enter__(self) -> Flight:
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def died_of(times: int) -> str:
    """What is said of a unit whose process ended so many times."""
    return f"its worker process died {times} times (out of memory, a crash in compiled code, or killed from outside)"


@contextlib.contextmanager
def limited(seconds: float | None, witness: Path) -> Iterator[None]:
    """End this process if the body takes longer, whatever it does, and leave word of it in a file.

    The end is a signal that nobody handles, so that even a loop in compiled code ends. A moment before, Python's own
    watchdog, which needs no interpreter either, writes where the body was.
    """
    if seconds is None:
        yield
        return
    with contextlib.suppress(ValueError):  # not in the main thread: nobody has changed what the signal does then
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    witness.parent.mkdir(exist_ok=True)
    with open(witness, "w") as file:
        faulthandler.dump_traceback_later(seconds, file=file)
        signal.setitimer(signal.ITIMER_REAL, seconds + GRACE)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            faulthandler.cancel_dump_traceback_later()
