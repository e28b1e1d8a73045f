"""One month of every customer, compiled: the list of its rules (`step_block`) and the loops over chunks of customers.

Customers are columns (`agents.customer.Columns`). An *equation* is a small pure function; a *rule* is one mechanism
as short loops over a block of 512 customers, without branches, so that it vectorises and its scratch stays in the
first-level cache; the *month* lists the rules in the order of DECISIONS 10; a *loop* walks the blocks of a chunk and
has no ideas in it. Chunks run on any thread in any order: a draw depends on (seed, purpose, month, uid) only, and
every sum is an integer (`tallies`), so totals have the same bits however rows are ordered or shared out.

A block holds customers of one state and one tier, so that no table by tier is looked up row by row and nobody asks of
every row who is awake; `tidy.tidy_chunk` puts rows of a kind together. Rows in any order live the same lives, though
slowly. The closed are not lived at all.

Threads are Python threads over `nogil` chunks, not `prange`: one compiled variant serves one thread and many, nothing
waits for the parallel back end to compile (5 to 11 s), and numba's traps of parallel loops (#5872, #7135) cannot
arise. float32 throughout: a float64 constant in a rule would halve the vector width (a test reads the compiled code
for that).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sim.codes import ACTIVE, CLOSED
from sim.kernel.blocks import (
    BLOCK,
    FLOATS,
    INTEGERS,
    SCORE_ROW,
    Draws,
    block_of,
    draw,
    draw_lanes,
    draws_of,
    stretch,
    work_of,
)
from sim.kernel.contacts import (
    aim,
    be_left_alone,
    forget,
    list_wishes,
    meet,
    reach_out,
    remember,
    retain,
    score_churn,
    score_offer,
    score_uplift,
    welcome,
)
from sim.kernel.counting import (
    add_moments,
    count_cohort,
    count_contacts,
    count_money,
    count_moves,
    count_reach,
    count_service,
    count_stocks,
)
from sim.kernel.leaving import climb, hold, keep_in_band, sleep_on, stay_or_leave, turn_page, weigh_leaving
from sim.kernel.money import adopt, be_silent, bring_money, earn, move_wealth, use_products
from sim.kernel.numerics import LOOP, ONE, RULE, ZERO
from sim.kernel.pages import page
from sim.kernel.service import drowse, feel, know_managers, serve, standard_score
from sim.kernel.strips import strip
from sim.kernel.tallies import Sums

N_DRAWS, N_FLOATS, N_INTEGERS = len(Draws._fields), len(FLOATS), len(INTEGERS)


@njit(**RULE)
def step_block(k, b, u, w, now, p, sums):
    """The month of a block of active customers of tier k, in the order of DECISIONS 10."""
    move_wealth(k, b, u, now, p)
    aim(b, u, w, now, p)
    know_managers(b, w, now)
    serve(k, b, u, w, now, p)
    reach_out(k, b, u, w, now, p)
    retain(k, b, u, w, now, p)
    welcome(b, u, w, now, p)
    list_wishes(w)
    forget(b, w, now, p)
    meet(k, b, u, w, now, p)
    remember(b, u, w, now, p)
    feel(b, u, w, now, p)
    use_products(k, b, u, w, p)
    adopt(b, u, now, p)
    bring_money(b, w, p)
    earn(k, b, w, now, p)
    weigh_leaving(k, b, u, w, now, p)
    stay_or_leave(k, b, u, w, now, p)
    hold(b, w, p)
    keep_in_band(k, b, w, p)
    climb(k, b, w, now, p)
    count_service(k, b, w, sums.tally)
    count_cohort(k, b, now, sums.cohort)
    count_reach(k, b, w, now, sums.reach)
    count_contacts(k, b, w, sums.tally)
    count_money(k, b, w, now, sums.tally)
    count_moves(k, b, w, now, sums)
    turn_page(b, w)
    count_stocks(k, b, now.month, p, w, sums.tally)


@njit(**RULE)
def sleep_block(k, b, u, w, now, p, sums):
    """The short month of a block of dormant customers of tier k: nobody serves them, meets them or sells to them.

    A list of its own, because a call in a branch counts a reference to every array it hands on.
    """
    move_wealth(k, b, u, now, p)
    be_left_alone(b, w, now, p)
    drowse(b, u, w, now, p)
    be_silent(b)
    earn(k, b, w, now, p)
    weigh_leaving(k, b, u, w, now, p)
    sleep_on(k, b, u, w, now, p)
    hold(b, w, p)
    keep_in_band(k, b, w, p)
    climb(k, b, w, now, p)
    list_wishes(w)
    count_reach(k, b, w, now, sums.reach)
    count_contacts(k, b, w, sums.tally)
    count_money(k, b, w, now, sums.tally)
    count_moves(k, b, w, now, sums)
    turn_page(b, w)
    count_stocks(k, b, now.month, p, w, sums.tally)


@njit(**LOOP)
def step_chunk(c, first, last, plan, now, p, tally, cohort, left_from, book_exits, reach):
    """Live one month for rows first..last, block by block; adds to the integer sums of this chunk (`tallies.Sums`)."""
    draws = np.empty((N_DRAWS, BLOCK), np.float32)
    floats = np.empty((N_FLOATS, BLOCK), np.float32)
    integers = np.empty((N_INTEGERS, BLOCK), np.int32)
    sums = Sums(tally, cohort, left_from, book_exits, reach)
    this, rates = page(now), page(p)
    start = first
    while start < last:
        end = stretch(c.state, c.tier, start, min(start + BLOCK, last))
        state, k, m = c.state[start], np.int64(c.tier[start]), end - start
        if state != CLOSED:
            b = block_of(c, start, end)
            u, w = draws_of(draws, m), work_of(plan[start:end], floats, integers, m)
            draw(k, state != ACTIVE, b.uid, this, draws)
            if state == ACTIVE:
                step_block(k, b, u, w, this, rates, sums)
            else:
                sleep_block(k, b, u, w, this, rates, sums)
        start = end


@njit(**LOOP)
def count_chunk(c, first, last, month, p, tally):
    """Stocks of rows first..last: month 0, joiners, and after a Markov move."""
    floats = np.empty((N_FLOATS, BLOCK), np.float32)
    integers = np.empty((N_INTEGERS, BLOCK), np.int32)
    plan = np.empty(BLOCK, np.int8)
    rates, start = page(p), first
    while start < last:
        end = stretch(c.state, c.tier, start, min(start + BLOCK, last))
        w = work_of(plan, floats, integers, end - start)
        count_stocks(np.int64(c.tier[start]), block_of(c, start, end), month, rates, w, tally)
        start = end


class Scored(NamedTuple):
    """The columns that scores are made of."""

    uid: np.ndarray
    tier: np.ndarray
    risk: np.ndarray
    uplift_class: np.ndarray
    need: np.ndarray


@njit(**LOOP)
def score_chunk(uid, tier, risk, uplift_class, need, now, p, churn, uplift, offer):
    """Scores of any customers, for managers to plan by: the same numbers campaigns go by."""
    draws = np.empty((N_DRAWS, BLOCK), np.float32)
    this, rates = page(now), page(p)
    for start in range(0, uid.size, BLOCK):
        end = min(start + BLOCK, uid.size)
        b = block_of(Scored(uid, tier, risk, uplift_class, need), start, end)
        u = draws_of(draws, end - start)
        draw_lanes(SCORE_ROW, b.uid, this, draws)
        score_churn(b, u, this, strip(churn, start, end))
        score_uplift(b, u, this, rates, strip(uplift, start, end))
        score_offer(b, u, this, strip(offer, start, end))


class Calm(NamedTuple):
    """What `weigh_leaving` asks of a month, where nothing happens and no lever is turned."""

    month: int
    yield_gap: np.float32
    demotion_ratio: np.float32
    word_of_mouth: np.ndarray
    hazard_ratio: np.ndarray
    welcome_hazard: np.float32


@njit(**LOOP)
def weigh_chunk(c, first, last, month, yield_gap, p, sums):
    """Set `risk` from the columns; add the population's moments (tiers, MOMENTS) for hazards and scores (SPEC 2.3)."""
    nothing = np.zeros(p.threshold.size, np.float32)
    now = Calm(month, yield_gap, ONE, nothing, nothing, ZERO)
    draws = np.ones((N_DRAWS, BLOCK), np.float32)  # no uniform is one: no event
    floats = np.empty((N_FLOATS, BLOCK), np.float32)
    integers = np.empty((N_INTEGERS, BLOCK), np.int32)
    plan = np.empty(BLOCK, np.int8)
    rates, start = page(p), first
    while start < last:
        end = stretch(c.state, c.tier, start, min(start + BLOCK, last))
        m = end - start
        b = block_of(c, start, end)
        w = work_of(plan, floats, integers, m)
        for i in range(m):
            w.score[i] = standard_score(b.satisfaction[i], rates)
        weigh_leaving(np.int64(c.tier[start]), b, draws_of(draws, m), w, now, rates)
        add_moments(b, rates, sums)
        start = end
