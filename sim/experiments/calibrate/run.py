"""A calibration from its file to its folder: the fit, the checks of the method, the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from sim.calibration import checks
from sim.calibration.asked import StudyProblem, digest_of, inference_of, stages_of, study_of
from sim.calibration.exact import exact_checks
from sim.calibration.file import Calibration
from sim.calibration.inference import fit
from sim.calibration.stored import (
    PARTS,
    TABLES,
    Calibrated,
    clear,
    open_folder,
    parameters_told,
    read_calibrated,
    store,
)
from sim.calibration.terms import Fit, Inference, Stage
from sim.errors import BadInput, Interrupted
from sim.experiments.calibrate.bank import of_bank
from sim.experiments.calibrate.known import Batch, answers, one_thread
from sim.experiments.calibrate.told import CalibrateOptions, record_of, said
from sim.experiments.callbacks import Callback
from sim.experiments.executors.place import Where
from sim.yaml_source import Source


def calibrate(
    asked: Calibration, source: Source, options: CalibrateOptions, where: Where, callback: Callback | None = None
) -> Calibrated:
    """Fit and check a calibration, and store what came of it, without a page.

    Raises `BadInput` before anything is written, `Interrupted` after Ctrl-C; what was lived or fitted stays, and
    `options.resume` goes on behind it.
    """
    callback = callback or Callback()
    if options.fits is not None:
        asked = asked.model_copy(update={"fits": options.fits})
    folder = options.out or Path("results") / asked.name / "calibration"
    try:
        if asked.study is not None:
            return _of_study(asked, source, options, folder, where, callback)
        return of_bank(asked, source, options, folder, where, callback, finish)
    except KeyboardInterrupt:
        what = f"{folder}: interrupted; what was finished is kept, --resume --out {folder} goes on"
        raise Interrupted(what) from None


def _of_study(
    asked: Calibration, source: Source, options: CalibrateOptions, folder: Path, where: Where, callback: Callback
) -> Calibrated:
    if not where.local:
        raise BadInput.at("--cluster", "lives banks, and a study makes up its data here; --workers, or leave it out")
    began = perf_counter()
    study = study_of(asked, source, options.data)
    problem = study.problem()
    stages = stages_of(asked, problem, source)
    data = study.digests()
    digest = digest_of(asked, data)
    settings = inference_of(asked, digest)
    record = record_of(asked, data, digest, study.made.about)
    open_folder(folder, record, overwrite=options.overwrite, resume=options.resume)
    callback.note(f"fitting {len(problem.free)} numbers to {sum(one.used for one in problem.targets)} targets")
    found = one_thread(partial(fit, problem, settings, stages=stages))
    make = partial(_batches, study, settings, tuple(stages))
    known = answers(make, asked.fits, folder, where.workers, said(callback))
    learned = getattr(study.made, "learned", None)
    record = {**record, "learned": asdict(learned(found)) if learned is not None else None}
    held = one_thread(lambda: list(exact_checks(found, settings)))
    return finish(folder, record, found, known, perf_counter() - began, where, held)


def _batches(study: StudyProblem, settings: Inference, stages: tuple[Stage, ...]) -> Batch:
    """What makes a batch of fits of known answers, the problem and the trials that all begin with made once."""
    problem = study.problem()
    begins = settings.method in ("regression", "synthetic") and not stages
    shared = one_thread(partial(checks.pool, problem, settings)) if begins else None

    def batch(numbers: Sequence[int]) -> list[checks.Trial]:
        return list(checks.known_answers(problem, settings, numbers, stages=stages, first=shared))

    return batch


def finish(
    folder: Path,
    record: dict[str, Any],
    found: Fit,
    known: Sequence[checks.Trial],
    seconds: float,
    where: Where,
    held: Sequence[dict[str, Any]] = (),
) -> Calibrated:
    """All tables of a fit and of its known answers, stored and sealed; `held` are checks against another fit."""
    import pandas as pd

    ranks = checks.table(known, found.paths)
    checked = checks.checked(found, ranks)
    if held:
        checked = pd.concat([checked, pd.DataFrame(held)], ignore_index=True)
    made = {"fit": checks.fit_table(found), "identifiability": checks.identifiability(found), "sbc": ranks}
    tables = {name: {**made, "checks": checked}[name] for name in TABLES}
    told = {**record, "parameters": parameters_told(found), "seconds": seconds, "workers": where.workers}
    store(folder, told, found, tables)
    clear(folder, PARTS)
    return read_calibrated(folder)
