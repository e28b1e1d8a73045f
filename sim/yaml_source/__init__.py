"""Scenario files: YAML in, plain data with an address behind every value, and every mistake named at once.

`load` reads a file (and what it extends, and ``--set``), `validate` makes it a pydantic model or raises `BadInput`
with all that is wrong, `dump` writes plain data back. `Chosen` marks a field whose model is named by one of its keys.

Rooms, each leaning on those before it: `paths` (key paths and words), `tree` (YAML to nodes), `writer` (data to YAML),
`source` (files, extends, overrides), `shapes` (what a field accepts), `wording` (a mistake as a sentence),
`check` (pydantic errors to mistakes).
"""

from sim.yaml_source.check import validate
from sim.yaml_source.chosen import Chosen
from sim.yaml_source.paths import Path, did_you_mean, path_text, split_path
from sim.yaml_source.source import REPLACED_WHOLE, Source, load, loads
from sim.yaml_source.writer import dump

__all__ = [
    "REPLACED_WHOLE",
    "Chosen",
    "Path",
    "Source",
    "did_you_mean",
    "dump",
    "load",
    "loads",
    "path_text",
    "split_path",
    "validate",
]
