"""XLSForm: the sheets survey, choices and settings, as ODK, KoboToolbox and SurveyCTO read them, and as we write."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sim.errors import BadInput
from sim.survey.instrument.draft import Choices, Draft, Imported, plain
from sim.survey.instrument.formats.rules import Term, parse, unquoted
from sim.survey.instrument.model import Instrument, Text
from sim.survey.instrument.writing import LANGUAGES, OWN
from sim.survey.tables import sheet_rows, workbook
from sim.yaml_source import dump, loads, validate

QUIET: Final = frozenset(
    {"start", "end", "today", "deviceid", "username", "phonenumber", "email", "audit", "simserial"}
)
CODES: Final = {name.casefold(): code for code, name in LANGUAGES.items()} | {
    "chinese": "zh",
    "german": "de",
    "french": "fr",
}
CODES.update({"spanish": "es", "français": "fr", "espanol": "es", "portuguese": "pt", "arabic": "ar", "russian": "ru"})

Row = dict[str, str]


def is_mine(path: Path) -> bool:
    """Whether an Excel file has the sheet that every XLSForm has."""
    book = workbook(path)
    try:
        return "survey" in book.sheetnames
    finally:
        book.close()


def read(path: Path) -> Imported:
    """The instrument of a form; what we wrote reads back as it was."""
    survey, choices, settings = (_rows(path, name) for name in ("survey", "choices", "settings"))
    setting = settings[0] if settings else {}
    offered: dict[str, list[Row]] = {}
    for row in choices:
        offered.setdefault(row.get("list_name") or row.get("list name", ""), []).append(row)
    if f"{OWN}languages" in setting:
        try:
            return _ours(path, survey, offered, setting)
        except KeyError as error:  # somebody took it out
            raise BadInput.at(str(path), f"has no column {error} any more, which the form had that we wrote") from None
        except ValueError as error:
            raise BadInput.at(str(path), f"has a text where the form that we wrote had a number ({error})") from None
    return _theirs(path, survey, offered, setting)


def _rows(path: Path, sheet: str) -> list[Row]:
    """The rows of a sheet by column, text, without those that are empty."""
    rows = sheet_rows(path, sheet)
    names = [_said(cell) for cell in rows[0]] if rows else []
    found = [{name: _said(cell) for name, cell in zip(names, row, strict=False) if name} for row in rows[1:]]
    return [row for row in found if any(row.values())]


def _said(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return "" if cell is None else str(cell)


# --- what we wrote ----------------------------------------------------------------------------------------------------


def _ours(path: Path, survey: list[Row], offered: Mapping[str, list[Row]], setting: Row) -> Imported:
    languages = setting[f"{OWN}languages"].split()

    def text(row: Row, column: str = "label") -> Text:
        by_code = {code: row[name] for name in row if (code := _language(name, column)) and row[name]}
        said = {language: by_code[language] for language in languages if language in by_code}
        mark = row.get(f"{OWN}{column.removeprefix(OWN)}_is")
        by_language = mark == "by language" or (mark != "plain" and len(languages) > 1 and bool(said))
        return said if by_language else next(iter(said.values()), "")

    listed: list[str] = []
    scales = {row["name"]: _scale(row, offered.get(row["name"], [])) for row in _rows(path, f"{OWN}scales")}
    meant = _rows(path, f"{OWN}constructs")
    constructs = {
        row["name"]: {
            "label": text(row),
            "about": text(row, f"{OWN}about"),
            "source": row.get("source", ""),
            "of": _pairs(row.get("of", "")),
            "follows": row.get("follows", "").split(),
            "self_rated": row.get("self_rated") == "yes",
        }
        for row in meant
    }
    items, facts = [], []
    for row in survey:
        kind, _, choices = row["type"].partition(" ")
        if kind == "select_one" and choices in scales:
            items.append({"code": row["name"], "text": text(row), "scale": choices, **_item(row)})
        elif row.get(f"{OWN}kind") == "demographic" or kind == "select_one":
            words = {choice["name"]: text(choice) for choice in offered.get(choices, [])}
            fact = {"code": row["name"], "text": text(row), "of": row.get(f"{OWN}of") or None}
            facts.append(fact | {"choices": words if kind == "select_one" else None})
        else:
            listed.append(f"{row.get('name') or row['type']}: {row['type']}, not mapped")
    data = {
        "name": setting["form_id"],
        "about": text(setting, f"{OWN}about"),
        "version": setting.get("version", "1"),
        "asks": setting.get(f"{OWN}asks") or None,
        "languages": languages,
        "scales": scales,
        "constructs": constructs,
        "own": {row["name"]: own for row in meant if (own := _pairs(row.get("own", "")))},
        "items": items,
        "demographics": facts,
    }
    try:
        return Imported(validate(Instrument, loads(dump(data), file=str(path))), tuple(listed))
    except BadInput as error:  # lines of a text that nobody sees
        raise BadInput([replace(mistake, line=0, column=0) for mistake in error.mistakes]) from None


def _scale(row: Row, choices: list[Row]) -> dict[str, Any]:
    labels = {}
    for language in row.get("labelled", "").split():
        labels[language] = [
            next((choice[name] for name in choice if _language(name) == language), "") for choice in choices
        ]
    cuts = _numbers(row.get("thresholds", ""))
    unknown = [int(code) for code in row.get("unknown", "").split()]
    spec = {"from": int(row["from"]), "to": int(row["to"]), "labels": labels}
    return spec | {"thresholds": cuts, "unknown": unknown}


def _numbers(text: str) -> list[float] | None:
    return [float(number) for number in text.split()] or None


def _pairs(text: str) -> dict[str, float]:
    return {name: float(number) for name, _, number in (pair.rpartition("=") for pair in text.split())}


def _item(row: Row) -> dict[str, Any]:
    kept: dict[str, Any] = {key: row[OWN + key] for key in ("construct", "about", "role") if row.get(OWN + key)}
    if row.get(f"{OWN}loading"):
        kept["loading"] = float(row[f"{OWN}loading"])
    kept |= {key: row.get(OWN + key) == "yes" for key in ("reversed", "nps")}
    kept["thresholds"] = _numbers(row.get(f"{OWN}thresholds", ""))
    rules = {}
    for name, answers in (parse(row.get("relevant", ""), _typed) or {}).items():
        rules[name] = [answer[1:] if answer[0] == "'" else int(answer) for answer in answers]
    return kept | {"required": row.get("required") == "yes", "asked_if": rules}


def _typed(text: str) -> Term | None:
    """As `_term`, a text marked by a quotation mark before it, since 3 and '3' are two answers."""
    found = _term(text)
    literal = text.partition("=")[2].strip()
    return found if found is None or literal[:1] not in "'\"" else (found[0], [f"'{one}" for one in found[1]])


# --- what others wrote ------------------------------------------------------------------------------------------------


def _theirs(path: Path, survey: list[Row], offered: Mapping[str, list[Row]], setting: Row) -> Imported:
    columns = dict.fromkeys(name for rows in (survey, *offered.values()) for row in rows for name in row)
    languages = list(dict.fromkeys(code for name in columns if (code := _language(name)))) or ["en"]
    first = next((c for c in [_code(setting.get("default_language", ""))] if c in languages), None)
    languages = [first, *(c for c in languages if c != first)] if first else languages
    draft = Draft(setting.get("form_id") or setting.get("form_title") or path.stem, languages)
    draft.about = plain(setting.get("form_title", ""))
    shared = Counter(row["type"].partition(" ")[2] for row in survey if row.get("type", "").startswith("select_one "))

    def said(row: Row) -> dict[str, str]:
        texts = {code: row[name] for name in row if (code := _language(name)) and row[name]}
        return texts or {languages[0]: row.get("label", "")}

    holders: list[tuple[str, str]] = []  # groups that stand open: their kind and their skip rule
    for line, row in enumerate(survey, 2):
        kind, _, rest = row.get("type", "").strip().partition(" ")
        name = row.get("name") or f"row {line}"
        if kind in ("begin", "begin_group", "begin_repeat"):
            holders.append((rest if kind == "begin" else kind.removeprefix("begin_"), row.get("relevant", "")))
            if holders[-1][0] == "repeat":
                draft.lists(name, "questions that are repeated; none of them is mapped")
            continue
        if kind in ("end", "end_group", "end_repeat") and (kind != "end" or rest):
            holders[-1:] = []
            continue
        if kind in QUIET or not kind or any(group == "repeat" for group, _ in holders):
            continue
        rules = [text for _, text in holders if text] + [row["relevant"]] * bool(row.get("relevant"))
        more = {"required": row.get("required", "").lower() in ("yes", "true", "true()", "1")}
        code = ""
        if kind == "select_one":
            named, _, other = rest.partition(" ")
            choices = Choices({choice["name"]: said(choice) for choice in offered.get(named, []) if choice.get("name")})
            if not choices.words:
                draft.lists(name, f"there are no choices {named!r}, not mapped")
                continue
            code = draft.question(name, said(row), choices, shared=shared[rest], **more)
            if other:
                draft.lists(name, f"{other}: what is written under other is not mapped")
        elif kind == "range" and (points := _steps(row.get("parameters", ""))):
            code = draft.item(name, said(row), draft.scale(points, {}), **more).code
        elif kind in ("integer", "decimal"):
            draft.demographic(name, said(row), None)
        else:
            draft.lists(name, f"{_WHY.get(kind, kind)}, not mapped")
            continue
        for column in ("constraint", "choice_filter", "calculation"):
            if row.get(column):
                draft.lists(name, f"{column} {row[column]}, not mapped")
        code = code or draft.renamed[name]
        text = " and ".join(f"({rule})" for rule in rules)
        draft.condition(code, parse(text, _term), text)
    return Imported(draft.done(), tuple(draft.listed))


_WHY: Final = {
    "select_multiple": "several answers at once",
    "rank": "a ranking",
    "text": "free text",
    "note": "a note, no question",
    "calculate": "a calculation",
    "image": "a file",
    "audio": "a file",
    "video": "a file",
    "file": "a file",
    "date": "a date",
    "geopoint": "a place",
    "select_one_from_file": "choices in a file of their own",
}


def _steps(parameters: str) -> list[int]:
    """Points of a range question; empty where its steps are not 1."""
    given = dict(re.findall(r"(\w+)\s*=\s*(-?[\d.]+)", parameters))
    try:
        start, end, step = int(given.get("start", 0)), int(given.get("end", 10)), int(given.get("step", 1))
    except ValueError:
        return []
    return list(range(start, end + 1)) if step == 1 and end - start <= 100 else []


def _term(text: str) -> Term | None:
    found = re.fullmatch(r"\$\{\s*([\w.-]+)\s*\}\s*=\s*(.+)", text, re.DOTALL) or re.fullmatch(
        r"selected\(\s*\$\{\s*([\w.-]+)\s*\}\s*,\s*(.+)\)", text, re.DOTALL
    )
    value = unquoted(found[2]) if found else None
    return (found[1], [value]) if found and value is not None else None


def _language(name: str, column: str = "label") -> str:
    """The code of the language of a column ``label::English (en)``; empty of any other column."""
    head, mark, language = name.partition("::")
    return _code(language) if mark and head.strip() == column else ""


def _code(language: str) -> str:
    language = language.strip()
    if found := re.search(r"\(([A-Za-z]{2,3}(?:-\w+)?)\)$", language):
        return found[1]
    return CODES.get(language.casefold(), re.sub(r"\W+", "_", language.lower()))
