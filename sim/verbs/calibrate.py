"""`calibrate FILE`: numbers of the model from data, with what these cannot tell."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from sim.errors import BadInput
from sim.verbs.common import program


def main(arguments: argparse.Namespace) -> int:
    """Fit, check, write the folder and its page, tell the table."""
    from sim.calibration.file import read_calibration
    from sim.experiments.calibrate.run import CalibrateOptions, calibrate
    from sim.experiments.callbacks import Callback
    from sim.experiments.executors.choose import where
    from sim.experiments.executors.here import HERE
    from sim.reporting.calibration import as_json, terminal_table, write
    from sim.verbs.progress import SweepProgress

    asked, source = read_calibration(arguments.file)
    options = CalibrateOptions(arguments.out, arguments.resume, arguments.overwrite, arguments.fits, arguments.data)
    place: Any = HERE
    if arguments.workers is not None or arguments.cluster is not None or asked.scenario is not None:
        place = where(arguments.workers, arguments.cluster)
    listener = Callback() if arguments.quiet else SweepProgress(asked.name)
    found = calibrate(asked, source, options, place, listener)
    page = write(found)
    if arguments.json:
        print(json.dumps(as_json(found), allow_nan=False, ensure_ascii=False))
    else:
        print(f"{terminal_table(found)}\n\nreport: {page}")
    return 0


def is_one(folder: Path) -> bool:
    """Whether a folder is one of `calibrate`."""
    return (folder / "calibration.json").is_file()


def again(arguments: argparse.Namespace) -> int:
    """`report` of a calibration: its page anew, and its table."""
    from sim.calibration.stored import read_calibrated
    from sim.reporting.calibration import terminal_table, write

    found = read_calibrated(arguments.folder)
    _say_altered(arguments.folder)
    print(f"{terminal_table(found)}\n\nreport: {write(found)}")
    return 0


def status(arguments: argparse.Namespace) -> int:
    """`status` of a calibration, in a line."""
    from sim.calibration.stored import read_record

    told = read_record(arguments.folder)
    keys = ("name", "study", "scenario", "method", "status", "passed", "of")
    if arguments.json:
        print(json.dumps({"folder": str(arguments.folder), "kind": "calibration", **{k: told.get(k) for k in keys}}))
        return 0
    how = f"done, {told['passed']} of {told['of']} checks passed; {program()} report tells them"
    if told["status"] != "done":
        how = f"{told['status']}; {program()} calibrate FILE --resume --out {arguments.folder} goes on"
    print(f"{arguments.folder}: calibration {told['name']}: {how}")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """`verify` of a calibration: whether its files are what was written; it is not fitted again."""
    from sim.calibration.stored import changed_files, read_record
    from sim.experiments.verify import HOW

    told, found = read_record(arguments.folder), changed_files(arguments.folder)
    if told["status"] != "done":
        raise BadInput.at(str(arguments.folder), f"status is {told['status']}; only a finished one can be verified")
    for name, how in found.items():
        print(f"{'calibration.json' if name == 'manifest.json' else name} {HOW[how]}")
    sealed = f"{len(told['files'])} files of calibration {told['name']}"
    print("DIFFERENT" if found else f"{sealed} are as they were written; {program()} calibrate fits it again")
    return 1 if found else 0


def _say_altered(folder: Path) -> None:
    from sim.calibration.stored import changed_files
    from sim.store.seals import words

    if found := changed_files(folder):
        print(f"{folder}: no longer what was written: {words(found)}; {program()} verify tells more", file=sys.stderr)
