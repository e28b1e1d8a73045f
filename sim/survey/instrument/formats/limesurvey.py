"""LimeSurvey's structure as tab separated values (.txt): a row each for groups, questions, subquestions and answers."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sim.errors import BadInput
from sim.survey.instrument.draft import Choices, Draft, Imported, joined, plain
from sim.survey.instrument.formats.json_file import language
from sim.survey.instrument.formats.rules import Term, parse, unquoted
from sim.survey.tables import read_text

HEADER: Final = {"class", "type/scale", "name", "text"}
POINTS: Final = {"5": 5, "A": 5, "B": 10}  # question types whose answers are points without words
WORDS: Final = {
    "C": {"N": "No", "U": "Uncertain", "Y": "Yes"},
    "E": {"D": "Decrease", "S": "Same", "I": "Increase"},
    "Y": {"Y": "Yes", "N": "No"},
    "G": {"F": "Female", "M": "Male"},
}
LISTS: Final = ("L", "!", "O", "I")
TABLES: Final = ("F", "H", "A", "B", "C", "E")  # one answer in each row
WHY: Final = {
    "M": "several answers at once",
    "P": "several answers at once",
    "R": "a ranking",
    "1": "a table with two scales",
    ":": "a table of numbers",
    ";": "a table of texts",
    "K": "several numbers",
    "Q": "several texts",
    "S": "free text",
    "T": "free text",
    "U": "free text",
    "D": "a date",
    "X": "a text, no question",
    "|": "a file",
    "*": "a calculation",
    "I": "the choice of a language",
}

Words = dict[str, dict[str, str]]  # by code, then by language


@dataclass
class Question:
    """A question with its rows, in all languages."""

    name: str
    kind: str
    said: dict[str, str] = field(default_factory=dict)
    rows: Words = field(default_factory=dict)
    answers: Words = field(default_factory=dict)
    rules: list[str] = field(default_factory=list)
    required: bool = False
    other: bool = False


def is_mine(path: Path) -> bool:
    """Whether the header names what LimeSurvey's structure has."""
    text, _ = read_text(path)
    return set(_cells(text.split("\n", 1)[0])) >= HEADER


def _cells(line: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.strip("\r\n").split("\t")]


def read(path: Path) -> Imported:
    """Lists and tables with one answer become items or facts about the person, all else is listed."""
    questions, languages, titles = _questions(path)
    draft = Draft(path.stem, languages)
    draft.about = draft.text(titles, "") if titles else ""
    shared = Counter(tuple(question.answers) for question in questions if question.answers)
    for question in questions:
        name, kind = question.name, question.kind
        codes: list[str] = []
        if kind in TABLES:
            offered = Choices(_answers(question))
            for row, said in question.rows.items():
                codes.append(
                    draft.question(
                        f"{name}_{row}", joined(question.said, said), offered, matrix=True, required=question.required
                    )
                )
        elif kind in (*LISTS[:3], "5", "Y", "G"):
            offered = Choices(_answers(question))
            if not offered.words:
                draft.lists(name, "no answers stand below it, not mapped")
                continue
            often = shared[tuple(question.answers)]
            codes.append(
                draft.question(
                    name, question.said, offered, matrix=kind == "5", shared=often, required=question.required
                )
            )
            if question.other or kind == "O":
                draft.lists(
                    name, f"{'other' if question.other else 'its comment'}: what is written there is not mapped"
                )
        elif kind == "N":
            draft.demographic(name, question.said, None)
            codes.append(draft.renamed[name])
        else:
            draft.lists(name, f"{WHY.get(kind, f'question type {kind}')}, not mapped")
        text = " and ".join(f"({rule})" for rule in question.rules)
        rule = parse(text, _term)
        for code in codes:
            draft.condition(code, rule, text)
    return Imported(draft.done(), tuple(draft.listed))


def _answers(question: Question) -> Words:
    if points := POINTS.get(question.kind):
        return {str(point): {} for point in range(1, points + 1)}
    if words := WORDS.get(question.kind):
        return {code: {key: word for key in question.said} for code, word in words.items()}
    return question.answers


def _questions(path: Path) -> tuple[list[Question], list[str], dict[str, str]]:
    """The questions in their order, the languages, and the title by language."""
    text, _ = read_text(path)
    try:
        rows = list(csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"))
    except csv.Error as error:
        raise BadInput.at(str(path), f"cannot be read ({error})") from None
    found: dict[str, Question] = {}
    languages: dict[str, None] = {}
    titles: dict[str, str] = {}
    group_rule = ""
    current: Question | None = None
    for row in rows:
        name, what, said = (row.get("name") or "").strip(), row.get("class"), plain(row.get("text"))
        spoken = language(row.get("language") or "en")
        if what in ("G", "Q", "SQ", "A"):
            languages.setdefault(spoken)
        if what == "S" and name == "language" and said:
            languages = {language(said): None, **languages}
        elif what == "SL" and name == "surveyls_title":
            titles[spoken] = said
        elif what == "G":
            group_rule = _rule(row)
        elif what == "Q":
            current = found.setdefault(name, Question(name, (row.get("type/scale") or "").strip()))
            current.said[spoken] = said
            current.rules = current.rules or [rule for rule in (group_rule, _rule(row)) if rule]
            current.required = current.required or row.get("mandatory") in ("Y", "S")
            current.other = current.other or row.get("other") == "Y"
        elif what == "SQ" and current is not None:
            current.rows.setdefault(name, {})[spoken] = said
        elif what == "A" and current is not None:
            current.answers.setdefault(name, {})[spoken] = said
    return list(found.values()), list(languages) or ["en"], titles


def _rule(row: Mapping[str, str | None]) -> str:
    rule = (row.get("relevance") or "").strip().strip("{}").strip()
    return "" if rule == "1" else rule


def _term(text: str) -> Term | None:
    found = re.fullmatch(r"(\w+?)(?:\.NAOK|\.value|\.shown)?\s*==\s*(.+)", text, re.DOTALL)
    value = unquoted(found[2]) if found else None
    return (found[1], [value]) if found and value is not None else None
