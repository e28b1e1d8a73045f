"""docs/odd.md is what the code says: not older than it, and nothing that a model has is left out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sim import codes
from sim.agents.customer import SCORES, SHOWN
from sim.agents.manager import MANAGER_UNITS
from sim.behaviour.settings import Mechanisms
from sim.documents import odd, reading
from sim.documents.standing import STANDINGS, standing_of
from sim.environment import SHOCKS
from sim.house import FOLDER
from sim.population.presets import PRESETS
from sim.strategies import known

PAGE = Path(__file__).parents[1] / "docs" / "odd.md"
ELEMENTS = (
    "Purpose and patterns",
    "Entities, state variables and scales",
    "Process overview and scheduling",
    "Design concepts",
    "Initialization",
    "Input data",
    "Submodels",
)
CONCEPTS = (
    "Basic principles",
    "Emergence",
    "Adaptation",
    "Objectives",
    "Learning",
    "Prediction",
    "Sensing",
    "Interaction",
    "Stochasticity",
    "Collectives",
    "Observation",
)


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text("utf-8")


def test_the_page_is_not_older_than_the_code(page: str) -> None:
    assert page == odd.page(), "python -m sim.documents.odd > docs/odd.md"


def test_it_has_the_seven_elements_and_the_eleven_concepts_in_their_order(page: str) -> None:
    assert re.findall(r"^## \d (.+)$", page, re.M) == list(ELEMENTS)
    concepts = page[page.index("## 4 ") : page.index("## 5 ")]
    assert re.findall(r"^\*\*(.+?)\.\*\*", concepts, re.M) == list(CONCEPTS)


NAMED = {
    "a customer's variable": list(SHOWN),
    "a score": list(SCORES),
    "a manager's variable": list(MANAGER_UNITS),
    "a channel": list(codes.CHANNELS),
    "a room of the kernel": [f"kernel.{file.stem}" for file in (FOLDER / "kernel").glob("[a-z]*.py")],
    "a strategy": list(known()),
    "a shock": list(SHOCKS),
    "a purpose of draws": [name for name in vars(codes) if name.startswith("DRAW_")],
    "a preset": list(PRESETS),
    "a switch": list(Mechanisms.model_fields),
}


@pytest.mark.parametrize("what", NAMED)
def test_nothing_of_the_model_is_left_out(what: str, page: str) -> None:
    names = NAMED[what]
    assert names
    absent = [name for name in names if f"`{name}`" not in page]
    assert what == "a channel" or not absent
    assert all(re.search(rf"\b{name}\b", page) for name in names)


def test_the_schedule_is_that_of_the_compiled_month(page: str) -> None:
    """Every rule that the kernel runs once, in the order in which the compiled function first names it."""
    from sim.kernel.month import step_block

    told = re.findall(r"^\d+\. `(\w+)` \(\[kernel", page, re.M)
    assert told == [name for name in step_block.py_func.__code__.co_names if name in told]
    assert len(told) == sum(line.startswith("    ") and ", " in line for line in source_of("step_block"))
    slept = reading.calls("kernel/month.py", "sleep_block")
    assert f"`sleep_block`: {', '.join(f'`{rule}`' for rule in slept)})" in page.replace("\n", " ")
    lines = re.findall(r"^\d+\. `([\w.]+)`:", page, re.M)
    assert lines[0] == "environment.advance"
    assert lines.index("schedule") < lines.index("step_customers") < lines.index("settle") < lines.index("record")


def source_of(rule: str) -> list[str]:
    """Lines of a function of the month."""
    text = (FOLDER / "kernel" / "month.py").read_text("utf-8")
    return text[text.index(f"def {rule}") :].split("\n\n\n")[0].split("\n")[1:]


def test_a_line_of_the_month_that_is_moved_makes_the_page_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    two = "    move_wealth(k, b, u, now, p)\n    aim(b, u, w, now, p)\n"
    turned = "".join(f"{line}\n" for line in reversed(two.splitlines()))
    assert two in (FOLDER / "kernel" / "month.py").read_text("utf-8")
    monkeypatch.setattr(reading, "text_of", lambda file: (FOLDER / file).read_text("utf-8").replace(two, turned))
    assert odd.page() != PAGE.read_text("utf-8")


def test_trace_notes_have_eight_elements_and_point_to_what_is_there() -> None:
    root, text = PAGE.parents[1], (PAGE.parent / "trace.md").read_text("utf-8")
    assert [int(number) for number in re.findall(r"^## (\d) ", text, re.M)] == list(range(1, 9))
    assert text.count("**Missing.**") == 8
    named = re.findall(r"`((?:tests|sim)/[\w./]+)`", text)
    assert len(named) > 20
    assert not [name for name in named if not (root / name).exists()]


@pytest.mark.parametrize(
    ("source", "standing"),
    [
        ("F17", "evidence"),
        ("SPEC 6.2; F66", "evidence"),
        ("memory: Wright 1936", "evidence"),
        ("assumption; sign F19", "direction"),
        ("assumption; signs F78", "direction"),
        ("assumption fitted to V19", "fitted"),
        ("assumption, calibrated to V8 (SPEC 9.3 step 3)", "fitted"),
        ("SPEC 6.2, assumption", "assumption"),
        ("SPEC 6.1; size assumption", "assumption"),
        ("assumption; F30", "assumption"),
        ("", "assumption"),
        ("DECISIONS 16", "document"),
        ("choice", "choice"),
    ],
)
def test_a_number_counts_by_the_weakest_thing_its_source_says(source: str, standing: str) -> None:
    assert standing_of(source) == standing
    assert standing in STANDINGS
