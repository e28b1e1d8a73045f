"""What `validate` accepts, `run` lives: scenarios made strange, thousands of them, on the user's way.

    python -m tests.fuzz --count 3000 --runs 300 --seed 1 --keep /tmp/strange

Every mutant goes through `run.py validate`, which must answer with exit code 0 or 2 and lines as it always does. Of
those accepted a sample is made tiny (few months, few rows) and run; each must end with exit code 0. Counted are
tracebacks, library warnings, lines on stderr that are no mistakes with an address, hangs, runs that failed, and tables
with numbers that are none. Exit code 1 if there was any. The same seed makes the same mutants.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim.cli import main
from sim.errors import BadInput
from sim.yaml_source import dump, loads
from tests.mutate import Banks, mutant

LINE = re.compile(r"^\S.*?(:\d+:\d+)?  \S.*")  # FILE:LINE:COLUMN  key.path: what is wrong; what would be right
SECONDS = {"validate": 30, "run": 120}  # of work, however busy the machine is; more is a hang
ASLEEP = 20  # times as many seconds on the clock are one too
SUMS = ("customers", "active", "dormant", "aum", "revenue", "channel_cost", "manager_cost", "strategy_cost", "profit")
ROWS, MONTHS, ARMS = 1000, 3, 4  # of a tiny run


class Hang(BaseException):
    """It took too long. Not an Exception, so that nothing takes it for one of its own."""


@dataclass
class Answer:
    """What the command line answered."""

    code: int | None  # None: a traceback or a hang
    out: str
    err: str
    wrong: list[str] = field(default_factory=list)  # what may never be


def ask(words: Sequence[str], seconds: int = 30) -> Answer:
    """The command line's answer in this process, with all that it must never say."""
    out, err = io.StringIO(), io.StringIO()
    code: int | None = None
    wrong: list[str] = []
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for quiet in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", quiet)  # as Python itself does
        try:
            with _at_most(seconds):
                code = main(words)
        except Hang:
            wrong.append(f"hang: more than {seconds} s of work")
        except BaseException:
            wrong.append("traceback: " + traceback.format_exc())
    told = (f"warning: {one.category.__name__}: {one.message} ({one.filename}:{one.lineno})" for one in said)
    wrong += dict.fromkeys(told)
    lines = err.getvalue().splitlines()
    if "Traceback" in err.getvalue():
        wrong.append("traceback: " + err.getvalue())
    if code == 2:
        wrong += [f"line: {line!r}" for line in lines if not LINE.match(line) or not line.isprintable()]
        wrong += [] if lines else ["line: exit 2 without a word"]
    elif code is not None and words[0] == "validate" and (code != 0 or lines):
        wrong.append(f"line: exit {code} and {err.getvalue()[:300]!r}")
    return Answer(code, out.getvalue(), err.getvalue(), wrong)


@contextlib.contextmanager
def _at_most(seconds: int) -> Iterator[None]:
    def late(*_: Any) -> None:
        raise Hang

    kinds = ((signal.SIGPROF, signal.ITIMER_PROF, seconds), (signal.SIGALRM, signal.ITIMER_REAL, ASLEEP * seconds))
    before = [signal.signal(kind, late) for kind, _, _ in kinds]
    for _, timer, limit in kinds:
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for (kind, timer, _), old in zip(kinds, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(kind, old)


def tiny(text: str, luck: random.Random) -> str | None:
    """The scenario with few months, rows, seeds and arms, all else as it is; None where that cannot be said."""
    try:
        data = loads(text).data
    except BadInput:
        return None
    data = {key: value for key, value in data.items() if key not in ("sweep", "optimise")}
    months = min(int(data.get("months", 60)), MONTHS if luck.random() < 0.9 else 14)
    population = data["population"] = dict(data.get("population") or {})
    book = population.get("source") == "book"
    data["months"] = months
    data["burn_in"] = min(int(data.get("burn_in", 0 if book else 1)), 1)
    if not (isinstance(data.get("seeds"), dict) and "until" in data["seeds"]):
        data["seeds"] = luck.choice(([1], [1, 2]))
    else:
        data["seeds"] = {**data["seeds"], "min": 2, "max": min(data["seeds"].get("max", 3), 3)}
    if not book:
        customers = population.get("customers") or 1_000_000
        agents = population.get("agents")
        rows = customers if agents is None else agents if isinstance(agents, int) else agents * customers
        if rows > ROWS or (isinstance(agents, float) and agents == 1):
            population["agents"] = min(ROWS, int(customers))
    arms = data.get("arms") or {"nothing": []}
    names = list(arms)
    names = [names[0], *luck.sample(names[1:], min(len(names) - 1, ARMS - 1))]
    data["arms"] = {name: arms[name] for name in names}
    for item in [*(data.get("environment") or []), *_uses(data["arms"])]:
        if isinstance(item.get("from"), int):
            item["from"] = min(item["from"], months - 1)
    record = data.get("record")
    if isinstance(record, dict) and record.get("panel"):
        data["record"] = {**record, "panel": min(record["panel"], 50)}
    return dump(data)


def _uses(arms: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for arm in arms.values():
        yield from (arm.get("strategies") or []) if isinstance(arm, dict) else arm


@dataclass
class Tally:
    """What came of it all."""

    counts: Counter[str] = field(default_factory=Counter)
    cases: list[tuple[str, str, str]] = field(default_factory=list)  # kind, text of the scenario, what was said

    def wrong(self, kind: str, text: str, said: str) -> None:
        self.counts[kind] += 1
        self.cases.append((kind, text, said))


def validated(banks: Banks, folder: Path, count: int, seed: int, tally: Tally) -> list[str]:
    """Texts of the mutants that `validate` accepts; what it must not say goes into the tally."""
    accepted = []
    for k in range(count):
        text = mutant(banks, random.Random(f"{seed}/{k}"))
        file = folder / "mutant.yaml"
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        answer = ask(["validate", str(file)], SECONDS["validate"])
        tally.counts["mutants"] += 1
        for said in answer.wrong:
            tally.wrong(said.split(":")[0], text, said)
        if answer.code == 0:
            tally.counts["accepted"] += 1
            accepted.append(text)
        elif answer.code == 2:
            tally.counts["refused"] += 1
    return accepted


def lived(accepted: Sequence[str], folder: Path, runs: int, seed: int, whole: int, tally: Tally) -> None:
    """A sample of the accepted ones, made tiny and run; every `whole`-th as a user does, with figures and page."""
    luck = random.Random(f"{seed}/runs")
    for text in luck.sample(list(accepted), len(accepted)):
        if tally.counts["runs"] >= runs:
            return
        small = tiny(text, luck)
        file = folder / "tiny.yaml"
        file.write_text(small or "", "utf-8")
        if small is None or ask(["validate", str(file)]).code != 0:
            tally.counts["not to be made tiny"] += 1
            continue
        out = folder / "run"
        shutil.rmtree(out, ignore_errors=True)
        page = whole > 0 and tally.counts["runs"] % whole == 0
        words = ["run", str(file), "--quiet", "--threads", "1", "--out", str(out)]
        with contextlib.nullcontext() if page else _without_page():
            answer = ask(words, SECONDS["run"])
        tally.counts["runs"] += 1
        tally.counts["runs with their page"] += page
        for said in answer.wrong:
            tally.wrong(said.split(":")[0], small, said)
        if answer.code == 0 and (holes := not_numbers(out)):
            tally.wrong("no number", small, f"not finite: {holes}")
        if answer.code not in (0, None):
            tally.wrong("failure at run", small, answer.err)


def not_numbers(out: Path) -> list[str]:
    """Columns of what was lived that hold infinity, or sums that are no numbers."""
    found = []
    for name in ("monthly", "bank", "transitions", "cohorts"):
        for column, values in pd.read_parquet(out / f"{name}.parquet").select_dtypes("number").items():
            numbers = values.to_numpy(np.float64)
            if np.isinf(numbers).any() or (name == "monthly" and column in SUMS and np.isnan(numbers).any()):
                found.append(f"{name}.{column}")
    return found


@contextlib.contextmanager
def _without_page() -> Iterator[None]:
    """Figures and page take ten times as long as a tiny run; its tables are written all the same."""
    import sim.reporting.run

    build = sim.reporting.run.build
    sim.reporting.run.build = lambda run, *_, **__: None  # type: ignore[assignment]
    try:
        yield
    finally:
        sim.reporting.run.build = build


def fuzz(folder: Path, *, count: int, runs: int, seed: int, whole: int = 20, shipped: bool = True) -> Tally:
    """So many mutants validated, so many of the accepted ones run."""
    tally = Tally()
    banks = Banks(folder, shipped=shipped)
    accepted = validated(banks, folder, count, seed, tally)
    lived(accepted, folder, runs, seed, whole, tally)
    return tally


def command(argv: Sequence[str] | None = None) -> int:
    about = "Scenarios made strange, on the user's way."
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=about)
    parser.add_argument("--count", type=int, default=3000, help="mutants to validate (3000)")
    parser.add_argument("--runs", type=int, default=300, help="accepted ones to run (300)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--whole", type=int, default=20, help="every so many runs with figures and page (20); 0: none")
    parser.add_argument("--keep", type=Path, help="folder that gets every case that went wrong")
    asked = parser.parse_args(argv)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as place:
        tally = fuzz(Path(place), count=asked.count, runs=asked.runs, seed=asked.seed, whole=asked.whole)
    for kind in (
        "mutants",
        "accepted",
        "refused",
        "runs",
        "runs with their page",
        "not to be made tiny",
        "traceback",
        "warning",
        "line",
        "hang",
        "failure at run",
        "no number",
    ):
        print(f"{kind:<22} {tally.counts[kind]:>6}")
    print(f"{time.perf_counter() - began:.0f} s, seed {asked.seed}")
    if asked.keep is not None:
        asked.keep.mkdir(parents=True, exist_ok=True)
        for k, (kind, text, said) in enumerate(tally.cases):
            (asked.keep / f"{k:03d} {kind}.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
            (asked.keep / f"{k:03d} {kind}.txt").write_text(said, "utf-8")
    for kind, _, said in tally.cases[:20]:
        print(f"- {kind}: {' '.join(said.split())[-300:]}")
    return 1 if tally.cases else 0


if __name__ == "__main__":
    sys.exit(command())
