"""The sign-off page as text, from what was handed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from sim.measures.chain import LINKS
from sim.phrases import counted, labelled
from sim.reporting.figures import Board, units
from sim.reporting.names import labels_of
from sim.reporting.page import page_of
from sim.reporting.run.assumptions_used import arms_in_words, scenario_of
from sim.reporting.run.beliefs import under_beliefs
from sim.reporting.run.decision import decide
from sim.reporting.run.key_figures import KeyFigures
from sim.reporting.run.page import book_facts, seeds_option, setting
from sim.reporting.run.page import facts as facts_of_run
from sim.reporting.sign_off import words
from sim.reporting.sign_off.handed import Calibration, Facts, Handed
from sim.reporting.sweep.tables import drivers
from sim.reporting.validation.page import main_figure, rows_of
from sim.reporting.validation.words import tolerance_words
from sim.store.sign_off_columns import STANDINGS

HOLDS = "holds"  # of the words of a verdict on a fact
MOST_DRIVERS = 8  # of an arm in a sweep; the sweep's own report has all
Row = Mapping[str, Any]


def render(handed: Handed) -> str:
    """The page as text; everything that comes from a scenario, a book or a folder is escaped."""
    run = handed.run
    comparison = run.comparison if len(run.arms) > 1 else None
    board = Board(run, comparison=comparison)
    figures = KeyFigures(run.summary, comparison, board.evidence)
    scenario = scenario_of(run.scenario_text)
    with labelled(labels_of(run.manifest)):
        sections = dict(
            name=str(run.manifest["name"]),
            question=str(run.manifest.get("about") or ""),
            setting=setting(run, board, scenario),
            lines=words.summary_lines(handed),
            damaged=[*handed.wrong],
            unknown=[*handed.unknown],
            strategies=arms_in_words(scenario, run.manifest.get("assumptions") or {}),
            chains=_chains(run.manifest),
            decision=decide(run, figures, board),
            beliefs=under_beliefs(run, figures) if board.believes else None,
            sweep=_sweep(handed),
            book=book_facts(run.manifest),
            population=_population(scenario),
            posteriors=run.manifest.get("posteriors", []),
            plugins=run.manifest.get("plugins", []),
            register=_register(handed.register),
            standings=_standings(handed.register),
            departures=_rows(handed.register[handed.register["differs"] | handed.register["outside"]]),
            notes=handed.notes,
            facts=_facts(handed.facts),
            missed=[one for one in _facts(handed.facts) if one["verdict"] != HOLDS],
            measured=words.measured_by(handed.facts, run.manifest),
            calibrations=[_calibration(one) for one in handed.calibrations],
            no_calibration=words.NO_CALIBRATION,
            no_sensitivity=words.NO_SENSITIVITY,
            one_arm=words.ONE_ARM,
            reproduce=facts_of_run(run, board),
            forked=run.manifest.get("forked"),
            resumed=int(run.manifest.get("resumed", 0)),
            failed=run.manifest.get("failed") or [],
            seeds=seeds_option(board.seeds),
            command=handed.command,
            packed=handed.packed,
            files=len(run.manifest.get("files", {})),
        )
        return page_of("sign_off.html.j2", sections)


def _chains(manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How each arm is meant to work, its links in words."""
    told = manifest.get("chains") or {}
    return [
        (arm, " → ".join(LINKS[link].label for link in links if link in LINKS)) for arm, links in told.items() if links
    ]


def _population(scenario: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a synthetic bank is made of."""
    told = scenario.get("population")
    if not isinstance(told, Mapping):
        return []
    return [(str(key), str(told[key])) for key in ("source", "preset", "customers", "agents") if key in told]


def _rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows of the register as text."""
    return [
        {
            **{str(key): value for key, value in row.items()},
            "range": "" if pd.isna(row["plausible_low"]) else f"{row['plausible_low']:g} to {row['plausible_high']:g}",
        }
        for row in table.to_dict("records")
    ]


def _register(table: pd.DataFrame) -> list[tuple[str, list[dict[str, Any]]]]:
    """Sections of the scenario with their numbers, in its order; settings without a source are left out here."""
    numbers = table[table["standing"] != ""]
    return [(str(section), _rows(rows)) for section, rows in numbers.groupby("section", sort=False)]


def _standings(table: pd.DataFrame) -> list[tuple[str, str, int, int]]:
    """What stands behind numbers: the word, what it means, how many, and how many of those the run departs from."""
    counted_by = [(name, what, table[table["standing"] == name]) for name, what in STANDINGS.items()]
    return [(name, what, len(rows), int(rows["differs"].sum())) for name, what, rows in counted_by]


def _facts(facts: Facts) -> list[dict[str, Any]]:
    """A row a fact: its claim, the figure that gave the verdict, tolerance, verdict, what was fitted, what is known."""
    by_fact, found = rows_of(facts.table), []
    for one in facts.record["facts"]:
        rows = by_fact.get(one["fact"], [])
        decisive = [row for row in rows if row["verdict"] == one["verdict"] and row["measure"]]
        bounds = (decisive[0]["tolerance_low"], decisive[0]["tolerance_high"]) if decisive else None
        known = bounds is not None and not pd.isna(bounds[0])
        style = one.get("styles", {}).get(decisive[0]["measure"], ".3f") if decisive else ".3f"
        fitted = [str(row["fitted"]) for row in rows if row["fitted"] and not pd.isna(row["fitted"])]
        found.append(
            {
                "fact": one["fact"],
                "claim": one["claim"],
                "verdict": one["verdict"],
                "figure": main_figure(one, rows),
                "tolerance": tolerance_words(bounds, style) if known else "",
                "fitted": ", ".join(dict.fromkeys(fitted)),
                "note": str(one.get("note", "")).replace("`", ""),
            }
        )
    return found


def _calibration(one: Calibration) -> dict[str, Any]:
    """A calibration as rows of text."""
    found, record = one.stored, one.stored.record
    priors = {str(told["path"]): told for told in record.get("parameters", [])}
    single = found.identifiability["with"] == ""
    return {
        "name": one.name,
        "about": str(record.get("about", "")),
        "line": words.checks_line(one),
        "facts": [
            (label, str(record[key]))
            for label, key in (
                ("Digest", "digest"),
                ("Version", "code_version"),
                ("Method", "method"),
                ("Simulations", "simulations"),
            )
            if record.get(key) not in (None, "")
        ],
        "data": list((record.get("data") or {}).items()),
        "numbers": [_learned(row, priors, found.draws) for row in _records(found.identifiability[single])],
        "pairs": [
            f"{row['parameter']} with {row['with']}: {row['verdict']}"
            for row in _records(found.identifiability[~single])
        ],
        "fit": [
            {
                "target": row["target"],
                "used": "fitted" if row["used"] else "not used: a check",
                "observed": words.number(row["observed"]),
                "fitted": words.number(row["fitted"]),
                "interval": _interval(row),
                "z": words.number(row["z"], 2),
            }
            for row in _records(found.fit)
        ],
        "checks": [
            {
                "check": f"{row['check']} {row['of']}".strip(),
                "value": words.number(row["value"]),
                "interval": _interval(row),
                "passed": bool(row["passed"]),
                "about": row["about"],
            }
            for row in _records(found.checks.fillna({"of": "", "about": ""}))
        ],
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _learned(row: Row, priors: Mapping[str, Row], draws: pd.DataFrame) -> dict[str, str]:
    path = str(row["parameter"])
    prior, drawn = priors.get(path, {}), draws[path]
    low, high = (words.number(drawn.quantile(at)) for at in (0.05, 0.95))
    return {
        "path": path,
        "prior": f"{prior['low']:g} to {prior['high']:g}" if {"low", "high"} <= prior.keys() else "",
        "default": words.number(prior.get("value")),
        "posterior": f"{words.number(drawn.mean())} ({low} to {high})",
        "unit": str(prior.get("unit", "")),
        "informed": units.percent(float(row["informed"]), 0),
        "verdict": str(row["verdict"]),
    }


def _interval(row: Row) -> str:
    low, high = words.number(row.get("low")), words.number(row.get("high"))
    return f"{low} to {high}" if low and high else ""


def _sweep(handed: Handed) -> dict[str, Any] | None:
    """The sweep that was handed in: what it varied, the drivers of each arm, and what is odd about it."""
    if handed.sweep is None:
        return None
    findings, manifest = handed.sweep.findings, handed.run.manifest
    study = findings.study
    told = study.manifest
    doubts = []
    if handed.sweep.altered:
        doubts.append(f"its folder is no longer what was written: {handed.sweep.altered}")
    if set(told["arms"]) != set(manifest["arms"]):
        doubts.append("its arms are others than those of the run")
    if told["name"] != manifest["name"]:
        doubts.append(f"it is of the scenario {told['name']}, the run of {manifest['name']}")
    made, own = str(told.get("code_version", "")), str(manifest.get("code_version", ""))
    if made != own:
        doubts.append(f"it was made by version {made or 'not stated'}, the run by {own}")
    tables = [drivers(findings, arm, findings.kpi) for arm in study.compared]
    return {
        "name": str(told["name"]),
        "size": f"{counted(len(study.points), 'point')}, {counted(len(told['parameters']), 'parameter')} varied",
        "doubts": doubts,
        "arms": [
            {**table, "rows": table["rows"][:MOST_DRIVERS], "more": len(table["rows"]) - MOST_DRIVERS}
            for table in tables
        ],
    }
