"""Verbs that defend the model: `validate-model` measures its stylised facts, `sign-off` is for model risk."""

from __future__ import annotations

import argparse


def validate_model(arguments: argparse.Namespace) -> int:
    """What the model meets and misses of the stylised facts."""
    from sim.verbs.validate_model import main

    return main(arguments)


def sign_off(arguments: argparse.Namespace) -> int:
    """The file for those who answer for model risk."""
    from sim.verbs.sign_off import main

    return main(arguments)
