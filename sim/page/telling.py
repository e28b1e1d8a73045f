"""What the page says in sentences: a customer's life in both arms, and what it would be worth to know."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from sim.page.lives import Event, Life
from sim.page.numbers import money
from sim.page.worth import Known
from sim.reporting.figures.units import GAP, MISSING, PLUS_MINUS, number
from sim.words import Words

TOLD = 4  # events that a summary has, the last ones before the end
LEADING = ("called", "contacted", "held", "welcomed", "failed", "complained", "opted_out", "bought", "app")
ROWS = 12  # assumptions in the table of what to find out


def event(words: Words, one: Event, tiers: Sequence[str]) -> str:
    """What happened, in words: called by the manager (phone), moved up to wealth."""
    if one.what in ("called", "contacted"):
        return words(f"page.event.{one.what}", channel=words(f"page.channel.{one.of}") if one.of else MISSING)
    if one.what in ("up", "down"):
        return words(f"page.event.{one.what}", tier=tiers[int(one.of)])
    return words(f"page.event.{one.what}")


def apart(life: Life) -> tuple[set[Event], set[Event]]:
    """Events that one arm has and the other has not."""
    first, second = (set(events) for events in life.events)
    return first - second, second - first


def summary(words: Words, life: Life, tiers: Sequence[str], names: Sequence[str]) -> str:
    """A life in a sentence: what set the arm apart and how it ended there, and how it ended in the reference."""
    ends = [_end(words, life, arm) for arm in (0, 1)]
    only = apart(life)
    if not only[0] and not only[1]:
        return words("page.life.same", end=ends[1])
    first = min(one.month for one in (*only[0], *only[1]))
    told = [
        words("page.life.in_month", what=event(words, one, tiers), month=one.month)
        for one in sorted(only[1], key=lambda one: one.month)
        if one.what in LEADING
    ][:TOLD]
    listed = words("page.life.comma").join(told) if told else words("page.life.otherwise", month=first)
    return words("page.life.both", arm=names[1], reference=names[0], listed=listed, end=ends[1], other=ends[0])


def _end(words: Words, life: Life, arm: int) -> str:
    """How a life ended in an arm, and in which month."""
    fate = life.fates[arm]
    what = {"closed": "closed", "dormant": "dormant"}.get(fate)
    months = [one.month for one in life.events[arm] if one.what == what]
    return words(f"page.life.{fate}", month=months[-1] if months else 0)


def knowing(words: Words, known: Known, arm: Callable[[str], str], currency: str) -> list[str]:
    """What knowing everything would be worth, and how many assumptions can be told apart."""
    t = known.worth.total.iloc[0]
    best, share = arm(str(t["best"])), number(100 * float(t["chance_best"]))
    said = [words("page.knowing.best", best=best, share=share, worlds=known.worlds)]
    if t["evpi"] > 0:
        worth = f"{money(words, t['evpi'], currency)} {PLUS_MINUS}{GAP}{money(words, t['evpi_se'], currency)}"
        said.append(words("page.knowing.all", worth=worth))
    else:
        said.append(words("page.knowing.nothing"))
    clear = int((known.worth.parts["clear"] & (known.worth.parts["evppi"] > 0)).sum())
    said.append(words("page.knowing.each" if clear else "page.knowing.none", many=clear))
    return said


def parts(
    words: Words, known: Known, named: Callable[[str], str], arm: Callable[[str], str], currency: str
) -> list[dict[str, Any]]:
    """A row an assumption, those worth most first: what it is, what knowing it is worth, and where the choice turns."""
    rows = []
    for one in known.worth.parts.head(ROWS).to_dict("records"):
        turns = float(one["turns_at"]) if isinstance(one["turns_at"], int | float) else math.nan
        low, high = arm(str(one["best_low"])), arm(str(one["best_high"]))
        way = words("page.knowing.always", best=low) if low == high else ""
        if math.isfinite(turns) and low != high:
            way = words("page.knowing.turns_at", at=f"{turns:.3g}", low=low, high=high)
        rows.append(
            {
                "name": named(str(one["parameter"])),
                "worth": money(words, one["evppi"], currency) if one["clear"] else words("page.knowing.unclear"),
                "most": money(words, one["at_most"], currency),
                "turns": way,
            }
        )
    return rows
