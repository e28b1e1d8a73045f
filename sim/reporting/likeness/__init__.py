"""What a comparison of simulated with real answers found: sentences, a table for a terminal, likeness.html."""

from sim.reporting.likeness.page import FILES, write
from sim.reporting.likeness.words import as_json, terminal_table

__all__ = ["FILES", "as_json", "terminal_table", "write"]
