"""The scale of satisfaction and trust, in closed form from the numbers alone, never from a sample (DECISIONS 11).

One month of a customer with chance p of an experience x of quality q ~ N(0, v), tenure anchor A:

    d = q - E,   S' = (1 - rho) S + A x (a d + b |d|),   E' = E + gamma x d,   T' = (1 - eta) T + eta (S' - mu) / sd

with a = (loss + gain) / 2 and b = (gain - loss) / 2. Expectation follows quality, so surprises cancel in part; second
moments of (S, E, T) under a d are exact, |d| counts as uncorrelated with the past, and customers differ by A (tenure)
and p (app-active or not), which adds the spread between them.
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
    """Chances a month of an experience and of a failure, (app-active, others); mean and spread of raw satisfaction;
    spread of raw trust; spread of surprises, quality less expectation (SD)."""

    experience: tuple[float, float]
    failure: tuple[float, float]
    surprise_sd: float
    mu: float
    sd: float
    trust_sd: float


def service_law(model: Model, channels: Channels) -> ServiceLaw:
    """The law of the baseline service (SPEC 1.4, 9.2 A9)."""
    f = model.feelings
    experience = tuple(1.0 - math.exp(-rate) for rate in channels.inbound_by_use())
    failing = model.mechanisms.failures
    failure = tuple(1.0 - math.exp(-rate) if failing else 0.0 for rate in channels.failures_by_use())
    v = model.service.quality_sd**2
    rho, gamma, eta = f.decay, f.expectation, f.trust
    loss = f.gain * f.asymmetry
    a, b = 0.5 * (loss + f.gain), 0.5 * (f.gain - loss)
    surprise = v * 2.0 / (2.0 - gamma)

    tenure = np.arange(0.5, LONGEST)
    mean_tenure = model.acquisition.tenure_mean
    share = np.exp((0.5 - tenure) / mean_tenure) if mean_tenure > 1e-6 else (tenure < 1).astype(float)
    anchor = f.anchor_months / (f.anchor_months + tenure)
    first = float((anchor * share).sum() / share.sum())
    second = float((anchor**2 * share).sum() / share.sum())

    app_users = model.adoption.reference
    keep, hold = 1.0 - rho, 1.0 - eta
    mu = level_square = spread = follow = 0.0
    for p, part in zip(experience, (app_users, 1.0 - app_users), strict=True):
        level = p * b * math.sqrt(2.0 * surprise / math.pi) / rho  # mean satisfaction at anchor 1
        mu += part * first * level
        level_square += part * second * level**2
        with_e = p * a * (gamma * v - (1.0 - gamma) * gamma * v / (2.0 - gamma)) / (1.0 - keep * (1.0 - p * gamma))
        linear = p * (a * a * surprise - 2.0 * keep * a * with_e)
        bent = p * b * b * surprise - (p * b) ** 2 * surprise * 2.0 / math.pi
        within = (linear + bent) / (1.0 - keep * keep)
        spread += part * second * within
        # trust, times the scale of satisfaction: covariance with E, with S, then its own variance
        trust_e = eta * with_e / (1.0 - hold * (1.0 - p * gamma))
        before = (eta * within - hold * p * a * trust_e) / (1.0 - hold * keep)
        carried = keep * before - p * a * trust_e
        follow += part * second * (2.0 * hold * eta * carried + eta * eta * within) / (1.0 - hold * hold)
    between = max(level_square - mu * mu, 0.0)
    variance = spread + between
    sd = max(math.sqrt(max(variance, 0.0)), SMALLEST_SD)
    return ServiceLaw(
        experience=(experience[0], experience[1]),
        failure=(failure[0], failure[1]),
        surprise_sd=math.sqrt(surprise),
        mu=mu,
        sd=sd,
        trust_sd=max(math.sqrt(max(follow + between, 0.0)) / sd, 1e-3),
    )
