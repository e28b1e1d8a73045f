"""The whole run: measured months of one bank one to one, everything in the step; loading and burn-in left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from figures import Figure
from sides import NOW, Round, Side
from sizes import MILLION, NANO, Sizes, compared, measured, over, per, threads_of

PART = "whole"
TITLE = "The whole run"
ARMS = {"nothing": "no strategy", "everything": "all strategies and safeguards"}


def figures(sides: Sequence[Side], sizes: Sizes) -> Iterator[Figure]:
    """Rates by arm and threads, what threads and strategies do to them, and the lines of the month."""
    names, most = [side.name for side in sides], max(sizes.threads)
    bank = {"customers": sizes.customers, "months": sizes.months, "every": sizes.every, "burn_in": sizes.burn_in}
    jobs = {
        (threads, arm): ("whole", bank | {"threads": threads, "arm": arm}) for threads in sizes.threads for arm in ARMS
    }
    found = measured(sides, jobs, -(-sizes.months // sizes.every), together=sizes.together)

    def pace(threads: int, arm: str, clock: str = "seconds") -> dict[str, list[float]]:
        return {name: per(found[name, threads, arm], clock) for name in names}

    for arm, said in ARMS.items():
        for threads in sizes.threads:
            rates = {name: [1 / t / MILLION for t in times] for name, times in pace(threads, arm).items()}
            aim = "1.8 times" if (arm, threads) == ("nothing", most) else ""
            what = f"{said}, {threads_of(threads)}"
            yield compared(PART, what, "million customer-months/s", rates, more=True, aim=aim)
    for arm, said in ARMS.items():
        cpu = {name: [t * NANO for t in times] for name, times in pace(1, arm, "cpu").items()}
        yield compared(PART, f"{said}, processor time", "ns a customer-month", cpu)
    one, many = pace(1, "nothing"), pace(most, "nothing")
    gain = {name: over(one[name], many[name]) for name in names}
    yield compared(PART, f"{threads_of(most)} against 1", "times as fast", gain, more=True, aim="1.6")
    burdened = pace(most, "everything")
    kept = {name: over(many[name], burdened[name]) for name in names}
    yield compared(PART, "all strategies against none", "of its speed", kept, more=True, aim="0.7")
    yield from _lines({name: found[name, most, "nothing"] for name in names}, threads_of(most))
    same = all(len({found[name, t, arm][-1]["digest"] for name in names for t in sizes.threads}) == 1 for arm in ARMS)
    yield Figure(PART, "same bits on every side and any number of threads", "1 = yes", {NOW: float(same)}, aim="1")


def _lines(found: dict[str, list[Round]], threads: str) -> Iterator[Figure]:
    """Where a month's time goes, in parts of a hundred of its wall time."""

    def share(what: str, of: Callable[[Round], float], aim: str = "") -> Figure:
        shares = {name: [100 * of(one) / one["seconds"] for one in rounds[1:]] for name, rounds in found.items()}
        return compared(PART, what, "% of the month", shares, aim=aim)

    yield share(f"outside the kernel, no strategy, {threads}", lambda one: one["seconds"] - one["kernel"], "at most 25")
    for line in dict.fromkeys(line for rounds in found.values() for line in rounds[1]["lines"]):

        def outside(one: Round, line: str = line) -> float:
            took: float = one["lines"].get(line, 0.0)
            return took - one["kernel"] if line == "live" else took

        yield share(f"- {line}", outside)
    yield share("- the rest", lambda one: one["seconds"] - sum(one["lines"].values()))
