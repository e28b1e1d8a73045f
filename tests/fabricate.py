"""Tables of a tiny made-up bank that keep every accounting identity of a results folder; no model, no luck but noise.

All runs are lived at once (arrays: runs x tiers), so a hundred runs cost a fraction of a second. An arm is a pair
(factor on exits, strategy cost a month); arms share each seed's noise, as arms of a scenario share their luck.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

TIERS = ("mass", "affluent", "wealth", "private")
ARMS: Mapping[str, tuple[float, float]] = {"nothing": (1.0, 0.0), "calls": (0.9, 40_000.0)}
FLOWS = (
    "joined",
    "closed",
    "closed_dormant",
    "went_dormant",
    "reactivated",
    "upgraded",
    "downgraded",
    "moved_in",
    "aum_moved",
    "net_new_money",
    "market_effect",
)
CHANNELS = ("branch", "phone", "video", "messaging", "app")

START = np.array([90_000.0, 6_000.0, 2_000.0, 100.0])
MEAN_AUM = np.array([6_486.0, 142_857.0, 1_022_000.0, 12_000_000.0])
DORMANT = np.array([0.40, 0.05, 0.02, 0.01])
CLOSE = np.array([0.0025, 0.0025, 0.0024, 0.0022])
SLEEP = np.array([0.0100, 0.0047, 0.0024, 0.0014])
UP = np.array([0.0006, 0.0025, 0.0004, 0.0])
DOWN = np.array([0.0, 0.010, 0.006, 0.008])
MARGIN = np.array([0.010, 0.009, 0.007, 0.005]) / 12.0


def manifest(
    arms: Sequence[str] = tuple(ARMS), seeds: Sequence[int] = (1, 2, 3), months: int = 24, **more: object
) -> dict:
    """What `ResultsFolder.create` needs."""
    return {
        "name": "tiny",
        "run_id": "20260101T000000Z-0123456789ab",
        "created": "2026-01-01T00:00:00Z",
        "scenario_digest": "0123456789ab",
        "code_version": "0.1.0",
        "arms": list(arms),
        "tiers": list(TIERS),
        "seeds": list(seeds),
        "months": months,
        "discount_rate": 0.10,
        "currency": "CNY",
        **more,
    }


def fabricate(
    arms: Mapping[str, tuple[float, float]] = ARMS, seeds: Sequence[int] = (1, 2, 3), months: int = 24
) -> dict[str, pd.DataFrame]:
    """monthly, bank, transitions, cohorts and managers of every arm and seed, in stored order."""
    noise = np.stack([np.random.default_rng(seed).uniform(0.9, 1.1, (months + 1, len(TIERS))) for seed in seeds])
    noise = np.tile(noise, (len(arms), 1, 1))  # runs x months x tiers
    factor, spend = (np.repeat([arm[i] for arm in arms.values()], len(seeds)) for i in (0, 1))
    runs, tiers = len(factor), len(TIERS)
    dormant_state, closed_state, new_state = tiers, tiers + 1, tiers + 2

    dormant = np.tile(START * DORMANT, (runs, 1))
    active = START - dormant
    aum = np.tile(START * MEAN_AUM, (runs, 1)) * noise[:, 0]
    zero = np.zeros((runs, tiers))
    months_kept: list[dict[str, np.ndarray]] = []
    bank: list[dict[str, np.ndarray]] = []
    moved: list[np.ndarray] = []
    year = np.zeros((runs, tiers + 3, tiers + 2))  # from (tiers, dormant, closed, new) x to (tiers, dormant, closed)
    kept = active.copy()
    first, first_mean, since = active, aum / (active + dormant), active.copy()

    for month in range(months + 1):
        flow = dict.fromkeys(FLOWS, zero)
        exited = np.zeros(runs)
        if month:
            lift = noise[:, month]
            leave, sleep = CLOSE * lift * factor[:, None], SLEEP * lift * factor[:, None]
            up, down = UP * lift, DOWN * lift
            wake, fade = 0.006, 0.004
            if month % 12 == 1:
                year[:] = 0.0
                year[:, range(tiers), range(tiers)] = active
                year[:, dormant_state, dormant_state] = dormant.sum(axis=1)
            reactivated, closed_dormant = dormant * wake, dormant * fade
            step = np.zeros((runs, tiers + 2, tiers + 2))
            for tier in range(tiers):
                step[:, tier, closed_state] = leave[:, tier]
                step[:, tier, dormant_state] = sleep[:, tier]
                if tier < tiers - 1:
                    step[:, tier, tier + 1] = up[:, tier]
                if tier:
                    step[:, tier, tier - 1] = down[:, tier]
                step[:, tier, tier] = 1.0 - step[:, tier].sum(axis=1)
                # the dormant of all tiers are one state; who wakes comes back to the tier slept in
                step[:, dormant_state, tier] = reactivated[:, tier] / dormant.sum(axis=1)
            step[:, dormant_state, closed_state] = fade
            step[:, dormant_state, dormant_state] = 1.0 - step[:, dormant_state].sum(axis=1)
            step[:, closed_state, closed_state] = 1.0
            year = year @ step

            gone, slept, rose, fell = active * leave, active * sleep, active * up, active * down
            risen, fallen = np.roll(rose, 1, axis=1), np.roll(fell, -1, axis=1)
            joined = START * 0.0056 * lift
            year[:, new_state, :tiers] += joined
            mean = aum / (active + dormant)
            move = risen * np.roll(mean, 1, axis=1) + fallen * np.roll(mean, -1, axis=1) - (rose + fell) * mean
            new_money = joined * mean - (gone + closed_dormant + 0.8 * slept) * mean
            exited = ((gone + slept) * mean).sum(axis=1)
            market = aum * 0.006 * lift
            active = active - gone - slept + reactivated - rose - fell + risen + fallen + joined
            dormant = dormant + slept - reactivated - closed_dormant
            aum = aum + new_money + market + move
            kept = kept * (1.0 - leave - sleep) if month > months - 12 else active
            since = since * (1.0 - leave - sleep)
            flow |= {
                "joined": joined,
                "closed": gone + closed_dormant,
                "closed_dormant": closed_dormant,
                "went_dormant": slept,
                "reactivated": reactivated,
                "upgraded": rose,
                "downgraded": fell,
                "moved_in": risen + fallen,
                "aum_moved": move,
                "net_new_money": new_money,
                "market_effect": market,
            }
        if month == months - 12:
            was = kept = active
        on = float(month > 0)
        money = {
            "revenue": aum * MARGIN * on,
            "channel_cost": ((active + dormant) * 3.0 + flow["joined"] * 150.0) * on,
            "manager_cost": np.array([0.0, 20_000.0, 60_000.0, 20_000.0]) * on + zero,
            "strategy_cost": spend[:, None] * np.array([0.1, 0.2, 0.4, 0.3]) * on,
        }
        money["profit"] = money["revenue"] - money["channel_cost"] - money["manager_cost"] - money["strategy_cost"]
        months_kept.append(
            {
                "customers": active + dormant,
                "active": active,
                "dormant": dormant,
                "aum": aum,
                "products": np.array([1.6, 3.0, 4.5, 6.0]) * noise[:, month],
                "share_of_wallet": zero + 0.45,
                "digital_active": 0.5 * noise[:, month],
                "satisfaction": noise[:, month] - 1.0,
                "trust": zero + 0.1,
            }
            | flow
            | {f"contacts_{channel}": active * 0.01 * (i + 1) * on for i, channel in enumerate(CHANNELS)}
            | {name: active * 0.001 * on for name in ("sales", "failures", "complaints", "opt_outs")}
            | money
        )
        last = month == months and months >= 12
        bank.append(
            {
                name: np.full(runs, value)
                for name, value in (
                    ("managers", 10.0),
                    ("managers_left", 0.15 * on),
                    ("managers_hired", 0.15 * on),
                    ("utilisation", 0.9),
                    ("professional_skill", 0.7),
                    ("digital_skill", 0.4),
                    ("fatigue", 0.0),
                    ("nps", 20.0 + month),
                    *((f"load_{channel}", 0.6) for channel in CHANNELS),
                    ("yield_gap", 0.0),
                    ("market_return", 0.006),
                    ("adoption_factor", 1.0),
                    ("branch_capacity", 1.0),
                    ("aum_gini", 0.9 if month % 12 == 0 else np.nan),
                    ("strategy_maturity", 0.0),
                    ("cost_service", 0.0),
                    ("cost_messages", 0.0),
                )
            }
            | {
                "aum_exited": exited,
                "strategy_cost": money["strategy_cost"].sum(axis=1),
                "kept_12m": kept.sum(axis=1) if last else np.full(runs, np.nan),
                "active_12m_ago": was.sum(axis=1) if last else np.full(runs, np.nan),
                "cost_servicing": (active + dormant).sum(axis=1) * 3.0 * on,
                "cost_acquisition": flow["joined"].sum(axis=1) * 150.0,
                "cost_managers": money["manager_cost"].sum(axis=1),
                "customers_opted_out": active.sum(axis=1) * 0.01 * month / 12,
            }
            | {
                f"{name}[{tier}]": values[:, i] if last else np.full(runs, np.nan)
                for name, values in (("kept_12m", kept), ("active_12m_ago", was if last else kept))
                for i, tier in enumerate(TIERS)
            }
            | {
                name: amounts if month == months else np.full(runs, np.nan)
                for whole, values in (
                    ("active_month_0", first),
                    ("kept_month_0", since),
                    ("aum_month_0", first * first_mean),
                    ("aum_kept_month_0", since * first_mean),
                )
                for name, amounts in (
                    (whole, values.sum(axis=1)),
                    *((f"{whole}[{tier}]", values[:, i]) for i, tier in enumerate(TIERS)),
                )
            }
            | {f"revenue_products[{tier}]": 0.2 * money["revenue"][:, i] for i, tier in enumerate(TIERS)}
        )
        if month and month % 12 == 0:
            moved.append(year.copy())

    arm = np.repeat(np.array(list(arms), dtype=object), len(seeds))
    seed = np.tile(np.array(seeds, dtype=np.int64), len(arms))
    places = {"month": np.arange(months + 1), "tier": np.array(TIERS, dtype=object)}
    monthly = _long(arm, seed, places, {k: np.stack([m[k] for m in months_kept], axis=1) for k in months_kept[0]})
    each = {"month": places["month"]}
    by_month = _long(arm, seed, each, {k: np.stack([b[k] for b in bank], axis=1) for k in bank[0]})
    by_year = np.stack(moved, axis=1) if moved else np.zeros((runs, 0, tiers + 3, tiers + 2))
    by_year = np.delete(by_year, closed_state, axis=2)  # nobody starts a year closed
    states = {
        "year": np.arange(1, len(moved) + 1),
        "from": np.array([*TIERS, "dormant", "new"], dtype=object),
        "to": np.array([*TIERS, "dormant", "closed"], dtype=object),
    }
    transitions = _long(arm, seed, states, {"customers": by_year})
    ages = {"tier": places["tier"], "tenure_month": np.arange(3)}
    at_risk = np.broadcast_to((START / 3.0)[:, None], (runs, tiers, 3))
    cohorts = _long(arm, seed, ages, {"at_risk": at_risk, "closed": at_risk * 0.02, "dormant": at_risk * 0.05})
    events = {"month": np.array([1, 2]), "post": np.array([7]), "event": np.array(["left"], dtype=object)}
    book = np.full((runs, 2, 1, 1), 100.0)
    managers = _long(arm, seed, events, {"customers": book, "exits_before": book / 50, "exits_after": book / 25})
    return dict(monthly=monthly, bank=by_month, transitions=transitions, cohorts=cohorts, managers=managers)


def of_run(tables: Mapping[str, pd.DataFrame], arm: str, seed: int) -> dict[str, pd.DataFrame]:
    """The rows of one run, for `ResultsFolder.add`."""
    return {name: table[(table["arm"] == arm) & (table["seed"] == seed)] for name, table in tables.items()}


def _long(
    arm: np.ndarray, seed: np.ndarray, axes: Mapping[str, np.ndarray], values: Mapping[str, np.ndarray]
) -> pd.DataFrame:
    """Arrays (runs, *axes) as one row per cell: columns arm, seed, the axes, then the values."""
    shape = (len(arm), *(len(axis) for axis in axes.values()))
    grid = np.indices(shape).reshape(len(shape), -1)
    keys = {"arm": arm[grid[0]], "seed": seed[grid[0]]} | {n: a[grid[i + 1]] for i, (n, a) in enumerate(axes.items())}
    return pd.DataFrame(keys | {name: np.asarray(array).reshape(-1) for name, array in values.items()})
