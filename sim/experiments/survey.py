"""A questionnaire held on a bank: on a stored run, whose arms live again up to the month, or in waves of a run.

The same seed and month give the same sheets, whoever asks; arms of a seed are asked with the same luck.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.experiments.callbacks import Callback
from sim.experiments.prepared import Prepared
from sim.experiments.replication import Replication
from sim.survey.holding.settings import Answering
from sim.survey.instrument import Instrument
from sim.survey.sheets import ARM, SEED
from sim.yaml_source import did_you_mean

if TYPE_CHECKING:
    import pandas as pd

    from sim.bank.model import BankModel
    from sim.scenario.scenario import Scenario
    from sim.survey.holding.answering import Biases
    from sim.survey.holding.fieldwork import Held
    from sim.survey.respondents import Respondents
    from sim.yaml_source import Source

TABLES = {"customers": ("answers", "answers_truth"), "managers": ("staff_answers", "staff_answers_truth")}


AS_THEY_DO = Answering()


@dataclass(frozen=True)
class Question:
    """What is asked of how many, how they are chosen, and how they answer."""

    instrument: Instrument
    n: int = 500
    sampling: str = "simple"
    panel: bool = False
    answering: Answering = AS_THEY_DO


@dataclass(frozen=True)
class Answered:
    """Sheets of all arms, seeds and months, the truth beside them, what they are wrong by, facts of the fieldwork."""

    sheets: pd.DataFrame
    truth: pd.DataFrame
    bias: pd.DataFrame
    facts: list[dict[str, Any]]


def people_of(bank: BankModel, question: Question) -> Respondents:
    """Whom a questionnaire asks, of a bank at the end of its month."""
    from sim.bank.respondents import customers, managers

    return (managers if question.instrument.asks == "managers" else customers)(bank, question.answering)


def hold_on(
    bank: BankModel, question: Question, biases: Biases | None = None, *, with_bias: bool = True
) -> tuple[Held, dict[str, Any]]:
    """Hold it on a bank at the end of its month; facts say how many were asked."""
    from sim.survey.holding.answering import Biases
    from sim.survey.holding.fieldwork import hold

    held = hold(
        question.instrument,
        people_of(bank, question),
        n=question.n,
        sampling=question.sampling,
        panel=question.panel,
        settings=question.answering,
        biases=biases or Biases(),
        with_bias=with_bias,
    )
    facts = {
        "arm": bank.arm.name,
        "seed": bank.seed,
        "month": bank.month,
        "wanted": question.n,
        "asked": held.asked,
        "sheets": len(held.sheets),
        "frame": held.frame,
        "mode": held.mode,
    }
    return held, facts


def ask(
    prepared: Prepared,
    question: Question,
    *,
    months: Sequence[int] | None = None,
    arms: Sequence[str] | None = None,
    seeds: Sequence[int] | None = None,
    threads: int = 1,
    callback: Callback | None = None,
) -> Answered:
    """Let every arm live up to each month and ask; all arms, the first seed and the last month unless given.

    Raises `BadInput` for a month, arm or seed that the scenario has not, and an instrument that cannot be held.
    """
    import pandas as pd

    from sim.survey.holding.fieldwork import can_be_held

    s = prepared.scenario
    when = sorted(set([s.months] if months is None else months))
    named = list(s.arms) if arms is None else list(dict.fromkeys(arms))
    chosen = [s.seed_list[0]] if seeds is None else list(seeds)
    mistakes = []
    if why := can_be_held(question.instrument, question.sampling):
        mistakes += BadInput.at(question.instrument.name, why).mistakes
    if wrong := [name for name in named if name not in s.arms]:
        right = did_you_mean(wrong[0], list(s.arms), all_if_none="one of")
        mistakes += BadInput.at("--arms", f"unknown arm {wrong[0]!r}; {right}").mistakes
    if unlived := [seed for seed in chosen if seed not in s.seed_list]:
        few = ", ".join(map(str, s.seed_list[:8]))
        mistakes += BadInput.at("--seeds", f"{unlived[0]} is no seed of the run; it has {few}").mistakes
    if when[-1] > s.months:
        what = f"{when[-1]} is beyond the {s.months} months of {s.name}; from 0 to {s.months}"
        mistakes += BadInput.at("--month", what).mistakes
    if mistakes:
        raise BadInput(mistakes)
    callback = callback or Callback()
    callback.begin(s.name, len(named) * len(chosen), len(chosen) * (s.burn_in + len(named) * when[-1]))
    parts, facts = [], []
    try:
        for seed in chosen:
            one = Replication(prepared, seed, threads=threads, months=callback.month)
            for arm in (arm for arm in s.arm_list if arm.name in named):
                with one.bank(arm) as bank:
                    for month in when:
                        bank.run(callback.month, until=month)
                        held, known = hold_on(bank, question)
                        parts.append(_signed(held, arm.name, seed, month))
                        facts.append(known)
    finally:
        callback.end()
    sheets, truth, bias = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    if not len(sheets):
        who, month = question.instrument.asks, when[-1]
        raise BadInput.at(
            question.instrument.name,
            f"nobody of the {who} answered in month {month}; more of them, or another sampling",
        )
    sheets["sheet"] = truth["sheet"] = [f"s{number:06d}" for number in range(1, len(sheets) + 1)]
    return Answered(sheets, truth, bias, facts)


def _signed(held: Held, arm: str, seed: int, month: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    tables = held.sheets, held.truth, held.bias.assign(wave=month)
    for table, place in zip(tables, (2, 1, 0), strict=True):
        table.insert(place, SEED, seed)
        table.insert(place, ARM, arm)
    return tables


@dataclass(frozen=True)
class Waves:
    """Questionnaires that a run holds while it lives: in which months, and which."""

    months: tuple[int, ...]
    questions: tuple[Question, ...]

    def tables(self, bank: BankModel) -> Iterator[tuple[str, pd.DataFrame]]:
        """The tables of a wave, by name, of a bank at the end of its month."""
        for question in self.questions:
            held, _ = hold_on(bank, question, with_bias=False)
            for name, table in zip(TABLES[str(question.instrument.asks)], (held.sheets, held.truth), strict=True):
                table["sheet"] = [f"{bank.arm.name}.{bank.seed}.{bank.month}.{sheet}" for sheet in table["sheet"]]
                yield name, table


def put_together(asked: Mapping[str, Sequence[pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    """The tables of all waves, one by name."""
    import pandas as pd

    return {name: pd.concat(tables, ignore_index=True) for name, tables in asked.items()}


def waves_of(prepared: Prepared) -> Waves | None:
    """What a scenario's `survey` section asks for; None where it asks for nothing."""
    survey = prepared.scenario.survey
    if survey is None:
        return None
    asked = {"customers": survey.customers, "managers": survey.staff}
    questions = [
        Question(instrument, of.n, of.sampling, of.panel, survey.answering)
        for who, instrument in prepared.surveyed
        if (of := asked[who]) is not None
    ]
    return Waves(tuple(survey.waves), tuple(questions))


def instruments_of(scenario: Scenario, source: Source) -> tuple[Scenario, tuple[tuple[str, Instrument], ...]]:
    """The instruments of a scenario's `survey` section, read, and the scenario as it is stored beside them.

    `BadInput` names one that cannot be read, or cannot be held on whom it is to be held.
    """
    from sim.survey.holding.fieldwork import can_be_held
    from sim.survey.instrument.reading import read_instrument

    survey, mistakes = scenario.survey, []
    assert survey is not None
    found, stored = [], {}
    for key, who, asked in (("customers", "customers", survey.customers), ("staff", "managers", survey.staff)):
        if asked is None:
            continue
        path = ("survey", key, "instrument")
        file, line, column = source.address(path)
        try:
            instrument = read_instrument(_place(asked.instrument, str(source.file_of(path))))
        except BadInput as bad:
            mistakes += bad.mistakes
            continue
        why = can_be_held(instrument, asked.sampling)
        if not why and instrument.asks != who:
            why = f"{instrument.name} asks {instrument.asks}, not {who}"
        if why:
            mistakes += BadInput.at(file, why, line=line, column=column, path=".".join(path)).mistakes
            continue
        found.append((who, instrument))
        stored[key] = asked.model_copy(update={"instrument": f"{TABLES[who][0]}.yaml"})
    if mistakes:
        raise BadInput(mistakes)
    return scenario.model_copy(update={"survey": survey.model_copy(update=stored)}), tuple(found)


def _place(name: str, scenario_file: str) -> str:
    """Where an instrument lies: beside the scenario that names it, else by its name as it stands."""
    beside = Path(scenario_file).parent / name
    return str(beside) if beside.is_file() else name


def write_instruments(folder: Path, prepared: Prepared) -> None:
    """Put the instruments of a scenario beside the answers that will come, under the names that it is stored with."""
    if prepared.surveyed:
        from sim.store.files import write_atomically
        from sim.survey.instrument.writing import to_yaml

        for who, instrument in prepared.surveyed:
            write_atomically(folder / f"{TABLES[who][0]}.yaml", to_yaml(instrument))
