"""Kill -9 at workers and drivers, then resume, until the sweep is through: the rows are those of a quiet run.

When something is killed is decided by what is stored, not by a clock, and by seeded draws; the number of kills is
bounded.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import sweep_jobs as jobs

from sim.experiments.sweep.drive import SweepOptions
from sim.experiments.sweep.shards import work
from sim.experiments.sweep.status import status
from sim.store.sweep_reading import StoredSweep, read_sweep

psutil = pytest.importorskip("psutil")
pytest.importorskip("distributed")

POINTS = 150  # 300 units of 0.02 s
LINE = ["--points", str(POINTS), "--x2", "0.02"]
PATH = os.pathsep.join([str(Path(__file__).parents[1]), str(Path(__file__).parent)])
BEST = {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1", "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "1.0"}
WAIT = 60.0  # seconds that anything may take here before the test gives up
ENTRY = "import sys\nimport sweep_jobs\nif __name__ == '__main__':\n    sys.exit(sweep_jobs.main(sys.argv[1:]))\n"


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> StoredSweep:
    """What comes of it where nothing is killed, and no engine has a hand in it: one shard of one."""
    out = tmp_path_factory.mktemp("quiet")
    return work(jobs.plan("Sleeper"), jobs.points(POINTS, x2=0.02), {}, "", SweepOptions(out), (1, 1))


@contextlib.contextmanager
def started(*line: str) -> Iterator[subprocess.Popen[str]]:
    """A process with a session of its own, all of which is ended afterwards."""
    environment = os.environ | {"PYTHONPATH": PATH} | BEST
    process = subprocess.Popen(line, stdout=-3, stderr=-1, text=True, start_new_session=True, env=environment)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@contextlib.contextmanager
def driver(tmp_path: Path, out: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A sweep; resumed if there is one."""
    (tmp_path / "drive.py").write_text(ENTRY)
    resume = ["--resume"] if out.exists() else []
    with started(sys.executable, str(tmp_path / "drive.py"), str(out), *LINE, *more, *resume) as process:
        yield process


def wait_for(what: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Until something is so, or the process has ended."""
    end = time.monotonic() + WAIT
    while not what() and (process is None or process.poll() is None):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def workers_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Living worker processes of a driver."""
    found = []
    with contextlib.suppress(psutil.Error):
        for child in psutil.Process(process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "spawn_main" in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                    found.append(child)
    return found


def parts(out: Path) -> int:
    return len(jobs.parts(out))


def check(out: Path, quiet: StoredSweep) -> None:
    """Every row once, all as if nothing had happened."""
    found = read_sweep(out)
    assert found.status == "done"
    assert len(found.tasks) == found.tasks["task"].nunique() == 4 * POINTS
    assert found.manifest["tasks_digest"] == quiet.manifest["tasks_digest"]


def test_killed_workers_and_drivers_cost_no_row(tmp_path: Path, quiet: StoredSweep):
    """Two drivers are killed, and two workers under each: the third ends the sweep."""
    draw, out = np.random.default_rng(1), tmp_path / "s"
    for _ in range(2):
        with driver(tmp_path, out) as process:
            for _ in range(2):
                known = parts(out) + int(draw.integers(1, 4))
                wait_for(lambda known=known: parts(out) >= known and workers_of(process), process)
                if victims := workers_of(process):
                    with contextlib.suppress(psutil.Error):
                        victims[int(draw.integers(len(victims)))].kill()
            known = parts(out) + int(draw.integers(1, 3))
            wait_for(lambda known=known: parts(out) >= known, process)
            process.kill()
            process.wait()
            wait_for(lambda: not status(out).at_work)
    with driver(tmp_path, out) as process:
        _, said = process.communicate(timeout=WAIT)
        assert process.returncode == 0, said
    check(out, quiet)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextlib.contextmanager
def scheduler_and_workers(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str], list[subprocess.Popen[str]]]]:
    """A Dask scheduler and two workers with nannies, as processes of their own on the loopback."""
    address = f"tcp://127.0.0.1:{free_port()}"
    with contextlib.ExitStack() as stack:
        line = [
            sys.executable,
            "-m",
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--no-dashboard",
            "--port",
            address.rsplit(":", 1)[1],
        ]
        scheduler = stack.enter_context(started(*line))
        hand = [
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            address,
            "--nthreads",
            "1",
            "--no-dashboard",
            "--local-directory",
            str(folder),
            "--death-timeout",
            "20",
            "--memory-limit",
            "0",
        ]
        workers = [stack.enter_context(started(*hand)) for _ in range(2)]
        from distributed import Client

        def ready() -> bool:
            with contextlib.suppress(OSError), Client(address, timeout=2, set_as_default=False) as client:
                return len(client.scheduler_info(n_workers=-1)["workers"]) == 2
            return False

        wait_for(ready)
        yield address, scheduler, workers


@pytest.mark.long
def test_a_scheduler_elsewhere_may_die_and_another_goes_on(tmp_path: Path, quiet: StoredSweep):
    """A worker is killed, which costs nothing; then the scheduler, which ends the driver with a line of what to do."""
    out = tmp_path / "s"
    with scheduler_and_workers(tmp_path) as (address, scheduler, workers):
        with driver(tmp_path, out, "--cluster", address) as process:
            wait_for(lambda: parts(out) >= 2, process)
            with contextlib.suppress(IndexError):
                workers_of(workers[0])[0].kill()
            wait_for(lambda: parts(out) >= 4, process)
            scheduler.kill()
            _, said = process.communicate(timeout=WAIT)
        assert process.returncode == 1, said
        assert said == f"the scheduler at {address} is lost; what was finished is kept, --resume goes on\n"
    stopped = status(out)
    assert (stopped.status, stopped.at_work) == ("interrupted", False)
    assert 0 < stopped.done < stopped.total
    with driver(tmp_path, out) as process:
        _, said = process.communicate(timeout=WAIT)
        assert process.returncode == 0, said
    check(out, quiet)


@pytest.mark.long
def test_killed_shards_cost_no_row(tmp_path: Path, quiet: StoredSweep):
    out, draw = tmp_path / "s", np.random.default_rng(3)
    with driver(tmp_path, out, "--shard", "1/2") as first:
        wait_for(lambda: parts(out) >= int(draw.integers(2, 5)), first)
        with driver(tmp_path, out, "--shard", "2/2") as second:
            known = parts(out) + 3
            wait_for(lambda: parts(out) >= known, second)
            first.kill()
            second.communicate(timeout=WAIT)
    wait_for(lambda: not status(out).at_work)
    assert status(out).status == "running"
    with driver(tmp_path, out, "--shard", "1/2") as again:
        _, said = again.communicate(timeout=WAIT)
        assert again.returncode == 0, said
    check(out, quiet)
