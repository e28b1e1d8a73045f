"""Who leaves, falls asleep, comes back, rises or falls a tier, and the turn of the page (SPEC 2.3, 3.1)."""

from __future__ import annotations

from numba import njit

from sim.codes import ACTIVE, CLOSED, DORMANT, LOST, NOBODY, REDUCED, SILENCED, UPLIFT_CLASSES
from sim.kernel.blocks import held_share, nearer
from sim.kernel.numerics import EQUATION, ONE, RULE, TWO, ZERO, exp, f32, i32, log, pick
from sim.kernel.strips import strip_of_row

DECADE = f32(0.1)  # of a year
YEAR = f32(12.0)  # months
THIRD = f32(1.0 / 3.0)
BAR = f32(0.999998)  # of a tier's bound: AUM recomputed from its logarithm is off by up to 5e-7 of itself
BELOW_CEILING = f32(0.999999)
N_CLASSES = len(UPLIFT_CLASSES)
BANDS = 6  # of tenure
OTHER_TRAITS = i32(~REDUCED)
LONGEST = i32(100)  # months an int8 column counts up to


@njit(**EQUATION)
def tenure_band(tenure):
    """Index of the six tenure bands (completed months: 0-2, 3-11, 12-23, 24-47, 48-59, 60 and more)."""
    begun = i32(i32(tenure >= 3) + i32(tenure >= 12))
    begun = i32(begun + i32(tenure >= 24))
    return i32(i32(begun + i32(tenure >= 48)) + i32(tenure >= 60))


@njit(**EQUATION)
def pressure_benefit(pressure, most):
    """Share of the best contact effect at quarterly pressure z: 2z - z^2, one at z = 1, negative beyond 2 [F31].

    Level from `most` on.
    """
    z = min(pressure, most)
    return z * (TWO - z)


@njit(**RULE)
def weigh_leaving(k, b, u, w, now, p):
    """Log hazard ratio of leaving or going dormant (complementary log-log scale, SPEC 2.3)."""
    relocation_bar = p.event_rate * p.relocation_part
    years, last = f32(now.month) / YEAR, i32(now.month - 1)
    gap = p.b_gap if k > 0 else ZERO
    demotion = p.b_demotion[k] * now.demotion_ratio
    tenures, uplift = strip_of_row(p.tenure_log, k, BANDS), p.uplift
    word, lever = now.word_of_mouth[k], now.hazard_ratio[k]
    for i in range(b.tier.size):
        decades = min(max((b.age[i] + years - p.age_from) * DECADE, p.age_lowest), p.age_highest)
        change, kept = i32(b.tier_change[i]), pick(uplift, N_CLASSES, i32(b.uplift_class[i]))
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
            + (gap if b.contact_gap[i] > p.gap_months else ZERO)
            + (p.b_app if b.adopted[i] != 0 else ZERO)
            + p.b_yield * now.yield_gap * b.affinity[i]
            + (p.b_promotion if change > 0 else ZERO)
            + (demotion if change < 0 else ZERO)
        )
        x = (
            x
            + decades * (p.b_age + p.b_age_square * decades)
            + p.b_pressure * pressure_benefit(b.pressure[i], p.pressure_most)
            + (p.b_second_life if b.second_life[i] > 0 else ZERO)
            + (p.b_relocation if u.event[i] < relocation_bar else ZERO)
            + (kept if b.retained[i] > 0 else ZERO)
            + (now.welcome_hazard if b.retained[i] < 0 else ZERO)
        )
        bank = pick(tenures, BANDS, tenure_band(i32(last - i32(b.joined_month[i]))))
        b.risk[i] = p.covariates_on * x + bank + b.log_frailty[i] + word + lever


@njit(**RULE)
def stay_or_leave(k, b, u, w, now, p):
    """Competing exits of the active: they close, go dormant or stay; `after` is the next state."""
    close, dormant = now.close_rate[k], now.dormant_rate[k]
    for i in range(b.tier.size):
        ratio = exp(b.risk[i])
        first = close * ratio + (b.follow[i] if b.follow_months[i] > 0 else ZERO)
        total = first + dormant * ratio
        any_exit = ONE - exp(-total)
        lot = u.exit[i] * total
        gone = lot < any_exit * first
        moved = lot < any_exit * total
        w.after[i] = i32(CLOSED) if gone else (i32(DORMANT) if moved else i32(ACTIVE))


@njit(**RULE)
def sleep_on(k, b, u, w, now, p):
    """Competing exits of the dormant: they close, come back or sleep on.

    They may be contacted to win them back, in the channel of their tier; the answer is a higher rate of return in that
    month.
    """
    first = p.dormant_close
    alone = p.dormant_return * now.return_ratio
    answer, meant, way = p.win_back[k], now.win_back[k], i32(p.win_back_by[k])
    drawn = meant > ZERO  # else nobody has written that uniform
    for i in range(b.tier.size):
        asked = (u.campaign[i] < meant) & drawn
        barred = ((i32(b.opted_out[i]) >> way) & 1) != 0
        by = i32(LOST - SILENCED) if barred else way
        w.channel[i] = by if asked else i32(NOBODY)
        total = first + (alone + answer * f32(asked & (not barred)))
        any_exit = ONE - exp(-total)
        lot = u.exit[i] * total
        gone = lot < any_exit * first
        moved = lot < any_exit * total
        w.after[i] = i32(CLOSED) if gone else (i32(ACTIVE) if moved else i32(DORMANT))


@njit(**RULE)
def hold(b, w, p):
    """AUM falls with going dormant and returns with coming back, to a second life; nothing is left of who closes."""
    for i in range(b.tier.size):
        now, later = i32(b.state[i]), w.after[i]
        slept, woke = (now == ACTIVE) & (later == DORMANT), (now == DORMANT) & (later == ACTIVE)
        traits, second = i32(b.traits[i]), i32(b.second_life[i])
        held = held_share(traits, p)
        left = p.dormant_share if slept else (ONE if woke else held)
        w.money[i] = ZERO if later == CLOSED else w.money[i] * (left / held)
        whole = traits & OTHER_TRAITS
        b.traits[i] = whole | i32(REDUCED) if slept else (whole if woke else traits)
        b.second_life[i] = i32(p.second_life_months) if woke else max(second - i32(1), i32(0))


@njit(**RULE)
def keep_in_band(k, b, w, p):
    """Markov mode: the matrix alone moves tiers, so wealth is held inside the tier's band."""
    if not p.markov:  # the same for everybody
        return
    low, high = p.threshold[k], p.ceiling[k] * BELOW_CEILING
    after, money = w.after, w.money  # by their own names, since they are read in a branch (see `blocks`)
    for i in range(b.tier.size):
        inside = min(max(money[i], low), high)
        moves = (after[i] == ACTIVE) and (money[i] > ZERO)
        ratio = inside / max(money[i], f32(1e-6))
        b.log_wealth[i] = b.log_wealth[i] + (log(max(ratio, f32(1e-30))) if moves else ZERO)
        money[i] = inside if moves else money[i]


@njit(**RULE)
def climb(k, b, w, now, p):
    """Tier test on the mean of three month ends: up at once, down only after the tier's grace (SPEC 3.1)."""
    for i in range(b.tier.size):
        w.new_tier[i] = 0
    for other in range(1, p.threshold.size):  # the short loop outside, so that the long one vectorises
        bar = p.threshold[other] * BAR
        for i in range(b.tier.size):
            w.new_tier[i] += i32((w.money[i] + b.aum[i] + b.aum_2[i]) * THIRD >= bar)
    here, grace = i32(k), f32(p.grace[k]) + now.extra_grace
    felt = i32(p.tier_change_months)
    for i in range(b.tier.size):
        earned, below, after = w.new_tier[i], i32(b.below[i]), w.after[i]
        under = min(below + i32(1), LONGEST) if earned < here else i32(0)
        falls = f32(under) > grace
        reached = earned if (earned > here) or falls else here
        reached = here if p.markov or (after == CLOSED) else reached
        w.new_tier[i] = reached
        b.below[i] = i32(0) if reached != here else under
        fading = nearer(b.tier_change[i])
        b.tier_change[i] = felt if reached > here else (-felt if reached < here else fading)
        b.aum_2[i] = b.aum[i]


@njit(**RULE)
def turn_page(b, w):
    """Write what the month decided back to the columns and run the clocks down; no manager, no bond."""
    manager, bond = b.manager, b.bond  # by their own names, since they are read in a branch (see `blocks`)
    for i in range(b.tier.size):
        b.state[i] = w.after[i]
        b.tier[i] = w.new_tier[i]
        b.aum[i] = w.money[i]
        manager[i] = manager[i] if w.after[i] == ACTIVE else i32(NOBODY)
        bond[i] = bond[i] if w.after[i] == ACTIVE else ZERO
    for i in range(b.tier.size):
        b.manager_change[i] = nearer(b.manager_change[i])
        b.follow_months[i] = max(i32(b.follow_months[i]) - i32(1), i32(0))
        b.retained[i] = nearer(b.retained[i])
