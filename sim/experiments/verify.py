"""Does a results folder still say what the program computes, and is every file of it what the run wrote?

Three questions: are all files as they were sealed (`sim.store.seals`), does the manifest say what the scenario says,
and do the numbers come out again. monthly.parquet is held against a rerun always. The other tables are, file by file,
where code, packages and machine are those of the run: elsewhere their last bits may be others, and it is said that they
are not held against it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from sim.errors import BadInput
from sim.experiments.prepare import prepare
from sim.experiments.provenance import code_version, surroundings
from sim.experiments.run import Options, run_all
from sim.store.files import read_yaml
from sim.store.run_reading import OF_BELIEFS, changed_files, read
from sim.store.seals import MANIFEST, file_digest, is_sealed
from sim.store.tables import result_digest

FACTS = ("name", "months", "burn_in", "discount_rate", "currency")  # that stand in a manifest and in its scenario
KEY_FIGURES = ("summary.csv", "comparison.csv", "precision.csv", *OF_BELIEFS)
HOW = {
    "changed": "is not what was written",
    "missing": "is missing",
    "added": "was not written with the others",
}


@dataclass(frozen=True)
class Verdict:
    """Digests that must be one, files that differ, each with how, what somebody should know, how many are sealed."""

    digests: dict[str, str]
    differing: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sealed: int = 0  # files whose digests the manifest has

    @property
    def same(self) -> bool:
        return len(set(self.digests.values())) == 1 and not self.differing


def verify(folder: str | Path, *, threads: int | None = None) -> Verdict:
    """Compare digests; raises BadInput where the folder is absent, unfinished or damaged."""
    path = Path(folder)
    run = read(path)
    if run.manifest["status"] != "done":
        raise BadInput.at(str(folder), f"status is {run.manifest['status']}; only a finished run can be verified")
    stored = result_digest(run.monthly, run.arms, run.tiers)
    differing = {name: HOW[how] for name, how in changed_files(path, run.manifest).items()}
    if difference := against_scenario(run.manifest, run.scenario_text):
        differing.setdefault(MANIFEST, difference)
    notes = [] if is_sealed(run.manifest) else [NOT_SEALED.format("run")]
    prepared = prepare([path / "scenario.yaml"])
    with TemporaryDirectory() as scratch:
        options = Options(out=Path(scratch) / "rerun", threads=threads)
        again = run_all(prepared, options)[0].run
        made_by, now = str(run.manifest.get("code_version")), code_version(prepared[0].scenario.strategies_named)
        if other := _otherwise(run.manifest, now):
            notes.append(f"{other}: of its tables only monthly.parquet is held against the rerun")
        else:
            for name in [*(f"{table}.parquet" for table in run.manifest["tables"]), *KEY_FIGURES]:
                mine, theirs = path / name, again.path / name
                if mine.exists() and theirs.exists() and file_digest(mine) != file_digest(theirs):
                    differing.setdefault(name, "is not what comes out again")
        if made_by == now:
            for key in ("scenario_digest", "arms", "tiers", "seeds", "arm_digests"):
                if key in run.manifest and run.manifest[key] != again.manifest[key]:
                    differing.setdefault(MANIFEST, f"has another {key} than comes out again")
    digests = {"stored": stored, "manifest": str(run.manifest["result_digest"])}
    if len(set(digests.values())) > 1:
        differing.setdefault("monthly.parquet", "has not the result_digest of the manifest")
    sealed = len(run.manifest.get("files", {}))
    return Verdict(digests | {"rerun": str(again.manifest["result_digest"])}, differing, tuple(notes), sealed)


NOT_SEALED = "this {} was stored before files were sealed: whether they are as they were written is not known"


def against_scenario(manifest: Mapping[str, Any], text: str) -> str:
    """What a manifest says otherwise than the scenario stored beside it; "" if it does not."""
    try:
        settings = read_yaml(text)
    except (yaml.YAMLError, ValueError):
        return ""
    if not isinstance(settings, dict):
        return ""
    for key in FACTS:
        if key in settings and key in manifest and not _same(settings[key], manifest[key]):
            return f"has {key} {manifest[key]}, its scenario.yaml {settings[key]}"
    return ""


def _same(one: Any, other: Any) -> bool:
    try:
        return one == other or float(one) == float(other)  # YAML 1.1 has 1e-3 for text
    except (TypeError, ValueError):
        return False


def _otherwise(manifest: Mapping[str, Any], now: str) -> str:
    """How the making of a run differs from one made here and now, in words; "" where it does not."""
    if (made_by := str(manifest.get("code_version"))) != now:
        return f"the run was made by other code ({made_by})"
    for key, here in surroundings().items():
        if manifest.get(key) != here:
            what = {"packages": "with other versions of packages", "python": "by another Python"}.get(key)
            return f"the run was made {what or 'on another machine'}"
    return ""
