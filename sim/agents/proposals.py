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
        rows = np.concatenate([wish.rows for wish in wishes]) if wishes else np.zeros(0, np.int64)
        found, place = np.unique(rows, return_inverse=True)
        priority = np.full(found.size, -np.inf)
        keep, lead = np.zeros(found.size, bool), np.zeros(found.size, bool)
        if wishes:
            np.maximum.at(priority, place, np.concatenate([wish.priority for wish in wishes]))
            purpose = np.concatenate([wish.purpose for wish in wishes])
            np.logical_or.at(keep, place, (purpose & RETENTION) != 0)
            np.logical_or.at(lead, place, (purpose & LEAD) != 0)
        purpose = np.where(keep, RETENTION, np.where(lead, LEAD, 0)).astype(np.int8)
        return cls(found, priority, purpose)
