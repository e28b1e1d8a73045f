"""Threads that share out the work of a month; whoever asks works too.

A month is handed out a dozen times, some of it in parts of a tenth of a millisecond. `concurrent.futures` makes a
future for each part and wakes who waits for it, which takes some forty microseconds; here a part is taken off a list,
and nobody is waked but to begin and to end.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Thread, current_thread
from typing import Any, TypeVar

import numpy as np

Part = TypeVar("Part")
Found = TypeVar("Found")


class Crew:
    """So many threads, of which the one that calls is the first; their work releases Python's lock where it is long."""

    def __init__(self, threads: int):
        self.threads = threads
        self._asked: SimpleQueue[_Work | None] = SimpleQueue()
        others = [Thread(target=_serve, args=(self._asked,), name=f"crew-{n}", daemon=True) for n in range(1, threads)]
        for one in others:
            one.start()
        self._let_go = weakref.finalize(self, _let_go, self._asked, others)

    def map(self, run: Callable[[Part], Found], parts: Iterable[Part]) -> list[Found]:
        """What `run` says of every part, in order; if it fails, no more parts are begun and it is raised here."""
        work = _Work(run, list(parts))
        for _ in range(min(self.threads, len(work.parts)) - 1):
            self._asked.put(work)
        return work.done()

    def shutdown(self) -> None:
        """End the other threads; may be called again."""
        self._let_go()


class Totals:
    """Sums of whole numbers, int64 of these shapes, that parts add to in any order.

    A thread adds to arrays that nobody else has just now, so there are as many as threads are at it at a time. What
    they come to has the same bits whoever added what.
    """

    def __init__(self, *shapes: tuple[int, ...]):
        self._shapes = shapes
        self._idle: list[list[np.ndarray]] = []

    @contextmanager
    def lent(self) -> Iterator[list[np.ndarray]]:
        """Arrays to add to; what was added is lost if it fails."""
        try:
            arrays = self._idle.pop()
        except IndexError:
            arrays = [np.zeros(shape, np.int64) for shape in self._shapes]
        yield arrays
        self._idle.append(arrays)

    def whole(self) -> tuple[np.ndarray, ...]:
        """What all of it comes to; ends the adding."""
        if not self._idle:
            return tuple(np.zeros(shape, np.int64) for shape in self._shapes)
        for arrays in self._idle[1:]:
            for total, part in zip(self._idle[0], arrays, strict=True):
                total += part
        return tuple(self._idle[0])


class _Work:
    """One call of `map`."""

    def __init__(self, run: Callable[[Any], Any], parts: list[Any]):
        self.run, self.parts = run, parts
        self.left = deque(range(len(parts)))  # whoever takes a number does that part
        self.found: list[Any] = [None] * len(parts)
        self.wrong: list[BaseException] = []
        self.over: SimpleQueue[None] = SimpleQueue()  # an entry for each part that another thread is through with

    def take(self) -> int:
        """Do one part after the other while there are any; how many are through with by this thread."""
        many = 0
        while True:
            try:
                number = self.left.popleft()
            except IndexError:
                return many
            many += 1
            try:
                self.found[number] = self.run(self.parts[number])
            except BaseException as error:
                self.wrong.append(error)
                many += self.drop()

    def drop(self) -> int:
        """Leave what nobody has begun; how many parts that is."""
        many = 0
        while True:
            try:
                self.left.popleft()
            except IndexError:
                return many
            many += 1

    def done(self) -> list[Any]:
        """Work along, wait for the others, and say what was found."""
        for _ in range(len(self.parts) - self.take()):
            self.over.get()
        if self.wrong:
            raise self.wrong[0]
        return self.found


def _serve(asked: SimpleQueue[_Work | None]) -> None:
    while (work := asked.get()) is not None:
        for _ in range(work.take()):
            work.over.put(None)
        del work  # what was found belongs to who asked


def _let_go(asked: SimpleQueue[_Work | None], others: list[Thread]) -> None:
    for _ in others:
        asked.put(None)
    for one in others:
        if one is not current_thread():  # which a crew is forgotten in, if it held the last that knew of it
            one.join()
