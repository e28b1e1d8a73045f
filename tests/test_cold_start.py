"""What a start costs: no verb imports what it does not use, and figures come out the same whoever draws them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sim.cli import main
from sim.reporting import page
from sim.reporting.figures import Board, plates, writing
from sim.store.run_reading import read

ROOT = Path(__file__).parent.parent
SMALL = ("--set", "population.customers=300", "--set", "burn_in=1", "--months", "2", "--seeds", "1", "--quiet")
HEAVY = ("numba", "mesa", "matplotlib", "pandas", "scipy", "dask", "distributed", "pyarrow", "jinja2", "rich")


def imported(*arguments: str) -> set[str]:
    """Names of all modules that a command imports."""
    said = subprocess.run(
        [sys.executable, "-X", "importtime", "run.py", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = (line for line in said.stderr.splitlines() if line.startswith("import time:"))
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize(
    "command", [["--help"], ["run", "--help"], ["validate", "scenarios/quick.yaml"], ["schema"], ["list"]], ids=" ".join
)
def test_verbs_that_only_look_import_nothing_heavy(command):
    assert not imported(*command) & {*HEAVY}


def test_help_does_not_even_build_the_settings():
    assert not imported("--help") & {"numpy", "sim.assumptions", "sim.scenario.scenario", "sim.strategies"}


def test_a_run_without_beliefs_surveys_or_workers_imports_no_statistics_and_no_dask(tmp_path):
    found = imported("run", "quick", *SMALL, "--out", str(tmp_path / "out"))
    assert not found & {"dask", "distributed", "scipy.stats", "sim.analysis.study", "sim.survey.analysis.confirmatory"}
    assert "matplotlib" in found  # the test would see them


def drawn(folder: Path) -> dict[str, bytes]:
    run = read(folder)
    board = Board(run)
    page.draw_all(plates(board), folder, board)
    return {file.name: file.read_bytes() for file in (folder / "figures").iterdir()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("figures") / "run"
    assert main(["run", "quick", *SMALL, "--out", str(folder)]) == 0
    return folder


def test_figures_are_the_same_bytes_whoever_draws_them(folder, monkeypatch):
    monkeypatch.setattr(writing, "copies", lambda figures: 1)
    alone = drawn(folder)
    monkeypatch.setattr(writing, "copies", lambda figures: 3)
    assert drawn(folder) == alone
    assert len(alone) > 8


def test_what_a_copy_did_not_write_is_written_by_who_waits(folder, monkeypatch):
    alone = drawn(folder)
    here, write = os.getpid(), writing._write
    monkeypatch.setattr(writing, "copies", lambda figures: 2)
    monkeypatch.setattr(writing, "_write", lambda share: write(share) if os.getpid() == here else os._exit(1))
    for file in (folder / "figures").iterdir():
        file.unlink()
    assert drawn(folder) == alone
