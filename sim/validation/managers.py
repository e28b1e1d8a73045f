"""Stylised facts about relationship managers: departures (V13) and capacity (V20), as named experiments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from sim.bank.model import BankModel
from sim.codes import CLOSED
from sim.scenario.scenario import Scenario
from sim.validation.banks import UNIT, bank, live, scenario, tables
from sim.validation.cohorts import hump
from sim.validation.customers import YEAR, Figures, Run, attrition
from sim.validation.statistics import ratio

AFTER = 3  # months in which a change of manager is felt
ROAD = 6  # months over which customers follow a manager
BOOKS = ("affluent", "wealth", "private")


@dataclass
class Departure:
    """One book whose manager left: who was in it, what they held, and how it went."""

    month: int
    post: int
    tier: int
    planned: bool
    rival: bool
    rows: np.ndarray
    uid: np.ndarray
    aum: np.ndarray
    lost: float = np.nan  # share of the AUM whose owners had closed six months later


@dataclass
class Witness:
    """Looks at the bank every month and remembers departures and what quiet books lose meanwhile."""

    departures: list[Departure] = field(default_factory=list)
    books: dict[int, np.ndarray] = field(default_factory=dict)  # customers by post, by month
    tier_of_post: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    quiet: dict[int, list[tuple[int, int, np.ndarray, np.ndarray, np.ndarray]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    quiet_lost: list[tuple[int, int, int, float]] = field(default_factory=list)  # month, post, tier, share lost

    def __call__(self, model: BankModel) -> None:
        team, c = model.team, model.customers
        self.tier_of_post = np.array([-1 if m.remote else m.tier for m in team.managers])
        self.books[model.month] = team.books(c)
        if model.month == 0:
            return
        for event in team.events:
            if event.month == model.month and event.kind == "left" and self.tier_of_post[event.post] >= 0:
                rows = np.flatnonzero(c.manager == event.post)
                planned = not bool((c.manager_change[rows] > 0).any())
                rival = bool((c.follow_months[rows] == team.settings.follow_months).any())
                tier = int(self.tier_of_post[event.post])
                self.departures.append(
                    Departure(model.month, event.post, tier, planned, rival, rows, c.uid[rows], c.aum[rows].copy())
                )
        for d in self.departures:
            if d.month == model.month - ROAD:
                d.lost = _lost(model, d.rows, d.uid, d.aum)
        if model.month % ROAD == 0 and model.month + ROAD <= model.scenario.months:
            for own in np.flatnonzero(self.tier_of_post >= 0):
                rows = np.flatnonzero(c.manager == own)
                known = (int(own), int(self.tier_of_post[own]), rows, c.uid[rows], c.aum[rows].copy())
                self.quiet[model.month].append(known)
        for post, tier, rows, uid, aum in self.quiet.pop(model.month - ROAD, []):
            self.quiet_lost.append((model.month - ROAD, post, tier, _lost(model, rows, uid, aum)))

    def upset(self) -> set[tuple[int, int]]:
        """(post, month) within six months after a departure."""
        return {(d.post, d.month + lag) for d in self.departures for lag in range(1, ROAD + 1)}


def _lost(model: BankModel, rows: np.ndarray, uid: np.ndarray, aum: np.ndarray) -> float:
    """Share of the AUM held then whose owners are gone now (a freed row belongs to somebody else)."""
    if aum.sum() <= 0:
        return float("nan")
    gone = (model.customers.state[rows] == CLOSED) | (model.customers.uid[rows] != uid)
    return float(aum[gone].sum() / aum.sum())


def departures(customers: int, agents: int, months: int, burn_in: int, seed: int) -> dict[str, Figures]:
    """V13 on a bank large enough for its managers to be counted, attrition of its tiers (V3), by tenure too (V5)."""
    s = scenario(customers, months=months, burn_in=burn_in, population={"agents": agents})
    witness = Witness()
    model = live(bank(s, seed), witness)
    run = Run(tables(model))
    table = run.tables["managers"]
    left = table[(table["event"] == "left") & (table["month"] <= months - AFTER)].set_index(["month", "post"])
    upset = witness.upset()
    quiet_exits, quiet_books = np.zeros(3), np.zeros(3)
    for month in range(1, months + 1):
        book, exits = witness.books[month - 1], model.recorder.book_exits[month]
        for post in range(min(book.size, exits.size)):
            tier = witness.tier_of_post[post] - 1
            if tier >= 0 and (post, month) not in upset:
                quiet_exits[tier] += exits[post] / UNIT
                quiet_books[tier] += book[post]
    calm = quiet_exits / quiet_books  # exits a customer-month in books that kept their manager

    def spike(chosen: list[Departure]) -> float:
        seen = [d for d in chosen if (d.month, d.post) in left.index]
        book, after = left["customers"], left["exits_after"]
        wanted = sum(float(book[d.month, d.post]) * calm[d.tier - 1] * AFTER for d in seen)
        return sum(float(after[d.month, d.post]) for d in seen) / wanted if wanted > 0 else np.nan

    def spike_of_six(chosen: list[Departure]) -> float:
        """The same over six months; these exits are not in managers.parquet."""
        seen = [d for d in chosen if d.month + ROAD <= months]
        lost = sum(model.recorder.book_exits[d.month + lag][d.post] / UNIT for d in seen for lag in range(1, ROAD + 1))
        wanted = sum(witness.books[d.month][d.post] * calm[d.tier - 1] * ROAD for d in seen)
        return lost / wanted if wanted > 0 else np.nan

    all_of = witness.departures
    planned = spike([d for d in all_of if d.planned and not d.rival])
    unplanned = spike([d for d in all_of if not d.planned and not d.rival])
    out = {
        "all departures": spike(all_of),
        "planned, to no rival": planned,
        "unplanned, to no rival": unplanned,
        "unplanned less planned": unplanned - planned,
        "to a rival": spike([d for d in all_of if d.rival]),
        "all departures, over six months": spike_of_six(all_of),
    }
    out |= {f"all departures, {tier}": spike([d for d in all_of if d.tier == k + 1]) for k, tier in enumerate(BOOKS)}
    out["wealth less affluent"] = out["all departures, wealth"] - out["all departures, affluent"]
    for k, tier in ((2, "wealth"), (3, "private")):
        lost = [(d.lost, d.aum.sum()) for d in all_of if d.rival and d.tier == k and np.isfinite(d.lost)]
        out[f"AUM closed in six months after a departure to a rival, {tier}"] = _weighted(lost)
        calm_lost = [
            (share, 1.0)
            for month, post, t, share in witness.quiet_lost
            if t == k and not any((post, month + lag) in upset for lag in range(ROAD + 1))
        ]
        out[f"the same in quiet books, {tier}"] = _weighted(calm_lost)
    rate = attrition(run)
    return {"v13": out, "v3": {"wealth less private, the large bank": rate[2] - rate[3]}, "v5": hump(run)}


def _weighted(pairs: list[tuple[float, float]]) -> float:
    weight = sum(w for _, w in pairs)
    return sum(x * w for x, w in pairs) / weight if weight > 0 else float("nan")


# --- V20 -----------------------------------------------------------------------------------------------------------

SPANS = (200.0, 350.0, 500.0, 800.0)


@dataclass
class Desk:
    """What the wealth managers of one experiment did, summed over months."""

    hours_used: float = 0.0  # of planned contacts
    hours: float = 0.0
    contacts: float = 0.0
    posts: float = 0.0
    books: float = 0.0
    quality: float = 0.0
    utilisation: float = 0.0
    fullest: float = 0.0  # hours of planned contacts over client hours in the fullest month of the tier

    def __call__(self, model: BankModel) -> None:
        posts = [m for m in model.team.managers if m.tier == 2 and not m.remote and not m.vacant]
        if model.month == 0 or not posts:
            return
        hours = np.array([channel.settings.hours for channel in model.channels])
        used, available = float(model.planned[2] @ hours), len(posts) * model.team.settings.hours_per_month
        self.hours_used += used
        self.hours += available
        self.fullest = max(self.fullest, used / available)
        self.contacts += float(model.planned[2].sum())
        self.posts += len(posts)
        self.books += float(model.team.books(model.customers)[[m.post for m in posts]].sum())
        self.quality += sum(m.quality() for m in posts)
        self.utilisation += sum(m.utilisation for m in posts)


def capacity(customers: int, agents: int, months: int, seed: int) -> Figures:
    """V20: wealth books of 200 to 800 customers a manager, the same bank and luck, no burn-in."""

    def experiment(managers: Mapping[str, object]) -> tuple[float, Desk]:
        s: Scenario = scenario(customers, months=months, population={"agents": agents}, managers=dict(managers))
        desk = Desk()
        model = live(bank(s, seed), desk)
        run = Run(tables(model))
        money = run.by_tier("net_new_money")[1:, 2].sum() / (run.by_tier("customers")[:-1, 2].sum() / YEAR)
        return float(money), desk

    alone, _ = experiment({"coverage": {"wealth": 0.0}})
    out: Figures = {}
    gains = []
    for span in SPANS:
        money, desk = experiment({"span": {"wealth": span}})
        if not desk.posts:  # a bank too small for one wealth manager
            return {}
        book = desk.books / desk.posts
        name = f"span {span:g}"
        gains.append((book, book * (money - alone)))
        out[f"{name}: utilisation"] = desk.utilisation / desk.posts
        out[f"{name}: contacts a manager-month over H / tau"] = desk.hours_used / desk.hours
        out[f"{name}: fullest month"] = desk.fullest
        out[f"{name}: contacts a customer-month"] = desk.contacts / desk.books
        out[f"{name}: quality"] = desk.quality / desk.posts
        out[f"{name}: net new money a customer-year, over no managers"] = money - alone
        out[f"{name}: gain a manager-year"] = book * (money - alone)
    slopes = [ratio(g1 - g0, n1 - n0) for (n0, g0), (n1, g1) in pairwise(gains)]
    for (one, two), slope in zip(pairwise(SPANS), slopes, strict=True):
        out[f"one more customer in a book of {one:g} to {two:g}"] = slope
    for middle, (one, two) in zip(SPANS[1:-1], pairwise(slopes), strict=True):
        out[f"what one more customer adds falls about {middle:g}"] = one - two
    _, pushed = experiment({"contact_months": {"wealth": 1.0}})
    if not pushed.posts:
        return out
    out["quality lost by a doubled contact norm"] = out["span 350: quality"] - pushed.quality / pushed.posts
    out["utilisation under a doubled contact norm"] = pushed.utilisation / pushed.posts
    return out
