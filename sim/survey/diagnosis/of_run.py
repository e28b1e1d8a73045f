"""The four problems in a stored run: measures of one arm, mean over seeds with their interval."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.measures.cubes import Cubes, ratio
from sim.measures.intervals import half_width
from sim.store.files import read_yaml
from sim.survey.diagnosis.problems import BANK, COLUMNS, OF_RUN, OF_SCENARIO, Lorenz, Measure

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run

# Key figures that are told as they stand in summary.csv: problem, and what is published about it (low, high, source).
KPIS: Mapping[str, tuple[str, float, float, str]] = {
    "complaints_per_customer": ("process", np.nan, np.nan, ""),
    "nps": ("process", np.nan, np.nan, ""),
    "attrition_annual": ("structure", 0.08, 0.15, "F7"),
    "dormant_share": ("structure", 0.444, 0.444, "F6"),
    "retention": ("structure", np.nan, np.nan, ""),
    "upgrade_rate": ("structure", np.nan, np.nan, ""),
    "downgrade_rate": ("structure", np.nan, np.nan, ""),
    "aum_gini": ("structure", np.nan, np.nan, ""),
    "contacts_per_customer": ("tools", np.nan, np.nan, ""),
    "coverage_gini": ("tools", np.nan, np.nan, ""),
    "opt_out_share": ("tools", np.nan, np.nan, ""),
    "digital_active_share": ("tools", np.nan, np.nan, ""),
    "manager_utilisation": ("staff", np.nan, np.nan, ""),
    "manager_turnover_annual": ("staff", 0.25, 0.35, "F48"),
}
RESOLUTION = ("model", "service", "resolution")  # of the scenario
MOVED_BY = "digital_thinking"  # the strategy that turns it
RESOLVED_IN_WEAK_BANKS = (0.0, 0.60, "F7")
SPOKEN_TO = ("declined", "answered")
MADE = ("not_reached", *SPOKEN_TO)


def of_run(run: Run, arm: str) -> pd.DataFrame:
    """Measures of an arm, columns `COLUMNS`; what the run did not store has no row."""
    import pandas as pd

    rows = [*_key_figures(run, arm), *_counted(run, arm), *_reach(run, arm), *_books(run, arm), *_panel(run, arm)]
    if not has_managers(run, arm):
        rows = [row for row in rows if row.problem != "staff"]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def has_managers(run: Run, arm: str) -> bool:
    """Whether a customer of the arm ever had a named manager; so it is taken where a run did not store it."""
    bank = run.bank
    return "customers_managed" not in bank or bool((bank.loc[bank["arm"] == arm, "customers_managed"] > 0).any())


def _key_figures(run: Run, arm: str) -> Iterator[Measure]:
    """Key figures of the bank and its tiers, with the intervals that summary.csv gives them."""
    from sim.measures.catalogue import KPIS as CATALOGUE

    own = run.summary[run.summary["arm"] == arm].set_index("kpi")
    for name, (problem, low, high, source) in KPIS.items():
        for group in (BANK, *run.tiers):
            kpi = name if group == BANK else f"{name}[{group}]"
            if kpi in own.index and np.isfinite(float(own.loc[kpi, "mean"])):  # type: ignore[arg-type]
                row: Any = own.loc[kpi]
                ends = float(row["ci_low"]), float(row["ci_high"])
                told = float(row["mean"]), str(row["unit"]), *ends, int(row["seeds"]), OF_RUN
                published = (low, high, source) if group == BANK else (np.nan, np.nan, "")
                yield Measure(problem, name, group, *told, *published, CATALOGUE[name].about)


def _over_seeds(
    problem: str, measure: str, group: str, values: np.ndarray, unit: str, about: str, **more: Any
) -> Iterator[Measure]:
    """A measure out of a value a seed; nothing where no seed has one."""
    seen = values[np.isfinite(values)]
    if seen.size:
        mean = float(seen.mean())
        half = float(half_width(seen.var(ddof=1), seen.size)) if seen.size > 1 else np.nan
        yield Measure(
            problem, measure, group, mean, unit, mean - half, mean + half, int(seen.size), about=about, **more
        )


def _by_tier(
    problem: str, measure: str, top: np.ndarray, bottom: np.ndarray, tiers: list[str], unit: str, about: str
) -> Iterator[Measure]:
    """A rate of the bank and of its tiers; inputs (seeds, tiers)."""
    yield from _over_seeds(problem, measure, BANK, ratio(top.sum(axis=1), bottom.sum(axis=1)), unit, about)
    each = ratio(top, bottom)
    for place, tier in enumerate(tiers):
        yield from _over_seeds(problem, measure, tier, each[:, place], unit, about)


def _only(run: Run, arm: str) -> Cubes:
    tables = {name: table[table["arm"] == arm] for name, table in run.tables.items()}
    return Cubes(tables, [arm], run.tiers)


def _counted(run: Run, arm: str) -> Iterator[Measure]:
    """What is counted month by month: failures, complaints, who is there, who came and went, managers' state."""
    c, tiers = _only(run, arm), run.tiers
    failures, active = c.flow("failures"), c.years("active")
    yield from _by_tier(
        "process",
        "failures_per_customer",
        failures,
        active,
        tiers,
        "per year",
        "failures of service, per active customer-year",
    )
    yield from _by_tier(
        "process",
        "complaints_per_failure",
        c.flow("complaints"),
        failures,
        tiers,
        "share",
        "complaints per failure of service: the rest is silent",
    )
    experiences = np.stack([c.bank(f"experiences[{tier}]")[:, 1:].sum(axis=1) for tier in tiers], axis=1)
    quality = np.stack(
        [np.nansum(c.bank(f"experiences[{t}]") * c.bank(f"quality[{t}]"), axis=1) for t in tiers], axis=1
    )
    if np.isfinite(experiences).all():
        yield from _by_tier(
            "process", "quality_met", quality, experiences, tiers, "sd", "mean quality of the service that was met"
        )
    yield from _resolution(run, arm)
    for name, column, about in (
        ("share_of_customers", "customers", "of the bank's open customers at the end"),
        ("share_of_aum", "aum", "of the bank's AUM at the end"),
    ):
        shares = ratio(c.end(column), c.end(column).sum(axis=1, keepdims=True) + 0 * c.end(column))
        for place, tier in enumerate(tiers):
            yield from _over_seeds("structure", name, tier, shares[:, place], "share", about)
    yield from _by_tier(
        "structure",
        "joined_per_customer",
        c.flow("joined"),
        c.years("customers"),
        tiers,
        "per year",
        "new customers, per customer-year",
    )
    exited = c.yearly(c.bank("aum_exited")[:, 1:].sum(axis=1))
    yield from _over_seeds(
        "structure",
        "aum_exited_annual",
        BANK,
        ratio(exited, c.years("aum").sum(axis=1) * 12 / max(c.months, 1)),
        "per year",
        "AUM of those who closed or went dormant, of the bank's mean AUM",
    )
    for name, unit, about in (
        ("professional_skill", "sd", "professional skill of named managers when hired, mean over months"),
        ("digital_skill", "sd", "digital skill of named managers when hired, mean over months"),
        ("fatigue", "sd", "fatigue of named managers, mean over months"),
    ):
        with np.errstate(invalid="ignore"):
            values = c.bank(name)[:, 1:]
            if name == "digital_skill":  # on five points in the books, in SD here, as it is of those who are asked
                values = _in_sd(run, values)
            means = np.where(np.isfinite(values).any(axis=1), np.nansum(values, axis=1), np.nan)
            means = means / np.maximum(np.isfinite(values).sum(axis=1), 1)
        yield from _over_seeds("staff", name, BANK, means, unit, about)
    if "customers_managed" in run.bank:
        managed = c.bank("customers_managed")[:, -1]
        yield from _over_seeds(
            "staff",
            "managed_share",
            BANK,
            ratio(managed, c.end("active").sum(axis=1)),
            "share",
            "active customers with a named manager, at the end",
        )


def _in_sd(run: Run, values: np.ndarray) -> np.ndarray:
    """Digital skill on five points in SD from the mean of those who are hired; NaN if the scenario cannot be read."""
    own: Any = scenario_of(run).get("managers") or {}
    mean, sd = (float(own.get(key, np.nan)) for key in ("digital_mean", "digital_sd"))
    return np.zeros_like(values) if sd == 0 else (values - mean) / sd


def _resolution(run: Run, arm: str) -> Iterator[Measure]:
    """Complaints solved within 72 hours: a number of the scenario, where no strategy of the arm turns it."""
    scenario = scenario_of(run)
    if MOVED_BY in strategies_of(scenario, arm):
        return
    value: Any = scenario
    for key in RESOLUTION:
        value = value.get(key) if isinstance(value, Mapping) else None
    if isinstance(value, (int, float)):
        yield Measure(
            "process",
            "complaints_resolved",
            BANK,
            float(value),
            "share",
            np.nan,
            np.nan,
            0,
            OF_SCENARIO,
            *RESOLVED_IN_WEAK_BANKS,
            "complaints solved within 72 hours: a number of the scenario, not an outcome",
        )


def _reach(run: Run, arm: str) -> Iterator[Measure]:
    """What became of wishes for a contact."""
    reach = run.reach
    if reach is None:
        return
    own = reach[reach["arm"] == arm]
    seeds = sorted(run.seeds)
    counted = own.pivot_table(index="seed", columns="end", values="customers", aggfunc="sum", observed=True)
    counted = counted.reindex(index=seeds).fillna(0.0)

    def of(*ends: str) -> np.ndarray:
        return np.asarray(sum((counted[end].to_numpy(float) for end in ends if end in counted), np.zeros(len(seeds))))

    wishes, made, spoken = counted.to_numpy(float).sum(axis=1), of(*MADE), of(*SPOKEN_TO)
    for name, top, bottom, about in (
        ("answered_share", of("answered"), made, "of contacts that were made: reached, and not for nothing"),
        (
            "declined_share",
            of("declined"),
            spoken,
            "of customers spoken to: the offer, or the call to return, was no use",
        ),
        ("held_back_share", of("pressure"), wishes, "of wishes for a contact: one more would have been too many"),
        ("opted_out_wishes", of("opted_out"), wishes, "of wishes for a contact: the customer had closed the channel"),
        ("no_hour_share", of("no_hour"), wishes, "of wishes for a contact: no manager had an hour"),
    ):
        problem = "staff" if name == "no_hour_share" else "tools"
        yield from _over_seeds(problem, name, BANK, ratio(top, bottom), "share", about)
    years = _only(run, arm).years("active").sum(axis=1)
    yield from _over_seeds(
        "tools",
        "months_answered",
        BANK,
        ratio(of("answered"), years),
        "per year",
        "months in which a customer answered a contact, per active customer-year",
    )


def _books(run: Run, arm: str) -> Iterator[Measure]:
    """What a manager who leaves costs in customers."""
    events = run.managers[(run.managers["arm"] == arm) & (run.managers["event"] == "left")]
    if events.empty:
        return
    sums = events.groupby("seed")[["exits_before", "exits_after", "customers"]].sum()
    values = ratio(sums["exits_after"].to_numpy(float), sums["exits_before"].to_numpy(float))
    yield from _over_seeds(
        "staff",
        "exits_after_manager_left",
        BANK,
        values,
        "ratio",
        "customers of the book lost in the three months after a manager left, over the three before",
    )


def _panel(run: Run, arm: str) -> Iterator[Measure]:
    """Contact pressure above the ideal, where customers were tracked."""
    panel = run.panel
    if panel is None:
        return
    own = panel[(panel["arm"] == arm) & (panel["observed_state"] == 0) & (panel["month"] > 0)]
    if own.empty:
        return
    weight = own["observed_weight"].astype(float)
    sums = weight.groupby(own["seed"]).sum()
    above = (weight * (own["true_pressure"] > 1)).groupby(own["seed"]).sum()
    yield from _over_seeds(
        "tools",
        "above_ideal_share",
        BANK,
        (above / sums).to_numpy(float),
        "share",
        "of months of tracked active customers: more contacts in the quarter than is ideal",
    )


def lorenz_of_run(run: Run, arm: str) -> Lorenz | None:
    """The Lorenz curve of AUM at the end: of tracked customers, else tier by tier; the first seed."""
    seed = min(run.seeds)
    panel = run.panel
    if panel is not None:
        own = panel[(panel["arm"] == arm) & (panel["seed"] == seed) & (panel["month"] == panel["month"].max())]
        if len(own) >= 100:
            held, weight = own["observed_aum"].to_numpy(float), own["observed_weight"].to_numpy(float)
            return lorenz(held, weight, f"{len(own):,} tracked customers at the end, seed {seed}")
    c = _only(run, arm)
    customers, aum = c.end("customers").mean(axis=0), c.end("aum").mean(axis=0)
    there = customers > 0
    if aum.sum() <= 0 or not there.any():
        return None
    return lorenz(
        aum[there] / customers[there],
        customers[there],
        "tier by tier, at the end: within a tier all are taken to hold alike, so the true curve lies below",
    )


def lorenz(held: np.ndarray, weight: np.ndarray, words: str) -> Lorenz:
    """Cumulative shares, poorest first, of what is held and how many hold it, float64 (n,) both."""
    order = np.argsort(held, kind="stable")
    count, total = np.cumsum(weight[order]), np.cumsum((weight * held)[order])
    return Lorenz(np.concatenate([[0.0], count / count[-1]]), np.concatenate([[0.0], total / total[-1]]), words)


def scenario_of(run: Run) -> dict[str, Any]:
    """The stored scenario as plain data; empty where it cannot be read."""
    import yaml

    try:
        found = read_yaml(run.scenario_text)
    except (yaml.YAMLError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def strategies_of(scenario: Mapping[str, Any], arm: str) -> dict[str, Any]:
    """Strategies of an arm by name, with their settings as the scenario has them."""
    found = (scenario.get("arms") or {}).get(arm) or []
    entries = found.get("strategies") or [] if isinstance(found, Mapping) else found
    return {str(entry["use"]): entry for entry in entries if isinstance(entry, Mapping) and "use" in entry}
