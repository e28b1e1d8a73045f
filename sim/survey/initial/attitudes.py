"""Answers and a bank's pyramid to attitudes of its customers, with how sure each is: the whole of the way.

Nothing here reads a file or a scenario: answers, links and the bank's ages and tiers come in, columns go out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import betaincinv, ndtr

from sim.errors import BadInput, Mistake
from sim.phrases import counted
from sim.survey.analysis.moments import proper
from sim.survey.initial.joint import Joint
from sim.survey.initial.links import TARGETS, Link, Links
from sim.survey.initial.normal import Cut, correlations, cut
from sim.survey.initial.raking import Raked, raked
from sim.survey.initial.scores import FEWEST, MOST_TRUE, Scored, Scoring, scored
from sim.survey.initial.strata import Pyramid, Stratum, margin, strata, words_of
from sim.survey.sheets import Sheets

YES = ("1", "1.0", "yes", "y", "true", "是", "有", "ja", "si", "sí")
NO = ("0", "0.0", "no", "n", "false", "否", "无", "nein")
TWICE = 2.0  # standard errors of a range that is carried on


@dataclass(frozen=True)
class Affinity:
    """Mean and spread of digital affinity, of a beta law (`model.adoption`)."""

    mean: float
    sd: float

    def quantile(self, share: np.ndarray) -> np.ndarray:
        """Affinity at shares of the population, float64 (n,)."""
        precision = max(self.mean * (1.0 - self.mean) / self.sd**2 - 1.0, 0.1)
        return betaincinv(self.mean * precision, (1.0 - self.mean) * precision, share)


@dataclass(frozen=True)
class Known:
    """One column out of answers: the construct it is, its mean with standard error (both in its unit), reliability."""

    column: str
    measured: str
    mean: float
    error: float
    reliability: float
    effective: float


@dataclass(frozen=True)
class Attitudes:
    """What answers say of a bank's customers.

    `columns` float64 (customers,) by name of the book's column; `known` how sure they are; `joint` what they were drawn
    from, `scores` of all constructs that have any; `raked` the weights; `notes` what was done otherwise than asked.
    """

    columns: Mapping[str, np.ndarray]
    known: Sequence[Known]
    joint: Joint
    scores: Scored
    raked: Raked
    effective: float
    links: Links
    notes: tuple[str, ...]


def attitudes(
    sheets: Sheets,
    links: Links,
    bank: Pyramid,
    affinity: Affinity,
    *,
    scoring: Scoring | None = None,
    behind: float | None = None,
) -> Attitudes:
    """Attitudes of every customer of a bank out of answers; raises BadInput with all that is wrong with them.

    `behind` are the sheets that answers stand for where they were drawn from published marginals.
    """
    scoring = scoring or Scoring()
    file = sheets.file or "answers"
    linked = {name: link for name, link in links.links.items() if link.target.who == "customers"}
    columns = {name: link for name, link in linked.items() if link.target.form == "column"}
    constructs = sheets.instrument.constructs
    facts = {name for name, link in columns.items() if link.to == "digital_active"}
    asked = {one.code for one in sheets.instrument.demographics if one.code in sheets.table}
    mistakes = [
        Mistake(file, 0, 0, name, "is linked and not in the answers; a construct of the instrument")
        for name in linked
        if name not in constructs and not (name in facts and name in asked)
    ]
    if not columns:
        said = f"a construct for one of {', '.join(name for name, one in TARGETS.items() if one.form == 'column')}"
        mistakes.append(Mistake(file, 0, 0, "", f"no construct is linked to a column of the customer book; {said}"))
    if len(sheets.table) < FEWEST:
        mistakes.append(Mistake(file, 0, 0, "", f"{counted(len(sheets.table), 'sheet')}; at least {FEWEST}"))
    if mistakes:
        raise BadInput(mistakes)
    drawn = [name for name in columns if name in constructs]
    plain = raked([], sheets.weights)  # as they came, cut where a sheet would speak for many
    others = [name for name in constructs if name not in drawn and sheets.instrument.items_of(name)]
    scores, wrong = scored(sheets, [*drawn, *others], scoring, plain.weights)
    about = {
        name: {name, *(item.code for item in sheets.instrument.items if item.measures == name)} for name in constructs
    }
    serious = [one for one in wrong if any(one.path in about[name] for name in drawn)]
    if serious:
        raise BadInput(serious)
    traits = strata(sheets, bank)
    weighed = raked([margin(one, plain.weights) for one in traits], plain.weights)
    effective = weighed.effective * (behind / len(sheets.table) if behind else 1.0)
    users = {name: _yes_or_no(sheets, name) for name in facts}
    joint = _joint(drawn, scores, traits, users, weighed.weights)
    known_of_bank = np.column_stack([_scores_of(one) for one in traits]) if traits else np.empty((bank.age.size, 0))
    uid = np.arange(1, bank.age.size + 1, dtype=np.uint64)
    believed = joint.draw(known_of_bank, uid)
    found, known = {}, []
    for j, name in enumerate(joint.drawn):
        link, reliability = columns[name], float(joint.reliability[j])
        values = believed[:, j]
        if link.to == "digital_active":
            share = _share(users[name], weighed.weights)
            found[link.to] = (ndtr(values) > 1.0 - share).astype(float)
            error = float(np.sqrt(share * (1.0 - share) / effective))
        elif link.to == "digital_affinity":
            found[link.to] = affinity.quantile(ndtr(link.steep * values + link.shift))
            error = affinity.sd * link.steep * float(joint.sd[j] / np.sqrt(effective))
        else:
            found[link.to] = np.clip(link.steep * values + link.shift, -6.0, 6.0)
            error = link.steep * float(joint.sd[j] / np.sqrt(effective))
        known.append(Known(link.to, name, float(found[link.to].mean()), error, reliability, effective))
    notes = [note for one in traits for note in one.notes]
    notes += [f"{one.path}: {one.message}; nothing is begun by it" for one in wrong]
    notes.append(_matched(traits, weighed, effective))
    return Attitudes(found, known, joint, scores, weighed, effective, links, tuple(notes))


def beyond(sheets: Sheets, name: str) -> tuple[float, float, float, float]:
    """Of a construct's mean answer, weighted: SD past the middle of the scale, its standard error, the mean as a share
    of the scale's range and that share's standard error."""
    codes = [item.code for item in sheets.instrument.items_of(name) if item.code in sheets.table]
    answers = sheets.answers(codes)
    shares = np.column_stack(
        [
            (answers[code].to_numpy(np.float64) - scale.first) / (scale.last - scale.first)
            for code in codes
            for scale in [sheets.instrument.scale_of(code)]
        ]
    )
    there = ~np.isnan(shares)
    some = there.any(axis=1)
    each = np.where(there, shares, 0.0).sum(axis=1)[some] / there.sum(axis=1)[some]
    w = sheets.weights[some]
    mean = float(w @ each / w.sum())
    sd = float(np.sqrt(w @ (each - mean) ** 2 / w.sum()))
    root = float(np.sqrt(w.sum() ** 2 / (w**2).sum()))
    if sd == 0.0:
        raise BadInput.at(sheets.file or "answers", "everybody answers alike; no link to it", path=name)
    return (mean - 0.5) / sd, 1.0 / root, mean, sd / root


def _joint(
    drawn: Sequence[str],
    scores: Scored,
    traits: Sequence[Stratum],
    users: Mapping[str, np.ndarray],
    weights: np.ndarray,
) -> Joint:
    """What is drawn, from the scores of those who answered as the bank's pyramid weighs them."""
    given = [_cut_of(one).of(np.where(one.sheets >= 0, one.sheets, np.nan)) for one in traits]
    spreads = [1.0] * len(traits)  # bands are known of customers as they are, nothing behind them
    z = scores.z[:, [scores.names.index(name) for name in drawn]] if drawn else np.empty((weights.size, 0))
    mean = np.array([_mean(z[:, j], weights) for j in range(z.shape[1])])
    sd = np.array([np.sqrt(_mean((z[:, j] - mean[j]) ** 2, weights)) for j in range(z.shape[1])])
    reliability = np.array([scores.reliability[scores.names.index(name)] for name in drawn])
    yes: list[np.ndarray] = []
    for values in users.values():
        its = cut(values, weights)
        yes.append(its.of(values))
        mean, sd, reliability = np.append(mean, 0.0), np.append(sd, 1.0), np.append(reliability, 1.0)
    table = np.column_stack([*given, z, *yes]) if given or yes or z.size else z
    spread = np.array(
        [*spreads, *np.sqrt(reliability[: len(drawn)]), *(cut(v, weights).spread for v in users.values())]
    )
    found = correlations(table, weights) / np.outer(spread, spread)
    found = np.clip(found, -MOST_TRUE, MOST_TRUE)
    k = len(traits)
    if k:  # of the bank, not of the sample: customers' own age and tier are what is given
        found[:k, :k] = correlations(np.column_stack([_scores_of(one) for one in traits]), np.ones(traits[0].bank.size))
    np.fill_diagonal(found, 1.0)
    names = (*drawn, *users)
    return Joint(tuple(one.name for one in traits), names, proper(found)[0], mean, sd, reliability)


def _cut_of(one: Stratum) -> Cut:
    """The bank's shares of a trait's cells, as an ordered variable."""
    return cut(one.bank.astype(np.float64), np.ones(one.bank.size), list(range(len(one.words))))


def _scores_of(one: Stratum) -> np.ndarray:
    """Standard scores of a trait of the bank's customers, float64 (customers,)."""
    its = _cut_of(one)
    return its.of(one.bank.astype(np.float64)) / max(its.spread, 1e-9)


def _mean(values: np.ndarray, weights: np.ndarray) -> float:
    there = ~np.isnan(values)
    return float(weights[there] @ values[there] / weights[there].sum())


def _share(yes: np.ndarray, weights: np.ndarray) -> float:
    return _mean(yes, weights)


def _yes_or_no(sheets: Sheets, code: str) -> np.ndarray:
    """A fact of yes and no, float64 (sheets,) 1 and 0, NaN where nothing is said."""
    said = [str(word).strip().casefold() for word in words_of(sheets, code)]
    found = np.array([1.0 if word in YES else 0.0 if word in NO else np.nan for word in said])
    wrong = [i for i, word in enumerate(said) if word and word not in YES and word not in NO]
    if wrong:
        what = f"{said[wrong[0]]!r} is neither yes nor no"
        raise BadInput.at(sheets.file or "answers", what, line=wrong[0] + 2, column=1, path=code)
    if np.unique(found[~np.isnan(found)]).size < 2:
        raise BadInput.at(sheets.file or "answers", "everybody answers alike; no link to it", path=code)
    return found


def _matched(traits: Sequence[Stratum], weighed: Raked, effective: float) -> str:
    """What the sample was weighted to, and what that cost."""
    if not traits:
        return "the answers say neither age nor tier of anybody, so they are not weighted to the bank's pyramid"
    names = " and ".join(one.name for one in traits)
    text = f"weighted to the bank's {names}: worth {effective:.0f} sheets"
    if weighed.trimmed:
        text += f", {counted(weighed.trimmed, 'weight')} cut, a share up to {100 * weighed.left:.1f} points off"
    if len(traits) == 1:
        text += "; the answers say nothing else of who it was that the bank knows"
    return text


def linked_numbers(links: Links) -> dict[str, Link]:
    """Links to numbers of the scenario, by construct."""
    return {name: link for name, link in links.links.items() if link.target.form != "column"}
