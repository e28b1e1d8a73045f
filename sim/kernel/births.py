"""The traits of new customers from their draws, compiled: one customer after the other (SPEC 1.3).

In float64, by SciPy's functions (those of its C interface, so that threads share the work), and rounded once, when a
trait is written to its column. What shapes them all, `Births`, is made in `sim.population.people`.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any, NamedTuple

import llvmlite.binding
import numpy as np
from numba import njit, types
from numba.core import config
from scipy import special
from scipy.special import cython_special

from sim.codes import ACTIVE, DORMANT, DRAW_BIRTH
from sim.kernel.blocks import BLOCK
from sim.kernel.numerics import EQUATION, LOOP, draw_four, i32, u64

PURPOSES = 5  # of draws of a new customer, beside that of its AUM
REACH = 7.0  # SD: a uniform of 23 bits is within 5.5
STEPS = 2048  # of the table of log frailty, over twice that reach
CLOSE = 1e-10  # error of that table, many times over: as close to a middle between two float32 the exact one is asked
LEAST_FRAILTY = 1e-12
END = 80.0  # logits; a share this far out is 0 or 1 in float32


def _from_scipy(name: str, arguments: int) -> Any:
    """A double function of SciPy as compiled code can call it, by a name under which its address is known to LLVM.

    An address of its own would stand in the code, which then could not be kept on disk.
    """
    if config.DISABLE_JIT:  # type: ignore[attr-defined]
        return getattr(special, name)
    told = "double (" + "double, " * arguments
    found = next(
        capsule
        for one, capsule in cython_special.__pyx_capi__.items()
        if one in (name, f"__pyx_fuse_1{name}", f"__pyx_fuse_0{name}") and told in str(capsule)
    )
    capi = ctypes.pythonapi
    capi.PyCapsule_GetName.restype, capi.PyCapsule_GetName.argtypes = ctypes.c_char_p, [ctypes.py_object]
    capi.PyCapsule_GetPointer.restype = ctypes.c_void_p
    capi.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    address = capi.PyCapsule_GetPointer(found, capi.PyCapsule_GetName(found))
    llvmlite.binding.add_symbol(f"rapport_{name}", address)
    real: Any = types.float64
    raw: Any = types.ExternalFunction(f"rapport_{name}", real(*[real] * arguments, types.int32))
    if arguments == 1:
        return njit(**EQUATION)(lambda x: raw(x, i32(0)))
    return njit(**EQUATION)(lambda a, x: raw(a, x, i32(0)))


normal_quantile = _from_scipy("ndtri", 1)
normal_share = _from_scipy("ndtr", 1)
gamma_quantile = _from_scipy("gammaincinv", 2)


class Births(NamedTuple):
    """All that shapes new customers, float64 unless said; arrays have an entry a tier, or are tables."""

    age_centre: np.ndarray
    age_spread: np.ndarray
    age_low: np.ndarray  # share of the uncut law below the youngest
    age_width: np.ndarray  # and within the bounds
    age_least: float
    age_most: float
    age_mean: float
    age_sd: float
    aum_least: float
    score_mean: float
    score_sd: float
    score_grid: np.ndarray  # Tweedie's score by log AUM
    score_values: np.ndarray
    wealth_variance: float
    income_aum: float
    income_rest: float
    products: np.ndarray  # (tiers, reach): share of customers with so many beyond the first, or fewer
    products_most: float
    affinity_age: float
    affinity_rest: float
    beta_points: np.ndarray
    affinity_table: np.ndarray
    share_table: np.ndarray  # (tiers, points)
    frailty: float  # variance
    frailty_table: np.ndarray  # log frailty by the normal score of its draw; empty = ask the exact one
    adoption: float  # intercept
    adoption_standing: float
    usefulness: float
    affinity_mean: float
    affinity_sd: float
    adoption_age: float
    adoption_age_from: float
    decade: float
    preference: np.ndarray  # by channel
    preference_slope: np.ndarray
    in_branch: np.ndarray
    need_income: float
    need_rest: float
    multihomers: float
    adverse: float
    class_risk: float
    class_rest: float
    persuadable: float
    lost: float
    sleeping: float
    tenure_mean: float
    tenure_cap: float
    dormant: np.ndarray
    engagement_mean: float
    engagement_rest: float
    referred_wallet: float
    referred_hazard: float  # log
    settled: bool  # those who join begin at the reference mean with nothing behind them (DECISIONS 3)
    satisfaction_mu: float
    satisfaction_sd: float
    trust_sd: float
    expectation_sd: float
    multihoming: float
    multihoming_digital: float
    multihoming_branch: float
    reversion: float
    share_least: float
    share_most: float


class Traits(NamedTuple):
    """The columns that a birth writes (`agents.customer.COLUMNS`)."""

    aum: np.ndarray
    state: np.ndarray
    joined_month: np.ndarray
    age: np.ndarray
    income: np.ndarray
    products: np.ndarray
    adopted: np.ndarray
    preferred: np.ndarray
    aum_1: np.ndarray
    aum_2: np.ndarray
    log_wealth: np.ndarray
    wealth_mean: np.ndarray
    wallet: np.ndarray
    wallet_mean: np.ndarray
    affinity: np.ndarray
    need: np.ndarray
    satisfaction: np.ndarray
    expectation: np.ndarray
    trust: np.ndarray
    engagement: np.ndarray
    engagement_mean: np.ndarray
    log_frailty: np.ndarray
    referred: np.ndarray
    uplift_class: np.ndarray
    multihomer: np.ndarray
    adverse: np.ndarray


@njit(**EQUATION)
def between(x, points, values):
    """Linear interpolation in a table over even points, level beyond its ends (as `numpy.interp`)."""
    last = points.size - 1
    if x >= points[last]:
        return values[last]
    if x < points[0]:
        return values[0]
    j = min(int((x - points[0]) / (points[last] - points[0]) * last), last - 1)
    while points[j] > x:
        j -= 1
    while points[j + 1] <= x:
        j += 1
    if points[j] == x:
        return values[j]
    return (values[j + 1] - values[j]) / (points[j + 1] - points[j]) * (x - points[j]) + values[j]


@njit(**EQUATION)
def tabled(score, table):
    """Log frailty at a normal score, by the polynomial through the six points of the table around it."""
    at = (score + REACH) * (STEPS / (2.0 * REACH))
    j = min(max(int(at), 2), STEPS - 3)
    t = at - j
    y0, y1, y2, y3, y4, y5 = table[j - 2], table[j - 1], table[j], table[j + 1], table[j + 2], table[j + 3]
    a, b, c, d, e, f = t + 2.0, t + 1.0, t, t - 1.0, t - 2.0, t - 3.0
    return (
        (b * c * d * e * f * y0 * -0.1 + a * c * d * e * f * y1 * 0.5 - a * b * d * e * f * y2)
        + (a * b * c * e * f * y3 - a * b * c * d * f * y4 * 0.5 + a * b * c * d * e * y5 * 0.1)
    ) / 12.0


@njit(**LOOP)
def table_error(scores, exact, table):
    """Largest error of the table of log frailty at these normal scores, of which the exact values are given."""
    largest = 0.0
    for i in range(scores.size):
        largest = max(largest, abs(tabled(scores[i], table) - exact[i]))
    return largest


@njit(**EQUATION)
def log_frailty(u, score, shift, p):
    """Log of a gamma frailty with mean 1, plus `shift`: the float32 next to the exact one, by a table where sure."""
    if p.frailty <= 0.0:
        return np.float32(shift)
    if p.frailty_table.size:
        found = tabled(score, p.frailty_table) + shift
        low, high = np.float32(found - CLOSE), np.float32(found + CLOSE)
        if low == high:
            return low
    exact = max(gamma_quantile(1.0 / p.frailty, u) * p.frailty, LEAST_FRAILTY)
    return np.float32(math.log(exact) + shift)


@njit(**EQUATION)
def known_or(known, what, i, drawn):
    """What a book says, what was drawn where it says nothing."""
    if known.shape[1] == 0 or np.isnan(known[what, i]):
        return drawn
    return known[what, i]


KNOWN = (
    *("age", "tenure_months", "products", "digital_active", "digital_affinity", "satisfaction", "trust"),
    *("expectation", "share_of_wallet", "income", "dormant"),
)
AGE, TENURE, PRODUCTS, DIGITAL, AFFINITY, SATISFACTION, TRUST, EXPECTATION, SHARE, INCOME, ASLEEP = range(len(KNOWN))


@njit(**LOOP)
def bear(c, first, last, uid, tier, aum, referred, known, key0, key1, month, word, p):
    """Write the traits of new customers first..last to their columns `c` (`Traits`), by their uid, tier and AUM (CNY).

    `referred`, bool, says who comes through a recommendation. `known`, float64 (11, customers) or (11, 0), is what a
    book says, in the order of `KNOWN`, NaN where it says nothing.
    """
    draws = np.empty((4 * PURPOSES, BLOCK), np.float32)
    channels = p.preference.size
    weights = np.empty(channels, np.float64)
    for start in range(first, last, BLOCK):
        m = min(last - start, BLOCK)
        for j in range(PURPOSES):
            u0, u1, u2, u3 = draws[4 * j, :m], draws[4 * j + 1, :m], draws[4 * j + 2, :m], draws[4 * j + 3, :m]
            draw_four(uid[start : start + m], word, u64(DRAW_BIRTH + 1 + j), key0, key1, u0, u1, u2, u3)
        for i in range(m):
            n = start + i
            k, sent = tier[n], referred[n]
            age = p.age_centre[k] + p.age_spread[k] * normal_quantile(
                p.age_low[k] + np.float64(draws[0, i]) * p.age_width[k]
            )
            age = min(max(known_or(known, AGE, n, age), p.age_least), p.age_most)
            log_aum = math.log(max(aum[n], p.aum_least))
            aum_score = min(max((log_aum - p.score_mean) / p.score_sd, -4.0), 4.0)
            income = p.income_aum * aum_score + p.income_rest * normal_quantile(np.float64(draws[1, i]))
            income = known_or(known, INCOME, n, income)
            more, u = 0, np.float64(draws[2, i])
            while p.products[k, more] < u:
                more += 1
            products = min(max(known_or(known, PRODUCTS, n, 1.0 + more), 1.0), p.products_most)
            z = p.affinity_age * ((age - p.age_mean) / p.age_sd) + p.affinity_rest * normal_quantile(
                np.float64(draws[3, i])
            )
            affinity = known_or(known, AFFINITY, n, between(normal_share(z), p.beta_points, p.affinity_table))

            luck = normal_quantile(np.float64(draws[4, i]))
            pull = p.adoption_standing * (
                p.usefulness * (affinity - p.affinity_mean) / p.affinity_sd
                - p.adoption_age * (age - p.adoption_age_from) / p.decade
            )
            chance = 1.0 / (1.0 + math.exp(-(p.adoption + pull)))
            adopted = known_or(known, DIGITAL, n, 1.0 if np.float64(draws[5, i]) < chance else 0.0)
            edge = 0.0
            for channel in range(channels):
                edge += p.preference[channel] * math.exp(p.preference_slope[channel] * (affinity - 0.5))
                weights[channel] = edge
            lot, preferred = np.float64(draws[6, i]) * edge, 0
            for channel in range(channels):
                preferred += lot >= weights[channel]
            preferred = min(preferred, channels - 1)
            need = p.need_income * income + p.need_rest * normal_quantile(np.float64(draws[7, i]))

            multihomer = np.float64(draws[8, i]) < p.multihomers
            rank = normal_share(p.class_risk * luck + p.class_rest * normal_quantile(np.float64(draws[10, i])))
            keep = 1.0 - p.sleeping
            kind = 2 if rank > 1 - p.lost / keep else (0 if rank > 1 - (p.lost + p.persuadable) / keep else 1)
            kind = 3 if np.float64(draws[11, i]) < p.sleeping else kind

            tenure = 0.0
            if p.settled:
                tenure = min(-p.tenure_mean * math.log(np.float64(draws[12, i])), p.tenure_cap)
                tenure = np.floor(known_or(known, TENURE, n, tenure))
            share = between(np.float64(draws[13, i]), p.beta_points, p.share_table[k])
            share = min(max(known_or(known, SHARE, n, share), p.share_least), p.share_most)
            asleep = 1.0 if p.settled and np.float64(draws[14, i]) < p.dormant[k] else 0.0
            asleep = known_or(known, ASLEEP, n, asleep)
            engagement_mean = p.engagement_mean * normal_quantile(np.float64(draws[19, i]))
            satisfaction, trust, expectation = 0.0, 0.0, 0.0
            if p.settled:
                satisfaction = normal_quantile(np.float64(draws[16, i]))
                trust = p.trust_sd * normal_quantile(np.float64(draws[17, i]))
                expectation = p.expectation_sd * normal_quantile(np.float64(draws[18, i]))
            satisfaction = known_or(known, SATISFACTION, n, satisfaction)

            wallet = math.log(share / (1.0 - share))
            digital = p.multihoming_digital * (p.multihoming_branch if p.in_branch[preferred] > 0 else 1.0)
            standing = multihomer * p.multihoming * (1.0 + digital * (adopted > 0))
            leak = min(max(standing / p.reversion, -END), END) if p.reversion > 0 else 0.0
            log_wealth = log_aum - math.log(share)
            brought = min(share * (p.referred_wallet if sent else 1.0), p.share_most)
            owned = np.floor(aum[n] * (brought / share) * 100.0) / 100.0 if sent else aum[n]

            c.aum[n] = owned
            c.aum_1[n] = owned
            c.aum_2[n] = owned
            c.state[n] = DORMANT if asleep > 0 else ACTIVE
            c.joined_month[n] = np.int64(month - tenure)
            c.age[n] = age - month / 12.0
            c.income[n] = income
            c.products[n] = np.int64(products)
            c.adopted[n] = np.int64(adopted)
            c.preferred[n] = preferred
            c.log_wealth[n] = log_wealth
            c.wealth_mean[n] = log_wealth + p.wealth_variance * between(log_aum, p.score_grid, p.score_values)
            c.wallet[n] = math.log(brought / (1.0 - brought))
            # the standing leak to other banks is part of the customer's own mean, so only changes of it move the wallet
            c.wallet_mean[n] = wallet + leak
            c.affinity[n] = affinity
            c.need[n] = need
            c.satisfaction[n] = p.satisfaction_mu + p.satisfaction_sd * satisfaction
            c.trust[n] = known_or(known, TRUST, n, trust)
            c.expectation[n] = known_or(known, EXPECTATION, n, expectation)
            c.engagement_mean[n] = engagement_mean
            c.engagement[n] = engagement_mean + p.engagement_rest * normal_quantile(np.float64(draws[15, i]))
            c.log_frailty[n] = log_frailty(np.float64(draws[4, i]), luck, p.referred_hazard if sent else 0.0, p)
            c.referred[n] = sent
            c.uplift_class[n] = kind
            c.multihomer[n] = multihomer
            c.adverse[n] = np.float64(draws[9, i]) < p.adverse
