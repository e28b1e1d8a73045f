"""The kernel compiled before anybody needs it, several loops at a time: once on a machine, seen how far it is.

A tiny bank lives interpreted in a process of its own and notes with what types every loop is called; then each loop is
compiled in a process of its own, as many at a time as there are cores, the longest first. All of them keep what they
made in the same folder, where every later process finds it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, sleep

from sim import house
from sim.errors import one_line
from sim.experiments.provenance import cores
from sim.phrases import listed
from sim.store.lock import Lock

NOTING = "sim.experiments.executors.warm_up"  # the module that lives the tiny bank
COMPILING = "compiling the kernel, once on this machine"
PAUSE = 0.05  # seconds between looks at who is done


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
        say(f"compiling the kernel (about 20 s); {folder().path} cannot be written, so every process does it anew")
        return []
    with Lock(folder().path, "compiling.lock").waiting():
        todo = missing()
        return _side_by_side(todo, say) if todo else []


def _side_by_side(todo: list[str], say: Callable[[str], object]) -> list[Compiled]:
    """Compile these loops, each in a process of its own."""
    say(f"{COMPILING}: 0 of {len(todo)} done")
    noting = _process(NOTING, *todo, NUMBA_DISABLE_JIT="1")
    told, error = noting.communicate()
    if noting.returncode != 0:
        return [Compiled(name, 0.0, _last(error)) for name in todo]
    types = pickle.loads(told)
    done: list[Compiled] = []
    waiting = list(todo)
    at_work: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
    try:
        while waiting or at_work:
            while waiting and len(at_work) < cores():
                name = waiting.pop(0)
                process = _process("sim.kernel.ready")
                with contextlib.suppress(BrokenPipeError), process.stdin as pipe:  # type: ignore[union-attr]
                    pickle.dump({name: types[name]}, pipe)
                at_work[name] = process, perf_counter()
                say(f"{COMPILING}: {len(done)} of {len(todo)} done, {listed([*at_work])} under way")
            for name, (process, began) in list(at_work.items()):
                if process.poll() is not None:
                    error = process.stderr.read() if process.returncode and process.stderr else b""
                    done.append(Compiled(name, perf_counter() - began, _last(error)))
                    del at_work[name]
            sleep(PAUSE)
    finally:
        for process, _ in at_work.values():
            process.kill()
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
