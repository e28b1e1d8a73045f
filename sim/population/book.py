"""A real customer book: the customers of a bank as read from a file, checked, in the model's units.

`read_book` either gives a `Book` or raises `BadInput` with every mistake in the file, named by line.
What a book lacks is not made up here: see `IMPUTABLE`, `Book.imputed` and `Book.lacks`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.codes import ACTIVE, DORMANT
from sim.errors import BadInput, Mistake
from sim.population.book_columns import (
    DAYS_TO_MONTHS,
    FIELD_NAMES,
    IMPUTABLE,
    QUANTITIES,
    AmountColumn,
    BookColumns,
    ColumnSpec,
    StateColumn,
    TierColumn,
    validated,
)
from sim.population.book_file import SHOWN, BookFile, Unreadable, inspect, named
from sim.population.book_words import column_problem, sentence

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DAYS_TO_MONTHS", "IMPUTABLE", "Book", "BookColumns", "ColumnSpec", "read_book", "uid_of"]

Where = Callable[[str], tuple[str, int, int]]
Text = np.dtypes.StringDType()
CALIBRATED_AGES: Final = (18, 85)  # SPEC 1.2; the model clips its covariates to these
TOP_BIT_CLEAR: Final = np.uint64(2**63 - 1)  # the upper half of the uids belongs to joiners

_EMPTY: Final = ("", "NA", "N/A", "n/a", "NaN", "nan", "NaT", "null", "NULL", "None")
_NUMBER: Final = r"^[+-]?((\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|(?i:inf|infinity|nan))$"
_YES: Final = frozenset({"1", "true", "yes", "y", "active"})
_NO: Final = frozenset({"0", "false", "no", "n", "inactive", "dormant"})


@dataclass(frozen=True, eq=False, repr=False)
class Book:
    """The customers of a book, one a row, in file order. Arrays are read-only; a field that was not mapped is None.

    `id` (text) never leaves the program: it is in no result and not in the repr; `uid` is its hash, see `uid_of`.
    `aum` and `income` are float64 in the model's money; `age` (years), `tenure_months`, `products`, `digital_active`
    (0 or 1), `digital_affinity` (0..1), `satisfaction` (SD) and `share_of_wallet` (0..1) are float32, NaN where to be
    imputed (so is `income`); `state` is int8 `ACTIVE` or `DORMANT`; `tier` is text.
    `read` says which column each field came from; `counts` what was changed or is missing; `digest` is the SHA-256 of
    the file's bytes.
    """

    file: str
    rows: int
    digest: str
    read: dict[str, str]
    counts: dict[str, int]
    id: NDArray[Any]
    uid: NDArray[np.uint64]
    aum: NDArray[np.float64]
    age: NDArray[np.float32] | None = None
    tenure_months: NDArray[np.float32] | None = None
    products: NDArray[np.float32] | None = None
    income: NDArray[np.float64] | None = None
    digital_active: NDArray[np.float32] | None = None
    digital_affinity: NDArray[np.float32] | None = None
    satisfaction: NDArray[np.float32] | None = None
    state: NDArray[np.int8] | None = None
    tier: NDArray[Any] | None = None
    share_of_wallet: NDArray[np.float32] | None = None

    def __repr__(self) -> str:
        return f"Book({self.rows} customers, read: {', '.join(self.read)}; sha256 {self.digest[:12]})"

    @property
    def imputed(self) -> tuple[str, ...]:
        """The fields that the synthetic bank must give for every customer."""
        return tuple(name for name in IMPUTABLE if name not in self.read)

    def lacks(self, name: str) -> NDArray[np.bool_]:
        """Bool[rows]: for whom a field of `IMPUTABLE` must be imputed."""
        values = getattr(self, name)
        return np.ones(self.rows, dtype=bool) if values is None else np.isnan(values)

    def manifest(self) -> dict[str, Any]:
        """What the manifest says about the book: no ids, no values of a single customer."""
        return {
            "rows": self.rows,
            "sha256": self.digest,
            "read": dict(self.read),
            "imputed": list(self.imputed),
            "counts": dict(self.counts),
        }


def uid_of(ids: Iterable[str]) -> NDArray[np.uint64]:
    """uint64 of each id: BLAKE2b (RFC 7693), 8-byte digest of its UTF-8 text, little-endian, top bit cleared."""
    blake2b = hashlib.blake2b
    digests = b"".join([blake2b(text.encode(), digest_size=8).digest() for text in ids])
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64) & TOP_BIT_CLEAR


def read_book(
    path: str | Path,
    columns: BookColumns | Mapping[str, Any],
    *,
    currency_scale: float = 1.0,
    where: Where | None = None,
    currency: str = "CNY",
    tiers: Sequence[str] | None = None,
) -> Book:
    """Read and check a customer book (.csv, .csv.gz, .parquet).

    `columns` maps fields to columns (see `BookColumns`; a mapping is validated here). One unit of the file's money is
    `currency_scale` of the model's `currency`. `where` gives the (file, line, column) of a key path of the scenario,
    such as ``population.columns.age``, for mistakes made there. `tiers` are the names a tier column may hold.

    Raises `BadInput` with all mistakes: in the mapping, in the file, in its rows (counted, the first named by line).
    """
    path, mistakes = Path(path), list[Mistake]()

    def report(key: str, message: str) -> None:
        file, line, column = where(f"population.{key}") if where else (str(path), 0, 0)
        mistakes.append(Mistake(file, line, column, f"population.{key}", message))

    if not (math.isfinite(currency_scale) and currency_scale > 0):
        report("currency_scale", f"must be a positive number of {currency} for one unit of the book's money")
        currency_scale = 1.0
    mapped, wrong = (columns.mapped(), {}) if isinstance(columns, BookColumns) else validated(columns)
    for place, message in wrong.items():
        report(f"columns.{place}", message)

    def unreadable(error: Unreadable) -> BadInput:
        if error.line:
            mistakes.append(Mistake(str(path), error.line, 1, "", str(error)))
        else:
            report("file", f"{path} {error}")
        return BadInput(mistakes)

    try:
        book = inspect(path)
    except Unreadable as error:
        raise unreadable(error) from None

    specs: dict[str, ColumnSpec] = {}
    for name, spec in mapped.items():
        if problem := column_problem(name, spec.column, book):
            report(f"columns.{name}", problem)
        else:
            specs[name] = spec
    if not specs:
        raise BadInput(mistakes)
    wanted = {spec.column for spec in specs.values()}
    reading = _Reading(book, specs, currency_scale, currency, tiers)
    try:
        try:
            reading.run(book.batches(wanted))
        except Unreadable as error:
            if book.kind != "csv":
                raise
            reading = _Reading(book, specs, currency_scale, currency, tiers)
            reading.run(book.patient_batches(wanted))
            if reading.rows and not book.irregularities():
                raise error from None
    except Unreadable as error:
        raise unreadable(error) from None
    mistakes += [Mistake(str(path), line, 1, "", message) for line, message in book.irregularities()]
    mistakes += reading.mistakes()
    if not reading.rows and not mistakes:
        report("file", f"{path} has a header and no customers")
    if mistakes:
        raise BadInput(mistakes)
    return reading.result()


@dataclass
class _Found:
    """Rows that share a mistake: how many, the first few, a sample of what they hold."""

    rows: int = 0
    first: list[int] = field(default_factory=list)
    sample: str = ""


class _Reading:
    """One pass over a book, batch by batch: converts, and notes what is wrong instead of stopping at it."""

    def __init__(
        self, book: BookFile, specs: dict[str, ColumnSpec], scale: float, currency: str, tiers: Sequence[str] | None
    ):
        self.book, self.specs, self.scale, self.currency, self.tiers = book, specs, scale, currency, tiers
        self.rows = 0
        self.found: dict[tuple[str, str], _Found] = {}
        self.counts: dict[str, int] = {}
        self.words: dict[str, list[str]] = {}  # values met in a state column, for the message if none of them is listed
        self.listed: set[str] = set()  # state columns in which a listed value was met
        self.pieces: dict[str, list[NDArray[Any]]] = {name: [] for name in [*specs, "uid"]}
        self.values: dict[str, NDArray[Any]] = {}

    def run(self, batches: Iterable[pa.RecordBatch]) -> None:
        """Take in everything, then look for ids that are there twice. Raises `Unreadable`."""
        for batch in batches:
            for name, spec in self.specs.items():
                self.pieces[name].append(self._convert(name, spec, batch.column(spec.column)))
            self.rows += len(batch)
        for name, pieces in self.pieces.items():
            if pieces:
                self.values[name] = np.concatenate(pieces)
            pieces.clear()
        if "uid" in self.values:
            self._find_repeated_ids()
        if "age" in self.values:
            low, high = CALIBRATED_AGES
            self._count("ages_clipped", (self.values["age"] < low) | (self.values["age"] > high))

    def result(self) -> Book:
        """The book, once `mistakes` is empty."""
        with self.book.path.open("rb") as data:
            digest = hashlib.file_digest(data, "sha256").hexdigest()
        for values in self.values.values():
            values.flags.writeable = False
        read = {name: self.specs[name].column for name in FIELD_NAMES if name in self.specs}
        counts = {name: count for name, count in self.counts.items() if count}
        return Book(str(self.book.path), self.rows, digest, read, counts, **self.values)

    def _convert(self, name: str, spec: ColumnSpec, cells: pa.Array) -> NDArray[Any]:
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
        self._note("id", "missing", _mask(pc.equal(pc.utf8_trim_whitespace(text), "")))
        ids = text.to_numpy(zero_copy_only=False)
        self.pieces["uid"].append(uid_of(ids))
        return ids.astype(Text)

    def _numbers(self, name: str, spec: AmountColumn, cells: pa.Array) -> NDArray[np.float64]:
        quantity = QUANTITIES[name]
        values, wrong = _as_numbers(cells)
        if wrong is not None:
            self._note(name, "not a number", wrong, cells)
        missing = np.isnan(values)
        if wrong is not None:
            missing &= ~wrong
        if missing.any():
            self._missing(name, spec, missing)
        with np.errstate(over="ignore"):  # becomes infinite, which is found next
            values = values * spec.scale + spec.shift
            if quantity.money:
                values *= self.scale
        self._note(name, "infinite", np.isinf(values))
        if spec.floor is not None:
            self._count(f"{name}_raised_to_floor", values < spec.floor)
            values = np.where(values < spec.floor, spec.floor, values)
        self._note(name, "low", (values < quantity.low) & (values != -np.inf))
        self._note(name, "high", (values > quantity.high) & (values != np.inf))
        if quantity.whole:
            self._note(name, "not whole", np.isfinite(values) & (values != np.floor(values)), cells)
        return values

    def _yes_or_no(self, name: str, spec: StateColumn, cells: pa.Array) -> NDArray[np.float32]:
        import pyarrow as pa

        coded = cells if isinstance(cells, pa.DictionaryArray) else cells.dictionary_encode()
        yes = _YES if spec.active is None else _spellings(spec.active)
        answers = np.full(len(coded.dictionary) + 1, np.nan, dtype=np.float32)  # the last is for nulls
        unknown = np.zeros(len(answers), dtype=bool)
        words = self.words.setdefault(name, [])
        for code, value in enumerate(coded.dictionary.to_pylist()):
            word = _plain(value)
            if word in ("", "nan", "na", "n/a", "null", "none", "nat") and word not in yes:
                continue
            if len(words) < 5 and str(value) not in words:
                words.append(str(value))
            answers[code] = word in yes
            unknown[code] = spec.active is None and word not in _YES | _NO
            if word in yes:
                self.listed.add(name)
        codes = coded.indices.fill_null(len(answers) - 1).to_numpy(zero_copy_only=False)
        self._note(name, "neither", unknown[codes], cells)
        missing = np.isnan(answers[codes])
        if missing.any():
            self._missing(name, spec, missing)
        return answers[codes]

    def _tier_names(self, spec: TierColumn, cells: pa.Array) -> NDArray[Any]:
        import pyarrow as pa
        import pyarrow.compute as pc

        coded = pc.utf8_trim_whitespace(cells.cast(pa.string()).fill_null("")).dictionary_encode()
        names = np.array([spec.values.get(word, word) for word in coded.dictionary.to_pylist()], dtype=Text)
        codes = coded.indices.to_numpy(zero_copy_only=False)
        empty = np.array([word in _EMPTY for word in names], dtype=bool)
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
                self.found["id", kind] = _Found(len(pairs), [*first_rows, pairs[0][1]])

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
        found = self.found.setdefault((name, kind), _Found())
        if cells is not None and not found.rows:
            found.sample = repr(str(cells[int(rows[0])].as_py())[:20])
        found.rows += len(rows)
        found.first += [self.rows + int(row) for row in rows[: SHOWN - len(found.first)]]

    def mistakes(self) -> list[Mistake]:
        """What was found, each with the line of its first row."""
        file, made = str(self.book.path), list[Mistake]()
        wanted = {(row, self.specs[name].column) for (name, _), found in self.found.items() for row in found.first}
        places = self.book.places(wanted) if wanted else {}
        for (name, kind), found in sorted(self.found.items(), key=lambda item: FIELD_NAMES.index(item[0][0])):
            column = self.specs[name].column
            lines = [places[row, column][0] for row in found.first]
            shown = named(lines[: min(SHOWN, found.rows)], found.rows, self.book.unit)
            twin = f"{self.book.unit} {lines[-1]}"
            message = sentence(
                name, kind, found.rows, shown, sample=found.sample, first=twin, currency=self.currency, tiers=self.tiers
            )
            made.append(Mistake(file, *places[found.first[0], column], column, message))
        for name, spec in self.specs.items():
            if isinstance(spec, StateColumn) and spec.active and self.rows and name not in self.listed:
                listed = ", ".join(repr(value) for value in spec.active)
                there = ", ".join(repr(word) for word in self.words[name])
                message = f"no row holds {listed}, listed under active; it has {there}"
                made.append(Mistake(file, 0, 0, spec.column, message))
        return made


def _as_numbers(cells: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_] | None]:
    """Float64 with NaN for empty cells, and a mask of the cells that are not numbers (None if all are)."""
    import pyarrow as pa
    import pyarrow.compute as pc

    wrong = None
    if pa.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        try:
            numbers = cells.cast(pa.float64())  # nearly always
        except pa.ArrowInvalid:
            cells = pc.utf8_trim_whitespace(cells)
            cells = pc.if_else(pc.is_in(cells, value_set=pa.array(_EMPTY, cells.type)), None, cells)
            good = pc.match_substring_regex(cells, _NUMBER)
            wrong = ~_mask(good.fill_null(True))
            numbers = pc.if_else(good, cells, None).cast(pa.float64())
    else:
        numbers = cells.cast(pa.float64(), safe=False)
    values = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
    return values, wrong if wrong is not None and wrong.any() else None


def _mask(cells: pa.Array) -> NDArray[np.bool_]:
    return cells.to_numpy(zero_copy_only=False).astype(bool)


def _plain(value: Any) -> str:
    """A cell or a listed value as a word to compare: no case, no spaces around, 1.0 and True as 1."""
    if isinstance(value, bool):
        return "1" if value else "0"
    word = str(value).strip().casefold() if value is not None else ""
    try:
        number = float(word)
    except ValueError:
        return word
    return str(int(number)) if number.is_integer() else word


def _spellings(listed: Iterable[Any]) -> frozenset[str]:
    """The words that listed values stand for: true also as yes, y and 1, as YAML reads them."""
    words: set[str] = set()
    for value in listed:
        words |= (_YES if value else _NO) if isinstance(value, bool) else {_plain(value)}
    return frozenset(words)
