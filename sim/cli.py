"""The verbs of the command line; each asks the rooms below and says what came of it.

Exit codes: 0 done, 1 a run failed, 2 bad input, 130 interrupted. A user's mistake is answered with its address, never
with a traceback. Rooms are imported where a verb needs them, so that help and validation answer at once.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from sim.errors import BadInput, Mistake, SimError

VERBS = ("run", "validate", "compare", "report", "verify", "schema", "list", "fork", "attribute")
LATER = ("survey", "calibrate", "optimise", "analyse", "status", "work", "serve")
LATER_OPTIONS = ("workers", "cluster")


class _Parser(argparse.ArgumentParser):
    """argparse that answers a wrong option as we answer every mistake: one line and exit 2."""

    def error(self, message: str) -> NoReturn:
        raise BadInput.at(self.prog, f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character still gets the line
    with contextlib.suppress(ValueError):  # only a main thread may listen
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a batch system's word to stop is our Ctrl-C
    try:
        arguments = _parse(words)
        _load_plugins(arguments)
        return int(arguments.verb(arguments))
    except BadInput as bad:
        print(bad, file=sys.stderr)
        return bad.exit_code
    except SimError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        print(f"run.py  {error.strerror or error}: {error.filename or 'writing the output'}", file=sys.stderr)
        return 1


def _parse(words: list[str]) -> argparse.Namespace:
    if words and words[0] in LATER:
        raise BadInput.at("run.py", f"{words[0]} is not part of this version; its verbs are {', '.join(VERBS)}")
    if words and words[0] not in VERBS and words[0] not in ("-h", "--help", "--version"):
        words = ["run", *words]
    return _parser().parse_args(words)


def _parser() -> argparse.ArgumentParser:
    from sim import __version__

    about = "Simulate customer relationship strategies of a retail bank."
    parser = _Parser(prog="run.py", description=about, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)

    def verb(name: str, does: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(verb=does)
        return sub

    run = verb("run", _run, "check every file first, run every arm and seed of each, write results")
    run.add_argument("files", nargs="+", metavar="FILE", help="scenario files")
    _scenario_options(run)
    _run_options(run)
    for name in LATER_OPTIONS:
        run.add_argument(f"--{name}", help=argparse.SUPPRESS)
    fork = verb("fork", _fork, "continue the states that a run saved with --checkpoint, under the arms of a file")
    fork.add_argument("folder", type=Path, metavar="RUN", help="a results folder that has states of the month")
    fork.add_argument("file", metavar="FILE", help="scenario file; the same past as RUN's, other arms and future")
    fork.add_argument("--at", type=_month, required=True, metavar="MONTH", help="month whose states are continued")
    fork.add_argument("--from-arm", metavar="NAME", help="arm of RUN that every arm continues (default: the arm of "
                      "the same name, else RUN's reference arm)")  # fmt: skip
    _scenario_options(fork)
    _run_options(fork)
    attribute = verb("attribute", _attribute, "which strategy of an arm does it: Shapley values over all coalitions")
    attribute.add_argument("file", metavar="FILE", help="scenario file")
    attribute.add_argument("--arm", required=True, metavar="NAME", help="the arm that is taken apart")
    attribute.add_argument("--kpis", metavar="A,B", help="key figures (default: attrition, AUM, profit, NPV)")
    attribute.add_argument("--agents", type=_at_least_one, default=20_000, metavar="N", help="simulated rows (20,000)")
    attribute.add_argument("--workers", type=_at_least_one, metavar="N", help="processes (default: all cores)")
    where = attribute.add_mutually_exclusive_group()
    where.add_argument("--out", type=Path, metavar="DIR", help="exactly this folder, which must be new or empty")
    where.add_argument("--into", type=Path, metavar="RUN", help="a results folder whose report then shows it")
    attribute.add_argument("--quiet", action="store_true", help="no progress")
    attribute.add_argument("--json", action="store_true", help="the table as one JSON object on stdout")
    _scenario_options(attribute, arms=False)
    validate = verb("validate", _validate, "check files only, write nothing")
    validate.add_argument("files", nargs="+", metavar="FILE", help="scenario files")
    _scenario_options(validate)
    compare = verb("compare", _compare, "paired comparison of the arms of stored runs with the same seeds")
    compare.add_argument("folders", nargs="+", type=Path, metavar="RUN", help="results folders; reference first")
    compare.add_argument("--out", type=Path, metavar="FILE", help="also write the comparison as CSV")
    compare.add_argument("--json", action="store_true", help="the comparison as one JSON object on stdout")
    report = verb("report", _report, "rebuild tables, figures and report.html from stored results alone")
    report.add_argument("folder", type=Path, metavar="RUN", help="a results folder")
    verify = verb("verify", _verify, "compare the stored digest, the manifest's and a rerun's")
    verify.add_argument("folder", type=Path, metavar="RUN", help="a results folder")
    _plugin_option(verify)
    verify.add_argument("--threads", type=_at_least_one, metavar="N", help="threads of the rerun (default: all cores)")
    schema = verb("schema", _schema, "JSON Schema of scenario files, for editors")
    schema.add_argument("--markdown", action="store_true", help="the scenario reference as a page instead")
    _plugin_option(schema)
    _plugin_option(verb("list", _list, "strategies, presets, shocks and KPIs, each with one line"))
    return parser


def _scenario_options(parser: argparse.ArgumentParser, *, arms: bool = True) -> None:
    parser.add_argument("--set", action="append", default=[], metavar="PATH=VALUE", help="replace a value of the files")
    parser.add_argument("--seeds", metavar="N|LIST", help="a number (seeds 1..N) or a list with a comma (7, or 1,4,9)")
    parser.add_argument("--months", metavar="N", help="measured months")
    if arms:
        parser.add_argument("--arms", metavar="A,B", help="only these arms")
    _plugin_option(parser)


def _plugin_option(parser: argparse.ArgumentParser) -> None:
    text = "a module with strategies of your own, which scenarios use as MODULE:Class; may be given several times"
    parser.add_argument("--plugin", action="append", default=[], metavar="MODULE", help=text)


def _load_plugins(arguments: argparse.Namespace) -> None:
    """What the command line names and nothing else, before any file is read: for verbs that read scenarios."""
    if hasattr(arguments, "plugin"):
        from sim.strategies import load_plugins

        load_plugins(arguments.plugin)


def _run_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help="exactly this folder (DIR/<name> for several files)")
    add("--threads", type=_at_least_one, metavar="N", help="threads (default: all cores)")
    add("--checkpoint", type=_month, metavar="MONTH", help="save the state at the end of this measured month, for fork")
    add("--resume", action="store_true", help="run only what an earlier run did not finish")
    add("--overwrite", action="store_true", help="replace the run that the folder holds")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="the summary as one JSON object on stdout, nothing else there")


def _at_least_one(text: str) -> int:
    return _whole_number(text, 1)


def _month(text: str) -> int:
    return _whole_number(text, 0)


def _whole_number(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least}")
    return int(text)


def _overrides(arguments: argparse.Namespace) -> list[str]:
    """--set, and --seeds and --months as what they replace."""
    overrides = list(arguments.set)
    mistakes = []
    if arguments.months is not None:
        if arguments.months.isascii() and arguments.months.isdigit() and int(arguments.months) >= 1:
            overrides.append(f"months={int(arguments.months)}")
        else:
            mistakes.append(Mistake("--months", 0, 0, "", f"{arguments.months!r}; a whole number from 1"))
    if arguments.seeds is not None:
        seeds = _seeds(arguments.seeds)
        if seeds is None:
            right = "a number from 1 (seeds 1..N), or a list of distinct whole numbers with a comma (7, or 1,4,9)"
            mistakes.append(Mistake("--seeds", 0, 0, "", f"{arguments.seeds!r}; {right}"))
        else:
            overrides.append(f"seeds={seeds}")
    if mistakes:
        raise BadInput(mistakes)
    return overrides


def _seeds(text: str) -> str | None:
    words = [word.strip() for word in text.split(",")]
    listed = "," in text
    words = words[:-1] if listed and words[-1] == "" else words
    if not words or not all(word.isascii() and word.isdigit() for word in words):
        return None
    if listed:
        return f"[{', '.join(str(int(word)) for word in words)}]"
    return f"{{first: 1, count: {int(words[0])}}}" if int(words[0]) >= 1 else None


def _prepare(arguments: argparse.Namespace) -> list[Any]:
    from sim.experiments.prepare import prepare

    return prepare(arguments.files, _overrides(arguments), arms=_arms(arguments))


def _arms(arguments: argparse.Namespace) -> list[str] | None:
    arms = [name for name in arguments.arms.split(",") if name] if arguments.arms is not None else None
    if arms == []:
        raise BadInput.at("--arms", f"{arguments.arms!r} names no arm; names with commas between them")
    return arms


def _run(arguments: argparse.Namespace) -> int:
    later = [f"--{name}" for name in LATER_OPTIONS if getattr(arguments, name) is not None]
    if later:
        raise BadInput([Mistake("run.py", 0, 0, "", f"{name} is not part of this version") for name in later])
    prepared = _prepare(arguments)
    from sim.experiments.execution import Watcher, run_all
    from sim.progress import ProgressBar

    watcher = Watcher() if arguments.quiet else ProgressBar()
    return _tell(run_all(prepared, _options(arguments), watcher), arguments)


def _fork(arguments: argparse.Namespace) -> int:
    from sim.experiments.execution import Watcher
    from sim.experiments.fork import fork
    from sim.progress import ProgressBar

    watcher = Watcher() if arguments.quiet else ProgressBar()
    outcome = fork(
        arguments.folder, arguments.at, arguments.file, _options(arguments), watcher,
        overrides=_overrides(arguments), arms=_arms(arguments), from_arm=arguments.from_arm,
    )  # fmt: skip
    return _tell([outcome], arguments)


def _options(arguments: argparse.Namespace) -> Any:
    from sim.experiments.execution import Options

    return Options(
        arguments.out, arguments.threads, arguments.overwrite, arguments.resume, checkpoint=arguments.checkpoint
    )


def _tell(outcomes: Sequence[Any], arguments: argparse.Namespace) -> int:
    """Summaries on stdout, what failed on stderr; returns the exit code."""
    if arguments.json:
        print(json.dumps(_as_json(outcomes), allow_nan=False))
    else:
        _print_summaries(outcomes)
    for outcome in outcomes:
        for broken in outcome.failed:
            which = f"arm {broken['arm']} seed {broken['seed']}"
            print(f"{outcome.run.path}: {which} failed: {broken['error']}", file=sys.stderr)
    return 1 if any(outcome.failed for outcome in outcomes) else 0


def _plain(frame: Any) -> list[dict[str, Any]]:
    """Rows of a table for JSON; what is not finite is null."""
    return json.loads(frame.to_json(orient="records"))


def _as_json(outcomes: Sequence[Any]) -> dict[str, Any]:
    runs = []
    for outcome in outcomes:
        run = outcome.run
        manifest = {key: run.manifest[key] for key in ("name", "run_id", "status", "scenario_digest", "result_digest")}
        tables = ("summary", "comparison", "precision") if len(run.arms) > 1 else ("summary",)
        told = {"comparison": [], "precision": [], **{name: _plain(getattr(run, name)) for name in tables}}
        stopping = {"stopping": run.manifest["stopping"]} if "stopping" in run.manifest else {}
        runs.append({**manifest, "folder": str(run.path), **stopping, **told})
    return runs[0] if len(runs) == 1 else {"runs": runs}


def _print_summaries(outcomes: Sequence[Any]) -> None:
    from sim.report import stopping_words, summary_table

    for outcome in outcomes:
        run = outcome.run
        print(summary_table(run, precision=run.precision if len(run.arms) > 1 else None))
        if words := stopping_words(run.manifest):
            print(f"\n{words}")
        print(f"\nreport: {run.path / 'report.html'}")


def _validate(arguments: argparse.Namespace) -> int:
    from sim.scenario import SeedsUntil

    for path, one in zip(arguments.files, _prepare(arguments), strict=True):
        s = one.scenario
        customers = one.book.rows if one.book is not None else s.population.customers or 1_000_000
        seeds = f"{'up to ' * isinstance(s.seeds, SeedsUntil)}{len(s.seed_list)} seeds"
        print(f"{path}: {s.name} is in order: {len(s.arms)} arms x {seeds} x {s.months} months "
              f"after {s.burn_in}, {customers:,} customers, digest {one.digest[:8]}")  # fmt: skip
    return 0


def _attribute(arguments: argparse.Namespace) -> int:
    from sim.experiments.attribution import DEFAULT_SEEDS, attribute, question, smaller, where_to, write
    from sim.experiments.execution import cores
    from sim.experiments.prepare import prepare
    from sim.report import attribution_table

    arguments.seeds = arguments.seeds or str(DEFAULT_SEEDS)
    (prepared,) = prepare([arguments.file], _overrides(arguments))
    kpis = [name for name in arguments.kpis.split(",") if name] if arguments.kpis is not None else None
    asked = question(smaller(prepared, arguments.agents), arguments.arm, kpis)
    folder = where_to(asked, arguments.out, arguments.into)

    def told(done: int, seeds: int) -> None:
        if not arguments.quiet:
            each = f"{asked.coalitions} coalitions each"
            print(f"{asked.scenario.name}: {done} of {seeds} seeds, {each}", file=sys.stderr)

    table = attribute(asked, workers=arguments.workers or cores(), plugins=arguments.plugin, told=told)
    write(folder, table, asked, into=arguments.into is not None)
    if arguments.json:
        print(json.dumps({"arm": arguments.arm, "folder": str(folder), "attribution": _plain(table)}, allow_nan=False))
    else:
        print(f"{attribution_table(table)}\n\nattribution: {folder / 'attribution.csv'}")
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    from sim.compare import compare, join
    from sim.kpis import run_kpis_of, summarise
    from sim.precision import precision
    from sim.report import summary_table
    from sim.results import read
    from sim.tables import write_csv

    joined = join([read(folder) for folder in arguments.folders])
    if len(joined.arms) < 2:
        raise BadInput.at(str(arguments.folders[0]), "one arm only; a comparison needs two, of one run or of several")
    kpis = run_kpis_of(joined)
    comparison, sure = compare(kpis, joined.arms[0]), precision(kpis, joined.arms[0])
    if arguments.out is not None:
        write_csv(arguments.out, comparison)
    if arguments.json:
        told = {"reference": joined.arms[0], "comparison": _plain(comparison), "precision": _plain(sure)}
        print(json.dumps(told, allow_nan=False))
    else:
        print(summary_table(summarise(kpis), comparison, sure))
    return 0


def _report(arguments: argparse.Namespace) -> int:
    from sim.report import build, summary_table
    from sim.results import read

    page = build(arguments.folder)
    run = read(arguments.folder)
    print(summary_table(run, precision=run.precision if len(run.arms) > 1 else None))
    print(f"\nreport: {page}")
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from sim.experiments.verify import verify

    verdict = verify(arguments.folder, threads=arguments.threads)
    for name, digest in verdict.digests.items():
        print(f"{name:<10} {digest}")
    print("the same" if verdict.same else "DIFFERENT")
    if verdict.made_by is not None:
        print(f"the run was made by other code ({verdict.made_by})", file=sys.stderr)
    return 0 if verdict.same else 1


def _schema(arguments: argparse.Namespace) -> int:
    from sim.reference import json_schema, reference_page
    from sim.scenario import Scenario

    if arguments.markdown:
        print(reference_page(Scenario), end="")
        return 0
    print(json.dumps(json_schema(Scenario), indent=2))
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from sim.environment import SHOCKS
    from sim.kpis import KPIS
    from sim.population.presets import PRESETS
    from sim.strategies import first_line, known

    def section(title: str, rows: dict[str, str]) -> None:
        print(title)
        for name, text in (rows or {"-": "none in this version"}).items():
            print(f"  {name:<26} {text}")

    section("strategies", {name: first_line(kind) for name, kind in known().items()})
    section("presets", {name: preset.about for name, preset in PRESETS.items()})
    section("shocks", {kind: (shock.__doc__ or "").splitlines()[0] for kind, shock in SHOCKS.items()})
    section("KPIs", {name: f"{kpi.about} [{kpi.unit}]" for name, kpi in KPIS.items()})
    return 0
