"""The formula book of the model: the month of all customers in plain NumPy, one function a rule, no compiler.

It is written from SPEC, DECISIONS and the docstrings of the rules, on whole arrays, and shares with `sim.kernel`
nothing but names: of its parameters (`Rates`, `Now`), of the draws (`codes.LANES`) and of the tally columns. Every
operation is a float32 operation in the order the formulas are read, so that kernel and twin agree bit for bit; where a
sum of three terms is written `a + b + c`, the order is part of the claim.

`step_chunk`, `count_chunk`, `weigh_chunk` and `score_chunk` take the arguments of their namesakes in `kernel.month`.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from sim.codes import (
    ACTIVE,
    ADVERSE,
    BRANCH,
    BROWSED,
    CHANNELS,
    CLOSED,
    DORMANT,
    DRAW_SCORE,
    LANES,
    LEAD,
    MULTIHOMER,
    PROPOSED,
    REDUCED,
    RETENTION,
)
from sim.kernel.tallies import TENURE_LAST
from sim.kernel.tallies import Tally as T

f = np.float32
ONE, ZERO = f(1), f(0)
FEN = 100.0

# --- luck: Philox4x32-10 (Salmon et al. 2011) ------------------------------------------------------------------------

LOW_WORD = np.uint64(0xFFFFFFFF)
MULTIPLIERS = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)


def philox(counter, key):
    """Four words from four counter words and two key words; words are 32-bit numbers in uint64 arrays."""
    a, b, c, d = (np.asarray(word, np.uint64) for word in counter)
    key0, key1 = (np.asarray(word, np.uint64) for word in key)
    for _ in range(10):
        product_a, product_c = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = (
            product_c >> np.uint64(32) ^ b ^ key0,
            product_c & LOW_WORD,
            product_a >> np.uint64(32) ^ d ^ key1,
            product_a & LOW_WORD,
        )
        key0, key1 = key0 + WEYL[0] & LOW_WORD, key1 + WEYL[1] & LOW_WORD
    return a, b, c, d


def uniforms(uid, month_word, purpose, key0, key1):
    """Four uniforms a customer, float32 (4, n): the upper 23 bits of each word, in the middle of their cell."""
    uid = np.asarray(uid, np.uint64)
    counter = (uid & LOW_WORD, uid >> np.uint64(32), np.uint64(month_word), np.uint64(purpose))
    cells = np.stack([np.broadcast_to(word, uid.shape) for word in philox(counter, (key0, key1))]) >> np.uint64(9)
    return ((cells.astype(np.float64) + 0.5) / 2.0**23).astype(f)


def luck(uid, now):
    """The month's uniforms by name."""
    u = SimpleNamespace()
    for purpose, lanes in LANES.items():
        drawn = uniforms(uid, now.score_word if purpose == DRAW_SCORE else now.word, purpose, now.key0, now.key1)
        for lane, name in enumerate(lanes):
            setattr(u, name, drawn[lane])
    return u


# --- elementary functions (Cephes; Giles 2010; Shaw 2006), float32 in a fixed order ----------------------------------


def polynomial(x, *coefficients):
    """Horner's rule, highest power first."""
    value = f(coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x + f(coefficient)
    return value


def exp(x):
    """e^x for x clipped to [-87, 88]: 2^k times e^r, |r| <= log(2)/2."""
    x = np.clip(x, f(-87), f(88)).astype(f)
    k2 = np.floor(x * f(1.44269504) + f(0.5))
    r = x - k2 * f(0.693359375) - k2 * f(-2.12194440e-4)
    p = polynomial(
        r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1
    )
    return np.ldexp(p * r * r + r + ONE, k2.astype(np.int32)).astype(f)


def log(x):
    """Logarithm of a positive number: x = 2^e (1 + m) with 1 + m in [sqrt(1/2), sqrt(2))."""
    m, e = np.frexp(np.asarray(x, f))
    small = m < f(0.70710677)
    m = np.where(small, m + m, m) - ONE
    e = (e - small).astype(f)
    p = polynomial(
        m,
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    )
    square = m * m
    return m + (p * m * square + e * f(-2.12194440e-4) - f(0.5) * square) + e * f(0.693359375)


def normal(u):
    """Standard normal quantile: sqrt(2) erfinv(2u - 1)."""
    x = f(2) * u - ONE
    w = -log((ONE - x) * (ONE + x))
    middle = polynomial(
        w - f(2.5),
        2.81022636e-08,
        3.43273939e-07,
        -3.5233877e-06,
        -4.39150654e-06,
        0.00021858087,
        -0.00125372503,
        -0.00417768164,
        0.246640727,
        1.50140941,
    )
    tail = polynomial(
        np.sqrt(np.maximum(w, f(5))) - f(3),
        -0.000200214257,
        0.000100950558,
        0.00134934322,
        -0.00367342844,
        0.00573950773,
        -0.0076224613,
        0.00943887047,
        1.00167406,
        2.83297682,
    )
    return np.where(w < f(5), middle, tail) * x * f(1.41421356)


def student_t4(u):
    """Quantile of Student's t with 4 degrees of freedom, unit variance."""
    nearer = np.minimum(u, ONE - u)
    s = f(2) * np.sqrt(nearer * (ONE - nearer))
    r = polynomial(
        s,
        0.0268711526,
        -0.147923436,
        0.375413978,
        -0.606772727,
        0.745805658,
        -0.798672776,
        0.816997547,
        -0.833300049,
        0.8660252,
    )
    return f(1.41421356) * (f(2) * u - ONE) * np.sqrt(r / s)


# --- the month, rule by rule -----------------------------------------------------------------------------------------
# `c` holds the columns; a rule rebinds those it changes and returns what later rules of the month need.


def grow_wealth(c, u, now, p):
    """Log wealth reverts to its own mean, which grows; inheritances and the market move both for good (SPEC 1.1)."""
    relocations = p.event_rate * p.relocation_part
    inherits = (u.event >= relocations) & (u.event < relocations + p.event_rate * p.inheritance_part)
    jump = now.market[c.tier] + np.where(inherits, p.inheritance_jump, ZERO)
    pull = p.wealth_reversion * (c.wealth_mean - c.log_wealth)
    c.log_wealth = c.log_wealth + pull + p.wealth_sd * student_t4(u.shock) + jump
    c.wealth_mean = c.wealth_mean + (jump + p.wealth_growth)


def trait(c, bit):
    """Who has a trait, by its bit."""
    return c.traits & bit != 0


def give(c, bit, has):
    """Give the trait to those who have it now, and to nobody else."""
    c.traits = np.where(has, c.traits | bit, c.traits & ~np.uint8(bit))


def held(c, p):
    """Share of the wallet that is here."""
    return np.where(trait(c, REDUCED), p.dormant_share, ONE)


def nearer(months):
    """Clocks of either sign, a month nearer to zero."""
    return months.astype(int) - np.sign(months)


def manager_quality(c, now):
    """Quality in SD of the customer's manager, 0 without one."""
    return np.where(c.manager >= 0, now.manager_quality[np.maximum(c.manager, 0)], ZERO)


def gain_of(risk, uplift_class, p):
    """What a retention contact would take off the hazard ratio (SPEC 6.4)."""
    return exp(risk) * p.saved[uplift_class]


def scores(uid, tier, risk, uplift_class, need, now, p):
    """Churn, uplift and offer score: r truth + sqrt(1 - r^2) noise, truths in SD of the population (SPEC 6.3)."""
    u = luck(uid, now)
    gain = gain_of(risk, uplift_class, p)
    truths = (
        (risk - now.risk_mean[tier]) / now.risk_sd[tier],
        (gain - now.gain_mean[tier]) / now.gain_sd[tier],
        need,
    )
    known = (now.know_churn, now.know_uplift, now.know_offer)
    noise = (normal(u.churn_noise), normal(u.uplift_noise), normal(u.offer_noise))
    return [
        r * truth + np.sqrt(np.maximum(ONE - r * r, ZERO)) * e for r, truth, e in zip(known, truths, noise, strict=True)
    ]


def campaign_aims(c, now, p):
    """Factor on the rate of campaign offers, and who is chosen for retention contacts, by row."""
    n = c.uid.size
    if not now.scored:
        return np.full(n, ONE), np.zeros(n, bool)
    churn, uplift, offer = scores(c.uid, c.tier, c.risk, c.uplift_class, c.need, now, p)
    boost = ONE - now.targeting + now.targeting * np.where(offer > now.offer_cut, now.offer_boost, ZERO)
    return boost, (uplift if now.by_uplift else churn) > now.retain_cut


def make_contact(c, plan, u, now, p):
    """The month's contact: its channel (-1 = none), and whether it is meant to keep the customer.

    What a manager planned, else a campaign's: one uniform is cut into a piece a channel, offers before retention
    contacts; remote managers call in the lowest tier. Never where opted out. Also whom somebody wished to contact, and
    who of them has opted out.
    """
    boost, chosen = campaign_aims(c, now, p)
    has_app, ends, end = c.adopted != 0, [], ZERO
    call = np.where((c.tier == 0) & (c.aum >= now.outreach_from), now.outreach, ZERO)
    for rate, factor, extra in ((now.campaign, boost, call), (now.retain, chosen.astype(f), ZERO)):
        for channel in range(len(CHANNELS)):
            piece = rate[c.tier, channel] * factor
            piece = piece * has_app.astype(f) if p.without_app[channel] == 0 else piece
            end = end + piece + extra if p.remote_calls[channel] == 1 else end + piece
            ends.append(end)
    pieces = np.array(ends)
    offering, saving = (u.campaign >= pieces[:4]).sum(axis=0), (u.campaign >= pieces[5:9]).sum(axis=0)
    free = c.manager < 0
    offered, saved = free & (u.campaign < pieces[4]), free & (u.campaign >= pieces[4]) & (u.campaign < pieces[9])
    campaign = np.where(offered, offering, np.where(saved, saving, -1))
    channel = np.where(plan >= 0, plan % RETENTION, campaign)
    barred = (c.opted_out >> np.maximum(channel, 0)) & 1
    keeping = np.where(plan >= 0, (plan // RETENTION) % 2 == 1, saved)
    barred, asked = barred == 1, (c.state == ACTIVE) & (channel >= 0)
    return np.where(asked & ~barred, channel, -1), keeping, asked, asked & barred


def make_welcome(c, plan, asked, u, now, p):
    """A welcome to new customers whom nobody else wishes to contact (reading 11): its channel, and to whom."""
    if not now.welcoming:
        return np.full(c.uid.size, -1), np.zeros(c.uid.size, bool)
    left, ends, end = ONE - u.campaign, [], ZERO
    for way in range(len(CHANNELS)):
        end = end + now.welcome[way] * np.where(c.adopted != 0, ONE, p.without_app[way])
        ends.append(end)
    way = np.minimum((left >= np.array(ends)).sum(axis=0), len(CHANNELS) - 1)
    new = (now.month - c.joined_month.astype(int) <= 3) & (c.state == ACTIVE)
    return way, new & ~asked & (plan == -1) & (left < end)


def meet(c, plan, u, now, p):
    """Contacts: made, reached, answered, resented, remembered (SPEC 5.2-5.4, 6.4; bond SPEC 4.3)."""
    channel, keeping, asked, silenced = make_contact(c, plan, u, now, p)
    greeting, greets = make_welcome(c, plan, asked, u, now, p)
    barred = (c.opted_out >> np.maximum(greeting, 0)) & 1 == 1
    channel, keeping = np.where(greets, np.where(barred, -1, greeting), channel), keeping & ~greets
    asked, silenced = asked | greets, np.where(greets, barred, silenced)
    at = np.maximum(channel, 0)
    elsewhere = (c.last_channel >= 0) & (c.last_channel != at)
    easy = np.where(at == c.preferred, p.preferred_relief, ONE)
    weight = p.pressure[at] * easy * np.where(elsewhere, p.channel_change, ONE)
    fading = c.pressure * p.pressure_memory
    too_much = (plan < 0) & (fading + weight > now.pressure_cap)
    channel = np.where(too_much, -1, channel)
    made, before = channel >= 0, at
    at = np.maximum(channel, 0)
    c.contacts = np.minimum(c.contacts.astype(int) + made, 30_000)
    c.pressure = fading + np.where(made, weight, ZERO)
    c.last_channel = np.where(made, before, c.last_channel)

    reached = made & (u.reach < p.reach[at])
    offered = reached & (u.push < np.where(plan >= 0, now.push_managers, now.push_share)) & ~keeping & ~greets
    managed = (c.manager >= 0) & (plan >= 0)
    near = managed & (c.aum >= p.near_threshold * p.ceiling[c.tier])
    skill = np.where(managed, manager_quality(c, now), ZERO)
    followed = (plan >= 0) & (plan // LEAD % 2 == 1)
    warmth = np.where(elsewhere, now.synergy, ZERO) + np.where(followed, now.handoff, ZERO)
    pull = p.need_effect * c.need + p.skill_effect * skill + p.attempt_decay * c.attempts.astype(f) + warmth
    pull = pull + np.where(managed, p.bond_conversion * c.bond, ZERO)
    chance = (
        p.conversion[at]
        * now.conversion_ratio[c.tier]
        * exp(pull)
        * np.where(near, p.near_threshold_effect, ONE)
        * np.where(u.event < p.event_rate, p.event_need, ONE)
    )
    greeted = reached & greets
    sale = (offered & (u.sale < chance)) | (greeted & (c.retained == 0) & (u.sale < now.welcome_product))
    campaign_over = now.month % p.campaign_months == 0
    c.attempts = np.where(sale | campaign_over, 0, np.minimum(c.attempts + offered, 100))

    resents = made & (u.opt_out < p.opt_out_rate * exp(p.opt_out_slope * np.maximum(c.pressure - ONE, ZERO)))
    lapsed = (now.month - c.opt_out_month) >= p.opt_out_months
    c.opted_out = np.where(lapsed, 0, c.opted_out) | (resents.astype(int) << at)
    c.opt_out_month = np.where(resents, now.month, c.opt_out_month)

    talks = reached & managed
    able = now.manager_quality[np.maximum(c.manager, 0)]
    step = np.minimum(p.bond_step * np.maximum(ONE + p.bond_skill * able, ZERO), ONE)
    c.bond = c.bond * p.bond_fading + np.where(talks, (ONE - c.bond) * step, ZERO)
    c.contact_gap = np.where(talks, 0, np.minimum(c.contact_gap + 1, 100))
    months = c.joined_month.astype(int) + 4 - now.month
    c.retained = np.where(greeted & (c.retained <= 0), -months, c.retained)
    c.retained = np.where(reached & keeping, p.retention_months, c.retained)
    browses = (c.adopted != 0) & (c.manager >= 0) & (c.state == ACTIVE)
    shows = browses & (u.campaign < p.lead_chance * exp(p.need_effect * c.need))
    give(c, BROWSED, shows)
    return SimpleNamespace(
        channel=channel,
        reached=reached,
        sale=sale,
        resents=resents,
        asked=asked,
        greets=greets,
        silenced=silenced,
        keeping=keeping,
        refused=offered & ~sale,
    )


def serve(c, u, now, p):
    """The service experience: quality less expectation, failures, complaints, recovery, double deviation (SPEC 5.5)."""
    awake, digital = c.state == ACTIVE, c.adopted != 0
    risk = np.where(digital, p.failure_digital, p.failure_other) * now.failure_ratio
    failed = awake & (u.failure < risk)
    any_kind = u.experience < np.where(digital, p.experience_digital, p.experience_other)
    visits = u.experience < np.where(digital, p.experience_human, p.experience_other)
    badly = u.failure < np.where(digital, p.failure_human, p.failure_other) * now.failure_ratio
    met = np.where(visits, ONE, np.where(any_kind, p.app_weight, ZERO))
    spoilt = np.where(badly, ONE, p.app_weight)
    weight = np.maximum(np.where(awake, met, ZERO), np.where(failed, spoilt, ZERO))
    human = (visits | badly).astype(f)

    complained = failed & (u.complaint < p.complain_share)
    solved = failed & (u.complaint < p.complain_share * now.resolution)
    second = c.open_failure > p.still_open
    recovered, betrayed = solved & ~second, failed & second
    c.open_failure = c.open_failure * p.failure_fading + (failed.astype(f) - solved.astype(f))

    drop = p.failure_drop * np.where(betrayed, p.double_deviation, ONE)
    managed = (c.manager >= 0).astype(int)
    spread = p.quality_sd * now.quality_sd_ratio[managed, digital.astype(int)]
    quality = (
        now.quality_shift[managed, c.tier]
        + p.manager_share * manager_quality(c, now) * human
        + spread * (human + (ONE - human) * p.app_spread) * normal(u.quality)
        - np.where(failed, drop, ZERO)
    )
    felt, surprise = weight * quality, weight * (quality - c.expectation - now.expectation_rise)
    return SimpleNamespace(
        weight=weight,
        felt=felt,
        surprise=surprise,
        failed=failed,
        complained=complained,
        recovered=recovered,
        betrayed=betrayed,
    )


def feel(c, service, u, now, p):
    """Satisfaction, expectation, trust, engagement (SPEC 1.4); returns satisfaction in SD."""
    tenure = (now.month - c.joined_month).astype(f)
    anchor = p.tenure_anchor / (p.tenure_anchor + tenure)
    gains, losses = np.maximum(service.surprise, ZERO), np.maximum(-service.surprise, ZERO)
    change = p.gain * anchor * gains - p.loss * anchor * losses - p.satisfaction_decay * c.satisfaction
    pleased = p.recovery_gain * service.recovered.astype(f)
    harassed = p.pressure_dislike * np.maximum(c.pressure - p.pressure_from, ZERO)
    c.satisfaction = c.satisfaction + change + p.performance * anchor * service.felt + pleased - harassed
    c.expectation = c.expectation + p.expectation_speed * (service.surprise + service.weight * now.expectation_rise)
    score = satisfaction_score(c, p)
    watched = now.privacy * f(2) * (ONE - c.affinity)
    c.trust = c.trust + p.trust_speed * (score - watched - c.trust) - p.breach * service.betrayed.astype(f)
    own = c.engagement_mean
    c.engagement = own + p.engagement_memory * (c.engagement - own) + p.engagement_noise * normal(u.engagement)
    return score


def satisfaction_score(c, p):
    """Satisfaction in SD of the reference population (DECISIONS 11)."""
    return (c.satisfaction - p.satisfaction_mu) / p.satisfaction_sd


def use_products(c, contact, u, p):
    """Births and deaths of products, and transactions: none as often as a Poisson count is none, else one and a
    geometric number more, with the Poisson mean. Returns products taken.
    """
    awake = c.state == ACTIVE
    extra = c.products.astype(f) - ONE
    given_up = awake & (u.product > ONE - p.product_loss * extra)
    own = awake & (u.product < p.product_gain[c.tier])
    taken = np.minimum(own.astype(int) + contact.sale, np.maximum(p.most_products - c.products, 0))
    c.products = c.products + taken - given_up

    slope = p.transactions_slope
    rate = p.transactions * exp(slope * c.engagement - f(0.5) * slope * slope)
    rate = rate * np.where(c.adopted != 0, p.transactions_app, ONE)
    none = exp(-rate)
    more = np.minimum(np.maximum(rate / (ONE - none) - ONE, f(1e-6)), f(1e6))
    rest = np.maximum((u.use - none) / (ONE - none), f(1e-7))
    count = ONE + log(rest) / log(more / (ONE + more))
    c.transactions = np.where(awake & (u.use >= none), np.minimum(count, f(255)).astype(np.int32), 0)
    c.silence = np.where(c.transactions > 0, 0, np.minimum(c.silence + 1, 100))
    return taken


def adopt(c, u, now, p):
    """Taking up the app, a logit (SPEC 1.3): adopts with probability 1 / (1 + e^-x)."""
    age = c.age + f(now.month) / f(12)
    x = (
        p.adoption_intercept
        + p.adoption_usefulness * (c.affinity - p.affinity_mean) / p.affinity_sd
        + p.adoption_trust * c.trust / p.trust_sd
        - p.adoption_age * (age - p.adoption_age_from) * f(0.1)
        + p.adoption_peers * now.peers
        + now.adoption_shift
        + np.where(c.retained < 0, now.welcome_adoption, ZERO)
    )
    yes = (c.state == ACTIVE) & (u.adopt * (ONE + exp(-x)) < p.adoption_on)
    c.adopted = np.where(yes, 1, c.adopted)


def earn(c, contact, score, now, p):
    """Share of wallet (SPEC 2.3, DECISIONS 1) and the AUM that follows from it; returns AUM in CNY."""
    brought = log(exp(c.wallet) + p.money_brought) - p.log_left_elsewhere
    c.wallet = np.where(contact.sale, brought, c.wallet)
    mean = c.wallet_mean + p.wallet_bond * c.bond
    digital = p.multihoming_digital * p.multihoming_preferred[c.preferred]
    others = trait(c, MULTIHOMER).astype(f) * p.wallet_multihoming * (ONE + np.where(c.adopted != 0, digital, ZERO))
    leak = p.wallet_yield * now.yield_gap * c.affinity * p.liquid_share[c.tier]
    warmth = p.wallet_satisfaction * score + p.wallet_contact * contact.reached.astype(f)
    warmth = np.where(c.state == ACTIVE, warmth, ZERO)
    c.wallet = c.wallet + p.wallet_reversion * (mean - c.wallet) + warmth - others - leak
    return held(c, p) * exp(c.log_wealth) / (ONE + exp(-c.wallet))


def tenure_band(completed):
    """Band of completed months: 0-2, 3-11, 12-23, 24-47, 48-59, 60 and more (DECISIONS 6)."""
    return np.searchsorted([3, 12, 24, 48, 60], completed, side="right")


def log_hazard_ratio(c, score, event, month, yield_gap, word_of_mouth, lever, demotion_ratio, welcome, p):
    """beta X + f(tenure) + log u (SPEC 2.3); `event` is the uniform that decides on life events."""
    decades = np.clip((c.age + f(month) / f(12) - p.age_from) * f(0.1), p.age_lowest, p.age_highest)
    z = np.minimum(c.pressure, p.pressure_most)
    own = (
        p.b_products * np.minimum(c.products.astype(f) - ONE, p.products_most)
        + p.b_satisfaction * score
        + p.b_trust * c.trust / p.trust_sd
        + p.b_engagement * c.engagement
        + p.b_failure * c.open_failure
    )
    bank = (
        own
        + np.where(c.manager_change > 0, p.b_change_unplanned, ZERO)
        + np.where(c.manager_change < 0, p.b_change_planned, ZERO)
        + p.b_bond * c.bond
        + np.where((c.contact_gap > p.gap_months) & (c.tier > 0), p.b_gap, ZERO)
        + np.where(c.adopted != 0, p.b_app, ZERO)
        + p.b_yield * yield_gap * c.affinity
        + np.where(c.tier_change > 0, p.b_promotion, ZERO)
        + np.where(c.tier_change < 0, p.b_demotion[c.tier] * demotion_ratio, ZERO)
    )
    life = (
        bank
        + decades * (p.b_age + p.b_age_square * decades)
        + p.b_pressure * (z * (f(2) - z))
        + np.where(c.second_life > 0, p.b_second_life, ZERO)
        + np.where(event < p.event_rate * p.relocation_part, p.b_relocation, ZERO)
        + np.where(c.retained > 0, p.uplift[c.uplift_class], ZERO)
        + np.where(c.retained < 0, welcome, ZERO)
    )
    tenure = p.tenure_log[c.tier, tenure_band(month - c.joined_month.astype(int) - 1)]
    return p.covariates_on * life + tenure + c.log_frailty + word_of_mouth[c.tier] + lever[c.tier]


def stay_or_leave(c, log_ratio, money, contact, u, now, p):
    """Competing exits: P(any) = 1 - e^-(sum of rates), cause in proportion to rates. Returns the next state and AUM.

    A dormant customer may be courted, in the channel of its tier.
    """
    awake, asleep = c.state == ACTIVE, c.state == DORMANT
    ratio = exp(log_ratio)
    close = now.close_rate[c.tier] * ratio + np.where(c.follow_months > 0, c.follow, ZERO)
    first = np.where(awake, close, p.dormant_close)
    way = p.win_back_by[c.tier]
    courted = asleep & (u.campaign < now.win_back[c.tier]) & ((c.opted_out >> way) & 1 == 0)
    contact.channel = np.where(courted, way, contact.channel)
    returns = p.dormant_return * now.return_ratio + np.where(courted, p.win_back[c.tier], ZERO)
    second = np.where(awake, now.dormant_rate[c.tier] * ratio, returns)
    total = first + second
    any_exit = ONE - exp(-total)
    u_rate = u.exit * total
    closes, moves = u_rate < any_exit * first, u_rate < any_exit * total

    after = np.where(moves, np.where(awake, DORMANT, ACTIVE), c.state)
    after = np.where((awake | asleep) & ~closes, after, CLOSED)
    slept, woke = awake & (after == DORMANT), asleep & (after == ACTIVE)
    left = np.where(slept, p.dormant_share, np.where(woke, ONE, held(c, p)))
    money = np.where(after == CLOSED, ZERO, money * (left / held(c, p)))
    give(c, REDUCED, np.where(slept, True, np.where(woke, False, trait(c, REDUCED))))
    c.second_life = np.where(woke, p.second_life_months, np.maximum(c.second_life.astype(int) - 1, 0))
    return after, money


def keep_in_band(c, after, money, p):
    """Markov mode: the matrix alone moves tiers, so wealth keeps AUM inside the tier (DECISIONS 9). Returns AUM."""
    inside = np.clip(money, p.threshold[c.tier], p.ceiling[c.tier] * f(0.999999))
    moves = (after == ACTIVE) & (money > ZERO) & bool(p.markov)
    ratio = np.maximum(inside / np.maximum(money, f(1e-6)), f(1e-30))
    c.log_wealth = c.log_wealth + np.where(moves, log(ratio), ZERO)
    return np.where(moves, inside, money)


def climb(c, after, money, now, p):
    """Tier test on the mean of three month ends: up at once, down after the grace (SPEC 3.1). Returns the next tier."""
    mean = (money + c.aum + c.aum_2) * f(1 / 3)
    earned = (mean[:, None] >= p.threshold[1:] * f(0.999998)).sum(axis=1)
    under = np.where(earned < c.tier, np.minimum(c.below.astype(int) + 1, 100), 0)
    moves = ((earned > c.tier) | (under > p.grace[c.tier] + now.extra_grace)) & (after != CLOSED) & (not p.markov)
    tier = np.where(moves, earned, c.tier)
    c.below = np.where(moves, 0, under)
    fading = nearer(c.tier_change)
    c.tier_change = np.where(moves, np.where(earned > c.tier, p.tier_change_months, -p.tier_change_months), fading)
    c.aum_2 = c.aum
    return tier


def turn_page(c, after, tier, money):
    """What the month decided becomes the columns of the next; clocks run down; who is not active has no manager."""
    c.state, c.tier, c.aum = after, tier, money
    c.manager = np.where(after == ACTIVE, c.manager, -1)
    c.bond = np.where(after == ACTIVE, c.bond, ZERO)
    c.manager_change = nearer(c.manager_change)
    c.follow_months = np.maximum(c.follow_months.astype(int) - 1, 0)
    c.retained = nearer(c.retained)


# --- sums, in integers -----------------------------------------------------------------------------------------------


def fen(money):
    """Money in whole fen."""
    return np.trunc(np.asarray(money, np.float64) * FEN + 0.5).astype(np.int64)


def add(table, cells, amount, where):
    """Add an amount a row (or one for all) to the cells of the rows where it holds."""
    amount = np.broadcast_to(amount, where.shape)
    index = tuple(np.broadcast_to(i, where.shape)[where] for i in cells)
    np.add.at(table, index, amount[where])


def count_flows(was, c, after, tier, money, contact, service, taken, now, tally, cohort, left_from, book_exits):
    """The month's flows, by the tier before; arrivals from other tiers by the tier after."""
    w = c.weight.astype(np.int64)
    there, awake = was.state != CLOSED, was.state == ACTIVE
    before, worth = fen(was.aum), fen(money)
    since = np.minimum(now.month - 1 - np.maximum(c.joined_month.astype(int), now.start), now.growth_path.size - 1)
    grown = (1.0 + now.growth_path[since]) * (1.0 + now.market_growth[was.tier]) - 1.0
    growth = np.floor(was.aum.astype(np.float64) * grown * FEN + 0.5).astype(np.int64)
    tenure = np.clip(now.month - c.joined_month.astype(int) - 1, 0, TENURE_LAST)
    gone, closed = awake & (after != ACTIVE), there & (after == CLOSED)
    moved = there & ~closed & (tier != was.tier)
    contacted = there & (contact.channel >= 0)
    for column, amount, where in (
        (T.MARKET, w * growth, there),
        (T.NEW_MONEY, w * (worth - before - growth), there),
        (T.SALES, w * taken, awake),
        (T.CONTACTS + BRANCH + contact.channel, w, contacted),
        (T.OPT_OUTS, w, contacted & contact.resents),
        (T.EXPERIENCES, w * (service.weight * f(65536)).astype(np.int64), awake),
        (T.QUALITY, w * (service.felt * f(65536)).astype(np.int64), awake),
        (T.FAILURES, w, awake & service.failed),
        (T.COMPLAINTS, w, awake & service.complained),
        (T.AUM_EXITED, w * before, gone),
        (T.DORMANT, w, gone & (after == DORMANT)),
        (T.REACTIVATED, w, ~awake & there & (after == ACTIVE)),
        (T.CLOSED, w, closed),
        (T.CLOSED_DORMANT, w, closed & ~awake),
        (T.UPGRADED, w, moved & (tier > was.tier)),
        (T.DOWNGRADED, w, moved & (tier < was.tier)),
        (T.AUM_MOVED, -w * worth, moved),
    ):
        add(tally, (was.tier, column), amount, where)
    add(tally, (tier, T.MOVED_IN), w, moved)
    add(tally, (tier, T.AUM_MOVED), w * worth, moved)
    add(cohort, (was.tier, tenure, 0), w, awake)
    add(cohort, (was.tier, tenure, 1), w, gone & closed)
    add(cohort, (was.tier, tenure, 2), w, gone & ~closed)
    add(left_from, (np.minimum(c.year_start.astype(int), left_from.size - 1),), w, closed)
    add(book_exits, (was.manager,), w, gone & (was.manager >= 0))


def count_reach(was, c, plan, after, contact, u, now, reach):
    """Wishes for a contact by tier, age and app, what for (`codes.WISHES`) and what became of it (`codes.REACH`)."""
    courted = (was.state == DORMANT) & (u.campaign < now.win_back[was.tier])
    lost = plan < -1
    what_for = [lost, plan < 0, plan // RETENTION % 2 == 1, plan // LEAD % 2 == 1, plan // PROPOSED % 2 == 1]
    campaign = np.where(contact.greets, 6, np.where(contact.keeping, 5, 4))
    wish = np.select(what_for, [(-2 - plan) // 4, campaign, 2, 3, 1], 0)
    ways = [lost, contact.silenced, contact.channel < 0, ~contact.reached, contact.refused]
    end = np.select(ways, [(-2 - plan) % 4, 0, 1, 4, 5], 6)
    wish = np.where(courted, 7, wish)
    end = np.where(courted, np.where(contact.channel < 0, 0, np.where(after == ACTIVE, 6, 5)), end)
    older, app = c.age + f(now.month) / f(12) >= f(60), c.adopted != 0
    w, there = c.weight.astype(np.int64), lost | contact.asked | courted
    cell = (was.tier, 2 * older.astype(int) + app, wish, end)
    add(reach, (*cell, 0), w, there)
    add(reach, (*cell, 1), w * np.trunc(was.aum.astype(np.float64) + 0.5).astype(np.int64), there)


def loyalty(c, score, month, p):
    """Attitudinal loyalty: satisfaction, trust, bond and habit; habit from -1 to 1 over `habit_months` (SPEC 1.4)."""
    tenure = np.clip(month - c.joined_month.astype(int), 0, p.habit_months)
    habit = tenure.astype(f) * p.habit_step - ONE
    trust = c.trust / p.trust_sd
    return p.loyal_satisfaction * score + p.loyal_trust * trust + p.loyal_bond * c.bond + p.loyal_habit * habit


def tariff(aum, p):
    """Revenue of AUM, and of a product beyond the first, CNY a year: a rate for each slice of AUM (reading 5)."""
    earned, each = np.zeros(aum.size, f), np.full(aum.size, p.product_base, f)
    for k in range(p.threshold.size):
        part = np.maximum(np.minimum(aum.astype(f), p.ceiling[k]) - p.threshold[k], ZERO)
        earned, each = earned + p.slice_rate[k] * part, each + p.product_slope[k] * part
    return earned, each


def count_stocks(c, month, p, tally):
    """Stocks at month end, by tier; shares and scores in 1/65536."""
    w = c.weight.astype(np.int64)
    there, awake = c.state != CLOSED, c.state == ACTIVE
    score, extra = satisfaction_score(c, p), c.products.astype(np.int64) - 1
    loyal = loyalty(c, score, month, p)
    earned, each = tariff(c.aum, p)
    products = fen(each) * extra

    def fixed(x):
        return w * (x * f(65536)).astype(np.int64)

    for column, amount, where in (
        (T.OPEN, w, there),
        (T.AUM, w * fen(c.aum), there),
        (T.WALLET, fixed(held(c, p) / (ONE + exp(-c.wallet))), there),
        (T.OPTED_OUT, w, there & (c.opted_out != 0)),
        (T.ACTIVE, w, awake),
        (T.PRODUCTS, w * (extra + 1), awake),
        (T.EARNED, w * fen(earned), there),
        (T.EARNED_PRODUCTS, w * np.where(trait(c, ADVERSE), -products, products), awake),
        (T.DIGITAL, w, awake & (c.adopted != 0)),
        (T.SATISFACTION, fixed(score), awake),
        (T.TRUST, fixed(c.trust / p.trust_sd), awake),
        (T.LOYALTY, fixed(loyal), awake),
        (T.LOYALTY2, fixed(loyal * loyal), awake),
        (T.MANAGED_OPEN, w, awake & (c.manager >= 0)),
        (T.BOND, fixed(c.bond), awake & (c.manager >= 0)),
    ):
        add(tally, (c.tier, column), amount, where)


# --- the same doors as the kernel ------------------------------------------------------------------------------------


def rows(columns, first, last):
    """Copies of the columns of rows first..last."""
    return SimpleNamespace(**{name: getattr(columns, name)[first:last].copy() for name in columns._fields})


def step_chunk(columns, first, last, plan, now, p, tally, cohort, left_from, book_exits, reach):
    """One month for rows first..last: the order of DECISIONS 10."""
    c, plan = rows(columns, first, last), plan[first:last]
    was = SimpleNamespace(state=c.state, tier=c.tier, aum=c.aum, manager=c.manager)
    u = luck(c.uid, now)
    grow_wealth(c, u, now, p)
    contact = meet(c, plan, u, now, p)
    service = serve(c, u, now, p)
    score = feel(c, service, u, now, p)
    taken = use_products(c, contact, u, p)
    adopt(c, u, now, p)
    money = earn(c, contact, score, now, p)
    c.risk = log_hazard_ratio(
        c,
        score,
        u.event,
        now.month,
        now.yield_gap,
        now.word_of_mouth,
        now.hazard_ratio,
        now.demotion_ratio,
        now.welcome_hazard,
        p,
    )
    after, money = stay_or_leave(c, c.risk, money, contact, u, now, p)
    money = keep_in_band(c, after, money, p)
    tier = climb(c, after, money, now, p)
    count_flows(was, c, after, tier, money, contact, service, taken, now, tally, cohort, left_from, book_exits)
    count_reach(was, c, plan, after, contact, u, now, reach)
    turn_page(c, after, tier, money)
    count_stocks(c, now.month, p, tally)
    for name in columns._fields:  # the closed are gone: nothing of them is lived
        column = getattr(columns, name)[first:last]
        column[:] = np.where(was.state == CLOSED, column, getattr(c, name))


def count_chunk(columns, first, last, month, p, tally):
    """Stocks of rows first..last."""
    count_stocks(rows(columns, first, last), month, p, tally)


def score_chunk(uid, tier, risk, uplift_class, need, now, p, churn, uplift, offer):
    """Scores of any customers."""
    churn[:], uplift[:], offer[:] = scores(uid, tier, risk, uplift_class, need, now, p)


def weigh_chunk(columns, first, last, month, yield_gap, p, sums):
    """Risk of everybody without events and levers; moments of active customers by tier, in integers (SPEC 2.3)."""
    c = rows(columns, first, last)
    never, nothing = np.ones(last - first, f), np.zeros(p.threshold.size, f)
    risk = log_hazard_ratio(c, satisfaction_score(c, p), never, month, yield_gap, nothing, nothing, ONE, ZERO, p)
    columns.risk[first:last] = risk
    w, awake, gain = c.weight.astype(np.int64), c.state == ACTIVE, gain_of(risk, c.uplift_class, p)
    moments = (ONE, exp(risk) * f(2**20), risk * f(4096), risk * risk * f(4096), gain * f(4096), gain * gain * f(4096))
    for column, moment in enumerate(moments):
        add(sums, (c.tier, column), w * np.asarray(moment).astype(np.int64), awake)
