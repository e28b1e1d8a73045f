"""A page says what the named tuple says that it was written from, compiled as interpreted."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pytest
from builders import calm, rates_of
from numba import njit, typeof
from numba.core.errors import TypingError

from sim.kernel.numerics import NoAlias
from sim.kernel.pages import page, page_of
from sim.kernel.strips import strip_of_row


class Some(NamedTuple):
    """A number and a table of each kind."""

    whole: int
    small: np.int32
    real: np.float32
    wide: np.float64
    word: np.uint64
    yes: np.bool_
    counts: np.ndarray
    shares: np.ndarray
    grid: np.ndarray


SOME = Some(
    -3,
    np.int32(-7),
    np.float32(0.1),
    np.float64(0.1),
    np.uint64(2**63 + 5),
    np.bool_(True),
    np.arange(4, dtype=np.int32),
    np.linspace(0, 1, 7, dtype=np.float32),
    np.arange(12, dtype=np.float64).reshape(3, 4),
)


@njit(pipeline_class=NoAlias)
def _told(p, counts, shares, grid):
    """A rule: what it is handed may not overlap."""
    for i in range(counts.size):
        counts[i] = p.counts[i] if p.yes else p.counts[0]
    for i in range(shares.size):
        shares[i] = p.shares[i]
    row = strip_of_row(p.grid, 2, 4)
    for column in range(4):
        grid[0, column] = p.grid[1, column]
        grid[1, column] = row[column]
    return p.whole, p.small, p.real, p.wide, p.word, p.yes, p.counts.size, p.shares.size


def told(values: Any, counts: np.ndarray, shares: np.ndarray, grid: np.ndarray) -> Any:
    """What a rule reads of a page."""
    return _told(page(values), counts, shares, grid)


@pytest.mark.parametrize("read", [njit(told), lambda *all: _told.py_func(page(all[0]), *all[1:])])
def test_every_kind_of_number_and_table_is_read_as_it_was_written(read: Any) -> None:
    counts, shares, grid = np.zeros(4, np.int32), np.zeros(7, np.float32), np.zeros((2, 4))
    assert read(SOME, counts, shares, grid) == (*SOME[:6], 4, 7)
    np.testing.assert_array_equal(counts, SOME.counts)
    np.testing.assert_array_equal(shares, SOME.shares)
    np.testing.assert_array_equal(grid, SOME.grid[1:])


def test_a_no_is_a_no() -> None:
    counts = np.zeros(4, np.int32)
    njit(told)(SOME._replace(yes=np.bool_(False)), counts, np.zeros(7, np.float32), np.zeros((2, 4)))
    assert counts.tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("values", [rates_of(), calm(1)])
def test_what_rules_are_given_has_its_page_with_every_name_on_it(values: Any) -> None:
    assert list(page_of(typeof(values)).kinds) == list(values._fields)


@njit(pipeline_class=NoAlias)
def _picked(p, shares):
    for i in range(shares.size):
        shares[i] = p.real if shares[i] > np.float32(0.5) else shares[i]


@njit
def picked(values, shares):
    _picked(page(values), shares)


def test_a_loop_that_reads_a_page_in_a_branch_runs_on_packed_numbers() -> None:
    shares = np.linspace(0, 1, 40, dtype=np.float32)
    picked(SOME, shares)
    assert (shares[20:] == SOME.real).all()
    (code,) = _picked.inspect_llvm().values()
    assert re.search(r"^vector\.body", code, re.M)


class Cube(NamedTuple):
    """What a page does not hold."""

    table: np.ndarray


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (Cube(np.zeros((2, 2, 2))), "is no number and no table of one or two dimensions without gaps"),
        (Cube(np.zeros(8)[::2]), "is no number and no table"),
        (np.zeros(3), "is no named tuple"),
    ],
)
def test_what_does_not_go_on_a_page_is_refused(values: Any, says: str) -> None:
    @njit
    def ask(values):
        page(values)
        return 0

    with pytest.raises(TypingError, match=says):
        ask(values)
