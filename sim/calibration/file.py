"""The calibration file: which numbers, by which targets, how. A study that comes with the program, or a whole bank."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import Discriminator, Field, Tag, model_validator

from sim.assumptions import Settings
from sim.calibration.pilot_settings import PilotSettings
from sim.calibration.terms import Method
from sim.errors import BadInput
from sim.scenario.sweep import Range
from sim.slips import Slip, several
from sim.yaml_source import Source, did_you_mean, load, validate

SHIPPED: Final = Path(__file__).parent / "shipped"
MOST = 200  # parameters, and targets


class KpiTarget(Settings):
    """A key figure of an arm, or its difference to another arm, as it was seen; with how far luck may have moved it."""

    kpi: str = Field(min_length=1, description="a key figure, `kpi[tier]` for that of a tier")
    arm: str | None = Field(None, description="of which arm (default: the first of the scenario)")
    against: str | None = Field(None, description="less that of this arm, seed by seed")
    month: int | None = Field(None, ge=1, description="over the first so many months (default: all)")
    value: float = Field(description="what was seen")
    error: float = Field(gt=0, description="its standard error")
    used: bool = Field(True, description="false: the fit does not see it, and is checked by it")

    @property
    def name(self) -> str:
        """What the target is called, in stages and tables."""
        less = f" less {self.against}" if self.against else ""
        month = f" to month {self.month}" if self.month else ""
        return f"{self.kpi}{' of ' + self.arm if self.arm else ''}{less}{month}"


class FromFile(Settings):
    """Targets in a table."""

    file: str = Field(
        description="CSV, relative to this file, with columns kpi, value and error, and arm, against, month, used"
    )


class FromPilot(PilotSettings):
    """Targets from an A/B test of the bank's own (docs/pilots.md)."""

    pilot: str = Field(description="file of the test, relative to this file: arm, customer, outcome by month")


class StageOf(Settings):
    """A group of numbers with the targets that inform it; a later stage begins with what the earlier ones left."""

    name: str = Field("", description="what it is called")
    parameters: list[str] = Field(min_length=1, description="numbers of this stage")
    targets: list[str] = Field(min_length=1, description="targets of this stage, by name")


def _given_as(value: object) -> str:
    if isinstance(value, FromPilot) or (isinstance(value, dict) and "pilot" in value):
        return "pilot"
    return "file" if isinstance(value, (FromFile, dict)) else "list"


class Calibration(Settings):
    """A calibration: free numbers with priors, targets with their noise, stages, and how it is fitted."""

    name: str = Field(
        min_length=1, max_length=80, pattern=r"^[\w][\w.-]*$", description="its name; results go to results/NAME"
    )
    about: str = Field("", description="one line on what is asked")
    study: str | None = Field(
        None, description="a study that comes with the program (docs/calibrations), or MODULE:OBJECT of your own"
    )
    data: str | None = Field(
        None, description="of a study: the folder of its data, relative to this file (default: --data or SIM_DATA_DIR)"
    )
    scenario: str | None = Field(
        None, description="of a whole bank: a scenario file or one that comes with the program"
    )
    set: dict[str, Any] = Field(default_factory=dict, description="values of the scenario that are replaced, by path")
    parameters: dict[str, Range | None] = Field(
        default_factory=dict,
        max_length=MOST,
        description="of a whole bank: numbers to be found, each with low and high of its prior, or null for the "
        "plausible range of its assumption; a table moves by one factor",
    )
    targets: (
        Annotated[
            Annotated[list[KpiTarget], Field(min_length=1, max_length=MOST), Tag("list")]
            | Annotated[FromFile, Tag("file")]
            | Annotated[FromPilot, Tag("pilot")],
            Discriminator(_given_as),
        ]
        | None
    ) = Field(None, description="of a whole bank: a list, {file: targets.csv}, or {pilot: ab.csv}")
    hold_out: list[str] = Field(
        default_factory=list, description="targets, by name, that the fit does not see and is checked by"
    )
    stages: list[StageOf] = Field(default_factory=list, description="ordered groups; none: everything at once")
    method: Method = Field("regression", description="how draws are found (docs/calibration.md)")
    samples: int = Field(2_000, ge=50, le=1_000_000, description="data sets made up a round, of a study or an emulator")
    accept: float = Field(0.3, gt=0, le=1, description="share of them, the nearest, that count")
    draws: int = Field(1_000, ge=100, le=10_000, description="rows of the posterior")
    fits: int = Field(100, ge=0, le=10_000, description="small fits of known answers that check the method")
    seed: int = Field(0, ge=0, le=2**31, description="seed of the inference")
    points: int = Field(120, ge=10, le=100_000, description="of a whole bank: points of the prior that are lived")
    waves: int = Field(1, ge=1, le=10, description="of history matching: how often what is left is looked at anew")
    seeds: int = Field(
        10, ge=2, le=1_000, description="of a whole bank: seeds of every point, the same ones at all; few show little"
    )
    agents: int = Field(5_000, ge=100, le=20_000_000, description="of a whole bank: simulated rows of a point")

    @model_validator(mode="after")
    def _fits(self) -> Calibration:
        if slips := list(self._slips()):
            raise several(slips)
        return self

    def _slips(self) -> Iterator[Slip]:
        bank = {"set": self.set, "parameters": self.parameters, "targets": self.targets}
        if (self.study is None) == (self.scenario is None):
            at = "study" if self.study is None else "scenario"
            yield (at,), "a study, or a scenario with parameters and targets; one of the two"
        elif self.study is not None:
            for name, given in bank.items():
                if given:
                    yield (name,), "given beside study, which has its own; a scenario instead, or leave it out"
        else:
            if self.data is not None:
                yield ("data",), "given beside scenario, which names its own book; leave it out"
            for name in ("parameters", "targets"):
                if not bank[name]:
                    yield (name,), "missing; what is to be found and by what, docs/calibration.md has an example"
        if self.waves > 1 and self.method != "history_matching":
            yield ("waves",), f"{self.waves} waves mean nothing for {self.method}; method: history_matching, or 1"


def shipped() -> list[str]:
    """Names of the calibration files that come with the program."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_calibration(name: str | os.PathLike[str]) -> tuple[Calibration, Source]:
    """The calibration of this name that comes with the program, or of this file, and where it says what.

    Raises `BadInput` with every mistake and its line and column.
    """
    text = os.fspath(name)
    path = Path(text)
    if text in shipped() and not path.is_file():
        path = SHIPPED / f"{text}.yaml"
    if not path.is_file():
        if path.is_dir():
            raise BadInput.at(text, "is a folder; a calibration file")
        hint = did_you_mean(path.name, shipped()) or ", ".join(shipped()) + (", or a file" if shipped() else "a file")
        raise BadInput.at(text, f"there is no such file or calibration; {hint}")
    source = load(path)
    return validate(Calibration, source), source
