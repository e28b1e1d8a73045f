"""How good candidates are when some have lived more seeds than others, and which of them are on the front.

A gain is an objective's paired difference to the reference, turned so that more is better. Seeds differ in what they
give everybody, so a mean over other seeds would be another measure: gains are fitted as candidate + seed by least
squares, which compares candidates on the seeds they share. The gain of a candidate that has lived all seeds is its
plain mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SURE = 1.959963984540054  # standard deviations to each side of a 95 % interval


@dataclass(frozen=True)
class Fit:
    """Of one figure: the level of every candidate (NaN: not lived), seeds it rests on, and the spread of one seed."""

    level: np.ndarray
    seeds: np.ndarray
    sd: float

    @property
    def margin(self) -> np.ndarray:
        """Half the 95 % interval of a level by the spread of all candidates together."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return SURE * self.sd / np.sqrt(self.seeds)


def fit(values: np.ndarray) -> Fit:
    """Levels of candidates from values (candidates, seeds), NaN where a candidate has not lived a seed."""
    known = ~np.isnan(values)
    counts, crowd = known.sum(axis=1), known.sum(axis=0)
    seeds = np.flatnonzero(crowd)
    whole = np.where(known, values, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        own = whole.sum(axis=1) / counts
    if not len(seeds):
        return Fit(own, counts, np.nan)
    # normal equations of the seeds' effects once candidates are eliminated; candidates share seeds, so one constant
    # is left open, which makes effects add up to 0
    there = known[:, seeds].astype(float)
    weights = np.divide(1.0, counts, out=np.zeros(len(counts)), where=counts > 0)
    left = np.diag(crowd[seeds].astype(float)) - there.T @ (weights[:, None] * there)
    right = whole[:, seeds].sum(axis=0) - there.T @ np.nan_to_num(own)
    effects = np.linalg.lstsq(left, right, rcond=None)[0]
    effects -= effects.mean()
    with np.errstate(divide="ignore", invalid="ignore"):
        level = own - (there @ effects) / counts
    rest = np.where(known[:, seeds], values[:, seeds] - level[:, None] - effects, 0.0)
    freedom = int(known.sum()) - int((counts > 0).sum()) - len(seeds) + 1
    return Fit(level, counts, float(np.sqrt((rest**2).sum() / freedom)) if freedom > 0 else np.nan)


def dominates(gains: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mask (n, m): whether row i of gains (n, k) is nowhere worse than row j of others (m, k), and somewhere better."""
    a, b = gains[:, None, :], others[None, :, :]
    return np.all(a >= b, axis=2) & np.any(a > b, axis=2)


def ranks(gains: np.ndarray, violation: np.ndarray) -> np.ndarray:
    """Constrained non-dominated rank, 0 the front: those within limits first, the others by how much they break them.

    `gains` (n, k), `violation` (n,) 0 where all limits are kept. Rows with NaN come last of all, with rank n.
    """
    n = len(gains)
    rank = np.full(n, n, dtype=np.int64)
    known = ~np.isnan(gains).any(axis=1) & ~np.isnan(violation)
    left = np.flatnonzero(known & (violation <= 0))
    beaten = dominates(gains[left], gains[left])
    now = 0
    while len(left):
        free = ~beaten.any(axis=0)
        rank[left[free]] = now
        left, beaten, now = left[~free], beaten[np.ix_(~free, ~free)], now + 1
    for broken in np.unique(violation[known & (violation > 0)]):
        rank[known & (violation == broken)] = now
        now += 1
    return rank


def crowding(gains: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """How alone each candidate is within its rank, infinite at the ends of an objective."""
    alone = np.zeros(len(gains))
    for level in np.unique(rank):
        members = np.flatnonzero(rank == level)
        if level == len(gains) and np.isnan(gains[members]).any():
            continue
        for k in range(gains.shape[1]):
            order = members[np.argsort(gains[members, k], kind="stable")]
            values = gains[order, k]
            alone[order[[0, -1]]] = np.inf
            span = values[-1] - values[0]
            if span > 0 and len(order) > 2:
                alone[order[1:-1]] += (values[2:] - values[:-2]) / span
    return alone


def best_first(gains: np.ndarray, violation: np.ndarray) -> np.ndarray:
    """Candidates that can be ranked, by rank, within it the loneliest first, then by number."""
    rank = ranks(gains, violation)
    order = np.lexsort((np.arange(len(rank)), -crowding(gains, rank), rank))
    return order[rank[order] < len(rank)]


def hypervolume(gains: np.ndarray, corner: np.ndarray) -> float:
    """Area of two gains that some candidate reaches beyond a corner: how much of the plane is beaten."""
    inside = gains[(gains > corner).all(axis=1)]
    area, height = 0.0, float(corner[1])
    for x, y in sorted(map(tuple, inside), reverse=True):
        if y > height:
            area += (x - float(corner[0])) * (y - height)
            height = y
    return area
