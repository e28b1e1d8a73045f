"""What became of the customers of month 0, and how that differs between two arms with the same draws.

Lives are paired: a customer whom an arm does not touch lives the same life in both. So the counts of fate in the
reference by fate in the arm say whom a strategy kept, lost, moved or annoyed, and who they are. Counts only: no row is
about one person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.agents.customer import Customers
from sim.codes import ACTIVE, CLOSED, GONE, UPLIFT_CLASSES
from sim.kernel.looking import count_active, count_kept, find_fates
from sim.kernel.tallies import WEIGHT_UNIT
from sim.store.tables import FATES

if TYPE_CHECKING:
    import pandas as pd

AGE_BANDS = ("under_35", "35_to_49", "50_to_64", "65_plus")
AGE_BARS = (35.0, 50.0, 65.0)
AFFINITIES = ("low", "middle", "high")
AFFINITY_BARS = (1.0 / 3.0, 2.0 / 3.0)
UNIT = float(WEIGHT_UNIT)
PIECE = 1 << 20  # customers of month 0 that are written down at a time
MONTH_ZERO = {
    "uid": np.uint64,
    "tier": np.int8,
    "opted_out": np.int8,
    "group": np.int32,
    "weight": np.uint32,
    "active": np.bool_,
    "aum": np.float64,
}
Each = Callable[[Callable[[int, int], Any]], list[Any]]  # what comes of every stretch of rows, by first and last


def customers_of_month_0(c: Customers) -> dict[str, np.ndarray]:
    """Everybody who is a customer now, in the order of uid: who, how they stood, and of which group (in one number).

    Arrays (customers,) by name, of `MONTH_ZERO`; `aum` in CNY.
    """
    rows = np.flatnonzero(c.state != CLOSED)
    rows = rows[np.argsort(c.uid[rows], kind="stable")]
    was = c.beside("month_zero", MONTH_ZERO, rows.size)
    for first in range(0, rows.size, PIECE):
        some = rows[first : first + PIECE]
        tier, uplift = c.tier[some], c.uplift_class[some]
        age = np.searchsorted(AGE_BARS, c.age[some], side="right")
        affinity = np.searchsorted(AFFINITY_BARS, c.affinity[some], side="right")
        group = (tier.astype(np.int64) * len(AGE_BANDS) + age) * len(AFFINITIES) + affinity
        found = {"tier": tier, "group": group * len(UPLIFT_CLASSES) + uplift, "active": c.state[some] == ACTIVE}
        for name, array in was.items():
            array[first : first + some.size] = found[name] if name in found else getattr(c, name)[some]
    return was


def kept(
    was: Mapping[str, np.ndarray], c: Customers, tiers: int, each: Each, elsewhere: Mapping[str, np.ndarray]
) -> np.ndarray:
    """Those who were active in month 0, and those of them who are active now, by what they had then.

    int64 (2, 2, tiers): customers, and their AUM of month 0, in units of the sums. `each` shares out the rows of `c`,
    `elsewhere` are those who live in other shards now.
    """
    then = was["uid"], was["active"], was["tier"], was["weight"], was["aum"]

    def still(first: int, last: int) -> np.ndarray:
        sums = np.zeros((2, tiers), np.int64)
        count_kept(c.uid, c.state, first, last, *then, sums)
        return sums

    both = np.zeros((2, 2, tiers), np.int64)
    count_active(*then[1:], both[0])
    both[1] = sum(each(still))
    count_kept(elsewhere["uid"], elsewhere["state"], 0, elsewhere["uid"].size, *then, both[1])
    return both


def fates(was: Mapping[str, np.ndarray], c: Customers, each: Each, elsewhere: Mapping[str, np.ndarray]) -> np.ndarray:
    """What has become of each of them, int8 (customers,).

    The first that holds of closed, dormant, opted out, moved, kept. `each` shares out the rows of `c`, `elsewhere` are
    those who live in other shards now.
    """
    found = np.full(was["uid"].size, GONE, np.int8)
    then = was["uid"], was["tier"], was["opted_out"]
    each(lambda first, last: find_fates(c.uid, c.state, c.tier, c.opted_out, first, last, *then, found))
    moved = (elsewhere[name] for name in ("uid", "state", "tier", "opted_out"))
    find_fates(*moved, 0, elsewhere["uid"].size, *then, found)
    return found


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
