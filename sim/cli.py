"""The verbs of the command line; each asks the rooms below and says what came of it.

Exit codes: 0 done, 1 a run failed, 2 bad input, 130 interrupted. A user's mistake is answered with its address, never
with a traceback. Rooms are imported where a verb needs them, so that help and validation answer at once.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from sim import shipping
from sim.errors import BadInput, SimError, one_line
from sim.spelling import never_lose_a_sign
from sim.verbs import checks, defence, own_bank, runs, start, surveys, sweeps
from sim.verbs import serve as page
from sim.verbs.common import program
from sim.verbs.warm import warm as compile_ahead
from sim.words import LANGUAGES

VERBS = (
    "init",
    "run",
    "validate",
    "compare",
    "report",
    "verify",
    "schema",
    "list",
    "fork",
    "attribute",
    "counterfactuals",
    "analyse",
    "optimise",
    "status",
    "work",
    "survey",
    "diagnose",
    "describe",
    "calibrate",
    "validate-model",
    "sign-off",
    "warm",
    "serve",
)

Verb = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


class _Parser(argparse.ArgumentParser):
    """argparse that answers a wrong option as we answer every mistake: one line and exit 2."""

    def error(self, message: str) -> NoReturn:
        raise BadInput.at(self.prog, f"{message}; see {self.prog} --help")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        never_lose_a_sign(stream)
    with contextlib.suppress(ValueError):  # only a main thread may listen
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a batch system's word to stop is our Ctrl-C
    try:
        arguments = _parse(words)
        _load_plugins(arguments)
        _tell_shipped(arguments)
        code = int(arguments.verb(arguments))
        _tell_of_letters()
        return code
    except BadInput as bad:
        print(bad, file=sys.stderr)
        return bad.exit_code
    except SimError as error:
        print(*map(one_line, str(error).split("\n")), sep="\n", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        message = f"{program()}  {error.strerror or error}: {error.filename or 'writing the output'}"
        print(one_line(message), file=sys.stderr)
        return 1


def _tell_of_letters() -> None:
    """Says once which letters no font had, if figures were drawn."""
    if (letters := sys.modules.get("sim.reporting.figures.letters")) and (line := letters.warning()):
        print(line, file=sys.stderr)


def _tell_shipped(arguments: argparse.Namespace) -> None:
    """Says which scenarios are read that come with the program and do not stand here."""
    quiet, named = getattr(arguments, "quiet", False), getattr(arguments, "file", None)
    for name in [] if quiet else getattr(arguments, "files", [named] if named else []):
        if (file := shipping.located(name)) != name:
            print(f"{name}: {one_line(file)}, which comes with the program", file=sys.stderr)


def _parse(words: list[str]) -> argparse.Namespace:
    unknown = words and words[0].replace("-", "").isalpha() and words[0] not in (*VERBS, *shipping.names())
    if unknown and not Path(words[0]).exists():
        from sim.yaml_source import did_you_mean

        if meant := did_you_mean(words[0], VERBS):
            raise BadInput.at(program(), f"{words[0]!r} is neither a verb nor a file; {meant}")
    if words and words[0] not in VERBS and words[0] not in ("-h", "--help", "--version"):
        words = ["run", *words]
    arguments, unknown_words = _parser().parse_known_args(words)
    if unknown_words:
        verb = f"{program()} {words[0]}"
        raise BadInput.at(verb, f"unrecognized arguments: {' '.join(unknown_words)}; see {verb} --help")
    return arguments


def _parser() -> argparse.ArgumentParser:
    from sim.house import VERSION as __version__

    about = "Simulate customer relationship strategies of a retail bank."
    parser = _Parser(prog=program(), description=about, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(required=True, metavar="VERB", parser_class=_Parser)

    def verb(name: str, does: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = verbs.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(verb=does)
        return sub

    init = verb(
        "init", start.init, "write the scenarios that come with the program into a folder, and one to start from"
    )
    init.add_argument("folder", type=Path, metavar="FOLDER", help="a folder, made where there is none")
    init.add_argument("--overwrite", action="store_true", help=f"replace files of these names, {start.OWN} too")
    run = verb("run", runs.run, "check every file first, run every arm and seed of each, write results")
    shipped = f"scenario files, or names of scenarios that come with the program: {', '.join(shipping.names())}"
    run.add_argument("files", nargs="+", metavar="FILE", help=shipped)
    _scenario_options(run)
    _run_options(run)
    _place_options(run)
    text = "each bank lived by N workers together, a part of its customers each (default: whole banks)"
    run.add_argument("--shards", type=_at_least_one, metavar="N", help=text)
    fork = verb("fork", runs.fork, "continue the states that a run saved with --checkpoint, under the arms of a file")
    fork.add_argument("folder", type=Path, metavar="RUN", help="a results folder that has states of the month")
    fork.add_argument("file", metavar="FILE", help="scenario file; the same past as RUN's, other arms and future")
    fork.add_argument("--at", type=_month, required=True, metavar="MONTH", help="month whose states are continued")
    fork.add_argument(
        "--from-arm",
        metavar="NAME",
        help="arm of RUN that every arm continues (default: the arm of the same name, else RUN's reference arm)",
    )
    _scenario_options(fork)
    _run_options(fork)
    attribute = verb("attribute", runs.attribute, "which strategy of an arm does it: Shapley values of all coalitions")
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
    truth = verb("counterfactuals", runs.counterfactuals, "every customer under every arm: true individual effects")
    truth.add_argument("file", metavar="FILE", help="scenario file")
    truth.add_argument("--customers", type=int, metavar="N", help="rows kept, drawn evenly (default: all simulated)")
    truth.add_argument("--rule", default="randomised", metavar="R", help="randomised, targeted or confounded")
    truth.add_argument("--share", type=float, default=0.5, metavar="S", help="share given an arm after the first (0.5)")
    truth.add_argument("--by", default="", metavar="COLUMN", help="what the rule goes by (churn_score, or risk unseen)")
    truth.add_argument("--strength", type=float, default=1.0, metavar="B", help="log odds a standard deviation (1)")
    truth.add_argument("--out", type=Path, metavar="DIR", help="exactly this folder")
    truth.add_argument("--overwrite", action="store_true", help="write over counterfactuals in --out")
    truth.add_argument("--quiet", action="store_true", help="no progress")
    truth.add_argument("--json", action="store_true", help="the facts as one JSON object on stdout")
    _scenario_options(truth)
    status = verb("status", sweeps.status, "how far a sweep or an optimisation is, from its folder alone")
    status.add_argument("folder", type=Path, metavar="RUN", help="a folder of a sweep, an optimisation or a run")
    status.add_argument("--json", action="store_true", help="as one JSON object on stdout")
    work = verb("work", sweeps.work, "live one share of a sweep with no driver, for job arrays on a shared folder")
    work.add_argument("file", metavar="FILE", help="scenario file with a sweep")
    work.add_argument("--shard", required=True, metavar="I/N", help="which share of how many, from 1: 3/10")
    work.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder that all shares fill")
    work.add_argument("--quiet", action="store_true", help="no progress")
    _scenario_options(work)
    analyse = verb("analyse", sweeps.analyse, "what a sweep teaches: effects, sensitivity, regret, where an arm fails")
    analyse.add_argument("folder", type=Path, metavar="RUN", help="a sweep's folder")
    analyse.add_argument("--kpis", metavar="A,B", help="key figures (default: NPV, attrition, AUM, profit)")
    analyse.add_argument("--arms", metavar="A,B", help="only these arms, against the reference")
    analyse.add_argument("--json", action="store_true", help="the answers as one JSON object on stdout")
    optimise = verb("optimise", sweeps.optimise, "the best setting of an arm's levers under a budget, confirmed anew")
    optimise.add_argument("file", metavar="FILE", help="scenario file with an optimise section")
    _scenario_options(optimise, arms=False)
    _folder_options(optimise, "exactly this folder")
    _place_options(optimise)
    validate = verb("validate", checks.validate, "check files only, write nothing")
    validate.add_argument("files", nargs="+", metavar="FILE", help="scenario files")
    _scenario_options(validate)
    compare = verb("compare", runs.compare, "paired comparison of the arms of stored runs with the same seeds")
    compare.add_argument("folders", nargs="+", type=Path, metavar="RUN", help="results folders; reference first")
    compare.add_argument("--out", type=Path, metavar="FILE", help="also write the comparison as CSV")
    compare.add_argument("--json", action="store_true", help="the comparison as one JSON object on stdout")
    report = verb("report", runs.report, "rebuild tables, figures and report.html from stored results alone")
    report.add_argument("folder", type=Path, metavar="RUN", help="a results folder")
    report.add_argument("--language", choices=list(LANGUAGES), help="of the page (default: the scenario's, else en)")
    pdf = "also print the page to FILE (default RUN/report.pdf); needs Chromium"
    report.add_argument("--pdf", nargs="?", const="", metavar="FILE", help=pdf)
    _crate_options(report)
    _survey(verb)
    _own_bank(verb)
    _defence(verb)
    verify = verb("verify", runs.verify, "is every file what was written, and do the numbers come out again?")
    verify.add_argument("folder", type=Path, metavar="RUN", help="a results folder")
    _plugin_option(verify)
    verify.add_argument("--threads", type=_at_least_one, metavar="N", help="threads of the rerun (default: all cores)")
    schema = verb("schema", checks.schema, "JSON Schema of scenario files, for editors")
    schema.add_argument("--markdown", action="store_true", help="the scenario reference as a page instead")
    _plugin_option(schema)
    warm = verb("warm", compile_ahead, "compile the kernel ahead, for images and nodes; NUMBA_CACHE_DIR says where to")
    warm.add_argument("--check", action="store_true", help="compile nothing; exit 1 if something is not compiled")
    warm.add_argument("--quiet", action="store_true", help="no progress")
    serve = verb("serve", page.serve, "the bank in the browser, to play with: levers, live charts, one customer's life")
    page.options(serve.add_argument)
    _scenario_options(serve)
    _plugin_option(verb("list", checks.list_all, "strategies, presets, shocks and KPIs, each with one line"))
    return parser


def _survey(verb: Verb) -> None:
    """The verbs that speak the language of questionnaires."""
    text = "hold a questionnaire on a stored run, or analyse, compare, import or initialise from answers"
    survey = verb("survey", surveys.survey, text)
    add = survey.add_argument
    add("run", nargs="?", metavar="RUN", help="a results folder: its customers or managers are asked")
    what = survey.add_mutually_exclusive_group()
    what.add_argument("--analyse", metavar="ANSWERS", help="what answers say, simulated or real (CSV, Parquet, .sav)")
    what.add_argument("--initialise", metavar="ANSWERS", help="a scenario whose bank begins with these answers")
    what.add_argument("--compare", metavar="ANSWERS", help="real answers against those of RUN, or --with")
    what.add_argument("--import", dest="imports", metavar="FILE", help="an instrument as a survey tool wrote it")
    what.add_argument("--export", metavar="INSTRUMENT", help="an instrument as XLSForm, for fielding")
    add("--instrument", metavar="FILE", help="customers, employees, or a file (default: customers)")
    add("--month", type=_month, metavar="M", help="month at whose end it is held (default: the last)")
    add("--n", type=_at_least_one, metavar="N", help="sheets wanted (500)")
    add("--sampling", metavar="HOW", help="simple, stratified, quota, branch or app")
    add("--panel", action="store_true", default=None, help="those whom a panel would ask: the same whatever the month")
    add("--arms", metavar="A,B", help="only these arms")
    add("--seeds", metavar="N|LIST", help="seeds of the run that are asked (default: its first)")
    add("--by", metavar="A,B", help="with --analyse: groups that are compared, by their columns")
    add(
        "--keep",
        action="store_true",
        default=None,
        help="with --analyse: sheets that look careless are counted and kept",
    )
    add("--with", dest="other", metavar="ANSWERS", help="with --compare: the simulated answers")
    add("--scenario", metavar="FILE", help="with --initialise: the scenario that the bank is of (default: baseline)")
    add("--employees", metavar="ANSWERS", help="with --initialise: answers of the staff too")
    add("--links", metavar="FILE", help="with --initialise: which construct begins what (default: by their names)")
    _page_options(survey)
    diagnose = verb("diagnose", surveys.diagnose, "the four problems of a bank, by book, surveys and model, as a page")
    diagnose.add_argument("source", metavar="RUN|BOOK", help="a results folder, or a scenario with a customer book")
    diagnose.add_argument("--arm", metavar="NAME", help="which arm of a run (default: the first)")
    diagnose.add_argument("--customers", metavar="ANSWERS", help="answers of customers (default: asked of the model)")
    diagnose.add_argument("--employees", metavar="ANSWERS", help="answers of the staff (default: asked of the model)")
    _page_options(diagnose)


def _own_bank(verb: Verb) -> None:
    """The verbs that make the model a bank's own: its data, and the numbers that they tell."""
    describe = verb("describe", own_bank.describe, "what a file of customers holds; propose a scenario that reads it")
    add = describe.add_argument
    add("source", nargs="+", metavar="FILE", help="a file of customers, or several tables that belong together")
    add("--as-of", metavar="DATE", help="day that the file is of, YYYY-MM-DD: dates become tenure and age at it")
    add("--query", metavar="SQL", help="of a DuckDB or SQLite file, or over several tables by their names")
    add("--table", metavar="NAME", help="table of a DuckDB or SQLite file that is the book")
    add("--sheet", metavar="NAME", help="sheet of a workbook (default: the first that holds anything)")
    add("--header", type=_at_least_one, metavar="LINE", help="line or row that names the columns (default: found)")
    add("--encoding", metavar="NAME", help="encoding of a text, such as gb18030 (default: found)")
    add("--separator", choices=("comma", "semicolon", "tab", "bar"), help="between values of a text (default: found)")
    add("--decimal", choices=("point", "comma"), help="what stands before decimals (default: found)")
    text = "the scenario that is written; - writes none (default: the file's name with .yaml; none with --json)"
    add("--out", type=Path, metavar="FILE", help=text)
    add("--overwrite", action="store_true", help="replace it")
    add("--quiet", action="store_true", help="no table of the columns")
    add("--json", action="store_true", help="what was found as one JSON object on stdout, nothing else there")
    calibrate = verb("calibrate", own_bank.calibrate, "numbers of the model from data, with what these cannot tell")
    add = calibrate.add_argument
    add("file", metavar="FILE", help="a calibration file, or the name of one that comes with the program")
    add("--data", type=Path, metavar="DIR", help="where the data stand that it names (default: SIM_DATA_DIR)")
    add("--fits", type=_none_or_more, metavar="N", help="small fits of known answers that check the method (100)")
    add("--resume", action="store_true", help="go on where an earlier calibration stopped")
    _place_options(calibrate)
    _page_options(calibrate)


def _defence(verb: Verb) -> None:
    """The verbs that defend the model: does it behave like a bank, and what those must know who answer for it."""
    validate = verb("validate-model", defence.validate_model, "the stylised facts: what the model meets and misses")
    add = validate.add_argument
    add("--customers", type=_at_least_one, metavar="N", help="size of the banks (200,000: what tolerances are for)")
    add("--seeds", metavar="N|LIST", help="a number (seeds 1..N) or a list with a comma (default: 1 to 10)")
    add("--facts", metavar="A,B", help="only these, as V1,E9")
    add("--workers", type=_at_least_one, metavar="N", help="processes (default: all cores)")
    _page_options(validate)
    sign_off = verb("sign-off", defence.sign_off, "a file for those who answer for model risk, out of a stored run")
    add = sign_off.add_argument
    add("run", type=Path, metavar="RUN", help="a results folder")
    add("--validation", type=Path, metavar="DIR", help="a folder of validate-model (default: what the program ships)")
    add(
        "--calibration", type=Path, action="append", default=[], metavar="DIR", help="a folder of calibrate; repeatable"
    )
    add("--sensitivity", type=Path, metavar="SWEEP", help="a sweep's folder (default: the worlds of the run)")
    _page_options(sign_off)


def _page_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help="exactly this folder (a file, where one file is written)")
    add("--overwrite", action="store_true", help="replace what it holds")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="the answers as one JSON object on stdout, nothing else there")


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
    add(
        "--threads",
        type=_at_least_one,
        metavar="N",
        help="threads of a run (default: all cores, or seeds side by side)",
    )
    add("--checkpoint", type=_month, metavar="MONTH", help="save the state at the end of this measured month, for fork")
    _crate_options(parser)
    _folder_options(parser)


def _crate_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--crate", action="store_true", help="pack scenario, results, versions and digests for a journal: RO-Crate")
    add("--creator", metavar="NAME", help="who made it, for the crate")
    add("--licence", metavar="NAME", help="licence of what is in the crate: an SPDX name, a URL, or words")


def _folder_options(
    parser: argparse.ArgumentParser, out: str = "exactly this folder (DIR/<name> for several files)"
) -> None:
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help=out)
    add("--resume", action="store_true", help="run only what an earlier run did not finish")
    add("--overwrite", action="store_true", help="replace the run that the folder holds")
    add("--quiet", action="store_true", help="no progress")
    add("--json", action="store_true", help="the summary as one JSON object on stdout, nothing else there")


def _place_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--workers", type=_at_least_one, metavar="N", help="so many processes of this machine, a core each")
    text = "a running Dask scheduler (tcp://HOST:PORT, tls://...) or FILE.yaml of a batch system"
    add("--cluster", metavar="WHERE", help=text)


def _at_least_one(text: str) -> int:
    return _whole_number(text, 1)


def _none_or_more(text: str) -> int:
    return _whole_number(text, 0)


def _month(text: str) -> int:
    return _whole_number(text, 0)


def _whole_number(text: str, least: int) -> int:
    if not (text.isascii() and text.isdigit() and int(text) >= least):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least}")
    return int(text)
