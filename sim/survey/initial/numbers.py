"""Numbers of a scenario out of answers: how far a mean is past the middle of its scale, and what that does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sim.errors import BadInput, Mistake
from sim.phrases import counted
from sim.survey.initial.attitudes import TWICE, beyond, linked_numbers
from sim.survey.initial.links import Link, Links, number
from sim.survey.initial.scores import FEWEST
from sim.survey.sheets import Sheets

POINTS = 5.0  # of the scale of digital skill


@dataclass(frozen=True)
class Number:
    """One number of the scenario, by its path: its `value` out of answers in place of `before`, and the range of it.

    The range holds two standard errors of the answers and all slopes that are plausible.
    """

    path: str
    measured: str
    before: float
    value: float
    low: float
    high: float
    source: str


def numbers(sheets: Sheets, links: Links, before: Mapping[str, float], spread: float) -> list[Number]:
    """What linked constructs of some answers make of the scenario's numbers, `before` by path.

    `spread` is that of digital skill between managers. Raises BadInput where a construct was not answered.
    """
    file = sheets.file or "answers"
    linked = linked_numbers(links)
    mistakes = [
        Mistake(file, 0, 0, name, "is linked and not in the answers; a construct of the instrument")
        for name in linked
        if not any(item.code in sheets.table for item in sheets.instrument.items if item.measures == name)
    ]
    if linked and len(sheets.table) < FEWEST:
        mistakes.append(Mistake(file, 0, 0, "", f"{counted(len(sheets.table), 'sheet')}; at least {FEWEST}"))
    if mistakes:
        raise BadInput(mistakes)
    return [one for name, link in linked.items() for one in _of(sheets, name, link, before, spread)]


def _of(sheets: Sheets, name: str, link: Link, before: Mapping[str, float], spread: float) -> Iterator[Number]:
    past, past_error, share, share_error = beyond(sheets, name)
    target = link.target
    slopes = {link.steep, target.low, target.high} if link.slope is None else {link.steep}
    for path in target.paths:
        found = []
        for steep in (link.steep, *sorted(slopes)):
            for away in (0.0, -TWICE, TWICE):
                level = 1.0 + (POINTS - 1.0) * min(max(share + away * share_error, 0.0), 1.0)
                given = level if target.form == "level" else before[path]
                value = number(link, given, past + away * past_error, slope=steep, sd=spread)
                found.append(min(max(value, 1.0), POINTS) if target.form == "level" else value)
        yield Number(path, name, before[path], found[0], min(found), max(found), target.source)
