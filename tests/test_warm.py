"""The kernel compiled ahead: every loop that a run calls, in the folder where runs look, told as it goes."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main
from sim.experiments import warming
from sim.experiments.warming import warm
from sim.kernel import numerics
from sim.kernel.ready import folder, loops, missing

ROOT = Path(__file__).parent.parent
LIVES = """
from sim.api.bank import *
from sim.bank.outcomes import Outcomes
from sim.experiments.prepare import prepare_source
from sim.experiments.replication import Replication
from sim.kernel.ready import loops
from sim.yaml_source import loads

for text in {texts}:
    prepared = prepare_source(loads(text, file="x.yaml"))
    for arm in prepared.scenario.arm_list:
        replication = Replication(prepared, 1, threads=2)
        with replication.bank(arm) as bank:
            bank.tidies = arm.name == "nothing"
            followed = Outcomes(bank)
            bank.run()
            followed.month(bank)
            bank.fates()
print([name for name, one in loops().items() if one.stats.cache_misses])
print([name for name, one in loops().items() if not one.stats.cache_hits])
"""
HEAD = "name: x\nburn_in: 2\nseeds: [1]\nrecord: {panel: 5}\n"
TEXTS = [
    HEAD + "months: 14\npopulation: {customers: 700}\narms:\n  nothing: []\n  one: [{use: stratification}]\n",
    HEAD + "months: 2\npopulation: {customers: 30000, agents: 900}\narms: {nothing: []}\nenvironment: "
    "[{kind: pandemic, from: 1, months: 1}]\nmodel: {mechanisms: {word_of_mouth: true, acquisition: false}}\n",
    HEAD + "months: 13\npopulation: {customers: 300}\narms: {nothing: []}\nmodel: {transitions: {mode: markov, "
    "period_months: 12, matrix: [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]}}\n",
]


def python(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    kept = os.environ | {"PYTHONPATH": path} | environment
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=kept, capture_output=True, text=True, timeout=600, check=False
    )


def test_what_is_kept_on_disk_is_a_loop_the_month_first():
    found = loops()
    assert next(iter(found)) == "month.step_chunk"
    assert {"month.count_chunk", "month.weigh_chunk", "month.score_chunk", "numerics.fill_uniforms"} <= found.keys()
    assert not any(name.endswith((".step_block", ".draw_four")) for name in found)  # rules, compiled inside loops


def test_after_warm_no_run_waits_for_the_compiler():
    warm()
    assert missing() == []
    said = python("-c", LIVES.format(texts=repr(TEXTS)))
    assert said.returncode == 0, said.stderr
    misses, unused = said.stdout.strip().splitlines()
    assert misses == "[]"
    assert unused == "[]"  # a loop that these runs never call would be no witness


def test_a_tiny_bank_shows_how_every_loop_is_called_and_in_one_way():
    said = subprocess.run(
        [sys.executable, "-m", warming.NOTING, *loops()],
        cwd=ROOT,
        env=os.environ | {"NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    types = pickle.loads(said.stdout)
    assert {name: len(ways) for name, ways in types.items()} == dict.fromkeys(loops(), 1)


SPELLS = {  # of the process that notes, and of the one that compiles
    "warm_up": "import pickle, sys; sys.stdout.buffer.write(pickle.dumps({name: [] for name in 'abc'}))",
    "ready": "import pickle, sys; assert [*pickle.load(sys.stdin.buffer)] == ['a', 'b', 'c'];"
    "print('b', 1, 'no b', sep='\\t'); print('a', 2, '', sep='\\t', flush=True); sys.exit(ENDS)",
}


@pytest.fixture(params=["print('c', 3, '', sep='\\t')", "'no memory'"], ids=["all", "dies"])
def pretended(request, monkeypatch):
    """Processes that do nothing in place of those that note and compile; b cannot be compiled, nor c where it dies."""
    started = subprocess.Popen

    def instead(command, **options):
        spell = SPELLS[command[2].rpartition(".")[2]].replace("ENDS", request.param)
        return started([command[0], "-c", spell], **options)

    monkeypatch.setattr(subprocess, "Popen", instead)
    monkeypatch.setattr(warming, "cores", lambda: 2)
    return request.param


def test_it_says_how_far_it_is_and_goes_on_past_what_cannot_be_compiled(pretended):
    lines = []
    done = warming._side_by_side(["a", "b", "c"], lines.append)
    last = "no memory" if pretended == "'no memory'" else ""
    assert {one.name: one.error for one in done} == {"a": "", "b": "no b", "c": last}
    assert lines == [
        "compiling the kernel, once on this machine: 0 of 3 done",
        "compiling the kernel, once on this machine: 0 of 3 done, a and b under way",
        "compiling the kernel, once on this machine: 1 of 3 done, a and c under way",
        "compiling the kernel, once on this machine: 2 of 3 done, c under way",
    ]


def test_a_folder_that_cannot_be_written_is_a_line_and_a_copy_of_it_is_used(tmp_path, monkeypatch, capsys):
    warm()
    monkeypatch.setattr(os, "access", lambda *_: False)
    copy = Path(numerics._cache_folder())
    assert sorted(path.name for path in copy.rglob("*.nbc")) == sorted(
        path.name for path in folder().path.rglob("*.nbc")
    )
    shutil.rmtree(copy)
    monkeypatch.undo()
    blocked = tmp_path / "file"
    blocked.write_text("")
    said = python("run.py", "warm", NUMBA_CACHE_DIR=str(blocked))
    assert said.returncode == 2
    assert said.stdout == ""
    assert said.stderr.startswith(f"NUMBA_CACHE_DIR  {blocked}")
    assert said.stderr.endswith("cannot be written; a folder that can\n")
    assert said.stderr.count("\n") == 1


def test_warm_says_where_and_check_what_is_missing(monkeypatch, capsys):
    assert main(["warm", "--quiet"]) == 0
    assert capsys.readouterr().out.endswith(f"loops compiled: {folder().path}\n")
    assert main(["warm", "--check"]) == 0
    monkeypatch.setattr("sim.kernel.ready.missing", lambda: ["month.step_chunk"])
    assert main(["warm", "--check"]) == 1
    assert "1 of " in (out := capsys.readouterr().out)
    assert "not compiled: month.step_chunk" in out


@pytest.mark.long
def test_after_warm_in_an_empty_folder_a_run_adds_no_file(tmp_path):
    kept = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    assert python("run.py", "warm", "--check", **kept).returncode == 1
    assert not [*(tmp_path / "cache").rglob("*.nbc")]
    said = python("run.py", "warm", **kept)
    assert said.returncode == 0, said.stderr
    assert "1 of " in said.stderr
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.nb?")}
    assert len(files) == 2 * len(loops())  # an index and the code
    options = ["--set", "population.customers=3000", "--months", "13", "--out", str(tmp_path / "out")]
    said = python("run.py", "quick", *options, **kept)
    assert said.returncode == 0, said.stderr
    assert "compiling" not in said.stderr
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.nb?")} == files
