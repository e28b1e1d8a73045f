"""The calibrations that come with the program: each a problem from a public data set, and what was learned of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from sim.calibration.problem import Learned, Problem

NAMES = ("contacts", "wealth", "frailty", "attrition", "departures", "loyalty")


class Study(Protocol):
    """A calibration that comes with the program; a file of this folder is one, its names being the members."""

    @property
    def name(self) -> str: ...

    @property
    def about(self) -> str:
        """One line."""

    @property
    def files(self) -> tuple[str, ...]:
        """What it reads, below the folder of the data."""

    def problem(self, folder: str | Path) -> Problem:
        """Its problem from the data in `folder`; BadInput where a file is missing."""

    def learned(self, fit: Any) -> Learned:
        """What is said beside a fit: `fit` has `problem`, `draws` (n, k) and `point` (k,)."""


class _Studies(Mapping[str, Study]):
    """Studies by name, each imported when it is asked for."""

    def __getitem__(self, name: str) -> Study:
        if name not in NAMES:
            raise KeyError(name)
        return cast(Study, import_module(f"{__name__}.{name}"))

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


STUDIES: Mapping[str, Study] = _Studies()
