"""What a block adds to the sums of its chunk: flows, stocks, and the moments that hazards and scores are scaled by."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.codes import (
    ACTIVE,
    ADVERSE,
    ANSWERED,
    CAMPAIGN,
    CLOSED,
    DECLINED,
    DORMANT,
    DUE,
    FOLLOW,
    KEEP,
    LOST,
    MISSED,
    NOBODY,
    OFFER,
    SENIOR,
    SILENCED,
    WIN_BACK,
)
from sim.kernel.blocks import held_share
from sim.kernel.contacts import retention_gain
from sim.kernel.money import price
from sim.kernel.numerics import ONE, RULE, ZERO, exp, f32, i32
from sim.kernel.tallies import MOMENT_UNIT, RATIO_UNIT, SHARE_UNIT, TENURE_LAST
from sim.kernel.tallies import Moment as M
from sim.kernel.tallies import Tally as T

FEN = 100.0  # in a CNY
YEAR = f32(12.0)
OLD = f32(SENIOR)
PLANNED = np.array([DUE, KEEP, FOLLOW, KEEP, OFFER, KEEP, FOLLOW, KEEP])  # what for, by RETENTION, LEAD, PROPOSED


@njit(**RULE)
def count_reach(b, w, now, reach):
    """Add the block's wishes for a contact by tier, group, what for and what became of it: customers, and their AUM.

    An offer that was no use is declined; a contact that offers nothing has been answered once it reaches somebody. A
    dormant customer answers by coming back in that month.
    """
    years = f32(now.month) / YEAR
    count = i32(0)
    for i in range(b.state.size):  # a list first, since what is seldom true is costly to ask
        w.wishes[count] = i
        count += i32((w.channel[i] != NOBODY) or (w.plan[i] < NOBODY))
    for place in range(count):
        i = w.wishes[place]
        planned, channel = i32(w.plan[i]), w.channel[i]
        contacted = MISSED + i32(w.reached[i]) * (2 - i32(w.offered[i]) * (1 - w.made_sale[i]))
        end = contacted if channel >= 0 else LOST - channel
        wish = PLANNED[(planned >> 3) & 7] if planned >= 0 else CAMPAIGN + w.keeping[i]
        if planned < NOBODY:
            wish, end = (LOST - planned) >> 2, (LOST - planned) & 3
        elif b.state[i] == DORMANT:
            answer = ANSWERED if w.after[i] == ACTIVE else DECLINED
            wish, end = WIN_BACK, (answer if channel >= 0 else SILENCED)
        group = 2 * i32(b.age[i] + years >= OLD) + i32(b.adopted[i] != 0)
        k, weight = b.tier[i], np.int64(b.weight[i])
        reach[k, group, wish, end, 0] += weight
        reach[k, group, wish, end, 1] += weight * np.int64(np.float64(b.aum[i]) + 0.5)


@njit(**RULE)
def count_flows(b, w, now, sums):
    """Add the block's flows: by the tier before, arrivals from other tiers by the tier after."""
    tally, cohort, left_from = sums.tally, sums.cohort, sums.left_from
    for i in range(b.state.size):
        state, after = b.state[i], w.after[i]
        if state == CLOSED:
            continue
        k = b.tier[i]
        j = w.new_tier[i]
        weight = np.int64(b.weight[i])
        before = np.int64(np.float64(b.aum[i]) * FEN + 0.5)
        worth = np.int64(np.float64(w.money[i]) * FEN + 0.5)
        since = min(now.month - 1 - max(np.int64(b.joined_month[i]), now.start), now.growth_path.size - 1)
        grown = (1.0 + now.growth_path[since]) * (1.0 + now.market_growth[k]) - 1.0
        growth = np.int64(np.floor(np.float64(b.aum[i]) * grown * FEN + 0.5))
        tally[k, T.MARKET] += weight * growth
        tally[k, T.NEW_MONEY] += weight * (worth - before - growth)
        if w.channel[i] >= 0:
            tally[k, T.CONTACTS + w.channel[i]] += weight
            tally[k, T.OPT_OUTS] += weight * w.opted[i]
        if state == ACTIVE:
            tenure = min(max(now.month - b.joined_month[i] - 1, 0), TENURE_LAST)
            cohort[k, tenure, 0] += weight
            tally[k, T.SALES] += weight * w.taken[i]
            tally[k, T.EXPERIENCES] += weight * np.int64(w.experience[i] * SHARE_UNIT)
            tally[k, T.QUALITY] += weight * np.int64(w.felt[i] * SHARE_UNIT)
            if w.failed[i] > ZERO:
                tally[k, T.FAILURES] += weight
                tally[k, T.COMPLAINTS] += weight * np.int64(w.complained[i])
            if after != ACTIVE:
                tally[k, T.AUM_EXITED] += weight * before
                cohort[k, tenure, 1 if after == CLOSED else 2] += weight
                if b.manager[i] >= 0:
                    sums.book_exits[b.manager[i]] += weight
                if after == DORMANT:
                    tally[k, T.DORMANT] += weight
        elif after == ACTIVE:
            tally[k, T.REACTIVATED] += weight
        if after == CLOSED:
            tally[k, T.CLOSED] += weight
            if state == DORMANT:
                tally[k, T.CLOSED_DORMANT] += weight
            left_from[min(np.int64(b.year_start[i]), left_from.size - 1)] += weight
        elif j != k:
            tally[k, T.UPGRADED if j > k else T.DOWNGRADED] += weight
            tally[j, T.MOVED_IN] += weight
            tally[j, T.AUM_MOVED] += weight * worth
            tally[k, T.AUM_MOVED] -= weight * worth


@njit(**RULE)
def count_stocks(b, month, p, earned, each, tally):
    """Add the block's stocks at month end. `earned` and `each` are scratch, float32, for what customers earn."""
    price(b.aum, p, earned, each)
    for i in range(b.state.size):
        if b.state[i] == CLOSED:
            continue
        k = b.tier[i]
        weight = np.int64(b.weight[i])
        tally[k, T.OPEN] += weight
        tally[k, T.AUM] += weight * np.int64(np.float64(b.aum[i]) * FEN + 0.5)
        tally[k, T.EARNED] += weight * np.int64(np.float64(earned[i]) * FEN + 0.5)
        tally[k, T.WALLET] += weight * np.int64(held_share(b.traits[i], p) / (ONE + exp(-b.wallet[i])) * SHARE_UNIT)
        if b.opted_out[i] != 0:
            tally[k, T.OPTED_OUT] += weight
        if b.state[i] == ACTIVE:
            extra = np.int64(b.products[i]) - 1
            score = (b.satisfaction[i] - p.satisfaction_mu) / p.satisfaction_sd
            trusting = b.trust[i] / p.trust_sd
            habit = f32(i32(min(max(month - b.joined_month[i], 0), p.habit_months))) * p.habit_step - ONE
            loyal = (
                p.loyal_satisfaction * score
                + p.loyal_trust * trusting
                + p.loyal_bond * b.bond[i]
                + p.loyal_habit * habit
            )
            tally[k, T.ACTIVE] += weight
            tally[k, T.PRODUCTS] += weight * (extra + 1)
            products = np.int64(np.float64(each[i]) * FEN + 0.5) * extra
            tally[k, T.EARNED_PRODUCTS] += weight * (-products if (i32(b.traits[i]) & ADVERSE) != 0 else products)
            tally[k, T.DIGITAL] += weight * b.adopted[i]
            tally[k, T.SATISFACTION] += weight * np.int64(score * SHARE_UNIT)
            tally[k, T.TRUST] += weight * np.int64(trusting * SHARE_UNIT)
            tally[k, T.LOYALTY] += weight * np.int64(loyal * SHARE_UNIT)
            tally[k, T.LOYALTY2] += weight * np.int64(loyal * loyal * SHARE_UNIT)
            if b.manager[i] >= 0:
                tally[k, T.MANAGED_OPEN] += weight
                tally[k, T.BOND] += weight * np.int64(b.bond[i] * SHARE_UNIT)


@njit(**RULE)
def add_moments(b, p, sums):
    """By tier over active customers: weight, hazard ratio, and what scores are measured against."""
    for i in range(b.state.size):
        if b.state[i] == ACTIVE:
            k = b.tier[i]
            weight = np.int64(b.weight[i])
            risk = b.risk[i]
            gain = retention_gain(risk, p.saved[b.uplift_class[i]])
            sums[k, M.WEIGHT] += weight
            sums[k, M.RATIO] += weight * np.int64(exp(risk) * f32(RATIO_UNIT))
            sums[k, M.RISK] += weight * np.int64(risk * f32(MOMENT_UNIT))
            sums[k, M.RISK2] += weight * np.int64(risk * risk * f32(MOMENT_UNIT))
            sums[k, M.GAIN] += weight * np.int64(gain * f32(MOMENT_UNIT))
            sums[k, M.GAIN2] += weight * np.int64(gain * gain * f32(MOMENT_UNIT))
