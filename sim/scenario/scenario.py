"""A scenario: YAML in, a frozen, checked `Scenario` out, every mistake with its file, line and column.

Each room owns the settings of its section; this one assembles them and checks what spans sections.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, ValidationInfo, field_validator, model_validator

from sim.agents.channel_settings import Channels
from sim.agents.manager_settings import Managers
from sim.assumptions import EXACT, NEAR_ONE, Settings, assumption, part
from sim.behaviour.settings import DormantHazard, Hazard, Model
from sim.codes import CHANNELS
from sim.economics import Economics
from sim.environment import AnyShock, environment_slips
from sim.errors import one_line
from sim.measures.catalogue import AGAINST_REFERENCE, KPIS, NEEDS_A_YEAR, base_name, kpi_names
from sim.population.settings import Population
from sim.population.sizes import Size, size_slips, synthetic_size
from sim.population.strata import DEFAULT_CUSTOMERS, rows_wanted
from sim.population.tier_presets import PRESET_TIERS
from sim.scenario.beliefs import Beliefs
from sim.scenario.optimise import Optimise, optimise_slips
from sim.scenario.pilots import where_slips
from sim.scenario.sweep import Sweep
from sim.slips import Slip, several
from sim.strategies import Implementation, Strategy, known, why_unknown
from sim.survey.holding.settings import Survey
from sim.tiers import MOST_TIERS, STANDARD_TIERS, Labelled, Name, Tier
from sim.yaml_source import Chosen, did_you_mean

LARGEST_SEED = 2**63 - 1
MOST_ROWS = 20_000_000  # simulated rows, about 600 bytes each while a bank is built
RESERVED = ("dormant", "closed", "new", "aum", "bank")  # states and scopes that stand where a tier's name may stand
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED, json_schema_extra={"unit": "seed"})]


class SeedRange(Settings):
    """So many seeds from a first one."""

    first: int = Field(1, ge=0, le=LARGEST_SEED, description="first seed")
    count: int = Field(ge=1, le=100_000, description="how many", json_schema_extra={"unit": "seeds"})


class Sureness(Settings):
    """How sure the answer shall be."""

    kpi: str = Field(description="a KPI of `run.py list`, of the bank or kpi[tier] (in quotes within braces)")
    half_width: float = Field(
        gt=0,
        description="half the 95 % interval of every arm's paired difference to the "
        "reference (with one arm: of its mean), in the KPI's unit",
    )

    @field_validator("kpi")
    @classmethod
    def _known_and_everyones(cls, kpi: str) -> str:
        """Tiers are known only to the scenario, which checks those."""
        base = base_name(kpi)
        if base not in KPIS:
            help_ = did_you_mean(base, KPIS) or "`run.py list` names them, each of the bank or as kpi[tier]"
            raise ValueError(f"unknown KPI {base!r}; {help_}")
        if base in AGAINST_REFERENCE:
            raise ValueError(f"{kpi} is against the reference already; a KPI that the reference has too, such as npv")
        return kpi


class SeedsUntil(Settings):
    """Seeds one after the other from a first one, until an interval is narrow enough."""

    until: Sureness = Field(description="when it is enough")
    first: int = Field(1, ge=0, le=LARGEST_SEED, description="first seed")
    least: int = Field(
        5,
        alias="min",
        ge=2,
        le=100_000,
        description="so many at least: fewer say too little of their own spread",
        json_schema_extra={"unit": "seeds"},
    )
    most: int = Field(
        200,
        alias="max",
        ge=2,
        le=100_000,
        description="so many at most, narrow enough or not",
        json_schema_extra={"unit": "seeds"},
    )

    @field_validator("most")
    @classmethod
    def _not_fewer_than_least(cls, most: int, info: ValidationInfo) -> int:
        least = info.data.get("least", 0)
        if most < least:
            raise ValueError(f"{most} is fewer than min, {least}; at least as many as min (5 unless given)")
        return most


def _seeds_given_as(value: Any) -> str:
    """The key that says how seeds are given, so that a mistake is told as one of what was meant."""
    if isinstance(value, SeedsUntil) or (isinstance(value, dict) and "until" in value):
        return "until"
    return "count" if isinstance(value, (SeedRange, dict)) else "list"


AnyStrategy = Annotated[Any, Chosen("use", known, "strategy", why_unknown)]


class ArmSettings(Labelled):
    """An arm spelled out."""

    strategies: list[AnyStrategy] = Field(default_factory=list, description="strategies of the arm")
    budget: float | None = Field(
        None,
        ge=0,
        le=1e15,
        description="yearly sum that intensities are scaled to: what the strategies cost, managers they add included",
        json_schema_extra={"unit": "CNY/year"},
    )


class Record(Settings):
    """What else is kept."""

    panel: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="customers followed month by month in panel.parquet",
        json_schema_extra={"unit": "customers"},
    )


def _nothing() -> dict[str, list[Any]]:
    return {"nothing": []}


@dataclass(frozen=True)
class Arm:
    """One arm: its name, its strategies, and the yearly sum they are scaled to, if any."""

    name: str
    strategies: tuple[Strategy, ...]
    budget: float | None = None


class Scenario(Settings):
    """One question asked of the bank."""

    name: Name = Field(description="name of the scenario and of its results folder")
    about: str = Field("", description="what the scenario asks, in one sentence")
    language: Literal["en", "zh"] | None = Field(None, description="language of the report; default English")
    months: int = Field(60, ge=1, le=1200, description="measured months", json_schema_extra={"unit": "months"})
    burn_in: int = Field(
        24,
        ge=0,
        le=1000,
        description="months lived before month 0, not reported; 0 under a book",
        json_schema_extra={"unit": "months"},
    )
    seeds: Annotated[
        Annotated[list[Seed], Field(min_length=1), Tag("list")]
        | Annotated[SeedRange, Tag("count")]
        | Annotated[SeedsUntil, Tag("until")],
        Discriminator(_seeds_given_as),
    ] = Field(
        default_factory=lambda: [1, 2, 3],
        description="a list of seeds, {first, count}, or {until, max}: as many as an answer needs",
    )
    currency: str = Field("CNY", min_length=1, max_length=8, description="name of the model's money")
    discount_rate: float = assumption(0.10, "1/year", plausible=(0.08, 0.10), allowed=(0, 1), source="DECISIONS 16")
    """discounts margins and costs"""
    population: Population = part(Population, "who the customers are")
    tiers: Annotated[list[Tier], Field(min_length=1, max_length=MOST_TIERS)] | None = Field(
        None, description="tiers from the lowest up; default the preset's"
    )
    managers: Managers = part(Managers, "relationship managers")
    channels: Channels = part(Channels, "the five channels")
    environment: list[AnyShock] = Field(
        default_factory=list, description="shocks and events, each from a month on, any number of them at a time"
    )
    economics: Economics = part(Economics, "what earns and costs money")
    model: Model = part(Model, "what customers live by")
    arms: Annotated[dict[Name, list[AnyStrategy] | ArmSettings], Field(min_length=1)] = part(
        _nothing, "what is compared; the first arm is the reference"
    )
    implementation: Implementation = part(Implementation, "how strategies take hold, whatever they are")
    record: Record = part(Record, "what else is kept")
    survey: Survey | None = Field(None, description="questionnaires that are held in every arm, in waves")
    sweep: Sweep | None = Field(None, description="many points of this scenario, as a sweep")
    optimise: Optimise | None = Field(None, description="a search for the best levers of an arm")
    posterior: str | Annotated[list[str], Field(min_length=1)] | None = Field(
        None,
        description="posterior.yaml of a calibration, or several, relative to this file: numbers that nothing sets "
        "stand at its point, worlds and sweeps draw its rows",
    )
    beliefs: Beliefs | None = Field(
        None,
        description="worlds in which assumptions differ, every arm lived in each, beside the one of its numbers",
    )

    @field_validator("currency")
    @classmethod
    def _can_be_shown(cls, currency: str) -> str:
        if one_line(currency) != currency or not currency.strip():
            raise ValueError("a name that can be printed, such as CNY")
        return currency

    @model_validator(mode="before")
    @classmethod
    def _book_defaults(cls, given: Any) -> Any:
        """A book's customers are as they stand today, so nothing is lived before month 0 unless asked for."""
        if isinstance(given, dict) and "burn_in" not in given:
            population = given.get("population")
            if isinstance(population, dict) and population.get("source") == "book":
                return {**given, "burn_in": 0}
        return given

    @model_validator(mode="after")
    def _fits_together(self) -> Scenario:
        slips = list(_slips(self)) or list(self._too_large())
        if slips:
            raise several(slips)
        return self

    def _too_large(self) -> Iterator[Slip]:
        """What of a synthetic bank no run could hold; a book's size is known once it is read."""
        if self.population.source == "synthetic":
            size = synthetic_size(self.population, self.tier_list, self.managers)
            yield from self.slips_of_size(size)

    def slips_of_size(self, size: Size) -> Iterator[Slip]:
        """What is too large in a bank of this size."""
        months = self.burn_in + self.months
        yield from size_slips(size, self.population, self.tier_list, self.managers, self.model, months)

    @property
    def tier_list(self) -> tuple[Tier, ...]:
        """The tiers, given or the preset's."""
        return tuple(self.tiers) if self.tiers else PRESET_TIERS[self.population.preset]

    @property
    def seed_list(self) -> list[int]:
        """The seeds, spelled out; under `until` all that may be needed."""
        if isinstance(self.seeds, SeedRange):
            return list(range(self.seeds.first, self.seeds.first + self.seeds.count))
        if isinstance(self.seeds, SeedsUntil):
            return list(range(self.seeds.first, self.seeds.first + self.seeds.most))
        return list(self.seeds)

    @property
    def arm_list(self) -> list[Arm]:
        """The arms in order; the first is the reference."""
        return [
            Arm(name, tuple(arm.strategies), arm.budget) if isinstance(arm, ArmSettings) else Arm(name, tuple(arm))
            for name, arm in self.arms.items()
        ]

    @property
    def posterior_files(self) -> list[str]:
        """The files of its posteriors."""
        return [self.posterior] if isinstance(self.posterior, str) else list(self.posterior or ())

    @property
    def posterior_names(self) -> list[str]:
        """What these are called beside a stored scenario."""
        return [f"posterior{f'-{i + 1}' if i else ''}.yaml" for i in range(len(self.posterior_files))]

    @property
    def strategies_named(self) -> list[str]:
        """Names of the strategies of all arms, each once, in order of appearance."""
        return list(dict.fromkeys(strategy.use for arm in self.arm_list for strategy in arm.strategies))

    def resolved(self) -> dict[str, Any]:
        """Plain data with every default filled in, for the same bank; labels decide nothing and are left out."""
        data = self.stored()
        data.pop("language", None)
        data["population"].pop("store", None)  # where customers are kept changes nothing in their lives
        for items in (data["tiers"], data["channels"].values(), data["arms"].values()):
            for item in items:
                if isinstance(item, dict):
                    item.pop("label", None)
                    item.pop("about", None)
        for name, arm in self.arms.items():
            if isinstance(arm, ArmSettings) and (arm.label or arm.about) and arm.budget is None:
                data["arms"][name] = data["arms"][name]["strategies"]  # as an arm without a label is written
        return data

    def stored(self) -> dict[str, Any]:
        """The same with labels, which reads back to the same scenario; its posteriors stand beside it."""
        data = self.model_dump(mode="json", by_alias=True, exclude_none=True)
        if names := self.posterior_names:
            data["posterior"] = names if len(names) > 1 else names[0]
        data.setdefault("tiers", [tier.model_dump(by_alias=True, exclude_none=True) for tier in self.tier_list])
        return data

    @property
    def labels(self) -> dict[str, dict[str, dict[str, str]]]:
        """Labels and what things are, by kind ("arms", "tiers", "channels") and name; only those that are told."""
        kinds: dict[str, dict[str, Any]] = {
            "arms": dict(self.arms),
            "tiers": {tier.name: tier for tier in self.tier_list},
            "channels": {name: getattr(self.channels, name) for name in CHANNELS},
        }
        texts_of = {
            kind: {
                name: {key: text for key in ("label", "about") if (text := getattr(one, key, None))}
                for name, one in items.items()
            }
            for kind, items in kinds.items()
        }
        found = {kind: {name: texts for name, texts in items.items() if texts} for kind, items in texts_of.items()}
        return {kind: items for kind, items in found.items() if items}

    def digest(self) -> str:
        """SHA-256 of the resolved scenario as canonical JSON: what decides a result, whatever the file looked like."""
        text = json.dumps(self.resolved(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


# --- what must fit together ------------------------------------------------------------------------------------------


def _slips(s: Scenario) -> Iterator[Slip]:
    yield from _tier_slips(s)
    yield from _table_slips(s)
    yield from _population_slips(s)
    yield from _transition_slips(s)
    yield from _seed_slips(s)
    for path, message in environment_slips(s.environment, s.tier_list, s.months):
        yield ("environment", *path), message
    for tier, mix in s.managers.mix.items():
        unknown = [name for name in mix if name not in CHANNELS]
        for name in unknown:
            yield ("managers", "mix", tier, name), f"unknown channel; known are {', '.join(CHANNELS)}"
        if not unknown:
            yield from _sums_to_one(("managers", "mix", tier), list(mix.values()), "shares")
    yield from _arm_slips(s)
    yield from _label_slips(s)
    if s.survey is not None and s.survey.waves[-1] > s.months:
        yield (
            ("survey", "waves"),
            f"{s.survey.waves[-1]} is beyond the {s.months} measured months; from 0 to {s.months}",
        )
    if s.beliefs is not None:
        yield from _belief_slips(s)
    if s.optimise is not None:
        arms = {arm.name: ([one.use for one in arm.strategies], arm.budget) for arm in s.arm_list}
        yield from optimise_slips(s.optimise, arms, [tier.name for tier in s.tier_list], s.months)


def _belief_slips(s: Scenario) -> Iterator[Slip]:
    """What verdicts under beliefs need of the scenario: something to compare, and so many seeds."""
    assert s.beliefs is not None
    if len(s.arms) < 2:
        yield ("beliefs",), "one arm only, so there is no verdict that beliefs could turn; another arm, or no beliefs"
    if s.beliefs.seeds > len(s.seed_list):
        told = f"{s.beliefs.seeds} is more than the {len(s.seed_list)} of the scenario"
        yield ("beliefs", "seeds"), f"{told}; worlds live the first of its seeds"


def _arm_slips(s: Scenario) -> Iterator[Slip]:
    """A strategy stands once in an arm, starts within the horizon, and ends after it starts."""
    for name, arm in s.arms.items():
        uses = arm.strategies if isinstance(arm, ArmSettings) else arm
        inside = ("strategies",) if isinstance(arm, ArmSettings) else ()
        seen: dict[str, int] = {}
        for i, strategy in enumerate(uses):
            where = ("arms", name, *inside, i)
            if strategy.start >= s.months:
                right = f"from 0 to {s.months - 1}"
                yield (*where, "from"), f"{strategy.start} is beyond the {s.months} measured months; {right}"
            if strategy.until is not None and strategy.until < strategy.start:
                yield (*where, "until"), f"{strategy.until} is before from, {strategy.start}; that month or later"
            for below, message in where_slips(strategy, s.tier_list, s.managers, s.model):
                yield (*where, "where", *below), message
            if strategy.use in seen:
                yield (*where, "use"), f"{strategy.use} is there twice (item {seen[strategy.use]}); once an arm"
            seen.setdefault(strategy.use, i)
        if isinstance(arm, ArmSettings) and arm.budget is not None and not any(use.intensity > 0 for use in uses):
            yield ("arms", name, "budget"), "nothing to spend it on; an arm with a budget has strategies"


def _label_slips(s: Scenario) -> Iterator[Slip]:
    """A label names one thing: no other of its kind is shown by the same text."""
    for kind, names in (
        ("arms", list(s.arms)),
        ("tiers", [tier.name for tier in s.tiers or ()]),
        ("channels", list(CHANNELS)),
    ):
        labels = {name: entry["label"] for name, entry in s.labels.get(kind, {}).items() if "label" in entry}
        for place, name in enumerate(names):
            other = next((one for one in names if one != name and _shown(one, labels) == labels.get(name)), None)
            if other is not None:
                where = (kind, place if kind == "tiers" else name, "label")
                yield where, f"{labels[name]} is what {other} is called, too; every label once"


def _shown(name: str, labels: Mapping[str, str]) -> str:
    return labels.get(name, name.replace("_", " "))


def _tier_slips(s: Scenario) -> Iterator[Slip]:
    if not s.tiers:
        return
    seen: set[str] = set()
    if s.tiers[0].start != 0:
        yield ("tiers", 0, "from"), f"{s.tiers[0].start:g} is not allowed; the lowest tier starts from 0"
    for i, tier in enumerate(s.tiers):
        if tier.name in seen:
            yield ("tiers", i, "name"), f"{tier.name} is there twice; every tier has its own name"
        if tier.name in RESERVED:
            yield ("tiers", i, "name"), f"{tier.name} means something else in the results; another name"
        seen.add(tier.name)
        if i and tier.start <= s.tiers[i - 1].start:
            yield (
                ("tiers", i, "from"),
                (f"{tier.start:g} is not above the tier before it ({s.tiers[i - 1].start:g}); lowest tier first"),
            )
        if tier.like is not None and tier.like not in STANDARD_TIERS:
            yield ("tiers", i, "like"), f"unknown tier {tier.like!r}; like one of {', '.join(STANDARD_TIERS)}"
        elif tier.key not in STANDARD_TIERS:
            yield ("tiers", i, "like"), f"missing for {tier.name!r}; say which it is like: {', '.join(STANDARD_TIERS)}"


def _table_slips(s: Scenario) -> Iterator[Slip]:
    """Tables by tier: no entry for a tier that is not there."""
    names = {tier.name for tier in s.tier_list} | set(STANDARD_TIERS)
    for path, table in _tables(s, ()):
        for key in table:
            if key not in names:
                yield (*path, key), f"unknown tier; tiers are {', '.join(sorted(names))}"
    for key, value in s.model.hazards.items():
        if key not in names | {"dormant"}:
            yield ("model", "hazards", key), f"unknown tier; tiers are {', '.join(sorted(names))}, and dormant"
        elif isinstance(value, DormantHazard) != (key == "dormant"):
            wanted = "reactivate and close" if key == "dormant" else "close and dormant"
            yield ("model", "hazards", key), f"wrong keys; {key} has {wanted}"
        elif isinstance(value, Hazard) and value.close + value.dormant >= 1:
            yield ("model", "hazards", key), "close and dormant add up to 1 or more; their sum must be below 1"
    for key, bands in s.model.leaving.tenure.items():
        if len(bands) != 6 or any(not 0 <= value <= 1000 for value in bands):
            yield ("model", "leaving", "tenure", key), "must be 6 multipliers from 0 to 1000"


def _tables(section: Settings, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], dict[str, Any]]]:
    """Every table by tier of a section and below, with its path."""
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        here = (*path, field.alias or name)
        if isinstance(value, Settings):
            yield from _tables(value, here)
        elif isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, Settings):
                    yield from _tables(item, (*here, i))
        elif isinstance(value, dict) and field.default_factory is not None:
            default = field.default_factory()  # type: ignore[call-arg]
            if isinstance(default, dict) and set(default) == set(STANDARD_TIERS):
                yield here, value


def _population_slips(s: Scenario) -> Iterator[Slip]:
    p = s.population
    if p.store is not None:
        for key, name in (("sweep", "a sweep"), ("optimise", "an optimisation"), ("beliefs", "beliefs")):
            if getattr(s, key) is not None:
                yield ("population", "store"), f"{name} lives many banks, in memory; leave it out, or {key}"
        if s.survey is not None:
            yield ("population", "store"), "a survey asks a bank in memory; leave it out, or survey"
    total = p.customers if p.customers is not None else DEFAULT_CUSTOMERS
    if p.source == "synthetic":
        rows = rows_wanted(p, total)
        if rows > MOST_ROWS and p.store is None:
            yield (
                ("population", "customers" if p.agents is None else "agents"),
                (
                    f"{rows} rows would be simulated, at most {MOST_ROWS} fit a machine's memory; "
                    "give agents: 200000 (or a share), or a folder for them with store"
                ),
            )
        if isinstance(p.agents, int) and p.agents > total:
            yield ("population", "agents"), f"{p.agents} is more than the {total} customers; at most one row a customer"
        if p.agents is not None and rows < min(len(s.tier_list), total):
            what = f"{p.agents}" if isinstance(p.agents, int) else f"{p.agents:g} of {total} customers: {rows} rows"
            yield ("population", "agents"), f"{what} is too few; at least one a tier ({len(s.tier_list)})"
        for key in ("file", "tables", "query", "columns"):
            if getattr(p, key) is not None:
                yield ("population", key), "only a book has it; source: book reads one"
        if p.shares is not None:
            yield from _sums_to_one(("population", "shares"), list(p.shares.values()), "shares of customers")
            known = [tier.name for tier in s.tier_list]
            for key in p.shares:
                if key not in known:
                    yield ("population", "shares", key), f"unknown tier; tiers are {', '.join(known)}"
            missing = [t.name for t in s.tier_list if t.name not in p.shares]
            if missing:
                yield ("population", "shares"), f"no share for {', '.join(missing)}; one for every tier"
        elif s.tiers and any(t.name not in STANDARD_TIERS for t in s.tiers):
            yield ("population", "shares"), "missing; tiers with names of their own need a share each"
    else:
        if p.file is None and p.tables is None:
            yield ("population", "file"), "missing; a book needs the path of its file"
        if p.tables is not None:
            if p.file is not None:
                yield ("population", "tables"), "a book is a file, or tables joined by a query; one of the two"
            if p.query is None:
                yield ("population", "query"), "missing; one SELECT joins the tables into a book"
        if p.columns is None:
            yield ("population", "columns"), "missing; say which column is id and which is aum"
        if p.agents is not None:
            yield ("population", "agents"), "a book has one row a customer; leave it out"
    yield from _sums_to_one(("population", "strata"), list(p.strata.values()), "strata")
    if p.source == "synthetic" and not any(p.strata.get(t.name, p.strata.get(t.key, 0.0)) > 0 for t in s.tier_list):
        yield ("population", "strata"), "no rows for any of the tiers; a share above 0 for one"


def _transition_slips(s: Scenario) -> Iterator[Slip]:
    t = s.model.transitions
    n = len(s.tier_list)
    if t.mode == "markov" and t.matrix is None:
        yield ("model", "transitions", "matrix"), f"missing; Markov mode needs a {n} by {n} matrix"
    if t.matrix is None:
        return
    if len(t.matrix) != n:
        yield ("model", "transitions", "matrix"), f"{len(t.matrix)} rows; one a tier ({n})"
    for i, line in enumerate(t.matrix):
        where = ("model", "transitions", "matrix", i)
        if len(line) != n:
            yield where, f"{len(line)} entries; one a tier ({n})"
        elif any(not 0 <= value <= 1 for value in line):
            yield where, "an entry is outside 0 to 1; a probability"
        else:
            yield from _sums_to_one(where, line, "probabilities")


def _seed_slips(s: Scenario) -> Iterator[Slip]:
    if s.sweep is not None and isinstance(s.seeds, SeedsUntil):
        yield ("seeds", "until"), "a sweep needs its seeds beforehand; a list, or {first, count}"
    if isinstance(s.seeds, SeedRange):
        if s.seeds.first + s.seeds.count - 1 > LARGEST_SEED:
            yield ("seeds", "count"), f"seeds end beyond {LARGEST_SEED}; fewer, or a smaller first one"
        return
    if isinstance(s.seeds, SeedsUntil):
        yield from _until_slips(s, s.seeds)
        return
    seen: set[int] = set()
    for i, seed in enumerate(s.seeds):
        if seed in seen:
            yield ("seeds", i), f"{seed} is there twice; seeds are distinct"
        seen.add(seed)


def _until_slips(s: Scenario, seeds: SeedsUntil) -> Iterator[Slip]:
    if seeds.first + seeds.most - 1 > LARGEST_SEED:
        yield ("seeds", "first"), f"{seeds.most} seeds from here end beyond {LARGEST_SEED}; a smaller first one"
    kpi, where = seeds.until.kpi, ("seeds", "until", "kpi")
    allowed = [name for name in kpi_names([tier.name for tier in s.tier_list]) if base_name(name) == base_name(kpi)]
    if kpi not in allowed:
        yield where, f"{base_name(kpi)} is not told for {kpi[len(base_name(kpi)) :]}; one of {', '.join(allowed)}"
    elif base_name(kpi) in NEEDS_A_YEAR and s.months < 12:
        yield where, f"{kpi} needs 12 measured months, there are {s.months}; another KPI, or more months"


def _sums_to_one(path: tuple[str | int, ...], values: Sequence[float], what: str) -> Iterator[Slip]:
    if any(not 0 <= value <= 1 for value in values):
        yield path, f"{what} must lie between 0 and 1"
    elif abs(sum(values) - 1.0) > EXACT:
        yield path, f"{what} add up to {sum(values):.10g}; they must add up to 1, or to within {NEAR_ONE:g} of it"
