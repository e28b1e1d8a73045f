"""How customers are served and what it makes them feel (SPEC 1.4, 5.5)."""

from __future__ import annotations

from numba import njit

from sim.codes import NOBODY
from sim.kernel.numerics import EQUATION, ONE, PART, RULE, TWO, ZERO, f32, i32, normal


@njit(**EQUATION)
def learning(satisfaction, disconfirmation, gain, loss, decay):
    """Change of raw satisfaction from one experience: losses weigh more than gains, the past fades (SPEC 1.4)."""
    return gain * max(disconfirmation, ZERO) - loss * max(-disconfirmation, ZERO) - decay * satisfaction


@njit(**RULE)
def know_managers(b, w, now):
    """Quality of everybody's manager, 0 without one; most blocks have none, and need look up nothing."""
    highest = i32(NOBODY)
    for i in range(b.tier.size):
        highest = max(highest, b.manager[i])
    if highest < 0:
        for i in range(b.tier.size):
            w.by_manager[i] = ZERO
        return
    quality = now.manager_quality  # by its own name, since it is read in a branch (see `blocks`)
    for i in range(b.tier.size):
        w.by_manager[i] = quality[max(b.manager[i], i32(0))] if b.manager[i] >= 0 else ZERO


@njit(**RULE)
def serve(k, b, u, w, now, p):
    """The month's service experience: with people or in the app, how good, whether it fails, who complains.

    One uniform decides on the episode and one on its failure, those with people first; what happens in the app weighs
    less in feelings and varies less.
    """
    n = b.tier.size
    for i in range(n):
        digital = b.adopted[i] != 0
        visits = p.experience_human if digital else p.experience_other
        uses = p.experience_digital if digital else p.experience_other
        lot = u.experience[i]
        weight = ONE if lot < visits else (p.app_weight if lot < uses else ZERO)
        badly = (p.failure_human if digital else p.failure_other) * now.failure_ratio
        risk = (p.failure_digital if digital else p.failure_other) * now.failure_ratio
        failed = ONE if u.failure[i] < risk else ZERO
        spoilt = (ONE if u.failure[i] < badly else p.app_weight) * failed
        cry = failed if u.complaint[i] < p.complain_share else ZERO
        solved = cry if u.complaint[i] < p.complain_share * now.resolution else ZERO
        second = b.open_failure[i] > p.still_open
        w.human[i] = ONE if (lot < visits) or (u.failure[i] < badly) else ZERO
        w.experience[i] = max(weight, spoilt)
        w.failed[i] = failed
        w.complained[i] = cry
        w.recovered[i] = ZERO if second else solved
        w.betrayed[i] = failed if second else ZERO
        b.open_failure[i] = b.open_failure[i] * p.failure_fading + (failed - solved)
    alone, led = now.quality_shift[0, k], now.quality_shift[1, k]
    ratios = now.quality_sd_ratio
    spread_alone, spread_app = p.quality_sd * ratios[0, 0], p.quality_sd * ratios[0, 1]
    spread_led, spread_led_app = p.quality_sd * ratios[1, 0], p.quality_sd * ratios[1, 1]
    for i in range(n):
        managed, app = b.manager[i] >= 0, b.adopted[i] != 0
        drop = p.failure_drop * (p.double_deviation if w.betrayed[i] > ZERO else ONE)
        spread = (spread_led_app if app else spread_led) if managed else (spread_app if app else spread_alone)
        human = w.human[i]
        quality = (
            (led if managed else alone)
            + p.manager_share * w.by_manager[i] * human
            + spread * (human + (ONE - human) * p.app_spread) * normal(u.quality[i])
            - w.failed[i] * drop
        )
        w.felt[i] = w.experience[i] * quality
        w.surprise[i] = w.experience[i] * (quality - b.expectation[i] - now.expectation_rise)


@njit(**PART)
def standard_score(satisfaction, p):
    """Satisfaction in SD of the reference population."""
    return (satisfaction - p.satisfaction_mu) / p.satisfaction_sd


@njit(**PART)
def dislike(pressure, p):
    """What contact pressure takes from satisfaction."""
    return p.pressure_dislike * max(pressure - p.pressure_from, ZERO)


@njit(**PART)
def trusting(trust, standard, affinity, now, p):
    """Trust after a month: it follows satisfaction; those at home with the digital mind being watched less."""
    watched = now.privacy * TWO * (ONE - affinity)
    return trust + p.trust_speed * (standard - watched - trust)


@njit(**PART)
def engaging(engagement, own, u, p):
    """Engagement after a month, around the customer's own mean."""
    return own + p.engagement_memory * (engagement - own) + p.engagement_noise * normal(u)


@njit(**RULE)
def feel(b, u, w, now, p):
    """Satisfaction, expectation, trust and engagement, and how far they and contacts move the wallet.

    What customers expect of this bank follows what they met here; `expectation_rise` comes on top of it and does not.
    """
    for i in range(b.tier.size):
        anchor = p.tenure_anchor / (p.tenure_anchor + f32(i32(now.month) - i32(b.joined_month[i])))
        d = w.surprise[i]
        s = b.satisfaction[i]
        s = s + learning(s, d, p.gain * anchor, p.loss * anchor, p.satisfaction_decay)
        s = s + p.performance * anchor * w.felt[i]
        s = s + p.recovery_gain * w.recovered[i] - dislike(b.pressure[i], p)
        b.satisfaction[i] = s
        b.expectation[i] = b.expectation[i] + p.expectation_speed * (d + w.experience[i] * now.expectation_rise)
        standard = standard_score(s, p)
        w.score[i] = standard
        w.warmth[i] = p.wallet_satisfaction * standard + p.wallet_contact * w.reached[i]
        b.trust[i] = trusting(b.trust[i], standard, b.affinity[i], now, p) - p.breach * w.betrayed[i]
        b.engagement[i] = engaging(b.engagement[i], b.engagement_mean[i], u.engagement[i], p)


@njit(**RULE)
def drowse(b, u, w, now, p):
    """What customers feel who are asleep: nothing new happens, and what was fades."""
    for i in range(b.tier.size):
        s = b.satisfaction[i]
        s = s + learning(s, ZERO, p.gain, p.loss, p.satisfaction_decay) - dislike(b.pressure[i], p)
        standard = standard_score(s, p)
        b.satisfaction[i] = s
        w.score[i] = standard
        w.warmth[i] = ZERO
        b.trust[i] = trusting(b.trust[i], standard, b.affinity[i], now, p)
        b.engagement[i] = engaging(b.engagement[i], b.engagement_mean[i], u.engagement[i], p)
        b.open_failure[i] = b.open_failure[i] * p.failure_fading
