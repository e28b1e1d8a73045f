"""What figures of a run rest on: events behind a rate, lifetimes without an end, the error of a customer value.

A rate of three events is a rumour. Whoever shows a rate or a customer value marks it with `ROUGH` where it rests on
fewer than `FEWEST` events, all seeds together, and with `ENDLESS` where nobody was seen to leave, so that the value is
a perpetuity (or empty, without discounting). Events are counted in simulated rows: a row that stands for forty
customers is one event, not forty. Where rows are fewer than customers, how many customers a row of a tier stands for is
taken from month 0 and the scenario's strata, rather too many than too few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.measures.catalogue import KPIS
from sim.measures.lifetime import SMALLEST_DISCOUNT, chances, kept_for_ever, reaches, value_error
from sim.measures.money import Money
from sim.phrases import named
from sim.store.files import read_yaml

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run

FEWEST = 30  # events below which a rate is marked: its standard error is then above a fifth of it
ROUGH, ENDLESS = "~", "^"
FEW = f"{ROUGH} fewer than {FEWEST} events"  # a note that is short
VALUES = ("clv", "customer_equity", "value")  # what lifetimes decide
OF_THE_REFERENCE = ("customer_equity", "value")  # by its moves and margins
Key = tuple[str, str]  # arm, KPI


def few(events: float) -> str:
    """The mark of a rate that rests on so many events: here it is decided, everywhere else it is asked."""
    return ROUGH if events < FEWEST else ""


@dataclass(frozen=True)
class Evidence:
    """By arm and KPI: events in all seeds, standard errors of customer values, states that nobody was seen to leave.

    `stays` has for each customer value the states that it rests on and in how many seeds of how many nobody left them.
    """

    events: dict[Key, float] = field(default_factory=dict)
    errors: dict[Key, float] = field(default_factory=dict)
    stays: dict[Key, tuple[tuple[str, ...], int, int]] = field(default_factory=dict)
    discount_rate: float = math.nan

    def rough(self, arm: str, kpi: str) -> bool:
        """True if a figure rests on too few events."""
        return bool(few(self.events.get((arm, kpi), math.inf)))

    def mark(self, arm: str, kpi: str, against: str | None = None) -> str:
        """What stands behind a figure where it is shown, "" for nothing.

        `against` makes it the mark of a difference between two arms, which is as rough as the rougher of the two.
        """
        arms = (arm, against if against is not None else arm)
        endless = any((one, kpi) in self.stays for one in arms)
        return (ENDLESS if endless else "") + (ROUGH if any(self.rough(one, kpi) for one in arms) else "")

    def marks(self, table: pd.DataFrame, reference: str | None = None) -> list[dict[str, Any]]:
        """What marks the rows of summary.csv, or with the reference of comparison.csv, one entry a marked row."""
        found = []
        for arm, kpi in zip(table["arm"].astype(str), table["kpi"].astype(str), strict=True):
            if mark := self.mark(arm, kpi, reference):
                counts = [self.events.get((one, kpi), math.inf) for one in (arm, reference or arm)]
                events = {"events": round(min(counts), 1)} if math.isfinite(min(counts)) else {}
                found.append({"arm": arm, "kpi": kpi, "mark": mark, **events})
        return found

    def words(self, shown: Iterable[Key]) -> list[str]:
        """What the marks of these figures mean, a sentence each."""
        keys = list(shown)
        sentences = []
        if any(self.rough(*key) for key in keys):
            several = (
                "; a difference is as rough as the rougher of its two" if len({arm for arm, _ in keys}) > 1 else ""
            )
            sentences.append(few_words() + several)
        found = dict.fromkeys(self.stays[key] for key in keys if key in self.stays)
        names = list(dict.fromkeys(name for states, _, _ in found for name in states))
        if not names:
            return sentences
        most = max(found, key=lambda one: one[1])
        seeds = "" if most[1] == most[2] else f" in {most[1]} of {most[2]} seeds"
        nobody = f"no {' and no '.join(named(name, 'tier') for name in names)} customer was seen to leave{seeds}"
        if self.discount_rate < SMALLEST_DISCOUNT:
            rest = (
                f"at a discount rate of {self.discount_rate:g} what never ends has no value, so customer value is "
                "empty for whoever is there or can come there"
            )
            if seeds:
                rest += ", and where a figure stands it is of the other seeds alone and too low"
            sentences.append(f"{ENDLESS} {nobody}: {rest}; more customers, months or seeds, or a higher discount_rate")
        else:
            sentences.append(
                f"{ENDLESS} {nobody}: customer value takes them to stay for ever, a perpetuity at "
                f"{100 * self.discount_rate:.4g} % a year"
            )
        return sentences


def few_words() -> str:
    """What `ROUGH` means, in a sentence."""
    return (
        f"{ROUGH} rests on fewer than {FEWEST} events (customers who left or moved, complaints and the like), "
        "all seeds together: a rough figure"
    )


NONE = Evidence()


def evidence_of(run: Run) -> Evidence:
    """What the figures of a stored run rest on."""
    manifest = run.manifest
    return evidence(
        run.tables,
        tiers=run.tiers,
        arms=run.arms,
        discount_rate=float(manifest["discount_rate"]),
        weights=customers_per_row(run),
    )


def evidence(
    tables: Mapping[str, pd.DataFrame],
    *,
    tiers: Sequence[str],
    arms: Sequence[str],
    discount_rate: float,
    weights: Sequence[float] | None = None,
) -> Evidence:
    """The same from tables as in `kpis.run_kpis`; `weights` are the customers that a row of each tier stands for."""
    c = Money(tables, arms, tiers, discount_rate)
    if not len(c):
        return Evidence(discount_rate=discount_rate)
    weight = np.ones(len(tiers)) if weights is None else np.asarray(weights, dtype=float)
    found = Evidence(discount_rate=discount_rate)
    by_tier = {kpi.name: kpi.events(c) for kpi in KPIS.values() if kpi.events}
    moved = c.chains[0]
    for arm_place, arm in enumerate(c.arms):
        own = c.arm == arm_place
        if not own.any():
            continue
        for kpi, events in by_tier.items():
            rows = (events[own] / weight).sum(axis=0)
            found.events[arm, kpi] = float(rows.sum())
            found.events.update({(arm, f"{kpi}[{tier}]"): float(rows[i]) for i, tier in enumerate(tiers)})
        found.events[arm, "attrition_annual[aum]"] = found.events[arm, "attrition_annual"]
        found.events[arm, "manager_turnover_annual"] = float(c.bank("managers_left")[own, 1:].sum())
        found.events[arm, "retention[aum]"] = found.events[arm, "retention"]
    for arm in c.arms:
        for kpi in OF_THE_REFERENCE:
            found.events[arm, kpi] = found.events.get((c.arms[0], "clv"), math.nan)
    for arm in c.arms[1:]:  # what a customer kept costs is over a difference of retention
        own = [found.events.get((one, "retention"), math.nan) for one in (arm, c.arms[0])]
        found.events[arm, "cost_per_saved_customer"] = min(own)
    if moved.any():
        _values(found, c, np.append(weight, [weight[0], 1.0]))
    found.events.update({key: math.inf for key, events in found.events.items() if math.isnan(events)})
    return found


def _values(found: Evidence, c: Money, weight: np.ndarray) -> None:
    """Errors of customer values and the states that they rest on and that nobody leaves."""
    n = len(c.tiers)
    moved, R, held = c.chains
    of_tiers = {f"clv[{tier}]": np.broadcast_to(np.eye(n + 2)[i], R.shape) for i, tier in enumerate(c.tiers)}
    whole = np.concatenate([held, np.zeros((len(c), 1))], axis=1)
    everybody = held.sum(axis=1, keepdims=True)
    mean = np.divide(whole, everybody, out=np.zeros_like(whole), where=everybody > 0)
    _rest(found, c, moved, R, of_tiers | {"clv": mean}, weight)
    paired = np.where((c.partner >= 0)[:, None], whole * c.behind, 0.0)
    _rest(found, c, moved[c.partner], R[c.partner], dict.fromkeys(OF_THE_REFERENCE, paired), weight)


def _rest(
    found: Evidence, c: Money, moved: np.ndarray, R: np.ndarray, says: Mapping[str, np.ndarray], weight: np.ndarray
) -> None:
    """The same of values by these chains; `says` is what each weighs the values of states by."""
    n, d = len(c.tiers), found.discount_rate
    names = [*c.tiers, "dormant"]
    P = chances(moved)
    stays = kept_for_ever(P, R)
    reached = {i: reaches(P, stays & (np.arange(n + 2) == i)) for i in range(n + 1)}
    seen = moved.sum(axis=2) > 0
    for kpi, say in says.items():
        error = value_error(moved, R, d, say, weight)
        known = seen[:, c.tiers.index(kpi[4:-1])] if kpi not in VALUES else seen.any(axis=1)
        for arm_place, arm in enumerate(c.arms):
            own = (c.arm == arm_place) & known
            seeds = int(own.sum())
            if not seeds:
                continue
            if seeds == 1 or found.rough(arm, kpi):
                known_errors = error[own][np.isfinite(error[own])]
                if len(known_errors):
                    found.errors[arm, kpi] = float(np.sqrt((known_errors**2).sum()) / len(known_errors))
            resting = {i: (reached[i][own] & (say[own] != 0.0)).any(axis=1) for i in range(n + 1)}
            states = tuple(names[i] for i in range(n + 1) if resting[i].any())
            if states:
                found.stays[arm, kpi] = states, int(np.any(list(resting.values()), axis=0).sum()), seeds


def customers_per_row(run: Run) -> list[float]:
    """Customers that a simulated row of each tier stands for, from month 0; 1 where every customer is a row."""
    import yaml

    monthly = run.monthly
    first = monthly[(monthly["month"] == 0) & (monthly["arm"] == run.arms[0]) & (monthly["seed"] == run.seeds[0])]
    customers = first.set_index("tier")["customers"].reindex(run.tiers).fillna(0.0).to_numpy(dtype=float)
    total = float(customers.sum())
    book = run.manifest.get("book")
    if isinstance(book, Mapping) and book.get("rows"):
        return [max(total / float(book["rows"]), 1.0)] * len(run.tiers)
    try:
        population: Any = read_yaml(run.scenario_text)["population"]
        agents, strata = population.get("agents"), population.get("strata") or {}
        whole = float(population.get("customers") or total)
    except (KeyError, TypeError, AttributeError, yaml.YAMLError):
        return [1.0] * len(run.tiers)
    if agents is None:
        return [1.0] * len(run.tiers)
    rows = agents * whole if isinstance(agents, float) else float(agents)
    part = np.array([float(strata.get(tier, 0.0)) for tier in run.tiers])
    part = part / part.sum() if part.sum() > 0 else np.full(len(part), 1.0 / len(part))
    return np.maximum(customers / np.maximum(np.minimum(rows * part, customers), 1.0), 1.0).tolist()
