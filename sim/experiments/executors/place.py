"""Where chunks of work are done: processes of this machine, a Dask scheduler that runs already, a batch system.

Whatever the place, workers are processes with one thread under a nanny, the scheduler forgives a chunk one dead worker,
and a worker that is about to take more than its memory is ended alone. `where` checks what the user asked for before
anything runs; docs/clusters.md is the guide for those who ask.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from sim.errors import BadInput

if TYPE_CHECKING:
    from distributed import Client

Say = Callable[[str], None]  # takes a line that the user should see
FORMS = "tcp://HOST:PORT, tls://HOST:PORT or FILE.yaml"
ANY_PORT = "127.0.0.1:0"  # Dask serves its state also where it has no dashboard; with no address it wants port 8787
WORKER_PRELOAD = "sim.experiments.executors.preload"  # what every worker process of ours does first
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

# What workers of ours are told: nothing is spilled or paused, the hog alone is ended.
WORKER_CONFIG: dict[str, Any] = {
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.multiprocessing-method": "spawn",
}
# What all clusters of ours are told. A task that kills its worker is tried once more and then handed back; nothing is
# queued on a worker but what it lives.
DASK_CONFIG: dict[str, Any] = WORKER_CONFIG | {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.worker.preload": [WORKER_PRELOAD],
    "distributed.nanny.pre-spawn-environ": {"MALLOC_TRIM_THRESHOLD_": "65536"} | dict.fromkeys(ONE_THREAD, "1"),
}


def silent(line: str) -> None:
    """Says nothing."""


class Where(Protocol):
    """A place to work at.

    `workers` is how many are asked for, `words` say it for people and manifests. `ours` says that the cluster may be
    closed and opened anew when it stalls, and that its nodes are this machine or may be told what to do first.
    `here` says that there are no workers at all: items are done in this very process, without Dask.
    `patience` is how many seconds the driver waits while there is no worker at all; a queue of a batch system may take
    for ever.
    """

    @property
    def workers(self) -> int: ...
    @property
    def ours(self) -> bool: ...
    @property
    def local(self) -> bool: ...
    @property
    def here(self) -> bool: ...
    @property
    def patience(self) -> float: ...
    @property
    def words(self) -> str: ...

    def open(self, folder: Path | None = None, say: Say = silent) -> AbstractContextManager[tuple[Client, Any]]:
        """A client, and its cluster (None where the scheduler is not ours); closed with all workers at the end.

        With a folder it is made sure that workers elsewhere have this program's code and see the folder: `BadInput`
        if they do not. `say` is told what the user should know.
        """
        ...


class KeptOpen:
    """A place to work at that stays open from one batch to the next; after trouble it is opened anew."""

    def __init__(self, where: Where):
        self.workers, self.ours, self.local = where.workers, where.ours, where.local
        self.here, self.patience, self.words = where.here, where.patience, where.words
        self._where = where
        self._stack = ExitStack()
        self._open: tuple[Client, Any] | None = None

    @contextlib.contextmanager
    def open(self, folder: Path | None = None, say: Say = silent) -> Iterator[tuple[Client, Any]]:
        """What is open already, or the place opened."""
        if self._open is None:
            self._open = self._stack.enter_context(self._where.open(folder, say))
        try:
            yield self._open
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the cluster, if it is open."""
        self._open = None
        self._stack.close()


def close(what: Any, seconds: float) -> None:
    """Close a client or a cluster; one that takes longer is left to end with its process, for all work is stored."""
    with contextlib.suppress(OSError):  # TimeoutError and Dask's lost connections are of its kind
        what.close(timeout=seconds)


def need_dask(option: str = "--workers") -> tuple[Any, Any]:
    """dask and distributed, imported; `BadInput` that says how to get them."""
    try:
        import dask
        import distributed
    except ImportError as error:
        raise needs(str(error.name), option) from None
    return dask, distributed


def needs(package: str, option: str) -> BadInput:
    """What to say where a package is missing."""
    return BadInput.at(option, f"needs the package {package}; pip install -e '.[cluster]'")


def security() -> Any:
    """Certificates for one cluster's life: without them anybody on the machine could send it code to run."""
    from distributed.security import Security

    try:
        return Security.temporary()
    except ImportError:  # cryptography is not there
        return None


def has_bokeh() -> bool:
    """Whether Dask can show its dashboard."""
    return find_spec("bokeh") is not None
