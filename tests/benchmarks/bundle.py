"""Attribution of a bundle of seven members."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from figures import Figure
from sides import Side, command
from sizes import Sizes, compared

PART = "attribution"
TITLE = "Attribution of seven members"
LINE = ("run.py", "attribute", "scenarios/strategies.yaml", "--arm", "everything", "--quiet", "--out")
FEW = ("--seeds", "2", "--months", "3", "--agents", "2000")


def figures(sides: Sequence[Side], sizes: Sizes) -> Iterator[Figure]:
    """Seconds and processor seconds of the command as users give it, all cores."""
    with tempfile.TemporaryDirectory(prefix="rapport-bundle-") as folder:
        few = FEW if sizes.starts == 1 else ()
        found = {side.name: command(side, *LINE, str(Path(folder) / side.name), *few) for side in sides}
    for clock, said, aim in (("seconds", "seconds", "180"), ("cpu", "processor seconds", "")):
        yield compared(PART, said, "s", {name: [one[clock]] for name, one in found.items()}, aim=aim)
