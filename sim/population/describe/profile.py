"""A column as numbers: its kind, how many rows, what is missing, how many different values, its distribution."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from sim.population.book.cells import are_codes
from sim.population.describe.looks import MONTHS, Look, blank, dated, look, matches
from sim.population.describe.people import hidden_by_looks
from sim.population.describe.vocabulary import named, personal, tokens

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

SAMPLES: Final = 5
BINS: Final = 12
BARS: Final = "▁▂▃▄▅▆▇█"
FEW: Final = 40  # different words of a column of words; more, and most of them once, are text
TAIL: Final = 1.0  # percent at each end that a histogram draws in
SAID: Final = 0.5  # a likeness from which a name says what a column is
LONGEST: Final = 40  # characters of a sample


@dataclass(frozen=True, eq=False)
class Profile:
    """One column: its kind, what is in it, how it is distributed. `look` holds the values as read, of the rows seen.

    What is, or may be, a name, an address, an account or a telephone number is `hidden`: `samples` and `top` are empty.
    `rows` and `missing` are of the rows seen; `unique` is whether every value of the whole file is there once.
    """

    name: str
    kind: str
    rows: int
    missing: int
    distinct: int
    unique: bool
    samples: tuple[str, ...]
    look: Look
    hidden: bool = False
    top: tuple[tuple[str, int], ...] = ()
    low: float = math.nan
    median: float = math.nan
    mean: float = math.nan
    high: float = math.nan
    whole: bool = False
    bars: str = ""
    codes: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64), repr=False)
    texts: Any = field(default=None, repr=False)

    @cached_property
    def unknown(self) -> list[float]:
        """Numbers that look like codes for unknown: -999 below nothing, 9999 far above all others."""
        values = np.unique(self.numbers[np.isfinite(self.numbers)])
        code = are_codes(values) | (values == -1)
        codes, rest = values[code], values[~code]
        return [float(c) for c in codes if rest.size and (c < min(0.0, rest.min()) or c > 3 * rest.max())]

    @cached_property
    def usual(self) -> NDArray[np.float64]:
        """The numbers that are there, without codes for unknown."""
        return self.numbers[np.isfinite(self.numbers) & ~np.isin(self.numbers, self.unknown)]

    @property
    def numbers(self) -> NDArray[np.float64]:
        """Float64[rows], NaN where there is none."""
        return self.look.numbers if self.look.numbers is not None else np.full(self.rows, np.nan)

    def plain(self) -> dict[str, Any]:
        """For JSON: all but the values themselves."""
        dates = self.kind in ("date", "month")
        ends = {"min": self.low, "median": self.median, "mean": self.mean, "max": self.high}
        shown = {key: day(value) if dates else value for key, value in ends.items() if math.isfinite(value)}
        return {
            "kind": self.kind,
            "rows": self.rows,
            "missing": self.missing,
            "distinct": self.distinct,
            "samples": list(self.samples),
            **shown,
            "histogram": self.bars,
            "top": [{"word": word, "rows": rows} for word, rows in self.top],
        }


def day(value: float) -> str:
    """A day counted from 1970 as YYYY-MM-DD."""
    return str(np.datetime64(round(value), "D"))


def profile(name: str, cells: pa.ChunkedArray, unique: bool | None, dates: bool) -> Profile:
    """Look at a column's cells; `unique` where the whole file was asked, `dates` if the name speaks of a day."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    text = _as_text(cells)
    coded = pc.utf8_trim_whitespace(text).combine_chunks().dictionary_encode()
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    codes = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    texts = pd.Series(coded.dictionary.to_pylist(), dtype=object)
    counts = np.bincount(codes[codes >= 0], minlength=len(texts))
    seen = look(codes, texts, counts) if len(texts) else Look("nothing")
    if seen.kind == "number" and seen.bare and dates:
        seen = dated(seen, codes, texts, counts, seen.bare[0])
    empty = blank(texts).to_numpy(dtype=bool) if len(texts) else np.empty(0, dtype=bool)
    missing = int((codes < 0).sum() + counts[empty].sum())
    rows, distinct = len(codes), int((~empty).sum())
    once = (distinct == rows - missing and not missing) if unique is None else unique
    kept = texts[~empty]
    few = kept.iloc[np.unique(np.linspace(0, max(len(kept) - 1, 0), SAMPLES).astype(int))] if len(kept) else kept
    best = max(named(name).values(), key=lambda one: one.score, default=None)
    said = best.what if best is not None and best.score >= SAID else ""
    kind = _words(seen, distinct, rows - missing, once, kept) if seen.numbers is None else ""
    hidden = personal(name) or hidden_by_looks(kept, kind if seen.kind != "date" else "date", said)
    shared: dict[str, Any] = {
        "name": name,
        "rows": rows,
        "missing": missing,
        "distinct": distinct,
        "unique": once,
        "look": seen,
        "hidden": hidden,
        "samples": () if hidden else tuple(str(t)[:LONGEST] for t in few),
        "codes": codes,
        "texts": texts,
    }
    order = (
        sorted((i for i in range(len(texts)) if not empty[i]), key=lambda i: (-counts[i], i))
        if distinct <= 5000
        else []
    )
    top = () if hidden else tuple((str(texts[i])[:LONGEST], int(counts[i])) for i in order[:SAMPLES])
    numbers = seen.numbers
    if seen.kind == "date" and seen.dates is not None:
        good = seen.dates[~np.isnat(seen.dates)].astype(np.int64).astype(float)
        kind_of = "month" if seen.form in MONTHS or _monthly(seen.dates) else "date"
        return Profile(kind=kind_of, **shared, top=top, **_distribution(good, hidden))
    if numbers is None:
        return Profile(kind=kind, **shared, top=top)
    good = numbers[np.isfinite(numbers)]
    whole = bool((good == np.floor(good)).all())
    kind = _number(seen, good, whole, distinct, rows - missing, once, kept)
    if kind == "id" and said in ("aum", "income") and not seen.zeros:
        kind = "money"
    elif kind in ("money", "number", "count") and whole and (said == "id" or tokens(name)[-1:] in (("id",), ("key",))):
        kind = "id"
    return Profile(
        kind=kind,
        **shared,
        top=top if distinct <= FEW else (),
        whole=whole,
        **_distribution(good, hidden),
    )


def _as_text(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """Cells of any type as texts; lists, structs and bytes as Python would write them."""
    import pyarrow as pa

    try:
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        return cells.cast(pa.string())
    except pa.ArrowException:
        words = [None if value is None else str(value) for value in cells.to_pylist()]
        return pa.chunked_array([pa.array(words, pa.string())])


def _monthly(dates: NDArray[Any]) -> bool:
    """Whether days are all the same day of their months, of several months: a table of months."""
    good = dates[~np.isnat(dates)]
    days = good - good.astype("datetime64[M]").astype("datetime64[D]")
    ends = (good + 1).astype("datetime64[M]").astype("datetime64[D]") == good + 1
    months = np.unique(good.astype("datetime64[M]"))
    return bool(len(good) > len(months) > 1 and len(months) <= 600 and ((days == days[0]).all() or ends.all()))


def _words(seen: Look, distinct: int, told: int, once: bool, kept: pd.Series) -> str:
    if seen.kind == "nothing":
        return "nothing"
    if distinct == 1:
        return "constant"
    if once and distinct > FEW and kept.iloc[:200].str.fullmatch(r"[\w./-]{3,40}").mean() > 0.9:
        return "id"
    return "words" if distinct <= FEW or distinct * 20 <= told else "text"


def _number(seen: Look, good: NDArray[Any], whole: bool, distinct: int, told: int, once: bool, kept: pd.Series) -> str:
    low, high = float(good.min()), float(good.max())
    if distinct == 1:
        return "constant"
    if seen.kind == "yes/no":
        return "yes/no"
    if seen.percent:
        return "percent"
    if seen.signs or seen.many:
        return "money"
    if whole and distinct == told and told > 20 and (once or high > 1000) and low >= 0:
        return "id"
    if not whole and low >= 0 and high <= 1:
        return "share"
    if whole and distinct > 2 and low >= 1900 and high <= 2100:
        return "year"
    if whole and high <= 120 and low >= 0:
        return "count"
    cents = matches(kept, r"[^.,]*[\d.,'\s]*[.,]\d{1,2}\D*").mean() if not whole else 0.0
    if seen.grouped or cents > 0.5 or (whole and high >= 10_000 and distinct > 100) or (not whole and high > 100):
        return "money"
    return "number"


def _distribution(good: NDArray[Any], hidden: bool) -> dict[str, Any]:
    if not good.size or hidden:
        return {}
    return {
        "low": float(good.min()),
        "median": float(np.median(good)),
        "mean": float(good.mean()),
        "high": float(good.max()),
        "bars": _bars(good),
    }


def _bars(good: NDArray[Any]) -> str:
    """A histogram of a line; the hundredth at each end is drawn into its first and last bar."""
    if not good.size:
        return ""
    low, high = np.percentile(good, [TAIL, 100 - TAIL])
    if low == high:
        low, high = float(good.min()), float(good.max())
    if low == high:
        return BARS[-1]
    counts, _ = np.histogram(np.clip(good, low, high), bins=BINS, range=(low, high))
    heights = np.ceil(counts / counts.max() * len(BARS)).astype(int)
    return "".join(BARS[h - 1] if h else " " for h in heights)
