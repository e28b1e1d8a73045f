"""SPSS files (.sav, .zsav): labels of variables and values, missing codes, answers; most survey tools write it."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.errors import BadInput
from sim.survey.columns import SHEET_COLUMNS, WEIGHT, weight_of
from sim.survey.instrument.draft import (
    SEVERAL,
    UNKNOWN_WORDS,
    Choices,
    Draft,
    Imported,
    as_weight,
    language_of,
    plain,
    several,
)
from sim.survey.instrument.formats.table import Plain
from sim.survey.tables import from_frame, needed

if TYPE_CHECKING:
    import pandas as pd

Labels = dict[float, str]


def read(path: Path) -> Imported:
    """Labelled variables become items or facts about the person, the others as those of a plain table."""
    pyreadstat = needed("pyreadstat", str(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            frame, meta = pyreadstat.read_sav(str(path), apply_value_formats=False, user_missing=True)
    except Exception as error:  # pyreadstat raises what its C library says
        why = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise BadInput.at(str(path), f"is not an SPSS file or is damaged ({why})") from None
    if frame.empty or not all(isinstance(name, str) and name for name in frame) or not frame.columns.is_unique:
        what = "holds no answers" if frame.empty else "is damaged: its variables have no names of their own"
        raise BadInput.at(str(path), f"{what}; an SPSS file with a row for each sheet")
    labels: dict[str, Labels] = {
        name: {float(code): plain(word) for code, word in words.items() if isinstance(code, (int, float))}
        for name, words in meta.variable_value_labels.items()
    }
    texts = {name: plain(text) for name, text in meta.column_names_to_labels.items() if text}
    language = language_of([*texts.values(), *(word for words in labels.values() for word in words.values())])
    draft = Draft(path.stem, [language], plain(meta.file_label or ""))
    shared = Counter(tuple(sorted(words.items())) for words in labels.values())
    columns: dict[str, Any] = {}
    weight = None if WEIGHT in frame else weight_of({str(name): frame[name] for name in frame})
    own = {*SHEET_COLUMNS, weight}
    bare = {name: _texts(frame[name]) for name in frame if not labels.get(str(name)) and name not in own}
    unlabelled = Plain({str(name): column for name, column in bare.items()})
    boxes = _boxes(frame, labels, meta)
    for name in map(str, frame):
        said = {language: texts.get(name, "")}
        if name in own or name in boxes:
            columns[name] = _texts(frame[name])
            if name not in SHEET_COLUMNS:
                draft.lists(*(as_weight(name).split(": ") if name == weight else (name, SEVERAL)))
            continue
        missing = _missing(frame[name], labels.get(name, {}), meta.missing_ranges.get(name, []))
        if not labels.get(name):
            number = frame[name].mask(frame[name].isin(missing)) if missing else frame[name]
            if frame[name].dtype.kind not in "OU" and not all(isinstance(v, (int, float, np.number)) for v in number):
                draft.lists(name, "dates, not mapped")
                continue
            if missing:
                draft.lists(
                    name, f"{', '.join(f'{code:g}' for code in sorted(missing))} declared missing, taken as none"
                )
            unlabelled.add(draft, name, said)
            columns[name] = _texts(number)
            continue
        offered = _choices(frame[name], labels[name], missing, language)
        code = draft.question(name, said, offered, shared=shared[tuple(sorted(labels[name].items()))])
        if draft.demographics and draft.demographics[-1].code == code:
            columns[name] = _words(draft, frame[name], labels[name], missing)
        else:
            columns[name] = _texts(frame[name])
    import pandas as pd

    kept = {draft.renamed.get(name, name): column for name, column in columns.items()}
    table = from_frame(str(path), pd.DataFrame(kept), first=1)
    return Imported(draft.done(), tuple(draft.listed), table)


def _missing(values: pd.Series, labels: Labels, ranges: list[Mapping[str, Any]]) -> set[float]:
    """Codes that the file declares missing, of those that are labelled or answered."""
    if values.dtype.kind not in "if" or not ranges:
        return set()
    seen = {float(value) for value in values.dropna().unique()} | set(labels)
    return {code for code in seen if any(float(one["lo"]) <= code <= float(one["hi"]) for one in ranges)}


def _boxes(frame: pd.DataFrame, labels: Mapping[str, Labels], meta: Any) -> set[str]:
    """Variables that the file says are several answers at once, and those that by labels and answers are boxes."""
    answers: dict[str, list[str]] = {}
    for name in (name for name in map(str, frame) if labels.get(name) and frame[name].dtype.kind in "if"):
        seen = {float(value): f"{value:g}" for value in frame[name].dropna().unique()}
        missing = _missing(frame[name], labels[name], meta.missing_ranges.get(name, []))
        there = {code: word for code, word in (seen | labels[name]).items() if code not in missing}
        answers[name] = [word for word in there.values() if not UNKNOWN_WORDS.search(word)]
    sets = (getattr(meta, "mr_sets", None) or {}).values()
    return several(answers) | {name for one in sets for name in one.get("variable_list", [])}


def _choices(values: pd.Series, labels: Labels, missing: set[float], language: str) -> Choices:
    """The answers that a labelled variable offers; points between labelled ends have no word."""
    words = {f"{code:g}": {language: word} for code, word in sorted(labels.items())}
    inside = [code for code in labels if code not in missing]
    seen = [float(value) for value in values.dropna().unique()] if values.dtype.kind in "if" else []
    if inside and all(code % 1 == 0 for code in [*inside, *seen]) and max(inside) - min(inside) <= 10:
        for code in range(int(min(inside)), int(max(inside)) + 1):
            words.setdefault(f"{code}", {language: ""})
    return Choices(dict(sorted(words.items(), key=lambda one: float(one[0]))), {f"{code:g}" for code in missing})


def _words(draft: Draft, values: pd.Series, labels: Labels, missing: set[float]) -> list[str | None]:
    """Codes of a fact as its words, which then are its choices; draft's last demographic is the fact."""
    doubled = Counter(labels.values())
    words = {code: word if doubled[word] == 1 else f"{word} ({code:g})" for code, word in labels.items()}
    fact = draft.demographics[-1]
    offered = {words[code]: words[code] for code in sorted(words) if code not in missing}
    draft.demographics[-1] = fact.model_copy(update={"choices": offered or None})
    found = []
    for value in values:
        known = not (value is None or value != value or value in missing)
        found.append(words.get(float(value), f"{value:g}") if known else None)
    return found


def _texts(values: pd.Series) -> pd.Series:
    """A column as text, None where there is nothing."""
    return from_frame("", values.to_frame("one")).cells["one"]
