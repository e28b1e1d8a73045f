"""A strip is the part of an array that it was made of, read and written, compiled as interpreted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from sim.agents.customer import COLUMNS
from sim.kernel.strips import strip, strip_of_row


def bump(array: np.ndarray, first: int, last: int, by: Any) -> int:
    """Add to every entry of a strip; its size."""
    part = strip(array, first, last)
    for i in range(part.size):
        part[i] = part[i] + by
    return part.size


def swap(table: np.ndarray, row: int, other: int, size: int) -> None:
    """Exchange the first entries of two rows."""
    one, two = strip_of_row(table, row, size), strip_of_row(table, other, size)
    for i in range(size):
        held = one[i]
        one[i] = two[i]
        two[i] = held


@pytest.mark.parametrize("kind", sorted({np.dtype(column.dtype).name for column in COLUMNS}))
def test_what_is_written_to_a_strip_stands_in_the_array(kind: str) -> None:
    found, told = np.arange(40, dtype=kind), np.arange(40, dtype=kind)
    by = np.dtype(kind).type(3)
    assert njit(bump)(found, 7, 19, by) == bump(told, 7, 19, by) == 12
    np.testing.assert_array_equal(found, told)
    np.testing.assert_array_equal(found[7:19], np.arange(7, 19) + 3)


def test_a_wider_number_is_cut_to_what_the_column_holds() -> None:
    found = np.array([1, -100, 127], np.int8)
    njit(bump)(found, 0, 3, np.int64(2))
    assert found.tolist() == [3, -98, -127]


def test_rows_of_a_table_do_not_run_into_one_another() -> None:
    table = np.arange(24, dtype=np.float32).reshape(4, 6)
    njit(swap)(table, 1, 3, 4)
    assert table[1].tolist() == [18, 19, 20, 21, 10, 11]
    assert table[3].tolist() == [6, 7, 8, 9, 22, 23]
    assert table[[0, 2]].tolist() == np.arange(24).reshape(4, 6)[[0, 2]].tolist()


@pytest.mark.parametrize("array", [np.zeros(8)[::2], np.zeros((4, 2))])
def test_an_array_with_gaps_or_of_another_shape_is_refused(array: np.ndarray) -> None:
    with pytest.raises(TypingError, match="no array of 1 dimensions without gaps"):
        njit(bump)(array, 0, 1, 1.0)
