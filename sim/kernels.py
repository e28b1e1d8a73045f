"""One month of every customer, compiled: equation, rule, month, loop.

Customers are columns (`agents.customer.Columns`). A *rule* is one mechanism as one short loop over a block of 512
customers, without branches, so that it vectorises and its scratch stays in the first-level cache. `live_block` lists
the rules in the order of DECISIONS 10, and `live_chunk` walks the blocks of a chunk. Chunks run on any thread in any
order: a draw depends on (seed, purpose, month, uid) only, and every sum is an integer (weights in 1/1024 customer,
money in fen times that), so totals have the same bits however rows are ordered or shared out.

Threads are Python threads over `nogil` chunks, not `prange`: one compiled variant serves one thread and many, nothing
waits for the parallel back end to compile (5 to 11 s), and numba's traps of parallel loops (#5872, #7135) cannot
arise. float32 throughout: a float64 constant in a rule would halve the vector width (a test reads the compiled code
for that).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from sim.codes import (
    ACTIVE,
    CHANNEL_BITS,
    CLOSED,
    DORMANT,
    DRAW_CONTACT,
    DRAW_DIGITAL,
    DRAW_LIFE,
    DRAW_SCORE,
    DRAW_SERVICE,
    LEAD,
    MESSAGING,
    NOBODY,
    PHONE,
    RETENTION,
)
from sim.numerics import (
    EQUATION,
    HALF,
    LOOP,
    ONE,
    RULE,
    TWO,
    ZERO,
    draw_four,
    exp,
    f32,
    i32,
    log,
    normal,
    student_t4,
    u64,
)

BLOCK = 512
CHUNK = 16_384  # rows a task; fixed, though no result depends on it
WEIGHT_UNIT = 1024  # a customer in weight units
SHARE_UNIT = f32(65536.0)  # fixed point of shares and scores in the tallies
RATIO_UNIT = 1048576.0  # fixed point of hazard ratios in `add_moments`
MOMENT_UNIT = 4096.0  # fixed point of the moments of scores there
M_WEIGHT, M_RATIO, M_RISK, M_RISK2, M_GAIN, M_GAIN2 = range(6)
MOMENTS = 6
TENURE_LAST = 240  # cohort table: this many months and more are one row

(
    T_OPEN, T_ACTIVE, T_AUM, T_PRODUCTS, T_EXTRA, T_WALLET, T_DIGITAL, T_SATISFACTION, T_TRUST, T_LOYALTY, T_LOYALTY2,
    T_OPTED_OUT, T_CLOSED, T_CLOSED_DORMANT, T_DORMANT, T_REACTIVATED, T_UPGRADED, T_DOWNGRADED, T_MOVED_IN,
    T_AUM_MOVED, T_NEW_MONEY, T_MARKET, T_AUM_EXITED, T_SALES, T_FAILURES, T_COMPLAINTS, T_OPT_OUTS, T_MANAGED_OPEN,
    T_BRANCH, T_PHONE, T_VIDEO, T_MESSAGING, T_APP,
) = range(33)  # fmt: skip
TALLIES = 33


class Rates(NamedTuple):
    """What customers live by, the same for every month and arm. float32; by-tier tables have one entry a tier."""

    # wealth and wallet
    wealth_reversion: np.float32  # a month
    wealth_sd: np.float32  # of log wealth a month
    wealth_growth: np.float32  # of log wealth a month
    inheritance_jump: np.float32  # log wealth
    wallet_reversion: np.float32
    wallet_satisfaction: np.float32  # logit a SD-month
    wallet_contact: np.float32  # logit an effective contact
    wallet_yield: np.float32  # logit a pp-month
    wallet_multihoming: np.float32  # logit a month
    multihoming_digital: np.float32  # extra rate once app-active
    multihoming_branch: np.float32  # factor on that for those who prefer the branch
    dormant_share: np.float32  # of the wallet kept when going dormant
    liquid_share: np.ndarray  # by tier
    # life events
    event_rate: np.float32  # a month
    relocation_part: np.float32  # of events
    inheritance_part: np.float32  # of events
    # service
    experience_digital: np.float32  # chance a month of a service experience, app-active
    experience_other: np.float32
    failure_digital: np.float32  # chance of a failure in such a month
    failure_other: np.float32
    quality_sd: np.float32
    failure_drop: np.float32  # perceived quality lost, SD
    double_deviation: np.float32  # factor on a failure while one is open
    complain_share: np.float32
    manager_share: np.float32  # of an experience that the manager shapes
    # feelings
    gain: np.float32
    loss: np.float32
    expectation_speed: np.float32
    satisfaction_decay: np.float32
    tenure_anchor: np.float32  # months in which learning from one experience halves
    recovery_gain: np.float32
    pressure_dislike: np.float32
    trust_speed: np.float32
    breach: np.float32
    satisfaction_mu: np.float32  # closed form, of the baseline service law
    satisfaction_sd: np.float32
    trust_sd: np.float32
    engagement_memory: np.float32
    engagement_noise: np.float32  # sqrt(1 - memory^2)
    failure_fading: np.float32  # a month
    # contacts
    pressure_memory: np.float32  # a month
    preferred_relief: np.float32  # factor on pressure in the preferred channel
    channel_change: np.float32  # factor on pressure in another channel than the last
    opt_out_rate: np.float32
    opt_out_slope: np.float32
    opt_out_months: np.float32
    attempt_decay: np.float32
    need_effect: np.float32
    skill_effect: np.float32
    event_need: np.float32  # factor on sales in a month with a life event
    near_threshold: np.float32
    near_threshold_effect: np.float32
    bond_step: np.float32
    bond_fading: np.float32
    product_gain: np.ndarray  # own purchases a month, by tier
    product_loss: np.float32  # a product-month
    reach: np.ndarray  # by channel
    conversion: np.ndarray  # by channel
    pressure: np.ndarray  # by channel, 1 / ideal number a quarter
    uplift: np.ndarray  # by uplift class: log hazard ratio while a retention contact works
    saved: np.ndarray  # by uplift class: part of the hazard it takes away, 1 - ratio
    retention_months: int
    lead_chance: np.float32  # a month that an app user with a manager shows interest, at mean need
    win_back: np.ndarray  # by tier: rate of coming back in the month of a win-back contact, -log(1-p)
    transactions: np.float32  # mean a month
    transactions_slope: np.float32
    # adoption
    adoption_intercept: np.float32
    adoption_usefulness: np.float32
    adoption_trust: np.float32
    adoption_age: np.float32
    adoption_peers: np.float32
    adoption_on: np.float32  # 0 or 1
    affinity_mean: np.float32
    affinity_sd: np.float32
    # exits
    covariates_on: np.float32  # 0 or 1
    b_products: np.float32
    b_satisfaction: np.float32
    b_trust: np.float32
    b_engagement: np.float32
    b_failure: np.float32
    b_gap: np.float32
    b_app: np.float32
    b_yield: np.float32
    b_promotion: np.float32
    b_age: np.float32
    b_age_square: np.float32
    b_relocation: np.float32
    b_pressure: np.float32
    b_second_life: np.float32
    b_demotion: np.ndarray  # by tier fallen to
    tenure_log: np.ndarray  # (tier, 6 bands), log multipliers
    dormant_close: np.float32  # rates -log(1-h)
    dormant_return: np.float32
    second_life_months: int
    # tiers
    threshold: np.ndarray  # lower bound by tier, CNY
    ceiling: np.ndarray  # upper bound by tier, CNY
    grace: np.ndarray  # months, int64
    markov: np.bool_
    # loyalty
    loyal_satisfaction: np.float32
    loyal_trust: np.float32
    loyal_bond: np.float32
    loyal_habit: np.float32


class Now(NamedTuple):
    """What holds this month: the environment's state, the levers, and what managers planned."""

    month: int
    word: np.uint64  # the month as a counter word
    key0: np.uint64
    key1: np.uint64
    close_rate: np.ndarray  # active, by tier, -log(1-h) after normalisation and levers
    dormant_rate: np.ndarray
    return_ratio: np.float32  # lever on reactivation
    market: np.ndarray  # log return of the month by tier
    market_growth: np.ndarray  # float64: AUM growth of the month from the market, by tier
    start: int  # month the first customers' wealth began to move
    growth_path: np.ndarray  # float64: AUM growth from drift by months since a customer's wealth began to move
    yield_gap: np.float32  # pp
    adoption_shift: np.float32  # log odds
    peers: np.float32  # app-active share less one half
    word_of_mouth: np.ndarray  # log hazard by tier
    quality_shift: np.ndarray  # SD, by tier
    quality_sd_ratio: np.float32
    failure_ratio: np.float32
    resolution: np.float32  # share of complaints resolved within the month
    push_share: np.float32  # share of contacts that offer a product
    conversion_ratio: np.ndarray  # by tier
    campaign: np.ndarray  # (tier, channel) chance a month of a campaign contact
    hazard_ratio: np.ndarray  # log, by tier
    manager_quality: np.ndarray  # by post, SD
    handoff: np.float32  # log conversion of a contact that follows a lead
    synergy: np.float32  # log conversion of a contact in another channel than the last
    privacy: np.float32  # trust taken from the customer of mean digital affinity
    pressure_cap: np.float32  # campaigns make no contact that would lift the pressure above it
    outreach: np.float32  # chance a month of a remote manager's call in the lowest tier
    outreach_from: np.float32  # CNY: from this AUM on
    extra_grace: np.float32  # months before a demotion
    demotion_ratio: np.float32  # on the effect of a demotion
    win_back: np.ndarray  # by tier: chance a month of a win-back contact to a dormant customer
    retain: np.ndarray  # (tier, channel) chance a month of a retention contact to those above the cut
    retain_cut: np.float32  # score, SD
    by_uplift: np.bool_  # the score is the uplift score, not the churn score
    targeting: np.float32  # share of campaigns that go by the offer score
    offer_cut: np.float32  # score, SD
    offer_boost: np.float32  # factor on the rate above the cut that keeps the number of contacts
    scored: np.bool_  # some campaign goes by scores
    score_word: np.uint64  # the quarter as a counter word
    know_churn: np.float32  # correlation of each score with the truth
    know_uplift: np.float32
    know_offer: np.float32
    risk_mean: np.ndarray  # by tier, of `risk` at month 0
    risk_sd: np.ndarray
    gain_mean: np.ndarray  # by tier, of what a retention contact takes off the hazard ratio
    gain_sd: np.ndarray


@njit(**EQUATION)
def tenure_band(tenure):
    """Index of the six tenure bands (completed months: 0-2, 3-11, 12-23, 24-47, 48-59, 60 and more)."""
    return i32(tenure >= 3) + i32(tenure >= 12) + i32(tenure >= 24) + i32(tenure >= 48) + i32(tenure >= 60)


@njit(**EQUATION)
def learning(satisfaction, disconfirmation, gain, loss, decay):
    """Change of raw satisfaction from one experience: losses weigh more than gains, the past fades (SPEC 1.4)."""
    return gain * max(disconfirmation, ZERO) - loss * max(-disconfirmation, ZERO) - decay * satisfaction


@njit(**EQUATION)
def pressure_benefit(pressure):
    """Share of the best contact effect at quarterly pressure z: 2z - z^2, one at z = 1, negative beyond 2 [F31]."""
    z = min(pressure, f32(4.0))
    return z * (TWO - z)


@njit(**EQUATION)
def wallet_money(log_wealth, wallet, held):
    """AUM in CNY: held share times logistic(wallet) times wealth."""
    return held * exp(log_wealth) / (ONE + exp(-wallet))


@njit(**RULE)
def live_wealth(log_wealth, wealth_mean, tier, u_shock, u_event, market, p_reversion, p_sd, p_growth, jump, low, high):
    """Log wealth reverts to its own growing mean; inheritances and market returns move both for good (SPEC 1.1)."""
    for i in range(log_wealth.size):
        drift = market[tier[i]] + (jump if (u_event[i] >= low) and (u_event[i] < high) else ZERO)
        x = log_wealth[i]
        m = wealth_mean[i]
        log_wealth[i] = x + p_reversion * (m - x) + p_sd * student_t4(u_shock[i]) + drift
        wealth_mean[i] = m + (drift + p_growth)


@njit(**EQUATION)
def retention_gain(log_ratio, saved):
    """Part of the hazard ratio that a retention contact would take away."""
    return exp(log_ratio) * saved


@njit(**RULE)
def score_churn(tier, risk, u, mean, sd, known, score):
    """Who leaves: last month's log hazard ratio as far as it is known, and noise; unit variance (SPEC 6.3)."""
    noise = np.sqrt(max(ONE - known * known, ZERO))
    for i in range(tier.size):
        k = tier[i]
        score[i] = known * ((risk[i] - mean[k]) / sd[k]) + noise * normal(u[i])


@njit(**RULE)
def score_uplift(tier, risk, uplift_class, u, mean, sd, known, saved, score):
    """Whom a retention contact keeps: what it would take off the hazard ratio, as far as known, and noise."""
    noise = np.sqrt(max(ONE - known * known, ZERO))
    for i in range(tier.size):
        k = tier[i]
        gain = retention_gain(risk[i], saved[uplift_class[i]])
        score[i] = known * ((gain - mean[k]) / sd[k]) + noise * normal(u[i])


@njit(**RULE)
def score_offer(need, u, known, score):
    """Who buys: need as far as it is known, and noise."""
    noise = np.sqrt(max(ONE - known * known, ZERO))
    for i in range(need.size):
        score[i] = known * need[i] + noise * normal(u[i])


@njit(**RULE)
def aim(keep, offer, now, boost, chosen):
    """How campaigns use the scores: `boost` on the rate of offers, `chosen` for a retention contact (0 or 1)."""
    for i in range(keep.size):
        above = now.offer_boost if offer[i] > now.offer_cut else ZERO
        boost[i] = ONE - now.targeting + now.targeting * above
        chosen[i] = ONE if keep[i] > now.retain_cut else ZERO


@njit(**RULE)
def reach_out(
    state, tier, adopted, opted_out, aum_1, manager, plan, u_campaign, boost, chosen, now, p, channel, keeping,
):  # fmt: skip
    """Who is contacted and where: as a manager planned, else by a campaign; `keeping` marks retention contacts.

    One uniform decides on campaigns, cut into a piece for each channel: offers first, then retention contacts. App
    messages need the app.
    """
    campaign, retain = now.campaign, now.retain
    for i in range(state.size):
        k = tier[i]
        more = boost[i]
        app = ONE if adopted[i] != 0 else ZERO
        call = now.outreach if (k == 0) and (aum_1[i] >= now.outreach_from) else ZERO
        c0 = campaign[k, 0] * more
        c1 = c0 + campaign[k, 1] * more + call
        c2 = c1 + campaign[k, 2] * more
        c3 = c2 + campaign[k, 3] * more
        c4 = c3 + campaign[k, 4] * more * app
        r0 = c4 + retain[k, 0] * chosen[i]
        r1 = r0 + retain[k, 1] * chosen[i]
        r2 = r1 + retain[k, 2] * chosen[i]
        r3 = r2 + retain[k, 3] * chosen[i]
        r4 = r3 + retain[k, 4] * chosen[i] * app
        u = u_campaign[i]
        free = manager[i] < 0
        offering = i32(u >= c0) + i32(u >= c1) + i32(u >= c2) + i32(u >= c3)
        saving = i32(u >= r0) + i32(u >= r1) + i32(u >= r2) + i32(u >= r3)
        picked = free and (u < c4)
        saved = free and (u >= c4) and (u < r4)
        planned = i32(plan[i])
        wanted = (planned & CHANNEL_BITS) if planned >= 0 else (offering if picked else (saving if saved else NOBODY))
        silenced = (i32(opted_out[i]) >> max(wanted, i32(0))) & 1
        channel[i] = wanted if (state[i] == ACTIVE) and (silenced == 0) else i32(NOBODY)
        keeping[i] = i32((planned & RETENTION) != 0) if planned >= 0 else i32(saved)


@njit(**RULE)
def meet(
    state, tier, adopted, preferred, opted_out, attempts, aum_1, need, manager, plan, pressure, bond, contact_gap,
    last_channel, contacts, retained, lead, u_reach, u_sale, u_opt_out, u_campaign, u_push, u_event, opt_out_month,
    keeping, now, p, channel, warmth, reached, sold, made_sale, opted,
):  # fmt: skip
    """What contacts do: made unless too many, reached, answered, resented, remembered."""
    n = state.size
    manager_quality = now.manager_quality
    campaign_end = now.month % 6 == 0
    event_bar = p.event_rate
    for i in range(n):
        c = max(channel[i], i32(0))
        last = i32(last_channel[i])
        easy = p.preferred_relief if c == i32(preferred[i]) else ONE
        switched = (last >= 0) and (last != c)
        burden = p.pressure[c] * easy * (p.channel_change if switched else ONE)
        fading = pressure[i] * p.pressure_memory
        spared = (plan[i] < 0) and (fading + burden > now.pressure_cap)
        made = (channel[i] >= 0) and not spared
        channel[i] = c if made else i32(NOBODY)
        pressure[i] = fading + (burden if made else ZERO)
        last_channel[i] = c if made else last
        contacts[i] = min(i32(contacts[i]) + i32(made), 30000)
        reached[i] = ONE if made and (u_reach[i] < p.reach[c]) else ZERO
        followed = (plan[i] >= 0) and ((i32(plan[i]) & LEAD) != 0)
        warmth[i] = (now.synergy if switched else ZERO) + (now.handoff if followed else ZERO)
    for i in range(n):
        c = max(channel[i], i32(0))
        own = (plan[i] >= 0) and (manager[i] >= 0)
        quality = manager_quality[max(manager[i], i32(0))] if own else ZERO
        k = tier[i]
        near = own and (aum_1[i] >= p.near_threshold * p.ceiling[k])
        pull = p.need_effect * need[i] + p.skill_effect * quality + p.attempt_decay * f32(attempts[i]) + warmth[i]
        chance = (
            p.conversion[c]
            * now.conversion_ratio[k]
            * exp(pull)
            * (p.near_threshold_effect if near else ONE)
            * (p.event_need if u_event[i] < event_bar else ONE)
        )
        offered = (reached[i] > ZERO) and (u_push[i] < now.push_share) and (keeping[i] == 0)
        yes = offered and (u_sale[i] < chance)
        made_sale[i] = 1 if yes else 0
        sold[i] = ONE if offered else ZERO
    for i in range(n):
        fresh = (made_sale[i] != 0) or campaign_end
        attempts[i] = 0 if fresh else min(attempts[i] + i32(sold[i]), 100)
        made = channel[i] >= 0
        hazard = p.opt_out_rate * exp(p.opt_out_slope * max(pressure[i] - ONE, ZERO))
        out = made and (u_opt_out[i] < hazard)
        opted[i] = 1 if out else 0
        lapsed = f32(now.month - opt_out_month[i]) >= p.opt_out_months
        standing = 0 if lapsed else i32(opted_out[i])
        opted_out[i] = standing | (i32(opted[i]) << max(channel[i], i32(0)))
        opt_out_month[i] = now.month if out else opt_out_month[i]
    for i in range(n):
        by_manager = (reached[i] > ZERO) and (plan[i] >= 0) and (manager[i] >= 0)
        bond[i] = bond[i] * p.bond_fading + ((ONE - bond[i]) * p.bond_step if by_manager else ZERO)
        contact_gap[i] = 0 if by_manager else min(i32(contact_gap[i]) + 1, 100)
        heard = (reached[i] > ZERO) and (keeping[i] != 0)
        retained[i] = p.retention_months if heard else i32(retained[i])
        browses = (adopted[i] != 0) and (manager[i] >= 0) and (state[i] == ACTIVE)
        lead[i] = 1 if browses and (u_campaign[i] < p.lead_chance * exp(p.need_effect * need[i])) else 0


@njit(**RULE)
def serve(
    state, tier, adopted, manager, manager_quality, open_failure, expectation,
    u_experience, u_quality, u_failure, u_complaint, quality_shift, sd_ratio, failure_ratio, resolution, p,
    experience, disconfirmation, failed, complained, recovered, betrayed,
):  # fmt: skip
    """The month's service experience: whether, how good against expectation, whether it fails, who complains."""
    n = state.size
    for i in range(n):
        digital = adopted[i] != 0
        chance = p.experience_digital if digital else p.experience_other
        awake = state[i] == ACTIVE
        experience[i] = ONE if awake and (u_experience[i] < chance) else ZERO
        risk = (p.failure_digital if digital else p.failure_other) * failure_ratio
        failed[i] = ONE if awake and (u_failure[i] < risk) else ZERO
        cry = failed[i] if u_complaint[i] < p.complain_share else ZERO
        complained[i] = cry
        solved = cry if u_complaint[i] < p.complain_share * resolution else ZERO
        second = open_failure[i] > f32(0.25)
        recovered[i] = ZERO if second else solved
        betrayed[i] = failed[i] if second else ZERO
        open_failure[i] = open_failure[i] * p.failure_fading + (failed[i] - solved)
        experience[i] = max(experience[i], failed[i])
    for i in range(n):
        by_manager = manager_quality[max(manager[i], i32(0))] if manager[i] >= 0 else ZERO
        drop = p.failure_drop * (p.double_deviation if betrayed[i] > ZERO else ONE)
        quality = (
            quality_shift[tier[i]]
            + p.manager_share * by_manager
            + p.quality_sd * sd_ratio * normal(u_quality[i])
            - failed[i] * drop
        )
        disconfirmation[i] = experience[i] * (quality - expectation[i])


@njit(**RULE)
def feel(
    satisfaction, trust, expectation, engagement, affinity, joined, disconfirmation, pressure, recovered, betrayed,
    u_engage, month, privacy, p, score,
):  # fmt: skip
    """Satisfaction, expectation, trust and engagement; `score` is satisfaction in SD of the reference population."""
    for i in range(satisfaction.size):
        anchor = p.tenure_anchor / (p.tenure_anchor + f32(i32(month) - i32(joined[i])))
        d = disconfirmation[i]
        s = satisfaction[i]
        s = s + learning(s, d, p.gain * anchor, p.loss * anchor, p.satisfaction_decay)
        s = s + p.recovery_gain * recovered[i] - p.pressure_dislike * max(pressure[i] - f32(1.5), ZERO)
        satisfaction[i] = s
        expectation[i] = expectation[i] + p.expectation_speed * d
        standard = (s - p.satisfaction_mu) / p.satisfaction_sd
        score[i] = standard
        watched = privacy * TWO * (ONE - affinity[i])  # those at home with the digital mind it less
        trust[i] = trust[i] + p.trust_speed * (standard - watched - trust[i]) - p.breach * betrayed[i]
        engagement[i] = p.engagement_memory * engagement[i] + p.engagement_noise * normal(u_engage[i])


@njit(**RULE)
def use_products(state, tier, products, engagement, silence, transactions, made_sale, u_product, u_use, p, taken):
    """Products bought and given up (births and deaths that keep 1 + Poisson), and the month's transactions.

    A month without a transaction has the Poisson probability exp(-rate); above that the count is 1 + geometric with
    the Poisson mean, since real counts are over-dispersed. One uniform, exact.
    """
    for i in range(state.size):
        awake = state[i] == ACTIVE
        extra = f32(products[i]) - ONE
        lost = awake and (u_product[i] > ONE - p.product_loss * extra)
        own = awake and (u_product[i] < p.product_gain[tier[i]])
        new = (i32(1) if own else i32(0)) + i32(made_sale[i])
        room = i32(10) - i32(products[i])
        new = min(new, max(room, i32(0)))
        taken[i] = new
        products[i] = i32(products[i]) + new - (i32(1) if lost else i32(0))
        slope = p.transactions_slope
        rate = p.transactions * exp(slope * engagement[i] - HALF * slope * slope)
        none = exp(-rate)
        above = min(max(rate / (ONE - none) - ONE, f32(1e-6)), f32(1e6))
        rest = max((u_use[i] - none) / (ONE - none), f32(1e-7))
        count = ONE + log(rest) / log(above / (ONE + above))
        used = i32(min(count, f32(30000.0))) if awake and (u_use[i] >= none) else i32(0)
        transactions[i] = used
        silence[i] = 0 if used > 0 else min(i32(silence[i]) + 1, 100)


@njit(**RULE)
def adopt(state, adopted, affinity, trust, age, u_adopt, shift, peers, month, p):
    """A customer without the app may take it up (logit, SPEC 1.3)."""
    years = f32(month) / f32(12.0)
    for i in range(state.size):
        x = (
            p.adoption_intercept
            + p.adoption_usefulness * (affinity[i] - p.affinity_mean) / p.affinity_sd
            + p.adoption_trust * trust[i] / p.trust_sd
            - p.adoption_age * (age[i] + years - f32(40.0)) * f32(0.1)
            + p.adoption_peers * peers
            + shift
        )
        odds = exp(-x)
        yes = (u_adopt[i] * (ONE + odds) < p.adoption_on) and (state[i] == ACTIVE)
        adopted[i] = 1 if yes else adopted[i]


@njit(**RULE)
def earn(
    state, tier, log_wealth, wallet, wallet_mean, held, affinity, adopted, multihomer, preferred, score, reached,
    yield_gap, p, money,
):  # fmt: skip
    """Share of wallet drifts with feelings, contacts, yields and other banks; AUM follows from it and wealth."""
    for i in range(state.size):
        digital = p.multihoming_digital * (p.multihoming_branch if preferred[i] == 0 else ONE)
        others = f32(multihomer[i]) * p.wallet_multihoming * (ONE + (digital if adopted[i] != 0 else ZERO))
        leak = p.wallet_yield * yield_gap * affinity[i] * p.liquid_share[tier[i]]
        warm = p.wallet_satisfaction * score[i] + p.wallet_contact * reached[i]
        w = wallet[i]
        w = w + p.wallet_reversion * (wallet_mean[i] - w) + (warm if state[i] == ACTIVE else ZERO) - others - leak
        wallet[i] = w
        money[i] = wallet_money(log_wealth[i], w, held[i])


@njit(**RULE)
def weigh_leaving(
    tier, products, score, trust, engagement, open_failure, manager_shock, manager_shock_months, contact_gap, adopted,
    affinity, tier_change, age, joined, pressure, second_life, log_frailty, retained, uplift_class, u_event, yield_gap,
    word_of_mouth, lever, demotion_ratio, month, p, log_ratio,
):  # fmt: skip
    """Log hazard ratio of leaving or going dormant (complementary log-log scale, SPEC 2.3)."""
    relocation_bar = p.event_rate * p.relocation_part
    years = f32(month) / f32(12.0)
    for i in range(tier.size):
        k = tier[i]
        decades = min(max((age[i] + years - f32(45.0)) * f32(0.1), f32(-3.0)), f32(4.0))
        change = i32(tier_change[i])
        x = (
            p.b_products * min(f32(products[i]) - ONE, f32(4.0))
            + p.b_satisfaction * score[i]
            + p.b_trust * trust[i] / p.trust_sd
            + p.b_engagement * engagement[i]
            + p.b_failure * open_failure[i]
        )
        x = (
            x
            + (manager_shock[i] if manager_shock_months[i] > 0 else ZERO)
            + (p.b_gap if (contact_gap[i] > 6) and (k > 0) else ZERO)
            + (p.b_app if adopted[i] != 0 else ZERO)
            + p.b_yield * yield_gap * affinity[i]
            + (p.b_promotion if change > 0 else ZERO)
            + (p.b_demotion[k] * demotion_ratio if change < 0 else ZERO)
        )
        x = (
            x
            + decades * (p.b_age + p.b_age_square * decades)
            + p.b_pressure * pressure_benefit(pressure[i])
            + (p.b_second_life if second_life[i] > 0 else ZERO)
            + (p.b_relocation if u_event[i] < relocation_bar else ZERO)
            + (p.uplift[uplift_class[i]] if retained[i] > 0 else ZERO)
        )
        band = tenure_band(i32(month) - i32(joined[i]) - 1)
        log_ratio[i] = p.covariates_on * x + p.tenure_log[k, band] + log_frailty[i] + word_of_mouth[k] + lever[k]


@njit(**RULE)
def stay_or_leave(
    state, tier, log_ratio, follow, follow_months, opted_out, u_exit, u_campaign, close_rate, dormant_rate,
    return_ratio, court, p, held, money, second_life, channel, after,
):  # fmt: skip
    """Competing exits: close, go dormant, come back. `after` is the next state; AUM falls or returns with it.

    A dormant customer may be contacted to win it back, by message in the lowest tier and by phone above; its answer
    is a higher rate of return in that month.
    """
    dormant_return = p.dormant_return * return_ratio
    for i in range(state.size):
        k = tier[i]
        ratio = exp(log_ratio[i])
        awake = state[i] == ACTIVE
        asleep = state[i] == DORMANT
        leave = close_rate[k] * ratio + (follow[i] if follow_months[i] > 0 else ZERO)
        doze = dormant_rate[k] * ratio
        way = i32(PHONE) if k > 0 else i32(MESSAGING)
        courted = asleep and (u_campaign[i] < court[k]) and (((i32(opted_out[i]) >> way) & 1) == 0)
        channel[i] = way if courted else channel[i]
        first = leave if awake else p.dormant_close
        second = doze if awake else dormant_return + (p.win_back[k] if courted else ZERO)
        total = first + second
        any_exit = ONE - exp(-total)
        u = u_exit[i] * total
        gone = u < any_exit * first
        moved = u < any_exit * total
        other = DORMANT if awake else ACTIVE
        later = i32(CLOSED) if gone else (i32(other) if moved else i32(state[i]))
        later = later if awake or asleep else i32(CLOSED)
        after[i] = later
        slept = awake and (later == DORMANT)
        woke = asleep and (later == ACTIVE)
        new_held = p.dormant_share if slept else (ONE if woke else held[i])
        money[i] = ZERO if later == CLOSED else money[i] * (new_held / held[i])
        held[i] = new_held
        second_life[i] = p.second_life_months if woke else max(i32(second_life[i]) - 1, 0)


@njit(**RULE)
def climb(after, tier, below, money, aum_1, aum_2, tier_change, extra_grace, p, new_tier):
    """Tier test on the mean of three month ends: up at once, down only after the tier's grace (SPEC 3.1)."""
    for i in range(after.size):
        new_tier[i] = 0
    for k in range(1, p.threshold.size):  # the short loop outside, so that the long one vectorises
        bar = p.threshold[k] * f32(0.999998)  # AUM recomputed from its logarithm is off by up to 5e-7 of itself
        for i in range(after.size):
            new_tier[i] += i32((money[i] + aum_1[i] + aum_2[i]) * f32(1.0 / 3.0) >= bar)
    for i in range(after.size):
        earned = new_tier[i]
        now = i32(tier[i])
        waited = min(i32(below[i]) + i32(1), i32(100))
        under = i32(waited) if earned < now else i32(0)
        falls = f32(under) > f32(p.grace[now]) + extra_grace
        reached = earned if (earned > now) or falls else now
        reached = now if p.markov or (after[i] == CLOSED) else reached
        new_tier[i] = reached
        below[i] = 0 if reached != now else under
        fading = i32(tier_change[i]) - 1 if tier_change[i] > 0 else min(i32(tier_change[i]) + 1, 0)
        tier_change[i] = 6 if reached > now else (-6 if reached < now else fading)
        aum_2[i] = aum_1[i]
        aum_1[i] = money[i]


@njit(**RULE)
def keep_in_band(after, tier, log_wealth, money, p):
    """Markov mode: the matrix alone moves tiers, so wealth is held inside the tier's band."""
    for i in range(after.size):
        k = tier[i]
        inside = min(max(money[i], p.threshold[k]), p.ceiling[k] * f32(0.999999))
        moves = p.markov and (after[i] == ACTIVE) and (money[i] > ZERO)
        ratio = inside / max(money[i], f32(1e-6))
        log_wealth[i] = log_wealth[i] + (log(max(ratio, f32(1e-30))) if moves else ZERO)
        money[i] = inside if moves else money[i]


@njit(**RULE)
def count_flows(
    state, after, tier, new_tier, weight, aum, money, market_growth, growth_path, start, joined, manager, taken,
    failed, complained, opted, channel, year_start, month, tally, cohort, left_from, book_exits,
):  # fmt: skip
    """Add the block's flows to the integer tallies: by the tier before, arrivals from other tiers by the tier after."""
    for i in range(state.size):
        if state[i] == CLOSED:
            continue
        k = tier[i]
        j = new_tier[i]
        w = np.int64(weight[i])
        before = np.int64(aum[i] * 100.0 + 0.5)
        now = np.int64(np.float64(money[i]) * 100.0 + 0.5)
        since = min(month - 1 - max(np.int64(joined[i]), start), growth_path.size - 1)
        grown = (1.0 + growth_path[since]) * (1.0 + market_growth[k]) - 1.0
        growth = np.int64(np.floor(aum[i] * grown * 100.0 + 0.5))
        tally[k, T_MARKET] += w * growth
        tally[k, T_NEW_MONEY] += w * (now - before - growth)
        if channel[i] >= 0:
            tally[k, T_BRANCH + channel[i]] += w
            tally[k, T_OPT_OUTS] += w * opted[i]
        if state[i] == ACTIVE:
            tenure = min(max(month - joined[i] - 1, 0), TENURE_LAST)
            cohort[k, tenure, 0] += w
            tally[k, T_SALES] += w * taken[i]
            if failed[i] > ZERO:
                tally[k, T_FAILURES] += w
                tally[k, T_COMPLAINTS] += w * np.int64(complained[i])
            if after[i] != ACTIVE:
                tally[k, T_AUM_EXITED] += w * before
                cohort[k, tenure, 1 if after[i] == CLOSED else 2] += w
                if manager[i] >= 0:
                    book_exits[manager[i]] += w
                if after[i] == DORMANT:
                    tally[k, T_DORMANT] += w
        elif after[i] == ACTIVE:
            tally[k, T_REACTIVATED] += w
        if after[i] == CLOSED:
            tally[k, T_CLOSED] += w
            if state[i] == DORMANT:
                tally[k, T_CLOSED_DORMANT] += w
            left_from[min(np.int64(year_start[i]), left_from.size - 1)] += w
        elif j != k:
            tally[k, T_UPGRADED if j > k else T_DOWNGRADED] += w
            tally[j, T_MOVED_IN] += w
            tally[j, T_AUM_MOVED] += w * now
            tally[k, T_AUM_MOVED] -= w * now


@njit(**RULE)
def count_stocks(
    state, tier, weight, aum, products, adverse, wallet, held, adopted, satisfaction, trust, bond, joined, opted_out,
    manager, month, p, tally,
):  # fmt: skip
    """Add the block's stocks at month end to the integer tallies."""
    for i in range(state.size):
        if state[i] == CLOSED:
            continue
        k = tier[i]
        w = np.int64(weight[i])
        tally[k, T_OPEN] += w
        tally[k, T_AUM] += w * np.int64(aum[i] * 100.0 + 0.5)
        tally[k, T_WALLET] += w * np.int64(held[i] / (ONE + exp(-wallet[i])) * SHARE_UNIT)
        if opted_out[i] != 0:
            tally[k, T_OPTED_OUT] += w
        if state[i] == ACTIVE:
            extra = np.int64(products[i]) - 1
            score = (satisfaction[i] - p.satisfaction_mu) / p.satisfaction_sd
            trusting = trust[i] / p.trust_sd
            habit = f32(i32(min(max(month - joined[i], 0), 120))) * f32(1.0 / 60.0) - ONE
            loyal = (
                p.loyal_satisfaction * score + p.loyal_trust * trusting + p.loyal_bond * bond[i] + p.loyal_habit * habit
            )
            tally[k, T_ACTIVE] += w
            tally[k, T_PRODUCTS] += w * (extra + 1)
            tally[k, T_EXTRA] += w * (-extra if adverse[i] != 0 else extra)
            tally[k, T_DIGITAL] += w * adopted[i]
            tally[k, T_SATISFACTION] += w * np.int64(score * SHARE_UNIT)
            tally[k, T_TRUST] += w * np.int64(trusting * SHARE_UNIT)
            tally[k, T_LOYALTY] += w * np.int64(loyal * SHARE_UNIT)
            tally[k, T_LOYALTY2] += w * np.int64(loyal * loyal * SHARE_UNIT)
            if manager[i] >= 0:
                tally[k, T_MANAGED_OPEN] += w


@njit(**RULE)
def turn_page(after, new_tier, money, state, tier, aum, manager, bond, manager_shock_months, follow_months, retained):
    """Write what the month decided back to the columns and run the clocks down; no manager, no bond."""
    for i in range(after.size):
        state[i] = after[i]
        tier[i] = new_tier[i]
        aum[i] = np.float64(money[i])
        manager[i] = manager[i] if after[i] == ACTIVE else i32(NOBODY)
        bond[i] = bond[i] if after[i] == ACTIVE else ZERO
        manager_shock_months[i] = max(i32(manager_shock_months[i]) - 1, 0)
        follow_months[i] = max(i32(follow_months[i]) - 1, 0)
        retained[i] = max(i32(retained[i]) - 1, 0)


@njit(**RULE)
def live_block(c, a, b, plan, now, p, u, x, n, tally, cohort, left_from, book_exits):
    """The month of one block, in the order of DECISIONS 10; `u` are draws, `x` and `n` scratch space."""
    m = b - a
    month = now.month
    uid, state, tier, manager = c.uid[a:b], c.state[a:b], c.tier[a:b], c.manager[a:b]
    adopted, preferred, joined = c.adopted[a:b], c.preferred[a:b], c.joined_month[a:b]
    trust, engagement, pressure, bond = c.trust[a:b], c.engagement[a:b], c.pressure[a:b], c.bond[a:b]
    products, open_failure, affinity, age = c.products[a:b], c.open_failure[a:b], c.affinity[a:b], c.age[a:b]
    log_wealth, wallet, held, aum = c.log_wealth[a:b], c.wallet[a:b], c.held[a:b], c.aum[a:b]
    expectation, opted_out, follow_months = c.expectation[a:b], c.opted_out[a:b], c.follow_months[a:b]
    shock_months, contact_gap, tier_change = c.manager_shock_months[a:b], c.contact_gap[a:b], c.tier_change[a:b]
    second_life, retained, uplift_class = c.second_life[a:b], c.retained[a:b], c.uplift_class[a:b]
    need, aum_1, risk, wanted = c.need[a:b], c.aum_1[a:b], c.risk[a:b], plan[a:b]
    reached, offered, score, money = x[0, :m], x[1, :m], x[2, :m], x[3, :m]
    experience, surprise, failed, complained = x[4, :m], x[5, :m], x[6, :m], x[7, :m]
    recovered, betrayed, warmth, boost, chosen = x[8, :m], x[9, :m], x[10, :m], x[11, :m], x[12, :m]
    channel, made_sale, opted, taken, after, new_tier = n[0, :m], n[1, :m], n[2, :m], n[3, :m], n[4, :m], n[5, :m]
    keeping = n[6, :m]
    u_event, u_campaign = u[3, :m], u[13, :m]

    draw_four(uid, now.word, u64(DRAW_LIFE), now.key0, now.key1, u[0, :m], u[1, :m], u[2, :m], u[3, :m])
    draw_four(uid, now.word, u64(DRAW_SERVICE), now.key0, now.key1, u[4, :m], u[5, :m], u[6, :m], u[7, :m])
    draw_four(uid, now.word, u64(DRAW_CONTACT), now.key0, now.key1, u[8, :m], u[9, :m], u[10, :m], u[11, :m])
    draw_four(uid, now.word, u64(DRAW_DIGITAL), now.key0, now.key1, u[12, :m], u[13, :m], u[14, :m], u[15, :m])
    boost[:] = ONE
    chosen[:] = ZERO
    if now.scored:  # the same for the whole block
        keep, offer = x[13, :m], x[14, :m]
        draw_four(
            uid, now.score_word, u64(DRAW_SCORE), now.key0, now.key1, u[16, :m], u[17, :m], u[18, :m], u[19, :m]
        )
        if now.by_uplift:
            score_uplift(
                tier, risk, uplift_class, u[17, :m], now.gain_mean, now.gain_sd, now.know_uplift, p.saved, keep
            )
        else:
            score_churn(tier, risk, u[16, :m], now.risk_mean, now.risk_sd, now.know_churn, keep)
        score_offer(need, u[18, :m], now.know_offer, offer)
        aim(keep, offer, now, boost, chosen)

    low = p.event_rate * p.relocation_part
    high = low + p.event_rate * p.inheritance_part
    live_wealth(
        log_wealth, c.wealth_mean[a:b], tier, u[0, :m], u_event, now.market,
        p.wealth_reversion, p.wealth_sd, p.wealth_growth, p.inheritance_jump, low, high,
    )  # fmt: skip
    serve(
        state, tier, adopted, manager, now.manager_quality, open_failure, expectation,
        u[4, :m], u[5, :m], u[6, :m], u[7, :m],
        now.quality_shift, now.quality_sd_ratio, now.failure_ratio, now.resolution, p,
        experience, surprise, failed, complained, recovered, betrayed,
    )  # fmt: skip
    reach_out(
        state, tier, adopted, opted_out, aum_1, manager, wanted, u_campaign, boost, chosen, now, p, channel, keeping
    )
    meet(
        state, tier, adopted, preferred, opted_out, c.attempts[a:b], aum_1, need, manager, wanted, pressure, bond,
        contact_gap, c.last_channel[a:b], c.contacts[a:b], retained, c.lead[a:b],
        u[8, :m], u[9, :m], u[10, :m], u_campaign, u[15, :m], u_event, c.opt_out_month[a:b],
        keeping, now, p, channel, warmth, reached, offered, made_sale, opted,
    )  # fmt: skip
    feel(
        c.satisfaction[a:b], trust, expectation, engagement, affinity, joined, surprise, pressure, recovered, betrayed,
        u[1, :m], month, now.privacy, p, score,
    )  # fmt: skip
    use_products(
        state, tier, products, engagement, c.silence[a:b], c.transactions[a:b], made_sale, u[11, :m], u[14, :m], p,
        taken,
    )  # fmt: skip
    adopt(state, adopted, affinity, trust, age, u[12, :m], now.adoption_shift, now.peers, month, p)
    earn(
        state, tier, log_wealth, wallet, c.wallet_mean[a:b], held, affinity, adopted, c.multihomer[a:b], preferred,
        score, reached, now.yield_gap, p, money,
    )  # fmt: skip
    weigh_leaving(
        tier, products, score, trust, engagement, open_failure, c.manager_shock[a:b], shock_months, contact_gap,
        adopted, affinity, tier_change, age, joined, pressure, second_life, c.log_frailty[a:b], retained, uplift_class,
        u_event, now.yield_gap, now.word_of_mouth, now.hazard_ratio, now.demotion_ratio, month, p, risk,
    )  # fmt: skip
    stay_or_leave(
        state, tier, risk, c.follow[a:b], follow_months, opted_out, u[2, :m], u_campaign, now.close_rate,
        now.dormant_rate, now.return_ratio, now.win_back, p, held, money, second_life, channel, after,
    )  # fmt: skip
    keep_in_band(after, tier, log_wealth, money, p)
    climb(after, tier, c.below[a:b], money, aum_1, c.aum_2[a:b], tier_change, now.extra_grace, p, new_tier)
    count_flows(
        state, after, tier, new_tier, c.weight[a:b], aum, money, now.market_growth, now.growth_path, now.start, joined,
        manager, taken, failed, complained, opted, channel, c.year_start[a:b], month, tally, cohort, left_from,
        book_exits,
    )  # fmt: skip
    turn_page(after, new_tier, money, state, tier, aum, manager, bond, shock_months, follow_months, retained)
    count_block(c, a, b, month, p, tally)


@njit(**LOOP)
def score_chunk(uid, tier, risk, uplift_class, need, now, p, churn, uplift, offer):
    """Scores of any customers, for managers to plan by: the same numbers campaigns go by."""
    u = np.empty((4, BLOCK), np.float32)
    for a in range(0, uid.size, BLOCK):
        b = min(a + BLOCK, uid.size)
        m = b - a
        draw_four(
            uid[a:b], now.score_word, u64(DRAW_SCORE), now.key0, now.key1, u[0, :m], u[1, :m], u[2, :m], u[3, :m]
        )
        score_churn(tier[a:b], risk[a:b], u[0, :m], now.risk_mean, now.risk_sd, now.know_churn, churn[a:b])
        score_uplift(
            tier[a:b], risk[a:b], uplift_class[a:b], u[1, :m], now.gain_mean, now.gain_sd, now.know_uplift, p.saved,
            uplift[a:b],
        )  # fmt: skip
        score_offer(need[a:b], u[2, :m], now.know_offer, offer[a:b])


@njit(**RULE)
def count_block(c, a, b, month, p, tally):
    """Stocks of one block, read from the columns."""
    count_stocks(
        c.state[a:b], c.tier[a:b], c.weight[a:b], c.aum[a:b], c.products[a:b], c.adverse[a:b], c.wallet[a:b],
        c.held[a:b], c.adopted[a:b], c.satisfaction[a:b], c.trust[a:b], c.bond[a:b], c.joined_month[a:b],
        c.opted_out[a:b], c.manager[a:b], month, p, tally,
    )  # fmt: skip


@njit(**LOOP)
def count_chunk(c, first, last, month, p, tally):
    """Stocks of rows first..last: month 0, joiners, and after a Markov move."""
    for a in range(first, last, BLOCK):
        count_block(c, a, min(a + BLOCK, last), month, p, tally)


@njit(**LOOP)
def live_chunk(c, first, last, plan, now, p, tally, cohort, left_from, book_exits):
    """Live one month for rows first..last, block by block; adds to the integer tallies of this chunk."""
    draws = np.empty((20, BLOCK), np.float32)
    floats = np.empty((15, BLOCK), np.float32)
    integers = np.empty((7, BLOCK), np.int32)
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        live_block(c, a, b, plan, now, p, draws, floats, integers, tally, cohort, left_from, book_exits)


@njit(**RULE)
def add_moments(state, tier, weight, risk, uplift_class, p, sums):
    """By tier over active customers, in integers: weight, hazard ratio, and what scores are measured against."""
    for i in range(state.size):
        if state[i] == ACTIVE:
            k = tier[i]
            w = np.int64(weight[i])
            gain = retention_gain(risk[i], p.saved[uplift_class[i]])
            sums[k, M_WEIGHT] += w
            sums[k, M_RATIO] += w * np.int64(exp(risk[i]) * f32(RATIO_UNIT))
            sums[k, M_RISK] += w * np.int64(risk[i] * f32(MOMENT_UNIT))
            sums[k, M_RISK2] += w * np.int64(risk[i] * risk[i] * f32(MOMENT_UNIT))
            sums[k, M_GAIN] += w * np.int64(gain * f32(MOMENT_UNIT))
            sums[k, M_GAIN2] += w * np.int64(gain * gain * f32(MOMENT_UNIT))


@njit(**LOOP)
def weigh_chunk(c, first, last, month, yield_gap, p, sums):
    """Set `risk` from the columns; add the population's moments (tiers, MOMENTS) for hazards and scores (SPEC 2.3)."""
    n_tiers = p.threshold.size
    nothing = np.zeros(n_tiers, np.float32)
    never = np.ones(BLOCK, np.float32)
    score = np.empty(BLOCK, np.float32)
    for a in range(first, last, BLOCK):
        b = min(a + BLOCK, last)
        m = b - a
        for i in range(m):
            score[i] = (c.satisfaction[a + i] - p.satisfaction_mu) / p.satisfaction_sd
        weigh_leaving(
            c.tier[a:b], c.products[a:b], score[:m], c.trust[a:b], c.engagement[a:b], c.open_failure[a:b],
            c.manager_shock[a:b], c.manager_shock_months[a:b], c.contact_gap[a:b], c.adopted[a:b],
            c.affinity[a:b], c.tier_change[a:b], c.age[a:b], c.joined_month[a:b], c.pressure[a:b],
            c.second_life[a:b], c.log_frailty[a:b], c.retained[a:b], c.uplift_class[a:b], never[:m], yield_gap,
            nothing, nothing, ONE, month, p, c.risk[a:b],
        )  # fmt: skip
        add_moments(c.state[a:b], c.tier[a:b], c.weight[a:b], c.risk[a:b], c.uplift_class[a:b], p, sums)
