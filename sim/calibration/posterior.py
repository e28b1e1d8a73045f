"""posterior.yaml: what a calibration found, as runs, beliefs and sweeps draw from it.

Draws belong together: one row is one set of numbers that fits the data, so whoever draws takes whole rows.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from sim.assumptions import Settings
from sim.calibration.problem import Floats
from sim.errors import BadInput
from sim.slips import Slip, several
from sim.store.files import write_atomically
from sim.yaml_source import dump, load, validate
from sim.yaml_source.writer import flow_text

FORMAT: Literal[1] = 1
MOST_DRAWS = 10_000
ROUNDED = 1e-9  # of a number: a posterior is written in so many digits
SLIGHT, MOST_WRITTEN = 0.01, 0.1  # of the draws' standard deviation: what is no difference, and the coarsest writing
PRIORS_LUCK = 2.0  # a prior's spread is counted over as many draws of it: 4 to 5 standard errors of it
BEYOND = 0.1  # of a spread that a best point at the prior's end may lie outside the draws


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

    @property
    def digest(self) -> str:
        """SHA-256 of what it says, however it is written."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def failed(self) -> list[str]:
        """Checks of the calibration that were not passed."""
        return [name for name, value in self.made.checks.items() if value is False]


HEAD = (
    "What a calibration left of the numbers of a scenario. One row of draws is one set of numbers that fits the data."
)


def read_posterior(path: str | os.PathLike[str]) -> Posterior:
    """The posterior of a file. Raises `BadInput` with every mistake and its line and column.

    What it says of its draws must follow from them.
    """
    source = load(path)
    found = validate(Posterior, source)
    if wrong := [source.mistake(tuple(at), what) for at, what in contradictions(found)]:
        raise BadInput(wrong)
    return found


def contradictions(one: Posterior) -> Iterator[Slip]:
    """Where draws leave the prior or the point the draws, and what a number says of its draws that they do not come to.

    Of a number the first; figures may be rounded as they are written.
    """
    table = np.array(one.draws, dtype=np.float64)
    whole = True
    for i, (path, told) in enumerate(one.parameters.items()):
        column, at, point = table[:, i], ("parameters", path), one.point[path]
        (low, high), slack = told.prior, ROUNDED * max(map(abs, told.prior))
        mean, sd = float(column.mean()), float(column.std(ddof=1)) if len(column) > 1 else 0.0
        leaves = np.flatnonzero((column < low - slack) | (column > high + slack))
        first, last = max(low, float(column.min()) - BEYOND * sd), min(high, float(column.max()) + BEYOND * sd)
        slip: Slip | None = None
        if len(leaves):
            what = f"{column[leaves[0]]:g} of {path} lies outside its prior, {low:g} to {high:g}"
            slip = ("draws", int(leaves[0])), f"{what}; the draws that the calibration wrote"
        elif not first - slack <= point <= last + slack:
            ends = f"{column.min():g} to {column.max():g}"
            slip = ("point", path), f"{point:g} lies outside the draws, {ends}; a set of numbers that fits"
        elif wrong := next(_unlike(told, column, mean, sd), None):
            name, said, found = wrong
            slip = (*at, name), f"{said}, but the draws come to {found}; what the calibration wrote"
        if slip is not None:
            whole = False
            yield slip
    if whole and _astray(table, np.array([one.point[path] for path in one.parameters])):
        yield ("point",), "is further from the draws than any of them; a set of numbers that fits"


def _unlike(told: Marginal, column: Floats, mean: float, sd: float) -> Iterator[tuple[str, str, str]]:
    """What a number says otherwise than its draws: name, what is said, what is found."""

    def same(said: float, found: float) -> bool:
        return abs(said - found) <= max(SLIGHT * sd, min(_written(said), MOST_WRITTEN * sd)) + ROUNDED * abs(found)

    low, high = (float(end) for end in np.quantile(column, [0.05, 0.95]))
    if not same(told.mean, mean):
        yield "mean", f"{told.mean:g}", f"{mean:g}"
    if not same(told.sd, sd):
        yield "sd", f"{told.sd:g}", f"{sd:g}"
    if not (same(told.interval[0], low) and same(told.interval[1], high)):
        yield "interval", f"{told.interval[0]:g} to {told.interval[1]:g}", f"{low:g} to {high:g}"
    learned = [found for found in _learned(told.prior, column) if not math.isnan(found)]
    slack = min(_written(told.informed), MOST_WRITTEN) + SLIGHT + PRIORS_LUCK / math.sqrt(len(column))
    if learned and min(abs(told.informed - found) for found in learned) > slack:
        yield "informed", f"{told.informed:g}", " or ".join(f"{found:.3g}" for found in learned)


def _written(value: float) -> float:
    """Half a unit of the last digit that a number is written with."""
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return 0.5 * 10.0 ** int(exponent)


def _learned(prior: tuple[float, float], column: Floats) -> Iterator[float]:
    """1 - posterior over prior standard deviation of a prior that is even, on each scale that its ends allow."""
    ends = np.array(prior)
    inside = np.clip(column, *prior)
    scales: list[tuple[Floats, Floats]] = [(ends, inside)]
    if ends[0] > 0:
        scales.append((np.log(ends), np.log(inside)))
    if ends[0] > 0 and ends[1] < 1:
        scales.append((np.log(ends / (1.0 - ends)), np.log(inside / (1.0 - inside))))
    for (low, high), values in scales:
        spread = float(high - low) / math.sqrt(12.0)
        if spread > 0 and len(values) > 1:
            yield min(max(1.0 - float(values.std(ddof=1)) / spread, 0.0), 1.0)


def _astray(table: Floats, point: Floats) -> bool:
    """Whether a point is further from the draws' mean, as they spread and go together, than the furthest of them."""
    if len(table) <= table.shape[1] + 1:
        return False
    spread = table.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    centred = (table - table.mean(axis=0)) / scale
    weight = np.linalg.pinv(centred.T @ centred / len(table), hermitian=True)
    away = (point - table.mean(axis=0)) / scale
    return bool(away @ weight @ away > (1.0 + BEYOND) * np.einsum("ij,jk,ik->i", centred, weight, centred).max())


def write_posterior(path: str | os.PathLike[str], posterior: Posterior) -> None:
    """Write a posterior as YAML, a row of draws a line; equal posteriors are equal bytes. Written whole or not at all.

    Raises `RunFailed` if the disk refuses.
    """
    told = posterior.model_dump(mode="json")
    rows = told.pop("draws")
    lines = "".join(f"  - {flow_text(row)}\n" for row in rows)
    write_atomically(path, f"{dump(told, HEAD)}draws:\n{lines}")
