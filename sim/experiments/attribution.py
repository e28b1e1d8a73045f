"""Which part of a bundle does it: the Shapley value of each strategy of an arm, with the same luck in every coalition.

Every coalition of the arm's strategies lives with each seed from the same burn-in; a coalition is worth its key figure
less that of doing nothing, seed by seed. Exact over all coalitions up to seven members. Beyond, orders of joining are
sampled, other ones for each seed, so that the interval over seeds holds the error of sampling too.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput, Mistake
from sim.experiments import shapley
from sim.experiments.prepare import Prepared
from sim.scenario.scenario import Arm, Scenario
from sim.store.tables import ATTRIBUTION_COLUMNS
from sim.yaml_source import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from sim.population.synthetic import Source

DEFAULT_KPIS = ("attrition_annual", "aum_end", "profit", "npv")
DEFAULT_SEEDS = 10
NOTHING = "nothing"
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


def worth(
    asked: Question, source: Source, seed: int, told: Callable[[int], None] | None = None
) -> dict[str, np.ndarray]:
    """By key figure, for one seed, float64 (members, 4): Shapley value, alone, last, whole."""
    from sim.bank.model import BankModel

    s, members = asked.scenario, asked.members
    founding = BankModel(s, Arm(NOTHING, ()), seed, source)
    state = founding.burn_in(told)
    strategies = {strategy.use: strategy for strategy in asked.bundle.strategies}
    if asked.bundle.budget is not None:  # intensities as the whole bundle has them under its budget
        whole = BankModel(s, asked.bundle, seed, source, state=state)
        whole.begin_measuring()
        assert whole.programme is not None
        strategies = {strategy.use: strategy for strategy in whole.programme.strategies}
    exact = len(members) <= shapley.MOST_EXACT
    joined = [] if exact else shapley.orders(members, ORDERS, seed)
    wanted = set(shapley.coalitions(members)) if exact else {c for order in joined for c in shapley.needed(order)}
    wanted |= {frozenset(), frozenset(members)}
    wanted |= {frozenset({m}) for m in members} | {frozenset(members) - {m} for m in members}
    figures: dict[frozenset[Any], dict[str, float]] = {}
    for coalition in sorted(wanted, key=lambda c: (len(c), sorted(map(str, c)))):
        arm = Arm(NOTHING, tuple(strategies[m] for m in members if m in coalition))
        bank = BankModel(s, arm, seed, source, state=state)
        figures[coalition] = _figures(asked, bank, told)

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


def _figures(asked: Question, bank: Any, told: Callable[[int], None] | None) -> dict[str, float]:
    from sim.measures.kpis import run_kpis

    s = asked.scenario
    recorder = bank.run(told)
    bank.let_go()
    table = run_kpis(
        recorder.tables(bank.team.events),
        tiers=[tier.name for tier in s.tier_list],
        discount_rate=s.discount_rate,
        currency=s.currency,
    )
    return dict(zip(table["kpi"], table["value"], strict=True))


# --- all seeds ----------------------------------------------------------------------------------------------------

_asked: Question | None = None
_source: Source | None = None


def _begin(asked: Question) -> None:
    """Once in each worker: the question, and where customers come from."""
    global _asked, _source  # what a worker process has for all its seeds
    _asked, _source = asked, asked.prepared.customers()


def _begin_worker(plugins: tuple[str, ...], asked: bytes) -> None:
    """The same in another process, which has to know plug-ins before it reads a scenario that uses them."""
    from sim.strategies import load_plugins

    load_plugins(plugins)
    _begin(pickle.loads(asked))  # our own words from the process that started us, never a file


def _of_seed(seed: int) -> dict[str, np.ndarray]:
    assert _asked is not None
    assert _source is not None
    return worth(_asked, _source, seed)


def attribute(
    asked: Question, *, workers: int = 1, plugins: Sequence[str] = (), told: Callable[[int, int], None] | None = None
) -> pd.DataFrame:
    """The table of attribution.csv; `told` hears (seeds done, seeds in all). Seeds share out over worker processes.

    Intervals are Student's t at 95 % over seeds; the parts of each seed add up to its whole, so their means do.
    """
    seeds = asked.scenario.seed_list
    if workers > 1 and len(seeds) > 1:
        pool = ProcessPoolExecutor(
            min(workers, len(seeds)),
            mp_context=get_context("spawn"),
            initializer=_begin_worker,
            initargs=(tuple(plugins), pickle.dumps(asked)),
        )
    else:
        _begin(asked)
        pool = None
    found = []
    with pool or nullcontext():
        for one in pool.map(_of_seed, seeds) if pool else map(_of_seed, seeds):
            found.append(one)
            if told is not None:
                told(len(found), len(seeds))
    return _table(asked, found)


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


def write(folder: Path, table: pd.DataFrame, asked: Question, *, into: bool) -> None:
    """attribution.csv with its figure and what it was made from; a run's report is rebuilt to show it."""
    from sim.experiments.run import code_version
    from sim.reporting.figures import png_bytes, svg_text
    from sim.reporting.figures.attribution import attribution
    from sim.reporting.run import build
    from sim.store.seals import reseal
    from sim.store.tables import write_atomically, write_csv, write_json
    from sim.yaml_source import dump

    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "attribution.csv", table)
    if into:
        build(folder)
        reseal(folder, ("attribution.csv",))
        return
    (folder / "scenario.yaml").write_text(dump(asked.scenario.stored()), "utf-8")
    told = {
        "arm": asked.arm,
        "members": asked.members,
        "kpis": list(asked.kpis),
        "seeds": asked.scenario.seed_list,
        "coalitions": asked.coalitions,
        "scenario_digest": asked.scenario.digest(),
        "code_version": code_version(),
    }
    write_json(folder / "attribution.json", told)
    figure = attribution(SimpleNamespace(attribution=table))  # type: ignore[arg-type]
    write_atomically(folder / "attribution.png", png_bytes(figure))
    write_atomically(folder / "attribution.svg", svg_text(figure))
