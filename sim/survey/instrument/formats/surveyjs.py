"""SurveyJS (.json): pages of elements, as its creator and its form library know them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sim.errors import BadInput
from sim.survey.instrument.draft import Choices, Draft, Imported, joined, plain
from sim.survey.instrument.formats.json_file import language, objects, read_json
from sim.survey.instrument.formats.rules import Term, parse, unquoted

SINGLE: Final = ("radiogroup", "dropdown", "buttongroup")
WHY: Final = {
    "checkbox": "several answers at once",
    "tagbox": "several answers at once",
    "ranking": "a ranking",
    "comment": "free text",
    "text": "free text",
    "multipletext": "several texts",
    "file": "a file",
    "html": "a text, no question",
    "image": "a picture, no question",
    "imagepicker": "a choice of pictures",
    "expression": "a calculation",
    "signaturepad": "a signature",
    "matrixdropdown": "a table of questions",
    "matrixdynamic": "a table that grows",
    "paneldynamic": "questions that are repeated",
}

Data = Mapping[str, Any]


def read(path: Path) -> Imported:
    """Ratings, single choices and tables of them become items or facts about the person, all else is listed."""
    data = read_json(path)
    questions = list(_questions(data, ()))
    if not questions:
        raise BadInput.at(str(path), "holds no questions that SurveyJS or Qualtrics would; pages with elements")
    own = language(str(data.get("locale") or "en"))
    draft = Draft(path.stem, [own, *_languages(data, own)])
    draft.about = draft.text(_said(data.get("title"), own), "")
    shared = Counter(str(question.get("choices")) for question, _ in questions)
    for question, rules in questions:
        _question(draft, question, rules, own, shared[str(question.get("choices"))])
    for calculated in objects(data.get("calculatedValues")):
        draft.lists(str(calculated.get("name")), "a calculation, not mapped")
    for trigger in objects(data.get("triggers")):
        draft.lists(f"trigger {trigger.get('type', '')}".strip(), "not mapped")
    return Imported(draft.done(), tuple(draft.listed))


def _question(draft: Draft, question: Data, rules: tuple[str, ...], own: str, shared: int) -> None:
    name, kind = str(question.get("name") or question.get("title") or "question"), str(question.get("type"))
    said = _said(question.get("title") or name, own)
    more = {"required": question.get("isRequired") is True}
    codes: list[str] = []
    if kind == "rating" or (kind == "slider" and question.get("sliderType", "single") == "single"):
        points, words = _rated(question, own)
        if not points:
            draft.lists(name, "its steps are no whole numbers, not mapped")
            return
        codes.append(draft.item(name, said, draft.scale(points, words), **more).code)
    elif kind in SINGLE:
        offered = _offered(question.get("choices"), own)
        if question.get("showNoneItem") or question.get("hasNone"):
            offered.words["none"] = _said(question.get("noneText") or "None", own)
            offered.unknown.add("none")
        if not offered.words:
            draft.lists(name, "its choices are in no list here, not mapped")
            return
        codes.append(draft.question(name, said, offered, shared=shared, **more))
        if question.get("showOtherItem") or question.get("hasOther"):
            draft.lists(name, "other: what is written there is not mapped")
    elif kind == "boolean":
        texts = {"true": question.get("labelTrue") or "Yes", "false": question.get("labelFalse") or "No"}
        draft.demographic(name, said, {word: _said(text, own) for word, text in texts.items()})
        codes.append(draft.renamed[name])
    elif kind == "matrix" and question.get("cellType") != "checkbox":
        offered = _offered(question.get("columns"), own)
        for value, text in _offered(question.get("rows"), own).words.items():
            codes.append(draft.question(f"{name}_{value}", joined(said, text), offered, matrix=True, **more))
    elif kind == "text" and question.get("inputType") in ("number", "range"):
        draft.demographic(name, said, None)
        codes.append(draft.renamed[name])
    else:
        draft.lists(name, f"{WHY.get(kind, kind)}, not mapped")
    condition = " and ".join(f"({rule})" for rule in rules)
    for code in codes:
        draft.condition(code, parse(condition, _term), condition)


def _questions(part: Data, rules: tuple[str, ...]) -> Iterator[tuple[Data, tuple[str, ...]]]:
    """Every question in its order, with the conditions of what it stands in and its own."""
    for key in ("pages", "elements", "questions"):
        for one in objects(part.get(key)):
            own = (*rules, str(one["visibleIf"])) if one.get("visibleIf") else rules
            if key == "pages" or one.get("type") == "panel":
                yield from _questions(one, own)
            else:
                yield one, own


def _rated(question: Data, own: str) -> tuple[list[int], dict[int, dict[str, str]]]:
    """Points of a rating or a slider, and words for those that have some."""
    slider = question.get("type") == "slider"
    if values := question.get("rateValues"):
        offered = _offered(values, own).words
        if not offered or not all(re.fullmatch(r"-?\d+", value) for value in offered):
            return [], {}
        points = sorted(map(int, offered))
        words = {int(value): text for value, text in offered.items()}
    else:
        low, high, step = ("min", "max", "step") if slider else ("rateMin", "rateMax", "rateStep")
        usual = (0, 100, 1) if slider else (1, 5, 1)
        given = [question.get(key, known) for key, known in zip((low, high, step), usual, strict=True)]
        if isinstance(question.get("rateCount"), int) and "rateMax" not in question:
            given[1] = given[0] + question["rateCount"] - 1
        if not all(isinstance(value, int) for value in given) or given[2] != 1:
            return [], {}
        points, words = list(range(given[0], given[1] + 1)), {}
    if len(points) < 2 or points != list(range(points[0], points[-1] + 1)) or points[0] < -100 or points[-1] > 100:
        return [], {}
    for point, key in ((points[0], "minRateDescription"), (points[-1], "maxRateDescription")):
        if question.get(key):
            words[point] = _said(question[key], own)
    return points, words


def _offered(choices: Any, own: str) -> Choices:
    words: dict[str, dict[str, str]] = {}
    for choice in choices if isinstance(choices, list) else []:
        value = choice.get("value") if isinstance(choice, dict) else choice
        text = choice.get("text", value) if isinstance(choice, dict) else choice
        words[str(value)] = _said(text, own)
    return Choices(words)


def _said(text: Any, own: str) -> dict[str, str]:
    if isinstance(text, dict):
        return {own if key == "default" else language(key): plain(words) for key, words in text.items()}
    return {own: plain(text)} if text is not None else {}


def _languages(part: Any, own: str) -> list[str]:
    """Languages of all texts, by their mark: an object whose keys are languages, with `default` among them or not."""
    found: dict[str, None] = {}
    if isinstance(part, dict):
        for key, value in part.items():
            if key in ("title", "text", "description", "minRateDescription", "maxRateDescription") and isinstance(
                value, dict
            ):
                found |= dict.fromkeys(own if name == "default" else language(name) for name in value)
            else:
                found |= dict.fromkeys(_languages(value, own))
    elif isinstance(part, list):
        for one in part:
            found |= dict.fromkeys(_languages(one, own))
    return list(found)


def _term(text: str) -> Term | None:
    found = re.fullmatch(r"\{([^{}]+)\}\s*(?:=|==)\s*(.+)", text, re.DOTALL)
    if found and (value := unquoted(found[2])) is not None:
        return _name(found[1]), [value]
    if found and found[2].strip() in ("true", "false"):
        return _name(found[1]), [found[2].strip()]
    several = re.fullmatch(r"\{([^{}]+)\}\s*anyof\s*\[(.+)\]", text, re.DOTALL)
    values = [unquoted(value) for value in several[2].split(",")] if several else [None]
    return (
        (_name(several[1]), [value for value in values if value is not None])
        if several and None not in values
        else None
    )


def _name(written: str) -> str:
    """A row of a table is ``table.row`` in a condition, and ``table_row`` here."""
    return written.strip().replace(".", "_")
