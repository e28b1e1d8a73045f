"""How sure the answer is, in words and as a narrow table: half-widths, seeds for half of them, corrected p values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sim.measures.catalogue import SAME_TEST, short_label
from sim.measures.evidence import NONE, Evidence
from sim.measures.precision import CHANCE, CORRECTION
from sim.reporting.figures import units

# What a terminal compares; the last go first for want of room.
COMPARED = ("retention", "attrition_annual", "profit_annual", "aum_end", "nps", "customers_end")
RULE = f"p below {CHANCE:g} by {CORRECTION} over all headline figures of all arms"  # what is called clear, in words


def precision_rows(
    precision: pd.DataFrame, evidence: Evidence = NONE
) -> tuple[list[list[str]], list[list[str]], list[int]]:
    """Two lines of heading, a line an arm, and at which column each KPI begins; three columns a KPI.

    `precision` is precision.csv. KPIs of which no arm has an interval are left out. `evidence` marks half-widths.
    """
    arms = [str(arm) for arm in pd.unique(precision["arm"])]
    head, unit_line, columns, starts = ["how sure"], [""], [arms], []
    by_kpi = {str(kpi): rows.set_index("arm").reindex(arms) for kpi, rows in precision.groupby("kpi", sort=False)}
    for kpi in COMPARED:
        rows = by_kpi.get(kpi)
        if rows is None or not rows["half_width"].notna().any():
            continue
        starts.append(len(head))
        unit = next(text for text in rows["unit"] if isinstance(text, str))
        halves, references = rows["half_width"].tolist(), rows["reference"].tolist()
        marks = [evidence.mark(arm, kpi, against) for arm, against in zip(arms, references, strict=True)]
        look = units.display(kpi, unit, halves, difference=True)
        head += [short_label(kpi), "", ""]
        unit_line += [f"{units.PLUS_MINUS} {look.unit}", "for half", "p"]
        columns.append([_half(half / look.divisor) + mark for half, mark in zip(halves, marks, strict=True)])
        columns.append([units.number(seeds) for seeds in rows["seeds_for_half"]])
        columns.append([units.p_text(p) for p in rows["p_adjusted"]])
    return [head, unit_line], [list(row) for row in zip(*columns, strict=True)], starts


def _half(value: float) -> str:
    return units.number(value, units.significant(value, 2) if value else 0)


def precision_note(precision: pd.DataFrame) -> list[str]:
    """What the columns mean, and how many tests were corrected for."""
    made = precision[precision["p_adjusted"].notna() & ~precision["kpi"].isin(list(SAME_TEST))]
    return [
        f"{units.PLUS_MINUS}: half the 95 % interval over {precision['seeds'].max()} seeds; "
        "for half: seeds in all that would halve it",
        f"p: paired t test, {CORRECTION} over {len(made)} headline tests; more in precision.csv",
    ]


def stopping_words(manifest: Mapping[str, Any]) -> str:
    """How a run under `until` came to its end, from its manifest; "" for any other run."""
    stopping = manifest.get("stopping")
    if not isinstance(stopping, Mapping):
        return ""
    kpi, wanted, reached = stopping["kpi"], stopping["half_width"], stopping["reached"]
    one_arm = len(manifest["arms"]) == 1
    if reached is None and not stopping["limit_hit"]:
        what = "figure" if one_arm else "difference to the reference"
        return f"Stopped after {stopping['seeds']} seeds: no arm has a {what} of {kpi} to be sure of."
    whose = "its mean" if one_arm else "the widest of all differences to the reference"
    got = f"{reached:.3g}" if reached is not None else "unknown"
    sure = f"the half-width of {kpi} ({whose}) is {got}, wanted {wanted:g}"
    if stopping["limit_hit"]:
        return f"NOT as sure as wanted: the limit of {stopping['seeds']} seeds was reached and {sure}."
    return f"Stopped by itself after {stopping['seeds']} seeds: {sure}."
