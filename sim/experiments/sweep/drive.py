"""A sweep from its plan to its stored table: the folder opened, what is missing lived somewhere, all put together."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput, Interrupted, RunFailed
from sim.experiments.callbacks import Callback
from sim.experiments.design.plan import BANKS, Plan, Point, Unit
from sim.experiments.executors.dispatch import drive
from sim.experiments.executors.flight import FLIGHT
from sim.experiments.executors.place import Where, need_dask
from sim.experiments.executors.worker import SweepJob, maker
from sim.experiments.sweep.status import Keeper
from sim.experiments.warming import warm
from sim.measures.catalogue import kpi_units
from sim.store.files import write_atomically
from sim.store.lock import driver_lock
from sim.store.sweep_folder import SweepStore
from sim.store.sweep_reading import StoredSweep

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class SweepOptions:
    """Where to, what of a sweep that is there, and files to put beside its scenario (`Prepared.beside`)."""

    out: Path | None = None
    resume: bool = False
    overwrite: bool = False
    beside: Mapping[str, str] = field(default_factory=dict)


def sweep(
    plan: Plan,
    points: Sequence[Point],
    facts: Mapping[str, Any],
    scenario_text: str,
    options: SweepOptions,
    where: Where,
    callback: Callback | None = None,
) -> StoredSweep:
    """Live every unit of the plan somewhere and store it; what is stored already is not lived again.

    `facts` go into the manifest. The sweep that comes back has the status "done", or "failed" if some of its tasks
    have no result. Raises `BadInput` before anything is written if the folder may not be used, `RunFailed` if work
    cannot go on, `Interrupted` after Ctrl-C; what was stored stays in all cases.
    """
    if not where.here:
        need_dask()
    elif plan.seconds_limit is not None:
        raise BadInput.at(plan.name, "sweep.seconds_limit ends processes of workers; workers=1 or more, or no limit")
    manifest, design = manifest_of(plan, points, facts), design_of(plan, points)
    out = folder_of(plan, options, manifest)
    refuse(out, manifest, options, scenario_text)
    lock = driver_lock(out)
    try:
        todo = plan.units(points)
        store = SweepStore.create(
            out, manifest, scenario_text, design, units_of(todo), resume=options.resume, overwrite=options.overwrite
        )
        put_beside(store, options)
        callback = Keeper(store, callback or Callback())
        for line in store.lines:
            callback.note(line)
        if store.status == "done":
            return store.finish()
        plan.write(out)
        return _drive(plan, store, todo, where, callback)
    finally:
        lock.release()


def put_beside(store: SweepStore, options: SweepOptions) -> None:
    """Write what the stored scenario names, unless the folder is whole already."""
    if store.status != "done":
        for name, text in options.beside.items():
            write_atomically(store.path / name, text)


def _drive(plan: Plan, store: SweepStore, units: Sequence[Unit], where: Where, callback: Keeper) -> StoredSweep:
    began = perf_counter()
    with minded(store, callback):
        clear_notes(store)
        todo, total = missing(store, units)
        callback.items(total, total - len(todo))
        if todo:
            if where.local and plan.made_by in BANKS:
                warm(callback.note)
            job = job_of(plan, store, elsewhere=not where.local)
            drive(job, todo, where, callback, folder=store.path, limit=plan.seconds_limit)
        seconds = perf_counter() - began + store.manifest.get("seconds", 0.0)
        found = store.finish({"seconds": seconds, "workers": where.workers, "where": where.words})
    callback.ended(ending(found))
    return found


def missing(store: SweepStore, units: Sequence[Unit]) -> tuple[list[Unit], int]:
    """Units that are to be lived, and how many there are in all; points with the same values are lived once."""
    done, different = store.done(), {unit.id: unit for unit in units}
    return [unit for unit in different.values() if unit.id not in done], len(different)


@contextlib.contextmanager
def minded(store: SweepStore, callback: Keeper) -> Iterator[None]:
    """Whatever ends the work, the folder says so and what was stored stays; Ctrl-C becomes `Interrupted`."""
    try:
        yield
    except KeyboardInterrupt:
        _stop(store, callback, "interrupted")
        what = f"{store.path}: interrupted; what was finished is kept, --resume --out {store.path} goes on"
        raise Interrupted(what) from None
    except Exception as error:
        _stop(store, callback, f"stopped: {str(error) or type(error).__name__}")
        raise


def _stop(store: SweepStore, callback: Keeper, text: str) -> None:
    """Leave the folder saying that nobody is at work; on a full disk it says so by its lock alone."""
    with contextlib.suppress(RunFailed):
        store.interrupt()
    callback.ended(text)


def ending(found: StoredSweep) -> str:
    """The last line of a log."""
    m = found.manifest
    return (
        f"{m['status']}: {m['tasks']:,} tasks, {m['failed']} failed, {m['crashed']} crashed, digest {m['tasks_digest']}"
    )


def job_of(plan: Plan, store: SweepStore, *, elsewhere: bool) -> SweepJob:
    """The job whose items are the plan's units, stored in this folder."""
    return SweepJob(str(store.path.resolve()), store.attempt, plan.base_digest, plan.seconds_limit, elsewhere)


def clear_notes(store: SweepStore) -> None:
    """Notes of what was under way when an earlier attempt ended."""
    with contextlib.suppress(OSError):
        for note in (store.path / FLIGHT).glob("*.*"):
            note.unlink()


def manifest_of(plan: Plan, points: Sequence[Point], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a sweep that begins now."""
    now = datetime.now(UTC)
    units = len(points) * len(plan.seeds)
    kpis = list(maker(plan).kpis)
    return {
        "name": plan.name,
        "kind": "sweep",
        "run_id": f"{now:%Y%m%dT%H%M%SZ}-{plan.base_digest[:8]}",
        "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "code_version": plan.code_version,
        "base_digest": plan.base_digest,
        "arms": list(plan.arms),
        "seeds": list(plan.seeds),
        "kpis": kpis,
        "kpi_units": kpi_units(kpis, str(facts.get("currency", "money"))),
        "parameters": [asdict(parameter) for parameter in plan.parameters],
        "design": dict(plan.design),
        "units": units,
        "tasks": units * len(plan.arms),
        **facts,
    }


def design_of(plan: Plan, points: Sequence[Point]) -> pd.DataFrame:
    """design.csv: a row a point."""
    import pandas as pd

    numbers = {
        "point": [p.number for p in points],
        "lever": [p.lever for p in points],
        "world": [p.world for p in points],
    }
    paths = {one.path: [p.values[one.path] for p in points] for one in plan.parameters}
    return pd.DataFrame({**numbers, **paths})


def units_of(units: Sequence[Unit]) -> pd.DataFrame:
    """The planned units, as the store knows them."""
    import pandas as pd

    columns = {"unit": [u.id for u in units], "point": [u.point.number for u in units], "seed": [u.seed for u in units]}
    return pd.DataFrame(columns)


def folder_of(plan: Plan, options: SweepOptions, manifest: Mapping[str, Any]) -> Path:
    """`--out` exactly; to resume the newest of this sweep in results/, if there is one; else a new one, by run id."""
    if options.out is not None:
        return options.out
    home = Path("results") / plan.name
    if options.resume:
        same = []
        for file in sorted(home.glob("*/manifest.json"), reverse=True):
            with contextlib.suppress(OSError, ValueError):
                stored = json.loads(file.read_bytes())
                if stored.get("base_digest") == plan.base_digest:
                    same.append((stored.get("status") == "done", file.parent))
        if same:  # one that did not end before one that may be extended
            return min(same, key=lambda one: one[0])[1]
    return home / str(manifest["run_id"])


def refuse(out: Path, manifest: Mapping[str, Any], options: SweepOptions, scenario_text: str = "") -> None:
    """`BadInput` if the folder may not be used; nothing is written."""
    mistakes = SweepStore.refusals(out, manifest, scenario_text, overwrite=options.overwrite, resume=options.resume)
    if mistakes:
        raise BadInput(mistakes)
