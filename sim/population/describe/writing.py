"""A proposal as a scenario file: what is proposed stands as keys, how sure it is and what is doubtful as comments."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sim.phrases import counted
from sim.population.describe.proposing import PRESET, Left, Proposal, Proposed
from sim.population.describe.tables import Table, stem
from sim.yaml_source.writer import flow_text

WIDTH: Final = 110
GRACE: Final = {"wealth": 6, "private": 12}  # months, as the shipped books have it


def scenario_text(
    tables: Sequence[Table], book: Table, proposal: Proposal, population: dict[str, Any], because: Sequence[str] = ()
) -> str:
    """The text of a scenario that reads `tables` as proposed.

    `population` are the keys that say where they stand, `book` the customers that come of them, `because` why a query
    stands between.
    """
    called = tables[0].name if len(tables) == 1 or "tables" in population else stem(tables[0].path)
    name = re.sub(r"[^a-z0-9_-]+", "_", called.casefold()).strip("_-") or "my_bank"
    read = ", ".join(dict.fromkeys(table.path.name for table in tables))
    lines = [
        *_comment(
            f"Written by describe from {read}. Every line of columns says what it "
            "was proposed by; read them, change what is wrong, then validate and run. What is left out has a default."
        ),
        f"name: {flow_text(name)}",
        "about: >-",
        *_wrapped(
            f"{counted(book.rows, 'customer')} of {read}, as they stand there; what is absent is imputed "
            f"from Bank B given tier and age.",
            2,
        ),
    ]
    if proposal.asks:
        lines += ["# For you to say:", *(line for ask in proposal.asks for line in _comment(f"- {ask}"))]
    if proposal.currency:
        lines.append(f"currency: {flow_text(proposal.currency)} # by {_inline(proposal.told_by)}")
    else:
        lines.append("# currency: EUR # not said in the file: its money is taken for CNY, one to one")
    lines += ["months: 36", "seeds: {first: 1, count: 5}", "population:", "  source: book", f"  preset: {PRESET}"]
    for key, value in population.items():
        if key == "query":
            lines += [line for reason in because for line in _comment(reason, "  ")]
        if key == "history":
            lines.append("  # a row a customer and month: the last month is the book, those before are for calibrate")
        lines += _block(key, value)
    if proposal.as_of is not None:
        lines.append(f"  as_of: {proposal.as_of} # dates become tenure and age at this day")
    if proposal.decimal:
        lines.append(f"  decimal: {proposal.decimal}")
    lines.append("  # currency_scale: 1.0 # so much of the model's money is one unit of the file's")
    lines.append("  columns:")
    for one in proposal.fields:
        lines += _field(one)
    if all(one.field != "aum" for one in proposal.fields):
        lines.append("    # aum: COLUMN # what a customer has at the bank; no column looks like it")
    for left in proposal.left:
        if left.instead:
            lines.append(f"    # {left.instead} # if those who left should begin dormant")
    lines += _not_read(proposal.left)
    if proposal.tiers:
        unit = "in the model's money, after scale and currency_scale"
        lines += ["tiers:", *_comment(f"{proposal.tiers_by} instead; {unit}", "  ")]
        for tier, bound in proposal.tiers:
            grace = f", grace_months: {GRACE[tier]}" if tier in GRACE else ""
            lines.append(
                f"  - {{name: {tier}, from: {flow_text(round(bound, 2) if bound % 1 else int(bound))}{grace}}}"
            )
    lines += ["arms: # the first is the reference; strategies: the verb list", "  nothing: []"]
    lines.append("  # service: [{use: personalised_service}]")
    return "\n".join(lines) + "\n"


def relative(file: Path, target: Path) -> str:
    """The file as a scenario at `target` names it."""
    try:
        return Path(os.path.relpath(file.resolve(), target.resolve().parent)).as_posix()
    except ValueError:  # another drive
        return str(file.resolve())


def _inline(text: str) -> str:
    return " ".join(text.split())


def _field(one: Proposed) -> list[str]:
    said = f"{one.sure}: {one.why}"
    line = f"    {one.field}: {flow_text(one.spec)}"
    whole = f"{line} # {said}"
    lines = [whole] if len(whole) <= WIDTH else [*_comment(said, "    "), line]
    return [*lines, *(text for doubt in one.doubts for text in _comment(f"doubt: {doubt}", "      "))]


def _not_read(left: Sequence[Left]) -> list[str]:
    by: dict[str, list[str]] = {}
    for one in left:
        by.setdefault(one.why, []).append(one.column)
    lines = ["  # Not read:"] if by else []
    for why, columns in by.items():
        lines += _comment(f"- {', '.join(columns)}: {why}", "  ")
    return lines


def _block(key: str, value: Any) -> list[str]:
    if isinstance(value, str) and "\n" in value:
        return [f"  {key}: |", *(f"    {line}" for line in value.rstrip().split("\n"))]
    if isinstance(value, dict) and len(flow_text(value)) > WIDTH - 20:
        return [f"  {key}:", *(f"    {flow_text(k)}: {flow_text(v)}" for k, v in value.items())]
    return [f"  {key}: {flow_text(value)}"]


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _comment(text: str, indent: str = "") -> list[str]:
    plain = " ".join(text.split())
    deeper = "  " if plain.startswith("- ") else ""
    return textwrap.wrap(
        plain,
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# {deeper}",
        break_long_words=False,
        break_on_hyphens=False,
    )
