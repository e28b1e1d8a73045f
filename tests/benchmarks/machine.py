"""The machine: what it is, what it can do at most, and what one customer's month asks of it by the formulas."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from time import thread_time
from typing import Any

import numpy as np


def facts() -> dict[str, str]:
    """Processor, cores, caches, vectors, memory and what the figures were measured with; the unknown is left out."""
    from importlib.metadata import version

    told = _cpu_lines()
    found = {
        "processor": told.get("model name", platform.processor() or platform.machine()),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "vectors": ", ".join(name for name in ("avx2", "fma", "avx512f") if name in told.get("flags", "").split()),
        "caches": ", ".join(_caches()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB",
        "system": platform.system(),
        "python": platform.python_version(),
        "numba": version("numba"),
        "llvmlite": version("llvmlite"),
        "numpy": np.__version__,
    }
    return {name: value for name, value in found.items() if value}


def _cpu_lines() -> dict[str, str]:
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    pairs = (line.split(":", 1) for line in lines if ":" in line)
    return {name.strip(): value.strip() for name, value in pairs}


def _caches() -> list[str]:
    folders = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
    read = [{name: (f / name).read_text().strip() for name in ("level", "type", "size")} for f in folders]
    return [f"L{one['level']} {one['size']}" for one in read if one["type"] != "Instruction"]


# --- what it can do --------------------------------------------------------------------------------------------------


def rates(stream: int, threads: Sequence[int]) -> dict[str, float]:
    """Bytes a second of a copy and of a triad over arrays of `stream` bytes, float32 operations and uniforms a second.

    Copies count a byte read and a byte written, triads two read and one written, as STREAM does. The arithmetic is
    multiplications and additions that are not fused, over numbers in the first cache.
    """
    found: dict[str, float] = {}
    n = stream // 4
    a, b, c = (np.full(n, value, np.float32) for value in (0.0, 1.0, 2.0))
    uid = np.arange(UNIFORMS, dtype=np.uint64)
    triad, arithmetic, uniforms = loops()
    for count in threads:
        parts = [slice(n * k // count, n * (k + 1) // count) for k in range(count)]
        numbers = [np.full(CACHED, 0.5, np.float32) for _ in parts]
        draws = [np.empty((4, uid.size), np.float32) for _ in parts]
        work: dict[str, tuple[float, list[Callable[[], Any]]]] = {
            "copy": (8 * n, [partial(np.copyto, a[part], b[part]) for part in parts]),
            "triad": (12 * n, [partial(triad, a[part], b[part], c[part]) for part in parts]),
            "operations": (ARITHMETIC * CACHED * count, [partial(arithmetic, some) for some in numbers]),
            "uniforms": (4 * uid.size * count, [partial(uniforms, uid, out) for out in draws]),
        }
        with ThreadPoolExecutor(count) as pool:
            for name, (amount, each) in work.items():
                found[f"{name}_{count}"] = amount * count / _seconds(pool, each)
    return found


UNIFORMS, CACHED = 16_384, 4_096
REPEATS, CHAIN = 2_000, 8
ARITHMETIC = 2 * REPEATS * CHAIN  # operations a number, of one call
_loops: list[Any] = []


def loops() -> list[Any]:
    """Triad, arithmetic and uniforms, compiled once a process."""
    if _loops:
        return _loops
    from numba import njit

    from sim.kernel.numerics import draw_four, key_of, u64, word_of

    @njit(nogil=True)
    def triad(a, b, c):
        for i in range(a.size):
            a[i] = b[i] + np.float32(3.0) * c[i]

    @njit(nogil=True)
    def arithmetic(x):
        by, more = np.float32(0.999), np.float32(0.001)
        for _ in range(REPEATS):
            for i in range(x.size):
                y = x[i]
                y = ((y * by + more) * by + more) * by + more
                y = ((y * by + more) * by + more) * by + more
                x[i] = (y * by + more) * by + more

    key0, key1 = key_of(1)
    word, purpose = word_of(1), u64(1)

    @njit(nogil=True)
    def uniforms(uid, out):
        draw_four(uid, word, purpose, key0, key1, out[0], out[1], out[2], out[3])

    _loops.extend([triad, arithmetic, uniforms])
    return _loops


def _seconds(pool: ThreadPoolExecutor, work: Sequence[Callable[[], Any]]) -> float:
    """Processor seconds of all threads, each at its own part: the least of three after one that compiles."""

    def timed(part: Callable[[], Any]) -> float:
        began = thread_time()
        part()
        return thread_time() - began

    return min([sum(pool.map(timed, work)) for _ in range(4)][1:])


# --- what a month asks of it -----------------------------------------------------------------------------------------

FLOAT = {
    "add",
    "subtract",
    "multiply",
    "divide",
    "true_divide",
    "sqrt",
    "maximum",
    "minimum",
    "floor",
    "rint",
    "negative",
}
WHOLE = {"add", "subtract", "multiply", "right_shift", "left_shift", "bitwise_xor", "bitwise_and", "bitwise_or"}


class Counted(np.ndarray):
    """An array that counts the operations of whatever is computed from it."""

    floats = 0
    wholes = 0

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **how: Any) -> Any:
        plain = [_plain(one) for one in inputs]
        outs = {} if out is None else {"out": tuple(_plain(one) for one in out)}
        found = getattr(ufunc, method)(*plain, **outs, **{key: _plain(value) for key, value in how.items()})
        results = found if isinstance(found, tuple) else (found,)
        for one in results:
            if isinstance(one, np.ndarray) and one.dtype.kind == "f" and ufunc.__name__ in FLOAT:
                Counted.floats += one.size
            elif isinstance(one, np.ndarray) and one.dtype.kind in "iu" and ufunc.__name__ in WHOLE:
                Counted.wholes += one.size
        if out is not None:
            return out[0] if len(out) == 1 else out
        return _counting(found)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return _counting(function(*_plain(args), **{key: _plain(value) for key, value in kwargs.items()}))


class KeepsKind:
    """NumPy, but for `asarray`, which would make a counting array an ordinary one."""

    asarray = staticmethod(np.asanyarray)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _plain(thing: Any) -> Any:
    if isinstance(thing, Counted):
        return thing.view(np.ndarray)
    if type(thing) in (tuple, list):
        return type(thing)(_plain(part) for part in thing)
    return thing


def _counting(thing: Any) -> Any:
    if type(thing) is np.ndarray:
        return thing.view(Counted)
    if type(thing) in (tuple, list):
        return type(thing)(_counting(part) for part in thing)
    return thing


MOST_COUNTED = 50_000  # rows


def operations_of_twin(month: Any) -> dict[str, float]:
    """Operations a row of the formulas on whole arrays, as NumPy makes them: a masked one counts for all rows."""
    import twin

    month.put_back()
    columns, first, last, plan, *rest = month.calls[0]
    last = min(last, first + MOST_COUNTED)
    columns = type(columns)(*(column.view(Counted) for column in columns))
    Counted.floats = Counted.wholes = 0
    twin.np = KeepsKind()  # type: ignore[assignment]
    try:
        twin.step_chunk(columns, first, last, plan.view(Counted), *rest)
    finally:
        twin.np = np
    rows = last - first
    return {"float_operations": Counted.floats / rows, "integer_operations": Counted.wholes / rows}
