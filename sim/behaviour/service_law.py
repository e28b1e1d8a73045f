"""The scale of satisfaction and trust, in closed form from the numbers alone, never from a sample (DECISIONS 11).

A month of a customer holds no episode, or one of a kind j: with people, or in the app. Kind j comes with chance p_j,
weighs w_j in feelings and has quality q ~ N(0, v_j); tenure anchor A:

    d = q - E,   S' = (1 - rho) S + A w (a d + b |d| + c q),   E' = E + gamma w d,
    T' = (1 - eta) T + eta (S' - mu) / sd

with a = (loss + gain) / 2, b = (gain - loss) / 2 and c the direct effect of performance. Expectation follows quality,
so surprises cancel in part; second moments of (S, E, T) under a d + c q are exact, |d| counts as uncorrelated with the
past, and customers differ by A (tenure) and by use of the app, which adds the spread between them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from sim.agents.channel_settings import Channels
from sim.behaviour.settings import Model

LONGEST = 1200.0  # months of tenure summed over
SMALLEST_SD = 0.01  # where service never varies, raw satisfaction is measured by this


@dataclass(frozen=True)
class ServiceLaw:
    """Chances a month of an experience and of a failure, each of (app users, app users with people, others); mean and
    spread of raw satisfaction; spread of raw trust; spread of expectation (SD)."""

    experience: tuple[float, float, float]
    failure: tuple[float, float, float]
    expectation_sd: float
    mu: float
    sd: float
    trust_sd: float


def service_law(model: Model, channels: Channels) -> ServiceLaw:
    """The law of the baseline service (SPEC 1.4, 9.2 A9)."""
    f = model.feelings
    episodes, failures = channels.episodes()
    failing = model.mechanisms.failures
    any_kind, people, other = (-math.expm1(-rate) for rate in episodes)
    failed, failed_people, failed_other = (-math.expm1(-rate) * failing for rate in failures)
    weight = np.array([1.0, model.service.app_weight])
    v = model.service.quality_sd**2 * np.array([1.0, model.service.app_spread**2])
    rho, gamma, eta = f.decay, f.expectation, f.trust
    loss = f.gain * f.asymmetry
    a, b, c = 0.5 * (loss + f.gain), 0.5 * (f.gain - loss), f.performance

    tenure = np.arange(0.5, LONGEST)
    mean_tenure = model.acquisition.tenure_mean
    share = np.exp((0.5 - tenure) / mean_tenure) if mean_tenure > 1e-6 else (tenure < 1).astype(float)
    anchor = f.anchor_months / (f.anchor_months + tenure)
    first = float((anchor * share).sum() / share.sum())
    second = float((anchor**2 * share).sum() / share.sum())

    app_users = model.adoption.reference
    keep, hold = 1.0 - rho, 1.0 - eta
    mu = level_square = spread = follow = expecting = 0.0
    for p, part in (
        (np.array([people, any_kind - people]), app_users),
        (np.array([other, 0.0]), 1.0 - app_users),
    ):
        m1, m2, heard = p @ weight, p @ weight**2, p @ (weight**2 * v)
        learns = 2.0 * gamma * m1 - gamma**2 * m2
        expected = gamma**2 * heard / learns if learns > 0 else 0.0  # variance of expectation
        surprise = v + expected
        level = b * float((p * weight) @ np.sqrt(2.0 * surprise / math.pi)) / rho  # mean satisfaction at anchor 1
        mu += part * first * level
        level_square += part * second * level**2
        with_e = ((a + c) * gamma * heard - a * (m1 - gamma * m2) * expected) / (1.0 - keep * (1.0 - gamma * m1))
        linear = (a + c) ** 2 * heard + a * a * m2 * expected - 2.0 * keep * a * m1 * with_e
        bent = b * b * (p * weight**2) @ surprise - (level * rho) ** 2
        within = float(linear + bent) / (1.0 - keep * keep)
        spread += part * second * within
        expecting += part * expected
        # trust, times the scale of satisfaction: covariance with E, with S, then its own variance
        trust_e = eta * with_e / (1.0 - hold * (1.0 - gamma * m1))
        before = (eta * within - hold * a * m1 * trust_e) / (1.0 - hold * keep)
        carried = keep * before - a * m1 * trust_e
        follow += part * second * (2.0 * hold * eta * carried + eta * eta * within) / (1.0 - hold * hold)
    between = max(level_square - mu * mu, 0.0)
    variance = spread + between
    sd = max(math.sqrt(max(variance, 0.0)), SMALLEST_SD)
    return ServiceLaw(
        experience=(any_kind, people, other),
        failure=(failed, failed_people, failed_other),
        expectation_sd=math.sqrt(max(float(expecting), 0.0)),
        mu=float(mu),
        sd=sd,
        trust_sd=max(math.sqrt(max(float(follow) + between, 0.0)) / sd, 1e-3),
    )
