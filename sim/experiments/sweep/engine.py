"""Chunks of work through Dask: what to hand out and when, and what to do when workers, clusters or schedulers die.

The truth is on disk: a job's `do` stores what it makes, and what comes back is a receipt. So everything here may be
lost at any moment, and whoever drives again hands out what is not stored. `docs/sweeps.md` tells what can happen and
what follows.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import signal
import statistics
import time
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sim.errors import RunFailed, SimError
from sim.experiments.sweep.clusters import Where, need_dask

CHUNK_SECONDS = 20.0  # of work in a chunk, once it is known how long an item takes
LONGEST_CHUNK = 60.0  # seconds of work in a chunk of a sweep so long that there would be more than `MOST_CHUNKS`
MOST_CHUNKS = 5000
SHORT_CHUNK = 2.0  # seconds of work that a chunk may hold at the very end, so that
FEW_CHUNKS = 400  # about so many are made of items that take no time
FIRST_CHUNK = 4  # items, before anything is known
WINDOW = 4  # chunks handed out for each worker: one at work, the others close by
DEATHS = 3  # of the process of an item, after which it is written off
RAISED = 2  # times that a chunk may come back with an exception of ours before its items are written off
SPARED = 10  # times that an item is tried again because it was not under way when its worker died
STALL = 300.0  # seconds without a receipt, or ten median chunks if that is more, after which a cluster is given up
STALLS = 4  # in a row, each with twice the patience of the one before, then the driver gives up
PAUSE = 0.01  # seconds between looks at what has come back
LOOK = 0.25  # seconds between looks at workers and scheduler
ASK = 2.0  # seconds between questions to a scheduler elsewhere
Item = TypeVar("Item")
Work = TypeVar("Work", contravariant=True)


class Job(Protocol[Work]):
    """Work that can be sent to a worker.

    `do` stores what it makes and returns a receipt with at least `units`, `seconds` and maybe `again`, items that it
    did not do and that are to be tried alone. `crash` is called in the driver for an item that is given up and returns
    the reason as it is stored; it may return none if it knows that the item was not under way at all: a worker that
    dies takes along what waits for it. An error of ours (`SimError`) out of `do` ends the whole: a full disk, a plan
    that cannot be read.
    """

    def do(self, items: Sequence[Work]) -> dict[str, Any]: ...

    def crash(self, item: Work, reason: str) -> str: ...


class Listener:
    """What hears how the work goes on."""

    def began(self, total: int, done: int) -> None:
        """So many items in all, of which so many were done before."""

    def chunk(self, receipt: dict[str, Any]) -> None:
        """A chunk is stored."""

    def crashed(self, item: Any, reason: str) -> None:
        """An item was given up."""

    def note(self, text: str) -> None:
        """Something that somebody may want to know."""

    def tick(self, workers: int) -> None:
        """Time passes: called a few times a second, with how many workers there are."""


@dataclass
class Chunk(Generic[Item]):
    """Items handed out together, and what happened to them so far."""

    items: list[Item]
    deaths: int = 0
    raised: int = 0
    spared: int = 0


class Stalled(Exception):
    """A cluster does not answer any more; what was handed out is handed out again, to a new one."""


class Lost(Exception):
    """The scheduler is gone."""


def drive(
    job: Job[Item],
    items: Iterable[Item],
    where: Where,
    listener: Listener | None = None,
    *,
    folder: Path | None = None,
    limit: float | None = None,
) -> None:
    """Have all items done somewhere; returns when each is stored or written off.

    `folder` is where the job stores, so that it can be made sure that workers elsewhere see it. `limit` is how many
    seconds one item may take where that is known: nothing counts as stalled before. Raises `RunFailed` when nothing
    can be done any more (what is stored stays); `KeyboardInterrupt` goes through, with the cluster closed.
    """
    need_dask()
    todo = Todo(list(items))
    ears = listener or Listener()
    stalls = 0
    while todo:
        before = todo.left
        window = Window(job, todo, where, ears, patience=max(STALL, 2 * (limit or 0.0)) * 2**stalls)
        try:
            with _Obituaries() as obituaries, where.open(folder, ears.note) as (client, cluster):
                window.run(client, cluster, obituaries)
        except (Stalled, Lost) as trouble:
            stalls = 1 if todo.left < before else stalls + 1
            if not where.ours or stalls > STALLS:
                raise RunFailed(f"{trouble}; what was finished is kept, --resume goes on") from None
            ears.note(f"{trouble}; starting a new cluster, nothing that was finished is lost")


@dataclass
class Todo(Generic[Item]):
    """What is to be done: items in order, cut into chunks by how long they take; items to be tried alone first."""

    items: list[Item]
    alone: deque[Chunk[Item]] = field(default_factory=deque)
    given: list[Chunk[Item]] = field(default_factory=list)
    place: int = 0
    paces: deque[float] = field(default_factory=lambda: deque(maxlen=25))  # seconds an item, of the latest chunks

    def __post_init__(self) -> None:
        self.total = len(self.items)

    @property
    def left(self) -> int:
        """Items that are neither done nor written off."""
        waiting = self.total - self.place
        return waiting + sum(len(chunk.items) for chunk in (*self.alone, *self.given))

    def __bool__(self) -> bool:
        return self.left > 0

    def next(self, workers: int) -> Chunk[Item] | None:
        """The next chunk for one of so many workers; None when all is handed out."""
        if self.alone:
            chunk = self.alone.popleft()
        elif self.place < self.total:
            end = min(self.place + self.size(workers), self.total)
            chunk = Chunk(self.items[self.place : end])
            self.place = end
        else:
            return None
        self.given.append(chunk)
        return chunk

    def size(self, workers: int) -> int:
        """Items of the next chunk: some seconds of work, towards the end less, that all workers end together."""
        waiting = self.total - self.place
        share = -(-waiting // (3 * max(workers, 1)))
        if not self.paces:
            return max(1, min(FIRST_CHUNK, waiting // (WINDOW * max(workers, 1))))
        pace = max(statistics.median(self.paces), 1e-6)
        wanted = min(max(CHUNK_SECONDS, self.total * pace / MOST_CHUNKS), LONGEST_CHUNK)
        few = min(self.total / FEW_CHUNKS, SHORT_CHUNK / pace)
        return max(1, round(few), min(int(wanted / pace), share))

    def back(self, chunk: Chunk[Item]) -> None:
        """A chunk is not under way any more."""
        self.given.remove(chunk)

    def return_all(self) -> None:
        """Nothing is under way any more: what was is to be done first."""
        self.alone.extendleft(reversed(self.given))
        self.given.clear()


class Window(Generic[Item]):
    """A few chunks for each worker under way at a time, on one cluster."""

    def __init__(self, job: Job[Item], todo: Todo[Item], where: Where, ears: Listener, patience: float):
        self.job, self.todo, self.where, self.ears = job, todo, where, ears
        self.patience = patience
        self.under_way: dict[Any, Chunk[Item]] = {}
        self.seconds: deque[float] = deque(maxlen=99)  # of the latest chunks
        self.group, self.numbers = f"chunk-{uuid.uuid4().hex}", itertools.count()
        self.workers = where.workers
        self.none_since: float | None = None
        self.fewer_since: float | None = None
        self.heard = self.looked = time.monotonic()
        self.asked = -ASK

    def run(self, client: Any, cluster: Any, obituaries: _Obituaries) -> None:
        """Until all is done, or `Stalled` or `Lost`."""
        from distributed import as_completed

        self.client, self.obituaries = client, obituaries
        self.scheduler = getattr(cluster, "scheduler", None)
        # Results are gathered with the futures: asking for one by itself could wait for a worker that has just died.
        self.arriving = as_completed(loop=client.loop, with_results=True, raise_errors=False)
        self.heard = time.monotonic()
        try:
            self._look_around()
            self._fill()
            while self.under_way:
                came = self.arriving.next_batch(block=False)
                for future, result in came:
                    self._received(future, result)
                self._look_around()
                self._fill()
                if not came:
                    time.sleep(PAUSE)
        finally:
            self.todo.return_all()
            self.under_way.clear()

    def _fill(self) -> None:
        while len(self.under_way) < WINDOW * max(self.workers, 1):
            chunk = self.todo.next(self.workers)
            if chunk is None:
                return
            # The keys make one group of all chunks: Dask keeps waiting tasks of a large group away from workers.
            key = (self.group, next(self.numbers))
            future = self.client.submit(self.job.do, chunk.items, pure=False, key=key)
            self.under_way[future] = chunk
            self.arriving.add(future)

    def _received(self, future: Any, result: Any) -> None:
        chunk = self.under_way.pop(future, None)
        if chunk is None:
            return
        self.todo.back(chunk)
        if future.status == "finished":
            self._done(chunk, result)
        elif future.status == "error":
            self._broke(chunk, result[1] if isinstance(result, tuple) else result)
        else:  # cancelled or lost: the scheduler has forgotten it
            self.todo.alone.append(chunk)
            if self.client.status != "running":
                raise Lost(f"the scheduler at {self._address()} is lost")
        future.release()

    def _done(self, chunk: Chunk[Item], receipt: dict[str, Any]) -> None:
        self.heard = time.monotonic()
        self.seconds.append(receipt["seconds"])
        again = receipt.get("again") or []
        if receipt["units"]:
            self.todo.paces.append(receipt["seconds"] / receipt["units"])
        for item in again:
            self.todo.alone.append(Chunk([item], deaths=chunk.deaths + 1))
        self.ears.chunk(receipt)

    def _broke(self, chunk: Chunk[Item], error: BaseException) -> None:
        from distributed import KilledWorker

        if isinstance(error, SimError):
            raise error
        self.heard = time.monotonic()
        if isinstance(error, KilledWorker):
            chunk.deaths += error.allowed_failures + 1 if len(chunk.items) == 1 else 1  # whose they were is not known
            reason = self.obituaries.reason(error, chunk.deaths)
        else:
            chunk.raised += 1
            reason = f"{type(error).__name__}: {error}"
        if len(chunk.items) > 1:
            self.todo.alone.extend(Chunk([item], chunk.deaths, chunk.raised) for item in chunk.items)
        elif chunk.deaths < DEATHS and chunk.raised < RAISED:
            self.todo.alone.append(chunk)
        else:
            (item,) = chunk.items
            if stored := self.job.crash(item, reason):
                self.ears.crashed(item, stored)
            elif chunk.spared < SPARED:
                self.todo.alone.append(Chunk(chunk.items, spared=chunk.spared + 1))
            else:
                raise RunFailed(f"workers die before they do anything: {reason}; --resume goes on")

    def _look_around(self) -> None:
        """A few times a second: are there workers, is the scheduler there, does anything come back?"""
        now = time.monotonic()
        if now - self.looked < LOOK and self.under_way:
            return
        self.looked = now
        self.workers = self._count()
        self.ears.tick(self.workers)
        self._miss_workers(now)
        if self.client.status not in ("running", "connecting"):
            raise Lost(f"the scheduler at {self._address()} is lost")
        wait = max(self.patience, 10 * statistics.median(self.seconds) if self.seconds else 0.0)
        if self.workers and now - self.heard > wait:
            raise Stalled(f"nothing has come back for {now - self.heard:.0f} s")
        if not self.workers:
            self.heard = now  # waiting for workers is no stall

    def _miss_workers(self, now: float) -> None:
        """Without any worker for a while, or on this machine with fewer than asked for, the cluster is given up."""
        if self.workers >= (self.where.workers if self.where.local else 1):
            self.fewer_since = None
        elif self.fewer_since is None:
            self.fewer_since = now
        if self.workers:
            self.none_since = None
        elif self.none_since is None:
            self.none_since = now
        if self.none_since is not None and now - self.none_since > self.where.patience:
            raise Stalled(f"no worker at {self._address()} for {self.where.patience:.0f} s")
        if self.fewer_since is not None and now - self.fewer_since > 3 * self.where.patience:
            raise Stalled(f"only {self.workers} of {self.where.workers} workers for {3 * self.where.patience:.0f} s")

    def _count(self) -> int:
        """Workers there are: as the scheduler in this process knows, or another one says when it is asked."""
        known = getattr(self.scheduler, "workers", None)
        if known is not None:
            return len(known)
        now = time.monotonic()
        if now - self.asked > ASK:
            self.asked = now
            with contextlib.suppress(Exception):  # it does not answer: then nothing comes back, and that is noticed
                self.workers = len(self.client.sync(self.client.scheduler.ncores, workers=None, callback_timeout=5))
        return self.workers

    def _address(self) -> str:
        return str(getattr(self.client.scheduler, "address", "its address"))


class _Obituaries(logging.Handler):
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

    def __enter__(self) -> _Obituaries:
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
