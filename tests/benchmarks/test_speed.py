"""How fast the kernel lives: `python -m pytest tests/benchmarks --benchmark-only -o addopts=`.

Figures beyond the time of a round are in `extra_info` (see them with `--benchmark-json FILE`, or on the lines printed
with `-s`). No test judges a time: machines differ. Ratios are of the same work on the same machine. The whole table,
an older commit beside this one: `python -m tests.benchmarks`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import alone
import jobs
import pytest
from sides import median

from sim.agents.customer import BYTES_PER_CUSTOMER

ROWS = 1_000_000
TWIN_EVERY = 10  # pieces
TESTS = Path(__file__).parents[1]

FIRST_MONTH = """
from time import perf_counter
begun = perf_counter()
import builders as b, numpy as np
from sim.kernel import month as kernel
people, p = b.newcomers(2000), b.rates_of()
plan, now = np.full(len(people), -1, np.int8), b.calm(p=p)
ready = perf_counter()
b.live(kernel.step_chunk, people, plan, now, p)
kernel.weigh_chunk(people.arrays, 0, len(people), 1, now.yield_gap, p, np.zeros((4, 6), np.int64))
kernel.count_chunk(people.arrays, 0, len(people), 1, p, b.Tallies.empty().tally)
print(ready - begun, perf_counter() - ready)
"""


@cache
def month(threads: int) -> jobs.CapturedMonth:
    """A month of a million customers one to one after three years, with its managers' plan, shared among threads."""
    return jobs.aged_month(ROWS, burn_in=24, age=12, threads=threads)


def tell(benchmark, **figures: float) -> None:
    benchmark.extra_info.update(figures)
    print(f"\n{benchmark.name}: " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("way", ["kernel", "c"])
def test_a_month_of_a_million_customers(benchmark, way, threads):
    if way == "c" and alone.without_c():
        pytest.skip(alone.without_c())
    lived = month(threads)
    work, lives = jobs.WAYS[way](lived.calls), sum(map(lived.open_rows, lived.calls))
    with ThreadPoolExecutor(threads) as pool:
        several = pool if threads > 1 else None
        ready = lived.put_in_order if way == "kernel" else lived.put_back
        benchmark.pedantic(lived.live, (work, several), setup=ready, rounds=8, warmup_rounds=1)
    tell(
        benchmark,
        customer_months_per_second=lives / benchmark.stats.stats.min,
        nanoseconds_per_customer_month=benchmark.stats.stats.min / lives * 1e9,
        bytes_per_customer=float(BYTES_PER_CUSTOMER),
    )


def test_the_kernel_against_the_same_formulas_in_numpy(benchmark):
    lived = month(1)
    calls = jobs.pieces(lived.calls)[::TWIN_EVERY]
    compiled, formulas = jobs.by_kernel(calls), jobs.by_numpy(calls)
    rounds = [lived.lived(formulas)["cpu"] for _ in range(5)]
    benchmark.pedantic(lived.live, (compiled,), setup=lived.put_in_order, rounds=8, warmup_rounds=1)
    tell(benchmark, times_as_fast_as_numpy=median(rounds) / benchmark.stats.stats.median)


def first_month(cache: Path) -> tuple[float, float]:
    """Seconds of a fresh process to a small bank, and from there through its first month."""
    path = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": path}
    run = subprocess.run(
        [sys.executable, "-c", FIRST_MONTH], env=environment, capture_output=True, text=True, check=True
    )
    to_bank, month = map(float, run.stdout.split())
    return to_bank, month


@pytest.mark.parametrize("start", ["cold", "warm"])
def test_the_first_month_of_a_fresh_process(benchmark, tmp_path, start):
    if start == "warm":
        first_month(tmp_path)
    rounds = 1 if start == "cold" else 3
    figures = []
    benchmark.pedantic(lambda: figures.append(first_month(tmp_path)), rounds=rounds)
    to_bank, month = min(figures, key=sum)
    tell(benchmark, seconds_to_a_small_bank=to_bank, seconds_compiling_or_loading=month)


def test_reading_a_scenario_of_200_lines(benchmark):
    """About 0.03 s on one quiet core."""
    from sim.yaml_source import loads

    text = "name: x\n" + "".join(f"k{i}: {{a: {i}, b: 0.5, c: text}}  # note\n" for i in range(200))
    benchmark(loads, text)
