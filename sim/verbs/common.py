"""What several verbs ask: the scenarios that a command line names, its overrides, and tables as JSON."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.errors import BadInput, Mistake


def program() -> str:
    """What the user called: the console script's name, else `run.py`."""
    called = Path(sys.argv[0]).stem
    return called if called == "rapport" else "run.py"


def command() -> str:
    """What the user types to call it again."""
    return program() if program() == "rapport" else f"python {shlex.quote(sys.argv[0])}"


def overrides(arguments: argparse.Namespace) -> list[str]:
    """--set, and --seeds and --months as what they replace."""
    overrides = list(arguments.set)
    mistakes = []
    if arguments.months is not None:
        if arguments.months.isascii() and arguments.months.isdigit() and int(arguments.months) >= 1:
            overrides.append(f"months={int(arguments.months)}")
        else:
            mistakes.append(Mistake("--months", 0, 0, "", f"{arguments.months!r}; a whole number from 1"))
    if arguments.seeds is not None:
        try:
            seeds = seeds_given(arguments.seeds)
            overrides.append(f"seeds={seeds if isinstance(seeds, list) else f'{{first: 1, count: {seeds}}}'}")
        except BadInput as bad:
            mistakes += bad.mistakes
    if mistakes:
        raise BadInput(mistakes)
    return overrides


def seeds_given(text: str) -> list[int] | int:
    """Seeds as --seeds takes them: a list where there is a comma, else how many; `BadInput` for what is neither."""
    words = [word.strip() for word in text.split(",")]
    listed = "," in text
    words = words[:-1] if listed and words[-1] == "" else words
    if not words or not all(word.isascii() and word.isdigit() for word in words) or not (listed or int(words[0])):
        right = "a number from 1 (seeds 1..N), or a list of distinct whole numbers with a comma (7, or 1,4,9)"
        raise BadInput.at("--seeds", f"{text!r}; {right}")
    return [int(word) for word in words] if listed else int(words[0])


def callback_of(arguments: argparse.Namespace) -> Any:
    """Who hears of the months: a bar, or nobody under --quiet."""
    from sim.experiments.callbacks import Callback
    from sim.verbs.progress import ProgressBar

    return Callback() if arguments.quiet else ProgressBar()


def prepared(arguments: argparse.Namespace) -> list[Any]:
    """Every file of the command line, read and checked; how a customer book was read is said on stderr."""
    ready = checked(arguments)
    for file, one in zip(arguments.files, ready, strict=True):
        tell_book(str(file), one.book, arguments)
    return ready


def tell_book(file: str, book: Any, arguments: argparse.Namespace) -> None:
    """On stderr how a customer book was read; what looks wrong about it is said also under --quiet."""
    for line in book_doubts(book) if getattr(arguments, "quiet", False) else book_lines(file, book):
        print(line, file=sys.stderr)


def checked(arguments: argparse.Namespace) -> list[Any]:
    """Every file of the command line, read and checked."""
    from sim.experiments.prepare import prepare

    return prepare(arguments.files, overrides(arguments), arms=arms_named(arguments))


def book_lines(file: str, book: Any) -> list[str]:
    """How the customer book of a scenario was read, and what looks wrong about it; nothing without a book."""
    return [*(f"{file}: book: {line}" for line in (book.lines() if book is not None else [])), *book_doubts(book)]


def book_doubts(book: Any) -> list[str]:
    """What looks wrong about a customer book although it could be read."""
    doubts = book.doubts if book is not None else ()
    return [str(replace(doubt, message=f"doubt: {doubt.message}")) for doubt in doubts]


def arms_named(arguments: argparse.Namespace) -> list[str] | None:
    """Arms of --arms; None where it was not given."""
    arms = [name.strip() for name in arguments.arms.split(",") if name.strip()] if arguments.arms is not None else None
    if arms == []:
        raise BadInput.at("--arms", f"{arguments.arms!r} names no arm; names with commas between them")
    return arms


def kpis_named(arguments: argparse.Namespace) -> list[str] | None:
    """Key figures of --kpis; None where it was not given."""
    kpis = [name for name in arguments.kpis.split(",") if name] if arguments.kpis is not None else None
    if kpis == []:
        raise BadInput.at("--kpis", f"{arguments.kpis!r} names no key figure; names with commas between them")
    return kpis


def say_if_changed(folder: Path) -> None:
    """A line on stderr where a stored run or sweep is no longer what was written; `BadInput` where it is none."""
    from sim.store import run_reading, sweep_reading
    from sim.store.seals import words

    if sweep_reading.kind_of(folder) is None:
        found = run_reading.changed_files(folder, run_reading.read_manifest(folder))
    else:
        found = sweep_reading.changed_files(folder, sweep_reading.read_sweep_manifest(folder))
    if found:
        print(f"{folder}: no longer what was written: {words(found)}; {program()} verify tells more", file=sys.stderr)


def plain(frame: Any) -> list[dict[str, Any]]:
    """Rows of a table for JSON; what is not finite is null."""
    return json.loads(frame.to_json(orient="records"))


def has_dask() -> bool:
    """Whether there can be processes besides this one."""
    from importlib.util import find_spec

    return find_spec("distributed") is not None


def processes(workers: int | None) -> Any:
    """Processes of this machine, as many as are asked for or as there are cores; without Dask this process alone."""
    if workers == 1 or (workers is None and not has_dask()):
        from sim.experiments.executors.here import HERE

        return HERE
    from sim.experiments.executors.choose import where

    return where(workers)
