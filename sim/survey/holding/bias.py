"""Measured against true: what a survey of a simulated bank is wrong by, each cause alone and all together.

True is what everybody would say on the average who could be asked at all, if all answered and answered what is so. What
a cause shifts is its expectation over all luck, computed and not drawn: persons count by their chance to end up in the
sample, answers by the normal law of what is open in them. So a bias of a hundredth of a point is seen where a sample of
500 could not show it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr

from sim.survey.analysis.reliability import alpha_of
from sim.survey.holding.answering import BIASES, Biases, answers, believed, thresholds
from sim.survey.holding.sampling import cells, chances, draw, frame
from sim.survey.holding.settings import Answering, mode_of
from sim.survey.holding.truth import own_share, shared
from sim.survey.instrument import Instrument, Item
from sim.survey.respondents import Respondents
from sim.survey.sheets import Sheets

if TYPE_CHECKING:
    import pandas as pd

SHEETS = 2_000  # that alphas are of
BINS = 400  # of the explained part of a construct; the error of a mean is below 1e-4 points
ALONE, TOGETHER = "nothing", "together"
CLEANED, WEIGHTED = "cleaned", "cleaned, weighted"  # careless sheets left out, and the others weighted
CELLS = ("tier", "age_band")  # what a bank can weight by: its own books know them
PROMOTERS, DETRACTORS = 9, 6  # answers of 0 to 10 from which on, and up to which


Rule = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Spread:
    """How the explained part of a construct is spread over persons: means and shares of bins, float64 (bins,)."""

    at: np.ndarray
    share: np.ndarray


Spreads = Mapping[tuple[str, Rule], Spread]


def spread(score: np.ndarray, weight: np.ndarray) -> Spread:
    """The spread of a score, float64 (persons,), where persons count by `weight`."""
    low, high = float(score.min()), float(score.max())
    step = (high - low) / BINS
    place = np.minimum(((score - low) / step).astype(np.int64), BINS - 1) if step > 0 else np.zeros(score.size, int)
    mass = np.bincount(place, weight, minlength=BINS)
    sums = np.bincount(place, weight * score, minlength=BINS)
    full = mass > 0
    return Spread(sums[full] / mass[full], mass[full] / mass.sum())


def points(item: Item, instrument: Instrument, of: Spread, own: float, settings: Answering, on: Biases) -> np.ndarray:
    """Share of each answer from the lowest, more meaning more of the construct, float64 (points,)."""
    scale = instrument.scales[item.scale]
    cuts = thresholds(item, scale)
    loading = item.loading if item.measures is not None else 0.0
    at, own_variance = of.at, own**2
    if on.desirability and item.measures is not None and instrument.constructs[item.measures].self_rated:
        r = settings.self_knowledge
        at = r * at + settings.desirability
        own_variance = r * r * own_variance + 1.0 - r * r
    variance = loading**2 * own_variance + 1.0 - loading**2
    variance += settings.acquiescence**2 * on.style + settings.halo**2 * on.halo
    styles = ((1.0, 1.0),)
    if on.style:
        plain = 1.0 - settings.extreme - settings.middle
        styles = (
            (plain, 1.0),
            (settings.extreme, settings.extreme_stretch),
            (settings.middle, settings.middle_stretch),
        )  # type: ignore[assignment]
    shares = np.zeros(cuts.size + 1)
    for share, stretch in styles:
        below = of.share @ ndtr((stretch * cuts[None, :] - loading * at[:, None]) / np.sqrt(variance))
        shares += share * np.diff(np.concatenate([[0.0], below, [1.0]]))
    if on.careless:
        shares = (1.0 - settings.careless) * shares + settings.careless / shares.size
    return shares


def weights_of(
    people: Respondents, sampling: str, settings: Answering, on: Biases, *, mend: bool = False
) -> np.ndarray:
    """How much each person counts in what a survey finds, float64 (persons,); `mend` weights cells back to the bank."""
    of = frame(people, sampling if on.coverage else "simple")
    count = of.rate.copy()
    if on.nonresponse:
        count *= chances(people, np.arange(len(people)), mode_of(people.who, sampling), settings)
    sizes = np.bincount(of.stratum, people.weight, minlength=of.share.size)
    wanted = sizes if of.weighted else of.share
    count = _scaled(count, of.stratum, wanted)
    if mend:
        cell, size = cells(people, CELLS)
        count = _scaled(count, cell, size)
    return count / count.sum()


def _scaled(count: np.ndarray, cell: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Counts whose sums over cells are as wanted; a cell with nobody in the sample stays empty."""
    got = np.bincount(cell, count, minlength=wanted.size)
    return count * np.divide(wanted, got, out=np.zeros(wanted.size), where=got > 0)[cell]


def report(instrument: Instrument, people: Respondents, sampling: str, settings: Answering) -> pd.DataFrame:
    """A row for every construct (and the NPS) and cause: true, measured on the average, and the difference.

    Columns construct, cause, unit, true, measured, bias; units are points (means), NPS, and alpha (of
    2,000 sheets). Causes: "nothing", each of `BIASES` alone, "together"; "cleaned" is all of them
    without the careless sheets, which an analysis leaves out, and "cleaned, weighted" with sheets weighted by the
    bank's own tier and age besides. Who is not asked a question, by a fact, counts in none of it. No rows where nobody
    can be asked.
    """
    import pandas as pd

    columns = ["construct", "cause", "unit", "true", "measured", "bias"]
    if not frame(people, sampling).rate.any():
        return pd.DataFrame({name: [] for name in columns})
    cases: list[tuple[str, Biases, bool]] = [
        (ALONE, Biases.none(), False),
        *((name, Biases.only(name), False) for name in BIASES),
    ]
    cleaned = Biases(careless=False)
    cases += [(TOGETHER, Biases(), False), (CLEANED, cleaned, False), (WEIGHTED, cleaned, True)]
    scores = {name: shared(instrument, people, name) for name in instrument.constructs}
    scores[""] = np.zeros(len(people))
    wanted = {(item.measures or "", _rule(item, instrument, people)) for item in instrument.items}
    masks = {rule: _asked(rule, people) for _, rule in wanted}
    known: dict[bytes, Spreads] = {}
    rows = []
    for cause, on, mend in cases:
        count = weights_of(people, sampling, settings, on, mend=mend)
        key = count.tobytes()
        if key not in known:
            known[key] = {(name, rule): spread(scores[name], count * masks[rule]) for name, rule in wanted}
        for name, unit, value in _figures(instrument, people, known[key], settings, on):
            rows.append((name, cause, unit, value))
    rows += _alphas(instrument, people, sampling, settings, cases)
    table = pd.DataFrame(rows, columns=["construct", "cause", "unit", "measured"])
    true = table[table["cause"] == ALONE].set_index(["construct", "unit"])["measured"]
    table["true"] = [true[key] for key in zip(table["construct"], table["unit"], strict=True)]
    table["bias"] = table["measured"] - table["true"]
    return table[columns]


def _rule(item: Item, instrument: Instrument, people: Respondents) -> Rule:
    """Of whom a question is asked, as far as it hangs on facts: facts with the words that it is asked of."""
    facts = {one.code: one.of for one in instrument.demographics if one.of and one.of in people.facts}
    return tuple((facts[code], tuple(map(str, words))) for code, words in item.asked_if.items() if code in facts)


def _asked(rule: Rule, people: Respondents) -> np.ndarray:
    """Who is asked by a rule, bool (persons,); everybody where the rule leaves nobody."""
    mask = np.ones(len(people), bool)
    for name, words in rule:
        fact = people.facts[name]
        mask &= np.isin(fact.codes, [code for code, word in enumerate(fact.words) if word in words])
    return mask if mask.any() else ~mask


def _alphas(
    instrument: Instrument,
    people: Respondents,
    sampling: str,
    settings: Answering,
    cases: Sequence[tuple[str, Biases, bool]],
) -> Iterator[tuple[str, str, str, float]]:
    """Cronbach's alpha of every construct of two items or more, by cause: of the same persons answering again."""
    asked: dict[tuple[bool, bool], np.ndarray] = {}
    for cause, on, mend in cases:
        if mend:
            continue
        key = on.coverage, on.nonresponse
        if key not in asked:
            way = sampling if on.coverage else "simple"
            asked[key] = draw(people, way, SHEETS, settings, panel=True, all_answer=not on.nonresponse).rows
        rows = asked[key]
        _, said = believed(instrument, people, rows, settings, on)
        facts = {
            one.code: people.facts[one.of].of(rows)
            for one in instrument.demographics
            if one.of and one.of in people.facts
        }
        table, _ = answers(instrument, people, rows, said, facts, settings, on)
        turned = Sheets(instrument, table).answers()
        for name in instrument.constructs:
            codes = [item.code for item in instrument.items_of(name)]
            if len(codes) > 1 and len(rows) > len(codes):
                yield name, cause, "alpha", alpha_of(turned[codes].dropna().cov().to_numpy())


def _figures(
    instrument: Instrument, people: Respondents, of: Spreads, settings: Answering, on: Biases
) -> Iterator[tuple[str, str, float]]:
    """Name, unit and value of what a survey finds: means of constructs in points, and the net promoter score."""
    for name in instrument.constructs:
        items = instrument.items_of(name)
        if items:
            yield name, "points", _mean(items, instrument, people, of, settings, on)
    item = instrument.nps_item
    if item is not None:
        name = item.measures or ""
        own = own_share(instrument, name) if name else 0.0
        shares = points(item, instrument, of[name, _rule(item, instrument, people)], own, settings, on)
        answers = np.array(instrument.scales[item.scale].points)
        yield item.code, "NPS", 100.0 * float(shares[answers >= PROMOTERS].sum() - shares[answers <= DETRACTORS].sum())


def _mean(
    items: Sequence[Item], instrument: Instrument, people: Respondents, of: Spreads, settings: Answering, on: Biases
) -> float:
    """The mean score as `analysis.study.scores` makes it: all items on the points of the first."""
    first = instrument.scales[items[0].scale]
    means = []
    for item in items:
        name, scale = item.measures or "", instrument.scales[item.scale]
        own = own_share(instrument, name) if name else 0.0
        shares = points(item, instrument, of[name, _rule(item, instrument, people)], own, settings, on)
        unit = (float(shares @ np.array(scale.points)) - scale.first) / max(scale.last - scale.first, 1)
        means.append(first.first + unit * (first.last - first.first))
    return float(np.mean(means))
