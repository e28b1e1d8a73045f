"""What is said about a customer book's mistakes: what is wrong, in how many rows and where, and what would be right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from sim.phrases import counted
from sim.population.book.columns import (
    IMPUTABLE,
    QUANTITIES,
    ColumnSpec,
    DatedColumn,
    Quantity,
    TierColumn,
    did_you_mean,
    quoted,
)
from sim.population.book.forms.base import BookFile

COLUMNS_SHOWN: Final = 30
FIRST_BIRTH: Final = 1880  # a year of birth that a living customer may have


@dataclass(frozen=True)
class Values:
    """What is known of the numbers of a column when its mistakes are told: hints are given where they fit all of them.

    `low` and `high` are those of the file, before scaling; `out` counts those out of bounds, of so many `rows`.
    """

    low: float = 0.0
    high: float = 0.0
    rows: int = 0
    out: int = 0
    codes: Mapping[float, int] = field(default_factory=dict)  # numbers out of bounds that look like -999999
    plain: bool = True  # mapped without scale and shift
    unknown: tuple[str, int] = ("", 0)  # a day that looks like a code, and its rows
    as_of: date | None = None


def column_problem(name: str, spec: ColumnSpec, book: BookFile, *, dated: bool = False) -> str:
    """What is wrong with taking a field from a column, by the column's name and type; empty if nothing.

    `dated` says that the day of the book is known, so that dates can be read.
    """
    column = spec.column
    times = book.columns.count(column)
    if times == 0:
        there = ", ".join(map(quoted, book.columns[:COLUMNS_SHOWN]))
        more = f" and {len(book.columns) - COLUMNS_SHOWN} more" if len(book.columns) > COLUMNS_SHOWN else ""
        return f"{book.name} has no column {column!r}{did_you_mean(column, book.columns)} (it has {there}{more})"
    if times > 1:
        return f"{book.name} has {times} columns {column!r}; a column's name must be there once"
    if (kind := book.types.get(column)) is None:
        return ""
    import pyarrow.types as is_type

    plain = kind.value_type if is_type.is_dictionary(kind) else kind
    text = is_type.is_string(plain) or is_type.is_large_string(plain) or is_type.is_null(plain)
    whole = is_type.is_integer(plain)
    number = whole or is_type.is_floating(plain) or is_type.is_decimal(plain)
    if isinstance(spec, TierColumn) and spec.values:
        fits, wanted = text or number, "text or numbers"
    elif name in ("id", "tier"):
        fits, wanted = text or whole, "text or whole numbers"
    elif isinstance(spec, DatedColumn):
        fits = text or number or (dated and (is_type.is_date(plain) or is_type.is_timestamp(plain)))
        wanted = "numbers" if dated else "numbers, or dates with population.as_of, the day of the book"
    elif name in QUANTITIES:
        fits, wanted = text or number, "numbers"
    else:
        fits, wanted = text or number or is_type.is_boolean(plain), "yes and no, or values listed under active"
    return "" if fits else f"column {column!r} of {book.name} is of type {kind}; it must hold {wanted}"


def limits(quantity: Quantity, currency: str, kind: str) -> str:
    """The range of a field with its unit: ``0 to 120 years``; of money the side that matters: ``at least 0 CNY``."""
    unit = f" {currency}" if quantity.money else ""
    unit += f" {quantity.unit}" if quantity.unit else ""
    if quantity.money:
        return f"at most {quantity.high:,.0f}{unit}" if kind == "high" else f"at least {quantity.low:,.0f}{unit}"
    return f"{quantity.low:,g} to {quantity.high:,g}{unit}"


def sentence(
    name: str,
    kind: str,
    rows: int,
    shown: str,
    *,
    sample: str = "",
    first: str = "",
    currency: str = "CNY",
    tiers: Sequence[str] | None = None,
    values: Values = Values(),
    remedy: str = "",
    written: str = "1234.5",
) -> str:
    """One mistake of a field: `shown` names its rows, `sample` is what the first holds, `first` where its twin is."""
    one = rows == 1
    are, have = ("is", "has") if one else ("are", "have")
    count, holding = counted(rows, "row"), f"{shown}: {sample}" if one else f"{shown}; the first holds {sample}"
    quantity = QUANTITIES.get(name)
    noun = quantity.noun if quantity else {"digital_active": "answer"}.get(name, name)
    match kind:
        case "missing":
            impute = ", or is imputed if mapped with missing: impute" if name in IMPUTABLE else ""
            return f"{count} {are} empty ({shown}); every {noun} must be given{impute}{remedy and '; '}{remedy}"
        case "total":
            totals = "a total and no customer" if one else "totals and no customers"
            return f"{count} {are} {totals} ({holding}); take {'it' if one else 'them'} out, a row is a customer"
        case "not a number":
            numbers = "a number" if one else "numbers"
            must = f"every {noun} must be a number, written as in {written}"
            return f"{count} {are} not {numbers} ({holding}); {must}{remedy and '; '}{remedy}"
        case "no date":
            return (
                f"{count} {are} no {'date' if one else 'dates'} ({holding}); every {noun} must be a date as in "
                "2019-03-31, 31.3.2019, 20190331 or 2019年3月31日, or date: false reads numbers"
            )
        case "future":
            day = f"the day of the book ({values.as_of})"
            code = f"; {sample.strip(chr(39))} may be a code for unknown" if sample.startswith("'9999") else ""
            return f"{count} {are} after {day} ({holding}); every date must be at most that day{code}"
        case "currencies":
            return f"the amounts are in more than one currency: {sample} ({shown}); every {noun} must be in one"
        case "neither":
            return (
                f"{count} {are} neither yes nor no ({holding}); yes is 1, true, yes, y or active, no is 0, false, no, "
                "n, inactive or dormant; other words are mapped with active: [...]"
            )
        case "no tier":
            near = did_you_mean(sample.strip("'"), tiers or ())
            return (
                f"{count} {have} a tier that the scenario has not ({holding}){near} (known: {', '.join(tiers or ())}); "
                "other words are mapped with values: {word: tier}"
            )
        case "repeated":
            again = f"{shown} repeats {first}" if one else f"{shown}; the first repeats {first}"
            return f"{count} {have} the id of an earlier row ({again}); every id must be there once"
        case "colliding":
            return (
                f"{count} {have} the 64-bit hash of another id in an earlier row ({shown}; the first collides with "
                f"{first}); change one of the two ids"
            )
    assert quantity is not None
    hint = out_of_bounds_hint(name, kind, quantity, values)
    must = f"every {noun} must be {limits(quantity, currency, kind)}"
    match kind:
        case "low" if quantity.low == 0:
            return f"{count} {are} negative ({shown}); {must}{hint}"
        case "low":
            return f"{count} {are} below {quantity.low:g} ({shown}); {must}{hint}"
        case "high":
            return f"{count} {are} above {quantity.high:,.0f} ({shown}); {must}{hint}"
        case "not whole":
            return f"{count} {are} not {'a whole number' if one else 'whole numbers'} ({holding}); {must}, no fraction"
    return f"{count} {are} infinite ({shown}); every {noun} must be finite, {limits(quantity, currency, kind)}"


def out_of_bounds_hint(name: str, kind: str, quantity: Quantity, values: Values) -> str:
    """What would put numbers out of bounds right, as the end of a sentence; empty where nothing fits all of them."""
    if values.codes:
        code, rows = max(values.codes.items(), key=lambda item: (item[1], item[0]))
        right = f"put the {quantity.noun} there, or leave such customers out"
        if name in IMPUTABLE:
            right = "leave such cells empty, and map the column with missing: impute"
        return f"; {code:.0f} ({counted(rows, 'row')}) looks like a code for unknown: {right}"
    if values.unknown[0] and kind == "high":
        day, rows = values.unknown
        right = "leave such cells empty, and map the column with missing: impute"
        return f"; {day} ({counted(rows, 'row')}) looks like a code for unknown: {right}"
    if name == "age" and values.plain and values.low >= FIRST_BIRTH and kind == "high":
        return f"; years of birth are mapped with scale: -1 and shift: {values.as_of.year if values.as_of else 'YEAR'}"
    if values.plain and kind in ("low", "high"):
        for unit, scale in quantity.units:
            if quantity.low <= values.low * scale and values.high * scale <= quantity.high:
                return f"; {unit} are mapped with scale: {scale}"
    if kind == "low" and quantity.floor is not None:
        return f", or map it with floor: {quantity.floor:g}"
    if quantity.scales and values.plain and values.out * 2 > values.rows:
        return f"; {quantity.scales} scales are mapped with scale and shift"
    return ""
