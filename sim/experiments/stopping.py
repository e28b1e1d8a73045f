"""How many seeds are enough? A run takes them one after the other until its answer is as sure as was asked.

The rule is a fixed function of the results of the seeds so far, in their order: it is asked after each whole seed from
`min` on and stops at the first that will do. So it stops at the same seed whatever the threads, resumed or not, and a
rerun stops there too. Looking again and again makes it likelier to stop when the spread happens to look small, so the
95 % interval of a run that stopped by itself covers a little less than 95 % (docs/readings.md says how much).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.experiments.callbacks import Callback
from sim.scenario.scenario import Scenario, SeedsUntil
from sim.store.run_folder import ResultsFolder

if TYPE_CHECKING:
    import pandas as pd

TABLES = ("monthly", "bank", "transitions")  # what KPIs are made of


@dataclass(frozen=True)
class Judgement:
    """After so many seeds: whether that is enough, the widest half-width (NaN: none known), and seeds it may take."""

    enough: bool
    reached: float = math.nan
    expected: float = math.nan


def judge(values: np.ndarray, wanted: float, least: int) -> Judgement:
    """Whether the half-width of every arm's paired difference to the first is at most `wanted`.

    `values` (arms, seeds) holds one KPI, NaN where a run failed or has no figure; with one arm, the half-width is of
    its mean. Pairs count, so an arm needs `least` of them. An arm without a single pair holds nobody up; if there is
    no pair at all after `least` seeds, more of them would not help: that is enough, too.
    """
    from sim.measures.compare import paired
    from sim.measures.intervals import half_width
    from sim.measures.precision import seeds_for

    arms, seeds = values.shape
    base = values[:1] if arms > 1 else np.zeros((1, seeds))
    pairs, _, variance, _ = paired(values[1:] if arms > 1 else values, np.broadcast_to(base, (max(arms - 1, 1), seeds)))
    if seeds < least or not pairs.any():
        return Judgement(enough=seeds >= least)
    known = pairs > 0
    half = half_width(variance, pairs)[known]
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = seeds_for(wanted / np.sqrt(variance[known]))
    enough = bool(np.all(pairs[known] >= least) and np.all(half <= wanted))  # NaN is not narrow
    return Judgement(enough, float(half.max()), float(expected.max()))


class Seeds:
    """The seeds of a run in order, given out one at a time; `used` are those given out.

    Under a list or a range, all of them. Under `until`, the next only once the runs of all before are stored in the
    folder (or have failed) and do not suffice. Of a folder that is done already, those it used.
    """

    def __init__(self, scenario: Scenario, folder: ResultsFolder, callback: Callback):
        self._folder, self._callback = folder, callback
        self._arms = [arm.name for arm in scenario.arm_list]
        self._tiers, self._discount = [tier.name for tier in scenario.tier_list], scenario.discount_rate
        self._plan = sorted(folder.manifest["seeds"])
        self._goal = scenario.seeds if isinstance(scenario.seeds, SeedsUntil) and folder.status != "done" else None
        self._stored = folder.finished()
        self._values: list[np.ndarray] = []
        self._last = Judgement(enough=False)
        self.used: list[int] = []

    def __iter__(self) -> Iterator[int]:
        for seed in self._plan:
            self.used.append(seed)
            yield seed
            if self._goal is not None and self._enough(self._goal, seed):
                return

    @property
    def runs_expected(self) -> int:
        """Runs not stored at the beginning, of all seeds that will be used as far as is known."""
        if self._goal is None:
            return self._missing(len(self._plan))
        expected = self._last.expected if math.isfinite(self._last.expected) else 0.0
        more = 0 if self._last.enough else 1
        return self._missing(int(min(max(expected, len(self.used) + more, self._goal.least), self._goal.most)))

    def _missing(self, seeds: int) -> int:
        return sum((arm, seed) not in self._stored for seed in self._plan[:seeds] for arm in self._arms)

    def facts(self) -> dict[str, Any]:
        """What the manifest says: the seeds used and, under `until`, what was wanted and what was reached."""
        if self._goal is None:
            return {}
        goal, reached = self._goal.until, self._last.reached
        return {
            "seeds": list(self.used),
            "stopping": {
                "kpi": goal.kpi,
                "half_width": goal.half_width,
                "reached": reached,
                "met": reached <= goal.half_width,
                "seeds": len(self.used),
                "min": self._goal.least,
                "max": self._goal.most,
                "limit_hit": not self._last.enough,
            },
        }

    def _enough(self, goal: SeedsUntil, seed: int) -> bool:
        self._values.append(self._figures(goal.until.kpi, seed))
        self._last = judge(np.stack(self._values, axis=1), goal.until.half_width, goal.least)
        self._callback.expect(self.runs_expected)
        return self._last.enough

    def _figures(self, kpi: str, seed: int) -> np.ndarray:
        """The KPI of each arm on this seed, NaN for a run that failed."""
        import pandas as pd

        from sim.measures.kpis import run_kpis

        found = {arm: self._folder.stored(arm, seed, TABLES) for arm in self._arms}
        runs = [tables for tables in found.values() if tables is not None]
        if not runs:
            return np.full(len(self._arms), np.nan)
        tables = {name: pd.concat([run[name] for run in runs], ignore_index=True) for name in TABLES}
        table = run_kpis(tables, tiers=self._tiers, discount_rate=self._discount)
        return _by_arm(table[table["kpi"] == kpi], self._arms)


def _by_arm(table: pd.DataFrame, arms: list[str]) -> np.ndarray:
    return table.set_index("arm")["value"].reindex(arms).to_numpy(dtype=float)
