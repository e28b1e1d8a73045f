"""Targets of a whole bank: what was seen, and how the same figure is read off a bank that was lived.

A kind of targets is a function from what a file says to readings and the covariance of their noise.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.calibration.file import Calibration, FromFile, FromPilot, KpiTarget
from sim.calibration.problem import Floats, Target
from sim.errors import BadInput, Mistake
from sim.measures.catalogue import NEEDS_A_YEAR
from sim.yaml_source import Source, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("kpi", "value", "error")  # of a table of targets; the others may be left out
OPTIONAL = ("arm", "against", "month", "used")
AT_THE_END = ("retention", "retention_12m", "cost_per_saved_customer")  # of the scenario: earlier months have none
YEAR = 12  # months
TRUTHS = {"": True, "yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}


@dataclass(frozen=True)
class Reading:
    """A target, and of which figure of a lived bank it is: `kpi` of an arm, less that of `against`, to a month."""

    target: Target
    kpi: str
    arm: str
    against: str | None = None
    month: int | None = None

    @property
    def column(self) -> str:
        """Where the figure stands in what was lived."""
        return self.kpi if self.month is None else f"{self.kpi}@{self.month}"

    @property
    def arms(self) -> tuple[str, ...]:
        """Arms that have to be lived for it."""
        return (self.arm,) if self.against is None else (self.against, self.arm)

    def of(self, tasks: pd.DataFrame) -> pd.Series:
        """Its figure by point and seed, from rows of points, arms and seeds; NaN where an arm has none."""
        sides = [tasks[tasks["arm"] == arm].set_index(["point", "seed"])[self.column] for arm in self.arms]
        return sides[0] if len(sides) == 1 else sides[1] - sides[0]


@dataclass(frozen=True)
class Read:
    """All readings of a calibration, and the covariance (m, m) of their noise.

    `notes` are what somebody should know of how they were read, `data` digests of the files that they are from.
    """

    readings: Sequence[Reading]
    covariance: Floats
    notes: Sequence[str] = ()
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bank:
    """What of a scenario a target may speak of."""

    arms: Sequence[str]
    kpis: Sequence[str]
    months: int
    units: Mapping[str, str]


def readings_of(asked: Calibration, source: Source, bank: Bank) -> Read:
    """The readings that a file asks for; `BadInput` with the place of each that the bank does not have."""
    given = asked.targets
    read = next(how for kind, how in KINDS if isinstance(given, kind))
    found = read(given, source, bank)
    held = [
        replace(one, target=replace(one.target, used=False)) if one.target.name in asked.hold_out else one
        for one in found.readings
    ]
    if not any(one.target.used for one in held):
        raise BadInput([source.mistake(("targets",), "none is used; one to fit by")])
    return replace(found, readings=held)


def _listed(given: Any, source: Source, bank: Bank) -> Read:
    mistakes: list[Mistake] = []
    found: list[Reading] = []
    for i, one in enumerate(given):
        wrong = _wrong(one, bank)
        mistakes += [source.mistake(("targets", i, key), message) for key, message in wrong]
        if again := _again(_reading(one, bank), found, bank):
            mistakes.append(source.mistake(("targets", i), again))
        found.append(_reading(one, bank))
    if mistakes:
        raise BadInput(mistakes)
    return _independent(found)


def _tabled(given: Any, source: Source, bank: Bank) -> Read:
    file = Path(source.file).parent / given.file
    try:
        with open(file, encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise BadInput([source.mistake(("targets", "file"), f"{file}: {what}; a CSV file of targets")]) from None
    mistakes: list[Mistake] = []
    found: list[Reading] = []
    head = list(rows[0]) if rows else []
    for name in COLUMNS:
        if name not in head:
            mistakes.append(Mistake(str(file), 1, 1, name, "no such column; kpi, value and error are needed"))
    for name in head:
        if name not in (*COLUMNS, *OPTIONAL):
            hint = did_you_mean(str(name), [*COLUMNS, *OPTIONAL], all_if_none="one of")
            mistakes.append(Mistake(str(file), 1, 1, str(name), f"no column of targets; {hint}"))
    if mistakes:
        raise BadInput(mistakes)
    for line, row in enumerate(rows, start=2):
        try:
            one = _of_row(row)
        except ValueError as slip:
            mistakes.append(Mistake(str(file), line, 1, "", str(slip)))
            continue
        mistakes += [Mistake(str(file), line, 1, key, message) for key, message in _wrong(one, bank)]
        if again := _again(_reading(one, bank), found, bank):
            mistakes.append(Mistake(str(file), line, 1, "", again))
        found.append(_reading(one, bank))
    if mistakes:
        raise BadInput(mistakes)
    return _independent(found)


def _of_row(row: Mapping[str, str]) -> KpiTarget:
    """A row of a table. Raises ValueError, for users."""
    told = {key: (row.get(key) or "").strip() for key in (*COLUMNS, *OPTIONAL)}

    def number(key: str) -> float:
        try:
            value = float(told[key])
        except ValueError:
            raise ValueError(f"{key}: {told[key]!r} is no number") from None
        if not np.isfinite(value) or (key == "error" and value <= 0):
            raise ValueError(f"{key}: {told[key]}; a finite number{' above 0' if key == 'error' else ''}")
        return value

    if told["used"].lower() not in TRUTHS:
        raise ValueError(f"used: {told['used']!r}; yes or no")
    if told["month"] and not (told["month"].isdigit() and int(told["month"]) >= 1):
        raise ValueError(f"month: {told['month']!r}; a whole number from 1")
    return KpiTarget(
        kpi=told["kpi"],
        arm=told["arm"] or None,
        against=told["against"] or None,
        month=int(told["month"]) if told["month"] else None,
        value=number("value"),
        error=number("error"),
        used=TRUTHS[told["used"].lower()],
    )


def _of_pilot(given: Any, source: Source, bank: Bank) -> Read:
    """Differences between the arms of an A/B test of the bank's own (`sim.calibration.pilot`)."""
    from importlib import import_module

    found: Read = import_module("sim.calibration.pilot").readings(given, source, bank)
    return found


KINDS: Sequence[tuple[type, Callable[[Any, Source, Bank], Read]]] = (
    (list, _listed),
    (FromFile, _tabled),
    (FromPilot, _of_pilot),
)


def _wrong(one: KpiTarget, bank: Bank) -> list[tuple[str, str]]:
    """What of a target the bank does not have, by key."""
    slips = []
    if one.kpi not in bank.kpis:
        slips.append(("kpi", f"no such key figure; {did_you_mean(one.kpi, list(bank.kpis)) or 'run.py list has them'}"))
    for key, arm in (("arm", one.arm), ("against", one.against)):
        if arm is not None and arm not in bank.arms:
            slips.append((key, f"unknown arm {arm!r}; {', '.join(bank.arms)}"))
    if one.against is not None and one.against == (one.arm or bank.arms[0]):
        slips.append(("against", "is the same arm; another one, or leave it out"))
    if one.month is not None and one.month > bank.months:
        slips.append(("month", f"{one.month} is after the last month, {bank.months}"))
    elif why := no_figure(one.kpi, one.month or bank.months, bank):
        slips.append(("kpi" if one.month is None else "month", f"{one.name}: {why}"))
    return slips


def no_figure(kpi: str, month: int, bank: Bank) -> str:
    """Why no life has this key figure to this month; nothing where it has."""
    name = kpi.partition("[")[0]
    if name in AT_THE_END and month < bank.months:
        return f"{name} is known at the last month of the scenario, {bank.months}; that, or set: {{months: {month}}}"
    if name in NEEDS_A_YEAR and month < YEAR:
        return f"{name} is of {YEAR} months or more; a later month, or another figure"
    return ""


def _again(one: Reading, found: Sequence[Reading], bank: Bank) -> str:
    """What to say where a target is of a figure that another one is of already, whatever either is called."""

    def figure(of: Reading) -> tuple[str, frozenset[str], int]:
        return of.kpi, frozenset(of.arms), of.month or bank.months

    first = next((other.target.name for other in found if figure(other) == figure(one)), None)
    if first is None:
        return ""
    return f"{one.target.name} is a target already{f', as {first}' if first != one.target.name else ''}; once"


def _reading(one: KpiTarget, bank: Bank) -> Reading:
    target = Target(one.name, one.value, one.error, bank.units.get(one.kpi, ""), one.used)
    return Reading(target, one.kpi, one.arm or bank.arms[0], one.against, one.month)


def _independent(found: Sequence[Reading]) -> Read:
    """Readings whose noise is their own."""
    return Read(found, np.diag([one.target.error**2 for one in found]))
