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
def put(column, values, to, first, last):
    """Put values first..last into the rows that `to` has for them, of one column."""
    for i in range(first, last):
        column[to[i]] = values[i]


def put_all(c: Any, values: Any, to: np.ndarray, first: int, last: int) -> None:
    """`put` for every column of a named tuple."""
    for column, own in zip(c, values, strict=True):
        put(column, own, to, first, last)


@overload(put_all, jit_options=PART)
def _put_all(c, values, to, first, last):
    scope: dict[str, Any] = {"put": put}
    lines = [f"    put(c.{name}, values.{name}, to, first, last)" for name in c.kinds]
    exec("\n".join(["def each(c, values, to, first, last):", *lines]), scope)
    return scope["each"]


@njit(**LOOP)
def put_rows(c, values, to, first, last):
    """Be those first..last of these customers, columns (n,) each, in the rows `to`, int64 (n,), of the columns `c`."""
    put_all(page(c), page(values), to, first, last)


@njit(**PART)
def kind(state, tier, tiers):
    """Where a row belongs: the active by tier, then the dormant by tier, then the closed."""
    return np.int64(state) * tiers + (0 if state == CLOSED else np.int64(tier))


@njit(**PART)
def tidy_chunk(c, first, last, plan, moved):
    """Put rows first..last in order: active, dormant, closed, each by tier; how many rows moved, and how many are open.

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
    return astray, begins[CLOSED * tiers] - first


@njit(**LOOP)
def tidy_rows(c, first, last, plan, moved):
    """Put the rows of each chunk of first..last in order, each by itself; how many rows are of those who are customers.

    `plan` as of `tidy_chunk`; `moved`, int32, is given the numbers that rows had before, if it has entries.
    """
    for i in range(moved.size):
        moved[i] = first + i
    columns = page(c)
    plans, numbers, count = strip(plan, 0, plan.size), strip(moved, 0, moved.size), 0
    for start in range(first, last, CHUNK):
        _, customers = tidy_chunk(columns, start, min(start + CHUNK, last), plans, numbers)
        count += customers
    return count


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
