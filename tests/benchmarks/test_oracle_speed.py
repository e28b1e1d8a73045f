"""How much faster the kernel lives than Mesa objects in plain Python, of the same model.

`python -m pytest tests/benchmarks/test_oracle_speed.py --benchmark-only -o addopts= -s`

Figures beyond the time of a round are in `extra_info`. No test judges a time: machines differ. The ratio is of the
same months on the same machine in one run: customer-months a second of the whole bank, on one thread, over those of
the oracle, each with as many customers as it can show its pace with.
"""

from __future__ import annotations

import jobs
from sides import median, ratio

CUSTOMERS, MESA_CUSTOMERS, MONTHS, ROUNDS = 200_000, 2_000, 3, 5


def test_the_bank_against_mesa_objects(benchmark):
    mesa, model = jobs.mesa_objects(MESA_CUSTOMERS, MONTHS), jobs.without_joiners(CUSTOMERS, MONTHS)
    for ready in (mesa, model):
        next(ready)

    def pace(job) -> float:
        lived = next(job)
        return lived["customer_months"] / lived["cpu"]

    paces = [(pace(model), pace(mesa)) for _ in range(ROUNDS)]
    benchmark.pedantic(next, (model,), rounds=3)
    ours, theirs = zip(*paces, strict=True)
    figures = {
        "times_as_fast_as_mesa_objects": ratio(ours, theirs),
        "customer_months_per_second": median(ours),
        "mesa_customer_months_per_second": median(theirs),
    }
    benchmark.extra_info.update(figures)
    print(f"\n{benchmark.name}: " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))
