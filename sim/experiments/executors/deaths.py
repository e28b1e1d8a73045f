"""How worker processes of this machine ended."""

from __future__ import annotations

import logging
import re
import signal
from collections import deque
from typing import Any


class WorkerDeaths(logging.Handler):
    """How the latest workers of this machine ended, as their nannies say in the log; which is shown to nobody.

    Whatever Dask logs while workers and schedulers die, tracebacks and all, is told by us in a line where it matters.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.latest: deque[str] = deque(maxlen=20)
        self.nannies = [logging.getLogger(name) for name in ("distributed.nanny", "distributed.nanny.memory")]
        known = logging.root.manager.loggerDict
        mute = {name for name in known if name.partition(".")[0] in ("distributed", "tornado", "asyncio", "bokeh")}
        self.others = [logging.getLogger(name) for name in sorted(mute | {"distributed", "tornado", "asyncio"})]
        self.others = [one for one in self.others if one not in self.nannies]

    def __enter__(self) -> WorkerDeaths:
        self.before = [(one, one.level, one.propagate) for one in (*self.nannies, *self.others)]
        for one in self.others:
            one.setLevel(logging.CRITICAL + 1)
        for one in self.nannies:
            one.addHandler(self)
            one.setLevel(logging.INFO)
            one.propagate = False
        return self

    def __exit__(self, *_: object) -> None:
        for one, level, propagate in self.before:
            one.removeHandler(self)
            one.setLevel(level)
            one.propagate = propagate

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what tells of an end."""
        text = record.getMessage()
        if "memory budget" in text:
            self.latest.append("it took more memory than a worker may")
        elif found := re.search(r"was killed by signal (\d+)", text):
            number = int(found[1])
            names = {one.value: one.name for one in signal.Signals}
            if number != signal.SIGTERM or not (self.latest and "memory" in self.latest[-1]):
                self.latest.append(f"killed by {names.get(number, f'signal {number}')}")
        elif found := re.search(r"exited with status (\d+)", text):
            self.latest.append(f"it ended with status {found[1]}")

    def reason(self, error: Any, deaths: int) -> str:
        """What is said of an item whose workers died."""
        last = f"; the last time {self.latest[-1]}" if self.latest else ""
        return f"its worker process died {deaths} times{last}"
