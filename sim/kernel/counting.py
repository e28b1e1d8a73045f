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
from sim.kernel.blocks import END, held_share
from sim.kernel.contacts import retention_gain
from sim.kernel.money import price
from sim.kernel.numerics import EQUATION, ONE, RULE, ZERO, exp, f32, i32
from sim.kernel.service import standard_score
from sim.kernel.tallies import MOMENT_UNIT, RATIO_UNIT, SHARE_UNIT, TENURE_LAST
from sim.kernel.tallies import Moment as M
from sim.kernel.tallies import Tally as T

FEN = 100.0  # in a CNY
YEAR = f32(12.0)
FEW = 16  # active rows of a block that are added one by one
OLD = f32(SENIOR)
PLANNED = np.array([DUE, KEEP, FOLLOW, KEEP, OFFER, KEEP, FOLLOW, KEEP])  # what for, by RETENTION, LEAD, PROPOSED


@njit(**EQUATION)
def fen(money):
    """Money in whole fen, int64."""
    return np.int64(np.float64(money) * FEN + 0.5)


@njit(**EQUATION)
def fixed(share):
    """A share or score in whole units of the sums, int64."""
    return np.int64(share * SHARE_UNIT)


@njit(**RULE)
def count_reach(k, b, w, now, reach):
    """Add the block's wishes for a contact by tier, group, what for and what became of it: customers, and their AUM.

    An offer that was no use is declined; a contact that offers nothing has been answered once it reaches somebody. A
    dormant customer answers by coming back in that month.
    """
    years = f32(now.month) / YEAR
    for place in range(w.wishes.size):
        i = w.wishes[place]
        if i == END:
            break
        planned, channel = int(w.plan[i]), w.channel[i]
        if planned < NOBODY:
            wish, end = (LOST - planned) >> 2, (LOST - planned) & 3
        elif b.state[i] == DORMANT:
            answer = ANSWERED if w.after[i] == ACTIVE else DECLINED
            wish, end = WIN_BACK, (answer if channel >= 0 else SILENCED)
        else:
            contacted = MISSED + i32(w.reached[i]) * (2 - i32(w.offered[i]) * (1 - w.made_sale[i]))
            end = contacted if channel >= 0 else LOST - channel
            wish = PLANNED[(planned >> 3) & 7] if planned >= 0 else CAMPAIGN + w.keeping[i]
        group = 2 * i32(b.age[i] + years >= OLD) + i32(b.adopted[i] != 0)
        weight = np.int64(b.weight[i])
        reach[k, group, wish, end, 0] += weight
        reach[k, group, wish, end, 1] += weight * np.int64(np.float64(b.aum[i]) + 0.5)


@njit(**RULE)
def count_contacts(k, b, w, tally):
    """Add the block's contacts, channel by channel, and the opt-outs they caused."""
    for place in range(w.wishes.size):
        i = w.wishes[place]
        if i == END:
            break
        if w.channel[i] >= 0:
            weight = np.int64(b.weight[i])
            tally[k, T.CONTACTS + w.channel[i]] += weight
            tally[k, T.OPT_OUTS] += weight * w.opted[i]


@njit(**RULE)
def count_money(k, b, w, now, tally):
    """Add what the market and customers themselves did to AUM in the month."""
    path, last, before_this = now.growth_path, i32(now.growth_path.size - 1), i32(now.month - 1)
    start, market = i32(now.start), 1.0 + now.market_growth[k]
    grown, brought = np.int64(0), np.int64(0)
    for i in range(b.tier.size):
        since = min(before_this - max(i32(b.joined_month[i]), start), last)
        growth = np.int64(np.floor(np.float64(b.aum[i]) * ((1.0 + path[since]) * market - 1.0) * FEN + 0.5))
        weight = np.int64(b.weight[i])
        grown += weight * growth
        brought += weight * (fen(w.money[i]) - fen(b.aum[i]) - growth)
    tally[k, T.MARKET] += grown
    tally[k, T.NEW_MONEY] += brought


@njit(**RULE)
def count_service(k, b, w, tally):
    """Add what the active bought and how they were served."""
    bought, episodes, quality = np.int64(0), np.int64(0), np.int64(0)
    failures, complaints = np.int64(0), np.int64(0)
    for i in range(b.tier.size):
        weight = np.int64(b.weight[i])
        bought += weight * w.taken[i]
        episodes += weight * fixed(w.experience[i])
        quality += weight * fixed(w.felt[i])
        failures += weight if w.failed[i] > ZERO else np.int64(0)
        complaints += weight if w.complained[i] > ZERO else np.int64(0)
    tally[k, T.SALES] += bought
    tally[k, T.EXPERIENCES] += episodes
    tally[k, T.QUALITY] += quality
    tally[k, T.FAILURES] += failures
    tally[k, T.COMPLAINTS] += complaints


@njit(**RULE)
def count_cohort(k, b, now, cohort):
    """Add the active by completed months as a customer."""
    for i in range(b.tier.size):
        cohort[k, completed(now.month, b.joined_month[i]), 0] += b.weight[i]


@njit(**EQUATION)
def completed(month, joined):
    """Row of the cohort table: months completed before this one."""
    return min(max(i32(month) - i32(joined) - i32(1), i32(0)), i32(TENURE_LAST))


@njit(**RULE)
def count_moves(k, b, w, now, sums):
    """Add who left, fell asleep, came back or changed tier, by the tier before; arrivals by the tier after."""
    tally, cohort, left_from = sums.tally, sums.cohort, sums.left_from
    for i in range(b.tier.size):
        state, after, j = b.state[i], w.after[i], w.new_tier[i]
        if after == state and j == k:
            continue
        weight = np.int64(b.weight[i])
        if state == ACTIVE and after != ACTIVE:
            tally[k, T.AUM_EXITED] += weight * fen(b.aum[i])
            cohort[k, completed(now.month, b.joined_month[i]), 1 if after == CLOSED else 2] += weight
            if b.manager[i] >= 0:
                sums.book_exits[b.manager[i]] += weight
            if after == DORMANT:
                tally[k, T.DORMANT] += weight
        elif state == DORMANT and after == ACTIVE:
            tally[k, T.REACTIVATED] += weight
        if after == CLOSED:
            tally[k, T.CLOSED] += weight
            if state == DORMANT:
                tally[k, T.CLOSED_DORMANT] += weight
            left_from[min(np.int64(b.year_start[i]), left_from.size - 1)] += weight
        elif j != k:
            worth = weight * fen(w.money[i])
            tally[k, T.UPGRADED if j > k else T.DOWNGRADED] += weight
            tally[j, T.MOVED_IN] += weight
            tally[j, T.AUM_MOVED] += worth
            tally[k, T.AUM_MOVED] -= worth


@njit(**RULE)
def measure(b, month, p, w):
    """What stocks are made of, one number a customer: earnings, the share of the wallet, scores."""
    price(b.aum, p, w.earned, w.each)
    for i in range(b.tier.size):
        standard = standard_score(b.satisfaction[i], p)
        trust = b.trust[i] / p.trust_sd
        tenure = min(max(i32(month) - i32(b.joined_month[i]), i32(0)), i32(p.habit_months))
        habit = f32(tenure) * p.habit_step - ONE
        w.share[i] = held_share(b.traits[i], p) / (ONE + exp(-b.wallet[i]))
        w.score[i] = standard
        w.trusting[i] = trust
        w.loyal[i] = (
            p.loyal_satisfaction * standard + p.loyal_trust * trust + p.loyal_bond * b.bond[i] + p.loyal_habit * habit
        )


@njit(**RULE)
def add_stocks(k, first, last, b, w, tally):
    """Add the stocks of those of rows first..last that are in tier k."""
    none = np.int64(0)
    open_, aum, earned, wallet, silenced = none, none, none, none, none
    for i in range(first, last):
        there = np.int64(b.weight[i]) if (b.tier[i] == k) and (b.state[i] != CLOSED) else none
        open_ += there
        aum += there * fen(b.aum[i])
        earned += there * fen(w.earned[i])
        wallet += there * fixed(w.share[i])
        silenced += there if b.opted_out[i] != 0 else none
    tally[k, T.OPEN] += open_
    tally[k, T.AUM] += aum
    tally[k, T.EARNED] += earned
    tally[k, T.WALLET] += wallet
    tally[k, T.OPTED_OUT] += silenced


@njit(**RULE)
def add_active(k, first, last, b, w, tally):
    """Add what only the active have, of those of rows first..last that are in tier k."""
    none = np.int64(0)
    active, products, earned, digital, managed = none, none, none, none, none
    satisfaction, trust, loyalty, loyalty2, bond = none, none, none, none, none
    for i in range(first, last):
        awake = np.int64(b.weight[i]) if (b.tier[i] == k) and (b.state[i] == ACTIVE) else none
        extra = np.int64(b.products[i]) - 1
        each = fen(w.each[i]) * extra
        led = awake if b.manager[i] >= 0 else none
        active += awake
        products += awake * (extra + 1)
        earned += awake * (-each if (i32(b.traits[i]) & ADVERSE) != 0 else each)
        digital += awake * b.adopted[i]
        satisfaction += awake * fixed(w.score[i])
        trust += awake * fixed(w.trusting[i])
        loyalty += awake * fixed(w.loyal[i])
        loyalty2 += awake * fixed(w.loyal[i] * w.loyal[i])
        managed += led
        bond += led * fixed(b.bond[i])
    tally[k, T.ACTIVE] += active
    tally[k, T.PRODUCTS] += products
    tally[k, T.EARNED_PRODUCTS] += earned
    tally[k, T.DIGITAL] += digital
    tally[k, T.SATISFACTION] += satisfaction
    tally[k, T.TRUST] += trust
    tally[k, T.LOYALTY] += loyalty
    tally[k, T.LOYALTY2] += loyalty2
    tally[k, T.MANAGED_OPEN] += managed
    tally[k, T.BOND] += bond


@njit(**RULE)
def count_stocks(k, b, month, p, w, tally):
    """Add the stocks at month end of a block that was in tier k: all who still are at once, then each who moved."""
    measure(b, month, p, w)
    n, awake = b.tier.size, i32(0)
    for i in range(n):
        awake += i32(b.state[i] == ACTIVE)
    add_stocks(k, 0, n, b, w, tally)
    if awake > FEW:
        add_active(k, 0, n, b, w, tally)
    for i in range(n):
        tier = np.int64(b.tier[i])
        if tier != k:
            add_stocks(tier, i, i + 1, b, w, tally)
        if b.state[i] == ACTIVE and (tier != k or awake <= FEW):
            add_active(tier, i, i + 1, b, w, tally)


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
