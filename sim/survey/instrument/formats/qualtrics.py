"""Qualtrics' survey format (.qsf): JSON of blocks, their order in the flow, and questions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from sim.errors import BadInput
from sim.survey.instrument.draft import Choices, Draft, Imported, joined, plain
from sim.survey.instrument.formats.json_file import language, mapping, objects, read_json

SINGLE: Final = ("SAVR", "SAHR", "SACOL", "DL", "SB", "NPS")
WHY: Final = {
    "TE": "free text",
    "DB": "a text, no question",
    "Timing": "a measure of time",
    "Meta": "what the browser tells",
    "Captcha": "a test for robots",
    "FileUpload": "a file",
    "RO": "a ranking",
    "PGR": "groups and ranks",
    "CS": "a sum to be shared out",
    "SBS": "several tables side by side",
    "DD": "a drill down",
    "HotSpot": "places on a picture",
    "HeatMap": "places on a picture",
    "Signature": "a signature",
    "Draw": "a drawing",
}

Data = Mapping[str, Any]


def is_mine(path: Path) -> bool:
    """Whether the JSON is a Qualtrics survey."""
    return path.suffix.lower() == ".qsf" or "SurveyElements" in read_json(path)


def read(path: Path) -> Imported:
    """Single choices and tables of them become items or facts about the person, all else is listed."""
    data = read_json(path)
    elements = objects(data.get("SurveyElements"))
    if not elements:
        raise BadInput.at(str(path), "holds no SurveyElements; a survey as Qualtrics exports it (Tools, Export Survey)")
    asked = {
        str(payload.get("QuestionID") or one.get("PrimaryAttribute")): payload
        for one in elements
        if one.get("Element") == "SQ" and isinstance(payload := one.get("Payload"), dict)
    }
    entry = mapping(data.get("SurveyEntry"))
    own = language(str(entry.get("SurveyLanguage") or "EN"))
    other = [language(key) for payload in asked.values() for key in mapping(payload.get("Language"))]
    draft = Draft(path.stem, [own, *other], plain(entry.get("SurveyName")))
    ids, gone = _order(elements, asked)
    shared = Counter(_signature(asked[id_].get("Choices")) for id_ in ids)
    for id_ in ids:
        _question(draft, asked, id_, own, shared[_signature(asked[id_].get("Choices"))])
    for id_ in gone:
        draft.lists(_tag(asked[id_], id_), "in the trash or in no block, not mapped")
    return Imported(draft.done(), tuple(draft.listed))


def _question(draft: Draft, asked: Mapping[str, Data], id_: str, own: str, shared: int) -> None:
    payload = asked[id_]
    tag, kind, selector = _tag(payload, id_), payload.get("QuestionType"), payload.get("Selector")
    said = _said(payload, own, "QuestionText")
    settings = mapping(mapping(payload.get("Validation")).get("Settings"))
    more = {"required": settings.get("ForceResponse") == "ON"}
    codes: list[str] = []
    if kind == "MC" and selector in SINGLE:
        offered = _offered(payload, own, "Choices")
        codes.append(draft.question(tag, said, offered, matrix=selector == "NPS", shared=shared, **more))
        if any(mapping(choice).get("TextEntry") for choice in mapping(payload.get("Choices")).values()):
            draft.lists(tag, "a choice with a text: what is written there is not mapped")
    elif kind == "Matrix" and selector in ("Likert", "Bipolar") and payload.get("SubSelector") != "MultipleAnswer":
        offered = _offered(payload, own, "Answers")
        for row, text in _rows(payload, own):
            codes.append(draft.question(_row_tag(payload, tag, row), joined(said, text), offered, matrix=True, **more))
    elif kind == "Slider" and (points := _steps(payload)):
        for row, text in _rows(payload, own):
            codes.append(
                draft.item(_row_tag(payload, tag, row), joined(said, text), draft.scale(points, {}), **more).code
            )
    elif kind == "TE" and settings.get("ContentType") == "ValidNumber":
        draft.demographic(tag, said, None)
        codes.append(draft.renamed[tag])
    else:
        several = kind == "MC" or payload.get("SubSelector") == "MultipleAnswer"
        why = "several answers at once" if several else WHY.get(str(kind), f"{kind} {selector or ''}".strip())
        draft.lists(tag, f"{why}, not mapped")
    if payload.get("DisplayLogic"):
        rule = _rule(payload["DisplayLogic"], asked)
        for code in codes:
            draft.condition(code, rule, _described(payload["DisplayLogic"]))
    if payload.get("SkipLogic"):
        draft.lists(tag, "skip logic behind it, not mapped")


def _order(elements: list[Any], asked: Mapping[str, Data]) -> tuple[list[str], list[str]]:
    """Ids of the questions in the order in which they are asked, and those that are not."""
    blocks: dict[str, Data] = {}
    flow: list[str] = []
    for one in elements:
        payload = one.get("Payload")
        if one.get("Element") == "BL":
            blocks |= {str(block.get("ID")): block for block in objects(payload)}
        elif one.get("Element") == "FL":
            flow += _flow(payload)
    ordered = [blocks[id_] for id_ in flow if id_ in blocks] or list(blocks.values())
    ids = [
        str(part.get("QuestionID"))
        for block in ordered
        if block.get("Type") != "Trash"
        for part in objects(block.get("BlockElements"))
        if part.get("Type") == "Question"
    ]
    kept = [id_ for id_ in dict.fromkeys(ids) if id_ in asked] if blocks else list(asked)
    return kept, [id_ for id_ in asked if id_ not in kept]


def _flow(part: Any) -> Iterator[str]:
    """Ids of the blocks of a flow, in its order, branches and groups with them."""
    for one in objects(mapping(part).get("Flow")):
        if one.get("ID"):
            yield str(one["ID"])
        yield from _flow(one)


def _offered(payload: Data, own: str, key: str) -> Choices:
    """What can be answered: codes as they are exported, in the order in which they are shown."""
    choices, order = mapping(payload.get(key)), payload.get("ChoiceOrder" if key == "Choices" else "AnswerOrder")
    ids = [id_ for id_ in map(str, order) if id_ in choices] if isinstance(order, list) else list(choices)
    codes = _recoded(payload)
    return Choices({codes.get(id_, id_): _words(payload, own, key, id_) for id_ in ids})


def _recoded(payload: Data) -> dict[str, str]:
    return {str(id_): str(code) for id_, code in mapping(payload.get("RecodeValues")).items()}


def _rows(payload: Data, own: str) -> Iterator[tuple[str, dict[str, str]]]:
    choices, order = mapping(payload.get("Choices")), payload.get("ChoiceOrder")
    ids = map(str, order) if isinstance(order, list) else choices
    yield from ((id_, _words(payload, own, "Choices", id_)) for id_ in ids if id_ in choices)


def _words(payload: Data, own: str, key: str, id_: str) -> dict[str, str]:
    words = {own: plain(mapping(mapping(payload.get(key)).get(id_)).get("Display"))}
    for name, texts in mapping(payload.get("Language")).items():
        words[language(name)] = plain(mapping(mapping(mapping(texts).get(key)).get(id_)).get("Display"))
    return words


def _said(payload: Data, own: str, key: str) -> dict[str, str]:
    others = mapping(payload.get("Language")).items()
    return {own: plain(payload.get(key))} | {language(name): plain(mapping(texts).get(key)) for name, texts in others}


def _row_tag(payload: Data, tag: str, row: str) -> str:
    return str(mapping(payload.get("ChoiceDataExportTags")).get(row) or f"{tag}_{row}")


def _tag(payload: Data, id_: str) -> str:
    return str(payload.get("DataExportTag") or id_)


def _signature(choices: Any) -> tuple[str, ...]:
    return tuple(plain(mapping(choice).get("Display")) for choice in mapping(choices).values())


def _steps(payload: Data) -> list[int]:
    """Points of a slider that has whole numbers within -100 to 100."""
    set_up = mapping(payload.get("Configuration"))
    try:
        low, high = int(set_up.get("CSSliderMin", 0)), int(set_up.get("CSSliderMax", 100))
        whole = int(set_up.get("NumDecimals") or 0) == 0
    except (TypeError, ValueError):
        return []
    return list(range(low, high + 1)) if whole and -100 <= low < high <= 100 else []


def _rule(logic: Any, asked: Mapping[str, Data]) -> dict[str, list[str]] | None:
    """Answers by question's tag, of one group of conditions 'is selected' that are all joined alike."""
    groups = [group for key, group in mapping(logic).items() if key.isdigit()]
    if len(groups) != 1:
        return None
    rule: dict[str, list[str]] = {}
    joints = set()
    terms = [mapping(term) for key, term in mapping(groups[0]).items() if key.isdigit()]
    for i, term in enumerate(terms):
        if i:
            joints.add(str(term.get("Conjuction") or term.get("Conjunction") or "And").lower())
        found = re.fullmatch(
            r"q://(QID\d+)/SelectableChoice/(\d+)", str(term.get("ChoiceLocator") or term.get("LeftOperand"))
        )
        if (
            term.get("LogicType") != "Question"
            or term.get("Operator") != "Selected"
            or not found
            or found[1] not in asked
        ):
            return None
        payload = asked[found[1]]
        rule.setdefault(_tag(payload, found[1]), []).append(_recoded(payload).get(found[2], found[2]))
    one_each = len(rule) == len(terms)
    return (
        rule if len(terms) == 1 or (joints == {"or"} and len(rule) == 1) or (joints == {"and"} and one_each) else None
    )


def _described(logic: Any) -> str:
    words = re.findall(r"q://[^\"'\s]+|\b(?:Selected|NotSelected|EqualTo|GreaterThan|LessThan)\b", str(logic))
    return " ".join(dict.fromkeys(words)) or "display logic"
