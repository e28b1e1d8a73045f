"""Every file of a finished folder vouches for itself: one value altered anywhere is found and named, by all verbs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_folders import Shared, alter, manifest_of, write_manifest

from sim.cli import main
from sim.experiments.design.plan import BANK
from sim.experiments.prepare import prepare
from sim.experiments.run import Outcome
from sim.store.run_reading import read
from sim.store.seals import KEYS, file_digest

NOTES = ("manifest.json", "lock", "progress.log")  # sealed by itself; of those at work, for people


@pytest.fixture
def run(originals: Shared, tmp_path: Path) -> Path:
    return Path(shutil.copytree(originals["run"], tmp_path / "run"))


@pytest.fixture
def sweep(originals: Shared, tmp_path: Path) -> Path:
    return Path(shutil.copytree(originals["sweep"], tmp_path / "sweep"))


def told(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, list[str], list[str]]:
    """Exit code, lines on stdout and lines on stderr."""
    capsys.readouterr()
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out.splitlines(), said.err.splitlines()


@pytest.mark.long
@pytest.mark.parametrize("kind", ["run", "sweep", "optimise"])
def test_one_value_altered_in_any_file_is_found_and_named(
    kind: str,
    originals: Shared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = Path(shutil.copytree(originals[kind], tmp_path / kind))
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    names = [name for name in names if name not in NOTES]
    assert {"run": 45, "sweep": 20, "optimise": 15}[kind] <= len(names)
    assert sorted(manifest_of(folder)["files"]) == names
    assert told(capsys, "verify", folder)[0] == 0
    if kind == "run":  # the rerun of an unaltered scenario, lived once for all files
        again = tmp_path / "again"
        assert main([str(folder / "scenario.yaml"), "--quiet", "--out", str(again)]) == 0
        outcome, prepared = Outcome(read(again)), prepare([folder / "scenario.yaml"])
        monkeypatch.setattr("sim.experiments.verify.run_all", lambda *_, **__: [outcome])
        monkeypatch.setattr("sim.experiments.verify.prepare", lambda *_: prepared)
    else:  # units lived again are seen in test_sweep_verbs
        monkeypatch.setattr("sim.experiments.verify_sweep._again", lambda tasks, *_: tasks)
    missed = []
    for name in names:
        before = (folder / name).read_bytes()
        alter(folder / name)
        assert (folder / name).read_bytes() != before
        code, out, _ = told(capsys, "verify", folder)
        if code != 1 or out[-1] != "DIFFERENT" or not any(line.startswith(f"{name} is not what was") for line in out):
            missed.append((name, code, out))
        (folder / name).write_bytes(before)
    assert missed == []
    assert told(capsys, "verify", folder)[0] == 0


def test_a_file_that_is_gone_or_came_later_is_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "figures" / "forest.png").unlink()
    (run / "attribution.csv").write_text("kpi\n", "utf-8")
    (run / "attribution.csv").unlink()
    shutil.copy(run / "figures" / "fates.png", run / "figures" / "mine.png")
    code, out, _ = told(capsys, "verify", run)
    assert code == 1
    assert "figures/forest.png is missing" in out
    assert "figures/mine.png was not written with the others" in out
    (run / "bank.parquet").unlink()
    code, out, err = told(capsys, "verify", run)
    assert (code, out) == (2, [])
    assert err == [f"{run / 'bank.parquet'}  missing"]


@pytest.mark.long
@pytest.mark.parametrize("key", ["discount_rate", "currency", "about", "peak_memory_mb", "files", "seal"])
def test_a_manifest_that_says_something_else_is_found(run: Path, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = manifest_of(run)
    other = {"discount_rate": 0.2, "currency": "EUR", "about": "x", "peak_memory_mb": 1.0, "seal": "0" * 64}
    others = manifest["files"] | {"bank.parquet": "0" * 64} if key == "files" else other[key]
    write_manifest(run, manifest | {key: others})
    code, out, _ = told(capsys, "verify", run)
    assert code == 1
    assert "manifest.json is not what was written" in out
    write_manifest(run, {name: value for name, value in manifest.items() if name != "seal"})
    assert "manifest.json is not what was written" in told(capsys, "verify", run)[1]


@pytest.mark.long
def test_who_seals_anew_is_found_by_the_scenario_and_the_rerun(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    manifest = manifest_of(run)
    write_manifest(run, manifest | {"discount_rate": 0.2}, sealed=True)
    assert "manifest.json has discount_rate 0.2, its scenario.yaml 0.1" in told(capsys, "verify", run)[1]
    for name in (
        "bank.parquet",
        "cohorts.parquet",
        "transitions.parquet",
        "individuals.parquet",
        "panel.parquet",
        "managers.parquet",
        "summary.csv",
        "comparison.csv",
        "precision.csv",
    ):
        before = (run / name).read_bytes()
        alter(run / name)
        files = manifest["files"] | {name: file_digest(run / name)}
        write_manifest(run, manifest | {"files": files}, sealed=True)
        code, out, _ = told(capsys, "verify", run)
        assert code == 1, name
        assert [line for line in out if line.startswith(name)] == [f"{name} is not what comes out again"]
        (run / name).write_bytes(before)


@pytest.mark.long
def test_a_run_of_before_seals_opens_and_what_was_not_sealed_is_said(
    run: Path, originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder, what in ((run, "run"), (Path(shutil.copytree(originals["sweep"], tmp_path / "s")), "sweep")):
        old = {key: value for key, value in manifest_of(folder).items() if key not in KEYS}
        write_manifest(folder, old)
        for verb in ("report", "status"):
            code, _, err = told(capsys, verb, folder)
            assert (code, err) == (0, []), verb
        assert not set(KEYS) & set(manifest_of(folder))  # what nobody knows is not sealed by telling it again
        code, out, err = told(capsys, "verify", folder)
        assert (code, out[-1]) == (0, "the same")
        assert err == [
            f"this {what} was stored before files were sealed: whether they are as they were written is not known"
        ]
    alter(run / "bank.parquet")
    code, out, _ = told(capsys, "verify", run)
    assert code == 1
    assert "bank.parquet is not what comes out again" in out


def test_on_another_machine_only_the_monthly_table_is_held_against_the_rerun(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_manifest(run, manifest_of(run) | {"platform": "Plan 9"}, sealed=True)
    code, _, err = told(capsys, "verify", run)
    assert code == 0
    assert err == ["the run was made on another machine: of its tables only monthly.parquet is held against the rerun"]


@pytest.mark.long
def test_verbs_say_that_a_folder_is_no_longer_what_was_written(
    run: Path, sweep: Path, originals: Shared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (run, sweep):
        alter(folder / "report.html")
    asked = {
        "compare": ["compare", run],
        "status": ["status", run],
        "status of a sweep": ["status", sweep],
        "fork": ["fork", run, "--at", "2", originals["run"].parent / "run.yaml", "--out", tmp_path / "f", "--quiet"],
        "analyse": ["analyse", sweep],
        "report": ["report", run],
    }
    for name, words in asked.items():
        where = sweep if sweep in words else run
        code, _, err = told(capsys, *words)
        line = f"{where}: no longer what was written: report.html changed; run.py verify tells more"
        assert (code, err) == (0, [line]), name
    for folder in (run, sweep):  # the page was written anew, and sealed
        assert told(capsys, "status", folder)[2] == []
        assert told(capsys, "verify", folder)[0] == 0


@pytest.mark.long
def test_telling_a_story_again_makes_no_table_true(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alter(run / "bank.parquet")
    write_manifest(run, manifest_of(run) | {"discount_rate": 0.2})
    code, _, err = told(capsys, "report", run)
    assert (code, len(err)) == (0, 1)
    assert "manifest.json changed, bank.parquet changed" in err[0]
    page = (run / "report.html").read_text("utf-8")
    assert "no longer what the run wrote</strong>: manifest.json changed, bank.parquet changed." in page
    assert "manifest.json changed, bank.parquet changed" in told(capsys, "status", run)[2][0]  # as before
    out = told(capsys, "verify", run)[1]
    assert {"manifest.json is not what was written", "bank.parquet is not what was written"} <= set(out)
    assert "summary.csv is not what comes out again" in out  # told anew from what is false


@pytest.mark.long
def test_changed_tasks_are_set_aside_and_lived_again(
    sweep: Path, originals: Shared, capsys: pytest.CaptureFixture[str]
) -> None:
    before = file_digest(sweep / "tasks.parquet")
    table = pq.read_table(sweep / "tasks.parquet")
    place = table.column_names.index("npv")
    changed = [value + 1e6 for value in table.column("npv").to_pylist()]
    pq.write_table(table.set_column(place, "npv", pa.array(changed)), sweep / "tasks.parquet")
    file = originals["sweep"].parent / "sweep.yaml"
    words = [file, "--out", sweep, "--workers", "1"]
    code, _, err = told(capsys, *words, "--resume")
    assert code == 0
    assert any("not what was written; set aside as tasks.parquet.damaged" in line for line in err)
    again = pq.read_table(sweep / "tasks.parquet").column("npv").to_pylist()
    assert again == table.column("npv").to_pylist()
    assert before == manifest_of(originals["sweep"])["files"]["tasks.parquet"]
    assert told(capsys, "verify", sweep)[0] == 0


@pytest.mark.long
def test_a_sweep_that_is_extended_is_sealed_anew(
    sweep: Path, originals: Shared, capsys: pytest.CaptureFixture[str]
) -> None:
    file = originals["sweep"].parent / "sweep.yaml"
    words = [file, "--out", sweep, "--workers", "1", "--quiet", "--resume"]
    assert told(capsys, *words, "--seeds", "1,")[0] == 0  # rows of seed 2 are spare now
    assert any(name.startswith("parts/spare-") for name in manifest_of(sweep)["files"])
    assert told(capsys, "verify", sweep)[0] == 0
    (spare,) = (sweep / "parts").iterdir()
    before = spare.read_bytes()
    alter(spare)
    assert any(line.startswith("parts/spare-") for line in told(capsys, "verify", sweep)[1])
    spare.write_bytes(before)
    assert told(capsys, *words, "--seeds", "3")[0] == 0
    assert not [name for name in manifest_of(sweep)["files"] if name.startswith("parts/")]
    assert told(capsys, "verify", sweep)[0] == 0


@pytest.mark.long
def test_a_run_that_is_overwritten_is_sealed_anew(
    run: Path, originals: Shared, capsys: pytest.CaptureFixture[str]
) -> None:
    alter(run / "bank.parquet")
    file = originals["run"].parent / "run.yaml"
    assert told(capsys, file, "--out", run, "--overwrite", "--quiet", "--months", "2")[0] == 0
    assert told(capsys, "verify", run)[0] == 0
    assert not any(name.startswith("state/") for name in manifest_of(run)["files"])


def test_names_in_a_manifest_lead_nowhere_else(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "secret").write_text("x", "utf-8")
    manifest = manifest_of(run)
    files = manifest["files"] | {"/dev/zero": "0" * 64, "../secret": file_digest(tmp_path / "secret")}
    write_manifest(run, manifest | {"files": files}, sealed=True)
    code, out, _ = told(capsys, "verify", run)
    assert code == 1
    assert {"/dev/zero is missing", "../secret is missing"} <= set(out)


def test_a_short_design_is_one_line(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (sweep / "design.csv").read_text("utf-8").splitlines()
    for text, says in (
        (lines[:-1], "damaged: point 2 of tasks.parquet is missing"),
        ([*lines, lines[-1]], "damaged: point 2 twice"),
        ([lines[0].replace("point", "pint"), *lines[1:]], "damaged: column point missing"),
    ):
        (sweep / "design.csv").write_text("\n".join(text) + "\n", "utf-8")
        for verb in ("verify", "report", "analyse"):
            code, out, err = told(capsys, verb, sweep)
            assert (code, out, err) == (2, [], [f"{sweep / 'design.csv'}  {says}"]), verb


def test_a_plan_that_was_altered_calls_no_code(sweep: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = sweep / "plan.json"
    text = plan.read_text("utf-8")
    assert BANK in text
    plan.write_text(text.replace(BANK, "antigravity:x"), "utf-8")
    write_manifest(sweep, {key: value for key, value in manifest_of(sweep).items() if key not in KEYS})
    code, out, err = told(capsys, "verify", sweep)
    assert code == 1
    assert "plan.json is not the plan whose base_digest the manifest names" in out
    assert "no unit was lived again, since plan.json is not the sweep's" in err
