"""Claims about the reference page and the JSON Schema: they say what the validation does."""

from __future__ import annotations

import jsonschema
import pytest
from demo_settings import Demo
from pydantic import BaseModel, ConfigDict, Field

from sim.assumptions import Settings, assumption
from sim.scenario.reference import json_schema, reference_page
from sim.yaml_source import loads


@pytest.fixture(scope="module")
def page() -> str:
    return reference_page(Demo)


def test_every_key_of_every_section_is_on_the_page(page: str) -> None:
    for key in ("name", "months", "customers", "hazard_ratio", "half_width", "depth", "from", "budget", "first"):
        assert f"| `{key}` |" in page
    for path in (
        "population",
        "tiers[]",
        "seeds",
        "seeds.until",
        "environment[] with kind: pandemic",
        "arms.<name>[] with use: retention_call",
        "arms.<name>",
    ):
        assert f"# `{path}`\n" in page


def test_a_number_shows_default_unit_ranges_source_and_its_line(page: str) -> None:
    assert "| `hazard_ratio` | number | `0.88` | ratio | from 0 to 10 | 0.8 to 1.1 | F1 | what the call does |" in page
    assert "| `name` | text | *required* |  | `^[a-z0-9_-]+$` | name \\| of the scenario |" in page


def test_units_and_ranges_of_the_entries_of_a_table_are_shown(page: str) -> None:
    assert "| `shares` | table of numbers | `{}` | share | from 0 to 1 |" in page
    assert "| `hazards` | table of tables of numbers | `{}` | 1/month | from 0 to below 1 |" in page


def test_a_model_met_twice_is_written_once(page: str) -> None:
    assert page.count("A manager phones.") == 1
    assert "As `arms.<name>[] with use: training`." in page


def test_tables_are_tables_and_links_lead_to_headings(page: str) -> None:
    for block in page.split("\n\n"):
        if block.startswith("|"):
            widths = {row.replace("\\|", "").count("|") for row in block.strip().splitlines()}
            assert len(widths) == 1
    assert "- [`population`](#population)" in page
    assert page.endswith("\n")
    assert "\n\n\n" not in page


def test_a_section_shows_the_defaults_it_has_there() -> None:
    class Channel(BaseModel):
        price: float

    class Both(BaseModel):
        app: Channel = Field(default_factory=lambda: Channel(price=1.5))
        post: Channel = Field(default_factory=lambda: Channel(price=9.0))

    page = reference_page(Both, "Both")
    assert page.startswith("# Both\n")
    assert "| `price` | number | `1.5` |" in page
    assert "| `price` | number | `9.0` |" in page


def test_a_model_that_holds_itself_has_an_end() -> None:
    assert reference_page(Node).count("| `below` |") == 1
    assert json_schema(Node)["$schema"].endswith("2020-12/schema")


class Node(BaseModel):
    below: list[Node] = []
    children: dict[str, Node] = {}


def _wrong(text: str, model: type[BaseModel] = Demo) -> list[str]:
    schema = json_schema(model)
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(loads(text).data)]


def test_the_schema_takes_good_files_and_refuses_unknown_keys() -> None:
    assert json_schema(Demo)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert _wrong("name: x\nseeds: {first: 1, count: 3}\narms: {a: [{use: training, hours: 3}], b: {budget: 3}}") == []
    assert any("unexpected" in message for message in _wrong("name: x\nmonts: 3"))
    assert _wrong("name: x\narms: {a: [{use: training, hourz: 3}]}")
    assert _wrong("name: x\npopulation: {customers: 0}")


def test_a_file_that_extends_another_may_lack_what_is_required() -> None:
    schema = json_schema(Demo)
    check = jsonschema.Draft202012Validator(schema)
    assert check.is_valid({"extends": "a.yaml", "months": 3})
    assert not check.is_valid({"months": 3})


def test_units_ranges_and_sources_are_kept_for_readers_of_the_schema() -> None:
    schema = json_schema(Demo)
    ratio = schema["$defs"]["RetentionCall"]["properties"]["hazard_ratio"]
    assert ratio["x-unit"] == "ratio"
    assert ratio["x-plausible"] == [0.8, 1.1]
    assert ratio["x-source"] == "F1"
    assert (ratio["minimum"], ratio["maximum"]) == (0, 10)
    assert schema["$defs"]["Population"]["properties"]["source"]["enum"] == ["synthetic", "book"]  # a key, not an extra


def test_entries_that_a_default_completes_are_not_required() -> None:
    class Hazard(Settings):
        close: float
        dormant: float

    class Channel(Settings):
        rates: dict[str, float] = assumption(unit="share", plausible=(0, 1), factory=lambda: {"mass": 0.5}, source="F1")
        """rates"""

    class Bank(Settings):
        model_config = ConfigDict(extra="forbid")
        hazards: dict[str, Hazard] = Field(default_factory=lambda: {"mass": Hazard(close=0.1, dormant=0.2)})
        channel: Channel = Field(default_factory=Channel)

    assert _wrong("hazards: {mass: {close: 0.3}}", Bank) == []
    assert _wrong("hazards: {mass: {clos: 0.3}}", Bank) != []
    assert _wrong("channel: {rates: {mass: 1.5}}", Bank) == ["1.5 is greater than the maximum of 1.0"]
