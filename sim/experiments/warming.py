"""The kernel compiled before anybody needs it, several loops at a time: once on a machine, seen how far it is.

A tiny bank lives interpreted in a process of its own and notes with what types every loop is called; then loops are
compiled, as many at a time as there are cores, the longest first. All of them are kept in the same folder, where every
later process finds them.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from sim import house
from sim.errors import one_line
from sim.experiments.provenance import cores
from sim.phrases import listed
from sim.store.lock import Lock

NOTING = "sim.experiments.executors.warm_up"  # the module that lives the tiny bank
COMPILING = "compiling the kernel, once on this machine"


@dataclass(frozen=True)
class Compiled:
    """A loop that was compiled: its name and seconds, or what went wrong."""

    name: str
    seconds: float
    error: str = ""


def warm(say: Callable[[str], object] = lambda text: None) -> list[Compiled]:
    """Compile every loop that is not on disk; none where the folder cannot be written, or the kernel is interpreted.

    `say` is told how far it is. Processes that warm the same folder wait for the first. What could not be compiled here
    is compiled by the run that needs it.
    """
    from sim.kernel.ready import folder, missing

    if not missing():
        return []
    if not folder().kept:
        say(f"compiling the kernel (about a minute); {folder().path} cannot be written, so every process does it anew")
        return []
    with Lock(folder().path, "compiling.lock").waiting():
        todo = missing()
        return _side_by_side(todo, say) if todo else []


def _side_by_side(todo: list[str], say: Callable[[str], object]) -> list[Compiled]:
    """Compile these loops in as many processes as there are cores."""
    say(f"{COMPILING}: 0 of {len(todo)} done")
    noting = _process(NOTING, *todo, NUMBA_DISABLE_JIT="1")
    told, error = noting.communicate()
    if noting.returncode != 0:
        return [Compiled(name, 0.0, _last(error)) for name in todo]
    types = pickle.loads(told)
    done: list[Compiled] = []
    at_work = _process("sim.kernel.ready", str(cores()))
    try:
        with contextlib.suppress(BrokenPipeError), at_work.stdin as pipe:  # type: ignore[union-attr]
            pickle.dump({name: types[name] for name in todo}, pipe)
        while len(done) < len(todo):
            left = [name for name in todo if name not in {one.name for one in done}]
            say(f"{COMPILING}: {len(done)} of {len(todo)} done, {listed(left[: cores()])} under way")
            line = at_work.stdout.readline().decode()  # type: ignore[union-attr]
            if not line:
                why = _last(at_work.stderr.read()) or "the compiler ended"  # type: ignore[union-attr]
                return done + [Compiled(name, 0.0, why) for name in left]
            name, seconds, wrong = line.rstrip("\n").split("\t")
            done.append(Compiled(name, float(seconds), wrong))
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(at_work.pid, signal.SIGKILL)
        at_work.wait()
    return done


def _process(module: str, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
    """A module of ours run by this Python, deaf to Ctrl-C (this process ends it)."""
    path = os.pathsep.join(filter(None, [str(house.FOLDER.parent), os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path} | environment,
        start_new_session=True,
    )


def _last(error: bytes) -> str:
    """The last line of what a process said."""
    lines = error.decode("utf-8", "replace").strip().splitlines()
    return one_line(lines[-1]) if lines else ""
