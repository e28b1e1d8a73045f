"""Who is asked and who answers: five ways of sampling, each with its own coverage, and response by SPEC 8.2.

People are asked in the order of a keyed draw until enough of them have answered, so that two arms of one seed ask the
same people as far as these are still there. A row that stands for many is as likely as all of them; its row is asked
once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from sim.survey.holding.draws import CHOSEN, PERSON, RESPONDS, draws
from sim.survey.holding.settings import Answering, mode_of
from sim.survey.respondents import Respondents

POWER = 0.5  # strata are given sheets by this power of their size: small ones more than their share
LEAST = 64  # people asked in a first round, however few sheets are wanted


@dataclass(frozen=True)
class Sample:
    """Who filled in a sheet: row, design weight (persons a sheet stands for), chance to answer; float64 (sheets,).

    `asked` is how many were asked, `frame` how many persons could have been, `probability` whether the bank knows
    chances of being asked (else every weight is 1).
    """

    rows: np.ndarray
    weight: np.ndarray
    chance: np.ndarray
    mode: str
    asked: int
    frame: float
    probability: bool


@dataclass(frozen=True)
class Frame:
    """Of whom a sample is drawn: `rate` float64 (persons,), how likely each is to be asked against the others; strata.

    `stratum` int64 (persons,) are places in `share`, the share of sheets that each stratum is given. `weighted` says
    whether a sheet's weight is persons of its stratum over sheets from it.
    """

    rate: np.ndarray
    stratum: np.ndarray
    share: np.ndarray
    weighted: bool


def frame(people: Respondents, sampling: str) -> Frame:
    """The frame of a way of sampling: its coverage is what is wrong with it."""
    everyone = np.zeros(len(people), np.int64)
    one = np.ones(1)
    if sampling == "simple":
        return Frame(people.weight, everyone, one, True)
    if sampling == "stratified":
        codes, sizes = cells(people, ("tier",))
        return Frame(people.weight, codes, sizes**POWER / (sizes**POWER).sum(), True)
    if sampling == "quota":
        codes, sizes = cells(people, ("tier", "age_band"))
        met = sum(people.visits.values(), np.zeros(len(people)))
        return Frame(people.weight * met, codes, sizes / sizes.sum(), False)
    return Frame(people.weight * people.visits[sampling], everyone, one, False)


def cells(people: Respondents, facts: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Which cell of some facts each person is in, int64 (persons,), and persons in each cell, float64 (cells,)."""
    code, size = np.zeros(len(people), np.int64), 1
    for name in facts:
        if name in people.facts:
            fact = people.facts[name]
            code = code * len(fact.words) + fact.codes
            size *= len(fact.words)
    return code, np.bincount(code, people.weight, minlength=size)


def chances(people: Respondents, rows: np.ndarray, mode: str, settings: Answering) -> np.ndarray:
    """The chance that some persons answer when asked, float64 (rows,)."""
    rate = settings.response[mode]
    if rate <= 0.0 or rate >= 1.0:
        return np.full(rows.size, rate)
    level = _level(rate, settings.response_engagement, settings.response_extremes)
    lean = np.full(rows.size, level)
    if "engagement" in people.measures:
        lean += settings.response_engagement * people.measures["engagement"][rows]
    if "satisfaction" in people.measures:
        lean += settings.response_extremes * people.measures["satisfaction"][rows] ** 2
    return expit(lean)


@lru_cache(maxsize=64)
def _level(rate: float, engagement: float, extremes: float) -> float:
    """The log odds at which the reference population, two independent normals, answers at this rate."""
    node, weight = np.polynomial.hermite_e.hermegauss(41)
    weight = weight / weight.sum()
    lean = engagement * node[:, None] + extremes * node[None, :] ** 2

    def answered(level: float) -> float:
        return float(weight @ expit(level + lean) @ weight) - rate

    return float(brentq(answered, -60.0, 60.0))


def draw(
    people: Respondents, sampling: str, n: int, settings: Answering, *, panel: bool = False, all_answer: bool = False
) -> Sample:
    """Ask people until `n` have answered, or nobody is left; `panel` asks the same whatever the month."""
    of = frame(people, sampling)
    mode = mode_of(people.who, sampling)
    month = PERSON if panel else people.month
    luck = draws(people.seed, CHOSEN, month, people.uid)[0]
    with np.errstate(divide="ignore"):
        key = np.where(of.rate > 0, -np.log(luck) / np.where(of.rate > 0, of.rate, 1.0), np.inf)
    wanted = _shared_out(n, of.share)
    found, weights, odds, asked = [], [], [], 0
    order = np.lexsort((people.uid, key, of.stratum)) if of.share.size > 1 else np.lexsort((people.uid, key))
    order = order[np.isfinite(key[order])]
    edges = np.searchsorted(of.stratum[order], np.arange(of.share.size + 1)) if of.share.size > 1 else [0, order.size]
    for h, sheets in enumerate(wanted):
        here = order[edges[h] : edges[h + 1]]
        rows, chance, tried = _answered(people, here, int(sheets), mode, month, settings, all_answer)
        asked += tried
        found.append(rows)
        odds.append(chance)
        size = float(people.weight[here].sum())
        weights.append(np.full(rows.size, size / max(rows.size, 1) if of.weighted else 1.0))
    return Sample(
        np.concatenate(found),
        np.concatenate(weights),
        np.concatenate(odds),
        mode,
        asked,
        float(people.weight[order].sum()),
        of.weighted,
    )


def _answered(
    people: Respondents, here: np.ndarray, n: int, mode: str, month: int, settings: Answering, all_answer: bool
) -> tuple[np.ndarray, np.ndarray, int]:
    """The first `n` of `here` who answer, with their chances, and how many had to be asked."""
    taken: list[np.ndarray] = []
    chance: list[np.ndarray] = []
    asked = 0
    for rows in _rounds(here, n):
        odds = np.ones(rows.size) if all_answer else chances(people, rows, mode, settings)
        yes = np.flatnonzero(draws(people.seed, RESPONDS, month, people.uid[rows])[0] < odds)
        short = n - sum(rows.size for rows in taken)
        taken.append(rows[yes[:short]])
        chance.append(odds[yes[:short]])
        if yes.size >= short:
            asked += int(yes[short - 1]) + 1 if short else 0
            break
        asked += rows.size
    none = np.empty(0, np.int64)
    return np.concatenate([none, *taken]), np.concatenate([np.empty(0), *chance]), asked


def _rounds(here: np.ndarray, n: int) -> Iterator[np.ndarray]:
    """Rounds of people, in order, each larger than the one before."""
    start, size = 0, max(2 * n, LEAST)
    while start < here.size and n > 0:
        yield here[start : start + size]
        start, size = start + size, 2 * size


def _shared_out(n: int, share: np.ndarray) -> np.ndarray:
    """`n` sheets over strata by their shares, whole numbers by largest remainder, int64 (strata,)."""
    exact = n * share / share.sum()
    whole = np.floor(exact).astype(np.int64)
    rest = np.argsort(-(exact - whole), kind="stable")[: n - int(whole.sum())]
    whole[rest] += 1
    return whole
