"""Run every arm and seed of a scenario, and leave a results folder that can be trusted.

A run that breaks is named and the others are kept; an interrupted run is resumed. Nothing is written before every
folder asked for is known to be usable.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sim.errors import BadInput, Interrupted, Mistake, RunFailed
from sim.experiments.callbacks import Callback
from sim.experiments.executors.here import HERE
from sim.experiments.executors.local import on_this_machine
from sim.experiments.executors.place import Where
from sim.experiments.prepared import Prepared
from sim.experiments.provenance import cores, manifest_of, run_id
from sim.experiments.run_on_workers import RunsOnWorkers, stored
from sim.experiments.seed_runs import Beginnings, BurnIn, SeedRuns, peak_memory_mb, rows_of
from sim.experiments.sharded import ShardedRuns
from sim.experiments.spread import Spread, memory_of_machine, spread
from sim.experiments.stopping import Seeds
from sim.experiments.stored_banks import refusals, store_of
from sim.experiments.survey import waves_of, write_instruments
from sim.experiments.warming import warm
from sim.scenario.scenario import Arm, SeedsUntil
from sim.store.files import write_atomically
from sim.store.run_folder import ResultsFolder
from sim.store.run_reading import Run, read_manifest
from sim.yaml_source import dump


@dataclass(frozen=True)
class Options:
    """How to run: where to, over what, with how many threads."""

    out: Path | None = None
    threads: int | None = None
    overwrite: bool = False
    resume: bool = False
    checkpoint: int | None = None  # measured month at whose end every run's state is saved
    where: Where | None = None  # workers that live the seeds, a thread each; None: this process
    worlds: Where = HERE  # who lives the worlds of beliefs, where nobody else is asked to
    shards: int | None = None  # workers that live each bank together, a part of its customers each
    plugins: tuple[str, ...] = ()  # modules that workers load first
    choose: bool = False  # between threads and workers of this machine, where neither is given


@dataclass
class Outcome:
    """One scenario's run on disk, and what went wrong in it."""

    run: Run
    failed: list[dict[str, Any]] = field(default_factory=list)


def run_all(
    prepared: Sequence[Prepared],
    options: Options,
    callback: Callback | None = None,
    *,
    whole: Callable[[Run], object] | None = None,
    beginnings: Callable[[Prepared], Beginnings] | None = None,
    more: Mapping[str, Any] | None = None,
) -> list[Outcome]:
    """Run every scenario; raises BadInput before anything is written if a folder cannot be used.

    `whole` is called with each run whose tables are there and before its manifest is sealed: it may add a page. Runs
    begin with a burn-in shared by the arms of a seed unless `beginnings` says otherwise; `more` goes into the manifest.
    """
    callback = callback or Callback()
    now = datetime.now(UTC)
    plans = [
        (one, folder_of(one, options, now, len(prepared) > 1), {**manifest_of(one, now), **(more or {})})
        for one in prepared
    ]
    mistakes: list[Mistake] = []
    for one, out, manifest in plans:
        text = dump(one.scenario.stored())
        mistakes += ResultsFolder.refusals(out, manifest, text, overwrite=options.overwrite, resume=options.resume)
        mistakes += _checkpoint_mistakes(one, out, options)
        mistakes += _shards_mistakes(one, options)
        mistakes += refusals(one, manifest["code_version"], rows_of(one))
    if mistakes:
        raise BadInput(mistakes)
    outcomes, broken = [], []
    for one, out, manifest in plans:
        try:
            first = beginnings(one) if beginnings else BurnIn(one.scenario)
            with store_of(one, manifest["code_version"]):
                outcomes.append(_run(one, out, manifest, options, callback, first, whole))
        except RunFailed as failure:  # the other scenarios are run all the same
            broken.append(str(failure))
    if broken:
        raise RunFailed("\n".join(broken))
    return outcomes


def folder_of(prepared: Prepared, options: Options, now: datetime, several: bool) -> Path:
    """`--out` exactly (a folder of it for each of several files), else results/<name>/<run-id>."""
    name = prepared.scenario.name
    if options.out is not None:
        return options.out / name if several else options.out
    if options.resume:
        return _latest_unfinished(name, prepared.digest) or Path("results") / name / run_id(prepared, now)
    return Path("results") / name / run_id(prepared, now)


def _latest_unfinished(name: str, digest: str) -> Path | None:
    """The newest run of this scenario in results/ that did not end, for `--resume` without `--out`."""
    import json

    for manifest in sorted(Path("results", name).glob("*/manifest.json"), reverse=True):
        try:
            stored = json.loads(manifest.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if stored.get("scenario_digest") == digest and stored.get("status") != "done":
            return manifest.parent
    return None


def _checkpoint_mistakes(prepared: Prepared, out: Path, options: Options) -> Iterator[Mistake]:
    """A month that is not measured, or states of a run that is whole already."""
    from sim.bank.state_file import place

    month, s = options.checkpoint, prepared.scenario
    if month is None:
        return
    if month > s.months:
        what = f"{month} is beyond the {s.months} measured months of {s.name}; from 0 to {s.months}"
        yield Mistake("--checkpoint", 0, 0, "", what)
    elif options.resume and (out / "manifest.json").exists():
        with contextlib.suppress(BadInput):  # `refusals` tells what is wrong with the folder
            folder = ResultsFolder(out, read_manifest(out))
            lacking = [run for run in folder.planned() if not place(out, *run, month).exists()]
            if folder.status == "done" and lacking:
                what = f"is done without a state of month {month}; --overwrite to run it anew, or no --checkpoint"
                yield Mistake(str(out), 0, 0, "", what)


def _shards_mistakes(prepared: Prepared, options: Options) -> Iterator[Mistake]:
    """What a bank in shards cannot do."""
    if options.shards is None or options.where is None:
        return
    if options.shards > options.where.workers:
        what = f"{options.shards} live at the same time, on {options.where.words}; as many workers, or fewer shards"
        yield Mistake("--shards", 0, 0, "", what)
    if options.checkpoint is not None:
        what = "not together with --shards, which keep what they go on from themselves; leave one of them out"
        yield Mistake("--checkpoint", 0, 0, "", what)
    if prepared.scenario.population.store is not None:
        what = "population.store: shards live in the memory of their workers; leave one of them out"
        yield Mistake("--shards", 0, 0, "", what)
    if waves_of(prepared) is not None:
        what = f"{prepared.scenario.name} holds a questionnaire, which asks a whole bank; leave out --shards or survey"
        yield Mistake("--shards", 0, 0, "", what)


def _run(
    prepared: Prepared,
    out: Path,
    manifest: dict[str, Any],
    options: Options,
    callback: Callback,
    beginnings: Beginnings,
    whole: Callable[[Run], object] | None,
) -> Outcome:
    s = prepared.scenario
    text = dump(s.stored())
    folder = ResultsFolder.create(out, text, manifest, overwrite=options.overwrite, resume=options.resume)
    write_instruments(out, prepared)
    for name, held in prepared.beside.items():
        write_atomically(out / name, held)
    done = stored(folder, options.checkpoint)  # a run resumed for its states lives again where it has none
    seeds = Seeds(s, folder, callback)
    todo = [(arm, seed) for seed in sorted(s.seed_list) for arm in s.arm_list if (arm.name, seed) not in done]
    failed: list[dict[str, Any]] = []
    threads = options.threads or cores()
    if isinstance(s.seeds, SeedsUntil):
        todo = todo[: seeds.runs_expected]
    callback.begin(s.name, len(todo), beginnings.months(todo))
    where, how = options.where, ""
    if options.choose and where is None and options.threads is None and isinstance(beginnings, BurnIn):
        chosen, how = _chosen(prepared, todo)
        threads, where = chosen.threads, on_this_machine(chosen.workers) if chosen.workers > 1 else None
        callback.note(how)
    runs: SeedRuns | RunsOnWorkers | ShardedRuns
    if where is None:
        runs = SeedRuns(
            prepared,
            folder,
            threads=threads,
            callback=callback,
            beginnings=beginnings,
            checkpoint=options.checkpoint,
            done=done,
        )
    else:
        if where.local:
            warm(callback.note)
        if options.shards is None:
            runs = RunsOnWorkers(prepared, folder, where, options.checkpoint, options.plugins, callback)
        else:
            runs = ShardedRuns(prepared, folder, where, options.shards, options.plugins, callback)
    try:
        for seed in seeds:
            failed += runs.of(seed)
        if failed and len(failed) == len(s.arm_list) * len(seeds.used):
            folder.interrupt()
            raise RunFailed(f"{out}: every run failed; the first: {failed[0]['error']}")
        believed: dict[str, Any] = {}
        if prepared.believed is not None and isinstance(beginnings, BurnIn) and folder.status != "done":
            from sim.experiments.beliefs import live_worlds, put_away

            place = options.worlds if isinstance(runs, SeedRuns) else runs.where
            believed = {"beliefs": live_worlds(prepared, out, place, callback, plugins=options.plugins)}
        callback.note("writing tables, figures and report.html")
        closing = {**_closing(folder, threads, runs), **seeds.facts(), **believed, **({"spread": how} if how else {})}

        def then(run: Run) -> None:
            from sim.measures.key_figures import write_key_figures

            write_key_figures(run)
            if whole is not None:
                whole(run)

        run = folder.finish(closing, failed, then=then)
        if believed:
            put_away(out, believed["beliefs"])
    except Interrupted:
        folder.interrupt()
        raise
    except KeyboardInterrupt:
        folder.interrupt()
        raise Interrupted(f"{out}: interrupted; what was finished is kept, --resume --out {out} goes on") from None
    finally:
        if not isinstance(runs, SeedRuns):
            runs.close()
        callback.end()
    return Outcome(run, failed)


def _chosen(prepared: Prepared, todo: Sequence[tuple[Arm, int]]) -> tuple[Spread, str]:
    """Threads inside a run or runs side by side, and that in words."""
    s, rows, seeds = prepared.scenario, rows_of(prepared), len({seed for _, seed in todo})
    chosen = spread(
        rows,
        seeds,
        s.burn_in + len(todo) // max(seeds, 1) * s.months,
        cores=cores(),
        memory=memory_of_machine(),
        started=prepared.believed is not None,
        most=None if find_spec("distributed") else 1,
    )
    return chosen, chosen.words(seeds, rows)


def _closing(folder: ResultsFolder, threads: int, runs: SeedRuns | RunsOnWorkers | ShardedRuns) -> dict[str, Any]:
    """What is known of the whole run only at its end."""
    receipts = folder.receipts()
    rows = sum(receipt.get("measured_rows", 0) for receipt in receipts)
    seconds = sum(receipt.get("measured_seconds", 0.0) for receipt in receipts)
    peak = peak_memory_mb()
    facts: dict[str, Any] = {"threads": threads}
    if isinstance(runs, ShardedRuns):
        peak = max(peak, runs.peak_memory_mb)
        facts = {"threads": 1, "workers": runs.where.workers, "shards": runs.shards, "exchange": dict(runs.exchange)}
    if isinstance(runs, RunsOnWorkers):
        peak, facts = max(peak, runs.peak_memory_mb), {"threads": 1, "workers": runs.where.workers}
        seconds /= max(runs.where.workers, 1)  # as many months at a time
    return {
        **facts,
        "customer_months_per_second": rows / seconds if seconds > 0 else None,
        "peak_memory_mb": peak,
    }
