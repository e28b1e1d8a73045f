"""The register of assumptions of a run: every number with unit, value, range and source, and what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from sim.documents.standing import UNTESTED, standing_of
from sim.reporting.run.assumptions_used import Used, same, scenario_of, used, written
from sim.store.sign_off_columns import SIGNED_OFF

if TYPE_CHECKING:
    from sim.store.run_reading import Run

Known = Mapping[str, Mapping[str, Any]]
COLUMNS = SIGNED_OFF["register"].names
TODAY = (
    "The run does not say where its numbers come from; units, ranges and sources are those that this version of the "
    "program declares."
)


def register(run: Run) -> tuple[pd.DataFrame, list[str]]:
    """A row for every number and setting of the run, and what is to be said of the whole."""
    known: Known = run.manifest.get("assumptions") or {}
    notes = []
    if not any("source" in facts for path, facts in known.items() if not path.startswith("strategies.")):
        known = (
            {**declared(), **known}
            if not known
            else {path: {**declared().get(path, {}), **facts} for path, facts in known.items()}
        )
        notes.append(TODAY)
    scenario = scenario_of(run.scenario_text)
    learned = {path: str(one["name"]) for one in run.manifest.get("posteriors", []) for path in one["parameters"]}
    rows = [
        _row(one, known_range(one.path, known), learned)
        for one in [*used(scenario, known), *of_strategies(scenario, known)]
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS)), notes


def declared() -> dict[str, dict[str, Any]]:
    """What this version of the program declares of the numbers of a scenario and of its strategies."""
    from sim.assumptions import documented
    from sim.scenario.reference import json_schema, known_of
    from sim.scenario.scenario import Scenario
    from sim.strategies import known

    defaults = Scenario.model_validate({"name": "defaults"}).resolved()
    own = {f"strategies.{use}.{key}": facts for use, kind in known().items() for key, facts in documented(kind).items()}
    return {**known_of(json_schema(Scenario), defaults), **own}


def of_strategies(scenario: Mapping[str, Any], known: Known) -> Iterator[Used]:
    """Every setting of every strategy in every arm; one that all arms have alike is told once."""
    values: dict[tuple[str, str], dict[str, list[str]]] = {}
    for arm, strategies in _arms(scenario):
        for strategy in strategies:
            for key, value in strategy.items():
                if key != "use":
                    texts = values.setdefault((str(strategy.get("use", "")), str(key)), {})
                    texts.setdefault(written(value), []).append(arm)
    for (use, key), texts in values.items():
        facts = known.get(f"strategies.{use}.{key}", {})
        default = facts.get("default")
        for text, arms in texts.items():
            where = f"strategies.{use}.{key}" if len(texts) == 1 else f"arms.{'+'.join(arms)}.{use}.{key}"
            yield Used(
                where,
                text,
                "" if default is None else written(default),
                str(facts.get("unit", "")),
                source=str(facts.get("source", "")),
                about=str(facts.get("about") or key.replace("_", " ")),
                differs=default is not None and not same(text, default),
            )


def _arms(scenario: Mapping[str, Any]) -> Iterator[tuple[str, Sequence[Mapping[str, Any]]]]:
    arms = scenario.get("arms")
    for name, arm in arms.items() if isinstance(arms, Mapping) else ():
        strategies = arm.get("strategies", []) if isinstance(arm, Mapping) else arm
        yield str(name), [one for one in strategies or [] if isinstance(one, Mapping)]


def known_range(path: str, known: Known) -> tuple[float, float] | None:
    """The plausible range of a number, or of the table that it stands in."""
    words = path.split(".")
    if words[0] == "arms":
        words = ["strategies", *words[2:]]
    for cut in range(len(words), 0, -1):
        facts = known.get(".".join(words[:cut]))
        if facts is not None:
            ends = facts.get("plausible")
            numbers = (
                isinstance(ends, (list, tuple)) and len(ends) == 2 and all(isinstance(e, (int, float)) for e in ends)
            )
            return (float(ends[0]), float(ends[1])) if numbers and ends is not None else None
    return None


def _row(one: Used, ends: tuple[float, float] | None, learned: Mapping[str, str]) -> tuple[Any, ...]:
    low, high = ends or (float("nan"), float("nan"))
    standing = standing_of(one.source) if one.source else ""
    section = ".".join(one.path.split(".")[: 2 if one.path.startswith(("model.", "strategies.", "channels.")) else 1])
    calibrated = learned.get(one.path, "")
    return (
        section,
        one.path,
        one.about,
        one.value,
        one.unit,
        one.default,
        one.differs,
        low,
        high,
        ends is not None and _outside(one.value, low, high),
        one.source,
        standing,
        standing in UNTESTED and not calibrated,
        calibrated,
    )


def _outside(text: str, low: float, high: float) -> bool:
    """True if any number of a value lies outside a range."""
    try:
        return not all(low <= float(word) <= high for word in text.split(", "))
    except ValueError:
        return False
