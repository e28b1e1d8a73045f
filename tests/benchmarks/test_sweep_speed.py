"""What the engine of sweeps costs: `python -m pytest tests/benchmarks --benchmark-only -o addopts= -s`.

Figures beyond the time of a round are in `extra_info`. No test judges a time: machines differ. Ratios are of the same
work on the same machine; those of several processes need idle cores.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
import sweep_jobs as jobs

from sim.experiments.callbacks import Callback
from sim.experiments.executors.local import local
from sim.experiments.sweep.drive import SweepOptions, sweep
from sim.store.sweep_reading import StoredSweep

pytest.importorskip("distributed")
TESTS = Path(__file__).parents[1]
COUNTED = """
import sys, resource, threading, time
from pathlib import Path
import sweep_jobs as jobs
from sim.experiments.executors.local import local
from sim.experiments.sweep.drive import SweepOptions, sweep

most = 0
def watch(folder):
    global most
    while True:
        most = max(most, len(jobs.parts(folder)))
        time.sleep(0.2)

if __name__ == "__main__":
    out, units = Path(sys.argv[1]), int(sys.argv[2])
    plan = jobs.plan(arms=("nothing",), seeds=tuple(range(units // 1000)))
    threading.Thread(target=watch, args=(out,), daemon=True).start()
    began = time.perf_counter()
    found = sweep(plan, jobs.points(1000), {}, "", SweepOptions(out), local(2))
    seconds = time.perf_counter() - began
    print(found.manifest["tasks"], seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, most)
"""


def tell(benchmark: Any, **figures: float) -> None:
    benchmark.extra_info.update(figures)
    print(f"\n{benchmark.name}: " + ", ".join(f"{name} {value:,.4g}" for name, value in figures.items()))


class Timed(Callback):
    """The moment the first chunk was stored, and how many units there were by then, and the moment of the last."""

    def __init__(self) -> None:
        self.moments: list[tuple[float, int, float]] = []

    def chunk(self, receipt: dict[str, Any]) -> None:
        self.moments.append((perf_counter(), receipt["units"], receipt["seconds"]))

    def steady(self, workers: int) -> tuple[float, int]:
        """Seconds and units between the first receipt of every worker and the last: without processes starting."""
        began, rest = self.moments[workers - 1][0], self.moments[workers:]
        return rest[-1][0] - began, sum(units for _, units, _ in rest)


def lived(out: Path, lives: str, count: int, x2: float, workers: int) -> tuple[StoredSweep, Timed]:
    heard = Timed()
    plan = jobs.plan(lives, arms=("nothing",), seeds=(1,))
    found = sweep(plan, jobs.points(count, x2=x2), {}, "", SweepOptions(out), local(workers), heard)
    return found, heard


def test_two_thousand_tasks_of_50_ms_lose_little(benchmark, tmp_path):
    """Tasks that sleep take their time whatever else the machine does; the rest is the engine's."""
    found, heard = benchmark.pedantic(lived, args=(tmp_path / "s", "Sleeper", 2_000, 0.05, 2), rounds=1)
    seconds, units = heard.steady(2)
    slept = units * 0.05 / 2
    tell(
        benchmark,
        lost_percent=100 * (seconds - slept) / seconds,
        overhead_ms_a_task=1e3 * (seconds - slept) / units * 2,
        seconds_with_starting_and_putting_together=found.manifest["seconds"],
    )


def test_a_hundred_thousand_tasks_that_take_no_time(benchmark, tmp_path):
    """Client and scheduler are one process here: its largest size counts for both."""
    script = tmp_path / "counted.py"
    script.write_text(COUNTED)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(TESTS.parent), str(TESTS)])}

    def run() -> list[float]:
        line = [sys.executable, str(script), str(tmp_path / "s"), "100000"]
        done = subprocess.run(line, env=environment, check=True, capture_output=True, text=True)
        return [float(word) for word in done.stdout.split()]

    tasks, seconds, megabytes, most = benchmark.pedantic(run, rounds=1)
    tell(benchmark, tasks_a_second=tasks / seconds, client_and_scheduler_mb=megabytes, most_parts_at_a_time=most)


def test_two_workers_against_one(benchmark, tmp_path):
    """Work of the processor, by its own clock: on two idle cores near 2."""
    alone, together = (tmp_path / "one", tmp_path / "two")
    _, one = lived(alone, "Spinner", 300, 0.05, 1)
    _, two = benchmark.pedantic(lived, args=(together, "Spinner", 300, 0.05, 2), rounds=1)
    rates = [units / seconds for seconds, units in (one.steady(1), two.steady(2))]
    tell(benchmark, times_as_fast_as_one=rates[1] / rates[0])
