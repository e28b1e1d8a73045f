"""Who leaves, falls asleep, comes back, rises or falls a tier, and the turn of the page (SPEC 2.3, 3.1)."""

from __future__ import annotations

from numba import njit

from sim.codes import ACTIVE, CLOSED, DORMANT, LOST, NOBODY, REDUCED, SILENCED
from sim.kernel.blocks import held_share
from sim.kernel.numerics import EQUATION, ONE, RULE, TWO, ZERO, exp, f32, i32, log

DECADE = f32(0.1)  # of a year
YEAR = f32(12.0)  # months
THIRD = f32(1.0 / 3.0)
BAR = f32(0.999998)  # of a tier's bound: AUM recomputed from its logarithm is off by up to 5e-7 of itself
BELOW_CEILING = f32(0.999999)
OTHER_TRAITS = i32(~REDUCED)
LONGEST = i32(100)  # months an int8 column counts up to


@njit(**EQUATION)
def nearer(months):
    """A clock of either sign, a month nearer to zero."""
    return i32(months) - 1 if months > 0 else min(i32(months) + 1, 0)


@njit(**EQUATION)
def tenure_band(tenure):
    """Index of the six tenure bands (completed months: 0-2, 3-11, 12-23, 24-47, 48-59, 60 and more)."""
    return i32(tenure >= 3) + i32(tenure >= 12) + i32(tenure >= 24) + i32(tenure >= 48) + i32(tenure >= 60)


@njit(**EQUATION)
def pressure_benefit(pressure, most):
    """Share of the best contact effect at quarterly pressure z: 2z - z^2, one at z = 1, negative beyond 2 [F31].

    Level from `most` on.
    """
    z = min(pressure, most)
    return z * (TWO - z)


@njit(**RULE)
def weigh_leaving(b, u, w, now, p):
    """Log hazard ratio of leaving or going dormant (complementary log-log scale, SPEC 2.3)."""
    relocation_bar = p.event_rate * p.relocation_part
    years = f32(now.month) / YEAR
    for i in range(b.tier.size):
        k = b.tier[i]
        decades = min(max((b.age[i] + years - p.age_from) * DECADE, p.age_lowest), p.age_highest)
        change = i32(b.tier_change[i])
        x = (
            p.b_products * min(f32(b.products[i]) - ONE, p.products_most)
            + p.b_satisfaction * w.score[i]
            + p.b_trust * b.trust[i] / p.trust_sd
            + p.b_engagement * b.engagement[i]
            + p.b_failure * b.open_failure[i]
        )
        x = (
            x
            + (p.b_change_unplanned if b.manager_change[i] > 0 else ZERO)
            + (p.b_change_planned if b.manager_change[i] < 0 else ZERO)
            + p.b_bond * b.bond[i]
            + (p.b_gap if (b.contact_gap[i] > p.gap_months) and (k > 0) else ZERO)
            + (p.b_app if b.adopted[i] != 0 else ZERO)
            + p.b_yield * now.yield_gap * b.affinity[i]
            + (p.b_promotion if change > 0 else ZERO)
            + (p.b_demotion[k] * now.demotion_ratio if change < 0 else ZERO)
        )
        x = (
            x
            + decades * (p.b_age + p.b_age_square * decades)
            + p.b_pressure * pressure_benefit(b.pressure[i], p.pressure_most)
            + (p.b_second_life if b.second_life[i] > 0 else ZERO)
            + (p.b_relocation if u.event[i] < relocation_bar else ZERO)
            + (p.uplift[b.uplift_class[i]] if b.retained[i] > 0 else ZERO)
            + (now.welcome_hazard if b.retained[i] < 0 else ZERO)
        )
        band = tenure_band(i32(now.month) - i32(b.joined_month[i]) - 1)
        bank = p.tenure_log[k, band]
        b.risk[i] = p.covariates_on * x + bank + b.log_frailty[i] + now.word_of_mouth[k] + now.hazard_ratio[k]


@njit(**RULE)
def stay_or_leave(b, u, w, now, p):
    """Competing exits: close, go dormant, come back. `after` is the next state; AUM falls or returns with it.

    A dormant customer may be contacted to win it back, in the channel of its tier; its answer is a higher rate of
    return in that month.
    """
    dormant_return = p.dormant_return * now.return_ratio
    for i in range(b.state.size):
        k = b.tier[i]
        ratio = exp(b.risk[i])
        awake = b.state[i] == ACTIVE
        asleep = b.state[i] == DORMANT
        leave = now.close_rate[k] * ratio + (b.follow[i] if b.follow_months[i] > 0 else ZERO)
        doze = now.dormant_rate[k] * ratio
        way = p.win_back_by[k]
        meant = asleep and (u.campaign[i] < now.win_back[k])
        barred = ((i32(b.opted_out[i]) >> way) & 1) != 0
        courted = meant and not barred
        w.channel[i] = (i32(LOST - SILENCED) if barred else way) if meant else w.channel[i]
        first = leave if awake else p.dormant_close
        second = doze if awake else dormant_return + (p.win_back[k] if courted else ZERO)
        total = first + second
        any_exit = ONE - exp(-total)
        lot = u.exit[i] * total
        gone = lot < any_exit * first
        moved = lot < any_exit * total
        other = DORMANT if awake else ACTIVE
        later = i32(CLOSED) if gone else (i32(other) if moved else i32(b.state[i]))
        later = later if awake or asleep else i32(CLOSED)
        w.after[i] = later
        slept = awake and (later == DORMANT)
        woke = asleep and (later == ACTIVE)
        held = held_share(b.traits[i], p)
        new_held = p.dormant_share if slept else (ONE if woke else held)
        w.money[i] = ZERO if later == CLOSED else w.money[i] * (new_held / held)
        whole = i32(b.traits[i]) & OTHER_TRAITS
        b.traits[i] = whole | i32(REDUCED) if slept else (whole if woke else i32(b.traits[i]))
        b.second_life[i] = p.second_life_months if woke else max(i32(b.second_life[i]) - 1, 0)


@njit(**RULE)
def keep_in_band(b, w, p):
    """Markov mode: the matrix alone moves tiers, so wealth is held inside the tier's band."""
    after, money = w.after, w.money  # by their own names, since they are read in a branch (see `blocks`)
    for i in range(b.tier.size):
        k = b.tier[i]
        inside = min(max(money[i], p.threshold[k]), p.ceiling[k] * BELOW_CEILING)
        moves = p.markov and (after[i] == ACTIVE) and (money[i] > ZERO)
        ratio = inside / max(money[i], f32(1e-6))
        b.log_wealth[i] = b.log_wealth[i] + (log(max(ratio, f32(1e-30))) if moves else ZERO)
        money[i] = inside if moves else money[i]


@njit(**RULE)
def climb(b, w, now, p):
    """Tier test on the mean of three month ends: up at once, down only after the tier's grace (SPEC 3.1)."""
    for i in range(b.tier.size):
        w.new_tier[i] = 0
    for k in range(1, p.threshold.size):  # the short loop outside, so that the long one vectorises
        bar = p.threshold[k] * BAR
        for i in range(b.tier.size):
            w.new_tier[i] += i32((w.money[i] + b.aum[i] + b.aum_2[i]) * THIRD >= bar)
    for i in range(b.tier.size):
        earned = w.new_tier[i]
        here = i32(b.tier[i])
        waited = min(i32(b.below[i]) + i32(1), LONGEST)
        under = i32(waited) if earned < here else i32(0)
        falls = f32(under) > f32(p.grace[here]) + now.extra_grace
        reached = earned if (earned > here) or falls else here
        reached = here if p.markov or (w.after[i] == CLOSED) else reached
        w.new_tier[i] = reached
        b.below[i] = 0 if reached != here else under
        fading = nearer(b.tier_change[i])
        b.tier_change[i] = (
            p.tier_change_months if reached > here else (-p.tier_change_months if reached < here else fading)
        )
        b.aum_2[i] = b.aum[i]


@njit(**RULE)
def turn_page(b, w):
    """Write what the month decided back to the columns and run the clocks down; no manager, no bond."""
    manager, bond = b.manager, b.bond  # by their own names, since they are read in a branch (see `blocks`)
    for i in range(b.state.size):
        b.state[i] = w.after[i]
        b.tier[i] = w.new_tier[i]
        b.aum[i] = w.money[i]
        manager[i] = manager[i] if w.after[i] == ACTIVE else i32(NOBODY)
        bond[i] = bond[i] if w.after[i] == ACTIVE else ZERO
        b.manager_change[i] = nearer(b.manager_change[i])
        b.follow_months[i] = max(i32(b.follow_months[i]) - 1, 0)
        b.retained[i] = nearer(b.retained[i])
