"""A calibration in words: a row a number, a line a check, what a default should do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from sim.calibration.checks import HARDLY, INFORMED, word_of
from sim.calibration.prior import unit_of
from sim.calibration.problem import Free
from sim.calibration.stored import Calibrated
from sim.calibration.terms import METHODS
from sim.phrases import counted, listed
from sim.reporting.figures import units
from sim.reporting.run.terminal import aligned
from sim.store.files import plain

HEAD = ("parameter", "prior", "posterior 90 %", "informed", "default", "default inside?")
LAST, MANY = 0.02, 0.2  # of the prior's width; of the draws, where an even one has as many as `LAST`
WORDS = {True: "passed", False: "FAILED", None: "not checked"}  # the last is neither of the others
TITLES = {
    "ranks": "Known answers are found: ranks are even",
    "coverage": "Known answers are found: 90 % intervals hold them",
    "misfit": "The model fits what it was fitted to",
    "target": "Targets that it does not meet",
    "predictive": "It predicts what the fit did not see",
    "exact": "Draws agree with the exact posterior",
    "independent": "Another method agrees, which never asks the likelihood",
    "sample": "Enough trials stand behind the draws",
}


def short(value: float) -> str:
    """A number in four significant digits, without an exponent where that can be read."""
    if value is None or not np.isfinite(value):
        return units.MISSING
    if value == 0:
        return "0"
    if not 1e-4 <= abs(value) < 1e6:
        return f"{value:.3g}".replace("-", units.MINUS)
    digits = max(0, 3 - int(np.floor(np.log10(abs(value)))))
    return units.number(value, digits)


def between(low: float, high: float) -> str:
    """An interval."""
    return f"{short(low)} to {short(high)}"


def rows_of(found: Calibrated) -> list[dict[str, Any]]:
    """A number each: prior, posterior, how far informed, what the scenario has and whether that is inside."""
    single = found.identifiability[found.identifiability["with"] == ""].set_index("parameter")
    rows = []
    for one in found.record["parameters"]:
        draws = found.draws[one["path"]].to_numpy(float)
        low, high = np.quantile(draws, [0.05, 0.95])
        informed = float(single.loc[one["path"], "informed"])
        inside = low <= one["value"] <= high
        rows.append(
            {
                **one,
                "prior": (one["low"], one["high"]),
                "mean": float(draws.mean()),
                "interval": (float(low), float(high)),
                "informed": informed,
                "word": word_of(informed),
                "inside": bool(inside),
                "pressed": _pressed(draws, one),
                "said": "of the data alone" if one["nuisance"] else "yes" if inside else "no",
            }
        )
    return rows


def _pressed(draws: Any, one: dict[str, Any]) -> bool:
    """Whether many draws lie in the last bit of the prior at one end."""
    unit = unit_of([Free(**one)], np.asarray(draws, float)[:, None])[:, 0]
    return bool(max((unit < LAST).mean(), (unit > 1.0 - LAST).mean()) > MANY)


def cells(row: dict[str, Any]) -> tuple[str, ...]:
    """A row of the table as text."""
    name = f"{row['path']} ({row['unit']})" if row["unit"] else str(row["path"])
    default = "" if row["nuisance"] else short(row["value"])
    informed = f"{units.percent(row['informed'], 0)} {row['word']}"
    return name, between(*row["prior"]), between(*row["interval"]), informed, default, row["said"]


def check_lines(found: Calibrated) -> list[dict[str, Any]]:
    """A line a kind of check: whether it holds everywhere, and where it does not; `passed` None: not checked."""
    lines = []
    for kind, rows in found.checks.groupby("check", sort=False):
        bad = rows[~rows["passed"]]
        if len(bad):
            names = listed([f"{one['of']}: {one['about']}" for one in bad.head(3).to_dict(orient="records")])
            more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
            text = names + more
        elif len(rows) == 1:
            text = str(rows["about"].iloc[0])
        elif kind == "coverage":
            about = f"{units.percent(rows['value'].min(), 0)} to {units.percent(rows['value'].max(), 0)}"
            text = f"{about} of {found.record['fits']} fits for {counted(len(rows), 'number')}"
        elif kind == "ranks":
            text = f"rank ECDF of {found.record['fits']} fits inside its simultaneous band for all {len(rows)} numbers"
        else:
            text = f"all {len(rows)}"
        lines.append(
            {"kind": str(kind), "title": TITLES.get(str(kind), str(kind)), "passed": not len(bad), "text": text}
        )
    if not found.record["fits"]:
        why = "a range has no ranks" if found.record["method"] == "history_matching" else "no fits were asked for"
        lines.insert(0, {"kind": "ranks", "title": TITLES["ranks"], "passed": None, "text": why})
    return lines


def headlines(found: Calibrated) -> list[str]:
    """What the calibration says, in sentences."""
    return list(_headlines(found))


def _headlines(found: Calibrated) -> Iterator[str]:
    bad = [line for line in check_lines(found) if line["passed"] is False]
    if any(line["kind"] == "misfit" for line in bad):
        yield "The model does not fit these data: its intervals are too sure, so look first at what it misses."
    rows = [row for row in rows_of(found) if not row["nuisance"]]
    informed = [row for row in rows if row["informed"] >= HARDLY]
    well = [row for row in informed if row["informed"] >= INFORMED]
    weakly = [row for row in informed if row["informed"] < INFORMED]
    silent = [row["path"] for row in rows if row["informed"] < HARDLY]
    if well:
        yield f"The data inform {len(well)} of {counted(len(rows), 'number')}: {names(well)}."
    else:
        yield f"The data inform none of {counted(len(rows), 'number')}{' well' if weakly else ''}."
    if weakly:
        yield f"They inform weakly {names(weakly)}: more than half of what was believed is left open."
    if silent:
        yield f"They say next to nothing of {listed(silent)}: the posterior is the prior."
    pressed = [row for row in informed if row["pressed"]]
    if pressed:
        yield f"The data press against the end of the prior of {names(pressed)}: a wider one, or a wrong model."
    outside = [row for row in informed if not row["inside"]]
    if outside:
        yield f"The default lies outside the 90 % interval for {names(outside)}."
    elif informed:
        yield "Every default lies inside its 90 % interval."
    pairs = found.identifiability[found.identifiability["with"] != ""]
    for one in pairs.to_dict(orient="records"):
        r = units.number(one["correlation"], 2)
        yield f"{one['parameter']} and {one['with']}: {one['verdict']} (correlation {r})."
    if bad:
        yield f"Not passed: {listed([line['title'].lower() for line in bad])}."


def names(rows: Sequence[dict[str, Any]]) -> str:
    """Names of rows in a sentence."""
    shown = [row["path"] for row in rows[:6]]
    return listed(shown) + (f" and {len(rows) - 6} more" if len(rows) > 6 else "")


def setting(found: Calibrated) -> str:
    """How it was made, in a line."""
    told = found.record
    of = f"study {told['study']}" if told["study"] else f"scenario {told['scenario']}"
    stages = told["facts"].get("stages")
    made = "lives of the bank" if "lived" in told["facts"] else "data sets made up"
    staged = f" in {counted(len(stages), 'stage')}" if stages else ""
    return (
        f"{of}, {counted(len(found.fit), 'target')}, {METHODS[told['method']]}{staged}, "
        f"{told['simulations']:,} {made}, {len(found.draws):,} draws"
    )


def terminal_table(found: Calibrated) -> str:
    """The answer for a terminal: numbers, then checks."""
    rows = [cells(row) for row in rows_of(found)]
    lines = [f"{found.record['name']}: {setting(found)}", "", *aligned([HEAD], rows, left=(0, 3, 5)), ""]
    lines += headlines(found)
    lines += [
        "",
        *(f"{WORDS[one['passed']]}  {one['title']}: {one['text']}" for one in check_lines(found)),
    ]
    return "\n".join(line.replace(units.GAP, " ") for line in lines)


def as_json(found: Calibrated) -> dict[str, Any]:
    """The answers as plain data."""
    keys = ("name", "study", "scenario", "method", "digest", "result_digest", "simulations", "ess", "passed", "of")
    told: dict[str, Any] = {key: found.record.get(key) for key in keys}
    rows = [
        {key: row[key] for key in ("path", "unit", "prior", "mean", "interval", "informed", "value", "inside")}
        for row in rows_of(found)
    ]
    checks = found.checks.to_dict(orient="records")
    fit = found.fit.to_dict(orient="records")
    return dict(plain({**told, "folder": str(found.path), "parameters": rows, "checks": checks, "fit": fit}))
