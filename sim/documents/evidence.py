"""What is handed in beside a run: facts measured, calibrations, a sweep; and whether the run is what was written."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sim.errors import BadInput
from sim.experiments.provenance import code_version
from sim.experiments.verify import against_scenario
from sim.reporting.sign_off import Calibration, Facts
from sim.store.files import why_unreadable
from sim.store.run_reading import Run, changed_files
from sim.store.seals import is_sealed, words
from sim.store.tables import result_digest

CALIBRATION = "rapport-calibration"
OF_CALIBRATION = ("fit", "identifiability", "sbc", "checks")
NOT_SEALED = "the run was stored before files were sealed: whether they are as they were written is not known"


def facts(folder: Path | None) -> Facts:
    """A measurement of the stylised facts: that of a folder of validate-model, else the one that the program ships."""
    from sim.validation.stored import read, shipped

    found = shipped() if folder is None else read(folder)
    return Facts(found.table, found.record, "" if folder is None else folder.name)


def calibration(folder: Path) -> Calibration:
    """A folder of calibrate; tables that it lacks are None, and it is said on the page. `BadInput` where it is none."""
    file = folder / "calibration.json"
    try:
        record = json.loads(file.read_bytes())
    except FileNotFoundError:
        what = "it has no calibration.json" if folder.is_dir() else "there is no such folder"
        raise BadInput.at(str(folder), f"not a folder of calibrate: {what}") from None
    except (OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    if not isinstance(record, dict) or record.get("format") != CALIBRATION:
        raise BadInput.at(str(file), f'not the record of a calibration (it should say "format": "{CALIBRATION}")')
    tables: dict[str, pd.DataFrame | None] = {}
    for name in OF_CALIBRATION:
        table = folder / f"{name}.csv"
        try:
            tables[name] = pd.read_csv(table, keep_default_na=True) if table.exists() else None
        except (OSError, ValueError) as error:
            raise BadInput.at(str(table), why_unreadable(error)) from None
    return Calibration(str(record.get("name", folder.name)), record, _altered(folder, record), **tables)


def _altered(folder: Path, record: Mapping[str, Any]) -> str:
    """Which files are no longer what the calibration wrote; "" for none, and for a folder without seals."""
    from sim.store.seals import changed

    found = changed(folder, record, ("posterior.yaml", "draws.parquet", *(f"{name}.csv" for name in OF_CALIBRATION)))
    return words({("calibration.json" if name == "manifest.json" else name): how for name, how in found.items()})


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
    from sim.measures.compare import compare
    from sim.measures.evidence import evidence_of
    from sim.measures.kpis import run_kpis_of, summarise
    from sim.measures.precision import precision

    kpis = run_kpis_of(run)
    again = {"summary.csv": summarise(kpis, evidence_of(run).errors)}
    if len(run.arms) > 1:
        again |= {"comparison.csv": compare(kpis, run.arms[0]), "precision.csv": precision(kpis, run.arms[0])}
    found = []
    for name, table in again.items():
        buffer = io.StringIO()
        table.to_csv(buffer, index=False, lineterminator="\n")
        if (run.path / name).exists() and (run.path / name).read_text("utf-8") != buffer.getvalue():
            found.append(name)
    return found
