"""What is to be done and how much of it at a time."""

from __future__ import annotations

import statistics
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

CHUNK_SECONDS = 20.0  # of work in a chunk, once it is known how long an item takes
LONGEST_CHUNK = 60.0  # seconds of work in a chunk of a sweep so long that there would be more than `MOST_CHUNKS`
MOST_CHUNKS = 5000
SHORT_CHUNK = 2.0  # seconds of work that a chunk may hold at the very end, so that
FEW_CHUNKS = 400  # about so many are made of items that take no time
FIRST_CHUNK = 1  # items, before anything is known
WINDOW = 4  # chunks handed out for each worker: one at work, the others close by
Item = TypeVar("Item")


@dataclass
class Chunk(Generic[Item]):
    """Items handed out together, and what happened to them so far."""

    items: list[Item]
    deaths: int = 0
    raised: int = 0
    spared: int = 0


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
