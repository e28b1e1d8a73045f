"""What people answer: a latent answer by construct, style, halo and luck, cut into the points of the item's scale.

y* = loading x construct + acquiescence (against reversed items) + halo + luck; the answer is the number of thresholds
below it, which a taste for the ends or the middle of a scale stretches (SPEC 8.2). `Biases` says which of what people
do to a survey are at work: all of them, unless switched off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtri

from sim.survey.holding.draws import CARELESS, ITEM, PERSON, SELF, STYLE, draws, named, normal
from sim.survey.holding.settings import ELEVEN_POINTS, FIVE_POINTS, Answering
from sim.survey.holding.truth import constructs
from sim.survey.instrument import Instrument, Item
from sim.survey.instrument.model import Scale
from sim.survey.respondents import Respondents

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Biases:
    """What a survey is wrong by, each on or off."""

    coverage: bool = True  # who can be asked at all
    nonresponse: bool = True  # who answers
    style: bool = True  # agreeing, the ends or the middle of a scale
    halo: bool = True  # one feeling in all answers
    desirability: bool = True  # what staff say of themselves
    careless: bool = True  # sheets filled in without reading

    @classmethod
    def none(cls) -> Biases:
        """Everybody can be asked, answers, and says what is so."""
        return cls(*(False for _ in fields(cls)))

    @classmethod
    def only(cls, name: str) -> Biases:
        """One of them alone."""
        return cls(**{one.name: one.name == name for one in fields(cls)})


BIASES = tuple(one.name for one in fields(Biases))


def thresholds(item: Item, scale: Scale) -> np.ndarray:
    """Cuts between the points of an item's scale on the latent answer, SD, float64 (points - 1,).

    The item's own, else its scale's; else those of SPEC 8.2 for five and eleven points, for other numbers of points
    read off the five at equal steps.
    """
    given = item.thresholds or scale.thresholds
    if given:
        return np.asarray(given, np.float64)
    cuts = scale.last - scale.first
    known = ELEVEN_POINTS if cuts == len(ELEVEN_POINTS) else FIVE_POINTS
    if cuts == len(known):
        return np.asarray(known)
    place = (np.arange(cuts) + 0.5) / cuts
    return np.interp(place, (np.arange(len(known)) + 0.5) / len(known), known)


@dataclass(frozen=True)
class Styles:
    """How some persons answer, float64 (persons,) each: acquiescence and halo in SD, the ratio on thresholds."""

    acquiescence: np.ndarray
    halo: np.ndarray
    stretch: np.ndarray


def styles(seed: int, uid: np.ndarray, settings: Answering, biases: Biases) -> Styles:
    """The styles of some persons, theirs for good."""
    u = draws(seed, STYLE, PERSON, uid)
    stretch = np.ones(uid.size)
    if biases.style:
        stretch[u[1] < settings.extreme] = settings.extreme_stretch
        stretch[u[1] >= 1.0 - settings.middle] = settings.middle_stretch
    agree = settings.acquiescence * ndtri(u[0]) if biases.style else np.zeros(uid.size)
    return Styles(agree, settings.halo * ndtri(u[2]) if biases.halo else np.zeros(uid.size), stretch)


def _rated(theta: np.ndarray, people: Respondents, rows: np.ndarray, name: str, settings: Answering) -> np.ndarray:
    """What persons make of themselves: in part what is so, in part what they like to think, and all in all too much."""
    r = settings.self_knowledge
    fancy = normal(people.seed, named(SELF, name), PERSON, people.uid[rows])
    return r * theta + np.sqrt(1.0 - r * r) * fancy + settings.desirability


def believed(
    instrument: Instrument, people: Respondents, rows: np.ndarray, settings: Answering, biases: Biases
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """By construct, float64 (rows,): what is so, and what persons believe and answer from."""
    true = constructs(instrument, people, rows)
    said = {
        name: _rated(theta, people, rows, name, settings)
        if biases.desirability and instrument.constructs[name].self_rated
        else theta
        for name, theta in true.items()
    }
    return true, said


def answers(
    instrument: Instrument,
    people: Respondents,
    rows: np.ndarray,
    theta: Mapping[str, np.ndarray],
    facts: Mapping[str, np.ndarray],
    settings: Answering,
    biases: Biases,
) -> tuple[pd.DataFrame, np.ndarray]:
    """What persons of `rows` answer, float64 (rows, items), NaN where not asked or left out; who did not read.

    `theta` by construct is what they answer from, `facts` by demographic code what they say of themselves.
    """
    import pandas as pd

    seed, month, uid = people.seed, people.month, people.uid[rows]
    how = styles(seed, uid, settings, biases)
    u = draws(seed, CARELESS, month, uid)
    careless = (u[0] < settings.careless) & biases.careless
    columns: dict[str, np.ndarray] = {}
    for item in instrument.items:
        scale = instrument.scales[item.scale]
        cuts = thresholds(item, scale)
        luck = draws(seed, named(ITEM, item.code), month, uid)
        latent = latent_mean(item, theta, rows.size)
        loading = item.loading if item.measures else 0.0
        latent = latent + (-how.acquiescence if item.reversed else how.acquiescence) + how.halo
        latent = latent + np.sqrt(1.0 - loading**2) * ndtri(luck[0])
        point = (latent[:, None] > how.stretch[:, None] * cuts[None, :]).sum(axis=1)
        value = (scale.last - point if item.reversed else scale.first + point).astype(np.float64)
        same = scale.first + np.minimum(np.floor(u[1] * (cuts.size + 1)), cuts.size)
        value[careless] = same[careless]
        if not item.required:
            value[luck[1] < settings.left_out] = np.nan
        columns[item.code] = value
    for item in _skippable(instrument):
        columns[item.code] = np.where(_asked(item, columns, facts, rows.size), columns[item.code], np.nan)
    return pd.DataFrame(columns), careless


def latent_mean(item: Item, theta: Mapping[str, np.ndarray], n: int) -> np.ndarray:
    """What of a latent answer comes from the item's construct, SD, float64 (n,); 0 for a question on its own."""
    return item.loading * theta[item.measures] if item.measures else np.zeros(n)


def _skippable(instrument: Instrument) -> Iterator[Item]:
    return (item for item in instrument.items if item.asked_if)


def _asked(item: Item, columns: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray], n: int) -> np.ndarray:
    """Who is asked a question by its skip rule, bool (n,)."""
    asked = np.ones(n, bool)
    for code, wanted in item.asked_if.items():
        if code in columns:
            numbers = [float(word) for word in wanted if str(word).lstrip("-").isdigit()]
            asked &= np.isin(columns[code], numbers)
        elif code in facts:
            asked &= np.isin(facts[code].astype(str), [str(word) for word in wanted])
    return asked
