"""Weights that give a sample the bank's margins: raking, trimmed, with what is left of the sample's size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.survey.analysis.moments import effective

ROUNDS = 500
CLOSE = 1e-10  # of a margin's shares
TRIMMED_AT = 5.0  # times the mean weight: no sheet speaks for more


@dataclass(frozen=True)
class Raked:
    """Weights of mean 1, float64 (sheets,), and the largest difference of a share from its target after trimming."""

    weights: np.ndarray
    trimmed: int
    left: float

    @property
    def effective(self) -> float:
        """As many sheets as would say as much without weights (Kish)."""
        return effective(self.weights)


def raked(margins: Sequence[tuple[np.ndarray, np.ndarray]], weights: np.ndarray) -> Raked:
    """Weights at which every margin has its shares: pairs of cell of each sheet, int (sheets,), and share by cell.

    Cells without a sheet keep nothing, so shares are those of the cells that have one. Iterative proportional fitting
    (Deming & Stephan 1940), then weights above `TRIMMED_AT` are cut to it once: `left` is what that leaves open.
    """
    start = weights / weights.mean()
    wanted = []
    for cell, share in margins:
        there = np.bincount(cell, weights=start, minlength=share.size) > 0
        kept = np.where(there, share, 0.0)
        wanted.append((cell, kept / kept.sum()))
    found = _fitted(start, wanted)
    high = found > TRIMMED_AT
    if high.any():
        found = np.minimum(found, TRIMMED_AT)
        found /= found.mean()
    left = max((float(np.abs(_shares(found, cell, share.size) - share).max()) for cell, share in wanted), default=0.0)
    return Raked(found, int(high.sum()), left)


def _fitted(weights: np.ndarray, wanted: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    found = weights.copy()
    for _ in range(ROUNDS):
        worst = 0.0
        for cell, share in wanted:
            now = _shares(found, cell, share.size)
            worst = max(worst, float(np.abs(now - share).max()))
            found *= np.divide(share, now, out=np.ones_like(share), where=now > 0)[cell]
        if worst < CLOSE:
            break
    return found / found.mean()


def _shares(weights: np.ndarray, cell: np.ndarray, cells: int) -> np.ndarray:
    return np.bincount(cell, weights=weights, minlength=cells) / weights.sum()
