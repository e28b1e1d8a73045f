"""What is counted of a bank's rows at a year's end and at its last month: loops that change nobody's life.

Every sum is of integers (weights in 1/1024 customer, money in fen times that), so chunks add up to the same bits in any
order. Loops take whole columns and the first and last of their rows, and may run beside one another.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.codes import ACTIVE, CLOSED, DORMANT, DOWNGRADED, FELL_ASLEEP, JOINED_THIS_YEAR, KEPT, OPTED_OUT, UPGRADED
from sim.kernel.blocks import CHUNK
from sim.kernel.numerics import EQUATION, LOOP, f32

FEN = 100.0  # in a CNY
FINE = 11  # bits of a balance's fraction that tell its bin: 2048 bins from one power of two to the next
LEAST = int(f32(2.0**-7).view(np.int32)) >> 23  # below a fen
OCTAVES = 52  # up to 2^45 CNY, more than the sums of a bank hold
BINS = (OCTAVES << FINE) + 1
MOST_CONTACTS = 2**15


@njit(**EQUATION)
def bin_of(aum, fine):
    """Bin of a balance, CNY, 0 to 52 << `fine`; 2^`fine` of them lie from one power of two to the next."""
    return min(max(np.int64(f32(aum).view(np.int32) >> (23 - fine)) - (LEAST << fine), 0), OCTAVES << fine)


@njit(**LOOP)
def turn_year(state, tier, weight, year_start, first, last, moves):
    """Add to `moves`, int64 (tiers + 2, tiers + 2), who began the year where and is where now; begin the next one.

    Places are the tiers, then dormant, then new (before) and closed (now), which is not counted here.
    """
    tiers = moves.shape[0] - 2
    for i in range(first, last):
        if state[i] == CLOSED:
            year_start[i] = JOINED_THIS_YEAR
            continue
        now = tiers if state[i] == DORMANT else np.int64(tier[i])
        moves[min(np.int64(year_start[i]), tiers + 1), now] += np.int64(weight[i])
        year_start[i] = now


@njit(**LOOP)
def mark_active(state, tier, weight, year_ago, first, last, sums):
    """Note in `year_ago` the tier of those active now, -1 of others; add their weight to `sums`, int64 (tiers,)."""
    for i in range(first, last):
        year_ago[i] = tier[i] if state[i] == ACTIVE else -1
        if state[i] == ACTIVE:
            sums[tier[i]] += np.int64(weight[i])


@njit(**LOOP)
def count_stayed(state, weight, year_ago, first, last, sums):
    """Add the weight of those active then and now, by their tier then, to `sums`, int64 (tiers,)."""
    for i in range(first, last):
        if state[i] == ACTIVE and year_ago[i] >= 0:
            sums[year_ago[i]] += np.int64(weight[i])


@njit(**LOOP)
def count_spread(state, aum, weight, contacts, first, last, held, met):
    """Add open customers by size of their AUM, and active ones by contacts received.

    `held` int64 (BINS, 2): weight, and its AUM in fen; a bin is 1/2048 of its lower bound wide or less. `met` int64
    (MOST_CONTACTS,): weight.
    """
    for i in range(first, last):
        if state[i] != CLOSED:
            size = bin_of(aum[i], FINE)
            held[size, 0] += np.int64(weight[i])
            held[size, 1] += np.int64(weight[i]) * np.int64(np.float64(aum[i]) * FEN + 0.5)
        if state[i] == ACTIVE:
            met[max(np.int64(contacts[i]), 0)] += np.int64(weight[i])


@njit(**EQUATION)
def place_of(uid, among, guess):
    """Place of `uid` among sorted ones, -1 if it is not there; `guess` is looked at first."""
    if guess < among.size and among[guess] == uid:
        return guess
    low, high = 0, among.size
    while low < high:
        middle = (low + high) >> 1
        if among[middle] < uid:
            low = middle + 1
        else:
            high = middle
    return low if low < among.size and among[low] == uid else -1


@njit(**LOOP)
def find_rows(uid, state, first, last, among, rows):
    """Write to `rows`, int64, at which row each of the sorted uids `among` is open; others are left as they are."""
    guess = 0
    for i in range(first, last):
        if state[i] != CLOSED:
            place = place_of(uid[i], among, guess)
            if place >= 0:
                rows[place] = i
                guess = place + 1


@njit(**LOOP)
def find_fates(uid, state, tier, opted_out, first, last, among, tier_then, opted_out_then, fates):
    """Write to `fates`, int8, what has become of each of the sorted uids `among` that are still here.

    The first that holds of dormant, opted out, moved, kept.
    """
    guess = 0
    for i in range(first, last):
        if state[i] != CLOSED:
            place = place_of(uid[i], among, guess)
            if place >= 0:
                guess = place + 1
                moved = np.int64(tier[i]) - np.int64(tier_then[place])
                fate = UPGRADED if moved > 0 else (DOWNGRADED if moved < 0 else KEPT)
                fate = OPTED_OUT if (opted_out[i] & ~opted_out_then[place]) != 0 else fate
                fates[place] = fate if state[i] == ACTIVE else FELL_ASLEEP


@njit(**EQUATION)
def add_standing(place, tier, weight, aum, sums):
    """Add a customer's weight and AUM (fen) of then to those of the tier of then."""
    sums[0, tier[place]] += np.int64(weight[place])
    sums[1, tier[place]] += np.int64(weight[place]) * np.int64(np.float64(aum[place]) * FEN + 0.5)


@njit(**LOOP)
def count_active(active, tier, weight, aum, sums):
    """Add to `sums`, int64 (2, tiers), those who were active: weight, and AUM in fen."""
    for place in range(active.size):
        if active[place]:
            add_standing(place, tier, weight, aum, sums)


@njit(**LOOP)
def count_kept(uid, state, first, last, among, active, tier, weight, aum, sums):
    """Add to `sums`, int64 (2, tiers), those who are active now and were then: weight, and their AUM then in fen.

    `among` are the sorted uids of then, the other arrays how each of them stood.
    """
    guess = 0
    for i in range(first, last):
        if state[i] == ACTIVE:
            place = place_of(uid[i], among, guess)
            if place >= 0:
                guess = place + 1
                if active[place]:
                    add_standing(place, tier, weight, aum, sums)


@njit(**EQUATION)
def row_of(uid, state, who, first, last):
    """The row among first..last at which this uid is open, -1 if it is not there."""
    for i in range(first, last):
        if uid[i] == who and state[i] != CLOSED:
            return i
    return -1


@njit(**LOOP)
def follow(uid, state, wanted, rows):
    """Find customers again whose rows may have moved, mostly within chunks: `rows` by `wanted` uids, -1 = left."""
    for j in range(wanted.size):
        row = rows[j]
        if row < 0 or (row < uid.size and uid[row] == wanted[j] and state[row] != CLOSED):
            continue
        start = row // CHUNK * CHUNK
        row = row_of(uid, state, wanted[j], start, min(start + CHUNK, uid.size))
        rows[j] = row if row >= 0 else row_of(uid, state, wanted[j], 0, uid.size)
