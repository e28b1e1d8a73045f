"""Tables, figures and the page of a run, from its results folder and nothing else.

`build` writes figures/ and report.html (and, given a folder, summary.csv, comparison.csv and precision.csv again);
`summary_table` is what a terminal shows at the end of a run. The page is one file that asks for nothing from anywhere.
"""

from __future__ import annotations

from sim.reporting.run.page import build
from sim.reporting.run.precision_notes import stopping_words
from sim.reporting.run.terminal import attribution_table, summary_table

__all__ = [
    "attribution_table",
    "build",
    "stopping_words",
    "summary_table",
]
