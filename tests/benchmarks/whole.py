"""The whole run: measured months of one bank one to one, everything in the step; loading and burn-in left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from figures import Figure
from sides import NOW, Round, Side
from sizes import MILLION, Sizes, compared, measured, over, threads_of

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
    found = measured(sides, jobs, -(-(sizes.months - 1) // sizes.every), together=sizes.together)

    def pace(threads: int, arm: str, of: Callable[[Round, int], float] = wall) -> dict[str, list[float]]:
        """Seconds a customer-month, by side and round."""
        return {
            name: [of(one, threads) / one["customer_months"] for one in found[name, threads, arm][1:]] for name in names
        }

    for of, clock in ((wall, ""), (on_free_cores, ", by processor time")):
        for arm, said in ARMS.items():
            for threads in sizes.threads:
                rates = {name: [1 / t / MILLION for t in times] for name, times in pace(threads, arm, of).items()}
                aim = "1.8 times" if (arm, threads) == ("nothing", most) else ""
                what = f"{said}, {threads_of(threads)}{clock}"
                yield compared(PART, what, "million customer-months/s", rates, more=True, aim=aim)
        one, many, burdened = pace(1, "nothing", of), pace(most, "nothing", of), pace(most, "everything", of)
        gain = {name: over(one[name], many[name]) for name in names}
        yield compared(PART, f"{threads_of(most)} against 1{clock}", "times as fast", gain, more=True, aim="1.6")
        kept = {name: over(many[name], burdened[name]) for name in names}
        yield compared(PART, f"all strategies against none{clock}", "of its speed", kept, more=True, aim="0.7")
    yield from _lines({name: found[name, most, "nothing"] for name in names}, most)
    digests = {name: [{found[name, t, arm][-1]["digest"] for t in sizes.threads} for arm in ARMS] for name in names}
    same = {name: float(all(len(some) == 1 for some in of)) for name, of in digests.items()}
    yield Figure(PART, "same bits with any number of threads", "1 = yes", same, aim="1")
    if len(names) > 1:
        before, now = digests.values()
        yield Figure(PART, "same bits as before", "1 = yes", {NOW: float(before == now)})


def wall(one: Round, threads: int) -> float:
    """Seconds of a round."""
    return float(one["seconds"])


def on_free_cores(one: Round, threads: int) -> float:
    """What a round would take if nothing else ran: the stepping thread, and what all share, divided among them."""
    alone = one["stepping"] - one["shared"]
    return float(alone + (one["cpu"] - alone) / threads)


def in_kernel(one: Round, threads: int) -> float:
    """What of that is the kernel's."""
    mine = one["kernel_stepping"]
    return float(mine + (one["kernel_cpu"] - mine) / threads)


def beside(one: Round, threads: int) -> float:
    """What of it all threads do together outside the kernel."""
    together = one["cpu"] - one["stepping"] + one["shared"]
    return float((together - (one["kernel_cpu"] - one["kernel_stepping"])) / threads)


def _lines(found: dict[str, list[Round]], threads: int) -> Iterator[Figure]:
    """Where a month's time goes, in parts of a hundred of it."""

    def share(what: str, of: Callable[[Round], float], month: Callable[[Round, int], float], aim: str = "") -> Figure:
        shares = {name: [100 * of(one) / month(one, threads) for one in rounds[1:]] for name, rounds in found.items()}
        return compared(PART, what, "% of the month", shares, aim=aim)

    what = f"outside the kernel, {threads_of(threads)}"
    yield share(what, lambda one: one["seconds"] - one["kernel"], wall, "at most 25")
    yield share(
        f"{what}, by processor time",
        lambda one: on_free_cores(one, threads) - in_kernel(one, threads),
        on_free_cores,
        "at most 25",
    )
    for line in dict.fromkeys(line for rounds in found.values() for line in rounds[1]["lines"]):
        yield share(f"- {line}", lambda one, line=line: one["lines"].get(line, 0.0), on_free_cores)
    yield share("- shared by all threads", lambda one: beside(one, threads), on_free_cores)
    rest = "- the rest"
    alone = ("kernel_stepping", "shared")
    yield share(
        rest,
        lambda one: one["stepping"] - sum(one[name] for name in alone) - sum(one["lines"].values()),
        on_free_cores,
    )
