"""What a program gives, checked at the door: scenarios, seeds, arms, numbers, folders."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.scenario.scenario import Scenario
from sim.shipping import located

if TYPE_CHECKING:
    from sim.experiments.prepared import Prepared

Given = str | os.PathLike[str] | Mapping[str, Any] | Scenario
IN_MEMORY = "scenario"  # name of a scenario that is no file, in messages


def prepared(
    scenario: Given,
    *,
    seeds: int | Sequence[int] | None = None,
    months: int | None = None,
    arms: Sequence[str] | None = None,
    values: Mapping[str, Any] | None = None,
    book: Any = None,
) -> Prepared:
    """The scenario read and checked, its book read; raises `BadInput` with everything that is wrong.

    `seeds` is how many (1, 2, ...) or which, `months` how long, `arms` which of them, `values` further values by path
    such as ``{"economics.margin": 0.02}``: as ``--seeds``, ``--months``, ``--arms`` and ``--set`` of the command line.
    `book` is the customer book as a data frame of pandas, in place of a file; the scenario maps its columns.
    """
    from sim.experiments.prepare import prepare_source
    from sim.yaml_source import dump, load, loads

    changes = _values(values)
    if months is not None:
        changes["months"] = plain(months, "months")
    if seeds is not None:
        changes["seeds"] = _seeds(plain(seeds, "seeds"))
    if arms is not None:
        arms = names_of(arms)
    if isinstance(scenario, Scenario):
        source = loads(dump(scenario.stored()), file=IN_MEMORY)
    elif isinstance(scenario, Mapping):
        source = loads(dump(plain(scenario, IN_MEMORY)), file=IN_MEMORY)
    elif isinstance(scenario, (str, os.PathLike)):
        source = load(located(os.fspath(scenario)))
    else:
        what = f"{type(scenario).__name__} is no scenario; a path, a mapping or a Scenario"
        raise BadInput.at(IN_MEMORY, what)
    if book is not None:
        changes |= {"population.source": "book", "population.file": _frame(book)}
    if changes:
        source = source.with_values(changes, "values")
    return prepare_source(source, arms)


def validate(
    scenario: Given,
    *,
    seeds: int | Sequence[int] | None = None,
    months: int | None = None,
    arms: Sequence[str] | None = None,
    values: Mapping[str, Any] | None = None,
    book: Any = None,
) -> Scenario:
    """The checked scenario, defaults filled in; raises `BadInput` naming everything that is wrong, with its address.

    Arguments as of `sim.run`.
    """
    return prepared(scenario, seeds=seeds, months=months, arms=arms, values=values, book=book).scenario


def plain(value: Any, name: str) -> Any:
    """The value as a scenario file could have it: NumPy numbers and arrays, paths and tuples become plain ones."""
    if isinstance(value, Mapping):
        wrong = [key for key in value if not isinstance(key, str)]
        if wrong:
            raise BadInput.at(name, f"the key {wrong[0]!r} is no text; keys are text")
        return {key: plain(item, f"{name}.{key}") for key, item in value.items()}
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):  # of NumPy and pandas: a number, an array, a Series
        return value.tolist()
    if isinstance(value, (list, tuple, range, set, frozenset)):
        return [plain(item, name) for item in value]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    raise BadInput.at(
        name, f"{type(value).__name__} cannot stand in a scenario; numbers, texts, lists and mappings can"
    )


def number_from(value: Any, name: str, least: int) -> int:
    """A whole number from `least` up; `BadInput` for anything else."""
    value = plain(value, name)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise BadInput.at(name, f"{value!r}; a whole number from {least}")
    return value


def folder_of(path: Any, name: str) -> Path:
    """A folder as a path; `BadInput` for what is none."""
    if not isinstance(path, (str, os.PathLike)) or isinstance(os.fspath(path), bytes) or not os.fspath(path):
        raise BadInput.at(name, f"{path!r} is no folder; a path")
    return Path(path)


def _values(values: Any) -> dict[str, Any]:
    if values is None:
        return {}
    if not isinstance(values, Mapping):
        raise BadInput.at("values", f'{type(values).__name__}; a mapping by path, such as {{"economics.margin": 0.02}}')
    return dict(plain(values, "values"))


def _frame(book: Any) -> str:
    """The path by which the book of a data frame is read; `BadInput` for what is none."""
    from sim.population.book.forms.base import Unreadable
    from sim.population.book.forms.frame import kept

    try:
        return str(kept(book))
    except Unreadable as error:
        raise BadInput.at("book", str(error)) from None


def _seeds(seeds: Any) -> Any:
    if isinstance(seeds, int) and not isinstance(seeds, bool):
        return {"first": 1, "count": number_from(seeds, "seeds", 1)}
    if isinstance(seeds, (list, dict)):
        return seeds
    raise BadInput.at("seeds", f"{seeds!r}; how many, or a list of which")


def names_of(arms: Any) -> list[str]:
    """Names of arms; `BadInput` for what is no list of them."""
    arms = plain(arms, "arms")
    if not isinstance(arms, list) or not arms or not all(isinstance(name, str) for name in arms):
        raise BadInput.at("arms", f"{arms!r}; a list of names of arms, one at least")
    return arms
