"""Growth: time and memory of a customer-month from small banks to large ones, each bank in a process of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from figures import Figure
from sides import Side, median
from sizes import GIGA, NANO, Sizes, compared, measured, threads_of
from whole import on_free_cores, wall

PART = "growth"
TITLE = "Growth"
MONTHS = 2  # a round


def figures(sides: Sequence[Side], sizes: Sizes) -> Iterator[Figure]:
    """Nanoseconds a customer-month by size, the largest over that of a hundred thousand, memory and bytes."""
    names, most = [side.name for side in sides], max(sizes.threads)
    lives = {"months": 1 + MONTHS * sizes.growth_rounds, "every": MONTHS, "burn_in": 1, "threads": most}
    jobs = {(size,): ("whole", lives | {"customers": size}) for size in sizes.growth}
    largest = sizes.growth[-1]
    found = measured(sides, jobs, sizes.growth_rounds, together=sizes.together)
    for of, clock in ((wall, ""), (on_free_cores, ", by processor time")):
        pace = {
            key: [of(one, most) / one["customer_months"] * NANO for one in rounds[1:]] for key, rounds in found.items()
        }
        for size in sizes.growth:
            what = f"{size:,} customers, {threads_of(most)}{clock}"
            yield compared(PART, what, "ns a customer-month", {name: pace[name, size] for name in names})
        for size in sizes.growth[-3:-1]:
            grown = {name: [median(pace[name, largest]) / median(pace[name, size])] for name in names}
            what = f"a customer-month of {largest:,} over one of {size:,}{clock}"
            yield compared(PART, what, "", grown, aim="0.75 to 1.25")
    peak = {(name, size): found[name, size][-1]["peak_bytes"] for name in names for size in sizes.growth}
    for size in sizes.growth[-2:]:
        memory = {name: [peak[name, size] / GIGA] for name in names}
        yield compared(PART, f"peak memory, {size:,} customers", "GB", memory)
    least = sizes.growth[-2]  # bytes a customer are MB a million
    more = {name: [(peak[name, largest] - peak[name, least]) / (largest - least)] for name in names}
    yield compared(PART, "peak memory of a further million customers", "MB", more)
    state = {name: [float(found[name, largest][0]["state_bytes"])] for name in names}
    yield compared(PART, "state of a customer", "bytes", state, aim="at most 128")


def large(sides: Sequence[Side], sizes: Sizes) -> Iterator[Figure]:
    """Ten million customers through sixty months: seconds after loading, and peak memory."""
    customers, months, most = 10 * sizes.customers, sizes.months, max(sizes.threads)
    lives = {"customers": customers, "months": months, "every": -(-months // 4), "burn_in": sizes.burn_in}
    found = measured(sides, {(): ("whole", lives | {"threads": most})}, 4, together=False)
    what = f"{customers:,} customers x {months} months"
    for of, clock in ((wall, ""), (on_free_cores, ", by processor time")):
        seconds = {
            name: [rounds[0]["first_month"] + sum(of(one, most) for one in rounds[1:])]
            for (name,), rounds in found.items()
        }
        yield compared("large", f"{what}, after loading{clock}", "s", seconds, aim="90")
    for stage in ("founding", "burn_in"):
        before = {name: [rounds[0][stage]] for (name,), rounds in found.items()}
        yield compared("large", f"{what}, {stage.replace('_', '-')} before that", "s", before)
    peak = {name: [rounds[-1]["peak_bytes"] / GIGA] for (name,), rounds in found.items()}
    yield compared("large", f"{what}, peak memory", "GB", peak, aim="3")
