"""Benchmarks build their banks with the builders of the tests, one folder up, and share rooms with the command here."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
