"""Points out of a CSV file: a header of paths, a row for each point, every mistake with its line and column."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.errors import BadInput, Mistake
from sim.experiments.design.parameters import role_of
from sim.experiments.design.plan import Parameter, Role
from sim.experiments.design.variants import Base, Leaf
from sim.separators import LOOKED_AT, separator_of
from sim.store.files import why_unreadable
from sim.yaml_source.paths import one_line
from sim.yaml_source.wording import shown

NUMBERING = ("point", "lever", "world")  # columns of a stored design, so that it can be a list again
LARGEST = 2_000_000_000  # bytes
MOST_MISTAKES = 20  # told one by one; more are counted


@dataclass(frozen=True)
class Listed:
    """What a file of points says: parameters, and rows of their values in that order."""

    parameters: tuple[Parameter, ...]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class _Cell:
    line: int
    column: int
    given: Any
    plain: Any


def read_points(file: Path, shown_as: str, base: Base, role: Role | None, where: tuple[str, int, int]) -> Listed:
    """The points of a file. Raises BadInput with every mistake; `where` is the address of what names the file."""

    def refused(why: str) -> BadInput:
        return BadInput.at(where[0], f"{shown_as}: {why}", line=where[1], column=where[2], path="sweep.file")

    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            mark = separator_of(stream.read(LOOKED_AT + 1))
            stream.seek(0)
            reader = csv.reader(stream, strict=True, delimiter=mark)
            lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except FileNotFoundError:
        raise refused("no such file; a CSV file of points") from None
    except (OSError, ValueError, csv.Error) as error:
        raise refused(one_line(why_unreadable(error), 200)) from None
    if len(lines) < 2:
        raise refused(f"{'no rows' if lines else 'empty'}; a header of paths and a row for each point")
    return _points(lines, str(file), base, role)


def _points(lines: Sequence[tuple[int, list[str]]], file: str, base: Base, role: Role | None) -> Listed:
    (head_line, head), body = lines[0], lines[1:]
    mistakes: list[Mistake] = []
    leaves = _leaves(head, head_line, file, base, mistakes)
    columns: list[list[_Cell]] = [[] for _ in leaves]
    for line, cells in body:
        if len(cells) > len(head):
            message = f"{len(cells)} values under {len(head)} columns; a value for each"
            mistakes.append(Mistake(file, line, len(head) + 1, "", message))
        for (at, leaf), column in zip(leaves, columns, strict=True):
            text = cells[at] if at < len(cells) else ""
            try:
                column.append(_read(leaf, text, line, at + 1))
            except ValueError as slip:
                mistakes.append(Mistake(file, line, at + 1, leaf.path, str(slip)))
    if not mistakes:
        mistakes += _misfits(leaves, columns, file, base)
    if mistakes:
        more = len(mistakes) - MOST_MISTAKES
        kept = sorted(mistakes)[:MOST_MISTAKES]
        raise BadInput([*kept, Mistake(file, 0, 0, "", f"{more} more mistakes; as above")] if more > 0 else kept)
    parameters = [_parameter(leaf, cells, role) for (_, leaf), cells in zip(leaves, columns, strict=True)]
    rows = list(zip(*([cell.plain for cell in cells] for cells in columns), strict=True))
    return Listed(tuple(parameters), rows)


def _leaves(head: Sequence[str], line: int, file: str, base: Base, mistakes: list[Mistake]) -> list[tuple[int, Leaf]]:
    """Column and leaf for each path of the header."""
    found: list[tuple[int, Leaf]] = []
    seen: dict[str, int] = {}
    for at, text in enumerate(head):
        path = text.strip()
        if path in NUMBERING:
            continue
        try:
            leaf = base.leaf(path)
        except ValueError as slip:
            mistakes.append(Mistake(file, line, at + 1, one_line(path), str(slip)))
            continue
        if leaf.path in seen:
            message = f"{leaf.path} is column {seen[leaf.path]} already; once"
            mistakes.append(Mistake(file, line, at + 1, one_line(path), message))
            continue
        seen[leaf.path] = at + 1
        found.append((at, leaf))
    if not found and not mistakes:
        mistakes.append(Mistake(file, line, 1, "", "no path in the header; a column for each path that is varied"))
    return found


def _read(leaf: Leaf, text: str, line: int, column: int) -> _Cell:
    if not text.strip():
        raise ValueError("no value; one in every row")
    given = leaf.read(text)
    if isinstance(given, float) and not math.isfinite(given):
        raise ValueError(f"{shown(given)} is not allowed; a finite number")
    return _Cell(line, column, given, leaf.plain(given))


def _parameter(leaf: Leaf, cells: Sequence[_Cell], role: Role | None) -> Parameter:
    """What a column says of its parameter: a range that holds its numbers, or its different values."""
    kind = leaf.kind_of([cell.given for cell in cells])
    values = list(dict.fromkeys(cell.plain for cell in cells))
    numeric = kind in ("number", "integer")
    return Parameter(
        leaf.path,
        kind,
        role or role_of(leaf.path),
        low=min(values) if numeric else None,
        high=max(values) if numeric else None,
        values=None if numeric else tuple(values),
        base=leaf.base,
        unit=leaf.shape.unit,
        about=leaf.about,
        source=leaf.source,
    )


def _misfits(
    leaves: Sequence[tuple[int, Leaf]], columns: Sequence[Sequence[_Cell]], file: str, base: Base
) -> Iterator[Mistake]:
    """Values that the scenario does not take, in the row they stand in: the ends of numbers, each choice once."""
    for i, (_, leaf) in enumerate(leaves):
        firsts: dict[Any, int] = {}
        for row, cell in enumerate(columns[i]):
            firsts.setdefault(cell.plain, row)
        numeric = leaf.kind_of([cell.given for cell in columns[i]]) in ("number", "integer")
        for value in {min(firsts): 0, max(firsts): 0} if numeric else firsts:
            cell = columns[i][firsts[value]]
            why = base.why_not({leaf.path: value})
            if why is None:
                continue
            whole = {other.path: columns[j][firsts[value]].plain for j, (_, other) in enumerate(leaves)}
            if len(leaves) == 1 or (why := base.why_not(whole)) is not None:
                told = why if why.startswith(shown(value)) else f"{shown(value)} does not fit: {why}"
                yield Mistake(file, cell.line, cell.column, leaf.path, told)
