"""The patterns that the model is held against, as their last full measurement tells them."""

from __future__ import annotations

import re
from typing import NamedTuple

from sim.house import FOLDER

_ROW = re.compile(
    r"^\| \*\*(?P<name>[VE]\d+)\*\* (?P<claim>.*?) \| (?P<how>.*?) \| .*\| \*\*(?P<verdict>.*?)\*\* \|$", re.M
)


class Pattern(NamedTuple):
    """A stylised fact: name, what is claimed, how it is measured, what the last full measurement said."""

    name: str
    claim: str
    how: str
    verdict: str


def patterns() -> list[Pattern]:
    """All facts in their order, from the table of docs/validation.md."""
    text = (FOLDER.parent / "docs" / "validation.md").read_text("utf-8")
    return [Pattern(**found.groupdict()) for found in _ROW.finditer(text)]
