"""`sign-off RUN`: one page and one crate for those who answer for model risk."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from sim.store.folder import make_folder, refuse_occupied
from sim.verbs.common import program

WITHIN = "sign_off"  # folder of a run that it goes to unless --out says otherwise


def main(arguments: argparse.Namespace) -> int:
    """Gather, write, and say the lines that the page begins with."""
    from sim.documents.sign_off import CRATE, FILES, gather, write
    from sim.reporting.sign_off import summary_lines

    folder: Path = arguments.out or arguments.run / WITHIN
    refuse_occupied(folder, "a sign-off file", FILES, overwrite=arguments.overwrite)
    given = {
        "validation": arguments.validation,
        "calibrations": arguments.calibration,
        "sweep": arguments.sensitivity,
    }
    handed = gather(arguments.run, program=program(), **given)
    make_folder(folder)
    page = write(handed, folder, **given)
    lines = summary_lines(handed)
    if not arguments.quiet:
        for line in (*handed.wrong, *handed.unknown):
            print(f"{arguments.run}: {line}", file=sys.stderr)
    if arguments.json:
        told = {what.lower(): sentence for what, sentence, _ in lines}
        record = {"run_id": handed.run.manifest["run_id"], "page": str(page), "crate": str(folder / CRATE)}
        print(json.dumps({**record, "whole": not handed.wrong, **told}, allow_nan=False, ensure_ascii=False))
    else:
        for what, sentence, _ in lines:
            print(f"{what:<12} {sentence}")
        print(f"\nsign-off: {page}\ncrate: {folder / CRATE}")
    return 0
