"""A stored sweep as its analysis sees it: factors, points, and outcomes as points x seeds.

An outcome of an arm is its paired difference to the reference arm at the same point and seed, which shares its luck;
where a sweep has one arm, the level itself. Rows that failed, and values that are not finite, are left out and counted.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sim.errors import BadInput, Mistake
from sim.measures.catalogue import KPIS, base_name
from sim.measures.intervals import half_width
from sim.phrases import spoken
from sim.store.sweep_reading import check_points

Array = NDArray[np.float64]

DEFAULT_KPIS = ("value", "npv", "retention", "attrition_annual", "aum_end")
ENDED = ("done", "failed")  # status of a sweep whose tasks are put together in one file
MOST_LEVELS = 12  # numbers with more values than this are looked at in bins
FEW = 3  # KPIs taken where a sweep has none of the default ones


class Sweep(Protocol):
    """What an analysis needs of a stored sweep; `sim.store.sweep_reading.StoredSweep` has it."""

    path: Any
    manifest: dict[str, Any]

    @property
    def design(self) -> pd.DataFrame: ...
    @property
    def tasks(self) -> pd.DataFrame: ...
    @property
    def parameters(self) -> list[dict[str, Any]]: ...
    @property
    def arms(self) -> list[str]: ...
    @property
    def seeds(self) -> list[int]: ...
    @property
    def kpis(self) -> list[str]: ...
    @property
    def status(self) -> str: ...


@dataclass(frozen=True)
class Factor:
    """A parameter that the sweep varies, with its value at every point: float64 for numbers, else objects.

    `levels` are its distinct values in order where they are few or no numbers, else None; `x` are numbers to compute
    with (the logarithm where the range is spaced so; the level's place for choices).
    """

    path: str
    name: str
    kind: str
    role: str
    unit: str
    about: str
    source: str
    log: bool
    base: Any
    values: NDArray[Any]
    levels: tuple[Any, ...] | None

    @property
    def leaf(self) -> str:
        """The last word of its path, for lists where the rest is clear."""
        return spoken(self.path.removesuffix(".intensity").rpartition(".")[2], "")

    @cached_property
    def numeric(self) -> bool:
        """True if its values have an order and distances: numbers, not choices or switches."""
        return self.values.dtype.kind == "f"

    @cached_property
    def varies(self) -> bool:
        """True if it has two values or more."""
        return bool(np.ptp(self.values) > 0) if self.numeric else len(set(self.values.tolist())) > 1

    @cached_property
    def codes(self) -> NDArray[np.intp]:
        """The place of every point's level."""
        assert self.levels is not None, "only for factors of few levels"
        if self.numeric:
            return np.searchsorted(np.array(self.levels, dtype=float), self.values)
        place = {level: number for number, level in enumerate(self.levels)}
        return np.array([place[value] for value in self.values], dtype=np.intp)

    @cached_property
    def raw(self) -> Array:
        """Values as numbers; the level's place for choices."""
        return self.values if self.numeric else self.codes.astype(float)

    @cached_property
    def x(self) -> Array:
        """Values as numbers to compute with."""
        return np.log(self.raw) if self.numeric and self.log and (self.raw > 0).all() else self.raw

    def at(self, points: NDArray[Any]) -> Factor:
        """The same factor at some points."""
        values = self.values[points]
        return Factor(
            self.path,
            self.name,
            self.kind,
            self.role,
            self.unit,
            self.about,
            self.source,
            self.log,
            self.base,
            values,
            levels_of(values),
        )

    def say(self, value: Any) -> str:
        """A value for reading: on or off for switches, numbers in four digits, with their unit."""
        return say(value, self.kind, self.unit)


def concerns(factor: Factor, arm: str) -> bool:
    """False for a parameter inside another arm, which cannot touch this one."""
    return not factor.path.startswith("arms.") or factor.path.startswith(f"arms.{arm}.")


def is_number(value: Any) -> bool:
    """True for a real number; a switch is none."""
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, (bool, np.bool_))


def say(value: Any, kind: str = "number", unit: str = "", digits: int = 4) -> str:
    """A value of a parameter for reading."""
    if kind == "switch":
        if isinstance(value, (bool, np.bool_)) or value in (0, 1):
            return "on" if value else "off"
        return f"{float(value):.{digits}g}" if is_number(value) else str(value)
    if not is_number(value):
        return spoken(str(value), "")
    number = float(value)
    text = f"{number:,.0f}" if number.is_integer() or abs(number) >= 10**digits else f"{number:.{digits}g}"
    return f"{text} {unit_words(unit)}".strip().replace("-", "\N{MINUS SIGN}", number < 0)


def unit_words(unit: str) -> str:
    """The unit behind a value for reading; "" where the number says it all."""
    return "" if unit in ("share", "ratio", "index", "probability") else unit.replace("per year", "a year")


def levels_of(values: NDArray[Any]) -> tuple[Any, ...] | None:
    """Distinct values in order; None for numbers of too many."""
    if values.dtype.kind == "f":
        different = np.unique(values)
        return tuple(different.tolist()) if len(different) <= MOST_LEVELS else None
    found = list(dict.fromkeys(values.tolist()))
    return tuple(sorted(found, key=lambda one: (0, float(one), "") if not isinstance(one, str) else (1, 0.0, one)))


@dataclass(frozen=True)
class Outcome:
    """A KPI of an arm at every point: `by_seed` (points, seeds), NaN where it is not known.

    `better` is 1 where more is better, -1 where less is, 0 where that depends; `difference` is False for the level of
    a sweep of one arm.
    """

    arm: str
    kpi: str
    unit: str
    better: int
    difference: bool
    by_seed: Array

    @cached_property
    def seeds(self) -> NDArray[np.int64]:
        """Seeds known at every point."""
        return np.isfinite(self.by_seed).sum(axis=1).astype(np.int64)

    @cached_property
    def mean(self) -> Array:
        """Mean over seeds; NaN for a point without any."""
        known = np.isfinite(self.by_seed)
        with np.errstate(invalid="ignore"):
            return np.where(known, self.by_seed, 0.0).sum(axis=1) / np.where(self.seeds > 0, self.seeds, np.nan)

    @cached_property
    def variance(self) -> Array:
        """Sample variance over seeds; NaN below two."""
        gaps = np.where(np.isfinite(self.by_seed), self.by_seed - self.mean[:, None], 0.0)
        return np.where(self.seeds > 1, (gaps**2).sum(axis=1) / np.maximum(self.seeds - 1, 1), np.nan)

    @cached_property
    def error(self) -> Array:
        """Standard error over seeds of every point's mean."""
        return np.sqrt(self.variance / np.maximum(self.seeds, 1))

    @cached_property
    def half(self) -> Array:
        """Half the 95 % interval over seeds of every point's mean."""
        return half_width(self.variance, self.seeds)

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Points with a value."""
        return self.seeds > 0

    @cached_property
    def good(self) -> Array:
        """The means turned so that more is better (as they are, where that depends)."""
        return self.mean * (self.better or 1)

    @cached_property
    def common(self) -> Array:
        """Means over the seeds that every point has, so that no point is luckier than another; all NaN for none."""
        shared = np.isfinite(self.by_seed).all(axis=0)
        if not shared.any():
            return np.full(len(self.by_seed), np.nan)
        return self.by_seed[:, shared].mean(axis=1)


class Study:
    """A sweep read for analysis: its factors and, on asking, the outcomes of its arms."""

    def __init__(self, sweep: Sweep, kpis: Sequence[str] | None = None, arms: Sequence[str] | None = None):
        self.sweep = sweep
        self.manifest: Mapping[str, Any] = sweep.manifest
        self.name = str(self.manifest.get("name", "sweep"))
        self.currency = str(self.manifest.get("currency") or "CNY")
        self.arms = [str(arm) for arm in sweep.arms]
        self.reference = self.arms[0]
        self.seeds = [int(seed) for seed in sweep.seeds]
        told = [kpi for kpi in DEFAULT_KPIS if kpi in sweep.tasks and sweep.tasks[kpi].notna().any()]
        self.kpis = chosen(kpis, [str(kpi) for kpi in sweep.kpis], "KPI", sweep, default=told or DEFAULT_KPIS)
        others = self.arms[1:] or self.arms
        if arms is not None and set(arms) - {self.reference}:  # whoever names it too means what it is compared with
            arms = [arm for arm in arms if arm != self.reference or self.one_arm]
        self.compared = chosen(arms, others, "arm", sweep)
        design = sweep.design
        self.points = design.sort_values("point", kind="stable").reset_index(drop=True)
        self.numbers = self.points["point"].to_numpy(dtype=np.int64)
        varied = [dict(one) for one in sweep.parameters]
        paths = [str(one["path"]) for one in varied]
        switches = [one.get("kind") == "switch" for one in varied]
        plain = [path.removesuffix(".intensity") if off else path for path, off in zip(paths, switches, strict=True)]
        names = short_names(plain)
        self.factors: list[Factor] = []
        self.constant: list[Factor] = []  # the same at every point
        for one, name in zip(varied, names, strict=True):
            factor = _factor(one, name, self.points)
            (self.factors if factor.varies else self.constant).append(factor)
        self._levels: dict[str, Array] = {}

    @property
    def one_arm(self) -> bool:
        """True if there is nothing to compare with."""
        return len(self.arms) == 1

    @property
    def levers(self) -> list[Factor]:
        """What the bank decides."""
        return [factor for factor in self.factors if factor.role == "lever"]

    @property
    def uncertainties(self) -> list[Factor]:
        """What it does not know."""
        return [factor for factor in self.factors if factor.role != "lever"]

    @cached_property
    def crossed(self) -> bool:
        """True if every setting of the levers met every setting of the uncertainties."""
        lever, world = (pd.factorize(self.points[name])[0] for name in ("lever", "world"))
        cells = len(set(zip(lever.tolist(), world.tolist(), strict=True)))
        return cells == (int(lever.max()) + 1) * (int(world.max()) + 1)

    @cached_property
    def _rows(self) -> pd.DataFrame:
        """Rows of the tasks that are ok, and of the columns needed only, with their places."""
        tasks = read_tasks(self.sweep, ["point", "arm", "seed", "status", *self.kpis])
        check_points(Path(self.sweep.path), self.points, tasks["point"].to_numpy(dtype=np.int64))
        place = np.searchsorted(self.numbers, tasks["point"].to_numpy(dtype=np.int64))
        arms = pd.Index(self.arms, dtype=object).get_indexer(pd.Index(tasks["arm"].astype(object)))
        seeds = pd.Index(self.seeds).get_indexer(pd.Index(tasks["seed"]))
        table = tasks[self.kpis].assign(_point=place, _arm=arms, _seed=seeds)
        inside = (place < len(self.numbers)) & (arms >= 0) & (seeds >= 0)
        fine = (tasks["status"].astype(object) == "ok").to_numpy() & inside
        return table[fine]

    def level(self, arm: str, kpi: str) -> Array:
        """A KPI of an arm, points x seeds, NaN where it is not known or not finite."""
        if kpi not in self._levels:
            rows = self._rows
            values = np.full((len(self.arms), len(self.points), len(self.seeds)), np.nan)
            where = tuple(rows[name].to_numpy() for name in ("_arm", "_point", "_seed"))
            values[where] = rows[kpi].to_numpy(dtype=float)
            self._levels[kpi] = np.where(np.isfinite(values), values, np.nan)
        return self._levels[kpi][self.arms.index(arm)]

    def outcome(self, arm: str, kpi: str) -> Outcome:
        """What is analysed of an arm: difference to the reference, or the level of the only arm."""
        values = self.level(arm, kpi)
        if not self.one_arm:
            values = values - self.level(self.reference, kpi)
        return Outcome(arm, kpi, unit_of(kpi, self.currency), better_of(kpi), not self.one_arm, values)

    @cached_property
    def progress(self) -> tuple[int, int]:
        """Tasks done well, and tasks there are to be."""
        expected = len(self.points) * len(self.arms) * len(self.seeds)
        told = self.manifest.get("tasks") if self.ended else None
        return len(self._rows), int(told or expected)

    @property
    def ended(self) -> bool:
        """True if nothing more is to come, unless failed tasks are tried again."""
        return str(self.sweep.status) in ENDED

    @cached_property
    def failed(self) -> pd.DataFrame:
        """Tasks that failed or crashed: task, point, arm, seed, status, error."""
        columns = ["task", "point", "arm", "seed", "status", "error"]
        done, wanted = self.progress
        if done >= wanted:
            return pd.DataFrame({column: [] for column in columns})
        tasks = read_tasks(self.sweep, columns)
        return tasks[tasks["status"].astype(object) != "ok"].sort_values(["point", "arm", "seed"], ignore_index=True)

    def lacking(self, outcomes: Sequence[Outcome]) -> list[int]:
        """Numbers of the points that lack a value of any of these outcomes."""
        lost = ~np.all([one.known for one in outcomes], axis=0)
        return [int(number) for number in self.numbers[lost]]


def read_tasks(sweep: Sweep, columns: Sequence[str]) -> pd.DataFrame:
    """Some columns of the tasks, from the compacted file alone where the sweep is done."""
    file = Path(sweep.path) / "tasks.parquet"
    if str(sweep.status) in ENDED and file.is_file():
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            table = pq.read_table(file, columns=list(columns), read_dictionary=["arm", "status"])
            return table.to_pandas(ignore_metadata=True)
        except (OSError, pa.ArrowException, KeyError):
            pass  # the store says better what is wrong with it
    return sweep.tasks[list(columns)]


def chosen(
    wanted: Sequence[str] | None, there: Sequence[str], what: str, sweep: Sweep, default: Sequence[str] = ()
) -> list[str]:
    """What was asked for, all of it there; without asking the defaults that are there, or the first few."""
    if wanted is None:
        found = [name for name in default if name in there] if default else list(there)
        return found or list(there[:FEW])
    strange = [name for name in dict.fromkeys(wanted) if name not in there]
    if strange:
        raise BadInput([Mistake(str(sweep.path), 0, 0, "", _strange(name, there, what)) for name in strange])
    return list(dict.fromkeys(wanted))


def _strange(name: str, there: Sequence[str], what: str) -> str:
    near = difflib.get_close_matches(name, there, n=1)
    hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(there[:8])}{', ...' if len(there) > 8 else ''}"
    other = "" if what == "KPI" else " to compare"
    return f"no {what} {name}{other} in this sweep; {hint}"


def unit_of(kpi: str, currency: str) -> str:
    """The unit of a KPI; "" for one that is not the bank's."""
    kpi = base_name(kpi)
    return KPIS[kpi].unit_in(currency) if kpi in KPIS else ""


def better_of(kpi: str) -> int:
    """1 if more is better, -1 if less, 0 if that depends; a KPI that is not the bank's is taken as a gain."""
    known = KPIS.get(base_name(kpi))
    return 1 if known is None else {"higher": 1, "lower": -1}.get(known.better or "", 0)


def _factor(one: Mapping[str, Any], name: str, points: pd.DataFrame) -> Factor:
    kind = str(one.get("kind") or "number")
    column = points[str(one["path"])]
    values = column.to_numpy(dtype=object)
    if kind in ("number", "integer"):
        try:
            values = column.to_numpy(dtype=float)
        except (TypeError, ValueError):  # somebody listed other things too
            kind = "choice"
    return Factor(
        path=str(one["path"]),
        name=name,
        kind=kind,
        role=str(one.get("role") or "uncertainty"),
        unit=str(one.get("unit") or ""),
        about=str(one.get("about") or ""),
        source=str(one.get("source") or ""),
        log=bool(one.get("log")),
        base=one.get("base"),
        values=values,
        levels=levels_of(values),
    )


def short_names(paths: Sequence[str]) -> list[str]:
    """Names for reading: the last two words of a path, more where two would be the same."""
    parts = [path.split(".") for path in paths]
    names = []
    for place, own in enumerate(parts):
        size = min(2, len(own))
        if len(own) > 1 and own[0] == "arms":
            size = min(size, len(own) - 2) or 1
        while size < len(own) and any(
            other[-size:] == own[-size:] for number, other in enumerate(parts) if number != place
        ):
            size += 1
        names.append(" ".join(spoken(one, "") for one in own[-size:]))
    return names
