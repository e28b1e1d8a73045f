"""`sign-off`: to be built."""

from __future__ import annotations

import argparse

from sim.errors import BadInput


def main(arguments: argparse.Namespace) -> int:
    """Not yet."""
    raise BadInput.at("sign-off", "is being built")
