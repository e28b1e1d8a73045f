"""Sweeps and optimisations from the command line: one tiny sweep, and everything that is asked of its folder."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sim.cli import main
from sim.store.sweep_reading import read_sweep, read_sweep_manifest
from sim.store.sweep_rows import tasks_digest

ROOT = Path(__file__).parent.parent
TINY = f"""
extends: {ROOT / "scenarios" / "strategies.yaml"}
name: tiny
months: 13
burn_in: 3
seeds: [1, 2]
population: {{customers: 3000, agents: 500}}
arms:
  nothing: []
  thinking: [{{use: digital_thinking}}]
sweep:
  design: random
  samples: 3
  vary:
    managers.skill_quality:
    arms.thinking.digital_thinking.lag:
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tiny") / "tiny.yaml"
    path.write_text(TINY, "utf-8")
    return path


@pytest.fixture(scope="module")
def folder(file: Path) -> Path:
    """The sweep, lived by one worker process."""
    out = file.parent / "run"
    assert main([str(file), "--workers", "1", "--quiet", "--out", str(out)]) == 0
    return out


def test_a_sweep_leaves_its_tasks_and_a_report(folder: Path) -> None:
    stored = read_sweep(folder)
    assert (stored.status, len(stored.tasks), set(stored.tasks["status"])) == ("done", 12, {"ok"})
    assert "<h1>" in (folder / "report.html").read_text("utf-8")
    assert (folder / "analysis" / "points.csv").exists()


@pytest.mark.long
def test_another_sweep_or_server_on_the_machine_is_no_news(file: Path, tmp_path: Path) -> None:
    """Dask's usual port is taken: nothing of it, and no library's warning, reaches the user."""
    with socket.socket() as taken:
        with contextlib.suppress(OSError):  # by somebody else, which serves as well
            taken.bind(("", 8787))
            taken.listen()
        line = [sys.executable, "run.py", str(file), "--workers", "1", "--months", "1", "--out", str(tmp_path / "out")]
        done = subprocess.run([*line, "--seeds", "1"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not any(word in done.stderr for word in ("8787", "Warning", "warn", ".py", "Traceback")), done.stderr


def test_it_comes_out_again_and_a_changed_number_is_found(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(folder)]) == 0
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    (folder / "manifest.json").write_text(json.dumps(manifest | {"tasks_digest": "0" * 64}), "utf-8")
    try:
        assert main(["verify", str(folder)]) == 1
    finally:
        (folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert "DIFFERENT" in capsys.readouterr().out


def test_a_number_that_does_not_come_out_again_is_found(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the manifest was changed along with it."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    stored = read_sweep(copy)
    tasks = pq.read_table(copy / "tasks.parquet")
    changed = tasks.column("npv").to_numpy() + np.eye(1, len(tasks))[0]  # the first by one yuan
    tasks = tasks.set_column(tasks.column_names.index("npv"), "npv", pa.array(changed))
    pq.write_table(tasks, copy / "tasks.parquet")
    manifest = stored.manifest | {"tasks_digest": tasks_digest(tasks, stored.arms, stored.kpis)}
    (copy / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert main(["verify", str(copy)]) == 1
    digests = dict(line.split() for line in capsys.readouterr().out.splitlines()[:3])
    assert digests["stored"] == digests["manifest"] != digests["rerun"]


@pytest.mark.long
def test_shards_without_a_driver_make_the_same_rows(folder: Path, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "shards"
    for shard in ("2/2", "1/2"):
        assert main(["work", str(file), "--shard", shard, "--quiet", "--out", str(out)]) == 0
    assert read_sweep_manifest(out)["tasks_digest"] == read_sweep_manifest(folder)["tasks_digest"]


@pytest.mark.long
def test_a_half_done_folder_of_shards_says_that_nobody_works_on_it_and_how_to_go_on(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "half"
    assert main(["work", str(file), "--shard", "1/2", "--quiet", "--out", str(out)]) == 0
    how = (
        f"nobody is at work on it here; shards that came: 1/2; start those that lack with run.py work FILE --shard I/N "
        f"--out {out}, or all the rest with run.py run FILE --resume --out {out}"
    )
    capsys.readouterr()
    assert main(["status", str(out)]) == 0
    assert f"running, {how}" in capsys.readouterr().out
    assert main(["report", str(out)]) == 0
    assert capsys.readouterr().err.splitlines() == [f"{out}: {how}"]
    assert main(["verify", str(out)]) == 2
    assert "status is running" in capsys.readouterr().err
    assert main([str(file), "--resume", "--workers", "1", "--quiet", "--out", str(out)]) == 0  # what it says goes on
    capsys.readouterr()
    assert main(["status", str(out)]) == 0
    assert "nobody" not in capsys.readouterr().out


def test_its_folder_answers_what_it_is_asked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", str(folder)]) == 0
    assert "12 of 12 tasks done (100 %), 0 failed" in capsys.readouterr().out
    assert main(["status", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["done"] == 12
    assert main(["analyse", str(folder), "--kpis", "aum_end", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kpi"] == "aum_end"
    assert main(["report", str(folder)]) == 0
    assert "report:" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["analyse", "RUN", "--kpis", ","], "names no key figure"),
        (["analyse", "RUN", "--kpis", "npvv"], "did you mean npv"),
        (["analyse", "RUN", "--arms", "thinkin"], "did you mean thinking"),
        (["compare", "RUN", "RUN"], "holds a sweep of tiny"),
        (["FILE", "--out", "RUN"], "--overwrite to replace it"),
        (["FILE", "--out", "RUN", "--resume", "--set", "name=other"], "resume with the same name and parameters"),
        (["FILE", "--out", "RUN", "--resume", "--set", "months=14"], "resume with the same"),
        (["FILE", "--threads", "2"], "means nothing for a sweep"),
        (["FILE", "--workers", "2", "--cluster", "tcp://x:1"], "give one of them"),
        (["work", "FILE", "--shard", "3/2", "--out", "RUN"], "is not a share"),
        (["optimise", "FILE"], "has no optimise section"),
        (["analys", "RUN"], "did you mean analyse"),
    ],
)
def test_a_slip_is_one_line(
    words: list[str], says: str, folder: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (folder / "manifest.json").read_bytes()
    assert main([{"RUN": str(folder), "FILE": str(file)}.get(word, word) for word in words]) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert len(told.err.strip().splitlines()) == 1
    assert told.out == ""
    assert (folder / "manifest.json").read_bytes() == before


def test_more_seeds_extend_it(folder: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Last in this file: the folder has more tasks afterwards."""
    before = read_sweep(folder).tasks.set_index("task")["npv"]
    words = ["--workers", "1", "--quiet", "--json", "--out", str(folder), "--resume", "--seeds", "3"]
    assert main([str(file), *words]) == 0
    assert json.loads(capsys.readouterr().out)["tasks"] == 18
    after = read_sweep(folder).tasks.set_index("task")["npv"]
    assert after[before.index].equals(before)


@pytest.mark.long
def test_the_status_of_a_single_run(tmp_path: Path, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, plain = tmp_path / "run", tmp_path / "plain.yaml"
    plain.write_text(TINY[: TINY.index("sweep:")], "utf-8")
    assert main([str(plain), "--quiet", "--out", str(out)]) == 0
    capsys.readouterr()
    assert main(["status", str(out)]) == 0
    assert "4 of 4" in capsys.readouterr().out
    assert main(["analyse", str(out)]) == 2
    assert "holds a single run of tiny" in capsys.readouterr().err
