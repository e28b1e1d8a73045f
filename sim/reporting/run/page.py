"""`build`: the page that tells a run's story, from its tables and the template in sim/reporting/templates."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.measures.catalogue import KPIS, base_name
from sim.measures.evidence import few_words
from sim.measures.precision import CORRECTION
from sim.phrases import counted, doubt, spoken
from sim.reporting.figures import Board, plates, units
from sim.reporting.figures.board import mean_of
from sim.reporting.names import meanings_of, spoken_as
from sim.reporting.page import Missing, Picture, by_section, draw_all, page_of
from sim.reporting.run.assumptions_used import arms_in_words, scenario_of, settings_of_strategies, used
from sim.reporting.run.chains import chains
from sim.reporting.run.decision import decide
from sim.reporting.run.headlines import answer, headlines
from sim.reporting.run.key_figures import KeyFigures, Row, meanings
from sim.reporting.run.precision_notes import stopping_words
from sim.reporting.run.summary import summary
from sim.reporting.run.surveyed import surveyed
from sim.reporting.run.unserved import unserved

if TYPE_CHECKING:
    from sim.reporting.run.beliefs import UnderBeliefs
    from sim.store.run_reading import Run

Known = Mapping[str, Mapping[str, Any]]

ARMS_ACROSS = 5  # of a table, beside the reference: more would be cut on paper
LONGEST = 32  # letters of an arm's name where there are many; the table of arms has it whole


def build(source: Run | str | os.PathLike[str], assumptions: Known | None = None) -> Path:
    """Write figures/ and report.html of a run; returns the page.

    `source` is a results folder, whose summary.csv, comparison.csv and precision.csv are then written anew from the
    stored tables, all that is written sealed anew; or a `Run` in memory whose tables of key figures are already there.
    The page speaks the language that is asked for by `sim.words.speaking`, else that of the manifest, else English.
    `assumptions` says what is known of the scenario's numbers (see `assumptions_used`); without it the manifest's
    "assumptions" is used if there is one.
    Raises `BadInput` for a folder that cannot be read.
    """
    from sim.store.files import write_atomically
    from sim.store.run_reading import DERIVED, read
    from sim.store.seals import reseal

    stored = isinstance(source, (str, os.PathLike))
    run = read(source) if isinstance(source, (str, os.PathLike)) else source
    if stored:
        from sim.measures.key_figures import write_key_figures

        write_key_figures(run)
    figures, comparison = key_figures_of(run)
    board = Board(run, comparison=comparison)
    page = run.path / "report.html"
    with spoken_as(run.manifest):
        pictures, missing = draw_all(plates(board), run.path, board)
        write_atomically(page, render(run, figures, comparison, pictures, missing, assumptions))
    if stored:
        reseal(run.path, DERIVED)
    return page


def _changed(run: Run) -> str:
    """Which stored files are no longer what the run wrote; what this page is written with is not among them."""
    from fnmatch import fnmatch

    from sim.store.run_reading import DERIVED, changed_files
    from sim.store.seals import words

    found = changed_files(run.path, run.manifest)
    return words({name: how for name, how in found.items() if not any(fnmatch(name, form) for form in DERIVED)})


def key_figures_of(run: Run) -> tuple[pd.DataFrame, pd.DataFrame | None]:
    """summary.csv and, with several arms, comparison.csv of a run."""
    return run.summary, run.comparison if len(run.arms) > 1 else None


def _beliefs(run: Run, figures: KeyFigures) -> UnderBeliefs | None:
    from sim.reporting.run.beliefs import under_beliefs  # imports the analysis of sweeps

    return under_beliefs(run, figures)


def render(
    run: Run,
    key_figures: pd.DataFrame,
    comparison: pd.DataFrame | None,
    pictures: Sequence[Picture],
    missing: Sequence[Missing],
    assumptions: Known | None = None,
) -> str:
    """The page as text; everything that comes from a scenario or a book is escaped."""
    board = Board(run, comparison=comparison)
    figures = KeyFigures(key_figures, comparison, board.evidence)
    scenario = scenario_of(run.scenario_text)
    known = assumptions if assumptions is not None else run.manifest.get("assumptions") or {}
    rows = used(scenario, known)
    short = dict(zip(figures.arms, units.shortened([spoken(arm) for arm in figures.arms], LONGEST), strict=True))
    by_arm = figures.by_arm() if not board.one_arm else {}
    by_tier = {arm: figures.by_tier(arm, board.tiers) for arm in figures.arms}
    shown = {base_name(kpi) for kpis in figures.groups.values() for kpi in kpis if figures.said(kpi)}
    question = str(scenario.get("about") or run.manifest.get("about") or "")
    told, beliefs = answer(figures, board), _beliefs(run, figures) if board.believes else None
    sections = dict(
        name=str(run.manifest.get("name", "run")),
        summary=summary(question, figures, board, beliefs, told),
        setting=setting(run, board, scenario),
        headlines=headlines(figures, board),
        answer=told,
        names=meanings_of(run.manifest),
        one_arm=board.one_arm,
        no_longer=_changed(run),
        reference=board.reference,
        arms=figures.arms,
        arms_across=ARMS_ACROSS,
        tiers=board.tiers,
        rows_by_arm=by_arm,
        rows_by_tier=by_tier,
        endless=endless([by_arm, *by_tier.values()]),
        one_seed=len(board.seeds) == 1,
        marks=marks(figures, board.tiers),
        marks_of_answer=marks_of_answer(figures, board),
        meanings=meanings(kpi for kpi in KPIS if kpi in shown),
        decision=decide(run, figures, board),
        beliefs=beliefs,
        chains=chains(run, comparison),
        unserved=unserved(board),
        surveyed=surveyed(board),
        pictures=by_section(pictures),
        missing=missing,
        below_zero=below_zero(key_figures),
        strategies=arms_in_words(scenario, known),
        strategy_settings=settings_of_strategies(scenario, known),
        used=rows,
        changed=[row for row in rows if row.differs],
        defaults_known=any(row.default for row in rows),
        sources_known=any(row.source or row.unit for row in rows),
        book=book_facts(run.manifest),
        failed=run.manifest.get("failed") or [],
        doubts=_doubts(run.manifest),
        facts=facts(run, board),
        many_seeds=seeds_option(board.seeds),
        correction=CORRECTION,
    )
    return page_of("report.html.j2", sections, short=lambda arm: short.get(arm, arm))


def endless(tables: Sequence[Mapping[str, Sequence[Row]]]) -> bool:
    """True if a number without end is shown, so that the page explains the sign."""
    return any(
        units.INFINITE in cell.text for table in tables for rows in table.values() for row in rows for cell in row.cells
    )


def marks(figures: KeyFigures, tiers: Sequence[str]) -> list[str]:
    """What the marks behind figures of the tables mean."""
    kpis = [kpi for group in figures.groups.values() for kpi in group]
    return figures.evidence.words(
        (arm, name) for arm in figures.arms for kpi in kpis for name in (kpi, *(f"{kpi}[{tier}]" for tier in tiers))
    )


def marks_of_answer(figures: KeyFigures, board: Board) -> list[str]:
    """What the marks in the words about the reference mean; its closures alone may rest on less than its attrition."""
    parts = board.few(board.closed_active[0]) or board.few(board.cube("went_dormant")[0])
    return figures.evidence.words([(board.reference, "attrition_annual")]) or ([few_words()] if parts else [])


def below_zero(summary: pd.DataFrame) -> bool:
    """True if the interval of a rate or share reaches below zero, so that the page says why."""
    kpi = summary["kpi"].astype(str).str.split("[").str[0]
    rates = kpi.isin(units.PERCENT_A_YEAR) | summary["unit"].astype(str).str.startswith("share")
    return bool((rates & (summary["ci_low"] < 0) & (summary["mean"] >= 0)).any())


def setting(run: Run, board: Board, scenario: Mapping[str, Any]) -> str:
    """What was run, in one line: how many customers the scenario begins with, and how many month 0 has."""
    burn_in = run.manifest.get("burn_in")
    size = f"{mean_of(board.total('customers')[0, :, 0]):,.0f} customers at month 0"
    population = scenario.get("population")
    begun = str(population.get("customers", "")) if isinstance(population, Mapping) else ""
    if burn_in and begun.isdigit():
        size = f"{int(begun):,} customers before the burn-in, {size} after it"
    arms = "one arm" if board.one_arm else f"{len(board.arms)} arms"
    seeds = "one seed" if len(board.seeds) == 1 else f"{len(board.seeds)} seeds"
    after = f" after {burn_in} of burn-in" if burn_in else ""
    return f"{size}, in {counted(len(board.tiers), 'tier')}; {counted(board.months, 'month')}{after}, {arms}, {seeds}."


def seeds_option(seeds: Sequence[int]) -> str:
    """The seeds as `--seeds` takes them: a number if they are 1..n, else a list."""
    ordered = sorted(seeds)
    if ordered == list(range(1, len(ordered) + 1)):
        return str(len(ordered))
    return ",".join(map(str, ordered)) + ("," if len(ordered) == 1 else "")


def book_facts(manifest: Mapping[str, Any]) -> dict[str, Any] | None:
    """Which columns of a customer book were read and which imputed, and what was counted; None without a book."""
    book = manifest.get("book")
    if not isinstance(book, Mapping):
        return None
    read = book.get("read") or {}
    told = book.get("answers")
    answers = told if isinstance(told, Mapping) and isinstance(told.get("columns"), Mapping) else {"columns": {}}
    pairs = list(read.items()) if isinstance(read, Mapping) else [(str(name), str(name)) for name in read]
    counts = book.get("counts")
    return {
        "rows": book.get("rows"),
        "sha256": book.get("sha256"),
        "read": [(str(field), str(column)) for field, column in pairs],
        "imputed": [str(name) for name in book.get("imputed") or []],
        "answers": answers,
        "counts": list(counts.items()) if isinstance(counts, Mapping) else [],
    }


def _doubts(manifest: Mapping[str, Any]) -> list[str]:
    """Posteriors that the run draws from and whose calibration did not pass its checks, a sentence each."""
    found = []
    for one in manifest.get("posteriors", []):
        checks = one.get("made", {}).get("checks", {})
        if failed := [name for name, value in checks.items() if value is False]:
            found.append(doubt(str(one["name"]), failed))
    return found


def facts(run: Run, board: Board) -> list[tuple[str, str]]:
    """What somebody needs to make the run again and to know that it is the same."""
    manifest = run.manifest
    packages = manifest.get("packages")
    runs = manifest.get("runs") or []
    timed = [entry for entry in runs if isinstance(entry, Mapping) and "seconds" in entry]
    seconds = [float(entry["seconds"]) + float(entry.get("burn_in_seconds", 0.0)) for entry in timed]
    speed, memory = manifest.get("customer_months_per_second"), manifest.get("peak_memory_mb")
    found = [
        ("Run", manifest.get("run_id")),
        ("Made", manifest.get("created")),
        ("Seeds", ", ".join(map(str, board.seeds))),
        ("Precision", stopping_words(manifest)),
        ("Scenario digest", manifest.get("scenario_digest")),
        ("Result digest", manifest.get("result_digest")),
        ("Code version", manifest.get("code_version")),
        ("Python", manifest.get("python")),
        ("Packages", ", ".join(f"{name} {version}" for name, version in packages.items()) if packages else None),
        ("Platform", manifest.get("platform")),
        ("Threads", manifest.get("threads")),
        ("Run time", f"{sum(seconds):,.1f} s over {counted(len(seconds), 'run')}" if seconds else None),
        ("Speed", f"{speed / 1e6:,.2f} million customer-months per second" if speed else None),
        ("Peak memory", f"{memory:,.0f} MB" if memory else None),
    ]
    return [(label, str(value)) for label, value in found if value not in (None, "")]
