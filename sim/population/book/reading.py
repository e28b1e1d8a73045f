"""One pass over a customer book: cells become the model's numbers, and what is wrong is noted instead of stopped at."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.codes import ACTIVE, DORMANT
from sim.population.book.cells import EMPTY, Decimal, Thousands, are_codes, as_numbers, mask_of, remedy
from sim.population.book.columns import (
    FIELD_NAMES,
    QUANTITIES,
    AmountColumn,
    ColumnSpec,
    DatedColumn,
    StateColumn,
    TierColumn,
    plain_word,
    quoted,
)
from sim.population.book.dates import DateColumn, codes_among, look_like_dates, months_between, years_between
from sim.population.book.forms.base import MOST_ROWS, SHOWN, BookFile, TooLarge
from sim.population.book.ids import TOTAL, Ids
from sim.population.book.labels import BLANK, MEANINGS, Labels, meant
from sim.population.book.money import UNITS, Currencies, Sum, Units

if TYPE_CHECKING:
    import pyarrow as pa

Text = np.dtypes.StringDType()
CALIBRATED_AGES: Final = (18, 85)  # SPEC 1.2; the model clips its covariates to these
TOP_BIT_CLEAR: Final = np.uint64(2**63 - 1)  # the upper half of the uids belongs to joiners
ROW: Final = "row"  # ``id: row`` numbers the rows, unless there is a column of that name


def uid_of(ids: Iterable[str]) -> NDArray[np.uint64]:
    """uint64 of each id: BLAKE2b (RFC 7693), 8-byte digest of its UTF-8 text, little-endian, top bit cleared."""
    blake2b = hashlib.blake2b
    digests = b"".join([blake2b(text.encode(), digest_size=8).digest() for text in ids])
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64) & TOP_BIT_CLEAR


def numbered(name: str, spec: ColumnSpec, book: BookFile) -> bool:
    """Whether a field is the number of the row."""
    return name == "id" and spec.column == ROW and ROW not in book.columns


@dataclass
class Found:
    """Rows that share a mistake: how many, the first few, a sample of what they hold and what would mend that."""

    rows: int = 0
    first: list[int] = field(default_factory=list)
    sample: str = ""
    remedy: str = ""


class Reading:
    """One pass over a book, batch by batch: converts, and notes what is wrong instead of stopping at it."""

    def __init__(
        self,
        book: BookFile,
        specs: dict[str, ColumnSpec],
        scale: float,
        currency: str,
        tiers: Sequence[str] | None,
        decimal: Decimal | None,
        as_of: date | None = None,
        *,
        decimal_found: bool = False,
        keep: NDArray[np.bool_] | None = None,
        panel: bool = False,
    ):
        self.book, self.specs, self.scale, self.currency, self.tiers = book, specs, scale, currency, tiers
        self.decimal, self.as_of = decimal, as_of
        self.decimal_found = decimal_found  # by the numbers themselves, in a reading before
        self.marked: frozenset[Decimal] = frozenset()  # by which some numbers can only be read
        self.keep, self.panel = keep, panel  # the only rows that count; whether an id may be there more than once
        self.rows = 0
        self.found: dict[tuple[str, str], Found] = {}
        self.counts: dict[str, int] = {}
        self.labels = {
            name: Labels(spec.column) for name, spec in specs.items() if isinstance(spec, StateColumn | TierColumn)
        }
        self.met: dict[str, list[str]] = {}  # values met in a state column, for the message if none of them is listed
        self.listed: set[str] = set()  # state columns in which a listed value was met
        self.bounds: dict[str, tuple[float, float]] = {}  # least and largest number of a column, as in the file
        self.codes: dict[str, dict[float, int]] = {}  # numbers out of bounds that look like codes for unknown
        self.thousands = {name: Thousands() for name in specs if name in QUANTITIES and QUANTITIES[name].money}
        self.ids = Ids()
        self.dates: dict[str, DateColumn | None] = {}  # columns that may be dates: None if they are numbers
        self.currencies = {name: Currencies() for name in self.thousands}
        self.units = {name: Units() for name in self.thousands}
        self.sums = {name: Sum() for name in self.thousands}
        self.percents: dict[str, tuple[int, int]] = {}  # numbers of a share with a percent sign, and without
        self.unknown_days: dict[str, tuple[str, int]] = {}  # days that look like codes for unknown, with their rows
        self.pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in [*specs, "uid"]}
        self.values: dict[str, NDArray[Any]] = {}

    def run(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take in everything, then look for ids that are there twice. Raises `Unreadable`."""
        for batch in self._kept(batches):
            for name, spec in self.specs.items():
                if numbered(name, spec, self.book):
                    self.pieces[name].append(self._number_rows(len(batch)))
                else:
                    self.pieces[name].append(self._convert(name, spec, batch.column(spec.column)))
            self.rows += len(batch)
            if self.rows > MOST_ROWS:
                raise TooLarge(f"has more than {MOST_ROWS:,} customers; a book may have as many")
        for name, pieces in self.pieces.items():
            if pieces:
                self.values[name] = np.concatenate(pieces)
            pieces.clear()
        for name, column in self.dates.items():
            if column is not None:
                self.values[name] = self._since(name, column)
        if "uid" in self.values and not self.panel:
            self._find_repeated_ids()
        if "age" in self.values:
            low, high = CALIBRATED_AGES
            self._count("ages_clipped", (self.values["age"] < low) | (self.values["age"] > high))

    def _kept(self, batches: Iterable[pa.RecordBatch]) -> Iterable[pa.RecordBatch]:
        """The rows that count, of batches of all."""
        if self.keep is None:
            yield from batches
            return
        import pyarrow as pa

        before = 0
        for batch in batches:
            yield batch.filter(pa.array(self.keep[before : before + len(batch)]))
            before += len(batch)

    def places(self, wanted: set[tuple[int, str]]) -> dict[tuple[int, str], tuple[int, int]]:
        """(line, column) of cells given as (row among those that count, column name)."""
        if self.keep is None:
            return self.book.places(wanted)
        rows = np.flatnonzero(self.keep)
        places = self.book.places({(int(rows[row]), name) for row, name in wanted})
        return {(row, name): places[int(rows[row]), name] for row, name in wanted}

    def mended_by(self, other: Reading) -> bool:
        """Whether another reading of the same file finds fewer cells that are no numbers, and more in no column."""
        mine, theirs = (
            {n: f.rows for (n, kind), f in r.found.items() if kind == "not a number"} for r in (self, other)
        )
        return sum(theirs.values()) < sum(mine.values()) and all(theirs[name] <= mine.get(name, 0) for name in theirs)

    def dated(self, name: str) -> bool:
        """Whether a field was read from dates."""
        return self.dates.get(name) is not None

    def read(self) -> dict[str, str]:
        """The column that each field came from."""
        read = {name: self.specs[name].column for name in FIELD_NAMES if name in self.specs}
        return read | ({"id": "(number of the row)"} if numbered("id", self.specs["id"], self.book) else {})

    def form(self) -> dict[str, str]:
        """How the file was read, for the manifest."""
        how = " (found)" if self.decimal_found else ""
        form = dict(self.book.form)
        if self.book.kind == "csv" or how:
            form["decimal"] = f"{self.decimal or 'point'}{how}"
        dates = [f"{quoted(self.specs[name].column)} {column.said}" for name, column in self.dates.items() if column]
        if dates:
            form |= {"as_of": str(self.as_of), "dates": ", ".join(dates)}
        currencies = {code for seen in self.currencies.values() for code in seen.rows}
        form |= {"currency": ", ".join(sorted(currencies))} if currencies else {}
        units = [unit for unit in UNITS if any(unit in seen.rows for seen in self.units.values())]
        return form | ({"units": ", ".join(units)} if units else {})

    def words(self) -> dict[str, list[dict[str, Any]]]:
        """What each word of a state or tier became, and in how many rows."""
        return {name: labels.entries(self._listed(name)) for name, labels in self.labels.items()}

    def _listed(self, name: str) -> list[str]:
        """The plain words that the scenario itself lists for a column."""
        spec = self.specs[name]
        if isinstance(spec, TierColumn):
            return [plain_word(word) for word in (*spec.values, *(self.tiers or ()))]
        assert isinstance(spec, StateColumn)
        active, others = meant(spec)
        return [*active, *(others or ())]

    def _number_rows(self, rows: int) -> NDArray[Any]:
        ids = [str(self.rows + row + 1) for row in range(rows)]
        self.pieces["uid"].append(uid_of(ids))
        return np.array(ids, dtype=Text)

    def _convert(self, name: str, spec: ColumnSpec, cells: pa.Array) -> NDArray[Any]:
        if isinstance(spec, DatedColumn) and (dates := self._dates_of(name, spec, cells)) is not None:
            dates.see(cells)
            return np.empty(0, np.float32)  # made when all were seen
        if isinstance(spec, AmountColumn):
            values = self._numbers(name, spec, cells)
            with np.errstate(over="ignore"):  # what does not fit was refused just now
                return values if QUANTITIES[name].money else values.astype(np.float32)
        if isinstance(spec, StateColumn):
            yes = self._yes_or_no(name, spec, cells)
            return np.where(yes == 1, np.int8(ACTIVE), np.int8(DORMANT)) if name == "state" else yes
        return self._tier_names(spec, cells) if isinstance(spec, TierColumn) else self._ids(cells)

    def _ids(self, cells: pa.Array) -> NDArray[Any]:
        import pyarrow as pa
        import pyarrow.compute as pc

        text = cells.cast(pa.string()).fill_null("")
        self.ids.see(text, SHOWN)
        trimmed = pc.utf8_trim_whitespace(text)
        self._note("id", "missing", mask_of(pc.equal(trimmed, "")))
        self._note("id", "total", mask_of(pc.match_substring_regex(trimmed, TOTAL)), cells)
        ids = text.to_numpy(zero_copy_only=False)
        self.pieces["uid"].append(uid_of(ids))
        return ids.astype(Text)

    def _numbers(self, name: str, spec: AmountColumn, cells: pa.Array) -> NDArray[np.float64]:
        quantity = QUANTITIES[name]
        found = as_numbers(cells, self.decimal, money=quantity.money, share=quantity.share)
        values, wrong = found.values, found.wrong
        if found.around.currency is not None:
            self.currencies[name].see(found.around.currency, self.rows, SHOWN)
        if quantity.money:
            self.units[name].see(values, found.around.unit)
            self.sums[name].see(values, self.rows)
        if quantity.share:
            values = self._of_percent(name, spec, values, found.around.percent)
        if wrong is not None:
            self._note(name, "not a number", wrong, cells)
        self.marked |= found.marked
        if name in self.thousands and (self.decimal is None or self.decimal_found):
            self.thousands[name].see(cells)
        missing = np.isnan(values)
        if wrong is not None:
            missing &= ~wrong
        if missing.any():
            self._missing(name, spec, missing)
        return self._in_our_unit(name, spec, values, cells)

    def _in_our_unit(
        self, name: str, spec: AmountColumn, values: NDArray[np.float64], cells: pa.Array | None
    ) -> NDArray[np.float64]:
        """Numbers as they stand in the file scaled, raised to a floor and held against their bounds."""
        quantity, written = QUANTITIES[name], values
        with np.errstate(over="ignore"):  # becomes infinite, which is found next
            values = values * spec.scale + spec.shift
            if quantity.money:
                values *= self.scale
        self._note(name, "infinite", np.isinf(values))
        if spec.floor is not None:
            self._count(f"{name}_raised_to_floor", values < spec.floor)
            values = np.where(values < spec.floor, spec.floor, values)
        low, high = (values < quantity.low) & (values != -np.inf), (values > quantity.high) & (values != np.inf)
        self._note(name, "low", low)
        self._note(name, "high", high)
        self._see(name, written, low | high)
        if quantity.whole:
            self._note(name, "not whole", np.isfinite(values) & (values != np.floor(values)), cells)
        return values

    def _of_percent(
        self, name: str, spec: AmountColumn, values: NDArray[np.float64], percent: NDArray[np.bool_] | None
    ) -> NDArray[np.float64]:
        """Shares with those in percent divided by a hundred, unless the column's scale does so."""
        signs = 0 if percent is None else int(np.count_nonzero(percent))
        before = self.percents.get(name, (0, 0))
        self.percents[name] = before[0] + signs, before[1] + int(np.isfinite(values).sum()) - signs
        return values if percent is None or spec.scale != 1.0 else np.where(percent, values / 100.0, values)

    def _dates_of(self, name: str, spec: DatedColumn, cells: pa.Array) -> DateColumn | None:
        """The column as dates, if it holds such; its first batch that holds anything says so."""
        if name not in self.dates:
            plain = spec.scale == 1.0 and spec.shift == 0.0 and spec.date is not False and self.as_of is not None
            asked = spec.date or spec.format is not None
            looks = True if asked else look_like_dates(cells) if plain else False
            if looks is None:  # nothing in it yet, so all are missing whatever they are
                return None
            before = self.rows
            self.dates[name] = DateColumn(spec.format, slip=name == "age") if looks and self.as_of is not None else None
            if (column := self.dates[name]) is not None and before:
                column.pieces.append(np.full(before, -1, np.int32))
                self.found.pop((name, "missing"), None)
                self.counts.pop(f"{name}_missing", None)
                self.pieces[name].clear()
        return self.dates[name]

    def _since(self, name: str, column: DateColumn) -> NDArray[np.float32]:
        """Whole months, or years of an age, from the days of a column to the day of the book."""
        spec = self.specs[name]
        assert self.as_of is not None
        assert isinstance(spec, DatedColumn)
        rows, self.rows = self.rows, 0  # everything is told from the first row on
        days, wrong = column.read(self.as_of)
        future = days > np.datetime64(self.as_of, "D")
        self._note_first(name, "no date", wrong, column)
        if spec.floor is None:
            self._note_first(name, "future", future, column)
        missing = np.isnat(days) & ~wrong
        if missing.any():
            self._missing(name, spec, missing)
        self.unknown_days[name] = codes_among(days)
        values = (years_between if name == "age" else months_between)(days, self.as_of)
        if spec.floor is None:
            values[future] = np.nan  # told already
        values = self._in_our_unit(name, spec, values, None)
        self.rows = rows
        return values.astype(np.float32)

    def _note_first(self, name: str, kind: str, mask: NDArray[np.bool_], column: DateColumn) -> None:
        self._note(name, kind, mask)
        if mask.any():
            self.found[name, kind].sample = repr(column.cell(int(np.flatnonzero(mask)[0]))[:20])

    def _yes_or_no(self, name: str, spec: StateColumn, cells: pa.Array) -> NDArray[np.float32]:
        import pyarrow as pa

        coded = cells if isinstance(cells, pa.DictionaryArray) else cells.dictionary_encode()
        yes, no = meant(spec)
        answers = np.full(len(coded.dictionary) + 1, np.nan, dtype=np.float32)  # the last is for nulls
        unknown = np.zeros(len(answers), dtype=bool)
        words = self.met.setdefault(name, [])
        for code, value in enumerate(coded.dictionary.to_pylist()):
            word = plain_word(value)
            if word in BLANK and word not in yes:
                continue
            if len(words) < 5 and str(value) not in words:
                words.append(str(value))
            answers[code] = word in yes
            unknown[code] = no is not None and word not in yes | no
            if word in yes:
                self.listed.add(name)
        codes = coded.indices.fill_null(len(answers) - 1).to_numpy(zero_copy_only=False)
        for code, rows in enumerate(np.bincount(codes, minlength=len(answers))[:-1].tolist()):
            if rows and not np.isnan(answers[code]):
                self.labels[name].add(str(coded.dictionary[code]), MEANINGS[name][0 if answers[code] else 1], rows)
        self._note(name, "neither", unknown[codes], cells)
        missing = np.isnan(answers[codes])
        if missing.any():
            self._missing(name, spec, missing)
        return answers[codes]

    def _tier_names(self, spec: TierColumn, cells: pa.Array) -> NDArray[Any]:
        import pyarrow as pa
        import pyarrow.compute as pc

        coded = pc.utf8_trim_whitespace(cells.cast(pa.string()).fill_null("")).dictionary_encode()
        met = coded.dictionary.to_pylist()
        names = np.array([spec.tier_of(word) for word in met], dtype=Text)
        codes = coded.indices.to_numpy(zero_copy_only=False)
        empty = np.array([word in EMPTY for word in names], dtype=bool)
        for code, rows in enumerate(np.bincount(codes, minlength=len(met)).tolist()):
            if not empty[code]:
                self.labels["tier"].add(met[code], str(names[code]), rows)
        self._note("tier", "missing", empty[codes])
        if self.tiers is not None:
            foreign = np.array([word not in self.tiers for word in names], dtype=bool) & ~empty
            self._note("tier", "no tier", foreign[codes], cells)
        return names[codes]

    def _find_repeated_ids(self) -> None:
        """Rows whose id, or only its hash, is that of an earlier row."""
        uid, ids = self.values["uid"], self.values["id"]
        order = np.argsort(uid, kind="stable")
        again = np.flatnonzero(uid[order][1:] == uid[order][:-1]) + 1
        first_of: dict[int, int] = {}
        repeated, colliding = list[tuple[int, int]](), list[tuple[int, int]]()
        for place in again.tolist():
            row = int(order[place])
            first = first_of.setdefault(int(uid[row]), int(order[place - 1]))
            if str(ids[row]).strip():  # empty ids are reported as missing
                (repeated if ids[row] == ids[first] else colliding).append((row, first))
        for kind, pairs in (("repeated", sorted(repeated)), ("colliding", sorted(colliding))):
            if pairs:
                first_rows = [row for row, _ in pairs[:SHOWN]]
                self.found["id", kind] = Found(len(pairs), [*first_rows, pairs[0][1]])

    def _see(self, name: str, written: NDArray[np.float64], out: NDArray[np.bool_]) -> None:
        """Note the range of a column's numbers as they stand in the file, and codes among those out of bounds."""
        finite = written[np.isfinite(written)]
        if finite.size:
            low, high = self.bounds.get(name, (np.inf, -np.inf))
            self.bounds[name] = (min(low, float(finite.min())), max(high, float(finite.max())))
        if out.any():
            codes = self.codes.setdefault(name, {})
            found, rows = np.unique(written[out & are_codes(written)], return_counts=True)
            for code, count in zip(found.tolist(), rows.tolist(), strict=True):
                codes[code] = codes.get(code, 0) + count

    def _missing(self, name: str, spec: ColumnSpec, missing: NDArray[np.bool_]) -> None:
        if getattr(spec, "missing", "mistake") == "impute":
            self._count(f"{name}_missing", missing)
        else:
            self._note(name, "missing", missing)

    def _count(self, what: str, mask: NDArray[np.bool_]) -> None:
        self.counts[what] = self.counts.get(what, 0) + int(np.count_nonzero(mask))

    def _note(self, name: str, kind: str, mask: NDArray[np.bool_], cells: pa.Array | None = None) -> None:
        """Remember the rows of this batch where `mask` holds; `cells` to quote the first of them."""
        if not mask.any():
            return
        rows = np.flatnonzero(mask)
        found = self.found.setdefault((name, kind), Found())
        if cells is not None and not found.rows:
            cell = cells[int(rows[0])].as_py()
            found.sample = repr(str(cell)[:20])
            if str(cell).strip() == self.specs[name].column:
                found.remedy = "the header stands there again: take that line out"
            elif kind == "not a number":
                found.remedy = remedy(cell, self.decimal, self._dates_remedy(name))
        found.rows += len(rows)
        found.first += [self.rows + int(row) for row in rows[: SHOWN - len(found.first)]]

    def _dates_remedy(self, name: str) -> str:
        """What would read a date where a number was expected."""
        if not isinstance(self.specs[name], DatedColumn):
            return "a date is read as a tenure or an age alone"
        if self.as_of is None:
            return "population.as_of: the day of the book reads a date, such as as_of: 2024-12-31"
        return "most are numbers; date: true reads dates"
