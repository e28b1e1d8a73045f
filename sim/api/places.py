"""Where a program's experiments are lived and stored."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.api.scenarios import folder_of, number_from
from sim.errors import BadInput

if TYPE_CHECKING:
    from sim.experiments.executors.place import Where


def place(workers: int | None, cluster: str | None = None) -> Where:
    """Workers or a cluster, checked; this very process where neither is asked for."""
    if workers is None and cluster is None:
        from sim.experiments.executors.here import HERE

        return HERE
    from sim.experiments.executors.choose import where

    if cluster is not None and not isinstance(cluster, (str, os.PathLike)):
        raise BadInput.at("cluster", f"{cluster!r}; an address or a file")
    many = None if workers is None else number_from(workers, "workers", 1)
    return where(many, None if cluster is None else os.fspath(cluster))


def kept(out: str | os.PathLike[str] | None, name: str) -> tuple[Path, Any]:
    """The folder to store in, and what holds it if nobody asked to keep it: it is gone when that is."""
    if out is not None:
        return folder_of(out, "out"), None
    keep = tempfile.TemporaryDirectory(prefix="rapport-")
    return Path(keep.name) / name, keep
