"""Banks of a run that live in a folder (`population.store`): the same results, gone on with, refused in words."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from test_stored import at, killed

import sim.experiments.stored_banks as stored_banks
import sim.store.run_folder
from sim.bank.stored import BankFolder
from sim.cli import main
from sim.experiments.prepare import prepare
from sim.store.lock import driver_lock

YAML = """
name: stored
months: 13
burn_in: 2
seeds: [1, 2]
population: {customers: 1500, store: bank}
arms:
  nothing: []
  some: [{use: stratification}, {use: fintech, where: {share: 0.5}}]
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is waited for until it is on the disk: no process's end needs that, only a machine's."""
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda handle: None)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.yaml").write_text(YAML)
    return tmp_path


def run(*words: str) -> int:
    return main(["run", "s.yaml", "--quiet", "--threads", "1", *words])


def digest(folder: Path) -> str:
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["status"] == "done"
    return str(manifest["result_digest"] + manifest["files"]["individuals.parquet"])


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The digest of the run in memory."""
    desk = tmp_path_factory.mktemp("memory")
    (desk / "s.yaml").write_text(YAML.replace(", store: bank", ""))
    assert main(["run", str(desk / "s.yaml"), "--quiet", "--out", str(desk / "out"), "--threads", "1"]) == 0
    return digest(desk / "out")


@pytest.mark.long
def test_a_stored_run_has_the_results_of_one_in_memory_and_leaves_its_folder_empty(desk: Path, in_memory: str) -> None:
    assert run("--out", "out") == 0
    assert digest(desk / "out") == in_memory
    assert list((desk / "bank").iterdir()) == []


def test_where_customers_are_kept_is_no_part_of_the_scenario_digest(desk: Path) -> None:
    (one,), (other,) = prepare(["s.yaml"]), prepare(["s.yaml"], ["population.store=null"])
    assert one.digest == other.digest
    assert one.scenario.stored()["population"]["store"] == str(desk / "bank")
    assert (prepare(["s.yaml"], ["population.store=here"])[0].scenario.population.store) == str(desk / "here")


@pytest.mark.parametrize(
    ("what", "commit", "resumed"),
    [
        ("in the burn-in of the first seed", 2, True),
        ("when the first arm begins", 4, False),
        ("in the first arm", 9, True),
        ("in the second arm", 25, True),
        ("in the second seed", 45, False),
    ],
)
def test_a_run_that_is_killed_goes_on(
    desk: Path, in_memory: str, capsys: pytest.CaptureFixture[str], what: str, commit: int, resumed: bool
) -> None:
    """With --resume in its results folder, or by the same command, which begins another one."""
    assert killed(lambda: (at(commit, BankFolder, "commit", after=True), run("--out", "out")))
    left = {folder.name for folder in (desk / "bank").glob("seed-*/*") if folder.is_dir()}
    assert left
    again = ["--out", "out", "--resume"] if resumed else ["--out", "other"]
    assert main(["run", "s.yaml", "--threads", "1", *again]) == 0
    assert ("goes on from month" in capsys.readouterr().err) == (
        what in ("in the first arm", "in the second arm", "in the second seed")
    )
    assert digest(desk / again[1]) == in_memory


@pytest.mark.long
@pytest.mark.parametrize("place", ["take over", "results"])
def test_a_run_that_is_killed_between_its_banks_goes_on(desk: Path, in_memory: str, place: str) -> None:
    def trapped() -> None:
        if place == "take over":
            at(1, os, "rename", after=True)
        else:
            at(1, sim.store.run_folder.ResultsFolder, "add", after=True)
        run("--out", "out")

    assert killed(trapped)
    assert run("--out", "out", "--resume") == 0
    assert digest(desk / "out") == in_memory


@pytest.mark.long
def test_a_checkpoint_of_a_stored_bank_is_saved_though_the_run_was_killed_after_it(desk: Path) -> None:
    only = ["--arms", "some", "--seeds", "1,", "--checkpoint", "3"]
    assert run(*only, "--out", "memory", "--set", "population.store=null") == 0
    assert killed(lambda: (at(9, BankFolder, "commit", after=True), run(*only, "--out", "out")))
    assert run(*only, "--out", "other") == 0
    assert (desk / "other/state/some-1-3.npz").exists()
    one, other = (json.loads((desk / out / "manifest.json").read_text()) for out in ("memory", "other"))
    assert one["result_digest"] == other["result_digest"]


# --- refused ---------------------------------------------------------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run("--out", "out", *words) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert not Path("out").exists()
    return line


def test_folders_that_cannot_be_used_are_refused_in_one_line(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk / "bank").write_text("")
    assert refused(capsys).startswith("s.yaml:6:38  population.store: ")
    assert "bank is a file; name a folder" in refused(capsys)
    (desk / "bank").unlink()
    (desk / "bank").mkdir()
    (desk / "bank" / "thesis.doc").write_text("")
    assert "files that are no banks of ours (thesis.doc)" in refused(capsys)
    (desk / "bank" / "thesis.doc").unlink()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != desk / "bank")
    assert "permission denied to write in" in refused(capsys)
    monkeypatch.undo()
    monkeypatch.chdir(desk)
    lock = driver_lock(desk / "bank")
    assert "is being worked on by process" in refused(capsys)
    lock.release()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 300_000))
    assert "its banks take up to 0.0 GB" in refused(capsys)


def test_a_folder_with_banks_of_another_scenario_or_code_is_refused(
    desk: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert killed(lambda: (at(9, BankFolder, "commit", after=True), run("--out", "left")))
    assert "banks of stored, of another scenario" in refused(capsys, "--set", "population.customers=1600")
    monkeypatch.setattr(stored_banks, "VERSION", 2)
    assert "store.json is not of such a folder" in refused(capsys)
    monkeypatch.setattr(stored_banks, "VERSION", 1)
    sign = desk / "bank" / "store.json"
    sign.write_text(sign.read_text().replace('"code_version": "', '"code_version": "9'))
    assert "of another code version" in refused(capsys)
    sign.write_text("{")
    assert f"delete {desk / 'bank'}" in refused(capsys)


@pytest.mark.long
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    desk: Path, in_memory: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, allocate = [0], os.posix_fallocate

    def full(*given: Any) -> None:
        calls[0] += 1
        if calls[0] > 400:
            raise OSError(28, "No space left on device")
        allocate(*given)

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert run("--out", "out") == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "no space left on the disk; free some, then go on with --resume" in line
    monkeypatch.undo()
    monkeypatch.chdir(desk)
    assert run("--out", "out", "--resume") == 0
    assert digest(desk / "out") == in_memory


def test_whatever_lives_banks_in_memory_says_so(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    swept = "--set", "sweep={design: grid, vary: {managers.hours_per_month: {values: [40, 50]}}}"
    assert "population.store: a sweep lives many banks, in memory" in refused(capsys, *swept)
    assert main(["attribute", "s.yaml", "--arm", "some", "--seeds", "2", "--out", "out"]) == 2
    assert "these banks are lived in memory; `run` lives one in files" in capsys.readouterr().err
