"""Chunks of work through Dask: what to hand out and when, and what to do when workers, clusters or schedulers die.

The truth is on disk: a job's `do` stores what it makes, and what comes back is a receipt. So everything here may be
lost at any moment, and whoever drives again hands out what is not stored. `docs/sweeps.md` tells what can happen and
what follows.
"""

from __future__ import annotations

import contextlib
import itertools
import statistics
import time
import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sim.errors import RunFailed, SimError
from sim.experiments.callbacks import Callback
from sim.experiments.executors.chunks import WINDOW, Chunk, Todo
from sim.experiments.executors.deaths import WorkerDeaths
from sim.experiments.executors.place import Where, need_dask

DEATHS = 3  # of the process of an item, after which it is written off
RAISED = 2  # times that a chunk may come back with an exception of ours before its items are written off
SPARED = 10  # times that an item is tried again because it was not under way when its worker died
STALL = 300.0  # seconds without a receipt, or ten median chunks if that is more, after which a cluster is given up
BUSY = 12  # times as long is waited while workers compute: an item may be longer than any before it
AT_WORK = 10.0  # percent of a core that a worker which computes takes at least, on a busy machine too
STALLS = 4  # in a row, each with twice the patience of the one before, then the driver gives up
IN_CHUNKS_OF = 32  # items whose results are stored together where they are done in this process
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


class Stalled(Exception):
    """A cluster does not answer any more; what was handed out is handed out again, to a new one."""


class Lost(Exception):
    """The scheduler is gone."""


def drive(
    job: Job[Item],
    items: Iterable[Item],
    where: Where,
    callback: Callback | None = None,
    *,
    folder: Path | None = None,
    limit: float | None = None,
) -> None:
    """Have all items done somewhere; returns when each is stored or written off.

    `folder` is where the job stores, so that it can be made sure that workers elsewhere see it. `limit` is how many
    seconds one item may take where that is known: nothing counts as stalled before. Raises `RunFailed` when nothing
    can be done any more (what is stored stays); `KeyboardInterrupt` goes through, with the cluster closed.
    """
    callback = callback or Callback()
    if where.here:
        every = list(items)
        for first in range(0, len(every), IN_CHUNKS_OF):
            callback.chunk(job.do(every[first : first + IN_CHUNKS_OF]))
            callback.tick(1)
        return
    need_dask()
    todo = Todo(list(items))
    stalls = 0
    while todo:
        before = todo.left
        window = Window(job, todo, where, callback, limit, patience=max(STALL, 2 * (limit or 0.0)) * 2**stalls)
        try:
            with WorkerDeaths() as deaths, where.open(folder, callback.note) as (client, cluster):
                window.run(client, cluster, deaths)
        except (Stalled, Lost) as trouble:
            stalls = 1 if todo.left < before else stalls + 1
            if not where.ours or stalls > STALLS:
                raise RunFailed(f"{trouble}; what was finished is kept, --resume goes on") from None
            callback.note(f"{trouble}; starting a new cluster, nothing that was finished is lost")


class Window(Generic[Item]):
    """A few chunks for each worker under way at a time, on one cluster."""

    def __init__(
        self, job: Job[Item], todo: Todo[Item], where: Where, callback: Callback, limit: float | None, patience: float
    ):
        self.job, self.todo, self.where, self.callback, self.limit = job, todo, where, callback, limit
        self.patience = patience
        self.under_way: dict[Any, Chunk[Item]] = {}
        self.seconds: deque[float] = deque(maxlen=99)  # of the latest chunks
        self.group, self.numbers = f"chunk-{uuid.uuid4().hex}", itertools.count()
        self.workers = where.workers
        self.none_since: float | None = None
        self.fewer_since: float | None = None
        self.last_sign = self.looked = time.monotonic()
        self.asked, self.look_closer = -ASK, 0.0

    def run(self, client: Any, cluster: Any, deaths: WorkerDeaths) -> None:
        """Until all is done, or `Stalled` or `Lost`."""
        from distributed import as_completed

        self.client, self.deaths = client, deaths
        self.scheduler = getattr(cluster, "scheduler", None)
        # Results are gathered with the futures: asking for one by itself could wait for a worker that has just died.
        self.arriving = as_completed(loop=client.loop, with_results=True, raise_errors=False)
        self.last_sign = time.monotonic()
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
            for future in self.under_way:  # on a cluster that goes on living nobody shall live them
                future.release()
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
        status = future.status
        future.release()  # and with it what the worker keeps: its receipt, or an error with all it held on to
        if status == "finished":
            self._done(chunk, result)
        elif status == "error":
            self._broke(chunk, result[1] if isinstance(result, tuple) else result)
        else:  # cancelled or lost: the scheduler has forgotten it
            self.todo.alone.append(chunk)
            if self.client.status != "running":
                raise Lost(f"the scheduler at {self._address()} is lost")

    def _done(self, chunk: Chunk[Item], receipt: dict[str, Any]) -> None:
        self.last_sign, self.look_closer = time.monotonic(), 0.0
        self.seconds.append(receipt["seconds"])
        again = receipt.get("again") or []
        if receipt["units"]:
            self.todo.paces.append(receipt["seconds"] / receipt["units"])
        for item in again:
            self.todo.alone.append(Chunk([item], deaths=chunk.deaths + 1))
        self.callback.chunk(receipt)

    def _broke(self, chunk: Chunk[Item], error: BaseException) -> None:
        from distributed import KilledWorker

        if isinstance(error, SimError):
            raise error
        self.last_sign = time.monotonic()
        if isinstance(error, KilledWorker):
            chunk.deaths += error.allowed_failures + 1 if len(chunk.items) == 1 else 1  # whose they were is not known
            reason = self.deaths.reason(error, chunk.deaths)
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
                self.callback.crashed(item, stored)
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
        self.callback.tick(self.workers)
        self._miss_workers(now)
        if self.client.status not in ("running", "connecting"):
            raise Lost(f"the scheduler at {self._address()} is lost")
        if self.workers:
            self._miss_receipts(now)
        else:
            self.last_sign = now  # waiting for workers is no stall

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

    def _miss_receipts(self, now: float) -> None:
        """Silence for much longer than a chunk takes is a stall; if workers compute all the while, for longer still."""
        wait, silence = max(self.patience, 10 * statistics.median(self.seconds or [0.0])), now - self.last_sign
        if silence > wait and now > self.look_closer:
            if silence > BUSY * wait or not self._computing():
                raise Stalled(f"nothing has come back for {silence:.0f} s")
            if not self.look_closer:
                what = "; a sweep's seconds_limit ends units that take too long" if self.limit is None else ""
                self.callback.note(f"nothing has come back for {silence:.0f} s, but workers compute{what}")
            self.look_closer = now + wait / 10

    def _computing(self) -> bool:
        """Whether a worker takes a good part of a core, as it said last."""
        with contextlib.suppress(Exception):  # a scheduler that does not answer
            identity = self.client.sync(self.client.scheduler.identity, n_workers=-1, callback_timeout=10)
            return any(one["metrics"]["cpu"] > AT_WORK for one in identity["workers"].values())
        return False

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
