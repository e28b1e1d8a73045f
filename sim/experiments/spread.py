"""Threads inside a run, or runs side by side: which is sooner done for so many rows and seeds, and fits the memory.

Threads share most of a month and no more (`SHARED`), so seeds side by side are faster, but for what worker processes
cost to start, and as long as there are seeds for all and memory for each. The numbers are rough on purpose: near the
crossover both take about as long, and the results are the same bits. docs/clusters.md says how they were found.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import ceil, inf
from pathlib import Path

from sim.phrases import counted

SMALL = 20_000  # rows below which a second thread is not worth its while
START = 5.0  # seconds until worker processes have imported the model and compiled code
ROWS_A_SECOND = 6e6  # rows a second that one thread lives through a month
MONTH = 0.004  # seconds of a month, however few rows it has
SHARED = 0.7  # of a month is done by all threads together: 1.54 times as fast on two, 2.1 on four
PROCESS, ROW = 0.4e9, 700.0  # bytes of a worker, and more for each row with the burn-in that it keeps
OF_MEMORY = 0.8  # of the machine's may be filled
AT_LEAST = 0.9  # of the time of threads may side by side take at most: it is the less simple


@dataclass(frozen=True)
class Spread:
    """How many seeds live at a time, each with how many threads."""

    workers: int
    threads: int

    def words(self, seeds: int, rows: int) -> str:
        """What is done, for people and manifests."""
        of = f"{counted(seeds, 'seed')} of {rows:,} rows"
        if self.workers > 1:
            return f"{of}: {self.workers} side by side, each in a process with one thread"
        return f"{of}: one after the other, with {counted(self.threads, 'thread')}"


def spread(
    rows: int,
    seeds: int,
    months: int,
    *,
    cores: int,
    memory: float = inf,
    started: bool = False,
    most: int | None = None,
) -> Spread:
    """What is sooner done: `months` are those of all arms of a seed, `memory` bytes that may be used.

    `started` says that worker processes start anyhow; `most` is how many seeds may live at a time (all).
    """
    threads = cores if rows > SMALL else 1
    alone = MONTH + rows / ROWS_A_SECOND
    together = MONTH + rows / ROWS_A_SECOND * (1 - SHARED + SHARED / threads)
    fits = (OF_MEMORY * memory - PROCESS) // (PROCESS + ROW * rows) if memory < inf else inf
    workers = int(min(cores, seeds, most or seeds, fits))
    if workers > 1:
        beside = (0.0 if started else START) + ceil(seeds / workers) * months * alone
        if beside <= AT_LEAST * seeds * months * together:
            return Spread(workers, 1)
    return Spread(1, threads)


def memory_of_machine() -> float:
    """Bytes that this process may use, as far as the machine or its container says; infinite where neither does."""
    found = []
    if hasattr(os, "sysconf") and {"SC_PAGE_SIZE", "SC_PHYS_PAGES"} <= set(os.sysconf_names):
        found.append(float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES"))
    for file in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            found.append(float(Path(file).read_text()))
        except (OSError, ValueError):  # not there, or "max"
            continue
    return min(found, default=inf)
