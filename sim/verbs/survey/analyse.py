"""`survey --analyse`: what answers say, as a page, figures and tables in a folder beside them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from sim.errors import BadInput


def main(arguments: argparse.Namespace) -> int:
    """Read answers, analyse them, write the folder; a summary on stdout."""
    from sim.reporting.survey import as_json, build, terminal_table
    from sim.reporting.survey.build import OURS
    from sim.store.folder import refuse_occupied
    from sim.survey import stored
    from sim.survey.analysis.asking import analyse
    from sim.survey.analysis.quality import Rule
    from sim.survey.instrument.reading import read_instrument
    from sim.survey.reading import read_sheets

    answers = Path(arguments.analyse)
    folder = arguments.out or answers.with_name(f"{stem(answers)}-analysis")
    refuse_occupied(folder, "an analysis", OURS, overwrite=arguments.overwrite)
    instrument = read_instrument(arguments.instrument) if arguments.instrument is not None else None
    found = analyse(read_sheets(answers, instrument), by=_columns(arguments.by), rule=Rule(keep=bool(arguments.keep)))
    page = build(found, folder, stored.bias_beside(answers))
    if arguments.json:
        print(json.dumps(as_json(found, folder), allow_nan=False, ensure_ascii=False))
    else:
        print(f"{terminal_table(found)}\n\nreport: {page}")
    return 0


def stem(answers: Path) -> str:
    """The name of a file of answers without what says how it is stored."""
    name = answers.name.removesuffix(".gz")
    return name.rsplit(".", 1)[0] if "." in name.strip(".") else name


def _columns(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise BadInput.at("--by", f"{text!r} names no column; names with commas between them")
    return names
