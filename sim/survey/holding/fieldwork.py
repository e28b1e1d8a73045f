"""A questionnaire held on one bank at the end of a month: the sheets, the truth beside them, and what they miss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.errors import BadInput
from sim.survey.holding.answering import Biases, answers, believed
from sim.survey.holding.bias import report
from sim.survey.holding.sampling import draw
from sim.survey.holding.settings import SAMPLINGS, Answering
from sim.survey.instrument import Instrument
from sim.survey.respondents import Respondents
from sim.survey.sheets import MODE, RESPONDENT, SHEET, WAVE, WEIGHT

if TYPE_CHECKING:
    import pandas as pd


AS_THEY_DO, ALL = Answering(), Biases()


@dataclass(frozen=True)
class Held:
    """What came back.

    `sheets` has a row a sheet (`sim.survey.sheets`), `truth` the same sheets with what no bank knows: uid,
    `true[construct]` and `said[construct]` in SD, `chance` to answer, `careless`. `bias` is `holding.bias.report`.
    `asked` people were asked; `short` says how many sheets are missing of those wanted.
    """

    sheets: pd.DataFrame
    truth: pd.DataFrame
    bias: pd.DataFrame
    asked: int
    frame: float
    mode: str
    short: int


def can_be_held(instrument: Instrument, sampling: str) -> str:
    """Why an instrument cannot be held on a simulated bank in this way; "" if it can."""
    if instrument.asks is None:
        what = f"the questionnaire {instrument.name} does not say whom of a simulated bank it asks"
        return f"{what}; asks: customers, or managers"
    if not any(construct.of for construct in instrument.constructs.values()):
        return f"no construct of {instrument.name} says what of the bank it is; `of`, as in of: {{satisfaction: 1}}"
    if sampling not in SAMPLINGS:
        return f"sampling {sampling!r}; one of {', '.join(SAMPLINGS)}"
    if instrument.asks == "managers" and sampling not in ("simple", "stratified"):
        return f"managers are not asked by {sampling}; simple or stratified"
    return ""


def hold(
    instrument: Instrument,
    people: Respondents,
    *,
    n: int = 500,
    sampling: str = "simple",
    panel: bool = False,
    settings: Answering = AS_THEY_DO,
    biases: Biases = ALL,
    with_bias: bool = True,
) -> Held:
    """Ask until `n` sheets are back or everybody was asked; `BadInput` for an instrument that cannot be held on them.

    The same seed, month and people give the same sheets; other arms of a seed are asked with the same luck.
    """
    import pandas as pd

    if why := can_be_held(instrument, sampling):
        raise BadInput.at(instrument.name, why)
    if instrument.asks != people.who:
        raise BadInput.at(instrument.name, f"asks {instrument.asks}, not {people.who}")
    way = sampling if biases.coverage else "simple"
    sample = draw(people, way, n, settings, panel=panel, all_answer=not biases.nonresponse)
    rows = sample.rows
    order = np.argsort(people.uid[rows], kind="stable")  # sheets in no order that would tell who answered first
    rows = rows[order]
    uid = people.uid[rows]
    who = np.array([f"r{people.seed}-{one:x}" for one in uid.tolist()], object)  # never read as a number
    facts = {
        one.code: people.facts[one.of].of(rows)
        for one in instrument.demographics
        if one.of is not None and one.of in people.facts
    }
    true, said = believed(instrument, people, rows, settings, biases)
    items, careless = answers(instrument, people, rows, said, facts, settings, biases)
    name = np.array([f"s{number:06d}" for number in range(1, rows.size + 1)], object)
    front = {
        SHEET: name,
        RESPONDENT: who,
        WAVE: np.full(rows.size, people.month, np.int64),
        MODE: np.full(rows.size, sample.mode, object),
        WEIGHT: np.round(sample.weight[order], 6),
    }
    blank = {one.code: np.full(rows.size, None, object) for one in instrument.demographics}
    sheets = pd.concat([pd.DataFrame({**front, **blank, **facts}), items], axis=1)
    truth = {SHEET: name, WAVE: front[WAVE], "uid": uid, "chance": sample.chance[order], "careless": careless}
    truth |= {f"true[{construct}]": values for construct, values in true.items()}
    truth |= {f"said[{construct}]": values for construct, values in said.items()}
    bias = report(instrument, people, sampling, settings) if with_bias else pd.DataFrame()
    return Held(sheets, pd.DataFrame(truth), bias, sample.asked, sample.frame, sample.mode, n - rows.size)
