"""A validation of the model told: a table for a terminal, plain data, validation.html with a figure a fact."""

from sim.reporting.validation.page import FILES, write
from sim.reporting.validation.words import counts, terminal_table

__all__ = ["FILES", "counts", "terminal_table", "write"]
