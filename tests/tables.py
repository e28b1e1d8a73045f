"""Tables of docs/model.md that are declared in the code; `python -m tests.tables` writes them into the page."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from sim.agents.customer import VARIABLES
from sim.levers import Levers

PAGE = Path(__file__).parent.parent / "docs" / "model.md"


def columns() -> str:
    rows = (
        f"| `{one.name}` | {one.unit} | {'yes' if one.observed else 'no'} | {one.about[0].upper()}{one.about[1:]} |"
        for one in VARIABLES
    )
    return "\n".join(["| column | unit | seen by the bank | what it is |", "|---|---|---|---|", *rows])


def levers() -> str:
    told = [one for one in fields(Levers) if one.metadata]
    rows = (
        f"| `{one.name}` | {one.metadata['unit']} | {one.metadata['by']} | {one.metadata['about']} |" for one in told
    )
    return "\n".join(["| lever | unit | one for each | what it moves |", "|---|---|---|---|", *rows])


TABLES = {"columns": columns, "levers": levers}


def block(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<=<!-- table of {name}: python -m tests\.tables -->\n\n).*?(?=\n\n<!-- end -->)", re.S)


def written(page: str) -> str:
    """The page with the tables as the code has them."""
    for name, table in TABLES.items():
        found = block(name).search(page)
        if found:
            page = page[: found.start()] + table() + page[found.end() :]
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
