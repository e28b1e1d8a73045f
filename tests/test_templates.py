"""Templates: everything is escaped, and no name is taken for a method that every mapping, list or text has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import Environment, UndefinedError, nodes

import sim
from sim.reporting.page import pages

SIM = Path(sim.__file__).parent
TEMPLATES = sorted((SIM / "reporting" / "templates").glob("*.j2"))
METHODS = {name for kind in (dict, list) for name in dir(kind) if not name.startswith("_")}
SOURCES = sorted((SIM / "reporting").rglob("*.py"))


def traps(source: str) -> list[str]:
    """Attributes that are asked for and not called, and that a mapping or a list would answer with a method."""
    tree = Environment(autoescape=True).parse(source)
    called = {id(call.node) for call in tree.find_all(nodes.Call)}
    return [
        f"line {one.lineno}: .{one.attr}"
        for one in tree.find_all(nodes.Getattr)
        if one.attr in METHODS and id(one) not in called
    ]


def test_the_trap_is_seen() -> None:
    assert traps("{% if cell.clear %}x{% endif %}") == ["line 1: .clear"]
    assert traps("{% for a, b in cell.items() %}{{ a.text }}{% endfor %}") == []


@pytest.mark.parametrize("name", ["optimise.html.j2", "sweep.html.j2"])
def test_no_name_is_a_method_of_a_container(name: str) -> None:
    assert traps((TEMPLATES[0].parent / name).read_text()) == []


def test_a_name_of_a_mapping_is_its_entry_and_never_its_method() -> None:
    def said(text: str, **told: object) -> str:
        return pages().from_string(text).render(**told)

    asked = "{% if cell.clear %}sure{% endif %}"
    assert said(asked, cell={"clear": False}) == ""
    assert said(asked, cell={"clear": True}) == "sure"
    with pytest.raises(UndefinedError, match="clear"):
        said(asked, cell={"text": "1"})
    assert said("{% for a, b in cell.items() %}{{ a }}{{ b }}{% endfor %}", cell={"x": 1}) == "x1"
    assert said("{{ cell.values }}", cell={"values": 2}) == "2"


def test_what_a_scenario_says_is_escaped() -> None:
    assert pages().from_string("{{ name }}").render(name="<b>") == "&lt;b&gt;"


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.name)
def test_nothing_is_marked_safe_in_a_template(file: Path) -> None:
    tree = Environment(autoescape=True).parse(file.read_text())
    assert not [one for one in tree.find_all(nodes.Filter) if one.name in ("safe", "forceescape")]
    assert not list(tree.find_all(nodes.MarkSafe))
    assert not list(tree.find_all(nodes.ScopedEvalContextModifier))


def test_every_page_is_written_in_that_environment() -> None:
    makers = [
        file.name
        for file in SIM.rglob("*.py")
        if "(Environment)" in file.read_text() or re.search(r"\bEnvironment\(\s*loader", file.read_text())
    ]
    assert makers == ["page.py"]
    assert [file.name for file in SOURCES if "get_template(" in file.read_text()] == ["page.py"]
