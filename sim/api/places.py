"""Where a program's experiments are lived and stored."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.experiments.executors.place import Where


def place(workers: int | None, cluster: str | None = None) -> Where:
    """Workers or a cluster, checked; this very process where neither is asked for."""
    if workers is None and cluster is None:
        from sim.experiments.executors.here import HERE

        return HERE
    from sim.experiments.executors.choose import where

    return where(workers, cluster)


def kept(out: str | os.PathLike[str] | None, name: str) -> tuple[Path, Any]:
    """The folder to store in, and what holds it if nobody asked to keep it: it is gone when that is."""
    if out is not None:
        return Path(out), None
    keep = tempfile.TemporaryDirectory(prefix="rapport-")
    return Path(keep.name) / name, keep
