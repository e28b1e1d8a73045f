"""A results folder made up for the report's tests: the right tables, plausible numbers, no model.

The numbers keep the accounting identities of CONTRACT 4 (customers, AUM, profit), so that whatever the report says of
them can be checked by adding up.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim import codes
from sim.store.tables import MANAGERS_COLUMNS, REACH_COLUMNS, dtype_of

CHANNELS = ("branch", "phone", "video", "messaging", "app")


@dataclass(frozen=True)
class Tier:
    """One tier of the made-up bank: money in the model's currency, hazards a month."""

    name: str
    share: float
    mean_aum: float
    close: float
    dormant: float
    dormant_share: float
    products: float
    contacts: float
    yield_: float


BANK_B = (
    Tier("mass", 0.9250, 6_486, 0.0025, 0.0100, 0.44, 1.6, 0.02, 0.010),
    Tier("affluent", 0.0560, 142_857, 0.0025, 0.0052, 0.05, 3.0, 0.12, 0.009),
    Tier("wealth", 0.0184, 1_022_000, 0.0024, 0.0027, 0.03, 4.5, 0.55, 0.007),
    Tier("private", 0.0006, 12_000_000, 0.0022, 0.0016, 0.02, 6.0, 1.30, 0.005),
)
TWO_TIERS = (BANK_B[0], Tier("gold & silver", 0.0750, 800_000, 0.0024, 0.0030, 0.04, 4.0, 0.4, 0.007))
SEVEN_TIERS = tuple(
    Tier(
        f"level_{number}",
        share,
        4_000.0 * 6**number,
        0.0025,
        0.010 / (1 + number),
        0.4 / (1 + number) ** 2,
        1.5 + number,
        0.02 * 3**number,
        0.01 - 0.001 * number,
    )
    for number, share in enumerate((0.70, 0.20, 0.06, 0.025, 0.01, 0.004, 0.001))
)


@dataclass
class Made:
    """The tables of a made-up run, with the attributes of `sim.store.run_reading.Run`."""

    manifest: dict
    scenario_text: str
    monthly: pd.DataFrame
    bank: pd.DataFrame
    transitions: pd.DataFrame
    cohorts: pd.DataFrame
    managers: pd.DataFrame
    individuals: pd.DataFrame | None = None
    precision: pd.DataFrame | None = None
    attribution: pd.DataFrame | None = None
    reach: pd.DataFrame | None = None
    path: Path = field(default_factory=lambda: Path("results/made-up"))

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        return {name: getattr(self, name) for name in ("monthly", "bank", "transitions")}

    @property
    def tiers(self) -> list[str]:
        return self.manifest["tiers"]

    @property
    def arms(self) -> list[str]:
        return self.manifest["arms"]

    @property
    def seeds(self) -> list[int]:
        return self.manifest["seeds"]


def fabricate(
    arms: tuple[str, ...] = ("nothing",),
    seeds: int = 3,
    months: int = 60,
    tiers: tuple[Tier, ...] = BANK_B,
    customers: float = 1_000_000,
    about: str = "What happens to Bank B over five years if it goes on as it is?",
    effects: tuple[tuple[float, float, float], ...] | None = None,
) -> Made:
    """Tables of `arms` x `seeds` x (`months` + 1) x `tiers`; each later arm loses a little less than the first.

    `effects` says for each arm by how much fewer go dormant, what strategies cost a month at most, and how much
    further its money grows; the first is nothing.
    """
    effects = effects or tuple((0.05 * place, 900_000.0 * place, place) for place in range(len(arms)))
    monthly, bank, moves, cohorts, posts = [], [], [], [], []
    for place, arm in enumerate(arms):
        for seed in range(1, seeds + 1):
            one = _live(arm, place, seed, months, tiers, customers, effects[place])
            monthly += one.monthly
            bank += one.bank
            moves += one.moves
            cohorts += one.cohorts
            posts += one.posts
    names = [tier.name for tier in tiers]
    manifest = {
        "format": "rapport-results",
        "format_version": 1,
        "name": "made-up",
        "about": about,
        "tiers": names,
        "months": months,
        "burn_in": 24,
        "discount_rate": 0.10,
        "currency": "CNY",
        "tables": ["monthly", "bank", "transitions", "cohorts", "managers", "reach"],
        "runs": [{"arm": arm, "seed": seed, "seconds": 3.2} for arm in arms for seed in range(1, seeds + 1)],
        "run_id": "20260101T000000Z-abcdef123456",
        "status": "done",
        "created": "2026-01-01T00:00:00Z",
        "code_version": "0.1.0",
        "scenario_digest": "abcdef123456" * 5 + "abcd",
        "seeds": list(range(1, seeds + 1)),
        "arms": list(arms),
        "packages": {"numpy": "2.4.6", "pandas": "3.1.1"},
        "platform": "Linux-6.1-x86_64",
        "python": "3.11.9",
        "threads": 2,
        "customer_months_per_second": 6.1e6,
        "peak_memory_mb": 812.0,
        "result_digest": "0123456789abcdef" * 4,
        "arm_digests": {arm: "fedcba9876543210" * 4 for arm in arms},
        "assumptions": {
            "model.hazards.mass.dormant": {
                "unit": "probability a month",
                "source": "F6",
                "default": 0.010,
                "about": "Going dormant, mass",
                "plausible": [0.005, 0.02],
            },
            "discount_rate": {"unit": "1/year", "source": "assumption", "default": 0.08, "about": "Discount rate"},
        },
    }
    text = (
        f"name: made-up\nabout: {json.dumps(about)}\nmonths: {months}\nburn_in: 24\ncurrency: CNY\ndiscount_rate: "
        "0.10\npopulation: {source: synthetic, preset: bank_b, customers: 1000000}\n"
        "model: {hazards: {mass: {close: 0.0025, dormant: 0.010}}}\n"
        f"seeds: {list(range(1, seeds + 1))}\n" + "arms:\n" + "".join(f"  {arm}: []\n" for arm in arms)
    )
    return Made(
        manifest,
        text,
        pd.DataFrame(monthly),
        pd.DataFrame(bank),
        pd.DataFrame(moves, columns=["arm", "seed", "year", "from", "to", "customers"]).astype({"year": "int64"}),
        pd.DataFrame(cohorts),
        pd.DataFrame(posts, columns=list(MANAGERS_COLUMNS)),
        reach=_wishes(arms, seeds, months, tiers, customers),
    )


def _wishes(arms: tuple[str, ...], seeds: int, months: int, tiers: tuple[Tier, ...], customers: float) -> pd.DataFrame:
    """reach.parquet of a made-up run: hours are short below the top tier, later arms ask for more."""
    rows = []
    for place, arm in enumerate(arms):
        for seed in range(1, seeds + 1):
            rng = np.random.default_rng([seed, place, 13])
            for year in range(1, -(-months // 12) + 1):
                for height, tier in enumerate(tiers):
                    wishes = (
                        ["campaign"]
                        if height == 0 and len(tiers) > 1
                        else ["due", *(["offer", "lead"] if place else [])]
                    )
                    for age, app, wish in itertools.product(codes.AGES, codes.APP_USE, wishes):
                        many = customers * tier.share * (0.02 if wish == "lead" else 0.3)
                        parts = rng.dirichlet([0.4, 0.6, 6.0 / (1 + height), 0.5, 6.0, 4.0, 2.0]) * many
                        for end, part in zip(codes.REACH, np.floor(parts), strict=True):
                            if part:
                                rows.append(
                                    (arm, seed, year, tier.name, age, app, wish, end, part, part * tier.mean_aum)
                                )
    return pd.DataFrame(rows, columns=list(REACH_COLUMNS))


def _live(
    arm: str,
    place: int,
    seed: int,
    months: int,
    tiers: tuple[Tier, ...],
    customers: float,
    effect: tuple[float, float, float],
) -> SimpleNamespace:
    rng = np.random.default_rng([seed, 7])  # the same luck in every arm
    count = len(tiers)
    get = lambda name: np.array([getattr(tier, name) for tier in tiers])  # noqa: E731
    fewer, spend, growth = effect
    better = 1.0 - fewer
    close, dormant = get("close"), get("dormant") * better
    open_now = np.round(customers * get("share"))
    asleep = np.round(open_now * get("dormant_share"))
    aum = open_now * get("mean_aum")
    satisfaction, maturity = np.linspace(0.05, -0.12, count), 0.0
    out = SimpleNamespace(monthly=[], bank=[], moves=[], cohorts=[], posts=[])
    gone_by_year: dict[int, dict[tuple[str, str], float]] = {}
    first = kept = open_now - asleep
    held = aum * first / np.maximum(open_now, 1.0)
    for month in range(months + 1):
        flow = dict.fromkeys(
            ["joined", "closed_active", "closed_dormant", "went_dormant", "reactivated", "upgraded", "downgraded"]
        )
        if month == 0:
            flow = {name: np.zeros(count) for name in flow}
            moved_in = np.zeros(count)
            new_money = market = aum_moved = np.zeros(count)
        else:
            active = open_now - asleep
            flow["joined"] = rng.poisson(open_now * 0.067 / 12).astype(float)
            flow["closed_active"] = rng.binomial(active.astype(int), close).astype(float)
            flow["closed_dormant"] = rng.binomial(asleep.astype(int), 0.004).astype(float)
            flow["went_dormant"] = rng.binomial(active.astype(int), dormant).astype(float)
            kept = kept * (1 - (flow["closed_active"] + flow["went_dormant"]) / np.maximum(active, 1.0))
            flow["reactivated"] = rng.binomial(asleep.astype(int), 0.006).astype(float)
            up, down = np.full(count, 0.0012), np.full(count, 0.006)
            up[-1] = down[0] = 0.0
            if count > 1:
                up[:-1] = 0.006 * open_now[1:] / open_now[:-1]
            flow["upgraded"] = rng.binomial(open_now.astype(int), up).astype(float)
            flow["downgraded"] = rng.binomial(open_now.astype(int), down).astype(float)
            moved_in = np.roll(flow["upgraded"], 1) * (np.arange(count) > 0)
            moved_in = moved_in + np.roll(flow["downgraded"], -1) * (np.arange(count) < count - 1)
            closed = flow["closed_active"] + flow["closed_dormant"]
            asleep = asleep + flow["went_dormant"] - flow["reactivated"] - flow["closed_dormant"]
            open_now = open_now + flow["joined"] - closed + moved_in - flow["upgraded"] - flow["downgraded"]
            asleep = np.clip(asleep, 0, open_now)
            market = aum * (0.08 / 12 + rng.normal(0, 0.004))
            new_money = aum * (rng.normal(-0.001 + 0.0006 * growth * maturity, 0.0008, count))
            aum_moved = rng.normal(0, 0.002, count) * aum
            aum_moved -= aum_moved.sum() / count
            aum = aum + new_money + market + aum_moved
            satisfaction = satisfaction + 0.03 * place * maturity / 10 + rng.normal(0, 0.004, count)
            maturity = min(1.0, maturity + 1 / 24) if place else 0.0
        active = open_now - asleep
        closed = flow["closed_active"] + flow["closed_dormant"]
        on = 0.0 if month == 0 else 1.0
        contacts = {
            channel: on * active * get("contacts") * share * (1 + 0.3 * place * maturity)
            for channel, share in zip(CHANNELS, (0.12, 0.5, 0.05, 0.23, 0.1), strict=True)
        }
        revenue = on * aum * get("yield_") / 12
        service = on * (open_now * 0.35 + active * 1.1)
        managers = on * np.round(open_now * (np.arange(count) > 0) / 380) * 16_000
        strategy = on * spend * open_now / open_now.sum()
        for k, tier in enumerate(tiers):
            out.monthly.append(
                {
                    "arm": arm,
                    "seed": seed,
                    "month": month,
                    "tier": tier.name,
                    "customers": open_now[k],
                    "active": active[k],
                    "dormant": asleep[k],
                    "aum": aum[k],
                    "products": tier.products,
                    "share_of_wallet": 0.45,
                    "digital_active": min(0.9, 0.4 + 0.004 * month),
                    "satisfaction": satisfaction[k],
                    "trust": satisfaction[k] / 2,
                    "joined": flow["joined"][k],
                    "closed": closed[k],
                    "closed_dormant": flow["closed_dormant"][k],
                    "went_dormant": flow["went_dormant"][k],
                    "reactivated": flow["reactivated"][k],
                    "upgraded": flow["upgraded"][k],
                    "downgraded": flow["downgraded"][k],
                    "moved_in": moved_in[k],
                    "aum_moved": aum_moved[k],
                    "net_new_money": new_money[k],
                    "market_effect": market[k],
                    **{f"contacts_{channel}": contacts[channel][k] for channel in CHANNELS},
                    "sales": 0.01 * active[k] * on,
                    "failures": 0.02 * active[k] * on,
                    "complaints": 0.004 * active[k] * on,
                    "opt_outs": 0.0004 * active[k] * on,
                    "revenue": revenue[k],
                    "channel_cost": service[k],
                    "manager_cost": managers[k],
                    "strategy_cost": strategy[k],
                    "profit": revenue[k] - service[k] - managers[k] - strategy[k],
                }
            )
        if month:
            year = gone_by_year.setdefault((month - 1) // 12 + 1, {})
            for k, tier in enumerate(tiers):
                for other, number in (
                    ("closed", closed[k]),
                    ("dormant", flow["went_dormant"][k]),
                    (tiers[min(k + 1, count - 1)].name, flow["upgraded"][k]),
                    (tiers[max(k - 1, 0)].name, flow["downgraded"][k]),
                ):
                    year[tier.name, other] = year.get((tier.name, other), 0.0) + number
                year["new", tier.name] = year.get(("new", tier.name), 0.0) + flow["joined"][k]
                year["dormant", tier.name] = year.get(("dormant", tier.name), 0.0) + flow["reactivated"][k]
                year["dormant", "closed"] = year.get(("dormant", "closed"), 0.0) + flow["closed_dormant"][k]
                year[tier.name, tier.name] = year.get((tier.name, tier.name), 0.0) + active[k] / 13
            year["dormant", "dormant"] = year.get(("dormant", "dormant"), 0.0) + asleep.sum() / 13
        out.bank.append(
            {
                "arm": arm,
                "seed": seed,
                "month": month,
                "managers": 198.0,
                "managers_left": float(rng.poisson(3)) * on,
                "managers_hired": float(rng.poisson(3)) * on,
                "utilisation": 0.93 + 0.02 * np.sin(month / 6) - 0.03 * place,
                "professional_skill": 0.0,
                "digital_skill": 0.0,
                "fatigue": 0.1,
                "nps": 5.0 + 8 * satisfaction.mean(),
                **{f"load_{channel}": 0.6 for channel in CHANNELS},
                "yield_gap": 0.0,
                "market_return": 0.006,
                "adoption_factor": 1.0,
                "branch_capacity": 1.0,
                "aum_exited": float(on * (aum * 0.004).sum()),
                "aum_gini": 0.91,
                "kept_12m": float(0.86 * active.sum()) if month == months >= 12 else np.nan,
                "active_12m_ago": float(active.sum()) if month == months >= 12 else np.nan,
                "strategy_maturity": maturity,
                "strategy_cost": strategy.sum(),
                "cost_service": service.sum() * 0.3,
                "cost_messages": service.sum() * 0.1,
                "cost_servicing": service.sum() * 0.4,
                "cost_acquisition": service.sum() * 0.2,
                "cost_managers": managers.sum(),
                "customers_opted_out": 0.01 * open_now.sum(),
                **{
                    name: amount if month == months else np.nan
                    for whole, values in (
                        ("active_month_0", first),
                        ("kept_month_0", kept),
                        ("aum_month_0", held),
                        ("aum_kept_month_0", held * kept / np.maximum(first, 1.0)),
                    )
                    for name, amount in (
                        (whole, float(values.sum())),
                        *((f"{whole}[{tier.name}]", float(values[k])) for k, tier in enumerate(tiers)),
                    )
                },
                **{f"revenue_products[{tier.name}]": 0.2 * revenue[k] for k, tier in enumerate(tiers)},
            }
        )
    for year, pairs in gone_by_year.items():
        if year > months // 12:
            continue  # a year that is not over has no row
        for (start, end), number in pairs.items():
            out.moves.append({"arm": arm, "seed": seed, "year": year, "from": start, "to": end, "customers": number})
    tenure = np.arange(241)
    shape = np.select([tenure < 4, tenure < 13, tenure < 25], [3.0, 1.2, 1.1], 1.0)
    for k, tier in enumerate(tiers):
        at_risk = np.round(customers * tier.share * (1 - tier.dormant_share) * months * np.exp(-tenure / 84) / 84)
        shut = rng.binomial(at_risk.astype(int), np.clip(close[k] * shape, 0, 1))
        quiet = rng.binomial(at_risk.astype(int), np.clip(dormant[k] * shape, 0, 1))
        out.cohorts += [
            {
                "arm": arm,
                "seed": seed,
                "tier": tier.name,
                "tenure_month": int(t),
                "at_risk": at_risk[t],
                "closed": float(shut[t]),
                "dormant": float(quiet[t]),
            }
            for t in tenure
        ]
    out.posts = [(arm, seed, min(3, months), 17, "left", 210.0, 2.0, 5.0)]
    return out


STRATEGIES = (
    "digital_thinking",
    "stratification",
    "personalised_service",
    "staff_upskilling",
    "institutional",
    "human_resources",
    "fintech",
)
DECISION_ARMS: dict[str, tuple[tuple[str, ...], tuple[float, float, float]]] = {
    "nothing": ((), (0.0, 0.0, 0.0)),
    **{
        name: ((name,), effect)
        for name, effect in zip(
            STRATEGIES,
            (
                (0.02, 900_000, 0.1),
                (0.05, 500_000, 0.9),
                (0.045, 700_000, 0.4),
                (0.02, 400_000, 0.05),
                (0.004, 150_000, 0.0),
                (0.012, 250_000, 0.05),
                (0.0, 200_000, 0.02),
            ),
            strict=True,
        )
    },
    "four": (STRATEGIES[:4], (0.11, 2_400_000, 1.3)),
    "four_with_safeguards": (STRATEGIES, (0.125, 2_900_000, 1.4)),
    "equal_budget_of_thirty_million_a_year_spread_over_all_seven": (STRATEGIES, (0.07, 2_500_000, 0.8)),
    "equal_budget_of_thirty_million_a_year_put_into_one": (("stratification",), (0.06, 2_500_000, 0.9)),
    "harm": (("digital_thinking",), (-0.015, 300_000, -0.2)),
}
AGES = ("under_35", "35_to_49", "50_to_64", "65_plus")
AFFINITIES = ("low", "middle", "high")
RESPONSE = {  # of an uplift class: its share, how well it is saved, how easily it is driven away
    "persuadable": (0.2, 2.5, 0.1),
    "sure_thing": (0.5, 0.3, 0.1),
    "lost_cause": (0.2, 0.2, 0.1),
    "sleeping_dog": (0.1, 0.1, 1.5),
}


def decided(arms: int = 13, seeds: int = 6, months: int = 60, **more) -> Made:
    """A run that has everything a decision page can show: arms of `DECISION_ARMS` and all optional tables."""
    names = tuple(DECISION_ARMS)[:arms]
    made = fabricate(arms=names, seeds=seeds, months=months, effects=tuple(DECISION_ARMS[n][1] for n in names), **more)
    bank = made.bank
    for name in STRATEGIES:
        has = bank["arm"].map(lambda arm, name=name: name in DECISION_ARMS[arm][0]).to_numpy()
        number = bank["arm"].map(lambda arm: max(len(DECISION_ARMS[arm][0]), 1)).to_numpy()
        start = 6 * STRATEGIES.index(name)
        grown = 1 / (1 + np.exp(-(bank["month"] - start - 12) / 4)) * (bank["month"] > start)
        bank[f"maturity[{name}]"] = has * grown
        bank[f"cost[{name}]"] = has * bank["strategy_cost"] / number
    bank["coverage_gini"] = 0.4 - 0.01 * bank["strategy_maturity"] + 0.002 * (bank["seed"] % 3)
    made.manifest["chains"] = {name: ["contacts", "satisfaction", "exits", "money"] for name in names[1:]}
    made.individuals = individuals(made)
    made.attribution = attribution(seeds)
    made.precision = precision(made)
    return made


def renamed(made: Made, names: dict[str, str]) -> Made:
    """The same run with its arms called otherwise."""

    def other(table: pd.DataFrame | None) -> pd.DataFrame | None:
        if table is None or "arm" not in table:
            return table
        return table.assign(arm=table["arm"].map(lambda arm: names.get(arm, arm)))

    tables = ("monthly", "bank", "transitions", "cohorts", "managers", "individuals", "precision", "reach")
    arms = [names.get(arm, arm) for arm in made.manifest["arms"]]
    runs = [{**run, "arm": names.get(run["arm"], run["arm"])} for run in made.manifest["runs"]]
    chains = {names.get(arm, arm): links for arm, links in made.manifest.get("chains", {}).items()}
    return replace(
        made,
        manifest={**made.manifest, "arms": arms, "runs": runs, "chains": chains},
        **{t: other(getattr(made, t)) for t in tables},
    )


def individuals(made: Made) -> pd.DataFrame:
    """individuals.parquet of a made-up run: persuadables are saved, sleeping dogs are woken, the old gain least."""
    rows = []
    tiers = {tier.name: tier.share for tier in BANK_B if tier.name in made.manifest["tiers"]}
    for arm in made.manifest["arms"]:
        effect = DECISION_ARMS[arm][1][0]
        for seed in made.manifest["seeds"]:
            rng = np.random.default_rng([seed, 11])
            for tier, share in tiers.items():
                for age, young in zip(AGES, (1.2, 1.0, 0.9, 0.4), strict=True):
                    for affinity, digital in zip(AFFINITIES, (0.5, 1.0, 1.2), strict=True):
                        for uplift, (part, save, wake) in RESPONSE.items():
                            people = 1_000_000 * share / 12 * part * rng.uniform(0.8, 1.2)
                            gone = people * 0.3
                            saved = gone * max(effect, 0.0) * 0.8 * save * young * digital * rng.uniform(0.85, 1.15)
                            lost = people * (abs(effect) * 0.06) * wake / young * rng.uniform(0.85, 1.15)
                            moved = people * 0.02
                            key = (arm, seed, tier, age, affinity, uplift)
                            rows += [
                                (*key, "closed", "closed", gone * 0.3),
                                (*key, "dormant", "dormant", gone * 0.7 - saved),
                                (*key, "dormant", "kept", saved * 0.9),
                                (*key, "dormant", "upgraded", saved * 0.1),
                                (*key, "kept", "closed", lost * 0.4),
                                (*key, "kept", "dormant", lost * 0.6),
                                (*key, "kept", "opted_out", people * 0.02 * abs(effect) / young),
                                (*key, "kept", "upgraded", moved * 2 * abs(effect)),
                                (*key, "upgraded", "kept", moved * 0.5 * abs(effect)),
                                (*key, "upgraded", "upgraded", moved),
                                (*key, "kept", "kept", people * 0.65 - lost),
                            ]
    from sim.store.tables import INDIVIDUALS_COLUMNS

    table = pd.DataFrame(rows, columns=list(INDIVIDUALS_COLUMNS))
    return table[table["customers"] > 0].reset_index(drop=True)


def attribution(seeds: int = 6) -> pd.DataFrame:
    """attribution.csv of a made-up bundle; the parts add up to the whole."""
    rows = []
    for kpi, unit, parts, alone in (
        (
            "attrition_annual",
            "per year",
            (-0.002, -0.006, -0.0055, -0.003, -0.001, -0.002, 0.0004),
            (-0.0025, -0.0045, -0.005, -0.0022, -0.0005, -0.0015, 0.0),
        ),
        ("aum_end", "CNY", (2e7, 3.1e8, 1.6e8, 4e7, 1e7, 3e7, -1e7), (1e7, 2.8e8, 1.9e8, 2e7, 0.0, 2e7, -1e7)),
        (
            "profit_annual",
            "CNY per year",
            (-9e6, -1.5e6, -5e6, -4e6, -1.5e6, -2.5e6, -2.2e6),
            (-9.5e6, -2e6, -5e6, -4.5e6, -1.6e6, -2.6e6, -2.3e6),
        ),
    ):
        whole = sum(parts)
        for name, value, single in zip(STRATEGIES, parts, alone, strict=True):
            wide = 0.12 * max(map(abs, parts))
            rows.append(
                (
                    kpi,
                    unit,
                    name,
                    value,
                    value - wide,
                    value + wide,
                    single,
                    2 * value - single,
                    value - single,
                    whole,
                    seeds,
                    128,
                )
            )
    from sim.store.tables import ATTRIBUTION_COLUMNS

    return pd.DataFrame(rows, columns=list(ATTRIBUTION_COLUMNS))


def precision(made: Made) -> pd.DataFrame:
    """precision.csv of a made-up run, by the program's own arithmetic."""
    from sim.measures.precision import precision

    return precision(kpis_of(made), made.manifest["arms"][0])


def summarise(made: Made) -> tuple[pd.DataFrame, pd.DataFrame]:
    """summary.csv and comparison.csv of a made-up run, by the program's own key figures."""
    from sim.measures.compare import compare
    from sim.measures.kpis import summarise

    kpis = kpis_of(made)
    return summarise(kpis), compare(kpis, made.manifest["arms"][0])


def kpis_of(made: Made) -> pd.DataFrame:
    """Key figures of a made-up run, seed by seed."""
    from sim.measures.kpis import run_kpis

    tables = {name: getattr(made, name) for name in ("monthly", "bank", "transitions")}
    facts = made.manifest
    return run_kpis(tables, tiers=facts["tiers"], arms=facts["arms"], discount_rate=facts["discount_rate"])


def write(made: Made, folder: Path) -> Path:
    """The run as a results folder that `sim.store.run_reading.read` accepts, without tables of key figures."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("monthly", "bank", "transitions", "cohorts", "managers"):
        table = getattr(made, name)
        kinds = {column: dtype_of(column).replace("text", "str") for column in table}  # also where there is no row
        table.astype(kinds).to_parquet(folder / f"{name}.parquet", index=False)
    for name in ("individuals", "reach"):
        if getattr(made, name) is not None:
            getattr(made, name).to_parquet(folder / f"{name}.parquet", index=False)
    for name in ("precision", "attribution"):
        table = getattr(made, name)
        if table is not None:
            table.to_csv(folder / f"{name}.csv", index=False)
    (folder / "scenario.yaml").write_text(made.scenario_text, encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(made.manifest, indent=1), encoding="utf-8")
    return folder


def some(worlds: Iterable[str], few: Collection[str]) -> list[Any]:
    """Worlds as parameters; all but a few are long tests, for pictures take their time."""
    return [world if world in few else pytest.param(world, marks=pytest.mark.long) for world in worlds]
