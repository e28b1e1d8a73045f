"""The first customers of a bank and those who join it, as rows with weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from sim.agents.channel_settings import Channels
from sim.agents.customer import Columns, whole
from sim.behaviour.service_law import ServiceLaw, service_law
from sim.behaviour.settings import Model
from sim.codes import DRAW_BIRTH, DRAW_JOINERS
from sim.kernel.numerics import uniforms
from sim.kernel.tallies import WEIGHT_UNIT
from sim.population.laws import SMALLEST, LogNormal, Pareto, score_of_laws, score_of_sample
from sim.population.people import Birth, adoption_intercept, joiners_of_month, people
from sim.population.presets import PRESETS
from sim.population.settings import Opening, Population
from sim.population.strata import (
    DEFAULT_CUSTOMERS,
    book_tiers,
    quotas,
    rows_wanted,
    tier_laws,
    tier_shares,
    whole_shares,
)
from sim.tiers import TOP, Tier, bands, row, thresholds

MOST_KEPT = 1000  # joiners of a month, in one of the ways, that are kept for the other arms of a seed
MORE = 8  # an eighth more joiners than asked for, and as many: another arm may ask for some more
PIECE = 1 << 20  # first customers that are drawn at a time
TOGETHER = 1 << 11  # joiners that are drawn at a time, by any thread
SPARE = 64  # a 64th more joiners drawn beforehand than the month before would have: more than that are drawn when known
JOINER_BIT = np.uint64(1) << np.uint64(63)
REFERRED_BIT = np.uint64(1) << np.uint64(62)
Share = tuple[int, int]  # which shard, of how many
WHOLE: Share = (0, 1)
WAYS = (False, True)  # in which customers come: through a recommendation, or not


@dataclass
class Source:
    """Where customers come from in one scenario: a synthetic bank, or a book and the bank that completes it.

    Asking it for customers changes nothing in it: a bank that lives on from a state has never asked for its first ones.
    """

    birth: Birth
    population: Population
    laws: list[LogNormal | Pareto]
    shares: np.ndarray
    book: Any | None = None
    joiner_weight: np.ndarray = field(init=False)
    _joined: dict[tuple[int, int, bool, Share], Any] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        self.bounds = bands(self.birth.tiers)
        if self.book is not None:
            n = self.book.uid.size
            total = self.population.customers or n
            self.joiner_weight = np.full(len(self.birth.tiers), max(total * WEIGHT_UNIT // n, 1), np.int64)
        else:
            customers, rows = self._strata()
            self.joiner_weight = np.where(rows > 0, customers * WEIGHT_UNIT // np.maximum(rows, 1), WEIGHT_UNIT)

    def _strata(self) -> tuple[np.ndarray, np.ndarray]:
        """Customers and rows by tier of a synthetic bank, int64 (tiers,) each."""
        total = self.population.customers or DEFAULT_CUSTOMERS
        customers = whole_shares(total, self.shares)
        strata = row(self.population.strata, self.birth.tiers, np.float64)
        return customers, quotas(customers, rows_wanted(self.population, total), strata)

    def draw_aum(self, u: np.ndarray, tier: np.ndarray) -> np.ndarray:
        """AUM in CNY, whole fen, float64 (n,), at uniforms `u`, float64 (n,), from the law of `tier`, integers (n,)."""
        aum = np.empty(u.size)
        for k, law in enumerate(self.laws):
            of_tier = tier == k
            aum[of_tier] = law.quantile(u[of_tier], self.bounds[k], self.bounds[k + 1])
        return np.maximum(np.floor(aum * 100.0) / 100.0, SMALLEST)

    @property
    def rows(self) -> int:
        """How many rows the first customers are."""
        return int(self._strata()[1].sum()) if self.book is None else int(self.book.uid.size)

    def first(self, seed: int, month: int) -> dict[str, np.ndarray]:
        """Columns of the first customers at the end of `month`, a row each with its weight, for `Customers.place`."""
        pieces = list(self.pieces(seed, month))
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

    def pieces(self, seed: int, month: int, share: Share = WHOLE) -> Iterator[dict[str, np.ndarray]]:
        """The same, so many rows at a time that memory holds them, however large the bank.

        `share` is which of how many shards asks: it is given every so many-th row.
        """
        known = None if self.book is None else book_knowledge(self.book)
        mine, shards = share
        for start in range(mine, self.rows, PIECE * shards):
            numbers = np.arange(start, min(start + PIECE * shards, self.rows), shards)
            if known is None:
                columns = self._synthetic(seed, month, numbers)
            else:
                columns = self._from_book(seed, month, known, numbers)
            yield opened(columns, self.population.opening, self.birth.law)

    def _synthetic(self, seed: int, month: int, numbers: np.ndarray) -> dict[str, np.ndarray]:
        customers, rows = self._strata()
        ends = np.cumsum(rows)
        tier = np.searchsorted(ends, numbers, side="right")
        number = numbers - (ends - rows)[tier]
        uid = ((tier + 1).astype(np.uint64) << np.uint64(40)) + number.astype(np.uint64)
        units = customers * WEIGHT_UNIT
        weight = (units // np.maximum(rows, 1))[tier] + (number < (units % np.maximum(rows, 1))[tier])
        aum = self.draw_aum(uniforms(seed, DRAW_BIRTH, month, uid)[0], tier)
        columns = people(self.birth, seed, month, uid, tier, aum, joiners=False)
        return columns | {"weight": weight}

    def _from_book(
        self, seed: int, month: int, known: Mapping[str, np.ndarray], mine: np.ndarray
    ) -> dict[str, np.ndarray]:
        book = self.book
        assert book is not None
        total = self.population.customers or book.uid.size
        base, extra = divmod(total * WEIGHT_UNIT, book.uid.size)
        tier = book_tiers(book, self.birth.tiers)[mine]
        told = {name: values[mine] for name, values in known.items()}
        columns = people(self.birth, seed, month, book.uid[mine], tier, book.aum[mine], joiners=False, known=told)
        return columns | {"weight": base + (mine < extra)}

    def ahead(
        self,
        seed: int,
        month: int,
        open_weight: float,
        rate: float,
        referred_rate: float = 0.0,
        *,
        share: Share = WHOLE,
    ) -> list[Applicants]:
        """About those who will join in a month, by themselves and recommended, to be drawn while it is lived.

        Arguments as of `joiners`, as far as they are known. Where few join nobody is drawn beforehand.
        """
        counts = self._how_many(seed, month, open_weight, rate, referred_rate)
        many = sum(counts) > MOST_KEPT
        return [
            self._applicants(seed, month, share, n + n // SPARE if many else 0, referred=referred)
            for referred, n in zip(WAYS, counts, strict=True)
        ]

    def joiners(
        self,
        seed: int,
        month: int,
        open_weight: float,
        rate: float,
        referred_rate: float = 0.0,
        *,
        share: Share = WHOLE,
        ahead: Sequence[Applicants] | None = None,
    ) -> Any | None:
        """Those who join in a month, every column of theirs (`Columns`), or None where nobody does (DECISIONS 3, 17).

        `open_weight` is the number of open customers; `rate` of them join a year by themselves, `referred_rate` through
        a customer's recommendation. Each of the two is counted by itself, so that arms differ in how many join only.
        `ahead` has those who were drawn before it was known how many join.
        """
        counts = self._how_many(seed, month, open_weight, rate, referred_rate)
        if sum(counts) == 0:
            return None
        ways_in = ahead or [self._applicants(seed, month, share, 0, referred=referred) for referred in WAYS]
        parts = [
            part
            for referred, n, who in zip(WAYS, counts, ways_in, strict=True)
            for part in self._joining(seed, month, n, share, who, referred=referred)
        ]
        return Columns(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _how_many(
        self, seed: int, month: int, open_weight: float, rate: float, referred_rate: float
    ) -> tuple[int, int]:
        """Rows that join in a month by themselves, and through a recommendation."""
        u = uniforms(seed, DRAW_JOINERS, month, np.zeros(1, np.uint64))[:2, 0]
        rows = open_weight / 12.0 * float(self._joining_rows.sum())
        return joiners_of_month(float(u[0]), rows * rate), joiners_of_month(float(u[1]), rows * referred_rate)

    @cached_property
    def _joining_rows(self) -> np.ndarray:
        """Rows that join for each customer who does, by tier, float64 (tiers,)."""
        chance = self.shares * self.birth.model.acquisition.upper_tiers
        chance[0] = 1.0 - chance[1:].sum()
        return chance / (self.joiner_weight / WEIGHT_UNIT)

    def _joining(self, seed: int, month: int, n: int, share: Share, who: Applicants, *, referred: bool) -> list[Any]:
        """Columns of a share of the first `n` who may join, in parts; who they are does not hang on how many do.

        So the arms of a seed, in which about as many join, draw them once, unless they are many.
        """
        mine = len(range(share[0], n, share[1]))
        if n > MOST_KEPT or who.many:
            return who.first(mine)
        key = seed, month, referred, share
        if key not in self._joined or self._joined[key].uid.size < mine:
            if self._joined and next(iter(self._joined))[0] != seed:
                self._joined.clear()
            (self._joined[key],) = who.first(len(range(share[0], n + n // MORE + MORE, share[1])))
        return [Columns(*(column[:mine] for column in self._joined[key]))]

    def _applicants(self, seed: int, month: int, share: Share, n: int, *, referred: bool) -> Applicants:
        """A share of those who may join in a month; `n` of the whole are to be drawn beforehand."""
        by_row = self._joining_rows
        edges = np.cumsum(by_row / by_row.sum())
        kind = JOINER_BIT | (REFERRED_BIT if referred else np.uint64(0)) | (np.uint64(month + 1024) << np.uint64(32))
        mine, shards = share

        def drawn(first: int, last: int) -> Any:
            uid = np.arange(mine + first * shards, mine + last * shards, shards, dtype=np.uint64) | kind
            draws = uniforms(seed, DRAW_BIRTH, month, uid)
            tier = np.minimum(np.searchsorted(edges, draws[1], side="right"), len(self.laws) - 1)
            aum, sent = self.draw_aum(draws[0], tier), np.full(uid.size, referred)
            columns = people(self.birth, seed, month, uid, tier, aum, joiners=True, referred=sent)
            return whole(columns | {"weight": self.joiner_weight[tier], "first_tier": tier}, uid.size)

        return Applicants(drawn, len(range(mine, n, shards)))


class Applicants:
    """Those who may join in a month in one of the two ways, drawn some at a time: `many` beforehand, the rest if asked.

    `draw` says of the first and the last who they are (`Columns`). Whoever has time does the `tasks`, in any order.
    """

    def __init__(self, draw: Callable[[int, int], Any], many: int):
        self.draw, self.many = draw, many
        self._found: dict[int, Any] = {}

    def tasks(self) -> list[Callable[[], None]]:
        """What there is to do beforehand."""
        return [partial(self._fill, start) for start in range(0, self.many, TOGETHER)]

    def _fill(self, start: int) -> None:
        self._found[start] = self.draw(start, min(start + TOGETHER, self.many))

    def first(self, n: int) -> list[Any]:
        """Columns of the first `n`, in parts; who was not drawn beforehand is drawn now."""
        found = []
        for start in range(0, min(self.many, n), TOGETHER):
            if start not in self._found:
                self._fill(start)
            found.append(Columns(*(column[: n - start] for column in self._found[start])))
        return found if found and n <= self.many else [*found, self.draw(self.many, max(n, self.many))]


def opened(columns: dict[str, np.ndarray], opening: Opening, law: ServiceLaw) -> dict[str, np.ndarray]:
    """The first customers' columns with everybody's attitudes moved by so many SD; without a shift the same arrays."""
    moved = dict(columns)
    for name, sd in (("satisfaction", law.sd), ("trust", law.trust_sd), ("expectation", law.expectation_sd)):
        if shift := getattr(opening, name):
            moved[name] = columns[name] + sd * shift
    if opening.digital_affinity:
        moved["affinity"] = np.clip(columns["affinity"] + opening.digital_affinity, 0.0, 1.0)
    return moved


def book_knowledge(book: Any) -> Mapping[str, np.ndarray]:
    """What a book says of its customers, in the words of `people`, float64 (rows,) each; NaN where it says nothing.

    Incomes become standard scores of their logs.
    """
    names = (
        "age",
        "tenure_months",
        "products",
        "digital_active",
        "digital_affinity",
        "satisfaction",
        "trust",
        "expectation",
        "share_of_wallet",
    )
    known = {name: np.asarray(getattr(book, name), np.float64) for name in names if getattr(book, name) is not None}
    if book.income is not None:
        logs = np.log(np.maximum(np.asarray(book.income, np.float64), 1.0))
        known["income"] = (logs - np.nanmean(logs)) / max(float(np.nanstd(logs)), 1e-9)
    known["dormant"] = np.zeros(book.uid.size) if book.state is None else (np.asarray(book.state) == 1).astype(float)
    return known


def source(population: Population, tiers: Sequence[Tier], model: Model, channels: Channels, book: Any = None) -> Source:
    """Prepare where customers come from: laws, shares and the score of Tweedie's correction."""
    preset = PRESETS[population.preset]
    laws = tier_laws(preset, tiers)
    bounds = thresholds(tiers)
    if book is None:
        shares = tier_shares(population, tiers)
        score = score_of_laws(laws, list(shares), bounds, max(TOP, bounds[-1] * 10), model.wealth)
    else:
        tier = book_tiers(book, tiers)
        shares = np.bincount(tier, minlength=len(tiers)) / tier.size
        score = score_of_sample(np.log(np.maximum(book.aum, SMALLEST)), np.ones(book.uid.size), model.wealth)
    birth = Birth(
        tuple(tiers),
        model,
        service_law(model, channels),
        channels,
        score,
        adoption_intercept(model, model.adoption.start),
        adoption_intercept(model, model.adoption.joiners),
    )
    return Source(birth, population, laws, shares, book)
