"""What a strategy promises: it turns levers, proposes contacts and costs money, and never touches a customer.

A strategy is a settings model: its numbers are read from the scenario, each an assumption with unit, range and
source. `turn` and `propose` are pure functions of what they are given: the same levers, the same wishes, whatever the
order of strategies or of customers. How far it has taken hold (its maturity) is told to it; it keeps no state. How it
hangs on other strategies it says itself (`carriers`, `gates`, `complements`, `erosion`), and whom it touches
(`touches`, words of `upheaval.TOUCHES`), from which follows whom its first months unsettle.

To write one: subclass `Strategy`, state its numbers, write `turn` (or `propose`), say the cost. A class that does not
say its `use` goes by ``module:Class``, as scenarios name a plugin's. All that one needs comes from `sim.strategies`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import NormalDist
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from sim.agents.customer import BankView
from sim.agents.proposals import Proposals
from sim.assumptions import Doubts, Settings, assumption
from sim.behaviour.settings import Scores
from sim.levers import Levers
from sim.measures.chain import LINKS
from sim.strategies.cost import Capital, Running, money, of_month, share
from sim.strategies.settings import Implementation
from sim.strategies.upheaval import TOUCHES, UNSAID, Touch
from sim.strategies.where import Where
from sim.tiers import Tier

LONGEST = 1200  # months; the longest horizon
NORMAL = NormalDist()  # scores have mean 0 and SD 1; SciPy would make every validation wait for it


@dataclass(frozen=True)
class Bank:
    """What a strategy may know of the bank it works in, the same in every month and arm.

    By tier, float64: `coverage` (share with a named manager) and `span` (customers a manager) as the scenario has
    them, `active` customers at month 0, `ceiling` the upper bound in CNY. `push` and `resolution` are the shares
    before any strategy; `scores` says what the bank's models know then. `aum_quantiles` are quantiles, in steps of
    1 %, of the AUM of active customers above the lowest tier at month 0, CNY.
    """

    tiers: Sequence[Tier]
    coverage: np.ndarray
    span: np.ndarray
    active: np.ndarray
    ceiling: np.ndarray
    push: float
    resolution: float
    scores: Scores
    aum_quantiles: np.ndarray

    def aum_above(self, share: float) -> float:
        """AUM in CNY that this share of customers above the lowest tier exceeds."""
        return float(np.interp(1.0 - share, np.linspace(0.0, 1.0, self.aum_quantiles.size), self.aum_quantiles))


class Strategy(Settings):
    """Something the bank does from a month on. Subclasses say what it changes once it has fully taken hold."""

    # What other strategies do for this one: their name in scenarios -> the setting that says how much, a number of
    # this strategy's own or of `implementation:`. A strategy that the arm lacks holds nothing.
    carriers: ClassVar[Mapping[str, str]] = {}  # share: fidelity that the other adds as it takes hold
    gates: ClassVar[Mapping[str, str]] = {}  # share: the fidelity that is not passed until the other takes hold
    complements: ClassVar[Mapping[str, str]] = {}  # share: what each adds to the other; one of the two says it
    erosion: ClassVar[Mapping[str, str]] = {}  # months: half-life of what it reached, but for what the other keeps
    chain: ClassVar[Sequence[str]] = ()  # how it is meant to work, from what it does to money: `measures.chain.LINKS`

    touches: ClassVar[tuple[Touch, ...]] = UNSAID
    doubts: ClassVar = Doubts(together={("capital", "running"): 0.5})

    use: str = Field(description="name of the strategy, or package.module:Class of a plugin")
    start: int = Field(
        0,
        alias="from",
        ge=0,
        le=LONGEST,
        description="month it starts; it acts first in the month after",
        json_schema_extra={"unit": "month"},
    )
    until: int | None = Field(
        None,
        ge=0,
        le=LONGEST,
        description="month it ends, the last it acts in; its levers and costs end at once, what it built fades by its "
        "own rules",
        json_schema_extra={"unit": "month"},
    )
    where: Where | None = Field(None, description="the part of the bank it is tried in, as a pilot; all unless named")
    intensity: float = Field(
        1.0, ge=0, le=1, description="scales effect and cost; 0 counts as absent", json_schema_extra={"unit": "share"}
    )
    fidelity: float = assumption(0.60, "share", plausible=(0.3, 0.9), allowed=(0, 1), source="assumption; sign F62")
    """part of the full effect that is realised in the end"""
    speed: float = assumption(0.35, "1/month", plausible=(0.2, 0.6), allowed=(0.001, 10), source="SPEC 6.1, assumption")
    """steepness of the S-curve"""
    lag: float = assumption(9.0, "months", plausible=(3, 18), allowed=(0, 240), source="SPEC 6.2, assumption")
    """months until half has taken hold"""
    capital: Capital = assumption(0.0, "share of annual revenue", plausible=(0.0, 0.03), source="SPEC 6.2, assumption")
    """what it costs to set up; or {amount: ...} in money"""
    running: Running = assumption(
        0.0, "share of annual revenue a year", plausible=(0.0, 0.01), source="SPEC 6.2, assumption"
    )
    """what it costs to run; or {amount: ...} in money a year"""

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        if "use" not in inspect.get_annotations(cls):
            own = f"{cls.__module__}:{cls.__qualname__}"
            # one name and no other, so that a file's `use` fits one class
            cls.__annotations__["use"] = Literal[own]  # type: ignore[valid-type]
            cls.use = own

    @classmethod
    def __pydantic_init_subclass__(cls, **more: Any) -> None:
        super().__pydantic_init_subclass__(**more)
        # a cost that a strategy does not state is none that somebody has estimated
        stated = {name for kind in cls.__mro__ if kind is not Strategy for name in inspect.get_annotations(kind)}
        if unstated := tuple(name for name in ("capital", "running") if name not in stated):
            cls.doubts = Doubts(settled=unstated).and_of(cls.doubts)
        for other, setting in cls.leans_on():
            if setting not in cls.model_fields and setting not in Implementation.model_fields:
                raise TypeError(f"{setting!r} (by {other}) is no number of {cls.__name__} or of `implementation`")
        for touch in cls.touches:
            if touch not in TOUCHES:
                raise TypeError(f"{cls.__name__}.touches: {touch!r} is none of {', '.join(TOUCHES)}")
        for link in cls.chain:
            if link not in LINKS:
                raise TypeError(f"{link!r} (in chain of {cls.__name__}) is no link; links are {', '.join(LINKS)}")

    @classmethod
    def leans_on(cls) -> Iterator[tuple[str, str]]:
        """Other strategies that it names, and the setting that says how much."""
        for others in (cls.carriers, cls.gates, cls.complements, cls.erosion):
            yield from others.items()

    def elapsed(self, month: int) -> int:
        """Months since it started, the first it acts in counted as 1; 0 before that and once it has ended."""
        return 0 if self.until is not None and month > self.until else max(month - self.start, 0)

    def touched(self) -> tuple[Touch, ...]:
        """What of `touches` this one does, as its settings have it."""
        return self.touches

    def curve(self, elapsed: int) -> float:
        """Part of what will be realised that has taken hold `elapsed` months after the start, 0 before (SPEC 6.1)."""
        if elapsed <= 0:
            return 0.0
        return 1.0 / (1.0 + math.exp(min(-self.speed * (elapsed - self.lag), 700.0)))  # 700: next to the largest float

    def turn(self, levers: Levers, maturity: float, elapsed: int, bank: Bank) -> None:
        """Turn the levers of this month.

        `maturity` is 0..1: how much of the full effect holds, intensity and fidelity included; a lever goes from
        neutral to its full setting by that part, on its own scale. `elapsed` counts the first month as 1.
        """

    def propose(self, view: BankView, maturity: float, month: int, bank: Bank) -> Proposals | None:
        """Whom managers should contact beyond those due, among their customers as the bank sees them; None: nobody.

        A pure function: the same wishes however rows are ordered, and each customer's wish from that customer alone.
        """
        return None

    def spent(self, elapsed: int, capital_months: int) -> float:
        """Cost of a month, share of annual revenue, at full intensity: capital at the start, then running cost."""
        return of_month(share(self.capital), share(self.running), elapsed, capital_months)

    def paid(self, elapsed: int, capital_months: int) -> float:
        """What of a month's cost is given in money, CNY, at full intensity; beside the shares of `spent`."""
        return of_month(money(self.capital), money(self.running), elapsed, capital_months)

    def extra_managers(self, bank: Bank, maturity: float) -> float:
        """Posts it adds once it holds; part of what a budget has to pay for."""
        return 0.0


def of_managers(strategy: Strategy, bank: Bank) -> list[str]:
    """What of managers a strategy changes in its first month, as levers say it: a pilot cannot have that."""
    levers, neutral = Levers(len(bank.tiers)), Levers(len(bank.tiers))
    strategy.turn(levers, 1.0, 1, bank)
    return [
        f"{one.name} ({one.metadata['about']})"
        for one in fields(Levers)
        if one.metadata.get("managers") and not np.array_equal(getattr(levers, one.name), getattr(neutral, one.name))
    ]


def score_above(share: float) -> float:
    """Score in SD that this share of customers exceeds."""
    return NORMAL.inv_cdf(1.0 - min(max(share, 1e-9), 1.0 - 1e-9))


def reached(uid: np.ndarray, share: float) -> np.ndarray:
    """Mask, bool (n,), of the customers whom a strategy has reached at this maturity: this share of all.

    The same ones come first, so contacts grow with maturity as levers do, and each customer is judged alone.
    By the bits of the uid (uint64), mixed (splitmix64), since the uids of joiners count up.
    """
    x = uid.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return (x ^ (x >> np.uint64(31))) < np.uint64(min(max(share, 0.0), 1.0) * (2**64 - 2**11))


def first_line(strategy: type[Any]) -> str:
    """What a strategy is, in one line, for lists."""
    return (strategy.__doc__ or "?").strip().splitlines()[0]
