"""The limits of the machine, and how near the kernel comes to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from figures import Figure
from sides import NOW, Side, interleaved, median
from sizes import GIGA, NANO, Sizes, per, threads_of

PART = "limits"
TITLE = "The limits of the machine"
SAID = {
    "copy": ("memory, a copy", "GB/s"),
    "triad": ("memory, a triad", "GB/s"),
    "operations": ("float32 multiplications and additions, not fused", "billion/s"),
    "uniforms": ("uniforms of the generator", "billion/s"),
}


def figures(sides: Sequence[Side], sizes: Sizes) -> Iterator[Figure]:
    """What the machine can do, what a customer's month asks of it, and the share of the limits that is reached."""
    now = next(side for side in sides if side.name == NOW)
    bank = {"customers": sizes.customers, "burn_in": sizes.burn_in, "age": sizes.age}
    few = bank | {"customers": min(sizes.customers, sizes.twin_rows)}
    lived = {threads: (now, "kernel", bank | {"threads": threads}) for threads in sizes.threads}
    limits = (now, "limits", {"stream": sizes.stream, "threads": list(sizes.threads)})
    rounds, together = max(2, sizes.rounds // 3), sizes.together
    *paces, can = interleaved([*lived.values(), limits], rounds, together=together)
    [[asks]] = interleaved([(now, "counted", few)], 0)
    best = {name: max(one[name] for one in can[1:]) for name in can[1]}
    for name, (said, unit) in SAID.items():
        for threads in sizes.threads:
            yield Figure(PART, f"{said}, {threads_of(threads)}", unit, {NOW: best[f"{name}_{threads}"] / GIGA})
    moved = asks["bytes_read"] + asks["bytes_written"]
    yield Figure(PART, "columns that a month reads", "bytes a customer", {NOW: float(asks["bytes_read"])})
    yield Figure(PART, "columns that a month writes", "bytes a customer", {NOW: float(asks["bytes_written"])})
    yield Figure(PART, "float32 operations of the formulas", "a customer-month", {NOW: asks["float_operations"]})
    yield Figure(PART, "integer operations of the formulas", "a customer-month", {NOW: asks["integer_operations"]})
    for threads, rounds in zip(lived, paces, strict=True):
        seconds = median(per(rounds, "cpu")) / threads
        for what, amount, limit in (
            ("of the memory's copy rate", moved, "copy"),
            ("of the float32 rate", asks["float_operations"], "operations"),
        ):
            share = 100 * amount / seconds / best[f"{limit}_{threads}"]
            yield Figure(
                PART, f"the kernel on {threads_of(threads)} ({seconds * NANO:.0f} ns)", f"% {what}", {NOW: share}
            )
