"""Whom a strategy wants contacted this month: rows, how much, and what for. Managers and channels decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.codes import LEAD, RETENTION


@dataclass(frozen=True)
class Proposals:
    """Wishes over the rows of the view that a strategy was shown.

    `rows` int64, each at most once; `priority` float64, in SD of a score (0 = the average customer, larger first), so
    that wishes of different strategies can stand in one queue; `purpose` int8: 0, RETENTION or LEAD.
    """

    rows: np.ndarray
    priority: np.ndarray
    purpose: np.ndarray

    @classmethod
    def for_rows(cls, wanted: np.ndarray, *, priority: np.ndarray, purpose: int = 0) -> Proposals:
        """Wishes for the rows where the mask `wanted` holds; `priority` has an entry for every row of the view."""
        rows = np.flatnonzero(wanted)
        return cls(rows, np.asarray(priority, np.float64)[rows], np.full(rows.size, purpose, np.int8))

    @classmethod
    def merged(cls, wishes: Sequence[Proposals]) -> Proposals:
        """One queue of several: a row wanted twice keeps its highest priority; keeping goes before selling."""
        wishes = [wish for wish in wishes if wish.rows.size]
        size = max((int(wish.rows.max()) + 1 for wish in wishes), default=0)
        priority, purposes = np.full(size, -np.inf), np.zeros(size, np.int8)
        wanted = np.zeros(size, bool)
        for wish in wishes:
            wanted[wish.rows] = True
            priority[wish.rows] = np.maximum(priority[wish.rows], wish.priority)
            purposes[wish.rows] |= wish.purpose
        found = np.flatnonzero(wanted)
        purpose = purposes[found]
        keep, lead = purpose & np.int8(RETENTION), purpose & np.int8(LEAD)
        return cls(found, priority[found], np.where(keep != 0, keep, lead))
