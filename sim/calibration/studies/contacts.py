"""Response to the k-th call of a campaign, and how it tires, from a bank's telephone campaigns (F18).

The model's law, as `sim.kernel.contacts.meet` has it: an offer that reaches a customer is taken with probability
conversion x exp(need n) x decay^(k - 1) at the k-th attempt, n a standard normal latent need. Who said yes is called no
more, so that those who are left have less need: success falls with k by tiring and by sorting.

Success rose eightfold over these campaigns while calls became fewer, so that who was called often was called early.
Calls are therefore compared within short spells of time and one kind of telephone (Mantel and Haenszel's risk ratio).
Whom the bank called again it chose, by how the first call had sounded: one factor of the data alone stands for that.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.calibration.problem import Floats, Learned, Target
from sim.calibration.studies.common import EDGE, Law, free, normal_likelihood, nuisance, table, told

name = "contacts"
about = "success of the k-th call and its tiring, from a bank's telephone campaigns"
files = ("bank_marketing/additional_dev.csv.gz",)

PURPOSE = 1
CALLS = 10  # attempts that are looked at
FITTED = 8  # attempts that the fit uses, and the memory of a sale; the later ones check it
SPELLS = 40  # of as many customers each, by kind of telephone; more of them change little
LEVELS = 5  # groups of spells by their level of success
NODES = 9  # of Gauss-Hermite quadrature over latent need
CHANCES, WARMER = (0.02, 0.12), (-0.5, 0.5)
UNTIRED = 1.0  # the range of the decay came from this very set, so that its prior goes on to no decay at all
PRIOR = 0.5  # yes and no of a spell beside those that it has
BOOTSTRAP = 400
BEFORE = ("nonexistent", "success")  # an earlier campaign: none; the customer said yes
PATHS = ("channels.phone.conversion", "model.contacts.attempt_decay", "model.contacts.need")


@dataclass(frozen=True)
class Calls:
    """Customers of each spell called for the k-th time and their yes, (spells, CALLS).

    `asked` and `agreed` are customers and their yes at a first call, (spells, 2): of those without an earlier campaign
    and of those who had said yes to one.
    """

    called: Floats
    yes: Floats
    asked: Floats
    agreed: Floats


def calls(folder: str | Path) -> Calls:
    """The counts of the data, which are in order of time; `campaign` is the number of calls."""
    data = table(folder, files[0], sep=None, engine="python")
    way = data.contact.to_numpy()
    spell = np.zeros(way.size, np.int64)
    for i, kind in enumerate(np.unique(way)):
        here = np.flatnonzero(way == kind)
        spell[here] = i * SPELLS + np.arange(here.size) * SPELLS // here.size
    return counted(spell, data.campaign.to_numpy(), (data.y == "yes").to_numpy(), data.poutcome.to_numpy(str))


def counted(spell: Floats, number: Floats, yes: Floats, before: Any) -> Calls:
    """Counts of customers by spell, number of calls, yes (bool) at the last of them, and the outcome before."""
    size = int(spell.max()) + 1

    def by_spell(those: Any) -> Floats:
        return np.bincount(spell[those], minlength=size).astype(np.float64)

    k = range(1, CALLS + 1)
    called = np.stack([by_spell(number >= i) for i in k], axis=1)
    taken = np.stack([by_spell((number == i) & yes) for i in k], axis=1)
    asked = np.stack([by_spell(before == word) for word in BEFORE], axis=1)
    agreed = np.stack([by_spell((before == word) & yes & (number == 1)) for word in BEFORE], axis=1)
    return Calls(called, taken, asked, agreed)


def chances(conversion: Floats, decay: Floats, need: Floats, attempts: int = CALLS) -> tuple[Floats, Floats]:
    """Chance that the k-th call succeeds among those not yet won, (n, levels, attempts), of conversions (n, levels).

    And the same of a first call to those who said yes to the first call of an earlier such campaign, (n, levels).
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    first = np.minimum(conversion[..., None] * np.exp(need[:, None] * nodes)[:, None, :], 1.0)
    left = np.broadcast_to(weights / weights.sum(), first.shape)
    again = (left * first * first).sum(axis=-1) / (left * first).sum(axis=-1)
    out = np.empty((*conversion.shape, attempts))
    for k in range(attempts):
        won = left * first * (decay**k)[:, None, None]
        out[..., k] = won.sum(axis=-1) / left.sum(axis=-1)
        left = left - won
    return out, again


def pooled(few: Floats, among: Floats, base: Floats, of: Floats) -> Any:
    """Mantel and Haenszel's ratio of two risks over spells (the last axis): `few` of `among` over `base` of `of`.

    Where there is no success at all it counts half a one.
    """
    both = np.maximum(among + of, 1.0)
    least = PRIOR * (among * of / both).sum() / np.maximum(among.sum(), 1.0)
    return np.maximum((few * of / both).sum(axis=-1), least) / np.maximum((base * among / both).sum(axis=-1), EDGE)


def statistics(called: Floats, yes: Floats, asked: Floats, agreed: Floats) -> Floats:
    """Log of the first call's success, logs of its ratios at calls 2..CALLS, log ratio of memory, (n, CALLS + 1).

    `yes` and `agreed` are (n, spells, ...).
    """
    first = yes[..., 0].sum(axis=-1) / called[:, 0].sum()
    later = [pooled(yes[..., k], called[:, k], yes[..., 0], called[:, 0]) for k in range(1, called.shape[1])]
    memory = pooled(agreed[..., 1], asked[:, 1], agreed[..., 0], asked[:, 0])
    return np.asarray(np.log(np.maximum(np.stack([first, *later, memory], axis=-1), EDGE)))


def made(seen: Calls) -> Law:
    """The problem, of counts."""
    numbers = [free(PATHS[0], "log", *CHANCES), free(PATHS[1], high=UNTIRED), free(PATHS[2])]
    numbers.append(
        nuisance("called again", *WARMER, 0.0, "log", "success of who is called again, over all called first")
    )
    observed = statistics(seen.called, seen.yes[None], seen.asked, seen.agreed[None])[0]
    level = (seen.yes.sum(axis=1) + PRIOR) / (seen.called.sum(axis=1) + 2.0 * PRIOR)
    covariance, level = _sampling(seen, level), level / np.average(level, weights=seen.called[:, 0])
    names = ["first call", *(f"call {k} over the first" for k in range(2, CALLS + 1)), "memory of success"]
    targets = [
        Target(
            each,
            float(value),
            float(np.sqrt(square)),
            "log",
            k < FITTED or k == CALLS,
            "within spells of time and telephone",
        )
        for k, (each, value, square) in enumerate(zip(names, observed, np.diag(covariance), strict=True))
    ]
    fitted = [k for k, target in enumerate(targets) if target.used]
    root = np.linalg.cholesky(covariance)
    order = np.argsort(level, kind="stable")
    groups = np.array_split(order, min(LEVELS, order.size))
    n = seen.called
    both = n * n[:, :1] / np.maximum(n + n[:, :1], 1.0)
    twice = seen.asked.prod(axis=1) / np.maximum(seen.asked.sum(axis=1), 1.0)
    weight = np.array([both[group].sum(axis=0) for group in groups])
    memory = np.array([twice[group].sum() for group in groups])
    start = np.array([n[group, 0].sum() for group in groups])
    at = np.array([np.average(level[group], weights=n[group, 0]) for group in groups])

    def expected(theta: Floats) -> tuple[Floats, Floats]:
        each, again = chances(theta[:, :1] * at, theta[:, 1], theta[:, 2])
        first = each[..., 0]
        later = np.einsum("nlk,lk->nk", each, weight) / (first @ weight) * np.exp(theta[:, 3:4])
        rate = first @ start / start.sum()
        recalled = (again @ memory) / (first @ memory)
        return np.log(np.column_stack([rate, later[:, 1:], recalled])), rate

    seen_rate = np.exp(observed[0])

    def times(middle: Floats, rate: Floats) -> Floats:
        fewer = np.sqrt(seen_rate / rate)[:, None]  # as the yes are rarer, logs of their counts err more
        tired = np.exp(0.5 * np.clip(observed - middle, -1.0, 1.0))
        tired[:, 0] = 1.0
        return np.asarray(fewer * tired)

    def law(theta: Floats, z: Floats) -> Floats:
        middle, rate = expected(theta)
        return middle + times(middle, rate) * np.einsum("ij,kj->ik", z, root)

    of_data = normal_likelihood(
        targets,
        covariance,
        lambda theta: expected(theta)[0][:, fitted],
        lambda theta: times(*expected(theta))[:, fitted],
    )
    return Law(name, numbers, targets, covariance, law, len(targets), PURPOSE, of_data)


def _sampling(seen: Calls, level: Floats) -> Floats:
    """Covariance of the statistics over made-up yes, at each spell's level and each attempt's rate."""
    rng = np.random.Generator(np.random.Philox(key=PURPOSE))
    by_call = seen.yes.sum(axis=0) / np.maximum((level[:, None] * seen.called).sum(axis=0), EDGE)
    by_past = seen.agreed.sum(axis=0) / np.maximum((level[:, None] * seen.asked).sum(axis=0), EDGE)
    size = (BOOTSTRAP, *seen.called.shape)
    yes = rng.binomial(seen.called.astype(np.int64), np.minimum(level[:, None] * by_call, 1.0), size)
    past = (BOOTSTRAP, *seen.asked.shape)
    agreed = rng.binomial(seen.asked.astype(np.int64), np.minimum(level[:, None] * by_past, 1.0), past)
    return np.cov(statistics(seen.called, yes.astype(float), seen.asked, agreed.astype(float)), rowvar=False)


def problem(folder: str | Path) -> Law:
    """First success by phone, its decay with each further attempt, and latent need."""
    return made(calls(folder))


def learned(fit: Any) -> Learned:
    """What the page says."""
    first, decay, need = np.asarray(fit.draws)[:, :3].T
    return Learned(
        "32,878 customers called in a bank's campaigns 2008-10: when, how often, by which telephone, and the success.",
        "Success at call k over that at the first, within spells of time and telephone, k = 2 to 8, and at a first "
        "call of those who had said yes to an earlier campaign; calls 9 and 10 check it.",
        f"Conversion of a first call {told(first, 3)}, decay a further attempt {told(decay, 3)}, effect of latent need "
        f"{told(need)}. The steeper curve of all calls thrown together is the calendar's: who was called often was "
        "called early, when few bought. Had the bank chosen whom to call on at every call and not only after the "
        "first, decay would be stronger.",
        "attempt_decay 0.81 is too steep and its range too low; it is left for a revision of the model.",
    )
