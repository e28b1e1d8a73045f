"""JSON of survey tools: read with its place where it is broken, languages by one name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sim.errors import BadInput
from sim.survey.tables import read_text


def read_json(path: Path) -> dict[str, Any]:
    """The object that a file holds. Raises BadInput with line and column where it is no JSON."""
    text, _ = read_text(path)
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        line, column = error.lineno, error.colno
        raise BadInput.at(str(path), f"is no JSON ({error.msg})", line=line, column=column) from None
    except RecursionError:
        raise BadInput.at(str(path), "is nested too deep for a questionnaire") from None
    if not isinstance(data, dict):
        raise BadInput.at(str(path), "holds no questionnaire; a JSON object with questions")
    return data


def language(name: str) -> str:
    """``zh`` of zh-cn, ZH-S and zh; ``pt`` of pt-br; the traditional script of Chinese is one of its own."""
    low = name.lower().replace("_", "-")
    if low in ("zh-t", "zh-tw", "zh-hk", "zh-hant"):
        return "zht"
    return low.split("-")[0] or "en"


def mapping(value: Any) -> dict[str, Any]:
    """A JSON object; Qualtrics writes a list where one is empty, and sometimes where its keys are numbers."""
    if isinstance(value, dict):
        return value
    return {str(i): one for i, one in enumerate(value)} if isinstance(value, list) else {}


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects in a list, or in an object; of anything else none."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [part for part in parts if isinstance(part, dict)]
