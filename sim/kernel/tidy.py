"""Rows put in order within a chunk: by state, then by tier, so that a block is of one kind and most blocks are full.

Rows may stand in any order, since a draw is keyed by uid and every sum is an integer; order is only worth time. A few
rows in a hundred change state or tier in a month, so no row moves but those that stand among rows of another kind,
and these change places with one another, column by column.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numba.extending import overload
from numba.np.numpy_support import as_dtype

from sim.codes import CLOSED
from sim.kernel.blocks import CHUNK
from sim.kernel.numerics import LOOP, PART
from sim.kernel.pages import page
from sim.kernel.strips import strip


def room(column: Any, size: int) -> np.ndarray:
    """An array for so many values of a column."""
    return np.empty(size, column.dtype)


@overload(room, jit_options=PART)
def _room(column, size):
    kind = as_dtype(column.dtype)
    return lambda column, size: np.empty(size, kind)


@njit(**PART)
def carry(column, source, to):
    """Put the values of the rows `source` into the rows `to` of one column."""
    held = room(column, source.size)
    for i in range(source.size):
        held[i] = column[source[i]]
    for i in range(source.size):
        column[to[i]] = held[i]


def carry_all(c: Any, source: np.ndarray, to: np.ndarray) -> None:
    """`carry` for every column of a named tuple."""
    for column in c:
        carry(column, source, to)


@overload(carry_all, jit_options=PART)
def _carry_all(c, source, to):
    scope: dict[str, Any] = {"carry": carry}
    exec("def each(c, source, to):\n" + "\n".join(f"    carry(c.{name}, source, to)" for name in c.kinds), scope)
    return scope["each"]


@njit(**PART)
def kind(state, tier, tiers):
    """Where a row belongs: the active by tier, then the dormant by tier, then the closed."""
    return np.int64(state) * tiers + (0 if state == CLOSED else np.int64(tier))


@njit(**PART)
def tidy_chunk(c, first, last, plan, moved):
    """Put rows first..last in order: active, dormant, closed, each by tier; returns how many rows moved.

    `c` is a page of columns. `plan`, int8, is rearranged as the columns are, and so is `moved`, int32: from 0, 1, 2,
    ... it becomes the numbers that rows had before. With no entries each is left alone. Both are strips.
    """
    tiers = np.int64(1)
    for i in range(first, last):
        tiers = max(tiers, np.int64(c.tier[i]) + 1)
    begins = np.zeros(CLOSED * tiers + 2, np.int64)
    for i in range(first, last):
        begins[kind(c.state[i], c.tier[i], tiers) + 1] += 1
    begins[0] = first
    for group in range(1, begins.size):
        begins[group] += begins[group - 1]
    to = np.empty(last - first, np.int32)
    astray, nth = 0, np.zeros(begins.size, np.int64)
    for group in range(begins.size - 1):
        nth[group] = astray
        for i in range(begins[group], begins[group + 1]):
            to[astray] = i
            astray += kind(c.state[i], c.tier[i], tiers) != group
    source = np.empty(astray, np.int32)
    to = to[:astray]
    for place in range(astray):
        group = kind(c.state[to[place]], c.tier[to[place]], tiers)
        source[nth[group]] = to[place]
        nth[group] += 1
    if astray > 0:
        carry_all(c, source, to)
        if plan.size > 0:
            carry(plan, source, to)
        if moved.size > 0:
            carry(moved, source, to)
    return astray


@njit(**LOOP)
def tidy_rows(c, first, last, plan, moved):
    """Put the rows of each chunk of first..last in order, each by itself; `plan` as of `tidy_chunk`.

    `moved`, int32, is given the numbers that rows had before, if it has entries.
    """
    for i in range(moved.size):
        moved[i] = first + i
    columns = page(c)
    plans, numbers = strip(plan, 0, plan.size), strip(moved, 0, moved.size)
    for start in range(first, last, CHUNK):
        tidy_chunk(columns, start, min(start + CHUNK, last), plans, numbers)


@njit(**LOOP)
def stand_again(c, first, last, moved):
    """Put rows first..last back to where they stood, as `moved` tells."""
    columns = page(c)
    for start in range(first, last, CHUNK):
        end = min(start + CHUNK, last)
        rows, count = np.empty(end - start, np.int32), 0
        for i in range(start, end):
            rows[count] = i
            count += moved[i] != i
        if count > 0:
            carry_all(columns, rows[:count], moved[rows[:count]])
