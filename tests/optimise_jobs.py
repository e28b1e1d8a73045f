"""What tests optimise instead of banks: known fronts, limits with a known answer, candidates that differ by luck."""

from __future__ import annotations

import math
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sim.experiments.design.plan import Parameter, Plan, Unit
from sim.experiments.optimise.run import Question
from sim.experiments.optimise.space import Space
from sim.scenario.optimise import Optimise

ARMS = ("nothing", "mix")


class Job:
    """Figures of the arm are a function of the point; those of the reference are 0, so differences are the figures."""

    def __init__(self, plan: Plan):
        self.plan = plan

    @property
    def kpis(self) -> list[str]:
        return ["npv", "attrition_annual", "cost_annual"]

    def run(self, unit: Unit) -> Iterator[dict[str, Any]]:
        x = [float(unit.point.values[one.path]) for one in self.plan.parameters]
        yield {"arm": ARMS[0], "kpis": dict.fromkeys(self.kpis, 0.0)}
        yield {"arm": ARMS[1], "kpis": dict(zip(self.kpis, self.figures(x, unit.seed), strict=True))}

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        raise NotImplementedError


class Zdt1(Job):
    """Two objectives to minimise whose front is f2 = 1 - sqrt(f1), where all but the first number are 0."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        g = 1.0 + 9.0 * sum(x[1:]) / len(x[1:])
        return x[0], g * (1.0 - math.sqrt(x[0] / g)), sum(x)


class Luck(Job):
    """Every candidate is worth 10, and a seed gives each of them something of its own."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        return 10.0 + own_luck(x, seed), 0.0, 0.0


class Slope(Job):
    """npv = x + y and cost 3 x + y: with a limit of 2.5 on the cost the best is x = 0.5, y = 1, worth 1.5."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        return x[0] + x[1], 0.0, 3.0 * x[0] + x[1]


class Broken(Slope):
    """Where x is above a half nothing comes of it."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        if x[0] > 0.5:
            raise ValueError("no such bank")
        return super().figures(x, seed)


class Noisy(Slope):
    """The same with luck: some that a seed gives everybody, some of everybody's own."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        value, _, cost = super().figures(x, seed)
        return value + 3.0 * own_luck([], seed) + 0.2 * own_luck(x, seed), -x[1] + 0.1 * own_luck(x, -seed), cost


class Dying(Noisy):
    """Ends like Ctrl-C, or like kill -9 if it says "kill", once a file is there and so many units have been lived."""

    MOST = 60

    def __init__(self, plan: Plan):
        super().__init__(plan)
        self.lived = 0

    def run(self, unit: Unit) -> Iterator[dict[str, Any]]:
        switch = Path(self.plan.design["switch"])
        self.lived += 1
        if self.lived > self.MOST and switch.exists():
            self.lived = 0
            if switch.read_text() == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt
        yield from super().run(unit)


class Alike(Job):
    """Every candidate is worth exactly the same."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        return 10.0, 0.0, 0.0


class Losing(Job):
    """Whatever is tried loses: the least at x = 0."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        return -20.0 - 5.0 * x[0] + 0.1 * own_luck(x, seed), -0.01 - 0.01 * x[0], -1.0 - x[0]


class Nothing(Job):
    """Whatever is tried changes nothing at all."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        return 0.0, 0.0, 0.0


class Unsure(Job):
    """A little better than nothing, far below the luck of a seed."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        return 0.02 + 5.0 * own_luck(x, seed), own_luck(x, -seed), 0.0


class Hopeless(Job):
    """Nobody lives."""

    def figures(self, x: list[float], seed: int) -> tuple[float, float, float]:
        raise ValueError("no such bank")


def own_luck(x: list[float], seed: int) -> float:
    """A standard normal number that belongs to a point and a seed."""
    key = [abs(seed), int(seed < 0), *(round(value * 1e6) for value in x)]
    return float(np.random.default_rng(key).normal())


def question(lives: str, numbers: int, design: dict[str, Any] | None = None, **settings: Any) -> Question:
    """A question over so many numbers in 0..1 that one of the classes above answers."""
    parameters = tuple(Parameter(f"x{i}", "number", "lever", low=0.0, high=1.0, base=0.5) for i in range(numbers))
    plan = Plan(
        name="tiny",
        text="name: tiny\n",
        parameters=parameters,
        arms=ARMS,
        seeds=(1,),
        code_version="test",
        design={"design": "optimise", **(design or {})},
        lives=f"optimise_jobs:{lives}",
    )
    told = {"arm": "mix", "objectives": [{"kpi": "npv"}], **settings}
    return Question(plan, Optimise.model_validate(told), Space(parameters))
