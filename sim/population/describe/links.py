"""Which tables of a bank belong together, by which keys, and whose the money is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from sim.errors import BadInput
from sim.population.describe.candidates import Candidate, assigned, candidates
from sim.population.describe.profile import Profile
from sim.population.describe.tables import Table
from sim.population.describe.vocabulary import DEBTS, says, tokens

OVERLAP: Final = 0.5  # of the values of a key that must be among those of the other
SEVERAL: Final = 1.05  # rows for each value of a key, from which a customer has several
OWNERS: Final = ("owner", "main", "primary", "haupt", "titular", "inhaber", "majitel", "主", "holder")


@dataclass(frozen=True)
class Link:
    """Rows of `many` belong to one row of `one`: by these columns, for that share of the values."""

    many: str
    column: str
    one: str
    key: str
    overlap: float

    def __str__(self) -> str:
        return f"{self.many}.{self.column} is found in {self.one}.{self.key} ({self.overlap:.0%} of its values)"


def links_of(tables: Sequence[Table]) -> list[Link]:
    """Every pair of columns by which rows of one table belong to one of another."""
    found = []
    for one in tables:
        for key in one.profiles:
            if not key.unique or key.kind not in ("id", "count", "number", "text", "year", "money", "date"):
                continue
            for many in tables:
                for column in many.profiles:
                    if many is one or not _same(column.name, key.name, one.name):
                        continue
                    share = _overlap(column, key)
                    if share >= OVERLAP:
                        found.append(Link(many.name, column.name, one.name, key.name, share))
    return found


def _same(column: str, key: str, table: str) -> bool:
    own, other = tokens(column), tokens(key)
    return own == other or (other in (("id",), ("key",), ("no",)) and own == (*tokens(table), *other))


def _overlap(column: Profile, key: Profile) -> float:
    own = {str(text) for text in column.texts}
    return len(own & {str(text) for text in key.texts}) / max(len(own), 1)


def money_of(tables: Sequence[Table]) -> tuple[Table, Candidate]:
    """The table and column that most look like what a customer holds."""
    found = [(c, table) for table in tables for c in candidates(table.profiles) if c.field == "aum" and c.looks >= 0.5]
    found = [pair for pair in found if not says(pair[1].name, DEBTS)] or found
    if not found:
        raise BadInput.at(
            ", ".join(t.path.name for t in tables), "no column looks like a balance; join them with --query"
        )
    one, table = max(found, key=lambda pair: pair[0].score)
    return table, one


def owner_of(money: Table, links: Sequence[Link], by: Mapping[str, Table]) -> tuple[Table, Link | None]:
    """Whose money it is: the table that its rows belong to, or itself where each row is a customer."""
    own = assigned(candidates(money.profiles), money.names).get("id")
    ways = [link for link in links if link.many == money.name]
    several = any(rows_each(money, link) > SEVERAL for link in ways)
    if not ways or (own is not None and money.column(own.column).unique and not several):
        return money, None
    best = max(ways, key=lambda link: (rows_each(money, link) > SEVERAL, link.overlap, by[link.one].rows))
    return by[best.one], best


def rows_each(table: Table, link: Link) -> float:
    """Rows of a table for each value of its key."""
    p = table.column(link.column)
    return (p.rows - p.missing) / max(p.distinct, 1)


def role_of(table: Table, link: Link) -> tuple[str, str] | None:
    """(column, word) that picks one row for each customer: OWNER of several who may sign."""
    key = table.column(link.column)
    for p in table.profiles:
        if p.kind in ("words", "yes/no", "constant") and p.texts is not None:
            for code, text in enumerate(p.texts):
                if any(word in str(text).casefold() for word in OWNERS):
                    rows = key.codes[p.codes == code]
                    if len(np.unique(rows)) == len(rows):
                        return p.name, str(text)
    return None
