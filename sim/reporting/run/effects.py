"""True effects in a terminal: what each arm does to the customers of month 0, and what a bank would have guessed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from sim.phrases import spoken
from sim.reporting.run.terminal import aligned

HEAD = ("arm", "outcome", "true effect", "naive difference", "better off", "worse off")
UNITS = {"active": ("active at the end", "pp", 100.0), "aum": ("AUM", "", 1.0), "profit": ("profit", "", 1.0)}


def effects_table(table: pd.DataFrame, facts: Mapping[str, Any]) -> str:
    """A row an arm and outcome: the mean true effect, and the difference of means of those who were given it."""
    reference, *arms = facts["arms"]
    rows = []
    size = table["weight"].to_numpy()
    for arm in arms:
        for outcome, (name, unit, scale) in UNITS.items():
            effect = table[f"truth.effect.{outcome}[{arm}]"].to_numpy()
            share = [float(size[side].sum() / size.sum()) for side in (effect > 0, effect < 0)]
            shown = [
                f"{scale * value:+,.2f} {unit or facts['currency']}"
                for value in (float(np.average(effect, weights=size)), naive(table, outcome, arm, reference))
            ]
            rows.append((spoken(arm), name, *shown, *(f"{100 * part:.1f} %" for part in share)))
    rule = facts["rule"]["kind"]
    note = f"a customer, mean over {len(table):,} of month 0, against {spoken(reference)}; given arms by a {rule} rule"
    lines = aligned([HEAD], rows, left=(0, 1))
    return "\n".join([*lines, "", note])


def naive(table: pd.DataFrame, outcome: str, arm: str, reference: str) -> float:
    """Mean observed outcome of who was given the arm, less that of who was given the reference; NaN without either."""
    means = []
    for name in (arm, reference):
        own = table[table["arm"] == name]
        if not len(own):
            return float("nan")
        means.append(float(np.average(own[f"outcome.{outcome}"], weights=own["weight"])))
    return means[0] - means[1]
