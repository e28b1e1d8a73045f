"""All that an analysis of a sweep finds, computed once, then written as tables, figures, page and text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.analysis.discovery import Discovery, discover
from sim.analysis.effects import Effect, Luck, by_importance, effects, luck
from sim.analysis.indices import Indices, indices, refusal
from sim.analysis.interactions import Split, interactions
from sim.analysis.regret import Regret, regret
from sim.analysis.study import Outcome, Study, Sweep, concerns


@dataclass(frozen=True)
class Finding:
    """One KPI of one arm: what drives it, together and alone, and how much of it is luck."""

    outcome: Outcome
    effects: list[Effect]
    split: Split
    luck: Luck
    indices: list[Indices]

    @property
    def drivers(self) -> list[Effect]:
        """Parameters that can touch the arm, the most important first: by total index where there are indices."""
        own = [one for one in by_importance(self.effects) if concerns(one.factor, self.outcome.arm)]
        made = self.made_for
        if made is None:
            return own
        weight = dict(zip(made.paths, np.nan_to_num(made.total).tolist(), strict=True))
        return sorted(own, key=lambda one: -weight.get(one.factor.path, -1.0))

    @property
    def made_for(self) -> Indices | None:
        """Sobol' or Morris indices over all parameters; those over a part of a crossed sweep do not compare with it."""
        return next((one for one in self.indices if one.over == "all" and one.method != "given data"), None)

    def weight(self, one: Effect, index: str = "S1") -> float:
        """Share of the variance that a parameter is told to explain: its Sobol' index, or the share by level means.

        NaN after Morris, whose trajectories are for effects; for "ST", NaN without Sobol' indices; NaN where the
        samples are too few.
        """
        made = self.made_for
        if made is None:
            return one.share if index == "S1" else np.nan
        place = made.paths.index(one.factor.path) if one.factor.path in made.paths else -1
        if index not in made.values or place < 0 or made.too_few(index)[place]:
            return np.nan
        return float(made.values[index][place])

    def half(self, one: Effect, index: str = "S1") -> float:
        """Half the 95 % interval of that share; NaN where there is none."""
        made = self.made_for
        if made is None or one.factor.path not in made.paths or index not in made.conf:
            return np.nan
        return float(made.conf[index][made.paths.index(one.factor.path)])

    def too_few(self, one: Effect) -> bool:
        """True if the samples are too few for the index that a parameter is judged by."""
        made = self.made_for
        if made is None or one.factor.path not in made.paths:
            return False
        key = "ST" if made.method == "sobol" else "mu_star"
        return bool(made.too_few(key)[made.paths.index(one.factor.path)])

    def tells(self, one: Effect) -> bool:
        """True if a parameter clearly matters: its index is above its half-width and not of too few samples, or else
        its means differ clearly."""
        made = self.made_for
        if made is None or one.factor.path not in made.paths:
            return one.clear
        key, place = ("ST" if made.method == "sobol" else "mu_star"), made.paths.index(one.factor.path)
        return bool(made.values[key][place] > made.conf[key][place]) and not self.too_few(one)

    @property
    def rival(self) -> Effect | None:
        """A parameter that may matter more than the first one told: its index is larger, of too few samples."""
        first = next((one for one in self.drivers if self.tells(one) or self.too_few(one)), None)
        return first if first is not None and self.too_few(first) else None

    @property
    def few_samples(self) -> bool:
        """True if no parameter is told because the samples of the design are too few for any."""
        own = self.drivers
        return any(map(self.too_few, own)) and not any(map(self.tells, own))


@dataclass(frozen=True)
class Findings:
    """Everything about a sweep; `kpi` is what decisions are judged by, the first of those analysed."""

    study: Study
    by: dict[tuple[str, str], Finding]
    regrets: dict[str, Regret]
    discoveries: dict[str, Discovery]
    refused: str
    threshold: float

    @property
    def kpi(self) -> str:
        """The KPI that decides."""
        return self.study.kpis[0]

    def of(self, arm: str, kpi: str | None = None) -> Finding:
        """An arm's finding; of the deciding KPI unless another is named."""
        return self.by[arm, kpi or self.kpi]

    @property
    def judged(self) -> bool:
        """True if arms pay or not: there is a reference, and the deciding KPI has a better side."""
        return not self.study.one_arm and self.of(self.study.compared[0]).outcome.better != 0

    def pays(self, arm: str) -> float:
        """Share of the known points where an arm beats the threshold; NaN where that is no question."""
        found = self.discoveries.get(arm)
        return 1.0 - found.rate if found is not None else math.nan


def find(
    sweep: Sweep, kpis: Sequence[str] | None = None, arms: Sequence[str] | None = None, threshold: float = 0.0
) -> Findings:
    """Analyse a stored sweep, finished or not; indices that need a complete design are left out with the reason."""
    study = Study(sweep, kpis, arms)
    outcomes = {(arm, kpi): study.outcome(arm, kpi) for arm in study.compared for kpi in study.kpis}
    refused = refusal(study, list(outcomes.values()))
    by = {
        key: Finding(
            one,
            effects(study, one),
            interactions(study, one),
            luck(one),
            [] if refused or not one.known.any() else list(indices(study, one, pairs=key[1] == study.kpis[0])),
        )
        for key, one in outcomes.items()
    }
    regrets = {
        kpi: found for kpi in study.kpis if (found := regret(study, kpi, threshold if kpi == study.kpis[0] else 0.0))
    }
    decides = study.kpis[0]
    judged = not study.one_arm and next(iter(outcomes.values())).better != 0
    discoveries = {
        arm: discover(study, outcomes[arm, decides], threshold)
        for arm in study.compared
        if judged and outcomes[arm, decides].known.any()
    }
    return Findings(study, by, regrets, discoveries, refused, threshold)
