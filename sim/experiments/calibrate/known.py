"""Fits of known answers over processes, each batch stored as it comes: a killed calibration goes on behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from sim.calibration.checks import Trial
from sim.calibration.stored import PARTS
from sim.errors import BadInput
from sim.store.files import why_unreadable, write_json, writing

BATCH = 10  # fits that are stored together
Batch = Callable[[Sequence[int]], list[Trial]]
Say = Callable[[int, int], None]


def answers(make: Callable[[], Batch], fits: int, folder: Path, workers: int, say: Say) -> list[Trial]:
    """The answers of so many fits, those that the folder has already not made again.

    `make` is called once in every process (it travels there) and gives what makes a batch of them; what comes out is
    the same for any number of processes.
    """
    parts = folder / PARTS
    with writing(parts):
        parts.mkdir(exist_ok=True)
    wanted = {start: list(range(start, min(start + BATCH, fits))) for start in range(0, fits, BATCH)}
    done = {start: found for start, numbers in wanted.items() if (found := _read(parts, start, numbers)) is not None}
    todo = [start for start in wanted if start not in done]
    say(sum(map(len, done.values())), fits)
    for start, found in _made(make, {start: wanted[start] for start in todo}, workers):
        with writing(parts):
            write_json(_file(parts, start), {"answers": found})
        done[start] = _read(parts, start, wanted[start]) or found
        say(sum(map(len, done.values())), fits)
    return [one for start in sorted(done) for one in done[start]]


def _made(make: Callable[[], Batch], todo: dict[int, list[int]], workers: int) -> Iterator[tuple[int, list[Trial]]]:
    if workers <= 1 or len(todo) <= 1:
        batch = make() if todo else None
        for start, numbers in todo.items():
            assert batch is not None
            yield start, one_thread(partial(batch, numbers))
        return
    with ExitStack() as stack:
        context = get_context("spawn")
        pool = ProcessPoolExecutor(min(workers, len(todo)), context, _begin, (make,))
        stack.callback(pool.shutdown, wait=True, cancel_futures=True)
        futures = {pool.submit(_work, numbers): start for start, numbers in todo.items()}
        for future in as_completed(futures):
            yield futures[future], future.result()


_batch: list[Batch] = []


def _begin(make: Callable[[], Batch]) -> None:
    _batch[:] = [make()]


def _work(numbers: list[int]) -> list[Trial]:
    return one_thread(partial(_batch[0], numbers))


def one_thread(function: Callable[[], Any]) -> Any:
    """What a function gives, its linear algebra in one thread: sums in one order, the same bits on any number."""
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return function()
    with threadpool_limits(1):
        return function()


def _file(parts: Path, start: int) -> Path:
    return parts / f"known-{start:05d}.json"


def _read(parts: Path, start: int, numbers: list[int]) -> list[Trial] | None:
    file = _file(parts, start)
    if not file.exists():
        return None
    try:
        found: list[Trial] = json.loads(file.read_bytes())["answers"]
    except (OSError, ValueError, KeyError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    return found if [one["trial"] for one in found] == numbers else None
