"""A real customer book: the customers of a bank as read from a file, checked, in the model's units.

`read_book` either gives a `Book` or raises `BadInput` with every mistake in the file, named by line.
What a book lacks is not made up here: see `IMPUTABLE`, `Book.imputed` and `Book.lacks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import numpy as np
from numpy.typing import NDArray

from sim.errors import Mistake
from sim.population.book.checked import How, read_rows
from sim.population.book.columns import DAYS_TO_MONTHS, IMPUTABLE, BookColumns, ColumnSpec
from sim.population.book.labels import words_line
from sim.population.book.reading import uid_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["DAYS_TO_MONTHS", "IMPUTABLE", "Book", "BookColumns", "ColumnSpec", "read_book", "uid_of"]


@dataclass(frozen=True, eq=False, repr=False)
class Book:
    """The customers of a book, one a row, in file order. Arrays are read-only; a field that was not mapped is None.

    `id` (text) never leaves the program: it is in no result and not in the repr; `uid` is its hash, see `uid_of`.
    `aum` and `income` are float64 in the model's money; `age` (years), `tenure_months`, `products`, `digital_active`
    (0 or 1), `digital_affinity` (0..1), `satisfaction`, `trust`, `expectation` (SD) and `share_of_wallet` (0..1) are
    float32, NaN where to be imputed (so is `income`); `state` is int8 `ACTIVE` or `DORMANT`; `tier` is text.
    `read` says which column each field came from; `counts` what was changed or is missing; `words` what each word of a
    state or tier became, with its rows; `form` how the file was read; `doubts` what was read and looks wrong all the
    same; `digest` is the SHA-256 of the file's bytes.
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
    trust: NDArray[np.float32] | None = None
    expectation: NDArray[np.float32] | None = None
    state: NDArray[np.int8] | None = None
    tier: NDArray[Any] | None = None
    share_of_wallet: NDArray[np.float32] | None = None
    form: dict[str, str] = field(default_factory=dict)
    words: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    doubts: tuple[Mistake, ...] = ()

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
            "form": dict(self.form),
            "words": {name: [dict(entry) for entry in entries] for name, entries in self.words.items()},
            "doubts": [f"{doubt.path}: {doubt.message}" for doubt in self.doubts],
        }

    def lines(self) -> list[str]:
        """What a user should see of how the book was read, a line each: the file's form, and the words that count."""
        form = f"{self.rows:,} customers"
        form += "".join(f", {key} {said}" for key, said in self.form.items() if key != "kind")
        return [form, *(words_line(name, self.read[name], entries) for name, entries in self.words.items())]


def read_book(path: str | Path | pd.DataFrame, columns: BookColumns | Mapping[str, Any], **how: Unpack[How]) -> Book:
    """Read and check a customer book of any kind that `file.inspect` opens, or a data frame.

    `columns` maps fields to columns (see `BookColumns`; a mapping is validated here); `how` is as of `checked.How`. Of
    a monthly history, which names its column of months, the rows of the last month are the book.

    Raises `BadInput` with all mistakes: in the mapping, in the file, in its rows (counted, the first named by line).
    """
    found = read_rows(path, columns, how)
    reading = found.reading
    for values in reading.values.values():
        values.flags.writeable = False
    counts = {name: count for name, count in reading.counts.items() if count}
    form = reading.form()
    if found.months is not None:
        form |= {"history": found.months.said}
        counts |= {"history_customers": found.months.customers, "history_gone": found.months.gone}
    return Book(
        str(found.book.path),
        reading.rows,
        found.book.digest(),
        reading.read(),
        counts,
        **reading.values,
        form=form,
        words=reading.words(),
        doubts=found.doubts,
    )
