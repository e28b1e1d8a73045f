"""Verbs of sweeps and optimisations; each prints what came of it and returns the exit code."""

from __future__ import annotations

import argparse


def status(arguments: argparse.Namespace) -> int:
    raise NotImplementedError


def work(arguments: argparse.Namespace) -> int:
    raise NotImplementedError


def analyse(arguments: argparse.Namespace) -> int:
    raise NotImplementedError


def optimise(arguments: argparse.Namespace) -> int:
    raise NotImplementedError
