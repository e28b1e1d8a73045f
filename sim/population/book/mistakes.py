"""What of a customer book is wrong, with the lines of the first rows and what would be right."""

from __future__ import annotations

from sim.errors import Mistake
from sim.population.book.columns import FIELD_NAMES, AmountColumn, StateColumn
from sim.population.book.forms.base import SHOWN, named
from sim.population.book.money import Currencies
from sim.population.book.reading import Found, Reading
from sim.population.book.sentences import Values, sentence


def mistakes_of(read: Reading) -> list[Mistake]:
    """What a reading found, each with the line of its first row."""
    file, made = str(read.book.path), list[Mistake]()
    for name, currencies in read.currencies.items():
        if len(currencies.rows) > 1:
            _currencies(read, name, currencies)
    of_others = read.sums["aum"].of_others if "aum" in read.sums else -1
    if (empty := read.found.get(("id", "missing"))) is not None and of_others in empty.first:
        empty.remedy = (
            f"the amount of {'it' if empty.rows == 1 else 'one'} is the sum of all others: take the total out"
        )
    wanted = {(row, read.specs[name].column) for (name, _), found in read.found.items() for row in found.first}
    places = read.places(wanted) if wanted else {}
    for (name, kind), found in sorted(read.found.items(), key=lambda item: FIELD_NAMES.index(item[0][0])):
        column = read.specs[name].column
        lines = [places[row, column][0] for row in found.first]
        shown = named(lines[: min(SHOWN, found.rows)], found.rows, read.book.unit)
        twin = f"{read.book.unit} {lines[-1]}"
        message = sentence(
            name,
            kind,
            found.rows,
            shown,
            sample=found.sample,
            first=twin,
            currency=read.currency,
            tiers=read.tiers,
            values=_values(read, name),
            remedy=found.remedy,
            written="1.234,5" if read.decimal == "comma" else "1234.5",
        )
        made.append(Mistake(file, *places[found.first[0], column], column, message))
    for name, spec in read.specs.items():
        if isinstance(spec, StateColumn) and spec.active and read.rows and name not in read.listed:
            listed = ", ".join(repr(value) for value in spec.active)
            there = ", ".join(repr(word) for word in read.met[name])
            message = f"no row holds {listed}, listed under active; it has {there}"
            made.append(Mistake(file, 0, 0, spec.column, message))
    return made


def _values(read: Reading, name: str) -> Values:
    """What a mistake's sentence must know of the other numbers of the column."""
    spec = read.specs[name]
    if not isinstance(spec, AmountColumn):
        return Values()
    low, high = read.bounds.get(name, (0.0, 0.0))
    found = [read.found[name, kind].rows for kind in ("low", "high") if (name, kind) in read.found]
    plain = spec.scale == 1.0 and spec.shift == 0.0
    unknown = read.unknown_days.get(name, ("", 0))
    return Values(low, high, read.rows, sum(found), read.codes.get(name, {}), plain, unknown, read.as_of)


def _currencies(read: Reading, name: str, met: Currencies) -> None:
    """A column in more than one currency: the rows of all but the most frequent are its mistakes."""
    usual, *others = sorted(met.rows, key=lambda code: -met.rows[code])
    rows = sorted(row for code in others for row in met.first[code])[:SHOWN]
    counts = ", ".join(f"{code} ({met.rows[code]:,})" for code in (usual, *others))
    read.found[name, "currencies"] = Found(sum(met.rows[code] for code in others), rows, counts)
