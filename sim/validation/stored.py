"""A measurement as it is stored: facts.csv, seeds.csv and validation.json, in a folder or beside this file.

The pair beside this file is the last full table, which the program ships and docs/validation.md is written from.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sim import house
from sim.errors import BadInput
from sim.store.files import why_unreadable, write_csv, write_json
from sim.store.validation_columns import VALIDATION
from sim.validation import strategies
from sim.validation.courses import COURSES, Curve
from sim.validation.experiments import Size
from sim.validation.findings import ABSENT, FACTS, HOLDS, MISSES, UNCLEAR, Finding
from sim.validation.measuring import Measured, model_digest
from sim.validation.statistics import Interval

FORMAT = "rapport-validation"
FACTS_FILE, SEEDS_FILE, RECORD = "facts.csv", "seeds.csv", "validation.json"
SHIPPED = Path(__file__).parent
SHIPPED_FACTS, SHIPPED_RECORD = "shipped.csv", "shipped.json"
COUNTED = {"met": HOLDS, "missed": MISSES, "unclear": UNCLEAR, "not_modelled": ABSENT}


@dataclass(frozen=True)
class Stored:
    """A measurement read back: its table, what validation.json says, and figures by seed where they are there."""

    table: pd.DataFrame
    record: Mapping[str, Any]
    seeds: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(VALIDATION["seeds"].names)))

    @property
    def verdicts(self) -> Mapping[str, str]:
        """The verdict on each fact that was measured."""
        return {one["fact"]: one["verdict"] for one in self.record["facts"]}

    def findings(self) -> dict[str, list[Finding]]:
        """Figures by fact as they were measured, against the tolerances that hold today."""
        rows = {(row["fact"], row["measure"]): row for row in self.table.to_dict("records")}
        found: dict[str, list[Finding]] = {}
        for fact in FACTS:
            figures = [rows.get((fact.name, what)) for what in (*fact.tolerances, *fact.shown)]
            nothing = Interval.of(np.zeros(0))
            found[fact.name] = [
                Finding(fact, what, Interval(row["mean"], row["low"], row["high"]) if row else nothing)
                for what, row in zip((*fact.tolerances, *fact.shown), figures, strict=True)
                if not fact.absent
            ]
        return found


def table_of(measured: Measured) -> pd.DataFrame:
    """facts.csv: a row a figure, and one for a fact that is not modelled."""
    rows: list[tuple[Any, ...]] = []
    for fact in FACTS:
        for one in measured.found.get(fact.name, []):
            low, high = one.tolerance or (np.nan, np.nan)
            interval = (one.interval.mean, one.interval.low, one.interval.high)
            fitted = fact.fitted.get(one.what, "")
            rows.append((fact.name, fact.claim, one.what, *interval, low, high, one.verdict, fitted))
        if fact.absent and fact.name in measured.found:
            rows.append((fact.name, fact.claim, "", *[np.nan] * 5, ABSENT, ""))
    return pd.DataFrame(rows, columns=list(VALIDATION["facts"].names))


def _by_seed(measured: Measured) -> pd.DataFrame:
    rows = [
        (fact, one.what, seed, value)
        for fact, findings in measured.found.items()
        for one in findings
        for seed, value in one.values.items()
    ]
    return pd.DataFrame(rows, columns=list(VALIDATION["seeds"].names))


def _curve(curve: Curve, seeds: Mapping[int, Mapping[str, float]]) -> dict[str, Any]:
    points = []
    for x, what in curve.points.items():
        interval = Interval.of(np.array([figures.get(what, np.nan) for figures in seeds.values()], float))
        points.append([x, interval.mean, interval.low, interval.high])
    return {"name": curve.name, "x": curve.x, "y": curve.y, "percent": curve.y == "%", "points": points}


def record_of(measured: Measured, surroundings: Mapping[str, Any]) -> dict[str, Any]:
    """validation.json: of which model and size, the verdicts and how many of each, words and curves for the page."""
    verdicts = measured.verdicts
    told = [fact for fact in FACTS if fact.name in verdicts]
    pairing = strategies.pairing(list(measured.pairing.values())) if len(measured.pairing) > 1 else []
    return {
        "format": FORMAT,
        "format_version": 1,
        **surroundings,
        "model": measured.digest,
        "customers": measured.size.customers,
        "seeds": list(measured.seeds),
        **{key: list(verdicts.values()).count(word) for key, word in COUNTED.items()},
        "of": len(verdicts),
        "broken": {fact: list(why) for fact, why in measured.broken.items()},
        "core_seconds": measured.seconds,
        "facts": [
            {
                "fact": fact.name,
                "claim": fact.claim,
                "how": fact.how,
                "verdict": verdicts[fact.name],
                "note": fact.absent or fact.note,
                "styles": {what: fact.style_of(what) for what in (*fact.tolerances, *fact.shown)},
                "curves": [_curve(curve, measured.curves[fact.name]) for curve in COURSES.get(fact.name, ())],
            }
            for fact in told
        ],
        "pairing": [
            {"arm": arm, **{kpi: list(ratio) for kpi, ratio in zip(strategies.PAIRED, ratios, strict=True)}}
            for arm, ratios in pairing
        ],
        "pairing_seeds": len(measured.pairing),
    }


def write(folder: Path, measured: Measured, surroundings: Mapping[str, Any]) -> Stored:
    """Write the table and what stands beside it into a folder that is there; returns them as they are read back."""
    write_csv(folder / FACTS_FILE, table_of(measured))
    write_csv(folder / SEEDS_FILE, _by_seed(measured))
    write_json(folder / RECORD, record_of(measured, surroundings))
    return read(folder)


def read(folder: Path) -> Stored:
    """A stored measurement; `BadInput` where the folder holds none."""
    seeds = folder / SEEDS_FILE
    found = _read(folder / FACTS_FILE, folder / RECORD)
    return Stored(found.table, found.record, pd.read_csv(seeds)) if seeds.exists() else found


def shipped() -> Stored:
    """The last full measurement, which the program comes with."""
    return _read(SHIPPED / SHIPPED_FACTS, SHIPPED / SHIPPED_RECORD)


def not_to_ship(stored: Stored) -> str:
    """Why a measurement is not the table that the program may come with; "" if it is."""
    if missing := [fact.name for fact in FACTS if fact.name not in stored.verdicts]:
        return f"not of all facts: {', '.join(missing)} are missing"
    if (digest := model_digest()) != stored.record["model"]:
        return f"measured by other code ({stored.record['model']}, this is {digest}); measure anew"
    if stored.record["customers"] < Size().customers:
        return f"of {stored.record['customers']:,} customers; tolerances are for {Size().customers:,}"
    return ""


def ship(stored: Stored, **more: Any) -> None:
    """Make a measurement the one that the program comes with; `more` is said in its record besides."""
    write_csv(SHIPPED / SHIPPED_FACTS, stored.table)
    write_json(SHIPPED / SHIPPED_RECORD, {**stored.record, **more})


def kept_bank() -> str:
    """A digest of the bank that a checkout keeps (tests/golden.csv), to the four digits that no fact is told beyond.

    While it stays, so do facts.
    """
    kept = pd.read_csv(house.FOLDER.parent / "tests" / "golden.csv").to_csv(index=False, float_format="%.4g")
    return hashlib.sha256(kept.encode()).hexdigest()[:12]


def _read(table: Path, record: Path) -> Stored:
    try:
        said = json.loads(record.read_bytes())
        if not isinstance(said, dict) or said.get("format") != FORMAT:
            raise BadInput.at(str(record), f'not of a measurement of facts (it should say "format": "{FORMAT}")')
        found = pd.read_csv(table, keep_default_na=False, na_values={c: [""] for c in _NUMBERS})
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput.at(str(table.parent), f"no measurement of facts: {why_unreadable(error)}") from None
    return Stored(found, said)


_NUMBERS = [column.name for column in VALIDATION["facts"].columns if column.dtype == "float64"]
