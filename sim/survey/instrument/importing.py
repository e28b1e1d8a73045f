"""What survey tools export, as an instrument: what cannot be mapped is listed, never dropped in silence."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from sim.errors import BadInput
from sim.survey import tables
from sim.survey.instrument.draft import Imported

__all__ = ["FORMATS", "Imported", "import_instrument"]

# ending of a file's name: the rooms of `formats` that are asked in turn whether it is theirs
FORMATS: Final[dict[str, tuple[str, ...]]] = {
    ".csv": ("table",),
    ".csv.gz": ("table",),
    ".tsv": ("limesurvey", "table"),
    ".tsv.gz": ("table",),
    ".txt": ("limesurvey", "table"),
    ".parquet": ("table",),
    ".xlsx": ("xlsform", "table"),
    ".sav": ("sav",),
    ".zsav": ("sav",),
    ".qsf": ("qualtrics",),
    ".json": ("qualtrics", "surveyjs"),
}


def import_instrument(path: str | os.PathLike[str]) -> Imported:
    """The instrument that a file tells of, with what could not be mapped and the answers it carries.

    Raises BadInput where the file is of no known format or damaged.
    """
    path = Path(path)
    kind = tables.check_file(path, tuple(FORMATS))
    for name in FORMATS[kind]:
        room = import_module(f"sim.survey.instrument.formats.{name}")
        if not hasattr(room, "is_mine") or room.is_mine(path):
            return _read(room, path)
    raise AssertionError(f"the last format of {kind} takes everything")


def _read(room: Any, path: Path) -> Imported:
    try:
        imported: Imported = room.read(path)
    except ValidationError as error:  # what the file says does not fit together, although each part can be read
        said = "; ".join(f"{'.'.join(map(str, one['loc']))} {one['msg']}".strip() for one in error.errors()[:3])
        raise BadInput.at(str(path), f"does not make a questionnaire: {said}") from None
    return imported
