"""From where to where the value of an arm comes: steps that add up to its difference to the reference, seed by seed.

Revenue of a month differs from the reference's for four reasons, told apart tier by tier:

- *wallet*: customers keep more of their wealth here. The share of wallet of the arm over the reference's, less 1, times
  what as many customers earn the reference with their AUM.
- *sales*: they hold more products than customers of the same tier do in the reference.
- *upgrades*: they are in other tiers than they would be. A move itself makes no AUM, so what counts is that products
  earn more in a higher tier; that people have more money here is wallet, and that they are served better is cost.
- *new customers*: more joined, each taken to earn what the reference's customers of that tier do.
- *retention*: all the rest. The same person has the same wealth and the same luck in both arms, so what is left is who
  is still there, at what they own: customers kept who are poorer than others count for less than an average one.

Each is discounted and added up over the months. Then come what the arm spends more (less if positive) on service
(channels), managers and strategies, and customer equity at the horizon (`sim.measures.money`). Runs that were stored
without revenue of products have no sales and upgrades: both are in wallet and retention then. Without equity (less than
a year) the steps add up to cash.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from sim.measures.cubes import ratio
from sim.measures.intervals import half_width
from sim.measures.money import Money

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run

STEPS: Mapping[str, str] = {  # in the order of the waterfall: name for readers
    "retention": "retention",
    "new_customers": "new customers",
    "wallet": "wallet",
    "sales": "sales",
    "upgrades": "upgrades",
    "service": "cost of service",
    "managers": "managers",
    "strategy": "strategy",
    "equity": "equity at the horizon",
}
COLUMNS = ("arm", "step", "unit", "difference", "ci_low", "ci_high", "seeds")


def steps(m: Money) -> dict[str, np.ndarray]:
    """Each step of every run against the reference's with the same seed, (runs,); NaN where it is not known."""
    partner = m.partner
    active, revenue = m["active"], m["revenue"]
    of_products = np.stack([m.bank(f"revenue_products[{tier}]") for tier in m.tiers], axis=2)
    known = bool(np.isfinite(of_products).all())
    of_products = of_products if known else np.zeros_like(revenue)

    def each(amount: np.ndarray) -> np.ndarray:
        """What a customer of the reference brings, in every month and tier."""
        return np.nan_to_num(ratio(amount, active))[partner]

    def worth(amount: np.ndarray) -> np.ndarray:
        return np.where(partner >= 0, amount[:, 1:].sum(axis=2) @ m.discount[1:], np.nan)

    fuller = np.nan_to_num(ratio(m["share_of_wallet"], m["share_of_wallet"][partner]), nan=1.0) - 1.0
    joined = np.cumsum(m["joined"], axis=1)
    stayed = joined + np.cumsum(m["reactivated"] - m["closed"] + m["closed_dormant"] - m["went_dormant"], axis=1)
    moved = active - active[partner] - (stayed - stayed[partner])
    found = {
        "new_customers": (joined - joined[partner]) * each(revenue),
        "wallet": active * each(revenue - of_products) * fuller,
        "sales": of_products - active * each(of_products),
        "upgrades": moved * each(of_products),
    }
    found["retention"] = revenue - revenue[partner] - sum(found.values())
    out = {name: worth(amount) for name, amount in found.items()}
    if not known:
        del out["sales"], out["upgrades"]
    for name, column in (("service", "channel_cost"), ("managers", "manager_cost"), ("strategy", "strategy_cost")):
        out[name] = -m.against(m.discounted(column).sum(axis=1))
    equity = m.against(m.equity.sum(axis=1))
    return {name: out[name] for name in STEPS if name in out} | (
        {"equity": equity} if np.isfinite(equity).any() else {}
    )


def waterfall(run: Run) -> pd.DataFrame:
    """The steps of every arm but the reference: mean over seeds with its 95 % interval, the columns `COLUMNS`.

    Money of month 0 in the run's currency; the differences of an arm add up to that of its value (of its cash where
    there is no equity). Empty with one arm.
    """
    import pandas as pd

    manifest = run.manifest
    m = Money(run.tables, run.arms, run.tiers, float(manifest["discount_rate"]))
    found = steps(m) if len(m) else {}
    rows = []
    for place, arm in list(enumerate(run.arms))[1:]:
        own = m.arm == place
        together = np.isfinite(np.stack([values[own] for values in found.values()])).all(axis=0)
        for step, values in found.items():
            seen = values[own][together]
            mean = float(seen.mean()) if len(seen) else np.nan
            half = float(half_width(seen.var(ddof=1), len(seen))) if len(seen) > 1 else np.nan
            rows.append((arm, step, str(manifest["currency"]), mean, mean - half, mean + half, len(seen)))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"seeds": "int64"})
