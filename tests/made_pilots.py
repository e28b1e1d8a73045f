"""Pilots made by the simulator: an A/B test of a bank whose numbers are known, as a bank's own file would hold it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.codes import ACTIVE
from sim.experiments.prepare import prepare_source
from sim.experiments.replication import Replication
from sim.kernel.looking import find_rows
from sim.yaml_source import loads


def made_pilot(bank: str, values: Mapping[str, Any], *, customers: int, seed: int, file: Path) -> pd.DataFrame:
    """Customers active at month 0, half of them by lot in each arm of the bank, a row each with what came of it.

    Each lives as in the bank that is whole under its arm. `values` are the truth, by path.
    """
    source = loads(bank).with_values({**values, "population.customers": customers, "seeds": [seed]})
    prepared = prepare_source(source)
    one = Replication(prepared, seed)
    parts = []
    for number, arm in enumerate(prepared.scenario.arm_list):
        with one.bank(arm) as lived:
            c = lived.customers
            there = np.flatnonzero(c.state == ACTIVE)
            there = there[np.argsort(c.uid[there])]
            uid = c.uid[there]
            lot = np.random.default_rng(seed).permutation(len(uid)) % 2 == number
            uid = uid[lot]
            lived.run(one.months, until=prepared.scenario.months)
            c = lived.customers
            mine = np.full(len(uid), -1)
            find_rows(c.uid, c.state, 0, len(c), uid, mine)  # rows are put in another order month by month
            stays = (mine >= 0) & (c.state[mine] == ACTIVE)
            digital = np.where(stays, c.adopted[mine].astype(float), np.nan)
            columns = {"customer": uid, "arm": "AB"[number], "active": stays.astype(int), "digital": digital}
            parts.append(pd.DataFrame(columns))
    table = pd.concat(parts, ignore_index=True)
    table.to_csv(file, index=False)
    return table
