"""Which rows managers have to do with: loops over columns whose answers are short lists of rows, and whole sums.

A list is as long as what it names, in the order of rows; what is done with it stands in `agents.team`. Rows are marked
first, some thousands at a time, which is done for many at once, and then listed. Loops take whole columns and the first
and last of their rows, and may run beside one another.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sim.codes import ACTIVE, CLOSED, NOBODY
from sim.kernel.looking import OCTAVES, bin_of
from sim.kernel.numerics import EQUATION, LOOP, PART, RULE, ZERO
from sim.kernel.tallies import WEIGHT_UNIT

STRIP = 4096  # rows that are marked at a time
GLANCE = 64  # rows looked at for anybody who has left
SLACK = 1e-9  # hours
NARROW = 6  # bits of a balance's fraction that tell its bin
UNIT = float(WEIGHT_UNIT)


@njit(**RULE)
def mark_managed(manager, mine):
    """1 for who has a manager."""
    for i in range(manager.size):
        mine[i] = manager[i] != NOBODY


@njit(**RULE)
def mark_awake(state, tier, k, mine):
    """1 for the active customers of a tier, too."""
    for i in range(state.size):
        mine[i] |= np.uint8((state[i] == ACTIVE) & (tier[i] == k))


@njit(**PART)
def listed(mine, start, end, rows, count):
    """Rows start..end that are marked, put behind the first `count` of a list; the list, longer if need be."""
    if count + STRIP >= rows.size:
        longer = np.empty(2 * rows.size, np.int64)
        longer[:count] = rows[:count]
        rows = longer
    for i in range(end - start):
        rows[count] = start + i
        count += mine[i]
    return rows, count


@njit(**LOOP)
def rows_of_posts(manager, wanted, first, last):
    """Rows first..last whose manager's post is wanted, int64; `wanted` is a mask over the posts."""
    mine, rows, count = np.empty(STRIP, np.uint8), np.empty(2 * STRIP, np.int64), 0
    for start in range(first, last, STRIP):
        end = min(start + STRIP, last)
        mark_managed(manager[start:end], mine)
        rows, count = listed(mine, start, end, rows, count)
    found = 0
    for j in range(count):
        rows[found] = rows[j]
        found += wanted[manager[rows[j]]]
    return rows[:found]


class Booked(NamedTuple):
    """The columns that books are made of."""

    manager: np.ndarray
    state: np.ndarray
    tier: np.ndarray
    weight: np.ndarray
    manager_change: np.ndarray
    bond: np.ndarray


@njit(**LOOP)
def close_books(c, first, last, tier_of_post, release, covered, felt, kept, prepared, books, sums):
    """What a month's end brings to books: rows that wait for a manager in the tiers covered, and rows that have one.

    `c` is `Booked`. Where a post changed hands, `felt` (float32 by post, NaN = it did not) are the months for which
    that is felt, negative if it was prepared, and the part `kept` of the bond is left. If asked to, it releases those
    whose post is of another tier than they are, who feel a `prepared` change. Both lists int64. Adds to `books`, int64
    (posts,), the weight in each book, and to `sums`, int64 (2, tiers), that of who waits and of who has a manager.
    """
    manager, state, tier = c.manager, c.state, c.tier
    mine, rows, count = np.empty(STRIP, np.uint8), np.empty(2 * STRIP, np.int64), 0
    for start in range(first, last, STRIP):
        end = min(start + STRIP, last)
        mark_managed(manager[start:end], mine)
        for k in range(covered.size):
            if covered[k]:
                mark_awake(state[start:end], tier[start:end], k, mine)
        rows, count = listed(mine, start, end, rows, count)
    managed = np.empty(count, np.int64)
    having, waiting = 0, 0
    for j in range(count):
        i = rows[j]
        k, weight = tier[i], np.int64(c.weight[i])
        post = manager[i]
        if post != NOBODY and not np.isnan(felt[post]):
            c.manager_change[i] = np.int8(felt[post])
            c.bond[i] *= kept[post]
        if post != NOBODY and (tier_of_post[post] == k or not release):
            books[post] += weight
            sums[1, k] += weight
            managed[having] = i
            having += 1
            continue
        if post != NOBODY:
            manager[i] = NOBODY
            c.manager_change[i] = prepared
            c.bond[i] = ZERO
        if state[i] == ACTIVE and covered[k]:
            rows[waiting] = i
            waiting += 1
            sums[0, k] += weight
    return rows[:waiting], managed[:having]


@njit(**RULE)
def has_closed(state):
    """Whether anybody's account is closed, looked at many at once."""
    closed = np.uint8(0)
    for i in range(state.size):
        closed |= np.uint8(state[i] == CLOSED)
    return closed != 0


@njit(**LOOP)
def free_rows(state, wanted, first, last):
    """The first of the rows first..last whose customers have left, as many as wanted if there are, int64."""
    rows = np.empty(min(wanted, last - first), np.int64)
    count = 0
    for start in range(first, last, GLANCE):
        end = min(start + GLANCE, last)
        if has_closed(state[start:end]):
            for i in range(start, end):
                if state[i] == CLOSED:
                    if count == rows.size:
                        return rows
                    rows[count] = i
                    count += 1
    return rows[:count]


@njit(**LOOP)
def largest(aum, weight, tier, k, rows, places):
    """Of these rows, int64, those of tier k with the largest AUM: enough for `places`, in weight, and hardly more."""
    bins, heaviest = np.zeros((OCTAVES << NARROW) + 1, np.int64), np.int64(0)
    for i in rows:
        if tier[i] == k:
            bins[bin_of(aum[i], NARROW)] += np.int64(weight[i])
            heaviest = max(heaviest, np.int64(weight[i]))
    least, beyond = bins.size, np.int64(0)
    while least > 0 and beyond <= places + heaviest:
        least -= 1
        beyond += bins[least]
    found, count = np.empty(rows.size, np.int64), 0
    for i in rows:
        found[count] = i
        count += (tier[i] == k) & (bin_of(aum[i], NARROW) >= least)
    return found[:count]


@njit(**EQUATION)
def goes_before(a, b, keys, uid):
    """Whether contact a is more important than b: by the first key that differs, smaller first, then by uid."""
    for key in range(keys.shape[0]):
        if keys[key, a] != keys[key, b]:
            return keys[key, a] < keys[key, b]
    return uid[a] < uid[b]


@njit(**EQUATION)
def hours(weight, hours_of):
    """Hours that contacts take, by their weight in each channel, int64 (channels,), in whatever order it was added."""
    total = 0.0
    for channel in range(weight.size):
        total += weight[channel] / UNIT * hours_of[channel]
    return total


@njit(**LOOP)
def fit_hours(post, channel, weight, hours_of, keys, uid, free, fits, turn, turns):
    """Which contacts fit the hours free at their post, the most important first: sets `fits`, bool (contacts,).

    That of every so many-th post, `turn` the first of them. A customer's contact takes `hours_of` its channel, and
    `free` are hours, float64 both; `keys`, float64 (keys, contacts), say who comes first. Where not all fit, the first
    that does not is found by dividing those in doubt at one of them, again and again.
    """
    mine = np.zeros(free.size, np.bool_)
    mine[turn::turns] = True
    asked, begin = np.zeros((free.size, hours_of.size), np.int64), np.zeros(free.size + 1, np.int64)
    for i in range(post.size):
        if mine[post[i]]:
            asked[post[i], channel[i]] += weight[i]
            begin[post[i] + 1] += 1
    for j in range(free.size):
        begin[j + 1] += begin[j]
    place, rows = begin[:-1].copy(), np.empty(begin[-1], np.int64)
    for i in range(post.size):
        if mine[post[i]]:
            rows[place[post[i]]] = i
            place[post[i]] += 1
            fits[i] = True
    for j in range(turn, free.size, turns):
        if hours(asked[j], hours_of) <= free[j] + SLACK:
            continue
        book, taken = rows[begin[j] : begin[j + 1]], np.zeros(hours_of.size, np.int64)
        first, last = 0, book.size  # those before the one fit, those from the other on do not
        while first < last:
            one, middle, at, upto = book[(first + last) // 2], (first + last) // 2, first, taken.copy()
            book[middle] = book[last - 1]
            for i in range(first, last - 1):
                other = book[i]
                if goes_before(other, one, keys, uid):
                    upto[channel[other]] += weight[other]
                    book[i] = book[at]
                    book[at] = other
                    at += 1
            book[last - 1] = book[at]
            book[at] = one
            upto[channel[one]] += weight[one]
            if hours(upto, hours_of) <= free[j] + SLACK:
                first, taken = at + 1, upto
            else:
                last = at
        fits[book[last:]] = False
