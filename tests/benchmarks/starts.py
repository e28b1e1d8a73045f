"""Cold start: how long a command takes in a fresh process, and how long all is compiled in an empty cache."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from figures import Figure
from sides import Side, command
from sizes import Sizes, compared

PART = "start"
TITLE = "Cold start"
QUICK_RUN = ("run.py", "scenarios/quick.yaml", "--quiet", "--out")
LINES = {
    "run.py --help": (("run.py", "--help"), "0.7"),
    "run.py validate scenarios/quick.yaml": (("run.py", "validate", "scenarios/quick.yaml"), "0.7"),
    "run.py schema": (("run.py", "schema"), "0.7"),
}
TINY = ("--seeds", "1", "--months", "2", "--set", "population.customers=500")


def figures(sides: Sequence[Side], sizes: Sizes) -> Iterator[Figure]:
    """Seconds of each command, wall and processor."""
    for what, (words, aim) in LINES.items():
        took = {side.name: [] for side in sides}
        for _ in range(sizes.starts + 1):
            for side in sides:
                took[side.name].append(command(side, *words)["seconds"])
        yield compared(PART, what, "s", {name: seconds[1:] for name, seconds in took.items()}, aim=aim)
    with tempfile.TemporaryDirectory(prefix="rapport-starts-") as folder:
        some = TINY if sizes.starts == 1 else ()
        for what, fresh, rounds, aim in (
            ("run.py scenarios/quick.yaml, warm cache", False, sizes.starts, "4"),
            ("the same, empty cache", True, 1 if sizes.starts > 1 else 0, ""),
        ):
            wall: dict[str, list[float]] = {side.name: [] for side in sides}
            cpu: dict[str, list[float]] = {side.name: [] for side in sides}
            for number in range(rounds):
                for side in sides:
                    mine = Path(folder) / f"{side.name}-{fresh}-{number}"
                    own = {"NUMBA_CACHE_DIR": f"{mine}-cache"} if fresh else {}
                    found = command(side, *QUICK_RUN, str(mine), *some, **own)
                    wall[side.name].append(found["seconds"])
                    cpu[side.name].append(found["cpu"])
            if rounds:
                yield compared(PART, what, "s", wall, aim=aim)
                yield compared(PART, f"{what}, processor time", "s", cpu)
