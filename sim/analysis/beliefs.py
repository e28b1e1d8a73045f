"""What arms come to over the worlds of a run's beliefs: who pays in how many, what is expected, what may be regretted.

Worlds are points of a sweep without levers, so a study reads them as it reads sweeps, and regret, the tree and what
drives an outcome are those of sweeps.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.analysis.discovery import Discovery, discover
from sim.analysis.effects import Effect, effects
from sim.analysis.regret import TIE, Regret, regret
from sim.analysis.study import Array, Study, unit_of
from sim.store.worlds import read_worlds

DECIDES = ("value", "npv")  # key figures that say what an arm is worth, the first that there is
OWN = 0  # the world of the scenario's own numbers
NORMAL = 1.959964  # of a 95 % interval


def deciding(rows: pd.DataFrame, kpis: Sequence[str]) -> str:
    """The key figure by which an arm pays: the first that any world has; in less than a year that is cash alone."""
    there = [kpi for kpi in DECIDES if kpi in kpis]
    return next((kpi for kpi in there if rows[kpi].notna().any()), there[-1])


@dataclass
class Drawn:
    """Worlds as a study reads a sweep: drawn ones are its points."""

    path: Path
    manifest: dict[str, Any]
    rows: pd.DataFrame
    arms: list[str]
    seeds: list[int]
    kpis: list[str]
    parameters: list[dict[str, Any]]
    status: str = "done"
    design: pd.DataFrame = field(init=False)
    tasks: pd.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        drawn = self.rows[self.rows["world"] != OWN]
        paths = [one["path"] for one in self.parameters]
        design = drawn.drop_duplicates("world")[["world", *paths]].reset_index(drop=True)
        self.design = design.assign(point=design["world"], lever=0)[["point", "lever", "world", *paths]]
        self.tasks = drawn.assign(point=drawn["world"], task=drawn["world"].astype(str), error="").reset_index(
            drop=True
        )


@dataclass(frozen=True)
class Worlds:
    """The worlds of a run, and what they say of its arms by the key figure that decides.

    `own` is the level of every arm (in their order) in the world of the scenario's own numbers, NaN where it broke.
    """

    study: Study
    kpi: str
    own: Array
    told: Mapping[str, Any]

    @property
    def unit(self) -> str:
        """Unit of the deciding key figure."""
        return unit_of(self.kpi, self.study.currency)

    @property
    def arms(self) -> list[str]:
        """Arms but the reference."""
        return self.study.compared

    @cached_property
    def regret(self) -> Regret | None:
        """Arms against worlds, those in which every arm has a result; None without any."""
        return regret(self.study, self.kpi)

    def discovery(self, arm: str) -> Discovery:
        """In which worlds an arm does not pay; `BadInput` where that takes a tree and scikit-learn is not there."""
        return discover(self.study, self.study.outcome(arm, self.kpi))

    def drivers(self, arm: str) -> list[Effect]:
        """What each belief by itself explains of an arm's difference, the strongest first."""
        return effects(self.study, self.study.outcome(arm, self.kpi))

    @cached_property
    def inputs(self) -> pd.DataFrame:
        """What was drawn, a row a world in which every arm has a result, a column a belief that differs."""
        points = self.study.points.iloc[self._known]
        return points[[factor.path for factor in self.study.factors]].reset_index(drop=True)

    @cached_property
    def values(self) -> pd.DataFrame:
        """What each arm is worth, the reference too; rows as in `inputs`."""
        known = self.regret
        levels = known.levels if known is not None else np.empty((len(self.study.arms), 0))
        return pd.DataFrame(dict(zip(self.study.arms, levels, strict=True)))

    @property
    def _known(self) -> np.ndarray:
        return self.regret.worlds if self.regret is not None else np.empty(0, np.int64)


def worlds_of(folder: Path, told: Mapping[str, Any], arms: Sequence[str]) -> Worlds:
    """The worlds of a run's folder; `told` is what its manifest says of them."""
    rows = read_worlds(Path(folder), told)
    kpis = [str(kpi) for kpi in told["kpis"]]
    kpi = deciding(rows, kpis)
    parameters = [dict(one) for one in told["parameters"]]
    manifest = {"name": "beliefs", "currency": told["currency"]}
    sweep = Drawn(Path(folder), manifest, rows, list(arms), list(told["seeds"]), kpis, parameters)
    own = rows[(rows["world"] == OWN) & (rows["status"] == "ok")].groupby("arm")[kpi].mean()
    return Worlds(Study(sweep, [kpi]), kpi, own.reindex(list(arms)).to_numpy(dtype=float), told)


def table_of(worlds: Worlds) -> pd.DataFrame:
    """beliefs.csv: a row an arm, the reference first."""
    found, arms = worlds.regret, worlds.study.arms
    if found is None:
        return pd.DataFrame({name: [] for name in ("arm", "kpi", "unit")})
    count = found.levels.shape[1]
    best = found.regret <= TIE * np.abs(found.levels).max(axis=0)
    best_in = np.bincount(best.argmax(axis=0), minlength=len(arms))
    rows = []
    for place, arm in enumerate(arms):
        gaps = found.differences[place] if place else np.full(count, np.nan)
        pays = int((gaps > 0).sum())
        low, high = wilson(pays, count) if place else (math.nan, math.nan)
        quantiles = np.quantile(gaps, [0.05, 0.5, 0.95]) if place else np.full(3, np.nan)
        rows.append(
            {
                "arm": arm,
                "kpi": worlds.kpi,
                "unit": worlds.unit,
                "worlds": count,
                "level": found.levels[place].mean(),
                "as_assumed": worlds.own[place] - worlds.own[0] if place else math.nan,
                "expected": gaps.mean(),
                "expected_se": gaps.std(ddof=1) / math.sqrt(count) if count > 1 else math.nan,
                "low": quantiles[0],
                "median": quantiles[1],
                "high": quantiles[2],
                "pays_in": pays,
                "share_pays": pays / count if place else math.nan,
                "share_low": low,
                "share_high": high,
                "best_in": int(best_in[place]),
                "mean_regret": found.mean[place],
                "max_regret": found.most[place],
                "worst_world": int(worlds.study.numbers[found.worlds[int(found.regret[place].argmax())]]),
            }
        )
    return pd.DataFrame(rows)


def wilson(count: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share that was seen `count` times `of` so many (Wilson): never beyond 0 and 1."""
    share, z2 = count / of, NORMAL**2
    middle = (share + z2 / (2 * of)) / (1 + z2 / of)
    half = NORMAL * math.sqrt(share * (1 - share) / of + z2 / (4 * of**2)) / (1 + z2 / of)
    return max(middle - half, 0.0), min(middle + half, 1.0)
