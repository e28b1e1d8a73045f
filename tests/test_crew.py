"""Threads that share out a month: every part is done once, in whatever order, and nothing is left behind."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import Counter

import numpy as np
import pytest

from sim.bank.crew import Crew, Totals


def of_crews() -> int:
    return sum(one.name.startswith("crew-") for one in threading.enumerate())


def test_every_part_is_done_once_and_told_in_order() -> None:
    crew, done = Crew(4), Counter()

    def square(number: int) -> int:
        done[number] += 1
        return number * number

    for many in (0, 1, 3, 500):
        done.clear()
        assert crew.map(square, range(many)) == [number * number for number in range(many)]
        assert done == Counter(range(many))
    crew.shutdown()


def test_parts_are_done_side_by_side_and_who_asks_works_too() -> None:
    crew, met, who = Crew(2), threading.Barrier(2, timeout=30.0), set()

    def meet(number: int) -> None:
        met.wait()  # ends only if two threads are here at once
        who.add(threading.current_thread())

    crew.map(meet, range(2))
    assert threading.current_thread() in who
    assert len(who) == 2
    crew.shutdown()


def test_what_goes_wrong_is_raised_where_it_was_asked_for_and_the_crew_works_on() -> None:
    crew, begun = Crew(3), []

    def fail(number: int) -> int:
        begun.append(number)
        if number == 2:
            raise ValueError("part 2")
        return number

    with pytest.raises(ValueError, match="part 2"):
        crew.map(fail, range(10_000))
    assert len(begun) < 10_000, "parts that nobody had begun are left"
    assert crew.map(abs, [-1, -2]) == [1, 2]
    crew.shutdown()


def test_a_part_may_ask_the_same_crew() -> None:
    crew = Crew(2)
    assert crew.map(lambda n: sum(crew.map(abs, range(n))), range(6)) == [0, 0, 1, 3, 6, 10]
    crew.shutdown()


def test_a_crew_that_is_shut_down_or_forgotten_leaves_no_thread() -> None:
    before = of_crews()
    crew = Crew(3)
    assert of_crews() == before + 2
    crew.shutdown()
    crew.shutdown()
    assert of_crews() == before
    crew = Crew(3)
    crew.map(abs, range(9))
    gone = weakref.ref(crew)
    del crew
    gc.collect()
    assert gone() is None
    assert of_crews() == before


def test_totals_are_those_of_all_parts_in_as_few_arrays_as_threads_are_at_it() -> None:
    crew, totals, seen = Crew(3), Totals((2, 2), (4,)), set()

    def add(number: int) -> None:
        with totals.lent() as (square, row):
            seen.add(id(row))
            square[number % 2, 0] += number
            row[number % 4] += 1

    crew.map(add, range(200))
    crew.shutdown()
    square, row = totals.whole()
    assert square.tolist() == [[sum(range(0, 200, 2)), 0], [sum(range(1, 200, 2)), 0]]
    assert row.tolist() == [50] * 4
    assert 1 <= len(seen) <= 3


def test_totals_of_nothing_are_noughts() -> None:
    (row,) = Totals((3,)).whole()
    assert row.dtype == np.int64
    assert row.tolist() == [0, 0, 0]
