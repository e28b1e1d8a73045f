"""The `sweep:` section of a scenario: what is varied, over which range, and which points of it are lived."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from sim.assumptions import Settings
from sim.designs import DESIGNS, Design, Grid, Morris
from sim.phrases import listed
from sim.slips import Slip, several

if TYPE_CHECKING:
    DesignName = str
else:
    DesignName = Literal[tuple(DESIGNS)]
Scalar = bool | int | float | str
Number = int | float
MOST_SAMPLES = 10_000_000
POSTERIOR = "posterior"  # what varies by rows of the scenario's posteriors


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


def _extending(extends: bool) -> str:
    """Names of the designs that keep their points when they get more samples, or do not; grids come last."""
    found = sorted(DESIGNS.values(), key=lambda design: not design.sampled)
    return listed([design.name for design in found if design.extends is extends])


def _counted() -> str:
    """What samples count, with the names of the designs in which they do."""
    found: dict[str, list[str]] = {}
    for design in DESIGNS.values():
        if design.sampled:
            found.setdefault(design.counts, []).append(design.name)
    return ", ".join(f"{counts} of {listed(names)}" for counts, names in found.items())


class Designed(Settings):
    """Points of a design over what is varied."""

    design: DesignName | None = Field(
        None,
        description=f"how points are chosen; with more samples {_extending(True)} keep the points they had, "
        f"{_extending(False)} do not",
    )
    samples: int | None = Field(
        None,
        ge=1,
        le=MOST_SAMPLES,
        json_schema_extra={"unit": "points"},
        description=f"{_counted()}; of a grid the levels of a range, default {Grid.default}",
    )
    levels: int | None = Field(
        None, ge=2, le=1000, description=f"levels of a {Morris.name} design, default {Morris.default_levels}"
    )
    file: str | None = Field(
        None, description="of a list: CSV, relative to this file, a column for each path and a row for each point"
    )
    vary: dict[str, Range | None] = Field(
        default_factory=dict,
        description="path, and over what: values, a range, or null for the plausible range; `posterior: null` varies "
        "all that the scenario's posteriors hold together, by rows of their draws",
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
            yield from self.kind.slips(self.file, self.vary)
            yield from self._joint_slips()

    def _joint_slips(self) -> Iterator[Slip]:
        given = self.vary.get(POSTERIOR)
        if POSTERIOR not in self.vary:
            return
        if given is not None and (given.values is not None or given.low is not None or given.scale != "linear"):
            yield ("vary", POSTERIOR), "has no range, its rows are what it is; null"
        if self.kind.complete:
            what = f"{self.design} moves one number at a time, those of a posterior go together; such as random"
            yield ("vary", POSTERIOR), what

    @property
    def kind(self) -> Design:
        """The design itself."""
        return DESIGNS[self.design or ""](self.samples, self.levels)

    @property
    def joint(self) -> bool:
        """Whether rows of the scenario's posteriors are varied."""
        return POSTERIOR in self.vary

    @property
    def ranges(self) -> dict[str, Range]:
        """What else is varied; nothing for a list, whose file says it."""
        given = {path: one for path, one in self.vary.items() if path != POSTERIOR}
        return {path: one or Range.model_validate({}) for path, one in given.items()}


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
