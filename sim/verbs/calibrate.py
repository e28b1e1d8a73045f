"""`calibrate FILE`: numbers of the model from data, with what these cannot tell."""

from __future__ import annotations

import argparse
import json
from typing import Any


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
