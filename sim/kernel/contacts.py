"""Whom the bank contacts: scores and their use, who is contacted where, and what a contact does (SPEC 5.2-5.4, 6)."""

from __future__ import annotations

import numpy as np
from numba import njit

from sim.codes import ACTIVE, BROWSED, CHANNEL_BITS, CHANNELS, LEAD, LOST, NOBODY, RETENTION, SILENCED, SPARED
from sim.kernel.numerics import EQUATION, ONE, RULE, ZERO, exp, f32, i32, normal

N_CHANNELS = len(CHANNELS)
MOST_CONTACTS = 30_000  # what an int16 column counts up to; int8 columns count to 100
MOST = 100
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
def reach_out(b, u, w, now, p):
    """Who is contacted and where: as a manager planned, else by a campaign; `keeping` marks retention contacts.

    One uniform decides on campaigns, cut into a piece for each channel: offers first, then retention contacts. What
    stands in the app needs the app.
    """
    for i in range(b.state.size):
        k = b.tier[i]
        app = ONE if b.adopted[i] != 0 else ZERO
        call = now.outreach if (k == 0) and (b.aum[i] >= now.outreach_from) else ZERO
        lot = u.campaign[i]
        end, offering, saving = ZERO, i32(0), i32(0)
        for channel in range(N_CHANNELS):
            open_to = max(app, p.without_app[channel])
            end = end + now.campaign[k, channel] * w.boost[i] * open_to + call * p.remote_calls[channel]
            offering += i32(lot >= end)
        offers_end = end
        for channel in range(N_CHANNELS):
            open_to = max(app, p.without_app[channel])
            end = end + now.retain[k, channel] * w.chosen[i] * open_to
            saving += i32(lot >= end)
        free = b.manager[i] < 0
        picked = free and (lot < offers_end)
        saved = free and (lot >= offers_end) and (lot < end)
        planned = i32(w.plan[i])
        wanted = (planned & CHANNEL_BITS) if planned >= 0 else (offering if picked else (saving if saved else NOBODY))
        silenced = (i32(b.opted_out[i]) >> max(wanted, i32(0))) & 1
        asked = (b.state[i] == ACTIVE) and (wanted >= 0)
        w.channel[i] = (i32(BARRED) if silenced != 0 else wanted) if asked else i32(NOBODY)
        w.keeping[i] = i32((planned & RETENTION) != 0) if planned >= 0 else i32(saved)


@njit(**RULE)
def greet(b, u, w, now, p):
    """A welcome to new customers whom nobody else wishes to contact this month.

    It is cut from the upper end of the uniform that decides on campaigns, a piece for each channel.
    """
    for i in range(b.state.size):
        app = ONE if b.adopted[i] != 0 else ZERO
        left = ONE - u.campaign[i]
        end, way = ZERO, i32(0)
        for channel in range(N_CHANNELS):
            end = end + now.welcome[channel] * max(app, p.without_app[channel])
            way += i32(left >= end)
        way = min(way, i32(N_CHANNELS - 1))
        new = (i32(now.month) - i32(b.joined_month[i]) <= NEW) and (b.state[i] == ACTIVE)
        free = (w.channel[i] == NOBODY) and (w.plan[i] == NOBODY)
        wanted = new and free and (left < end)
        silenced = (i32(b.opted_out[i]) >> way) & 1
        w.channel[i] = (i32(BARRED) if silenced != 0 else way) if wanted else w.channel[i]
        w.keeping[i] = WELCOME if wanted else w.keeping[i]


@njit(**RULE)
def welcome(b, u, w, now, p):
    """Welcome contacts, where the bank makes any."""
    if now.welcoming:  # the same for the whole block
        greet(b, u, w, now, p)


@njit(**RULE)
def meet(b, u, w, now, p):
    """What contacts do: made unless too many, reached, answered, resented, remembered."""
    n = b.state.size
    manager_quality = now.manager_quality  # by its own name, since it is read in a branch (see `blocks`)
    campaign_end = now.month % p.campaign_months == 0
    event_bar = p.event_rate
    for i in range(n):
        c = max(w.channel[i], i32(0))
        last = i32(b.last_channel[i])
        easy = p.preferred_relief if c == i32(b.preferred[i]) else ONE
        switched = (last >= 0) and (last != c)
        burden = p.pressure[c] * easy * (p.channel_change if switched else ONE)
        fading = b.pressure[i] * p.pressure_memory
        spared = (w.plan[i] < 0) and (fading + burden > now.pressure_cap)
        made = (w.channel[i] >= 0) and not spared
        w.channel[i] = i32(TOO_MANY) if (w.channel[i] >= 0) and spared else w.channel[i]
        b.pressure[i] = fading + (burden if made else ZERO)
        b.last_channel[i] = c if made else last
        b.contacts[i] = min(i32(b.contacts[i]) + i32(made), MOST_CONTACTS)
        w.reached[i] = ONE if made and (u.reach[i] < p.reach[c]) else ZERO
        followed = (w.plan[i] >= 0) and ((i32(w.plan[i]) & LEAD) != 0)
        w.warmth[i] = (now.synergy if switched else ZERO) + (now.handoff if followed else ZERO)
    for i in range(n):
        c = max(w.channel[i], i32(0))
        own = (w.plan[i] >= 0) and (b.manager[i] >= 0)
        quality = manager_quality[max(b.manager[i], i32(0))] if own else ZERO
        k = b.tier[i]
        near = own and (b.aum[i] >= p.near_threshold * p.ceiling[k])
        pull = p.need_effect * b.need[i] + p.skill_effect * quality + p.attempt_decay * f32(b.attempts[i]) + w.warmth[i]
        pull = pull + (p.bond_conversion * b.bond[i] if own else ZERO)
        chance = (
            p.conversion[c]
            * now.conversion_ratio[k]
            * exp(pull)
            * (p.near_threshold_effect if near else ONE)
            * (p.event_need if u.event[i] < event_bar else ONE)
        )
        push = now.push_managers if w.plan[i] >= 0 else now.push_share
        offered = (w.reached[i] > ZERO) and (u.push[i] < push) and (w.keeping[i] == 0)
        first = (w.reached[i] > ZERO) and (w.keeping[i] == WELCOME) and (b.retained[i] == 0)
        yes = (offered and (u.sale[i] < chance)) or (first and (u.sale[i] < now.welcome_product))
        w.made_sale[i] = 1 if yes else 0
        w.offered[i] = ONE if offered else ZERO
    for i in range(n):
        fresh = (w.made_sale[i] != 0) or campaign_end
        b.attempts[i] = 0 if fresh else min(b.attempts[i] + i32(w.offered[i]), MOST)
        made = w.channel[i] >= 0
        hazard = p.opt_out_rate * exp(p.opt_out_slope * max(b.pressure[i] - ONE, ZERO))
        out = made and (u.opt_out[i] < hazard)
        w.opted[i] = 1 if out else 0
        lapsed = f32(now.month - b.opt_out_month[i]) >= p.opt_out_months
        standing = 0 if lapsed else i32(b.opted_out[i])
        b.opted_out[i] = standing | (i32(w.opted[i]) << max(w.channel[i], i32(0)))
        b.opt_out_month[i] = now.month if out else b.opt_out_month[i]
    for i in range(n):
        by_manager = (w.reached[i] > ZERO) and (w.plan[i] >= 0) and (b.manager[i] >= 0)
        quality = manager_quality[max(b.manager[i], i32(0))]
        step = min(p.bond_step * max(ONE + p.bond_skill * quality, ZERO), ONE)
        b.bond[i] = b.bond[i] * p.bond_fading + ((ONE - b.bond[i]) * step if by_manager else ZERO)
        b.contact_gap[i] = 0 if by_manager else min(i32(b.contact_gap[i]) + 1, MOST)
        heard = (w.reached[i] > ZERO) and (w.keeping[i] == KEEP)
        welcomed = (w.reached[i] > ZERO) and (w.keeping[i] == WELCOME) and (b.retained[i] <= 0)
        new_for = NEW + i32(1) - (i32(now.month) - i32(b.joined_month[i]))
        b.retained[i] = p.retention_months if heard else (-new_for if welcomed else i32(b.retained[i]))
        browses = (b.adopted[i] != 0) and (b.manager[i] >= 0) and (b.state[i] == ACTIVE)
        shows = browses and (u.campaign[i] < p.lead_chance * exp(p.need_effect * b.need[i]))
        b.traits[i] = (i32(b.traits[i]) & OTHER_TRAITS) | (i32(BROWSED) if shows else i32(0))
