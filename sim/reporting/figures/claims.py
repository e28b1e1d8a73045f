"""What figures' titles say of arms, in one place: who differs surely, and what is only seen.

`judged` speaks of a headline KPI and calls clear what `Board.sure` calls sure, and nothing else. `seen` speaks of any
other quantity: it says who is highest and lowest in the means that its figure shows and that nobody tests them. A title
about arms is made here; tests/test_claims.py holds every one against the tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from sim import phrases
from sim.phrases import quoted
from sim.reporting.figures import style
from sim.reporting.figures.board import Board, Contrast

LOOKING = "means, for looking"  # of what is no headline figure
ALIKE = 1e-9  # relative: means that differ by less are the same


@dataclass(frozen=True)
class Wish:
    """A headline KPI in a title: its name, how a signed difference is written, and which way is better."""

    kpi: str
    thing: str
    shown: Callable[[float], str]
    less: bool = False  # less of it is better

    @property
    def better(self) -> str:
        return "lower" if self.less else "raise"

    @property
    def worse(self) -> str:
        return "raise" if self.less else "lower"


def judged(board: Board, wish: Wish) -> str:
    """A title about a headline KPI: whom its figure shows to differ surely, the wished way first, and how far."""
    shown = slice(0, style.MOST_ARMS - 1)
    difference, sure = board.gaps(wish.kpi)[shown, 0], board.sure(wish.kpi)[shown]
    if not np.isfinite(difference).any():
        return f"{wish.thing[0].upper()}{wish.thing[1:]}, arm by arm"
    if len(board.seeds) == 1:
        signs = [board.mark(place + 1, wish.kpi) for place in range(len(difference))]
        return _range(board, difference, wish.thing, wish.shown, "one seed", signs)
    good = difference < 0 if wish.less else difference > 0
    which = _which(board)
    better, worse = np.flatnonzero(sure & good), np.flatnonzero(sure & ~good)
    if not better.size and not worse.size:
        return f"No arm{which}'s {wish.thing} differs clearly from that of {quoted(board.reference)}"
    clauses = [
        _moved(board, wish, difference, places, verb)
        for places, verb in ((better, wish.better), (worse, wish.worse))
        if places.size
    ]
    if not better.size:
        clauses.insert(0, f"no arm{which} {wish.better}s {wish.thing} clearly")
    text = "; ".join(clauses) + _beyond(board, wish, difference, sure, better)
    return text[0].upper() + text[1:]


def _moved(board: Board, wish: Wish, difference: np.ndarray, places: np.ndarray, verb: str) -> str:
    """ "2 of 5 arms raise profit clearly, “a” furthest: +2 m against “nothing”" """
    furthest = places[np.argmax(np.abs(difference[places]))]
    name, far = quoted(board.arms[furthest + 1]), _far(board, wish, difference, int(furthest))
    if len(places) == 1:
        return f"{name} {verb}s {wish.thing} clearly: {far} against {quoted(board.reference)}"
    whole = len(difference)
    many = f"all {whole}" if len(places) == whole else f"{len(places)} of {whole}"
    return (
        f"{many} arms{_which(board)} {verb} {wish.thing} clearly, {name} furthest: {far} against "
        f"{quoted(board.reference)}"
    )


def _beyond(board: Board, wish: Wish, difference: np.ndarray, sure: np.ndarray, better: np.ndarray) -> str:
    """Who has a better mean than all that are sure, so that a panel with a line above the named one is no surprise."""
    side = -1.0 if wish.less else 1.0
    most = max((side * float(difference[place]) for place in better), default=0.0)
    further = np.where(sure, -np.inf, np.nan_to_num(side * difference, nan=-np.inf))
    place = int(np.argmax(further))
    if not further[place] > most:
        return ""
    return f"; {quoted(board.arms[place + 1])} is at {_far(board, wish, difference, place)}, not clear"


def _far(board: Board, wish: Wish, difference: np.ndarray, place: int) -> str:
    """A difference as written, with its mark."""
    return wish.shown(float(difference[place])) + board.mark(place + 1, wish.kpi)


def seen(board: Board, found: Sequence[Contrast], thing: str, shown: Callable[[float], str]) -> str:
    """A title about means that nobody tests: the lowest and the highest arm in the figure, against the reference."""
    difference = np.full(len(board.arms) - 1, np.nan)
    for one in found:
        difference[one.arm - 1] = one.difference
    difference = difference[: style.MOST_ARMS - 1]
    return _range(board, difference, thing, shown, "one seed" if len(board.seeds) == 1 else LOOKING)


def _range(
    board: Board, difference: np.ndarray, thing: str, shown: Callable[[float], str], how: str, signs: Sequence[str] = ()
) -> str:
    """`signs` mark the arms' differences."""
    head, against = f"{thing[0].upper()}{thing[1:]}", f"against {quoted(board.reference)}"
    known = np.flatnonzero(np.isfinite(difference))
    if not known.size:
        return f"{head}, arm by arm"
    if not difference[known].any():
        return f"{head} is the same in all arms{_which(board)} ({how})"
    low, high = known[np.argmin(difference[known])], known[np.argmax(difference[known])]
    signs = signs or [""] * len(difference)
    least, most = (shown(float(difference[place])) + signs[place] for place in (low, high))
    first, last = (quoted(board.arms[place + 1]) for place in (low, high))
    if least == most:
        who = first if len(known) == 1 else f"all arms{_which(board)}"
        return f"{head} {against}: {who} {most} ({how})"
    return f"{head} {against}: from {least} under {first} to {most} under {last}{_which(board)} ({how})"


def _which(board: Board) -> str:
    return " shown" if len(board.arms) > style.MOST_ARMS else ""


def listed(names: Sequence[str], most: int = 3) -> str:
    """ "“a”, “b” and “c”", or how many there are."""
    if len(names) > most:
        return f"{len(names)} arms"
    return phrases.listed([quoted(name) for name in names])


def highest(values: Sequence[float]) -> list[int]:
    """Places of the highest value and of those that equal it but for rounding; none if there is none."""
    finite = [place for place, value in enumerate(values) if np.isfinite(value)]
    if not finite:
        return []
    top = max(values[place] for place in finite)
    return [place for place in finite if values[place] >= top - ALIKE * abs(top)]
