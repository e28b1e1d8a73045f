"""Where chunks of work are done: processes of this machine, a Dask scheduler that runs already, a batch system.

Whatever the place, workers are processes with one thread under a nanny, the scheduler forgives a chunk one dead worker,
and a worker that is about to take more than its memory is ended alone (the reasons: rules 3, 5 and 6 of the driver).
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from sim.errors import BadInput

if TYPE_CHECKING:
    from distributed import Client

WORKER_PRELOAD = "sim.experiments.sweep.preload"  # what every worker process of ours does first

# What all clusters of ours are told. A task that kills its worker is tried once more and then handed back; nothing is
# queued on a worker but what it lives; nothing is spilled or paused, the hog alone is ended.
DASK_CONFIG: dict[str, Any] = {
    "distributed.scheduler.allowed-failures": 1,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.worker.preload": [WORKER_PRELOAD],
    "distributed.nanny.pre-spawn-environ": {
        "MALLOC_TRIM_THRESHOLD_": "65536", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
    },
}  # fmt: skip


class Where(Protocol):
    """A place to work at.

    `workers` is how many are asked for. `ours` says that the cluster may be closed and opened anew when it stalls, and
    that its nodes are this machine or may be told what to do first. `patience` is how many seconds the driver waits
    while there is no worker at all; a queue of a batch system may take for ever.
    """

    workers: int
    ours: bool
    local: bool
    patience: float

    def open(self) -> AbstractContextManager[tuple[Client, Any]]:
        """A client, and its cluster (None where the scheduler is not ours); closed with all workers at the end."""
        ...


@dataclass(frozen=True)
class Local:
    """Worker processes on this machine, the scheduler in this process."""

    workers: int = 1
    ours: bool = True
    local: bool = True
    patience: float = 60.0

    @contextlib.contextmanager
    def open(self) -> Iterator[tuple[Client, Any]]:
        """A LocalCluster with nannies, on the loopback with certificates of its own where they can be made."""
        dask, distributed = need_dask()
        from distributed.system import MEMORY_LIMIT

        with dask.config.set(DASK_CONFIG):
            cluster = distributed.LocalCluster(
                n_workers=self.workers, threads_per_worker=1, processes=True, host="127.0.0.1",
                memory_limit=MEMORY_LIMIT // max(self.workers, 1), security=security(),
                dashboard_address="127.0.0.1:0" if has_bokeh() else None, silence_logs=logging.CRITICAL,
            )  # fmt: skip
            try:
                client = distributed.Client(cluster, set_as_default=False)
                try:
                    yield client, cluster
                finally:
                    client.close(timeout=2)
            finally:
                cluster.close(timeout=5)


def local(workers: int) -> Local:
    """So many worker processes on this machine."""
    return Local(workers)


def need_dask() -> tuple[Any, Any]:
    """dask and distributed, imported; `BadInput` that says how to get them."""
    try:
        import dask
        import distributed
    except ImportError as error:
        what = f"needs the package {error.name}; pip install 'rapport-sim[cluster]'"
        raise BadInput.at("--workers", what) from None
    return dask, distributed


def security() -> Any:
    """Certificates for one cluster's life: without them anybody on the machine could send it code to run."""
    from distributed.security import Security

    try:
        return Security.temporary()
    except ImportError:  # cryptography is not there
        return None


def has_bokeh() -> bool:
    """Whether Dask can show its dashboard."""
    from importlib.util import find_spec

    return find_spec("bokeh") is not None
