"""A model on paper of how long a month takes, up to a billion customers over many machines.

    seconds = alone + customers / machines x (around + kernel / cores) + rounds x latency + machines x bytes / network

`alone` is what a month takes however few customers there are; a customer-month takes `kernel` of all cores of a machine
and `around` of one. Shards, one a machine, talk through one scheduler, which hears and answers every machine one after
the other: bytes grow with machines.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from math import inf

from figures import Figure, number
from sides import NOW

BANKS = (1_000_000, 10_000_000, 200_000_000, 1_000_000_000)
MACHINES = (1, 4, 16, 64, 256)
CORES = 32  # of a machine of the table
MONTHS = 60


@dataclass(frozen=True)
class Inputs:
    """What the model takes; each is measured by the part of the table named beside it, or is assumed."""

    alone: float = 2e-3  # s a month: growth, 10,000 customers, less what these take
    around: float = 15e-9  # s a customer-month: whole, outside the kernel
    kernel: float = 90e-9  # s a customer-month: whole, the rest
    rounds: float = 12.0  # a month: shards
    latency: float = 1e-3  # s a round: assumed, a local network and the scheduler's answer
    bytes: float = 500e3  # a machine and month: shards
    network: float = 1.25e9  # bytes/s: assumed, 10 Gbit/s
    memory: float = 250.0  # bytes a customer: growth

    def seconds(self, customers: float, machines: int, cores: int) -> float:
        """Of one month."""
        talk = 0.0 if machines == 1 else self.rounds * self.latency + machines * self.bytes / self.network
        return self.alone + customers / machines * self._work(cores) + talk

    def _work(self, cores: int) -> float:
        """Seconds of a machine a customer-month."""
        return self.around + self.kernel / cores

    def most_machines(self, customers: float, cores: int) -> int:
        """Beyond which one machine more makes a month longer: what it saves is what its exchange costs."""
        if self.bytes == 0:
            return int(inf)
        best = (customers * self._work(cores) * self.network / self.bytes) ** 0.5
        return max(1, round(best))


UNITS = {
    "alone": ("s a month", 1.0),
    "around": ("ns a customer-month", 1e9),
    "kernel": ("ns a customer-month", 1e9),
    "rounds": ("a month", 1.0),
    "latency": ("ms a round", 1e3),
    "bytes": ("kB a machine and month", 1e-3),
    "network": ("MB/s", 1e-6),
    "memory": ("bytes a customer", 1.0),
}


def inputs(figures: Iterable[Figure]) -> tuple[Inputs, frozenset[str]]:
    """Inputs as measured where the table has them, and which are."""
    found = {(one.part, one.what): one.values.get(NOW) for one in figures}
    rate = found.get(("whole", "no strategy, 2 threads, by processor time"))
    small = found.get(("growth", "10,000 customers, 2 threads, by processor time"))
    memory = found.get(("growth", "peak memory of a further million customers"))
    measured: dict[str, float] = {}
    outside = found.get(("whole", "outside the kernel, 2 threads, by processor time"))
    if rate and outside:
        measured["around"] = outside / 100.0 / rate / 1e6
        measured["kernel"] = 2.0 * (1.0 - outside / 100.0) / rate / 1e6
    if rate and small:
        measured["alone"] = max(0.0, 10_000 * (small / 1e9 - 1.0 / rate / 1e6))
    if memory:
        measured["memory"] = memory
    for name, what in (("rounds", "rounds a month, 5 shards"), ("bytes", "bytes of a shard and month, 5 shards")):
        value = found.get(("shards", what))
        if value:
            measured[name] = value
    return Inputs(**measured), frozenset(measured)


def page(figures: Iterable[Figure]) -> str:
    """Markdown: the inputs, and months on machines of many cores."""
    taken, measured = inputs(figures)
    lines = ["| input | value | unit | |", "|---|---:|---|---|"]
    for one in fields(taken):
        unit, scale = UNITS[one.name]
        said = "measured" if one.name in measured else "assumed"
        lines.append(f"| {one.name} | {number(getattr(taken, one.name) * scale)} | {unit} | {said} |")
    head = [
        f"{MONTHS} months on machines of {CORES} cores",
        *(f"{count} machine{'s' * (count > 1)}" for count in MACHINES),
        "most that help",
    ]
    lines += ["", "| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for customers in BANKS:
        cells = []
        for count in MACHINES:
            seconds = MONTHS * taken.seconds(customers, count, CORES)
            cells.append(f"{duration(seconds)}, {number(taken.memory * customers / count / 1e9)} GB")
        most = taken.most_machines(customers, CORES)
        lines.append(f"| {customers:,} customers | " + " | ".join([*cells, f"{most:,}"]) + " |")
    return "\n".join(lines) + "\n"


def duration(seconds: float) -> str:
    """In the unit a person would say."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
