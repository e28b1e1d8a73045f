"""What a worker process does before any work: Dask calls `dask_setup` in it.

Ctrl-C on a terminal reaches every process of the group; workers leave it to the driver, who ends them in order.
"""

from __future__ import annotations

import contextlib
import signal
from typing import Any


def dask_setup(worker: Any) -> None:
    """Ignore Ctrl-C; a worker that runs outside the main thread of its process has nothing to ignore."""
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
