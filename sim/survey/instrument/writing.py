"""An instrument as a file: YAML that people read, and XLSForm, by which a bank fields it.

What XLSForm has no place for stands in columns and sheets whose names begin with `rapport_`, which its tools pass over;
so the way to XLSForm and back is without loss (`formats.xlsform`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sim.errors import BadInput
from sim.store.files import renamed
from sim.survey.instrument.model import Demographic, Instrument, Item, Text
from sim.survey.tables import needed
from sim.yaml_source import dump

LANGUAGES: Final = {
    "en": "English",
    "zh": "中文",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "pt": "Português",
    "it": "Italiano",
    "ru": "Русский",
    "ja": "日本語",
    "ko": "한국어",
    "ar": "العربية",
    "hi": "हिन्दी",
    "id": "Bahasa Indonesia",
    "tr": "Türkçe",
    "vi": "Tiếng Việt",
}
OWN: Final = "rapport_"
Row = dict[str, str]


def to_yaml(instrument: Instrument, comment: str = "") -> str:
    """The instrument as YAML that reads back as the same."""
    data = instrument.model_dump(by_alias=True, exclude_defaults=True)
    for name, scale in instrument.scales.items():  # its ends are said, whatever they are
        data["scales"][name] = {"from": scale.first, "to": scale.last} | data["scales"][name]
    return dump(data, comment)


def header(language: str) -> str:
    """What XLSForm calls a language: ``English (en)``."""
    return f"{LANGUAGES.get(language, language)} ({language})"


def to_xlsform(instrument: Instrument, file: Path) -> None:
    """Write the instrument as XLSForm (.xlsx). Raises BadInput where a skip rule cannot be said in it."""
    book = needed("openpyxl", str(file)).Workbook()
    book.remove(book.active)
    for name, rows in xlsform(instrument).items():
        sheet = book.create_sheet(name)
        columns = list(dict.fromkeys(column for row in rows for column in row))
        for at, column in enumerate(columns, 1):
            _put(sheet, 1, at, column)
            for line, row in enumerate(rows, 2):
                if row.get(column):
                    _put(sheet, line, at, row[column])
        sheet.freeze_panes = "A2"
    with renamed(file) as temporary:
        book.save(temporary)


def _put(sheet: Any, row: int, column: int, text: str) -> None:
    cell = sheet.cell(row, column, text)
    cell.data_type = "s"  # a text that begins with = is no formula


def xlsform(instrument: Instrument) -> dict[str, list[Row]]:
    """The sheets of the form: rows by column."""
    lists = _choice_lists(instrument)
    facts = [_fact(instrument, one, lists.get(one.code)) for one in instrument.demographics]
    items = [_item(instrument, item) for item in instrument.items]
    named = {code for item in instrument.items for code in item.asked_if}
    first = any(one.code in named for one in instrument.demographics)  # what a rule asks for is asked before it
    scales: list[Row] = []
    choices: list[Row] = []
    for name, scale in instrument.scales.items():
        words = {point: {key: said[i] for key, said in scale.labels.items()} for i, point in enumerate(scale.points)}
        for point in scale.points:
            said = {language: words[point].get(language, str(point)) for language in instrument.languages}
            choices.append({"list_name": name, "name": str(point), **_labels(instrument, said)})
        spec = {"name": name, "from": str(scale.first), "to": str(scale.last), "labelled": " ".join(scale.labels)}
        cuts = "" if scale.thresholds is None else " ".join(map(repr, scale.thresholds))
        scales.append(spec | {"thresholds": cuts, "unknown": " ".join(map(str, scale.unknown))})
    for one in instrument.demographics:
        for word, text in (one.choices or {}).items():
            choices.append({"list_name": lists[one.code], "name": word, **_said(instrument, text)})
    constructs = [
        {
            "name": name,
            **_said(instrument, one.label),
            **_said(instrument, one.about, f"{OWN}about"),
            "source": one.source,
        }
        | {"of": _pairs(one.of), "own": _pairs(instrument.own.get(name, {}))}
        | {"follows": " ".join(one.follows), "self_rated": "yes" if one.self_rated else ""}
        for name, one in instrument.constructs.items()
    ]
    return {
        "survey": [*facts, *items] if first else [*items, *facts],
        "choices": choices,
        "settings": [
            {
                "form_title": instrument.name,
                "form_id": instrument.name,
                "version": instrument.version,
                "default_language": header(instrument.languages[0]),
                f"{OWN}asks": instrument.asks or "",
                f"{OWN}languages": " ".join(instrument.languages),
                **_said(instrument, instrument.about, f"{OWN}about"),
            }
        ],
        f"{OWN}constructs": constructs,
        f"{OWN}scales": scales,
    }


def _pairs(numbers: Mapping[str, float]) -> str:
    return " ".join(f"{name}={number!r}" for name, number in numbers.items())


def _choice_lists(instrument: Instrument) -> dict[str, str]:
    """The list of choices of each demographic that has some, by code; no scale has its name."""
    taken = {*instrument.scales}
    lists: dict[str, str] = {}
    for one in instrument.demographics:
        if one.choices is not None:
            name = one.code
            while name in taken:
                name += "_choices"
            taken.add(name)
            lists[one.code] = name
    return lists


def _item(instrument: Instrument, item: Item) -> Row:
    return {
        "type": f"select_one {item.scale}",
        "name": item.code,
        **_said(instrument, item.text),
        "required": "yes" if item.required else "",
        "relevant": relevant(instrument, item),
        f"{OWN}kind": "item",
        f"{OWN}construct": item.measures or "",
        f"{OWN}loading": repr(item.loading),
        f"{OWN}reversed": "yes" if item.reversed else "",
        f"{OWN}thresholds": "" if item.thresholds is None else " ".join(map(repr, item.thresholds)),
        f"{OWN}role": item.role,
        f"{OWN}about": item.about or "",
        f"{OWN}nps": "yes" if item.nps else "",
    }


def _fact(instrument: Instrument, one: Demographic, choices: str | None) -> Row:
    open_type = "integer" if one.of == "banks" else "text"
    return {
        "type": f"select_one {choices}" if choices else open_type,
        "name": one.code,
        **_said(instrument, one.text),
        f"{OWN}kind": "demographic",
        f"{OWN}of": one.of or "",
    }


def relevant(instrument: Instrument, item: Item) -> str:
    """A skip rule as XLSForm says it: ``${app_user} = 'yes'``. Raises BadInput where it cannot."""
    rules = []
    for code, answers in item.asked_if.items():
        one = []
        for answer in answers:
            if isinstance(answer, str) and "'" in answer and '"' in answer:
                raise BadInput.at(instrument.name, f"{answer!r} has both quotation marks; XLSForm has no way to say it")
            quote = '"' if "'" in str(answer) else "'"
            one.append(f"${{{code}}} = {answer if isinstance(answer, int) else f'{quote}{answer}{quote}'}")
        rules.append(one[0] if len(one) == 1 else f"({' or '.join(one)})")
    return " and ".join(rules)


def _said(instrument: Instrument, text: Text, column: str = "label") -> Row:
    """A text by language, with a mark where it is kept otherwise than most: plain, or by language."""
    texts = {instrument.languages[0]: text} if isinstance(text, str) else text
    row = _labels(instrument, texts, column)
    usual = str if len(instrument.languages) == 1 else dict
    if text and not isinstance(text, usual):
        row[f"{OWN}{column.removeprefix(OWN)}_is"] = "plain" if isinstance(text, str) else "by language"
    return row


def _labels(instrument: Instrument, texts: Mapping[str, str], column: str = "label") -> Row:
    return {f"{column}::{header(language)}": texts.get(language, "") for language in instrument.languages}
