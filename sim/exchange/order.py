"""Who is first in an order of the whole bank, found without sorting everybody in one place.

Each shard sorts its own rows; shards then show each other a few of them, evenly spaced by weight, with how much stands
before each. That tells for most rows whether they fit; a few rounds later so few rows are in doubt that all are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.exchange import Exchange

IN_DOUBT = 2048  # rows of the whole bank, few enough to be shown
SHOWN = 1024  # rows of the whole bank that are shown in a round, of each queue
FEWEST = 8  # of a shard
DIGIT = 4  # bits of a quantile that a round finds
NOBODY = np.uint64(2**64 - 1)  # a uid that comes after all others


@dataclass(frozen=True)
class Queue:
    """Rows of this shard that wait for the same room, in their order, which is that of `keys` from small to large.

    `keys` are float64 or uint64 (rows,) each, the last of them different for every row of the bank; `weight` int64
    (rows,) and `taken`, what stands before them all, in units, `room` how many units there are. A row fits if the
    weight up to and with it (with half of it, if `half`) is at most the room.
    """

    keys: tuple[np.ndarray, ...]
    weight: np.ndarray
    room: float
    taken: int = 0
    half: bool = False

    def fits(self, reach: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Which rows fit that have so much weight up to and with them: a mask, true before it is false."""
        own = weight if self.half else 0
        return 2 * (self.taken + reach) - own <= 2.0 * self.room

    def place(self, key: Sequence[float]) -> int:
        """How many rows of this shard stand at this key or before it."""
        first, last = 0, self.weight.size
        for column, value in zip(self.keys, key, strict=True):
            part = column[first:last]
            first, last = (first + int(np.searchsorted(part, value, side)) for side in ("left", "right"))
        return last


def admitted(exchange: Exchange, queues: Sequence[Queue]) -> list[int]:
    """How many rows of each queue fit, of this shard; all shards have the same queues, each with its own rows."""
    if exchange.shards == 1 or not queues:
        return [int(np.count_nonzero(q.fits(np.cumsum(q.weight), q.weight))) for q in queues]
    searches = [_Search(queue) for queue in queues]
    while searches:
        number = max(SHOWN // exchange.shards, FEWEST)
        heads = [search.head() for search in searches]
        shown = [search.shown(number) for search in searches]
        columns = {f"head{k}": head for k, head in enumerate(heads)}
        columns |= {f"{name}{k}": column for k, one in enumerate(shown) for name, column in one.items()}
        seen = exchange.gather(columns)
        in_doubt = sum(
            search.narrow(seen[f"head{k}"].reshape(-1, len(heads[k])), {name: seen[f"{name}{k}"] for name in shown[k]})
            for k, search in enumerate(searches)
        )
        if in_doubt <= IN_DOUBT:
            break
    rest = exchange.gather({f"{name}{k}": c for k, one in enumerate(searches) for name, c in one.rest().items()})
    return [one.decide({name: rest[f"{name}{k}"] for name in one.rest()}) for k, one in enumerate(searches)]


class _Search:
    """Where one queue ends: rows before `low` fit, those from `high` on do not."""

    def __init__(self, queue: Queue):
        self.queue = queue
        self.reach = np.concatenate([[0], np.cumsum(queue.weight)])
        self.low, self.high = 0, queue.weight.size

    def head(self) -> np.ndarray:
        """Rows in doubt, the weight before them, and up to the last of them, int64 (3,)."""
        return np.array([self.high - self.low, self.reach[self.low], self.reach[self.high]], np.int64)

    def shown(self, number: int) -> dict[str, np.ndarray]:
        """Some rows in doubt: keys, what they add to the least and to the most that can stand up to and with them."""
        targets = np.linspace(self.reach[self.low], self.reach[self.high], number)
        at = np.unique(np.clip(np.searchsorted(self.reach, targets, "right") - 1, self.low, self.high - 1))
        at = at if self.high > self.low else _NONE
        upto, before = self.reach[at + 1], self.reach[at]
        least = np.diff(upto, prepend=self.reach[self.low])
        most = np.diff(np.append(before, self.reach[self.high]))
        first = np.array([before[0] if at.size else self.reach[self.high]], np.int64)
        return {"first": first, "least": least, "most": most} | self._keys(at)

    def narrow(self, heads: np.ndarray, seen: dict[str, np.ndarray]) -> int:
        """Learn from what all have shown; returns how many rows of the bank were in doubt."""
        queue = self.queue
        doubt, before, whole = heads.sum(axis=0)
        if 2 * (queue.taken + whole) <= 2.0 * queue.room:  # all fit
            self.low = self.high
            return 0
        keys = [seen[f"key{j}_"] for j in range(len(queue.keys))]
        order = np.lexsort(keys[::-1])
        least = before + np.cumsum(seen["least"][order])
        most = seen["first"].sum() + np.cumsum(seen["most"][order])
        surely = int(np.count_nonzero(2 * (queue.taken + most) <= 2.0 * queue.room))
        hardly = int(np.count_nonzero(2 * (queue.taken + least) < 2.0 * queue.room))
        low, high = self.low, self.high
        if surely:
            self.low = min(max(low, queue.place([key[order[surely - 1]] for key in keys])), high)
        if hardly < order.size:
            self.high = max(min(high, queue.place([key[order[hardly]] for key in keys])), self.low)
        return int(doubt)

    def rest(self) -> dict[str, np.ndarray]:
        """All rows in doubt, and the weight before them."""
        at = np.arange(self.low, self.high)
        return {"before": self.reach[[self.low]], "weight": self.queue.weight[at]} | self._keys(at)

    def decide(self, rest: dict[str, np.ndarray]) -> int:
        """How many rows of this shard fit, now that all in doubt are known."""
        keys = [rest[f"key{j}_"] for j in range(len(self.queue.keys))]
        order = np.lexsort(keys[::-1])
        weight = rest["weight"][order]
        fit = int(np.count_nonzero(self.queue.fits(rest["before"].sum() + np.cumsum(weight), weight)))
        if fit == 0:
            return self.low
        return max(self.low, self.queue.place([key[order[fit - 1]] for key in keys]))

    def _keys(self, at: np.ndarray) -> dict[str, np.ndarray]:
        return {f"key{j}_": key[at] for j, key in enumerate(self.queue.keys)}


def quantiles(
    exchange: Exchange, value: np.ndarray, uid: np.ndarray, weight: np.ndarray, steps: np.ndarray
) -> np.ndarray:
    """What stands at these shares of the bank's weight in the order of `value`, float64 (steps,); 0 of nobody.

    `value`, float64 (rows,) and nowhere negative, in between two rows straight from one to the other, as `np.interp`
    has it; rows of the same value stand by uid.
    """
    order = np.lexsort((uid, value))
    value, uid, weight = np.abs(value[order].astype(np.float64)), uid[order], weight[order].astype(np.int64)
    bits, reach = value.view(np.uint64), np.concatenate([[0], np.cumsum(weight)])
    (whole,) = exchange.total(reach[-1:])
    wanted = np.maximum(steps * float(whole[0]), 1.0)  # of units, which are whole
    if not whole[0]:
        return np.zeros(steps.size)
    found = np.zeros(steps.size, np.uint64)  # floats of one sign stand in the order of their bits
    for shift in range(64 - DIGIT, -1, -DIGIT):
        ends = (np.arange(1, 1 << DIGIT, dtype=np.uint64) << np.uint64(shift)) - np.uint64(1)
        (upto,) = exchange.total(reach[np.searchsorted(bits, found[:, None] + ends, "right")])
        found += np.count_nonzero(upto < wanted[:, None], axis=1).astype(np.uint64) << np.uint64(shift)
    first = np.searchsorted(bits, found)  # the row that the share falls on or before, and the one before it
    there = np.append(bits, np.uint64(0))[first] == found
    around = exchange.gather(
        {
            "below": reach[first],
            "value": np.where(first > 0, np.append(value, 0.0)[first - 1], -1.0),
            "uid": np.where(there, np.append(uid, NOBODY)[first], NOBODY),
            "weight": np.where(there, np.append(weight, 0)[first], 0),
        }
    )
    by_shard = {name: column.reshape(-1, steps.size) for name, column in around.items()}
    below, previous, who = by_shard["below"].sum(axis=0), by_shard["value"].max(axis=0), by_shard["uid"].argmin(axis=0)
    upto = below + np.take_along_axis(by_shard["weight"], who[None], axis=0)[0]
    here = found.view(np.float64)
    return np.array(
        [
            float(np.interp(x, [a, b], [low, high])) if low >= 0 else float(high)
            for x, a, b, low, high in zip(wanted, below, upto, previous, here, strict=True)
        ]
    )


_NONE = np.zeros(0, np.int64)
