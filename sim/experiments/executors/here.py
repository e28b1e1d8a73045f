"""This very process as a place to work at: no other process, no Dask, one item after the other."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.experiments.executors.place import Say, silent

if TYPE_CHECKING:
    from distributed import Client


@dataclass(frozen=True)
class Here:
    """A `Where` without workers."""

    workers: int = 1
    ours: bool = True
    local: bool = True
    here: bool = True
    patience: float = 0.0
    words: str = "this process"

    def open(self, folder: Path | None = None, say: Say = silent) -> AbstractContextManager[tuple[Client, Any]]:
        """There is nothing to open."""
        raise TypeError("this process has no client")


HERE = Here()
