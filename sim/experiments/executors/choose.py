"""The place to work at that a command line asks for."""

from __future__ import annotations

from sim.errors import BadInput
from sim.experiments.executors.batch import batch
from sim.experiments.executors.local import on_this_machine
from sim.experiments.executors.place import Where, need_dask
from sim.experiments.executors.scheduler import existing


def where(workers: int | None = None, cluster: str | None = None) -> Where:
    """The place that ``--workers`` or ``--cluster`` ask for, checked; `BadInput` if there is none."""
    if workers is not None and cluster is not None:
        raise BadInput.at("--workers", "not together with --cluster, which says itself how many; give one of them")
    if workers is not None and workers < 1:
        raise BadInput.at("--workers", f"{workers} is not allowed; a whole number from 1 up")
    need_dask("--workers" if cluster is None else "--cluster")
    if cluster is None:
        return on_this_machine(workers)
    if cluster.endswith((".yaml", ".yml")) and "://" not in cluster:
        return batch(cluster)
    return existing(cluster)
