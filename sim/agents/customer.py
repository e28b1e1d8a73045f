"""A customer is a row: the columns, what the bank sees of them, and one row as an object.

Columns are plain NumPy arrays with spare rows at the end; the rows of customers who left are taken by those who join,
so a row never moves while its customer lives. `BYTES_PER_CUSTOMER` states the memory of one row.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from sim.codes import (
    ACTIVE,
    ADVERSE,
    BROWSED,
    CLOSED,
    JOINED_THIS_YEAR,
    MULTIHOMER,
    NOBODY,
    REDUCED,
    REFERRED,
    UPLIFT_CLASSES,
)

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Column:
    """One column, declared once: type, value of an unused row, whether the bank can observe it, unit, meaning.

    From this table follow the arrays the kernel lives on, what `BankView` shows, a state's file, and `Customers.frame`.
    """

    name: str
    dtype: type
    empty: float
    observed: bool
    unit: str  # "" where it has none: a code, an index, a yes or no
    about: str


@dataclass(frozen=True)
class Trait:
    """A yes or no that is one bit of the column `traits`; it reads like a column of its own, int8, 1 = yes."""

    name: str
    bit: int
    observed: bool
    about: str
    unit: str = ""


TRAITS: tuple[Trait, ...] = (
    Trait("multihomer", MULTIHOMER, False, "banks elsewhere too"),
    Trait("adverse", ADVERSE, False, "further products cost more than they earn"),
    Trait("referred", REFERRED, True, "joined through a customer who recommended the bank"),
    Trait("reduced", REDUCED, False, "took most of the money away on falling asleep (`wallet.dormant_share` is left)"),
    Trait("lead", BROWSED, True, "showed interest in the app last month"),
)
BIT_OF = {trait.name: trait.bit for trait in TRAITS}

f32, u8, i8, i16, i32 = np.float32, np.uint8, np.int8, np.int16, np.int32
COLUMNS: tuple[Column, ...] = (
    Column("uid", np.uint64, 0, True, "", "who: the only key of a customer's draws besides seed, purpose and month"),
    Column("weight", np.uint32, 0, True, "customers/1024", "customers this row stands for"),
    Column("aum", f32, 0, True, "CNY", "assets under management"),
    Column("state", i8, CLOSED, True, "", "active, dormant, closed (or unused)"),
    Column("tier", i8, 0, True, "", "index of the tier"),
    Column("first_tier", i8, 0, True, "", "index of the tier at month 0, or of joining since"),
    Column("joined_month", i16, 0, True, "month", "month of joining, negative before month 0"),
    Column("traits", u8, 0, False, "", "bits: " + ", ".join(f"{trait.bit} = {trait.name}" for trait in TRAITS)),
    Column("age", f32, 40, True, "years", "age at month 0"),
    Column("income", f32, 0, True, "SD", "log income, in SD of the population"),
    Column("products", i8, 1, True, "products", "products held, 1 to 10"),
    Column("adopted", i8, 0, True, "", "1 = uses the app"),
    Column("preferred", i8, 0, False, "", "channel the customer likes best"),
    Column("manager", i32, NOBODY, True, "", "post of the named manager, -1 = none"),
    Column("contact_gap", i8, 0, True, "months", "months since a manager last reached the customer"),
    Column("transactions", u8, 0, True, "1/month", "transactions of the month, at most 255"),
    Column("silence", i8, 0, True, "months", "months without a transaction"),
    Column("aum_2", f32, 0, True, "CNY", "AUM a month before"),
    Column("below", i8, 0, True, "months", "months the three-month mean has been below the tier's threshold"),
    Column(
        "tier_change", i8, 0, True, "months", "months of effect left of a promotion (positive) or demotion (negative)"
    ),
    Column("opted_out", i8, 0, True, "", "bit per channel: does not want to be contacted there"),
    Column("opt_out_month", i16, -30_000, True, "month", "month of the last opt-out"),
    Column("attempts", i8, 0, True, "offers", "offers answered with no in the running campaign"),
    Column("last_channel", i8, NOBODY, True, "", "channel of the last contact made, -1 = none yet"),
    Column("contacts", i16, 0, True, "contacts", "contacts the bank has made so far"),
    Column(
        "retained", i8, 0, True, "months", "months a retention contact (positive) or a welcome (negative) still works"
    ),
    Column("log_wealth", f32, 0, False, "log CNY", "log of total financial wealth"),
    Column("wealth_mean", f32, 0, False, "log CNY", "what log wealth reverts to"),
    Column("wallet", f32, 0, False, "logit", "logit of the share of wealth kept here"),
    Column("wallet_mean", f32, 0, False, "logit", "what the wallet reverts to"),
    Column("affinity", f32, 0.5, False, "share", "digital affinity, 0 to 1"),
    Column("need", f32, 0, False, "SD", "latent product need"),
    Column("satisfaction", f32, 0, False, "raw", "raw satisfaction (DECISIONS 11 gives its scale)"),
    Column("expectation", f32, 0, False, "SD", "expected service quality"),
    Column("trust", f32, 0, False, "raw", "trust, before scaling"),
    Column("engagement", f32, 0, False, "SD", "latent engagement"),
    Column("engagement_mean", f32, 0, False, "SD", "what engagement reverts to"),
    Column("log_frailty", f32, 0, False, "log HR", "log of the gamma frailty"),
    Column("bond", f32, 0, False, "share", "bond with the manager, 0 to 1"),
    Column(
        "pressure",
        f32,
        0,
        False,
        "ideal = 1",
        "contact pressure: contacts of the last quarter against the ideal number",
    ),
    Column("open_failure", f32, 0, False, "failures", "unresolved service failures, fading"),
    Column(
        "manager_change",
        i8,
        0,
        False,
        "months",
        "months a new manager is felt: prepared (negative) or not",
    ),
    Column("follow", f32, 0, False, "1/month", "hazard rate a month of following a manager to a rival"),
    Column("follow_months", i8, 0, False, "months", "months it still lasts"),
    Column("second_life", i8, 0, False, "months", "months of raised hazard left since coming back from dormancy"),
    Column("uplift_class", i8, 0, False, "", "what a retention contact does: " + ", ".join(UPLIFT_CLASSES)),
    Column(
        "risk", f32, 0, False, "log HR", "log hazard ratio of leaving, last month: what a churn score tries to know"
    ),
    Column("year_start", i8, JOINED_THIS_YEAR, False, "", "tier (or number of tiers = dormant) when the year began"),
    Column("year_ago", i8, -1, False, "", "tier if active twelve months before the end, else -1"),
)
MOST_WEIGHT = 2**32 - 1  # in 1/1024 customer
BY_NAME = {column.name: column for column in COLUMNS}
NAMES = tuple(BY_NAME)
SCORES = ("churn_score", "uplift_score", "offer_score")
VARIABLES = tuple(each for one in COLUMNS for each in (TRAITS if one.name == "traits" else [one]))  # traits one by one
SHOWN = tuple(one.name for one in VARIABLES)
OBSERVED = frozenset(one.name for one in VARIABLES if one.observed)
BYTES_PER_CUSTOMER = sum(np.dtype(column.dtype).itemsize for column in COLUMNS)

FEWEST = 2048  # rows of a part that threads share out
MOST_PARTS = 4
Pairs = Sequence[tuple[int, int]]
Each = Callable[[Callable[[int, int], Any], Pairs | None], list[Any]]  # what comes of each pair, or stretch of rows

Columns: Any = namedtuple("Columns", NAMES)  # type: ignore[misc]


def parted(size: int) -> Pairs:
    """So many rows in parts, by the first of each and the one after its last, for threads to take side by side."""
    parts = min(max(size // FEWEST, 1), MOST_PARTS)
    return list(pairwise(size * part // parts for part in range(parts + 1)))


def given(values: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Every column of customers with these values by the name of a column or a trait; else as in an unused row."""
    columns: dict[str, Any] = {column.name: values.get(column.name, column.empty) for column in COLUMNS}
    for trait in TRAITS:
        if trait.name in values:
            has = np.asarray(values[trait.name]) != 0
            columns["traits"] = columns["traits"] | np.where(has, u8(trait.bit), u8(0))
    return columns


def whole(values: Mapping[str, np.ndarray], size: int) -> Any:
    """The same as `Columns` of their types, `size` customers each, as compiled code takes them."""
    found = given(values)
    for column in COLUMNS:
        value = found[column.name]
        own: np.ndarray = np.full(size, value, column.dtype) if np.ndim(value) == 0 else value
        own = np.ascontiguousarray(own, column.dtype)
        found[column.name] = own if own.flags.writeable else own.copy()  # else it would be compiled for anew
    return Columns(**found)


class Customers:
    """All customers of one bank as columns; `count` rows are in use or free, the rest is room to grow."""

    def __init__(self, capacity: int):
        self.count = 0
        self.roll: np.ndarray | None = None  # rows of who has a manager, as long as none of them moves or changes
        self._columns: dict[str, np.ndarray] = {}
        self._resize(max(capacity, 1))

    def _resize(self, capacity: int) -> None:
        for column in COLUMNS:
            grown: np.ndarray = np.full(capacity, column.empty, column.dtype)
            if self.count:
                grown[: self.count] = self._columns[column.name][: self.count]
            self._columns[column.name] = grown
        self._ready(capacity)

    def _ready(self, capacity: int) -> None:
        self.capacity = capacity
        self.arrays = Columns(**self._columns)

    @classmethod
    def of(cls, columns: Mapping[str, np.ndarray], room: int = 0) -> Customers:
        """Customers with these values, copied, row by row; `columns` has every column, and there is room for `room`."""
        return cls(max(room, columns["uid"].size)).take(columns)

    def take(self, columns: Mapping[str, np.ndarray]) -> Self:
        """Fill the first rows with these values, copied; `columns` has every column and there is room for them."""
        self.count = columns["uid"].size
        for name in NAMES:
            self._columns[name][: self.count] = columns[name]
        return self

    # --- what a bank in files does (`sim.bank.stored`) and one in memory need not --------------------------------

    def turn(self) -> None:
        """From here on rows may change, though no month is lived yet."""

    @contextmanager
    def living(self) -> Iterator[None]:
        """All rows live a month, part by part (`part`)."""
        yield

    @contextmanager
    def part(self, first: int, last: int) -> Iterator[Any]:
        """Rows first..last as they live a month: their columns (`Columns`), which may be written to and rearranged."""
        yield Columns(*(self._columns[name][first:last] for name in NAMES))

    def beside(self, name: str, kinds: Mapping[str, type], size: int) -> dict[str, np.ndarray]:
        """Room beside the columns, under this name, for arrays of these types that are filled once and stay."""
        return {key: np.empty(size, kind) for key, kind in kinds.items()}

    def __getattr__(self, name: str) -> np.ndarray:
        columns = self.__dict__.get("_columns", {})
        if name in columns:
            return columns[name][: self.count]
        if name not in BIT_OF or not columns:
            raise AttributeError(name)
        has = (columns["traits"][: self.count] & BIT_OF[name] != 0).astype(np.int8)
        has.flags.writeable = False  # a copy: `set_trait` writes
        return has

    def __len__(self) -> int:
        return self.count

    def place(
        self, values: dict[str, np.ndarray], *, free: np.ndarray | None = None, each: Each | None = None
    ) -> np.ndarray:
        """Give new customers a row each, freed rows first (lowest first); returns the row numbers.

        `free` are the rows that may be taken, all those freed unless given; `each` shares out those who come.
        `values` holds equally long arrays by column name; columns left out get the value of an unused row.
        """
        from sim.kernel.books import free_rows  # numba: not for those who only look at a scenario

        n = len(values["uid"])
        if n and int(np.max(values["weight"])) > MOST_WEIGHT:
            raise OverflowError(
                f"a row would stand for more than {MOST_WEIGHT // 1024:,} customers; more agents or fewer customers"
            )
        freed = free_rows(self._columns["state"], n, 0, self.count) if free is None else free[:n]
        more, first = n - freed.size, self.count
        self._grow(more)
        rows = np.concatenate([freed, np.arange(first, first + more)])
        self._put(rows, values, each)
        self.roll = None
        return rows

    def _put(self, rows: np.ndarray, values: Mapping[str, np.ndarray], each: Each | None = None) -> None:
        from sim.kernel.tidy import put_rows

        put = partial(put_rows, self.arrays, whole(values, rows.size), rows)
        if each is None:
            put(0, rows.size)
        else:
            each(put, parted(rows.size))

    def append(self, values: Mapping[str, np.ndarray]) -> None:
        """Give new customers a row each after all others; `values` as of `place`."""
        first = self.count
        self._grow(values["uid"].size)
        for name, value in given(values).items():
            self._columns[name][first : self.count] = value
        self.roll = None

    def _grow(self, more: int) -> None:
        if self.count + more > self.capacity:
            self._resize(int((self.count + more) * 1.1) + 1024)
        self.count += more

    def clear(self, rows: np.ndarray) -> None:
        """These rows are nobody's from now on, as if never used."""
        self._put(rows, {})
        self.roll = None

    def set_trait(self, name: str, has: np.ndarray | bool) -> None:
        """Say of every row whether it has a trait; `has` is a bool, or bool (rows,)."""
        bit = BIT_OF[name]
        traits = self.traits
        traits[:] = np.where(has, traits | bit, traits & ~np.uint8(bit))

    def reorder(self, order: np.ndarray) -> None:
        """Put rows in another order; no result may depend on it."""
        self.roll = None
        for name in NAMES:
            self._columns[name][: self.count] = self._columns[name][: self.count][order]

    def active(self) -> np.ndarray:
        """Mask of active rows, bool (rows,)."""
        return self.state == ACTIVE

    def frame(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """A copy of these columns, all unless named, a row a customer who is open, index = number of the row.

        Types are those of `COLUMNS`; `.attrs["units"]` has the unit by column ("" = none). Rows that are unused or of
        closed customers are left out. Raises KeyError for a name that is no column.
        """
        import pandas as pd

        wanted = list(SHOWN if columns is None else columns)
        unknown = [name for name in wanted if name not in BY_NAME and name not in BIT_OF]
        if unknown:
            raise KeyError(f"no such column: {', '.join(unknown)}; columns are {', '.join(SHOWN)}")
        rows = np.flatnonzero(self.state != CLOSED)
        found = pd.DataFrame({name: getattr(self, name)[rows] for name in wanted}, index=pd.Index(rows, name="row"))
        found.attrs["units"] = {name: BY_NAME[name].unit if name in BY_NAME else "" for name in wanted}
        return found


class BankView:
    """What the bank can see of its customers: observed columns, read-only.

    Reading a hidden trait (satisfaction, frailty, ...) or writing to a customer fails at once. `scores` makes the
    bank's own scores of the rows (`churn_score`, `uplift_score`, `offer_score`, in SD) when first asked for.
    """

    def __init__(
        self,
        customers: Customers,
        rows: np.ndarray | None = None,
        scores: Callable[[np.ndarray], dict[str, np.ndarray]] | None = None,
    ):
        self._customers = customers
        self._rows = rows
        self._scores = scores
        self._scored: dict[str, np.ndarray] = {}

    def __getattr__(self, name: str) -> np.ndarray:
        if name in SCORES and self._scores is not None:
            if not self._scored:
                everybody = np.arange(len(self._customers))
                self._scored = self._scores(everybody if self._rows is None else self._rows)
                for score in self._scored.values():
                    score.flags.writeable = False
            return self._scored[name]
        if name not in OBSERVED:
            hint = "the bank cannot see it" if name in NAMES or name in BIT_OF else "there is no such column"
            raise AttributeError(f"{name}: {hint}")
        column = getattr(self._customers, "traits" if name in BIT_OF else name)
        view = column[self._rows] if self._rows is not None else column[:]
        view = (view & BIT_OF[name] != 0).astype(np.int8) if name in BIT_OF else view
        view.flags.writeable = False
        return view


@dataclass(frozen=True)
class Customer:
    """One customer read out of the columns, for a person to look at."""

    values: dict[str, Any]

    @classmethod
    def at(cls, customers: Customers, row: int) -> Customer:
        return cls({name: getattr(customers, name)[row].item() for name in SHOWN})

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("values", {})
        if name not in values:
            raise AttributeError(name)
        return values[name]
