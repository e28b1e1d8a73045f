"""Which rows managers have to do with: loops over columns whose answers are short lists of rows, and whole sums.

A list is as long as what it names, in the order of rows; what is done with it stands in `agents.team`. Loops take whole
columns and the first and last of their rows, and may run beside one another.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.codes import ACTIVE, CLOSED, NOBODY
from sim.kernel.numerics import LOOP, ZERO


@njit(**LOOP)
def rows_of_posts(manager, wanted, first, last):
    """Rows first..last whose manager's post is wanted, int64; `wanted` is a mask over the posts."""
    count = 0
    for i in range(first, last):
        count += manager[i] != NOBODY
    rows = np.empty(count + 1, np.int64)
    count = 0
    for i in range(first, last):  # a list first, since what is seldom true is costly to ask
        rows[count] = i
        count += manager[i] != NOBODY
    found = 0
    for j in range(count):
        rows[found] = rows[j]
        found += wanted[manager[rows[j]]]
    return rows[:found]


@njit(**LOOP)
def close_books(c, first, last, tier_of_post, covered, shock, months, books, sums):
    """Release whose post is of another tier than they are; rows that wait for a manager in the tiers covered, int64.

    Adds to `books`, int64 (posts,), the weight in each book, and to `sums`, int64 (2, tiers), that of active customers
    of the tiers covered: who wait, and who have a manager. `shock` (log hazard ratio) is felt for so many `months`.
    """
    manager, state, tier = c.manager, c.state, c.tier
    tiers = np.uint64(0)
    for k in range(covered.size):
        tiers |= np.uint64(covered[k]) << np.uint64(k)
    count = 0
    for i in range(first, last):
        count += (manager[i] != NOBODY) | ((state[i] == ACTIVE) & ((tiers >> np.uint64(tier[i])) & np.uint64(1) != 0))
    rows = np.empty(count + 1, np.int64)
    count = 0
    for i in range(first, last):
        rows[count] = i
        count += (manager[i] != NOBODY) | ((state[i] == ACTIVE) & ((tiers >> np.uint64(tier[i])) & np.uint64(1) != 0))
    waiting = 0
    for j in range(count):
        i = rows[j]
        k, weight = tier[i], np.int64(c.weight[i])
        post = manager[i]
        if post != NOBODY and tier_of_post[post] == k:
            books[post] += weight
            sums[1, k] += weight
            continue
        if post != NOBODY:
            manager[i] = NOBODY
            c.manager_shock[i] = shock
            c.manager_shock_months[i] = months
            c.bond[i] = ZERO
        if state[i] == ACTIVE and covered[k]:
            rows[waiting] = i
            waiting += 1
            sums[0, k] += weight
    return rows[:waiting]


@njit(**LOOP)
def free_rows(state, wanted, first, last):
    """The first of the rows first..last whose customers have left, as many as wanted if there are, int64."""
    rows = np.empty(min(wanted, last - first), np.int64)
    count = 0
    for i in range(first, last):
        if state[i] == CLOSED:
            if count == rows.size:
                break
            rows[count] = i
            count += 1
    return rows[:count]
