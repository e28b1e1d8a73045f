"""The Shapley value: what each member of a coalition brings, averaged over every order in which they might join.

Exact over all coalitions for few members; over sampled orders for many. The parts always add up to the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import combinations
from math import factorial

import numpy as np

MOST_EXACT = 7  # members; 128 coalitions

Member = str
Value = Callable[[frozenset[Member]], float]


def coalitions(members: Sequence[Member]) -> Iterator[frozenset[Member]]:
    """All subsets, the empty one first, smaller before larger."""
    for size in range(len(members) + 1):
        for chosen in combinations(members, size):
            yield frozenset(chosen)


def exact(members: Sequence[Member], value: Value) -> np.ndarray:
    """Shapley value of each member, float64, from the value of every coalition."""
    n = len(members)
    share = [factorial(size) * factorial(n - size - 1) / factorial(n) for size in range(n)]
    out = np.zeros(n)
    for i, member in enumerate(members):
        others = [other for other in members if other != member]
        for without in coalitions(others):
            out[i] += share[len(without)] * (value(without | {member}) - value(without))
    return out


def orders(members: Sequence[Member], samples: int, seed: int) -> list[tuple[Member, ...]]:
    """Sampled orders of joining, each followed by its reverse (antithetic); the same for the same seed."""
    rng = np.random.default_rng([0x5AAF1E, seed])
    out: list[tuple[Member, ...]] = []
    while len(out) < samples:
        order = tuple(members[i] for i in rng.permutation(len(members)))
        out += [order, order[::-1]]
    return out[:samples]


def needed(order: Sequence[Member]) -> Iterator[frozenset[Member]]:
    """The coalitions met when members join in this order, the empty one first."""
    for size in range(len(order) + 1):
        yield frozenset(order[:size])


def sampled(members: Sequence[Member], value: Value, joined: Sequence[Sequence[Member]]) -> np.ndarray:
    """Mean contribution of each member over sampled orders of joining; adds up to the whole as every order does."""
    place = {member: i for i, member in enumerate(members)}
    out = np.zeros(len(members))
    for order in joined:
        steps = [value(coalition) for coalition in needed(order)]
        for member, gain in zip(order, np.diff(steps), strict=True):
            out[place[member]] += gain
    return out / len(joined)
