"""What customers own and use: wealth, products, transactions, the app, the share of wealth kept here (SPEC 1.1-1.3)."""

from __future__ import annotations

from numba import njit

from sim.codes import CHANNELS, MULTIHOMER
from sim.kernel.blocks import END, MOST, held_share
from sim.kernel.numerics import EQUATION, HALF, ONE, RULE, ZERO, exp, f32, i32, log, pick, student_t4

DECADE = f32(0.1)  # of a year
YEAR = f32(12.0)  # months
MOST_TRANSACTIONS = f32(255.0)  # what a uint8 column counts up to
N_CHANNELS = len(CHANNELS)


@njit(**EQUATION)
def wallet_money(log_wealth, wallet, held):
    """AUM in CNY: held share times logistic(wallet) times wealth."""
    return held * exp(log_wealth) / (ONE + exp(-wallet))


@njit(**RULE)
def move_wealth(k, b, u, now, p):
    """Log wealth reverts to its own growing mean; inheritances and market returns move both for good (SPEC 1.1)."""
    low = p.event_rate * p.relocation_part
    high = low + p.event_rate * p.inheritance_part
    market = now.market[k]
    for i in range(b.tier.size):
        inherits = (u.event[i] >= low) and (u.event[i] < high)
        drift = market + (p.inheritance_jump if inherits else ZERO)
        x = b.log_wealth[i]
        m = b.wealth_mean[i]
        b.log_wealth[i] = x + p.wealth_reversion * (m - x) + p.wealth_sd * student_t4(u.shock[i]) + drift
        b.wealth_mean[i] = m + (drift + p.wealth_growth)


@njit(**RULE)
def use_products(k, b, u, w, p):
    """Products bought and given up (births and deaths that keep 1 + Poisson), and the month's transactions.

    A month without a transaction has the Poisson probability exp(-rate); above that the count is 1 + geometric with
    the Poisson mean, since real counts are over-dispersed. One uniform, exact.
    """
    gain = p.product_gain[k]
    slope, most = p.transactions_slope, i32(p.most_products)
    for i in range(b.tier.size):
        extra, silence = f32(b.products[i]) - ONE, i32(b.silence[i])
        lost = u.product[i] > ONE - p.product_loss * extra
        own = u.product[i] < gain
        room = max(i32(most - i32(b.products[i])), i32(0))
        new = min(i32(i32(own) + w.made_sale[i]), room)
        w.taken[i] = new
        b.products[i] = i32(b.products[i]) + new - (i32(1) if lost else i32(0))
        rate = p.transactions * exp(slope * b.engagement[i] - HALF * slope * slope)
        rate = rate * (p.transactions_app if b.adopted[i] != 0 else ONE)
        none = exp(-rate)
        above = min(max(rate / (ONE - none) - ONE, f32(1e-6)), f32(1e6))
        rest = max((u.use[i] - none) / (ONE - none), f32(1e-7))
        count = ONE + log(rest) / log(above / (ONE + above))
        used = i32(i32(min(count, MOST_TRANSACTIONS)) * i32(u.use[i] >= none))  # a branch would keep it from packing
        b.transactions[i] = used
        b.silence[i] = min(i32(silence + 1), i32(MOST)) * i32(used == 0)


@njit(**RULE)
def be_silent(b):
    """Customers who are asleep use nothing."""
    for i in range(b.tier.size):
        b.transactions[i] = 0
        b.silence[i] = min(i32(b.silence[i]) + i32(1), i32(MOST))


@njit(**RULE)
def adopt(b, u, now, p):
    """A customer without the app may take it up (logit, SPEC 1.3)."""
    years = f32(now.month) / YEAR
    for i in range(b.tier.size):
        x = (
            p.adoption_intercept
            + p.adoption_usefulness * (b.affinity[i] - p.affinity_mean) / p.affinity_sd
            + p.adoption_trust * b.trust[i] / p.trust_sd
            - p.adoption_age * (b.age[i] + years - p.adoption_age_from) * DECADE
            + p.adoption_peers * now.peers
            + now.adoption_shift
            + (now.welcome_adoption if b.retained[i] < 0 else ZERO)
        )
        odds = exp(-x)
        takes_up = u.adopt[i] * (ONE + odds) < p.adoption_on
        b.adopted[i] = i32(b.adopted[i]) | i32(takes_up)


@njit(**RULE)
def bring_money(b, w, p):
    """With a sale comes a share of the wealth kept elsewhere: the odds of the wallet o become (o + d) / (1 - d)."""
    for place in range(w.wishes.size):
        i = w.wishes[place]
        if i == END:
            break
        if (w.channel[i] >= 0) and (w.made_sale[i] != 0):
            b.wallet[i] = log(exp(b.wallet[i]) + p.money_brought) - p.log_left_elsewhere


@njit(**RULE)
def earn(k, b, w, now, p):
    """Share of wallet drifts with feelings, contacts, yields and other banks; AUM follows from it and wealth.

    Its own mean is the higher, the closer the bond with the manager is.
    """
    liquid, preferred = p.liquid_share[k], p.multihoming_preferred
    for i in range(b.tier.size):
        digital = p.multihoming_digital * pick(preferred, N_CHANNELS, b.preferred[i])
        elsewhere = ONE if (i32(b.traits[i]) & MULTIHOMER) != 0 else ZERO
        others = elsewhere * p.wallet_multihoming * (ONE + (digital if b.adopted[i] != 0 else ZERO))
        leak = p.wallet_yield * now.yield_gap * b.affinity[i] * liquid
        x = b.wallet[i]
        mean = b.wallet_mean[i] + p.wallet_bond * b.bond[i]
        x = x + p.wallet_reversion * (mean - x) + w.warmth[i] - others - leak
        b.wallet[i] = x
        w.money[i] = wallet_money(b.log_wealth[i], x, held_share(b.traits[i], p))


@njit(**RULE)
def price(aum, p, earned, each):
    """What customers earn the bank: `earned` by their AUM, slice by slice, `each` by a product beyond the first.

    Both are continuous in the customer's AUM, CNY a year; a tier gives service, not a margin.
    """
    for i in range(aum.size):
        earned[i] = ZERO
        each[i] = p.product_base
    for k in range(p.threshold.size):  # the short loop outside, so that the long one vectorises
        low, high, rate, slope = p.threshold[k], p.ceiling[k], p.slice_rate[k], p.product_slope[k]
        for i in range(aum.size):
            part = max(min(f32(aum[i]), high) - low, ZERO)
            earned[i] += rate * part
            each[i] += slope * part
