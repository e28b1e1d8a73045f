"""Worker processes on this machine."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.experiments.executors.place import ANY_PORT, DASK_CONFIG, Say, close, has_bokeh, need_dask, security, silent

if TYPE_CHECKING:
    from distributed import Client

MOST_PER_CORE = 16  # worker processes; more is a slip of the pen
# A nanny starts its worker anew as often as it dies, so no worker here is ever lost; Dask would send the nanny away
# if it happened to find its worker dead when this time had passed since an earlier death.
LOCAL_CONFIG: dict[str, Any] = {"distributed.deploy.lost-worker-timeout": "1000 days"}


@dataclass(frozen=True)
class Local:
    """Worker processes on this machine, the scheduler in this process."""

    workers: int = 1
    ours: bool = True
    local: bool = True
    here: bool = False
    patience: float = 60.0

    @property
    def words(self) -> str:
        """Where and how many."""
        return f"{self.workers} worker{'' if self.workers == 1 else 's'} on this machine"

    @contextlib.contextmanager
    def open(self, folder: Path | None = None, say: Say = silent) -> Iterator[tuple[Client, Any]]:
        """A LocalCluster with nannies, on the loopback with certificates of its own where they can be made."""
        dask, distributed = need_dask()
        from distributed.system import MEMORY_LIMIT

        with dask.config.set(DASK_CONFIG | LOCAL_CONFIG):
            cluster = distributed.LocalCluster(
                n_workers=self.workers,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                memory_limit=MEMORY_LIMIT // max(self.workers, 1),
                security=security(),
                dashboard_address=ANY_PORT,
                silence_logs=logging.CRITICAL,
            )
            try:
                client = distributed.Client(cluster, set_as_default=False)
                if has_bokeh():
                    say(f"workers can be watched at {cluster.dashboard_link}")
                try:
                    yield client, cluster
                finally:
                    close(client, 5)
            finally:
                close(cluster, 15)


def local(workers: int) -> Local:
    """So many worker processes on this machine."""
    return Local(workers)


def on_this_machine(workers: int | None) -> Local:
    from dask.system import CPU_COUNT

    most = MOST_PER_CORE * CPU_COUNT
    if workers is not None and workers > most:
        raise BadInput.at("--workers", f"{workers} is more than {CPU_COUNT} cores can use; from 1 to {most}")
    return Local(workers or CPU_COUNT)
