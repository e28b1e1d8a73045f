"""A bank's files described: what is in every column, what is proposed, and the scenario that says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from sim.errors import BadInput
from sim.population.book.file import Unreadable, inspect
from sim.population.describe import joins, queries
from sim.population.describe.proposing import Proposal, Proposed, propose
from sim.population.describe.queries import Query
from sim.population.describe.tables import Table, last_month, looked_at, names_in, read_table, spread
from sim.population.describe.writing import relative, scenario_text
from sim.separators import MARKS

DATABASES = (".duckdb", ".db", ".sqlite")


@dataclass(frozen=True)
class Description:
    """Tables as looked at, the one that is the book, and what is proposed for it.

    `query` makes the book of them where they are none; `month` is the column of months of a history, whose last is it.
    """

    tables: tuple[Table, ...]
    book: Table
    proposal: Proposal
    query: Query | None = None
    month: str = ""
    how: Mapping[str, Any] = field(default_factory=dict)

    def fields(self) -> dict[str, str]:
        """The field of each column that is read, by its name in the file, or ``table.column`` of several tables."""
        sources = self.query.sources if self.query is not None else {}
        return {c: one.field for one in self.proposal.fields for c in sources.get(one.column, (one.column,))}

    def scenario(self, target: Path) -> str:
        """The scenario as text, to stand at `target`."""
        if self.query is None or self.tables[0].path.suffix in DATABASES:
            population: dict[str, Any] = {"file": relative(self.tables[0].path, target)}
        else:
            population = {"tables": {table.name: relative(table.path, target) for table in self.tables}}
        population |= {key: value for key, value in self.how.items() if key != "decimal"}
        if self.query is not None:
            population["query"] = self.query.sql
        if self.month:
            population["history"] = {"month": self.month}
        return scenario_text(self.tables, self.book, self.proposal, population, self.query.why if self.query else ())

    def plain(self) -> dict[str, Any]:
        """The same as one object for JSON."""
        p = self.proposal
        return {
            "tables": [_plain(table) for table in self.tables],
            "query": self.query.sql if self.query else None,
            "month": self.month or None,
            "query_because": list(self.query.why) if self.query else [],
            "book": _plain(self.book),
            "proposed": [
                {
                    "field": one.field,
                    "column": one.column,
                    "as": one.spec,
                    "score": round(one.score, 3),
                    "sure": one.sure,
                    "why": one.why,
                    "doubts": list(one.doubts),
                }
                for one in p.fields
            ],
            "not_read": [
                {"column": one.column, "kind": one.kind, "why": one.why, "doubts": list(one.doubts)} for one in p.left
            ],
            "as_of": str(p.as_of) if p.as_of else None,
            "currency": p.currency or None,
            "decimal": p.decimal or None,
            "for_you_to_say": list(p.asks),
        }


def _plain(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "file": str(table.path),
        "form": dict(table.form),
        "rows": table.rows,
        "rows_seen": table.seen,
        "columns": [{"name": column.name, **column.plain()} for column in table.profiles],
    }


def describe(
    files: Sequence[str | Path], *, as_of: date | None = None, query: str | None = None, **how: Any
) -> Description:
    """Look at a bank's files and propose how they are read.

    `how` are the keys of `population:` that say how one file is read: sheet, table, encoding, separator, decimal,
    header; they are written into the scenario, and a query is not proposed where one is given.

    `query` is a SELECT of a database, or over the files by their names; it is proposed where not given and needed.
    Raises `BadInput` where a file cannot be read as a table, or nothing joins several.
    """
    paths = [Path(file) for file in files]
    database = len(paths) == 1 and paths[0].suffix in DATABASES
    how = {key: value for key, value in how.items() if value is not None}
    for key in how:
        if len(paths) > 1 or query is not None:
            raise BadInput.at(f"--{key}", "says how one file is read, and here are several or a query; leave it out")
    if query is not None and database:
        book = _asked(paths[0], {}, query)
        return Description((book,), book, propose(book, as_of), Query(query, ()))
    inside = names_in(paths[0]) if database and not how else []
    opened = {key: value for key, value in how.items() if key != "decimal"}
    if "separator" in how:
        opened["separator"] = MARKS[how["separator"]]
    tables = _named_apart(
        [read_table(paths[0], name) for name in inside] or [read_table(path, **opened) for path in paths]
    )
    made = None
    if query is not None:
        made = Query(query, ())
    elif (inside or not database) and not how:
        made = joins.query_of(tables, as_of) if len(tables) > 1 else queries.query_of(tables[0])
    month = queries.month_of(tables[0]) if len(tables) == 1 and query is None else None
    book = (
        tables[0]
        if made is None
        else _asked(
            paths[0], {} if inside else {table.name: table.path for table in tables}, made.sql, proposed=query is None
        )
    )
    if month is not None:
        book = last_month(book, month.name)
    proposal = propose(book, as_of, made.last if made is not None else None)
    doubts = made.doubts if made is not None else {}
    fields = tuple(_with_doubts(one, doubts.get(one.column, ())) for one in proposal.fields)
    proposal = replace(proposal, fields=fields, decimal=how.get("decimal", proposal.decimal))
    return Description(tuple(tables), book, proposal, made, month.name if month else "", how)


def _with_doubts(one: Proposed, more: Sequence[str]) -> Proposed:
    return replace(one, doubts=(*one.doubts, *more))


def _named_apart(tables: Sequence[Table]) -> list[Table]:
    """Tables whose names can stand in a query: two files of one name are told apart by a number."""
    seen: dict[str, int] = {}
    named = []
    for table in tables:
        seen[table.name] = seen.get(table.name, 0) + 1
        named.append(table if seen[table.name] == 1 else replace(table, name=f"{table.name}_{seen[table.name]}"))
    return named


def _asked(path: Path, tables: Mapping[str, Path], query: str, *, proposed: bool = False) -> Table:
    """What a query gives, looked at. Raises `BadInput` for one that cannot be asked."""
    try:
        book = inspect(path, query=query, tables=tables or None)
        rows, cells = spread(book.batches(book.columns))
    except Unreadable as error:
        whose = "the query that was proposed fails; one of your own: " if proposed else ""
        raise BadInput.at("--query", f"{whose}{'the tables' if tables else path} {error}") from None
    return looked_at(path.name if not tables else "book", path, book.form, rows, cells)
