"""What survey tools export, as an instrument: what cannot be mapped is listed, never dropped in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from sim.errors import BadInput
from sim.survey import tables
from sim.survey.instrument.draft import Imported

__all__ = ["FORMATS", "Imported", "import_instrument"]

AGAINST: Final = (0.2, 3.0)  # an item goes against the others below minus this correlation, and this over sqrt(answers)
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
    return replace(imported, listed=(*imported.listed, *_against(imported)))


def _against(imported: Imported) -> Iterator[str]:
    """Items that go against the others of their construct, and are perhaps reversed: said, not decided."""
    import pandas as pd

    if imported.answers is None:
        return
    cells, instrument = imported.answers.cells, imported.instrument
    for name in instrument.constructs:
        items = [item for item in instrument.items_of(name) if item.code in cells]
        frame = pd.DataFrame({item.code: pd.to_numeric(cells[item.code], errors="coerce") for item in items})
        for item in items:
            frame[item.code] = frame[item.code].where(frame[item.code].isin(instrument.scales[item.scale].points))
        for code in frame if len(items) > 1 else ():
            others = frame.drop(columns=code).mean(axis=1)
            both = (frame[code] + others).count()
            if frame[code].nunique() < 2 or others.nunique() < 2 or both < 3:
                continue
            if (r := frame[code].corr(others)) < -max(AGAINST[0], AGAINST[1] / both**0.5):
                yield f"{code}: goes against the other items of {name} (r {r:.2f}); if it is, write reversed: true"
