"""How fast the kernel lives: `python -m pytest tests/benchmarks --benchmark-only -o addopts=`.

Figures beyond the time of a round are in `extra_info` (see them with `--benchmark-json FILE`, or on the lines printed
with `-s`). No test judges a time: machines differ. Ratios are of the same work on the same machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from pathlib import Path
from time import perf_counter

import builders as b
import numpy as np
import pytest
import twin

from sim.agents.customer import BYTES_PER_CUSTOMER, Customers
from sim.codes import CLOSED, NOBODY
from sim.kernel import month as kernel

ROWS = 1_000_000
TWIN_ROWS = 100_000
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


@pytest.fixture(scope="module")
def bank() -> Customers:
    """A million customers one to one, their rows as a bank's are after years of joiners: tiers mixed."""
    people = b.newcomers(ROWS, customers=ROWS)
    people.reorder(np.random.default_rng(6).permutation(ROWS))
    people.manager[:] = np.where(people.tier > 0, people.uid % b.POSTS, NOBODY)
    return people


def seconds_a_month(run, people: Customers, months, threads: int = 1) -> float:
    """Time of one lived month with the campaigns of the default settings."""
    p = b.rates_of()
    campaign = [[0, 0.01, 0, 0.02, 0.30]] * 3 + [[0] * 5]
    now, plan = b.calm(next(months), p=p, campaign=campaign), b.plan_for(people, share=0.2)
    begun = perf_counter()
    b.live(run, people, plan, now, p, threads=threads)
    return perf_counter() - begun


def tell(benchmark, **figures: float) -> None:
    benchmark.extra_info.update(figures)
    print(f"\n{benchmark.name}: " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_month_of_a_million_customers(benchmark, bank, threads):
    months = count(1)
    people = b.copy_of(bank)
    lives = int((people.state != CLOSED).sum())
    p, campaign = b.rates_of(), [[0, 0.01, 0, 0.02, 0.30]] * 3 + [[0] * 5]
    plan = b.plan_for(people, share=0.2)

    def a_month_on():
        now = b.calm(next(months), p=p, campaign=campaign)
        return (kernel.step_chunk, people, plan, now, p), {"threads": threads}

    benchmark.pedantic(b.live, setup=a_month_on, rounds=8, warmup_rounds=1)
    tell(
        benchmark,
        customer_months_per_second=lives / benchmark.stats.stats.min,
        nanoseconds_per_customer_month=benchmark.stats.stats.min / lives * 1e9,
        bytes_per_customer=float(BYTES_PER_CUSTOMER),
    )


def test_the_kernel_against_the_same_formulas_in_numpy(benchmark, bank):
    few = Customers(TWIN_ROWS)
    few.place({name: getattr(bank, name)[:TWIN_ROWS].copy() for name in bank.arrays._fields})
    other, months = b.copy_of(few), count(1)
    numpy_seconds = min(seconds_a_month(twin.step_chunk, other, months) for _ in range(3))
    months = count(1)
    benchmark.pedantic(seconds_a_month, (kernel.step_chunk, few, months), rounds=8, warmup_rounds=1)
    kernel_seconds = min(seconds_a_month(kernel.step_chunk, few, months) for _ in range(5))
    tell(
        benchmark,
        times_as_fast_as_numpy=numpy_seconds / kernel_seconds,
        numpy_customer_months_per_second=TWIN_ROWS / numpy_seconds,
    )


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
