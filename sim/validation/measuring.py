"""Living the experiments: each with each seed once, kept when done, so that a stopped measurement goes on.

Work is handed out by the engine of sweeps: an experiment that raises or whose worker dies is a reason kept beside the
others, and the facts that it has figures of say so.
"""

from __future__ import annotations

import hashlib
import json
import time
import warnings
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from sim import house
from sim.errors import SimError
from sim.experiments.callbacks import Callback
from sim.experiments.executors.dispatch import drive
from sim.experiments.executors.here import HERE
from sim.experiments.executors.place import Where
from sim.store.files import write_json
from sim.store.sweep_rows import FAILED
from sim.validation.customers import Figures
from sim.validation.experiments import BY_NAME, PAIRING, Size, needed
from sim.validation.findings import FACTS, Finding, judge, verdict

# Rooms and files of sim/ that no experiment asks: an edit there leaves what was lived as it is.
ABOVE_THE_MODEL = (
    *("analysis", "api", "calibration", "cli.py", "documents", "experiments", "reporting", "verbs", "yaml_source"),
    *("population/book", "population/describe"),  # no fact reads a book
)
# Files of this room that decide figures; the others are tables, tolerances and words.
OF_EXPERIMENTS = (
    *("banks", "cohorts", "contacts", "customers", "economy", "events", "experiments", "managers", "models"),
    *("statistics", "strategies"),
)
Unit = tuple[str, int]  # an experiment by name, and a seed


@cache
def model_digest() -> str:
    """A digest of all that figures come from: the model, key figures and experiments, not tolerances and notes."""
    digest = hashlib.sha256()
    for file in sorted(house.FOLDER.rglob("*.py")):
        room, *rest = file.relative_to(house.FOLDER).parts
        if not {room, "/".join([room, *rest[:1]])} & set(ABOVE_THE_MODEL) and (
            room != "validation" or rest[0].removesuffix(".py") in OF_EXPERIMENTS
        ):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


@dataclass(frozen=True)
class Living:
    """The work of a worker: experiments of one size, what each comes to kept in `folder`."""

    folder: str
    size: Size

    def place(self, unit: Unit) -> Path:
        """Where the figures of an experiment and seed are kept."""
        name, seed = unit
        return Path(self.folder) / f"{name}-{self.size.customers}-{seed}-{model_digest()}.json"

    def do(self, items: Sequence[Unit]) -> dict[str, Any]:
        """Live these, and keep the figures or the reason why there are none."""
        began, failed = time.perf_counter(), 0
        for name, seed in items:
            kept: dict[str, Any] = {}
            try:
                with warnings.catch_warnings(), np.errstate(all="ignore"):
                    warnings.simplefilter("ignore")  # ratios over nobody, of which the figure says that it is not there
                    kept["figures"] = BY_NAME[name].live(self.size, seed)
            except (SimError, MemoryError):
                raise
            except Exception as error:  # whatever an experiment breaks on, the others are lived
                kept["broken"] = f"{type(error).__name__}: {error}"
                failed += 1
            kept["seconds"] = time.perf_counter() - began
            write_json(self.place((name, seed)), kept)
        return {"units": len(items), "seconds": time.perf_counter() - began, FAILED: failed}

    def crash(self, item: Unit, reason: str) -> str:
        """Keep the reason why an experiment was given up."""
        write_json(self.place(item), {"broken": reason})
        return reason


@dataclass(frozen=True)
class Measured:
    """What a measurement found: figures of each fact, why some are missing, and what sharing luck wins."""

    size: Size
    seeds: tuple[int, ...]
    digest: str
    found: Mapping[str, list[Finding]]
    broken: Mapping[str, list[str]] = field(default_factory=dict)  # by fact
    pairing: Mapping[int, Figures] = field(default_factory=dict)  # by seed
    curves: Mapping[str, Mapping[int, Figures]] = field(default_factory=dict)  # all figures by fact and seed
    seconds: float = 0.0

    @property
    def verdicts(self) -> dict[str, str]:
        """The verdict on every fact that was asked for."""
        return {
            fact.name: verdict(fact, self.found[fact.name], bool(self.broken.get(fact.name)))
            for fact in FACTS
            if fact.name in self.found
        }


def measure(
    size: Size,
    seeds: Sequence[int],
    kept: Path,
    facts: Sequence[str],
    where: Where = HERE,
    callback: Callback | None = None,
) -> Measured:
    """Live every experiment that these facts need once a seed, those that `kept` has excepted, and judge the facts."""
    callback = callback or Callback()
    job = Living(str(kept), size)
    units = [(one.name, seed) for one in needed(facts) for seed in one.seeds(seeds)]
    todo = [unit for unit in units if not job.place(unit).exists()]
    callback.items(len(units), len(units) - len(todo))
    if where.here:
        for unit in todo:  # one at a time, that the bar moves
            drive(job, [unit], where, callback)
    elif todo:
        drive(job, todo, where, callback, folder=kept)
    return gathered(job, seeds, units, facts)


def gathered(job: Living, seeds: Sequence[int], units: Sequence[Unit], facts: Sequence[str]) -> Measured:
    """What kept experiments come to."""
    by_fact: dict[str, dict[int, Figures]] = defaultdict(lambda: defaultdict(dict))
    broken: dict[str, list[str]] = defaultdict(list)
    seconds = 0.0
    for name, seed in units:
        kept = json.loads(job.place((name, seed)).read_text(encoding="utf-8"))
        seconds += kept.get("seconds", 0.0)
        if "broken" in kept:
            for fact in BY_NAME[name].facts:
                broken[fact].append(f"{name}, seed {seed}: {kept['broken']}")
            continue
        for fact, figures in kept["figures"].items():
            for same in seeds if BY_NAME[name].once else [seed]:
                by_fact[fact.upper()][same].update(
                    {what: np.nan if value is None else float(value) for what, value in figures.items()}
                )
    pairing = by_fact.pop(PAIRING.upper(), {})
    return Measured(
        job.size,
        tuple(seeds),
        model_digest(),
        {fact.name: judge(fact, by_fact[fact.name]) for fact in FACTS if fact.name in facts},
        {fact: why for fact, why in broken.items() if fact in facts},
        pairing,
        {fact: by_fact[fact] for fact in facts},
        seconds,
    )
