"""`survey --initialise`: a scenario whose bank begins with a survey's answers, in a folder of its own."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.verbs.common import command, plain

if TYPE_CHECKING:
    from sim.experiments.initialise import Initialised
    from sim.survey.initial.links import Links
    from sim.survey.sheets import Sheets

FACTS = "initialised.json"
OURS = ("population.csv", "scenario.yaml", "instrument.yaml", "links.yaml", "initialised.csv", FACTS)
BASE = "baseline"
ANSWERS = "answers"
EMPLOYEES = "employees"


def main(arguments: argparse.Namespace) -> int:
    """Read answers, make a customer book of them and the base scenario, write both and where each column is from."""
    from sim.experiments.initialise import initialise
    from sim.experiments.prepare import prepare
    from sim.store.folder import refuse_occupied
    from sim.survey.initial.links import read_links
    from sim.verbs.survey.analyse import stem

    answers = Path(arguments.initialise)
    folder = arguments.out or answers.with_name(f"{stem(answers)}-bank")
    refuse_occupied(folder, "a bank out of answers", OURS, overwrite=arguments.overwrite)
    base = arguments.scenario or BASE
    (prepared,) = prepare([base])
    links = None if arguments.links is None else read_links(Path(arguments.links))
    sheets, behind = read(answers, arguments.instrument)
    employees = None if arguments.employees is None else of_staff(Path(arguments.employees), links)
    found = initialise(prepared, sheets, employees=employees, links=links, behind=behind)
    write(folder, found, base, overwrite=arguments.overwrite)
    run = f"{command()} run {shlex.quote(str(folder / 'scenario.yaml'))}"
    if arguments.json:
        print(json.dumps({"folder": str(folder), **facts(found), "run": run}, ensure_ascii=False, allow_nan=False))
    else:
        tell(found)
        print(f"{folder}: {', '.join(OURS)}")
        print(run)
    return 0


def read(file: Path, instrument: str | None) -> tuple[Sheets, float | None]:
    """Answers of a file; of published marginals sheets that have them, and as many as those are worth."""
    from sim.survey.initial.marginals import are_marginals, published
    from sim.survey.initial.scores import Scoring
    from sim.survey.instrument.reading import read_instrument
    from sim.survey.reading import read_sheets

    known = None if instrument is None else read_instrument(instrument)
    if file.is_file() and are_marginals(file):
        return published(file, known, Scoring())
    return read_sheets(file, known), None


def of_staff(file: Path, links: Links | None) -> Sheets:
    """Answers of the staff: to the instrument beside them, else to `employees` where its questions are in the file."""
    from sim.survey.initial.links import usual
    from sim.survey.instrument.reading import read_instrument
    from sim.survey.reading import read_sheets

    sheets = read_sheets(file)
    shipped = read_instrument(EMPLOYEES)
    if links is not None or usual(sheets.instrument) is not None or not set(shipped.codes) <= set(sheets.table):
        return sheets
    return read_sheets(file, shipped)


def write(folder: Path, found: Initialised, base: str, *, overwrite: bool) -> None:
    """Write the folder whole: it is checked under another name first, so a mistake leaves nothing behind."""
    from sim.experiments.initialise import extended
    from sim.experiments.prepare import prepare
    from sim.store.files import write_csv, write_json, writing
    from sim.survey.instrument.writing import to_yaml
    from sim.yaml_source import dump

    draft = folder.with_name(f".{folder.name}.draft")
    with writing(draft):
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
    try:
        with writing(draft):
            write_csv(draft / "population.csv", found.book)
            (draft / "instrument.yaml").write_text(to_yaml(found.instrument), "utf-8")
            links = {name: link.model_dump(exclude_defaults=True) for name, link in found.links.links.items()}
            text = dump({"links": links}, "Which construct begins what; change it and give it with --links.")
            (draft / "links.yaml").write_text(text, "utf-8")
            write_csv(draft / "initialised.csv", found.told)
            text = dump({"extends": extended(base, folder), **found.scenario}, "Written by survey --initialise.")
            (draft / "scenario.yaml").write_text(text, "utf-8")
            write_json(draft / FACTS, {"format": "rapport-initialised", "format_version": 1, **facts(found)})
        prepare([draft / "scenario.yaml"])
        with writing(folder):
            if overwrite and folder.exists():
                shutil.rmtree(folder)
            elif folder.exists():
                folder.rmdir()
            draft.rename(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def facts(found: Initialised) -> dict[str, Any]:
    """What is known of it, as plain data."""
    return {
        "sheets": found.sheets,
        "effective": round(found.effective, 1),
        "columns": plain(found.told),
        "notes": list(found.notes),
    }


def tell(found: Initialised) -> None:
    """Where every column is from and how sure it is: a table of what answers begin, a line of the rest."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    table = Table(title=f"{len(found.book):,} customers out of {found.sheets:,} sheets", box=None)
    table.add_column("out of answers", no_wrap=True)
    table.add_column("from", no_wrap=True)
    for name in ("mean (range)", "reliable", "worth"):
        table.add_column(name, justify="right", no_wrap=True)
    rows = plain(found.told)
    for row in (row for row in rows if row["source"] == ANSWERS):
        shown = [f"{row['mean']:.2f} ({row['low']:.2f} to {row['high']:.2f})"]
        shown.append("" if row["reliability"] is None else f"{row['reliability']:.2f}")
        shown.append("" if row["effective"] is None else f"{row['effective']:.0f}")
        table.add_row(row["column"], row["measured"], *shown)
    console.print(table)
    for source in dict.fromkeys(row["source"] for row in rows if row["source"] != ANSWERS):
        names = ", ".join(row["column"] for row in rows if row["source"] == source)
        console.print(f"{source}: {names}", soft_wrap=True)
    for note in found.notes:
        console.print(note, soft_wrap=True)
