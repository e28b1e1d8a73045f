"""Which part of a bundle does it: the Shapley value of each strategy of an arm, with the same luck in every coalition.

Every coalition of the arm's strategies lives with each seed from the same burn-in; a coalition is worth its key figure
less that of doing nothing, seed by seed. Exact over all coalitions up to seven members. Beyond, orders of joining are
sampled, other ones for each seed, so that the interval over seeds holds the error of sampling too.
"""

from __future__ import annotations

import pickle
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

    from sim.population.synthetic import Source

DEFAULT_KPIS = ("retention", "aum_end", "npv", "value")
DEFAULT_SEEDS = 10
NOTHING, JOINED = "nothing", "joined"  # the arms that are compared
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


def worth(asked: Question, source: Source, seed: int) -> dict[str, np.ndarray]:
    """By key figure, for one seed, float64 (members, 4): Shapley value, alone, last, whole."""
    members = asked.members
    one = Replication(asked.prepared, seed, source=source)
    strategies = {strategy.use: strategy for strategy in asked.bundle.strategies}
    if asked.bundle.budget is not None:  # intensities as the whole bundle has them under its budget
        with one.bank(asked.bundle) as whole:
            whole.begin_measuring()
            assert whole.programme is not None
            strategies = {strategy.use: strategy for strategy in whole.programme.strategies}
    exact = len(members) <= shapley.MOST_EXACT
    joined = [] if exact else shapley.orders(members, ORDERS, seed)
    wanted = set(shapley.coalitions(members)) if exact else {c for order in joined for c in shapley.needed(order)}
    wanted |= {frozenset(), frozenset(members)}
    wanted |= {frozenset({m}) for m in members} | {frozenset(members) - {m} for m in members}
    figures: dict[frozenset[Any], dict[str, float]] = {}
    bare: Mapping[str, pd.DataFrame] = {}
    for coalition in sorted(wanted, key=lambda c: (len(c), sorted(map(str, c)))):
        arm = Arm(NOTHING, tuple(strategies[m] for m in members if m in coalition))
        tables = one.tables(arm)
        bare = tables if not coalition else bare
        figures[coalition] = _figures(asked, tables, bare)

    out = {}
    for kpi in asked.kpis:
        nothing = figures[frozenset()][kpi]

        def value(coalition: frozenset[Any], kpi: str = kpi, nothing: float = nothing) -> float:
            return figures[coalition][kpi] - nothing

        everybody = frozenset(members)
        parts = shapley.exact(members, value) if exact else shapley.sampled(members, value, joined)
        alone = [value(frozenset({m})) for m in members]
        last = [value(everybody) - value(everybody - {m}) for m in members]
        out[kpi] = np.stack([parts, alone, last, np.full(len(members), value(everybody))], axis=1)
    return out


def _figures(asked: Question, tables: Mapping[str, pd.DataFrame], bare: Mapping[str, pd.DataFrame]) -> dict[str, float]:
    """Key figures of a coalition, against the bank without any: by its customers equity is valued."""
    import pandas as pd

    from sim.measures.kpis import run_kpis

    s = asked.scenario
    both = {name: pd.concat([bare[name], own.assign(arm=JOINED)], ignore_index=True) for name, own in tables.items()}
    table = run_kpis(
        both,
        tiers=[tier.name for tier in s.tier_list],
        discount_rate=s.discount_rate,
        currency=s.currency,
        arms=[NOTHING, JOINED],
    )
    own = table[table["arm"] == JOINED]
    return dict(zip(own["kpi"], own["value"], strict=True))


# --- all seeds ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class SeedsJob:
    """What a worker needs to answer for seeds: the question, pickled, and the plug-ins its strategies come from."""

    asked: bytes
    plugins: tuple[str, ...] = ()

    def do(self, items: Sequence[int]) -> dict[str, Any]:
        """Answer for these seeds; the receipt brings what was found."""
        began = perf_counter()
        asked, source = _known(self)
        found = {seed: worth(asked, source, seed) for seed in items}
        return {"units": len(items), "seconds": perf_counter() - began, "found": found}

    def crash(self, item: int, reason: str) -> str:
        """A seed that no worker could answer for is named by whoever drives."""
        return reason


_of_job: dict[SeedsJob, tuple[Question, Source]] = {}  # of a worker process: what all its seeds share


def _known(job: SeedsJob) -> tuple[Question, Source]:
    if job not in _of_job:
        from sim.strategies import load_plugins

        load_plugins(job.plugins)  # before a scenario that uses them is read
        asked: Question = pickle.loads(job.asked)  # our own words from the process that started us, never a file
        _of_job.clear()
        _of_job[job] = asked, asked.prepared.customers()
    return _of_job[job]


class _Gathering(Callback):
    """Keeps what seeds were found to be worth, and tells how many there are."""

    def __init__(self, total: int, on_progress: Callable[[int, int], None] | None):
        self.total, self.on_progress = total, on_progress
        self.found: dict[int, dict[str, np.ndarray]] = {}

    def chunk(self, receipt: dict[str, Any]) -> None:
        self.found |= receipt["found"]
        if self.on_progress is not None:
            self.on_progress(len(self.found), self.total)

    def crashed(self, item: Any, reason: str) -> None:
        raise RunFailed(f"seed {item}: {reason}")


def attribute(
    asked: Question,
    *,
    where: Where = HERE,
    plugins: Sequence[str] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """The table of attribution.csv; `on_progress` is called with (seeds done, seeds in all).

    Seeds share out over workers, if any. Intervals are Student's t at 95 % over seeds; the parts of each seed add up
    to its whole, so their means do.
    """
    seeds = asked.scenario.seed_list
    gathering = _Gathering(len(seeds), on_progress)
    job = SeedsJob(pickle.dumps(asked), tuple(plugins))
    if where.here:
        for seed in seeds:
            gathering.chunk(job.do([seed]))
    else:
        drive(job, seeds, where, gathering)
    return _table(asked, [gathering.found[seed] for seed in seeds])


def _table(asked: Question, found: Sequence[dict[str, np.ndarray]]) -> pd.DataFrame:
    import pandas as pd

    from sim.measures.catalogue import KPIS, base_name
    from sim.measures.intervals import t_quantile

    members, n = asked.members, len(found)
    exact = len(members) <= shapley.MOST_EXACT
    rows = []
    for kpi in asked.kpis:
        values = np.stack([one[kpi] for one in found])  # (seeds, members, 4)
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
