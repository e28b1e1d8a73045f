"""Verbs of sweeps and optimisations; each prints what came of it and returns the exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sim.errors import BadInput, Mistake
from sim.verbs.common import arms_named, kpis_named, overrides, say_if_changed, tell_book
from sim.verbs.crates import packed


def run_sweeps(ready: Sequence[Any], arguments: argparse.Namespace) -> int:
    """Live the sweeps of prepared scenarios one after the other, write their reports and print the answers."""
    wrong = [name for name in ("threads", "checkpoint") if getattr(arguments, name) is not None]
    if wrong:
        what = "means nothing for a sweep, whose units have one thread and keep no states; leave it out"
        raise BadInput([Mistake(f"--{name}", 0, 0, "", what) for name in wrong])
    from sim.experiments.design.planning import plan_sweep
    from sim.experiments.executors.choose import where
    from sim.experiments.prepared import facts_of_sweep
    from sim.experiments.provenance import surroundings
    from sim.experiments.sweep.drive import SweepOptions, sweep
    from sim.yaml_source import dump

    place = where(arguments.workers, arguments.cluster)
    plans = [(one, *plan_sweep(one, plugins=arguments.plugin)) for one in ready]
    codes, records = [], []
    for one, plan, points in plans:
        out = arguments.out / plan.name if len(ready) > 1 and arguments.out is not None else arguments.out
        found = sweep(
            plan,
            points,
            facts_of_sweep(one) | surroundings(),
            dump(one.scenario.stored()),
            SweepOptions(out, arguments.resume, arguments.overwrite, one.beside),
            place,
            _callback(plan.name, len(plan.arms), arguments),
        )
        code, answers = _tell(found.path, arguments)
        if crate := packed(found.path, arguments):
            answers["crate"] = crate
            if not arguments.json:
                print(f"crate: {crate}")
        codes.append(code)
        records.append(answers)
    if arguments.json:
        print(json.dumps(records[0] if len(records) == 1 else {"runs": records}, allow_nan=False))
    return max(codes)


def _callback(name: str, arms: int, arguments: argparse.Namespace) -> Any:
    from sim.experiments.callbacks import Callback
    from sim.verbs.progress import SweepProgress

    return Callback() if arguments.quiet else SweepProgress(name, arms)


def _tell(
    folder: Path, arguments: argparse.Namespace, kpis: Sequence[str] | None = None, *, at_rest: bool = False
) -> tuple[int, dict[str, Any]]:
    """Analyse a sweep's folder and print the answers; of one `at_rest`, first whether it is as it was left."""
    from sim.reporting.sweep import as_json, findings_of, terminal_table, write
    from sim.store.sweep_reading import read_sweep

    stored = read_sweep(folder)
    m = stored.manifest
    record = {key: m.get(key) for key in ("name", "run_id", "status", "tasks", "failed", "crashed", "tasks_digest")}
    record["folder"] = str(folder)
    findings = findings_of(stored, kpis=kpis, arms=arms_named(arguments) if hasattr(arguments, "arms") else None)
    if at_rest:
        say_of_rest(folder)
    page = write(findings)
    if arguments.json:
        record |= as_json(findings)
    else:
        print(terminal_table(findings))
        print(f"\nreport: {page}")
    broken = (m.get("failed") or 0) + (m.get("crashed") or 0)
    if broken:
        print(
            f"{folder}: {broken} of {m['tasks']} tasks have no result; tasks.parquet says why, --resume lives them "
            "again",
            file=sys.stderr,
        )
    return (1 if broken else 0), record


def say_of_rest(folder: Path) -> None:
    """Lines on stderr: whether a folder is as it was left, and how to go on with one that nobody works on."""
    from sim.experiments.sweep.status import status as status_of

    say_if_changed(folder)
    if status := status_of(folder).at_rest:
        print(f"{folder}: {status}", file=sys.stderr)


def status(arguments: argparse.Namespace) -> int:
    """How far a sweep is."""
    from sim.experiments.sweep.status import status as status_of
    from sim.store.sweep_reading import kind_of
    from sim.verbs import calibrate

    if calibrate.is_one(arguments.folder):
        return calibrate.status(arguments)
    found = _plain_status(arguments.folder) if kind_of(arguments.folder) is None else status_of(arguments.folder)
    say_if_changed(arguments.folder)
    if arguments.json:
        print(json.dumps(asdict(found), default=str))
    else:
        print(found.text())
    return 0


def _plain_status(folder: Path) -> Any:
    """The status of a single run's folder."""
    from sim.experiments.sweep.status import Status
    from sim.store.run_folder import ResultsFolder
    from sim.store.run_reading import read_manifest

    run = ResultsFolder(folder, read_manifest(folder))
    m, done, broken = run.manifest, len(run.finished()), len(run.manifest.get("failed", []))
    return Status(
        str(folder),
        m["name"],
        m["run_id"],
        run.status,
        run.status == "running",
        len(run.planned()),
        done + broken,
        broken,
        0,
        None,
        None,
        None,
        (),
    )


def work(arguments: argparse.Namespace) -> int:
    """Live one share of a sweep."""
    from sim.experiments.design.planning import plan_sweep
    from sim.experiments.prepare import prepare
    from sim.experiments.prepared import facts_of_sweep
    from sim.experiments.provenance import surroundings
    from sim.experiments.sweep.drive import SweepOptions
    from sim.experiments.sweep.shards import work as work_on
    from sim.yaml_source import dump

    shard = _shard(arguments.shard)
    (one,) = prepare([arguments.file], overrides(arguments), arms=arms_named(arguments))
    tell_book(str(arguments.file), one.book, arguments)
    if one.scenario.sweep is None:
        raise BadInput.at(arguments.file, "has no sweep; a section sweep with what is varied")
    plan, points = plan_sweep(one, plugins=arguments.plugin)
    work_on(
        plan,
        points,
        facts_of_sweep(one) | surroundings(),
        dump(one.scenario.stored()),
        SweepOptions(arguments.out, beside=one.beside),
        shard,
        _callback(plan.name, len(plan.arms), arguments),
    )
    return 0


def _shard(text: str) -> tuple[int, int]:
    words = text.split("/")
    if len(words) == 2 and all(word.isascii() and word.isdigit() for word in words):
        i, n = int(words[0]), int(words[1])
        if 1 <= i <= n:
            return i, n
    raise BadInput.at("--shard", f"{text!r} is not a share; which of how many, from 1/1 on, such as 3/10")


def analyse(arguments: argparse.Namespace) -> int:
    """What a sweep teaches."""
    from sim.store.sweep_reading import kind_of

    if kind_of(arguments.folder) == "optimise":
        what = "holds an optimisation, whose points a search has chosen; run.py report tells what it found"
        raise BadInput.at(str(arguments.folder), what)
    code, record = _tell(arguments.folder, arguments, kpis_named(arguments), at_rest=True)
    if arguments.json:
        print(json.dumps(record, allow_nan=False))
    return 0 if code in (0, 1) else code


def optimise(arguments: argparse.Namespace) -> int:
    """Search the best levers of an arm, and confirm them on fresh seeds."""
    from sim.experiments.executors.choose import where
    from sim.experiments.inherited import generation_words
    from sim.experiments.optimise.run import optimise as search
    from sim.experiments.prepare import prepare
    from sim.experiments.sweep.drive import SweepOptions
    from sim.reporting.optimum.build import build

    (one,) = prepare([arguments.file], overrides(arguments))
    tell_book(str(arguments.file), one.book, arguments)
    if (words := generation_words(one)) and not arguments.quiet:
        print(f"{arguments.file}: {words}", file=sys.stderr)
    options = SweepOptions(arguments.out, arguments.resume, arguments.overwrite)
    place = where(arguments.workers, arguments.cluster)
    stored = search(one, options, place, _callback(one.scenario.name, 2, arguments), plugins=arguments.plugin)
    found = build(stored.path)
    _tell_optimised(found, json_=arguments.json)
    if found.status == "failed":
        print(f"{found.path}: some tasks have no result; tasks.parquet says why", file=sys.stderr)
        return 1
    return 0


def _tell_optimised(found: Any, *, json_: bool) -> None:
    from sim.reporting.optimum.build import as_json, terminal_table

    if json_:
        print(json.dumps(as_json(found), allow_nan=False))
    else:
        print(terminal_table(found))
        print(f"\nreport: {found.path / 'report.html'}")


def report(folder: Path) -> bool:
    """Tell again what a sweep or an optimisation found, from its folder alone; False if the folder is of neither."""
    from sim.store.sweep_reading import kind_of

    kind = kind_of(folder)
    if kind == "optimise":
        from sim.reporting.optimum.build import build
        from sim.store.optimum import read_optimised

        read_optimised(folder)
        say_if_changed(folder)
        _tell_optimised(build(folder), json_=False)
    elif kind == "sweep":
        _tell(folder, argparse.Namespace(json=False), at_rest=True)
    return kind is not None
