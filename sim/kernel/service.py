"""How customers are served and what it makes them feel (SPEC 1.4, 5.5)."""

from __future__ import annotations

from numba import njit

from sim.codes import ACTIVE
from sim.kernel.numerics import EQUATION, ONE, RULE, TWO, ZERO, f32, i32, normal


@njit(**EQUATION)
def learning(satisfaction, disconfirmation, gain, loss, decay):
    """Change of raw satisfaction from one experience: losses weigh more than gains, the past fades (SPEC 1.4)."""
    return gain * max(disconfirmation, ZERO) - loss * max(-disconfirmation, ZERO) - decay * satisfaction


@njit(**RULE)
def serve(b, u, w, now, p):
    """The month's service experience: with people or in the app, how good, whether it fails, who complains.

    One uniform decides on the episode and one on its failure, those with people first; what happens in the app weighs
    less in feelings and varies less.
    """
    n = b.state.size
    manager_quality = now.manager_quality  # by its own name, since it is read in a branch (see `blocks`)
    for i in range(n):
        digital = b.adopted[i] != 0
        visits = p.experience_human if digital else p.experience_other
        uses = p.experience_digital if digital else p.experience_other
        awake = b.state[i] == ACTIVE
        lot = u.experience[i]
        weight = ONE if lot < visits else (p.app_weight if lot < uses else ZERO)
        badly = (p.failure_human if digital else p.failure_other) * now.failure_ratio
        risk = (p.failure_digital if digital else p.failure_other) * now.failure_ratio
        w.failed[i] = ONE if awake and (u.failure[i] < risk) else ZERO
        spoilt = (ONE if u.failure[i] < badly else p.app_weight) * w.failed[i]
        w.human[i] = ONE if (lot < visits) or (u.failure[i] < badly) else ZERO
        w.experience[i] = max(weight if awake else ZERO, spoilt)
        cry = w.failed[i] if u.complaint[i] < p.complain_share else ZERO
        w.complained[i] = cry
        solved = cry if u.complaint[i] < p.complain_share * now.resolution else ZERO
        second = b.open_failure[i] > p.still_open
        w.recovered[i] = ZERO if second else solved
        w.betrayed[i] = w.failed[i] if second else ZERO
        b.open_failure[i] = b.open_failure[i] * p.failure_fading + (w.failed[i] - solved)
    for i in range(n):
        by_manager = manager_quality[max(b.manager[i], i32(0))] if b.manager[i] >= 0 else ZERO
        drop = p.failure_drop * (p.double_deviation if w.betrayed[i] > ZERO else ONE)
        managed, app = i32(b.manager[i] >= 0), i32(b.adopted[i] != 0)
        spread = p.quality_sd * now.quality_sd_ratio[managed, app]
        human = w.human[i]
        quality = (
            now.quality_shift[managed, b.tier[i]]
            + p.manager_share * by_manager * human
            + spread * (human + (ONE - human) * p.app_spread) * normal(u.quality[i])
            - w.failed[i] * drop
        )
        w.felt[i] = w.experience[i] * quality
        w.surprise[i] = w.experience[i] * (quality - b.expectation[i] - now.expectation_rise)


@njit(**RULE)
def feel(b, u, w, now, p):
    """Satisfaction, expectation, trust and engagement; `score` is satisfaction in SD of the reference population.

    What customers expect of this bank follows what they met here; `expectation_rise` comes on top of it and does not.
    """
    for i in range(b.state.size):
        anchor = p.tenure_anchor / (p.tenure_anchor + f32(i32(now.month) - i32(b.joined_month[i])))
        d = w.surprise[i]
        s = b.satisfaction[i]
        s = s + learning(s, d, p.gain * anchor, p.loss * anchor, p.satisfaction_decay)
        s = s + p.performance * anchor * w.felt[i]
        s = s + p.recovery_gain * w.recovered[i] - p.pressure_dislike * max(b.pressure[i] - p.pressure_from, ZERO)
        b.satisfaction[i] = s
        b.expectation[i] = b.expectation[i] + p.expectation_speed * (d + w.experience[i] * now.expectation_rise)
        standard = (s - p.satisfaction_mu) / p.satisfaction_sd
        w.score[i] = standard
        watched = now.privacy * TWO * (ONE - b.affinity[i])  # those at home with the digital mind it less
        b.trust[i] = b.trust[i] + p.trust_speed * (standard - watched - b.trust[i]) - p.breach * w.betrayed[i]
        own = b.engagement_mean[i]
        b.engagement[i] = (
            own + p.engagement_memory * (b.engagement[i] - own) + p.engagement_noise * normal(u.engagement[i])
        )
