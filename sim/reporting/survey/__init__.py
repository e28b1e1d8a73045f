"""What answers say, told: the page with its figures, the tables as files, the lines of a terminal."""

from sim.reporting.survey.build import as_json, build
from sim.reporting.survey.terminal import terminal_table

__all__ = ["as_json", "build", "terminal_table"]
