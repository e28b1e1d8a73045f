"""Response to the k-th call of a campaign, and how it tires, from a bank's telephone campaigns (F18).

The model's law, as `sim.kernel.contacts.meet` has it: an offer that reaches a customer is taken with probability
conversion x exp(need n) x decay^(k - 1) at the k-th attempt, n a standard normal latent need. Who said yes is called no
more, so that those who are left have less need: success falls with k by tiring and by sorting.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.calibration.problem import Floats, Learned, Target
from sim.calibration.studies.common import Law, binomial, free, nuisance, table, told

name = "contacts"
about = "success of the k-th call and its tiring, from a bank's telephone campaigns"
files = ("bank_marketing/additional_dev.csv.gz",)

PURPOSE = 1
CALLS = 12  # attempts that are looked at
FITTED = 8  # attempts that the fit uses; the later ones check it
WAYS = ("cellular", "telephone")
NODES = 15  # of Gauss-Hermite quadrature over latent need
CHANCES, LANDLINE = (0.02, 0.12), (0.1, 1.0)
LEAST = 0.5  # yes: the error of an attempt without any
PATHS = ("channels.phone.conversion", "model.contacts.attempt_decay", "model.contacts.need")


@dataclass(frozen=True)
class Calls:
    """Customers called for the k-th time and their yes, (ways, CALLS); and by the outcome of an earlier campaign.

    `before` are customers and their yes at a first cellular call: never asked before, said yes to an earlier campaign.
    """

    called: Floats
    yes: Floats
    before: dict[str, tuple[float, float]]


def calls(folder: str | Path) -> Calls:
    """The counts of the data: `campaign` is the number of calls, the last of which has the outcome."""
    data = table(folder, files[0], sep=None, engine="python")
    yes = (data.y == "yes").to_numpy()
    number, way = data.campaign.to_numpy(), data.contact.to_numpy()
    k = np.arange(1, CALLS + 1)
    called = np.array([[((way == w) & (number >= i)).sum() for i in k] for w in WAYS], np.float64)
    taken = np.array([[((way == w) & (number == i) & yes).sum() for i in k] for w in WAYS], np.float64)
    before = {}
    for word, outcome in (("never", "nonexistent"), ("success", "success")):
        those = (way == WAYS[0]) & (data.poutcome.to_numpy() == outcome)
        before[word] = float(those.sum()), float((those & yes & (number == 1)).sum())
    return Calls(called, taken, before)


def chances(conversion: Floats, decay: Floats, need: Floats, attempts: int = CALLS) -> tuple[Floats, Floats]:
    """Chance that the k-th call succeeds, among those not yet won, (n, attempts); and the same of those who said yes
    to the first call of an earlier such campaign, (n,), at a first call.
    """
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weight = np.broadcast_to(weights / weights.sum(), (conversion.size, NODES))
    first = np.minimum(conversion[:, None] * np.exp(need[:, None] * nodes), 1.0)
    again = (weight * first * first).sum(axis=1) / (weight * first).sum(axis=1)
    out = np.empty((conversion.size, attempts))
    left = weight
    for k in range(attempts):
        each = np.minimum(conversion[:, None] * np.exp(need[:, None] * nodes) * decay[:, None] ** k, 1.0)
        out[:, k] = (left * each).sum(axis=1) / left.sum(axis=1)
        left = left * (1.0 - each)
    return out, again


def made(seen: Calls) -> Law:
    """The problem, of counts."""
    numbers = [
        free(PATHS[0], "log", *CHANCES),
        free(PATHS[1]),
        free(PATHS[2]),
        nuisance(
            "telephone over cellular", *LANDLINE, 0.5, "ratio", "success by a landline over a mobile phone", "log"
        ),
    ]
    share = float(seen.called[0, 0] / seen.called[:, 0].sum())  # of first calls, to mobile phones
    rate = seen.yes / np.maximum(seen.called, 1.0)
    targets = [
        Target(
            f"{way}, call {k + 1}",
            float(rate[w, k]),
            float(np.sqrt(max(seen.yes[w, k], LEAST)) / max(seen.called[w, k], 1.0)),
            "probability",
            k < FITTED,
            "success of the call, of those called so often",
        )
        for w, way in enumerate(WAYS)
        for k in range(CALLS)
    ]
    (n_never, y_never), (n_won, y_won) = seen.before["never"], seen.before["success"]
    ratio = (y_won / n_won) / (y_never / n_never)
    spread = np.sqrt((1.0 - y_won / n_won) / y_won + (1.0 - y_never / n_never) / y_never)
    targets.append(
        Target(
            "memory of success", ratio, ratio * spread, "ratio", False, "who said yes before, over never asked before"
        )
    )

    def by_way(theta: Floats) -> tuple[list[Floats], Floats, Floats]:
        cellular = theta[:, 0] / (share + (1.0 - share) * theta[:, 3])
        both = [chances(c, theta[:, 1], theta[:, 2]) for c in (cellular, cellular * theta[:, 3])]
        return [p for p, _ in both], both[0][1], both[0][0][:, 0]

    def law(theta: Floats, z: Floats) -> Floats:
        each, again, first = by_way(theta)
        parts = [
            binomial(seen.called[w], p, z[:, w * CALLS : (w + 1) * CALLS]) / np.maximum(seen.called[w], 1.0)
            for w, p in enumerate(each)
        ]
        won = binomial(n_won, again, z[:, -2]) / n_won
        never = np.maximum(binomial(n_never, first, z[:, -1]), 1.0) / n_never
        return np.concatenate([*parts, (won / never)[:, None]], axis=1)

    def of_data(theta: Floats) -> Floats:
        out = np.zeros(theta.shape[0])
        for w, p in enumerate(by_way(theta)[0]):
            p, yes, called = p[:, :FITTED], seen.yes[w, :FITTED], seen.called[w, :FITTED]
            out += (yes * np.log(p) + (called - yes) * np.log1p(-np.minimum(p, 1.0 - 1e-12))).sum(axis=1)
        return out

    covariance = np.diag([target.error**2 for target in targets])
    return Law(name, numbers, targets, covariance, law, 2 * CALLS + 2, PURPOSE, of_data)


def problem(folder: str | Path) -> Law:
    """First success by phone, its decay with each further attempt, and latent need, from both kinds of telephone."""
    return made(calls(folder))


def learned(fit: Any) -> Learned:
    """What the page says."""
    first, decay, need = np.asarray(fit.draws)[:, :3].T
    return Learned(
        "32,878 customers called in a bank's campaigns 2008-10: how often, on which telephone, with what success.",
        "Success at the k-th call among those called so often, k = 1 to 8, by telephone; calls 9 to 12 and the success "
        "of those who had said yes to an earlier campaign check it.",
        f"Conversion of a first call {told(first, 3)}, decay a further attempt {told(decay, 3)}, effect of latent need "
        f"{told(need)}. The curve does not tell need from decay, nor either from whom the bank chose to call again.",
        "conversion and attempt_decay stay: they came from this set in the first place.",
    )
