"""Benchmarks build their banks with the builders of the tests, one folder up."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
