"""The folder of an analysis: survey.html, figures, a CSV file a table, and what is known of the sheets as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sim.reporting.survey import truth
from sim.reporting.survey.page import plates, render
from sim.reporting.survey.sentences import findings
from sim.store.files import plain, write_atomically, write_csv, write_json
from sim.store.folder import make_folder
from sim.survey.analysis.asking import Analysis

if TYPE_CHECKING:
    import pandas as pd

PAGE, FACTS, TABLES, FIGURES = "survey.html", "analysis.json", "tables", "figures"
OURS: Final = (PAGE, FACTS, f"{TABLES}/*", f"{FIGURES}/*")


def build(analysis: Analysis, folder: Path, bias: pd.DataFrame | None = None) -> Path:
    """Write everything into a folder, in place of an earlier analysis; returns the page's file.

    `bias` is what the survey was wrong by, where it was held on a simulated bank (`survey.holding.bias`).
    """
    from sim.reporting.page import draw_all

    folder = Path(folder)
    make_folder(folder / TABLES)
    for stale in (
        *(folder / TABLES).glob("*.csv"),
        *(folder / FIGURES).glob("*.png"),
        *(folder / FIGURES).glob("*.svg"),
    ):
        stale.unlink()
    for name, table in analysis.tables.items():
        write_csv(folder / TABLES / f"{name}.csv", table)
    write_json(folder / FACTS, analysis.facts | {"notes": list(analysis.notes), "remarks": list(analysis.remarks)})
    pictures, _ = draw_all([*plates(analysis), *truth.plates(analysis, bias)], folder, ids="s")
    write_atomically(folder / PAGE, render(analysis, pictures, bias))
    return folder / PAGE


def as_json(analysis: Analysis, folder: Path) -> dict[str, Any]:
    """Facts, findings and tables but those with a row a sheet, as plain data; what is not finite is null."""
    tables = {
        name: json.loads(table.to_json(orient="records")) for name, table in analysis.tables.items() if name != "sheets"
    }
    told = {"findings": findings(analysis), "notes": list(analysis.notes), "remarks": list(analysis.remarks)}
    return {"folder": str(folder), **plain(analysis.facts), **told, "tables": tables}
