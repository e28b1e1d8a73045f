"""The kernel compiled before several processes need it at a time."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from sim.experiments.design.plan import BANKS, Plan
from sim.experiments.prepare import prepare_source
from sim.experiments.replication import Replication
from sim.store.lock import Lock
from sim.yaml_source import loads


def needs_warm_up(plan: Plan) -> bool:
    """Whether a bank will wait for the compiler on this machine."""
    if plan.made_by not in BANKS:
        return False
    from sim.kernel.numerics import compiled

    return not compiled()


def warm_up() -> None:
    """Compile the kernel, by a month of a tiny bank: several processes that compile at a time would spoil its cache."""
    text = "name: warm_up\nmonths: 1\nburn_in: 0\nseeds: [1]\npopulation: {customers: 200}\narms: {nothing: []}\n"
    prepared = prepare_source(loads(text, file="warm-up"))
    Replication(prepared, 1).tables(prepared.scenario.arm_list[0])


def warm_up_here() -> None:
    """On a machine that is not the driver's: compiled code on its own disk, compiled by one process while others wait.

    Must be called before numba is imported, which looks at its environment then.
    """
    if "NUMBA_CACHE_DIR" not in os.environ:
        folder = Path(tempfile.gettempdir()) / f"rapport-numba-{os.getuid()}"
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, exist_ok=True)
            kept = folder.lstat()  # compiled code is trusted: a folder somebody else prepared is not used
            if kept.st_uid == os.getuid() and not kept.st_mode & 0o077:
                os.environ["NUMBA_CACHE_DIR"] = str(folder)
    home = Path(os.environ.get("NUMBA_CACHE_DIR") or tempfile.mkdtemp(prefix="rapport-numba-"))
    home.mkdir(parents=True, exist_ok=True)
    with Lock(home, "compiling.lock").waiting():
        from sim.kernel.numerics import compiled

        if not compiled():
            warm_up()
