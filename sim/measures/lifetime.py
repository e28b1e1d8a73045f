"""What a customer is worth over a lifetime: chains of moves between tiers, dormancy and closing, as formulas.

A *closed* class of states is one that nobody leaves. Where such a class earns something its customers stay and pay for
ever: their value is a perpetuity, finite only by discounting. At a discount rate of 0, or one so small that a
perpetuity counts more than 10,000 years, that value has no end; so has that of every state from which the class can be
reached, and these alone are NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

SMALLEST_DISCOUNT = 1e-4  # a year; below it a perpetuity, worth 1 / rate years, is as good as endless


def migration_value(P: Any, R: Any, discount: float) -> np.ndarray:
    """Expected discounted margin from each state, V = (I - P / (1 + d))^-1 R, of a customer-migration chain.

    P (..., states, states) yearly transition probabilities, R (..., states) margin of a year spent in the state, d a
    year; the first year's margin is not discounted. A class that is never left and earns nothing is worth 0, so d = 0
    works wherever every customer leaves in the end. NaN are the states whose value has no end, and no others. Source:
    Pfeifer & Carraway 2000 [F70].
    """
    P, R = np.asarray(P, dtype=float), np.asarray(R, dtype=float)
    paying, idle = _kept(P, R)
    endless = reaches(P, paying) if discount < SMALLEST_DISCOUNT else np.zeros(R.shape, dtype=bool)
    A, margin = _system(P, R, discount, endless | idle)
    return np.where(endless, np.nan, np.linalg.solve(A, margin[..., None])[..., 0])


def perpetual(P: Any, R: Any) -> np.ndarray:
    """Mask (..., states) of those whose value rests on a perpetuity: they can reach a class that pays for ever."""
    P, R = np.asarray(P, dtype=float), np.asarray(R, dtype=float)
    return reaches(P, _kept(P, R)[0])


def kept_for_ever(P: Any, R: Any) -> np.ndarray:
    """Mask (..., states) of those that are in such a class themselves."""
    return _kept(np.asarray(P, dtype=float), np.asarray(R, dtype=float))[0]


def reaches(P: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Mask (..., states) of those from which one of the wanted states can be reached, themselves included."""
    return np.asarray((_paths(P) & wanted[..., None, :]).any(axis=-1))


def _paths(P: np.ndarray) -> np.ndarray:
    """Whether the state of a column can ever be reached from that of a row; every state reaches itself."""
    path: np.ndarray = (P > 0.0) | np.eye(P.shape[-1], dtype=bool)
    for _ in range(max(P.shape[-1] - 1, 1).bit_length()):
        path = (path[..., :, :, None] & path[..., None, :, :]).any(axis=-2)
    return path


def _kept(P: np.ndarray, R: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Masks of the states in classes that nobody leaves: those that pay something, those that do not."""
    path = _paths(P)
    closed = (path <= np.swapaxes(path, -1, -2)).all(axis=-1)  # whoever can be reached can come back
    pays = (path & (R != 0.0)[..., None, :]).any(axis=-1)
    return closed & pays, closed & ~pays


def _system(P: np.ndarray, R: np.ndarray, discount: float, fixed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The linear system of the values; the rows of the fixed states say V = 0."""
    eye = np.eye(P.shape[-1])
    A = np.where(fixed[..., None], eye, eye - P / (1.0 + discount))
    return A, np.where(fixed, 0.0, R)


def value_error(moved: Any, R: Any, discount: float, held: Any, weight: Any = 1.0) -> np.ndarray:
    """Standard error of sum(held x V) by the delta method, from how many moves each state's probabilities rest on.

    `moved` (..., states, states) customers seen to go from row to column, R as in `migration_value`, `held`
    (..., states) what the values are weighted by, `weight` (states,) customers that a simulated row stands for: rows
    move, so rows count. Moves from a state are multinomial. So that a state nobody was seen to leave is not taken for a
    sure thing, its variance is that with one more row, spread evenly over all states. Margins are taken as known. NaN
    where the value is, and where a state with a say was never seen.
    """
    moved, R, held = (np.asarray(one, dtype=float) for one in (moved, R, held))
    states = R.shape[-1]
    seen = moved.sum(axis=-1)
    P = chances(moved)
    V = migration_value(P, R, discount)
    idle = _kept(P, R)[1]
    rows = seen / np.broadcast_to(np.asarray(weight, dtype=float), seen.shape)
    fixed = np.isnan(V) | (idle & ((rows == 0.0) | (discount < SMALLEST_DISCOUNT)))  # closed is closed: no estimate
    A, _ = _system(P, R, discount, fixed)
    say = np.linalg.solve(np.swapaxes(A, -1, -2), held[..., None])[..., 0] / (1.0 + discount)  # d sum / d (P V)
    known = np.nan_to_num(V)[..., None, :]
    smooth = (P * rows[..., None] + 1.0 / states) / (rows[..., None] + 1.0)
    mean = (smooth * known).sum(axis=-1, keepdims=True)
    variance = (smooth * (known - mean) ** 2).sum(axis=-1) / np.where(rows > 0, rows, np.nan)
    part = np.where((say == 0.0) | fixed, 0.0, say**2 * variance)
    gone = (np.isnan(V) & (held != 0.0)).any(axis=-1)
    return np.where(gone, np.nan, np.sqrt(part.sum(axis=-1)))


def chances(moved: np.ndarray) -> np.ndarray:
    """Yearly probabilities of moves that were counted; a state where nobody was seen is one that is never left."""
    seen = moved.sum(axis=-1, keepdims=True) + np.zeros_like(moved)
    eye = np.broadcast_to(np.eye(moved.shape[-1]), moved.shape)
    return np.where(seen > 0, np.divide(moved, seen, out=np.zeros_like(moved), where=seen > 0), eye)


def expected_years(P: Any, within: Sequence[int] | None = None) -> np.ndarray:
    """Expected years spent in the states `within` (default: all but absorbing ones) from each state, until absorbed.

    Row sums of the fundamental matrix (I - Q)^-1, the first year counted; 0 from an absorbing state, infinite from a
    state that can reach a class which has such a state and is never left. P (states, states) is yearly. With `within`
    the active tiers: expected active years. Source: F70.
    """
    P = np.asarray(P, dtype=float)
    transient = np.flatnonzero(np.diagonal(P) < 1.0)
    wanted = transient if within is None else [state for state in within if state in transient]
    visited = np.isin(np.arange(len(P)), wanted).astype(float)
    stays, never = _kept(P, visited)
    endless = reaches(P, stays)
    A, ones = _system(P, visited, 0.0, endless | never)
    return np.where(endless, np.inf, np.linalg.solve(A, ones))
