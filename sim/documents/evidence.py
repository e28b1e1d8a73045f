"""What is handed in beside a run: facts measured, calibrations, a sweep; and whether the run is what was written."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from sim.errors import BadInput
from sim.experiments.provenance import code_version
from sim.experiments.verify import against_scenario
from sim.reporting.sign_off import Calibration, Facts
from sim.store.run_reading import Run, changed_files
from sim.store.seals import MANIFEST, is_sealed, words
from sim.store.tables import result_digest

if TYPE_CHECKING:
    import pandas as pd

NOT_SEALED = "the run was stored before files were sealed: whether they are as they were written is not known"


def facts(folder: Path | None) -> Facts:
    """A measurement of the stylised facts: that of a folder of validate-model, else the one that the program ships."""
    from sim.validation.stored import read, shipped

    found = shipped() if folder is None else read(folder)
    return Facts(found.table, found.record, "" if folder is None else folder.name)


def calibration(folder: Path) -> Calibration:
    """A folder of calibrate; `BadInput` for one that is none, has not ended, or lacks a table."""
    from sim.calibration.posterior import read_posterior
    from sim.calibration.stored import RECORD, changed_files, read_calibrated

    found = read_calibrated(folder)
    altered = {RECORD if name == MANIFEST else name: how for name, how in changed_files(folder).items()}
    try:
        digest = read_posterior(folder / "posterior.yaml").digest
    except BadInput as bad:
        digest = ""
        altered.setdefault("posterior.yaml", f"is damaged: {bad.mistakes[0].message}")
    return Calibration(found, words(altered), digest)


def integrity(run: Run) -> tuple[list[str], list[str]]:
    """What is wrong with a stored run, and what could not be asked; two empty lists for one that is whole.

    Seals find what was changed by mistake. Somebody who seals anew is found where the digest of the results, the
    scenario or the key figures no longer follow from the tables; a rerun (`verify`) finds the rest.
    """
    wrong, unknown = [], []
    if found := changed_files(run.path, run.manifest):
        wrong.append(f"no longer what was written: {words(found)}")
    if not is_sealed(run.manifest):
        unknown.append(NOT_SEALED)
    if result_digest(run.monthly, run.arms, run.tiers) != run.manifest["result_digest"]:
        wrong.append("monthly.parquet does not have the result digest that manifest.json states")
    if difference := against_scenario(run.manifest, run.scenario_text):
        wrong.append(f"manifest.json {difference}")
    if str(run.manifest.get("code_version", "")).startswith(code_version()):
        wrong += [f"{name} is not what the stored tables come to" for name in _other_key_figures(run)]
    else:
        unknown.append("the run was made by another version of the program, so its key figures were not computed again")
    return wrong, unknown


def _other_key_figures(run: Run) -> list[str]:
    """Tables of key figures that do not follow from the stored tables."""
    found = []
    for name, table in _key_figures(run).items():
        buffer = io.StringIO()
        table.to_csv(buffer, index=False, lineterminator="\n")
        file = run.path / f"{name}.csv"
        if file.exists() and file.read_bytes() != buffer.getvalue().encode():
            found.append(file.name)
    return found


def read_anew(run: Run) -> list[str]:
    """Put what the stored tables come to in the place of key figures whose file cannot be read; what is said of it."""
    said = []
    for name, table in _key_figures(run).items():
        try:
            getattr(run, name)
        except BadInput as bad:
            setattr(run, name, table)
            said.append(f"{name}.csv cannot be read ({bad.mistakes[0].message}); its figures here are of the tables")
    return said


def _key_figures(run: Run) -> dict[str, pd.DataFrame]:
    """Key figures as the stored tables have them, by the name of their file."""
    from sim.measures.compare import compare
    from sim.measures.evidence import evidence_of
    from sim.measures.kpis import run_kpis_of, summarise
    from sim.measures.precision import precision

    kpis = run_kpis_of(run)
    found = {"summary": summarise(kpis, evidence_of(run).errors)}
    if len(run.arms) > 1:
        found |= {"comparison": compare(kpis, run.arms[0]), "precision": precision(kpis, run.arms[0])}
    return found
