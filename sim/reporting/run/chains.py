"""How each arm is meant to work and how far each link held: the chain from action to money, for the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.measures.chain import AGAINST, HELD, LINKS, ONE_SEED, SAME, UNSEEN, chain_table
from sim.phrases import listed, quoted
from sim.reporting.figures import units

if TYPE_CHECKING:
    from sim.store.run_reading import Run

LOOKS = {HELD: ("held", "\N{CHECK MARK}"), AGAINST: ("against", "\N{MULTIPLICATION SIGN}")}
OPEN = ("open", "?")
UP, DOWN = "\N{UPWARDS ARROW}", "\N{DOWNWARDS ARROW}"
TOLD = {  # unit of a link: what it is told in, and how many of that it is
    "share": ("points", 100.0),
    "share a year": ("points a year", 100.0),
    "a customer": ("per 1,000 customers", 1000.0),
    "a customer-year": ("per 1,000 customers a year", 1000.0),
}


@dataclass(frozen=True)
class Node:
    """A link in the picture: its words, which way it was meant, difference and interval, and how it came out."""

    label: str
    meant: str
    difference: str
    interval: str
    unit: str
    word: str
    mark: str
    look: str
    broke: bool


@dataclass(frozen=True)
class Chain:
    """An arm's chain and what it comes to in a sentence."""

    arm: str
    nodes: list[Node]
    sentence: str


def chains(run: Run, comparison: pd.DataFrame | None) -> list[Chain]:
    """The chains of the arms whose strategies state one; none of a run that does not say, or of one arm."""
    if comparison is None:
        return []
    table = chain_table(run, comparison)
    found = []
    for arm in run.arms[1:]:
        rows = table[table["arm"] == arm].to_dict("records")
        nodes = [_node(row) for row in rows]
        if nodes:
            found.append(Chain(arm, nodes, _sentence(arm, rows, nodes)))
    return found


def _node(row: dict[Any, Any]) -> Node:
    link, unit = LINKS[str(row["link"])], str(row["unit"])
    told, times = TOLD.get(unit, (unit, 1.0))
    value, low, high = (float(row[name]) * times for name in ("difference", "ci_low", "ci_high"))
    divisor, word = units.scale(max((abs(x) for x in (value, low, high) if math.isfinite(x)), default=0.0))
    divisor, word = (divisor, word) if link.unit.startswith("money") else (1.0, "")
    look = units.Display(divisor, 6, "")
    text, lower, upper = look.write_difference(value, low, high)
    if word:
        currency, _, rest = unit.partition(" ")
        told = " ".join(filter(None, (currency, word, rest)))
    kind, mark = LOOKS.get(str(row["word"]), OPEN)
    return Node(
        link.label,
        f"meant {row['meant']}",
        f"{UP if value > 0 else DOWN if value < 0 else ''}{units.GAP}{text}".strip(),
        f"{lower} to {upper}" if lower else "",
        told,
        str(row["word"]),
        mark,
        kind,
        bool(row["broke"]),
    )


def _sentence(arm: str, rows: list[dict[Any, Any]], nodes: list[Node]) -> str:
    name = quoted(arm)
    if all(row["word"] == ONE_SEED for row in rows):
        return f"{name}: one seed, so nothing says which link held."
    broken = next((place for place, row in enumerate(rows) if row["broke"]), None)
    if broken is None:
        return f"{name}: every link held."
    node = nodes[broken]
    held = listed([one.label for one in nodes[:broken]])
    first = f"{held} held; the chain broke at" if held else "the chain broke at its first link,"
    how = {AGAINST: "which went the other way", UNSEEN: "of which nothing is seen", SAME: "which did not move"}
    after = [one.label for one in nodes[broken + 1 :] if one.word == HELD]
    rest = f" (behind it {listed(after)} held all the same)" if after else ""
    return f"{name}: {first} {node.label}, {how[node.word]}{rest}."
