"""Economic facts of the model's revision 2: what relationships are worth (E1 to E9), and who was recommended (V24).

Each compares a bank with a copy of itself that has the same luck and differs in one thing, or asks a closed form.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim import house
from sim.agents.customer import COLUMNS
from sim.bank.model import BankModel
from sim.codes import ACTIVE, CHANNELS, CLOSED, NOBODY, RETENTION, UPLIFT_CLASSES
from sim.economics import Economics
from sim.measures.kpis import run_kpis
from sim.scenario.scenario import Scenario
from sim.tiers import thresholds
from sim.validation.banks import (
    TIERS,
    arms_at_the_start,
    at_the_start,
    bank,
    fork,
    live,
    scenario,
    side_by_side,
    tables,
)
from sim.validation.customers import YEAR, Figures, Run
from sim.validation.events import NOBODY_JOINS, awake
from sim.validation.models import known_score
from sim.validation.statistics import complementary_log_log

UPPER = TIERS[1:]
MILLION = 1e6


def key_figures(runs: Mapping[str, Mapping[str, pd.DataFrame]], s: Scenario) -> pd.Series:
    """Key figures by (arm, kpi) of banks that lived with the same luck, the first of them the reference."""
    names = ("monthly", "bank", "transitions")
    all_tables = {
        name: pd.concat([one[name].assign(arm=arm) for arm, one in runs.items()], ignore_index=True) for name in names
    }
    found = run_kpis(all_tables, tiers=list(TIERS), discount_rate=s.discount_rate, reference=next(iter(runs)))
    return found.set_index(["arm", "kpi"])["value"]


# --- E1: named managers and their pay --------------------------------------------------------------------------------


def worth(customers: int, agents: int, months: int, burn_in: int, seed: int) -> dict[str, Figures]:
    """What the bank would be worth less had a tier never had named managers, CNY m: value and cash, tier by tier."""
    runs = {}
    for name in ("as it is", *UPPER):
        coverage = {name: 0.0} if name in UPPER else {}
        s = scenario(
            customers, months=months, burn_in=burn_in, population={"agents": agents}, managers={"coverage": coverage}
        )
        runs[name] = tables(live(bank(s, seed)))
    found = key_figures(runs, s)
    out: Figures = {}
    for tier in UPPER:
        for what in ("value", "npv"):
            gain = float(found["as it is", what] - found[tier, what]) / MILLION
            out[f"managers of {tier}: {'value' if what == 'value' else 'cash NPV'}, CNY m"] = gain
        pay = found["as it is", f"cost_discounted[{tier}]"] - found[tier, f"cost_discounted[{tier}]"]
        out[f"managers of {tier}: what they cost more, CNY m"] = float(pay) / MILLION
    return {"e1": out}


# --- E2: revenue by AUM ----------------------------------------------------------------------------------------------

MOST_BEYOND = 9  # products beyond the first


def revenue_by_aum() -> Figures:
    """The tariff in closed form: what one more CNY earns at least, and a customer on both sides of each bound."""
    s = scenario()
    tariff, bounds = Economics().tariff(s.tier_list), thresholds(s.tier_list)
    aum = np.unique(np.r_[np.geomspace(1.0, 5e8, 2000), bounds[1:] - 0.01, bounds[1:] + 0.01])
    products = np.arange(MOST_BEYOND + 1)
    earned = tariff.of_aum(aum)[:, None] + products * tariff.of_product(aum)[:, None]
    out = {
        "what one more CNY earns at least, CNY a year": float((np.diff(earned, axis=0) / np.diff(aum)[:, None]).min())
    }
    adverse = tariff.of_aum(aum)[:, None] - products * tariff.of_product(aum)[:, None]
    out["the same of an adverse cross-buyer with ten products"] = float(
        (np.diff(adverse, axis=0).T / np.diff(aum)).min()
    )
    beyond, servicing = s.model.products.beyond_first, s.economics.servicing
    for below, tier, bound in zip(TIERS[:-1], UPPER, bounds[1:].tolist(), strict=True):
        at = np.array([0.999, 1.001]) * bound
        low, high = tariff.of_aum(at) + 0.5 * (beyond[below] + beyond[tier]) * tariff.of_product(at)
        out[f"at the bound of {tier}: revenue a year just below, CNY"] = float(low)
        out[f"at the bound of {tier}: revenue a year just above, CNY"] = float(high)
        out[f"at the bound of {tier}: the rise less the dearer servicing, CNY"] = float(
            (high - servicing[tier]) - (low - servicing[below])
        )
    return out


def tariff() -> dict[str, Figures]:
    """E2, without a bank."""
    return {"e2": revenue_by_aum()}


# --- E3: books by the manager's skill --------------------------------------------------------------------------------

TENTH = 0.1
WEALTH = 2
HOUSEHOLDS = 177.0  # a book of the firm behind F10, 2011


@dataclass
class Books:
    """Looks at the wealth books at every year's end: who was in them, how skilled the manager was, how many stayed.

    `found` has (months, skill, customers, stayed, whether the manager was the same all the time) by book.
    """

    found: list[tuple[int, float, int, int, bool]] = field(default_factory=list)
    begun: list[tuple[int, int, int, float, np.ndarray, np.ndarray]] = field(default_factory=list)
    spans: tuple[int, ...] = (YEAR, 5 * YEAR)

    def __call__(self, model: BankModel) -> None:
        c, team = model.customers, model.team.managers
        for month, post, hire, skill, rows, uid in self.begun:
            if model.month - month in self.spans:
                stayed = int(np.count_nonzero((c.state[rows] == ACTIVE) & (c.uid[rows] == uid)))
                self.found.append((model.month - month, skill, rows.size, stayed, team[post].hire == hire))
        if model.month % YEAR == 0:
            for manager in team:
                if manager.tier == WEALTH and not manager.remote and not manager.vacant:
                    rows = np.flatnonzero((c.manager == manager.post) & (c.state == ACTIVE))
                    if rows.size:
                        skill = manager.skill()
                        self.begun.append((model.month, manager.post, manager.hire, skill, rows, c.uid[rows].copy()))


def books(customers: int, agents: int, months: int, burn_in: int, seed: int) -> dict[str, Figures]:
    """Retention of wealth books, by the skill of the manager who had them at first and as it came out."""
    witness = Books()
    live(bank(scenario(customers, months=months, burn_in=burn_in, population={"agents": agents}), seed), witness)
    out: Figures = {}
    for months_on, name in ((YEAR, "twelve months"), (5 * YEAR, "five years")):
        of = [one for one in witness.found if one[0] == months_on]
        if not of:  # a bank too small for a book that lasts
            continue
        skill, size, stayed, same = (np.array(column, float) for column in list(zip(*of, strict=True))[1:])
        kept = stayed / size
        out[f"books by realised retention, 90th less 10th percentile, {name}"] = _spread(kept)
        out[f"books by skill, best tenth less worst, {name}"] = _tenths(skill, size, stayed)
        mean = stayed.sum() / size.sum()
        chance = 2.0 * 1.2816 * float(np.sqrt(mean * (1.0 - mean) * np.mean(1.0 / size)))
        out[f"what chance alone makes of the 90th less the 10th percentile, {name}"] = chance
        if months_on == YEAR:
            own = same > 0
            out["the same by skill, books whose manager stayed"] = _tenths(skill[own], size[own], stayed[own])
            for percent in (10, 50, 90):
                out[f"retention of the {percent}th percentile of books"] = float(np.quantile(kept, percent / 100.0))
            out["customers a book"] = float(size.mean())
    return {"e3": out}


def small_books(customers: int, agents: int, months: int, burn_in: int, seed: int) -> dict[str, Figures]:
    """The realised spread over twelve months were wealth books as small as those that F10 counted."""
    witness = Books(spans=(YEAR,))
    managers = {"span": {"wealth": HOUSEHOLDS}}
    s = scenario(customers, months=months, burn_in=burn_in, population={"agents": agents}, managers=managers)
    live(bank(s, seed), witness)
    if not witness.found:
        return {"e3": {}}
    size, stayed = (np.array(column, float) for column in list(zip(*witness.found, strict=True))[2:4])
    mean = stayed.sum() / size.sum()
    return {
        "e3": {
            "realised, 90th less 10th percentile, in books of 177": _spread(stayed / size),
            "what chance alone makes of it": 2.0 * 1.2816 * float(np.sqrt(mean * (1.0 - mean) * np.mean(1.0 / size))),
        }
    }


def _spread(kept: np.ndarray) -> float:
    return float(np.quantile(kept, 0.9) - np.quantile(kept, 0.1))


def _tenths(skill: np.ndarray, size: np.ndarray, stayed: np.ndarray) -> float:
    """Retention of the books of the most skilled tenth of managers less that of the least skilled tenth."""
    order = np.argsort(skill, kind="stable")
    n = max(round(TENTH * skill.size), 1)
    worst, best = order[:n], order[-n:]
    return float(stayed[best].sum() / size[best].sum() - stayed[worst].sum() / size[worst].sum())


# --- E4: lasting quality ---------------------------------------------------------------------------------------------


def turned(model: BankModel, turn: Callable[[BankModel], None]) -> BankModel:
    """The bank with levers turned by hand every measured month, beside what its strategies do."""
    plain = model.turn_levers

    def both() -> None:
        plain()
        turn(model)

    model.turn_levers = both  # type: ignore[method-assign]
    return model


def better(by: float) -> Callable[[BankModel], None]:
    """Service quality of everybody `by` SD better."""

    def turn(model: BankModel) -> None:
        model.levers.quality += by

    return turn


def lasting_quality(customers: int, years: int, seed: int) -> dict[str, Figures]:
    """One SD better service for all and for good: attrition and satisfaction, year by year, over without."""
    start = at_the_start(scenario(customers, months=years * YEAR, burn_in=24), seed)
    better_bank = turned(fork(start), better(1.0))
    one, other = Run(tables(live(better_bank))), Run(tables(live(start)))

    def attrition(run: Run, year: int) -> float:
        left = run.by_tier("closed") - run.by_tier("closed_dormant") + run.by_tier("went_dormant")
        months = slice((year - 1) * YEAR, year * YEAR)
        return float(left[1:][months].sum() / run.by_tier("active")[:-1][months].sum())

    def satisfaction(run: Run, month: int) -> float:
        active = run.by_tier("active")[month]
        return float((run.by_tier("satisfaction")[month] * active).sum() / active.sum())

    fall = {year: 1.0 - attrition(one, year) / attrition(other, year) for year in range(1, years + 1)}
    out: Figures = {f"fall of attrition, year {year}": value for year, value in fall.items()}
    out["effect on attrition, years 3 to 5 over year 2"] = float(np.mean([fall[year] for year in (3, 4, 5)]) / fall[2])
    for year in (2, years):
        gained = satisfaction(one, year * YEAR) - satisfaction(other, year * YEAR)
        out[f"satisfaction gained after {year} years, SD"] = gained
    return {"e4": out}


# --- E5: whom a strategy does not touch ------------------------------------------------------------------------------

MANAGERS_ONLY = "staff_upskilling"
AT_ONCE = {"fidelity": 1.0, "lag": 0.0, "speed": 10.0}
ALONE = {"acquisition": False, "adoption": False, "word_of_mouth": False}  # nobody imitates anybody, nobody joins


def untouched(customers: int, months: int, seed: int) -> dict[str, Figures]:
    """Customers who never have a manager and yet differ in any column under a strategy that touches managers alone."""
    s = scenario(
        customers,
        months=months,
        burn_in=12,
        model={"mechanisms": ALONE},
        implementation={"gate": 1.0},
        arms={"without": [], "with": [{"use": MANAGERS_ONLY, **AT_ONCE}]},
    )
    banks = arms_at_the_start(s, seed)
    one, other = (model.customers for model in banks.values())
    managed, differ = one.manager != NOBODY, np.zeros(len(one), bool)
    for _ in side_by_side(banks, awake):
        managed |= (one.manager != NOBODY) | (other.manager != NOBODY)
        for column in COLUMNS:
            differ |= getattr(one, column.name) != getattr(other, column.name)
    return {
        "e5": {
            "unmanaged customers whose lives differ": float(np.count_nonzero(differ & ~managed)),
            "managed customers whose lives differ": float(np.count_nonzero(differ & managed)),
            "unmanaged customers": float(np.count_nonzero(~managed & (one.state != CLOSED))),
        }
    }


# --- E7: a campaign to keep customers --------------------------------------------------------------------------------

CAMPAIGN = 6  # months
GOOD, TODAY, CHANCE, DOGS = (
    "the riskiest tenth by a good score",
    "the riskiest tenth by today's score",
    "a tenth by chance",
    "sleeping dogs",
)
CHOSEN = (GOOD, TODAY, CHANCE, DOGS)
PHONE = CHANNELS.index("phone")


def calling(model: BankModel, rows: np.ndarray) -> BankModel:
    """The bank that phones these customers to keep them, whenever no such contact is at work and nobody else calls."""
    plain = model.schedule
    chosen = np.zeros(len(model.customers), bool)
    chosen[rows] = True

    def schedule() -> Any:
        plan, work = plain()
        c = model.customers
        call = chosen & (c.state == ACTIVE) & (c.retained == 0) & (plan < 0)
        plan = plan.copy()
        plan[call] = PHONE | RETENTION
        return plan, work

    model.schedule = schedule  # type: ignore[method-assign]
    return model


def campaign(customers: int, seed: int) -> dict[str, Figures]:
    """Six months of calls to a tenth of active customers: exits of those chosen, over their own without calls."""
    start = at_the_start(scenario(customers, months=CAMPAIGN, burn_in=24, model=NOBODY_JOINS), seed)
    start.begin_measuring()
    c = start.customers
    rows = np.flatnonzero(c.state == ACTIVE)
    n = round(TENTH * rows.size)
    dogs = rows[c.uplift_class[rows] == UPLIFT_CLASSES.index("sleeping_dog")]
    chosen = {
        GOOD: rows[np.argsort(-known_score(start, rows, 0.78, 0.85), kind="stable")[:n]],
        TODAY: rows[np.argsort(-known_score(start, rows, 0.62, 0.5), kind="stable")[:n]],
        CHANCE: np.random.default_rng(seed).choice(rows, n, replace=False),
        DOGS: dogs,
    }
    banks = {name: calling(fork(start), of) for name, of in chosen.items()} | {"": start}
    for model in banks.values():
        while model.month < CAMPAIGN:
            model.step()
    out: Figures = {}
    for name, of in chosen.items():
        left, without = (int(np.count_nonzero(b.customers.state[of] != ACTIVE)) for b in (banks[name], start))
        out[f"exits of {name}"] = left / without - 1.0
        out[f"kept of 1,000, {name}"] = 1000.0 * (without - left) / of.size
    return {"e7": out}


# --- E8: closed forms ------------------------------------------------------------------------------------------------

CLOSED_FORMS = ("test_analytic_limits", "test_lifetime")


def closed_forms() -> dict[str, Figures]:
    """Tests that hold the model against formulas, run as they stand."""
    here = house.FOLDER.parent / "tests"
    files = [str(here / f"{name}.py") for name in CLOSED_FORMS]
    if not all(Path(file).exists() for file in files):  # they are part of a checkout
        return {"e8": {}}
    asked = [sys.executable, "-m", "pytest", "-o", "addopts=", "-q", "-p", "no:cacheprovider", *files]
    lines = subprocess.run(asked, cwd=here.parent, capture_output=True, text=True).stdout.splitlines()
    said = (lines or ["nothing; is pytest there?"])[-1]
    counts = {word.rstrip("s,"): float(n) for n, word in pairwise(said.split()) if n.isdigit()}
    if "passed" not in counts:
        raise RuntimeError(f"closed forms were not asked: {said}")
    return {
        "e8": {"tests passed": counts["passed"], "tests failed": counts.get("failed", 0.0) + counts.get("error", 0.0)}
    }


# --- E9: satisfaction and leaving ------------------------------------------------------------------------------------


def e9(run: Run) -> Figures:
    """Hazard ratio of leaving within a year per SD of satisfaction, as a bank that asked everybody would export it."""
    panel = run.panel
    names = ("true_satisfaction", *(f"observed_{n}" for n in ("tier", "products", "adopted", "age", "joined_month")))
    columns = {name: panel[name] for name in names}
    xs, ys = [], []
    for start in range(0, panel.shape[1] - YEAR, YEAR):
        here = panel.active[:, start]
        felt, tier, products, adopted, age, joined = (values[here, start] for values in columns.values())
        tenure = np.log1p(np.maximum(start - joined, 0.0))
        standard = (felt - felt.mean()) / felt.std()
        xs.append(np.column_stack([standard, tier == 1, tier >= 2, products, adopted, age + start / YEAR, tenure]))
        ys.append(~panel.active[here, start + 1 : start + YEAR + 1].all(axis=1))
    x, y = np.concatenate(xs).astype(float), np.concatenate(ys).astype(float)
    return {
        "export: hazard ratio a SD of satisfaction": float(np.exp(complementary_log_log(x, y)[1])),
        "export, without other covariates": float(np.exp(complementary_log_log(x[:, :1], y)[1])),
    }


def raised(customers: int, seed: int) -> dict[str, Figures]:
    """Everybody one SD more satisfied today, for once: hazard of leaving over their own as they are."""
    start = at_the_start(scenario(customers, months=2 * YEAR, burn_in=24, model=NOBODY_JOINS), seed)
    banks = {"raised": fork(start), "as it is": start}
    for model in banks.values():
        model.begin_measuring()
    c = banks["raised"].customers
    first = awake(start)
    c.satisfaction[:] += np.float32(start.customers.satisfaction[first].std())
    out: Figures = {}
    for name, months in (("twelve months", YEAR), ("months 13 to 24", 2 * YEAR)):
        there = {key: awake(model) & first for key, model in banks.items()}
        for model in banks.values():
            while model.month < months:
                model.step()
        hazard = {key: -np.log(np.mean(awake(model)[there[key]])) for key, model in banks.items()}
        out[f"causal: hazard ratio a SD of satisfaction, {name}"] = float(hazard["raised"] / hazard["as it is"])
    return {"e9": out}


# --- V24: who was recommended ----------------------------------------------------------------------------------------

TENURES = (0, 12, 24, 36, 48)


@dataclass
class Joiners:
    """Those who joined since the bank was founded, with or without a recommendation: at risk and gone, by tenure."""

    since: int
    at_risk: np.ndarray = field(default_factory=lambda: np.zeros((2, 120, len(TIERS))))
    gone: np.ndarray = field(default_factory=lambda: np.zeros((2, 120, len(TIERS))))
    joined: np.ndarray = field(default_factory=lambda: np.zeros(2))
    money: dict[int, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = field(default_factory=dict)  # by month
    before: tuple[np.ndarray, ...] | None = None

    def __call__(self, model: BankModel) -> None:
        c = model.customers
        if self.before is not None:
            uid, was_awake, tier, joined, referred = self.before
            n = uid.size
            who = np.flatnonzero(was_awake & (joined > self.since))
            tenure = model.month - 1 - joined[who].astype(int)
            cell = referred[who].astype(int), tenure, tier[who].astype(int)
            left = (c.state[:n][who] != ACTIVE) | (c.uid[:n][who] != uid[who])
            np.add.at(self.at_risk, cell, 1.0)
            np.add.at(self.gone, cell, left)
        new = (c.state == ACTIVE) & (c.joined_month == model.month)
        self.joined += [np.count_nonzero(new & (c.referred == 0)), np.count_nonzero(new & (c.referred == 1))]
        tenure = model.month - c.joined_month.astype(int)
        here = (c.state == ACTIVE) & (c.joined_month > self.since) & (c.referred == 1) & np.isin(tenure, TENURES)
        self.money[model.month] = [(c.uid[here].copy(), tenure[here], np.log(np.maximum(c.aum[here], 1.0)))]
        self.before = c.uid.copy(), c.state == ACTIVE, c.tier.copy(), c.joined_month.copy(), c.referred.copy()


def recommended(customers: int, months: int, burn_in: int, seed: int) -> dict[str, Figures]:
    """Leaving of referred customers over others who joined, tenure and tier alike; how long what they brought lasts."""
    seen = []
    for brought in ({}, {"acquisition": {"referred_wallet": 1.0}}):
        watch = Joiners(-burn_in)
        live(bank(scenario(customers, months=months, burn_in=burn_in, model=brought), seed), watch)
        seen.append(watch)
    one, other = seen
    both = one.at_risk.sum(axis=0)
    weight = np.divide(1.0, both, out=np.zeros_like(both), where=both > 0)
    ratio = (one.gone[1] * one.at_risk[0] * weight).sum() / (one.gone[0] * one.at_risk[1] * weight).sum()
    more: dict[int, list[np.ndarray]] = {tenure: [] for tenure in TENURES}
    for month, ((uid, tenure, aum),) in one.money.items():
        (uid2, _, aum2) = other.money[month][0]
        _, i, j = np.intersect1d(uid, uid2, return_indices=True)
        for t in TENURES:
            at = tenure[i] == t
            more[t].append((aum[i] - aum2[j])[at])
    log_more = {t: float(np.concatenate(found).mean()) for t, found in more.items()}
    return {
        "v24": {
            "leaving of referred customers over others, tenure and tier alike": float(ratio),
            "of the AUM they bring more, left after three years": log_more[36] / log_more[0],
            **{f"AUM of referred customers, more after {t} months": float(np.expm1(log_more[t])) for t in TENURES},
            "joiners who were referred": float(one.joined[1] / one.joined.sum()),
        }
    }
