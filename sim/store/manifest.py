"""What a manifest may say: of a run, of a sweep, of an optimisation; whoever reads one is told what is not so, by key.

A key that is not named here may hold anything: a later edition of the program says more, and callers add what they
like. A key that an earlier edition did not write may be absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from sim import designs
from sim.errors import Mistake
from sim.store.tables import REQUIRED_TABLES, TABLES

STATUSES = ("running", "interrupted", "failed", "done")
FINISHED = ("done", "failed")
LONGEST = 40  # letters of a wrong value that a message shows
GROUPS = ("all", "levers", "uncertainties")  # of parameters that one design makes points of


def _distinct(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        raise ValueError("twice the same")
    return values


class Told(BaseModel):
    """Anything that a manifest tells: types as they stand, numbers finite, more keys than these allowed."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)


Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=0)]
Amount = Annotated[float, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, lt=2**63)]
Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Names = Annotated[list[Text], Field(min_length=1), AfterValidator(_distinct)]
Status = Literal["running", "interrupted", "failed", "done"]
Goal = Literal["maximise", "minimise"]


class Lived(Told):
    """One arm with one seed, and how long it took."""

    arm: Text
    seed: Seed
    seconds: Amount = 0.0
    threads: Count = 1
    measured_rows: Count = 0
    measured_seconds: Amount = 0.0
    burn_in_seconds: Amount = 0.0


class Broken(Told):
    """One arm with one seed that failed, and why."""

    arm: Text
    seed: Seed
    error: str


class Stopping(Told):
    """When seeds were enough."""

    kpi: Text
    half_width: Amount
    reached: Amount | None
    met: bool
    seeds: Count
    min: Count
    max: Count
    limit_hit: bool


class Assumed(Told):
    """What is known of a number of the scenario."""

    about: str = ""
    unit: str = ""
    source: str = ""
    plausible: list[Any] | None = None


class Plugin(Told):
    """A strategy's own file."""

    module: Text
    file: str
    file_digest: str


class Book(Told):
    """What was read of a customer book."""

    rows: Count
    sha256: Text
    read: dict[str, Any]
    imputed: list[str]
    counts: dict[str, Any]


class Forked(Told):
    """Where the months before a fork come from."""

    run_id: Text
    scenario_digest: Text
    month: Count
    arms: dict[str, str]


class Shown(Told):
    """What readers see of an arm, a tier or a channel."""

    label: Text = ""
    about: Text = ""


class Common(Told):
    """What runs, sweeps and optimisations tell alike; the descriptions are read by whoever wrote something else."""

    name: Text = Field(description="the scenario's name")
    status: Status = Field(description=f"one of {', '.join(STATUSES)}")
    arms: Names = Field(description="a list of different arms")
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_distinct)] = Field(
        description="a list of different whole numbers from 0"
    )
    about: str = Field("", description="text")
    labels: dict[Literal["arms", "tiers", "channels"], dict[str, Shown]] = Field(
        {}, description="label and about of arms, tiers and channels by their names, as text"
    )
    language: Literal["en", "zh"] = Field("en", description="en or zh")
    created: str = Field("", description="a time, as text")
    code_version: str = Field("", description="text")
    packages: dict[str, str] = Field({}, description="packages with their versions, as text")
    python: str = Field("", description="text")
    platform: str = Field("", description="text")
    book: Book = Field(None, description="rows, sha256, read, imputed and counts of a book")  # type: ignore[assignment]
    burn_in: Count = Field(0, description="a whole number of months from 0")
    workers: Count = Field(1, description="a whole number from 0")
    resumed: Count = Field(0, description="a whole number from 0")
    files: dict[str, Hex] = Field({}, description="files with their SHA-256, 64 hex digits each")
    seal: Hex = Field("", description="a SHA-256, 64 hex digits")


class Parameter(Told):
    """One thing that a sweep varies, or that worlds differ in."""

    path: Text
    kind: Literal["number", "integer", "choice", "switch"]
    role: Literal["lever", "uncertainty"] = "uncertainty"
    low: float | None = None
    high: float | None = None
    log: bool = False
    values: list[Any] | None = None
    unit: str = ""
    about: str = ""
    source: str = ""


class OfPilot(Told):
    """What a pilot would count to learn a belief: `sim.analysis.worth.pilots.Outcome` as plain data."""

    kind: Literal["events", "odds", "mean", "share"]
    counts: Text
    who: Text
    customers: Amount
    base: float
    scale: Literal["log", "ratio", "change", "part", "level"] = "level"
    contrast: float = 1.0
    after: Amount = 0.0
    answers: Amount = 1.0
    contacts: Amount = 1.0
    price: Amount = 0.0
    running: Amount = 0.0
    inflation: Amount = 1.0
    unit: float = 1.0


class OfBeliefs(Told):
    """The worlds that a run's arms lived."""

    worlds: Count
    design: Text
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_distinct)]
    kpis: Names
    kpi_units: dict[str, str] = {}
    currency: Text
    parameters: list[Parameter]
    moved: Count = 0
    failed: Count = 0
    first_error: str = ""
    luck_ratio: Amount | None = None
    outcomes: dict[str, OfPilot] = {}


class RunManifest(Common):
    """manifest.json of a run."""

    run_id: Text = Field(description="text")
    scenario_digest: Text = Field(description="text")
    tiers: Names = Field(description="a list of different tiers")
    months: Annotated[int, Field(ge=1)] = Field(description="a whole number from 1")
    discount_rate: Annotated[float, Field(ge=0, le=1)] = Field(description="a number from 0 to 1")
    currency: str = Field(description="text")
    threads: Count = Field(1, description="a whole number from 0")
    spread: str = Field("", description="text")
    assumptions: dict[str, Assumed] = Field({}, description="what is known of each number of the scenario, by its path")
    chains: dict[str, list[str]] = Field({}, description="arms with lists of the links by which they are meant to work")
    plugins: list[Plugin] = Field([], description="a list of module, file and file_digest, as text")
    customer_months_per_second: Amount | None = Field(None, description="a number from 0, or null")
    peak_memory_mb: Amount | None = Field(None, description="a number of MB from 0")
    stopping: Stopping = Field(None, description="what `until` wanted and reached")  # type: ignore[assignment]
    forked: Forked = Field(None, description="run_id, scenario_digest, month and arms")  # type: ignore[assignment]
    beliefs: OfBeliefs = Field(  # type: ignore[assignment]
        None, description="what the worlds of beliefs vary, and how they were lived"
    )
    arm_digests: dict[str, Hex] = Field({}, description="arms with their digests, 64 hex digits each")
    failed: list[Broken] = Field([], description="a list of arm, seed and error")
    result_digest: Hex = Field("", description="a SHA-256, 64 hex digits")
    tables: Annotated[list[str], AfterValidator(_distinct)] = Field([], description="a list of tables")
    runs: list[Lived] = Field([], description="a list of arm, seed and seconds of every run")


class Problem(Told):
    """SALib's words for a design."""

    num_vars: Annotated[int, Field(ge=1)]
    names: Names
    bounds: list[Annotated[list[float], Field(min_length=2, max_length=2)]]


class Design(Told):
    """How points were made."""

    design: Text
    samples: Count | None = None
    levels: Count | None = None
    settings: Count = 0
    parameters: list[Text] = []
    rows: list[Count] | None = None
    problem: Problem | None = None
    X: list[list[float]] | None = None


class Objective(Told):
    """What an optimisation wants."""

    kpi: Text
    goal: Goal


class Limit(Told):
    """What an optimisation keeps to."""

    kpi: Text
    bound: float
    at_most: bool


class Spent(Told):
    """How a strategy of the winner is done, and what it costs a year."""

    intensity: float
    money: float


class Winner(Told):
    """Who won."""

    candidate: Count
    name: str
    values: dict[str, Any]
    shares: dict[str, float]
    by: Text
    strategies: dict[str, Spent] = {}


class Searched(Told):
    """Seeds of the search."""

    first: Seed
    count: Annotated[int, Field(ge=1)]
    most: Annotated[int, Field(ge=1)]


class Confirm(Told):
    """Seeds of the confirmation."""

    first: Seed
    count: Annotated[int, Field(ge=1)]
    best: Annotated[int, Field(ge=1)]


class Optimised(Told):
    """What an optimisation asked, how it went and who won."""

    arm: Text
    reference: Text
    method: Literal["tpe", "nsga2"]
    objectives: Annotated[list[Objective], Field(min_length=1)]
    limits: list[Limit]
    shares: list[Text]
    budget: float | None
    candidates: Count
    different: Count
    failed: Count
    front: Count
    luck: Count = 0
    seeds: Searched
    confirm: Confirm
    winner: Winner | None


def _designs(info: dict[str, Any]) -> dict[str, Any]:
    """One design, or designs by the group of parameters they are of."""
    inner = info if isinstance(info.get("design"), str) else info.get("designs", info)
    if not isinstance(inner, dict):
        raise ValueError("no designs")
    for part in [info] if inner is info and "design" in info else inner.values():
        _check_design(Design.model_validate(part))
    if inner is info and "design" not in info and not set(info) <= set(GROUPS):
        raise ValueError("an unknown group")
    return info


def _check_design(one: Design) -> None:
    design = designs.DESIGNS.get(one.design, designs.Design)
    if not design.complete or one.rows is None:
        return
    if one.problem is None or len(one.problem.names) != one.problem.num_vars != len(one.problem.bounds):
        raise ValueError("no problem of so many parameters")
    if not one.rows or len(one.rows) % design.block(one.problem.num_vars):
        raise ValueError("a number of rows that the design does not have")
    if design.keeps_x and (one.X is None or len(one.X) != len(one.rows)):
        raise ValueError("no X of so many rows")


class SweepManifest(Common):
    """manifest.json of a sweep or an optimisation."""

    kind: Literal["sweep", "optimise"] = Field("sweep", description="sweep or optimise")
    run_id: str = Field("", description="text")
    base_digest: Text = Field(description="text")
    kpis: Names = Field(description="a list of different key figures")
    kpi_units: dict[str, str] = Field({}, description="key figures with their units, as text")
    parameters: list[Parameter] = Field(description="a list of path, kind and range of what is varied")
    scenario_digest: str = Field("", description="text")
    tiers: Names = Field(["all"], description="a list of different tiers")
    months: Annotated[int, Field(ge=1)] = Field(1, description="a whole number from 1")
    discount_rate: Annotated[float, Field(ge=0, le=1)] = Field(0.0, description="a number from 0 to 1")
    currency: str = Field("", description="text")
    design: Annotated[dict[str, Any], AfterValidator(_designs)] = Field({}, description="how the points were made")
    units: Count = Field(0, description="a whole number from 0")
    tasks: Count = Field(0, description="a whole number from 0")
    failed: Count = Field(0, description="a whole number from 0")
    crashed: Count = Field(0, description="a whole number from 0")
    seconds: Amount = Field(0.0, description="a number of seconds from 0")
    where: str = Field("", description="text")
    tasks_digest: Hex = Field("", description="a SHA-256, 64 hex digits")
    optimise: Optimised = Field(  # type: ignore[assignment]
        None, description="what was asked, how it went and who won, as an optimisation writes it"
    )


def run_mistakes(file: str, manifest: Mapping[str, Any]) -> list[Mistake]:
    """What is wrong with the manifest of a run, one mistake a key."""
    needs = ("tables", "runs", "result_digest") if manifest.get("status") in FINISHED else ()
    return _mistakes(file, RunManifest, manifest, needs) or [
        Mistake(file, 0, 0, key, f"damaged: {what}") for key, what in _misfits_of_a_run(manifest)
    ]


def sweep_mistakes(file: str, manifest: Mapping[str, Any]) -> list[Mistake]:
    """What is wrong with the manifest of a sweep or an optimisation, one mistake a key."""
    needs = ("tasks", "tasks_digest") if manifest.get("status") in FINISHED else ()
    found = _mistakes(file, SweepManifest, manifest, needs)
    if (
        not found
        and manifest.get("status") in FINISHED
        and manifest.get("failed", 0) + manifest.get("crashed", 0) > manifest["tasks"]
    ):
        what = f"damaged: with crashed more than the {manifest['tasks']} tasks; should be no more than those"
        found = [Mistake(file, 0, 0, "failed", what)]
    return found


def _mistakes(file: str, kind: type[Common], manifest: Mapping[str, Any], needs: Sequence[str]) -> list[Mistake]:
    found: dict[str, Mistake] = {}
    for key in needs:
        if key not in manifest:
            found[key] = _mistake(file, kind, (key,), None, missing=True)
    try:
        kind.model_validate(dict(manifest))
    except ValidationError as errors:
        for error in errors.errors(include_url=False):
            key = str(error["loc"][0])
            found.setdefault(key, _mistake(file, kind, error["loc"], error["input"], error["type"] == "missing"))
    return list(found.values())


def _mistake(file: str, kind: type[Common], place: tuple[int | str, ...], value: Any, missing: bool) -> Mistake:
    path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    what = "missing" if missing else f"{_shown(value)} is not what this program writes"
    return Mistake(file, 0, 0, path, f"damaged: {what}; should be {kind.model_fields[str(place[0])].description}")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _misfits_of_a_run(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What does not fit together, with its key; types are right already."""
    if manifest["status"] not in FINISHED:
        return
    if not set(REQUIRED_TABLES) <= set(manifest["tables"]) <= set(TABLES):
        yield (
            "tables",
            f"{_shown(manifest['tables'])}; should be {', '.join(REQUIRED_TABLES)}, and tables that are known",
        )
    ended = [(one["arm"], one["seed"]) for one in (*manifest["runs"], *manifest.get("failed", ()))]
    planned = {(arm, seed) for arm in manifest["arms"] for seed in manifest["seeds"]}
    if len(ended) != len(planned) or set(ended) != planned:
        yield (
            "runs",
            (
                f"{len(ended)} runs, finished or failed, of {len(manifest['arms'])} arms and "
                f"{len(manifest['seeds'])} seeds; should be each arm with each seed once"
            ),
        )
    if manifest["status"] == "done" and manifest.get("failed"):
        yield "failed", f"{_shown(manifest['failed'])}, but the status is done; should be empty"
