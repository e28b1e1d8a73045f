"""The questionnaire as answers show it: an instrument that can be held on the bank that begins with them.

Loadings and cuts are those of the answers, put on the scale of the bank's own truth, so that the same survey held at
month 0 gives the same shares of every answer and the same correlations, up to luck. A construct that began a column is
that measure; any other is what it shares with those measures (a regression on them) and a part of its own, which the
own parts of other constructs correlate with. How people answer (style, halo) is in the answers already.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.survey.analysis.moments import proper
from sim.survey.initial.attitudes import Attitudes
from sim.survey.initial.links import TARGETS
from sim.survey.initial.scores import true_correlations
from sim.survey.instrument import Instrument

DIGITS = 5
STEP = 10.0**-DIGITS  # between two cuts that nobody answers between
LEAST_OWN = 0.005  # correlation of own parts that is written


def measured(instrument: Instrument, found: Attitudes) -> Instrument:
    """The instrument with `asks`, what its constructs are of, loadings, and cuts of every item, out of the answers."""
    scores, joint = found.scores, found.joint
    names = list(scores.names)
    latent = true_correlations(scores.z, scores.reliability, found.raked.weights)
    means = np.array([_mean(scores.z[:, j], found.raked.weights) for j in range(len(names))])
    based = [name for name in joint.drawn if name in names and TARGETS[found.links.links[name].to].measure != "app"]
    at = [names.index(name) for name in based]
    root = np.sqrt(scores.reliability)
    slope = np.array([found.links.links[name].steep for name in based])
    shift = np.array([found.links.links[name].shift for name in based])
    spread = slope * root[at] * joint.sd[[joint.drawn.index(name) for name in based]]
    variance = latent[np.ix_(at, at)] * np.outer(spread, spread)  # of the measures over the bank
    centre = slope * means[at] + shift
    of: dict[str, dict[str, float]] = {}
    moments: dict[str, tuple[float, float]] = {}  # mean and variance of each construct over the bank
    left: dict[str, np.ndarray] = {}  # covariance of what is left of each construct with every construct
    for j, name in enumerate(names):
        if name in based:
            k = based.index(name)
            of[name] = {TARGETS[found.links.links[name].to].measure: 1.0}
            moments[name] = (float(centre[k]), float(variance[k, k]))
            continue
        shared = spread * latent[at, j]
        by = np.linalg.solve(variance, shared) if at else np.zeros(0)
        explained = float(by @ shared)
        scale = 1.0 / np.sqrt(max(1.0 - explained + float(by @ by), 1e-9))
        by = np.round(scale * by, DIGITS)
        to = [TARGETS[found.links.links[one].to].measure for one in based]
        of[name] = {measure: float(value) for measure, value in zip(to, by, strict=True) if value}
        moments[name] = (float(by @ centre), float(by @ variance @ by) + max(1.0 - float(by @ by), 0.0))
        left[name] = latent[j] - (np.linalg.solve(latent[np.ix_(at, at)], latent[at, j]) @ latent[at] if at else 0.0)
    items = [_item(instrument, code, found, moments, means, root) for code in instrument.codes]
    constructs = {
        name: one.model_dump(mode="json") | {"of": of.get(name, {}), "self_rated": False}
        for name, one in instrument.constructs.items()
    }
    data = instrument.model_dump(mode="json", by_alias=True, exclude_none=True)
    return Instrument.model_validate(
        data | {"asks": "customers", "constructs": constructs, "items": items, "own": _own(names, left)}
    )


def _own(names: list[str], left: dict[str, np.ndarray]) -> dict[str, dict[str, float]]:
    """Correlations of the own parts, each pair once."""
    kept = [name for name in names if name in left]
    at = [names.index(name) for name in kept]
    if not kept:
        return {}
    between = np.array([left[name][at] for name in kept])
    sd = np.sqrt(np.maximum(np.diag(between), 1e-9))
    between = np.clip((between + between.T) / 2.0 / np.outer(sd, sd), -1.0, 1.0)
    np.fill_diagonal(between, 1.0)
    between = proper(between)[0]
    found: dict[str, dict[str, float]] = {}
    for i, name in enumerate(kept):
        pairs = {kept[j]: round(float(between[i, j]), DIGITS) for j in range(i + 1, len(kept))}
        pairs = {other: r for other, r in pairs.items() if abs(r) >= LEAST_OWN}
        if pairs:
            found[name] = pairs
    return found


def _item(
    instrument: Instrument,
    code: str,
    found: Attitudes,
    moments: dict[str, tuple[float, float]],
    means: np.ndarray,
    root: np.ndarray,
) -> dict[str, Any]:
    """One item with the loading and cuts that give its shares on the bank; as it stands where it was not answered."""
    item = instrument.item(code)
    data: dict[str, Any] = item.model_dump(mode="json", by_alias=True, exclude_none=True)
    if code not in found.scores.cuts or item.measures not in moments:
        return data
    j = found.scores.names.index(item.measures)
    rho = found.scores.loading[code]
    mean, variance = moments[item.measures]
    loading = float(np.sqrt(rho**2 / (variance * (1.0 - rho**2) + rho**2)))
    sd = float(np.sqrt(loading**2 * variance + 1.0 - loading**2))
    cuts = loading * mean + sd * (found.scores.cuts[code].cuts - rho * means[j] / root[j])
    rising = np.maximum.accumulate(np.round(cuts, DIGITS)) + STEP * np.arange(cuts.size)
    return data | {
        "loading": round(loading, DIGITS),
        "thresholds": [round(float(value), DIGITS) for value in rising],
    }


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    there = ~np.isnan(values)
    return float(weights[there] @ values[there] / weights[there].sum()) if there.any() else 0.0
