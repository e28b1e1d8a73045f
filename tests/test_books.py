"""What managers have to do with is found by compiled passes: each says what its words on whole arrays say."""

from __future__ import annotations

import tracemalloc

import builders as b
import numpy as np
import pytest
from banks import bank, scenario

from sim.agents.customer import NAMES, Customers
from sim.agents.team import _first_in_line
from sim.codes import ACTIVE, CLOSED, NOBODY
from sim.kernel.blocks import CHUNK
from sim.kernel.books import STRIP, Booked, close_books, fit_hours, free_rows, rows_of_posts

ROWS, POSTS, TIERS = 2 * STRIP + 77, b.POSTS, len(b.TIERS)


@pytest.fixture
def people() -> Customers:
    people = b.lived_in(b.newcomers(ROWS))
    people.manager[:] = np.where(people.state == ACTIVE, people.manager, NOBODY)  # as the kernel leaves them
    return people


def test_the_rows_of_some_posts_and_the_first_free_ones(people: Customers) -> None:
    wanted = np.arange(POSTS) % 3 == 0
    found = np.concatenate([rows_of_posts(people.manager, wanted, *part) for part in ((0, 5_000), (5_000, ROWS))])
    expected = np.flatnonzero((people.manager != NOBODY) & wanted[people.manager])
    np.testing.assert_array_equal(found, expected)
    assert 0 < found.size < np.count_nonzero(people.manager != NOBODY)
    left = np.flatnonzero(people.state == CLOSED)
    for wanted_rows in (0, 1, 20, ROWS):
        np.testing.assert_array_equal(free_rows(people.state, wanted_rows, 0, ROWS), left[:wanted_rows])
    np.testing.assert_array_equal(free_rows(people.state, 5, 4_000, ROWS), left[left >= 4_000][:5])


@pytest.mark.parametrize("release", [True, False])
def test_books_close_as_it_is_written_down(people: Customers, release: bool) -> None:
    """Changes are felt, strangers to a post's tier are released, the rest is in its book; who has none waits."""
    rng = np.random.default_rng(4)
    tier_of_post = rng.integers(1, TIERS, POSTS)
    covered = np.array([False, True, True, False])[:TIERS]
    felt = np.where(rng.random(POSTS) < 0.3, rng.choice([-3.0, 3.0], POSTS), np.nan).astype(np.float32)
    kept = np.where(rng.random(POSTS) < 0.5, 0.5, 0.0).astype(np.float32)
    c = b.copy_of(people)

    has = c.manager != NOBODY
    changed = np.flatnonzero(has & ~np.isnan(felt[c.manager]))
    c.manager_change[changed] = felt[c.manager[changed]]
    c.bond[changed] *= kept[c.manager[changed]]
    strayed = np.flatnonzero(has & (tier_of_post[c.manager] != c.tier)) if release else np.zeros(0, np.int64)
    c.manager[strayed] = NOBODY
    c.manager_change[strayed], c.bond[strayed] = -3, 0.0
    managed = np.flatnonzero(c.manager != NOBODY)
    waiting = np.flatnonzero((c.manager == NOBODY) & (c.state == ACTIVE) & covered[c.tier])

    books, sums = np.zeros(POSTS, np.int64), np.zeros((2, TIERS), np.int64)
    columns = Booked(*(getattr(people, name) for name in Booked._fields))
    lists = [
        close_books(columns, first, last, tier_of_post, release, covered, felt, kept, np.int8(-3), books, sums)
        for first, last in ((0, STRIP + 9), (STRIP + 9, ROWS))
    ]
    np.testing.assert_array_equal(np.concatenate([one for one, _ in lists]), waiting)
    np.testing.assert_array_equal(np.concatenate([one for _, one in lists]), managed)
    for name in NAMES:
        np.testing.assert_array_equal(getattr(people, name), getattr(c, name), err_msg=name)
    np.testing.assert_array_equal(books, np.bincount(c.manager[managed], c.weight[managed], POSTS))
    for row, rows in enumerate((waiting, managed)):
        np.testing.assert_array_equal(sums[row], np.bincount(c.tier[rows], c.weight[rows], TIERS))
    assert changed.size
    assert waiting.size
    assert bool(strayed.size) == release


@pytest.mark.parametrize("places", [-3.0, 0.0, 0.4, 30.0, 5_000.0, 1e12])
def test_the_first_in_line_are_the_first_of_all_sorted(people: Customers, places: float) -> None:
    people.aum[::5] = 20_000.0  # many alike: the uid decides
    rows, tier = np.random.default_rng(3).permutation(np.flatnonzero(people.state == ACTIVE)), 0
    of_tier = rows[people.tier[rows] == tier]
    everybody = of_tier[np.lexsort((people.uid[of_tier], -people.aum[of_tier]))]
    few = _first_in_line(people, rows, tier, places)
    np.testing.assert_array_equal(few, everybody[: few.size])
    mass = people.weight[everybody] / 1024
    assert few.size >= np.count_nonzero(np.cumsum(mass) - mass / 2 <= places)
    assert places > 100.0 or few.size < everybody.size / 2
    assert few.size < of_tier.size < rows.size or places > 100.0


def test_hours_go_to_the_most_important_contacts_of_each_post() -> None:
    rng = np.random.default_rng(8)
    n, posts = 4_000, 40
    hours_of, channel = np.array([0.25, 0.5, 1.3]), rng.integers(0, 3, n)
    post, uid, weight = rng.integers(0, posts - 1, n), rng.permutation(n).astype(np.uint64), rng.integers(1, 2_000, n)
    cost = weight / 1024 * hours_of[channel]
    keys = np.stack([rng.choice([-np.inf, -1.0, 0.5], n), rng.integers(0, 5, n), -rng.integers(0, 9, n)]).astype(float)
    free = np.where(np.arange(posts) % 4 == 0, 1e3, rng.uniform(0.0, 70.0, posts))
    free[3], free[5] = 0.0, cost[post == 5].sum()
    fits = np.zeros(n, bool)
    for turn in range(3):
        fit_hours(post, channel, weight, hours_of, keys, uid, free, fits, turn, 3)
    order = np.lexsort((uid, *keys[::-1], post))
    used = np.zeros(posts)
    for one in order.tolist():
        used[post[one]] += cost[one]
        assert fits[one] == (used[post[one]] <= free[post[one]] + 1e-9)
    assert fits[post == 5].all()
    assert not fits[post == 3].any()
    assert 0.2 < fits.mean() < 0.9


def test_the_list_of_managed_customers_is_kept_up_by_what_changes() -> None:
    """Next month's plan takes it from this month's closing of books; rows that are rearranged make it forgotten."""
    model = bank(scenario(6_000, months=4))
    model.run(until=2)
    c = model.customers
    expected = np.flatnonzero((c.manager != NOBODY) & (c.state == ACTIVE))
    assert c.roll is not None
    np.testing.assert_array_equal(np.sort(model.team.managed(c)), expected)
    c.reorder(np.random.default_rng(1).permutation(len(c)))
    assert c.roll is None
    np.testing.assert_array_equal(model.team.managed(c), np.flatnonzero((c.manager != NOBODY) & (c.state == ACTIVE)))
    model.step()
    assert (model.plan == NOBODY).all()  # nothing is left of a month's plan


NOBODYS = {"managers": {"coverage": dict.fromkeys(("mass", "affluent", "wealth", "private"), 0.0)}}
CLOSED_SHOP = {"model": {"mechanisms": {"acquisition": False}}}


@pytest.mark.parametrize(("most", "settings"), [(0.75, NOBODYS | CLOSED_SHOP), (6.0, {})], ids=["quiet", "usual"])
def test_a_month_makes_no_array_of_the_populations_size(most: float, settings: dict) -> None:
    """A month makes sums, scratch and lists of few customers: without joiners and managers less than a byte a row."""
    rows = 32 * CHUNK
    model = bank(scenario(rows, months=5, population={"customers": rows, "agents": None}, **settings))
    model.run(until=2)
    assert len(model.customers) >= rows
    tracemalloc.start()
    try:
        model.step()
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        model.step()
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert peak < most * rows
