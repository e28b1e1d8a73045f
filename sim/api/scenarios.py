"""Scenarios as a program gives them: a file, a mapping, a `Scenario`, with what is to be different."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
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
) -> Prepared:
    """The scenario read and checked, its book read; raises `BadInput` with everything that is wrong.

    `seeds` is how many (1, 2, ...) or which, `months` how long, `arms` which of them, `values` further values by path
    such as ``{"economics.margin": 0.02}``: as ``--seeds``, ``--months``, ``--arms`` and ``--set`` of the command line.
    """
    from sim.experiments.prepare import prepare_source
    from sim.yaml_source import dump, load, loads

    changes = dict(values or {})
    if months is not None:
        changes["months"] = months
    if seeds is not None:
        changes["seeds"] = {"first": 1, "count": seeds} if isinstance(seeds, int) else list(seeds)
    if isinstance(scenario, Scenario):
        source = loads(dump(scenario.stored()), file=IN_MEMORY)
    elif isinstance(scenario, Mapping):
        source = loads(dump(dict(scenario)), file=IN_MEMORY)
    elif isinstance(scenario, (str, os.PathLike)):
        source = load(located(os.fspath(scenario)))
    else:
        what = f"{type(scenario).__name__} is no scenario; a path, a mapping or a Scenario"
        raise BadInput.at(IN_MEMORY, what)
    if changes:
        source = source.with_values(changes, "values")
    return prepare_source(source, arms)


def validate(scenario: Given, **changes: Any) -> Scenario:
    """The checked scenario, defaults filled in; raises `BadInput` naming everything that is wrong, with its address.

    `changes` are `seeds`, `months`, `arms` and `values`, as of `sim.run`.
    """
    return prepared(scenario, **changes).scenario
