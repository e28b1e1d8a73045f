"""Draws from a likelihood that a problem knows, by adaptive importance sampling; how far they may be trusted is told.

A problem may offer ``log_likelihood(theta, seen) -> (n,)``: of statistics (m,) as `simulate` makes them, by the targets
that it uses. Numbers are proposed over the prior, then round by round around those that were likely, by a mixture
(Cappé et al. 2008), at first with the likelihood at a power below 1 such that enough of them count (tempering).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sim.calibration.prior import EDGE, Prior, generator, theta_of
from sim.calibration.problem import Floats, Problem
from sim.calibration.terms import Found, Inference, Part, systematic
from sim.errors import BadInput, RunFailed

ROUNDS = 40  # at most, until the whole likelihood is asked and enough numbers count
SLOW = 15  # rounds after which one has twice as many numbers
TRIED, KEPT = 2_000, 8_000  # numbers of a round, and of the last one, whose weights count
SETTLED = 0.15  # of a round's numbers that count: enough for the next
POWERS = 1.5 ** -np.arange(50.0)
PARTS = 6  # of the mixture
STEPS, LITTLE = 10, 1e-8
FREEDOM, WIDER = 5.0, 1.1  # of the t laws from which they are drawn; their tails are wide


Density = Callable[[Floats], Floats]  # coordinates (n, k): log likelihood (n,)


def offered(problem: Problem) -> bool:
    """Whether a problem knows its likelihood."""
    return hasattr(problem, "log_likelihood")


def density_of(problem: Problem, seen: Floats) -> Density:
    """Log likelihood (n,) of statistics (m,) over coordinates (n, k) of the prior."""

    def density(unit: Floats) -> Floats:
        told = problem.log_likelihood(theta_of(problem.free, unit), seen)  # type: ignore[attr-defined]
        return np.where(np.isfinite(told), told, -np.inf)

    return density


def by_likelihood(part: Problem, settings: Inference, seen: Floats, prior: Prior, trial: int) -> Found:
    """Draws from the posterior; `BadInput` where a problem knows no likelihood, or is asked in stages."""
    whole = part.whole if isinstance(part, Part) else part
    if not offered(whole):
        raise BadInput.at("method", f"{whole.name} knows no likelihood; regression or synthetic")
    if len(part.free) < len(whole.free) or prior.carried is not None:
        raise BadInput.at("method", "likelihood has no stages; regression has, or one stage")
    every = np.full(len(whole.targets), np.nan)
    every[list(part.rows) if isinstance(part, Part) else slice(None)] = seen
    return sampled(density_of(whole, every), prior, settings, trial)


def sampled(density: Density, prior: Prior, settings: Inference, trial: int) -> Found:
    """Draws from an even prior's box with a log likelihood over coordinates, -inf outside it."""
    from scipy.special import ndtr, ndtri

    unit = prior.sample(TRIED, generator(settings.seed, "prior", trial, 30))
    x, like, off = ndtri(np.clip(unit, EDGE, 1.0 - EDGE)), density(unit), np.zeros(TRIED)
    if not np.isfinite(like.max()):
        raise RunFailed("the likelihood is nought at every number of the prior that was tried; method: regression")
    power, turns = 0.0, 0
    rng = generator(settings.seed, "keep", trial, 30)
    while turns < ROUNDS:
        turns += 1
        power, count = tempered(like, off)
        settled = power == 1.0 and count >= SETTLED * len(x)
        more = TRIED if turns <= SLOW else 2 * TRIED
        x, off = around(x, weights_of(power * like + off), KEPT if settled or turns == ROUNDS else more, rng)
        unit = ndtr(x)
        like = density(unit)
        if settled:
            break
    weights = weights_of(like + off)
    rows = systematic(weights, settings.draws, generator(settings.seed, "keep", trial, 31))
    facts: dict[str, Any] = {"rounds": turns, "pareto_k": tail_of(like + off)}
    return Found(unit[rows], effective(weights), 0, facts=facts)


def around(x: Floats, weights: Floats, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Normal coordinates (count, k) from a mixture of t laws around weighted ones, and log prior less log proposal."""
    k = x.shape[1]
    shares, means, roots = mixture(x[systematic(weights, len(x), rng)])
    which = rng.choice(PARTS, size=count, p=shares)
    z = rng.normal(size=(count, k)) / np.sqrt(rng.chisquare(FREEDOM, size=(count, 1)) / FREEDOM)
    new = means[which] + WIDER * np.einsum("nij,nj->ni", roots[which], z)
    far = [_far(new, means[i], WIDER * roots[i]) for i in range(PARTS)]
    told = np.stack(
        [
            np.log(shares[i]) + one - 0.5 * (FREEDOM + k) * np.log1p(square / FREEDOM)
            for i, (one, square) in enumerate(far)
        ]
    )
    return new, -0.5 * (new**2).sum(axis=1) - np.logaddexp.reduce(told, axis=0)


def mixture(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares (p,), means (p, k) and roots (p, k, k) of a mixture of normal laws, by a few steps of EM.

    It begins with equal parts along the longest axis.
    """
    n, k = x.shape
    axis = np.linalg.eigh(np.cov(x, rowvar=False).reshape(k, k))[1][:, -1]
    belongs = np.zeros((PARTS, n))
    belongs[np.argsort(np.argsort(x @ axis, kind="stable"), kind="stable") * PARTS // n, np.arange(n)] = 1.0
    shares, means, roots = np.empty(PARTS), np.empty((PARTS, k)), np.empty((PARTS, k, k))
    for _ in range(STEPS):
        for i, own in enumerate(belongs):
            total = own.sum() + LITTLE
            shares[i], means[i] = total / n, own @ x / total
            off = x - means[i]
            roots[i] = np.linalg.cholesky((own[:, None] * off).T @ off / total + LITTLE * np.eye(k))
        shares /= shares.sum()
        far = [_far(x, means[i], roots[i]) for i in range(PARTS)]
        told = np.stack([np.log(shares[i]) + one - 0.5 * square for i, (one, square) in enumerate(far)])
        belongs = np.exp(told - np.logaddexp.reduce(told, axis=0))
    return shares, means, roots


def _far(x: Floats, mean: Floats, root: Floats) -> tuple[float, Floats]:
    """Log density of a normal or t law at its mean, up to a constant, and squared distances (n,) from it."""
    scaled = np.linalg.solve(root, (x - mean).T)
    return -float(np.log(np.diag(root)).sum()), (scaled**2).sum(axis=0)


def tempered(like: Floats, off: Floats) -> tuple[float, float]:
    """The largest power of the likelihood at which enough numbers count, or most of them do; and how many do."""
    counts = np.array([effective(weights_of(tried * like + off)) for tried in POWERS])
    good = np.flatnonzero(counts >= SETTLED * len(like))
    at = int(good[0] if len(good) else np.argmax(counts))
    return float(POWERS[at]), float(counts[at])


def weights_of(told: Floats) -> Floats:
    """Weights (n,), sum 1, of log weights."""
    found = np.exp(told - told.max())
    return np.asarray(found / found.sum(), np.float64)


def effective(weights: Floats) -> float:
    """How many equal weights would tell as much."""
    return float(1.0 / (weights**2).sum())


def tail_of(told: Floats) -> float:
    """Shape k of the generalised Pareto law of the largest weights, of log weights (n,) (Vehtari et al. 2024).

    Above 0.7 a few weights decide, and more numbers would find larger ones still. By the estimate of
    Zhang & Stephens 2009, drawn a little to 0.5 as few weights leave it open.
    """
    count = int(min(0.2 * len(told), 3.0 * np.sqrt(len(told))))
    ordered = np.sort(np.exp(told - told.max()))
    above = ordered[-count:] - ordered[-count - 1]
    above = above[above > 0]
    if len(above) < 5:
        return float("inf")
    size = len(above)
    tried = 30 + int(np.sqrt(size))
    quarter = above[max(int(size / 4 + 0.5) - 1, 0)]
    b = 1.0 / above[-1] + (1.0 - np.sqrt(tried / (np.arange(1, tried + 1) - 0.5))) / (3.0 * quarter)
    k = np.log1p(-b[:, None] * above).mean(axis=1)
    likely = size * (np.log(-b / k) - k - 1.0)
    share = np.exp(likely - likely.max())
    best = float((b * share).sum() / share.sum())
    found = float(np.log1p(-best * above).mean())
    return (size * found + 10 * 0.5) / (size + 10)
