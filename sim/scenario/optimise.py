"""The `optimise:` section: which levers of an arm are chosen, what is better, and how sure it shall be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from pydantic import Field, field_validator, model_validator

from sim.assumptions import Settings, part
from sim.measures.catalogue import AGAINST_REFERENCE, KPIS, NEEDS_A_YEAR, base_name, kpi_names
from sim.scenario.sweep import Range
from sim.slips import Slip
from sim.yaml_source import did_you_mean

LARGEST_SEED = 2**63 - 1
MOST_CANDIDATES = 20_000
DIFFERENCE = "as the arm's difference to the reference arm of the same seed"


class Objective(Settings):
    """A key figure that shall become better."""

    kpi: str = Field(description=f"a KPI of `run.py list`, {DIFFERENCE}")
    goal: Literal["maximise", "minimise"] | None = Field(None, description="default: the KPI's own better side")

    @property
    def sign(self) -> float:
        """1 where more is better, -1 where less is."""
        goal = self.goal or {"higher": "maximise", "lower": "minimise"}[KPIS[base_name(self.kpi)].better or "higher"]
        return 1.0 if goal == "maximise" else -1.0


class Limit(Settings):
    """What a candidate must keep within, or it cannot win."""

    kpi: str = Field(description=f"a KPI of `run.py list`, {DIFFERENCE}; cost_annual for what it costs a year")
    at_most: float | None = Field(None, description="upper bound, in the KPI's unit")
    at_least: float | None = Field(None, description="lower bound, in the KPI's unit")

    @model_validator(mode="after")
    def _one_bound(self) -> Limit:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("one bound is needed; either at_most or at_least")
        return self

    @property
    def bound(self) -> float:
        """The bound, whichever it is."""
        return float(self.at_least if self.at_most is None else self.at_most)  # type: ignore[arg-type]

    @property
    def sign(self) -> float:
        """1 where more breaks it, -1 where less does."""
        return -1.0 if self.at_most is None else 1.0


class SearchSeeds(Settings):
    """Seeds of the search: every candidate has the first `count`, those that promise most up to `most`."""

    first: int = Field(1, ge=0, le=LARGEST_SEED, description="first seed")
    count: int = Field(3, ge=1, le=10_000, description="seeds of every candidate", json_schema_extra={"unit": "seeds"})
    most: int = Field(
        12,
        ge=1,
        le=10_000,
        description="seeds of the most promising, and of everyone on the front",
        json_schema_extra={"unit": "seeds"},
    )

    @property
    def all(self) -> range:
        """Every seed the search may use, in order."""
        return range(self.first, self.first + self.most)


class Confirm(Settings):
    """Fresh seeds: `count` to confirm the best and choose the winner, as many after them to compare the winner."""

    first: int = Field(1001, ge=0, le=LARGEST_SEED, description="first fresh seed")
    count: int = Field(
        50,
        ge=2,
        le=10_000,
        description="seeds that the best are confirmed on, and the winner compared",
        json_schema_extra={"unit": "seeds"},
    )
    best: int = Field(
        5,
        ge=1,
        le=100,
        description="candidates confirmed beside the baselines",
        json_schema_extra={"unit": "candidates"},
    )

    @property
    def choosing(self) -> range:
        """Seeds that the best are confirmed on and the winner is chosen by."""
        return range(self.first, self.first + self.count)

    @property
    def comparing(self) -> range:
        """Seeds nobody has seen when the winner is chosen; it is compared on them."""
        return range(self.first + self.count, self.first + 2 * self.count)


class Optimise(Settings):
    """Search for the best settings of an arm."""

    arm: str = Field(description="the arm whose levers are chosen; it is compared with the first arm")
    method: Literal["nsga2", "tpe"] = Field(
        "nsga2", description="how candidates are proposed: nsga2 breeds from the best so far, tpe models where they lie"
    )
    objectives: list[Objective] = Field(
        min_length=1,
        max_length=4,
        description="what shall be better; the first one chooses the winner among the confirmed",
    )
    shares: list[str] = Field(
        default_factory=list,
        description="strategies of the arm among which its budget is split "
        "in any way, in money, managers they add included",
    )
    vary: dict[str, Range | None] = Field(
        default_factory=dict, description="other levers of the arm, path to range, as in a sweep"
    )
    limits: list[Limit] = Field(default_factory=list, max_length=4, description="what a candidate must keep within")
    candidates: int = Field(
        120, ge=4, le=MOST_CANDIDATES, description="candidates in all", json_schema_extra={"unit": "candidates"}
    )
    generation: int = Field(
        20,
        ge=4,
        le=1000,
        description="candidates proposed and judged together",
        json_schema_extra={"unit": "candidates"},
    )
    seeds: SearchSeeds = part(SearchSeeds, "seeds of the search")
    confirm: Confirm = part(Confirm, "fresh seeds for the best")
    luck: int = Field(
        1,
        ge=0,
        le=2**32 - 1,
        description="seed of the proposals; another one searches anew",
        json_schema_extra={"unit": "seed"},
    )

    @field_validator("vary", mode="after")
    @classmethod
    def _null_is_empty(cls, vary: dict[str, Range | None]) -> dict[str, Range | None]:
        """A null would be lost where a scenario is written back without what is not set."""
        return {path: given or Range.model_validate({}) for path, given in vary.items()}

    @property
    def ranges(self) -> dict[str, Range]:
        """What is varied beside shares."""
        return {path: given or Range.model_validate({}) for path, given in self.vary.items()}

    @property
    def kpis(self) -> list[str]:
        """Key figures that are judged: objectives, then limits, each once."""
        return list(dict.fromkeys([*(one.kpi for one in self.objectives), *(one.kpi for one in self.limits)]))


def optimise_slips(
    o: Optimise, arms: Mapping[str, tuple[Sequence[str], float | None]], tiers: Sequence[str], months: int
) -> Iterator[Slip]:
    """What does not fit the scenario; `arms` has by name each arm's strategies and budget, the reference first."""
    reference = next(iter(arms))
    if o.arm not in arms:
        yield ("optimise", "arm"), f"unknown arm {o.arm!r}; {did_you_mean(o.arm, arms, all_if_none='one of')}"
    elif o.arm == reference:
        others = ", ".join(list(arms)[1:]) or "a second arm"
        yield ("optimise", "arm"), f"{o.arm} is the reference, which others are compared with; {others}"
    else:
        yield from _lever_slips(o, *arms[o.arm])
    if not o.shares and not o.vary:
        yield ("optimise",), "nothing to choose; shares (strategies that split the arm's budget) or vary (paths)"
    yield from _kpi_slips(o, tiers, months)
    yield from _seed_slips(o)


def _lever_slips(o: Optimise, uses: Sequence[str], budget: float | None) -> Iterator[Slip]:
    where = ("optimise", "shares")
    if o.shares and not budget:
        yield where, f"{o.arm} has no budget to split; give the arm one, such as budget: 1000000"
    if len(o.shares) == 1:
        yield where, "one strategy has all of the budget; two or more"
    for i, name in enumerate(o.shares):
        if name not in uses:
            yield (*where, i), f"{o.arm} has no strategy {name!r}; {did_you_mean(name, uses, all_if_none='one of')}"
        elif name in o.shares[:i]:
            yield (*where, i), f"{name} is there twice; each strategy once"
    for path in o.vary:
        inside = f"arms.{o.arm}."
        if not path.startswith(inside):
            yield ("optimise", "vary", path), f"outside the arm that is chosen; a path that begins with {inside}"
        elif o.shares and path.endswith(tuple(f".{name}.intensity" for name in o.shares)):
            yield ("optimise", "vary", path), "its share decides the intensity already; leave it out of one of the two"


def _kpi_slips(o: Optimise, tiers: Sequence[str], months: int) -> Iterator[Slip]:
    known = kpi_names(tiers)
    named: list[tuple[tuple[str | int, ...], str]] = [
        *((("optimise", "objectives", i, "kpi"), one.kpi) for i, one in enumerate(o.objectives)),
        *((("optimise", "limits", i, "kpi"), one.kpi) for i, one in enumerate(o.limits)),
    ]
    for path, kpi in named:
        base = base_name(kpi)
        if base not in KPIS:
            help_ = did_you_mean(base, KPIS) or "`run.py list` names them, each of the bank or as kpi[tier]"
            yield path, f"unknown KPI {base!r}; {help_}"
        elif base in AGAINST_REFERENCE:
            yield path, f"{kpi} is against the reference already; a KPI that the reference has too, such as npv"
        elif kpi not in known:
            right = ", ".join(name for name in known if base_name(name) == base)
            yield path, f"{base} is not told for {kpi[len(base) :]}; one of {right}"
        elif base in NEEDS_A_YEAR and months < 12:
            yield path, f"{kpi} needs 12 measured months, there are {months}; another KPI, or more months"
    seen: set[str] = set()
    for i, one in enumerate(o.objectives):
        where = ("optimise", "objectives", i)
        if one.kpi in seen:
            yield (*where, "kpi"), f"{one.kpi} is there twice; each objective once"
        seen.add(one.kpi)
        if one.goal is None and base_name(one.kpi) in KPIS and KPIS[base_name(one.kpi)].better is None:
            yield where, f"{one.kpi} has no better side of its own; goal: maximise or goal: minimise"


def _seed_slips(o: Optimise) -> Iterator[Slip]:
    s, c = o.seeds, o.confirm
    if s.most < s.count:
        yield ("optimise", "seeds", "most"), f"{s.most} is fewer than count, {s.count}; at least as many"
    if s.most == 1:
        yield ("optimise", "seeds", "most"), "one seed says nothing of its own spread; 2 or more"
    last = max(s.first + s.most, c.first + 2 * c.count) - 1
    if last > LARGEST_SEED:
        where = "seeds" if s.first + s.most > c.first else "confirm"
        yield ("optimise", where, "first"), f"seeds end beyond {LARGEST_SEED}; a smaller first one"
    if c.choosing.start < s.all.stop and s.all.start < c.comparing.stop:
        fresh = f"{c.choosing.start} to {c.comparing.stop - 1} (count to choose by, as many to compare with)"
        yield (
            ("optimise", "confirm", "first"),
            f"fresh seeds {fresh} meet the search's {s.all.start} to {s.all.stop - 1}; apart from them",
        )
    if o.candidates < o.generation:
        yield ("optimise", "generation"), f"{o.generation} is more than the {o.candidates} candidates; at most as many"
