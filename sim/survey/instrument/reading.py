"""An instrument by its name, out of a YAML file, or out of what a survey tool exports."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from sim.errors import BadInput
from sim.survey.instrument.model import Instrument
from sim.survey.tables import meant
from sim.yaml_source import load, validate

SHIPPED: Final = Path(__file__).parent / "shipped"
YAML: Final = (".yaml", ".yml")


def shipped() -> list[str]:
    """Names of the instruments that come with the program."""
    return sorted(path.stem for path in SHIPPED.glob("*.yaml"))


def read_instrument(name: str | os.PathLike[str]) -> Instrument:
    """The instrument of this name that comes with the program, or of this file: YAML, or whatever can be imported.

    Raises BadInput with every mistake: FILE:LINE:COLUMN  key.path: what is wrong; what would be right.
    """
    text = os.fspath(name)
    path = Path(text)
    if text in shipped() and not path.is_file():
        path = SHIPPED / f"{text}.yaml"
    if not path.is_file():
        here = [one.name for one in path.parent.iterdir()] if path.parent.is_dir() else []
        hint = meant(path.name, [*shipped(), *here])
        what = "is a folder; name a file in it" if path.is_dir() else "there is no such file or instrument"
        raise BadInput.at(text, f"{what}{hint or '; ' + ', '.join(shipped()) + ', or a file' * (not path.is_dir())}")
    if path.suffix.lower() in YAML:
        return validate(Instrument, load(path))
    from sim.survey.instrument.importing import import_instrument

    return import_instrument(path).instrument
