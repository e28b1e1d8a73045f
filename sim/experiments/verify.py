"""Does a results folder still say what the program computes? The stored digest, the manifest's and a rerun's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sim.errors import BadInput
from sim.experiments.execution import Options, code_version, run_all
from sim.experiments.prepare import prepare
from sim.results import read
from sim.tables import result_digest


@dataclass(frozen=True)
class Verdict:
    """Three digests of the monthly table; `made_by` is the code version of the run if it is not today's, else None."""

    digests: dict[str, str]
    made_by: str | None

    @property
    def same(self) -> bool:
        return len(set(self.digests.values())) == 1


def verify(folder: str | Path, *, threads: int | None = None) -> Verdict:
    """Compare digests; raises BadInput where the folder is absent, unfinished or damaged."""
    run = read(folder)
    if run.manifest["status"] != "done":
        raise BadInput.at(str(folder), f"status is {run.manifest['status']}; only a finished run can be verified")
    stored = result_digest(run.monthly, run.arms, run.tiers)
    prepared = prepare([Path(folder) / "scenario.yaml"])
    with TemporaryDirectory() as scratch:
        options = Options(out=Path(scratch) / "rerun", threads=threads, report=False)
        again = run_all(prepared, options)[0]
        rerun = str(again.run.manifest["result_digest"])
    made_by = str(run.manifest.get("code_version"))
    digests = {"stored": stored, "manifest": str(run.manifest["result_digest"]), "rerun": rerun}
    return Verdict(digests, None if made_by == code_version(prepared[0].scenario.strategies_named) else made_by)
