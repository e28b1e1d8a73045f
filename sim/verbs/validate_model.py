"""`validate-model`: the stylised facts lived and held against their tolerances, as a table, a page and files."""

from __future__ import annotations

import argparse
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sim.errors import BadInput
from sim.store.folder import make_folder, refuse_occupied
from sim.verbs.common import processes, seeds_given

KEPT = "parts"  # what each experiment came to, until all are done
DEFAULT = Path("results") / "validation"
SEEDS = 10


def main(arguments: argparse.Namespace) -> int:
    """Live the experiments, write the folder, tell the table; 1 where an experiment broke.

    A folder whose measurement was stopped is gone on with.
    """
    from sim.experiments.callbacks import Callback
    from sim.experiments.provenance import code_version, surroundings
    from sim.reporting.validation import FILES, counts, terminal_table, write
    from sim.reporting.validation.page import main_figure, rows_of
    from sim.validation import stored
    from sim.validation.experiments import Size
    from sim.validation.measuring import measure
    from sim.verbs.progress import SweepProgress

    facts, seeds = _facts(arguments.facts), _seeds(arguments.seeds)
    folder = arguments.out or DEFAULT
    goes_on = (folder / KEPT).is_dir() and not (folder / stored.RECORD).exists()
    refuse_occupied(folder, "a validation", (*FILES, f"{KEPT}/*"), overwrite=arguments.overwrite or goes_on)
    if arguments.overwrite and folder.exists():
        for file in folder.iterdir():
            shutil.rmtree(file) if file.is_dir() else file.unlink()
    make_folder(folder / KEPT)
    callback = Callback() if arguments.quiet else SweepProgress("validate-model")
    size = Size(arguments.customers) if arguments.customers else Size()
    measured = measure(size, seeds, folder / KEPT, facts, processes(arguments.workers), callback)
    callback.ended(f"{len(facts)} facts measured")
    origin = {"created": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", "code_version": code_version(), **surroundings()}
    found = stored.write(folder, measured, origin)
    page = write(folder, found.table, found.record, found.seeds)
    shutil.rmtree(folder / KEPT)
    told = found.record["facts"]
    if arguments.json:
        print(json.dumps(_as_json(folder, found), allow_nan=False, ensure_ascii=False))
    else:
        of = rows_of(found.table)
        rows = [(one["fact"], one["claim"], one["verdict"], main_figure(one, of[one["fact"]])) for one in told]
        print(f"{terminal_table(rows)}\n\n{counts([one['verdict'] for one in told])}; page: {page}")
    return 1 if measured.broken else 0


def _as_json(folder: Path, found: Any) -> dict[str, Any]:
    words = ("model", "customers", "seeds", "met", "missed", "unclear", "not_modelled", "of", "broken")
    return {"folder": str(folder), **{key: found.record[key] for key in words}, "facts": dict(found.verdicts)}


def _facts(asked: str | None) -> list[str]:
    """Facts of --facts in the table's order; all where it was not given."""
    from sim.validation.findings import NAMES
    from sim.yaml_source import did_you_mean

    if asked is None:
        return list(NAMES)
    names = [name.strip().upper() for name in asked.split(",") if name.strip()]
    if not names:
        raise BadInput.at("--facts", f"{asked!r} names no fact; names with commas between them, as V1,E9")
    for name in names:
        if name not in NAMES:
            raise BadInput.at("--facts", f"unknown fact {name!r}; {did_you_mean(name, NAMES, all_if_none='one of')}")
    return [name for name in NAMES if name in names]


def _seeds(asked: str | None) -> list[int]:
    """Seeds of --seeds; 1 to 10 where it was not given."""
    seeds = seeds_given(asked) if asked is not None else SEEDS
    found = seeds if isinstance(seeds, list) else list(range(1, seeds + 1))
    if len(set(found)) < len(found):
        raise BadInput.at("--seeds", f"{asked!r} names a seed twice; distinct whole numbers")
    return found
