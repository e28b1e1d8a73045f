"""Which part of a bundle does it: the Shapley value of each strategy of an arm, with the same luck in every coalition.

Every coalition of the arm's strategies lives with each seed from the same burn-in (`sim.experiments.coalitions`); it is
worth its key figure less that of doing nothing, seed by seed. Exact over all coalitions up to seven members. Beyond,
orders of joining are sampled, other ones for each seed, so that the interval over seeds holds the error of sampling.
"""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput, Mistake, RunFailed
from sim.experiments import shapley
from sim.experiments.callbacks import Callback
from sim.experiments.coalitions import NOBODY, Coalition, Coalitions
from sim.experiments.executors.dispatch import drive
from sim.experiments.executors.here import HERE
from sim.experiments.executors.place import Where
from sim.experiments.prepared import Prepared
from sim.experiments.provenance import code_version
from sim.experiments.replication import Replication
from sim.scenario.scenario import Arm, Scenario
from sim.store.tables import ATTRIBUTION_COLUMNS
from sim.yaml_source import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from sim.strategies.base import Strategy

DEFAULT_KPIS = ("retention", "aum_end", "npv", "value")
DEFAULT_SEEDS = 10
PARTS_EACH = 4  # parts of the last seeds for each worker
ORDERS = 16  # sampled orders of joining a seed, where members are too many for all coalitions


@dataclass(frozen=True)
class Question:
    """What is asked: the bundle's members by name, the key figures, and how the bank is simulated."""

    prepared: Prepared
    arm: str
    kpis: tuple[str, ...]

    @property
    def scenario(self) -> Scenario:
        return self.prepared.scenario

    @property
    def members(self) -> list[str]:
        return [strategy.use for strategy in self.bundle.strategies if strategy.intensity > 0]

    @property
    def coalitions(self) -> int:
        """How many coalitions live with each seed, at most."""
        n = len(self.members)
        return 2**n if n <= shapley.MOST_EXACT else ORDERS * (n - 1) + 2

    @property
    def bundle(self) -> Arm:
        return next(arm for arm in self.scenario.arm_list if arm.name == self.arm)


def question(prepared: Prepared, arm: str, kpis: Sequence[str] | None = None) -> Question:
    """Check what is asked; `BadInput` names an unknown arm or key figure, or an arm with nothing to take apart."""
    from sim.measures.catalogue import AGAINST_REFERENCE, KPIS, base_name

    s, mistakes = prepared.scenario, []
    wanted = tuple(dict.fromkeys(kpis or DEFAULT_KPIS))
    if arm not in s.arms:
        mistakes.append(Mistake("--arm", 0, 0, "", f"unknown arm {arm!r}; arms are {', '.join(s.arms)}"))
    elif len(Question(prepared, arm, wanted).members) < 2:
        mistakes.append(Mistake("--arm", 0, 0, "", f"{arm} has fewer than two strategies; nothing to take apart"))
    tiers = [tier.name for tier in s.tier_list]
    for kpi in wanted:
        base, scope = base_name(kpi), kpi[len(base_name(kpi)) :].strip("[]")
        if base not in KPIS:
            right = did_you_mean(base, sorted(KPIS), all_if_none="one of")
            mistakes.append(Mistake("--kpis", 0, 0, "", f"unknown KPI {kpi!r}; {right}"))
        elif base in AGAINST_REFERENCE:
            what = f"{base} compares an arm with the reference; parts of it mean nothing"
            mistakes.append(Mistake("--kpis", 0, 0, "", what))
        elif scope and scope not in (*tiers, "aum"):
            mistakes.append(Mistake("--kpis", 0, 0, "", f"unknown tier in {kpi!r}; tiers are {', '.join(tiers)}"))
    if mistakes:
        raise BadInput(mistakes)
    return Question(prepared, arm, wanted)


# --- one seed -----------------------------------------------------------------------------------------------------


def wanted(asked: Question, seed: int) -> list[Coalition]:
    """The coalitions that live with a seed: all, or those met in its sampled orders, each member alone, all but it."""
    members = asked.members
    if len(members) <= shapley.MOST_EXACT:
        return list(shapley.coalitions(members))
    everybody = frozenset(members)
    found = {coalition for order in _orders(asked, seed) for coalition in shapley.needed(order)}
    found |= {frozenset({m}) for m in members} | {everybody - {m} for m in members}
    return sorted(found, key=lambda coalition: (len(coalition), sorted(coalition)))


def _orders(asked: Question, seed: int) -> list[tuple[str, ...]]:
    return shapley.orders(asked.members, ORDERS, seed)


def worth(asked: Question, figures: Mapping[Coalition, np.ndarray], seed: int) -> np.ndarray:
    """For one seed, float64 (key figures, members, 4): Shapley value, alone, last, whole.

    `figures` are those of every wanted coalition, float64 (key figures,) each.
    """
    members = asked.members
    everybody = frozenset(members)
    out = []
    for place in range(len(asked.kpis)):

        def value(coalition: Coalition, place: int = place) -> float:
            return float(figures[coalition][place] - figures[NOBODY][place])

        exact = len(members) <= shapley.MOST_EXACT
        parts = shapley.exact(members, value) if exact else shapley.sampled(members, value, _orders(asked, seed))
        alone = [value(frozenset({m})) for m in members]
        last = [value(everybody) - value(everybody - {m}) for m in members]
        out.append(np.stack([parts, alone, last, np.full(len(members), value(everybody))], axis=1))
    return np.stack(out)


# --- all seeds ----------------------------------------------------------------------------------------------------

Part = tuple[int, int, int]  # a seed, and which of how many parts of its coalitions


def parts(seeds: Sequence[int], workers: int) -> list[Part]:
    """What is handed out: seeds whole, so that a burn-in is lived once, and those of the last round in parts.

    So workers end together, and many of them share a few seeds.
    """
    whole = max(len(seeds) // workers - 1, 0) * workers
    last = seeds[whole:]
    each = -(-PARTS_EACH * workers // len(last)) if workers > 1 else 1
    return [(seed, 0, 1) for seed in seeds[:whole]] + [(seed, part, each) for seed in last for part in range(each)]


@dataclass(frozen=True)
class PartsJob:
    """What a worker needs to live coalitions: the question, pickled, and the plug-ins its strategies come from."""

    asked: bytes
    plugins: tuple[str, ...] = ()

    def do(self, items: Sequence[Part]) -> dict[str, Any]:
        """Live these parts; the receipt brings the coalitions' key figures."""
        began = perf_counter()
        found = {item: _bench(self).figures(*item) for item in items}
        return {"units": len(items), "seconds": perf_counter() - began, "found": found}

    def crash(self, item: Part, reason: str) -> str:
        """A seed that no worker could answer for is named by whoever drives."""
        return reason


class Bench:
    """What all parts share: the question, where customers come from, and the seed that was last lived."""

    def __init__(self, asked: Question):
        self.asked, self.source = asked, asked.prepared.customers()
        self.last: Coalitions | None = None
        self.months = 0  # lived so far

    def figures(self, seed: int, part: int, of: int) -> dict[Coalition, np.ndarray]:
        """Key figures, float64 (kpis,), of one of so many parts of the seed's coalitions."""
        if self.last is None or self.last.one.seed != seed:
            self.last = self._coalitions(seed)
        mine = self.last.in_order(wanted(self.asked, seed))
        return self.last.figures(mine[len(mine) * part // of : len(mine) * (part + 1) // of], self.asked.kpis)

    def _coalitions(self, seed: int) -> Coalitions:
        bundle = self.asked.bundle
        one = Replication(self.asked.prepared, seed, source=self.source, months=self._count)
        strategies: Sequence[Strategy] = bundle.strategies
        if bundle.budget is not None:  # intensities as the whole bundle has them under its budget
            with one.bank(bundle) as whole:
                whole.begin_measuring()
                assert whole.programme is not None
                strategies = whole.programme.strategies
        by_name = {strategy.use: strategy for strategy in strategies}  # without those that no budget is left for
        return Coalitions(one, {member: by_name[member] for member in self.asked.members if member in by_name})

    def _count(self, rows: int) -> None:
        self.months += 1


_benches: dict[PartsJob, Bench] = {}  # of a worker process: the one that it works at


def _bench(job: PartsJob) -> Bench:
    if job not in _benches:
        from sim.strategies import load_plugins

        load_plugins(job.plugins)  # before a scenario that uses them is read
        asked: Question = pickle.loads(job.asked)  # our own words from the process that started us, never a file
        _benches.clear()
        _benches[job] = Bench(asked)
    return _benches[job]


class _Gathering(Callback):
    """Keeps the key figures of seeds until all their parts are there, and tells how many are whole."""

    def __init__(self, items: Sequence[Part], on_progress: Callable[[int, int], None] | None):
        self.missing, self.on_progress = set(items), on_progress
        self.seeds = self._open()
        self.figures: dict[int, dict[Coalition, np.ndarray]] = defaultdict(dict)

    def chunk(self, receipt: dict[str, Any]) -> None:
        before = self._open()
        for (seed, *_), figures in receipt["found"].items():
            self.figures[seed] |= figures
        self.missing -= receipt["found"].keys()
        if self.on_progress is not None and self._open() < before:
            self.on_progress(self.seeds - self._open(), self.seeds)

    def crashed(self, item: Any, reason: str) -> None:
        raise RunFailed(f"seed {item[0]}: {reason}")

    def _open(self) -> int:
        """Seeds that lack a part."""
        return len({seed for seed, *_ in self.missing})


def attribute(
    asked: Question,
    *,
    where: Where = HERE,
    plugins: Sequence[str] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """The table of attribution.csv; `on_progress` is called with (seeds done, seeds in all).

    Coalitions share out over workers, if any. Intervals are Student's t at 95 % over seeds; the parts of each seed add
    up to its whole, so their means do.
    """
    seeds = asked.scenario.seed_list
    items = parts(seeds, max(where.workers, 1))
    gathering = _Gathering(items, on_progress)
    job = PartsJob(pickle.dumps(asked), tuple(plugins))
    if where.here:
        for item in items:
            gathering.chunk(job.do([item]))
        _benches.clear()  # a worker's goes with it
    else:
        drive(job, items, where, gathering)
    return _table(asked, [worth(asked, gathering.figures[seed], seed) for seed in seeds])


def _table(asked: Question, found: Sequence[np.ndarray]) -> pd.DataFrame:
    import pandas as pd

    from sim.measures.catalogue import KPIS, base_name
    from sim.measures.intervals import t_quantile

    members, n = asked.members, len(found)
    exact = len(members) <= shapley.MOST_EXACT
    rows = []
    for place, kpi in enumerate(asked.kpis):
        values = np.stack([one[place] for one in found])  # (seeds, members, 4)
        mean = values.mean(axis=0)
        spread = values[:, :, 0].std(axis=0, ddof=1) if n > 1 else np.full(len(members), np.nan)
        half = t_quantile(n) * spread / np.sqrt(n)
        for i, member in enumerate(members):
            value, alone, last, whole = mean[i]
            rows.append(
                (
                    kpi,
                    KPIS[base_name(kpi)].unit_in(asked.scenario.currency),
                    member,
                    value,
                    value - half[i],
                    value + half[i],
                    alone,
                    last,
                    value - alone,
                    whole,
                    n,
                    2 ** len(members) if exact else ORDERS * n,
                )
            )
    return pd.DataFrame(rows, columns=list(ATTRIBUTION_COLUMNS))


def smaller(prepared: Prepared, agents: int) -> Prepared:
    """The same question of fewer simulated rows (a book keeps its own)."""
    population = prepared.scenario.population
    if population.source != "synthetic" or agents >= (population.customers or 1_000_000):
        return prepared
    fewer = population.model_copy(update={"agents": agents})
    return replace(prepared, scenario=prepared.scenario.model_copy(update={"population": fewer}))


# --- where it goes ------------------------------------------------------------------------------------------------


def where_to(asked: Question, out: Path | None, into: Path | None) -> Path:
    """The folder of the table, known to be usable before anything is computed.

    `into` a stored run of the same scenario name and currency that has the arm; else `out`, new or empty; else a new
    folder under results/.
    """
    from sim.store.run_reading import read

    if into is not None:
        run = read(into)
        if asked.arm not in run.arms or run.manifest["name"] != asked.scenario.name:
            here = f"a run of {run.manifest['name']} with arms {', '.join(run.arms)}"
            raise BadInput.at(str(into), f"{here}; a run of {asked.scenario.name} that has {asked.arm}")
        return into
    if out is not None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise BadInput.at(str(out), "is not empty; a new folder, or --into a results folder")
        return out
    now = datetime.now(UTC)
    return Path("results") / asked.scenario.name / f"{now:%Y%m%dT%H%M%SZ}-{asked.prepared.digest[:8]}-{asked.arm}"


def facts_of(asked: Question) -> dict[str, Any]:
    """What attribution.json says of the question."""
    return {
        "arm": asked.arm,
        "members": asked.members,
        "kpis": list(asked.kpis),
        "seeds": asked.scenario.seed_list,
        "coalitions": asked.coalitions,
        "scenario_digest": asked.scenario.digest(),
        "code_version": code_version(),
    }
