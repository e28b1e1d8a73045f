"""The verb that compiles ahead, for images and nodes: so that no run waits for the compiler."""

from __future__ import annotations

import argparse
import sys

from sim.errors import BadInput
from sim.phrases import counted, listed


def warm(arguments: argparse.Namespace) -> int:
    """Compile what is not on disk, say what and where; with --check only look. 1 where something is missing then."""
    from sim.experiments.warming import warm
    from sim.kernel.ready import folder, loops, missing

    if not (where := folder()).kept and not (arguments.check and where.path.is_dir()):
        raise BadInput.at("NUMBA_CACHE_DIR", f"{where.path} cannot be written; a folder that can")
    say = (lambda line: None) if arguments.quiet else (lambda line: print(line, file=sys.stderr, flush=True))
    for one in [] if arguments.check else warm(say):
        print(f"{one.name:<24} {one.error or f'{one.seconds:.1f} s'}")
    every, lacking = loops(), missing()
    if lacking:
        print(f"{len(lacking)} of {counted(len(every), 'loop')} not compiled: {listed(lacking)}; {where.path}")
        return 1
    print(f"{counted(len(every), 'loop')} compiled: {where.path}")
    return 0
