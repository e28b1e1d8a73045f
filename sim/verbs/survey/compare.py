"""`survey --compare REAL`: simulated answers held against real ones."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from sim.errors import BadInput
from sim.store.folder import make_folder, refuse_occupied
from sim.survey.reading import beside
from sim.survey.sheets import ARM, SEED, WAVE, Sheets
from sim.verbs.common import arms_named, callback_of, seeds_given


def main(arguments: argparse.Namespace) -> int:
    """Read both sides, compare, write likeness.csv and the page, tell the verdict."""
    from sim.reporting.likeness import FILES, as_json, terminal_table, write
    from sim.survey.likeness import common, compare
    from sim.survey.reading import read_sheets

    simulated, folder, notes = simulated_sheets(arguments)
    folder = arguments.out or folder / "likeness"
    refuse_occupied(folder, "a comparison", FILES, overwrite=arguments.overwrite)
    real = read_sheets(arguments.compare, _instrument_of_real(arguments, simulated))
    if not common(simulated, real)[0]:
        raise BadInput.at(
            str(arguments.compare),
            f"answers {real.instrument.name}, and the simulated sheets {simulated.instrument.name}: no item in common; "
            "hold the same questionnaire on both (--instrument)",
        )
    notes += [*real.notes, *simulated.notes]
    found = compare(simulated, real)
    if not arguments.quiet:
        for note in notes:
            print(note, file=sys.stderr)
    make_folder(folder)
    page = write(
        found, folder, real=Path(arguments.compare).name, simulated=simulated.file or "held", notes=tuple(notes)
    )
    if arguments.json:
        print(json.dumps(as_json(found) | {"folder": str(folder)}, allow_nan=False))
    else:
        print(f"{terminal_table(found)}\n\nlikeness: {page}")
    return 0


def _instrument_of_real(arguments: argparse.Namespace, simulated: Sheets) -> Any:
    """What the real answers are read by: --instrument, one that lies beside them, else that of the simulated sheets."""
    from sim.survey.instrument.reading import read_instrument

    if arguments.instrument is not None:
        return read_instrument(arguments.instrument)
    return None if beside(Path(arguments.compare)) else simulated.instrument


def simulated_sheets(arguments: argparse.Namespace) -> tuple[Sheets, Path, list[str]]:
    """The simulated side, the folder that it belongs to, and what was chosen of it.

    --with, or what was last held on RUN, or in its waves; where nothing was, or the command line says on how many or
    how, it is held now and not kept.
    """
    from sim.store.run_reading import read_manifest
    from sim.survey import stored
    from sim.survey.reading import read_sheets

    if (arguments.other is None) == (arguments.run is None):
        raise BadInput.at("--compare", "needs simulated answers: RUN, or --with ANSWERS (one of them)")
    if arguments.other is not None:
        file = Path(arguments.other)
    else:
        run = Path(arguments.run)
        read_manifest(run)
        held = [folder / f"{stored.ANSWERS}.csv" for folder in reversed(stored.held_in(run))]
        held += [file for name in ("answers", "staff_answers") if (file := run / f"{name}.parquet").exists()]
        anew = any(getattr(arguments, name) is not None for name in ("n", "sampling", "instrument"))
        fitting = [] if anew else [file for file in held if _of_the_same(Path(arguments.compare), file)]
        if not fitting:
            sheets, notes = _held_now(arguments, run)
            return sheets, run, notes
        file = fitting[0]
    sheets, notes = chosen(read_sheets(file), arms_named(arguments), arguments.seeds, arguments.month)
    return replace(sheets, file=str(file)), file.parent, notes


def _of_the_same(real: Path, file: Path) -> bool:
    """Whether real answers are of the questionnaire of simulated ones: an item in common, or nobody knows."""
    from sim.survey.instrument.reading import read_instrument

    own, other = beside(real), beside(file)
    if own is None or other is None:
        return True
    return bool(set(read_instrument(own).codes) & set(read_instrument(other).codes))


def _held_now(arguments: argparse.Namespace, run: Path) -> tuple[Sheets, list[str]]:
    """The questionnaire of the real answers, held on a run at month 0 of its first arm unless told otherwise."""
    from sim.experiments.survey import Question, ask
    from sim.survey.instrument.reading import read_instrument
    from sim.verbs.survey.hold import prepared_of, seeds_named, threads_for

    instrument = read_instrument(arguments.instrument or beside(Path(arguments.compare)) or "customers")
    prepared = prepared_of(run)
    question = Question(instrument, arguments.n or Question.n, arguments.sampling or Question.sampling)
    month = arguments.month or 0
    arms = arms_named(arguments) or list(prepared.scenario.arms)[:1]
    answered = ask(
        prepared,
        question,
        months=[month],
        arms=arms,
        seeds=seeds_named(arguments, prepared.scenario.seed_list),
        threads=threads_for(prepared),
        callback=callback_of(arguments),
    )
    what = f"{instrument.name} ({question.sampling}, month {month}, arm {', '.join(arms)})"
    return Sheets(instrument, answered.sheets, f"{run}: {what}"), [f"simulated sheets were held for this: {what}"]


def chosen(sheets: Sheets, arms: list[str] | None, seeds: str | None, wave: int | None) -> tuple[Sheets, list[str]]:
    """The sheets of one arm and wave: those asked for, else the first arm and the first wave, and a note of that."""
    table, notes = sheets.table, []
    for column, option, wanted in (
        (ARM, "--arms", arms),
        (WAVE, "--month", None if wave is None else [wave]),
        (SEED, "--seeds", None if seeds is None else _numbers(seeds)),
    ):
        there = list(dict.fromkeys(table[column].dropna())) if column in table else []
        if wanted is not None:
            lacking = [str(one) for one in wanted if one not in there]
            if lacking:
                has = f"they have {', '.join(map(str, there))}" if there else f"they do not say their {column}"
                raise BadInput.at(option, f"no sheets of {', '.join(lacking)} in the simulated answers; {has}")
            table = table[table[column].isin(wanted)]
        elif len(there) > 1 and column != SEED:
            first = there[0] if column == ARM else min(there)
            notes.append(f"compared: {column} {first} of {', '.join(map(str, there))} ({option} chooses)")
            table = table[table[column] == first]
    return replace(sheets, table=table.reset_index(drop=True)), notes


def _numbers(text: str) -> list[int]:
    """The seeds of --seeds: N is 1..N."""
    given = seeds_given(text)
    return given if isinstance(given, list) else list(range(1, given + 1))
