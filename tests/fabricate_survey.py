"""Answers to a questionnaire whose truth is known: constructs that go together, careless and silent people, weights."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sim.survey.instrument import Instrument
from sim.survey.instrument.reading import read_instrument
from sim.survey.sheets import Sheets

COMMON = 0.5  # correlation of any two constructs
SHIFT = {"reliability": -0.5, "tangibles": 0.4, "expected": 0.9, "loyalty": 0.1}  # means, SD


def answers(
    n: int = 500, *, seed: int = 1, name: str = "customers", careless: float = 0.08, weights: bool = True
) -> Sheets:
    """Sheets of a shipped instrument: one factor over all constructs, loadings as the instrument says.

    The young (`age_band`) say one SD more of the app and are asked half as often; `careless` of the sheets give one
    answer everywhere; 3 % of answers are missing.
    """
    instrument = read_instrument(name)
    rng = np.random.default_rng(seed)
    table = _people(instrument, n, rng)
    young = table["age_band"] == "under_30" if "age_band" in table else pd.Series(np.zeros(n, bool))
    whole = rng.standard_normal(n)
    against = {"switching": -1.0, "privacy": -1.0}
    latent = {
        construct: against.get(construct, 1.0) * np.sqrt(COMMON) * whole
        + np.sqrt(1 - COMMON) * rng.standard_normal(n)
        + SHIFT.get(construct, 0.0)
        + (construct == "app") * young.to_numpy(float)
        for construct in instrument.constructs
    }
    silly = rng.random(n) < careless
    for item in instrument.items:
        scale = instrument.scale_of(item.code)
        cuts = scale.thresholds or [-1.8, -1.0, 0.0, 1.1]
        own = latent[item.measures] if item.measures else whole
        y = item.loading * own + np.sqrt(1 - item.loading**2) * rng.standard_normal(n)
        given = scale.first + np.searchsorted(cuts, -y if item.reversed else y).astype(float)
        given[silly] = scale.first + 3
        given[rng.random(n) < 0.03] = np.nan
        for other, allowed in item.asked_if.items():
            given[~table[other].isin([str(one) for one in allowed]).to_numpy()] = np.nan
        table[item.code] = given
    table.insert(0, "sheet", [f"s{place}" for place in range(1, n + 1)])
    if weights:
        table.insert(1, "weight", np.where(young, 2.0, 1.0))
    return Sheets(instrument, table, "answers.csv")


def _people(instrument: Instrument, n: int, rng: np.random.Generator) -> pd.DataFrame:
    words = {
        one.code: rng.choice(list(one.choices), n) if one.choices else rng.integers(1, 5, n).astype(str)
        for one in instrument.demographics
    }
    return pd.DataFrame(words)
