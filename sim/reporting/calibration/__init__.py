"""A calibration told: a table for a terminal, plain data, report.html with its figures."""

from sim.reporting.calibration.page import write
from sim.reporting.calibration.words import as_json, terminal_table

__all__ = ["as_json", "terminal_table", "write"]
