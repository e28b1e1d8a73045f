"""The month in C, the limit the kernel is measured against: `step_chunk` with the kernel's arguments and bits.

    run = c_twin.step_chunk            # as `kernel.step_chunk`, for `builders.live` and the like
    seconds = c_twin.live_in_c(people.arrays, plan, now, rates, sums, threads)

The rules stand in `c/month.c`. What they take (`Columns`, `Rates`, `Now`, `Sums`, the codes, the names of sums and
draws) is written into a header from the Python that declares it, field by field, so that neither order nor type can
differ. Compiled once per source, compiler and machine, in the cache folder of the kernel. `compiler()` is None where
there is no gcc.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import builders as b
import numpy as np

from sim import codes
from sim.agents.customer import COLUMNS
from sim.kernel import numerics
from sim.kernel.blocks import CHUNK, Draws
from sim.kernel.tallies import REACH_SHAPE, SHARE_UNIT, TALLIES, TENURE_LAST, Sums, Tally

HERE = Path(__file__).parent / "c"
FLAGS = ["-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-std=gnu17", "-Wall"]
"""Neither errno nor traps change a value; numba's compiler knows neither. No fast-math."""

C_TYPES = {
    "float32": "float",
    "float64": "double",
    "bool": "uint8_t",
    **{f"{sign}int{bits}": f"{sign}int{bits}_t" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def compiler() -> str | None:
    """Path of gcc, None where there is none."""
    return shutil.which("gcc")


def kind_of(value: Any) -> np.dtype:
    """The type in which the kernel takes a value; Python's int is int64."""
    return value.dtype if isinstance(value, np.ndarray) else np.asarray(value).dtype


@cache
def examples() -> dict[str, Any]:
    """Name of each struct, and a tuple with values of its fields."""
    p = b.rates_of()
    return {"Rates": p, "Now": b.calm(p=p), "Sums": Sums(*b.Tallies.empty().all())}


def header() -> str:
    """What C is given, written off what Python declares: a pointer and a size for an array, else the value."""
    lines = ["#include <stdint.h>"]
    lines += [f"enum {{ {name} = {value} }};" for name, value in vars(codes).items() if type(value) is int]
    lines += [f"enum {{ T_{tally.name} = {int(tally)} }};" for tally in Tally]
    lines += [f"enum {{ U_{name} = {row} }};" for row, name in enumerate(Draws._fields)]
    sizes = {
        "N_COLUMNS": len(COLUMNS),
        "N_CHANNELS": len(codes.CHANNELS),
        "N_DRAWS": len(Draws._fields),
        "TALLIES": TALLIES,
        "TENURE_LAST": TENURE_LAST,
        "N_GROUPS": REACH_SHAPE[0],
        "N_WISHES": REACH_SHAPE[1],
        "N_ENDS": REACH_SHAPE[2],
    }
    lines += [f"enum {{ {name} = {value} }};" for name, value in sizes.items()]
    lines += [f"#define SHARE_UNIT {float(SHARE_UNIT)!r}f", "typedef struct {"]
    lines += [f"    {C_TYPES[np.dtype(column.dtype).name]} *{column.name};" for column in COLUMNS]
    lines += ["} Columns;"]
    for struct, values in examples().items():
        lines.append("typedef struct {")
        for name, value in zip(values._fields, values, strict=True):
            kind, array = C_TYPES[kind_of(value).name], isinstance(value, np.ndarray)
            lines.append(f"    {kind} *{name}; int64_t {name}_size;" if array else f"    {kind} {name};")
        lines.append(f"}} {struct};")
    return "\n".join(lines) + "\n"


def _structure(name: str) -> type[ctypes.Structure]:
    fields: list[tuple[str, Any]] = []
    for field, value in zip(examples()[name]._fields, examples()[name], strict=True):
        if isinstance(value, np.ndarray):
            fields += [(field, ctypes.c_void_p), (f"{field}_size", ctypes.c_int64)]
        else:
            fields.append((field, np.ctypeslib.as_ctypes_type(kind_of(value))))
    return type(name, (ctypes.Structure,), {"_fields_": fields})


STRUCTS = {name: _structure(name) for name in examples()}
ColumnPointers = ctypes.c_void_p * len(COLUMNS)


def _at(array: np.ndarray, kind: np.dtype, name: str) -> int:
    if array.dtype != kind or not array.flags.c_contiguous:
        raise TypeError(f"{name}: {array.dtype} in order of C was declared as {kind}")
    return array.ctypes.data


def columns_in_c(c: Any) -> Any:
    """The columns as C takes them: a pointer each."""
    kinds = {column.name: np.dtype(column.dtype) for column in COLUMNS}
    return ColumnPointers(*(_at(array, kinds[name], name) for name, array in zip(c._fields, c, strict=True)))


def in_c(name: str, values: Any) -> Any:
    """A named tuple as the struct of this name; raises TypeError where a field's type is not as declared."""
    flat: list[Any] = []
    for field, value, example in zip(values._fields, values, examples()[name], strict=True):
        if isinstance(example, np.ndarray):
            flat += [_at(value, example.dtype, field), value.size]
        elif kind_of(value) != kind_of(example):
            raise TypeError(f"{field}: {kind_of(value)} was declared as {kind_of(example)}")
        else:
            flat.append(value)
    return STRUCTS[name](*flat)


@cache
def library(*more: str) -> ctypes.CDLL:
    """The compiled month, compiled where the cache has none of these sources; `more` are further flags of gcc."""
    gcc = compiler()
    assert gcc, "no gcc"
    flags = [*FLAGS, *more]
    machine = subprocess.run([gcc, "-march=native", "-Q", "--help=target"], capture_output=True, check=True).stdout
    digest = hashlib.sha256(machine + repr((gcc, flags)).encode() + header().encode())
    for source in sorted(HERE.iterdir()):
        digest.update(source.read_bytes())
    folder = numerics.wanted_folder().parent
    folder.mkdir(parents=True, exist_ok=True)
    built = folder / f"month-in-c-{digest.hexdigest()[:16]}.so"
    if not built.exists():
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            (Path(scratch) / "inputs.h").write_text(header())
            fresh = Path(scratch) / "month.so"
            command = [gcc, *flags, "-shared", "-fPIC", "-I", scratch, str(HERE / "month.c"), "-o", str(fresh), "-lm"]
            subprocess.run(command, check=True)
            fresh.replace(built)
    found = ctypes.CDLL(str(built))
    found.step_chunk.restype = None
    return found


def prepared(c: Any, plan: np.ndarray, now: Any, p: Any, *flags: str) -> Callable[..., None]:
    """A function (first, last, *sums) that lives a month for these rows: what it is given is made ready once."""
    live = library(*flags).step_chunk
    ready: dict[tuple[int, ...], tuple[Sums, ctypes.Structure]] = {}  # sums by who they are, kept so that they stay it
    columns, planned = columns_in_c(c), _at(plan, np.dtype(np.int8), "plan")
    month, rates = in_c("Now", now), in_c("Rates", p)

    def run(first: int, last: int, *sums: np.ndarray) -> None:
        who = tuple(map(id, sums))
        if who not in ready:
            ready[who] = Sums(*sums), in_c("Sums", Sums(*sums))
        live(
            columns,
            ctypes.c_int64(first),
            ctypes.c_int64(last),
            ctypes.c_void_p(planned),
            ctypes.byref(month),
            ctypes.byref(rates),
            ctypes.byref(ready[who][1]),
        )

    return run


def step_chunk(c: Any, first: int, last: int, plan: np.ndarray, now: Any, p: Any, *sums: np.ndarray) -> None:
    """Live one month for rows first..last: the arguments of `sim.kernel.month.step_chunk`."""
    prepared(c, plan, now, p)(first, last, *sums)


def live_by(run: Callable[..., None], rows: int, sums: Sums, threads: int = 1) -> float:
    """Live a month by `run(first, last, *sums)` in chunks over threads, adding to `sums`; seconds it took.

    Every thread adds to sums of its own, which are added up at the end.
    """

    def part(thread: int) -> Sums:
        own = Sums(*(np.zeros_like(total) for total in sums))
        for first in range(thread * CHUNK, rows, threads * CHUNK):
            run(first, min(first + CHUNK, rows), *own)
        return own

    begun = perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for own in pool.map(part, range(threads)):
            for total, more in zip(sums, own, strict=True):
                total += more
    return perf_counter() - begun


def live_in_c(c: Any, plan: np.ndarray, now: Any, p: Any, sums: Sums, threads: int = 1) -> float:
    """Live a month of the rows that `plan` has in C; adds to `sums`, returns seconds."""
    return live_by(prepared(c, plan, now, p), plan.size, sums, threads)


def aged_bank(rows: int) -> b.Customers:
    """Customers one to one as after some years: two of five dormant, managers above the lowest tier, rows in order.

    Rows of a chunk stand by state and tier, so that both the kernel and C find blocks of one kind.
    """
    people = b.newcomers(rows, customers=rows)
    people.reorder(np.random.default_rng(6).permutation(rows))
    people.state[:] = np.where(people.uid % 100 < 41, codes.DORMANT, codes.ACTIVE)
    managed = (people.tier > 0) & (people.state == codes.ACTIVE)
    people.manager[:] = np.where(managed, people.uid % b.POSTS, codes.NOBODY)
    people.reorder(np.lexsort((people.tier, people.state, np.arange(rows) // CHUNK)))
    return people


def side_by_side(rows: int = 200_000, rounds: int = 9, threads: int = 1) -> dict[str, list[float]]:
    """Nanoseconds a customer-month of `kernel` and `c`, a number a round: the same month, put back after each turn.

    Processor time, shared by so many threads, because it minds least who else computes on the machine. Every round
    holds both to the same sums.
    """
    from sim.kernel import month

    people, p = aged_bank(rows), b.rates_of()
    now, plan = b.calm(1, p=p, campaign=[[0, 0.01, 0, 0.02, 0.30]] * 3 + [[0] * 5]), b.plan_for(people, share=0.2)
    c, before = people.arrays, [column.copy() for column in people.arrays]
    runs: dict[str, Callable[..., None]] = {
        "kernel": lambda first, last, *sums: month.step_chunk(c, first, last, plan, now, p, *sums),
        "c": prepared(c, plan, now, p),
    }
    took: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        lived = []
        for name, run in runs.items():
            for column, old in zip(c, before, strict=True):
                column[:] = old
            lived.append(Sums(*b.Tallies.empty().all()))
            begun = process_time()
            live_by(run, rows, lived[-1], threads)
            if number:  # the first loads
                took[name].append((process_time() - begun) / rows * 1e9)
        assert all(np.array_equal(x, y) for x, y in zip(*lived, strict=True))
    return took


if __name__ == "__main__":
    for name, ns in side_by_side(*map(int, sys.argv[1:])).items():
        print(f"{name}: least {min(ns):.1f}, median {np.median(ns):.1f} ns a customer-month")
