"""Who is left unserved: of the customers whom somebody meant to contact, how many were lost where."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from sim.codes import AGES, APP_USE, REACH
from sim.measures.evidence import customers_per_row

if TYPE_CHECKING:
    import pandas as pd

    from sim.store.run_reading import Run

# Wishes that are told together: what strategies ask of managers, what managers owe anyway, what campaigns do.
KINDS = {
    "asked": ("offer", "retention", "lead"),
    "due": ("due",),
    "campaigns": ("campaign", "campaign_retention", "win_back"),
}
GROUPS = {"age": AGES, "app": APP_USE}
UNSERVED = REACH[:5]  # nobody spoke to them; whoever declined was served
COUNTED = ("customers", "aum", "share", "events")
FUNNEL = ("arm", "kind", "group", "end", *COUNTED)


def funnel(
    reach: pd.DataFrame,
    arms: Sequence[str],
    tiers: Sequence[str],
    months: int,
    seeds: int,
    per_row: Sequence[float] | None = None,
) -> pd.DataFrame:
    """Wishes a year by what became of them, mean over seeds: a row an arm, kind of wish, group and end.

    Groups are "all", the tiers, `AGES` and `APP_USE`, in this order. `customers` are customer-months, `aum` what these
    customers have, `share` the part of all wishes of the row's arm, kind and group; `events` are the simulated wishes
    behind the row, all seeds together (`per_row`: customers that a simulated row stands for, by tier). What nobody
    wished for has no rows.
    """
    import pandas as pd

    kind = reach["wish"].map({wish: kind for kind, wishes in KINDS.items() for wish in wishes})
    rows = reach["tier"].map(dict(zip(tiers, per_row or [1.0] * len(tiers), strict=True))).to_numpy(dtype=float)
    table = reach.assign(kind=kind, events=reach["customers"] / rows)
    places = [("all", None), *((tier, "tier") for tier in tiers)]
    places += [(value, column) for column, values in GROUPS.items() for value in values]
    parts = []
    for group, column in places:
        own = table if column is None else table[table[column].astype(str) == group]
        sums = own.groupby(["arm", "kind", "end"], sort=False)[["customers", "aum", "events"]].sum()
        parts.append(sums.reset_index().assign(group=group))
    found = pd.concat(parts, ignore_index=True)
    found[["customers", "aum"]] *= 12.0 / months / max(seeds, 1)
    found["share"] = found["customers"] / found.groupby(["arm", "kind", "group"])["customers"].transform("sum")
    orders = {"arm": arms, "kind": KINDS, "group": [name for name, _ in places], "end": REACH}
    ranks = [pd.Index(list(order)).get_indexer(pd.Index(found[column])) for column, order in orders.items()]
    return found.iloc[np.lexsort(ranks[::-1])].reset_index(drop=True)[list(FUNNEL)]


def funnel_of(run: Run) -> pd.DataFrame | None:
    """`funnel` of a stored run; None of one that did not count wishes, or had none."""
    reach = getattr(run, "reach", None)  # tables in memory may lack it
    if reach is None or reach.empty:
        return None
    manifest = run.manifest
    lived = len({int(seed) for seed in reach["seed"].unique()})
    rows = customers_per_row(run)
    return funnel(reach, manifest["arms"], manifest["tiers"], manifest["months"], lived, rows)
