"""Forks: stored months lived once, futures compared; the same bits as a run from the beginning, or a refusal."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sim.cli import main
from sim.experiments.callbacks import Callback
from sim.experiments.fork import _arm_slips, fork
from sim.experiments.run import Options
from sim.store.run_reading import read

SCENARIO = """\
name: crossroads
months: 20
burn_in: 3
seeds: [3, 8]
population: {customers: 9000, agents: 1500}
managers: {hours_per_month: 25}
record: {panel: 20}
environment:
  - {kind: manager_poaching, from: 4, tiers: [wealth, affluent], share: 0.5}
  - {kind: pandemic, from: 14}
arms: {nothing: [], second: [UPSKILLING, DIGITAL], third: [SERVICE, STRATA]}
"""
STRATEGIES = {
    "UPSKILLING": "{use: staff_upskilling, from: 2, intensity: 0.5}",
    "DIGITAL": "{use: digital_thinking, from: 13}",
    "SERVICE": "{use: personalised_service, from: 0}",
    "STRATA": "{use: stratification, from: 6, intensity: 0.8}",
}


def written(folder: Path, text: str = SCENARIO, **changes: str) -> Path:
    """The scenario in a file, lines of it exchanged by their key."""
    lines = text.splitlines()
    for key, line in changes.items():
        (at,) = (i for i, old in enumerate(lines) if old.startswith(f"{key}:"))
        lines[at] = line
    file = folder / "crossroads.yaml"
    text = "\n".join(lines) + "\n"
    for name, strategy in STRATEGIES.items():
        text = text.replace(name, strategy)
    file.write_text(text, "utf-8")
    return file


@pytest.fixture(scope="module", autouse=True)
def _no_page() -> Iterator[None]:
    """Figures and page take longer than these banks live, and say nothing of forks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sim.reporting.run.build", lambda run: None)
        yield


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of every arm and seed, never interrupted, that saved its states at month 12."""
    folder = tmp_path_factory.mktemp("whole")
    run = ["run", str(written(folder)), "--checkpoint", "12", "--out", str(folder / "run"), "--threads", "1", "--quiet"]
    assert main(run) == 0
    return folder / "run"


@pytest.fixture
def stored(whole: Path, tmp_path: Path) -> Path:
    """A copy of that run, to be damaged."""
    return Path(shutil.copytree(whole, tmp_path / "stored"))


def forked(run: Path, file: Path, out: Path, *words: str, at: str = "12") -> int:
    return main(["fork", str(run), "--at", at, str(file), "--out", str(out), "--threads", "1", "--quiet", *words])


def refused(
    capsys: pytest.CaptureFixture[str], run: Path, file: Path, tmp_path: Path, *words: str, at: str = "12"
) -> list[str]:
    """The lines a fork is answered with; nothing is written."""
    capsys.readouterr()
    assert forked(run, file, tmp_path / "fork", *words, at=at) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    assert not (tmp_path / "fork").exists()
    return told.err.splitlines()


def same_tables(one: Path, other: Path) -> None:
    for file in sorted(one.glob("*.parquet")):
        theirs = pd.read_parquet(other / file.name)
        pd.testing.assert_frame_equal(pd.read_parquet(file), theirs, check_exact=True, obj=file.name)


# --- the same bits ---------------------------------------------------------------------------------------------------


def test_a_fork_at_month_12_is_the_uninterrupted_run_for_every_arm(whole: Path, tmp_path: Path):
    assert forked(whole, written(tmp_path), tmp_path / "fork") == 0
    one, other = read(whole), read(tmp_path / "fork")
    for key in ("result_digest", "arm_digests", "scenario_digest", "arms", "seeds", "months"):
        assert one.manifest[key] == other.manifest[key], key
    same_tables(whole, tmp_path / "fork")
    assert (whole / "summary.csv").read_bytes() == (tmp_path / "fork" / "summary.csv").read_bytes()
    assert other.manifest["forked"] == {
        "run_id": one.manifest["run_id"],
        "scenario_digest": one.manifest["scenario_digest"],
        "month": 12,
        "arms": {"nothing": "nothing", "second": "second", "third": "third"},
    }
    assert main(["verify", str(tmp_path / "fork")]) == 0


@pytest.mark.parametrize("month", [0, 20])
def test_a_fork_at_the_first_month_and_at_the_last(month: int, tmp_path: Path):
    file = written(tmp_path)
    words = ["--out", str(tmp_path / "run"), "--checkpoint", str(month), "--seeds", "3,", "--quiet"]
    assert main([str(file), *words]) == 0
    assert forked(tmp_path / "run", file, tmp_path / "fork", "--seeds", "3,", at=str(month)) == 0
    same_tables(tmp_path / "run", tmp_path / "fork")


def test_other_futures_are_as_if_run_from_the_beginning(whole: Path, tmp_path: Path):
    """Another name and horizon, another shock, other arms, fewer seeds, no panel."""
    file = written(
        tmp_path,
        months="months: 30",
        name="name: elsewhere",
        seeds="seeds: [8]",
        record="record: {panel: 0}",
        arms="arms: {later: [{use: fintech, from: 12}, {use: "
        "stratification, from: 15}], second: [{use: institutional, from: 20}, UPSKILLING]}",
    )
    file.write_text(file.read_text().replace("pandemic, from: 14", "market_drawdown, from: 12"), "utf-8")
    assert forked(whole, file, tmp_path / "fork") == 0
    assert main([str(file), "--out", str(tmp_path / "run"), "--quiet"]) == 0
    same_tables(tmp_path / "run", tmp_path / "fork")
    assert not (tmp_path / "fork" / "panel.parquet").exists()
    assert read(tmp_path / "fork").manifest["forked"]["arms"] == {"later": "nothing", "second": "second"}


@pytest.mark.long
def test_a_run_longer_than_its_stored_one(tmp_path: Path):
    """The month that was the last is one like any other then."""
    short, long = written(tmp_path, months="months: 15"), tmp_path / "long.yaml"
    long.write_text(short.read_text().replace("months: 15", "months: 28"), "utf-8")
    assert main([str(short), "--out", str(tmp_path / "run"), "--checkpoint", "15", "--quiet"]) == 0
    assert forked(tmp_path / "run", long, tmp_path / "fork", at="15") == 0
    assert main([str(long), "--out", str(tmp_path / "whole"), "--quiet"]) == 0
    same_tables(tmp_path / "whole", tmp_path / "fork")


def test_a_fork_lives_only_what_is_new_and_can_save_states_itself(whole: Path, tmp_path: Path):
    class Counting(Callback):
        months = total = 0

        def begin(self, name: str, runs: int, months: int) -> None:
            self.total = months

        def month(self, rows: int) -> None:
            self.months += 1

    callback, file = Counting(), written(tmp_path)
    fork(whole, 12, str(file), Options(tmp_path / "fork", 1, checkpoint=16), callback, arms=["second"])
    assert callback.months == callback.total == 2 * 8
    assert {path.name for path in (tmp_path / "fork" / "state").iterdir()} == {"second-3-16.npz", "second-8-16.npz"}
    assert forked(tmp_path / "fork", file, tmp_path / "again", "--arms", "second", at="16") == 0
    digests = [read(folder).manifest["arm_digests"]["second"] for folder in (whole, tmp_path / "again")]
    assert digests[0] == digests[1]


def test_json_and_from_arm(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """An arm that has another name there than here."""
    file = written(tmp_path, arms="arms: {new: [STRATA, SERVICE]}")
    (line,) = refused(capsys, whole, file, tmp_path, "--arms", "new")[:1]
    assert "arms.new.stratification.from: 6: what the stored months of arm nothing were lived with is not" in line
    assert line.endswith("from: 12 or later, or --from-arm third")
    assert forked(whole, file, tmp_path / "fork", "--json", "--from-arm", "third") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["status"] == "done"
    one, other = read(whole).manifest, read(tmp_path / "fork").manifest
    assert other["forked"]["arms"] == {"new": "third"}
    assert other["arm_digests"]["new"] == one["arm_digests"]["third"]


def test_a_book_is_forked_like_any_bank(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    book = tmp_path / "book.csv"
    book.write_text("id,aum\n" + "".join(f"c{i},{1000 + 700 * i}\n" for i in range(300)), "utf-8")
    file = written(tmp_path, population="population: {source: book, file: book.csv, columns: {id: id, aum: aum}}")
    assert main([str(file), "--out", str(tmp_path / "run"), "--checkpoint", "5", "--seeds", "8,", "--quiet"]) == 0
    assert forked(tmp_path / "run", file, tmp_path / "fork", "--seeds", "8,", at="5") == 0
    same_tables(tmp_path / "run", tmp_path / "fork")
    shutil.rmtree(tmp_path / "fork")
    book.write_text(book.read_text().replace("c7,5900", "c7,5901"), "utf-8")
    (line,) = refused(capsys, tmp_path / "run", file, tmp_path, "--seeds", "8,", at="5")
    assert "population.file: holds other customers" in line


def test_a_book_of_tables_may_lie_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pytest.importorskip("duckdb")
    tables = "{source: book, tables: {b: FOLDER/b.csv}, query: SELECT * FROM b, columns: {id: id, aum: aum}}"
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        rows = "".join(f"c{i},{1000 + 700 * i}\n" for i in range(300))
        (tmp_path / folder / "b.csv").write_text(f"id,aum\n{rows}", "utf-8")
    file = written(tmp_path, population=f"population: {tables.replace('FOLDER', 'one')}")
    assert main([str(file), "--out", str(tmp_path / "run"), "--checkpoint", "5", "--seeds", "8,", "--quiet"]) == 0
    file = written(tmp_path, population=f"population: {tables.replace('FOLDER', 'two')}")
    assert forked(tmp_path / "run", file, tmp_path / "fork", "--seeds", "8,", at="5") == 0
    same_tables(tmp_path / "run", tmp_path / "fork")


# --- checkpoints of a run --------------------------------------------------------------------------------------------


def test_a_run_that_saves_its_states_is_the_run_that_does_not(whole: Path, tmp_path: Path):
    assert main([str(written(tmp_path)), "--out", str(tmp_path / "plain"), "--quiet"]) == 0
    same_tables(tmp_path / "plain", whole)
    assert not (tmp_path / "plain" / "state").exists()
    names = {f"{arm}-{seed}-12.npz" for arm in ("nothing", "second", "third") for seed in (3, 8)}
    assert {path.name for path in (whole / "state").iterdir()} == names


def test_resume_lives_again_where_a_state_is_missing(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A run that is whole is not touched: it is said that it has none."""
    file = written(tmp_path)
    words = [str(file), "--out", str(stored), "--resume", "--quiet"]
    assert main([*words, "--checkpoint", "12"]) == 0
    assert main([*words, "--checkpoint", "7"]) == 2
    assert "is done without a state of month 7" in capsys.readouterr().err
    before = read(stored).manifest["result_digest"]

    class Stops(Callback):
        def finished(self, arm: str, seed: int, seconds: float) -> None:
            if (arm, seed) == ("second", 8):
                raise KeyboardInterrupt

    from sim.errors import Interrupted
    from sim.experiments.prepare import prepare
    from sim.experiments.run import run_all

    out = tmp_path / "run"
    with pytest.raises(Interrupted):
        run_all(prepare([file]), Options(out, 1, checkpoint=12), Stops())
    (out / "state" / "third-3-12.npz").unlink()
    assert main([str(file), "--out", str(out), "--resume", "--checkpoint", "12", "--quiet"]) == 0
    assert read(out).manifest["result_digest"] == before
    assert len(list((out / "state").iterdir())) == 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--checkpoint", "-1"], "'-1' is not a whole number from 0"),
        (["--checkpoint", "1.5"], "'1.5' is not a whole number from 0"),
        (["--checkpoint", "21"], "21 is beyond the 20 measured months of crossroads; from 0 to 20"),
        (
            ["--months", "10", "--set", "environment=[]", "--set", "arms={nothing: []}", "--checkpoint", "12"],
            "12 is beyond the 10 measured months of crossroads; from 0 to 10",
        ),
        (["--checkpoint"], "expected one argument"),
    ],
)
def test_a_checkpoint_that_is_no_month_of_the_run(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main([str(written(tmp_path)), "--out", str(tmp_path / "run"), "--quiet", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "run").exists()


# --- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "words", "said"),
    [
        ("21", [], "--at  21 is beyond the 20 months of"),
        ("-2", [], "'-2' is not a whole number from 0"),
        ("ten", [], "'ten' is not a whole number from 0"),
        ("11", [], "has no states of month 11; it has those of month 12"),
        (
            "12",
            ["--months", "10", "--set", "environment[1].from=9", "--set", "arms={nothing: []}"],
            "months: 10 ends before the fork at month 12; 12 or more",
        ),
        (
            "12",
            ["--months", "22"],
            "months: 22: who was active twelve months before that end, in month 10, was not "
            "marked in the stored run; 20 as there, or 24 or more",
        ),
        ("12", ["--seeds", "3,4"], "seeds: 4 not among the stored run's; --seeds with some of 3, 8"),
        ("12", ["--arms", "fourth"], "unknown arm 'fourth'"),
        ("12", ["--from-arm", "fourth"], "--from-arm  'fourth' is no arm of"),
        ("12", ["--checkpoint", "9"], "--checkpoint  9 is before the fork; from 12 to 20"),
        ("12", ["--checkpoint", "30"], "30 is beyond the 20 measured months"),
        ("12", ["--set", "record.panel=5"], "record.panel: 5, but the stored months were lived with 20; the same"),
        ("12", ["--set", "burn_in=4"], "burn_in: 4, but the stored months were lived with 3; the same"),
        ("12", ["--set", "population.customers=9600"], "population.customers: 9600, but"),
        ("12", ["--set", "model.hazards.mass.close=0.004"], "model.hazards.mass.close: 0.004, but"),
        ("12", ["--set", "managers.hours_per_month=26"], "managers.hours_per_month: 26.0, but"),
        ("12", ["--set", "environment[0].share=0.4"], "manager_poaching from month 4 is not what the stored months"),
        ("12", ["--set", "environment[1].from=11"], "environment[1].from: pandemic from month 11 is not what"),
    ],
)
def test_what_would_make_another_past_is_refused_by_its_key(
    at: str, words: list[str], said: str, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    lines = refused(capsys, whole, written(tmp_path), tmp_path, *words, at=at)
    assert any(said in line for line in lines)


def test_all_that_differs_is_said_at_once_with_its_line(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file = written(
        tmp_path, burn_in="burn_in: 4", managers="managers: {hours_per_month: 30}", environment="environment: []"
    )
    file.write_text("\n".join(line for line in file.read_text().splitlines() if not line.startswith("  -")) + "\n")
    lines = refused(capsys, whole, file, tmp_path)
    assert [line.split("  ")[0] for line in lines] == [f"{file}:8:14", f"{file}:3:10", f"{file}:6:29"]
    assert "lacks the manager_poaching from month 4" in lines[0]


def test_arms_whose_strategies_would_have_acted_before_the_fork():
    """`from: m` acts first in month m + 1: strategies from the fork's month on are free, earlier ones are the past."""
    early, late = {"use": "training", "from": 11, "intensity": 1.0}, {"use": "training", "from": 12, "intensity": 1.0}
    absent = {"use": "tools", "from": 0, "intensity": 0.0}
    stored = {"nothing": [], "trained": [early], "poor": {"strategies": [early], "budget": 5.0}}

    def said(arm: Any, origin: str, name: str = "new") -> list[tuple[Any, str]]:
        return list(_arm_slips(name, arm, stored, origin, 12, (20, 20)))

    for arm, origin in (
        ([late], "nothing"),
        ([early], "trained"),
        ([early, {**late, "use": "tools"}], "trained"),
        ([late, absent], "nothing"),
        (stored["poor"], "poor"),
        ({"strategies": [late]}, "nothing"),
        ({"strategies": [late], "budget": 9.0}, "nothing"),
    ):
        assert said(arm, origin) == []
    ((path, told),) = said([late, early], "nothing")
    assert path == ("arms", "new", 1, "from")
    assert told.startswith("11: ")
    assert "from: 12 or later" in told
    assert said([early], "nothing")[0][1].endswith("or --from-arm trained")
    ((path, told),) = said([late], "trained")
    assert path == ("arms", "new")
    assert "training from month 11, which it lacks" in told
    assert "--from-arm nothing" in told
    assert len(said([{**early, "intensity": 0.5}], "trained")) == 2
    assert "budget" in said({"strategies": [early], "budget": 6.0}, "poor")[0][1]
    assert said({"strategies": [early], "budget": 6.0}, "poor")[0][0] == ("arms", "new")
    assert len(list(_arm_slips("new", stored["poor"], stored, "poor", 12, (30, 20)))) == 1
    assert list(_arm_slips("new", stored["trained"], stored, "trained", 12, (30, 20))) == []


def test_an_end_that_comes_after_the_fork_is_a_future_and_one_before_it_a_past():
    """Stored arm: until month 20, and another until month 8; the fork is at month 12."""
    late, early = {"use": "fintech", "from": 3}, {"use": "institutional", "from": 3, "until": 8}
    stored = {"arm": [{**late, "until": 20}, early]}

    def slips(*uses: dict[str, Any]) -> list[Any]:
        return list(_arm_slips("arm", list(uses), stored, "arm", 12, (20, 20)))

    assert slips(late, early) == slips({**late, "until": 12}, early) == []
    assert slips(late, early, {"use": "stratification", "from": 5, "until": 5}) == []
    for wrong in ({**early, "until": 9}, {"use": "institutional", "from": 3}):
        assert any("institutional" in said for _, said in slips(late, wrong))
    assert any("fintech" in said for _, said in slips({**late, "until": 11}, early))


def test_what_is_no_run_or_a_run_of_something_else(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = written(tmp_path)
    assert "there is no such folder" in refused(capsys, tmp_path / "nowhere", file, tmp_path)[0]
    assert "not a results folder" in refused(capsys, tmp_path, file, tmp_path)[0]
    assert forked(stored, file, stored, "--overwrite") == 2
    assert "is the run that is forked" in capsys.readouterr().err
    text = (stored / "scenario.yaml").read_text()
    (stored / "scenario.yaml").write_text(text.replace("hours_per_month: 25", "hours_per_month: 26"))
    assert "is not the scenario that its manifest names" in refused(capsys, stored, file, tmp_path)[0]
    (stored / "scenario.yaml").write_text(text)
    manifest = json.loads((stored / "manifest.json").read_text())
    (stored / "manifest.json").write_text(json.dumps(manifest | {"code_version": "0.0.1+older"}))
    assert "made by code version 0.0.1+older" in refused(capsys, stored, file, tmp_path)[0]
    (stored / "manifest.json").write_text(json.dumps(manifest))
    shutil.rmtree(stored / "state")
    assert (
        "has no states of month 12; it has none, run --checkpoint saves them"
        in refused(capsys, stored, file, tmp_path)[0]
    )


def test_every_state_that_is_missing_or_damaged_is_named(
    stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    file, state = written(tmp_path), stored / "state"
    (state / "third-8-12.npz").unlink()
    cut = state / "second-3-12.npz"
    cut.write_bytes(cut.read_bytes()[:-1000])
    flipped = bytearray((state / "nothing-8-12.npz").read_bytes())
    flipped[len(flipped) // 2] ^= 4
    (state / "nothing-8-12.npz").write_bytes(flipped)
    shutil.copy(state / "second-8-12.npz", state / "nothing-3-12.npz")
    lines = refused(capsys, stored, file, tmp_path)
    assert {Path(line.split("  ")[0]).name: line.split("  ")[1].split(";")[0] for line in lines} == {
        "nothing-3-12.npz": "the state of arm second, not nothing",
        "nothing-8-12.npz": "damaged: not the bytes that were written (SHA-256 differs)",
        "second-3-12.npz": "damaged: not the bytes that were written (SHA-256 differs)",
        "third-8-12.npz": "missing",
    }


def test_a_state_of_another_seed_or_run_is_refused(stored: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file, state = written(tmp_path), stored / "state"
    shutil.copy(state / "nothing-8-12.npz", state / "nothing-3-12.npz")
    (line,) = refused(capsys, stored, file, tmp_path)
    assert "the state of seed 8, not 3" in line
    other = written(tmp_path, burn_in="burn_in: 2")
    words = ["--arms", "nothing", "--seeds", "3,", "--out", str(tmp_path / "other"), "--checkpoint", "12", "--quiet"]
    assert main([str(other), *words]) == 0
    shutil.copy(tmp_path / "other" / "state" / "nothing-3-12.npz", state / "nothing-3-12.npz")
    (line,) = refused(capsys, stored, written(tmp_path), tmp_path)
    assert "the state of scenario digest" in line


def test_the_bits_do_not_hang_on_threads(whole: Path, tmp_path: Path):
    """Too few rows for a second thread here; tests/test_state.py has a bank that shares them."""
    assert (
        main(
            [
                "fork",
                str(whole),
                "--at",
                "12",
                str(written(tmp_path)),
                "--out",
                str(tmp_path / "fork"),
                "--threads",
                "2",
                "--quiet",
            ]
        )
        == 0
    )
    np.testing.assert_equal(read(tmp_path / "fork").manifest["result_digest"], read(whole).manifest["result_digest"])
