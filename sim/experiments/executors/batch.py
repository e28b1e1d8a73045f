"""Workers as jobs of a batch system, through dask-jobqueue: started, watched, replaced and cancelled.

What dask-jobqueue leaves open is closed here: jobs of several workers that ended are replaced too (it forgets them), a
job that never sent a worker is noticed where the batch system can be asked, and a refused job is an error, not a wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.experiments.executors.cluster_file import ACCOUNTS, SUBMITS, ClusterFile, read_cluster_file
from sim.experiments.executors.place import (
    ANY_PORT,
    DASK_CONFIG,
    ONE_THREAD,
    WORKER_CONFIG,
    WORKER_PRELOAD,
    Say,
    close,
    has_bokeh,
    needs,
    security,
    silent,
)

if TYPE_CHECKING:
    from distributed import Client

CLASSES = {
    "slurm": "SLURMCluster",
    "pbs": "PBSCluster",
    "sge": "SGECluster",
    "lsf": "LSFCluster",
    "htcondor": "HTCondorCluster",
    "moab": "MoabCluster",
    "oar": "OARCluster",
}
KNOWN = {"slurm": ["squeue", "--noheader", "--me", "--format=%i"]}  # prints the ids of jobs that wait or run
LOOKED_AFTER = 10.0  # seconds between two looks at the jobs
TRIES = 3  # times all jobs may end without a worker until we give up
TOLD_EVERY = 60.0  # seconds between two lines while the queue keeps us waiting


@dataclass(frozen=True)
class Batch:
    """Jobs as a file describes them."""

    path: str
    file: ClusterFile
    ours: bool = True
    local: bool = False
    here: bool = False
    patience: float = float("inf")  # a queue may take days

    @property
    def workers(self) -> int:
        """Workers of all jobs."""
        return self.file.jobs * self.file.processes

    @property
    def words(self) -> str:
        """Which batch system, how many jobs and workers."""
        jobs = f"{self.file.jobs} {self.file.system} job{'' if self.file.jobs == 1 else 's'}"
        return f"{jobs} of {self.file.processes} worker{'' if self.file.processes == 1 else 's'} ({self.path})"

    @contextmanager
    def open(self, folder: Path | None = None, say: Say = silent) -> Iterator[tuple[Client, Any]]:
        """Jobs are submitted, and a client given when a first worker has come; at the end all jobs are cancelled."""
        import dask
        from distributed import Client

        with contextlib.ExitStack() as stack:
            stack.enter_context(dask.config.set(DASK_CONFIG))
            logs, private = self._folders(folder, stack)
            cluster = self._cluster(logs, private)
            stack.callback(_close, cluster)
            client = Client(cluster, set_as_default=False)
            stack.callback(client.close, timeout=2)
            if has_bokeh():
                say(f"workers can be watched at {cluster.dashboard_link}")
            self._submit(cluster)
            self._await_first(client, cluster, logs, say)
            if folder is not None:
                from sim.experiments.executors.scheduler import check_sight

                first = list(client.scheduler_info(n_workers=-1)["workers"])[:1]
                check_sight(client, folder, self.path, say, workers=first)
            yield client, cluster

    def _folders(self, folder: Path | None, stack: contextlib.ExitStack) -> tuple[Path, Path]:
        """Where jobs write their logs, and where workers find their certificates: a folder for our eyes only."""
        if folder is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rapport-jobs-")))
        jobs = folder.resolve() / "jobs"
        if any(letter.isspace() for letter in str(jobs)):
            raise BadInput.at(self.path, f"job scripts cannot name {jobs}, which holds a space; another --out")
        jobs.mkdir(parents=True, exist_ok=True)
        logs = Path(self.file.log_directory) if self.file.log_directory else jobs
        private = tempfile.TemporaryDirectory(prefix=".keys-", dir=jobs, ignore_cleanup_errors=True)
        return logs, Path(stack.enter_context(private))

    def _cluster(self, logs: Path, private: Path) -> Any:
        f = self.file
        options: dict[str, Any] = {
            "cores": f.cores or f.processes,
            "processes": f.processes,
            "memory": f.memory,
            "interface": f.interface,
            "walltime": f.walltime,
            "queue": f.queue,
            "python": f.python or sys.executable,
            "local_directory": f.local_directory,
            "resource_spec": f.resources,
            "disk": f.disk,
            "job_name": "rapport",
            "log_directory": str(logs),
            "shared_temp_directory": str(private),
            "job_extra_directives": list(f.directives),
            "job_directives_skip": list(f.skip_directives),
            "job_script_prologue": [*f.prologue, *prologue()],
            "worker_extra_args": worker_arguments(f),
            "security": security() if f.tls else None,
            "scheduler_options": {
                "port": f.scheduler.port,
                "dashboard": has_bokeh(),
                "dashboard_address": ANY_PORT,
                **({"host": f.scheduler.host} if f.scheduler.host else {}),
            },
        }
        if f.account is not None:
            options[ACCOUNTS[f.system]] = f.account
        if f.system == "lsf":
            options["walltime"] = f.walltime.rsplit(":", 1)[0]  # hours and minutes are all that it takes
        kind = _watched(getattr(jobqueue(), CLASSES[f.system]), KNOWN.get(f.system))
        taken = {key: value for key, value in options.items() if value is not None}
        if f.system == "htcondor":
            del taken["walltime"]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return kind(**taken)
        except (ValueError, OSError, RuntimeError) as error:
            raise BadInput.at(
                self.path,
                f"the scheduler cannot start here ({_one(error)}); see scheduler, interface "
                "and log_directory of this file",
            ) from None

    def _submit(self, cluster: Any) -> None:
        """The first jobs, in the open: `adapt` would try again for ever without a word if they are refused."""
        try:
            cluster.sync(cluster.submit, self.file.jobs)
        except (RuntimeError, OSError, ValueError) as error:
            command = SUBMITS[self.file.system]
            raise BadInput.at(self.path, f"{command} refused the job: {_one(error)}; see what queues allow") from None
        jobs = self.file.jobs
        cluster.most_deaths = TRIES * jobs
        cluster.adapt(minimum_jobs=jobs, maximum_jobs=jobs, interval="2s")
        cluster.look_after()

    def _await_first(self, client: Client, cluster: Any, logs: Path, say: Say) -> None:
        reported = time.monotonic()
        while not cluster.arrived:
            if cluster.deaths >= cluster.most_deaths:
                raise BadInput.at(
                    self.path,
                    f"jobs end before a worker comes ({_last_words(logs)}); see the logs in "
                    f"{logs}, and prologue and python of this file",
                )
            if time.monotonic() - reported > TOLD_EVERY:
                reported = time.monotonic()
                ids = sorted(str(job.job_id) for job in cluster.workers.values())
                say(f"waiting for a first worker; jobs {', '.join(ids[:5])}{' ...' if len(ids) > 5 else ''}")
            time.sleep(0.1)


def batch(path: str) -> Batch:
    """The jobs of a file, checked as far as can be without submitting one; `BadInput` with all that is wrong."""
    file, wrong = read_cluster_file(path)
    if find_spec("dask_jobqueue") is None:
        raise needs("dask-jobqueue", "--cluster")
    if file.tls and find_spec("cryptography") is None:
        raise wrong("tls", "TLS needs the package cryptography; pip install -e '.[cluster]'")
    command = SUBMITS[file.system]
    if shutil.which(command) is None:
        message = f"{command} is not on this machine; start the sweep where jobs of {file.system} are submitted"
        raise wrong("system", message)
    if file.interface is not None:
        import psutil  # comes with distributed

        there = sorted(psutil.net_if_addrs())
        if file.interface not in there:
            raise wrong("interface", f"this machine has no {file.interface}; {', '.join(there)}")
    return Batch(path, file)


def jobqueue() -> Any:
    """dask_jobqueue, without the answer to Ctrl-C that it gives on import: to end the process as if all were well."""
    answer = signal.getsignal(signal.SIGINT)
    import dask_jobqueue

    signal.signal(signal.SIGINT, answer)
    return dask_jobqueue


def prologue() -> list[str]:
    """Lines of every job script after the site's own: our sources, one thread, no spilling.

    What the environment says of threads stays.
    """
    from sim.house import FOLDER

    root = shlex.quote(str(FOLDER.resolve().parent))
    lines = [f"export PYTHONPATH={root}${{PYTHONPATH:+:$PYTHONPATH}}"]
    lines += [f"export {name}=${{{name}:-1}}" for name in ONE_THREAD]
    lines += [
        f"export DASK_{key.upper().replace('.', '__').replace('-', '_')}={value}"
        for key, value in WORKER_CONFIG.items()
    ]
    return lines


def worker_arguments(file: ClusterFile) -> list[str]:
    """More words for ``dask worker``: when to leave, and what to do first."""
    lifetime, spread = file.lifetime
    until = ["--lifetime", f"{lifetime}s", "--lifetime-stagger", f"{spread}s"]
    return [*until, "--preload", WORKER_PRELOAD, "--no-dashboard"]


def _watched(base: Any, known: list[str] | None) -> Any:
    """A cluster class of dask-jobqueue that looks after its jobs."""
    import dask
    from dask.utils import parse_timedelta

    class Watched(base):  # type: ignore[misc]
        def __init__(self, **options: Any):
            self.arrived: set[str] = set()  # jobs that a worker came from
            self.deaths = self.most_deaths = 0  # jobs in a row that ended without
            self.looking: Any = None
            super().__init__(**options)

        async def submit(self, jobs: int) -> None:
            """So many jobs; raises RuntimeError where `scale` would only log that they were refused."""
            while len(self.worker_spec) < jobs:
                self.worker_spec.update(self.new_worker_spec())
            await self._correct_state()

        async def _close(self) -> None:
            for job in [job for job in self._created if job.job_id is None]:
                self._created.discard(job)  # refused, so there is nothing that must have ended
            await super()._close()

        def job_of(self, worker: Any) -> Any:
            """The job a worker's name belongs to: itself, or before its last hyphen where jobs have several."""
            return worker if worker in self.worker_spec else str(worker).rpartition("-")[0]

        def _update_worker_status(self, op: str, msg: Any) -> None:
            if op == "add":
                self.arrived |= {self.job_of(worker["name"]) for worker in msg["workers"].values()}
                self.deaths = 0
            else:
                job = self.job_of(self.scheduler_info["workers"][msg]["name"])
                delay = parse_timedelta(dask.config.get("distributed.deploy.lost-worker-timeout"))
                asyncio.get_running_loop().call_later(delay, self.forget_if_empty, job)
            super()._update_worker_status(op, msg)

        def forget_if_empty(self, job: Any) -> None:
            """A job without workers is cancelled and taken off the list, and `adapt` submits another."""
            alive = {self.job_of(worker["name"]) for worker in self.scheduler_info["workers"].values()}
            if job in self.workers and job not in alive and self.status.name == "running":
                self._futures.add(asyncio.ensure_future(self.workers.pop(job).close()))

        def look_after(self) -> None:
            """Notice from now on jobs that ended without ever sending a worker."""
            if known is not None:
                self.looking = asyncio.run_coroutine_threadsafe(self._look(known), self.loop.asyncio_loop)

        async def _look(self, command: list[str]) -> None:
            while self.status.name == "running":
                await asyncio.sleep(LOOKED_AFTER)
                waited_for = {name: job.job_id for name, job in self.workers.items() if name not in self.arrived}
                try:
                    there = set((await self.job_cls._call(command)).split())
                except (RuntimeError, OSError):
                    continue  # the batch system has no ear for us just now
                for name, number in waited_for.items():
                    if number in there or name in self.arrived:
                        continue
                    self.deaths += number is not None  # None: refused, which may change
                    if self.deaths < self.most_deaths:
                        self.workers.pop(name, None)

    Watched.__name__ = base.__name__
    return Watched


def _close(cluster: Any) -> None:
    """Cancel all jobs, end the scheduler, remove the files of certificates. A second Ctrl-C has to wait for it."""
    if cluster.looking is not None:
        cluster.looking.cancel()
    try:
        close(cluster, 30)
    finally:
        for file in [value for name, value in vars(cluster).items() if name.startswith("_job_")]:
            with contextlib.suppress(OSError, AttributeError):
                file.close()


def _one(error: BaseException) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() not in ("", "stderr:", "stdout:")]
    return lines[-1] if lines else type(error).__name__


def _last_words(logs: Path) -> str:
    """The last line of the youngest job log."""
    files = sorted(logs.glob("rapport-*.err"), key=os.path.getmtime)
    text = files[-1].read_text(errors="replace").strip() if files else ""
    return f"the last log ends: {text.splitlines()[-1][:200]}" if text else "their logs are empty"
