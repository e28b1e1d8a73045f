"""Run every arm and seed of a scenario, and leave a results folder that can be trusted.

A run that breaks is named and the others are kept; an interrupted run is resumed. Nothing is written before every
folder asked for is known to be usable.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sim
from sim.errors import BadInput, Interrupted, Mistake, RunFailed
from sim.experiments.beginnings import Beginnings, BurnIn
from sim.experiments.callbacks import Watcher
from sim.experiments.prepare import Prepared, facts
from sim.experiments.replication import SeedLives, peak_memory_mb
from sim.experiments.run_on_workers import Spread, stored
from sim.experiments.stopping import Seeds
from sim.scenario.scenario import Arm, SeedsUntil
from sim.store.run_folder import ResultsFolder
from sim.store.run_reading import Run, read_manifest
from sim.strategies import plugins_of
from sim.yaml_source import dump

if TYPE_CHECKING:
    from sim.experiments.executors.place import Where

TELLING = ("analysis", "reporting", "verbs", "cli.py", "scenario/reference.py")
PACKAGES = ("numpy", "pandas", "scipy", "numba", "mesa", "matplotlib", "pydantic", "pyarrow")


@dataclass(frozen=True)
class Options:
    """How to run: where to, over what, with how many threads."""

    out: Path | None = None
    threads: int | None = None
    overwrite: bool = False
    resume: bool = False
    report: bool = True
    checkpoint: int | None = None  # measured month at whose end every run's state is saved
    where: Where | None = None  # workers that live the seeds, a thread each; None: this process
    plugins: tuple[str, ...] = ()  # modules that workers load first


@dataclass
class Outcome:
    """One scenario's run on disk, and what went wrong in it."""

    run: Run
    failed: list[dict[str, Any]] = field(default_factory=list)


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def code_version(uses: Sequence[str] = (), *, without: Sequence[str] = ()) -> str:
    """Version of the program and a digest of its sources, so that results of other code are told apart.

    The plugins that the strategies named in `uses` come from are code of the run too. Files and folders of `without`
    do not count.
    """
    digest = hashlib.sha256()
    root = Path(sim.__file__).parent
    for file in sorted(root.rglob("*.py")):
        name = file.relative_to(root).as_posix()
        if name.split("/")[0] not in without and name not in without:
            digest.update(name.encode())
            digest.update(file.read_bytes())
    own = "".join(f"+{plugin.module}.{plugin.digest[:12]}" for plugin in plugins_of(uses))
    return f"{sim.__version__}+{digest.hexdigest()[:12]}{own}"


def model_version(uses: Sequence[str] = ()) -> str:
    """The same of what decides a task of a sweep: not how it is told, so that a better page keeps what was lived."""
    return code_version(uses, without=TELLING)


def run_all(
    prepared: Sequence[Prepared],
    options: Options,
    watcher: Watcher | None = None,
    *,
    beginnings: Callable[[Prepared], Beginnings] | None = None,
    more: Mapping[str, Any] | None = None,
) -> list[Outcome]:
    """Run every scenario; raises BadInput before anything is written if a folder cannot be used.

    Runs begin with a burn-in shared by the arms of a seed unless `beginnings` says otherwise; `more` goes into the
    manifest.
    """
    watcher = watcher or Watcher()
    now = datetime.now(UTC)
    plans = [
        (one, folder_of(one, options, now, len(prepared) > 1), {**_manifest(one, now), **(more or {})})
        for one in prepared
    ]
    mistakes: list[Mistake] = []
    for one, out, manifest in plans:
        text = dump(one.scenario.stored())
        mistakes += ResultsFolder.refusals(out, manifest, text, overwrite=options.overwrite, resume=options.resume)
        mistakes += _checkpoint_mistakes(one, out, options)
    if mistakes:
        raise BadInput(mistakes)
    outcomes, broken = [], []
    for one, out, manifest in plans:
        try:
            first = beginnings(one) if beginnings else BurnIn(one.scenario)
            outcomes.append(_run(one, out, manifest, options, watcher, first))
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


def run_id(prepared: Prepared, now: datetime) -> str:
    """UTC time and the first characters of the scenario's digest."""
    return f"{now:%Y%m%dT%H%M%SZ}-{prepared.digest[:8]}"


def _manifest(prepared: Prepared, now: datetime) -> dict[str, Any]:
    from sim.reporting.run import assumptions_from_schema
    from sim.scenario.reference import json_schema

    s = prepared.scenario
    defaults = type(s).model_validate({"name": s.name}).resolved()
    return {
        "name": s.name,
        "about": s.about,
        "run_id": run_id(prepared, now),
        "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "code_version": code_version(s.strategies_named),
        "scenario_digest": prepared.digest,
        "arms": [arm.name for arm in s.arm_list],
        "tiers": [tier.name for tier in s.tier_list],
        "seeds": s.seed_list,
        "months": s.months,
        "burn_in": s.burn_in,
        "discount_rate": s.discount_rate,
        "currency": s.currency,
        **({"labels": s.labels} if s.labels else {}),
        **surroundings(),
        "assumptions": {**assumptions_from_schema(json_schema(type(s)), defaults), **_of_strategies(s.arm_list)},
        **facts(prepared.book),
        **({"notes": list(prepared.notes)} if prepared.notes else {}),
        **_own_strategies(s.strategies_named),
    }


def _of_strategies(arms: Sequence[Arm]) -> dict[str, dict[str, Any]]:
    """What is known of the settings of the strategies in use, as `strategies.NAME.KEY`."""
    from sim.assumptions import documented

    used = {strategy.use: type(strategy) for arm in arms for strategy in arm.strategies}
    return {f"strategies.{name}.{key}": facts for name, kind in used.items() for key, facts in documented(kind).items()}


def surroundings() -> dict[str, Any]:
    """What a manifest says of the machine and of what is installed."""
    return {
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
    }


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


def _own_strategies(uses: Sequence[str]) -> dict[str, Any]:
    """What the manifest says of strategies from outside this package: results hang on their files."""
    found = [{"module": one.module, "file": one.file, "file_digest": one.digest} for one in plugins_of(uses)]
    return {"plugins": found} if found else {}


def _run(
    prepared: Prepared, out: Path, manifest: dict[str, Any], options: Options, watcher: Watcher, beginnings: Beginnings
) -> Outcome:
    s = prepared.scenario
    text = dump(s.stored())
    folder = ResultsFolder.create(out, text, manifest, overwrite=options.overwrite, resume=options.resume)
    done = stored(folder, options.checkpoint)  # a run resumed for its states lives again where it has none
    seeds = Seeds(s, folder, watcher)
    todo = [(arm, seed) for seed in sorted(s.seed_list) for arm in s.arm_list if (arm.name, seed) not in done]
    failed: list[dict[str, Any]] = []
    threads = options.threads or cores()
    if isinstance(s.seeds, SeedsUntil):
        todo = todo[: seeds.runs_expected]
    watcher.begin(s.name, len(todo), beginnings.months(todo))
    lives: SeedLives | Spread
    if options.where is None:
        lives = SeedLives(prepared, folder, threads, watcher, beginnings, options.checkpoint, done)
    else:
        from sim.experiments.executors.worker import warm_up
        from sim.kernel.numerics import compiled

        if options.where.local and not compiled():
            watcher.preparing("compiling the kernel, once on this machine (about 20 s)")
            warm_up()
        lives = Spread(prepared, folder, options, watcher)
    try:
        for seed in seeds:
            failed += lives.of(seed)
        if failed and len(failed) == len(s.arm_list) * len(seeds.used):
            folder.interrupt()
            raise RunFailed(f"{out}: every run failed; the first: {failed[0]['error']}")
        watcher.reporting()
        closing = {**_closing(folder, threads, lives), **seeds.facts()}
        run = folder.finish(closing, failed, then=_tables_and_report(options.report))
    except KeyboardInterrupt:
        folder.interrupt()
        raise Interrupted(f"{out}: interrupted; what was finished is kept, --resume --out {out} goes on") from None
    finally:
        if isinstance(lives, Spread):
            lives.close()
        watcher.end()
    return Outcome(run, failed)


def _closing(folder: ResultsFolder, threads: int, lives: SeedLives | Spread) -> dict[str, Any]:
    """What is known of the whole run only at its end."""
    receipts = folder.receipts()
    rows = sum(receipt.get("measured_rows", 0) for receipt in receipts)
    seconds = sum(receipt.get("measured_seconds", 0.0) for receipt in receipts)
    peak, told = peak_memory_mb(), {"threads": threads}
    if isinstance(lives, Spread):
        peak, told = max(peak, lives.peak_memory_mb), {"threads": 1, "workers": lives.where.workers}
        seconds /= max(lives.where.workers, 1)  # as many months at a time
    return {
        **told,
        "customer_months_per_second": rows / seconds if seconds > 0 else None,
        "peak_memory_mb": peak,
    }


def _tables_and_report(report: bool) -> Callable[[Run], None]:
    def then(run: Run) -> None:
        from sim.reporting.run import build, write_key_figures

        write_key_figures(run)
        if report:
            build(run)

    return then
