"""What a sign-off page is made of: the run and all that was handed in beside it, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from sim.analysis.findings import Findings
    from sim.calibration.stored import Calibrated
    from sim.store.run_reading import Run


@dataclass(frozen=True)
class Facts:
    """A measurement of the stylised facts: facts.csv, validation.json, its folder ("": what the program ships)."""

    table: pd.DataFrame
    record: Mapping[str, Any]
    folder: str = ""


@dataclass(frozen=True)
class Calibration:
    """A folder of calibrate, which of its files are no longer what it wrote, and its posterior's digest."""

    stored: Calibrated
    altered: str = ""
    posterior: str = ""  # "": it cannot be read

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.stored.record["name"])


@dataclass(frozen=True)
class Swept:
    """A sweep that was handed in: what was found in it, and files that are no longer what was written."""

    findings: Findings
    altered: str = ""


@dataclass(frozen=True)
class Handed:
    """A run, its register, whether it is whole, and what came with it.

    `wrong` says what of the run is no longer as written, `unknown` what could not be asked; `notes` are about the
    register. `command` verifies the run, `packed` says what of it the crate beside the page holds.
    """

    run: Run
    register: pd.DataFrame
    wrong: Sequence[str]
    unknown: Sequence[str]
    facts: Facts
    calibrations: Sequence[Calibration] = ()
    sweep: Swept | None = None
    notes: Sequence[str] = ()
    command: str = ""
    packed: str = ""
