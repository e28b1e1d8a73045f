"""posterior.yaml: what a calibration found, as runs, beliefs and sweeps draw from it.

Draws belong together: one row is one set of numbers that fits the data, so whoever draws takes whole rows.
"""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field, model_validator

from sim.assumptions import Settings
from sim.slips import Slip, several
from sim.store.files import write_atomically
from sim.yaml_source import dump, load, validate
from sim.yaml_source.writer import flow_text

FORMAT: Literal[1] = 1
MOST_DRAWS = 10_000


class Marginal(Settings):
    """One number: what was believed before and what the data leave of it."""

    unit: str = Field("", description="unit of the number")
    prior: tuple[float, float] = Field(description="range that was believed before")
    mean: float = Field(description="posterior mean")
    sd: float = Field(ge=0, description="posterior standard deviation")
    interval: tuple[float, float] = Field(description="central 90 % of the draws")
    informed: float = Field(ge=0, le=1, description="1 - posterior over prior standard deviation: 0, nothing learned")


class Made(Settings):
    """Out of what it was made."""

    calibration: str = Field(description="name of the calibration")
    digest: str = Field(description="SHA-256 over the calibration file and the data it read")
    method: str = Field(description="how draws were found")
    seed: int = Field(0, ge=0, description="seed of the inference")
    version: str = Field("", description="code version")
    data: dict[str, str] = Field(default_factory=dict, description="SHA-256 of each file read, by name")
    checks: dict[str, float | str | bool] = Field(default_factory=dict, description="what the checks said, by name")


class Posterior(Settings):
    """A posterior over numbers of the scenario: paths as --set writes them, and draws, whole rows."""

    posterior: Literal[1] = Field(FORMAT, description="version of this format")
    name: str = Field(description="name of the calibration")
    parameters: dict[str, Marginal] = Field(min_length=1, description="by path")
    point: dict[str, float] = Field(description="one set of numbers that fits: posterior mean, or the best point")
    draws: list[list[float]] = Field(
        min_length=1, max_length=MOST_DRAWS, description="rows of numbers in the order of parameters"
    )
    made: Made = Field(description="out of what it was made")

    @model_validator(mode="after")
    def _fits(self) -> Posterior:
        slips: list[Slip] = []
        if missing := set(self.parameters) ^ set(self.point):
            slips.append((("point",), f"{', '.join(sorted(missing))} is not in both parameters and point; in both"))
        width = len(self.parameters)
        wrong = [i for i, row in enumerate(self.draws) if len(row) != width]
        if wrong:
            slips.append((("draws", wrong[0]), f"{len(self.draws[wrong[0]])} numbers; {width}, as parameters has"))
        if slips:
            raise several(slips)
        return self


HEAD = (
    "What a calibration left of the numbers of a scenario. One row of draws is one set of numbers that fits the data."
)


def read_posterior(path: str | os.PathLike[str]) -> Posterior:
    """The posterior of a file. Raises `BadInput` with every mistake and its line and column."""
    return validate(Posterior, load(path))


def write_posterior(path: str | os.PathLike[str], posterior: Posterior) -> None:
    """Write a posterior as YAML, a row of draws a line; equal posteriors are equal bytes. Written whole or not at all.

    Raises `RunFailed` if the disk refuses.
    """
    told = posterior.model_dump(mode="json")
    rows = told.pop("draws")
    lines = "".join(f"  - {flow_text(row)}\n" for row in rows)
    write_atomically(path, f"{dump(told, HEAD)}draws:\n{lines}")
