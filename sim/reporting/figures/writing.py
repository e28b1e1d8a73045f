"""Figures written as PNG and SVG, by as many processes as there are cores where a process can be copied.

Half of what a small run takes is drawing. A copy of this process has the figures already, so it only draws; what a
copy did not write, for whatever reason, is written here.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from time import monotonic, sleep

import matplotlib as mpl
from matplotlib.figure import Figure

from sim.reporting.figures import png_bytes, style, svg_text
from sim.store.files import write_atomically

Files = tuple[Path, Path]
FEWEST = 4  # figures, below which copies are not worth their while
PATIENCE = 60.0  # seconds that a copy may take


def write_figures(figures: Sequence[tuple[Figure, Files]]) -> list[str]:
    """Write each figure to its two files (PNG, SVG); the SVG texts in their order, the same whoever drew them."""
    count = copies(len(figures)) if figures else 1
    shares = [figures[place::count] for place in range(count)]
    started = [_copy(share) for share in shares[1:]]
    _write(shares[0])
    for number, share in zip(started, shares[1:], strict=True):
        if not _ended_well(number):
            _write(share)
    return [svg.read_text("utf-8") for _, (_, svg) in figures]


def copies(figures: int) -> int:
    """How many processes draw, this one among them."""
    if sys.platform != "linux" or figures < FEWEST:  # elsewhere a copy of a process with threads is not safe
        return 1
    return min(len(os.sched_getaffinity(0)), figures)


def _write(figures: Sequence[tuple[Figure, Files]]) -> None:
    with mpl.rc_context(style.RC):
        for figure, (png, svg) in figures:
            write_atomically(svg, svg_text(figure))
            write_atomically(png, png_bytes(figure))


def _copy(figures: Sequence[tuple[Figure, Files]]) -> int:
    """A copy of this process that writes these figures and ends; its number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: those of libraries, which are idle now
        number = os.fork()
    if number:
        return number
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _write(figures)
        os._exit(0)
    finally:  # whatever it was, the figures are written by who waits, where it is told
        os._exit(1)


def _ended_well(number: int) -> bool:
    """Waits for a copy, and ends it if it takes too long; whether it wrote all its figures."""
    until = monotonic() + PATIENCE
    while (found := os.waitpid(number, os.WNOHANG))[0] == 0:
        if monotonic() > until:
            os.kill(number, signal.SIGKILL)
        sleep(0.005)
    return found[1] == 0
