"""From items to construct scores: one factor a construct, scores weighted by it, and how far a score can be believed.

Items are scored by `normal`: an answer is the mean of the latent answers it stands for. A construct's score is the sum
of its items' scores, each weighted by loading over what the factor leaves of it, which is as reliable as a weighted sum
can be; its reliability is that of this sum under one factor (McDonald's omega of it). Scores are then spread to a
normal shape by their ranks, so that nothing but the order of sheets counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from sim.assumptions import Settings, assumption
from sim.errors import Mistake
from sim.survey.analysis.moments import proper
from sim.survey.analysis.reliability import omega_of, one_factor
from sim.survey.initial.normal import Cut, correlations, cut
from sim.survey.sheets import Sheets

LEAST_LOADING = 0.01
STEEPEST = 0.985  # no loading is taken above: an item that were its construct itself
LEAST_ANSWERED = 0.5  # share of a construct's items that a sheet must answer to have a score
MOST_TRUE = 0.98  # no two constructs are taken to go together more closely
LEAST_RELIABLE = 0.3  # a score below this says next to nothing of anybody
FEWEST = 30  # sheets below which nothing is estimated


class Scoring(Settings):
    """What scores need and answers do not say."""

    single: float = assumption(
        0.7, "reliability", plausible=(0.5, 0.85), allowed=(0.05, 1), source="memory: Wanous & Reichers 1996"
    )
    """reliability of a construct with one item, which the item itself cannot tell"""
    within: float = assumption(0.75, "loading", plausible=(0.5, 0.85), allowed=(0.1, 0.98), source="SPEC 8.2")
    """loading of an item where only marginals are published"""
    between: float = assumption(0.6, "correlation", plausible=(0.3, 0.8), allowed=(-0.95, 0.95), source="assumption")
    """correlation of two constructs where only marginals are published"""
    published: int = assumption(400, "sheets", plausible=(300, 800), allowed=(30, 1_000_000), source="SPEC 8.2")
    """sheets behind published marginals that do not say how many"""


@dataclass(frozen=True)
class Scored:
    """Constructs of some sheets.

    `z` float64 (sheets, constructs) are scores of mean 0 and variance 1 over the sheets, NaN where there is none;
    `reliability` by construct; `loading` of the latent answer of each item on its construct, and its `cuts`.
    `latent` are correlations of the constructs themselves, float64 (constructs, constructs): of the scores, over the
    roots of both reliabilities.
    """

    names: tuple[str, ...]
    z: np.ndarray
    reliability: np.ndarray
    loading: Mapping[str, float]
    cuts: Mapping[str, Cut]
    latent: np.ndarray


def weights_of(loading: np.ndarray) -> np.ndarray:
    """Weight of each item in its construct's score: loading over what the factor leaves of it."""
    return loading / np.maximum(1.0 - loading**2, 1.0 - STEEPEST**2)


def alike_reliability(between: np.ndarray) -> float:
    """Reliability of a plain sum of standardised items by their correlations (k, k); below 0 where they go apart."""
    k, r = between.shape[0], _mean_of(between)
    return k * r / max(1.0 + (k - 1.0) * r, 1e-9)


def _mean_of(between: np.ndarray) -> float:
    k = between.shape[0]
    return float((between.sum() - k) / (k * (k - 1)))


def normalised(score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Scores spread to a standard normal shape by their weighted mid-ranks, float64 (n,); NaN stay."""
    known = ~np.isnan(score)
    found = np.full(score.size, np.nan)
    if not known.any():
        return found
    values, place = np.unique(np.round(score[known], 10), return_inverse=True)
    mass = np.bincount(place, weights=weights[known], minlength=values.size)
    share = mass / mass.sum()
    z = ndtri(np.cumsum(share) - 0.5 * share)
    z -= share @ z
    sd = np.sqrt(share @ z**2)
    found[known] = (z / sd if sd > 0 else z)[place]
    return found


def scored(sheets: Sheets, names: Sequence[str], scoring: Scoring, weights: np.ndarray) -> tuple[Scored, list[Mistake]]:
    """The scores of some constructs and all that is wrong with their items; `weights` are those of the sheets."""
    answers = sheets.answers()
    mistakes: list[Mistake] = []
    z, reliability = [], []
    loadings: dict[str, float] = {}
    cuts: dict[str, Cut] = {}

    def wrong(place: str, message: str) -> None:
        mistakes.append(Mistake(sheets.file or "answers", 0, 0, place, message))

    for name in names:
        asked = sheets.instrument.items_of(name) or sheets.instrument.items_of(name, "expectation")
        codes = [item.code for item in asked if item.code in answers]
        given = answers[codes].to_numpy(np.float64) if codes else np.empty((len(answers), 0))
        alike = [code for j, code in enumerate(codes) if np.unique(given[~np.isnan(given[:, j]), j]).size < 2]
        if not codes or alike == codes:
            wrong(name, "no answers that differ; a construct that says something of people, or no link to it")
            z.append(np.zeros(len(answers)))
            reliability.append(1.0)
            continue
        for code in alike:
            wrong(code, f"everybody answers alike; leave the item out of {name}")
        kept = [j for j, code in enumerate(codes) if code not in alike]
        own = [cut(given[:, j], weights, sheets.instrument.scale_of(codes[j]).points) for j in kept]
        known = [codes[j] for j in kept]
        score = np.column_stack([one.of(given[:, j]) / one.spread for one, j in zip(own, kept, strict=True)])
        cuts |= dict(zip(known, own, strict=True))
        if len(kept) == 1:
            z.append(normalised(score[:, 0], weights))
            reliability.append(scoring.single)
            loadings[known[0]] = float(np.sqrt(scoring.single))
            continue
        between = correlations(score, weights)
        loading = _one_factor(between)
        turned = [code for code, value in zip(known, loading, strict=True) if value <= 0]
        believed = np.clip(np.abs(loading), LEAST_LOADING, STEEPEST)
        trusted = omega_of(believed, weights_of(believed))
        if turned and trusted >= LEAST_RELIABLE:
            for code in turned:
                wrong(code, f"goes against the rest of {name}; mark it reversed, or leave it out")
        elif trusted < LEAST_RELIABLE or _mean_of(between) <= 0:
            what = f"reliability {alike_reliability(between):.2f}"
            wrong(name, f"{what}: its items do not go together; other items, or no link to it")
        loading = np.clip(loading, LEAST_LOADING, STEEPEST)
        by = weights_of(loading)
        there = ~np.isnan(score)
        total = np.where(there, score, 0.0) @ by / np.where(there @ by > 0, there @ by, 1.0)
        total[there.mean(axis=1) < LEAST_ANSWERED] = np.nan
        z.append(normalised(total, weights))
        reliability.append(omega_of(loading, by))
        behind = _one_factor(_behind(between, own))
        loadings |= dict(zip(known, np.clip(behind, LEAST_LOADING, STEEPEST).tolist(), strict=True))
    table = np.column_stack(z) if z else np.empty((len(answers), 0))
    each = np.array(reliability)
    return Scored(tuple(names), table, each, loadings, cuts, true_correlations(table, each, weights)), mistakes


def _one_factor(between: np.ndarray) -> np.ndarray:
    """Loadings of one factor, 0 where there is none."""
    return np.nan_to_num(one_factor(proper(between)[0]))


def _behind(between: np.ndarray, own: Sequence[Cut]) -> np.ndarray:
    """Correlations of the latent answers, of those of their scores."""
    spread = np.array([one.spread for one in own])
    found = np.clip(between / np.outer(spread, spread), -STEEPEST, STEEPEST)
    np.fill_diagonal(found, 1.0)
    return found


def true_correlations(z: np.ndarray, reliability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Correlations of the constructs themselves: attenuation taken out, and a matrix that can be drawn from."""
    found = correlations(z, weights) / np.sqrt(np.outer(reliability, reliability))
    found = np.clip(found, -MOST_TRUE, MOST_TRUE)
    np.fill_diagonal(found, 1.0)
    return proper(found)[0] if found.size else found
