"""`describe`: what a bank's files hold, shown column by column, and a scenario that reads them, to be changed."""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import tempfile
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import BadInput, one_line
from sim.phrases import counted
from sim.verbs.common import book_doubts, command

if TYPE_CHECKING:
    from rich.console import Console

    from sim.population.describe import Description
    from sim.population.describe.profile import Profile
    from sim.population.describe.tables import Table

WIDE = 120  # columns of a terminal from which samples have room of their own
LONGEST_NAME = 36  # columns that a header has
HEAD = "min, median, mean, max; words"
TOLD = 48  # columns that a distribution has where samples stand beside it


def main(arguments: argparse.Namespace) -> int:
    """Look, propose, write the scenario, read it once to see whether it holds, and say all that; 2 if it does not."""
    from sim.population.describe import describe
    from sim.population.describe.tables import stem
    from sim.store.files import write_atomically

    as_of = _day(arguments.as_of)
    target = arguments.out or Path(arguments.source[0]).with_name(f"{stem(Path(arguments.source[0]))}.yaml")
    kept = str(arguments.out) != "-" if arguments.out else not arguments.json
    if kept:
        _refuse(target, overwrite=arguments.overwrite)
    keys = ("table", "sheet", "header", "encoding", "separator", "decimal")
    how = {key: getattr(arguments, key) for key in keys}
    found = describe(arguments.source, as_of=as_of, query=arguments.query, **how)
    if kept:
        write_atomically(target, found.scenario(target))
        refused, doubted = _read_once(target)
    else:
        with tempfile.TemporaryDirectory() as folder:
            beside = Path(folder) / target.name if target.name != "-" else Path(folder) / "scenario.yaml"
            beside.write_text(found.scenario(beside), "utf-8")
            refused, doubted = (
                [line.replace(str(beside), beside.name) for line in said] for said in _read_once(beside)
            )
    code = 2 if refused else 0
    if arguments.json:
        facts = {"scenario": str(target) if kept else None, **found.plain(), "refused": refused, "doubted": doubted}
        print(json.dumps(facts, ensure_ascii=False, allow_nan=False))
        return code
    if not arguments.quiet:
        tell(found)
    for line in (*refused, *doubted):
        print(line)
    if kept:
        print(f"{target}: written{'' if not refused else '; it is refused as it stands, for what is said above'}")
        print(f"{command()} {'validate' if refused else 'run'} {shlex.quote(str(target))}")
    return code


def _refuse(target: Path, *, overwrite: bool) -> None:
    """Raise `BadInput` where the scenario cannot be written."""
    if target.is_dir():
        raise BadInput.at(str(target), "is a folder; --out names the scenario that is written, as in my_bank.yaml")
    if target.exists() and not overwrite:
        raise BadInput.at(str(target), "is there already; another --out, or --overwrite")
    if not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
        raise BadInput.at(str(target), "cannot be written there; --out names another place")


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadInput.at("--as-of", f"{text!r} is no day; one written as 2024-06-30") from None


def _read_once(target: Path) -> tuple[list[str], list[str]]:
    """What reading the scenario says against it, and what it doubts."""
    from sim.experiments.prepare import prepare

    try:
        (ready,) = prepare([target])
    except BadInput as bad:
        return [str(mistake) for mistake in bad.mistakes], []
    return [], book_doubts(ready.book)


def tell(found: Description) -> None:
    """Every table column by column, then what is doubtful and what is for the user to say."""
    from rich.console import Console

    console, p = Console(highlight=False), found.proposal
    sure = {one.field: one.sure for one in p.fields}
    several = len(found.tables) > 1
    fields = found.fields()
    for table in found.tables:
        marks = {name: fields.get(f"{table.name}.{name}" if several else name, "") for name in table.names}
        _table(console, table, {name: (field, sure[field]) for name, field in marks.items() if field})
        console.print()
    if found.month:
        _line(console, f"history: a row a customer and month, by {found.month}; the last month is the book")
    if found.query is not None:
        for reason in found.query.why:
            _line(console, f"query: {reason}")
    for one in p.fields:
        if one.sure != "sure":
            _line(console, f"{one.field} from {one.column}: {one.sure}, {one.why}")
        for doubt in one.doubts:
            _line(console, f"{one.field} from {one.column}: {doubt}")
    reasons: dict[str, list[str]] = {}
    for left in p.left:
        for doubt in left.doubts:
            _line(console, f"{left.column}: {doubt}")
        reasons.setdefault(left.why, []).append(left.column)
    for why, columns in reasons.items():
        _line(console, f"not read: {', '.join(columns)}: {why}")
    for ask in p.asks:
        _line(console, f"for you to say: {ask}")
    console.print()


def _line(console: Console, text: str) -> None:
    """A line, and what does not fit it below, set in."""
    import textwrap

    from rich.text import Text

    console.print(Text(textwrap.fill(text, console.width, subsequent_indent="  ", break_on_hyphens=False)))


def _table(console: Console, table: Table, marks: dict[str, tuple[str, str]]) -> None:
    """A line a column; where the terminal is narrow, what is in it on a second one."""
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    seen = "" if table.whole else f", {table.seen:,} looked at, spread over the file"
    form = "".join(f", {key} {value}" for key, value in table.form.items() if key != "kind")
    console.print(Text(f"{_title(table)}: {counted(table.rows, 'row')}{seen}, {len(table.names)} columns{form}"))
    rows = [("column", "proposed", "kind", "none", "differ")]
    for column in table.profiles:
        field, sure = marks.get(column.name, ("-", ""))
        word = field if sure in ("", "sure") else f"{field}?"
        rows.append((_cut(column.name, LONGEST_NAME), word, column.kind, _part(column), f"{column.distinct:,}"))
    widths = [max(cell_len(row[k]) for row in rows) for k in range(len(rows[0]))]
    wide = console.width >= WIDE
    told = min(max((cell_len(_distribution(column)) for column in table.profiles), default=0), TOLD)
    shown: tuple[Profile | None, ...] = (None, *table.profiles)  # the heads, then the columns
    for row, p in zip(rows, shown, strict=True):
        cells = [
            cell.rjust(w) if k >= len(row) - 2 else set_cell_size(cell, w)
            for k, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        line = "  ".join(cells)
        distribution = _distribution(p) if p else HEAD
        samples = " | ".join(p.samples) if p else "samples"
        if wide:
            room = console.width - cell_len(line) - told - 4
            line = f"{line}  {set_cell_size(_cut(distribution, told), told)}  {_cut(samples, room)}"
        else:
            below = "   ".join(part for part in (distribution, samples) if part)
            line += f"\n  {_cut(below, console.width - 2)}" if below else ""
        console.print(Text(line.rstrip(), style="" if p else "bold"), soft_wrap=True)


def _title(table: Table) -> str:
    from sim.population.describe.tables import stem

    return table.path.name + (f", {table.name}" if table.name != stem(table.path) else "")


def _cut(text: str, width: int) -> str:
    """As much of a text as has room, with dots for the rest."""
    from rich.cells import cell_len, set_cell_size

    text = one_line(text)
    return text if cell_len(text) <= width else f"{set_cell_size(text, max(width - 1, 1)).rstrip()}…"


def _part(p: Profile) -> str:
    return "" if not p.missing else f"{p.missing / p.rows:.1%}" if p.missing / p.rows >= 0.001 else "<0.1%"


def _distribution(p: Profile) -> str:
    """min median mean max and a histogram, or the most frequent words."""
    from sim.population.describe.profile import day

    if p.kind in ("id", "text", "nothing"):
        return ""
    if p.kind in ("words", "yes/no", "constant"):
        return ", ".join(f"{word} {rows / p.rows:.0%}" for word, rows in p.top[:4])
    if not math.isfinite(p.low):
        return ""
    if p.kind == "year":
        return f"{p.low:.0f} {p.median:.0f} {p.mean:.0f} {p.high:.0f} {p.bars}"
    if p.kind in ("date", "month"):
        return f"{day(p.low)} to {day(p.high)} {p.bars}"
    return f"{_short(p.low)} {_short(p.median)} {_short(p.mean)} {_short(p.high)} {p.bars}"


def _short(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:,.3g}m"
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
