"""A whole bank calibrated: points of the prior lived by the sweep's engine, an emulator of them, then the same fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.calibration import checks
from sim.calibration.asked import digest_of, inference_of, stages_of
from sim.calibration.emulated import Emulated, known_points
from sim.calibration.emulator import Emulator, emulated
from sim.calibration.file import Calibration
from sim.calibration.history import waves_of
from sim.calibration.inference import finished, fit
from sim.calibration.luck import Luck, luck_of, too_few
from sim.calibration.prior import Prior, generator, unit_of
from sim.calibration.problem import Floats, Free
from sim.calibration.readings import Bank, Read, readings_of
from sim.calibration.stored import LIVES, Calibrated, open_folder
from sim.calibration.terms import Fit, Inference, Stage, observed_of
from sim.errors import BadInput, Mistake, RunFailed
from sim.experiments.calibrate.known import Batch, answers, one_thread
from sim.experiments.calibrate.told import CalibrateOptions, record_of, said
from sim.experiments.callbacks import Callback
from sim.experiments.design.beliefs import Believed, check_beliefs
from sim.experiments.design.plan import BANKS, Plan, Point
from sim.experiments.design.worlds import possible
from sim.experiments.executors.place import Where
from sim.experiments.prepare import prepare_source
from sim.experiments.prepared import Prepared, facts_of_sweep
from sim.experiments.provenance import model_version, surroundings
from sim.experiments.sweep.drive import SweepOptions, sweep
from sim.measures.catalogue import kpi_names, kpi_units
from sim.scenario.beliefs import Beliefs
from sim.store.sweep_rows import OK
from sim.yaml_source import Source, dump, load, split_path

if TYPE_CHECKING:
    import pandas as pd

BROKEN = 0.2  # share of points that may break: a scenario need not be whole at every point of a prior
UNSEEN = (
    "known answers are points lived with the same seeds as all others: the luck of other seeds is drawn by Student's "
    "law and not lived, so that they do not see a luck of another shape"
)
PER_NUMBER = 5  # points that an emulator needs for each number, at the least
Finish = Callable[..., Calibrated]


@dataclass(frozen=True)
class BankProblem:
    """A scenario whose numbers are to be found: what is free, what was seen, and how a point is lived."""

    asked: Calibration
    prepared: Prepared
    believed: Believed
    read: Read
    free: tuple[Free, ...]

    @property
    def observed(self) -> Floats:
        """What was seen, (m,)."""
        return np.array([one.target.value for one in self.read.readings])

    def point(self, number: int, unit: Sequence[float]) -> Point:
        """A point at coordinates of the prior, moved where the scenario cannot be what they say."""
        beliefs = self.believed.beliefs
        values = {one.name: one.parameter.value_at(float(u)) for one, u in zip(beliefs, unit, strict=True)}
        return Point(number, 0, number, possible(values, self.believed))

    def plan(self) -> Plan:
        """What all points share."""
        s = self.prepared.scenario
        months: dict[str, list[str]] = {}
        for one in self.read.readings:
            if one.month is not None and one.kpi not in months.setdefault(str(one.month), []):
                months[str(one.month)].append(one.kpi)
        moves = {one.name: {"how": one.how, "targets": dict(one.targets)} for one in self.believed.beliefs}
        info = {"design": "calibration", "parameters": list(moves), "repaired": 0, "moves": moves, "months": months}
        return Plan(
            name=self.asked.name,
            text=self.believed.base.text,
            parameters=tuple(one.parameter for one in self.believed.beliefs),
            arms=tuple(arm.name for arm in s.arm_list),
            seeds=tuple(s.seed_list[: self.asked.seeds]),
            code_version=model_version(s.strategies_named),
            design={"all": info},
            lives=BANKS[2],
            scenario_digest=self.believed.base.digest,
            book_digest=self.prepared.book.digest if self.prepared.book is not None else "",
        )


def bank_problem(asked: Calibration, source: Source) -> BankProblem:
    """The problem of a file; `BadInput` with every mistake, those of parameters at their place in the file."""
    assert asked.scenario is not None
    beside = Path(source.file).parent / asked.scenario
    read_from = load(str(beside) if beside.is_file() else asked.scenario)
    own: dict[str, Any] = {name: None for name in ("sweep", "optimise", "survey") if name in read_from.data}
    vary = {path: given.model_dump(exclude_defaults=True) if given else {} for path, given in asked.parameters.items()}
    own["seeds"] = {"first": 1, "count": asked.seeds}
    own["beliefs"] = {"vary": vary, "agents": asked.agents, "seeds": asked.seeds, "worlds": max(2, asked.points)}
    below = read_from.with_values(asked.set, f"{source.file} set").with_values(own, str(source.file))
    bare = below.with_values({"beliefs": None}, str(source.file))
    first = prepare_source(bare)
    s = first.scenario
    kpis = kpi_names([tier.name for tier in s.tier_list])
    bank = Bank(tuple(s.arms), kpis, s.months, kpi_units(kpis, s.currency))
    read = readings_of(asked, source, bank)
    wanted = {arm for one in read.readings for arm in one.arms}
    kept = [arm for arm in s.arms if arm in wanted]
    prepared = prepare_source(bare, kept, known=first)
    beliefs = Beliefs.model_validate({**own["beliefs"], "vary": vary})
    scenario = prepared.scenario.model_copy(update={"beliefs": beliefs})
    try:
        believed = check_beliefs(scenario, below)
    except BadInput as bad:
        raise BadInput([_at_home(one, source) for one in bad.mistakes]) from None
    wrong = [one for one in believed.beliefs if one.parameter.kind not in ("number", "integer")]
    if wrong:
        what = "is no number, which alone can be found by data; leave it out"
        raise BadInput([source.mistake(("parameters",), f"{one.name} {what}") for one in wrong])
    free = tuple(_free(one.parameter) for one in believed.beliefs)
    if asked.points < PER_NUMBER * len(free):
        what = f"{asked.points} are too few for {len(free)} numbers; {PER_NUMBER * len(free)} or more"
        raise BadInput([source.mistake(("points",), what)])
    return BankProblem(asked, prepared, believed, read, free)


def _at_home(mistake: Mistake, source: Source) -> Mistake:
    """A mistake of a parameter where the calibration file has it."""
    try:
        parts = split_path(mistake.path)
    except ValueError:
        return mistake
    if parts[:2] == ("beliefs", "vary"):
        return source.mistake(("parameters", *parts[2:]), mistake.message, key=len(parts) <= 3)
    return mistake


def _free(parameter: Any) -> Free:
    low, high = parameter.ends
    scale: Any = "log" if parameter.log else "linear"
    told = {"unit": parameter.unit, "source": parameter.source, "about": parameter.about}
    return Free(parameter.path, float(low), float(high), float(parameter.base), scale=scale, **told)


def of_bank(
    asked: Calibration,
    source: Source,
    options: CalibrateOptions,
    folder: Path,
    where: Where,
    callback: Callback,
    finish: Finish,
) -> Calibrated:
    """Live, emulate, fit, check and store; what is lived already is not lived again."""
    began = perf_counter()
    problem = bank_problem(asked, source)
    shape = Emulated(asked.name, problem.free, _targets(problem), None, problem.read.covariance)  # type: ignore[arg-type]
    stages = stages_of(asked, shape, source)
    data = {} if problem.prepared.book is None else {"book": problem.prepared.book.digest}
    data |= problem.read.data
    digest = digest_of(asked, data, problem.prepared.digest)
    settings = inference_of(asked, digest)
    record = record_of(asked, data, digest, problem.prepared.scenario.about)
    for line in problem.read.notes:
        callback.note(line)
    open_folder(folder, record, overwrite=options.overwrite, resume=options.resume)
    lives = Lives(problem, folder, where, callback)
    if asked.method == "history_matching":
        found, known = lives.matched(settings), []
        record = {**record, "fits": 0}
    else:
        whole = lives.emulated(settings)
        found = one_thread(partial(fit, whole, settings, stages=stages))
        fits = min(asked.fits, len(whole.emulator.unit))
        record = {**record, "fits": fits}
        make = partial(_batches, whole, settings, tuple(stages))
        known = answers(make, fits, folder, where.workers, said(callback))
    notes = [*problem.read.notes, *lives.notes(), *([UNSEEN] if known else ())]
    for line in lives.notes():
        callback.note(line)
    record = {**record, "notes": notes}
    found = replace(found, simulations=lives.lived, facts={**found.facts, "lived": lives.lived, "seeds": asked.seeds})
    return finish(folder, record, found, known, perf_counter() - began, where)


def _batches(problem: Emulated, settings: Inference, stages: tuple[Stage, ...]) -> Batch:
    def batch(numbers: Sequence[int]) -> list[checks.Trial]:
        return list(known_points(problem, settings, numbers, stages))

    return batch


def _targets(problem: BankProblem) -> list[Any]:
    return [one.target for one in problem.read.readings]


class Lives:
    """Lives points of a problem, a wave in a folder of its own."""

    def __init__(self, problem: BankProblem, folder: Path, where: Where, callback: Callback):
        self.problem, self.folder, self.where, self.callback = problem, folder, where, callback
        self.lived = 0
        self.luck: Luck | None = None
        self.dropped: list[str] = []

    def __call__(self, unit: Floats, wave: int) -> tuple[Floats, Floats]:
        """Coordinates of the points that were lived, and the means over seeds of their statistics (n, m)."""
        problem = self.problem
        plan = problem.plan()
        points = [problem.point(number, row) for number, row in enumerate(unit.tolist())]
        facts = facts_of_sweep(problem.prepared) | surroundings()
        text = dump(problem.prepared.scenario.stored())
        folder = self.folder / LIVES / f"wave-{wave + 1}"
        found = sweep(plan, points, facts, text, SweepOptions(folder, resume=True), self.where, self.callback)
        values = self._values(found.tasks[found.tasks["status"] == OK], len(points))
        whole = ~np.isnan(values).any(axis=(1, 2))
        if whole.mean() < 1.0 - BROKEN:
            raise RunFailed(f"{folder}: {int((~whole).sum())} of {len(points)} points have no figure for every target")
        if not whole.all():
            self.dropped.append(_dropped(folder, points, whole))
        values = values[whole]
        self.lived += values.shape[0] * values.shape[1]
        self.luck = luck_of(values)
        names = [one.path for one in problem.free]
        theta = np.array([[float(point.values[name]) for name in names] for point in points])[whole]
        return unit_of(problem.free, theta), values.mean(axis=1)

    def _values(self, tasks: pd.DataFrame, count: int) -> Floats:
        """Statistics by point (`count` of them), seed and target; NaN where one is missing."""
        readings = self.problem.read.readings
        series = [one.of(tasks) for one in readings]
        seeds = self.problem.plan().seeds
        found = np.full((count, len(seeds), len(readings)), np.nan)
        for j, one in enumerate(series):
            told = one.reset_index()
            place = told["seed"].map({seed: i for i, seed in enumerate(seeds)}).to_numpy(int)
            found[told["point"].to_numpy(int), place, j] = told.iloc[:, 2].to_numpy(float)
        return found

    def notes(self) -> list[str]:
        """What somebody should know of what was lived: points left out, luck that few seeds show."""
        few = too_few(self.luck, _targets(self.problem)) if self.luck is not None else ()
        return [*self.dropped, *few]

    def shaped(self, made: Emulator) -> Emulated:
        """The problem with an emulator of what was lived."""
        problem = self.problem
        return Emulated(problem.asked.name, problem.free, _targets(problem), made, problem.read.covariance, self.luck)

    def emulated(self, settings: Inference) -> Emulated:
        """The problem with an emulator of what was lived at points all over the prior."""
        problem = self.problem
        unit, statistics = self(spread(problem.asked.points, len(problem.free), settings.seed), 0)
        return self.shaped(one_thread(partial(emulated, unit, statistics)))

    def matched(self, settings: Inference) -> Fit:
        """What history matching leaves, each wave lived anew in what was left."""
        problem = self.problem
        targets = _targets(problem)
        used = [i for i, one in enumerate(targets) if one.used]
        last: list[tuple[Floats, Floats]] = []

        def live(unit: Floats, wave: int) -> tuple[Floats, Floats]:
            places, statistics = self(unit if wave else spread(len(unit), unit.shape[1], settings.seed), wave)
            last.append((places, statistics))
            return places, statistics[:, used]

        prior = Prior.whole(len(problem.free))
        seen = problem.observed[used]

        def variance() -> Floats:
            assert self.luck is not None
            return np.diag(problem.read.covariance + self.luck.covariance)[used]

        found = waves_of(live, prior, problem.asked.points, settings, seen, variance, 0)
        whole = self.shaped(one_thread(partial(emulated, *last[-1])))
        return finished(whole, settings, observed_of(whole), found, 0)


def _dropped(folder: Path, points: Sequence[Point], whole: Any) -> str:
    """How many points are not seen, and where they lie in what was asked of them."""
    lost = [point for point, kept in zip(points, whole.tolist(), strict=True) if not kept]
    spans = []
    for name in lost[0].values:
        told = [float(point.values[name]) for point in lost]  # type: ignore[arg-type]
        spans.append(f"{name} {min(told):.3g} to {max(told):.3g}")
    return (
        f"{folder.name}: {len(lost)} of {len(points)} points have no figure for every target and are left out "
        f"({'; '.join(spans)}): the emulator does not know what is there"
    )


def spread(count: int, width: int, seed: int) -> Floats:
    """Points all over the cube, (n, k): a Latin hypercube."""
    rng = generator(seed, "prior", 0, 210)
    places = np.stack([rng.permutation(count) for _ in range(width)], axis=1)
    return np.asarray((places + rng.random((count, width))) / count, np.float64)
