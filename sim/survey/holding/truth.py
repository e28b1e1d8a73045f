"""The truth behind a questionnaire: how a construct stands in a person.

A construct is loadings on measures of the model; what they leave of its variance is the person's own, a standard normal
draw that stays with the person. A person who rates oneself knows oneself only in part (SPEC 8.2).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from sim.survey.holding.draws import OWN, PERSON, named, normal
from sim.survey.instrument import Instrument
from sim.survey.respondents import Respondents


def shared(instrument: Instrument, people: Respondents, construct: str) -> np.ndarray:
    """The part of a construct that measures of the model explain, SD, float64 (persons,)."""
    score = np.zeros(len(people))
    for measure, loading in instrument.constructs[construct].of.items():
        if measure in people.measures:
            score += loading * people.measures[measure]
    return score


def own_share(instrument: Instrument, construct: str) -> float:
    """Standard deviation of the part that is a person's own: what loadings leave open of a variance of 1."""
    explained = sum(loading**2 for loading in instrument.constructs[construct].of.values())
    return float(np.sqrt(max(1.0 - explained, 0.0)))


def own_parts(instrument: Instrument, seed: int, uid: np.ndarray) -> Mapping[str, np.ndarray]:
    """The own part of every construct of some persons, SD, float64 (persons,); correlated as the instrument says."""
    names = list(instrument.constructs)
    alone = np.array([normal(seed, named(OWN, name), PERSON, uid) for name in names]).reshape(len(names), uid.size)
    correlations = np.eye(len(names))
    for one, others in instrument.own.items():
        for other, r in others.items():
            i, j = names.index(one), names.index(other)
            correlations[i, j] = correlations[j, i] = 1.0 if i == j else r
    values, vectors = np.linalg.eigh(correlations)
    root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
    mixed = root @ alone
    return {name: own_share(instrument, name) * mixed[i] for i, name in enumerate(names)}


def constructs(instrument: Instrument, people: Respondents, rows: np.ndarray) -> dict[str, np.ndarray]:
    """How every construct stands in some persons, SD, float64 (rows,) by construct."""
    some = Respondents(
        people.who,
        people.seed,
        people.month,
        people.uid[rows],
        people.weight[rows],
        {name: values[rows] for name, values in people.measures.items()},
        {},
        {},
    )
    own = own_parts(instrument, people.seed, some.uid)
    return {name: shared(instrument, some, name) + own[name] for name in instrument.constructs}
