"""What a sweep says: which parameters drive the conclusion, which choice is robust, where an arm fails.

`analyse` reads a stored sweep, finished or not, and writes tables, figures and one page into its folder. `findings_of`
computes the same without writing, for `terminal_table` and `as_json`; `write` writes what was computed.
"""

from __future__ import annotations

from sim.analysis.findings import Findings
from sim.reporting.sweep.terminal import as_json, terminal_table
from sim.reporting.sweep.write import analyse, findings_of, load, write

__all__ = ["Findings", "analyse", "as_json", "findings_of", "load", "terminal_table", "write"]
