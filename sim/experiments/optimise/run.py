"""`optimise`: search, confirm, write. A killed optimisation is asked anew and goes on where answers are missing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.experiments.callbacks import Callback
from sim.experiments.design.plan import BANKS, Plan
from sim.experiments.executors.here import HERE
from sim.experiments.executors.place import Where
from sim.experiments.optimise.archive import Archive, Candidate, Standing
from sim.experiments.optimise.confirm import Confirmed, confirm
from sim.experiments.optimise.evaluator import StoredUnits
from sim.experiments.optimise.sampler import Proposer
from sim.experiments.optimise.search import Search, Start
from sim.experiments.optimise.space import Proposal, Space
from sim.experiments.optimise.tables import candidates_table, confirmed_table, winner_table
from sim.experiments.sweep.drive import (
    SweepOptions,
    clear_notes,
    design_of,
    ending,
    folder_of,
    manifest_of,
    minded,
    put_beside,
    refuse,
    units_of,
)
from sim.experiments.sweep.status import Keeper
from sim.experiments.warming import warm
from sim.measures.catalogue import kpi_units
from sim.scenario.optimise import Optimise
from sim.store.files import write_csv
from sim.store.lock import driver_lock
from sim.store.optimum import WITHIN
from sim.store.sweep_folder import SweepStore
from sim.store.sweep_reading import StoredSweep

if TYPE_CHECKING:
    from sim.experiments.optimise.budget_split import BudgetSplit
    from sim.experiments.prepared import Prepared

EQUAL, WRITTEN = "equal shares", "as written"


@dataclass(frozen=True)
class Baseline:
    """Something the winner has to beat; `drawn` where the search can propose it."""

    name: str
    proposal: Proposal
    drawn: dict[str, Any] | None = None


@dataclass(frozen=True)
class Question:
    """All that an optimisation needs beside a folder: also what tests ask, without a bank."""

    plan: Plan
    settings: Optimise
    space: Space
    baselines: Sequence[Baseline] = ()
    text: str = ""  # the scenario, as it is stored
    facts: dict[str, Any] | None = None
    spent: Callable[[Candidate], dict[str, Any]] | None = None  # what the winner's money buys
    currency: str = ""


def optimise(
    prepared: Prepared,
    options: SweepOptions,
    where: Where = HERE,
    callback: Callback | None = None,
    *,
    plugins: Sequence[str] = (),
) -> StoredSweep:
    """Search and confirm the best levers of a scenario with an `optimise:` section.

    Raises `BadInput` before anything is written, `RunFailed` if work cannot go on, `Interrupted` after Ctrl-C; what was
    lived stays in all cases, and `options.resume` goes on with it.
    """
    return answer(asked(prepared, plugins=plugins), replace(options, beside=prepared.beside), where, callback)


def asked(prepared: Prepared, *, plugins: Sequence[str] = ()) -> Question:
    """The question of a scenario; `BadInput` if it has no `optimise:` section or Optuna is missing."""
    from sim.experiments.optimise.budget_split import budget_split
    from sim.experiments.optimise.problem import plan_optimise, two_arms
    from sim.experiments.prepared import facts
    from sim.experiments.provenance import surroundings
    from sim.yaml_source import dump

    s, o = prepared.scenario, prepared.scenario.optimise
    if o is None:
        file = prepared.origin.file
        raise BadInput.at(file, "has no optimise section; it says which arm, what shall be better, what is chosen")
    plan, varied = plan_optimise(prepared, plugins=plugins)
    split = None
    if o.shares:
        split = budget_split(replace(prepared, scenario=two_arms(s)), o.arm, o.seeds.first)
    space = Space(varied, tuple(o.shares), split, split.shares if split is not None else None)
    record = {
        "kind": "optimise",
        "about": s.about,
        "scenario_digest": prepared.digest,
        "currency": s.currency,
        "tiers": [tier.name for tier in s.tier_list],
        "months": s.months,
        "burn_in": s.burn_in,
        "discount_rate": s.discount_rate,
        **({"labels": s.labels} if s.labels else {}),
        **facts(prepared),
        **surroundings(),
        **({"notes": list(prepared.notes)} if prepared.notes else {}),
    }
    return Question(
        plan,
        o,
        space,
        baselines_of(space, split),
        dump(s.stored()),
        record,
        (lambda one: _bought(split, one)) if split is not None else None,
        s.currency,
    )


def baselines_of(space: Space, split: BudgetSplit | None) -> list[Baseline]:
    """The arm as it is written; where a budget is split, equal shares and each strategy with all of it."""
    written = {one.path: one.base for one in space.parameters}
    found: list[Baseline] = []
    if split is not None:
        members = space.members
        cases = {EQUAL: dict.fromkeys(members, 1.0 / len(members))}
        cases |= {f"{name} alone": {one: float(one == name) for one in members} for name in members}
        for name, shares in cases.items():
            drawn = space.drawn(shares)
            proposal = space.proposal(drawn) if drawn is not None else space.of_shares(shares)
            found.append(Baseline(name, proposal, drawn))
        only = {path: value for path, value in split.written().items() if path in found[0].proposal.values}
        found.append(Baseline(WRITTEN, Proposal({**only, **written}, split.shares(only))))
    elif written:
        found.append(Baseline(WRITTEN, Proposal(written), space.drawn({})))
    return found


def _bought(split: BudgetSplit, one: Candidate) -> dict[str, Any]:
    """Intensity and yearly money of each strategy, by the bank whose costs made the shares."""
    spent = split.spent(one.point.values)
    return {name: {"intensity": intensity, "money": money} for name, (intensity, money) in spent.items()}


def answer(
    question: Question, options: SweepOptions, where: Where = HERE, callback: Callback | None = None
) -> StoredSweep:
    """The answer to a question, in a folder, without a page."""
    plan, o = question.plan, question.settings
    _proposer(question)  # says what is missing before anything is written
    manifest = manifest_of(plan, [], question.facts or {"kind": "optimise"})
    out = folder_of(plan, options, manifest)
    refuse(out, manifest, options, question.text or plan.text)
    lock = driver_lock(out)
    try:
        store = SweepStore.create(
            out,
            manifest,
            question.text or plan.text,
            design_of(plan, []),
            units_of([]),
            resume=options.resume,
            overwrite=options.overwrite,
        )
        put_beside(store, options)
        plan.write(out)
        callback = Keeper(store, callback or Callback())
        for line in store.lines:
            callback.note(line)
        clear_notes(store)
        found = _answered(question, o, store, where, callback)
    finally:
        lock.release()
    return found


def _proposer(question: Question) -> None:
    Proposer(question.settings.method, question.space.distributions(), ["gain"], limits=0, generation=4, seed=0)


def _answered(question: Question, o: Optimise, store: SweepStore, where: Where, callback: Keeper) -> StoredSweep:
    began = perf_counter()
    if where.local and question.plan.made_by in BANKS:
        warm(callback.note)
    living = StoredUnits(question.plan, store, o.kpis, where, callback)
    with contextlib.closing(living), minded(store, callback):
        archive = Archive(question.plan, (question.plan.arms[0], o.arm), o.objectives, o.limits, living)
        starts = [Start(one.name, one.drawn) for one in question.baselines if one.drawn is not None]
        search = Search(o, question.space, archive, starts, [_Best(o, callback)])
        standing = search.run()
        baselines = [archive.add(one.proposal, None, one.name) for one in question.baselines]
        callback.note(f"confirming the best and {len(baselines)} baselines on {o.confirm.count} fresh seeds")
        confirmed = confirm(o, archive, standing, baselines)
        _write(question, search, standing, confirmed, store)
        living.replan()
        seconds = perf_counter() - began + store.manifest.get("seconds", 0.0)
        found = store.finish(
            {
                "seconds": seconds,
                "workers": where.workers,
                "where": where.words,
                "optimise": _facts(question, archive, standing, confirmed),
            }
        )
    callback.ended(ending(found))
    return found


class _Best(Callback):
    """Notes after each generation who is best so far."""

    def __init__(self, o: Optimise, callback: Callback):
        self.o, self.callback = o, callback

    def generation(self, number: int, of: int, archive: Archive, standing: Standing) -> None:
        front = standing.front
        text = f"generation {number} of {of}: {len(archive.candidates)} candidates, {len(front)} on the front"
        if len(front):
            first = self.o.objectives[0]
            text += f", best {first.kpi} {first.sign * standing.gains[front, 0].max():+,.4g} to the reference"
        self.callback.note(text)


def _write(question: Question, search: Search, standing: Standing, found: Confirmed, store: SweepStore) -> None:
    folder: Path = store.path / WITHIN
    folder.mkdir(exist_ok=True)
    o, archive, space = question.settings, search.archive, question.space
    units = kpi_units(archive.kpis, question.currency)
    candidates = candidates_table(o, space, archive, standing)
    write_csv(folder / "candidates.csv", candidates)
    first = o.objectives[0]
    front = candidates[candidates["front"]].sort_values(first.kpi, ascending=first.sign < 0, kind="stable")
    write_csv(folder / "front.csv", front)
    write_csv(folder / "confirmed.csv", confirmed_table(o, space, archive, found, units))
    write_csv(folder / "winner.csv", winner_table(o, archive, found, units))
    search.proposer.keep(folder / "study.journal", question.plan.name)


def _facts(question: Question, archive: Archive, standing: Standing, found: Confirmed) -> dict[str, Any]:
    """What the manifest says of the optimisation: what was asked, how it went, who won."""
    o = question.settings
    winner: dict[str, Any] | None = None
    if found.winner is not None:
        one = found.winner
        winner = {
            "candidate": one.number,
            "name": one.name,
            "values": dict(one.point.values),
            "shares": dict(one.shares),
            "by": o.objectives[0].kpi,
        }
        if question.spent is not None:
            winner["strategies"] = question.spent(one)
    return {
        "arm": o.arm,
        "reference": archive.arms[0],
        "method": o.method,
        "luck": o.luck,
        "objectives": [{"kpi": one.kpi, "goal": "maximise" if one.sign > 0 else "minimise"} for one in o.objectives],
        "limits": [{"kpi": one.kpi, "bound": one.bound, "at_most": one.sign > 0} for one in o.limits],
        "shares": list(o.shares),
        "budget": _budget(question),
        "candidates": o.candidates,
        "different": len(archive.searched),
        "failed": sum(one.failed for one in archive.candidates),
        "front": len(standing.front),
        "seeds": {"first": o.seeds.first, "count": o.seeds.count, "most": o.seeds.most},
        "confirm": {"first": o.confirm.first, "count": o.confirm.count, "best": o.confirm.best},
        "winner": winner,
    }


def _budget(question: Question) -> float | None:
    split = question.space.split
    arm = getattr(split, "arm", None)
    return float(arm.budget) if arm is not None and arm.budget is not None else None
