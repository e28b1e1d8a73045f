"""Who is left unserved, in sentences and a table an arm: where wishes for a contact ended, in numbers and money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sim.codes import REACH
from sim.measures.evidence import few, few_words
from sim.measures.reach import COUNTED, KINDS, UNSERVED
from sim.phrases import listed, quoted
from sim.reporting.figures import Board, NothingToShow, units
from sim.reporting.figures.reach import ENDS, WANTED, group_names

PER = 10_000
HEADS = {"asked": "Asked of managers by strategies", "due": "Regular contacts of managers", "campaigns": "Campaigns"}
SAID = {  # ends that a sentence tells, as it tells them
    "opted_out": "went to somebody who had opted out",
    "pressure": "would have pressed somebody too hard",
    "no_hour": "found no manager hour",
    "no_capacity": "found the channel full",
    "not_reached": "did not reach the customer",
}


@dataclass(frozen=True)
class Row:
    """A group's wishes: a year's number, percent by end, and the AUM of those never spoken to in a mean month."""

    group: str
    wishes: str
    shares: tuple[str, ...]
    unserved: str
    aum: str


@dataclass(frozen=True)
class Unserved:
    """The section: sentences, heads of the ends that occur, and by arm its kinds of wishes with their rows."""

    sentences: list[str]
    heads: list[str]
    arms: list[tuple[str, list[tuple[str, list[Row]]]]]
    note: str


def unserved(board: Board) -> Unserved | None:
    """The section of a run; None of one that did not count wishes."""
    try:
        table = board.funnel
    except NothingToShow:
        return None
    ends = [end for end in REACH if (table["end"] == end).any()]
    arms = []
    for arm in board.arms:
        kinds = [(HEADS[kind], _rows(board, table, arm, kind, ends)) for kind in KINDS]
        arms.append((arm, [(head, rows) for head, rows in kinds if rows]))
    marked = any(few(float(events)) for events in table.groupby(["arm", "kind", "group"])["events"].sum())
    return Unserved(
        [text for arm in board.arms for kind in ("due", "asked") if (text := _sentence(board, table, arm, kind))],
        [ENDS[end][0] for end in ends],
        [(arm, kinds) for arm, kinds in arms if kinds],
        few_words() if marked else "",
    )


def _of(table: pd.DataFrame, arm: str, kind: str, group: str) -> pd.DataFrame:
    return table[(table["arm"] == arm) & (table["kind"] == kind) & (table["group"] == group)].set_index("end")


def _rows(board: Board, table: pd.DataFrame, arm: str, kind: str, ends: Sequence[str]) -> list[Row]:
    rows = []
    for group, name in group_names(board):
        own = _of(table, arm, kind, group)[list(COUNTED)].reindex(list(ends)).fillna(0.0)
        whole = float(own["customers"].sum())
        if whole > 0:
            lost = own.loc[[end for end in ends if end in UNSERVED]]
            rows.append(
                Row(
                    name,
                    units.short(whole) + few(float(own["events"].sum())),
                    tuple(units.number(100 * float(share), 1) for share in own["share"]),
                    units.short(float(lost["customers"].sum())),
                    units.money(float(lost["aum"].sum()) / 12, board.currency),
                )
            )
    return rows


def _sentence(board: Board, table: pd.DataFrame, arm: str, kind: str) -> str:
    """ "Of every 10,000 contacts that “a” asked of managers, 6,400 found no manager hour and ..." """
    if kind == "due" and arm != board.reference:
        return ""
    own = _of(table, arm, kind, "all")
    if own.empty:
        return ""
    parts = [
        f"{units.number(PER * float(own.loc[end, 'share']))} {words}"  # type: ignore[arg-type]
        for end, words in SAID.items()
        if end in own.index and float(own.loc[end, "share"]) >= 0.5 / PER  # type: ignore[arg-type]
    ]
    mark = few(float(own["events"].sum()))
    what = WANTED[kind][1].format(arm=quoted(arm))
    if not parts:
        return f"Of the {what}, every one{mark} reached the customer."
    lost = float(own.loc[[end for end in own.index if end in UNSERVED], "aum"].sum()) / 12
    money = units.money(lost, board.currency)
    return f"Of every {PER:,}{mark} {what}, {listed(parts)}; in a mean month these were customers with {money} of AUM."
