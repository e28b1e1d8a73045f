"""Cold start: how long a command takes in a fresh process, and what compiling into an empty cache adds to it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence

from figures import Figure
from sides import Round, Side, command, median
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
    """Seconds of each command."""
    for what, (words, aim) in LINES.items():
        found = _rounds(sides, words, sizes.starts)
        yield compared(PART, what, "s", _of(found), aim=aim)
        yield compared(PART, f"{what}, processor time", "s", _of(found, "cpu"))
    some = TINY if sizes.starts == 1 else ()
    with tempfile.TemporaryDirectory(prefix="rapport-starts-") as folder:
        warm = _rounds(sides, (*QUICK_RUN, f"{folder}/warm", "--overwrite", *some), sizes.starts)
        yield compared(PART, "run.py scenarios/quick.yaml, warm cache", "s", _of(warm), aim="4")
        yield compared(PART, "run.py scenarios/quick.yaml, warm cache, processor time", "s", _of(warm, "cpu"))
        if sizes.starts == 1:
            return
        words = (*QUICK_RUN, f"{folder}/cold", "--overwrite")
        cold = {side.name: [command(side, *words, NUMBA_CACHE_DIR=f"{folder}/{side.name}")] for side in sides}
        more = {name: [cold[name][0]["seconds"] - median(_of(warm)[name])] for name in cold}
        yield compared(PART, "compiled in an empty cache", "s", more, aim="25")  # by processes of their own: wall time


def _rounds(sides: Sequence[Side], words: Sequence[str], rounds: int) -> dict[str, list[Round]]:
    """The command on every side in turn, by name; a first one, which loads and compiles, does not count."""
    found: dict[str, list[Round]] = {side.name: [] for side in sides}
    for _ in range(rounds + 1):
        for side in sides:
            found[side.name].append(command(side, *words))
    return {name: heard[1:] for name, heard in found.items()}


def _of(found: dict[str, list[Round]], clock: str = "seconds") -> dict[str, list[float]]:
    return {name: [one[clock] for one in rounds] for name, rounds in found.items()}
