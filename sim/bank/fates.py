"""What became of the customers of month 0, and how that differs between two arms with the same draws.

Lives are paired: a customer whom an arm does not touch lives the same life in both. So the counts of fate in the
reference by fate in the arm say whom a strategy kept, lost, moved or annoyed, and who they are. Counts only: no row is
about one person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.agents.customer import Customers
from sim.codes import ACTIVE, CLOSED, UPLIFT_CLASSES
from sim.kernel.tallies import WEIGHT_UNIT
from sim.store.tables import FATES

if TYPE_CHECKING:
    import pandas as pd

KEPT, UPGRADED, DOWNGRADED, OPTED_OUT, FELL_ASLEEP, GONE = range(len(FATES))
AGE_BANDS = ("under_35", "35_to_49", "50_to_64", "65_plus")
AGE_BARS = (35.0, 50.0, 65.0)
AFFINITIES = ("low", "middle", "high")
AFFINITY_BARS = (1.0 / 3.0, 2.0 / 3.0)
UNIT = float(WEIGHT_UNIT)


def customers_of_month_0(c: Customers) -> dict[str, np.ndarray]:
    """Everybody who is a customer now, in the order of uid: who, where, and of which group (in one number).

    Arrays (customers,) by name; `active` and `aum` (CNY) are how they stood.
    """
    rows = np.flatnonzero(c.state != CLOSED)
    rows = rows[np.argsort(c.uid[rows], kind="stable")]
    age = np.searchsorted(AGE_BARS, c.age[rows], side="right")
    affinity = np.searchsorted(AFFINITY_BARS, c.affinity[rows], side="right")
    group = ((c.tier[rows].astype(np.int64) * len(AGE_BANDS) + age) * len(AFFINITIES) + affinity) * len(UPLIFT_CLASSES)
    return {
        "uid": c.uid[rows].copy(),
        "tier": c.tier[rows].copy(),
        "opted_out": c.opted_out[rows].copy(),
        "group": (group + c.uplift_class[rows]).astype(np.int32),
        "weight": c.weight[rows].copy(),
        "active": c.state[rows] == ACTIVE,
        "aum": c.aum[rows].copy(),
    }


def kept(was: Mapping[str, np.ndarray], now: Mapping[str, np.ndarray], tiers: int) -> np.ndarray:
    """Those who were active in month 0, and those of them who are active now, by what they had then.

    `now` are the open customers: uid, state. int64 (2, 2, tiers): customers, and their AUM of month 0, in units of the
    sums of a month.
    """
    here = np.isin(was["uid"], now["uid"][now["state"] == ACTIVE])
    weight = was["weight"].astype(np.int64)
    amounts = weight, weight * np.floor(was["aum"] * 100.0 + 0.5).astype(np.int64)
    return np.array(
        [
            [[amount[chosen & (was["tier"] == tier)].sum() for tier in range(tiers)] for amount in amounts]
            for chosen in (was["active"], was["active"] & here)
        ]
    )


def fates(was: Mapping[str, np.ndarray], now: Mapping[str, np.ndarray]) -> np.ndarray:
    """What has become of each of them, int8 (customers,); `now` are the open customers: uid, state, tier, opted_out.

    The first that holds of closed, dormant, opted out, moved, kept.
    """
    order = np.argsort(now["uid"], kind="stable")
    place = np.append(order, -1)[np.searchsorted(now["uid"], was["uid"], sorter=order)]  # -1: after the last
    place = np.where(np.append(now["uid"], np.uint64(0))[place] == was["uid"], place, -1)
    state = np.append(now["state"], np.int8(CLOSED))[place]
    tier, opted_out = (np.append(now[name], np.int8(0))[place] for name in ("tier", "opted_out"))
    fate = np.where(tier > was["tier"], UPGRADED, np.where(tier < was["tier"], DOWNGRADED, KEPT))
    fate = np.where((opted_out & ~was["opted_out"]) != 0, OPTED_OUT, fate)
    fate = np.where(state != ACTIVE, FELL_ASLEEP, fate)
    return np.where(state != CLOSED, fate, GONE).astype(np.int8)


def changed(reference: np.ndarray, fate: np.ndarray, was: Mapping[str, np.ndarray], tiers: int) -> np.ndarray:
    """Customers by group, fate in the reference and fate in the arm, weight units, int64; both fates by uid, int8."""
    n = len(FATES)
    cells = tiers * len(AGE_BANDS) * len(AFFINITIES) * len(UPLIFT_CLASSES) * n * n
    cell = (was["group"].astype(np.int64) * n + reference) * n + fate
    return np.bincount(cell, was["weight"].astype(np.float64), minlength=cells).astype(np.int64)


def individuals(units: np.ndarray, tiers: Sequence[str]) -> pd.DataFrame:
    """What `changed` counted, as rows of individuals.parquet: customers by group and both fates."""
    import pandas as pd

    n = len(FATES)
    counts = units / UNIT
    found = np.flatnonzero(counts)
    rest, then = np.divmod(found, n)
    rest, before = np.divmod(rest, n)
    rest, uplift = np.divmod(rest, len(UPLIFT_CLASSES))
    rest, affinity = np.divmod(rest, len(AFFINITIES))
    tier, age = np.divmod(rest, len(AGE_BANDS))

    def named(names: Sequence[str], code: np.ndarray) -> np.ndarray:
        return np.array(list(names), object)[code]

    return pd.DataFrame(
        {
            "tier": named(tiers, tier),
            "age_band": named(AGE_BANDS, age),
            "affinity": named(AFFINITIES, affinity),
            "uplift_class": named(UPLIFT_CLASSES, uplift),
            "reference_fate": named(FATES, before),
            "fate": named(FATES, then),
            "customers": counts[found],
        }
    )
