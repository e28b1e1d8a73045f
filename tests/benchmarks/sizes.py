"""How large the banks of the benchmark are, and rounds by side and job: what all parts share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from figures import Figure
from sides import BEFORE, NOW, Round, Side, interleaved, median, ratio

NANO, MILLION, GIGA = 1e9, 1e6, 1e9


@dataclass(frozen=True)
class Sizes:
    """How large the banks are, how long they live, how often a thing is measured."""

    customers: int = 1_000_000
    months: int = 60
    every: int = 5  # months a round of the whole run
    burn_in: int = 24
    age: int = 12  # months that the kernel's bank has lived after its burn-in
    rounds: int = 15  # of the kernel
    twin_rows: int = 100_000
    mesa_customers: int = 2_000
    mesa_months: int = 3
    growth: tuple[int, ...] = (10_000, 100_000, 1_000_000, 10_000_000)
    growth_rounds: int = 6
    threads: tuple[int, ...] = (1, 2)
    stream: int = 200_000_000  # bytes of an array that no cache holds
    starts: int = 3  # fresh processes a command
    together: bool = False  # the jobs of a side share a process


QUICK = Sizes(
    customers=3_000,
    months=5,
    every=2,
    burn_in=2,
    age=1,
    rounds=2,
    twin_rows=3_000,
    mesa_customers=40,
    mesa_months=1,
    growth=(2_000, 4_000),
    growth_rounds=2,
    stream=4_000_000,
    starts=1,
    together=True,
)

Job = tuple[str, Mapping[str, Any]]  # its name in `jobs.py`, and its options
Key = tuple[Any, ...]


def measured(sides: Iterable[Side], jobs: Mapping[Key, Job], rounds: int, *, together: bool) -> dict[Key, list[Round]]:
    """Rounds of every job on every side, all in turn, by (name of the side, *key of the job)."""
    asked = {(side.name, *key): (side, *job) for key, job in jobs.items() for side in sides}
    return dict(zip(asked, interleaved(list(asked.values()), rounds, together=together), strict=True))


def per(rounds: Sequence[Round], what: str = "seconds") -> list[float]:
    """Of every round, `what` a customer-month; the first is what the job was ready with."""
    return [one[what] / one["customer_months"] for one in rounds[1:]]


def over(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Ratios of rounds that were measured one after the other."""
    return [a / b for a, b in zip(above, below, strict=True)]


def compared(
    part: str, what: str, unit: str, values: Mapping[str, Sequence[float]], *, more: bool = False, aim: str = ""
) -> Figure:
    """A figure of each side's median over rounds; with `more`, more of it is better."""
    middle = {side: median(of) for side, of in values.items()}
    before, now = values.get(BEFORE), values[NOW]
    times = None if before is None else ratio(now, before) if more else ratio(before, now)
    return Figure(part, what, unit, middle, times, aim)


def threads_of(count: int) -> str:
    """In words."""
    return "1 thread" if count == 1 else f"{count} threads"
