"""How the shards of one bank agree on what is of the whole bank.

A bank may live in several processes: each has the whole head (managers, channels, levers, ledger, recorder), which is
the same everywhere because nothing in it is random, and a part of the customers. Wherever a number is of the whole
bank, every shard gives its part to the exchange, at the same point of the same month, and gets the same answer. Sums
are of whole numbers (or of floats to which one shard alone adds), so that they are the same bits in any order, for any
number of shards.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

Arrays = tuple[np.ndarray, ...]
TOTAL, GATHER, SEND = "total", "gather", "send"


class Exchange(Protocol):
    """What a bank asks of the other shards; every shard asks the same questions in the same order."""

    @property
    def shards(self) -> int: ...

    @property
    def mine(self) -> int: ...

    def total(self, *arrays: np.ndarray) -> Arrays:
        """The sums of these arrays over all shards, of the same shapes and types; whole numbers."""
        ...

    def gather(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The rows of all shards, in the order of shards; `columns` are arrays by name."""
        ...

    def send(self, columns: Mapping[str, np.ndarray], to: np.ndarray) -> dict[str, np.ndarray]:
        """Give each row to the shard `to`, integers (rows,); returns those that came here, in the order of shards."""
        ...


class Alone:
    """The exchange of a bank that is whole: what it has is what there is."""

    shards, mine = 1, 0

    def total(self, *arrays: np.ndarray) -> Arrays:
        return arrays

    def gather(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(columns)

    def send(self, columns: Mapping[str, np.ndarray], to: np.ndarray) -> dict[str, np.ndarray]:
        return dict(columns)


def answers(kind: str, parts: Sequence[Arrays]) -> list[Arrays]:
    """What each shard is told when each has given its arrays; of `SEND`, the first of them says where rows go."""
    if kind == SEND:
        return [
            tuple(
                np.concatenate([column[part[0] == shard] for part, column in zip(parts, columns, strict=True)])
                for columns in zip(*(part[1:] for part in parts), strict=True)
            )
            for shard in range(len(parts))
        ]
    columns = zip(*parts, strict=True)
    if kind == TOTAL:
        whole = tuple(np.asarray(sum(column[1:], start=column[0])) for column in columns)
    else:
        whole = tuple(np.concatenate(column) for column in columns)
    return [whole] * len(parts)


class Linked:
    """The exchange of one shard among several: `ask` carries a question of some kind and brings the answer."""

    def __init__(self, mine: int, shards: int, ask: Callable[[str, Arrays], Arrays]):
        self.mine, self.shards, self._ask = mine, shards, ask
        self.rounds = self.bytes_out = self.bytes_in = 0  # since it was made

    def total(self, *arrays: np.ndarray) -> Arrays:
        return self._asked(TOTAL, arrays)

    def gather(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(columns, self._asked(GATHER, tuple(columns.values())), strict=True))

    def send(self, columns: Mapping[str, np.ndarray], to: np.ndarray) -> dict[str, np.ndarray]:
        return dict(zip(columns, self._asked(SEND, (to, *columns.values())), strict=True))

    def _asked(self, kind: str, arrays: Arrays) -> Arrays:
        answer = self._ask(kind, arrays)
        self.rounds += 1
        self.bytes_out += sum(array.nbytes for array in arrays)
        self.bytes_in += sum(array.nbytes for array in answer)
        return answer


@dataclass
class Together:
    """Several shards in the threads of one process, each with its exchange of `links`."""

    shards: int

    def __post_init__(self) -> None:
        self._parts: list[tuple[str, Arrays]] = [("", ())] * self.shards
        self._answers: list[Arrays] = []
        self._barrier = threading.Barrier(self.shards, self._answer)
        self.links = [Linked(mine, self.shards, self._asker(mine)) for mine in range(self.shards)]

    def _answer(self) -> None:
        kinds = {kind for kind, _ in self._parts}
        if len(kinds) > 1:
            raise RuntimeError(f"shards are not at the same point of the month: {', '.join(sorted(kinds))}")
        self._answers = answers(kinds.pop(), [part for _, part in self._parts])

    def _asker(self, mine: int) -> Callable[[str, Arrays], Arrays]:
        def ask(kind: str, arrays: Arrays) -> Arrays:
            self._parts[mine] = kind, tuple(array.copy() for array in arrays)
            self._barrier.wait()
            answer = tuple(array.copy() for array in self._answers[mine])
            self._barrier_out.wait()
            return answer

        self._barrier_out = threading.Barrier(self.shards)
        return ask

    def abort(self) -> None:
        """Let nobody wait for a shard that is gone: every other one raises `threading.BrokenBarrierError`."""
        self._barrier.abort()
        self._barrier_out.abort()
