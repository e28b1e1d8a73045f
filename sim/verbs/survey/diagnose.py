"""`diagnose RUN|BOOK`: the four problems of a bank, from a stored run or a book, the two surveys, and the model."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.store.folder import make_folder, refuse_occupied
from sim.verbs.common import callback_of, say_if_changed

if TYPE_CHECKING:
    import pandas as pd

    from sim.survey.diagnosis import Diagnosis
    from sim.survey.sheets import Sheets

    Answers = tuple[Sheets, pd.DataFrame | None]

ASKED = {"customers": "customers", "managers": "employees"}  # whom, and the option and shipped questionnaire


def main(arguments: argparse.Namespace) -> int:
    """Measure, write diagnosis.csv and the page, tell the four lines."""
    from sim.reporting.diagnosis import FILES, as_json, terminal_table, write
    from sim.reporting.names import labels_of

    source = Path(arguments.source)
    run = source.is_dir() or not source.suffix
    folder = arguments.out or (source / "diagnosis" if run else Path("results") / source.stem / "diagnosis")
    refuse_occupied(folder, "a diagnosis", FILES, overwrite=arguments.overwrite)
    found, manifest = (_of_run if run else _of_book)(arguments, source)
    make_folder(folder)
    page = write(found, folder, labels_of(manifest))
    if not arguments.quiet:
        for note in found.notes:
            print(note, file=sys.stderr)
    if arguments.json:
        print(json.dumps(as_json(found) | {"folder": str(folder)}, allow_nan=False, ensure_ascii=False))
    else:
        print(f"{terminal_table(replace(found, notes=()))}\n\ndiagnosis: {page}")
    return 0


def _of_run(arguments: argparse.Namespace, folder: Path) -> tuple[Diagnosis, dict[str, Any]]:
    from sim.store.run_reading import read
    from sim.survey.diagnosis import diagnosis, has_managers
    from sim.verbs.survey.hold import prepared_of

    run = read(folder)
    say_if_changed(folder)
    arm = _arm(arguments, run.arms)
    answers, notes = _answers(arguments, lambda: prepared_of(folder), arm, folder, has_managers(run, arm))
    found = diagnosis(run, arm, notes=notes, **_of(answers))
    facts = [("Results folder", str(folder)), ("Run", str(run.manifest.get("run_id", "")))]
    return replace(found, facts=(*facts, ("Scenario digest", str(run.manifest["scenario_digest"])))), run.manifest


def _of_book(arguments: argparse.Namespace, file: Path) -> tuple[Diagnosis, dict[str, Any]]:
    from sim.experiments.diagnosis import people_at_the_beginning, prepared_book, short_run
    from sim.survey.diagnosis import diagnosis, has_managers, of_book
    from sim.verbs.common import tell_book

    if file.suffix.lower() not in (".yaml", ".yml"):
        right = (
            "name the scenario that reads it (population: {source: book, file: ...}), which says what its columns are"
        )
        what = "there is no such file" if not file.exists() else "is no scenario; a book alone is not enough"
        raise BadInput.at(str(file), f"{what}; {right}")
    prepared = prepared_book(file, arguments.arm)
    tell_book(str(file), prepared.book, arguments)
    run = short_run(prepared, callback_of(arguments))
    arm = run.arms[0]
    people = people_at_the_beginning(prepared)
    answers, notes = _answers(arguments, lambda: prepared, arm, None, has_managers(run, arm))
    months = run.manifest["months"]
    notes = [
        f"the book is read as the bank begins with it; what only time shows is of {months} months lived from it with "
        "one seed, so it has no interval",
        *notes,
    ]
    found = diagnosis(run, arm, book=of_book(people, run.tiers), notes=notes, **_of(answers))
    sha = str(run.manifest.get("book", {}).get("sha256", ""))
    return replace(found, facts=(("Scenario", str(file)), ("Book, SHA-256", sha))), run.manifest


def _arm(arguments: argparse.Namespace, arms: list[str]) -> str:
    from sim.yaml_source import did_you_mean

    arm = arguments.arm or arms[0]
    if arm not in arms:
        raise BadInput.at("--arm", f"unknown arm {arm!r}; {did_you_mean(arm, arms, all_if_none='one of')}")
    return str(arm)


def _of(answers: dict[str, Answers]) -> dict[str, Any]:
    """Answers as `diagnosis` takes them."""
    customers, managers = answers.get("customers"), answers.get("managers")
    return {
        "customers": customers[0] if customers else None,
        "employees": managers[0] if managers else None,
        "truth": managers[1] if managers else None,
    }


def _answers(
    arguments: argparse.Namespace, prepared: Any, arm: str, folder: Path | None, managers: bool
) -> tuple[dict[str, Answers], list[str]]:
    """Answers of both, real ones where they are named, else what was held on the run, else asked of the model now.

    Of a bank without named managers (`managers`) only real answers of staff are taken.
    """
    found: dict[str, Answers] = {}
    notes: list[str] = []
    missing = []
    for who, name in ASKED.items():
        given = getattr(arguments, name)
        if given is None and who == "managers" and not managers:
            notes.append(f"{name}: not asked of the model: this bank has no named managers")
            continue
        held = _held(folder, who, arm) if given is None and folder is not None else None
        if given is not None:
            sheets = _given(given, name)
            found[who] = sheets, None
            notes += [f"{name}: answers of {Path(given).name}, {len(sheets.table):,} sheets", *sheets.notes]
        elif held is not None:
            found[who] = held[0], held[1]
            notes.append(f"{name}: held on the model, {held[0].file}, {len(held[0].table):,} sheets")
        else:
            missing.append(who)
    ready = None
    for who in missing:
        try:
            ready = ready or prepared()
            sheets, truth = _asked(arguments, ready, arm, who)
        except BadInput as cannot:  # nobody answers, or it cannot live again: the rest is said all the same
            notes.append(f"{ASKED[who]}: not asked of the model: {cannot.mistakes[0]}")
            continue
        found[who] = sheets, truth
        notes.append(f"{ASKED[who]}: asked of the model for this, {sheets.file}, {len(sheets.table):,} sheets")
    return found, notes


def _given(file: str, name: str) -> Sheets:
    """Real answers, by the questionnaire that lies beside them, else the shipped one; another's are refused."""
    from sim.survey.instrument.reading import read_instrument
    from sim.survey.reading import read_sheets

    beside = (Path(file).parent / "instrument.yaml").exists()
    sheets = read_sheets(file, None if beside else read_instrument(name))
    asks = sheets.instrument.asks
    who = next(who for who, option in ASKED.items() if option == name)
    if asks is not None and asks != who:
        raise BadInput.at(file, f"answers {sheets.instrument.name}, which asks {asks}; --{name} takes those of {who}")
    return sheets


def _held(folder: Path, who: str, arm: str) -> Answers | None:
    """What these people were last asked in this arm, by a survey held on a run or in its own waves; None for never."""
    import pandas as pd

    from sim.experiments.survey import TABLES
    from sim.store.run_reading import read
    from sim.survey import stored
    from sim.survey.instrument.reading import read_instrument
    from sim.survey.reading import read_sheets
    from sim.survey.sheets import Sheets

    for place in reversed(stored.held_in(folder)):
        if stored.facts_of(place).get("asks") == who:
            sheets = read_sheets(place / f"{stored.ANSWERS}.csv")
            if (own := _last(sheets.table, arm)) is not None:
                return replace(sheets, table=own, file=str(place)), pd.read_parquet(place / stored.TRUTH)
    run, (name, beside) = read(folder), TABLES[who]
    answers, truth = run.answers(name), run.answers(beside)
    own = _last(answers, arm) if answers is not None else None
    if own is None:
        return None
    instrument = read_instrument(folder / f"{name}.yaml")
    return Sheets(instrument, own, f"wave of month {own['wave'].iloc[0]}, all seeds"), truth


def _last(table: pd.DataFrame, arm: str) -> pd.DataFrame | None:
    """The sheets of an arm in its last wave; None without one."""
    own = table[table["arm"] == arm]
    return own[own["wave"] == own["wave"].max()].reset_index(drop=True) if len(own) else None


def _asked(arguments: argparse.Namespace, prepared: Any, arm: str, who: str) -> Answers:
    """The shipped questionnaire, asked at the end of the first seed; managers all of them, customers 500."""
    from sim.experiments.survey import Question, ask
    from sim.survey.instrument.reading import read_instrument
    from sim.survey.sheets import Sheets
    from sim.verbs.survey.hold import threads_for

    s = prepared.scenario
    instrument = read_instrument(ASKED[who])
    question = Question(instrument)
    seed = s.seed_list[0]
    answered = ask(
        prepared, question, arms=[arm], seeds=[seed], threads=threads_for(prepared), callback=callback_of(arguments)
    )
    where = f"{instrument.name} at month {s.months}, seed {seed}"
    return Sheets(instrument, answered.sheets, where), answered.truth
