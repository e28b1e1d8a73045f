"""What tests sweep instead of banks: units that take no time, sleep, fail, die or run away, as their point says.

Paths of the parameters are ``x1, x2, x3`` (numbers) and ``deed`` (a choice); see `plan`.
"""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sim.experiments.design.plan import Parameter, Plan, Point, Unit

DEEDS = ("live", "raise", "half", "exit", "kill", "hang", "hog", "devour", "sleep")
ARMS = ("nothing", "calls")


class Trivial:
    """Two key figures that are functions of point, seed and arm, at once."""

    def __init__(self, plan: Plan):
        self.plan = plan

    @property
    def kpis(self) -> list[str]:
        return ["npv", "roi"]

    def run(self, unit: Unit) -> Iterator[dict[str, Any]]:
        for place, arm in enumerate(self.plan.arms):
            npv = unit.point.values.get("x1", 0.0) * (place + 1) + math.sin(unit.seed)
            yield {"arm": arm, "status": "ok", "seconds": 0.001, "kpis": {"npv": npv, "roi": npv / 7}}


class Sleeper(Trivial):
    """Takes as many seconds as x2 says."""

    def run(self, unit: Unit) -> Iterator[dict[str, Any]]:
        time.sleep(unit.point.values["x2"])
        yield from super().run(unit)


class Spinner(Trivial):
    """Computes for as many seconds of its own processor time as x2 says."""

    def run(self, unit: Unit) -> Iterator[dict[str, Any]]:
        end = time.thread_time() + unit.point.values["x2"]
        while time.thread_time() < end:
            pass
        yield from super().run(unit)


class Deeds(Trivial):
    """Does what the point's `deed` says."""

    def run(self, unit: Unit) -> Iterator[dict[str, Any]]:
        deed = unit.point.values["deed"]
        if deed == "raise":
            raise ValueError(f"no such bank as {unit.point.values['x1']:g}")
        if deed == "exit":
            os._exit(3)
        if deed == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if deed == "hang":
            while True:
                time.sleep(0.05)
        if deed == "hog":
            raise MemoryError("no memory for so many customers")
        if deed == "devour":
            hoard = []
            while len(hoard) < 40:  # GB 2 at most, if nobody ends it
                hoard.append(bytearray(os.urandom(1) * 50_000_000))
                time.sleep(0.05)
        if deed == "sleep":
            time.sleep(0.05)
        for row in super().run(unit):
            if deed == "half" and row["arm"] != self.plan.arms[0]:
                raise RuntimeError("halfway")
            yield row


class HangsOnce(Trivial):
    """Stops for ever where nobody has been before: at the first point, for the first process (the text is a file)."""

    def run(self, unit: Unit) -> Iterator[dict[str, Any]]:
        if not Path(self.plan.text).exists():
            Path(self.plan.text).touch()
            time.sleep(600)
        yield from super().run(unit)


class Ishigami(Trivial):
    """f = sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1, whose indices are known; no luck in it."""

    @property
    def kpis(self) -> list[str]:
        return ["f"]

    def run(self, unit: Unit) -> Iterator[dict[str, Any]]:
        x1, x2, x3 = (unit.point.values[name] for name in ("x1", "x2", "x3"))
        f = math.sin(x1) + 7 * math.sin(x2) ** 2 + 0.1 * x3**4 * math.sin(x1)
        for arm in self.plan.arms:
            yield {"arm": arm, "status": "ok", "seconds": 0.0, "kpis": {"f": f}}


def plan(lives: str = "Trivial", **more: Any) -> Plan:
    """A plan over x1, x2, x3 and deed that one of the classes above lives."""
    numbers = tuple(Parameter(name, "number", low=0.0, high=1.0, base=0.5) for name in ("x1", "x2", "x3"))
    deed = Parameter("deed", "choice", role="lever", values=DEEDS, base="live")
    told = {"name": "tiny", "text": "name: tiny\n", "arms": ARMS, "seeds": (1, 2), "code_version": "test"} | more
    return Plan(parameters=(*numbers, deed), lives=f"sweep_jobs:{lives}", **told)


def points(count: int, *, deeds: Sequence[str] = (), x2: float = 0.01, first: int = 0) -> list[Point]:
    """Points 0, 1, ... of different x1; the first ones do the deeds, the others live."""
    return [
        Point(i, i, 0, {"x1": (first + i) / 64, "x2": x2, "x3": 0.25, "deed": deeds[i] if i < len(deeds) else "live"})
        for i in range(count)
    ]


def main(arguments: Sequence[str]) -> int:
    """A sweep in a process of its own; exit codes as the command line's."""
    from sim.errors import SimError
    from sim.experiments.callbacks import Callback
    from sim.experiments.sweep.drive import SweepOptions, sweep

    class Teller(Callback):
        def note(self, text: str) -> None:
            print(text, file=sys.stderr, flush=True)

    asked = argparse.ArgumentParser()
    asked.add_argument("out", type=Path)
    asked.add_argument("--points", type=int, default=40)
    asked.add_argument("--lives", default="Sleeper")
    asked.add_argument("--x2", type=float, default=0.05)
    asked.add_argument("--workers", type=int, default=2)
    asked.add_argument("--cluster")
    asked.add_argument("--shard")
    asked.add_argument("--resume", action="store_true")
    told = asked.parse_args(arguments)
    options = SweepOptions(told.out, resume=told.resume)
    try:
        what = (plan(told.lives), points(told.points, x2=told.x2), {}, "name: tiny\n", options)
        if told.shard:
            from sim.experiments.sweep.shards import work

            i, n = map(int, told.shard.split("/"))
            found = work(*what, (i, n), Teller())
        else:
            from sim.experiments.executors.choose import where

            found = sweep(*what, where(None if told.cluster else told.workers, told.cluster), Teller())
    except SimError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0 if found.status == "done" else 1


def parts(folder: Path) -> list[Path]:
    """Parts that are there."""
    return sorted((folder / "parts").glob("*.parquet"))
