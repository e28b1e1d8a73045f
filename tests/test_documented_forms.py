"""What the documents show is taken: every YAML snippet, every form of a book's column, every default of the reference.

The forms are read out of the documents themselves, written into a scenario file, and go through `validate FILE`.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import pytest

from sim.calibration.file import read_calibration
from sim.cli import main
from sim.population.book import columns as book_columns
from sim.population.book.columns import FIELD_NAMES, QUANTITIES
from sim.scenario.scenario import Scenario
from sim.survey.instrument.reading import read_instrument
from sim.yaml_source import dump
from sim.yaml_source.tree import parse

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE = (ROOT / "docs" / "scenario-reference.md").read_text("utf-8")
SHOWN_IN = {
    "beliefs": "baseline.yaml",
    "optimise": "best_mix.yaml",
    "sweep": "sweep_training.yaml",
}  # by key: a scenario that has such arms
GOOD_CELL = {
    "id": None,
    "aum": 5000,
    "age": 40,
    "tenure_months": 18,
    "products": 2,
    "income": 90000,
    "digital_affinity": 0.5,
    "satisfaction": 0.2,
    "trust": -0.1,
    "expectation": 0.3,
    "share_of_wallet": 0.4,
}


def plain(text: str) -> Any:
    """YAML as a scenario file means it, but for files that a scenario names."""
    root, mistakes = parse(text, "a document")
    assert not mistakes, mistakes
    return root.plain() if root is not None else None


def snippets() -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for number, found in enumerate(re.findall(r"^```yaml\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)):
            yield f"{page.name}-{number}", found


def cell_of(field: str, spec: Any, row: int) -> str:
    """A cell that the mapping of a field reads: a listed word or number, in the file's own unit."""
    spec = spec if isinstance(spec, Mapping) else {"column": spec}
    if field == "id":
        return f"c{row}"
    if field == "month":
        return "2015-01"
    if field == "tier":
        words = list(spec.get("values") or ["mass", "wealth"])
        return str(words[row % len(words)])
    if field in ("state", "digital_active"):
        first = (spec.get("active") or ["yes"])[0]
        return (str(first), "no" if str(first).lower() != "no" else "yes")[row % 2]
    if spec.get("date") or "format" in spec:
        return {"day-month-year": "15.01.2020", "month-day-year": "01/15/2020", "excel": "43845"}.get(
            spec.get("format", ""), "20200115"
        )
    value = (GOOD_CELL[field] - spec.get("shift", 0)) / spec.get("scale", 1)
    return str(round(value, 9)) if value != int(value) else str(int(value))


def write_book(folder: Path, population: Mapping[str, Any]) -> None:
    """A book that has what the mapping asks for."""
    mark = {"semicolon": ";", "tab": "\t", "bar": "|"}.get(population.get("separator", "comma"), ",")
    columns = {field: spec for field, spec in population["columns"].items() if (field, spec) != ("id", "row")}
    if month := population.get("history", {}).get("month"):
        columns["month"] = month
    names = [spec["column"] if isinstance(spec, Mapping) else spec for spec in columns.values()]
    rows = [[cell_of(field, spec, row) for field, spec in columns.items()] for row in range(6)]
    files = [folder / file for file in population.get("tables", {"": population.get("file")}).values()]
    if "query" in population:  # all the names it may ask for
        names = [*names, "amount", "account_id"][: 2 + 2 * ("tables" in population)]
        names = list(dict.fromkeys(names))
        rows = [[*row, "5", f"c{k}"][: len(names)] for k, row in enumerate(rows)]
    for file in files:
        if file.suffix == ".xlsx":
            frame(names, rows).to_excel(file, sheet_name=population.get("sheet", "Sheet1"), index=False)
        elif file.suffix == ".sqlite":
            with closing(sqlite3.connect(file)) as database:
                frame(names, rows).to_sql("accounts", database, index=False)
        else:
            quoted = [[f'"{cell}"' if mark in cell else cell for cell in row] for row in (names, *rows)]
            text = "".join(mark.join(row) + "\n" for row in quoted)
            file.write_text(text, population.get("encoding", "utf-8"))


def frame(names: list[str], rows: list[list[str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=names).astype({"balance": float})


def validated(folder: Path, data: Mapping[str, Any], capsys: pytest.CaptureFixture[str]) -> str:
    """What `validate FILE` says on stderr to a file of this data; empty where it is in order."""
    text = dump(dict(data))
    (folder / "file.yaml").write_text(re.sub(r'^(\s*)"(-?\d+(?:\.\d+)?)":', r"\1\2:", text, flags=re.M), "utf-8")
    code = main(["validate", str(folder / "file.yaml")])
    told = capsys.readouterr()
    assert (code == 0) == (told.err == ""), told
    return told.err


@pytest.mark.parametrize(("name", "text"), list(snippets()), ids=[name for name, _ in snippets()])
def test_every_snippet_of_the_documents_is_taken(
    name: str, text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "scenarios", tmp_path, dirs_exist_ok=True)
    page = name.rsplit("-", 1)[0]
    for other, whole in snippets():  # files that a page names, for those of it that lean on them
        if other.startswith(page) and (file := re.match(r"# (\w+\.yaml)\n", whole)):
            (tmp_path / file[1]).write_text(whole, "utf-8")
    text = text.replace("{...}", "{managers.skill_quality: {values: [0.2, 0.5]}}", 1)
    text = text.replace("{...}", "{model.hazards.mass.dormant: {low: 0.005, high: 0.02}}")
    data = plain(text)
    if "items" in data:  # an instrument of questionnaires, which is no scenario
        (tmp_path / "instrument.yaml").write_text(text, "utf-8")
        assert read_instrument(tmp_path / "instrument.yaml").name == data["name"]
        return
    if {"study", "parameters"} & set(data):  # a calibration
        (tmp_path / "calibration.yaml").write_text(text, "utf-8")
        assert read_calibration(tmp_path / "calibration.yaml")[0].name == data["name"]
        return
    if set(data) <= set(FIELD_NAMES):  # columns alone
        data = {"population": {"source": "book", "file": "b.csv", "columns": {"id": "id", "aum": "aum", **data}}}
    if any(key in data.get("population", {}) for key in ("sheet", "tables")):
        pytest.importorskip("duckdb", reason="the extra data reads them")
    assert set(data) <= {*Scenario.model_fields, "extends"}, name
    if "columns" in data.get("population", {}):
        write_book(tmp_path, data["population"])
    if "extends" not in data and "columns" not in data.get("population", {}):
        file = next((file for key, file in SHOWN_IN.items() if key in data), None)
        data |= {"extends": file} if file else {}
    assert validated(tmp_path, {"name": "snippet", **data}, capsys) == ""


# A book's columns


def forms() -> Iterator[tuple[str, str, Any]]:
    """(where it stands, field, mapping) of every form of a column in code spans of the reference and the documents."""
    sections = re.split(r"^#### `population\.columns\.(\w+)`$", REFERENCE, flags=re.M)
    for field, text in zip(sections[1::2], sections[2::2], strict=True):
        text = re.split(r"^#", text, maxsplit=1, flags=re.M)[0]
        for span in re.findall(r"``?(\{[^`]+\})``?", text):
            given = plain(span)
            if "column" in given:
                yield f"reference {field}", field, given
            else:  # the value of the key that was named last
                key = re.findall(r"`(\w+)`", text[: text.index(span)])[-1]
                yield f"reference {field}", field, {"column": "x", key: given}
    told = [(page.name, page.read_text("utf-8")) for page in PAGES]
    told.append(("book_columns", book_columns.__doc__ or ""))
    for place, text in told:
        for span in re.findall(r"``?(\w+: [^`\n]+)``?", text):
            given = plain(span)
            for field in set(given) & set(FIELD_NAMES):
                yield place, field, given[field]
    for field, quantity in QUANTITIES.items():  # what messages propose
        for _, scale in quantity.units:
            yield "a message", field, {"column": "x", "scale": scale}
        if quantity.floor is not None:
            yield "a message", field, {"column": "x", "floor": quantity.floor}


def keys_by_field() -> Iterator[tuple[str, str, Any]]:
    """(field, key, value) for every key of every kind of column in the reference, and what its type cell allows."""
    rows: dict[str, list[tuple[str, str]]] = {}
    sections = re.split(r"^#### `population\.columns\.(\w+)`$", REFERENCE, flags=re.M)
    for field, text in zip(sections[1::2], sections[2::2], strict=True):
        text = re.split(r"^#", text, maxsplit=1, flags=re.M)[0]
        if same := re.search(r"As `population\.columns\.(\w+)`", text):
            rows[field] = rows[same[1]]
        else:
            rows[field] = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.M)
    assert set(rows) == set(FIELD_NAMES)
    for field, keys in rows.items():
        for key, kind in keys:
            if key == "column":
                continue
            for value in samples(kind):
                yield field, key, value


def samples(kind: str) -> list[Any]:
    """Values that a type of the reference allows: ``number``, ``list of true or false or text``, ``table of text``."""
    if kind.startswith("table of"):
        return [{"1": "mass", "2": "wealth"}, {"word": "mass"}]
    inside = kind.removeprefix("list of ")
    found: list[Any] = [word for word in re.findall(r"`([\w-]+)`", kind)]
    found += [True, False] if "true or false" in inside else []
    found += [1] if re.search(r"(?<!whole )number", inside) or "whole number" in inside else []
    found += [1.0] if re.search(r"(?<!whole )number", inside) else []
    found += ["1", "Y"] if re.search(r"\btext\b", inside) else []
    assert found, kind
    return [[value] for value in found] if kind.startswith("list of ") else found


def book_scenario(folder: Path, field: str, spec: Any) -> dict[str, Any]:
    columns: dict[str, Any] = {"id": "id", "aum": "aum"} | {field: spec}
    population = {"source": "book", "file": "book.csv", "as_of": "2024-12-31", "columns": columns}
    write_book(folder, population)
    return {"name": "form", "population": population}


FORMS = list(forms())
KEYS = list(keys_by_field())


def test_forms_were_found_where_they_stand() -> None:
    assert {("reference tier", "tier"), ("reference state", "state")} <= {(place, field) for place, field, _ in FORMS}
    assert ("state", "active", [1.0]) in KEYS
    assert {key for _, key, _ in KEYS} == {
        "scale",
        "shift",
        "floor",
        "missing",
        "date",
        "format",
        "active",
        "inverted",
        "values",
    }
    assert len(FORMS) >= 9
    assert len(KEYS) > 60
    assert get_args(book_columns.FieldName) == FIELD_NAMES


@pytest.mark.parametrize(("place", "field", "spec"), FORMS, ids=[f"{p}-{f}-{n}" for n, (p, f, _) in enumerate(FORMS)])
def test_every_form_of_a_column_is_taken(
    place: str, field: str, spec: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validated(tmp_path, book_scenario(tmp_path, field, spec), capsys) == "", (place, spec)


def test_every_key_of_a_column_takes_what_the_reference_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for field, key, value in KEYS:
        scenario = book_scenario(tmp_path, field, {"column": "x", key: value})
        assert validated(tmp_path, scenario, capsys) == "", (field, key, value)


# Defaults


def sections() -> Iterator[tuple[str, dict[str, Any]]]:
    """(heading, keys with their defaults) of every table of the reference."""
    for part in re.split(r"^##+ ", REFERENCE, flags=re.M)[1:]:
        heading = part.splitlines()[0].strip("`")
        found: dict[str, Any] = {}
        for key, default in re.findall(r"^\| `(\w+)` \| [^|]* \| ([^|]*) \|", part, re.M):
            value = re.fullmatch(r"`(.+)`", default)
            if value and "..." not in value[1] and value[1] not in ("null", "*required*"):
                found[key] = plain(value[1])
        if found:
            yield heading, found


def placed(heading: str, keys: Mapping[str, Any]) -> dict[str, Any] | None:
    """A scenario that writes the defaults of a table out; None where they stand in something that must be chosen."""
    if strategy := re.fullmatch(r"arms\.<name>\[\] with use: (\w+)", heading):
        return {"arms": {"a": [], "b": [{"use": strategy[1], **keys}]}}
    if shock := re.fullmatch(r"environment\[\] with kind: (\w+)", heading):
        return {"environment": [{"kind": shock[1], "from": 0, **keys}]}
    if not re.fullmatch(r"[a-z_.]+", heading) or heading.split(".")[0] in ("seeds", "sweep", "optimise", "beliefs"):
        return None
    data: Any = dict(keys)
    for key in reversed(heading.split(".")):
        data = {key: data}
    return data


def test_every_default_of_the_reference_may_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tried = 0
    for heading, keys in sections():
        data = placed(heading, keys)
        if data is None or heading.startswith("population.columns"):
            continue
        assert validated(tmp_path, {"name": "defaults", **data}, capsys) == "", heading
        tried += 1
    assert tried > 30
