"""The four problems told: four lines, a table for a terminal, plain data, diagnosis.html with a figure a problem."""

from sim.reporting.diagnosis.page import FILES, write
from sim.reporting.diagnosis.words import as_json, terminal_table

__all__ = ["FILES", "as_json", "terminal_table", "write"]
