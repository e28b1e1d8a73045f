"""A sweep on a real Slurm, with a driver and without one: the rows of a run here, though a job is killed midway.

`tests/slurm/up.sh` sets up a Slurm of one machine. `pytest -m slurm -n 0 -s` shows what happened on it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import sweep_jobs as jobs

pytest.importorskip("distributed")

from sim.errors import BadInput, Interrupted
from sim.experiments.callbacks import Callback
from sim.experiments.design.planning import plan_sweep
from sim.experiments.executors import batch
from sim.experiments.executors.choose import where
from sim.experiments.prepare import prepare
from sim.experiments.sweep.drive import SweepOptions, sweep
from sim.experiments.sweep.shards import work
from sim.store.sweep_reading import StoredSweep, read_sweep

TESTS = Path(__file__).parent
ROOT = TESTS.parent
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
MISSING = [tool for tool in NEEDED if shutil.which(tool) is None]
JOBQUEUE = find_spec("dask_jobqueue") is not None
pytestmark = [
    pytest.mark.long,
    pytest.mark.slurm,
    pytest.mark.skipif(not JOBQUEUE, reason="needs dask-jobqueue"),
    pytest.mark.skipif(os.geteuid() != 0, reason="sets up a Slurm, which needs root"),
    pytest.mark.skipif(bool(MISSING), reason=f"{', '.join(MISSING)} missing; apt-get install slurm-wlm munge"),
]
BANK = f"""
extends: {ROOT / "scenarios" / "quick.yaml"}
name: small
months: 3
burn_in: 1
population: {{customers: 1000}}
seeds: [1, 2]
sweep: {{design: grid, vary: {{managers.hours_per_month: {{values: [40.0, 50.0, 60.0]}}}}}}
"""


def tell(*words: str) -> list[str]:
    """What a command of Slurm prints, its lines."""
    return subprocess.run(words, capture_output=True, text=True, timeout=20, check=True).stdout.splitlines()


def ids() -> list[str]:
    """Jobs that wait or run."""
    return tell("squeue", "--noheader", "--me", "--states=PENDING,RUNNING", "--format=%i")


class Slurm:
    """The Slurm of these tests."""

    def __init__(self, home: Path):
        self.home = home

    def ended(self, jobs: list[str] | None = None) -> dict[str, str]:
        """How each job ended."""
        file = self.home / "log" / "jobs.txt"
        rows = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in file.open()]
        return {row["JobId"]: row["JobState"] for row in rows if jobs is None or row["JobId"] in jobs}

    def settled(self) -> bool:
        """Whether no job is left, within a time that only a broken Slurm takes."""
        for _ in range(300):
            if not tell("squeue", "--noheader"):
                return True
            time.sleep(0.1)
        return False


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    import dask

    from sim.kernel import numerics

    home = tmp_path_factory.mktemp("slurm")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(home / "slurm.conf"))
        patch.setenv("NUMBA_CACHE_DIR", str(Path(numerics.CACHE).parents[1]))  # one machine, compiled already
        patch.setenv("PYTHON", sys.executable)
        subprocess.run([TESTS / "slurm" / "up.sh", home, "2"], check=True, timeout=60)
        try:
            with dask.config.set({"distributed.deploy.lost-worker-timeout": "2s"}):
                yield Slurm(home)
        finally:
            print("", (home / "log" / "jobs.txt").read_text(), sep="\n")
            subprocess.run([TESTS / "slurm" / "down.sh", home], check=True, timeout=60)


def cluster_file(folder: Path, **told: Any) -> str:
    """A file of worker jobs whose workers know the jobs of these tests."""
    from sim.yaml_source import dump

    keys = {
        "system": "slurm",
        "memory": "2GB",
        "walltime": "00:10:00",
        "scheduler": {"host": "127.0.0.1"},
        "interface": "lo",
        "prologue": [f"export PYTHONPATH={TESTS}"],
    }
    file = folder / "cluster.yaml"
    file.write_text(dump(keys | told))
    return str(file)


class Killer(Callback):
    """Cancels a job as soon as the store holds so many parts, and keeps what it hears and sees."""

    def __init__(self, out: Path, at: int | None = None):
        self.out, self.at = out, at
        self.killed: list[str] = []
        self.seen: dict[str, None] = {}
        self.notes: list[str] = []

    def chunk(self, receipt: dict[str, Any]) -> None:
        if self.at is not None and not self.killed and len(jobs.parts(self.out)) >= self.at:
            self.killed = ids()[:1]
            tell("scancel", *self.killed)

    def note(self, text: str) -> None:
        self.notes.append(text)
        print(f"    {text}")

    def tick(self, workers: int) -> None:
        for line in tell("squeue", "--noheader", "--format=%i %j %T"):
            if line not in self.seen:
                self.seen[line] = None
                print(f"    squeue: {line}, {workers} workers")


def test_a_sweep_of_worker_jobs_survives_the_death_of_its_only_job(slurm: Slurm, tmp_path: Path):
    """The job has two workers; with it go both, and another job must take its place."""
    points, plan = jobs.points(40, x2=0.03), jobs.plan("Sleeper")
    here = work(plan, points, {}, "", SweepOptions(tmp_path / "here"), (1, 1))
    place = where(None, cluster_file(tmp_path, jobs=1, processes=2))
    callback = Killer(tmp_path / "there", at=2)
    found = sweep(plan, points, {}, "name: tiny\n", SweepOptions(callback.out), place, callback)
    assert (found.status, len(found.tasks)) == ("done", 160)
    assert set(found.tasks["status"]) == {"ok"}
    assert found.manifest["tasks_digest"] == here.manifest["tasks_digest"]
    assert len(callback.killed) == 1
    assert slurm.settled()
    ended = slurm.ended()
    assert ended[callback.killed[0]] == "CANCELLED"
    assert len(ended) == 2  # another took its place, and was cancelled when all was done
    left = [file.name for file in (found.path / "jobs").iterdir()]
    assert sorted(left) == [f"rapport-{job}.{stream}" for job in sorted(ended) for stream in ("err", "out")]


class Impatient(Callback):
    """Presses Ctrl-C when something is stored."""

    def chunk(self, receipt: dict[str, Any]) -> None:
        os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_cancels_all_jobs_and_anybody_may_go_on(slurm: Slurm, tmp_path: Path):
    points, plan = jobs.points(40, x2=0.03), jobs.plan("Sleeper")
    place = where(None, cluster_file(tmp_path, jobs=1, processes=2))
    with pytest.raises(Interrupted):
        sweep(plan, points, {}, "name: tiny\n", SweepOptions(tmp_path / "out"), place, Impatient())
    assert ids() == []
    stored = read_sweep(tmp_path / "out")
    assert stored.status == "interrupted"
    assert 0 < len(stored.tasks) < 160
    assert work(plan, points, {}, "", SweepOptions(tmp_path / "out"), (1, 1)).status == "done"


@pytest.fixture(scope="module")
def banks(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, StoredSweep]:
    """A scenario file with a sweep of small banks, and that sweep lived here."""
    folder = tmp_path_factory.mktemp("banks")
    file = folder / "small.yaml"
    file.write_text(BANK)
    plan, points = plan_sweep(prepare([file])[0])
    return file, work(plan, points, {}, "", SweepOptions(folder / "here"), (1, 1))


def test_banks_lived_by_worker_jobs_are_the_banks_lived_here(slurm: Slurm, tmp_path: Path, banks: Any):
    file, here = banks
    plan, points = plan_sweep(prepare([file])[0])
    place = where(None, cluster_file(tmp_path, jobs=2, processes=1))
    assert place.words.startswith("2 slurm jobs of 1 worker")
    out = tmp_path / "there"
    found = sweep(plan, points, {}, "name: small\n", SweepOptions(out), place, Killer(out))
    assert (found.status, len(found.tasks)) == ("done", len(points) * len(plan.seeds) * len(plan.arms))
    assert found.manifest["tasks_digest"] == here.manifest["tasks_digest"]


def test_an_array_without_a_driver_gives_the_same_rows(slurm: Slurm, tmp_path: Path, banks: Any):
    file, here = banks
    log = tmp_path / "%a.log"
    command = ["sbatch", "--parsable", "--array=1-2", "--mem=2G", f"--output={log}", f"--chdir={ROOT}"]
    script = str(ROOT / "docs" / "clusters" / "array.sbatch")
    (array,) = tell(*command, script, str(file), str(tmp_path / "out"))
    assert slurm.settled()
    told = "\n".join(one.read_text() for one in sorted(tmp_path.glob("*.log")))
    print(told)
    ended = slurm.ended()
    print(f"    array {array}: {list(ended.values())[-2:]}")
    assert list(ended.values())[-2:] == ["COMPLETED"] * 2, told
    found = read_sweep(tmp_path / "out")
    assert found.status == "done"
    assert found.manifest["tasks_digest"] == here.manifest["tasks_digest"]


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"queue": "nowhere"}, "sbatch refused the job: "),
        ({"prologue": ["echo there is no such module >&2", "exit 1"]}, "the last log ends: there is no such module"),
    ],
)
def test_jobs_that_cannot_work_are_an_error_and_no_wait(
    slurm: Slurm, tmp_path: Path, told: dict[str, Any], says: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batch, "LOOKED_AFTER", 0.2)
    monkeypatch.setattr(batch, "TRIES", 1)
    with pytest.raises(BadInput) as caught, where(None, cluster_file(tmp_path, jobs=1, **told)).open(tmp_path):
        pass
    (line,) = str(caught.value).splitlines()
    assert says in line
    assert slurm.settled()
