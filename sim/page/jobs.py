"""What the page asks the command line to do beside it: a saved setting run, a sweep started and watched.

A job is this program in a process of its own, with a scenario of ours and a folder of the shelf: what it writes is what
a terminal would have written, and it goes on with --resume where it was stopped.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sim import shipping
from sim.errors import SimError
from sim.experiments.sweep.status import status
from sim.store.files import write_atomically
from sim.store.sweep_reading import kind_of

PROGRAM = "from sim.cli import main; raise SystemExit(main())"
LAST_WORDS = 400  # characters of what a job said
SAVED = "page"  # folder of the shelf for settings that were saved


@dataclass(frozen=True)
class Progress:
    """How far a job is: `share` of its tasks where they can be counted (else NaN), and its last words."""

    state: str  # running, done, stopped, failed
    done: int = 0
    total: int = 0
    words: str = ""


class Job:
    """One command in a process of its own; `folder` is where its results go."""

    def __init__(self, words: Sequence[str], folder: Path, *, sweep: bool):
        self.folder, self.sweep, self._stopped = folder, sweep, False
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *words, "--out", str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self._said,
            start_new_session=True,  # Ctrl-C of the server is not the job's; `stop` is
        )

    def progress(self) -> Progress:
        """How far it is now."""
        code = self._process.poll()
        state = "running" if code is None else "done" if code == 0 else "stopped" if self._stopped else "failed"
        if self.sweep:
            with contextlib.suppress(SimError, OSError, ValueError):
                if kind_of(self.folder) is not None:
                    found = status(self.folder)
                    return Progress(state, found.done, found.total, self._last())
        return Progress(state, words=self._last())

    def stop(self, *, wait: float = 10.0) -> None:
        """Ctrl-C; what was finished is kept."""
        if self._process.poll() is None:
            self._stopped = True
            os.killpg(self._process.pid, signal.SIGINT)
            try:
                self._process.wait(wait)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)

    def wait(self, seconds: float | None = None) -> int:
        """Its exit code, when it has ended."""
        return self._process.wait(seconds)

    def _last(self) -> str:
        """The last line it said, without the paths of this machine."""
        self._said.seek(0)
        lines = [line for line in self._said.read()[-4 * LAST_WORDS :].splitlines() if line.strip()]
        return re.sub(r"(?:/[\w.@+-]+){2,}/", "", lines[-1])[:LAST_WORDS] if lines else ""


def save(shelf: Path, name: str, digest: str, text: str) -> Path:
    """Write a setting's scenario file into the shelf, under its name and digest; where it stands."""
    folder = shelf / SAVED
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}-{digest[:8]}.yaml"
    write_atomically(file, text)
    return file


def sweeps() -> dict[str, Path]:
    """The scenarios that come with the program and have a sweep, by name."""
    found = {}
    for name in shipping.names():
        file = shipping.folder() / f"{name}.yaml"
        if re.search(r"^sweep:", file.read_text("utf-8"), re.MULTILINE):
            found[name] = file
    return found
