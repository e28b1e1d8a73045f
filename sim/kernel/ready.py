"""What of the kernel is compiled and on disk, and compiling one loop by itself.

Every function of this folder that is kept on disk (`@njit(**LOOP)`) is a loop; that is all it takes to be compiled
ahead. With what types each is called is noted where a bank lives interpreted (`noted`), so nobody lists signatures.
`python -m sim.kernel.ready N` compiles the loops that it reads from its standard input in N processes: the compiler
holds Python's lock, so loops compile side by side only in different processes.
"""

from __future__ import annotations

import importlib
import pickle
import pkgutil
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numba
from numba.core.dispatcher import Dispatcher

import sim.kernel
from sim.kernel import numerics

Signatures = dict[str, list[tuple[Any, ...]]]  # by loop the types of its arguments, once for each way it is called


class Folder(NamedTuple):
    """Where compiled code is; `kept` unless it goes with this process, for `path` cannot be written."""

    path: Path
    kept: bool


def folder() -> Folder:
    """Where compiled code belongs, and whether it can be kept there."""
    wanted = numerics.wanted_folder()
    return Folder(wanted, kept=Path(numerics.CACHE) == wanted)


def loops() -> dict[str, Any]:
    """What Python calls of the kernel, as `month.step_chunk`; the longest to compile first. None where interpreted."""
    modules = [one.name for one in pkgutil.iter_modules(sim.kernel.__path__) if one.name != "ready"]
    found = {
        f"{where}.{name}": one
        for where in modules
        for name, one in vars(importlib.import_module(f"sim.kernel.{where}")).items()
        if isinstance(one, Dispatcher) and one.__module__ == f"sim.kernel.{where}" and one.stats.cache_path is not None
    }
    return dict(sorted(found.items(), key=lambda item: (-_length(item[1], set()), item[0])))


def _length(function: Any, seen: set[Any]) -> int:
    """Bytes of Python's code of a compiled function and of all that it calls, a measure of the compiler's work."""
    if not isinstance(function, Dispatcher) or function in seen:
        return 0
    seen.add(function)
    python = function.py_func
    called = (python.__globals__.get(name) for name in python.__code__.co_names)
    return len(python.__code__.co_code) + sum(_length(one, seen) for one in called)


def missing() -> list[str]:
    """Loops that are not on disk for this processor, the longest to compile first."""
    return [name for name, one in loops().items() if not any(Path(one.stats.cache_path).glob(f"{name}-*.nbc"))]


def compiled() -> bool:
    """True if no run will wait for the compiler on this machine."""
    return not missing()


def noted(names: Iterable[str]) -> Signatures:
    """From now on the types with which these loops are called; before anybody imports the loops from their modules.

    Where the kernel is interpreted (`NUMBA_DISABLE_JIT=1`), so that a few customers live a month without a compiler.
    """
    found: Signatures = {name: [] for name in names}

    def noting(function: Callable[..., Any], into: list[tuple[Any, ...]]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            types = tuple(map(numba.typeof, arguments))
            if types not in into:
                into.append(types)
            return function(*arguments)

        return noted

    for full, types in found.items():
        where, _, name = full.partition(".")
        module = importlib.import_module(f"sim.kernel.{where}")
        setattr(module, name, noting(getattr(module, name), types))
    return found


def main(at_once: str) -> int:
    """Compile the loops of standard input (pickled `Signatures`), so many at once, and keep them on disk.

    Each that is done is a line of standard output: name, seconds and what went wrong, between tabs. Processes are
    forked from this one, which has read the compiler in, and each goes on to the next loop with what it compiled for
    the last.
    """
    wanted: Signatures = pickle.load(sys.stdin.buffer)
    loops()
    with ProcessPoolExecutor(int(at_once), get_context("fork")) as pool:
        for one in as_completed([pool.submit(_compile, *each) for each in wanted.items()]):
            print(*one.result(), sep="\t", flush=True)
    return 0


def _compile(name: str, ways: list[tuple[Any, ...]]) -> tuple[str, float, str]:
    """Compile one loop; what went wrong, "" if nothing."""
    began, error = perf_counter(), ""
    try:
        for types in ways:
            loops()[name].compile(types)
    except Exception as wrong:  # a run that needs the loop will say more
        error = " ".join(str(wrong).split()) or type(wrong).__name__
    return name, perf_counter() - began, error


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
