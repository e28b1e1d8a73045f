"""Part of a sweep with no driver at all: shard i of n, for plain job arrays at sites that forbid a long-lived one.

Shards know each other by the folder alone: whoever comes first makes it, each stores its own share, and the one that
finds every task stored puts them together. A shard lives its units in one process of its own, so that a unit that
ends it is written off here as anywhere. Dask is not needed.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import groupby
from pathlib import Path
from typing import Any

from sim.errors import BadInput, Interrupted, RunFailed, SimError
from sim.experiments.callbacks import Callback
from sim.experiments.design.plan import Plan, Point, Unit
from sim.experiments.executors.chunks import Chunk, Todo
from sim.experiments.executors.dispatch import DEATHS
from sim.experiments.executors.flight import died_of
from sim.experiments.executors.worker import SweepJob
from sim.experiments.sweep.drive import (
    SweepOptions,
    design_of,
    ending,
    job_of,
    manifest_of,
    missing,
    put_beside,
    refuse,
    units_of,
)
from sim.experiments.sweep.status import Keeper
from sim.store.lock import Lock, driver_lock
from sim.store.sweep_folder import SweepStore
from sim.store.sweep_reading import StoredSweep, read_sweep, read_sweep_manifest

BLOCKS = 8  # of neighbouring units that a shard has at least, where there are enough
WATCH = 1.0  # seconds between looks of a living process at whether its parent is there


def work(
    plan: Plan,
    points: Sequence[Point],
    facts: Mapping[str, Any],
    scenario_text: str,
    options: SweepOptions,
    shard: tuple[int, int],
    callback: Callback | None = None,
) -> StoredSweep:
    """Live shard i of n (1 to n) of what is missing; the sweep as it stands then, finished if this was the last.

    All shards name the same folder; one that is there is gone on with, whether or not `options.resume` says so.
    Raises as `sweep` does.
    """
    i, n = shard
    if not 1 <= i <= n:
        raise BadInput.at("--shard", f"{i}/{n} is not a shard; from 1/{n} to {n}/{n}" if n > 0 else f"{i}/{n}: n >= 1")
    if options.out is None:
        raise BadInput.at("--shard", "shards must share a folder; name it with --out")
    if options.overwrite:
        raise BadInput.at("--overwrite", "would delete what other shards have stored; remove the folder first")
    manifest = manifest_of(plan, points, facts)
    refuse(options.out, manifest, SweepOptions(resume=True), scenario_text)
    lock = driver_lock(options.out, shared=True)
    try:
        store, units = _open(plan, points, manifest, scenario_text, options.out)
        put_beside(store, options)
        if store.status == "done":
            return read_sweep(store.path)
        callback = Keeper(store, callback or Callback(), shard=f"{i}/{n}")
        found = _work(plan, store, share(units, i, n), callback)
    finally:
        lock.release()
    whole = found.status in ("done", "failed")
    callback.ended(ending(found) if whole else "its share is stored; other shards are not through yet")
    return found


def _work(plan: Plan, store: SweepStore, units: Sequence[Unit], callback: Keeper) -> StoredSweep:
    try:
        for line in store.lines:
            callback.note(line)
        mine, total = missing(store, units)
        callback.items(total, total - len(mine))
        _run_units(job_of(plan, store, elsewhere=True), mine, callback)
        return _finish_if_whole(store)
    except KeyboardInterrupt:
        callback.ended("interrupted")
        what = f"{store.path}: interrupted; what was finished is kept, the same command goes on"
        raise Interrupted(what) from None
    except Exception as error:
        callback.ended(f"stopped: {str(error) or type(error).__name__}")
        raise


def share(units: Sequence[Unit], i: int, n: int) -> list[Unit]:
    """The units of shard i of n: every n-th block of neighbours, which share burn-ins where they can."""
    longest = max((len(list(same)) for _, same in groupby(units, key=_burn_in)), default=1)
    size = max(1, min(longest, len(units) // (BLOCKS * n)))
    return [unit for place, unit in enumerate(units) if place // size % n == i - 1]


def _burn_in(unit: Unit) -> tuple[Any, ...]:
    outside = tuple(value for path, value in unit.point.values.items() if not path.startswith("arms."))
    return unit.seed, outside


def _open(
    plan: Plan, points: Sequence[Point], manifest: Mapping[str, Any], scenario_text: str, out: Path
) -> tuple[SweepStore, list[Unit]]:
    """The store, made by the first shard that comes and joined by the others; what is planned."""
    units = plan.units(points)
    design, planned = design_of(plan, points), units_of(units)
    with Lock(out, "start.lock").waiting():
        store = SweepStore.join(out, manifest, design, planned)
        if store is None:
            store = SweepStore.create(out, manifest, scenario_text, design, planned, resume=True, alone=False)
            if store.status != "done":
                plan.write(out)
        return store, units


def _finish_if_whole(store: SweepStore) -> StoredSweep:
    """Put all together if every planned task has a row: by the last shard, and again by one that had failures left."""
    with Lock(store.path, "finish.lock").waiting():
        now = SweepStore(store.path, read_sweep_manifest(store.path), store.attempt)
        if now.status != "done" and now.is_whole():
            return now.finish()
    return read_sweep(store.path)


def _run_units(job: SweepJob, units: Sequence[Unit], callback: Keeper) -> None:
    """Live units in a process of its own, chunk after chunk; one that ends it is tried again alone, then given up."""
    todo = Todo(list(units))
    with Hand() as hand:
        while chunk := todo.next(1):
            try:
                receipt = hand.do(job, chunk.items, lambda: callback.tick(1))
            except BrokenProcessPool:
                todo.back(chunk)
                _after_a_death(job, chunk, todo, callback)
                continue
            except SimError:
                raise
            except Exception as error:
                todo.back(chunk)
                for unit in chunk.items:
                    _give_up(job, unit, f"{type(error).__name__}: {error}", callback)
                continue
            todo.back(chunk)
            todo.paces.append(receipt["seconds"] / max(receipt["units"], 1))
            todo.alone.extend(Chunk([unit], chunk.deaths) for unit in receipt["again"])
            callback.chunk(receipt)


def _after_a_death(job: SweepJob, chunk: Chunk[Unit], todo: Todo[Unit], callback: Keeper) -> None:
    """The same chunk again: the note it left tells its worker whom to blame. Alone, three times are enough."""
    chunk.deaths += 1
    if len(chunk.items) == 1 and chunk.deaths >= DEATHS:
        (unit,) = chunk.items
        _give_up(job, unit, died_of(chunk.deaths), callback)
    elif chunk.deaths > len(chunk.items):
        todo.alone.extend(Chunk([unit], 1) for unit in chunk.items)
    else:
        todo.alone.append(chunk)


def _give_up(job: SweepJob, unit: Unit, reason: str, callback: Keeper) -> None:
    stored = job.crash(unit, reason)
    if not stored:  # it was not even begun
        raise RunFailed(f"the process that should live units dies before it does: {reason}")
    callback.crashed(unit, stored)


class Hand:
    """One process that lives units, started anew when it died."""

    def __init__(self) -> None:
        self.pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Hand:
        return self

    def __exit__(self, *_: object) -> None:
        if self.pool is not None:
            processes = list((getattr(self.pool, "_processes", None) or {}).values())
            self.pool.shutdown(wait=False, cancel_futures=True)
            for process in processes:  # of an interrupted shard: its unit is not waited for
                with contextlib.suppress(Exception):
                    process.terminate()

    def do(self, job: SweepJob, units: list[Unit], tick: Any) -> dict[str, Any]:
        """The receipt of a chunk; `BrokenProcessPool` if the process died of it."""
        if self.pool is None:
            spawn = multiprocessing.get_context("spawn")
            self.pool = ProcessPoolExecutor(1, mp_context=spawn, initializer=begin, initargs=(os.getpid(),))
        future = self.pool.submit(job.do, units)
        try:
            while not wait([future], timeout=0.5).done:
                tick()
            return future.result()
        except BrokenProcessPool:
            self.pool.shutdown(wait=False)
            self.pool = None
            raise


def begin(parent: int) -> None:
    """In the living process: one thread for numba, Ctrl-C left to the shard, and an end if the shard has ended."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(WATCH)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
