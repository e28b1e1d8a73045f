"""What `run`, `fork` and `report` do for --crate: whether a run may be packed, and packing it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sim.errors import BadInput, Mistake


def may_be_packed(arguments: argparse.Namespace, ready: Sequence[Any]) -> None:
    """Refuse --creator and --licence of no crate, and a crate that would hand on rows of a book's customers."""
    wrong = [name for name in ("creator", "licence") if getattr(arguments, name) is not None and not arguments.crate]
    if wrong:
        raise BadInput([Mistake(f"--{name}", 0, 0, "", "is said in a crate; give --crate too") for name in wrong])
    for one in ready if arguments.crate else ():
        s = one.scenario
        rows = arguments.checkpoint is not None or s.record.panel > 0 or s.survey is not None
        if one.book is not None and s.sweep is None and rows:
            what = (
                "would hand on rows that began as customers of the book; "
                "leave out --checkpoint, record.panel and survey, or --crate"
            )
            raise BadInput.at("--crate", what)


def packed(folder: Path, arguments: argparse.Namespace) -> str:
    """The crate of a finished folder where --crate asks for one, else ""."""
    if not arguments.crate:
        return ""
    from sim.documents.run_crate import crate

    return str(crate(folder, creator=arguments.creator or "", licence=arguments.licence or ""))
