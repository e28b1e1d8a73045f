"""The kernel alone: one month of an aged bank, the same every round, compiled, in C, in NumPy; and Mesa objects."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from figures import Figure
from sides import NOW, Round, Side, interleaved, median, ratio
from sizes import NANO, Sizes, compared, per, threads_of

PART = "kernel"
TITLE = "The kernel alone"
NAMES = {"c": "the same rules in C", "numpy": "NumPy twin", "mesa": "Mesa objects", "whole": "whole run"}


def without_c(now: Side | None = None) -> str:
    """Why the C twin cannot be measured here; nothing where it can. With a side, a tiny bank is tried."""
    if not Path(__file__).with_name("c_twin.py").exists():
        return "no C twin in this tree"
    if shutil.which("gcc") is None:
        return "no gcc"
    if now is not None:
        try:
            interleaved([(now, "kernel", {"customers": 500, "burn_in": 1, "age": 1, "by": "c"})], 0)
        except RuntimeError as broke:
            return str(broke)
    return ""


def figures(sides: Sequence[Side], sizes: Sizes) -> Iterator[Figure]:
    """Nanoseconds a customer-month, and how many times as fast the kernel of now is."""
    now = next(side for side in sides if side.name == NOW)
    bank = {"customers": sizes.customers, "burn_in": sizes.burn_in, "age": sizes.age}
    no_c = without_c(now)
    asked: dict[tuple[Any, ...], tuple[Side, str, dict[str, Any]]] = {}
    for threads in sizes.threads:
        ways = ["kernel"] if no_c else ["kernel", "c"]
        for by in ways:
            for side in sides if by == "kernel" else [now]:
                asked[side.name, by, threads] = side, "kernel", bank | {"threads": threads, "by": by}
    asked[NOW, "numpy", 1] = now, "kernel", bank | {"by": "numpy", "rows": sizes.twin_rows}
    asked[NOW, "mesa", 1] = now, "mesa_objects", {"customers": sizes.mesa_customers, "months": sizes.mesa_months}
    asked[NOW, "whole", 1] = now, "without_joiners", {"customers": sizes.customers // 5, "months": sizes.mesa_months}
    found = dict(zip(asked, interleaved(list(asked.values()), sizes.rounds, together=sizes.together), strict=True))

    for threads in sizes.threads:
        for clock, said in (("seconds", ""), ("cpu", ", processor time")):
            values = {side.name: [t * NANO for t in per(found[side.name, "kernel", threads], clock)] for side in sides}
            aim = "1.4 times" if threads == 1 else ""
            yield compared(PART, f"kernel, {threads_of(threads)}{said}", "ns a customer-month", values, aim=aim)
    for (_, by, threads), rounds in found.items():
        if by != "kernel":
            what, slow = f"{NAMES[by]}, {threads_of(threads)}, processor time", median(per(rounds, "cpu")) * NANO
            yield Figure(PART, what, "ns a customer-month", {NOW: slow})
    if no_c:
        yield Figure(PART, f"the same rules in C: {no_c}", "", {})
    for threads in sizes.threads if not no_c else ():
        what, aim = f"kernel against C, {threads_of(threads)}", "0.8" if threads == 1 else ""
        yield _against(found, what, "of its speed", ("c", threads), ("kernel", threads), aim)
    what = "kernel against the NumPy twin, 1 thread"
    yield _against(found, what, "times as fast", ("numpy", 1), ("kernel", 1), "6")
    what = "whole run against Mesa objects, 1 thread"
    yield _against(found, what, "times as fast", ("mesa", 1), ("whole", 1), "150")


def _against(
    found: dict[tuple[Any, ...], list[Round]],
    what: str,
    unit: str,
    other: tuple[str, int],
    ours: tuple[str, int],
    aim: str,
) -> Figure:
    """By processor time, which other programs on the machine do not lengthen."""
    times = ratio(*(per(found[NOW, *job], "cpu") for job in (other, ours)))
    return Figure(PART, what, unit, {NOW: times}, aim=aim)
