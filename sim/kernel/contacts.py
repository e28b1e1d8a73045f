"""Whom the bank contacts: scores and their use, who is contacted where, and what a contact does (SPEC 5.2-5.4, 6)."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.codes import BROWSED, CHANNEL_BITS, CHANNELS, LEAD, LOST, NOBODY, RETENTION, SILENCED, SPARED
from sim.kernel.blocks import END, MOST
from sim.kernel.numerics import EQUATION, ONE, PART, RULE, ZERO, exp, f32, i32, normal

N_CHANNELS = len(CHANNELS)
MOST_CONTACTS = 30_000  # what an int16 column counts up to
OTHER_TRAITS = i32(~BROWSED)
BARRED = LOST - SILENCED  # no contact where one was wished for: opted out
TOO_MANY = LOST - SPARED  # pressure would pass its cap
NEW = i32(3)  # months since joining in which a customer is new
KEEP, WELCOME = i32(1), i32(2)  # what a contact that offers nothing is for


@njit(**EQUATION)
def retention_gain(log_ratio, saved):
    """Part of the hazard ratio that a retention contact would take away."""
    return exp(log_ratio) * saved


@njit(**RULE)
def score_churn(b, u, now, score):
    """Who leaves: last month's log hazard ratio as far as it is known, and noise; unit variance (SPEC 6.3)."""
    known = now.know_churn
    noise = np.sqrt(max(ONE - known * known, ZERO))
    for i in range(b.tier.size):
        k = b.tier[i]
        score[i] = known * ((b.risk[i] - now.risk_mean[k]) / now.risk_sd[k]) + noise * normal(u.churn_noise[i])


@njit(**RULE)
def score_uplift(b, u, now, p, score):
    """Whom a retention contact keeps: what it would take off the hazard ratio, as far as known, and noise."""
    known = now.know_uplift
    noise = np.sqrt(max(ONE - known * known, ZERO))
    for i in range(b.tier.size):
        k = b.tier[i]
        gain = retention_gain(b.risk[i], p.saved[b.uplift_class[i]])
        score[i] = known * ((gain - now.gain_mean[k]) / now.gain_sd[k]) + noise * normal(u.uplift_noise[i])


@njit(**RULE)
def score_offer(b, u, now, score):
    """Who buys: need as far as it is known, and noise."""
    known = now.know_offer
    noise = np.sqrt(max(ONE - known * known, ZERO))
    for i in range(b.need.size):
        score[i] = known * b.need[i] + noise * normal(u.offer_noise[i])


@njit(**RULE)
def choose(w, now):
    """How campaigns use the scores: `boost` on the rate of offers, `chosen` for a retention contact (0 or 1)."""
    for i in range(w.keep.size):
        above = now.offer_boost if w.offer[i] > now.offer_cut else ZERO
        w.boost[i] = ONE - now.targeting + now.targeting * above
        w.chosen[i] = ONE if w.keep[i] > now.retain_cut else ZERO


@njit(**RULE)
def aim(b, u, w, now, p):
    """Whom campaigns are for: by the scores, or without any all alike and nobody to keep."""
    if now.scored:  # the same for the whole block
        if now.by_uplift:
            score_uplift(b, u, now, p, w.keep)
        else:
            score_churn(b, u, now, w.keep)
        score_offer(b, u, now, w.offer)
        choose(w, now)
    else:
        for i in range(w.boost.size):
            w.boost[i] = ONE
            w.chosen[i] = ZERO


@njit(**RULE)
def reach_out(k, b, u, w, now, p):
    """Who is contacted and where: as a manager planned, else by a campaign's offer.

    One uniform decides on campaigns, cut into a piece for each channel. What stands in the app needs the app.
    """
    calls = now.outreach if k == 0 else ZERO
    for i in range(b.tier.size):
        app = ONE if b.adopted[i] != 0 else ZERO
        call = calls if b.aum[i] >= now.outreach_from else ZERO
        lot = u.campaign[i]
        end, offering = ZERO, i32(0)
        for channel in range(N_CHANNELS):
            open_to = max(app, p.without_app[channel])
            end = end + now.campaign[k, channel] * w.boost[i] * open_to + call * p.remote_calls[channel]
            offering += i32(lot >= end)
        picked = (b.manager[i] < 0) and (lot < end)
        planned = i32(w.plan[i])
        wanted = (planned & CHANNEL_BITS) if planned >= 0 else (offering if picked else i32(NOBODY))
        silenced = (i32(b.opted_out[i]) >> max(wanted, i32(0))) & 1
        w.offers_end[i] = end
        w.channel[i] = i32(BARRED) if (wanted >= 0) and (silenced != 0) else wanted
        w.keeping[i] = i32((planned & RETENTION) != 0) if planned >= 0 else i32(0)


@njit(**RULE)
def retain(k, b, u, w, now, p):
    """Retention contacts of campaigns, which go by scores: their pieces of the uniform follow those of the offers."""
    if not now.scored:  # the same for the whole block
        return
    for i in range(b.tier.size):
        app = ONE if b.adopted[i] != 0 else ZERO
        lot = u.campaign[i]
        end, way = w.offers_end[i], i32(0)
        for by in range(N_CHANNELS):
            open_to = max(app, p.without_app[by])
            end = end + now.retain[k, by] * w.chosen[i] * open_to
            way += i32(lot >= end)
        channel, keeping = w.channel[i], w.keeping[i]
        free = (b.manager[i] < 0) & (w.plan[i] < 0)
        wanted = free & (lot >= w.offers_end[i]) & (lot < end)
        silenced = (i32(b.opted_out[i]) >> way) & 1
        w.channel[i] = (i32(BARRED) if silenced != 0 else way) if wanted else channel
        w.keeping[i] = KEEP if wanted else keeping


@njit(**RULE)
def welcome(b, u, w, now, p):
    """A welcome to new customers whom nobody else wishes to contact this month.

    It is cut from the upper end of the uniform that decides on campaigns, a piece for each channel.
    """
    if not now.welcoming:  # the same for the whole block
        return
    for i in range(b.tier.size):
        app = ONE if b.adopted[i] != 0 else ZERO
        left = ONE - u.campaign[i]
        end, way = ZERO, i32(0)
        for by in range(N_CHANNELS):
            end = end + now.welcome[by] * max(app, p.without_app[by])
            way += i32(left >= end)
        way = min(way, i32(N_CHANNELS - 1))
        new = i32(now.month) - i32(b.joined_month[i]) <= NEW
        channel, keeping = w.channel[i], w.keeping[i]
        free = (channel == NOBODY) & (w.plan[i] == NOBODY)
        wanted = new & free & (left < end)
        silenced = (i32(b.opted_out[i]) >> way) & 1
        w.channel[i] = (i32(BARRED) if silenced != 0 else way) if wanted else channel
        w.keeping[i] = WELCOME if wanted else keeping


@njit(**RULE)
def list_wishes(w):
    """The rows with a wish for a contact, kept or lost, in order; what is seldom true is costly to ask of everybody."""
    count, rows = i32(0), w.channel.size
    for i in range(rows):
        w.wishes[count] = i
        count += i32((w.channel[i] != NOBODY) or (w.plan[i] < NOBODY))
    if count < rows:
        w.wishes[count] = END


@njit(**PART)
def still_out(opted_out, opt_out_month, month, p):
    """The opt-outs that hold, channel by channel; they lapse together, after their time."""
    return i32(0) if f32(i32(month) - i32(opt_out_month)) >= p.opt_out_months else i32(opted_out)


@njit(**EQUATION)
def a_month_more(months):
    """A clock of months, one further."""
    return min(i32(months) + i32(1), i32(MOST))


@njit(**RULE)
def forget(b, w, now, p):
    """The pressure of earlier contacts fades, and old opt-outs lapse; nobody has been met yet this month."""
    for i in range(b.tier.size):
        b.pressure[i] = b.pressure[i] * p.pressure_memory
        b.opted_out[i] = still_out(b.opted_out[i], b.opt_out_month[i], now.month, p)
    for i in range(b.tier.size):
        w.reached[i] = ZERO
        w.offered[i] = ZERO
        w.closer[i] = ZERO
        w.made_sale[i] = 0
        w.opted[i] = 0


@njit(**RULE)
def be_left_alone(b, w, now, p):
    """What is left of contacts and of the bond with customers who are asleep, whom nobody meets."""
    begins = now.month % p.campaign_months == 0
    for i in range(b.tier.size):
        b.pressure[i] = b.pressure[i] * p.pressure_memory
        b.bond[i] = b.bond[i] * p.bond_fading
        b.opted_out[i] = still_out(b.opted_out[i], b.opt_out_month[i], now.month, p)
        w.opted[i] = 0
    for i in range(b.tier.size):
        b.contact_gap[i] = a_month_more(b.contact_gap[i])
        b.attempts[i] = i32(0) if begins else i32(b.attempts[i])
        b.traits[i] = i32(b.traits[i]) & OTHER_TRAITS


@njit(**RULE)
def meet(k, b, u, w, now, p):
    """What contacts do to those who are wished for: made unless too many, resented, reached, answered, remembered."""
    ratio = now.conversion_ratio[k]
    near_from = p.near_threshold * p.ceiling[k]
    for place in range(w.wishes.size):
        i = w.wishes[place]
        if i == END:
            break
        c = w.channel[i]
        if c < 0:
            continue
        planned = i32(w.plan[i])
        last = i32(b.last_channel[i])
        switched = (last >= 0) and (last != c)
        easy = p.preferred_relief if c == i32(b.preferred[i]) else ONE
        burden = p.pressure[c] * easy * (p.channel_change if switched else ONE)
        pressure = b.pressure[i] + burden
        if planned < 0 and pressure > now.pressure_cap:
            w.channel[i] = TOO_MANY
            continue
        b.pressure[i] = pressure
        b.last_channel[i] = c
        b.contacts[i] = min(i32(b.contacts[i]) + 1, MOST_CONTACTS)
        if u.opt_out[i] < p.opt_out_rate * exp(p.opt_out_slope * max(pressure - ONE, ZERO)):
            w.opted[i] = 1
            b.opted_out[i] = i32(b.opted_out[i]) | (i32(1) << c)
            b.opt_out_month[i] = now.month
        if u.reach[i] >= p.reach[c]:
            continue
        w.reached[i] = ONE
        own = (planned >= 0) and (b.manager[i] >= 0)
        quality = now.manager_quality[b.manager[i]] if own else ZERO
        warmth = (now.synergy if switched else ZERO) + (
            now.handoff if (planned >= 0) and ((planned & LEAD) != 0) else ZERO
        )
        pull = p.need_effect * b.need[i] + p.skill_effect * quality + p.attempt_decay * f32(b.attempts[i]) + warmth
        pull = pull + (p.bond_conversion * b.bond[i] if own else ZERO)
        chance = (
            p.conversion[c]
            * ratio
            * exp(pull)
            * (p.near_threshold_effect if own and (b.aum[i] >= near_from) else ONE)
            * (p.event_need if u.event[i] < p.event_rate else ONE)
        )
        push = now.push_managers if planned >= 0 else now.push_share
        offered = (u.push[i] < push) and (w.keeping[i] == 0)
        first = (w.keeping[i] == WELCOME) and (b.retained[i] == 0)
        yes = (offered and (u.sale[i] < chance)) or (first and (u.sale[i] < now.welcome_product))
        w.offered[i] = ONE if offered else ZERO
        w.made_sale[i] = 1 if yes else 0
        b.attempts[i] = 0 if yes else min(i32(b.attempts[i]) + i32(offered), MOST)
        if own:
            step = min(p.bond_step * max(ONE + p.bond_skill * quality, ZERO), ONE)
            w.closer[i] = (ONE - b.bond[i]) * step
            b.contact_gap[i] = -1  # so that it is 0 when the month is counted
        if w.keeping[i] == KEEP:
            b.retained[i] = p.retention_months
        elif (w.keeping[i] == WELCOME) and (b.retained[i] <= 0):
            b.retained[i] = i32(now.month) - i32(b.joined_month[i]) - NEW - i32(1)


@njit(**RULE)
def remember(b, u, w, now, p):
    """Bonds fade and grow, months without the manager are counted, campaigns begin anew, app users show interest."""
    for i in range(b.tier.size):
        b.bond[i] = b.bond[i] * p.bond_fading + w.closer[i]
        b.contact_gap[i] = a_month_more(b.contact_gap[i])
        browses = (b.adopted[i] != 0) and (b.manager[i] >= 0)
        shows = browses and (u.campaign[i] < p.lead_chance * exp(p.need_effect * b.need[i]))
        b.traits[i] = (i32(b.traits[i]) & OTHER_TRAITS) | (i32(BROWSED) if shows else i32(0))
    if now.month % p.campaign_months == 0:
        for i in range(b.tier.size):
            b.attempts[i] = 0
