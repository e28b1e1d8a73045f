"""`python -m tests.benchmarks`: its rooms find one another, and the model, from wherever it is called."""

import sys
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

if __name__ == "__main__":
    sys.exit(import_module("table").main())
