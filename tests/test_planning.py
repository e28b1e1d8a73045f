"""Whom managers wish to contact is found by one compiled pass: it says what its words on whole arrays say."""

from __future__ import annotations

from typing import Any

import builders as b
import numpy as np
import pytest
from banks import bank, scenario

from sim.agents.customer import Customers
from sim.codes import (
    ACTIVE,
    CHANNELS,
    DRAW_PLAN,
    DUE,
    FOLLOW,
    KEEP,
    LEAD,
    LOST,
    NO_CAPACITY,
    NO_HOUR,
    NOBODY,
    OFFER,
    PROPOSED,
    RETENTION,
    SILENCED,
    SPARED,
)
from sim.kernel.numerics import key_of, uniforms, word_of
from sim.kernel.planning import Habits, Planned, Wishes, look_through, lost, put_down

ROWS, POSTS, TIERS = 3_000, b.POSTS, len(b.TIERS)
SEED, MONTH = 11, 5


@pytest.fixture(scope="module")
def habits() -> Habits:
    return bank(scenario(500, months=1)).team.habits


@pytest.fixture
def people() -> Customers:
    people, rng = b.lived_in(b.newcomers(ROWS)), np.random.default_rng(3)
    people.manager[:] = np.where(people.state == ACTIVE, rng.integers(0, POSTS, ROWS), NOBODY)
    people.contact_gap[:] = rng.integers(0, 14, ROWS)
    people.opted_out[:] = np.where(rng.random(ROWS) < 0.4, rng.integers(0, 1 << len(CHANNELS), ROWS), 0)
    people.last_channel[:] = rng.integers(-1, len(CHANNELS), ROWS)
    people.pressure[:] = rng.gamma(1.0, 1.0, ROWS)
    return people


def looked_through(
    people: Customers, rows: np.ndarray, habits: Habits, **given: Any
) -> tuple[Wishes, np.ndarray, np.ndarray]:
    """The wishes, the weight by post and tier, and the plan; `given` replaces a month without proposals or limits."""
    asked: dict[str, Any] = {
        "most": 1.0,
        "cap": np.array([np.inf], np.float32),
        "priority": np.zeros(0),
        "purpose": np.zeros(0, np.int8),
        "edges": (0, rows.size),
    } | given
    columns = Planned(*(getattr(people, name) for name in Planned._fields))
    mass, plan = np.zeros((POSTS, TIERS), np.int64), np.full(ROWS, NOBODY, np.int8)
    parts = [
        look_through(
            columns,
            rows,
            first,
            last,
            habits,
            *(asked[name] for name in ("most", "cap", "priority", "purpose")),
            word_of(MONTH),
            *key_of(SEED),
            mass,
            plan,
        )
        for first, last in zip(asked["edges"][:-1], asked["edges"][1:], strict=True)
    ]
    return Wishes(*(np.concatenate(column) for column in zip(*parts, strict=True))), mass, plan


def managed(people: Customers) -> np.ndarray:
    return np.flatnonzero((people.manager != NOBODY) & (people.state == ACTIVE))[::-1].copy()


def proposed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Priority and purpose of every second row, of each kind."""
    rng = np.random.default_rng(6)
    purpose = rng.choice(np.array([0, RETENTION, LEAD], np.int8), rows.size) | np.int8(PROPOSED)
    return rng.normal(size=rows.size), np.where(np.arange(rows.size) % 2 == 0, purpose, 0).astype(np.int8)


@pytest.mark.parametrize("limits", ["none", "a cap", "a cap of each", "half outside the branch"])
def test_wishes_are_found_as_it_is_written_down(people: Customers, habits: Habits, limits: str) -> None:
    rows = managed(people)
    priority, purpose = proposed(rows)
    most = 0.15 if limits == "half outside the branch" else 1.0
    each = np.random.default_rng(8).uniform(0.5, 4.0, rows.size).astype(np.float32)
    cap = {"a cap": np.array([1.5], np.float32), "a cap of each": each}.get(limits, np.array([np.inf], np.float32))
    wishes, mass, plan = looked_through(
        people, rows, habits, most=most, cap=cap, priority=priority, purpose=purpose, edges=(0, 7, 7, 900, rows.size)
    )

    tier, post = people.tier[rows].astype(np.int64), people.manager[rows]
    due = people.contact_gap[rows] + 1.0 >= habits.interval[tier]
    u = uniforms(SEED, DRAW_PLAN, MONTH, people.uid[rows])
    drawn = (u[0][:, None] >= habits.mix[tier]).sum(axis=1)
    channel = np.where(habits.apart[drawn], habits.fallback, drawn)
    last = habits.instead.size - 1
    moved = habits.instead[np.minimum((u[1][:, None] >= habits.reach[tier]).sum(axis=1), last)]
    channel = np.where(habits.meetings[channel] & (u[0] >= most), moved, channel)
    channel = np.where((people.opted_out[rows] >> channel) & 1, habits.fallback, channel)
    silenced = ((people.opted_out[rows] >> channel) & 1) != 0
    before = people.last_channel[rows]
    easy = np.where(channel == people.preferred[rows], habits.preferred_relief, np.float32(1.0))
    switched = np.where((before >= 0) & (before != channel), habits.channel_change, np.float32(1.0))
    pressure = people.pressure[rows] * habits.pressure_memory + habits.pressure[channel] * easy * switched
    spared = ~silenced & (pressure > (cap if cap.size > 1 else cap[0]))

    wished = due | (purpose != 0)
    kept = wished & ~silenced & ~spared
    assert 0 < np.count_nonzero(due) < np.count_nonzero(wished) < rows.size
    assert np.count_nonzero(wished & silenced) > 20
    assert (np.count_nonzero(wished & spared) > 20) == limits.startswith("a cap")
    expected = {
        "rows": rows,
        "post": post,
        "tier": tier,
        "weight": people.weight[rows],
        "channel": channel,
        "purpose": purpose,
        "queue": np.where(due, -np.inf, -priority),
        "uid": people.uid[rows],
        "aum": people.aum[rows],
    }
    for name, column in expected.items():
        np.testing.assert_array_equal(getattr(wishes, name), column[kept], name)
    for at, end in ((wished & silenced, SILENCED), (wished & spared, SPARED)):
        assert plan[rows[at]].tolist() == [lost(what, end) for what in purpose[at]]
    assert np.all(plan[rows[kept | ~wished]] == NOBODY)
    cells = post * np.int64(TIERS) + tier
    np.testing.assert_array_equal(mass.ravel(), np.bincount(cells, people.weight[rows], POSTS * TIERS))


def test_without_proposals_it_is_those_who_are_due(people: Customers, habits: Habits) -> None:
    rows = managed(people)
    alone, *_ = looked_through(people, rows, habits)
    none = np.zeros(rows.size), np.zeros(rows.size, np.int8)
    beside, *_ = looked_through(people, rows, habits, priority=none[0], purpose=none[1])
    assert alone.rows.size > 50
    assert np.all(alone.queue == -np.inf)
    for one, other in zip(alone, beside, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_lost_wish_says_what_for_and_at_what() -> None:
    wishes = {
        0: DUE,
        PROPOSED: OFFER,
        PROPOSED | RETENTION: KEEP,
        RETENTION: KEEP,
        PROPOSED | LEAD: FOLLOW,
        LEAD | RETENTION: KEEP,
    }
    ends = SILENCED, SPARED, NO_HOUR, NO_CAPACITY
    for purpose, wish in wishes.items():
        assert [lost(np.int8(purpose), end) for end in ends] == [LOST - (len(ends) * wish + end) for end in ends]
    assert len({int(lost(np.int8(purpose), end)) for purpose in (0, 8, 16, 32) for end in ends}) == 4 * len(ends)


def test_what_becomes_of_wishes_stands_in_the_plan_and_in_the_sums(people: Customers, habits: Habits) -> None:
    rows = managed(people)
    priority, purpose = proposed(rows)
    wishes, _, plan = looked_through(people, rows, habits, priority=priority, purpose=purpose)
    before = plan.copy()
    end = np.random.default_rng(9).choice(np.array([NOBODY, NO_HOUR, NO_CAPACITY], np.int8), wishes.rows.size)
    contacts, planned = np.zeros(POSTS, np.int64), np.zeros((TIERS, len(CHANNELS)), np.int64)
    put_down(wishes, end, plan, contacts, planned)
    made = end == NOBODY
    assert 0 < np.count_nonzero(made) < made.size
    np.testing.assert_array_equal(plan[wishes.rows[made]], (wishes.channel | wishes.purpose)[made])
    for at in (NO_HOUR, NO_CAPACITY):
        assert plan[wishes.rows[end == at]].tolist() == [lost(what, at) for what in wishes.purpose[end == at]]
    others = np.setdiff1d(np.arange(ROWS), wishes.rows)
    np.testing.assert_array_equal(plan[others], before[others])
    np.testing.assert_array_equal(contacts, np.bincount(wishes.post[made], wishes.weight[made], POSTS))
    cells = wishes.tier[made] * len(CHANNELS) + wishes.channel[made]
    np.testing.assert_array_equal(planned.ravel(), np.bincount(cells, wishes.weight[made], TIERS * len(CHANNELS)))
