"""How much faster the kernel lives than Mesa objects in plain Python, of the same model.

`python -m pytest tests/benchmarks/test_oracle_speed.py --benchmark-only -o addopts= -s`

Figures beyond the time of a round are in `extra_info`. No test judges a time: machines differ. The ratio is of the
same months on the same machine in one run: customer-months a second of the whole bank, on one thread, over those of
the oracle, each with as many customers as it can show its pace with.
"""

from __future__ import annotations

from time import perf_counter

from banks import bank, live
from oracle.speed import bank_of, seconds

CUSTOMERS, MESA_CUSTOMERS, MONTHS = 200_000, 2_000, 3


def test_the_bank_against_mesa_objects(benchmark):
    mesa_seconds = min(seconds(MESA_CUSTOMERS, MONTHS) for _ in range(2))
    times = []

    def lived(model) -> None:
        begun = perf_counter()
        live(model)
        times.append(perf_counter() - begun)

    benchmark.pedantic(lived, setup=lambda: ((bank(bank_of(CUSTOMERS, MONTHS)),), {}), rounds=3, warmup_rounds=1)
    pace, mesa_pace = CUSTOMERS * MONTHS / min(times), MESA_CUSTOMERS * MONTHS / mesa_seconds
    figures = {
        "times_as_fast_as_mesa_objects": pace / mesa_pace,
        "customer_months_per_second": pace,
        "mesa_customer_months_per_second": mesa_pace,
    }
    benchmark.extra_info.update(figures)
    print(f"\n{benchmark.name}: " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))
