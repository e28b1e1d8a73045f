"""All that answers say, asked room by room: tables (a CSV file each), notes in words, facts for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.survey.analysis import quality as believing
from sim.survey.analysis.constructs import constructs
from sim.survey.analysis.gaps import gaps
from sim.survey.analysis.groups import columns_to_compare, groups
from sim.survey.analysis.importance import importance
from sim.survey.analysis.marginals import distribution, items
from sim.survey.analysis.modelling import alike, confirmed, driven, explored, led, together
from sim.survey.analysis.nps import nps
from sim.survey.analysis.quality import KEPT, Rule
from sim.survey.analysis.reliability import reliability
from sim.survey.analysis.study import Study
from sim.survey.instrument import Instrument
from sim.survey.sheets import ARM, MODE, RESPONDENT, SEED, WAVE, Sheets

if TYPE_CHECKING:
    import pandas as pd


ALIKE, GROUPS = 2, 6  # invariance: columns, groups of each


@dataclass(frozen=True)
class Analysis:
    """What answers say: tables by the name of their file, facts as plain data, and in a sentence each what to know.

    `notes` are about the sheets and what cannot be said, `remarks` about how the models were fitted.
    """

    instrument: Instrument
    tables: dict[str, pd.DataFrame]
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)


def analyse(sheets: Sheets, *, by: Sequence[str] = (), rule: Rule | None = None) -> Analysis:
    """Everything that sheets say of their instrument's constructs.

    `by` are columns whose groups are compared (none: arms, waves, modes and demographics of few words), `rule` says
    which sheets are left out. `BadInput` for weights that are none, a column of `by` that is not there, or sheets of
    which none can be used.
    """
    import pandas as pd

    rule = rule or Rule()
    believing.check_weights(sheets)
    each = believing.quality(sheets, rule)
    kept = (each["verdict"] == KEPT).to_numpy()
    if not kept.any():
        raise BadInput.at(sheets.file or "answers", _nothing(each))
    study = Study.of(replace(sheets, table=sheets.table[kept]))
    columns = columns_to_compare(study, by, sheets.file)
    tables = {"sheets": each, "quality": believing.outcomes(each, rule)}
    tables |= {"items": items(study), "distribution": distribution(study), "constructs": constructs(study)}
    tables["reliability"], tables["reliability_items"] = reliability(study)
    tables |= {"nps": nps(study), "gaps": gaps(study)}
    tables["groups"], tables["differences"] = groups(study, columns)
    tables |= together(study, tables["reliability"])
    models = [confirmed(study), led(study), explored(study), driven(study)]
    held = _to_hold_alike(study, tables["differences"], by)
    models.append(alike(study, held))
    fits = [made.pop("fit") for made, _ in models if "fit" in made]
    for made, _ in models:
        tables |= made
    tables["fit"] = pd.concat([one for one in fits if len(one)] or fits[:1], ignore_index=True)
    tables["importance"], unmapped = importance(study, tables["drivers"])
    notes = [*sheets.notes, rule.in_words(), *([unmapped] if unmapped else []), *_notes(study, each, tables)]
    remarks = [remark for _, told in models for remark in told]
    facts = _facts(sheets, study, each, columns) | {"alike": held}
    return Analysis(sheets.instrument, tables, tuple(notes), tuple(remarks), facts)


def _to_hold_alike(study: Study, tests: pd.DataFrame, asked: Sequence[str]) -> list[str]:
    """Columns whose groups are asked whether they understand questions alike: those compared on purpose come first.

    Arms and waves, what was asked for, then where means differ clearly; `ALIKE` at most, of `GROUPS` groups at most,
    since each costs seconds.
    """
    clear = list(dict.fromkeys(tests[tests["sure"]]["by"]))
    wanted = dict.fromkeys([*asked, *(name for name in (ARM, WAVE) if name in study.table), *clear])
    return [name for name in wanted if name != SEED and 2 <= study.table[name].nunique() <= GROUPS][:ALIKE]


def _nothing(each: pd.DataFrame) -> str:
    if not len(each):
        return "no sheet; a row a sheet below the header"
    why = each["verdict"].value_counts()
    told = ", ".join(f"{count} {believing.REASONS[str(reason)]}" for reason, count in why.items())
    return f"none of {len(each)} sheets can be used: {told}"


def _notes(study: Study, each: pd.DataFrame, tables: dict[str, pd.DataFrame]) -> list[str]:
    """What a reader must know before believing a number."""
    notes = ["How fast sheets were filled in is not known, so nobody was left out for speed."]
    same = int((each["all_the_same"] & (each["verdict"] == KEPT)).sum())
    if same:
        notes.append(
            f"{same} of the sheets used give the same answer to every question; no reversed question contradicts them."
        )
    for name in (ARM, SEED, WAVE):
        if name in study.table and study.table[name].nunique() > 1:
            notes.append(
                f"Sheets of {study.table[name].nunique()} {name}s stand together here but where groups are compared."
            )
    if RESPONDENT in study.table and study.table[RESPONDENT].duplicated().any():
        notes.append("Some people filled in several sheets; intervals take sheets for independent.")
    for table, what in (("constructs", "construct"), ("reliability", "construct"), ("items", "item")):
        frame = tables[table]
        notes += [f"{row[what]}: {row['word']}." for _, row in frame[frame["word"] != ""].iterrows()]
    return notes


def _facts(sheets: Sheets, study: Study, each: pd.DataFrame, by: list[str]) -> dict[str, Any]:
    """Plain data about the sheets, for the head of the page and for JSON."""
    item = study.instrument.nps_item
    several = {
        name: [str(value) for value in sorted(study.table[name].dropna().unique())]
        for name in (ARM, SEED, WAVE, MODE)
        if name in study.table
    }
    weights = study.weights
    return {
        "instrument": study.instrument.name,
        "file": sheets.file,
        "returned": len(each),
        "used": len(study.table),
        "left_out": {
            str(reason): int((each["verdict"] == reason).sum())
            for reason in believing.REASONS
            if (each["verdict"] == reason).any()
        },
        "items": len(study.answers.columns),
        "answered": float(study.answers.notna().to_numpy().mean()),
        "weighted": study.weighted,
        "effective_n": float(weights.sum() ** 2 / (weights @ weights)),
        "weight_ratio": float(weights.max() / weights.min()),
        "nps_item": item.code if item is not None else "",
        "by": by,
        **several,
    }
