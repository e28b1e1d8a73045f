"""What is measured, inside a process that holds one tree's `sim`: `python jobs.py '[[NAME, OPTIONS], ...]'`.

A job is a generator: it makes ready, yields what it found doing so, and then a round's figures at every `next`. Each
line of stdin is the number of the job to go on with, and is answered by a line of stdout. The
file is run with an older tree's `sim` too, so it leans on what both have: `banks` of the tests, a bank's `run`, and the
compiled month by its name.
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter, process_time, thread_time
from typing import Any

import numpy as np
from clocks import STEP, Clocks, instead_of_kernel

Round = dict[str, Any]
Work = Callable[[], Any]
EVERYTHING = (
    *("digital_thinking", "stratification", "personalised_service", "staff_upskilling"),
    *("institutional", "human_resources", "fintech"),
)
ARMS = {"nothing": [], "everything": [{"use": use} for use in EVERYTHING]}


def bank_at_month_zero(customers: int, months: int, burn_in: int, threads: int, arm: str) -> tuple[Any, Round]:
    """A bank one to one with the default mechanisms, its burn-in lived; seconds of founding and of the burn-in."""
    from banks import bank, scenario

    began = perf_counter()
    model = bank(scenario(customers, months=months, burn_in=burn_in, arms={arm: ARMS[arm]}), threads=threads)
    if hasattr(model, "tidies"):
        model.tidies = True  # as where a replication lives; not every tree puts rows in order
    founded = perf_counter()
    model.run(until=0)
    return model, {"founding": founded - began, "burn_in": perf_counter() - founded}


def bytes_of_a_customer() -> int:
    """Of all columns."""
    from sim.agents.customer import BYTES_PER_CUSTOMER

    return BYTES_PER_CUSTOMER


def peak_bytes() -> int:
    """Largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def whole(
    customers: int, months: int, every: int, burn_in: int = 24, threads: int = 1, arm: str = "nothing"
) -> Iterator[Round]:
    """The whole run, `every` months a round; the last round has the digest of what was recorded.

    Its first month, in which strategies begin and the last of the compiled code is loaded, belongs to making ready.
    """
    from banks import tables

    bank, ready = bank_at_month_zero(customers, months, burn_in, threads, arm)
    began = perf_counter()
    bank.run(until=1)
    yield ready | {"state_bytes": bytes_of_a_customer(), "first_month": perf_counter() - began}
    while bank.month < months:
        rows, began, spent, stepping = bank.measured_rows, perf_counter(), process_time(), thread_time()
        until = min(bank.month + every, months)
        with Clocks(bank) as clocks:
            bank.run(until=until)
        seconds, stepping = perf_counter() - began, thread_time() - stepping
        found: Round = {
            "seconds": seconds,
            "cpu": process_time() - spent,
            "customer_months": bank.measured_rows - rows,
            "kernel": clocks.kernel,
            "kernel_cpu": clocks.kernel_cpu,
            "stepping": stepping,
            "kernel_stepping": clocks.kernel_stepping,
            "shared": clocks.shared,
            "lines": dict(clocks.lines),
            "peak_bytes": peak_bytes(),
        }
        if until == months:
            monthly = tables(bank)["monthly"]
            numbers = monthly.select_dtypes("number").to_numpy(np.float64)
            found["digest"] = hashlib.sha256(numbers.tobytes()).hexdigest()
        yield found


# --- the kernel alone ------------------------------------------------------------------------------------------------


class CapturedMonth:
    """The calls of the compiled month of one bank, which can be made over and over on the same values.

    `calls` are those that live customers, `tidying` is what puts rows in order before, where a tree does that.
    """

    def __init__(self, bank: Any):
        self.calls: list[tuple[Any, ...]] = []
        self.tidying: list[Work] = []
        self._one_at_a_time = threading.Lock()
        self._was: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        with instead_of_kernel(self._noting):
            bank.step()

    def _noting(self, name: str, kernel: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*args: Any) -> Any:
            with self._one_at_a_time:  # no other thread has lived rows that are copied here
                if name == STEP:
                    self.calls.append(args)
                else:
                    self.tidying.append(partial(kernel, *args))
                for array in map(whole_of, arrays_in(args)):
                    if id(array) not in self._was:
                        self._was[id(array)] = array, array.copy()
            return kernel(*args)

        return noted

    def put_back(self) -> None:
        """Every array has again the values it had before the month."""
        for array, values in self._was.values():
            array[...] = values

    def put_in_order(self) -> None:
        """As before the month, with rows in the order in which the compiled month lives them."""
        self.put_back()
        self.live(self.tidying)

    def open_rows(self, call: tuple[Any, ...]) -> int:
        """Customers that a call lives: rows neither closed nor unused at the month's beginning."""
        from sim.codes import CLOSED

        columns, first, last, *_ = call
        whole = whole_of(columns.state)
        array, before = self._was[id(whole)]
        offset = (columns.state.ctypes.data - array.ctypes.data) // array.itemsize
        return int(np.count_nonzero(before[offset + first : offset + last] != CLOSED))

    def live(self, work: Sequence[Work], pool: ThreadPoolExecutor | None = None) -> None:
        """So much of the month, by what `WAYS` makes of the kernel's calls."""
        if pool is None:
            for part in work:
                part()
        else:
            list(pool.map(lambda part: part(), work))

    def lived(self, work: Sequence[Work], pool: ThreadPoolExecutor | None = None, first: Sequence[Work] = ()) -> Round:
        """Wall and processor seconds of that, from the values before the month, and of what comes `first`."""
        self.put_back()
        began, spent = perf_counter(), process_time()
        self.live(first, pool)
        self.live(work, pool)
        return {"seconds": perf_counter() - began, "cpu": process_time() - spent}


def whole_of(array: np.ndarray) -> np.ndarray:
    """The array that this one is a part of; it has one copy, whoever sees a part of it first."""
    return array.base if isinstance(array.base, np.ndarray) else array


def arrays_in(thing: Any) -> Iterator[np.ndarray]:
    """All arrays of a call's arguments, tuples opened."""
    if isinstance(thing, np.ndarray):
        yield thing
    elif isinstance(thing, tuple):
        for part in thing:
            yield from arrays_in(part)


def aged_month(customers: int, burn_in: int, age: int, threads: int = 1) -> CapturedMonth:
    """The month after `age` measured ones of a bank with managers, joiners and whom they took the rows of."""
    bank, _ = bank_at_month_zero(customers, age + 1, burn_in, threads, "nothing")
    bank.run(until=age)
    with bank._threads():  # a bank that is stepped by hand has none
        return CapturedMonth(bank)


def pieces(calls: Sequence[tuple[Any, ...]], rows: int = 16_384) -> list[tuple[Any, ...]]:
    """The same calls, for so many rows at a time."""
    return [
        (columns, start, min(start + rows, last), *rest)
        for columns, first, last, *rest in calls
        for start in range(first, last, rows)
    ]


def kernel(
    customers: int, burn_in: int = 24, age: int = 12, threads: int = 1, by: str = "kernel", rows: int | None = None
) -> Iterator[Round]:
    """One month of an aged bank by the compiled month, its NumPy twin or the one in C, the same month every round.

    The month is shared out as the bank shares it out among so many threads. `rows` lives about so many only, from all
    over the bank, where more would take too long.
    """
    month = aged_month(customers, burn_in, age, threads)
    calls = month.calls if rows is None else pieces(month.calls)[:: max(1, customers // rows)]
    work, first = WAYS[by](calls), month.tidying if by == "kernel" else []
    lives = sum(map(month.open_rows, calls))
    with ThreadPoolExecutor(threads) as pool:
        several = pool if threads > 1 else None
        month.lived(work, several, first)  # loads
        yield {"customers": lives}
        while True:
            yield month.lived(work, several, first) | {"customer_months": lives}


def by_kernel(calls: Sequence[tuple[Any, ...]]) -> list[Work]:
    """The compiled month."""
    from sim.kernel import month

    return [partial(getattr(month, STEP), *call) for call in calls]


def by_numpy(calls: Sequence[tuple[Any, ...]]) -> list[Work]:
    """Its formulas on whole arrays."""
    import twin

    return [partial(twin.step_chunk, *call) for call in calls]


def by_c(calls: Sequence[tuple[Any, ...]]) -> list[Work]:
    """The same rules in C; what they take is made ready once for all calls that share it."""
    from c_twin import prepared

    ready: dict[tuple[int, ...], Any] = {}
    work: list[Work] = []
    for columns, first, last, plan, now, rates, *sums in calls:
        key = (*map(id, columns), id(plan), id(now), id(rates))
        if key not in ready:
            ready[key] = prepared(columns, plan, now, rates)
        work.append(partial(ready[key], first, last, *sums))
    return work


WAYS: dict[str, Callable[..., list[Work]]] = {"kernel": by_kernel, "numpy": by_numpy, "c": by_c}


def mesa_objects(customers: int, months: int) -> Iterator[Round]:
    """The same model as one Mesa agent a customer: so many months a round, of a bank without joiners."""
    from oracle.speed import seconds

    yield {}
    while True:
        spent = process_time()
        took = seconds(customers, months)
        yield {"seconds": took, "cpu": process_time() - spent, "customer_months": customers * months}


def without_joiners(customers: int, months: int) -> Iterator[Round]:
    """The bank that Mesa objects live, by the model: so many months a round, all that is in the step."""
    from banks import bank
    from oracle.speed import bank_of

    model = bank(bank_of(customers, 1_000))
    model.run(until=0)
    yield {}
    while True:
        rows, began, spent = model.measured_rows, perf_counter(), process_time()
        model.run(until=model.month + months)
        yield {
            "seconds": perf_counter() - began,
            "cpu": process_time() - spent,
            "customer_months": model.measured_rows - rows,
        }


def limits(stream: int, threads: list[int]) -> Iterator[Round]:
    """What the machine can do: bytes moved, float32 operations and uniforms a second."""
    from machine import rates

    yield {}
    while True:
        yield rates(stream, threads)


def counted(customers: int, burn_in: int, age: int) -> Iterator[Round]:
    """What one customer's month costs by the formulas: bytes of columns, float32 and integer operations."""
    from machine import operations_of_twin

    month = aged_month(customers, burn_in, age)
    yield operations_of_twin(month) | bytes_moved(month)


def bytes_moved(month: CapturedMonth) -> Round:
    """Bytes of columns that rules name, and of those that the month changed, a row."""
    import re
    from pathlib import Path

    from sim import kernel

    columns = month.calls[0][0]  # of the whole bank, or of its first rows
    month.put_back()
    before = {name: getattr(columns, name).copy() for name in columns._fields}
    text = "".join(file.read_text() for file in Path(kernel.__path__[0]).glob("*.py"))
    named = [name for name in before if re.search(rf"\bb\.{name}\b", text)]
    month.lived(by_kernel(month.calls))
    changed = [name for name in before if not np.array_equal(before[name], getattr(columns, name), equal_nan=True)]
    read, written = (sum(before[name].itemsize for name in some) for some in (named, changed))
    return {"bytes_read": read, "bytes_written": written}


JOBS: dict[str, Callable[..., Iterator[Round]]] = {
    job.__name__: job for job in (whole, kernel, mesa_objects, without_joiners, limits, counted)
}


def main(asked: str) -> None:
    """Answer lines of stdin until they end."""
    answers, sys.stdout = sys.stdout, sys.stderr  # nothing that is said may be taken for an answer
    rounds = [JOBS[name](**options) for name, options in json.loads(asked)]
    for line in sys.stdin:
        print(json.dumps(next(rounds[int(line)])), file=answers, flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
