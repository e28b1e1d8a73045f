"""What is counted of rows at a year's end says what its formula says, whole or in stretches, wherever rows stand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import builders as b
import numpy as np
import pytest
from banks import bank, scenario

from sim.agents.customer import Customers
from sim.bank.fates import customers_of_month_0, fates, kept
from sim.bank.model import LONGEST, SHARES, stretches
from sim.bank.observer import ginis
from sim.codes import ACTIVE, CLOSED, DORMANT, JOINED_THIS_YEAR
from sim.exchange import Alone
from sim.kernel.blocks import CHUNK
from sim.kernel.looking import FINE, count_stayed, follow, mark_active, turn_year
from sim.store.tables import FATES

ROWS, TIERS = 3_000, len(b.TIERS)


def each(rows: int, pieces: int = 3) -> Callable[[Callable[[int, int], Any]], list[Any]]:
    """So many stretches of rows, one after the other."""
    edges = np.linspace(0, rows, pieces + 1).astype(int).tolist()
    return lambda run: [run(*part) for part in pairwise(edges)]


@pytest.fixture
def people() -> Customers:
    return b.lived_in(b.newcomers(ROWS))


def exact_gini(held: np.ndarray, weight: np.ndarray) -> float:
    """Mean difference of two holders over twice the mean, by sorting."""
    order = np.argsort(held)
    held, weight = held[order], weight[order].astype(float)
    share = np.concatenate([[0.0], np.cumsum(held * weight) / (held * weight).sum()])
    return float(1.0 - ((share[1:] + share[:-1]) * weight).sum() / weight.sum())


def in_fen(aum: np.ndarray) -> np.ndarray:
    """AUM in CNY, to the fen, as sums take it."""
    return np.floor(aum.astype(np.float64) * 100.0 + 0.5) / 100.0


def bins(held: np.ndarray) -> np.ndarray:
    return held.astype(np.float32).view(np.int32) >> (23 - FINE)


def test_the_ginis_are_what_sorting_says_within_the_stated_bound(people: Customers) -> None:
    here, active = people.state != CLOSED, people.state == ACTIVE
    aum, weight = in_fen(people.aum[here]), people.weight[here].astype(float)
    of_aum, of_contacts = ginis(people, each(ROWS), Alone())
    exact = exact_gini(aum, weight)
    _, group = np.unique(bins(aum), return_inverse=True)
    crowd, money = (np.bincount(group, amount) for amount in (weight, weight * aum))
    bound = float((crowd / crowd.sum() * money / money.sum()).sum()) / 2 ** (FINE + 2)
    assert 0 < bound < 1e-6
    assert -1e-12 <= exact - of_aum <= bound + 1e-12
    assert of_contacts == pytest.approx(exact_gini(people.contacts[active], people.weight[active]), abs=1e-14)


def test_in_a_bank_of_few_sizes_the_gini_is_exact_however_close_they_are_and_nobody_has_none() -> None:
    people = b.awake(400, managed=False)
    people.weight[:] = 1024
    people.aum[:] = 5_000.0
    assert ginis(people, each(400), Alone())[0] == 0.0
    people.aum[:100] = 0.0
    assert ginis(people, each(400), Alone())[0] == pytest.approx(0.25, abs=1e-15)
    people.aum[:] = np.where(np.arange(400) < 200, 1e-2, 2.0**35)
    assert ginis(people, each(400), Alone())[0] == pytest.approx(0.5, abs=1e-9)
    people.aum[:] = 0.0
    assert np.isnan(ginis(people, each(400), Alone())).all()


def test_a_year_turns_as_it_is_written_down(people: Customers) -> None:
    state, tier, start = people.state.copy(), people.tier.copy(), people.year_start.copy()
    now = np.where(state == DORMANT, TIERS, tier)
    expected = np.zeros((TIERS + 2, TIERS + 2), np.int64)
    here = state != CLOSED
    np.add.at(expected, (np.minimum(start[here], TIERS + 1), now[here]), people.weight[here].astype(np.int64))
    moves = np.zeros_like(expected)
    each(ROWS)(
        lambda first, last: turn_year(people.state, people.tier, people.weight, people.year_start, first, last, moves)
    )
    np.testing.assert_array_equal(moves, expected)
    np.testing.assert_array_equal(people.year_start, np.where(here, now, JOINED_THIS_YEAR))


def test_who_was_active_a_year_ago_and_still_is(people: Customers) -> None:
    active = people.state == ACTIVE
    then, stayed = np.zeros(TIERS, np.int64), np.zeros(TIERS, np.int64)
    mark_active(people.state, people.tier, people.weight, people.year_ago, 0, ROWS, then)
    np.testing.assert_array_equal(people.year_ago, np.where(active, people.tier, -1))
    np.testing.assert_array_equal(then, np.bincount(people.tier[active], people.weight[active], TIERS))
    people.state[::3] = CLOSED
    still = (people.state == ACTIVE) & active
    count_stayed(people.state, people.weight, people.year_ago, 0, ROWS, stayed)
    np.testing.assert_array_equal(stayed, np.bincount(people.year_ago[still], people.weight[still], TIERS))


def test_fates_and_those_kept_are_found_by_uid_wherever_rows_stand_and_in_whichever_shard(people: Customers) -> None:
    was = customers_of_month_0(people)
    assert list(was["uid"]) == sorted(people.uid[people.state != CLOSED].tolist())
    rng = np.random.default_rng(2)
    people.reorder(rng.permutation(ROWS))
    people.state[:] = np.where(rng.random(ROWS) < 0.2, CLOSED, np.where(rng.random(ROWS) < 0.1, DORMANT, people.state))
    people.tier[:] = np.clip(people.tier + rng.integers(-1, 2, ROWS), 0, TIERS - 1)
    people.opted_out[:] |= rng.integers(0, 2, ROWS).astype(np.int8)
    at = {uid: row for row, uid in enumerate(people.uid.tolist()) if people.state[row] != CLOSED}

    def fate(place: int) -> str:
        row = at.get(int(was["uid"][place]))
        if row is None:
            return "closed"
        if people.state[row] == DORMANT:
            return "dormant"
        if people.opted_out[row] & ~was["opted_out"][place]:
            return "opted_out"
        moved = int(people.tier[row]) - int(was["tier"][place])
        return "upgraded" if moved > 0 else "downgraded" if moved < 0 else "kept"

    stays = np.array([people.state[at[uid]] == ACTIVE if uid in at else False for uid in was["uid"].tolist()])
    expected = [fate(place) for place in range(was["uid"].size)]
    moved = np.flatnonzero((people.uid % 5 == 0) & (people.state != CLOSED))
    elsewhere = {name: getattr(people, name)[moved] for name in ("uid", "state", "tier", "opted_out")}
    people.state[moved] = CLOSED

    found = fates(was, people, each(ROWS), elsewhere)
    assert [FATES[code] for code in found] == expected
    assert set(FATES) == {FATES[code] for code in found}

    first, now = kept(was, people, TIERS, each(ROWS), elsewhere)
    for sums, chosen in ((first, was["active"]), (now, was["active"] & stays)):
        many = was["weight"][chosen].astype(np.float64)
        np.testing.assert_array_equal(sums[0], np.bincount(was["tier"][chosen], many, TIERS))
        worth = np.bincount(was["tier"][chosen], many * in_fen(was["aum"][chosen]) * 100, TIERS)
        np.testing.assert_array_equal(sums[1], worth)


def test_somebody_who_is_followed_is_found_in_the_chunk_beyond_it_and_not_after_leaving() -> None:
    rows = CHUNK + 500
    uid, state = np.arange(rows, dtype=np.uint64) + 7, np.zeros(rows, np.int8)
    wanted = uid[[3, 40, CHUNK + 2, 90]].copy()
    places = np.array([3, 40, CHUNK + 2, 90])
    uid[[3, 100]], uid[[40, CHUNK + 9]] = uid[[100, 3]].copy(), uid[[CHUNK + 9, 40]].copy()
    state[90] = CLOSED
    follow(uid, state, wanted, places)
    assert places.tolist() == [100, CHUNK + 9, CHUNK + 2, -1]
    uid[90], state[90] = 1, ACTIVE
    follow(uid, state, wanted, places)
    assert places.tolist() == [100, CHUNK + 9, CHUNK + 2, -1]


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("rows", [0, 1, CHUNK, CHUNK + 1, 5 * CHUNK, 100 * CHUNK + 3])
def test_stretches_are_all_rows_once_in_whole_chunks(rows: int, threads: int) -> None:
    parts = stretches(0, rows, threads)
    assert parts[0][0] == 0
    assert parts[-1][1] == rows
    assert all(end == start for (_, end), (start, _) in pairwise(parts))
    assert all(start % CHUNK == 0 for start, _ in parts)
    assert all(end - start <= LONGEST * CHUNK for start, end in parts)
    sizes = [end - start for start, end in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert threads == 1 or sizes[-1] <= CHUNK, "nobody waits long for the last"
    fewest = max(-(-rows // (LONGEST * CHUNK)), 1)
    assert len(parts) == fewest if threads == 1 else len(parts) <= fewest + 4 * SHARES * threads


def test_the_ginis_of_a_bank_are_known_at_year_ends() -> None:
    model = bank(scenario(2_000, months=14))
    model.run()
    known = [row["month"] for row in model.recorder.bank if not np.isnan(row["aum_gini"])]
    assert known == [0, 12, 14]
