"""The chain from action to money: how an arm is meant to work, and how far each of its links held.

A strategy names its links in their order (`Strategy.chain`). A link is a measure that should move, up or down. It held
if the paired difference to the reference has its whole 95 % interval on the meant side; where the measure is a headline
figure, the difference must be sure as well (`precision.sureness`), so that no link says more than the verdict does. The
other links are for looking. The first link that did not hold is where the chain broke.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sim.codes import CHANNELS

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run

HELD, AGAINST, UNSEEN, SAME, ONE_SEED = "held", "went the other way", "not seen", "no difference", "one seed"
CHAIN = ("arm", "step", "link", "meant", "unit", "difference", "ci_low", "ci_high", "word", "broke")


@dataclass(frozen=True)
class Link:
    """What should move: its words, unit, whether up, and how it is measured: a KPI, or a number of an arm and seed."""

    label: str
    unit: str
    up: bool = True
    kpi: str = ""
    of: Callable[[Sums], pd.Series] | None = None


class Moved(NamedTuple):
    """A difference, the ends of its interval, and whether it may be called something else than not seen."""

    difference: float
    low: float
    high: float
    may_be_sure: bool


@dataclass(frozen=True)
class Sums:
    """Sums over the measured months by arm and seed: of monthly.parquet and of bank.parquet."""

    monthly: pd.DataFrame
    bank: pd.DataFrame

    def a_year(self, columns: Iterable[str], people: str) -> pd.Series:
        """A flow per customer-year."""
        return self.monthly[list(columns)].sum(axis=1) / self.monthly[people] * 12.0

    def mean(self, column: str, people: str) -> pd.Series:
        """A mean over customer-months."""
        return self.monthly[f"{column}*{people}"] / self.monthly[people]

    def of_tiers(self, column: str, per: str) -> pd.Series:
        """A mean of a column that bank.parquet has by tier, over what is counted there."""
        return self.bank[f"{column}*{per}"] / self.bank[per]


LINKS: dict[str, Link] = {
    "skill": Link("managers' skill", "SD", of=lambda s: s.bank["professional_skill"]),
    "contacts": Link(
        "contacts made", "a customer-year", of=lambda s: s.a_year([f"contacts_{c}" for c in CHANNELS], "customers")
    ),
    "reached": Link(
        "customers reached", "a customer-year", of=lambda s: s.bank["reached"] / s.monthly["customers"] * 12.0
    ),
    "failures": Link("failures", "a customer-year", up=False, of=lambda s: s.a_year(["failures"], "active")),
    "quality": Link("quality of experiences", "SD", of=lambda s: s.of_tiers("quality", "experiences")),
    "bond": Link("bond with a manager", "a customer", of=lambda s: s.bank["bond*managed"] / s.monthly["active"]),
    "satisfaction": Link("satisfaction", "SD", of=lambda s: s.mean("satisfaction", "active")),
    "trust": Link("trust", "SD", of=lambda s: s.mean("trust", "active")),
    "adoption": Link("app users", "share", of=lambda s: s.mean("digital_active", "active")),
    "products": Link("products", "a customer", of=lambda s: s.mean("products", "active")),
    "sales": Link("sales by contacts", "a customer-year", of=lambda s: s.a_year(["sales"], "active")),
    "wallet": Link("share of wallet", "share", of=lambda s: s.mean("share_of_wallet", "customers")),
    "exits": Link("attrition", "share a year", up=False, kpi="attrition_annual"),
    "cost": Link("cost", "money a year", up=False, kpi="cost_annual"),
    "money": Link("value", "money", kpi="value"),
}
"""In the order in which one thing may lead to the next; a bundle's chain is that of its members in this order."""

MEANS = {"satisfaction": "active", "trust": "active", "digital_active": "active", "products": "active"}
MEANS |= {"share_of_wallet": "customers"}
OF_TIERS = {"quality": "experiences", "bond": "managed", "reached": ""}


def joined(chains: Sequence[Sequence[str]]) -> list[str]:
    """The chain of strategies that work together: that of a single one as it stands, else by the order of `LINKS`."""
    if len(chains) == 1:
        return list(chains[0])
    named = {link for chain in chains for link in chain}
    return [link for link in LINKS if link in named]


def chain_table(run: Run, comparison: pd.DataFrame | None = None) -> pd.DataFrame:
    """How far each link of each arm's chain held: a row an arm and link, `CHAIN`; without rows where none is known.

    `meant` is "up" or "down", `word` one of `HELD` and so on; `broke` marks the first link of an arm that did not hold.
    Links that the run did not measure (an older one, or nobody was there) are left out. `comparison` is comparison.csv,
    unless it is stored.
    """
    import pandas as pd

    chains = run.manifest.get("chains") or {}
    rows: list[dict[str, Any]] = []
    if len(run.arms) > 1 and any(chains.values()):
        found = _differences(
            run,
            run.comparison if comparison is None else comparison,
            {link for arm in run.arms[1:] for link in chains.get(arm, ())},
        )
        for arm in run.arms[1:]:
            whole = True
            steps = [link for link in chains.get(arm, ()) if (arm, link) in found]
            steps = [link for link in steps if not np.isnan(found[arm, link].difference)]
            for step, name in enumerate(steps, 1):
                difference, low, high, may_be_sure = found[arm, name]
                word = _word(difference, low, high, LINKS[name].up, may_be_sure)
                broke = whole and word in (AGAINST, UNSEEN, SAME)
                whole = whole and not broke
                unit = LINKS[name].unit.replace("money", run.manifest["currency"])
                meant = "up" if LINKS[name].up else "down"
                rows.append(
                    dict(zip(CHAIN, (arm, step, name, meant, unit, difference, low, high, word, broke), strict=True))
                )
    return pd.DataFrame(rows, columns=list(CHAIN))


def _word(difference: float, low: float, high: float, up: bool, may_be_sure: bool) -> str:
    if np.isnan(low):
        return ONE_SEED
    if difference == 0.0 and not high > low:
        return SAME
    if low <= 0.0 <= high or not may_be_sure:
        return UNSEEN
    return HELD if (difference > 0.0) == up else AGAINST


def _differences(run: Run, table: pd.DataFrame, wanted: set[str]) -> dict[tuple[str, str], Moved]:
    """By arm and link: difference, ends of its interval, and whether it may be called more than a guess."""
    import pandas as pd

    from sim.measures.catalogue import HEADLINES, SAME_TEST
    from sim.measures.compare import compare
    from sim.measures.precision import sureness

    found: dict[tuple[str, str], Moved] = {}
    judged = table.assign(sure=sureness(table)["sure"])
    sums = _sums(run)
    measured = []
    for name in [link for link in LINKS if link in wanted]:
        link = LINKS[name]
        if link.kpi:
            must = link.kpi in (*HEADLINES, *SAME_TEST)
            for one in judged[judged["kpi"] == link.kpi].to_dict("records"):
                found[one["arm"], name] = Moved(*_ends(one), bool(one["sure"]) or not must)
        elif link.of is not None:
            try:
                values = link.of(sums)
            except KeyError:  # this run did not measure it
                continue
            rows = values.rename("value").reset_index()
            measured.append(rows.assign(kpi=name, unit=link.unit, better="higher" if link.up else "lower"))
    if measured:
        for one in compare(pd.concat(measured, ignore_index=True), run.arms[0]).to_dict("records"):
            found[one["arm"], one["kpi"]] = Moved(*_ends(one), True)
    return found


def _sums(run: Run) -> Sums:
    """What links are measured from: weighted columns stand beside their weights, as "column*weight"."""
    keys = ["arm", "seed"]
    monthly = run.monthly[run.monthly["month"] > 0]
    weighted = {f"{column}*{people}": monthly[column] * monthly[people] for column, people in MEANS.items()}
    months = monthly.assign(**weighted).groupby(keys, sort=False)
    by_month = months[
        [*weighted, "customers", "active", "sales", "failures", *(f"contacts_{c}" for c in CHANNELS)]
    ].sum()
    bank = run.bank[run.bank["month"] > 0]
    sums = bank[keys].copy()
    sums["professional_skill"] = bank["professional_skill"] / max(int(run.manifest["months"]), 1)
    for column, per in OF_TIERS.items():
        columns = [f"{column}[{tier}]" for tier in run.tiers]
        if not set(columns) <= set(bank.columns):
            continue
        if not per:
            sums[column] = bank[columns].sum(axis=1)
            continue
        weights = bank[[f"{per}[{tier}]" for tier in run.tiers]].to_numpy(float)
        sums[f"{column}*{per}"] = np.nansum(bank[columns].to_numpy(float) * weights, axis=1)
        sums[per] = weights.sum(axis=1)
    return Sums(by_month, sums.groupby(keys, sort=False).sum())


def _ends(row: Mapping[Any, Any]) -> tuple[float, float, float]:
    return float(row["difference"]), float(row["ci_low"]), float(row["ci_high"])
