"""`describe`: what a bank's files hold, the mapping proposed for them, and the scenario that reads them."""

from __future__ import annotations

from pathlib import Path

import pytest
from layouts import LAYOUTS, Layout

from sim.population.describe import Description, describe

BY_NAME = {layout.name: layout for layout in LAYOUTS}


def right(found: Description, layout: Layout) -> tuple[int, int, list[str]]:
    """(columns proposed right, columns, what was wrong)."""
    got = found.fields()
    wrong = [f"{c}: {got.get(c, '')!r} for {t!r}" for c, t in layout.truth.items() if got.get(c, "") != t]
    return len(layout.truth) - len(wrong), len(layout.truth), wrong


def said_of(found: Description) -> set[str]:
    """Columns of which something doubtful is said."""
    p = found.proposal
    asked = {one.column for one in p.fields for ask in p.asks if ask.split(": ", 1)[-1].startswith(f"{one.column} ")}
    return {one.column for one in (*p.fields, *p.left) if one.doubts} | asked


@pytest.mark.parametrize("layout", LAYOUTS[:3], ids=lambda layout: layout.name)
def test_four_columns_of_five_are_proposed_right_and_every_doubtful_one_said(layout: Layout, tmp_path: Path) -> None:
    found = describe(layout.write(tmp_path))
    good, columns, wrong = right(found, layout)
    print(f"{layout.name}: {good} of {columns} columns right ({good / columns:.0%}); wrong: {wrong}")
    assert good >= 0.8 * columns, wrong
    assert layout.doubtful <= said_of(found)
    scales = {one.field: one.spec.get("scale", 1) for one in found.proposal.fields if isinstance(one.spec, dict)}
    assert {field: scales.get(field, 1) for field in layout.scaled} == layout.scaled
