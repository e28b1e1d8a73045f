"""The numbers a run was made with: every value of its scenario, its unit and source, and what differs from defaults.

`known` maps a path of the scenario ("economics.margin", "tiers.mass.from") to what is known of it: `unit`, `source`,
`about`, `plausible` (low, high) and, if told, `default`. An entry for a table holds for all values in it; its default
is then a table too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sim.phrases import named
from sim.reporting.names import scenario_of as scenario_of

NOT_NUMBERS = ("label", "about")  # of arms, tiers and channels
NOT_ASSUMPTIONS = ("name", "about", "seeds", "arms")  # shown elsewhere on the page


@dataclass(frozen=True)
class Used:
    """One value of the scenario as its file says it, and what is known of it ("" for what is not)."""

    path: str
    value: str
    default: str = ""
    unit: str = ""
    plausible: str = ""
    source: str = ""
    about: str = ""
    differs: bool = False


def used(scenario: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> list[Used]:
    """Every value of a scenario but its name, question, seeds and arms."""
    rows = []
    for path, value in flatten({key: item for key, item in scenario.items() if key not in NOT_ASSUMPTIONS}):
        if path[-1] in NOT_NUMBERS:
            continue
        facts, rest = _facts(path, known)
        default = _inside(facts.get("default"), rest)
        rows.append(
            Used(
                path=".".join(path),
                value=value,
                default="" if default is None else written(default),
                unit=str(facts.get("unit", "")),
                plausible=_range(facts.get("plausible")),
                source=str(facts.get("source", "")),
                about=str(facts.get("about", "")),
                differs=default is not None and not same(value, default),
            )
        )
    return rows


def flatten(tree: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Paths and values as text; list items are named by their `use` or `name`, lists of plain values are one value."""
    if isinstance(tree, Mapping):
        for key, item in tree.items():
            yield from flatten(item, (*path, str(key)))
        if not tree and path:
            yield path, "none"
    elif isinstance(tree, list) and any(isinstance(item, (Mapping, list)) for item in tree):
        for place, item in enumerate(tree):
            name = (item.get("use") or item.get("name")) if isinstance(item, Mapping) else None
            yield from flatten(item, (*path, str(name) if name else f"[{place}]"))
    elif path:
        yield path, written(tree)


def written(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {written(item)}" for key, item in value.items()) or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(written, value)) or "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def same(value: str, default: Any) -> bool:
    """True if a value as text means the default, whatever way a number is written."""
    ours, theirs = value.split(", "), written(default).split(", ")
    return len(ours) == len(theirs) and all(map(_same_word, ours, theirs))


def _same_word(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other


def _facts(path: tuple[str, ...], known: Mapping[str, Mapping[str, Any]]) -> tuple[Mapping[str, Any], tuple[str, ...]]:
    """The entry for the path or the nearest table around it, and the rest of the path inside that table."""
    for cut in range(len(path), 0, -1):
        entry = known.get(".".join(path[:cut]))
        if isinstance(entry, Mapping):
            return entry, path[cut:]
    return {}, ()


def _inside(default: Any, rest: tuple[str, ...]) -> Any:
    for key in rest:
        if not isinstance(default, Mapping) or key not in default:
            return None
        default = default[key]
    return default


def _range(plausible: Any) -> str:
    pair = isinstance(plausible, (list, tuple)) and len(plausible) == 2
    if not pair or not all(isinstance(end, (int, float)) for end in plausible):
        return ""
    return f"{plausible[0]:g} to {plausible[1]:g}"


def arms_in_words(
    scenario: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]] | None = None
) -> list[tuple[str, list[str]]]:
    """Each arm and its strategies, one line a strategy; an empty list for an arm without any.

    Where the settings are `known` ("strategies.NAME.KEY"), those that differ from their defaults are told, in words;
    else all of them as the file has them.
    """
    found = []
    for name, strategies, extra in _arms(scenario):
        lines = []
        for use, settings in strategies:
            text = written(settings) if settings else ""
            if known and all(f"strategies.{use}.{key}" in known for key in settings):
                rows = [_setting(use, key, value, known) for key, value in settings.items()]
                text = "; ".join(f"{row.about} {row.value} (default {row.default})" for row in rows if row.differs)
            lines.append(use + (f" ({text})" if text and not known else f": {text}" if text else ""))
        lines += [f"{key}: {written(item)}" for key, item in extra.items()]
        found.append((name, lines))
    return found


def settings_of_strategies(scenario: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> list[Used]:
    """Every setting of every strategy once, `path` being the strategy; a value that arms have not in common names them.

    Empty where nothing is known of the strategies' settings.
    """
    values: dict[tuple[str, str], dict[str, list[str]]] = {}
    for arm, strategies, _ in _arms(scenario):
        for use, settings in strategies:
            for key, value in settings.items():
                if f"strategies.{use}.{key}" in known:
                    values.setdefault((use, key), {}).setdefault(written(value), []).append(arm)
    rows = []
    for (use, key), arms in values.items():
        each = [_setting(use, key, value, known) for value in arms]
        shown = "; ".join(f"{value} ({', '.join(map(named, names))})" for value, names in arms.items())
        rows.append(
            replace(each[0], value=shown if len(arms) > 1 else each[0].value, differs=any(one.differs for one in each))
        )
    return rows


def _setting(use: str, key: str, value: Any, known: Mapping[str, Mapping[str, Any]]) -> Used:
    facts = known[f"strategies.{use}.{key}"]
    default = facts.get("default")
    text = written(value)
    return Used(
        use,
        text,
        "none" if default is None else written(default),
        str(facts.get("unit", "")),
        _range(facts.get("plausible")),
        str(facts.get("source", "")),
        str(facts.get("about") or key.replace("_", " ")),
        differs=default is None or not same(text, default),
    )


def _arms(scenario: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, dict[str, Any]]], dict[str, Any]]]:
    """Name of each arm, its strategies with their settings, and what else the arm says (a budget)."""
    arms = scenario.get("arms")
    for name, arm in arms.items() if isinstance(arms, Mapping) else ():
        extra = {}
        if isinstance(arm, Mapping):
            extra = {key: item for key, item in arm.items() if key not in ("strategies", *NOT_NUMBERS)}
            arm = arm.get("strategies", [])
        strategies = [
            (str(strategy.get("use", "")), {key: item for key, item in strategy.items() if key != "use"})
            for strategy in (arm if isinstance(arm, list) else [])
            if isinstance(strategy, Mapping)
        ]
        yield str(name), strategies, extra
