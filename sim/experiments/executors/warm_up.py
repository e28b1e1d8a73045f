"""The kernel compiled on a machine that is not the driver's, and the tiny bank that shows how its loops are called."""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
import tempfile
from pathlib import Path

EVERYTHING = """
name: everything
months: 13
burn_in: 1
seeds: [1]
population: {customers: 60}
record: {panel: 5}
model: {mechanisms: {word_of_mouth: true}}
arms:
  nothing: []
  all:
    - {use: digital_thinking}
    - {use: stratification}
    - {use: personalised_service}
    - {use: staff_upskilling}
    - {use: institutional}
    - {use: human_resources}
    - {use: fintech}
    - {use: onboarding}
"""


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
    from sim.experiments.warming import warm

    warm()


def main(names: list[str]) -> int:
    """Live a bank in which everything happens, interpreted; how these loops were called goes to standard output."""
    from sim.kernel.ready import noted

    found = noted(names)  # before the bank imports them
    from sim.bank.outcomes import Outcomes
    from sim.experiments.prepare import prepare_source
    from sim.experiments.replication import Replication
    from sim.yaml_source import loads

    prepared = prepare_source(loads(EVERYTHING, file="warm-up"))
    replication = Replication(prepared, 1)
    for arm in prepared.scenario.arm_list:
        with replication.bank(arm) as bank:
            bank.tidies = arm.name == "all"
            followed = Outcomes(bank)
            bank.run()
            followed.month(bank)
            bank.fates()
    sys.stdout.buffer.write(pickle.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
