"""A questionnaire that was held, on disk: a folder with the sheets, the truth beside them, and the instrument.

answers.csv and answers.parquet are what a survey tool would give; truth.parquet and bias.csv only a simulation has;
survey.json says whom it was held on, when and how.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import BadInput
from sim.store.files import renamed, why_unreadable, write_atomically, write_csv, write_json, writing
from sim.survey.instrument import Instrument

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "rapport-survey"
FACTS = "survey.json"
ANSWERS, TRUTH, BIAS, INSTRUMENT = "answers", "truth.parquet", "bias.csv", "instrument.yaml"
NOUN = "a survey"
MADE_OF_IT = (f"{ANSWERS}-analysis/*", f"{ANSWERS}-bank/*", "likeness/*")  # what other ways of `survey` put beside
OURS = (f"{ANSWERS}.*", TRUTH, BIAS, INSTRUMENT, FACTS, *MADE_OF_IT)


def write(
    folder: Path,
    instrument: Instrument,
    sheets: pd.DataFrame,
    truth: pd.DataFrame,
    bias: pd.DataFrame,
    facts: Mapping[str, Any],
    *,
    overwrite: bool = False,
) -> None:
    """Write a held survey into a folder that may be used, survey.json last: without it nothing else is believed."""
    from sim.survey.instrument.writing import to_yaml

    if folder.exists() and overwrite:
        (folder / FACTS).unlink(missing_ok=True)
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with writing(folder):
        write_atomically(folder / INSTRUMENT, to_yaml(instrument))
        whole = {code: "Int64" for code in instrument.codes if code in sheets}
        write_csv(folder / f"{ANSWERS}.csv", sheets.astype(whole))
        for name, table in ((f"{ANSWERS}.parquet", sheets), (TRUTH, truth)):
            with renamed(folder / name) as temporary:
                table.to_parquet(temporary, index=False)
        write_csv(folder / BIAS, bias)
        write_json(folder / FACTS, {"format": FORMAT, "format_version": 1, **facts})


def facts_of(folder: Path) -> dict[str, Any]:
    """What survey.json says; `BadInput` where the folder holds no survey."""
    file = folder / FACTS
    try:
        found = json.loads(file.read_bytes())
    except FileNotFoundError:
        raise BadInput.at(str(folder), "holds no survey: it has no survey.json") from None
    except (OSError, ValueError) as error:
        raise BadInput.at(str(file), why_unreadable(error)) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise BadInput.at(str(file), f'is not of a survey (it should say "format": "{FORMAT}")')
    return found


def bias_beside(answers: Path) -> pd.DataFrame | None:
    """What a survey was wrong by, of the folder that it was held into; None for answers that are of no such folder."""
    folder = answers.parent
    if not (folder / FACTS).exists() or not (folder / BIAS).exists() or not answers.name.startswith(f"{ANSWERS}."):
        return None
    from sim.store.tables import read_values

    types = {"arm": "text", "seed": "int64", "wave": "int64", "construct": "text", "cause": "text", "unit": "text"}
    return read_values(folder / BIAS, types | {"true": "float64", "measured": "float64", "bias": "float64"})


def held_in(run: Path) -> list[Path]:
    """Folders of surveys that were held on a run, the newest last."""
    found = [file.parent for file in (run / "surveys").glob(f"*/{FACTS}")]
    return sorted(found, key=lambda folder: (str(facts_of(folder).get("created", "")), folder.name))
