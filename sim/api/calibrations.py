"""`sim.calibrate` and `sim.open_calibration`: numbers of the model from data, with what these cannot tell."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sim.api.notebook import Page, callback
from sim.api.places import kept, place
from sim.api.scenarios import folder_of, number_from
from sim.api.stored import Stored
from sim.errors import BadInput

if TYPE_CHECKING:
    import pandas as pd

    from sim.calibration.posterior import Posterior
    from sim.calibration.stored import Calibrated
    from sim.experiments.callbacks import Callback
    from sim.reporting.figures import Plate


class Calibration(Stored):
    """A calibration that has come to its end."""

    stored: Calibrated

    @property
    def manifest(self) -> dict[str, Any]:
        """What it says of itself: what was asked, priors, digests, how it went."""
        return dict(self.stored.record)

    @property
    def draws(self) -> pd.DataFrame:
        """Draws of the posterior, a column a number; the numbers of a row belong together."""
        return self.stored.draws

    @property
    def fit(self) -> pd.DataFrame:
        """Every target, what was observed, and what the fitted model predicts."""
        return self.stored.fit

    @property
    def identifiability(self) -> pd.DataFrame:
        """What the data informed: each number, and pairs of which a combination is known better."""
        return self.stored.identifiability

    @property
    def sbc(self) -> pd.DataFrame:
        """Ranks of known numbers in fits of made-up data."""
        return self.stored.sbc

    @property
    def checks(self) -> pd.DataFrame:
        """Every check, whether it is passed, and why."""
        return self.stored.checks

    @property
    def posterior(self) -> Posterior:
        """posterior.yaml, which runs, beliefs and sweeps draw from."""
        from sim.calibration.posterior import read_posterior

        return read_posterior(self.folder / "posterior.yaml")

    def _plates(self) -> tuple[Iterable[Plate], tuple[Any, ...]]:
        from sim.reporting.calibration.page import PLATES

        return PLATES, (self.stored,)

    def report(self) -> Page:
        """The page, written anew from the stored tables; shows itself in a notebook."""
        from sim.reporting.calibration import write

        return Page(write(self.stored))

    def __str__(self) -> str:
        from sim.reporting.calibration import terminal_table

        return terminal_table(self.stored)

    def __repr__(self) -> str:
        return f"<Calibration {self.name}: {self.draws.shape[1]} numbers, {len(self.fit)} targets>"


def calibrate(
    file: str | os.PathLike[str] | Mapping[str, Any],
    *,
    data: str | os.PathLike[str] | None = None,
    fits: int | None = None,
    workers: int | None = None,
    cluster: str | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    resume: bool = False,
    progress: bool | Callback | None = None,
) -> Calibration:
    """Find numbers of the model by data, and check what was found.

    `file` is a calibration file, the name of one that comes with the program, or what such a file says as a mapping.
    `data` is the folder of a study's data, `fits` how many small fits of known answers check the method. The others are
    those of `sim.sweep`. Raises `BadInput` before anything is written.
    """
    from sim.calibration.file import Calibration as File
    from sim.calibration.file import read_calibration
    from sim.experiments.calibrate.run import CalibrateOptions
    from sim.experiments.calibrate.run import calibrate as calibrated
    from sim.yaml_source import dump, loads, validate

    if isinstance(file, Mapping):
        source = loads(dump(dict(file)), file="calibration")
        asked = validate(File, source)
    elif isinstance(file, (str, os.PathLike)):
        asked, source = read_calibration(file)
    else:
        raise BadInput.at("file", f"{file!r}; a calibration file, a name, or a mapping")
    folder, keep = kept(out, "calibration")
    many = None if fits is None else number_from(fits, "fits", 0)
    options = CalibrateOptions(folder, resume, overwrite, many, data)
    return Calibration(
        calibrated(asked, source, options, place(workers, cluster), callback(progress, units=(asked.name, 1))), keep
    )


def open_calibration(folder: str | os.PathLike[str]) -> Calibration:
    """A stored calibration that has come to its end; `BadInput` for a folder that cannot be read."""
    from sim.calibration.stored import read_calibrated

    return Calibration(read_calibrated(folder_of(folder, "folder")))
