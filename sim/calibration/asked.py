"""What a calibration file asks: its problem, with what is held out, and its stages by place."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from sim.calibration.file import Calibration
from sim.calibration.likelihood import offered
from sim.calibration.problem import Floats, Free, Problem, Target
from sim.calibration.terms import Inference, Stage
from sim.errors import BadInput, Mistake
from sim.store.seals import file_digest
from sim.yaml_source import Source, did_you_mean

DATA = "SIM_DATA_DIR"


@dataclass(frozen=True)
class HeldOut:
    """A problem some of whose targets the fit does not see."""

    whole: Problem
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.whole.name

    @property
    def free(self) -> Sequence[Free]:
        return self.whole.free

    @property
    def targets(self) -> list[Target]:
        return [replace(one, used=one.used and one.name not in self.names) for one in self.whole.targets]

    @property
    def covariance(self) -> Floats:
        return self.whole.covariance

    def simulate(self, theta: Floats, luck: Any) -> Floats:
        return self.whole.simulate(theta, luck)


@dataclass(frozen=True)
class StudyProblem:
    """Where a study's problem comes from; light, so that a worker makes it anew."""

    study: str
    folder: str
    hold_out: tuple[str, ...] = ()

    @property
    def made(self) -> Any:
        """The study."""
        return _study(self.study)

    def problem(self) -> Problem:
        """Its problem; `BadInput` where a file is missing."""
        found = self.made.problem(self.folder)
        return HeldOut(found, self.hold_out) if self.hold_out else found

    def digests(self) -> dict[str, str]:
        """SHA-256 of each file that it reads."""
        files = [Path(self.folder, name) for name in getattr(self.made, "files", ())]
        return {file.relative_to(self.folder).as_posix(): file_digest(file) for file in files if file.is_file()}


def _study(name: str) -> Any:
    module, _, member = name.partition(":")
    if member:
        return getattr(import_module(module), member)
    return import_module("sim.calibration.studies").STUDIES[name]


def study_of(asked: Calibration, source: Source, data: str | os.PathLike[str] | None) -> StudyProblem:
    """The study that a file names, with the folder of its data; `BadInput` where either is not to be found."""
    assert asked.study is not None
    known: list[str] = []
    try:
        known = list(import_module("sim.calibration.studies").STUDIES) if ":" not in asked.study else []
        study = _study(asked.study)
    except Exception as error:  # a module of the user's own may fail in any way
        hint = did_you_mean(asked.study, known, all_if_none="one of") or "MODULE:OBJECT of your own"
        why = "no such study" if known else f"cannot be had ({type(error).__name__}: {error})"
        raise BadInput([source.mistake(("study",), f"{asked.study}: {why}; {hint}")]) from None
    given = os.fspath(data) if data is not None else None
    if given is None and asked.data is not None:
        given = str(Path(source.file).parent / asked.data)
    folder = given or os.environ.get(DATA)
    files = tuple(getattr(study, "files", ()))
    if folder is None:
        if files:
            what = f"reads {', '.join(files)}; --data says in which folder (or {DATA}, or data: of the file)"
            raise BadInput([source.mistake(("study",), what)])
        folder = "."
    return StudyProblem(asked.study, folder, tuple(asked.hold_out))


def inference_of(asked: Calibration, digest: str = "") -> Inference:
    """How it is fitted; `digest` is that of what is asked."""
    names = ("method", "samples", "draws", "accept", "waves", "seed")
    return Inference(**{name: getattr(asked, name) for name in names}, asked=digest)


def stages_of(asked: Calibration, problem: Problem, source: Source) -> list[Stage]:
    """Stages by place, and the targets held out; `BadInput` for names that the problem does not have, and for a method
    that it cannot be fitted by.
    """
    if asked.method == "likelihood" and (why := _no_likelihood(asked, problem)):
        raise BadInput([source.mistake(("method",), f"{why}; regression or synthetic")])
    paths, names = [one.path for one in problem.free], [one.name for one in problem.targets]
    mistakes: list[Mistake] = []

    def place(name: str, known: list[str], at: Any, noun: str) -> int:
        if name in known:
            return known.index(name)
        hint = did_you_mean(name, known, all_if_none="one of")
        mistakes.append(source.mistake(at, f"no such {noun}; {hint}"))
        return 0

    for i, name in enumerate(asked.hold_out):
        place(name, names, ("hold_out", i), "target")
    if names and set(names) <= set(asked.hold_out):
        mistakes.append(source.mistake(("hold_out",), "every target is held out; leave one to fit by"))
    stages = [
        Stage(
            one.name or f"stage {i + 1}",
            tuple(
                place(name, paths, ("stages", i, "parameters", j), "parameter") for j, name in enumerate(one.parameters)
            ),
            tuple(place(name, names, ("stages", i, "targets", j), "target") for j, name in enumerate(one.targets)),
        )
        for i, one in enumerate(asked.stages)
    ]
    for i, stage in enumerate(stages):
        usable = [j for j in stage.targets if problem.targets[j].used and names[j] not in asked.hold_out]
        if not usable and not mistakes:
            mistakes.append(source.mistake(("stages", i, "targets"), "all are held out; one to fit by"))
        before = {name for earlier in asked.stages[:i] for name in earlier.targets}
        for j, name in enumerate(asked.stages[i].targets):
            if name in before or name in asked.stages[i].targets[:j]:
                what = f"{name} is a target of an earlier stage too" if name in before else f"{name} is there twice"
                mistakes.append(source.mistake(("stages", i, "targets", j), f"{what}; its noise counts once, in one"))
    if mistakes:
        raise BadInput(sorted(set(mistakes)))
    return stages


def _no_likelihood(asked: Calibration, problem: Problem) -> str:
    """Why the likelihood of a problem is not to be had; nothing where it is."""
    if asked.stages:
        return "the likelihood is of all targets at once and has no stages"
    if asked.hold_out:
        return "the likelihood is of all targets that the study uses, and none of them can be held out"
    if not offered(problem):
        return f"{problem.name} knows no likelihood (log_likelihood of its problem)"
    return ""


def digest_of(asked: Calibration, data: dict[str, str], more: str = "") -> str:
    """SHA-256 over what a calibration file says and what its data hold; known answers more or less are no other one."""
    told = [asked.model_dump(mode="json", exclude={"data", "fits"}), dict(sorted(data.items())), more]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
