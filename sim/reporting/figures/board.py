"""The tables of a run as dense cubes, and the sums that figures show.

A cube has the axes arm, seed, month, tier (or arm, seed, month for the bank); a run that failed or is not there is NaN.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.measures import intervals
from sim.measures.evidence import FEW, ROUGH, Evidence, customers_per_row, evidence_of, few
from sim.measures.precision import sureness
from sim.measures.reach import funnel_of
from sim.phrases import spoken
from sim.reporting.figures import units
from sim.reporting.names import labels_of

Cube = NDArray[np.float64]

if TYPE_CHECKING:
    from sim.survey.waves import Waves

SEEDS_FOR_AN_INTERVAL = 5  # below, a t interval is wider than what the seeds show; the range says more
ASKED = {"customers": "answers", "managers": "staff_answers"}  # who was asked, and the table of their sheets
SMALL = 100  # customers of a tier below which chance is all that its rates show


class Tables(Protocol):
    """What a figure needs of a run; `sim.store.run_reading.Run` has it."""

    manifest: dict[str, Any]
    scenario_text: str
    monthly: pd.DataFrame
    bank: pd.DataFrame
    transitions: pd.DataFrame
    cohorts: pd.DataFrame


class NothingToShow(Exception):
    """A figure has no data in this run; the message says why in the reader's words."""


@dataclass(frozen=True)
class Band:
    """Mean over seeds, and the lower and upper edge (NaN everywhere when there is one seed)."""

    mean: Cube
    low: Cube
    high: Cube


class Board:
    """A run as figures read it: orders of arms and tiers, months, currency, and cubes by column name."""

    def __init__(self, run: Tables, *, currency: str = "", comparison: pd.DataFrame | None = None):
        monthly = run.monthly
        self.comparison = comparison  # comparison.csv, for the figures of the decision
        self._run = run
        self.arms: list[str] = [str(arm) for arm in pd.unique(monthly["arm"])]
        self.tiers: list[str] = [str(tier) for tier in pd.unique(monthly["tier"])]
        self.seeds: list[int] = sorted(int(seed) for seed in pd.unique(monthly["seed"]))
        self.months = int(monthly["month"].max())
        self.currency = currency or currency_of(run)
        self.labels = labels_of(getattr(run, "manifest", {}))  # of arms, tiers and channels, for whoever draws it alone
        self._cubes: dict[str, Cube] = {}

    @property
    def one_arm(self) -> bool:
        """True if there is nothing to compare."""
        return len(self.arms) == 1

    @property
    def reference(self) -> str:
        """The first arm."""
        return self.arms[0]

    def places(self, table: pd.DataFrame) -> tuple[NDArray[np.intp], ...]:
        """Where the rows of a table with arm, seed and maybe tier belong in an arm x seed (x tier) array."""
        found = [
            pd.Index(self.arms).get_indexer(pd.Index(table["arm"].astype(str))),
            pd.Index(self.seeds).get_indexer(pd.Index(table["seed"])),
        ]
        if "tier" in table.columns:
            found.append(pd.Index(self.tiers).get_indexer(pd.Index(table["tier"].astype(str))))
        return tuple(found)

    @cached_property
    def _place(self) -> tuple[NDArray[np.intp], ...]:
        arm, seed, tier = self.places(self._run.monthly)
        return arm, seed, self._run.monthly["month"].to_numpy(), tier

    @cached_property
    def _bank_place(self) -> tuple[NDArray[np.intp], ...]:
        return (*self.places(self._run.bank), self._run.bank["month"].to_numpy())

    def cube(self, column: str) -> Cube:
        """A column of monthly.parquet: arm x seed x month (0..months) x tier."""
        if column not in self._cubes:
            values = np.full((len(self.arms), len(self.seeds), self.months + 1, len(self.tiers)), np.nan)
            values[self._place] = self._run.monthly[column].to_numpy(dtype=float)
            self._cubes[column] = values
        return self._cubes[column]

    def total(self, column: str) -> Cube:
        """A column of monthly.parquet summed over tiers: arm x seed x month."""
        return self.cube(column).sum(axis=-1)

    def bank(self, column: str) -> Cube:
        """A column of bank.parquet: arm x seed x month."""
        values = np.full((len(self.arms), len(self.seeds), self.months + 1), np.nan)
        values[self._bank_place] = self._run.bank[column].to_numpy(dtype=float)
        return values

    def has_bank(self, *columns: str) -> bool:
        """True if bank.parquet has these columns."""
        return set(columns) <= set(self._run.bank.columns)

    @property
    def surveyed(self) -> list[str]:
        """Who answered questionnaires in waves of the run: customers, managers."""
        stored = getattr(self._run, "manifest", {}).get("tables", ())
        return [who for who, name in ASKED.items() if name in stored]

    @cached_property
    def asked(self) -> dict[str, Waves]:
        """What questionnaires held in waves say, by who was asked."""
        from sim.survey.instrument.reading import read_instrument
        from sim.survey.waves import waves

        run = cast(Any, self._run)
        scores = {(str(arm), int(seed), int(month)): float(nps) for arm, seed, month, nps in self._nps()}
        found = {}
        for who in self.surveyed:
            name = ASKED[who]
            answers = run.answers(name)
            if len(answers):
                instrument = read_instrument(run.path / f"{name}.yaml")
                found[who] = waves(answers, run.answers(f"{name}_truth"), instrument, scores)
        return found

    def _nps(self) -> Iterable[tuple[Any, ...]]:
        table = self._run.bank
        return zip(table["arm"], table["seed"], table["month"], table["nps"], strict=True)

    @cached_property
    def leaving(self) -> Cube:
        """Active customers lost in the month: closed while active, or gone dormant."""
        return self.closed_active + self.cube("went_dormant")

    @cached_property
    def closed_active(self) -> Cube:
        """Customers who closed while active."""
        return self.cube("closed") - self.cube("closed_dormant")

    def attrition(self) -> tuple[NDArray[np.intp], Cube]:
        """Months and rolling attrition a year, arm x seed x those months x (tiers, then the bank).

        Active customers lost in the last 12 months, over the active customer-years lived in them (stocks at the start
        of each month). A run shorter than a year has one point, scaled to a year.
        """
        window = self.window
        lost = with_total(self.leaving)
        stocks = with_total(self.cube("active"))[:, :, :-1]
        return np.arange(window, self.months + 1), rolling_sum(lost[:, :, 1:], window) / ratio_base(
            rolling_sum(stocks, window) / 12.0
        )

    @cached_property
    def small_tiers(self) -> list[int]:
        """Places of the tiers with so few customers (mean of the reference arm) that a band would hide the rest."""
        sizes = self.cube("customers")[0]
        return [tier for tier in range(len(self.tiers)) if not mean_of(sizes[..., tier]) >= SMALL]

    def small_words(self) -> str:
        """A sentence about the small tiers, or nothing."""
        names = ", ".join(spoken(self.tiers[tier], "tier") for tier in self.small_tiers)
        return f" Fewer than {SMALL} customers, so without a band: {names}." if names and len(self.seeds) > 1 else ""

    @property
    def window(self) -> int:
        """Months of a rolling year: 12, or the whole of a shorter run."""
        return max(1, min(12, self.months))

    @property
    def per_year(self) -> float:
        """What makes a sum over `window` months a year's."""
        return 12.0 / self.window

    @property
    def rolling_words(self) -> str:
        """What a rolling sum covers."""
        if self.months >= 12:
            return f"the last 12{units.GAP}months"
        return f"{self.span_words}, scaled to a year"

    @property
    def window_words(self) -> str:
        """What the last rolling sum covers: the last 12 months, or the whole of a shorter run."""
        return f"the last 12{units.GAP}months" if self.months >= 12 else self.span_words

    @property
    def span_words(self) -> str:
        """The measured time in words."""
        if self.months >= 24 and self.months % 12 == 0:
            return f"{self.months // 12}{units.GAP}years"
        return f"{self.months}{units.GAP}month{'s' if self.months != 1 else ''}"

    @property
    def year_names(self) -> list[str]:
        """Names of the whole years, or of the one part year there is."""
        if self.months >= 12:
            return [str(year + 1) for year in range(self.months // 12)]
        return ["month 1"] if self.months == 1 else [f"months 1{units.MISSING}{self.months}"]

    def yearly(self, flow: Cube) -> Cube:
        """Sums of a monthly flow (axis 2, month 0 first) over the years of `year_names`."""
        flow = flow[:, :, 1:]
        if self.months < 12:
            return flow.sum(axis=2, keepdims=True)
        years = self.months // 12
        whole = flow[:, :, : years * 12]
        return whole.reshape(*whole.shape[:2], years, 12, *whole.shape[3:]).sum(axis=3)

    @property
    def transitions(self) -> pd.DataFrame:
        """transitions.parquet."""
        return self._run.transitions

    @property
    def cohorts(self) -> pd.DataFrame:
        """cohorts.parquet."""
        return self._run.cohorts

    @property
    def individuals(self) -> pd.DataFrame:
        """individuals.parquet; `NothingToShow` for a run that did not keep it."""
        table = getattr(self._run, "individuals", None)
        if table is None or table.empty:
            raise NothingToShow("this run did not follow individuals")
        return table

    @cached_property
    def funnel(self) -> pd.DataFrame:
        """What became of wishes for a contact (`sim.measures.reach`); `NothingToShow` for a run without any."""
        found = funnel_of(cast(Any, self._run))
        if found is None:
            raise NothingToShow("this run did not count whom it wished to contact")
        return found

    @property
    def attribution(self) -> pd.DataFrame:
        """attribution.csv; `NothingToShow` for a run without it."""
        table = getattr(self._run, "attribution", None)
        if table is None or table.empty:
            raise NothingToShow("attribution.csv is not there; the verb attribute makes it")
        return table

    @property
    def believes(self) -> bool:
        """True if its arms lived in other worlds too."""
        return getattr(self._run, "beliefs", None) is not None

    @property
    def beliefs(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """beliefs.csv and worlds.parquet; `NothingToShow` for a run without them."""
        table, rows = (getattr(self._run, name, None) for name in ("beliefs", "worlds"))
        if table is None or table.empty or rows is None:
            raise NothingToShow("the scenario has no beliefs")
        return table, rows

    def strategies(self, what: str) -> list[str]:
        """Strategies for which bank.parquet has a column `what[strategy]`, in its order."""
        columns = [str(column) for column in self._run.bank.columns]
        return [column[len(what) + 1 : -1] for column in columns if column.startswith(f"{what}[") and column[-1] == "]"]

    @cached_property
    def waterfall(self) -> pd.DataFrame:
        """The steps of each arm's value (`sim.measures.waterfall`); `NothingToShow` with one arm."""
        from sim.measures.waterfall import waterfall

        if self.one_arm:
            raise NothingToShow("there is one arm, so nothing to compare")
        return waterfall(cast(Any, self._run))

    @cached_property
    def evidence(self) -> Evidence:
        """What the run's figures rest on."""
        return evidence_of(cast(Any, self._run))

    @cached_property
    def per_row(self) -> NDArray[np.float64]:
        """Customers that a simulated row of each tier stands for."""
        return np.array(customers_per_row(cast(Any, self._run)), dtype=np.float64)

    def mark(self, arm: int, kpi: str) -> str:
        """The mark of an arm's difference to the reference in a KPI (`sim.measures.evidence`)."""
        return self.evidence.mark(self.arms[arm], kpi, self.reference)

    def few(self, events: Cube) -> str:
        """The mark of a rate over customers counted in a cube whose last axis is the tiers, all of it together."""
        return few(float(np.nansum(events / self.per_row)))

    def few_words(self, shown: Iterable[str]) -> str:
        """A sentence about the marks in what a figure shows, or nothing."""
        return f" {FEW}." if any(ROUGH in text for text in shown) else ""

    def gaps(self, kpi: str) -> Cube:
        """Difference, lower and upper end of a KPI for every arm but the reference (rows), from comparison.csv."""
        table = self.comparison
        if self.one_arm or table is None or table.empty:
            raise NothingToShow("there is one arm, so nothing to compare")
        own = table[table["kpi"].astype(str) == kpi].drop_duplicates("arm").set_index("arm")
        return own.reindex(self.arms[1:])[["difference", "ci_low", "ci_high"]].to_numpy(dtype=float)

    def sure(self, kpi: str) -> NDArray[np.bool_]:
        """Whether the difference of a KPI may be called sure, for every arm but the reference (`precision`)."""
        table = self._judged
        own = table[table["kpi"] == kpi].drop_duplicates("arm").set_index("arm")["sure"]
        return own.reindex(self.arms[1:], fill_value=False).to_numpy(dtype=bool)

    @cached_property
    def _judged(self) -> pd.DataFrame:
        table = self.comparison
        if table is None or table.empty:
            raise NothingToShow("there is one arm, so nothing to compare")
        names = pd.DataFrame({"arm": table["arm"].astype(str), "kpi": table["kpi"].astype(str)})
        return names.assign(sure=sureness(table)["sure"])

    def band_words(self, thing: str = "Line") -> str:
        """What line and band are, for a subtitle."""
        count = len(self.seeds)
        if count == 1:
            return f"{thing}: the one seed, so no band."
        if count < SEEDS_FOR_AN_INTERVAL:
            return f"{thing}: mean of {count} seeds; band: lowest to highest seed."
        return f"{thing}: mean of {count} seeds; band: 95{units.GAP}% t interval of the mean."

    def mean_words(self) -> str:
        """That a number is a mean over seeds, behind what it is of; nothing for one seed."""
        return ", mean over seeds" if len(self.seeds) > 1 else ""

    def range_words(self, thing: str) -> str:
        """What whiskers are, for a subtitle; nothing for one seed."""
        count = len(self.seeds)
        if count == 1:
            return "One seed."
        if count < SEEDS_FOR_AN_INTERVAL:
            return f"{thing}: lowest to highest of {count} seeds."
        return f"{thing}: 95{units.GAP}% t interval of the mean of {count} seeds."


def currency_of(run: Tables) -> str:
    """The run's currency: from the manifest, else the first `currency:` line of the scenario, else CNY."""
    named = run.manifest.get("currency")
    if isinstance(named, str) and named:
        return named
    for line in run.scenario_text.splitlines():
        if line.startswith("currency:"):
            return line.split(":", 1)[1].split("#")[0].strip().strip("'\"") or "CNY"
    return "CNY"


def with_total(values: Cube) -> Cube:
    """Tiers, then their sum, on the last axis."""
    return np.concatenate([values, values.sum(axis=-1, keepdims=True)], axis=-1)


def rolling_sum(values: Cube, window: int) -> Cube:
    """Sums over `window` neighbours (at least 1) of axis 2, which gets `window` - 1 shorter."""
    sums = np.concatenate([np.zeros_like(values[:, :, :1]), np.cumsum(values, axis=2)], axis=2)
    return sums[:, :, window:] - sums[:, :, :-window]


def ratio_base(values: Cube) -> Cube:
    """A denominator with NaN where it is zero, so that an empty tier has no rate instead of a warning."""
    return np.where(values > 0, values, np.nan)


def band(values: Cube, axis: int = 1, *, floor: float = -np.inf) -> Band:
    """Mean and band over the seeds' axis: lowest to highest below five seeds, else the 95 % t interval of the mean.

    `floor` is the least that the quantity can be, where an interval is cut.
    """
    there = np.isfinite(values)
    count = there.sum(axis=axis)
    some = np.maximum(count, 1)
    mean = np.where(count > 0, np.where(there, values, 0.0).sum(axis=axis) / some, np.nan)
    if values.shape[axis] < SEEDS_FOR_AN_INTERVAL:
        low = np.where(there, values, np.inf).min(axis=axis)
        high = np.where(there, values, -np.inf).max(axis=axis)
    else:
        half = half_width(values, axis)
        low, high = np.maximum(mean - half, floor), mean + half
    known = count > 1
    return Band(mean, np.where(known, low, np.nan), np.where(known, high, np.nan))


def half_width(values: Cube, axis: int) -> Cube:
    """Half width of the 95 % t interval of the mean over an axis; NaN where fewer than two values are there."""
    there = np.isfinite(values)
    count = there.sum(axis=axis)
    some = np.maximum(count, 2)
    mean = np.where(there, values, 0.0).sum(axis=axis) / np.maximum(count, 1)
    square = np.where(there, values - np.expand_dims(mean, axis), 0.0) ** 2
    return np.where(count > 1, intervals.half_width(square.sum(axis=axis) / (some - 1), some), np.nan)


@dataclass(frozen=True)
class Contrast:
    """An arm against the reference, paired by seed: mean difference and half width (NaN for one seed).

    It is for looking; what is sure is asked of `Board.sure`, which knows how many differences are looked at.
    """

    arm: int
    difference: float
    half: float


def contrasts(values: Cube) -> list[Contrast]:
    """Every other arm against the first, from arm x seed values."""
    gaps = values[1:] - values[:1]
    half = half_width(gaps, 1)
    mean = band(gaps).mean
    return [Contrast(arm + 1, float(mean[arm]), float(half[arm])) for arm in range(len(gaps))]


def mean_of(values: Cube | Sequence[float]) -> float:
    """Mean of the finite values; NaN if there are none."""
    finite = np.asarray(values, dtype=float)
    finite = finite[np.isfinite(finite)]
    return float(finite.mean()) if finite.size else float("nan")
