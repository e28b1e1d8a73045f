"""The first page for a board: question, answer, how sure, what to do next, what to find out first.

All of it from numbers that the run has: the verdict of the arm worth most, its worlds, and what knowing is worth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.phrases import quoted
from sim.reporting.figures import Board, units
from sim.reporting.run.key_figures import Figure, KeyFigures
from sim.reporting.run.verdicts import (
    LATER,
    MOST_SEEDS,
    NOTHING,
    ONE_SEED,
    PAYS,
    PAYS_NOT,
    UNCLEAR,
    Verdict,
    verdicts,
)
from sim.reporting.summary import Summary
from sim.words import said

if TYPE_CHECKING:
    from sim.reporting.run.beliefs import UnderBeliefs

WORDS = {
    PAYS: "report.verdict.pays",
    LATER: "report.verdict.later",
    PAYS_NOT: "report.verdict.not",
    UNCLEAR: "report.verdict.unclear",
    NOTHING: "report.verdict.nothing",
    ONE_SEED: "report.verdict.one_seed",
}
ROBUST = 0.75  # share of worlds from which an arm may be taken further
MOST_MORE = 100  # seeds that somebody is sent to run: a difference that needs more is too small to matter
MOST_TOLD = 3  # sentences on what to find out: the page has one sheet


def summary(
    question: str, figures: KeyFigures, board: Board, beliefs: UnderBeliefs | None, told: Sequence[str]
) -> Summary:
    """The summary of a run; `told` is what is said of the reference, which answers where there is one arm."""
    found = verdicts(figures) if not board.one_arm else []
    if not found:
        return Summary(
            question or said("report.summary.what_becomes"),
            told[:3],
            [_luck_alone(board), said("report.summary.no_beliefs"), said("report.summary.if_right")],
            [said("report.summary.add_arms")],
            [said("report.summary.ask_beliefs")],
        )
    best = max(found, key=_rank)
    share = _share(beliefs, best.arm)
    return Summary(
        question=question or said("report.summary.which_pays", count=len(found), reference=quoted(board.reference)),
        answer=_answer(best, found, board),
        sure=[*_luck(best, board), *_worlds(beliefs, best, share), said("report.summary.if_right")],
        next=[*_next(best, found, share, board), *_pilot(beliefs)],
        first=_first(beliefs),
    )


def _rank(one: Verdict) -> tuple[bool, float]:
    """Arms that pay first, each by what it is worth."""
    worth = one.decides.value if one.decides is not None else math.nan
    return one.word in (PAYS, LATER), -math.inf if math.isnan(worth) else worth


def _share(beliefs: UnderBeliefs | None, arm: str) -> float:
    """The share of worlds in which an arm pays; NaN where no worlds were lived."""
    return next((row.share for row in beliefs.rows if row.arm == arm), math.nan) if beliefs else math.nan


def _answer(best: Verdict, found: Sequence[Verdict], board: Board) -> list[str]:
    pays = sum(one.word in (PAYS, LATER) for one in found)
    given = {"arm": quoted(best.arm), "reference": quoted(board.reference), "word": said(WORDS[best.word])}
    worth = _worth(best.decides, board.currency)
    key = "best" if pays else "none"
    lines = [said(f"report.summary.{key}", worth=worth, **given) if worth else said("report.summary.unknown", **given)]
    if pays and len(found) > 1:
        lines.append(said("report.summary.count", pays=pays, count=len(found)))
    return lines


def _worth(figure: Figure | None, currency: str) -> str:
    if figure is None or math.isnan(figure.value):
        return ""
    value = units.money(figure.value, currency, sign=True)
    if math.isnan(figure.half) or not figure.half > 0:
        return value
    return said("report.summary.interval", value=value, half=units.money(figure.half, currency))


def _luck_alone(board: Board) -> str:
    seeds = len(board.seeds)
    return said("report.summary.one_seed") if seeds == 1 else said("report.summary.seeds", seeds=seeds)


def _luck(best: Verdict, board: Board) -> list[str]:
    figure = best.decides
    if len(board.seeds) == 1 or figure is None or math.isnan(figure.half):
        return [said("report.summary.one_seed")]
    key = "report.summary.luck_clear" if figure.sure else "report.summary.luck_unclear"
    return [said(key, seeds=figure.seeds, p=units.p_text(figure.p))]


def _worlds(beliefs: UnderBeliefs | None, best: Verdict, share: float) -> list[str]:
    if beliefs is None or math.isnan(share):
        return [said("report.summary.no_beliefs")]
    pays = round(share * beliefs.worlds)
    return [said("report.summary.beliefs", arm=quoted(best.arm), pays=pays, worlds=beliefs.worlds)]


def _next(best: Verdict, found: Sequence[Verdict], share: float, board: Board) -> list[str]:
    given = {"arm": quoted(best.arm), "reference": quoted(board.reference)}
    if best.word == ONE_SEED:
        key = "more_seeds"
    elif best.word in (PAYS, LATER):
        key = "take" if share >= ROBUST else "try_beliefs" if math.isnan(share) else "wait"
    elif best.word == UNCLEAR and best.more_seeds is not None and best.more_seeds <= MOST_MORE:
        return [said("report.summary.tell", seeds=len(board.seeds) + best.more_seeds, more=best.more_seeds, **given)]
    elif all(one.word == PAYS_NOT for one in found):
        key = "stay"
    else:
        return [said("report.summary.alike", seeds=f"{best.more_seeds or MOST_SEEDS:,}", **given)]
    return [said(f"report.summary.{key}", **given)]


def _pilot(beliefs: UnderBeliefs | None) -> list[str]:
    """The pilot that pays best, where one does."""
    worth = beliefs.worth if beliefs else None
    pays: Any = worth is not None and len(worth.pilots) and worth.pilots["pays"].astype(bool).any()
    return beliefs.pilots[:1] if beliefs and pays else []


def _first(beliefs: UnderBeliefs | None) -> list[str]:
    if beliefs is None:
        return [said("report.summary.ask_beliefs")]
    return (beliefs.knowing or beliefs.turns)[:MOST_TOLD]
