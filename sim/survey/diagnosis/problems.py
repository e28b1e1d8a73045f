"""The four problems, and what is measured of them: a row a measure and group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Problem:
    """One of the four: its name in tables, its title, what it is, and the strategy that answers it."""

    name: str
    title: str
    about: str
    strategy: str


PROBLEMS: Final[tuple[Problem, ...]] = (
    Problem(
        "process",
        "Process: service expected and met",
        "The study's problem: digital thinking lags. "
        "Measured: whether service falls short of what customers expect, fails, and is put right late.",
        "digital_thinking",
    ),
    Problem(
        "structure",
        "Customers: structure and turnover",
        "The study's problem: a top-heavy pyramid that turns over. "
        "Measured: whether a few customers hold most of the assets, and how many of every tier leave or fall silent.",
        "stratification",
    ),
    Problem(
        "tools",
        "Tools: contacts and channels",
        "The study's problem: contacts that do not fit. "
        "Measured: whether customers are contacted too often, by what does not answer a need, or not at all.",
        "personalised_service",
    ),
    Problem(
        "staff",
        "Staff: skills, load and turnover",
        "The study's problem: skills lack and managers leave. "
        "Measured: whether managers lack professional and digital skills, have too much to do, and leave.",
        "staff_upskilling",
    ),
)

ENOUGH: Final = 10  # sheets from which what was asked is told in a headline
OF_RUN, OF_CUSTOMERS, OF_STAFF, OF_BOOK, OF_SCENARIO = (
    "run",
    "customers' answers",
    "staff's answers",
    "book",
    "scenario",
)
BANK: Final = "bank"  # the group of a measure of the whole


class Measure(NamedTuple):
    """A row of diagnosis.csv.

    `value` in `unit` for a `group` ("bank", a tier, a construct), with the ends of its 95 % interval (NaN for none) and
    `n`, how many seeds, sheets or customers are behind it, as `basis` says. A benchmark is what is published, from low
    to high, by the key of its `source` in docs/sources.md; NaN and "" where there is none.
    """

    problem: str
    measure: str
    group: str
    value: float
    unit: str
    ci_low: float = np.nan
    ci_high: float = np.nan
    n: int = 0
    basis: str = OF_RUN
    benchmark_low: float = np.nan
    benchmark_high: float = np.nan
    source: str = ""
    about: str = ""


COLUMNS: Final = Measure._fields
RATES: Final = ("per year", "ratio", "products")  # units in which nothing is below zero


def within_scale(one: Measure) -> Measure:
    """The measure with the ends of its interval cut where its scale ends."""
    low, high = -np.inf, np.inf
    if one.unit in ("share", "index"):
        low, high = 0.0, 1.0
    elif one.unit in RATES:
        low = 0.0
    elif one.unit == "points":  # a net promoter score
        low, high = -100.0, 100.0
    elif one.unit.startswith("points of "):
        first, last = map(float, one.unit.removeprefix("points of ").split(" to "))
        low, high = (first - last, last - first) if one.measure == "service_gap" else (first, last)
    return one._replace(ci_low=max(one.ci_low, low), ci_high=min(one.ci_high, high))


BY_ARM, TOUCHED, UNKNOWN = "arm", "touched", "unknown"


class Cost(NamedTuple):
    """A row of the table of costs: money a year of the run, in `unit`, with the ends of its 95 % interval over seeds.

    `kind` is "arm" (value that the arm `by` brings more than the diagnosed one; `cash` is that to the horizon alone),
    "touched" (a part of the books, no difference) or "unknown" (NaN).
    """

    problem: str
    kind: str
    by: str
    value: float
    ci_low: float
    ci_high: float
    cash: float
    cash_low: float
    cash_high: float
    unit: str
    seeds: int
    about: str


@dataclass(frozen=True)
class Lorenz:
    """How AUM is spread: shares of customers and of their AUM, poorest first, float64 (points,); how exact it is."""

    customers: np.ndarray
    aum: np.ndarray
    words: str


@dataclass(frozen=True)
class Diagnosis:
    """All that a page of the four problems says.

    `measures` has `COLUMNS`, `costs` those of `sim.survey.diagnosis.costs`, `notes` what a reader should know, a line
    each; `facts` where it came from.
    """

    name: str
    arm: str
    tiers: list[str]
    currency: str
    measures: pd.DataFrame
    costs: pd.DataFrame
    lorenz: Lorenz | None
    setting: str
    notes: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = field(default=())
    managers: bool = True  # whether the bank has any with a book

    def cost_of(self, problem: Problem) -> Cost:
        """What a problem costs."""
        return Cost(*self.costs[self.costs["problem"] == problem.name].iloc[0])

    def find(self, measure: str, group: str = BANK) -> Measure | None:
        """A measure of a group, the first there is; None where there is none or it has no value."""
        rows = self.measures[(self.measures["measure"] == measure) & (self.measures["group"] == group)]
        rows = rows[np.isfinite(rows["value"].to_numpy(float))]
        return None if rows.empty else Measure(*rows.iloc[0])

    def of(self, measure: str) -> list[Measure]:
        """A measure of all groups but the bank's, in their order."""
        rows = self.measures[(self.measures["measure"] == measure) & (self.measures["group"] != BANK)]
        return [Measure(*row) for row in rows.itertuples(index=False, name=None)]
