"""A bank's files described: what is in every column, what is proposed, and the scenario that says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sim.population.describe.proposing import Proposal, propose
from sim.population.describe.tables import Table, read_table
from sim.population.describe.writing import relative, scenario_text


@dataclass(frozen=True)
class Description:
    """Tables as looked at, and what is proposed for the one that holds the customers."""

    tables: tuple[Table, ...]
    proposal: Proposal

    @property
    def book(self) -> Table:
        """The table of the customers."""
        return self.tables[0]

    def scenario(self, target: Path) -> str:
        """The scenario as text, to stand at `target`."""
        population = {"file": relative(self.book.path, target)}
        return scenario_text(self.tables, self.proposal, target, population)

    def plain(self) -> dict[str, Any]:
        """The same as one object for JSON."""
        p = self.proposal
        return {
            "tables": [
                {
                    "name": table.name,
                    "file": str(table.path),
                    "form": dict(table.form),
                    "rows": table.rows,
                    "rows_seen": table.seen,
                    "columns": [{"name": column.name, **column.plain()} for column in table.profiles],
                }
                for table in self.tables
            ],
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


def describe(files: Sequence[str | Path], *, as_of: date | None = None, query: str | None = None) -> Description:
    """Look at a bank's files and propose how they are read. Raises `BadInput` where one cannot be read as a table."""
    tables = tuple(read_table(Path(file)) for file in files)
    return Description(tables, propose(tables[0], as_of))
