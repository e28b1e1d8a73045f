"""Small banks for tests: customers from the real population, rates from the real settings, a month with every field.

    bank = lived_in(newcomers(3000))            # a mixed lot: dormant, closed, managed, opted out, ...
    now = stormy(month=-3)                      # every lever and shock away from neutral
    tallies = live(kernel.step_chunk, bank, plan_for(bank), now, rates_of())

`Bank` rows are independent copies; nothing here touches a file or the clock.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.agents.channel_settings import Channels
from sim.agents.customer import NAMES, Customers
from sim.behaviour.rates import WHOLE, growth_path, rates
from sim.behaviour.settings import Model
from sim.codes import (
    ACTIVE,
    CHANNELS,
    CLOSED,
    DORMANT,
    JOINED_THIS_YEAR,
    LEAD,
    LOST,
    NOBODY,
    PROPOSED,
    RETENTION,
)
from sim.kernel.blocks import CHUNK
from sim.kernel.inputs import Now, Rates
from sim.kernel.numerics import key_of, word_of
from sim.kernel.tallies import REACH_SHAPE, TALLIES, TENURE_LAST
from sim.population.settings import Population
from sim.population.synthetic import source
from sim.population.tier_presets import PRESET_TIERS
from sim.tiers import Tier

TIERS: tuple[Tier, ...] = PRESET_TIERS["bank_b"]
POSTS = 12
f32 = np.float32


# --- rates -----------------------------------------------------------------------------------------------------------


def rates_of(model: Model | None = None, *, tiers: Sequence[Tier] = TIERS, **changed: Any) -> Rates:
    """The kernel's numbers for a model (default settings unless given), single ones changed by name."""
    p = rates(model or Model(), tiers, Channels())
    return p._replace(**{name: _like(getattr(p, name), value) for name, value in changed.items()})


def _like(old: Any, new: Any) -> Any:
    return np.asarray(new, old.dtype) if isinstance(old, np.ndarray) else type(old)(new)


def eventful(**changed: Any) -> Rates:
    """Default rates with the rare things common, so that a few thousand rows meet all of them."""
    often = {
        "event_rate": 0.2,
        "failure_digital": 0.15,
        "failure_human": 0.06,
        "failure_other": 0.10,
        "opt_out_rate": 0.05,
        "dormant_return": 0.2,
        "dormant_close": 0.1,
        "product_loss": 0.03,
        "product_gain": [0.02, 0.04, 0.08, 0.1],
    }
    return rates_of(**(often | changed))


def still(**changed: Any) -> Rates:
    """Rates at which nothing happens to anybody: every speed, chance and effect is zero."""
    p = rates_of()
    keep = {
        "wallet_reversion",
        "threshold",
        "ceiling",
        "grace",
        "markov",
        "satisfaction_mu",
        "satisfaction_sd",
        "trust_sd",
        "affinity_sd",
        "tenure_anchor",
        "transactions",
        "reach",
        "pressure",
        "conversion",
        "dormant_share",
        "second_life_months",
        "opt_out_months",
        "retention_months",
        *WHOLE,
        "win_back_by",
        "without_app",
        "remote_calls",
        "multihoming_preferred",
        "still_open",
        "pressure_from",
        "pressure_most",
        "products_most",
        "adoption_age_from",
        "age_from",
        "age_lowest",
        "age_highest",
        "habit_step",
    }
    nothing = {
        name: np.zeros_like(getattr(p, name)) if isinstance(getattr(p, name), np.ndarray) else f32(0)
        for name in p._fields
        if name not in keep
    }
    unchanging = {
        "engagement_memory": 1,
        "transactions_app": 1,
        "pressure_memory": 1,
        "failure_fading": 1,
        "bond_fading": 1,
        "wallet_reversion": 0,
    }
    quiet = p._replace(**nothing)._replace(**{name: f32(value) for name, value in unchanging.items()})
    return quiet._replace(**{name: _like(getattr(p, name), value) for name, value in changed.items()})


# --- customers -------------------------------------------------------------------------------------------------------


def newcomers(rows: int, *, customers: int | None = None, seed: int = 11, month: int = -24) -> Customers:
    """First customers of Bank B at the end of `month`: stratified rows standing for `customers` (default 40 a row)."""
    model = Model()
    settings = Population(customers=customers or 40 * rows, agents=rows)
    born = source(settings, TIERS, model, Channels()).first(seed, month)
    people = Customers(len(born["uid"]))
    people.place(born)
    return people


def awake(rows: int, *, managed: bool, tier: int | None = None, seed: int = 11) -> Customers:
    """Active customers, all or none of them with a manager, nobody opted out or under a contact's effect."""
    people = newcomers(rows, seed=seed)
    people.state[:] = ACTIVE
    people.manager[:] = 0 if managed else NOBODY
    if tier is not None:
        people.tier[:] = tier
    return people


def lived_in(people: Customers, *, month: int = -24, seed: int = 5) -> Customers:
    """Give people histories they could have: every state, clock, bar and bond in use, many near a tier bound."""
    rng = np.random.default_rng(seed)
    n, c = len(people), people

    def some(share: float) -> np.ndarray:
        return rng.random(n) < share

    asleep, gone, fell_asleep = some(0.2), some(0.05), some(0.5)
    c.state[:] = np.where(gone, CLOSED, np.where(asleep, DORMANT, c.state))
    c.set_trait("reduced", (c.state == DORMANT) & fell_asleep)
    c.aum[:] = np.where(gone, 0.0, np.floor(c.aum * np.where(c.reduced != 0, 0.15, 1.0) * 100.0) / 100.0)
    near = np.where(some(0.3), rng.normal(0.0, 0.1, n), 0.0)
    c.log_wealth[:] += near.astype(f32)
    c.aum[:] *= np.exp(rng.normal(0.0, 0.3, n)).astype(f32)
    c.aum_2[:] = c.aum * np.exp(rng.normal(0.0, 0.3, n))
    c.manager[:] = np.where((c.state == ACTIVE) & (c.tier > 0) & some(0.6), rng.integers(0, POSTS, n), NOBODY)
    c.joined_month[:] = np.where(some(0.2), month - rng.integers(0, 70, n), c.joined_month)
    c.opted_out[:] = np.where(some(0.3), rng.integers(1, 2 ** len(CHANNELS), n), 0)
    c.opt_out_month[:] = np.where(c.opted_out > 0, month - rng.integers(0, 30, n), -30_000)
    c.preferred[:] = rng.integers(0, len(CHANNELS), n)
    c.attempts[:] = rng.integers(0, 7, n)
    c.products[:] = np.clip(c.products + rng.integers(-1, 7, n), 1, 10)
    c.pressure[:] = rng.exponential(1.0, n)
    c.bond[:] = rng.random(n)
    c.contact_gap[:] = rng.integers(0, 14, n)
    c.silence[:] = rng.integers(0, 9, n)
    c.open_failure[:] = np.where(some(0.3), rng.exponential(0.7, n), 0.0)
    c.below[:] = rng.integers(0, 14, n)
    c.tier_change[:] = rng.integers(-6, 7, n)
    c.manager_change[:] = rng.choice([-1, 0, 1], n) * rng.integers(0, 4, n)
    c.follow[:] = np.where(some(0.2), rng.random(n) * 0.2, 0.0)
    c.follow_months[:] = rng.integers(0, 7, n)
    c.second_life[:] = rng.integers(0, 13, n)
    c.retained[:] = rng.integers(-3, 4, n)
    c.contacts[:] = rng.integers(0, 60, n)
    c.risk[:] = rng.normal(-0.5, 0.9, n)
    c.year_start[:] = np.where(some(0.2), JOINED_THIS_YEAR, rng.integers(0, len(TIERS) + 1, n))
    return people


def copy_of(people: Customers) -> Customers:
    """An independent copy."""
    twin = Customers(len(people))
    twin.place({name: getattr(people, name).copy() for name in NAMES})
    return twin


def by_uid(people: Customers) -> dict[str, np.ndarray]:
    """All columns in the order of uid."""
    order = np.argsort(people.uid, kind="stable")
    return {name: getattr(people, name)[order].copy() for name in NAMES}


def plan_for(people: Customers, *, seed: int = 3, share: float = 0.5, purposes: bool = False) -> np.ndarray:
    """A month's plan: managed customers contacted in any channel but the app, int8, -1 = nobody plans to.

    With `purposes` some contacts are meant to keep the customer, some follow a lead, some a strategy asked for, and of
    the rest some are wishes that were lost.
    """
    rng = np.random.default_rng(seed)
    chosen = (people.manager != NOBODY) & (rng.random(len(people)) < share)
    plan = np.where(chosen, rng.integers(0, 4, len(people)), NOBODY).astype(np.int8)
    if purposes:
        plan[chosen] |= rng.choice(np.array([0, RETENTION, LEAD, PROPOSED], np.int8), int(chosen.sum()))
        lost = (people.manager != NOBODY) & ~chosen & (rng.random(len(people)) < 0.5)
        plan[lost] = LOST - rng.integers(0, 16, int(lost.sum()))
    return plan


# --- the month -------------------------------------------------------------------------------------------------------


def calm(month: int = 1, *, seed: int = 11, p: Rates | None = None, **changed: Any) -> Now:
    """A month with neutral levers and no shocks, at the default hazards; single fields changed by name."""
    p = p or rates_of()
    key0, key1 = key_of(seed)
    tiers = p.threshold.size
    hazards = [Model().hazard(tier) for tier in TIERS]
    fields: dict[str, Any] = {
        "month": month,
        "word": word_of(month),
        "key0": key0,
        "key1": key1,
        "close_rate": np.array([-np.log1p(-h.close) for h in hazards], f32),
        "dormant_rate": np.array([-np.log1p(-h.dormant) for h in hazards], f32),
        "return_ratio": f32(1),
        "market": np.zeros(tiers, f32),
        "market_growth": np.zeros(tiers),
        "start": -24,
        "growth_path": growth_path(p, 84),
        "yield_gap": f32(0),
        "adoption_shift": f32(0),
        "peers": f32(-0.1),
        "word_of_mouth": np.zeros(tiers, f32),
        "quality_shift": np.zeros((2, tiers), f32),
        "quality_sd_ratio": np.ones((2, 2), f32),
        "expectation_rise": f32(0),
        "failure_ratio": f32(1),
        "resolution": f32(0.6),
        "push_share": f32(0.7),
        "push_managers": f32(0.7),
        "conversion_ratio": np.ones(tiers, f32),
        "campaign": np.zeros((tiers, len(CHANNELS)), f32),
        "hazard_ratio": np.zeros(tiers, f32),
        "manager_quality": np.zeros(POSTS + 1, f32),
        "handoff": f32(0),
        "synergy": f32(0),
        "privacy": f32(0),
        "pressure_cap": f32(np.inf),
        "outreach": f32(0),
        "outreach_from": f32(1e4),
        "extra_grace": f32(0),
        "demotion_ratio": f32(1),
        "welcoming": np.bool_(False),
        "welcome": np.zeros(len(CHANNELS), f32),
        "welcome_hazard": f32(0),
        "welcome_adoption": f32(0),
        "welcome_product": f32(0),
        "win_back": np.zeros(tiers, f32),
        "retain": np.zeros((tiers, len(CHANNELS)), f32),
        "retain_cut": f32(-np.inf),
        "by_uplift": np.bool_(False),
        "targeting": f32(0),
        "offer_cut": f32(-np.inf),
        "offer_boost": f32(1),
        "scored": np.bool_(False),
        "score_word": word_of((month - 1) // 3),
        "know_churn": f32(0.3),
        "know_uplift": f32(0),
        "know_offer": f32(0.3),
        "risk_mean": np.full(tiers, -0.4, f32),
        "risk_sd": np.full(tiers, 0.9, f32),
        "gain_mean": np.zeros(tiers, f32),
        "gain_sd": np.full(tiers, 0.4, f32),
    }
    now = Now(**fields)
    return now._replace(**{name: _like(getattr(now, name), value) for name, value in changed.items()})


def stormy(month: int = 1, *, seed: int = 11, p: Rates | None = None, **changed: Any) -> Now:
    """A month in which every lever is turned and every shock is on, differently for each tier, channel and post."""
    p = p or rates_of()
    market = np.array([-0.02, -0.05, -0.10, 0.04])
    moved: dict[str, Any] = {
        "close_rate": [0.02, 0.015, 0.012, 0.01],
        "dormant_rate": [0.05, 0.03, 0.02, 0.015],
        "return_ratio": 1.7,
        "market": market,
        "market_growth": np.expm1(market),
        "yield_gap": 2.5,
        "adoption_shift": 0.53,
        "peers": 0.12,
        "word_of_mouth": [0.11, 0.07, 0.03, 0.01],
        "quality_shift": [[0.25, 0.2, 0.3, -0.1], [0.3, 0.1, 0.4, 0.2]],
        "quality_sd_ratio": [[1.15, 1.3], [0.9, 1.05]],
        "expectation_rise": 0.07,
        "failure_ratio": 1.3,
        "resolution": 0.85,
        "push_share": 0.4,
        "push_managers": 0.6,
        "conversion_ratio": [1.6, 1.9, 1.3, 0.8],
        "hazard_ratio": [-0.12, 0.05, -0.2, 0.3],
        "campaign": [
            [0.02, 0.05, 0.02, 0.1, 0.3],
            [0.03, 0.1, 0.04, 0.1, 0.2],
            [0.05, 0.1, 0.05, 0.2, 0.2],
            [0.1, 0.1, 0.1, 0.1, 0.1],
        ],
        "manager_quality": np.linspace(-1.1, 0.9, POSTS + 1),
        "handoff": 0.47,
        "synergy": 0.24,
        "privacy": 0.1,
        "pressure_cap": 2.5,
        "outreach": 0.05,
        "extra_grace": 2.0,
        "demotion_ratio": 0.7,
        "welcoming": True,
        "welcome": [0.02, 0.3, 0.05, 0.4, 0.1],
        "welcome_hazard": -0.3,
        "welcome_adoption": 0.6,
        "welcome_product": 0.2,
        "win_back": [0.3, 0.2, 0.3, 0.2],
        "by_uplift": month % 2 == 0,
        "scored": True,
        "retain": [
            [0.0, 0.02, 0.0, 0.05, 0.1],
            [0.0, 0.1, 0.02, 0.1, 0.1],
            [0.1, 0.1, 0.1, 0.1, 0.1],
            [0.0, 0.2, 0.1, 0.1, 0.1],
        ],
        "retain_cut": 0.6,
        "targeting": 0.5,
        "offer_cut": 0.8,
        "offer_boost": 4.7,
        "know_churn": 0.6,
        "know_uplift": 0.4,
        "know_offer": 0.9,
        "risk_mean": [-0.4, -0.5, -0.6, -0.7],
        "risk_sd": [0.8, 0.9, 1.0, 1.1],
        "gain_mean": [0.01, 0.0, -0.01, 0.02],
        "gain_sd": [0.3, 0.4, 0.5, 0.6],
    }
    return calm(month, seed=seed, p=p, **(moved | changed))


@dataclass
class Tallies:
    """What a month adds up: by tier, by tenure, leavers by where they began, exits by post, wishes by their end."""

    tally: np.ndarray
    cohort: np.ndarray
    left_from: np.ndarray
    book_exits: np.ndarray
    reach: np.ndarray

    @classmethod
    def empty(cls, tiers: int = len(TIERS)) -> Tallies:
        shapes = (tiers, TALLIES), (tiers, TENURE_LAST + 1, 3), (tiers + 2,), (POSTS,), (tiers, *REACH_SHAPE)
        return cls(*(np.zeros(shape, np.int64) for shape in shapes))

    def all(self) -> tuple[np.ndarray, ...]:
        return self.tally, self.cohort, self.left_from, self.book_exits, self.reach

    def of(self, column: int) -> int:
        """One tally column over all tiers."""
        return int(self.tally[:, column].sum())


def live(
    run: Callable[..., None],
    people: Customers,
    plan: np.ndarray,
    now: Now,
    p: Rates,
    *,
    chunk: int = CHUNK,
    threads: int = 1,
) -> Tallies:
    """Live a month by `kernel.step_chunk` or its twin, in chunks over threads as the model does."""
    n = len(people)

    def part(first: int) -> Tallies:
        out = Tallies.empty(p.threshold.size)
        run(people.arrays, first, min(first + chunk, n), plan, now, p, *out.all())
        return out

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(part, range(0, n, chunk)))
    return Tallies(*(np.sum(column, axis=0, dtype=np.int64) for column in zip(*(t.all() for t in parts), strict=True)))
