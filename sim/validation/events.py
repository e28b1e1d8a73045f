"""Stylised facts about what befalls customers: tier changes (V14), the app (V16), yields (V22), leavers (V23).

Each compares a bank with a copy of itself that has the same luck and lacks one thing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import curve_fit

from sim.bank.model import BankModel
from sim.codes import ACTIVE
from sim.validation.banks import UNIT, at_the_start, bank, fork, live, scenario, side_by_side, tables
from sim.validation.customers import YEAR, Figures, Run
from sim.validation.statistics import logistic

NOBODY_JOINS = {"mechanisms": {"acquisition": False}}  # so that a row is the same customer in both banks


def awake(model: BankModel) -> np.ndarray:
    """Who is active, by row."""
    return model.customers.state == ACTIVE


# --- V14: up and down ------------------------------------------------------------------------------------------------

AFTERWARDS = 6  # months in which a change of tier is felt
FROM = {"affluent": (1,), "wealth and private": (2, 3)}


@dataclass
class Moves:
    """Customers who changed tier in one month, and what they and their twins held then."""

    month: int
    tier: np.ndarray  # the higher one of the two
    rows: np.ndarray


@dataclass
class Tally:
    """Exits and AUM over six months of those who moved: as it is, and had the move not been felt."""

    exits: np.ndarray = field(default_factory=lambda: np.zeros(2))
    aum: np.ndarray = field(default_factory=lambda: np.zeros(2))
    moves: int = 0


def tier_changes(customers: int, agents: int, months: int, seed: int) -> dict[str, Figures]:
    """What being moved down or up does, against the same customers had they not felt it; and what a bank would see."""
    s = scenario(customers, months=months, burn_in=24, population={"agents": agents}, model=NOBODY_JOINS)
    start = at_the_start(s, seed)
    banks = {"as it is": start, "no fall": fork(start), "no rise": fork(start)}
    without = banks["no fall"].rates
    banks["no fall"].rates = without._replace(b_demotion=np.zeros_like(without.b_demotion))
    banks["no rise"].rates = without._replace(b_promotion=np.float32(0.0))
    found = {(way, of): Tally() for way in ("down", "up") for of in FROM}
    waiting: list[tuple[str, Moves]] = []
    seen = Matched()
    for month, before in side_by_side(banks, _standing):
        c = banks["as it is"].customers
        was_awake, was_tier, was_changed = before["as it is"]
        seen.look(banks["as it is"], was_awake, was_tier, was_changed)
        if month <= months - AFTERWARDS:
            moved = was_awake & (c.state == ACTIVE)
            for way, twin, higher in (("down", "no fall", was_tier), ("up", "no rise", c.tier)):
                changed = c.tier < was_tier if way == "down" else c.tier > was_tier
                rows = np.flatnonzero(moved & changed & awake(banks[twin]))
                waiting.append((way, Moves(month, higher[rows].copy(), rows)))
        for way, then in waiting:
            if then.month == month - AFTERWARDS:
                other = banks["no fall" if way == "down" else "no rise"].customers
                for of, tiers in FROM.items():
                    rows = then.rows[np.isin(then.tier, tiers)]
                    found[way, of].exits += np.array(
                        [np.count_nonzero(b.state[rows] != ACTIVE) for b in (c, other)], float
                    )
                    found[way, of].aum += [b.aum[rows].sum() for b in (c, other)]
                    found[way, of].moves += rows.size
    return {"v14": _moves_felt(found) | seen.figures()}


def _standing(model: BankModel) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return awake(model), model.customers.tier.copy(), model.customers.tier_change.copy()


def _moves_felt(found: Mapping[tuple[str, str], Tally]) -> Figures:
    out: Figures = {}
    size, money = {}, {}
    for (way, of), tally in found.items():
        name = f"moved down from {of}" if way == "down" else f"moved up to {of}"
        ratio = tally.exits[0] / tally.exits[1]
        size[way, of], money[way, of] = abs(np.log(ratio)), tally.aum[0] / tally.aum[1] - 1.0
        out[f"{name}: exits over those without"] = ratio
        out[f"{name}: AUM six months later, change"] = money[way, of]
    for of in FROM:
        out[f"{of}: log exits, a fall's less a rise's"] = size["down", of] - size["up", of]
        out[f"{of}: AUM, lost by a fall less gained by a rise"] = -money["down", of] - money["up", of]
    high, low = "wealth and private", "affluent"
    out["a fall's log exits, wealth and private less affluent"] = size["down", high] - size["down", low]
    out["AUM lost by a fall, wealth and private less affluent"] = money["down", low] - money["down", high]
    return out


@dataclass
class Matched:
    """What the bank would see: exits of those who moved against stayers of the tier they are in, of like AUM.

    Alike: within 30 % of the bound that was crossed, on the side they are on now.
    """

    exits: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)  # of movers and stayers
    at_risk: dict[tuple[str, str], np.ndarray] = field(default_factory=dict)

    def look(self, model: BankModel, was_awake: np.ndarray, was_tier: np.ndarray, change: np.ndarray) -> None:
        """Count a month: customers by the tier they were in, and had come to lately, when it began."""
        c, bounds = model.customers, model.rates.threshold
        gone = was_awake & (c.state != ACTIVE)
        for of, tiers in FROM.items():
            for way in ("down", "up"):
                near = np.zeros(len(c), bool)
                for k in tiers:  # the higher tier; its lower bound was crossed
                    low, high = (0.7, 1.0) if way == "down" else (1.0, 1.3)
                    here = was_tier == (k - 1 if way == "down" else k)
                    near |= here & (c.aum_2 >= low * bounds[k]) & (c.aum_2 < high * bounds[k])
                moved = change < 0 if way == "down" else change > 0
                groups = [near & was_awake & moved, near & was_awake & (change == 0)]
                key = way, of
                self.exits[key] = self.exits.get(key, np.zeros(2)) + [np.count_nonzero(g & gone) for g in groups]
                self.at_risk[key] = self.at_risk.get(key, np.zeros(2)) + [np.count_nonzero(g) for g in groups]

    def figures(self) -> Figures:
        """Hazard of those who moved over that of their matches."""
        out = {}
        for (way, of), exits in self.exits.items():
            rate = exits / self.at_risk[way, of]
            out[f"as seen by the bank, moved {'down from' if way == 'down' else 'up to'} {of}"] = rate[0] / rate[1]
        return out


# --- V16: the app ----------------------------------------------------------------------------------------------------

COURSE = 6  # months between points of the course that is told
CEILING = 0.975  # of users among customers, as CFCA's surveys fit (SPEC 1.3)


def v16(run: Run) -> Figures:
    """The course of adoption in a run without shocks, and what an export says of users and leaving."""
    active = run.by_tier("active")
    share = (run.by_tier("digital_active") * active).sum(axis=1) / active.sum(axis=1)
    years = np.arange(share.size) / YEAR

    def course(t: np.ndarray, rate: float, middle: float) -> np.ndarray:
        return CEILING / (1.0 + np.exp(-rate * (t - middle)))

    (rate, middle), _ = curve_fit(course, years, share, p0=(0.35, 0.0))
    error = float(np.sqrt(np.mean((course(years, rate, middle) - share) ** 2)))
    return {
        "distance from a logistic course": error,
        "its rate a year": float(rate),
        "users at the start": float(share[0]),
        "users five years later": float(share[-1]),
        **{f"users in month {month}": float(share[month]) for month in range(0, share.size, COURSE)},
        "odds ratio of leaving within a year, users, export": _users(run),
    }


def _users(run: Run) -> float:
    panel = run.panel
    columns = {
        name: panel[f"observed_{name}"] for name in ("adopted", "tier", "products", "aum", "age", "joined_month")
    }
    xs, ys = [], []
    for start in range(0, panel.shape[1] - YEAR, YEAR):
        here = panel.active[:, start]
        at = {name: values[here, start] for name, values in columns.items()}
        xs.append(
            np.column_stack(
                [
                    at["adopted"],
                    at["tier"] == 1,
                    at["tier"] >= 2,
                    at["products"],
                    np.log(np.maximum(at["aum"], 1.0)),
                    at["age"] + start / YEAR,
                    np.log1p(np.maximum(start - at["joined_month"], 0.0)),
                ]
            )
        )
        ys.append(~panel.active[here, start + 1 : start + YEAR + 1].all(axis=1))
    return float(np.exp(logistic(np.concatenate(xs).astype(float), np.concatenate(ys).astype(float))[1]))


def app(customers: int, months: int, seed: int) -> dict[str, Figures]:
    """What the app does to those who take it up, against themselves without it; and what a pandemic adds."""
    s = scenario(customers, months=months, burn_in=24, model=NOBODY_JOINS)
    start = at_the_start(s, seed)
    banks = {"app": start, "none": fork(start)}
    banks["none"].rates = banks["none"].rates._replace(adoption_on=np.float32(0.0))
    one, other = banks["app"].customers, banks["none"].customers
    users = np.zeros(len(one), bool)
    exits, used, made, months_used = np.zeros(2), np.zeros(2), np.zeros(2), 0
    for _, before in side_by_side(banks, lambda model: (awake(model), model.customers.contacts.astype(int))):
        here = users & before["app"][0] & before["none"][0]
        exits += [np.count_nonzero(here & (c.state != ACTIVE)) for c in (one, other)]
        stay = here & (one.state == ACTIVE) & (other.state == ACTIVE)
        used += [float(c.transactions[stay].sum(dtype=np.int64)) for c in (one, other)]
        made += [float((c.contacts - before[name][1])[stay].sum()) for name, c in (("app", one), ("none", other))]
        months_used += int(np.count_nonzero(stay))
        users = (one.adopted == 1) & (other.adopted == 0)
    both = users & (one.state == ACTIVE) & (other.state == ACTIVE) & (one.multihomer == 1)
    felt = [c.satisfaction[both].astype(float).mean() / start.rates.satisfaction_sd for c in (one, other)]
    wallet = [1.0 / (1.0 + np.exp(-c.wallet[both].astype(float))) for c in (one, other)]
    cost = [tables(model)["bank"][["cost_service", "cost_messages"]].to_numpy().sum() for model in banks.values()]
    return {
        "v16": {
            "exits of new users over those without the app": exits[0] / exits[1],
            "more transactions": used[0] / used[1] - 1.0,
            "more contacts": made[0] / made[1] - 1.0,
            "more cost of service and messages, CNY a user-month": (cost[0] - cost[1]) / months_used,
            "share of wallet lost, users who bank elsewhere too": float(np.mean(1.0 - wallet[0] / wallet[1])),
            "satisfaction of new users, SD, less without the app": felt[0] - felt[1],
            **_pandemic(customers, seed),
        }
    }


def _pandemic(customers: int, seed: int) -> Figures:
    """Users that nine months of a pandemic add."""
    shares = []
    for events in ([], [{"kind": "pandemic", "from": 0}]):
        run = Run(tables(live(bank(scenario(customers, months=24, environment=events), seed))))
        active = run.by_tier("active")
        shares.append((run.by_tier("digital_active") * active).sum(axis=1) / active.sum(axis=1))
    gain = shares[1] - shares[0]
    return {
        "users a pandemic adds in nine months": float(gain[9]),
        "of them still more after two years": float(gain[24]),
    }


# --- V22: yields elsewhere -------------------------------------------------------------------------------------------


def yields(customers: int, seed: int) -> dict[str, Figures]:
    """A year of internet finance: what drains, who leaves, who goes first, and what an own fund stops."""
    events: dict[str, list[dict[str, Any]]] = {
        "calm": [],
        "gap": [{"kind": "internet_finance", "from": 0}],
        "fund": [{"kind": "internet_finance", "from": 0, "own_fund_after": 0}],
    }
    banks = {
        name: live(bank(scenario(customers, months=YEAR, model=NOBODY_JOINS, environment=shocks), seed))
        for name, shocks in events.items()
    }
    calm, gap, fund = (banks[name].customers for name in events)
    weight = calm.weight / UNIT
    open_, there = (calm.state == ACTIVE), (calm.state == ACTIVE) & (gap.state == ACTIVE) & (fund.state == ACTIVE)
    lost = (calm.wallet - gap.wallet).astype(float)
    drained = ((calm.aum - gap.aum) * weight)[there].sum()
    left = ((calm.aum - gap.aum) * weight)[open_ & (gap.state != ACTIVE)].sum()
    low = there & (calm.tier <= 1)
    liquid = banks["calm"].rates.liquid_share.astype(float)[calm.tier]
    total = float((calm.aum * weight).sum())

    def mean(of: np.ndarray) -> float:
        return float(lost[there & of].mean())

    bars = np.quantile(calm.affinity[there], (0.25, 0.75))
    return {
        "v22": {
            "AUM drained in the first year": drained / total,
            "of liquid balances of mass and affluent": ((calm.aum - gap.aum) * weight)[low].sum()
            / (liquid * calm.aum * weight)[low].sum(),
            "drained over AUM of additional leavers": drained / left,
            "wallet lost, most digital quarter over least": mean(calm.affinity >= bars[1])
            / mean(calm.affinity <= bars[0]),
            "wallet lost, under 35 over above 60": mean(calm.age < 35) / mean(calm.age > 60),
            "drained with an own fund from the start over without": ((calm.aum - fund.aum) * weight)[there].sum()
            / drained,
            "additional leavers, of all active": float(np.mean(gap.state[open_] != ACTIVE)),
        }
    }


# --- V23: leavers draw others ----------------------------------------------------------------------------------------

MORE_LEAVERS = 0.05  # of active customers, said to have left in the month before the first


def word_of_mouth(customers: int, seed: int) -> dict[str, Figures]:
    """Exits of customers who hear of 5 % more leavers than there were, month by month, over those who do not."""
    on = {"mechanisms": {"acquisition": False, "word_of_mouth": True}}
    s = scenario(customers, months=YEAR, burn_in=24, model=on)
    start = at_the_start(s, seed)
    banks = {"hearing": fork(start), "calm": start}
    banks["hearing"].leavers = banks["hearing"].leavers + MORE_LEAVERS
    counts = []
    told = 0.0
    for month, before in side_by_side(banks, awake):
        if month == 1:
            told = MORE_LEAVERS * np.count_nonzero(before["calm"])
        counts.append([np.count_nonzero(before[name] & ~awake(model)) for name, model in banks.items()])
    exits = np.array(counts, float)
    more = exits[:, 0] - exits[:, 1]
    return {
        "v23": {
            "exits in the first quarter over those without": exits[:3, 0].sum() / exits[:3, 1].sum(),
            "more exits in months 4 to 6 over months 1 to 3": more[3:6].sum() / more[:3].sum(),
            "more exits in the year per leaver heard of (R_c)": more.sum() / told,
            "exits in the first month over those without": exits[0, 0] / exits[0, 1],
        }
    }
