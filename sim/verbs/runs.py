"""Verbs that run scenarios or read stored runs; each prints what came of it and returns the exit code."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.errors import BadInput, Mistake
from sim.verbs.common import (
    arms_named,
    callback_of,
    has_dask,
    kpis_named,
    overrides,
    plain,
    prepared,
    processes,
    program,
    say_if_changed,
    tell_book,
)
from sim.verbs.crates import may_be_packed, packed
from sim.words import DEFAULT


def run(arguments: argparse.Namespace) -> int:
    """Run scenarios, or sweep those that have a sweep."""
    ready = prepared(arguments)
    for one in ready:
        for note in one.notes:
            print(note, file=sys.stderr)
    may_be_packed(arguments, ready)
    swept = [one.scenario.sweep is not None for one in ready]
    if any(swept):
        if arguments.shards is not None:
            raise BadInput.at("--shards", "a sweep lives many banks side by side, each whole; leave it out")
        from sim.verbs.sweeps import run_sweeps

        plain_ones = [file for file, sweep in zip(arguments.files, swept, strict=True) if not sweep]
        if plain_ones:
            what = "has no sweep and others have; sweeps and single runs each in a command of their own"
            raise BadInput([Mistake(str(file), 0, 0, "", what) for file in plain_ones])
        return run_sweeps(ready, arguments)
    for file, one in zip(arguments.files, ready, strict=True):
        if one.scenario.optimise is not None and not arguments.quiet:
            message = f"{file}: its arms are run as they stand; {program()} optimise {file} searches for better"
            print(message, file=sys.stderr)
    from sim.experiments.run import run_all
    from sim.reporting.run import build

    options = _options(arguments, believed=any(one.believed is not None for one in ready))
    return _tell(run_all(ready, options, callback_of(arguments), whole=build), arguments)


def fork(arguments: argparse.Namespace) -> int:
    from sim.experiments.fork import fork
    from sim.reporting.run import build

    may_be_packed(arguments, ())
    outcome = fork(
        arguments.folder,
        arguments.at,
        arguments.file,
        _options(arguments, believed=False),
        callback_of(arguments),
        overrides=overrides(arguments),
        arms=arms_named(arguments),
        from_arm=arguments.from_arm,
        ready=lambda: say_if_changed(arguments.folder),
        whole=build,
    )
    return _tell([outcome], arguments)


def _options(arguments: argparse.Namespace, *, believed: bool) -> Any:
    """How to run; `believed` says that there are worlds to live, for which there are processes beside this one."""
    from sim.experiments.run import Options

    where, worlds, shards = None, {}, getattr(arguments, "shards", None)
    if shards is not None and arguments.workers is None and arguments.cluster is None:
        arguments.workers = shards
    if getattr(arguments, "workers", None) is not None or getattr(arguments, "cluster", None) is not None:
        from sim.experiments.executors.choose import where as place

        where = place(arguments.workers, arguments.cluster)
    elif believed:
        worlds = {"worlds": processes(arguments.threads if has_dask() else 1)}
    return Options(
        arguments.out,
        arguments.threads,
        arguments.overwrite,
        arguments.resume,
        checkpoint=arguments.checkpoint,
        where=where,
        shards=shards,
        plugins=tuple(arguments.plugin),
        choose=True,
        **worlds,
    )


def _tell(outcomes: Sequence[Any], arguments: argparse.Namespace) -> int:
    """Summaries on stdout, what failed on stderr; returns the exit code."""
    crates = [packed(outcome.run.path, arguments) for outcome in outcomes]
    if arguments.json:
        print(json.dumps(_as_json(outcomes, crates), allow_nan=False))
    else:
        _print_summaries(outcomes)
        for crate in filter(None, crates):
            print(f"crate: {crate}")
    for outcome in outcomes:
        for broken in outcome.failed:
            which = f"arm {broken['arm']} seed {broken['seed']}"
            print(f"{outcome.run.path}: {which} failed: {broken['error']}", file=sys.stderr)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def _marks_as_json(summary: Any, comparison: Any, proof: Any, arms: Sequence[str]) -> dict[str, Any]:
    """Which rows of summary and comparison rest on little, and in words why."""
    marks = {
        "summary": proof.marks(summary) if summary is not None else [],
        "comparison": proof.marks(comparison, arms[0]) if comparison is not None else [],
    }
    keys = [(one["arm"], one["kpi"]) for rows in marks.values() for one in rows]
    keys += [(arms[0], one["kpi"]) for one in marks["comparison"]]
    return {"marks": marks, "notes": proof.words(keys)}


NO_DECISION: dict[str, Any] = {"verdicts": [], "waterfall": []}


def _decision_as_json(run: Any, summary: Any, comparison: Any) -> dict[str, Any]:
    """A word an arm, and the steps of its value."""
    from sim.measures.waterfall import waterfall
    from sim.reporting.run.verdicts import verdict_rows

    return {"verdicts": verdict_rows(summary, comparison), "waterfall": plain(waterfall(run))}


def _told(run: Any) -> dict[str, Any]:
    """Where wishes for a contact ended, and how far each link of the arms' chains held, where the run knows."""
    from sim.measures.chain import chain_table
    from sim.measures.reach import funnel_of

    tables = {"unserved": funnel_of(run), "chain": chain_table(run)}
    return {name: table for name, table in tables.items() if table is not None and len(table)}


def _as_json(outcomes: Sequence[Any], crates: Sequence[str]) -> dict[str, Any]:
    from sim.measures.evidence import evidence_of

    runs = []
    for outcome, crate in zip(outcomes, crates, strict=True):
        run = outcome.run
        manifest = {key: run.manifest[key] for key in ("name", "run_id", "status", "scenario_digest", "result_digest")}
        tables = ("summary", "comparison", "precision") if len(run.arms) > 1 else ("summary",)
        tables_json = {"comparison": [], "precision": [], **{name: plain(getattr(run, name)) for name in tables}}
        proof = evidence_of(run)
        tables_json |= _decision_as_json(run, run.summary, run.comparison) if len(run.arms) > 1 else NO_DECISION
        tables_json |= _marks_as_json(run.summary, run.comparison if len(run.arms) > 1 else None, proof, run.arms)
        tables_json |= {name: plain(table) for name, table in _told(run).items()}
        stopping = {"stopping": run.manifest["stopping"]} if "stopping" in run.manifest else {}
        believed = {}
        if run.beliefs is not None:
            from sim.reporting.run.beliefs import as_json as beliefs_as_json

            believed = beliefs_as_json(run)
        where = {"folder": str(run.path), **({"crate": crate} if crate else {})}
        runs.append({**manifest, **where, **stopping, **tables_json, **believed})
    return runs[0] if len(runs) == 1 else {"runs": runs}


def _print_summaries(outcomes: Sequence[Any]) -> None:
    from sim.reporting.run import stopping_words, summary_table

    for outcome in outcomes:
        run = outcome.run
        print(summary_table(run, precision=run.precision if len(run.arms) > 1 else None))
        if words := stopping_words(run.manifest):
            print(f"\n{words}")
        print(f"\nreport: {run.path / 'report.html'}")


def attribute(arguments: argparse.Namespace) -> int:
    from sim.experiments.attribution import DEFAULT_SEEDS, attribute, question, smaller, where_to
    from sim.experiments.prepare import prepare
    from sim.reporting.run import attribution_table

    arguments.seeds = arguments.seeds or str(DEFAULT_SEEDS)
    (ready,) = prepare([arguments.file], overrides(arguments))
    tell_book(str(arguments.file), ready.book, arguments)
    kpis = kpis_named(arguments)
    asked = question(smaller(ready, arguments.agents), arguments.arm, kpis)
    folder = where_to(asked, arguments.out, arguments.into)
    if arguments.into is not None:
        say_if_changed(folder)

    def on_progress(done: int, seeds: int) -> None:
        if not arguments.quiet:
            each = f"{asked.coalitions} coalitions each"
            print(f"{asked.scenario.name}: {done} of {seeds} seeds, {each}", file=sys.stderr)

    table = attribute(asked, where=processes(arguments.workers), plugins=arguments.plugin, on_progress=on_progress)
    _write_attribution(folder, table, asked, into=arguments.into is not None)
    if arguments.json:
        print(json.dumps({"arm": arguments.arm, "folder": str(folder), "attribution": plain(table)}, allow_nan=False))
    else:
        print(f"{attribution_table(table)}\n\nattribution: {folder / 'attribution.csv'}")
    return 0


def _write_attribution(folder: Path, table: Any, asked: Any, *, into: bool) -> None:
    """attribution.csv with its figure and what it was made from; a run's report is rebuilt to show it."""
    from types import SimpleNamespace

    from sim.experiments.attribution import facts_of
    from sim.reporting.figures import png_bytes, svg_text
    from sim.reporting.figures.attribution import attribution
    from sim.reporting.run import build
    from sim.store.files import write_atomically, write_csv, write_json
    from sim.store.seals import reseal
    from sim.yaml_source import dump

    folder.mkdir(parents=True, exist_ok=True)
    write_csv(folder / "attribution.csv", table)
    if into:
        build(folder)
        reseal(folder, ("attribution.csv",))
        return
    told = asked.scenario.model_copy(update={"posterior": None})  # its numbers are written out, no world is drawn
    (folder / "scenario.yaml").write_text(dump(told.stored()), "utf-8")
    write_json(folder / "attribution.json", facts_of(asked))
    figure = attribution(SimpleNamespace(attribution=table))  # type: ignore[arg-type]
    write_atomically(folder / "attribution.png", png_bytes(figure))
    write_atomically(folder / "attribution.svg", svg_text(figure))


def counterfactuals(arguments: argparse.Namespace) -> int:
    """Follow every customer of month 0 through every arm; a table with its data card."""
    from datetime import UTC, datetime

    from sim.experiments.counterfactuals import Rule, potential_outcomes
    from sim.experiments.counterfactuals_file import NOUN, OURS, write
    from sim.experiments.prepare import prepare
    from sim.experiments.provenance import run_id
    from sim.reporting.run.effects import effects_table
    from sim.store.folder import refuse_occupied

    (one,) = prepare([arguments.file], overrides(arguments))
    tell_book(str(arguments.file), one.book, arguments)
    folder = arguments.out or Path("results") / one.scenario.name / f"{run_id(one, datetime.now(UTC))}-counterfactuals"
    refuse_occupied(folder, NOUN, OURS, overwrite=arguments.overwrite)
    found = potential_outcomes(
        one,
        arms=arms_named(arguments),
        customers=arguments.customers,
        rule=Rule(arguments.rule, arguments.share, arguments.by, arguments.strength),
        callback=callback_of(arguments),
    )
    if len(one.scenario.seed_list) > 1 and not arguments.quiet:
        first, *more = one.scenario.seed_list
        print(f"{arguments.file}: lived seed {first} alone; {len(more)} more were left out", file=sys.stderr)
    file = write(found, folder, overwrite=arguments.overwrite)
    if arguments.json:
        print(json.dumps(found.facts | {"folder": str(folder)}, allow_nan=False))
    else:
        print(f"{effects_table(found.table, found.facts)}\n\ncounterfactuals: {file}")
    return 0


def compare(arguments: argparse.Namespace) -> int:
    from sim.measures.compare import compare, join, remarks
    from sim.measures.evidence import evidence_of
    from sim.measures.kpis import run_kpis_of, summarise
    from sim.measures.precision import precision
    from sim.phrases import labelled
    from sim.reporting.names import labels_of
    from sim.reporting.run import summary_table
    from sim.store.files import write_csv
    from sim.store.run_reading import read

    runs = [read(folder) for folder in arguments.folders]
    joined = join(runs)
    for folder in arguments.folders:
        say_if_changed(folder)
    for line in remarks(runs):
        print(line, file=sys.stderr)
    if len(joined.arms) < 2:
        raise BadInput.at(str(arguments.folders[0]), "one arm only; a comparison needs two, of one run or of several")
    kpis = run_kpis_of(joined)
    proof = evidence_of(joined)
    comparison, sure = compare(kpis, joined.arms[0]), precision(kpis, joined.arms[0])
    if arguments.out is not None:
        write_csv(arguments.out, comparison)
    if arguments.json:
        record = {"reference": joined.arms[0], "comparison": plain(comparison), "precision": plain(sure)}
        record |= _decision_as_json(joined, summarise(kpis, proof.errors), comparison)
        record |= _marks_as_json(None, comparison, proof, joined.arms)
        print(json.dumps(record, allow_nan=False))
    else:
        with labelled(labels_of(joined.manifest)):
            print(summary_table(summarise(kpis, proof.errors), comparison, sure, evidence=proof))
    return 0


def report(arguments: argparse.Namespace) -> int:
    """Tell again what a run found."""
    from sim.words import speaking

    may_be_packed(arguments, ())
    if arguments.pdf is not None:
        from sim.reporting.paper import chromium, printed, unwritable

        chromium()
    with speaking(arguments.language):
        page = _told_again(arguments)
    if arguments.pdf is not None:
        print(f"pdf: {printed(page, Path(arguments.pdf or page.with_suffix('.pdf')))}")
        if lacking := unwritable(page):
            print(lacking, file=sys.stderr)
    if crate := packed(arguments.folder, arguments):
        print(f"crate: {crate}")
    return 0


def _told_again(arguments: argparse.Namespace) -> Path:
    """The page of a run, a sweep, an optimisation or a calibration, written anew from its folder."""
    from sim.store.sweep_reading import kind_of
    from sim.verbs import calibrate, sweeps

    page: Path = arguments.folder / "report.html"
    other = calibrate.is_one(arguments.folder) or kind_of(arguments.folder) == "optimise"
    if other and (arguments.language or DEFAULT) != DEFAULT:
        what = "reports of calibrations and optimisations are in English only; leave it out"
        raise BadInput.at("--language", what)
    if calibrate.is_one(arguments.folder):
        calibrate.again(arguments)
        return page
    if sweeps.report(arguments.folder):
        return page
    from sim.reporting.run import build, summary_table
    from sim.store.run_reading import read

    read(arguments.folder)
    say_if_changed(arguments.folder)
    page = build(arguments.folder)
    run = read(arguments.folder)
    print(summary_table(run, precision=run.precision if len(run.arms) > 1 else None))
    print(f"\nreport: {page}")
    return page


def verify(arguments: argparse.Namespace) -> int:
    """Whether stored numbers come out again."""
    from sim.experiments.verify import verify
    from sim.store.sweep_reading import kind_of
    from sim.verbs import calibrate

    if calibrate.is_one(arguments.folder):
        return calibrate.verify(arguments)
    if kind_of(arguments.folder) is None:
        verdict = verify(arguments.folder, threads=arguments.threads)
    else:
        from sim.experiments.verify_sweep import verify_sweep

        verdict = verify_sweep(arguments.folder)
    for name, digest in verdict.digests.items():
        print(f"{name:<10} {digest}")
    if verdict.sealed:
        print(f"{'files':<10} {verdict.sealed} sealed" + ("" if verdict.differing else ", all as they were written"))
    for name, how in verdict.differing.items():
        print(f"{name} {how}")
    print("the same" if verdict.same else "DIFFERENT")
    for note in verdict.notes:
        print(note, file=sys.stderr)
    return 0 if verdict.same else 1
