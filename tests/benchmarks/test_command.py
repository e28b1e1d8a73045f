"""The command that makes the benchmark table: what it measures is what it says. No time is judged."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import alone
import jobs
import numpy as np
import pages
import pytest
from banks import bank, scenario, tables
from clocks import Clocks
from figures import Figure, number
from paper import Inputs
from sides import NOW, ROOT, Process, Side, git, sides

HERE = Side(NOW, ROOT, "here")


@pytest.mark.long
def test_one_command_makes_the_table(tmp_path: Path) -> None:
    """This tree against itself: every figure of the run on both sides, the same bits, and a table of them."""
    line = [sys.executable, "-m", "tests.benchmarks", "--quick", "--against", str(ROOT), "--out", str(tmp_path)]
    done = subprocess.run([*line, "--only", "whole", "--only", "growth"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    kept = json.loads((tmp_path / "figures.json").read_text())
    assert set(kept["commits"]) == {"before", "now"}
    assert kept["machine"]["cores"]
    found = [Figure(**one) for one in kept["figures"]]
    assert {one.part for one in found} == {"whole", "growth"}
    bits = {one.what: one.values for one in found if one.what.startswith("same bits")}
    assert bits["same bits with any number of threads"] == {"before": 1.0, "now": 1.0}
    assert bits["same bits as before"] == {"now": 1.0}
    for one in found:
        if one.what not in bits:
            assert set(one.values) == {"before", "now"}, one
            assert all(map(math.isfinite, one.values.values())), one
            assert one.times is not None
    text = (tmp_path / "table.md").read_text()
    assert "### The whole run" in text
    assert "### Growth" in text
    assert all(f"| {one.what} |" in text for one in found)


def test_measuring_a_bank_changes_nothing() -> None:
    plain, timed = (bank(scenario(2_000, months=3)) for _ in range(2))
    plain.run(until=3)
    with Clocks(timed) as clocks:
        timed.run(until=3)
    assert tables(plain)["monthly"].equals(tables(timed)["monthly"])
    assert set(clocks.lines) >= {"levers", "plan", "live", "joiners", "record"}
    assert clocks.kernel_cpu > 0
    assert clocks.kernel > 0
    assert "schedule" not in vars(timed)
    assert not any(callable(value) and getattr(value, "__name__", "") == "timed" for value in vars(timed).values())


def test_the_kernels_seconds_are_counted_once_however_many_threads() -> None:
    clocks = Clocks(None)
    clocks.spans = [(1.0, 3.0), (2.0, 4.0), (2.5, 3.5), (6.0, 7.0)]
    assert clocks.kernel == 4.0


@pytest.fixture(scope="module", params=[1, 2])
def month(request: pytest.FixtureRequest) -> jobs.CapturedMonth:
    """Of as many customers as two threads share."""
    return jobs.aged_month(40_000, burn_in=1, age=1, threads=request.param)


@pytest.mark.parametrize("way", ["kernel", "numpy", "c"])
def test_every_round_lives_the_same_month(month: jobs.CapturedMonth, way: str) -> None:
    """The captured month, lived again: the same bits, however it is lived."""
    if way == "c" and alone.without_c():
        pytest.skip(alone.without_c())
    columns = [call[0] for call in month.calls]
    same = alike_in_c() if way == "c" else assert_equal
    month.lived(jobs.by_kernel(month.calls), first=month.tidying)
    after = [type(part)(*map(np.copy, part)) for part in columns]
    for calls in (month.calls, jobs.pieces(month.calls, 5_000)):
        month.lived(jobs.WAYS[way](calls), first=month.tidying)
        for one, other in zip(columns, after, strict=True):
            same(one, other)
    month.put_back()
    assert not all(np.array_equal(one.aum, other.aum) for one, other in zip(columns, after, strict=True))


def alike_in_c() -> Callable[[Any, Any], None]:
    """The month in C may leave what it likes in columns that nobody reads before they are written again."""
    from test_c_twin import assert_the_same

    return assert_the_same


def assert_equal(ours: Any, theirs: Any) -> None:
    """Every column, in every row."""
    for name, one, other in zip(ours._fields, ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)


def test_operations_and_bytes_are_those_of_the_formulas(month: jobs.CapturedMonth) -> None:
    from machine import operations_of_twin

    from sim.agents.customer import BYTES_PER_CUSTOMER

    asked = operations_of_twin(month) | jobs.bytes_moved(month)
    assert 0 < asked["bytes_written"] <= asked["bytes_read"] <= BYTES_PER_CUSTOMER
    assert asked["integer_operations"] > 100  # ten rounds of the generator, of each purpose
    assert asked["float_operations"] > 100


def test_a_job_that_breaks_is_no_figure() -> None:
    process = Process(HERE, [("whole", {"customers": -1, "months": 1, "every": 1})])
    with pytest.raises(RuntimeError, match="broke"):
        process.next(0)
    process.close()


def test_the_page_has_every_column_of_today() -> None:
    assert pages.between(pages.PAGE.read_text(), "columns", pages.columns()) == pages.PAGE.read_text(), (
        "docs/speed.md is not of these columns: python -m tests.benchmarks --columns"
    )


def test_parts_of_the_same_commits_are_kept_together(tmp_path: Path) -> None:
    told = {"measured": "today", "commits": {NOW: "abc"}, "machine": {"cores": "2"}}
    figures = [Figure("whole", "a", "s", {NOW: 1.5}, None, "2"), Figure("start", "b", "s", {NOW: 0.1})]
    assert pages.same(tmp_path, told) == []
    pages.keep(tmp_path, told, figures, {"whole": "W", "start": "S"})
    assert pages.kept(tmp_path) == (told, figures)
    assert pages.same(tmp_path, told | {"measured": "tomorrow"}) == figures
    assert pages.same(tmp_path, told | {"commits": {NOW: "abd"}}) == []


def test_tiny_banks_are_not_published() -> None:
    line = [sys.executable, "-m", "tests.benchmarks", "--quick", "--write"]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "tiny banks" in done.stderr


@pytest.mark.skipif(shutil.which("git") is None or not (ROOT / ".git").exists(), reason="no git, or no repository")
def test_a_commit_stands_in_a_worktree_of_its_own_while_it_is_measured() -> None:
    with sides("HEAD") as (before, now):
        assert before.tree != now.tree
        assert (before.tree / "sim" / "bank" / "model.py").exists()
        assert before.commit == git("rev-parse", "--short", "HEAD")
        path, cache = (before.environment()[name] for name in ("PYTHONPATH", "NUMBA_CACHE_DIR"))
        assert path.split(os.pathsep)[0] == str(before.tree)
        assert Path(cache).parent == before.tree.parent
        assert str(before.tree) in git("worktree", "list")
    assert not before.tree.exists()
    assert str(before.tree) not in git("worktree", "list")


def test_every_column_says_why_it_has_its_type() -> None:
    rows = [line for line in pages.columns().splitlines() if line.startswith("| `")]
    assert rows
    assert not [row for row in rows if row.endswith("|  |")], "a type of its own: say why in WHY of pages.py"


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(LookupError, match="no marks of columns"):
        pages.between("# A page\n", "columns", "")


def test_a_release_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "HISTORY", tmp_path / "history.csv")
    told = {"measured": "today", "commits": {NOW: "abc"}, "machine": {"processor": "P", "cores": "2"}}
    for version, rate in (("1", 9.4), ("2", 17.123456)):
        pages.add_release(
            version, told, [Figure("whole", "no strategy, 2 threads, by processor time", "", {NOW: rate})]
        )
    rows = list(csv.DictReader((tmp_path / "history.csv").open()))
    assert [row["version"] for row in rows] == ["1", "2"]
    assert [row["run_2_threads"] for row in rows] == ["9.4", "17.12"]
    assert rows[0]["kernel_against_c"] == ""


def test_the_kept_history_has_the_columns_of_today() -> None:
    with pages.HISTORY.open() as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert list(rows[0])[4:] == list(pages.MAIN)


@pytest.mark.parametrize(
    ("value", "said"), [(0.1234, "0.123"), (12.34, "12.3"), (1234.5, "1,234"), (0, "0"), (99.96, "100.0")]
)
def test_numbers_have_three_digits(value: float, said: str) -> None:
    assert number(value) == said


def test_on_paper_no_number_of_machines_is_better_than_the_most_that_help() -> None:
    model, customers, cores = Inputs(), 1_000_000_000, 32
    best = model.most_machines(customers, cores)
    assert best > 10
    around = {m: model.seconds(customers, m, cores) for m in range(2, 4 * best)}
    assert abs(min(around, key=around.__getitem__) - best) <= 1
