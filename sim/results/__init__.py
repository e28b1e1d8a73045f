"""A run on disk: a folder of tables and its manifest; knows nothing of banks.

`folder` is the life of a results folder (`ResultsFolder`), `opening` whether a folder may be used, `reading` what
others read (`read`, `Run`).
"""

from sim.results.folder import ResultsFolder
from sim.results.reading import DERIVED, Run, changed_files, read, read_manifest

__all__ = ["DERIVED", "ResultsFolder", "Run", "changed_files", "read", "read_manifest"]
