"""Whom managers wish to contact this month, and where: a pass over the managed customers, and one over what is left.

Who is due, and who is proposed, is found first; then each wish draws a channel, and is lost where the customer has
opted out or would have too much. Between the passes stand the hours of managers (`kernel.books.fit_hours`) and the
room of channels (`agents.team`). The first takes a stretch of the rows listed, and may run beside itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sim.codes import (
    DRAW_PLAN,
    DUE,
    FOLLOW,
    KEEP,
    LEAD,
    LOST,
    MISSED,
    NOBODY,
    OFFER,
    PROPOSED,
    RETENTION,
    SILENCED,
    SPARED,
)
from sim.kernel.blocks import BLOCK
from sim.kernel.numerics import EQUATION, LOOP, ONE, draw_four, u64


class Planned(NamedTuple):
    """The columns that plans are made of."""

    uid: np.ndarray
    manager: np.ndarray
    tier: np.ndarray
    weight: np.ndarray
    aum: np.ndarray
    contact_gap: np.ndarray
    opted_out: np.ndarray
    pressure: np.ndarray
    last_channel: np.ndarray
    preferred: np.ndarray


class Habits(NamedTuple):
    """How managers contact customers; (tiers,) and (channels,) tell by what."""

    interval: np.ndarray  # (tiers,) months between contacts, float64
    mix: np.ndarray  # (tiers, channels) share of contacts in a channel or one before it, float64
    apart: np.ndarray  # (channels + 1,) where no manager plans a contact, bool
    fallback: int  # the channel taken instead
    meetings: np.ndarray  # (channels,) held in the branch, bool
    instead: np.ndarray  # channels of conversations that a meeting can be moved to, int64
    reach: np.ndarray  # (tiers, channels instead) share of those moved to one or one before it, float64
    pressure_memory: np.float32
    pressure: np.ndarray  # (channels,) what a contact adds, float32
    preferred_relief: np.float32
    channel_change: np.float32


class Wishes(NamedTuple):
    """Contacts that managers wish to make, (wishes,) each."""

    rows: np.ndarray  # int64
    post: np.ndarray  # int64
    tier: np.ndarray  # int64
    weight: np.ndarray  # customers/1024, int64
    channel: np.ndarray  # int64
    purpose: np.ndarray  # int8
    queue: np.ndarray  # who stands before whom, smaller first, float64
    uid: np.ndarray  # uint64
    aum: np.ndarray  # CNY, float32


@njit(**EQUATION)
def channel_of(u0, u1, k, most, h):
    """Where a contact with a customer of tier k is held, by two uniforms.

    At most the share `most` of a tier's contacts stay meetings in the branch; the rest are calls or video. A meeting
    that cannot be held is moved by its own second draw, in the tier's proportion of the channels of conversations, so
    every other contact stays what it was.
    """
    drawn = 0
    for channel in range(h.mix.shape[1]):
        drawn += u0 >= h.mix[k, channel]
    channel = h.fallback if h.apart[drawn] else drawn
    if not (h.meetings[channel] and u0 >= most):
        return channel
    if h.instead.size == 0:
        return h.fallback
    moved = 0
    for other in range(h.instead.size - 1):
        moved += u1 >= h.reach[k, other]
    return h.instead[moved]


@njit(**EQUATION)
def lost(purpose, end):
    """What a plan says of a wish of this purpose that is lost at this end, int8."""
    wish = DUE
    if purpose & RETENTION:
        wish = KEEP
    elif purpose & LEAD:
        wish = FOLLOW
    elif purpose & PROPOSED:
        wish = OFFER
    return np.int8(LOST - (MISSED * wish + end))  # the ends before `MISSED` are those of a plan


@njit(**LOOP)
def look_through(c, rows, first, last, h, most, cap, priority, purpose, word, key0, key1, mass, plan):
    """The wishes for rows[first:last], int64, that customers put up with; those they do not are lost in the `plan`.

    `c` is `Planned`. `most`, as of `channel_of`; `cap`, float32 (1,) or (rows,), is the most contact pressure. What
    strategies propose: `priority`, float64 (rows,), larger first, and `purpose`, int8 (rows,), 0 where they do not; no
    entries where none does. What is due stands before every such wish. Adds weights to `mass`, int64 (posts, tiers).

    The pressure after a contact is that of `kernel.contacts`. It is channels that keep the cap, as they do for
    campaigns, so it may know the channel a customer likes best, which managers do not.
    """
    chosen, count = np.empty(last - first, np.int64), 0
    for j in range(first, last):
        i = rows[j]
        k = c.tier[i]
        mass[c.manager[i], k] += np.int64(c.weight[i])
        chosen[count] = j
        count += (np.int64(c.contact_gap[i]) + 1 >= h.interval[k]) | (purpose.size > 0 and purpose[j] != 0)
    w = Wishes(
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.int64),
        np.empty(count, np.int8),
        np.empty(count, np.float64),
        np.empty(count, np.uint64),
        np.empty(count, np.float32),
    )
    block, draws, kept = np.empty(BLOCK, np.uint64), np.empty((4, BLOCK), np.float32), 0
    for start in range(0, count, BLOCK):
        m = min(count - start, BLOCK)
        for b in range(m):
            block[b] = c.uid[rows[chosen[start + b]]]
        draw_four(block[:m], word, u64(DRAW_PLAN), key0, key1, draws[0, :m], draws[1, :m], draws[2, :m], draws[3, :m])
        for b in range(m):
            j = chosen[start + b]
            i = rows[j]
            k = np.int64(c.tier[i])
            meant = purpose[j] if purpose.size > 0 else np.int8(0)
            channel = channel_of(np.float64(draws[0, b]), np.float64(draws[1, b]), k, most, h)
            barred = np.int64(c.opted_out[i])
            channel = h.fallback if (barred >> channel) & 1 else channel
            easy = h.preferred_relief if channel == c.preferred[i] else ONE
            before = c.last_channel[i]
            switched = h.channel_change if before >= 0 and before != channel else ONE
            pressure = c.pressure[i] * h.pressure_memory + h.pressure[channel] * easy * switched
            if (barred >> channel) & 1:
                plan[i] = lost(meant, SILENCED)
            elif pressure > cap[min(j, cap.size - 1)]:
                plan[i] = lost(meant, SPARED)
            else:
                w.rows[kept], w.post[kept], w.tier[kept], w.channel[kept] = i, c.manager[i], k, channel
                w.weight[kept], w.purpose[kept], w.uid[kept], w.aum[kept] = c.weight[i], meant, c.uid[i], c.aum[i]
                due = np.int64(c.contact_gap[i]) + 1 >= h.interval[k]
                w.queue[kept] = -np.inf if due else -priority[j]
                kept += 1
    return Wishes(
        w.rows[:kept],
        w.post[:kept],
        w.tier[:kept],
        w.weight[:kept],
        w.channel[:kept],
        w.purpose[:kept],
        w.queue[:kept],
        w.uid[:kept],
        w.aum[:kept],
    )


@njit(**LOOP)
def put_down(wishes, end, plan, contacts, planned):
    """Write to the plan what becomes of these `Wishes`: a contact, or the end, int8 (wishes,), at which it is lost.

    Adds weights of contacts to `contacts`, int64 (posts,), and to `planned`, int64 (tiers, channels).
    """
    for j in range(end.size):
        if end[j] != NOBODY:
            plan[wishes.rows[j]] = lost(wishes.purpose[j], end[j])
            continue
        plan[wishes.rows[j]] = np.int8(wishes.channel[j]) | wishes.purpose[j]
        contacts[wishes.post[j]] += wishes.weight[j]
        planned[wishes.tier[j], wishes.channel[j]] += wishes.weight[j]
