"""validation.html and its figures, out of facts.csv, seeds.csv and what validation.json says."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from sim.phrases import counted
from sim.reporting.figures import Plate
from sim.reporting.figures.validation import Line, against_tolerances, course
from sim.reporting.page import by_section, draw_all, page_of
from sim.reporting.validation.words import Interval, counts, figure_words, tolerance_words
from sim.store.files import write_atomically

Row = Mapping[str, Any]  # of facts.csv
FILES = ("facts.csv", "seeds.csv", "validation.json", "validation.html", "figures/*.png", "figures/*.svg")
READING = (
    "Grey-green is the tolerance, the dot the mean over seeds, the line its 95 % interval, each stroke a seed. Every "
    "row has a scale of its own; a tolerance without an end runs to the edge."
)
COURSE = "Mean over seeds; the band is the 95 % interval."


def write(folder: Path, table: pd.DataFrame, record: Mapping[str, Any], seeds: pd.DataFrame) -> Path:
    """Write the figures and the page into a folder that holds the tables; returns the page."""
    facts = record["facts"]
    by_fact = rows_of(table)
    plates = [plate for one in facts for plate in _plates(one, by_fact[one["fact"]], seeds, len(record["seeds"]))]
    pictures, _ = draw_all(plates, folder, ids="v")
    verdicts = [one["verdict"] for one in facts]
    sections = dict(
        name="Validation",
        counts=counts(verdicts),
        setting=_setting(record),
        facts=[
            {
                **one,
                "main": main_figure(one, by_fact[one["fact"]]),
                "fitted": [f"{row['measure']}: {row['fitted']}" for row in by_fact[one["fact"]] if row["fitted"]],
                "shown": [
                    (row["measure"], figure_words(_interval(row), one["styles"][row["measure"]]))
                    for row in by_fact[one["fact"]]
                    if row["measure"] and not row["verdict"]
                ],
                "broken": record["broken"].get(one["fact"], []),
            }
            for one in facts
        ],
        origin=[
            ("Model", f"{record['model']} (digest of its sources)"),
            ("Program", str(record.get("code_version", ""))),
            ("Measured", str(record.get("created", ""))),
            ("Customers", f"{record['customers']:,}"),
            ("Seeds", ", ".join(map(str, record["seeds"]))),
        ],
        reading=READING,
        pictures=by_section(pictures),
    )
    page = folder / "validation.html"
    write_atomically(page, page_of("validation.html.j2", sections))
    return page


def rows_of(table: pd.DataFrame) -> dict[str, list[Row]]:
    """The rows of facts.csv by fact."""
    found: dict[str, list[Row]] = {}
    for row in table.to_dict("records"):
        found.setdefault(row["fact"], []).append({str(key): value for key, value in row.items()})
    return found


def main_figure(one: Mapping[str, Any], rows: Sequence[Row]) -> str:
    """The figure that stands for a fact in a table: the first that gave its verdict."""
    for row in rows:
        if row["verdict"] == one["verdict"] and row["measure"]:
            return f"{row['measure']}: {figure_words(_interval(row), one['styles'][row['measure']])}"
    return ""


def _plates(one: Mapping[str, Any], rows: Sequence[Row], seeds: pd.DataFrame, count: int) -> list[Plate]:
    """The figures of one fact."""
    name = one["fact"]
    values = {measure: found["value"].tolist() for measure, found in seeds[seeds["fact"] == name].groupby("measure")}
    lines = []
    for row in rows:
        bounds, span, what = (row["tolerance_low"], row["tolerance_high"]), _interval(row), row["measure"]
        if bounds[0] == bounds[0]:
            style = one["styles"][what]
            said_so = tolerance_words(bounds, style)
            text = f"{figure_words(span, style)}\ntolerance {said_so}"
            bounds = (bounds[0], math.inf) if said_so == "above 0" else bounds  # 1 is no bound there
            lines.append(Line(what, *span, bounds, row["verdict"], text, values.get(what, ())))
    title = f"{name}: {one['claim']}"
    said = f"{one['verdict']}; mean over {counted(count, 'seed')} with its 95 % interval, against the tolerance"
    plates = [Plate(f"fact_{name}", partial(against_tolerances, title, said, lines), title, READING, name)]
    for number, curve in enumerate(one["curves"], 1):
        draw = partial(course, f"{name}: {curve['name']}", COURSE, curve)
        plates.append(Plate(f"fact_{name}_course_{number}", draw, curve["name"], COURSE, name))
    return plates


def _interval(row: Row) -> Interval:
    return Interval(row["mean"], row["low"], row["high"])


def _setting(record: Mapping[str, Any]) -> str:
    seeds = record["seeds"]
    return (
        f"Bank B with {record['customers']:,} customers one to one, {counted(len(seeds), 'seed')}; where "
        "a fact says so it is an experiment of its own. No parameter and no tolerance is changed by measuring."
        + (" Two seeds: t = 12.7, so intervals may leave the possible; ten say more." if len(seeds) == 2 else "")
    )
