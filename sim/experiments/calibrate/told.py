"""What a calibration is told, and what it tells from the start."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from sim.calibration.file import Calibration
from sim.experiments.callbacks import Callback
from sim.experiments.provenance import model_version

SAY = 10.0  # seconds between what is told of them


@dataclass(frozen=True)
class CalibrateOptions:
    """Where to, and what of a calibration that is there; `fits` and `data` instead of what the file says."""

    out: Path | None = None
    resume: bool = False
    overwrite: bool = False
    fits: int | None = None
    data: str | os.PathLike[str] | None = None


def record_of(asked: Calibration, data: dict[str, str], digest: str, about: str) -> dict[str, Any]:
    """What calibration.json says from the start."""
    return {
        "name": asked.name,
        "about": asked.about or about,
        "study": asked.study,
        "scenario": asked.scenario,
        "method": asked.method,
        "seed": asked.seed,
        "fits": asked.fits,
        "digest": digest,
        "data": data,
        "code_version": model_version([]),
        "asked": asked.model_dump(mode="json", exclude={"data"}, exclude_defaults=True),
    }


def said(callback: Callback) -> Callable[[int, int], None]:
    """Who hears how many fits of known answers are made."""

    last = [monotonic()]

    def say(done: int, fits: int) -> None:
        if fits and (done == fits or monotonic() - last[0] > SAY):
            last[0] = monotonic()
            callback.note(f"fits of known answers: {done} of {fits}")

    return say
