"""Where sweeps work: what cannot be is said before anything runs, and what was opened is gone afterwards."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("distributed")

import dask
import psutil
from distributed import Security

from sim.errors import BadInput
from sim.experiments.executors import batch
from sim.experiments.executors import scheduler as existing
from sim.experiments.executors.choose import where
from sim.experiments.executors.cluster_file import ClusterFile, bytes_of

ROOT = Path(__file__).parent.parent
SLURM = "system: slurm\njobs: 4\nprocesses: 8\nmemory: 16GB\nwalltime: 08:00:00\n"


def refused(workers: int | None = None, cluster: str | None = None) -> list[str]:
    with pytest.raises(BadInput) as caught:
        where(workers, cluster)
    return str(caught.value).splitlines()


def family() -> set[int]:
    """Processes that descend from this one, those of multiprocessing's own housekeeping left out."""
    found = set()
    for child in psutil.Process().children(recursive=True):
        try:
            if "resource_tracker" not in " ".join(child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                found.add(child.pid)
        except psutil.NoSuchProcess:
            pass
    return found


def soon(true: Callable[[], bool]) -> bool:
    """Whether it comes true within a time that only a broken program takes."""
    for _ in range(300):
        if true():
            return True
        time.sleep(0.1)
    return False


# --------------------------------------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("workers", "cluster", "says"),
    [
        (2, "tcp://127.0.0.1:8786", "not together"),
        (0, None, "from 1 up"),
        (1_000_000, None, "cores"),
        (None, "slurm", "tcp://HOST:PORT, tls://HOST:PORT or FILE.yaml"),
        (None, "", "tcp://HOST:PORT"),
        (None, "tcp://somewhere", "tcp://HOST:PORT"),
        (None, "tcp://somewhere:99999", "tcp://HOST:PORT"),
        (None, "tcp://user@some where:1", "tcp://HOST:PORT"),
        (None, "127.0.0.1:8786", "did you mean tcp://127.0.0.1:8786?"),
        (None, "http://127.0.0.1:8786", "http:// is not understood"),
        (None, "tls://127.0.0.1:8786", "tls needs certificates"),
        (None, "tcp://127.0.0.1:1", "nothing listens there"),
        (None, "nowhere.yaml", "no such file"),
    ],
)
def test_a_wrong_place_is_one_line(workers: int | None, cluster: str | None, says: str):
    lines = refused(workers, cluster)
    assert len(lines) == 1
    assert says in lines[0]
    assert lines[0].startswith(("--workers  ", "--cluster ", "nowhere.yaml  "))


@pytest.mark.parametrize(
    ("error", "says"),
    [(socket.gaierror(-2, "x"), "no machine"), (TimeoutError(), "no answer"), (OSError(101, "No route"), "No route")],
)
def test_each_way_of_not_being_reached_has_its_words(error: OSError, says: str, monkeypatch: pytest.MonkeyPatch):
    def unreachable(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(existing.socket, "create_connection", unreachable)
    (line,) = refused(None, "tcp://login7:8786")
    assert line.startswith("--cluster tcp://login7:8786  ")
    assert says in line


def test_something_that_listens_but_is_no_scheduler_is_told_apart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(existing, "REACHED_WITHIN", 1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        (line,) = refused(None, f"tcp://127.0.0.1:{mute.getsockname()[1]}")
    assert "no Dask scheduler answers" in line
    assert "tls://" in line


def test_certificates_that_are_not_there_are_named(tmp_path: Path):
    with dask.config.set({"distributed.comm.tls.ca-file": str(tmp_path / "ca.pem")}):
        (line,) = refused(None, "tls://127.0.0.1:8786")
    assert "ca.pem" in line


def test_all_mistakes_of_a_cluster_file_are_told_with_their_places(tmp_path: Path):
    file = tmp_path / "c.yaml"
    file.write_text("system: slrum\njobs: 0\nprocesess: 2\nmemory: lots\nwalltime: 8 hours\nscheduler: {port: -1}\n")
    lines = refused(None, str(file))
    told = [line.removeprefix(f"{file}:").split("  ") for line in lines]
    assert [place for place, _ in told] == ["1:9", "2:7", "3:1", "4:9", "5:11", "6:19"]
    right = ["did you mean slurm", "1 to 10000", "did you mean processes", "as 16GB", "as 08:00:00", "65535"]
    assert [expected in says for (_, says), expected in zip(told, right, strict=True)] == [True] * 6


@pytest.mark.parametrize(
    ("change", "key", "says"),
    [
        ("cores: 4", "cores", "too few for 8 processes"),
        ("memory: 1GB", "memory", "125 MB a worker"),
        ("walltime: 00:01:00", "walltime", "too short"),
        ("directives: ['#SBATCH --exclusive']", "directives[0]", "leave the mark out"),
        ("prologue: ['']", "prologue[0]", "one line of text"),
        ("disk: 2GB", "disk", "slurm has no disk"),
        ("system: htcondor", "system", "needs disk"),
    ],
)
def test_what_does_not_fit_together_in_a_cluster_file_is_told(tmp_path: Path, change: str, key: str, says: str):
    file = tmp_path / "c.yaml"
    kept = [line for line in SLURM.splitlines() if not line.startswith(change.split(":")[0])]
    file.write_text("\n".join([*kept, change]))
    assert any(f"  {key}: " in line and says in line for line in refused(None, str(file)))


def test_a_batch_system_that_is_not_here_is_told_at_its_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "c.yaml"
    file.write_text(SLURM + "interface: ib77\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refused(None, str(file)) == [
        f"{file}:1:9  system: sbatch is not on this machine; start the sweep where jobs of slurm are submitted"
    ]
    (tmp_path / "sbatch").write_text("#!/bin/sh\n")
    (tmp_path / "sbatch").chmod(0o755)
    (line,) = refused(None, str(file))
    assert line.startswith(f"{file}:6:12  interface: this machine has no ib77; ")


# ---------------------------------------------------------------------------------------------------- a batch system


def test_workers_leave_before_their_job_is_ended():
    for walltime in ("00:05:00", "00:30:00", "08:00:00", "168:00:00"):
        file = ClusterFile(system="slurm", jobs=1, memory="1GB", walltime=walltime)
        lifetime, spread = file.lifetime
        assert file.seconds / 2 < lifetime - spread
        assert lifetime + spread <= file.seconds - 60


def test_sizes_are_read_with_their_units():
    assert [bytes_of(text) for text in ("1GB", "1.5 GiB", "512MiB")] == [1e9, 1.5 * 2**30, 2**29]


@pytest.mark.filterwarnings("ignore:OAR Job memory")
@pytest.mark.parametrize("system", sorted(batch.CLASSES))
def test_job_scripts_say_what_the_file_says(system: str, tmp_path: Path):
    known: dict[str, Any] = (
        {"disk": "3GB"} if system == "htcondor" else {"queue": "night", "account": "p77", "walltime": "07:08:09"}
    )
    file = ClusterFile(
        system=system,
        jobs=2,
        processes=4,
        memory="8GB",
        python="python3.11",
        tls=False,
        prologue=["module load sesame"],
        scheduler={"host": "127.0.0.1"},
        **known,
    )
    cluster = batch.Batch("c.yaml", file)._cluster(tmp_path, tmp_path)
    try:
        script = cluster.job_script()
    finally:
        batch._close(cluster)
    told = [
        "module load sesame",
        "python3.11 -m distributed.cli.dask_worker",
        "--nworkers 4",
        "--nthreads 1",
        f"PYTHONPATH={ROOT}",
        "NUMBA_NUM_THREADS",
        "MEMORY__SPILL=False",
        "--nanny",
    ]
    if system != "htcondor":
        told += ["night", "p77", "7:08" if system == "lsf" else "7:08:09"]
        assert script.index("module load") < script.index("PYTHONPATH") < script.index("dask_worker")
    for words in told:
        assert words in script


def test_ctrl_c_stays_ours():
    """dask_jobqueue takes it over when it is imported."""
    code = "import signal; from sim.experiments.executors.batch import jobqueue; jobqueue(); print(signal.getsignal(2))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "default_int_handler" in out.stdout, out.stderr


def test_folders_that_a_job_script_cannot_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = tmp_path / "c.yaml"
    file.write_text(SLURM)
    monkeypatch.setattr(batch.shutil, "which", lambda command: command)
    with pytest.raises(BadInput, match="holds a space"), where(None, str(file)).open(tmp_path / "my results"):
        pass


# ------------------------------------------------------------------------------------------------------ this machine


def test_workers_of_this_machine_have_one_thread_a_nanny_and_certificates_and_are_gone_afterwards():
    before = family()
    place = where(2)
    assert place.words == "2 workers on this machine"
    with place.open() as (client, _):
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        assert [(worker["nthreads"], bool(worker["nanny"])) for worker in workers] == [(1, True)] * 2
        assert all(address.startswith("tls://127.0.0.1:") for address in client.scheduler_info(n_workers=-1)["workers"])
        limit = sum(worker["memory_limit"] for worker in workers)
        assert limit <= psutil.virtual_memory().total
        told = client.run(lambda: (os.environ["NUMBA_NUM_THREADS"], dask.config.get("distributed.worker.memory.spill")))
        assert set(told.values()) == {("1", False)}
        assert client.run_on_scheduler(lambda dask_scheduler: dask_scheduler.allowed_failures) == 1
        assert len(family() - before) >= 2
    assert soon(lambda: family() <= before)


INTERRUPTED = """
from sim.experiments.executors.choose import where
import sys, time
if __name__ == "__main__":
    try:
        with where(2).open() as (client, cluster):
            client.map(time.sleep, [600, 600])
            print("open", flush=True)
            time.sleep(600)
    except KeyboardInterrupt:
        print("closed", flush=True)
        sys.exit(130)
"""


@pytest.mark.long
def test_ctrl_c_on_a_terminal_ends_everything_in_order(tmp_path: Path):
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, str(script)],
        start_new_session=True,
        text=True,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the command
        out, err = process.communicate(timeout=60)
    assert (out, process.returncode) == ("closed\n", 130)
    assert "Traceback" not in err

    def gone() -> bool:
        return not [one for one in psutil.pids() if _session(one) == process.pid]

    assert soon(gone)


def _session(pid: int) -> int:
    try:
        return -1 if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE else os.getsid(pid)
    except (OSError, psutil.NoSuchProcess):
        return -1


# ------------------------------------------------------------------------------------------------ a scheduler of others

FILES = ROOT / "docs" / "clusters"


def settings() -> dict[str, str]:
    """What the guide tells schedulers and workers."""
    lines = (FILES / "dask.env").read_text().splitlines()
    return dict(line.split("=") for line in lines if line and not line.startswith("#"))


class Others:
    """A scheduler and workers that somebody else started."""

    def __init__(self, folder: Path, *options: str, settings: dict[str, str] | None = None):
        self.folder, self.options = folder, options
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), **(settings or {})}
        self.processes: list[subprocess.Popen[str]] = []
        self.file = folder / "scheduler.json"
        self.start(
            "scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--no-dashboard",
            "--no-show",
            "--scheduler-file",
            str(self.file),
        )

    def start(self, what: str, *words: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words, *self.options]
        log = (self.folder / f"{what}.log").open("w")
        self.processes.append(subprocess.Popen(command, text=True, stdout=log, stderr=log, env=self.environment))
        log.close()

    @property
    def address(self) -> str:
        import json

        assert soon(self.file.exists), (self.folder / "scheduler.log").read_text()
        return str(json.loads(self.file.read_text())["address"])

    def work(self) -> None:
        self.start("worker", self.address, "--nthreads", "1", "--no-dashboard")

    def end(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
            process.wait(20)


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Others]:
    started = Others(tmp_path_factory.mktemp("others"))
    yield started
    started.end()


def found(cluster: str) -> Any:
    """The place, as soon as the scheduler has its worker."""
    places: list[Any] = []

    def there() -> bool:
        try:
            places.append(where(None, cluster))
        except BadInput:
            return False
        return True

    assert soon(there)
    return places[0]


def test_a_scheduler_without_workers_is_no_place(others: Others):
    (line,) = refused(None, others.address)
    assert "has no workers" in line


def test_a_running_scheduler_is_used_looked_at_and_left_running(others: Others, tmp_path: Path):
    others.work()
    place = found(others.address)
    assert (place.workers, place.ours, place.local) == (1, False, False)
    assert place.words == f"Dask scheduler {others.address}, 1 worker thread"
    told: list[str] = []
    with place.open(tmp_path, told.append) as (client, cluster):
        assert cluster is None
        assert client.submit(pow, 7, 2).result() == 49
    assert [line for line in told if "allows 3 failures" in line]
    assert [line for line in told if "worker-saturation is 1.1" in line]
    assert not [line for line in told if "workers have" in line]
    assert not list(tmp_path.iterdir())
    assert all(process.poll() is None for process in others.processes)
    assert where(None, others.address).workers == 1


@pytest.mark.long
def test_a_scheduler_as_the_guide_has_it_is_reached_with_its_certificates_and_without_a_remark(tmp_path: Path):
    pytest.importorskip("cryptography")
    remarks: list[str] = []
    security = Security.temporary()
    names = {"ca_file": "ca.pem", "cert": "cert.pem", "key": "key.pem"}
    for key, text in security.get_tls_config_for_role("client").items():
        if key in names:
            (tmp_path / names[key]).write_text(text)
    options = [f"--tls-{key.replace('_', '-')}={tmp_path / name}" for key, name in names.items()]
    others = Others(tmp_path, "--protocol=tls", *options, settings=settings())
    try:
        assert others.address.startswith("tls://")
        others.work()
        keys = {"ca-file": "ca.pem", "client.cert": "cert.pem", "client.key": "key.pem"}
        told = {f"distributed.comm.tls.{key}": str(tmp_path / name) for key, name in keys.items()}
        with dask.config.set(told), found(others.address).open(tmp_path, remarks.append) as (client, _):
            assert client.submit(pow, 7, 2).result() == 49
        assert remarks == []
    finally:
        others.end()


class Elsewhere:
    """A client whose one worker answers as it would on another machine."""

    def __init__(self, change: Callable[[tuple[str, str, str]], tuple[str, str, str]]):
        self.change = change

    def run(self, look: Callable[[str], tuple[str, str, str]], path: str, **_: Any) -> dict[str, Any]:
        return {"tcp://node7:1": self.change(look(path))}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda told: ("node7", told[1], ""), "does not see"),
        (lambda told: ("node7", told[1], "of another sweep"), "does not see"),
        (lambda told: ("node7", "0123abcd", told[2]), "has other sources"),
        (lambda told: ("node7", "", told[2]), "does not find this program"),
    ],
)
def test_workers_that_cannot_do_the_work_are_told_before_it_begins(change: Any, says: str, tmp_path: Path):
    client: Any = Elsewhere(change)
    with pytest.raises(BadInput) as caught:
        existing.check_sight(client, tmp_path, "--cluster tcp://node7:8786")
    (line,) = str(caught.value).splitlines()
    assert line.startswith("--cluster tcp://node7:8786  the worker on node7 ")
    assert says in line
    assert not list(tmp_path.iterdir())
