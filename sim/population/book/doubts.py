"""What of a customer book was read and yet looks wrong, with what would put it right or say that it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from sim.phrases import counted
from sim.population.book.columns import StateColumn, quoted
from sim.population.book.forms.base import named
from sim.population.book.reading import Reading

FEWEST: Final = 10
MANY: Final = 0.05  # share of customers outside the bounds of their tiers


def doubts_of(
    read: Reading, bounds: Mapping[str, float] | None = None, *, scaled: bool = True
) -> Iterator[tuple[str, str]]:
    """Each doubt as (key path, sentence). `bounds` are the lower bounds of tiers in the model's money; `scaled` says
    that the user has said what the file's money is in the model's."""
    for name, text in _doubts(read):
        yield f"population.columns.{name}", text
    if bounds and (outside := _outside(read, bounds)):
        yield "population.columns.tier", outside
    if not scaled and "aum" in read.currencies and not read.currencies["aum"].rows:
        yield (
            "population.currency_scale",
            f"not given, and {_column(read, 'aum')} does not say what its money is: it is taken for {read.currency}, "
            "one to one; currency_scale: 1.0 says that it is right, another number what one unit of it is in "
            f"{read.currency}",
        )


def _outside(read: Reading, bounds: Mapping[str, float]) -> str:
    """That many customers have an amount that is outside the bounds of the tier which the book has them in."""
    if "tier" not in read.values or "aum" not in read.values:
        return ""
    names, starts = list(bounds), np.array(list(bounds.values()))
    band = np.maximum(np.searchsorted(starts, read.values["aum"], side="right") - 1, 0)
    counts = []
    for place, name in enumerate(names):
        those = read.values["tier"] == name
        if out := int(np.count_nonzero(those & (band != place))):
            counts.append((name, out, int(np.count_nonzero(those))))
    out = sum(outside for _, outside, _ in counts)
    if out < FEWEST or out <= MANY * read.rows:
        return ""
    each = ", ".join(f"{outside:,} of {those:,} {name}" for name, outside, those in counts)
    return (
        f"{out:,} of {read.rows:,} customers have an amount outside the bounds of their tier ({each}): after the "
        "months of grace the model moves them to the tier of their amount; tiers: has the bounds, and grace_months"
    )


def _doubts(read: Reading) -> Iterator[tuple[str, str]]:
    yield from _of_ids(read)
    yield from _of_totals(read)
    for name, seen in read.thousands.items():
        if not seen.likely or read.decimal == "point":
            continue
        like = f"all amounts of {_column(read, name)} look like 1.234"  # an example: no customer's amount is told
        if read.decimal is None:
            yield (
                name,
                f"{like}, read as 1.234 and not as 1,234; if the point marks thousands, population.decimal: "
                f"comma reads 1,234, decimal: point says that it is right",
            )
        else:
            yield (
                name,
                f"{like}, read as 1,234 and not as 1.234, since other numbers have a comma before decimals; "
                "population.decimal: comma says that it is right",
            )
    yield from _of_dates(read)
    for name, money in read.currencies.items():
        for code, rows in money.rows.items():
            if code != read.currency and read.scale == 1.0:
                yield (
                    name,
                    f"{counted(rows, 'amount')} of {_column(read, name)} {_are(rows)} in {code} and read as so many "
                    f"{read.currency}; population.currency_scale says what one {code} is in {read.currency}",
                )
    for name, units in read.units.items():
        if doubt := units.doubt(_column(read, name)):
            yield name, doubt
    for name, (signs, without) in read.percents.items():
        if signs and without:
            yield (
                name,
                f"{counted(signs, 'number')} of {_column(read, name)} {'has' if signs == 1 else 'have'} a percent sign "
                f"and {without:,} not; those are read as they stand, so 1.5% is 0.015 and 1.5 is 1.5",
            )
    for name, labels in read.labels.items():
        spec = read.specs[name]
        if isinstance(spec, StateColumn) and (doubt := labels.doubt(spec)):
            yield name, doubt


def _of_ids(read: Reading) -> Iterator[tuple[str, str]]:
    spec = read.specs.get("id")
    if spec is None:
        return
    places = read.places({(row, spec.column) for row in read.ids.short}) if read.ids.short else {}
    lines = named([places[row, spec.column][0] for row in read.ids.short], read.ids.shorts, read.book.unit)
    if doubt := read.ids.doubt(quoted(spec.column), lines, spreadsheet=read.book.kind == "xlsx"):
        yield "id", doubt


def _of_totals(read: Reading) -> Iterator[tuple[str, str]]:
    for name, seen in read.sums.items():
        if name == "aum" and (row := seen.of_others) >= 0:
            column = read.specs[name].column
            line, _ = read.places({(row, column)})[row, column]
            yield (
                name,
                f"{read.book.unit} {line} holds as much as all others of {quoted(column)} together: it looks like a "
                "total and is read as a customer; take such a row out",
            )


def _of_dates(read: Reading) -> Iterator[tuple[str, str]]:
    for name, column in read.dates.items():
        if column is not None and column.doubt:
            yield name, column.doubt
        day, rows = read.unknown_days.get(name, ("", 0))
        if day:
            yield (
                name,
                f"{counted(rows, 'row')} of {_column(read, name)} {_are(rows)} {day}, which looks like a code for "
                "unknown and is read as a day; leave such cells empty, and map the column with missing: impute",
            )


def _column(read: Reading, name: str) -> str:
    return quoted(read.specs[name].column)


def _are(rows: int) -> str:
    return "is" if rows == 1 else "are"
