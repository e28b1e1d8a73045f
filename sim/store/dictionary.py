"""The data dictionary: every file, column, unit, meaning and code, as a page. ``python -m sim.store.dictionary``."""

from __future__ import annotations

from sim.store.calibration_columns import CALIBRATED
from sim.store.columns import FILES, Column, File
from sim.store.diagnosis_columns import DIAGNOSED
from sim.store.sign_off_columns import SIGNED_OFF
from sim.store.survey_columns import SURVEY
from sim.store.validation_columns import VALIDATION

HEAD = """# Data dictionary

Made from the definitions that files are written with (`python -m sim.store.dictionary > docs/data-dictionary.md`).

**In Parquet files** each column has its unit, meaning and codes as metadata of its field; of a table read by this
program the units stand in `frame.attrs["units"]`. A column with `<...>` in its name stands for as many as there are
strategies, tiers, key figures or parameters. `money` is the model's currency, which `manifest.json` names. A missing
number is empty in CSV and NaN in Parquet. CSV is UTF-8 with LF and numbers in full. `counterfactuals.parquet` has its
dictionary beside it, in `card.md`.
"""
TITLES = {
    "run": "A run",
    "sweep": "A sweep",
    "optimisation": "An optimisation (besides what a sweep has)",
    "analysis": "The analysis of a sweep",
    "survey": "The analysis of a survey",
    "likeness": "Simulated answers against real ones",
    "diagnosis": "A diagnosis",
    "calibration": "A calibration",
    "validation": "A validation of the model",
    "sign-off": "A sign-off file",
}


def page() -> str:
    """docs/data-dictionary.md."""
    every = (FILES, SURVEY, DIAGNOSED, CALIBRATED, VALIDATION, SIGNED_OFF)
    told = [file for files in every for file in files.values()]  # names may come again
    chapters = (
        f"## {title}\n\n" + "\n".join(_section(file) for file in told if file.of == of) for of, title in TITLES.items()
    )
    return HEAD + "\n" + "\n".join(chapters)


def _section(file: File) -> str:
    rows = "".join(_row(column) for column in file.columns)
    return f"### {file.path}\n\nA row is {file.row}.\n\n| column | type | unit | meaning |\n|---|---|---|---|\n{rows}"


def _row(column: Column) -> str:
    codes = ", ".join(f"`{code}` {meaning}" for code, meaning in column.codes.items())
    meaning = column.meaning + (f": {codes}" if codes else "")
    late = "; not in files of earlier editions" if column.later else ""
    return f"| `{column.name}` | {column.dtype} | {column.unit} | {meaning}{late} |\n"


if __name__ == "__main__":
    print(page(), end="")
