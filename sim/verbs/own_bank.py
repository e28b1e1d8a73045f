"""Verbs that make the model a bank's own: `describe` its file, `calibrate` the numbers of the model by data."""

from __future__ import annotations

import argparse


def describe(arguments: argparse.Namespace) -> int:
    """Propose a scenario that reads a bank's own file."""
    from sim.verbs.describe import main

    return main(arguments)


def calibrate(arguments: argparse.Namespace) -> int:
    """Numbers of the model from data, with what these cannot tell."""
    from sim.verbs.calibrate import main

    return main(arguments)
