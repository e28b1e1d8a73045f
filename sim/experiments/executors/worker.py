"""What a worker does with a chunk of units: live each, write one part for all, say in a few words how it went.

Results go to disk here and nowhere else: a chunk is done if its part is there. A unit that raises is failed rows and
the next is lived. A unit that ends its process leaves a note of having been under way (``flight/<part>.json``), by
which the next attempt at the same chunk knows whom to blame: the others are lived, the culprit is handed back to be
tried alone, and after three dead processes, or one that a time limit ended, it is written off as crashed.
"""

from __future__ import annotations

import importlib
import os
import socket
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from sim.errors import BadInput, RunFailed, SimError
from sim.experiments.design.plan import BANKS, Plan, Unit, read_plan
from sim.experiments.executors.flight import FLIGHT, Flight, limited
from sim.experiments.executors.warm_up import warm_up_here
from sim.store.sweep_folder import SweepStore
from sim.store.sweep_reading import read_sweep_manifest
from sim.store.sweep_rows import CRASHED, FAILED, OK, part_name, read_part

_contexts: dict[tuple[str, str], Context] = {}


@dataclass(frozen=True)
class Context:
    """What a process needs to live units of a plan, made once."""

    plan: Plan
    runner: Any
    store: SweepStore


@dataclass(frozen=True)
class SweepJob:
    """Units of the sweep in a folder, `attempt` being how often it was begun; light, it travels with every chunk.

    `base` is the plan's base digest, so that a process that worked for an earlier sweep in the same folder looks
    again. `elsewhere`: the worker may be on another machine, which compiles for itself.
    """

    folder: str
    attempt: int
    base: str
    seconds_limit: float | None = None
    elsewhere: bool = False

    def do(self, items: Sequence[Unit]) -> dict[str, Any]:
        """Live the units and store their rows; what may be told of it in few words.

        Receipt: `units`, and how many of their tasks are `ok`, `failed`, `crashed`; `seconds`; `worker`; `again`, units
        to be tried alone.
        """
        began = perf_counter()
        context = self._context()
        name = part_name((unit.id for unit in items), self.attempt)
        flight = Flight(Path(self.folder) / FLIGHT / f"{name}.json", self.attempt)
        stored, again = self._stored_before(context, name), []
        if stored is not None:  # by a worker that died before it could say so
            again = [unit for unit in items if unit.id not in {known for known, _ in stored}]
        else:
            with flight:
                rows, again = self._rows(context, flight, items)
                if rows:
                    context.store.add(name, rows)
            stored = [(row["unit"], row["status"]) for row in rows]
        flight.landed()
        statuses = [status for _, status in stored]
        return {
            "units": len(items) - len(again),
            "ok": statuses.count(OK),
            "failed": statuses.count(FAILED),
            "crashed": statuses.count(CRASHED),
            "seconds": perf_counter() - began,
            "worker": _me(),
            "again": again,
        }

    def _rows(self, context: Context, flight: Flight, items: Sequence[Unit]) -> tuple[list[dict[str, Any]], list[Unit]]:
        """Rows of all units but those that are better tried alone."""
        rows: list[dict[str, Any]] = []
        again: list[Unit] = []
        for unit in items:
            if flight.blamed == unit.id and (reason := flight.verdict(self.seconds_limit)):
                rows += [_row(unit, arm, CRASHED, reason) | {"traceback": flight.stack} for arm in context.plan.arms]
            elif flight.blamed == unit.id and len(items) > 1:
                again.append(unit)
                flight.handed_back(self._note(unit), unit.id)
            else:
                flight.begins(unit.id)
                with limited(self.seconds_limit, flight.clock):
                    rows += self._results(context, unit)
        return rows, again

    def crash(self, item: Unit, reason: str) -> str:
        """Write a unit off, in the driver: its process died with nobody left to say so. The reason as stored.

        Empty if the unit left no note: then it was not under way when its worker died.
        """
        store = self._store()
        flight = Flight(self._note(item), self.attempt)
        if flight.blamed != item.id:
            return ""
        reason = flight.over(self.seconds_limit) or reason
        rows = [_row(item, arm, CRASHED, reason) | {"traceback": flight.stack} for arm in store.manifest["arms"]]
        store.add(f"{part_name([item.id], self.attempt)}-crash", rows)
        flight.landed()
        return reason

    def _note(self, unit: Unit) -> Path:
        """The note of a unit that is tried alone."""
        return Path(self.folder) / FLIGHT / f"{part_name([unit.id], self.attempt)}.json"

    def _store(self) -> SweepStore:
        return SweepStore(Path(self.folder), read_sweep_manifest(Path(self.folder)), self.attempt)

    def _context(self) -> Context:
        """The plan, what lives its units, the store: once a process and plan."""
        key = (self.folder, self.base)
        if key not in _contexts:
            try:
                plan = read_plan(Path(self.folder))
                if plan.made_by in BANKS and self.elsewhere:
                    warm_up_here()
                _contexts.clear()  # of another sweep: its banks would fill the memory
                _contexts[key] = Context(plan, maker(plan), self._store())
            except SimError as error:  # travels to the driver as it is, which a BadInput does not
                raise RunFailed(str(error)) from None
            except Exception as error:
                raise RunFailed(f"a worker cannot begin: {type(error).__name__}: {error}") from error
        context = _contexts[key]
        context.store.attempt = self.attempt
        return context

    def _stored_before(self, context: Context, name: str) -> list[tuple[str, str]] | None:
        """Unit and status of the rows of a part that is there already; None if there is none that can be read."""
        try:
            table = read_part(context.store.part(name), {"unit": "text", "status": "text"})
        except (FileNotFoundError, BadInput):
            return None
        return list(zip(table.column("unit").to_pylist(), table.column("status").to_pylist(), strict=True))

    def _results(self, context: Context, unit: Unit) -> list[dict[str, Any]]:
        """Rows of a unit; every arm that has none by the time something breaks is a failed one."""
        began = perf_counter()
        rows: list[dict[str, Any]] = []
        error, trace = "nothing came of this arm", ""
        try:
            for result in context.runner.run(unit):
                row = _row(unit, str(result["arm"]), str(result.get("status", OK)), str(result.get("error", "")))
                row |= {"seconds": float(result.get("seconds", 0.0)), "traceback": str(result.get("traceback", ""))}
                row["kpis"] = {str(name): float(value) for name, value in result.get("kpis", {}).items()}
                unknown = [name for name in row["kpis"] if name not in context.store.manifest["kpis"]]
                if unknown or row["arm"] not in context.plan.arms:
                    raise ValueError(f"{', '.join(unknown[:3]) or row['arm']} is not of this sweep")
                rows.append(row)
        except (Exception, SystemExit) as broken:
            error, trace = f"{type(broken).__name__}: {broken}", traceback.format_exc()
        have = {row["arm"] for row in rows}
        spent = perf_counter() - began
        for arm in context.plan.arms:
            if arm not in have:
                rows.append(_row(unit, arm, FAILED, error) | {"traceback": trace, "seconds": spent})
                spent = 0.0
        return rows


def _row(unit: Unit, arm: str, status: str, error: str = "") -> dict[str, Any]:
    return {
        "unit": unit.id,
        "point": unit.point.number,
        "seed": unit.seed,
        "arm": arm,
        "status": status,
        "seconds": 0.0,
        "worker": _me(),
        "error": error,
        "traceback": "",
        "kpis": {},
    }


def _me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def maker(plan: Plan) -> Any:
    """What lives the plan's units, made from its name; `BadInput` if there is no such thing."""
    module, _, name = plan.made_by.partition(":")
    try:
        made = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise BadInput.at(plan.name, f"{plan.lives} cannot be loaded: {error}") from None
    return made(plan)
