"""The `sweep:` section of a scenario: what is varied, over which range, and which points of it are lived."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from sim.assumptions import Settings
from sim.slips import Slip, several

DesignName = Literal["grid", "random", "latin_hypercube", "sobol", "morris", "saltelli", "list"]
Scalar = bool | int | float | str
Number = int | float
MOST_SAMPLES = 10_000_000
DEFAULT_GRID = 5  # levels of a range in a grid
DEFAULT_LEVELS = 4  # of a Morris design
POWERS_OF_TWO = ("sobol", "saltelli")  # what balances a Sobol' sequence
_SAMPLED = ("random", "latin_hypercube", "sobol", "morris", "saltelli")
_MEANING = {"morris": "trajectories", "saltelli": "base samples"}


class Range(Settings):
    """Over what a path is varied: values, or a range; without either the plausible range of its assumption."""

    values: Annotated[list[Scalar], Field(min_length=1, max_length=100_000)] | None = Field(
        None, description="values it takes, instead of a range"
    )
    low: Number | None = Field(None, description="lower end; default that of the plausible range")
    high: Number | None = Field(None, description="upper end; default that of the plausible range")
    scale: Literal["linear", "log"] = Field("linear", description="how a range is spaced")

    @model_validator(mode="after")
    def _one_of_both(self) -> Range:
        slips = list(self._slips())
        if slips:
            raise several(slips)
        return self

    def _slips(self) -> Iterator[Slip]:
        if self.values is not None:
            for name in ("low", "high"):
                if getattr(self, name) is not None:
                    yield (name,), "given beside values; either values, or low and high"
            if self.scale == "log":
                yield ("scale",), "given beside values; only a range has a scale"
            seen: set[tuple[bool, Any]] = set()
            for i, value in enumerate(self.values):
                key = (isinstance(value, bool), value)  # 1 and true are different values, 1 and 1.0 are not
                if key in seen:
                    yield ("values", i), f"{value} is there twice; each value once"
                seen.add(key)
            return
        if (self.low is None) != (self.high is None):
            yield ("high" if self.high is None else "low",), "missing; low and high, or neither"
        elif self.low is not None and self.high is not None:
            if not self.low < self.high:
                yield ("high",), f"{self.high:g} is not above low, {self.low:g}; low is the smaller one"
            if self.scale == "log" and self.low <= 0:
                yield ("low",), f"{self.low:g} has no logarithm; above 0, or scale: linear"


class Designed(Settings):
    """Points of a design over what is varied."""

    design: DesignName | None = Field(
        None,
        description="how points are chosen; with more samples random, sobol, morris and saltelli keep the points "
        "they had, latin_hypercube and grid do not",
    )
    samples: int | None = Field(
        None,
        ge=1,
        le=MOST_SAMPLES,
        json_schema_extra={"unit": "points"},
        description="points of random, latin_hypercube and sobol, trajectories of morris, base samples of saltelli; "
        f"of a grid the levels of a range, default {DEFAULT_GRID}",
    )
    levels: int | None = Field(None, ge=2, le=1000, description=f"levels of a morris design, default {DEFAULT_LEVELS}")
    file: str | None = Field(
        None, description="of a list: CSV, relative to this file, a column for each path and a row for each point"
    )
    vary: dict[str, Range | None] = Field(
        default_factory=dict, description="path, and over what: values, a range, or null for the plausible range"
    )

    @field_validator("vary", mode="after")
    @classmethod
    def _null_is_empty(cls, vary: dict[str, Range | None]) -> dict[str, Range | None]:
        """A null would be lost where a scenario is written back without what is not set."""
        return {path: given or Range.model_validate({}) for path, given in vary.items()}

    @model_validator(mode="after")
    def _fits_design(self) -> Self:
        slips = list(self._slips())
        if slips:
            raise several(slips)
        return self

    def _slips(self) -> Iterator[Slip]:
        if self.design is None:
            yield ("design",), "missing; how points are chosen, such as latin_hypercube"
        else:
            yield from _design_slips(self.design, self.samples, self.levels, self.file, self.vary)

    @property
    def ranges(self) -> dict[str, Range]:
        """What is varied; nothing for a list, whose file says it."""
        return {path: given or Range.model_validate({}) for path, given in self.vary.items()}


class Sweep(Designed):
    """Many points of this scenario, all arms and seeds at each: one design, or one of levers crossed with one of
    uncertainties.

    With one design, what a bank decides counts as a lever (presence, strength and budget of strategies, spans,
    coverage, hours, capacities), all else as an uncertainty.
    """

    levers: Designed | None = Field(None, description="what the bank decides, crossed with `uncertainties`")
    uncertainties: Designed | None = Field(None, description="what nobody knows, crossed with `levers`")
    seconds_limit: float | None = Field(
        None,
        gt=0,
        le=1e7,
        description="a point and seed that takes longer, all arms together, is given up",
        json_schema_extra={"unit": "seconds"},
    )

    def _slips(self) -> Iterator[Slip]:
        if self.levers is None and self.uncertainties is None:
            yield from super()._slips()
            return
        for name in ("design", "samples", "levels", "file", "vary"):
            if getattr(self, name):
                yield (name,), "given beside levers or uncertainties; inside these, or one design without them"
        for name, other in (("levers", "uncertainties"), ("uncertainties", "levers")):
            if getattr(self, name) is None:
                yield (name,), f"missing; {other} are crossed with {name}, one design needs neither"

    @property
    def designs(self) -> dict[str, Designed]:
        """The one design, as `all`, or those of `levers` and `uncertainties`."""
        if self.levers is not None and self.uncertainties is not None:
            return {"levers": self.levers, "uncertainties": self.uncertainties}
        return {"all": self}


def _design_slips(
    design: str, samples: int | None, levels: int | None, file: str | None, vary: Mapping[str, Any]
) -> Iterator[Slip]:
    """What a design needs and what it has no use for."""
    if design == "list":
        if file is None:
            yield ("file",), "missing; the CSV file whose rows are the points"
        for name, value in (("samples", samples), ("vary", vary)):
            if value:
                yield (name,), "a list takes its points from its file; leave it out"
    else:
        if not vary:
            yield ("vary",), "nothing is varied; such as managers.hours_per_month: {low: 35, high: 60}"
        if file is not None:
            yield ("file",), f"{design} makes its own points; design: list reads a file"
    if levels is not None and design != "morris":
        yield ("levels",), f"{design} has none; only morris has levels (a grid says samples)"
    if levels is not None and levels % 2:
        yield ("levels",), f"{levels} is odd; an even number, so that steps are balanced"
    if samples is None:
        if design in _SAMPLED:
            yield ("samples",), f"missing; how many {_MEANING.get(design, 'points')}"
    elif design in ("grid", "morris") and samples < 2:
        yield ("samples",), f"{samples} is not enough; at least 2 {'levels' if design == 'grid' else 'trajectories'}"
    elif design in POWERS_OF_TWO and samples & (samples - 1):
        below = 1 << (samples.bit_length() - 1)
        yield ("samples",), f"{samples} is not a power of two, which {design} needs; {below} or {2 * below}"
