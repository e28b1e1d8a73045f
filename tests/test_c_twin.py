"""The month in C, by which the kernel's speed is judged, is the kernel's month: the same bits in columns and sums."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import builders as b
import numpy as np
import pytest

from sim.agents.customer import NAMES, Customers
from sim.codes import ACTIVE, CLOSED, DORMANT, NOBODY
from sim.kernel import month as kernel
from sim.kernel.inputs import Now, Rates

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "benchmarks"))

import c_twin  # noqa: E402

pytestmark = pytest.mark.skipif(c_twin.compiler() is None, reason="the month in C needs gcc, which is not here")

ROWS = 3_000


def aged(rows: int = ROWS) -> Customers:
    """A bank in which two of five are dormant, half of them in rows of their own."""
    people = b.lived_in(b.newcomers(rows, customers=rows), month=-1)
    asleep = np.arange(rows) < 0.2 * rows
    people.state[:] = np.where(asleep | (people.uid % 4 == 0), DORMANT, ACTIVE)
    people.manager[people.state == DORMANT] = NOBODY
    return people


def in_order(people: Customers) -> Customers:
    """The same in order of state and tier, so that most blocks are of one kind."""
    people.reorder(np.lexsort((people.tier, people.state)))
    return people


POPULATIONS = {
    "newcomers": lambda: b.newcomers(ROWS),
    "lived in": lambda: b.lived_in(b.newcomers(ROWS), month=-1),
    "aged, 40 % dormant": aged,
    "aged, in order": lambda: in_order(aged()),
    "fewer than a block": lambda: b.lived_in(b.newcomers(300), month=-1),
}
MONTHS = {
    "calm": lambda month, p: b.calm(month, p=p, campaign=[[0, 0.01, 0, 0.02, 0.30]] * 3 + [[0] * 5]),
    "all levers": lambda month, p: b.stormy(month, p=p),
    "campaigns without scores": lambda month, p: b.stormy(month, p=p, scored=False, welcoming=False),
    "nobody contacted": lambda month, p: b.calm(month, p=p),
}
RATES = {"default": b.rates_of, "eventful": b.eventful, "markov": lambda: b.eventful(markov=True)}


UNREAD = {ACTIVE: set(), DORMANT: {"risk"}, CLOSED: set(NAMES) - {"state"}}
"""Columns by state that nobody reads before they are written again, so that each may leave in them what it likes."""


def assert_the_same(ours: Customers, theirs: Customers) -> None:
    np.testing.assert_array_equal(ours.state, theirs.state)
    for state, unread in UNREAD.items():
        rows = np.flatnonzero(ours.state == state)
        for name in set(NAMES) - unread:
            x, y = getattr(ours, name)[rows], getattr(theirs, name)[rows]
            differ = np.flatnonzero(x.view(f"V{x.itemsize}") != y.view(f"V{y.itemsize}"))
            assert not differ.size, f"{name} differs in {differ.size} rows: {x[differ[:3]]}, {y[differ[:3]]}"


@pytest.mark.parametrize("rates", RATES)
@pytest.mark.parametrize("month", MONTHS)
@pytest.mark.parametrize("population", POPULATIONS)
def test_c_and_kernel_agree_bit_for_bit_through_months(population, month, rates):
    p = RATES[rates]()
    ours = POPULATIONS[population]()
    theirs = b.copy_of(ours)
    for number in range(5):
        now, plan = MONTHS[month](number, p), b.plan_for(ours, seed=number, purposes=True)
        sums = b.live(c_twin.step_chunk, ours, plan, now, p, chunk=2_000, threads=1 + number % 2)
        known = b.live(kernel.step_chunk, theirs, plan, now, p)
        for mine, kernels in zip(sums.all(), known.all(), strict=True):
            np.testing.assert_array_equal(mine, kernels)
        assert_the_same(ours, theirs)
        assert sums.tally.any()


def test_c_reads_every_field_that_the_kernel_reads():
    """A lever or rate that only the kernel knows would go unseen where it happens to be neutral."""
    rules = "".join(path.read_text() for path in Path(kernel.__file__).parent.glob("*.py") if path.stem != "inputs")
    in_c = "".join(path.read_text() for path in c_twin.HERE.iterdir())
    read = {name for name in (*Now._fields, *Rates._fields) if re.search(rf"\b(now|p)\.{name}\b", rules)}
    assert {name for name in read if not re.search(rf"\b(now|p)->{name}(_size)?\b", in_c)} == set()


def test_a_value_of_another_type_than_declared_is_refused():
    with pytest.raises(TypeError, match="peers: float64 was declared as float32"):
        c_twin.in_c("Now", b.calm()._replace(peers=0.5))
