"""What it would be worth to know, asked from the page: the setting lived in worlds, each with its own beliefs.

Worlds are those of `beliefs:` in a scenario, small banks with two seeds each, whose luck is measured and taken off.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.errors import RunFailed
from sim.experiments.beliefs import Worlds
from sim.experiments.design.plan import Unit
from sim.experiments.design.worlds import plan_worlds
from sim.page.pair import Cancelled
from sim.page.runner import words_of
from sim.page.setting import Desk, Setting

if TYPE_CHECKING:
    from sim.analysis.worth import Worth

WORLDS = 64
AGENTS = 2_000  # rows of a world's bank
SEEDS = 2  # of a world


@dataclass(frozen=True)
class Known:
    """What was found: the tables of `sim.analysis.worth`, and how many worlds they are from."""

    worth: Worth
    worlds: int

    @property
    def shares(self) -> Mapping[str, float]:
        """By name of an assumption, those that matter most first, what knowing it is worth, as a share of knowing all.

        0 of those that cannot be told from chance.
        """
        return shares_of(self.worth)


def shares_of(worth: Worth) -> Mapping[str, float]:
    """The same of any such tables."""
    parts = worth.parts
    return {str(name): float(share * clear) for name, share, clear in parts[["parameter", "share", "clear"]].to_numpy()}


class Study:
    """Worlds lived in a thread of their own; `status` is running, done, cancelled or failed."""

    def __init__(self, desk: Desk, setting: Setting, *, worlds: int = WORLDS, agents: int = AGENTS):
        self.desk, self.setting, self.worlds, self.agents = desk, setting, worlds, agents
        self.status, self.error, self.done, self.total = "running", "", 0, worlds * SEEDS
        self.known: Known | None = None
        self.version = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, daemon=True, name="page-worth")

    def start(self) -> Study:
        self._thread.start()
        return self

    def cancel(self) -> None:
        """Leave it after the world that is being lived."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> None:
        """Until it has ended."""
        self._thread.join(seconds)

    def _live(self) -> None:
        try:
            self.known = self._found()
            self._is("done")
        except Cancelled:
            self._is("cancelled")
        except Exception as error:
            self.error = words_of(error)
            self._is("failed")

    def _is(self, status: str) -> None:
        self.status = status
        self.version += 1

    def _found(self) -> Known:
        """Every world lived in both arms with the same seeds; the key figure is the one by which an arm pays."""
        import pandas as pd

        from sim.analysis.beliefs import deciding
        from sim.analysis.worth import luck_between, study

        beliefs = {"worlds": self.worlds, "agents": self.agents, "seeds": SEEDS}
        seeds = [self.setting.seed + number for number in range(SEEDS)]
        prepared = self.desk.prepared(self.setting, beliefs=beliefs, seeds=seeds)
        plan, points = plan_worlds(prepared)
        lives, drawn = Worlds(plan), points[1:]  # the first is the scenario's own
        rows = []
        for point in drawn:
            for seed in plan.seeds:
                if self._stop.is_set():
                    raise Cancelled
                for row in lives.run(Unit(point, seed, "")):
                    rows.append({"world": point.number, "seed": seed, "arm": row["arm"], **row["kpis"]})
                self.done += 1
                self.version += 1
        table = pd.DataFrame(rows)
        kpi, arms = deciding(table, list(lives.kpis)), list(prepared.scenario.arms)
        values = table.pivot_table(index=["world", "seed"], columns="arm", values=kpi)[arms]
        means = values.groupby(level="world").mean()
        inputs = pd.DataFrame({point.number: dict(point.values) for point in drawn}).T.infer_objects().loc[means.index]
        found = study(inputs, means, noise=luck_between(values), horizon=float(prepared.scenario.months))
        if found is None:
            raise RunFailed(f"{len(means)} worlds came out, too few to say anything")
        return Known(found, len(means))
