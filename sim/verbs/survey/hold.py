"""`survey RUN`: a questionnaire held on the customers or managers of a stored run."""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.phrases import counted
from sim.verbs.common import arms_named, callback_of, plain, program, say_if_changed, seeds_given

if TYPE_CHECKING:
    from sim.experiments.survey import Answered, Question


HEADS = {"nonresponse": "non-\nresponse", "cleaned, weighted": "weighted"}
UNMOVED = 0.0005  # points: less is not shown


def main(arguments: argparse.Namespace) -> int:
    """Ask, write the sheets with the truth beside them, and say how far the one is from the other."""
    from sim.experiments.survey import Question, ask
    from sim.store.folder import refuse_occupied
    from sim.survey import stored
    from sim.survey.holding.fieldwork import can_be_held
    from sim.survey.holding.settings import SAMPLINGS
    from sim.survey.instrument.reading import read_instrument
    from sim.yaml_source import did_you_mean

    run = Path(arguments.run)
    say_if_changed(run)
    prepared = prepared_of(run)
    instrument = read_instrument(arguments.instrument or "customers")
    as_they_do = prepared.scenario.survey.answering if prepared.scenario.survey else Question.answering
    n, sampling = arguments.n or Question.n, arguments.sampling or Question.sampling
    if sampling not in SAMPLINGS:
        raise BadInput.at("--sampling", f"{sampling!r}; {did_you_mean(sampling, SAMPLINGS, all_if_none='one of')}")
    if why := can_be_held(instrument, sampling):
        raise BadInput.at(arguments.instrument or instrument.name, why)
    question = Question(instrument, n, sampling, bool(arguments.panel), as_they_do)
    month = prepared.scenario.months if arguments.month is None else arguments.month
    folder = arguments.out or run / "surveys" / f"{instrument.name}-{question.sampling}-m{month}"
    refuse_occupied(folder, stored.NOUN, stored.OURS, overwrite=arguments.overwrite)
    answered = ask(
        prepared,
        question,
        months=[month],
        arms=arms_named(arguments),
        seeds=seeds_named(arguments, prepared.scenario.seed_list),
        threads=threads_for(prepared),
        callback=callback_of(arguments),
    )
    facts = facts_of(run, prepared, question, answered)
    stored.write(
        folder, instrument, answered.sheets, answered.truth, answered.bias, facts, overwrite=arguments.overwrite
    )
    if arguments.json:
        print(json.dumps({"folder": str(folder), **facts, "bias": plain(answered.bias)}, ensure_ascii=False))
        return 0
    tell(answered)
    print(f"{folder / 'answers.csv'}: {counted(len(answered.sheets), 'sheet')}")
    print(f"{program()} survey --analyse {folder / 'answers.csv'}")
    return 0


def prepared_of(run: Path) -> Any:
    """The scenario of a stored run, ready to live again."""
    from sim.experiments.prepare import prepare

    return prepare([run / "scenario.yaml"])[0]


def threads_for(prepared: Any) -> int:
    """Threads that living it again is worth."""
    from sim.experiments.provenance import cores
    from sim.experiments.seed_runs import SMALL, rows_of

    return cores() if rows_of(prepared) > SMALL else 1


def seeds_named(arguments: argparse.Namespace, known: list[int]) -> list[int] | None:
    """Seeds of --seeds: so many of the run's first, or a list."""
    if arguments.seeds is None:
        return None
    given = seeds_given(arguments.seeds)
    if isinstance(given, list):
        return given
    if given > len(known):
        raise BadInput.at("--seeds", f"{given} is more than the {len(known)} seeds of the run; fewer")
    return known[:given]


def facts_of(run: Path, prepared: Any, question: Question, answered: Answered) -> dict[str, Any]:
    """What survey.json says of how it was held."""
    from sim.experiments.provenance import code_version

    instrument, s = question.instrument, prepared.scenario
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "run": str(run),
        "scenario": s.name,
        "scenario_digest": prepared.digest,
        "code_version": code_version(s.strategies_named),
        "instrument": instrument.name,
        "instrument_version": instrument.version,
        "asks": instrument.asks,
        "sampling": question.sampling,
        "panel": question.panel,
        "answering": question.answering.model_dump(),
        "fieldwork": answered.facts,
    }


def tell(answered: Answered) -> None:
    """What came back and how far it is from the truth, a table an arm of the first seed."""
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for known in answered.facts:
        rate = known["sheets"] / known["asked"] if known["asked"] else 0.0
        short = f", {known['wanted'] - known['sheets']} fewer than wanted" if known["sheets"] < known["wanted"] else ""
        console.print(
            f"{known['arm']}, seed {known['seed']}, month {known['month']}: {counted(known['sheets'], 'sheet')} back "
            f"of {known['asked']:,} asked ({rate:.0%}, {known['mode']}){short}",
            soft_wrap=True,
        )
    bias = answered.bias[answered.bias["unit"] != "alpha"]
    first = bias[(bias["seed"] == bias["seed"].iloc[0]) & (bias["arm"] == bias["arm"].iloc[0])]
    moved = first.groupby("cause", sort=False)["bias"].apply(lambda column: column.abs().max())
    causes = [cause for cause in moved.index if moved[cause] > UNMOVED]
    table = Table(
        title=f"{first['arm'].iloc[0]}: what such a survey is wrong by, whatever its luck",
        box=None,
        padding=(0, 1, 0, 0),
    )
    table.add_column("construct", no_wrap=True)
    table.add_column("true", justify="right")
    for cause in causes:
        table.add_column(HEADS.get(cause, cause), justify="right")
    for name, rows in first.groupby("construct", sort=False):
        unit = rows["unit"].iloc[0]
        digits = 1 if unit == "NPS" else 2
        true = rows["true"].iloc[0]
        shown = [f"{rows.loc[rows['cause'] == cause, 'bias'].iloc[0]:+.{digits}f}" for cause in causes]
        table.add_row(f"{name} (NPS)" if unit == "NPS" else str(name), f"{true:.{digits}f}", *shown)
    console.print(table)
    if still := [cause for cause in moved.index if moved[cause] <= UNMOVED and cause != "nothing"]:
        console.print(f"nothing comes of {' and '.join(still)} here", soft_wrap=True)
