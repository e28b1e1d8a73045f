"""A small but nasty settings model: every construct a scenario may use, none of the bank's numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic_core import PydanticCustomError

from sim.assumptions import assumption
from sim.slips import several
from sim.yaml_source import Chosen


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Tier(Section):
    """One tier of the bank."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$", description="name of the tier")
    start: float = Field(0, alias="from", ge=0, description="lower bound", json_schema_extra={"unit": "CNY"})


class Count(Section):
    """So many seeds from a first one."""

    first: int = Field(1, ge=0, description="first seed")
    count: int = Field(ge=1, le=1000, description="how many", json_schema_extra={"unit": "seeds"})


class Goal(Section):
    kpi: str
    half_width: float = Field(gt=0)


class Until(Section):
    """Seeds until an interval is narrow enough."""

    until: Goal
    max: int = Field(200, ge=2)


class Pandemic(Section):
    """Branches close."""

    kind: Literal["pandemic"]
    start: int = Field(alias="from", ge=0, description="first month", json_schema_extra={"unit": "month"})
    months: int = Field(9, ge=1, le=120)


class Crash(Section):
    """Markets fall."""

    kind: Literal["crash"]
    depth: float = assumption(0.3, "share", plausible=(0.1, 0.5), allowed=(0, None), below=1, source="F9")
    """fall"""


Event = Annotated[Pandemic | Crash, Field(discriminator="kind")]


class RetentionCall(Section):
    """A manager phones."""

    use: Literal["retention_call"]
    start: int = Field(0, alias="from", ge=0)
    hazard_ratio: float = assumption(0.88, "ratio", plausible=(0.8, 1.1), allowed=(0, 10), source="F1")
    """what the call does"""
    channels: tuple[str, ...] = ()


class Training(Section):
    """Managers learn."""

    use: Literal["training"]
    hours: int = Field(8, ge=0, le=200, json_schema_extra={"unit": "hours"})


STRATEGIES: dict[str, type[BaseModel]] = {"retention_call": RetentionCall, "training": Training}


def strategies() -> Mapping[str, type[BaseModel]]:
    return STRATEGIES


Strategy = Annotated[Any, Chosen("use", strategies, noun="strategy")]


class Arm(Section):
    """An arm spelled out."""

    strategies: list[Strategy] = []
    budget: float | None = Field(None, ge=0, json_schema_extra={"unit": "CNY/year"})


Probability = Annotated[float, Field(ge=0, lt=1, json_schema_extra={"unit": "1/month"})]


def _shape_tag(value: Any) -> str:
    return "list" if isinstance(value, list) else "word"


class Population(Section):
    source: Literal["synthetic", "book"] = "synthetic"
    customers: int = Field(1000, ge=1, le=1_000_000_000, json_schema_extra={"unit": "customers"})
    agents: Annotated[int, Field(ge=1)] | Annotated[float, Field(gt=0, lt=1)] | None = None
    shares: dict[str, Annotated[float, Field(ge=0, le=1, json_schema_extra={"unit": "share"})]] = {}

    @model_validator(mode="after")
    def _fits(self) -> Population:
        if isinstance(self.agents, int) and self.agents > self.customers:
            raise PydanticCustomError("too_many", "more rows than customers; fewer", {"at": ["agents"]})
        return self


class Demo(Section):
    """A question asked of a demo."""

    name: str = Field(pattern=r"^[a-z0-9_-]+$", description="name | of the scenario")
    about: str = ""
    months: int = Field(60, ge=1, description="measured months", json_schema_extra={"unit": "months"})
    live: bool = True
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)] | Count | Until = Field(
        [1, 2, 3], description="a list, {first, count} or {until, max}"
    )
    population: Population = Field(default_factory=Population, description="who")
    hazards: dict[Literal["mass", "private"], dict[str, Probability]] = {}
    tiers: list[Tier] = []
    environment: list[Event] = []
    order: Annotated[
        Annotated[list[int], Tag("list")] | Annotated[Literal["random", "given"], Tag("word")],
        Discriminator(_shape_tag),
    ] = "given"
    arms: dict[str, list[Strategy] | Arm] = Field({}, description="what is compared")

    @model_validator(mode="after")
    def _tiers_rise(self) -> Demo:
        pairs = list(zip(self.tiers, self.tiers[1:], strict=False))
        found = [
            (("tiers", i + 1, "from"), f"{b.start:g} is not above {a.start:g}; bounds rise")
            for i, (a, b) in enumerate(pairs)
            if b.start <= a.start
        ]
        if found:
            raise several(found)
        return self
